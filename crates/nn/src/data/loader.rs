//! The loader: batches in order or shuffled, an epoch at a time.
//!
//! Invariant: what the n-th batch of an epoch holds depends on the set, the batch size, the seed and the
//! epoch's number alone, never on what was drawn before.

use std::ops::Range;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use wengert_tensor::{Error, Result, Rng, Tensor, is_library, on_behalf_of, user_line};

use crate::data::Dataset;
use crate::module::state::{StateDict, mismatch};

/// Batches of a [`Dataset`], an epoch at a time.
///
/// Each pass over the loader is an epoch. A shuffled loader puts each epoch in another order, made of
/// the seed and the epoch's number alone: the same seed gives the same batches, and training that was
/// cut resumes with the batch that was due ([`DataLoader::state_dict`]).
///
/// ```
/// use wengert::prelude::*;
/// let x = Tensor::new([[0.0f32], [1.0], [2.0], [3.0], [4.0]]);
/// let y = Tensor::new([0i64, 1, 2, 3, 4]);
/// let loader = DataLoader::new(TensorDataset::new((x, y))?, 2)?.shuffle(7);
/// let mut seen = Vec::new();
/// for batch in &loader {
///     let (_x, y) = batch?;
///     seen.extend(y.to_vec());
/// }
/// assert_eq!(loader.epoch(), 1);
/// seen.sort();
/// assert_eq!(seen, [0, 1, 2, 3, 4]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Debug)]
pub struct DataLoader<D> {
    dataset: D,
    batch_size: usize,
    seed: Option<u64>,
    drop_last: bool,
    cursor: Mutex<Cursor>,
    /// The line that made it: what errors name where those who ask for batches know no line of the user's.
    made: &'static Location<'static>,
}

/// The batch that is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cursor {
    epoch: u64,
    batch: usize,
    /// Whether an iterator is on this epoch, so that the next one begins another.
    begun: bool,
}

impl Cursor {
    /// Puts the cursor behind batch `batch` of `epoch`, which has `batches`.
    fn pass(&mut self, epoch: u64, batch: usize, batches: usize) {
        *self = match batch.saturating_add(1) < batches {
            true => Cursor {
                epoch,
                batch: batch + 1,
                begun: true,
            },
            false => Cursor {
                epoch: epoch.saturating_add(1),
                batch: 0,
                begun: false,
            },
        };
    }
}

impl<D: Dataset> DataLoader<D> {
    /// A loader of batches of `batch_size` rows in the set's order; the last batch has what is left.
    ///
    /// # Errors
    /// If `batch_size` is 0.
    #[track_caller]
    #[inline(never)]
    pub fn new(dataset: D, batch_size: usize) -> Result<DataLoader<D>> {
        if batch_size == 0 {
            let rule = "batch_size >= 1";
            return Err(Error::invalid("DataLoader::new", "batch_size", 0, rule));
        }
        Ok(DataLoader {
            dataset,
            batch_size,
            seed: None,
            drop_last: false,
            cursor: Mutex::default(),
            made: Location::caller(),
        })
    }

    /// Puts each epoch in a random order of its own, made of `seed` and the epoch's number.
    #[inline(never)]
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Leaves out a last batch of fewer than `batch_size` rows. A set of fewer rows than one batch then
    /// has no batches at all.
    #[inline(never)]
    pub fn drop_last(mut self) -> Self {
        self.drop_last = true;
        self
    }

    /// The number of batches of an epoch.
    #[inline(never)]
    pub fn len(&self) -> usize {
        match self.drop_last {
            true => self.dataset.len() / self.batch_size,
            false => self.dataset.len().div_ceil(self.batch_size),
        }
    }

    /// Whether an epoch has no batches.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The set.
    pub fn dataset(&self) -> &D {
        &self.dataset
    }

    /// The rows of a batch but perhaps the last.
    #[inline(never)]
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The number of the epoch that the next batch belongs to, from 0.
    pub fn epoch(&self) -> u64 {
        self.with_cursor(|c| c.epoch)
    }

    /// Makes this epoch the next, from its first batch.
    #[inline(never)]
    pub fn set_epoch(&self, epoch: u64) {
        self.with_cursor(|c| {
            *c = Cursor {
                epoch,
                ..Cursor::default()
            }
        });
    }

