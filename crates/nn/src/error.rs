//! What can go wrong in layers, losses, optimizers, data and training.

use wengert_tensor::{DType, Shape};

/// The result of a call that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. It prints the same by `{}` and by `{:?}`, so that the error which ends a `main` can be read.
///
/// ```
/// let e = wengert_nn::load_state("no such file").err().unwrap();
/// assert_eq!(format!("{e:?}"), e.to_string());
/// ```
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The tape refused: tensors that do not fit, graphs that were released.
    #[error(transparent)]
    Autograd(#[from] wengert_autograd::Error),
    /// A state that does not fit the model: everything that is wrong with it, in one report.
    #[error("{0}")]
    State(Box<StateMismatch>),
    /// An argument out of its domain.
    #[error("{call}: {name} = {value}\n  rule  {rule}")]
    InvalidArgument {
        /// The call.
        call: &'static str,
        /// The argument.
        name: &'static str,
        /// Its value, as text.
        value: String,
        /// What it must satisfy.
        rule: &'static str,
    },
    /// A training's loss that is NaN or infinite; the parameters are as they were before the batch.
    #[error(
        "fit: the loss is {loss} in epoch {}/{}, batch {}/{}\n  rule  a loss is finite; the step was not taken\n  hint  a learning rate below {lr}, `clip_grad_norm`, or a loss that is exact far out (`cross_entropy` and `bce_with_logits` take logits); NaN in the data?",
        epoch.0, epoch.1, batch.0, batch.1
    )]
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
    /// Data that cannot be read: a missing file, a bad row.
    #[error("{0}")]
    Data(String),
    /// A file that could not be read or written.
    #[error("{path}: {reason}")]
    Io {
        /// The file.
        path: String,
        /// The system's words.
        reason: String,
    },
}

/// As it prints: what ends a `main` or meets an `unwrap` is to be read.
impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl From<wengert_tensor::Error> for Error {
    fn from(e: wengert_tensor::Error) -> Error {
        Error::Autograd(e.into())
    }
}

/// So that layers can be called in closures that a gradient check takes.
impl From<Error> for wengert_autograd::Error {
    fn from(e: Error) -> wengert_autograd::Error {
        match e {
            Error::Autograd(e) => e,
            other => wengert_autograd::Error::Custom {
                op: "nn",
                reason: other.to_string(),
            },
        }
    }
}

impl Error {
    /// Adds the module that the call was made in, innermost first.
    pub fn within(self, module: impl Into<String>) -> Error {
        match self {
            Error::Autograd(e) => Error::Autograd(e.within(module)),
            other => other,
        }
    }

    /// An argument out of its domain.
    pub fn invalid(
        call: &'static str,
        name: &'static str,
        value: impl std::fmt::Display,
        rule: &'static str,
    ) -> Error {
        Error::InvalidArgument {
            call,
            name,
            value: value.to_string(),
            rule,
        }
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
        write!(
            f,
            "load_state_dict: the state does not fit; nothing was changed"
        )?;
        for name in &self.missing {
            write!(f, "\n  missing     {name}")?;
        }
        for name in &self.unexpected {
            write!(f, "\n  unexpected  {name}")?;
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
