//! Reductions of floats in several passes: means, variances, norms, log-sum-exp.

use crate::element::Float;
use crate::error::{ErrorKind, Result};
use crate::kernels::folds::FloatFold;
use crate::kernels::strided::Params;
use crate::kernels::tables::{Float2, FloatKernels, Num2, NumKernels};
use crate::kernels::unary::Float1;
use crate::ops::elementwise::{map_owned, try_map};
use crate::ops::plan::{Compact, Plan};
use crate::ops::reduce::{certain, sum_of, times as many};
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
    let n = x.reduced_len(axes);
    let y = over(op, sum_of(op, x, axes, keep)?, n);
    let finite = |y: &Tensor<T>| {
        let all = y.as_slice().unwrap_or(&[]);
        all.iter().all(|v| v.abs() < T::INFINITY)
    };
    if n < 2 || finite(&y) {
        return Ok(y);
    }
    // Again, of 2ᵏ-ths, as the sum may have overflowed where the mean does not. What is not finite stays so.
    let parts = n.next_power_of_two() as f64;
    let z: Tensor<T> = try_map(T::float1(Float1::Affine), (1.0 / parts, 0.0), op, x)?;
    Ok(float_scaled(
        op,
        sum_of(op, &z, axes, keep)?,
        parts / n as f64,
    ))
}

/// `x·a`, in `x`'s memory.
#[track_caller]
fn float_scaled<T: Float>(op: &'static str, x: Tensor<T>, a: f64) -> Tensor<T> {
    map_owned(T::float1(Float1::Affine), (a, 0.0), op, x)
}

#[track_caller]
fn var<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &[usize],
    correction: usize,
    keep: bool,
) -> Result<Tensor<T>> {
    let (mut y, scale) = scaled_var(op, x, axes, correction, keep)?;
    if let Some(scale) = scale {
        times_each(&mut y, &scale);
        times_each(&mut y, &scale);
    }
    Ok(y)
}

/// The variance of `x/s`, and the scales s of [`deviations`].
#[track_caller]
fn scaled_var<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &[usize],
    correction: usize,
    keep: bool,
) -> Result<(Tensor<T>, Option<Tensor<T>>)> {
    let (squares, scale) = deviations(op, x, axes, keep)?;
    let n = x.reduced_len(axes).saturating_sub(correction);
    Ok((over(op, squares, n), scale))
}

/// `y·s`, element by element.
fn times_each<T: Float>(y: &mut Tensor<T>, scale: &Tensor<T>) {
    let scale = scale.as_slice().unwrap_or(&[]);
    for (y, &s) in y.as_mut_slice().iter_mut().zip(scale) {
        *y = *y * s;
    }
}

/// `Σ((x − mean)/s)²` over axes, and the scale s of each where the squares would over- or underflow.
///
/// In two passes over memory, of which the first sums what is left of the elements when the first of each group is taken
/// off: far from zero, a plain sum and its mean lose the digits that tell the elements apart. The mean is then a number of
/// the type and a rest, and `Σ(x − mean)² = Σ(x − number)² − n·rest²`.
#[track_caller]
fn deviations<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &[usize],
    keep: bool,
) -> Result<(Tensor<T>, Option<Tensor<T>>)> {
    if let Some(Compact { once, times }) = x.compact(axes) {
        let (squares, scale) = deviations(op, &once, axes, true)?;
        let squares = x.spread_again(op, many(op, squares, times), axes, keep)?;
        let scale = scale.map(|s| x.spread_again(op, s, axes, keep));
        return Ok((squares, scale.transpose()?));
    }
    let squares = square_deviations(op, &Plan::new(op, x, axes, keep, true)?, x, axes)?;
    let tiny = tiny::<T>();
    let off = |s: &T| !(s.to_f64() >= tiny && *s < T::INFINITY);
    if x.reduced_len(axes) < 2 || !squares.as_slice().unwrap_or(&[]).iter().any(off) {
        return Ok((squares, None));
    }
    // Again, scaled by a power of 2 near the range of each group, where squares over- or underflowed and it is not 0.
    let plan = Plan::new(op, x, axes, keep, true)?;
    let (most, least) = (plan.max(op)?.try_vec(op)?, plan.min(op)?.try_vec(op)?);
    let mut scale = Tensor::try_full(squares.shape(), T::ONE).map_err(|e| e.rename(op))?;
    let mut any = false;
    let limit = if size_of::<T>() == 4 { 120 } else { 1000 };
    let off_squares = squares.as_slice().unwrap_or(&[]);
    for (i, s) in scale.as_mut_slice().iter_mut().enumerate() {
        let range = 0.5 * most[i].to_f64() - 0.5 * least[i].to_f64();
        if off(&off_squares[i]) && range > 0.0 && range < f64::INFINITY {
            let exponent = (range.log2() as i32).clamp(-limit, limit);
            *s = T::from_f64(2f64.powi(exponent));
            any = true;
        }
    }
    if !any {
        return Ok((squares, None));
    }
    let kept = scale.clone().in_shape(x.reduced_shape(axes, true));
    let z = x.try_div(&kept).map_err(|e| e.rename(op))?;
    let scaled = square_deviations(op, &Plan::new(op, &z, axes, keep, true)?, &z, axes)?;
    Ok((scaled, Some(scale)))
}

/// Below this, squares have lost bits to underflow; it is 2⁻¹⁰⁰ or less for f32.
fn tiny<T: Float>() -> f64 {
    if size_of::<T>() == 4 { 1e-30 } else { 1e-290 }
}

