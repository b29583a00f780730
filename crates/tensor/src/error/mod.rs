//! The one error of the workspace: a kind with fields, and where it happened, so that every message names the operation, the
//! shapes as they were given, the rule, the caller's line and one hint.

mod caller;
mod kind;
mod nearest;
mod site;

use std::fmt;
use std::panic::Location;
use std::path::Path;
use std::sync::Arc;

#[doc(hidden)]
pub use caller::{is_library, on_behalf_of, user_line};
pub use kind::{ErrorKind, StateMismatch};
pub use nearest::nearest;
pub use site::{Operand, Site};

/// The result of a call that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in tensors, on the tape, in training or in a file: a [kind](Error::kind) to tell apart, and
/// [where](Error::site). It prints the same by `{}` and by `{:?}`, so that the error which ends a `main` can be read.
///
/// Errors of other types come in by `?` (of `std::io`, and any `Box<dyn Error>`) or by [`Error::other`], and go out by
/// [`Error::downcast_ref`].
///
/// ```
/// use wengert::{Error, ErrorKind, Tensor};
/// let e = Tensor::<f32>::zeros([2, 3]).try_add(&Tensor::zeros([4])).unwrap_err();
/// assert!(matches!(e.kind(), ErrorKind::Broadcast));
/// assert!(e.to_string().starts_with("add: shapes do not broadcast\n  lhs   f32 [2, 3]"));
///
/// fn steps(text: &str) -> wengert::Result<u32> {
///     text.parse().map_err(Error::other) // any error of the user's
/// }
/// assert!(steps("ten").unwrap_err().downcast_ref::<std::num::ParseIntError>().is_some());
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    site: Site,
}

impl Error {
    pub(crate) fn of(kind: ErrorKind, site: Site) -> Error {
        Error(Box::new(Inner { kind, site }))
    }

    /// What went wrong, as fields.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The kind, to move out of.
    pub fn into_kind(self) -> ErrorKind {
        self.0.kind
    }

    /// Where, and on what.
    pub fn site(&self) -> &Site {
        &self.0.site
    }

    /// The site, to add to it.
    pub fn site_mut(&mut self) -> &mut Site {
        &mut self.0.site
    }

    /// The error of another type that this one was made of, if it is of type `E`.
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match self.kind() {
            ErrorKind::Other(e) => e.downcast_ref(),
            _ => None,
        }
    }

    /// Adds the module that the call was made in (`fc1 (Linear 6272 -> 10)`), innermost first.
    pub fn within(mut self, module: impl Into<String>) -> Error {
        self.0.site.within.push(module.into());
        self
    }

    /// Adds the file that was read, where none is named yet.
    pub fn in_file(mut self, path: impl AsRef<Path>) -> Error {
        let named = matches!(self.kind(), ErrorKind::Io { path: Some(_), .. });
        if !named && self.0.site.file.is_none() {
            self.0.site.file = Some(path.as_ref().display().to_string());
        }
        self
    }

    /// Adds a hint where there is none yet.
    pub fn or_hint(mut self, hint: impl Into<String>) -> Error {
        self.0.site.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// Names the operation anew, for a call made of others.
    pub fn rename(mut self, op: &'static str) -> Error {
        self.0.site.op = op;
        self
    }

    /// Forgets the line, where it is none of the user's: within a callback, say.
    pub fn unplaced(mut self) -> Error {
        self.0.site.at = None;
        self
    }

    /// From a failure of the file system on a path.
    pub fn io(op: &'static str, path: impl AsRef<Path>, e: &std::io::Error) -> Error {
        Site::unplaced(op).error(ErrorKind::Io {
            path: Some(path.as_ref().display().to_string()),
            kind: e.kind(),
            reason: e.to_string(),
        })
    }

    /// An argument out of its domain.
    #[track_caller]
    pub fn invalid(
        op: &'static str,
        name: &'static str,
        value: impl fmt::Display,
        rule: &'static str,
    ) -> Error {
        invalid(Site::new(op), name, &value, rule)
    }

    /// Data that cannot be used, in words that say what and where.
    pub fn data(reason: impl Into<String>) -> Error {
        Site::unplaced("").error(ErrorKind::Data(reason.into()))
    }

    /// What an op of a user's own refuses, in its words.
    #[track_caller]
    pub fn custom(op: &'static str, reason: impl Into<String>) -> Error {
        Site::new(op).error(ErrorKind::Custom(reason.into()))
    }

    /// An error of another type, or a text.
    ///
    /// ```
    /// let e = wengert::Error::other("the sensor is off");
    /// assert!(e.to_string().starts_with("the sensor is off\n  at"));
    /// ```
    #[track_caller]
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        other(error.into(), Location::caller())
    }
}

#[cold]
#[inline(never)]
fn invalid(site: Site, name: &'static str, value: &dyn fmt::Display, rule: &'static str) -> Error {
    let value = value.to_string();
    site.error(ErrorKind::InvalidArgument { name, value, rule })
}

/// What is an [`Error`] in a box stays the error that it is.
fn other(error: Box<dyn std::error::Error + Send + Sync>, at: &'static Location<'static>) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => *own,
        Err(error) => Site::at("", at).error(ErrorKind::Other(Arc::from(error))),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rule, hint) = (self.kind().rule(), self.kind().hint());
        self.site()
            .render(f, self.kind(), rule.as_deref(), hint.as_deref())
    }
}

/// As it prints: what ends a `main` or meets an `unwrap` is to be read.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            ErrorKind::Other(e) => e.source(),
            _ => None,
        }
    }
}

impl From<std::io::Error> for Error {
    #[track_caller]
    fn from(e: std::io::Error) -> Error {
        Site::new("").error(ErrorKind::Io {
            path: None,
            kind: e.kind(),
            reason: e.to_string(),
        })
    }
}

impl From<Box<dyn std::error::Error + Send + Sync>> for Error {
    #[track_caller]
    fn from(e: Box<dyn std::error::Error + Send + Sync>) -> Error {
        other(e, Location::caller())
    }
}

/// An error that may not leave its thread: its text is kept.
impl From<Box<dyn std::error::Error>> for Error {
    #[track_caller]
    fn from(e: Box<dyn std::error::Error>) -> Error {
        match e.downcast::<Error>() {
            Ok(own) => *own,
            Err(e) => other(e.to_string().into(), Location::caller()),
        }
    }
}
