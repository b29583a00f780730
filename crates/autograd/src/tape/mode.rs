//! Whether ops are recorded, per thread.

use std::cell::Cell;

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(true) };
    static COMPOSED: Cell<bool> = const { Cell::new(false) };
}

struct Restore(&'static std::thread::LocalKey<Cell<bool>>, bool);
impl Drop for Restore {
    fn drop(&mut self) {
        let before = self.1;
        // Gone at thread exit, when nothing needs restoring.
        let _ = self.0.try_with(|c| c.set(before));
    }
}

fn with<R>(
    key: &'static std::thread::LocalKey<Cell<bool>>,
    value: bool,
    f: impl FnOnce() -> R,
) -> R {
    let _restore = Restore(key, key.with(|c| c.replace(value)));
    f()
}

/// Runs `f` without recording on this thread: what it computes is not tracked. Nests, and is
/// restored when `f` panics.
///
/// ```
/// use wengert::prelude::*;
/// let x = Var::new([1.0f32, 2.0]).tracked();
/// let y = no_grad(|| x.exp());
/// assert!(!y.is_tracked());
/// assert!(x.exp().is_tracked());
/// ```
pub fn no_grad<R>(f: impl FnOnce() -> R) -> R {
    with(&RECORDING, false, f)
}

/// Runs `f` recording, within [`no_grad`] as well.
pub fn enable_grad<R>(f: impl FnOnce() -> R) -> R {
    with(&RECORDING, true, f)
}

/// [`enable_grad`] if `on`, else as it is.
pub(crate) fn enable_grad_if<R>(on: bool, f: impl FnOnce() -> R) -> R {
    with(&RECORDING, on || is_recording(), f)
}

/// Whether ops on tracked variables are recorded on this thread now.
#[inline]
pub fn is_recording() -> bool {
    RECORDING.with(Cell::get)
}

/// Runs `f` with every backward on this thread using the rules composed of differentiable ops, also
/// where there is a fused form: for tests that the two agree.
pub fn composed_rules<R>(f: impl FnOnce() -> R) -> R {
    with(&COMPOSED, true, f)
}

#[inline]
pub(crate) fn is_composed() -> bool {
    COMPOSED.with(Cell::get)
}
