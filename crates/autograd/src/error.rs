//! What can go wrong on the tape.

use std::panic::Location;

use wengert_tensor::{DType, Shape};

/// The result of a call that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong in a call on variables.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The tensors did not fit: shapes, axes, indices, memory.
    #[error(transparent)]
    Tensor(#[from] wengert_tensor::Error),
    /// A walk back without a seed from a variable of several elements.
    #[error(
        "{call}: the output has shape {shape}, a gradient starts from one number\n  at    {at}\n  hint  reduce it first (`.sum_all()`, `.mean_all()`), or give the seed: `{seeded}`"
    )]
    NotScalar {
        /// The call.
        call: &'static str,
        /// Its form that takes a seed.
        seeded: &'static str,
        /// The output's shape.
        shape: Shape,
        /// The caller's line.
        at: &'static Location<'static>,
    },
    /// `backward` on a variable that depends on nothing that is tracked.
    #[error(
        "{call}: the variable does not depend on a tracked one\n  at    {at}\n  hint  make a leaf with `.tracked()`, use a `Param`, and look for `no_grad` or `detach` on the way"
    )]
    NotTracked {
        /// The call.
        call: &'static str,
        /// The caller's line.
        at: &'static Location<'static>,
    },
    /// A walk came to an op that an earlier one released: what it saved, and what its inputs were, is gone.
    #[error(
        "backward: the graph was released by an earlier backward\n  op    {op}, recorded at {recorded}\n  hint  keep it with `Backward::new().retain_graph()` in the first call, compute the loss again, or use the value alone with `detach()`"
    )]
    Released {
        /// The first op found released.
        op: &'static str,
        /// Where it was recorded.
        recorded: &'static Location<'static>,
    },
    /// A seed, hook or custom rule gave a gradient of another shape or type than its value has.
    #[error(
        "{op}: the gradient of {what} has {got_dtype} {got}, the value has {want_dtype} {want}\n  at    {at}\n  rule  a gradient has the shape and the type of its value (or broadcasts from it)\n  hint  `ones_like()` of the value has both; `sum_to(shape)` undoes a broadcast, `cast()` a change of type"
    )]
    GradientShape {
        /// The op.
        op: &'static str,
        /// Which gradient.
        what: String,
        /// Its type.
        got_dtype: DType,
        /// Its shape.
        got: Box<Shape>,
        /// The value's type.
        want_dtype: DType,
        /// The value's shape.
        want: Box<Shape>,
        /// Where the op was recorded.
        at: &'static Location<'static>,
    },
    /// A rule gave another number of gradients than the op has inputs.
    #[error(
        "{op}: the rule gave {got} gradients for {want} inputs\n  at    {at}\n  rule  one `Option` for each input, in order"
    )]
    GradientCount {
        /// The op.
        op: &'static str,
        /// How many came.
        got: usize,
        /// How many inputs there are.
        want: usize,
        /// Where the op was recorded.
        at: &'static Location<'static>,
    },
    /// One of the inputs given to `grad` is not tracked, or the outputs do not depend on it.
    #[error(
        "grad: input {index} {why}\n  at    {at}\n  hint  `Grad::allow_unused()` gives zeros for inputs that the outputs do not depend on"
    )]
    Unused {
        /// Which input.
        index: usize,
        /// What is wrong with it.
        why: &'static str,
        /// The caller's line.
        at: &'static Location<'static>,
    },
    /// A gradient check that could not be made.
    #[error("gradcheck: {what}\n  rule  {rule}\n  hint  {hint}")]
    CheckRefused {
        /// What stands against it.
        what: String,
        /// What the check needs.
        rule: &'static str,
        /// What would probably mend it.
        hint: &'static str,
    },
    /// A gradient that is not the derivative; the report is boxed because it holds the evidence.
    #[error("{0}")]
    CheckFailed(Box<crate::gradcheck::Report>),
    /// A user's own op refused its arguments.
    #[error("{op}: {reason}")]
    Custom {
        /// The op.
        op: &'static str,
        /// Its words.
        reason: String,
    },
}

/// As it prints: what ends a `main` or meets an `unwrap` is to be read.
impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// Adds the module that the call was made in, innermost first.
    pub fn within(self, module: impl Into<String>) -> Error {
        match self {
            Error::Tensor(e) => Error::Tensor(e.within(module)),
            other => other,
        }
    }
}
