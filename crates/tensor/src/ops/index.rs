//! Taking and adding elements by index. Indices are `i64`; negative ones count from the end.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::element::{Element, Num};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::kernels::par;
use crate::layout::Layout;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// An axis and the product of those after it.
pub(super) struct Lanes {
    pub(super) size: usize,
    pub(super) inner: usize,
}

impl Lanes {
    pub(super) fn of(shape: &Shape, axis: usize) -> Lanes {
        Lanes {
            size: shape[axis],
            inner: shape[axis + 1..].iter().product(),
        }
    }
}

/// Cuts rows of `inner` elements, the first of them row `first`, where row `r / n` changes: `f` is given that, which of
/// its `n` rows the cut begins with, and the rows.
#[inline(always)]
fn for_blocks<T>(
    first: usize,
    n: usize,
    inner: usize,
    mut rows: &mut [T],
    mut f: impl FnMut(usize, usize, &mut [T]),
) {
    let (mut o, mut k) = (first / n, first % n);
    while !rows.is_empty() {
        let (block, rest) = rows.split_at_mut(((n - k) * inner).min(rows.len()));
        f(o, k, block);
        (rows, o, k) = (rest, o + 1, 0);
    }
}

fn add_to<T: Num>(sums: &mut [T], row: &[T]) {
    for (y, v) in sums.iter_mut().zip(row) {
        *y = y.add_(*v);
    }
}

/// Adds row `k` of `values` to row `picks[k]` of `y`, of `inner` elements each. Each thread has some rows of `y`, looks
/// through all picks for them, and makes their sums in order. (An embedding's gradient is such a sum.)
fn add_rows<T: Num>(y: &mut [T], inner: usize, picks: &[usize], values: &[T]) {
    let parts = (picks.len() * inner / par::chunk_len(COST)).clamp(1, par::num_threads());
    let most = (y.len() / inner).div_ceil(parts);
    par::for_rows_mut(y, inner, most, |first, sums| {
        let own = first..first + sums.len() / inner;
        for (i, row) in picks.iter().zip(values.chunks_exact(inner)) {
            if own.contains(i) {
                add_to(&mut sums[(i - first) * inner..][..inner], row);
            }
        }
    });
}

/// Tenths of a nanosecond that an element taken or added by index costs.
pub(super) const COST: u32 = 10;

/// An index counted from the front; out of range, it stays so.
#[inline(always)]
pub(super) fn place(i: i64, size: usize) -> usize {
    let i = if i < 0 {
        i.wrapping_add(size as i64)
    } else {
        i
    };
    if usize::BITS < 64 {
        return usize::try_from(i).unwrap_or(usize::MAX);
    }
    // Exact, and gathering takes 70 % longer by the other way. What is still negative is beyond every size.
    i as usize
}

/// Where, in a block of `size` rows of `inner` elements, is element `j` of the row that an index names; past every block
/// where there is no such row.
#[inline(always)]
pub(super) fn spot(i: i64, size: usize, inner: usize, j: usize) -> usize {
    match place(i, size) {
        i if i < size => i * inner + j,
        _ => usize::MAX,
    }
}

/// # Indexing
impl<T: Element> Tensor<T> {
    /// The first index that is not within the axis.
    #[track_caller]
    #[cold]
    pub(super) fn index_error(&self, op: &'static str, axis: usize, index: &Tensor<i64>) -> Error {
        let size = self.shape()[axis];
        let mut wrong = index.iter().filter(|&i| place(i, size) >= size);
        Site::new(op)
            .operand_axis("self", T::DTYPE, self.shape(), axis)
            .operand("index", index.dtype(), index.shape())
            .hint("indices count from 0; negative ones count from the end")
            .error(ErrorKind::IndexOutOfRange {
                index: wrong.next().unwrap_or_default(),
                axis,
                size,
            })
    }

    /// Every index within the axis, counted from the front.
    #[track_caller]
    fn checked_indices(
        &self,
        op: &'static str,
        axis: usize,
        index: &Tensor<i64>,
    ) -> Result<Vec<usize>> {
        let size = self.shape()[axis];
        let mut out = index.try_list(op, index.len())?;
        out.extend(index.iter().map(|i| place(i, size)));
        match out.iter().all(|i| *i < size) {
            true => Ok(out),
            false => Err(self.index_error(op, axis, index)),
        }
    }

