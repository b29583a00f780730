//! Where training takes its batches from.

use wengert_autograd::Var;
use wengert_tensor::{Element, Float, Result, Tensor};

use super::saved::Numbers;
use crate::data::{DataLoader, Dataset, same_numbers};
use crate::module::StateDict;

/// Where a training gets its batches from: a [`DataLoader`], or an array or vector of ready batches.
///
/// The batches of an epoch depend on its number alone, so that a training that goes on from epoch n sees
/// what it would have seen. Implement it for an order of your own:
///
/// ```
/// use wengert::prelude::*;
/// /// Batches of recorded rows.
/// struct Recorded { data: TensorDataset<Tensor<f32>>, epochs: Vec<Vec<Vec<usize>>> }
/// impl Batches for Recorded {
///     type Batch = Tensor<f32>;
///     fn count(&self) -> usize {
///         self.epochs[0].len()
///     }
///     fn epoch(&self, epoch: usize) -> Box<dyn Iterator<Item = Result<Tensor<f32>>> + '_> {
///         Box::new(self.epochs[epoch].iter().map(|rows| self.data.batch(rows)))
///     }
/// }
/// let data = TensorDataset::new(Tensor::new([0.0f32, 1.0, 2.0]))?;
/// let feed = Recorded { data, epochs: vec![vec![vec![2, 0], vec![1]]] };
/// let first = feed.epoch(0).next().unwrap()?;
/// assert_eq!(first.to_vec(), [2.0, 0.0]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` gives no batches to train on",
    note = "make batches of tensors by `DataLoader::new(TensorDataset::new((x, y))?, batch_size)?`, or give ready ones: `[(x, y)]`"
)]
pub trait Batches {
    /// A batch: for [`fit`](crate::fit) a pair of inputs and targets.
    type Batch;

    /// How many batches an epoch has.
    fn count(&self) -> usize;

    /// The batches of an epoch, counted from 0, in order.
    fn epoch(&self, epoch: usize) -> Box<dyn Iterator<Item = Result<Self::Batch>> + '_>;

    /// The batches of an epoch after the first `done`, for a training that was cut within it.
    #[inline(never)]
    fn epoch_from(
        &self,
        epoch: usize,
        done: usize,
    ) -> Box<dyn Iterator<Item = Result<Self::Batch>> + '_> {
        Box::new(self.epoch(epoch).skip(done))
    }

    /// What the batches depend on, for a checkpoint: their number unless written.
    fn state_dict(&self) -> StateDict {
        let mut state = Numbers::default();
        state.put_count("batches", Some(self.count()));
        state.0
    }

    /// Refuses a state of [`Batches::state_dict`] under which the batches would be others.
    ///
    /// # Errors
    /// If they would be.
    fn check_state_dict(&self, state: &StateDict) -> Result<()> {
        same_numbers("Batches", &self.state_dict(), state)
    }

    /// All batches once, for an evaluation; a training on the same batches is not affected.
    #[inline(never)]
    fn pass(&self) -> Box<dyn Iterator<Item = Result<Self::Batch>> + '_> {
        self.epoch(0)
    }
}

impl<D: Dataset> Batches for DataLoader<D> {
    type Batch = D::Batch;

    #[inline(never)]
    fn count(&self) -> usize {
        self.len()
    }

    /// The loader is moved to the epoch. Where it stands within it already
    /// ([`DataLoader::load_state_dict`]), what is left of it comes.
    #[inline(never)]
    fn epoch(&self, epoch: usize) -> Box<dyn Iterator<Item = Result<D::Batch>> + '_> {
        Box::new(self.iter_epoch(epoch as u64))
    }

    #[inline(never)]
    fn epoch_from(
        &self,
        epoch: usize,
        done: usize,
    ) -> Box<dyn Iterator<Item = Result<D::Batch>> + '_> {
        Box::new(self.iter_from(epoch as u64, done))
    }

    fn state_dict(&self) -> StateDict {
        DataLoader::order_dict(self)
    }

    /// In the set's order, whether the loader is shuffled or not.
    #[inline(never)]
    fn pass(&self) -> Box<dyn Iterator<Item = Result<D::Batch>> + '_> {
        Box::new(self.in_order())
    }
}

macro_rules! ready {
    ($(($($g:tt)*) $t:ty),*) => {$(
        impl<$($g)*> Batches for $t {
            type Batch = B;
            #[inline(never)]
            fn count(&self) -> usize {
                self.len()
            }
            #[inline(never)]
            fn epoch(&self, _: usize) -> Box<dyn Iterator<Item = Result<B>> + '_> {
                Box::new(self.iter().cloned().map(Ok))
            }
        }
    )*};
}
ready!((B: Clone) Vec<B>, (B: Clone, const N: usize) [B; N]);

/// How many samples a batch holds, by which its loss and metrics are weighted.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how many samples it holds",
    note = "inputs are tensors, or tuples or vectors that begin with one; implement `Rows` for others"
)]
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
