//! Sorting along an axis, and the first k.

use crate::element::Element;
use crate::error::{ErrorKind, Result, Site};
use crate::kernels::tables::ElementKernels;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// # Sorting
impl<T: Element> Tensor<T> {
    /// The first `k` along a checked axis, in order, with their indices.
    #[track_caller]
    fn first_sorted(
        &self,
        op: &'static str,
        k: usize,
        axis: usize,
        descending: bool,
    ) -> Result<(Tensor<T>, Tensor<i64>)> {
        let last = self.rank() - 1;
        let mut order: Shape = (0..self.rank()).collect();
        order.as_mut_slice().swap(axis, last);
        let x = self
            .with_layout(self.layout().permute(&order))
            .try_contiguous(op)?;
        let n = self.shape()[axis];
        let rows = x.len().checked_div(n).unwrap_or(0);
        let mut shape = x.shape().clone();
        shape.as_mut_slice()[last] = k;
        let values = Tensor::<T>::try_uninit(op, shape.clone())?;
        let indices = Tensor::<i64>::try_uninit(op, shape)?;
        // SAFETY: `x` is contiguous `[rows, n]`, the results are new and `[rows, k]`, and `k <= n`.
        let sorted = unsafe {
            <T as ElementKernels>::sort(
                (rows, n, k),
                descending,
                x.as_ptr(),
                values.as_ptr() as *mut T,
                indices.as_ptr() as *mut i64,
            )
        };
        if let Err(bytes) = sorted {
            return Err(self.site(op).error(ErrorKind::OutOfMemory { bytes }));
        }
        let values = values.with_layout(values.layout().permute(&order));
        let indices = indices.with_layout(indices.layout().permute(&order));
        Ok((values.try_contiguous(op)?, indices.try_contiguous(op)?))
    }

    /// The elements in order along an axis, and the index that each had. The sort is stable; NaN
    /// counts as greater than every number: last when ascending, first when descending.
    ///
    /// # Shapes
    /// The shape stays, for both.
    ///
    /// # Errors
    /// If the axis is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let (values, indices) = Tensor::new([3.0f32, f32::NAN, 1.0]).sort(0, false)?;
    /// assert_eq!(&values.to_vec()[..2], [1.0, 3.0]);
    /// assert_eq!(indices.to_vec(), [2, 0, 1]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn sort(&self, axis: isize, descending: bool) -> Result<(Tensor<T>, Tensor<i64>)> {
        let axis = self.axis("sort", axis)?;
        self.first_sorted("sort", self.shape()[axis], axis, descending)
    }

    /// The indices that [`sort`](Tensor::sort) gives.
    ///
    /// # Errors
    /// If the axis is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([5i64, 9, 5]).argsort(0, true)?.to_vec(), [1, 0, 2]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn argsort(&self, axis: isize, descending: bool) -> Result<Tensor<i64>> {
        let axis = self.axis("argsort", axis)?;
        Ok(self
            .first_sorted("argsort", self.shape()[axis], axis, descending)?
            .1)
    }

    /// The `k` largest (or smallest) along an axis, in order, and their indices; at ties the lower
    /// index first, NaN greater than every number.
    ///
    /// # Shapes
    /// The axis gets size `k`.
    ///
    /// # Errors
    /// If the axis is out of range or has fewer than `k` elements.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let (values, indices) = Tensor::new([1i64, 7, 3, 7]).topk(3, 0, true)?;
    /// assert_eq!(values.to_vec(), [7, 7, 3]);
    /// assert_eq!(indices.to_vec(), [1, 3, 2]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn topk(&self, k: usize, axis: isize, largest: bool) -> Result<(Tensor<T>, Tensor<i64>)> {
        let axis = self.axis("topk", axis)?;
        if k > self.shape()[axis] {
            return Err(Site::new("topk")
                .operand_axis("self", T::DTYPE, self.shape(), axis)
                .hint("sort() orders all of them")
                .error(ErrorKind::InvalidArgument {
                    name: "k",
                    value: k.to_string(),
                    rule: "k <= the axis's size",
                }));
        }
        self.first_sorted("topk", k, axis, largest)
    }
}