    /// This shape with the axes of an index in the place of one.
    fn picked_shape(&self, axis: usize, index: &Tensor<i64>) -> Shape {
        let (before, after) = (&self.shape()[..axis], &self.shape()[axis + 1..]);
        let all = before.iter().chain(index.shape().iter()).chain(after);
        all.copied().collect()
    }

    /// The slices of an axis that an index of any rank names, in its order (NumPy's `take`).
    ///
    /// # Shapes
    /// The index's axes take the place of the axis: `[.., axis, ..]` becomes `[.., index.shape.., ..]`.
    ///
    /// # Errors
    /// If the axis or an index is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([[1i64, 2], [3, 4]]);
    /// assert_eq!(t.index_select(0, &Tensor::new([-1i64, 0, 1]))?.to_vec(), [3, 4, 1, 2, 3, 4]);
    /// assert_eq!(t.index_select(1, &Tensor::zeros([5, 6]))?.shape(), &[2, 5, 6]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn index_select(&self, axis: isize, index: &Tensor<i64>) -> Result<Tensor<T>> {
        let a = self.axis("index_select", axis)?;
        let picks = self.checked_indices("index_select", a, index)?;
        let shape = self.picked_shape(a, index);
        let x = self.try_contiguous("index_select")?;
        let x = x.as_slice().unwrap_or(&[]);
        let Lanes { size, inner } = Lanes::of(self.shape(), a);
        let out = Tensor::<T>::try_uninit("index_select", shape)?;
        if out.is_empty() {
            return Ok(out);
        }
        // SAFETY: `out` is new, contiguous and of so many elements.
        let all = unsafe {
            std::slice::from_raw_parts_mut(out.as_ptr() as *mut MaybeUninit<T>, out.len())
        };
        let (n, most) = (picks.len(), par::chunk_len(COST) / inner);
        par::for_rows_mut(all, inner, most, |first, rows| {
            for_blocks(first, n, inner, rows, |o, k, rows| {
                let (x, picks) = (&x[o * size * inner..][..size * inner], &picks[k..]);
                if inner == 1 {
                    return rows.iter_mut().zip(picks).for_each(|(y, &i)| {
                        y.write(x[i]);
                    });
                }
                for (row, i) in rows.chunks_exact_mut(inner).zip(picks) {
                    let from = &x[i * inner..][..inner];
                    // SAFETY: both are of `inner` elements, and apart.
                    unsafe {
                        std::ptr::copy_nonoverlapping(from.as_ptr(), row.as_mut_ptr().cast(), inner)
                    };
                }
            });
        });
        Ok(out)
    }

    /// Checks an index of this rank whose other axes fit within this shape.
    #[track_caller]
    pub(super) fn check_gather(
        &self,
        op: &'static str,
        axis: usize,
        index: &Tensor<i64>,
    ) -> Result<()> {
        let fits = index.rank() == self.rank()
            && index
                .shape()
                .iter()
                .zip(self.shape().iter())
                .enumerate()
                .all(|(a, (i, s))| a == axis || i <= s);
        if fits {
            return Ok(());
        }
        Err(self
            .site(op)
            .operand("index", index.dtype(), index.shape())
            .hint("index_select() takes whole slices by an index of any shape")
            .error(ErrorKind::ShapeMismatch {
                what: "the index does not fit",
                rule: "index has self's rank and, but along the axis, no larger sizes",
            }))
    }

    /// The part of this tensor that an index covers: of its sizes, but whole along an axis that it names places of.
    pub(super) fn within(&self, axis: Option<usize>, index: &Shape) -> Layout {
        let mut part = self.layout().clone();
        for (a, &d) in index.iter().enumerate().filter(|(a, _)| Some(*a) != axis) {
            part = part.slice(a, 0, 1, d);
        }
        part
    }

    /// `y[i…] = self[i… with the axis's place taken by index[i…]]` (PyTorch's `gather`).
    ///
    /// # Errors
    /// If the axis or an index is out of range, or the shapes do not fit.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([[1i64, 2], [3, 4]]);
    /// assert_eq!(t.gather(1, &Tensor::new([[1i64], [0]]))?.to_vec(), [2, 3]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn gather(&self, axis: isize, index: &Tensor<i64>) -> Result<Tensor<T>> {
        let a = self.axis("gather", axis)?;
        self.check_gather("gather", a, index)?;
        let x = self.with_layout(self.within(Some(a), index.shape()));
        let (x, picks) = (x.try_contiguous("gather")?, index.try_contiguous("gather")?);
        let (x, picks) = (x.as_slice().unwrap_or(&[]), picks.as_slice().unwrap_or(&[]));
        let mut out =
            Tensor::try_full(index.shape(), T::default()).map_err(|e| e.rename("gather"))?;
        let Lanes { size: n, inner } = Lanes::of(index.shape(), a);
        let size = self.shape()[a];
        let wrong = AtomicBool::new(false);
        let most = par::chunk_len(COST) / inner.max(1);
        par::for_rows_mut(out.as_mut_slice(), inner, most, |first, rows| {
            let mut within = true;
            for_blocks(first, n, inner, rows, |o, k, rows| {
                let from = &x[o * size * inner..][..size * inner];
                let picks = &picks[(o * n + k) * inner..];
                if inner == 1 {
                    for (y, &i) in rows.iter_mut().zip(picks) {
                        match from.get(place(i, size)) {
                            Some(v) => *y = *v,
                            None => within = false,
                        }
                    }
                    return;
                }
                for (row, picks) in rows.chunks_exact_mut(inner).zip(picks.chunks_exact(inner)) {
                    for (j, (y, &i)) in row.iter_mut().zip(picks).enumerate() {
                        match from.get(spot(i, size, inner, j)) {
                            Some(v) => *y = *v,
                            None => within = false,
                        }
                    }
                }
            });
            if !within {
                wrong.store(true, Ordering::Relaxed);
            }
        });
        if wrong.into_inner() {
            return Err(self.index_error("gather", a, index));
        }
        Ok(out)
    }
}

