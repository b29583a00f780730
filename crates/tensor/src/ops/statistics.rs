//! Reductions of floats in several passes: means, variances, norms, log-sum-exp.

use crate::element::Float;
use crate::error::{ErrorKind, Result};
use crate::kernels::folds::FloatFold;
use crate::kernels::strided::Params;
use crate::kernels::tables::{Float2, FloatKernels, Num2, NumKernels};
use crate::kernels::unary::Float1;
use crate::ops::elementwise::map_owned;
use crate::ops::reduce::{Plan, certain, sum_of};
use crate::shape::{Axes, IntoAxes};
use crate::tensor::Tensor;

/// `x / n`, in `x`'s memory.
#[track_caller]
fn over<T: Float>(op: &'static str, x: Tensor<T>, n: usize) -> Tensor<T> {
    let run = <T as NumKernels>::num2(Num2::Div);
    x.zip_scalar_owned(run, op, T::from_f64(n as f64), false)
}

#[track_caller]
#[inline(always)] // one run, not a choice of all
fn float1<T: Float>(op: &'static str, code: Float1, x: Tensor<T>) -> Tensor<T> {
    map_owned(T::float1(code), Params::default(), op, x)
}

#[track_caller]
fn mean<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &[usize],
    keep: bool,
) -> Result<Tensor<T>> {
    Ok(over(op, sum_of(op, x, axes, keep)?, x.reduced_len(axes)))
}

#[track_caller]
fn var<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &[usize],
    correction: usize,
    keep: bool,
) -> Result<Tensor<T>> {
    let n = x.reduced_len(axes);
    let plan = Plan::new(op, x, axes, keep, true)?;
    let mean = over(op, plan.sum(op)?, n);
    let squares = plan.float(op, T::float_fold(FloatFold::DeviationSum), Some(&mean), 0.0)?;
    Ok(over(op, squares, n.saturating_sub(correction)))
}

#[track_caller]
fn std<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &[usize],
    correction: usize,
    keep: bool,
) -> Result<Tensor<T>> {
    Ok(float1(
        op,
        Float1::Sqrt,
        var(op, x, axes, correction, keep)?,
    ))
}

#[track_caller]
fn norm<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &[usize],
    keep: bool,
) -> Result<Tensor<T>> {
    let plan = Plan::new(op, x, axes, keep, true)?;
    let squares = plan.float(op, T::float_fold(FloatFold::SquareSum), None, 0.0)?;
    // Below this, squares have lost bits to underflow; it is 2⁻¹⁰⁰ or less for f32.
    let tiny = if size_of::<T>() == 4 { 1e-30 } else { 1e-290 };
    let off = |s: T| !(s.to_f64() >= tiny && s < T::INFINITY);
    let any_off = squares
        .as_slice()
        .is_some_and(|s| s.iter().any(|v| off(*v)));
    if !any_off {
        return Ok(float1(op, Float1::Sqrt, squares));
    }
    // Again, scaled by the largest element, where squares over- or underflowed.
    let largest = plan.float(op, T::float_fold(FloatFold::AbsMax), None, 0.0)?;
    let usable = |m: T| m > T::ZERO && m < T::INFINITY;
    let mut scale = largest.try_copied(op)?;
    for s in scale.as_mut_slice() {
        *s = if usable(*s) { *s } else { T::ONE };
    }
    let scaled = plan.float(
        op,
        T::float_fold(FloatFold::ScaledSquareSum),
        Some(&scale),
        0.0,
    )?;
    let mut out = squares;
    let (scaled, largest) = (scaled.try_vec(op)?, largest.try_vec(op)?);
    for ((o, s), m) in out.as_mut_slice().iter_mut().zip(scaled).zip(largest) {
        *o = if !off(*o) {
            o.sqrt()
        } else if usable(m) {
            m * s.sqrt()
        } else {
            m // 0, ∞ or NaN
        };
    }
    Ok(out)
}

