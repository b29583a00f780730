//! Reductions that statistics need: variance, deviation, norms, log-sum-exp.

use wengert_tensor::{Axes, IntoAxes, Result, Shape};

use super::block::names::*;
use super::reduce::{ReducedShape, reduction, reduction_samples};
use crate::ops::info::{positive, spread};
use crate::tape::rule::one;

reduction! {
    /// Variance over some axes, which are dropped: `y = Σ(x − mean)² / (n − correction)`; gradient
    /// `2(x − mean)·dy / (n − correction)`. `correction` 1 estimates a population's from a sample.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    var var_keepdim var_all (correction: usize) by var // of all elements: `.var_all()`
    /// The variance of all elements, a scalar.
    -> Var<T>, |y| y, std::convert::identity
}

#[track_caller]
fn var<T: Float>(x: &Var<T>, y: Tensor<T>, kept: ReducedShape, correction: usize) -> Var<T> {
    apply([x], y, |_, _| Variance(Deviation::new(x, kept, correction)))
}

/// `x − mean` over the axes that `kept`, of `x`'s rank, has with size 1.
///
/// The first element of each group is taken off before: far from zero the mean is no number of the type, and its rounding
/// may be as large as the deviations. What is taken off is a constant, which the derivative does not show.
pub(super) fn centred<T: Float>(x: &Var<T>, kept: &Shape) -> Result<Var<T>> {
    if x.is_empty() {
        return Ok(x.clone());
    }
    let mut first = x.value().clone();
    for (axis, &size) in kept.iter().enumerate() {
        if size == 1 {
            first = first.narrow(axis as isize, 0, 1)?;
        }
    }
    let d = x.try_sub(&Var::constant(first))?;
    let n = x.len() / kept.iter().product::<usize>().max(1);
    d.try_sub(&d.sum_to(kept)?.affine(1.0 / n as f64, 0.0))
}

/// What variance and standard deviation share.
struct Deviation<T: Float> {
    x: Saved<T>,
    kept: ReducedShape,
    /// max(0, n − correction).
    freedom: f64,
}
impl<T: Float> Deviation<T> {
    fn new(x: &Var<T>, kept: ReducedShape, correction: usize) -> Deviation<T> {
        Deviation {
            x: Saved::input(0, x),
            freedom: kept.count().saturating_sub(correction) as f64,
            kept,
        }
    }
    /// `(x − mean)·dy`, `dy` repeated.
    fn times(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Var<T>> {
        let d = centred(&cx.var(&self.x), &self.kept.kept)?;
        self.kept.spread(dy)?.try_mul(&d)
    }
}

struct Variance<T: Float>(Deviation<T>);
impl<T: Float> Rule<T> for Variance<T> {
    fn name(&self) -> &'static str {
        "var"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(self.0.times(cx, &dy.affine(2.0 / self.0.freedom, 0.0))?)
    }
    fn detail(&self) -> String {
        self.0.kept.detail()
    }
}

fn variance(v: &[f64], correction: usize) -> f64 {
    let mean = v.iter().sum::<f64>() / v.len() as f64;
    let squares: f64 = v.iter().map(|x| (x - mean) * (x - mean)).sum();
    squares / v.len().saturating_sub(correction) as f64
}

pub(crate) static VAR: OpInfo = OpInfo {
    name: "var",
    family: "reduce",
    formula: "Σ(x − mean)²/(n − correction)",
    gradient: "2(x − mean)·dy/(n − correction)",
    edges: "NaN where n does not pass the correction",
    #[cfg(feature = "samples")]
    samples: || {
        let mut all = reduction_samples!(spread var var_keepdim |x| Ok(x.var_all(1)), |v: &[f64]| variance(v, 1), 1);
        all.push(sample!([spread(&[2, 3], 5)], |v| v[0].var(1, 0), |r| r[0]
            .reduce(&[1], false, |v: &[f64]| variance(v, 0))));
        all
    },
};

