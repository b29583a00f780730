//! Views by ranges: slices with any step, reversals, diagonals, windows.

use std::ops::{Bound, RangeBounds};

use crate::element::Element;
use crate::error::{ErrorKind, Result, Site};
use crate::layout::Layout;
use crate::shape::IntoAxes;
use crate::tensor::Tensor;

/// A range of an axis as Python writes it, `start:end:step`: negative bounds count from the end, bounds
/// beyond the axis are cut to it, a negative step runs backwards.
///
/// ```
/// use wengert::Tensor;
/// use wengert::tensor::Slice;
/// let t = Tensor::new([0i64, 1, 2, 3, 4]);
/// assert_eq!(t.slice(0, 1..-1)?.to_vec(), [1, 2, 3]);
/// assert_eq!(t.slice(0, Slice::all().step(-2))?.to_vec(), [4, 2, 0]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    start: Option<isize>,
    end: Option<isize>,
    step: isize,
}

impl Slice {
    /// `start:end:step`; `None` is the end of the axis that the step comes from or goes to.
    pub fn new(start: Option<isize>, end: Option<isize>, step: isize) -> Slice {
        Slice { start, end, step }
    }

    /// The whole axis.
    pub fn all() -> Slice {
        Slice {
            start: None,
            end: None,
            step: 1,
        }
    }

    /// The same bounds with another step.
    pub fn step(mut self, step: isize) -> Slice {
        self.step = step;
        self
    }

    /// First index and count on an axis of this size; `None` where the step is 0.
    fn on(&self, size: usize) -> Option<(usize, usize)> {
        let n = size as isize; // sizes are at most isize::MAX
        let (low, high) = if self.step > 0 { (0, n) } else { (-1, n - 1) };
        let bound = |b: Option<isize>, default: isize| match b {
            None => default,
            Some(b) if b < 0 => b.checked_add(n).unwrap_or(isize::MIN).clamp(low, high),
            Some(b) => b.clamp(low, high),
        };
        let (first, last) = match self.step {
            0 => return None,
            s if s > 0 => (bound(self.start, 0), bound(self.end, n)),
            _ => (bound(self.start, n - 1), bound(self.end, -1)),
        };
        let span = if self.step > 0 {
            last - first
        } else {
            first - last
        };
        let count = if span <= 0 {
            0
        } else {
            (span as usize).div_ceil(self.step.unsigned_abs())
        };
        Some((if count == 0 { 0 } else { first as usize }, count))
    }
}

impl<R: RangeBounds<isize>> From<R> for Slice {
    fn from(r: R) -> Slice {
        let start = match r.start_bound() {
            Bound::Included(&s) => Some(s),
            Bound::Excluded(&s) => Some(s.saturating_add(1)),
            Bound::Unbounded => None,
        };
        let end = match r.end_bound() {
            // `..=-1` goes to the end.
            Bound::Included(&-1) | Bound::Unbounded => None,
            Bound::Included(&e) => Some(e.saturating_add(1)),
            Bound::Excluded(&e) => Some(e),
        };
        Slice {
            start,
            end,
            step: 1,
        }
    }
}

