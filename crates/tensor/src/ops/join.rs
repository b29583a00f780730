//! Joining tensors and taking them apart; writing through windows.

use std::borrow::Borrow;

use crate::element::{Element, Num};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::layout::for_each_offset;
use crate::shape::{IntoShape, Shape};
use crate::tensor::Tensor;

/// Nothing was given to join.
#[track_caller]
#[cold]
fn none(op: &'static str) -> Error {
    Error::invalid(op, "tensors", "[]", "at least one tensor")
}

/// # Joining and splitting
impl<T: Element> Tensor<T> {
    /// The tensors one after another along an axis.
    ///
    /// # Errors
    /// If there is none, the axis is out of range, or the other axes differ.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let (a, b) = (Tensor::new([[1i64], [2]]), Tensor::new([[3i64, 4], [5, 6]]));
    /// assert_eq!(Tensor::cat(&[&a, &b], 1)?.to_vec(), [1, 3, 4, 2, 5, 6]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn cat(tensors: &[impl Borrow<Tensor<T>>], axis: isize) -> Result<Tensor<T>> {
        let Some(first) = tensors.first() else {
            return Err(none("cat"));
        };
        let first: &Tensor<T> = first.borrow();
        if first.rank() == 0 {
            let site = first.site("cat").hint("`stack` joins scalars");
            return Err(site.error(ErrorKind::Rank {
                expected: "at least one axis",
                rank: 0,
                rule: "self.rank() >= 1",
            }));
        }
        let a = first.axis("cat", axis)?;
        let mut size = 0usize;
        for t in tensors {
            let t: &Tensor<T> = t.borrow();
            let fits = t.rank() == first.rank()
                && (0..t.rank()).all(|i| i == a || t.shape()[i] == first.shape()[i]);
            if !fits {
                let site = Site::new("cat")
                    .operand_axis("first", T::DTYPE, first.shape(), a)
                    .operand("other", T::DTYPE, t.shape());
                return Err((if t.rank() + 1 == first.rank() {
                    site.hint(format!("other.unsqueeze({axis}) has the axis"))
                } else {
                    site
                })
                .error(ErrorKind::ShapeMismatch {
                    what: "the other axes differ",
                    rule: "all shapes agree but along the joined axis",
                }));
            }
            // Each size is at most isize::MAX: the sum is checked below as part of the shape.
            size = size.saturating_add(t.shape()[a]);
        }
        let mut shape = first.shape().clone();
        shape.as_mut_slice()[a] = size;
        let mut out = Tensor::try_uninit("cat", shape)?;
        let mut at = 0;
        for t in tensors {
            let t: &Tensor<T> = t.borrow();
            let n = t.shape()[a];
            out.write_window(|l| l.slice(a, at, 1, n), t);
            at += n;
        }
        Ok(out)
    }

    /// The tensors, all of one shape, along a new axis.
    ///
    /// # Errors
    /// If there is none, the axis is out of range, or the shapes differ.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let rows = [Tensor::new([1i64, 2]), Tensor::new([3, 4])];
    /// assert_eq!(Tensor::stack(&rows, 0)?, Tensor::new([[1, 2], [3, 4]]));
    /// assert_eq!(Tensor::stack(&rows, -1)?, Tensor::new([[1, 3], [2, 4]]));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn stack(tensors: &[impl Borrow<Tensor<T>>], axis: isize) -> Result<Tensor<T>> {
        let Some(first) = tensors.first() else {
            return Err(none("stack"));
        };
        let first: &Tensor<T> = first.borrow();
        let mut rows = first.try_list("stack", tensors.len())?;
        for t in tensors {
            let t: &Tensor<T> = t.borrow();
            if t.shape() != first.shape() {
                return Err(Site::new("stack")
                    .operand("first", T::DTYPE, first.shape())
                    .operand("other", T::DTYPE, t.shape())
                    .hint("cat() joins tensors that differ along one axis")
                    .error(ErrorKind::ShapeMismatch {
                        what: "shapes differ",
                        rule: "all shapes agree",
                    }));
            }
            rows.push(match t.unsqueeze(axis) {
                Ok(row) => row,
                Err(e) => return Err(e.rename("stack")),
            });
        }
        match Tensor::cat(&rows, axis) {
            Ok(t) => Ok(t),
            Err(e) => Err(e.rename("stack")),
        }
    }

    /// Views of `size` along an axis; the last may be smaller.
    ///
    /// # Errors
    /// If the axis is out of range or `size` is 0.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let parts = Tensor::new([1i64, 2, 3]).split(2, 0)?;
    /// assert_eq!((parts[0].to_vec(), parts[1].to_vec()), (vec![1, 2], vec![3]));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn split(&self, size: usize, axis: isize) -> Result<Vec<Tensor<T>>> {
        let a = self.axis("split", axis)?;
        if size == 0 {
            return Err(self.above_zero("split", "size", a));
        }
        self.parts("split", size, a)
    }

    #[track_caller]
    fn above_zero(&self, op: &'static str, name: &'static str, axis: usize) -> Error {
        Site::new(op)
            .operand_axis("self", T::DTYPE, self.shape(), axis)
            .error(ErrorKind::InvalidArgument {
                name,
                value: "0".into(),
                rule: "at least 1",
            })
    }

    #[track_caller]
    fn parts(&self, op: &'static str, size: usize, a: usize) -> Result<Vec<Tensor<T>>> {
        let n = self.shape()[a];
        let mut out = self.try_list(op, n.max(1).div_ceil(size))?;
        out.extend((0..n.max(1)).step_by(size).map(|s| {
            let s = s.min(n);
            self.with_layout(self.layout().slice(a, s, 1, size.min(n - s)))
        }));
        Ok(out)
    }

    /// Views of these sizes along an axis.
    ///
    /// # Errors
    /// If the axis is out of range or the sizes do not add up to its.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let parts = Tensor::new([1i64, 2, 3]).split_sizes(&[1, 0, 2], 0)?;
    /// assert_eq!(parts.iter().map(Tensor::len).collect::<Vec<_>>(), [1, 0, 2]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn split_sizes(&self, sizes: &[usize], axis: isize) -> Result<Vec<Tensor<T>>> {
        let a = self.axis("split_sizes", axis)?;
        let total = sizes.iter().try_fold(0usize, |t, &s| t.checked_add(s));
        if total != Some(self.shape()[a]) {
            return Err(Site::new("split_sizes")
                .operand_axis("self", T::DTYPE, self.shape(), a)
                .error(ErrorKind::InvalidArgument {
                    name: "sizes",
                    value: format!("{sizes:?}"),
                    rule: "the sizes add up to the axis's",
                }));
        }
        let mut at = 0;
        let mut out = self.try_list("split_sizes", sizes.len())?;
        out.extend(sizes.iter().map(|&n| {
            at += n;
            self.with_layout(self.layout().slice(a, at - n, 1, n))
        }));
        Ok(out)
    }

    /// At most `n` views of equal size along an axis (the last may be smaller), as PyTorch's.
    ///
    /// # Errors
    /// If the axis is out of range or `n` is 0.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let parts = Tensor::new([1i64, 2, 3, 4, 5]).chunk(3, 0)?;
    /// assert_eq!(parts.iter().map(Tensor::len).collect::<Vec<_>>(), [2, 2, 1]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn chunk(&self, n: usize, axis: isize) -> Result<Vec<Tensor<T>>> {
        let a = self.axis("chunk", axis)?;
        if n == 0 {
            return Err(self.above_zero("chunk", "n", a));
        }
        self.parts("chunk", self.shape()[a].div_ceil(n).max(1), a)
    }

    /// `N` views of equal size along an axis, as an array: `let [q, k, v] = qkv.chunk_array(-1)?`.
    ///
    /// # Errors
    /// If the axis is out of range, or `N` does not divide its size.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let [a, b] = Tensor::new([[1i64, 2], [3, 4]]).chunk_array(-1)?;
    /// assert_eq!((a.to_vec(), b.to_vec()), (vec![1, 3], vec![2, 4]));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn chunk_array<const N: usize>(&self, axis: isize) -> Result<[Tensor<T>; N]> {
        let size = self.check_parts("chunk_array", N, axis)?;
        let a = self.axis("chunk_array", axis)?;
        Ok(std::array::from_fn(|i| {
            self.with_layout(self.layout().slice(a, i * size, 1, size))
        }))
    }

    /// The size of each of `n` equal parts of an axis.
    #[track_caller]
    #[inline(never)]
    fn check_parts(&self, op: &'static str, n: usize, axis: isize) -> Result<usize> {
        let a = self.axis(op, axis)?;
        let size = self.shape()[a];
        if n > 0 && size.is_multiple_of(n) {
            return Ok(size / n);
        }
        Err(Site::new(op)
            .operand_axis("self", T::DTYPE, self.shape(), a)
            .hint("split_array() takes parts of other sizes, chunk() makes a smaller last one")
            .error(ErrorKind::InvalidArgument {
                name: "N",
                value: n.to_string(),
                rule: "N parts of one size make up the axis",
            }))
    }

    /// Views of these sizes along an axis, as an array: `let [state, gate] = x.split_array([3, 1], -1)?`.
    ///
    /// # Errors
    /// If the axis is out of range or the sizes do not add up to its.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let [a, b] = Tensor::new([1i64, 2, 3]).split_array([1, 2], 0)?;
    /// assert_eq!((a.to_vec(), b.to_vec()), (vec![1], vec![2, 3]));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn split_array<const N: usize>(
        &self,
        sizes: [usize; N],
        axis: isize,
    ) -> Result<[Tensor<T>; N]> {
        let parts = self.split_sizes(&sizes, axis);
        let parts = parts.map_err(|e| e.rename("split_array"))?;
        let mut parts = parts.into_iter();
        // There is a part for each size.
        Ok(std::array::from_fn(|_| {
            parts.next().unwrap_or_else(|| self.clone())
        }))
    }

    /// The slices along an axis, which is dropped, as an array: `let [x, y] = points.unbind_array(-1)?`.
    ///
    /// # Errors
    /// If the axis is out of range or not of size `N`.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let [x, y] = Tensor::new([[1i64, 2], [3, 4]]).unbind_array(-1)?;
    /// assert_eq!((x.to_vec(), y.to_vec()), (vec![1, 3], vec![2, 4]));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn unbind_array<const N: usize>(&self, axis: isize) -> Result<[Tensor<T>; N]> {
        self.check_slices("unbind_array", N, axis)?;
        let a = self.axis("unbind_array", axis)?;
        Ok(std::array::from_fn(|i| {
            self.with_layout(self.layout().select(a, i))
        }))
    }

    /// Whether an axis is of size `n`.
    #[track_caller]
    #[inline(never)]
    fn check_slices(&self, op: &'static str, n: usize, axis: isize) -> Result<()> {
        let a = self.axis(op, axis)?;
        if self.shape()[a] == n {
            return Ok(());
        }
        Err(Site::new(op)
            .operand_axis("self", T::DTYPE, self.shape(), a)
            .error(ErrorKind::InvalidArgument {
                name: "N",
                value: n.to_string(),
                rule: "N is the size of the axis",
            }))
    }

    /// The tensor repeated along each axis; more counts than axes add axes in front.
    ///
    /// # Errors
    /// If there are fewer counts than axes or the size overflows.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([1i64, 2]).repeat([2, 2])?.to_vec(), [1, 2, 1, 2, 1, 2, 1, 2]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn repeat(&self, counts: impl IntoShape) -> Result<Tensor<T>> {
        let counts = counts.into_shape();
        if counts.len() < self.rank() {
            return Err(self
                .site("repeat")
                .hint("a count of 1 keeps an axis as it is")
                .error(ErrorKind::InvalidArgument {
                    name: "counts",
                    value: counts.to_string(),
                    rule: "one count for each axis at least",
                }));
        }
        let lead = counts.len() - self.rank();
        // Each axis d repeated c times is [c, d] read as one.
        let mut shape = Shape::new();
        let (mut spread, mut pairs) = (Shape::new(), Shape::new());
        for (i, &c) in counts.iter().enumerate() {
            let d = if i < lead { 1 } else { self.shape()[i - lead] };
            shape.push(c.saturating_mul(d));
            spread.push(c);
            spread.push(d);
            pairs.push(1);
            pairs.push(d);
        }
        let len = match shape.checked_numel() {
            Some(len) if len > 0 => len,
            // Nothing to copy, or a size that is refused.
            _ => return Tensor::try_uninit("repeat", shape),
        };
        let view = match self.reshape(pairs) {
            Ok(v) => v,
            Err(e) => return Err(e.rename("repeat")),
        };
        let expanded = view.with_layout(view.layout().expand(&spread, len));
        Ok(expanded.try_copied("repeat")?.in_shape(shape))
    }

    /// The elements moved along an axis by `shift`, those beyond the end coming in at the start.
    ///
    /// # Errors
    /// If the axis is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([1i64, 2, 3]).roll(1, 0)?.to_vec(), [3, 1, 2]);
    /// assert_eq!(Tensor::new([1i64, 2, 3]).roll(-1, 0)?.to_vec(), [2, 3, 1]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn roll(&self, shift: isize, axis: isize) -> Result<Tensor<T>> {
        let a = self.axis("roll", axis)?;
        let n = self.shape()[a];
        if n == 0 {
            return Ok(self.clone());
        }
        let s = shift.rem_euclid(n as isize) as usize;
        let part = |start, len| self.with_layout(self.layout().slice(a, start, 1, len));
        match Tensor::cat(
            &[
                part((n - s) % n, if s == 0 { n } else { s }),
                part(0, if s == 0 { 0 } else { n - s }),
            ],
            axis,
        ) {
            Ok(t) => Ok(t),
            Err(e) => Err(e.rename("roll")),
        }
    }
}

