//! Elements put and merged into places that an index names.
//!
//! Invariant: what goes to one element is merged in row-major order of the index, by one thread: the bits depend on no
//! number of threads.

use std::sync::atomic::{AtomicBool, Ordering};

use super::index::{COST, Lanes, place, spot};
use crate::dtype::DType;
use crate::element::{Element, Num};
use crate::error::{ErrorKind, Result};
use crate::kernels::par;
use crate::kernels::tables::Num2;
use crate::tensor::Tensor;

/// How [`Tensor::scatter_reduce`] merges what goes to one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScatterReduce {
    /// Their sum.
    Sum,
    /// Their product.
    Prod,
    /// Their mean; of integers the largest one not above it.
    Mean,
    /// The largest; NaN if there is one.
    Max,
    /// The smallest; NaN if there is one.
    Min,
}

impl<T: Element> Tensor<T> {
    /// Merges `src[i…]` with `[i… with the axis's place taken by index[i…]]`, in row-major order.
    #[track_caller]
    fn scattered(
        &self,
        op: &'static str,
        axis: isize,
        index: &Tensor<i64>,
        src: &Tensor<T>,
        merge: impl Fn(&mut T, T) + Sync + Send,
    ) -> Result<Tensor<T>> {
        let a = self.axis(op, axis)?;
        self.check_gather(op, a, index)?;
        let fits = src.rank() == index.rank()
            && src
                .shape()
                .iter()
                .zip(index.shape().iter())
                .all(|(s, i)| s >= i);
        if !fits {
            return Err(self
                .site(op)
                .operand("index", index.dtype(), index.shape())
                .operand("src", T::DTYPE, src.shape())
                .error(ErrorKind::ShapeMismatch {
                    what: "src does not cover the index",
                    rule: "src has index's rank and no smaller sizes",
                }));
        }
        let part = src.with_layout(src.within(None, index.shape()));
        let part = part.try_contiguous(op)?;
        let picks = index.try_contiguous(op)?;
        let (values, picks) = (
            part.as_slice().unwrap_or(&[]),
            picks.as_slice().unwrap_or(&[]),
        );
        let window = self.within(Some(a), index.shape());
        let whole = window.shape == *self.shape();
        let mut sums = self.with_layout(window).try_copied(op)?;
        let Lanes { size: n, inner } = Lanes::of(index.shape(), a);
        let size = self.shape()[a];
        let wrong = AtomicBool::new(!picks.is_empty() && size == 0);
        // An element's sums are made in order by one thread: the axis is not cut.
        let most = par::chunk_len(COST) / (n * inner).max(1);
        par::for_rows_mut(sums.as_mut_slice(), size * inner, most, |first, blocks| {
            let mut within = true;
            let block = first * n * inner..;
            let (picks, values) = (&picks[block.clone()], &values[block]);
            for (o, sums) in blocks.chunks_exact_mut(size * inner).enumerate() {
                let block = o * n * inner..(o + 1) * n * inner;
                if inner == 1 {
                    for (&i, v) in picks[block.clone()].iter().zip(&values[block]) {
                        match sums.get_mut(place(i, size)) {
                            Some(y) => merge(y, *v),
                            None => within = false,
                        }
                    }
                    continue;
                }
                let rows = picks[block.clone()].chunks_exact(inner);
                for (picks, values) in rows.zip(values[block].chunks_exact(inner)) {
                    for (j, (&i, v)) in picks.iter().zip(values).enumerate() {
                        match sums.get_mut(spot(i, size, inner, j)) {
                            Some(y) => merge(y, *v),
                            None => within = false,
                        }
                    }
                }
            }
            if !within {
                wrong.store(true, Ordering::Relaxed);
            }
        });
        if wrong.into_inner() {
            return Err(self.index_error(op, a, index));
        }
        if whole {
            return Ok(sums);
        }
        let mut out = self.try_copied(op)?;
        let window = out.within(Some(a), index.shape());
        out.write_window(|_| window, &sums);
        Ok(out)
    }
}

/// # Indexing: elements put into places
impl<T: Element> Tensor<T> {
    /// This tensor with `src[i…]` put at `[i… with the axis's place taken by index[i…]]` (PyTorch's `scatter`). Of elements
    /// that an index names twice the last one stays, in row-major order.
    ///
    /// # Errors
    /// If the axis or an index is out of range, or the shapes do not fit.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let (index, src) = (Tensor::new([0i64, 2, 0]), Tensor::new([1i64, 2, 3]));
    /// let t = Tensor::<i64>::zeros(3).scatter(0, &index, &src)?;
    /// assert_eq!(t.to_vec(), [3, 0, 2]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn scatter(&self, axis: isize, index: &Tensor<i64>, src: &Tensor<T>) -> Result<Tensor<T>> {
        self.scattered("scatter", axis, index, src, |y, v| *y = v)
    }
}