reduction! {
    /// Standard deviation over some axes, which are dropped, the square root of [`Var::var`];
    /// gradient `(x − mean)·dy / ((n − correction)·y)`, 0 where `y = 0`.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    std std_keepdim std_all (correction: usize) by std // of all elements: `.std_all()`
    /// The standard deviation of all elements, a scalar.
    -> Var<T>, |y| y, std::convert::identity
}

#[track_caller]
fn std<T: Float>(x: &Var<T>, y: Tensor<T>, kept: ReducedShape, correction: usize) -> Var<T> {
    apply([x], y, |y, _| {
        Std(Deviation::new(x, kept, correction), Saved::output(y))
    })
}

/// `dy / y`, 0 where `y` is: the slope of a root at its kink, by convention.
fn over<T: Float>(dy: &Var<T>, y: &Var<T>) -> Result<Var<T>> {
    let kink = y.value().eq_scalar(T::ZERO);
    // 1 in place of 0, so that no infinity comes up and none in the gradients of this.
    dy.try_div(&y.masked_fill(&kink, T::ONE)?)?
        .masked_fill(&kink, T::ZERO)
}

struct Std<T: Float>(Deviation<T>, Saved<T>);
impl<T: Float> Rule<T> for Std<T> {
    fn name(&self) -> &'static str {
        "std"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let slope = over(dy, &cx.var(&self.1))?.affine(1.0 / self.0.freedom, 0.0);
        one(self.0.times(cx, &slope)?)
    }
    fn detail(&self) -> String {
        self.0.kept.detail()
    }
}

pub(crate) static STD: OpInfo = OpInfo {
    name: "std",
    family: "reduce",
    formula: "√var",
    gradient: "(x − mean)·dy/((n − correction)·y)",
    edges: "std'(0) = 0",
    #[cfg(feature = "samples")]
    samples: || {
        let of = |v: &[f64]| variance(v, 1).sqrt();
        let mut all = reduction_samples!(spread std std_keepdim |x| Ok(x.std_all(1)), of, 1);
        all.push(
            sample!([cycle(&[2], &[3.0, 3.0])], |v| v[0].std(0, 1), |r| r[0]
                .reduce(&[0], false, of))
            .expect(vec![Array {
                shape: vec![2],
                data: vec![0.0; 2],
            }])
            .note("all equal"),
        );
        all
    },
};

reduction! {
    /// Euclidean norm over some axes, which are dropped: `y = √Σx²`, without overflow; gradient
    /// `x·dy / y`, 0 where `y = 0`.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    norm norm_keepdim norm_all by norm // of all elements: `.norm_all()`
    /// The Euclidean norm of all elements, a scalar.
    -> Var<T>, |y| y, std::convert::identity
}

#[track_caller]
fn norm<T: Float>(x: &Var<T>, y: Tensor<T>, kept: ReducedShape) -> Var<T> {
    apply([x], y, |y, _| {
        Norm(Saved::input(0, x), Saved::output(y), kept)
    })
}

struct Norm<T: Float>(Saved<T>, Saved<T>, ReducedShape);
impl<T: Float> Rule<T> for Norm<T> {
    fn name(&self) -> &'static str {
        "norm"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let slope = over(dy, &cx.var(&self.1))?;
        one(self.2.spread(&slope)?.try_mul(&cx.var(&self.0))?)
    }
    fn detail(&self) -> String {
        self.2.detail()
    }
}

