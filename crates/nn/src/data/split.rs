//! Parts of a set, by the indices of their rows.
//!
//! Invariant: the indices of a [`Subset`] are rows of its set.

use std::sync::Arc;

use wengert_tensor::{Error, Result, Rng, Tensor};

use crate::data::Dataset;
use crate::data::dataset::out_of_range;

/// Some rows of a set, in an order of their own.
///
/// ```
/// use std::sync::Arc;
/// use wengert::prelude::*;
/// use wengert::nn::data::Subset;
/// let set = Arc::new(TensorDataset::new(Tensor::new([10i64, 11, 12, 13]))?);
/// let odd = Subset::new(set, vec![3, 1])?;
/// assert_eq!(odd.batch(&[0, 1])?.to_vec(), [13, 11]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Debug)]
pub struct Subset<D> {
    dataset: Arc<D>,
    indices: Arc<[usize]>,
}

impl<D> Clone for Subset<D> {
    fn clone(&self) -> Self {
        Subset {
            dataset: self.dataset.clone(),
            indices: self.indices.clone(),
        }
    }
}

impl<D: Dataset> Subset<D> {
    /// These rows of `dataset`; a row may be named more than once.
    ///
    /// # Errors
    /// If an index is not below the set's length.
    #[track_caller]
    #[inline(never)]
    pub fn new(dataset: Arc<D>, indices: Vec<usize>) -> Result<Subset<D>> {
        let len = dataset.len();
        match indices.iter().find(|i| **i >= len) {
            Some(&i) => Err(out_of_range(i, len)),
            None => Ok(Subset {
                dataset,
                indices: indices.into(),
            }),
        }
    }

