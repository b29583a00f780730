//! The user's line: the line outside this library that made a call.
//!
//! `#[track_caller]` finds it through functions. It does not pass a call through `dyn`, a closure or a function pointer: what is
//! called there sees a line of this library or of `core`. Whoever makes such a call for a user notes the user's line first.
//!
//! Invariant: a line of the user's own is never replaced.

use std::cell::Cell;
use std::panic::Location;

thread_local! {
    /// The line that calls made within the library are made for.
    static USER: Cell<Option<&'static Location<'static>>> = const { Cell::new(None) };
}

/// Where this file lies, up to the name of this package's folder, and what follows that name up to its sources: `crates/` and
/// `/src`, or `…/wengert-` and `-0.1.0/src`. The other packages lie beside it.
const PLACE: (&str, &str) = place(file!());
const FOLDER: &str = "tensor";

const fn place(file: &str) -> (&str, &str) {
    let sources = file.len() - "/error/caller.rs".len();
    let (path, name) = (file.as_bytes(), FOLDER.as_bytes());
    let mut at = sources - name.len();
    loop {
        let mut same = 0;
        while same < name.len() && path[at + same] == name[same] {
            same += 1;
        }
        if same == name.len() {
            break;
        }
        at -= 1;
    }
    let (head, rest) = file.split_at(at);
    let (_, rest) = rest.split_at(name.len());
    (head, rest.split_at(sources - at - name.len()).0)
}

/// Whether a file is one of this library, or of the standard library, which calls closures and function pointers.
#[doc(hidden)]
pub fn is_library(file: &str) -> bool {
    let Some(rest) = file.strip_prefix(PLACE.0) else {
        return file.starts_with("/rustc/");
    };
    let folders = [FOLDER, "autograd", "nn"];
    let after = folders.iter().find_map(|folder| rest.strip_prefix(folder));
    after.is_some_and(|rest| rest.starts_with(PLACE.1))
}

/// Runs `f`, within which calls that this library makes are made for the line `at`; if that is a line of the library as
/// well, for the line that they are made for already.
#[doc(hidden)]
#[inline]
pub fn on_behalf_of<R>(at: &'static Location<'static>, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<&'static Location<'static>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            USER.set(self.0);
        }
    }
    let _restore = Restore(USER.get());
    USER.set(Some(user_line(at)));
    f()
}

/// The user's line of a call that came from `at`.
#[doc(hidden)]
#[inline]
pub fn user_line(at: &'static Location<'static>) -> &'static Location<'static> {
    match USER.get() {
        None => at,
        Some(user) => among(at, user),
    }
}

#[inline(never)]
fn among(
    at: &'static Location<'static>,
    user: &'static Location<'static>,
) -> &'static Location<'static> {
    if is_library(at.file()) { user } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_lie_side_by_side() {
        for (file, place_of) in [
            ("crates/tensor/src/error/caller.rs", ("crates/", "/src")),
            (
                "/r/wengert-tensor-0.1.0/src/error/caller.rs",
                ("/r/wengert-", "-0.1.0/src"),
            ),
            ("/tensor/tensor/src/error/caller.rs", ("/tensor/", "/src")),
        ] {
            assert_eq!(place(file), place_of);
        }
        assert!(is_library(file!()) && is_library("/rustc/x/library/core/src/ops/function.rs"));
        let beside = |folder: &str, file: &str| format!("{}{folder}{}{file}", PLACE.0, PLACE.1);
        assert!(is_library(&beside("nn", "/layers/linear.rs")));
        assert!(is_library(&beside("autograd", "/var.rs")));
        assert!(!is_library("src/main.rs") && !is_library("/home/me/tensor/src/main.rs"));
        assert!(!is_library(&format!("{}nn/tests/x.rs", PLACE.0)));
    }

    #[test]
    fn a_line_of_the_users_own_is_never_replaced() {
        let here = Location::caller();
        assert!(std::ptr::eq(user_line(here), here));
    }
}
