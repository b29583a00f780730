//! What the losses have in common: shapes that agree, and how the losses of elements become one.
//!
//! Invariant: a mean divides by the number of losses, and is NaN of none.

use wengert_tensor::{ErrorKind, Float, Result, Site, Tensor};

use crate::var::Var;

/// What becomes of the losses of the elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// They stay: the loss has the shape of the target.
    None,
}

impl Reduction {
    /// What each element's loss is multiplied with.
    pub(crate) fn factor(self, n: usize) -> f64 {
        match self {
            Reduction::Mean => 1.0 / n as f64,
            Reduction::Sum | Reduction::None => 1.0,
        }
    }

    /// Reduces on plain tensors; the mean of nothing is NaN, as 0/0.
    pub(crate) fn of<T: Float>(self, losses: Tensor<T>) -> Tensor<T> {
        match self {
            Reduction::None => losses,
            Reduction::Sum => losses.sum_all(),
            Reduction::Mean => {
                // The mean of most losses, without another kernel's call.
                let (n, mut mean) = (losses.len(), losses.sum_all());
                for sum in mean.as_mut_slice() {
                    *sum = *sum / T::from_f64(n as f64);
                }
                match is_finite(&mean) {
                    true => mean,
                    // The sum may have overflowed where the mean does not.
                    false => losses.mean_all(),
                }
            }
        }
    }
}

/// Whether a loss that is one number is finite.
pub(crate) fn is_finite<T: Float>(loss: &Tensor<T>) -> bool {
    loss.item().is_ok_and(|v| v.abs() < T::INFINITY)
}

/// Refuses a target of another shape.
#[track_caller]
pub(crate) fn same_shape<T: Float>(op: &'static str, x: &Var<T>, target: &Var<T>) -> Result<()> {
    if x.shape() == target.shape() {
        return Ok(());
    }
    let site = Site::new(op).operand("input", T::DTYPE, x.shape()).operand(
        "target",
        T::DTYPE,
        target.shape(),
    );
    let (a, b) = (x.shape(), target.shape());
    let site = if a.len() == b.len() + 1 && a.last() == Some(&1) && a[..b.len()] == b[..] {
        site.hint("target.unsqueeze(-1) (or input.squeeze(-1)) makes the shapes agree")
    } else if b.len() == a.len() + 1 && b.last() == Some(&1) && b[..a.len()] == a[..] {
        site.hint("input.unsqueeze(-1) (or target.squeeze(-1)) makes the shapes agree")
    } else {
        site
    };
    Err(site.error(ErrorKind::ShapeMismatch {
        what: "input and target differ",
        rule: "input.shape == target.shape (losses do not broadcast)",
    }))
}
