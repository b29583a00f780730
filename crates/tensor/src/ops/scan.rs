//! Running sums and products.

use crate::dtype::Num;
use crate::error::Result;
use crate::kernels::scan::NumScan;
use crate::kernels::tables::NumKernels;
use crate::tensor::Tensor;

impl<T: Num> Tensor<T> {
    #[track_caller]
    fn scan(&self, op: &'static str, code: NumScan, axis: isize) -> Result<Tensor<T::Sum>> {
        let axis = self.axis(op, axis)?;
        let out = Tensor::<T::Sum>::try_uninit(op, self.shape().clone())?;
        let x = self.try_contiguous(op)?;
        let dst = out.as_ptr() as *mut u8;
        // SAFETY: the source is contiguous of this shape, and so is `out`, which is new.
        unsafe { <T as NumKernels>::scan(code, x.geometry_at(axis), x.as_ptr(), dst) };
        Ok(out)
    }

    /// The running sum along an axis, `yᵢ = x₀ + … + xᵢ`, added in that order.
    ///
    /// # Shapes
    /// The shape stays. Integers are summed in `i64`.
    ///
    /// # Errors
    /// If the axis is out of range.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let t = Tensor::new([[1i32, 2], [3, 4]]);
    /// assert_eq!(t.cumsum(0)?.to_vec(), [1i64, 2, 4, 6]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn cumsum(&self, axis: isize) -> Result<Tensor<T::Sum>> {
        self.scan("cumsum", NumScan::Sum, axis)
    }

    /// The running product along an axis, `yᵢ = x₀ · … · xᵢ`.
    ///
    /// # Shapes
    /// The shape stays. Integers are multiplied in `i64`.
    ///
    /// # Errors
    /// If the axis is out of range.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// assert_eq!(Tensor::new([2.0f32, 3.0, 4.0]).cumprod(0)?.to_vec(), [2.0, 6.0, 24.0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn cumprod(&self, axis: isize) -> Result<Tensor<T::Sum>> {
        self.scan("cumprod", NumScan::Prod, axis)
    }
}
