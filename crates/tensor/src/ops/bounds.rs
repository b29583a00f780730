//! Elements within bounds, and the larger and the smaller of two.

use crate::element::Num;
use crate::error::{Error, ErrorKind, Result};
use crate::kernels::tables::{Num2, NumKernels};
use crate::ops::elementwise::try_map;
use crate::ops::operand::{IntoOperand, TensorOrNumber};
use crate::tensor::Tensor;

impl<T: Num> Tensor<T> {
    #[track_caller]
    fn num2_with(
        &self,
        code: Num2,
        op: &'static str,
        other: TensorOrNumber<'_, T>,
    ) -> Result<Tensor<T>> {
        match other {
            TensorOrNumber::Tensor(t) => self.num2(code, op, t.get()),
            TensorOrNumber::Number(n) => {
                Ok(self.zip_scalar(<T as NumKernels>::num2(code), op, n, false))
            }
        }
    }

    /// A bound that is a number.
    #[track_caller]
    #[allow(clippy::eq_op)] // NaN
    fn check_bound(&self, op: &'static str, bound: &TensorOrNumber<'_, T>) -> Result<()> {
        match bound {
            TensorOrNumber::Number(n) if n != n => {
                Err(self.bounds_error(op, n.to_string(), "a bound is not NaN"))
            }
            _ => Ok(()),
        }
    }

    #[track_caller]
    #[cold]
    fn bounds_error(&self, op: &'static str, value: String, rule: &'static str) -> Error {
        self.site(op).error(ErrorKind::InvalidArgument {
            name: "bounds",
            value,
            rule,
        })
    }
}

/// # Arithmetic: the larger and the smaller
impl<T: Num> Tensor<T> {
    /// Elementwise `max(x, y)` with broadcasting, `y` a tensor or a number; NaN if either is.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let x = Tensor::new([2.0f32, -1.0]);
    /// assert_eq!(x.maximum(&Tensor::new([1.0, 1.0]))?.to_vec(), [2.0, 1.0]);
    /// assert_eq!(x.maximum(0)?.to_vec(), [2.0, 0.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn maximum(&self, other: impl IntoOperand<T>) -> Result<Tensor<T>> {
        self.num2_with(Num2::Maximum, "maximum", other.into_operand())
    }

    /// Elementwise `min(x, y)` with broadcasting, `y` a tensor or a number; NaN if either is.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let x = Tensor::new([2i64, -1]);
    /// assert_eq!(x.minimum(&Tensor::new([1, 1]))?.to_vec(), [1, -1]);
    /// assert_eq!(x.minimum(0)?.to_vec(), [0, -1]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn minimum(&self, other: impl IntoOperand<T>) -> Result<Tensor<T>> {
        self.num2_with(Num2::Minimum, "minimum", other.into_operand())
    }
}

/// # Arithmetic: bounds
impl<T: Num> Tensor<T> {
    /// Every element within `[min, max]`, which are numbers or tensors that broadcast; NaN stays NaN. Where tensors have
    /// `min > max` it is `max`.
    ///
    /// # Errors
    /// If a number is NaN, `min > max` for two numbers, or the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([-2.0f32, 0.5, 3.0]).clamp(0.0, 1.0)?.to_vec(), [0.0, 0.5, 1.0]);
    /// assert_eq!(Tensor::new([-2i64, 5, 30]).clamp(0, 10)?.to_vec(), [0, 5, 10]);
    /// assert!(Tensor::new([0.0f32]).clamp(f64::NAN, 1.0).is_err());
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn clamp(&self, min: impl IntoOperand<T>, max: impl IntoOperand<T>) -> Result<Tensor<T>> {
        let op = "clamp";
        let (min, max) = (min.into_operand(), max.into_operand());
        if let (&TensorOrNumber::Number(a), &TensorOrNumber::Number(b)) = (&min, &max) {
            if !(a <= b) {
                let rule = "min <= max, neither NaN";
                return Err(self.bounds_error(op, format!("{a}..={b}"), rule));
            }
            if let Some(run) = <T as NumKernels>::clamp() {
                return try_map(run, (a.to_f64(), b.to_f64()), op, self);
            }
        }
        self.check_bound(op, &min)?;
        self.check_bound(op, &max)?;
        self.num2_with(Num2::Maximum, op, min)?
            .num2_with(Num2::Minimum, op, max)
    }

    /// Every element at least `min`, a number or a tensor; NaN stays NaN.
    ///
    /// # Errors
    /// If the number is NaN, or the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([-2.0f32, 0.5]).clamp_min(0.0)?.to_vec(), [0.0, 0.5]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn clamp_min(&self, min: impl IntoOperand<T>) -> Result<Tensor<T>> {
        let min = min.into_operand();
        self.check_bound("clamp_min", &min)?;
        self.num2_with(Num2::Maximum, "clamp_min", min)
    }

    /// Every element at most `max`, a number or a tensor; NaN stays NaN.
    ///
    /// # Errors
    /// If the number is NaN, or the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([2u8, 5]).clamp_max(3)?.to_vec(), [2, 3]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn clamp_max(&self, max: impl IntoOperand<T>) -> Result<Tensor<T>> {
        let max = max.into_operand();
        self.check_bound("clamp_max", &max)?;
        self.num2_with(Num2::Minimum, "clamp_max", max)
    }
}