    /// The rows, by their indices in the set.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    /// The set.
    pub fn dataset(&self) -> &D {
        &self.dataset
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    type Batch = D::Batch;
    fn len(&self) -> usize {
        self.indices.len()
    }
    #[track_caller]
    fn batch(&self, indices: &[usize]) -> Result<D::Batch> {
        let mut rows = Vec::with_capacity(indices.len());
        for &i in indices {
            match self.indices.get(i) {
                Some(&row) => rows.push(row),
                None => return Err(out_of_range(i, self.indices.len())),
            }
        }
        self.dataset.batch(&rows)
    }
}

/// The sizes of the parts of a split: rows (`[120, 30]`) or fractions (`[0.8, 0.2]`).
pub trait SplitSizes<const N: usize> {
    /// The rows of each part of a set of `len`.
    ///
    /// # Errors
    /// If they do not add up.
    #[track_caller]
    fn sizes(&self, len: usize) -> Result<[usize; N]>;
}

impl<const N: usize> SplitSizes<N> for [usize; N] {
    #[track_caller]
    fn sizes(&self, len: usize) -> Result<[usize; N]> {
        let sum = self.iter().try_fold(0usize, |a, b| a.checked_add(*b));
        if sum == Some(len) {
            return Ok(*self);
        }
        let value = format!("{self:?} of {len} rows");
        let rule = "the sizes add up to the number of rows";
        Err(Error::invalid("random_split", "sizes", value, rule))
    }
}

impl<const N: usize> SplitSizes<N> for [f64; N] {
    /// Each part has its fraction rounded down; what is left goes to the parts one by one, from the
    /// first, as in PyTorch.
    #[track_caller]
    fn sizes(&self, len: usize) -> Result<[usize; N]> {
        let sum: f64 = self.iter().sum();
        let parts = self.iter().all(|f| (0.0..=1.0).contains(f));
        if !(parts && (sum - 1.0).abs() <= 1e-6) {
            let value = format!("{self:?}");
            let rule = "each fraction is in [0, 1], and they add up to 1";
            return Err(Error::invalid("random_split", "fractions", value, rule));
        }
        let mut out = self.map(|f| (f * len as f64) as usize);
        let mut left = len as i128 - out.iter().map(|n| *n as i128).sum::<i128>();
        for i in (0..N).cycle() {
            match left.signum() {
                0 => break,
                1 => {
                    out[i] += 1;
                    left -= 1;
                }
                // Fractions a hair above 1 in sum, of very many rows.
                _ => {
                    left += (out[i] > 0) as i128;
                    out[i] = out[i].saturating_sub(1);
                }
            }
        }
        Ok(out)
    }
}

/// Splits a set into parts of random rows that do not overlap, of these sizes or fractions. The same
/// generator gives the same parts.
///
/// # Errors
/// If the sizes do not add up to the set's, or the fractions not to 1.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::nn::data::random_split;
/// let set = TensorDataset::new(Tensor::<f32>::zeros([150, 4]))?;
/// let [train, test] = random_split(set.clone(), [120, 30], &mut Rng::seed(0))?;
/// assert_eq!((train.len(), test.len()), (120, 30));
/// let [train, valid, test] = random_split(set, [0.8, 0.1, 0.1], &mut Rng::seed(0))?;
/// assert_eq!((train.len(), valid.len(), test.len()), (120, 15, 15));
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
pub fn random_split<D: Dataset, const N: usize>(
    dataset: D,
    sizes: impl SplitSizes<N>,
    rng: &mut Rng,
) -> Result<[Subset<D>; N]> {
    // Checked again: the trait is open, and the parts are cut by these.
    let sizes = sizes.sizes(dataset.len())?.sizes(dataset.len())?;
    let mut order: Vec<usize> = (0..dataset.len()).collect();
    rng.shuffle(&mut order);
    let mut rest = &order[..];
    let parts = sizes.map(|n| {
        let (part, after) = rest.split_at(n);
        rest = after;
        part.into()
    });
    Ok(subsets(dataset, parts))
}

fn subsets<D, const N: usize>(dataset: D, parts: [Arc<[usize]>; N]) -> [Subset<D>; N] {
    let dataset = Arc::new(dataset);
    parts.map(|indices| Subset {
        dataset: dataset.clone(),
        indices,
    })
}

/// As [`random_split`], with the classes in each part as they are in the set: a class of k rows has its share of k in
/// every part, as nearly as whole rows and the parts' sizes allow. `labels` are the rows' classes, any numbers.
///
/// # Errors
/// If there is not one label for each row, or as [`random_split`].
///
/// ```
/// use wengert::prelude::*;
/// use wengert::nn::data::stratified_split;
/// let y: Tensor<i64> = Tensor::new([0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
/// let set = TensorDataset::new(y.clone())?;
/// let [train, test] = stratified_split(set, &y, [0.5, 0.5], &mut Rng::seed(0))?;
/// for part in [train, test] {
///     let labels = part.batch(&[0, 1, 2, 3, 4])?;
///     assert_eq!(labels.iter().filter(|label| *label == 1).count(), 1);
/// }
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
pub fn stratified_split<D: Dataset, const N: usize>(
    dataset: D,
    labels: &Tensor<i64>,
    sizes: impl SplitSizes<N>,
    rng: &mut Rng,
) -> Result<[Subset<D>; N]> {
    let len = dataset.len();
    if labels.shape()[..] != [len] {
        let value = format!("{} for {len} rows", labels.shape());
        let rule = "one label for each row: labels [rows]";
        return Err(Error::invalid("stratified_split", "labels", value, rule));
    }
    let sizes = sizes.sizes(len)?.sizes(len)?;
    let mut order: Vec<usize> = (0..len).collect();
    rng.shuffle(&mut order);
    // Class after class, and each class in random order.
    let labels = labels.to_vec();
    order.sort_by_key(|row| labels[*row]);
    let mut parts = sizes.map(Vec::with_capacity);
    for (i, row) in (1..).zip(order) {
        // To the part that lacks most of its share of the rows so far: at the end none lacks any.
        let lack = |part: usize| sizes[part] as i128 * i - parts[part].len() as i128 * len as i128;
        let most = (0..N).rev().max_by_key(|part| lack(*part));
        if let Some(part) = most {
            parts[part].push(row);
        }
    }
    let parts = parts.map(|mut rows| {
        rng.shuffle(&mut rows);
        rows.into()
    });
    Ok(subsets(dataset, parts))
}
