//! Modes held and put back. Invariant: they are put back one layer at a time, as each was, also after
//! an error or a panic: a layer that was frozen in evaluation mode stays so.

use wengert_autograd::no_grad;

use crate::module::{Entry, Module, walk};

/// Puts every mode back when it goes.
pub(super) struct Modes<'a> {
    model: &'a dyn Module,
    modes: Vec<bool>,
}

impl<'a> Modes<'a> {
    /// Notes every layer's mode.
    pub(super) fn hold(model: &'a dyn Module) -> Modes<'a> {
        let mut modes = Vec::new();
        walk(&|v| model.visit(v), &mut |_, entry| {
            if let Entry::Training(t) = entry {
                modes.push(t.get());
            }
        });
        Modes { model, modes }
    }
}

impl Drop for Modes<'_> {
    fn drop(&mut self) {
        let mut modes = self.modes.iter();
        walk(&|v| self.model.visit(v), &mut |_, entry| {
            if let Entry::Training(t) = entry
                && let Some(&mode) = modes.next()
            {
                t.set(mode);
            }
        });
    }
}

/// Runs `f` with the model in evaluation mode and nothing recorded; every layer's mode is then as it
/// was, also where `f` fails or panics.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::nn::evaluating;
/// let dropout = Dropout::new(0.5, &mut Rng::seed(0))?;
/// let x = Var::new([1.0f32; 64]).tracked();
/// let y = evaluating(&dropout, || dropout.forward(&x))?;
/// assert_eq!(y.to_vec(), x.to_vec()); // nothing dropped
/// assert_ne!(dropout.forward(&x)?.to_vec(), x.to_vec()); // and training again
/// # Ok::<(), wengert::Error>(())
/// ```
pub fn evaluating<M: Module, R>(model: &M, f: impl FnOnce() -> R) -> R {
    let _modes = Modes::hold(model);
    model.eval();
    no_grad(f)
}
