//! Where training takes its batches from.

use wengert_autograd::Var;
use wengert_tensor::{Element, Float, Tensor};

use crate::error::Result;

/// What gives the batches of an epoch: a data loader, or an array or vector of ready batches.
///
/// `epoch` counts from 0. The batches of an epoch depend on its number alone, so that a training that
/// goes on from epoch n sees what it would have seen.
pub trait Batches {
    /// A batch: for [`fit`](crate::fit) a pair of inputs and targets.
    type Batch;

    /// How many batches an epoch has.
    fn count(&self) -> usize;

    /// The batches of an epoch, in order.
    fn epoch(&self, epoch: usize) -> Box<dyn Iterator<Item = Result<Self::Batch>> + '_>;
}

macro_rules! ready {
    ($(($($g:tt)*) $t:ty),*) => {$(
        impl<$($g)*> Batches for $t {
            type Batch = B;
            fn count(&self) -> usize {
                self.len()
            }
            fn epoch(&self, _: usize) -> Box<dyn Iterator<Item = Result<B>> + '_> {
                Box::new(self.iter().cloned().map(Ok))
            }
        }
    )*};
}
ready!((B: Clone) Vec<B>, (B: Clone, const N: usize) [B; N]);

/// How many samples a batch holds, by which its loss and metrics are weighted.
pub trait Rows {
    /// The number of samples: of a tensor the size of its first axis (1 of a scalar), of a tuple that
    /// of its first part.
    fn rows(&self) -> usize;
}

impl<T: Element> Rows for Tensor<T> {
    fn rows(&self) -> usize {
        self.shape().first().copied().unwrap_or(1)
    }
}
impl<T: Float> Rows for Var<T> {
    fn rows(&self) -> usize {
        self.value().rows()
    }
}
impl<V> Rows for Vec<V> {
    fn rows(&self) -> usize {
        self.len()
    }
}
impl<A: Rows> Rows for (A,) {
    fn rows(&self) -> usize {
        self.0.rows()
    }
}
impl<A: Rows, B> Rows for (A, B) {
    fn rows(&self) -> usize {
        self.0.rows()
    }
}
impl<A: Rows, B, C> Rows for (A, B, C) {
    fn rows(&self) -> usize {
        self.0.rows()
    }
}