pub(crate) static NORM: OpInfo = OpInfo {
    name: "norm",
    family: "reduce",
    formula: "√Σx²",
    gradient: "x·dy/y",
    edges: "norm'(0) = 0",
    #[cfg(feature = "samples")]
    samples: || {
        let of = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let mut all = reduction_samples!(spread norm norm_keepdim |x| Ok(x.norm_all()), of);
        all.push(
            sample!([cycle(&[2], &[0.0])], |v| v[0].norm(0), |r| r[0].reduce(
                &[0],
                false,
                of
            ))
            .expect(vec![Array {
                shape: vec![2],
                data: vec![0.0; 2],
            }])
            .note("at the origin"),
        );
        all.push(
            sample!([cycle(&[2], &[0.0])], |v| Ok(v[0].norm(0)?.square()), |r| r
                [0]
            .reduce(&[0], false, |v| { v.iter().map(|x| x * x).sum() }))
            .expect(vec![Array {
                shape: vec![2],
                data: vec![0.0; 2],
            }])
            .note("squared at the origin"),
        );
        // The gradient that comes in has a gradient of its own.
        all.push(
            sample!(
                [cycle(&[2], &[0.0]), Tensor::scalar(3.0)],
                |v| v[0].norm(0)?.try_mul(&v[1]),
                |r| r[0].reduce(&[0], false, of).zip(&r[1], |y, w| y * w)
            )
            .expect(vec![
                Array {
                    shape: vec![2],
                    data: vec![0.0; 2],
                },
                Array::scalar(0.0),
            ])
            .note("scaled at the origin"),
        );
        // The gradient that comes in is infinite.
        all.push(
            sample!([cycle(&[2], &[0.0])], |v| Ok(v[0].norm(0)?.sqrt()), |r| r
                [0]
            .reduce(&[0], false, of)
            .map(f64::sqrt))
            .expect(vec![Array {
                shape: vec![2],
                data: vec![0.0; 2],
            }])
            .note("under a root at the origin"),
        );
        all
    },
};

/// # Reductions: norms of any order
impl<T: Float> Var<T> {
    /// The p-norm over some axes, which are dropped: `y = (Σ|x|ᵖ)^(1/p)`, for `p = ±∞` the largest or
    /// smallest `|x|`; gradient `sign(x)·|x|ᵖ⁻¹·y¹⁻ᵖ·dy`, 0 where `x` or `y` is, for `p = ±∞` split
    /// evenly among equals.
    ///
    /// # Errors
    /// If an axis is out of range or named twice, `p` is 0 or NaN, or nothing is reduced at `p = −∞`.
    #[track_caller]
    #[inline(never)]
    pub fn norm_p(&self, p: f64, axes: impl IntoAxes) -> Result<Var<T>> {
        let axes = axes.into_axes();
        if p == 2.0 {
            return self.norm(&axes);
        }
        let y = self.value.norm_p(p, &axes)?;
        Ok(self.norm_of_order(y, p, &axes))
    }

    /// As [`norm_p`](Var::norm_p), the reduced axes kept with size 1.
    ///
    /// # Errors
    /// As [`norm_p`](Var::norm_p).
    #[track_caller]
    #[inline(never)]
    pub fn norm_p_keepdim(&self, p: f64, axes: impl IntoAxes) -> Result<Var<T>> {
        let axes = axes.into_axes();
        if p == 2.0 {
            return self.norm_keepdim(&axes);
        }
        let y = self.value.norm_p_keepdim(p, &axes)?;
        Ok(self.norm_of_order(y, p, &axes))
    }

    #[track_caller]
    fn norm_of_order(&self, y: Tensor<T>, p: f64, axes: &Axes) -> Var<T> {
        apply([self], y, |y, _| NormP {
            x: Saved::input(0, self),
            y: Saved::output(y),
            kept: ReducedShape::of(self.shape(), axes),
            p,
        })
    }
}