/// # Views: slices and iteration
impl<T: Element> Tensor<T> {
    /// A range of an axis with any step but 0, as Python's `t[start:end:step]`.
    ///
    /// # Errors
    /// If the axis is out of range or the step is 0.
    ///
    /// ```
    /// use wengert::Tensor;
    /// use wengert::tensor::Slice;
    /// let t = Tensor::new([[0i64, 1, 2, 3], [4, 5, 6, 7]]);
    /// assert_eq!(t.slice(1, 1..3)?.to_vec(), [1, 2, 5, 6]);
    /// assert_eq!(t.slice(1, Slice::new(Some(-1), None, -3))?.to_vec(), [3, 0, 7, 4]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn slice(&self, axis: isize, range: impl Into<Slice>) -> Result<Tensor<T>> {
        let a = self.axis("slice", axis)?;
        let range = range.into();
        let Some((first, count)) = range.on(self.shape()[a]) else {
            return Err(Site::new("slice")
                .operand_axis("self", T::DTYPE, self.shape(), a)
                .error(ErrorKind::InvalidArgument {
                    name: "step",
                    value: "0".into(),
                    rule: "step != 0",
                }));
        };
        Ok(self.with_layout(self.layout().slice(a, first, range.step, count)))
    }

    /// Some axes reversed.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([1i64, 2, 3]).flip(0)?.to_vec(), [3, 2, 1]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn flip(&self, axes: impl IntoAxes) -> Result<Tensor<T>> {
        let mut layout = self.layout().clone();
        for a in self.axes("flip", &axes.into_axes())? {
            let n = layout.shape[a];
            if n > 0 {
                layout = layout.slice(a, n - 1, -1, n);
            }
        }
        Ok(self.with_layout(layout))
    }

    /// The diagonal of two axes, as the last axis; `offset` above 0 is above the main diagonal.
    ///
    /// # Errors
    /// If an axis is out of range or both are the same.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([[1i64, 2], [3, 4]]);
    /// assert_eq!(t.diagonal(0, 0, 1)?.to_vec(), [1, 4]);
    /// assert_eq!(t.diagonal(-1, 0, 1)?.to_vec(), [3]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn diagonal(&self, offset: isize, axis1: isize, axis2: isize) -> Result<Tensor<T>> {
        let (a, b) = (self.axis("diagonal", axis1)?, self.axis("diagonal", axis2)?);
        if a == b {
            return Err(self
                .site("diagonal")
                .error(ErrorKind::RepeatedAxis { axis: a }));
        }
        let (rows, cols) = (self.shape()[a], self.shape()[b]);
        let (skip_rows, skip_cols) = if offset < 0 {
            (offset.unsigned_abs(), 0)
        } else {
            (0, offset.unsigned_abs())
        };
        let len = rows
            .saturating_sub(skip_rows)
            .min(cols.saturating_sub(skip_cols));
        let mut layout = self.layout().clone();
        if len == 0 {
            layout = layout.slice(a, 0, 1, 0);
        } else {
            layout = layout
                .slice(a, skip_rows, 1, len)
                .slice(b, skip_cols, 1, len);
        }
        // Strides of an empty tensor mean nothing, and their sum may not fit.
        let stride = layout.strides[a].wrapping_add(layout.strides[b]);
        let kept = (0..layout.rank()).filter(|&axis| axis != a && axis != b);
        let (mut shape, mut strides) = layout.axes(kept);
        shape.push(len);
        strides.push(stride);
        let count = shape.iter().product();
        Ok(self.with_layout(Layout::of(shape, layout.offset, strides, count)))
    }

    /// Windows of `size` elements of an axis, each `step` after the one before; the windows become the
    /// last axis (PyTorch's `Tensor.unfold`).
    ///
    /// # Errors
    /// If the axis is out of range, `size` is above the axis's, or `step` is 0.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([1i64, 2, 3, 4]).unfold(0, 2, 1)?;
    /// assert_eq!(t.shape(), &[3, 2][..]);
    /// assert_eq!(t.to_vec(), [1, 2, 2, 3, 3, 4]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn unfold(&self, axis: isize, size: usize, step: usize) -> Result<Tensor<T>> {
        let a = self.axis("unfold", axis)?;
        let n = self.shape()[a];
        let refused = match (size, step) {
            (size, _) if size > n => Some(("size", size, "size <= the axis's size")),
            (_, 0) => Some(("step", 0, "step >= 1")),
            _ => None,
        };
        if let Some((name, value, rule)) = refused {
            return Err(Site::new("unfold")
                .operand_axis("self", T::DTYPE, self.shape(), a)
                .error(ErrorKind::InvalidArgument {
                    name,
                    value: value.to_string(),
                    rule,
                }));
        }
        let count = (n - size) / step + 1;
        let Layout {
            mut shape,
            mut strides,
            offset,
            ..
        } = self.layout().clone();
        let stride = strides[a];
        shape.as_mut_slice()[a] = count;
        // A window of nothing may begin behind the last element, where no offset need fit.
        if count > 1 && size > 0 {
            strides.as_mut_slice()[a] = stride * step as isize;
        }
        shape.push(size);
        strides.push(stride);
        // Windows may overlap, so there can be more elements than memory has.
        let Some(len) = shape.checked_numel() else {
            return Err(Site::new("unfold")
                .operand_axis("self", T::DTYPE, self.shape(), a)
                .error(ErrorKind::SizeOverflow { shape }));
        };
        Ok(self.with_layout(Layout::of(shape, offset, strides, len)))
    }

    /// The views along an axis, which goes away.
    ///
    /// # Errors
    /// If the axis is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let columns = Tensor::new([[1i64, 2], [3, 4]]).unbind(1)?;
    /// assert_eq!(columns[0].to_vec(), [1, 3]);
    /// assert_eq!(columns[1].to_vec(), [2, 4]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn unbind(&self, axis: isize) -> Result<Vec<Tensor<T>>> {
        let a = self.axis("unbind", axis)?;
        let mut out = self.try_list("unbind", self.shape()[a])?;
        out.extend((0..self.shape()[a]).map(|i| self.with_layout(self.layout().select(a, i))));
        Ok(out)
    }

    /// Axis `from` moved to place `to`; the others keep their order.
    ///
    /// # Errors
    /// If an axis is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::<f32>::zeros([2, 3, 4]);
    /// assert_eq!(t.movedim(0, -1)?.shape(), &[3, 4, 2][..]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn movedim(&self, from: isize, to: isize) -> Result<Tensor<T>> {
        let (from, to) = (self.axis("movedim", from)?, self.axis("movedim", to)?);
        let mut order: Vec<usize> = (0..self.rank()).filter(|a| *a != from).collect();
        order.insert(to, from);
        Ok(self.with_layout(self.layout().permute(&order)))
    }

    /// Views over the first axis; none for a scalar.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([[1i64, 2], [3, 4]]);
    /// let sums: Vec<i64> = t.outer_iter().map(|row| row.to_vec().iter().sum()).collect();
    /// assert_eq!(sums, [3, 7]);
    /// ```
    pub fn outer_iter(&self) -> impl ExactSizeIterator<Item = Tensor<T>> + '_ {
        let n = self.shape().first().copied().unwrap_or(0);
        (0..n).map(|i| self.with_layout(self.layout().select(0, i)))
    }

    /// The element at an index, one number an axis; negative ones count from the end.
    ///
    /// # Errors
    /// If there is not one number an axis, or one is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([[1i64, 2], [3, 4]]).get(&[1, -1])?, 4);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn get(&self, index: &[isize]) -> Result<T> {
        if index.len() != self.rank() {
            return Err(self
                .site("get")
                .hint(format!(
                    "the index has {} numbers; select() takes one axis",
                    index.len()
                ))
                .error(ErrorKind::Rank {
                    expected: "one index for each axis",
                    rank: self.rank(),
                    rule: "index.len() == self.rank()",
                }));
        }
        let mut layout = self.layout().clone();
        for &i in index {
            // The first axis left is axis `rank - layout.rank()` of the original.
            let axis = self.rank() - layout.rank();
            let i = self.index("get", axis, i as i64)?;
            layout = layout.select(0, i);
        }
        self.with_layout(layout).item()
    }

    /// The elements in row-major order, one at a time, whatever the strides; no copy is made.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([[1i64, 2], [3, 4]]).t()?;
    /// assert_eq!(t.iter().collect::<Vec<_>>(), [1, 3, 2, 4]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn iter(&self) -> Elements<'_, T> {
        Elements {
            tensor: self,
            index: vec![0; self.rank()],
            left: self.len(),
        }
    }
}

/// Iterator over the elements of a tensor, see [`Tensor::iter`].
pub struct Elements<'a, T: Element> {
    tensor: &'a Tensor<T>,
    index: Vec<usize>,
    left: usize,
}

impl<T: Element> Iterator for Elements<'_, T> {
    type Item = T;
    fn next(&mut self) -> Option<T> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let layout = self.tensor.layout();
        let offset: isize = self
            .index
            .iter()
            .zip(layout.strides.iter())
            .map(|(&i, &s)| i as isize * s)
            .sum();
        let value = self.tensor.at_offset(offset);
        for (i, &d) in self.index.iter_mut().zip(layout.shape.iter()).rev() {
            *i += 1;
            if *i < d {
                break;
            }
            *i = 0;
        }
        Some(value)
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}
impl<T: Element> ExactSizeIterator for Elements<'_, T> {}

impl<'a, T: Element> IntoIterator for &'a Tensor<T> {
    type Item = T;
    type IntoIter = Elements<'a, T>;
    fn into_iter(self) -> Elements<'a, T> {
        self.iter()
    }
}
