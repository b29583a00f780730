//! Joining tensors and taking them apart; writing through windows.

use std::borrow::Borrow;

use crate::dtype::{Element, Num};
use crate::error::{Error, Result, Site};
use crate::layout::for_each_offset;
use crate::shape::{IntoShape, Shape};
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// The tensors one after another along an axis.
    ///
    /// # Errors
    /// If there is none, the axis is out of range, or the other axes differ.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let (a, b) = (Tensor::new([[1i64], [2]]), Tensor::new([[3i64, 4], [5, 6]]));
    /// assert_eq!(Tensor::cat(&[&a, &b], 1)?.to_vec(), [1, 3, 4, 2, 5, 6]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn cat(tensors: &[impl Borrow<Tensor<T>>], axis: isize) -> Result<Tensor<T>> {
        let Some(first) = tensors.first() else {
            return Err(Error::invalid(
                "cat",
                "tensors",
                "[]",
                "at least one tensor",
            ));
        };
        let first: &Tensor<T> = first.borrow();
        if first.rank() == 0 {
            let site = first.site("cat").hint("`stack` joins scalars");
            return Err(Error::Rank {
                site,
                expected: "at least one axis",
                rank: 0,
            });
        }
        let a = first.axis("cat", axis)?;
        let mut size = 0usize;
        for t in tensors {
            let t: &Tensor<T> = t.borrow();
            let rest = |s: &Shape| {
                s.iter()
                    .enumerate()
                    .filter(|(i, _)| *i != a)
                    .map(|(_, d)| *d)
                    .collect::<Vec<_>>()
            };
            if t.rank() != first.rank() || rest(t.shape()) != rest(first.shape()) {
                return Err(Error::ShapeMismatch {
                    site: Site::new("cat")
                        .operand("first", T::DTYPE, first.shape())
                        .operand("other", T::DTYPE, t.shape()),
                    what: "the other axes differ",
                    rule: "all shapes agree but along the joined axis",
                });
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
    #[track_caller]
    pub fn stack(tensors: &[impl Borrow<Tensor<T>>], axis: isize) -> Result<Tensor<T>> {
        let mut rows = Vec::with_capacity(tensors.len());
        for t in tensors {
            let t: &Tensor<T> = t.borrow();
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
    #[track_caller]
    pub fn split(&self, size: usize, axis: isize) -> Result<Vec<Tensor<T>>> {
        let a = self.axis("split", axis)?;
        if size == 0 {
            return Err(Error::invalid("split", "size", 0, "size >= 1"));
        }
        let n = self.shape()[a];
        let starts = (0..n.max(1)).step_by(size);
        Ok(starts
            .map(|s| self.with_layout(self.layout.slice(a, s.min(n), 1, size.min(n - s.min(n)))))
            .collect())
    }

    /// Views of these sizes along an axis.
    ///
    /// # Errors
    /// If the axis is out of range or the sizes do not add up to its.
    #[track_caller]
    pub fn split_sizes(&self, sizes: &[usize], axis: isize) -> Result<Vec<Tensor<T>>> {
        let a = self.axis("split_sizes", axis)?;
        let total = sizes.iter().try_fold(0usize, |t, &s| t.checked_add(s));
        if total != Some(self.shape()[a]) {
            return Err(Error::InvalidArgument {
                site: Site::new("split_sizes").operand_axis("self", T::DTYPE, self.shape(), a),
                name: "sizes",
                value: format!("{sizes:?}"),
                rule: "the sizes add up to the axis's",
            });
        }
        let mut at = 0;
        Ok(sizes
            .iter()
            .map(|&n| {
                at += n;
                self.with_layout(self.layout.slice(a, at - n, 1, n))
            })
            .collect())
    }

    /// At most `n` views of equal size along an axis (the last may be smaller), as PyTorch's.
    ///
    /// # Errors
    /// If the axis is out of range or `n` is 0.
    #[track_caller]
    pub fn chunk(&self, n: usize, axis: isize) -> Result<Vec<Tensor<T>>> {
        let a = self.axis("chunk", axis)?;
        if n == 0 {
            return Err(Error::invalid("chunk", "n", 0, "n >= 1"));
        }
        self.split(self.shape()[a].div_ceil(n).max(1), axis)
    }

    /// The tensor repeated along each axis; more counts than axes add axes in front.
    ///
    /// # Errors
    /// If there are fewer counts than axes or the size overflows.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// assert_eq!(Tensor::new([1i64, 2]).repeat([2, 2])?.to_vec(), [1, 2, 1, 2, 1, 2, 1, 2]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn repeat(&self, counts: impl IntoShape) -> Result<Tensor<T>> {
        let counts = counts.into_shape();
        if counts.len() < self.rank() {
            return Err(Error::InvalidArgument {
                site: self.site("repeat"),
                name: "counts",
                value: counts.to_string(),
                rule: "one count for each axis at least",
            });
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
        let out = Tensor::try_uninit("repeat", shape)?;
        let Some(len) = spread.checked_numel() else {
            return Ok(out);
        };
        let view = match self.reshape(pairs) {
            Ok(v) => v,
            Err(e) => return Err(e.rename("repeat")),
        };
        let expanded = view.with_layout(view.layout.expand(&spread, len));
        let shape = out.shape().clone();
        drop(out);
        expanded.copied().reshape(shape)
    }

    /// The elements moved along an axis by `shift`, those beyond the end coming in at the start.
    ///
    /// # Errors
    /// If the axis is out of range.
    #[track_caller]
    pub fn roll(&self, shift: isize, axis: isize) -> Result<Tensor<T>> {
        let a = self.axis("roll", axis)?;
        let n = self.shape()[a];
        if n == 0 {
            return Ok(self.clone());
        }
        let s = shift.rem_euclid(n as isize) as usize;
        let part = |start, len| self.with_layout(self.layout.slice(a, start, 1, len));
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

    /// Every element replaced by `value`, in place where the memory is held alone.
    #[track_caller]
    pub fn fill(&mut self, value: T) {
        self.as_mut_slice().fill(value);
    }

    /// The elements replaced by `src`'s, broadcast, in place where the memory is held alone.
    ///
    /// # Errors
    /// If `src` does not broadcast to this shape.
    #[track_caller]
    pub fn copy_from(&mut self, src: &Tensor<T>) -> Result<()> {
        match src.expand(self.shape()) {
            Ok(_) => {
                self.write_window(Clone::clone, src);
                Ok(())
            }
            Err(e) => Err(e.rename("copy_from")),
        }
    }
}

impl<T: Num> Tensor<T> {
    /// Zeros of a shape with `grad` added through the view that `view` takes of them: the adjoint of
    /// any view. Where the view shows an element several times (an overlapping unfold), its gradients
    /// add up, in row-major order.
    ///
    /// # Errors
    /// If `view` fails or shows another tensor, `grad` has another shape than the view, or the size
    /// overflows.
    #[track_caller]
    pub fn embed(
        shape: impl IntoShape,
        grad: &Tensor<T>,
        view: impl FnOnce(&Tensor<T>) -> Result<Tensor<T>>,
    ) -> Result<Tensor<T>> {
        let mut out = Tensor::try_zeros(shape)?;
        let window = view(&out)?;
        if !window.shares_memory_with(&out) && !out.is_empty() {
            return Err(Error::invalid(
                "embed",
                "view",
                "another tensor's",
                "the closure returns a view of its argument",
            ));
        }
        if window.shape() != grad.shape() {
            return Err(Error::ShapeMismatch {
                site: Site::new("embed")
                    .operand("grad", T::DTYPE, grad.shape())
                    .operand("view", T::DTYPE, window.shape()),
                what: "the gradient does not fit the view",
                rule: "grad.shape == view.shape",
            });
        }
        let overlaps = window.may_overlap();
        let layout = window.layout.clone();
        drop(window); // or writing would copy
        if !overlaps {
            out.write_window(|_| layout, grad);
            return Ok(out);
        }
        let values = grad.contiguous();
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
