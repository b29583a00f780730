//! Softmax, its logarithm, and their gradients from the output.

use crate::element::Float;
use crate::error::{ErrorKind, Result};
use crate::kernels::softmax::Softmax;
use crate::kernels::tables::FloatKernels;
use crate::ops::plan::Compact;
use crate::tensor::Tensor;

/// # Softmax and normalisation
impl<T: Float> Tensor<T> {
    #[track_caller]
    fn along_rows(
        &self,
        op: &'static str,
        code: Softmax,
        second: Option<&Tensor<T>>,
        axis: isize,
    ) -> Result<Tensor<T>> {
        let axis = self.axis(op, axis)?;
        if second.is_none()
            && let Some(Compact { once, times }) = self.compact(&[axis])
        {
            // Of elements that are there so many times, each has as much less.
            let part = once.along_rows(op, code, None, axis as isize)?;
            let n = times as f64;
            let part = match code {
                Softmax::Plain => part.affine(1.0 / n, 0.0),
                _ => part.affine(1.0, -n.ln()),
            };
            return part.expand_to(self.shape().clone())?.try_contiguous(op);
        }
        let out = Tensor::<T>::try_uninit(op, self.shape().clone())?;
        let x = self.try_contiguous(op)?;
        let second = match second {
            Some(t) => t.try_contiguous(op)?,
            None => x.clone(),
        };
        let (srcs, dst) = ([x.as_ptr(), second.as_ptr()], out.as_ptr() as *mut T);
        // SAFETY: the sources are contiguous of one shape, and so is `out`, which is new.
        unsafe { <T as FloatKernels>::softmax(code, x.geometry_at(axis), srcs, dst) };
        Ok(out)
    }

    #[track_caller]
    fn gradient_along_rows(
        &self,
        op: &'static str,
        code: Softmax,
        dy: &Tensor<T>,
        axis: isize,
    ) -> Result<Tensor<T>> {
        if self.shape() != dy.shape() {
            return Err(self.site(op).operand("dy", T::DTYPE, dy.shape()).error(
                ErrorKind::ShapeMismatch {
                    what: "shapes differ",
                    rule: "self.shape == dy.shape",
                },
            ));
        }
        self.along_rows(op, code, Some(dy), axis)
    }

    /// `exp(xᵢ) / Σⱼ exp(xⱼ)` along an axis, without overflow. A row with a NaN, with +∞, or of −∞
    /// alone is NaN.
    ///
    /// # Shapes
    /// The shape stays.
    ///
    /// # Errors
    /// If the axis is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let y = Tensor::new([[0.0f64, 0.0], [1000.0, 0.0]]).softmax(1)?;
    /// assert_eq!(y.to_vec(), [0.5, 0.5, 1.0, 0.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn softmax(&self, axis: isize) -> Result<Tensor<T>> {
        self.along_rows("softmax", Softmax::Plain, None, axis)
    }

    /// `xᵢ − ln Σⱼ exp(xⱼ)` along an axis: the logarithm of [`softmax`](Tensor::softmax), without its
    /// underflow.
    ///
    /// # Shapes
    /// The shape stays.
    ///
    /// # Errors
    /// If the axis is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let y = Tensor::new([1000.0f64, 0.0]).log_softmax(0)?;
    /// assert_eq!(y.to_vec(), [0.0, -1000.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn log_softmax(&self, axis: isize) -> Result<Tensor<T>> {
        self.along_rows("log_softmax", Softmax::Log, None, axis)
    }

    /// The gradient of [`softmax`](Tensor::softmax) from its output `y` (`self`): `y·(dy − Σ y·dy)`.
    ///
    /// # Errors
    /// If the shapes differ or the axis is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let y = Tensor::new([0.5f64, 0.5]);
    /// assert_eq!(y.softmax_grad(&Tensor::new([1.0, 0.0]), 0)?.to_vec(), [0.25, -0.25]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[doc(hidden)]
    #[track_caller]
    #[inline(never)]
    pub fn softmax_grad(&self, dy: &Tensor<T>, axis: isize) -> Result<Tensor<T>> {
        self.gradient_along_rows("softmax_grad", Softmax::Grad, dy, axis)
    }

    /// The gradient of [`log_softmax`](Tensor::log_softmax) from its output `y` (`self`):
    /// `dy − exp(y)·Σ dy`.
    ///
    /// # Errors
    /// If the shapes differ or the axis is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let y = Tensor::new([0.0f64, f64::NEG_INFINITY]);
    /// assert_eq!(y.log_softmax_grad(&Tensor::new([1.0, 2.0]), 0)?.to_vec(), [-2.0, 2.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[doc(hidden)]
    #[track_caller]
    #[inline(never)]
    pub fn log_softmax_grad(&self, dy: &Tensor<T>, axis: isize) -> Result<Tensor<T>> {
        self.gradient_along_rows("log_softmax_grad", Softmax::LogGrad, dy, axis)
    }
}