struct NormP<T: Float> {
    x: Saved<T>,
    y: Saved<T>,
    kept: ReducedShape,
    p: f64,
}
impl<T: Float> Rule<T> for NormP<T> {
    fn name(&self) -> &'static str {
        "norm_p"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let (x, y) = (cx.var(&self.x), cx.var(&self.y));
        let sign = Var::constant(x.value().sign());
        if self.p.is_infinite() {
            let hits = x
                .value()
                .abs()
                .eq(&y.value().reshape(&self.kept.kept)?)?
                .cast::<T>();
            let share = hits.try_div(&hits.sum_to(&self.kept.kept)?)?;
            let dx = self.kept.spread(dy)?.try_mul(&Var::constant(share))?;
            return one(dx.try_mul(&sign)?);
        }
        if self.p == 1.0 {
            return one(self.kept.spread(dy)?.try_mul(&sign)?);
        }
        let zero = x.value().eq_scalar(T::ZERO);
        // Where the powers themselves may overflow, that of |x|/y, which else may; 1 stands in for 0 on the way.
        let flat = y.value().eq_scalar(T::ZERO);
        let y = y.masked_fill(&flat, T::ONE)?;
        let (x, power) = (x.abs().masked_fill(&zero, T::ONE)?, self.p - 1.0);
        let ratio = if power.abs() <= 1.0 {
            x.powf(power).try_mul(&self.kept.spread(&y.powf(-power))?)?
        } else {
            x.try_div(&self.kept.spread(&y)?)?.powf(power)
        };
        // The sign of 0 is 0.
        one(self.kept.spread(dy)?.try_mul(&ratio.try_mul(&sign)?)?)
    }
    fn detail(&self) -> String {
        format!("p {}, {}", self.p, self.kept.detail())
    }
}

pub(crate) static NORM_P: OpInfo = OpInfo {
    name: "norm_p",
    family: "reduce",
    formula: "(Σ|x|ᵖ)^(1/p)",
    gradient: "sign(x)·|x|ᵖ⁻¹·y¹⁻ᵖ·dy",
    edges: "0 where x or y is 0; ties at p = ±∞ split evenly",
    #[cfg(feature = "samples")]
    samples: || {
        let of =
            |p: f64| move |v: &[f64]| v.iter().map(|x| x.abs().powf(p)).sum::<f64>().powf(1.0 / p);
        let largest = |v: &[f64]| {
            v.iter().fold(
                0.0,
                |a: f64, x| if x.is_nan() { *x } else { a.max(x.abs()) },
            )
        };
        let largest = move |v: &[f64]| {
            if v.iter().any(|x| x.is_nan()) {
                f64::NAN
            } else {
                largest(v)
            }
        };
        vec![
            sample!([spread(&[2, 3], 1)], |v| v[0].norm_p(1.0, 0), |r| r[0]
                .reduce(&[0], false, of(1.0))),
            sample!([spread(&[2, 3], 1)], |v| v[0].norm_p(3.0, [0, 1]), |r| r[0]
                .reduce(&[0, 1], false, of(3.0))),
            sample!([spread(&[2, 3], 1)], |v| v[0].norm_p_keepdim(3.0, 0), |r| r
                [0]
            .reduce(&[0], true, of(3.0))),
            sample!([spread(&[2, 3], 2)], |v| v[0].norm_p(0.5, 1), |r| r[0]
                .reduce(&[1], false, of(0.5))),
            sample!([spread(&[2, 3], 2)], |v| v[0].norm_p(2.0, 1), |r| r[0]
                .reduce(&[1], false, of(2.0))),
            sample!(
                [spread(&[2, 3], 3)],
                |v| v[0].norm_p(f64::INFINITY, 1),
                |r| r[0].reduce(&[1], false, largest)
            ),
            sample!(
                [cycle(&[3], &[-2.0, 2.0, 1.0])],
                |v| v[0].norm_p(f64::INFINITY, 0),
                |r| r[0].reduce(&[0], false, largest)
            )
            .expect(vec![Array {
                shape: vec![3],
                data: vec![-0.5, 0.5, 0.0],
            }])
            .note("a tie"),
            sample!([cycle(&[2], &[0.0])], |v| v[0].norm_p(3.0, 0), |r| r[0]
                .reduce(&[0], false, of(3.0)))
            .expect(vec![Array {
                shape: vec![2],
                data: vec![0.0; 2],
            }])
            .note("at the origin"),
            sample!(
                [cycle(&[2], &[0.0])],
                |v| v[0].norm_p(f64::INFINITY, 0),
                |r| r[0].reduce(&[0], false, largest)
            )
            .expect(vec![Array {
                shape: vec![2],
                data: vec![0.0; 2],
            }])
            .note("at the origin, p = ∞"),
            sample!(
                [cycle(&[3], &[0.0, 4.0, -4.0])],
                |v| v[0].norm_p(0.5, 0),
                |r| r[0].reduce(&[0], false, of(0.5))
            )
            .expect(vec![Array {
                shape: vec![3],
                data: vec![0.0, 2.0, -2.0],
            }])
            .note("a 0 among others"),
        ]
    },
};