#[track_caller]
fn logsumexp<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &[usize],
    keep: bool,
) -> Result<Tensor<T>> {
    if x.reduced_len(axes) == 0 {
        return Tensor::try_full(x.reduced_shape(axes, keep), T::NEG_INFINITY)
            .map_err(|e| e.rename(op));
    }
    let plan = Plan::new(op, x, axes, keep, true)?;
    let mut shift = plan.max(op)?;
    // An infinite (or NaN) maximum is no shift: exp gives 0 and ∞ by itself, where ∞ − ∞ is NaN.
    for m in shift.as_mut_slice() {
        *m = if m.abs_() < T::INFINITY { *m } else { T::ZERO };
    }
    let sum = plan.float(op, T::float_fold(FloatFold::ExpSum), Some(&shift), 0.0)?;
    float1(op, Float1::Ln, sum)
        .try_add(&shift)
        .map_err(|e| e.rename(op))
}

macro_rules! statistics {
    ($($(#[$doc:meta])* $name:ident $keepdim:ident $all:ident $fold:ident($($arg:ident: $MaybeOwned:ty)?) $all_doc:literal;)*) => {
        /// # Statistics
        impl<T: Float> Tensor<T> {$(
            $(#[$doc])*
            #[track_caller]
            #[inline(never)]
            pub fn $name(&self, axes: impl IntoAxes $(, $arg: $MaybeOwned)?) -> Result<Tensor<T>> {
                let op = stringify!($name);
                $fold(op, self, &self.axes(op, &axes.into_axes())? $(, $arg)?, false)
            }
            #[doc = concat!("As [`", stringify!($name), "`](Tensor::", stringify!($name), "), the reduced axes kept with size 1.")]
            ///
            /// # Errors
            /// If an axis is out of range or named twice.
            #[track_caller]
            #[inline(never)]
            pub fn $keepdim(&self, axes: impl IntoAxes $(, $arg: $MaybeOwned)?) -> Result<Tensor<T>> {
                let op = stringify!($keepdim);
                $fold(op, self, &self.axes(op, &axes.into_axes())? $(, $arg)?, true)
            }
            #[doc = $all_doc]
            #[track_caller]
            #[inline(never)]
            pub fn $all(&self $(, $arg: $MaybeOwned)?) -> Tensor<T> {
                certain($fold(stringify!($all), self, &self.all_axes() $(, $arg)?, false))
            }
        )*}
    };
}

statistics! {
    /// The mean over axes, `Σx / n`; NaN where there is nothing to average.
    ///
    /// # Shapes
    /// As for [`sum`](Tensor::sum).
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([[1.0f32, 2.0], [3.0, 4.0]]).mean(1)?.to_vec(), [1.5, 3.5]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    mean mean_keepdim mean_all mean() "The mean of all elements, a scalar; NaN if there are none.";
    /// The variance over axes in two passes, `Σ(x − mean)² / max(0, n − correction)`: `correction` 1
    /// for the unbiased estimate of a sample, 0 for a population. As in PyTorch, where `n` does not
    /// pass `correction` the division by 0 gives NaN (all deviations 0, as for one element) or ∞.
    ///
    /// # Shapes
    /// As for [`sum`](Tensor::sum).
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([1.0f64, 2.0, 3.0]);
    /// assert_eq!(t.var(0, 1)?.item()?, 1.0);
    /// assert_eq!(t.var(0, 0)?.item()?, 2.0 / 3.0);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    var var_keepdim var_all var(correction: usize) "The [`var`](Tensor::var) of all elements, a scalar.";
    /// The standard deviation over axes, the square root of [`var`](Tensor::var).
    ///
    /// # Shapes
    /// As for [`sum`](Tensor::sum).
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([1.0f64, 3.0]).std(0, 0)?.item()?, 1.0);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    std std_keepdim std_all std(correction: usize) "The [`std`](Tensor::std) of all elements, a scalar.";
    /// The Euclidean norm over axes, `√Σx²`; 0 of nothing. Where the sum of squares over- or
    /// underflows it is taken again scaled by the largest element, so the result is right wherever it
    /// is representable.
    ///
    /// # Shapes
    /// As for [`sum`](Tensor::sum).
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([3.0f32, 4.0]).norm(0)?.item()?, 5.0);
    /// assert_eq!(Tensor::new([3e30f32, 4e30]).norm(0)?.item()?, 5e30);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    norm norm_keepdim norm_all norm() "The [`norm`](Tensor::norm) of all elements, a scalar.";
    /// `ln Σeˣ` over axes, without overflow: −∞ where every element is −∞ or there is none, ∞ where
    /// one is ∞.
    ///
    /// # Shapes
    /// As for [`sum`](Tensor::sum).
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([1000.0f64, 1000.0]);
    /// assert!((t.logsumexp(0)?.item()? - (1000.0 + 2.0f64.ln())).abs() < 1e-12);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    logsumexp logsumexp_keepdim logsumexp_all logsumexp() "The [`logsumexp`](Tensor::logsumexp) of all elements, a scalar.";
}

/// # Statistics: norms of any order
impl<T: Float> Tensor<T> {
    /// The p-norm over axes, `(Σ|x|ᵖ)^(1/p)`; for `p = ∞` the largest `|x|` (0 of nothing), for −∞ the
    /// smallest (∞ of nothing). Powers other than 1 and 2 may overflow where the norm would not.
    ///
    /// # Shapes
    /// As for [`sum`](Tensor::sum).
    ///
    /// # Errors
    /// If an axis is out of range or named twice, or `p` is 0 or NaN.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([3.0f64, -4.0]);
    /// assert_eq!(t.norm_p(1.0, 0)?.item()?, 7.0);
    /// assert_eq!(t.norm_p(f64::INFINITY, 0)?.item()?, 4.0);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn norm_p(&self, p: f64, axes: impl IntoAxes) -> Result<Tensor<T>> {
        self.norm_of_order("norm_p", p, &axes.into_axes(), false)
    }

    /// As [`norm_p`](Tensor::norm_p), the reduced axes kept with size 1.
    ///
    /// # Errors
    /// As for [`norm_p`](Tensor::norm_p).
    #[track_caller]
    #[inline(never)]
    pub fn norm_p_keepdim(&self, p: f64, axes: impl IntoAxes) -> Result<Tensor<T>> {
        self.norm_of_order("norm_p_keepdim", p, &axes.into_axes(), true)
    }

    #[track_caller]
    fn norm_of_order(
        &self,
        op: &'static str,
        p: f64,
        axes: &Axes,
        keepdim: bool,
    ) -> Result<Tensor<T>> {
        let axes = self.axes(op, axes)?;
        if p == 0.0 || p.is_nan() {
            return Err(self
                .site(op)
                .hint("ne_scalar(0) gives a mask whose count_nonzero() is what p = 0 would mean")
                .error(ErrorKind::InvalidArgument {
                    name: "p",
                    value: p.to_string(),
                    rule: "p is not 0 and not NaN",
                }));
        }
        if p == 2.0 {
            return norm(op, self, &axes, keepdim);
        }
        let plan = Plan::new(op, self, &axes, keepdim, true)?;
        let code = match p {
            1.0 => FloatFold::AbsSum,
            f64::INFINITY => FloatFold::AbsMax,
            f64::NEG_INFINITY => FloatFold::AbsMin,
            _ => FloatFold::PowSum,
        };
        let out = plan.float(op, T::float_fold(code), None, p)?;
        Ok(match code {
            FloatFold::PowSum => {
                let run = <T as FloatKernels>::float2(Float2::Pow);
                out.zip_scalar_owned(run, op, T::from_f64(1.0 / p), false)
            }
            _ => out,
        })
    }
}