/// # Indexing: sums into elements
impl<T: Num> Tensor<T> {
    /// This tensor with `src[i…]` added at `[i… with the axis's place taken by index[i…]]` (PyTorch's
    /// `scatter_add`). Elements that an index names twice add up, in row-major order.
    ///
    /// # Errors
    /// If the axis or an index is out of range, or the shapes do not fit.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let (index, src) = (Tensor::new([0i64, 2, 0]), Tensor::new([1i64, 2, 3]));
    /// let t = Tensor::<i64>::zeros(3).scatter_add(0, &index, &src)?;
    /// assert_eq!(t.to_vec(), [4, 0, 2]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn scatter_add(
        &self,
        axis: isize,
        index: &Tensor<i64>,
        src: &Tensor<T>,
    ) -> Result<Tensor<T>> {
        self.scattered("scatter_add", axis, index, src, |y, v| *y = y.add_(v))
    }

    /// This tensor with `src[i…]` merged into `[i… with the axis's place taken by index[i…]]` (PyTorch's `scatter_reduce`).
    /// `include_self` says whether the elements that an index names are merged too, or replaced; the others stay.
    ///
    /// # Errors
    /// If the axis or an index is out of range, or the shapes do not fit.
    ///
    /// ```
    /// use wengert::Tensor;
    /// use wengert::tensor::ScatterReduce::{Max, Mean};
    /// let (index, src) = (Tensor::new([0i64, 2, 0]), Tensor::new([1.0f32, -2.0, 3.0]));
    /// let t = Tensor::new([5.0f32, 6.0, 0.0]);
    /// assert_eq!(t.scatter_reduce(0, &index, &src, Max, true)?.to_vec(), [5.0, 6.0, 0.0]);
    /// assert_eq!(t.scatter_reduce(0, &index, &src, Mean, false)?.to_vec(), [2.0, 6.0, -2.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn scatter_reduce(
        &self,
        axis: isize,
        index: &Tensor<i64>,
        src: &Tensor<T>,
        reduce: ScatterReduce,
        include_self: bool,
    ) -> Result<Tensor<T>> {
        let op = "scatter_reduce";
        // What changes nothing in a merge.
        let neutral = match reduce {
            ScatterReduce::Sum | ScatterReduce::Mean => 0.0,
            ScatterReduce::Prod => 1.0,
            ScatterReduce::Max => f64::NEG_INFINITY,
            ScatterReduce::Min => f64::INFINITY,
        };
        let start = match include_self {
            true => self.clone(),
            false => {
                let by = Tensor::scalar(T::from_f64(neutral)).expand(index.shape())?;
                self.scattered(op, axis, index, &by, |y, v| *y = v)?
            }
        };
        match reduce {
            ScatterReduce::Sum => start.scattered(op, axis, index, src, |y, v| *y = y.add_(v)),
            ScatterReduce::Prod => start.scattered(op, axis, index, src, |y, v| *y = y.mul_(v)),
            ScatterReduce::Max => start.scattered(op, axis, index, src, |y, v| *y = y.max_(v)),
            ScatterReduce::Min => start.scattered(op, axis, index, src, |y, v| *y = y.min_(v)),
            ScatterReduce::Mean => {
                let sums = start.scattered(op, axis, index, src, |y, v| *y = y.add_(v))?;
                let counts = self.merged_counts(axis, index, include_self)?;
                let counts = counts.cast::<T>();
                let floats = matches!(T::DTYPE, DType::F32 | DType::F64);
                // Integers towards −∞: what the remainder is of is divided exactly.
                let whole = match floats {
                    true => sums,
                    false => sums.num2(Num2::Sub, op, &sums.num2(Num2::Remainder, op, &counts)?)?,
                };
                whole.num2(Num2::Div, op, &counts)
            }
        }
    }

    /// How many elements each one of [`Tensor::scatter_reduce`] is merged of.
    #[doc(hidden)]
    #[track_caller]
    pub fn merged_counts(
        &self,
        axis: isize,
        index: &Tensor<i64>,
        include_self: bool,
    ) -> Result<Tensor<i64>> {
        let op = "scatter_reduce";
        let mut counts = Tensor::<i64>::try_ones(self.shape()).map_err(|e| e.rename(op))?;
        let each = |n: i64| Tensor::scalar(n).expand(index.shape());
        if !include_self {
            counts = counts.scattered(op, axis, index, &each(0)?, |y, v| *y = v)?;
        }
        counts.scattered(op, axis, index, &each(1)?, |y, v| *y += v)
    }
}