reduction! {
    /// `ln Σeˣ` over some axes, which are dropped, without overflow; gradient `eˣ⁻ʸ·dy`. −∞ where
    /// every element is, with gradient 0, or where there is none; ∞ where one is, with gradient NaN there.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    logsumexp logsumexp_keepdim logsumexp_all by logsumexp // of all elements: `.logsumexp_all()`
    /// `ln Σeˣ` of all elements, a scalar.
    -> Var<T>, |y| y, std::convert::identity
}

#[track_caller]
fn logsumexp<T: Float>(x: &Var<T>, y: Tensor<T>, kept: ReducedShape) -> Var<T> {
    apply([x], y, |y, _| {
        LogSumExp(Saved::input(0, x), y.clone(), kept)
    })
}

struct LogSumExp<T: Float>(Saved<T>, Tensor<T>, ReducedShape);
impl<T: Float> Rule<T> for LogSumExp<T> {
    fn name(&self) -> &'static str {
        "logsumexp"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        // The weights of a softmax, with y as what is taken off: far from zero, y has lost the digits that make their sum 1.
        let y = &self.1;
        let none = y.eq_scalar(T::NEG_INFINITY);
        let any = none.any_all();
        // −∞ less −∞ has no value, and the exponential of −∞ less any number is 0.
        let shift = if any {
            y.masked_fill(&none, T::ZERO)?
        } else {
            y.clone()
        };
        let shift = self.2.spread(&Var::constant(shift))?;
        let parts = cx.var(&self.0).try_sub(&shift)?.exp();
        let mut sum = parts.sum_to(&self.2.kept)?;
        if any {
            sum = sum.masked_fill(&none.reshape(&self.2.kept)?, T::ONE)?;
        }
        let share = self.2.spread(dy)?.try_div(&sum)?;
        one(parts.try_mul(&share)?)
    }
    fn detail(&self) -> String {
        self.2.detail()
    }
}

pub(crate) static LOGSUMEXP: OpInfo = OpInfo {
    name: "logsumexp",
    family: "reduce",
    formula: "ln Σeˣ",
    gradient: "eˣ⁻ʸ·dy",
    edges: "−∞ of nothing; gradient 0 where all are −∞, NaN at ∞",
    #[cfg(feature = "samples")]
    samples: || {
        let of = |v: &[f64]| v.iter().map(|x| x.exp()).sum::<f64>().ln();
        let mut all =
            reduction_samples!(spread logsumexp logsumexp_keepdim |x| Ok(x.logsumexp_all()), of);
        all.push(
            sample!(
                [positive(&[2, 3], 1).affine(1.0, 500.0)],
                |v| v[0].logsumexp(1),
                |r| r[0].reduce(&[1], false, |v| v
                    .iter()
                    .map(|x| (x - 500.0).exp())
                    .sum::<f64>()
                    .ln()
                    + 500.0)
            )
            .note("far from 0"),
        );
        let low = f64::NEG_INFINITY;
        all.push(
            sample!(
                [cycle(&[2, 2], &[low, low, low, 1.0])],
                |v| v[0].logsumexp(1),
                |r| r[0].reduce(&[1], false, of)
            )
            .expect(vec![Array {
                shape: vec![2, 2],
                data: vec![0.0, 0.0, 0.0, 1.0],
            }])
            .note("a row of −∞"),
        );
        all
    },
};

pub(super) const OPS: &[&OpInfo] = &[&VAR, &STD, &NORM, &NORM_P, &LOGSUMEXP];
