//! The kinds of error, for code that tells them apart.

use super::nearest::nearest;
use std::panic::Location;
use std::sync::Arc;

use crate::dtype::DType;
use crate::shape::Shape;

/// What went wrong, as fields. [`Error`](crate::Error) adds where and on what.
///
/// The kinds of tensors come first, then those of the tape, of training and of files.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Two operands whose shapes must agree do not.
    #[error("{what}")]
    ShapeMismatch {
        /// What differs.
        what: &'static str,
        /// The rule that the shapes broke.
        rule: &'static str,
    },
    /// Two shapes that NumPy's rules cannot broadcast.
    #[error("shapes do not broadcast")]
    Broadcast,
    /// A tensor of the wrong number of axes.
    #[error("needs {expected}")]
    Rank {
        /// What the call needs.
        expected: &'static str,
        /// The rank that was given.
        rank: usize,
        /// What it must satisfy.
        rule: &'static str,
    },
    /// An axis beyond the rank.
    #[error("axis {axis} is out of range")]
    AxisOutOfRange {
        /// The axis as given.
        axis: isize,
        /// The tensor's rank.
        rank: usize,
    },
    /// The same axis named twice.
    #[error("axis {axis} is named twice")]
    RepeatedAxis {
        /// The axis, counted from the front.
        axis: usize,
    },
    /// An index outside its axis.
    #[error("index {index} is out of range")]
    IndexOutOfRange {
        /// The index as given.
        index: i64,
        /// The axis it indexes.
        axis: usize,
        /// That axis's size.
        size: usize,
    },
    /// A number that is no class: unlike an index, it does not count from the end.
    #[error("{name} {class} is out of range")]
    ClassOutOfRange {
        /// What it is in the call: `target`, `index`.
        name: &'static str,
        /// The number as given.
        class: i64,
        /// How many classes there are.
        classes: usize,
    },
    /// A shape of another number of elements.
    #[error("cannot become {to}")]
    Reshape {
        /// The shape asked for, as text (an inferred axis shows as `?`).
        to: String,
        /// The rule that it broke.
        rule: &'static str,
    },
    /// A vector of data that does not fill the shape.
    #[error("{len} values for shape {shape}")]
    DataLength {
        /// How many values were given.
        len: usize,
        /// The shape they should fill.
        shape: Shape,
    },
    /// A shape whose size in bytes does not fit the address space.
    #[error("shape {shape} is too large")]
    SizeOverflow {
        /// The shape asked for.
        shape: Shape,
    },
    /// The system refused the memory.
    #[error("out of memory: {bytes} bytes refused")]
    OutOfMemory {
        /// The bytes asked for.
        bytes: usize,
    },
    /// A reduction without an identity, over no elements.
    #[error("nothing to reduce")]
    EmptyReduction,
    /// Any other argument out of its domain.
    #[error("{name} = {value}")]
    InvalidArgument {
        /// The argument.
        name: &'static str,
        /// Its value, as text.
        value: String,
        /// What it must satisfy.
        rule: &'static str,
    },

    /// A backward pass without a seed from a variable of several elements.
    #[error("the output has shape {shape}, a gradient starts from one number")]
    NotScalar {
        /// The output's shape.
        shape: Shape,
    },
    /// A gradient of a variable that depends on nothing that is tracked.
    #[error("the variable does not depend on a tracked one")]
    NotTracked,
    /// A backward pass came to an op whose saved values an earlier one released.
    #[error("the graph was released by an earlier backward\n  op    {op}, recorded at {recorded}")]
    Released {
        /// The first op found released.
        op: &'static str,
        /// Where it was recorded.
        recorded: &'static Location<'static>,
    },
    /// A seed, hook or custom rule gave a gradient of another shape or type than its value has.
    #[error("the gradient of {what} has {got_dtype} {got}, the value has {want_dtype} {want}")]
    GradientShape {
        /// Which gradient.
        what: String,
        /// Its type.
        got_dtype: DType,
        /// Its shape.
        got: Shape,
        /// The value's type.
        want_dtype: DType,
        /// The value's shape.
        want: Shape,
    },
    /// A rule gave another number of gradients than the op has inputs.
    #[error("the rule gave {got} gradients for {want} inputs")]
    GradientCount {
        /// How many came.
        got: usize,
        /// How many inputs there are.
        want: usize,
    },
    /// One of the inputs given to `grad` is not tracked, or the outputs do not depend on it.
    #[error("input {index} {why}")]
    Unused {
        /// Which input.
        index: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A gradient check that could not be made.
    #[error("{what}")]
    CheckRefused {
        /// What stands against it.
        what: String,
        /// What the check needs.
        rule: &'static str,
    },

    /// A state that does not fit the model: everything that is wrong with it, in one report.
    #[error("{0}")]
    State(StateMismatch),
    /// A training's loss that is NaN or infinite; the parameters are as they were before the batch.
    #[error("the loss is {loss} in epoch {}/{}, batch {}/{}", epoch.0, epoch.1, batch.0, batch.1)]
    NonFiniteLoss {
        /// The loss.
        loss: f64,
        /// The epoch, counted from 1, and how many there are.
        epoch: (usize, usize),
        /// The batch, counted from 1, and how many an epoch has.
        batch: (usize, usize),
        /// The learning rate.
        lr: f64,
    },
    /// Data that cannot be used: a bad row, a set without samples.
    #[error("{0}")]
    Data(String),

    /// A file that could not be read or written.
    #[error("{}{reason}", path.as_ref().map(|p| format!("{p}: ")).unwrap_or_default())]
    Io {
        /// The file, where the call that failed knows it.
        path: Option<String>,
        /// The system's kind of failure.
        kind: std::io::ErrorKind,
        /// The system's words.
        reason: String,
    },
    /// Bytes that are not what their format says.
    #[error("{format}: {reason} (at byte {offset})")]
    Format {
        /// The format: `npy`, `safetensors`, `IDX`, `CSV`.
        format: &'static str,
        /// Where in the file.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A user's own op refused its arguments, in its words.
    #[error("{0}")]
    Custom(String),
    /// An error of a type that is not this library's: a user's own.
    #[error("{0}")]
    Other(Arc<dyn std::error::Error + Send + Sync>),
}

impl ErrorKind {
    /// The rule that was broken.
    pub(super) fn rule(&self) -> Option<String> {
        use ErrorKind as K;
        Some(match self {
            K::ShapeMismatch { rule, .. }
            | K::Rank { rule, .. }
            | K::Reshape { rule, .. }
            | K::InvalidArgument { rule, .. }
            | K::CheckRefused { rule, .. } => rule.to_string(),
            K::Broadcast => {
                "aligned at the last axis, sizes are equal or one of them is 1".to_string()
            }
            K::AxisOutOfRange { rank: 0, .. } => "a scalar has no axes".to_string(),
            K::AxisOutOfRange { rank, .. } => format!("-{rank} <= axis < {rank}"),
            K::RepeatedAxis { .. } => "each axis at most once".to_string(),
            K::IndexOutOfRange { axis, size, .. } => {
                format!("-{size} <= index < {size} on axis {axis}")
            }
            K::ClassOutOfRange { name, classes, .. } => format!("0 <= {name} < {classes}"),
            K::DataLength { .. } => "as many values as the shape has elements".to_string(),
            K::SizeOverflow { .. } => {
                "elements times their size must not pass isize::MAX bytes".to_string()
            }
            K::EmptyReduction => {
                "the reduced axes must not be empty: there is no identity".to_string()
            }
            K::GradientShape { .. } => {
                "a gradient has the shape and the type of its value (or broadcasts from it)"
                    .to_string()
            }
            K::GradientCount { .. } => "one `Option` for each input, in order".to_string(),
            K::NonFiniteLoss { .. } => "a loss is finite; the step was not taken".to_string(),
            _ => return None,
        })
    }

    /// What would probably mend it, where the call gives no better hint.
    pub(super) fn hint(&self) -> Option<String> {
        use ErrorKind as K;
        Some(match self {
            K::NotTracked => "make a leaf with `.tracked()`, use a `Param`, and look for `no_grad`, `detach` and frozen parameters (`set_trainable(false)`) on the way; a gradient is tracked if `Grad::new().create_graph()` made it".to_string(),
            K::Released { .. } => "keep it with `Backward::new().retain_graph()` in the first call, compute the loss again, or use the value alone with `detach()`".to_string(),
            K::GradientShape { .. } => "`ones_like()` of the value has both; `sum_to(shape)` undoes a broadcast, `cast()` a change of type".to_string(),
            K::Unused { .. } => "`Grad::allow_unused()` gives zeros for inputs that the outputs do not depend on".to_string(),
            K::NonFiniteLoss { lr, .. } => format!("a learning rate below {lr}, `clip_grad_norm`, or a loss that is exact far out (`cross_entropy` and `bce_with_logits` take logits); NaN in the data?"),
            _ => return None,
        })
    }
}

/// How a state differs from what a model (or optimizer) holds; every difference, not the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateMismatch {
    /// Names the model has and the state has not.
    pub missing: Vec<String>,
    /// Names the state has and the model has not.
    pub unexpected: Vec<String>,
    /// Names whose shape or type differs: name, the model's, the state's.
    pub mismatched: Vec<(String, (DType, Shape), (DType, Shape))>,
}

impl StateMismatch {
    /// Whether there is no difference.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.mismatched.is_empty()
    }
}

impl std::fmt::Display for StateMismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the state does not fit; nothing was changed")?;
        for name in &self.missing {
            write!(f, "\n  missing     {name}")?;
        }
        for name in &self.unexpected {
            write!(f, "\n  unexpected  {name}")?;
            if let Some(near) = nearest(name, self.missing.iter().map(String::as_str)) {
                write!(f, "    did you mean {near}?")?;
            }
        }
        for (name, (md, ms), (sd, ss)) in &self.mismatched {
            write!(
                f,
                "\n  mismatched  {name}: {md} {ms} here, {sd} {ss} in the state"
            )?;
        }
        Ok(())
    }
}