/// # Indexing: triangles of matrices
impl<T: Element> Tensor<T> {
    /// The elements on and below a diagonal of the last two axes; others are zero (`false`).
    ///
    /// # Errors
    /// If there are fewer than two axes.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([[1i64, 2], [3, 4]]).tril(0)?.to_vec(), [1, 0, 3, 4]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn tril(&self, diagonal: isize) -> Result<Tensor<T>> {
        self.triangle("tril", diagonal.saturating_add(1), |cut, cols| cut..cols)
    }

    /// The elements on and above a diagonal of the last two axes; others are zero (`false`).
    ///
    /// # Errors
    /// If there are fewer than two axes.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([[1i64, 2], [3, 4]]).triu(1)?.to_vec(), [0, 2, 0, 0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn triu(&self, diagonal: isize) -> Result<Tensor<T>> {
        self.triangle("triu", diagonal, |cut, _| 0..cut)
    }

    /// Clears a part of each row of the last two axes: it is cut at a column, in row 0 at `first`, and one further on in
    /// each row after.
    #[track_caller]
    fn triangle(
        &self,
        op: &'static str,
        first: isize,
        cleared: impl Fn(usize, usize) -> Range<usize>,
    ) -> Result<Tensor<T>> {
        if self.rank() < 2 {
            return Err(self
                .site(op)
                .hint("unsqueeze(0) makes a vector a matrix of one row")
                .error(ErrorKind::Rank {
                    expected: "at least two axes",
                    rank: self.rank(),
                    rule: "self.rank() >= 2",
                }));
        }
        let mut out = self.try_copied(op)?;
        let (rows, cols) = (self.shape()[self.rank() - 2], self.shape()[self.rank() - 1]);
        if !out.is_empty() {
            for matrix in out.as_mut_slice().chunks_exact_mut(rows * cols) {
                for (r, row) in matrix.chunks_exact_mut(cols).enumerate() {
                    let cut = first.saturating_add_unsigned(r).clamp(0, cols as isize);
                    row[cleared(cut as usize, cols)].fill(T::default());
                }
            }
        }
        Ok(out)
    }
}