/// # Writing in place
impl<T: Element> Tensor<T> {
    /// Every element replaced by `value`, in place where the memory is held alone.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let mut t = Tensor::<f32>::zeros(2);
    /// let before = t.clone();
    /// t.fill(7.0);
    /// assert_eq!((t.to_vec(), before.to_vec()), (vec![7.0; 2], vec![0.0; 2]));
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn fill(&mut self, value: T) {
        self.as_mut_slice().fill(value);
    }

    /// The elements replaced by `src`'s, broadcast, in place where the memory is held alone.
    ///
    /// # Errors
    /// If `src` does not broadcast to this shape.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let mut t = Tensor::<i64>::zeros([2, 2]);
    /// t.copy_from(&Tensor::new([1, 2]))?;
    /// assert_eq!(t.to_vec(), [1, 2, 1, 2]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn copy_from(&mut self, src: &Tensor<T>) -> Result<()> {
        if src.shape().broadcast(self.shape()).as_ref() != Some(self.shape()) {
            return Err(self
                .site("copy_from")
                .operand("src", T::DTYPE, src.shape())
                .error(ErrorKind::ShapeMismatch {
                    what: "src does not fit",
                    rule: "aligned at the last axis, src's sizes equal self's or are 1",
                }));
        }
        self.try_make_unique("copy_from")?;
        self.write_window(Clone::clone, src);
        Ok(())
    }
}