/// [`deviations`] without a scale.
#[track_caller]
fn square_deviations<T: Float>(
    op: &'static str,
    plan: &Plan<T>,
    x: &Tensor<T>,
    axes: &[usize],
) -> Result<Tensor<T>> {
    let n = x.reduced_len(axes);
    if n == 0 {
        return plan.float(op, T::float_fold(FloatFold::SquareSum), None, 0.0);
    }
    let mut first = x.clone();
    for &axis in axes {
        first = first.narrow(axis as isize, 0, 1)?;
    }
    // In the order of the results, whether the axes are kept or not.
    let first = first.try_contiguous(op)?;
    let sums = plan.float(op, T::float_fold(FloatFold::ShiftedSum), Some(&first), 0.0)?;
    let mut number = over(op, sums, n);
    let mut rest = first.try_vec(op)?;
    for (m, f) in number.as_mut_slice().iter_mut().zip(&mut rest) {
        // The sum of both, and what its rounding leaves (Knuth's two-sum).
        let (a, b) = (*f, *m);
        let sum = a + b;
        let b_part = sum - a;
        (*m, *f) = (sum, (a - (sum - b_part)) + (b - b_part));
    }
    let fold = T::float_fold(FloatFold::DeviationSum);
    let mut squares = plan.float(op, fold, Some(&number), 0.0)?;
    let n = T::from_f64(n as f64);
    for (s, &r) in squares.as_mut_slice().iter_mut().zip(&rest) {
        let less = *s - n * r * r;
        // Rounding may take it below 0; NaN stays.
        *s = if less < T::ZERO { T::ZERO } else { less };
    }
    Ok(squares)
}

#[track_caller]
fn std<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &[usize],
    correction: usize,
    keep: bool,
) -> Result<Tensor<T>> {
    let (var, scale) = scaled_var(op, x, axes, correction, keep)?;
    let mut y = float1(op, Float1::Sqrt, var);
    if let Some(scale) = scale {
        times_each(&mut y, &scale);
    }
    Ok(y)
}

#[track_caller]
fn norm<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &[usize],
    keep: bool,
) -> Result<Tensor<T>> {
    if let Some(Compact { once, times }) = x.compact(axes) {
        let part = norm(op, &once, axes, true)?;
        let part = float_scaled(op, part, (times as f64).sqrt());
        return x.spread_again(op, part, axes, keep);
    }
    let plan = Plan::new(op, x, axes, keep, true)?;
    let squares = plan.float(op, T::float_fold(FloatFold::SquareSum), None, 0.0)?;
    let tiny = tiny::<T>();
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
    if let Some(Compact { once, times }) = x.compact(axes) {
        let part = logsumexp(op, &once, axes, true)?;
        let part = map_owned(
            T::float1(Float1::Affine),
            (1.0, (times as f64).ln()),
            op,
            part,
        );
        return x.spread_again(op, part, axes, keep);
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
    /// pass `correction` the division by 0 gives NaN (all deviations 0, as for one element) or ∞. Right far from zero
    /// too, where the mean is no number of the type, and wherever the result is representable.
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
    /// smallest (∞ of nothing). Where the sum of powers over- or underflows it is taken again scaled by the largest
    /// element (for `p < 0`, the smallest), so the result is right wherever it is representable.
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
        if let Some(Compact { once, times }) = self.compact(&axes) {
            let list: Vec<isize> = axes.iter().map(|&a| a as isize).collect();
            let part = once.norm_p(p, &list[..])?;
            let part = part.in_shape(once.reduced_shape(&axes, true));
            let part = float_scaled(op, part, (times as f64).powf(1.0 / p));
            return self.spread_again(op, part, &axes, keepdim);
        }
        let plan = Plan::new(op, self, &axes, keepdim, true)?;
        let code = match p {
            1.0 => FloatFold::AbsSum,
            f64::INFINITY => FloatFold::AbsMax,
            f64::NEG_INFINITY => FloatFold::AbsMin,
            _ => FloatFold::PowSum,
        };
        let out = plan.float(op, T::float_fold(code), None, p)?;
        if code != FloatFold::PowSum {
            return Ok(out);
        }
        let root = |x: Tensor<T>| {
            let run = <T as FloatKernels>::float2(Float2::Pow);
            x.zip_scalar_owned(run, op, T::from_f64(1.0 / p), false)
        };
        let tiny = tiny::<T>();
        let off = |s: &T| !(s.to_f64() >= tiny && *s < T::INFINITY);
        if !out.as_slice().unwrap_or(&[]).iter().any(off) {
            return Ok(root(out));
        }
        // Again, scaled by the element that counts most, where powers over- or underflowed.
        let most = if p > 0.0 {
            FloatFold::AbsMax
        } else {
            FloatFold::AbsMin
        };
        let mut scale = plan.float(op, T::float_fold(most), None, 0.0)?;
        let sums = out.as_slice().unwrap_or(&[]);
        for (m, s) in scale.as_mut_slice().iter_mut().zip(sums) {
            let usable = *m > T::ZERO && *m < T::INFINITY;
            *m = if off(s) && usable { *m } else { T::ONE };
        }
        let kept = scale.clone().in_shape(self.reduced_shape(&axes, true));
        let z = self.try_div(&kept).map_err(|e| e.rename(op))?;
        let plan = Plan::new(op, &z, &axes, false, true)?;
        let out = plan.float(op, T::float_fold(FloatFold::PowSum), None, p)?;
        root(out).try_mul(&scale).map_err(|e| e.rename(op))
    }
}