/// # Indexing: sums into elements
impl<T: Num> Tensor<T> {
    /// This tensor with the slices of `src` added to those slices of an axis that an index of any rank names. `src` has
    /// the shape of [`Tensor::index_select`].
    ///
    /// # Errors
    /// If the axis or an index is out of range, or the shapes do not fit.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let src = Tensor::new([[1i64, 2], [3, 4]]);
    /// let t = Tensor::<i64>::zeros([2, 2]).index_add(0, &Tensor::new([1, 1]), &src)?;
    /// assert_eq!(t.to_vec(), [0, 0, 4, 6]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn index_add(
        &self,
        axis: isize,
        index: &Tensor<i64>,
        src: &Tensor<T>,
    ) -> Result<Tensor<T>> {
        let a = self.axis("index_add", axis)?;
        let want = self.picked_shape(a, index);
        if src.shape() != &want {
            return Err(self
                .site("index_add")
                .operand("index", index.dtype(), index.shape())
                .operand("src", T::DTYPE, src.shape())
                .error(ErrorKind::ShapeMismatch {
                    what: "src does not fit",
                    rule: "src has self's shape, but the index's in the place of the axis",
                }));
        }
        let picks = self.checked_indices("index_add", a, index)?;
        let src = src.try_contiguous("index_add")?;
        let values = src.as_slice().unwrap_or(&[]);
        let Lanes { size, inner } = Lanes::of(self.shape(), a);
        let mut out = self.try_copied("index_add")?;
        let y = out.as_mut_slice();
        let block = picks.len() * inner;
        if y.len() == size * inner && inner > 1 {
            add_rows(y, inner, &picks, values);
            return Ok(out);
        }
        let most = par::chunk_len(COST) / block.max(1);
        par::for_rows_mut(y, size * inner, most, |first, blocks| {
            let values = values[first * block..].chunks_exact(block.max(1));
            for (y, values) in blocks.chunks_exact_mut(size * inner).zip(values) {
                if inner == 1 {
                    picks
                        .iter()
                        .zip(values)
                        .for_each(|(&i, v)| y[i] = y[i].add_(*v));
                    continue;
                }
                for (&i, row) in picks.iter().zip(values.chunks_exact(inner)) {
                    add_to(&mut y[i * inner..][..inner], row);
                }
            }
        });
        Ok(out)
    }
}

/// # Indexing: one-hot codes
impl Tensor<i64> {
    /// Each index as a row of `classes` zeros with a one at it; a new last axis.
    ///
    /// # Errors
    /// If an index is not within `0..classes` or the size overflows.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([2i64, 0]).one_hot::<f32>(3)?;
    /// assert_eq!(t.to_vec(), [0., 0., 1., 1., 0., 0.]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn one_hot<U: Num>(&self, classes: usize) -> Result<Tensor<U>> {
        let mut shape = self.shape().clone();
        shape.push(classes);
        // First of all: a size that is refused spares looking at the indices.
        let mut out = Tensor::try_zeros(shape).map_err(|e| e.rename("one_hot"))?;
        let is_class = |i: i64| usize::try_from(i).is_ok_and(|i| i < classes);
        if let Some(i) = self.iter().find(|i| !is_class(*i)) {
            return Err(self.no_class(i, classes));
        }
        if classes > 0 {
            for (row, i) in out
                .as_mut_slice()
                .chunks_exact_mut(classes)
                .zip(self.iter())
            {
                row[i as usize] = U::ONE;
            }
        }
        Ok(out)
    }

    /// As [`one_hot`](Tensor::one_hot), with the new axis at a place of the result; negative counts from its end.
    ///
    /// # Errors
    /// As [`one_hot`](Tensor::one_hot), and if the axis is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([2i64, 0]).one_hot_axis::<f32>(3, 0)?;
    /// assert_eq!(t, Tensor::new([[0., 1.], [0., 0.], [1., 0.]]));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn one_hot_axis<U: Num>(&self, classes: usize, axis: isize) -> Result<Tensor<U>> {
        let rename = |e: Error| e.rename("one_hot_axis");
        // Refuses an axis before there is anything to make.
        self.unsqueeze(axis).map_err(rename)?;
        let codes = self.one_hot(classes).map_err(rename)?;
        codes.movedim(-1, axis).map_err(rename)
    }

    #[track_caller]
    #[cold]
    fn no_class(&self, index: i64, classes: usize) -> Error {
        let hint = match self.iter().max() {
            Some(most) if index >= 0 => {
                let enough = most.saturating_add(1);
                format!("the largest index is {most}: {enough} classes hold them all")
            }
            _ => "an index is a class: negative ones do not count from the end".into(),
        };
        self.site("one_hot")
            .hint(hint)
            .error(ErrorKind::ClassOutOfRange {
                name: "index",
                class: index,
                classes,
            })
    }
}
