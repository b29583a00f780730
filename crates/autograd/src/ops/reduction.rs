//! How the losses of elements become one.
//!
//! Invariant: a mean divides by the number of losses, and is NaN of none.

use wengert_tensor::{Float, Tensor};

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
                let (n, total) = (losses.len(), losses.sum_all());
                match total.item() {
                    Ok(sum) => Tensor::scalar(sum / T::from_f64(n as f64)),
                    // A sum of everything is one element.
                    Err(_) => total,
                }
            }
        }
    }
}