#[doc(hidden)]
impl<T: Num> Tensor<T> {
    /// Zeros of a shape with `grad` added through the view that `view` takes of them: the adjoint of
    /// any view. Where the view shows an element several times (an overlapping unfold), its gradients
    /// add up, in row-major order.
    ///
    /// # Errors
    /// If `view` fails or shows another tensor, `grad` has another shape than the view, or the size
    /// overflows.
    #[track_caller]
    #[inline(never)]
    pub fn embed(
        shape: impl IntoShape,
        grad: &Tensor<T>,
        view: impl FnOnce(&Tensor<T>) -> Result<Tensor<T>>,
    ) -> Result<Tensor<T>> {
        let mut out = Tensor::try_zeros(shape).map_err(|e| e.rename("embed"))?;
        let window = view(&out)?;
        if !window.shares_memory_with(&out) && !out.is_empty() {
            return Err(Site::new("embed")
                .operand("grad", T::DTYPE, grad.shape())
                .operand("view", T::DTYPE, window.shape())
                .error(ErrorKind::InvalidArgument {
                    name: "view",
                    value: "another tensor".into(),
                    rule: "the closure returns a view of its argument",
                }));
        }
        if window.shape() != grad.shape() {
            return Err(Site::new("embed")
                .operand("grad", T::DTYPE, grad.shape())
                .operand("view", T::DTYPE, window.shape())
                .error(ErrorKind::ShapeMismatch {
                    what: "the gradient does not fit the view",
                    rule: "grad.shape == view.shape",
                }));
        }
        let overlaps = window.may_overlap();
        let layout = window.layout().clone();
        drop(window); // or writing would copy
        if !overlaps {
            out.write_window(|_| layout, grad);
            return Ok(out);
        }
        let values = grad.try_contiguous("embed")?;
        let mut values = values.as_slice().unwrap_or(&[]).iter();
        let data = out.as_mut_slice();
        for_each_offset(&layout, |at| {
            if let Some(&v) = values.next() {
                data[at] = data[at].add_(v);
            }
        });
        Ok(out)
    }
}