    /// The batches of the next epoch (of what is left of it, right after
    /// [`DataLoader::load_state_dict`]). A pass that was broken off counts as one.
    ///
    /// An error of a batch names the line of this call.
    #[track_caller]
    #[inline(never)]
    pub fn iter(&self) -> Batches<'_, D> {
        let batches = self.len();
        let at = self.with_cursor(|c| {
            if c.begun {
                c.pass(c.epoch, batches, batches);
            }
            let at = *c;
            match at.batch < batches {
                true => c.begun = true,
                false => c.pass(at.epoch, batches, batches),
            }
            at
        });
        Batches {
            loader: self,
            order: self.order(at.epoch),
            epoch: at.epoch,
            left: at.batch.min(batches)..batches,
            rows: Vec::new(),
            at: self.line(Location::caller()),
        }
    }

    /// The batches of this epoch: what is left of it where the loader stands there, else all.
    #[inline(never)]
    pub(crate) fn iter_epoch(&self, epoch: u64) -> Batches<'_, D> {
        self.with_cursor(|c| {
            if c.begun || c.epoch != epoch {
                *c = Cursor {
                    epoch,
                    ..Cursor::default()
                };
            }
        });
        self.iter()
    }

    /// The batches of this epoch after the first `done`.
    #[inline(never)]
    pub(crate) fn iter_from(&self, epoch: u64, done: usize) -> Batches<'_, D> {
        let batches = self.len();
        let due = Cursor {
            epoch,
            batch: done.min(batches),
            begun: false,
        };
        self.with_cursor(|c| *c = due);
        self.iter()
    }

    /// All batches in the set's order, whether the loader is shuffled or not; where it stands does not change.
    #[track_caller]
    #[inline(never)]
    pub(crate) fn in_order(&self) -> impl Iterator<Item = Result<D::Batch>> + '_ {
        let (size, rows) = (self.batch_size, self.dataset.len());
        let at = self.line(Location::caller());
        (0..self.len()).map(move |batch| {
            let from = batch * size;
            let rows: Vec<usize> = (from..from.saturating_add(size).min(rows)).collect();
            on_behalf_of(at, || self.dataset.batch(&rows))
        })
    }

    /// The user's line of a call; that which made the loader where the call came through a trait object.
    fn line(&self, caller: &'static Location<'static>) -> &'static Location<'static> {
        let at = user_line(caller);
        match is_library(at.file()) {
            true => self.made,
            false => at,
        }
    }

    /// The order of an epoch; `None` for the set's own.
    fn order(&self, epoch: u64) -> Option<Vec<usize>> {
        let mut state = Rng::seed(self.seed?).state();
        // A stream of its own for each epoch; stream 0 is what `Rng::seed(seed)` draws elsewhere.
        state.stream = epoch.wrapping_add(1);
        let mut order: Vec<usize> = (0..self.dataset.len()).collect();
        Rng::from_state(&state).shuffle(&mut order);
        Some(order)
    }

    /// Where the loader stands, to be saved with the model and the optimizer: the epoch and the batch
    /// that is due, and what the order depends on.
    ///
    /// Taken within an epoch, after the step on a batch, it resumes with the batch after that one.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let make = || -> wengert::Result<_> {
    ///     let rows: Tensor<i64> = Tensor::new([0, 1, 2, 3, 4, 5]);
    ///     Ok(DataLoader::new(TensorDataset::new(rows)?, 2)?.shuffle(1))
    /// };
    /// let (first, resumed) = (make()?, make()?);
    /// let mut batches = first.iter();
    /// batches.next();
    /// resumed.load_state_dict(&first.state_dict())?;
    /// let left: Vec<_> = batches.map(|b| b.unwrap().to_vec()).collect();
    /// let same: Vec<_> = resumed.iter().map(|b| b.unwrap().to_vec()).collect();
    /// assert_eq!((left.len(), left), (2, same));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[inline(never)]
    pub fn state_dict(&self) -> StateDict {
        let at = self.with_cursor(|c| *c);
        let mut state = self.order_dict();
        let mut put = |name: &str, value: u64| {
            state.insert(name.into(), Tensor::scalar(value as i64).into());
        };
        put("epoch", at.epoch);
        put("batch", at.batch as u64);
        state
    }

    /// What the batches of every epoch depend on.
    #[inline(never)]
    pub(crate) fn order_dict(&self) -> StateDict {
        let mut state = StateDict::new();
        let mut put = |name: &str, value: u64| {
            state.insert(name.into(), Tensor::scalar(value as i64).into());
        };
        put("batch_size", self.batch_size as u64);
        put("batches", self.len() as u64);
        put("rows", self.dataset.len() as u64);
        if let Some(seed) = self.seed {
            put("seed", seed);
        }
        state
    }

    /// Goes on where another loader of the same set, batch size, seed and `drop_last` stood. To go on
    /// with others, give [`DataLoader::set_epoch`] the epoch.
    ///
    /// # Errors
    /// If one of them differs; nothing is changed then.
    #[track_caller]
    #[inline(never)]
    pub fn load_state_dict(&self, state: &StateDict) -> Result<()> {
        const CALL: &str = "DataLoader::load_state_dict";
        mismatch(&self.state_dict(), state)?;
        let mut order = state.clone();
        order.retain(|name, _| !["epoch", "batch"].contains(&name.as_str()));
        same_numbers(CALL, &self.order_dict(), &order)?;
        let get = |name: &str| -> Result<i64> { state[name].downcast::<i64>()?.item() };
        let (epoch, batch) = (get("epoch")? as u64, get("batch")?);
        let batches = self.len();
        match usize::try_from(batch) {
            Ok(batch) if batch == 0 || batch < batches => {
                self.with_cursor(|c| {
                    *c = Cursor {
                        epoch,
                        batch,
                        begun: false,
                    };
                });
                Ok(())
            }
            _ => {
                let value = format!("batch {batch} of {batches}");
                let rule = "0 <= batch < batches";
                Err(Error::invalid(CALL, "state", value, rule))
            }
        }
    }

    fn with_cursor<R>(&self, f: impl FnOnce(&mut Cursor) -> R) -> R {
        f(&mut self.cursor.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Refuses a state of whole numbers that are others here.
#[track_caller]
pub(crate) fn same_numbers(call: &'static str, own: &StateDict, state: &StateDict) -> Result<()> {
    mismatch(own, state)?;
    for (name, own) in own {
        if own != &state[name] {
            let (here, there) = (own.downcast::<i64>()?, state[name].downcast::<i64>()?);
            return Err(Error::invalid(
                call,
                "state",
                format!(
                    "{name} {} in the state, {} here",
                    there.item()?,
                    here.item()?
                ),
                "rows, batch size, number of batches and seed are the same; else use set_epoch",
            ));
        }
    }
    Ok(())
}

impl<'a, D: Dataset> IntoIterator for &'a DataLoader<D> {
    type Item = Result<D::Batch>;
    type IntoIter = Batches<'a, D>;
    #[track_caller]
    fn into_iter(self) -> Batches<'a, D> {
        self.iter()
    }
}

/// The batches of one epoch of a [`DataLoader`].
#[derive(Debug)]
pub struct Batches<'a, D> {
    loader: &'a DataLoader<D>,
    order: Option<Vec<usize>>,
    epoch: u64,
    left: Range<usize>,
    /// Reused from batch to batch.
    rows: Vec<usize>,
    /// The line that asked for the batches.
    at: &'static Location<'static>,
}

impl<D: Dataset> Iterator for Batches<'_, D> {
    type Item = Result<D::Batch>;

    #[inline(never)]
    fn next(&mut self) -> Option<Result<D::Batch>> {
        let batch = self.left.next()?;
        let (size, len) = (self.loader.batch_size, self.loader.dataset.len());
        let start = batch * size;
        let range = start..start.saturating_add(size).min(len);
        let rows: &[usize] = match &self.order {
            Some(order) => &order[range],
            None => {
                self.rows.clear();
                self.rows.extend(range);
                &self.rows
            }
        };
        let out = on_behalf_of(self.at, || self.loader.dataset.batch(rows));
        self.loader.with_cursor(|c| {
            // A pass that another has overtaken no longer says where the loader stands.
            if c.begun && c.epoch == self.epoch {
                c.pass(self.epoch, batch, self.left.end);
            }
        });
        Some(out)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl<D: Dataset> ExactSizeIterator for Batches<'_, D> {}
impl<D: Dataset> std::iter::FusedIterator for Batches<'_, D> {}
