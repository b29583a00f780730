//! Powers, angles and sums of two variables that are not plain arithmetic.

use super::block::names::*;
use crate::ops::info::{positive, spread};
use wengert_tensor::Result;

/// # Arithmetic: powers
impl<T: Float> Var<T> {
    /// `y = aᵇ` with broadcasting; gradients `b·aᵇ⁻¹·dy` (0 where `b = 0`) and `ln a·y·dy` (0 where
    /// `a = 0` and `b ≥ 0`). NaN for a negative `a` and a fractional `b`.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    #[track_caller]
    #[inline(never)]
    pub fn pow(&self, exponent: &Var<T>) -> Result<Var<T>> {
        let y = self.value.pow(&exponent.value)?;
        Ok(apply([self, exponent], y, |y, need| Pow {
            a: Saved::input(0, self),
            b: Saved::input(1, exponent),
            y: need[1].then(|| Saved::output(y)),
        }))
    }
}

struct Pow<T: Float> {
    a: Saved<T>,
    b: Saved<T>,
    y: Option<Saved<T>>,
}
impl<T: Float> Rule<T> for Pow<T> {
    fn name(&self) -> &'static str {
        "pow"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let (a, b) = (cx.var(&self.a), cx.var(&self.b));
        let base = |cx: &Cx<'_>| -> Result<Var<T>> {
            // 0 times the power of 1, where 0 times that of 0 or NaN would be NaN. Not where there is a
            // gradient in b: it is not that of 1.
            let bad = a.value().gt_scalar(T::ZERO).logical_not();
            let constant = b.value().eq_scalar(T::ZERO).logical_and(&bad)?;
            let a = Var::where_(&constant, &Var::scalar(T::ONE), &cx.var(&self.a))?;
            dy.try_mul(&b.try_mul(&a.pow(&b.affine(1.0, -1.0))?)?)
        };
        let da = cx.needs(0).then(|| base(cx)).transpose()?;
        let exponent = |y: &Saved<T>| -> Result<Var<T>> {
            let zero = a.value().eq_scalar(T::ZERO);
            let flat = zero.logical_and(&b.value().ge_scalar(T::ZERO))?;
            let log = Var::where_(&flat, &Var::scalar(T::ONE), &a)?.ln();
            dy.try_mul(&cx.var(y).try_mul(&log)?)
        };
        let db = self.y.as_ref().map(exponent).transpose()?;
        two(da, db)
    }
}

pub(crate) static POW: OpInfo = OpInfo {
    name: "pow",
    family: "power",
    formula: "aᵇ",
    gradient: "b·aᵇ⁻¹·dy, ln a·y·dy",
    edges: "x⁰ = 1 with zero gradient; 0ᵇ has zero gradient in b ≥ 0",
    #[cfg(feature = "samples")]
    samples: || {
        let zeros = |v: [f64; 3]| Array {
            shape: vec![3],
            data: v.to_vec(),
        };
        vec![
            sample!(
                [positive(&[2, 3], 1), spread(&[2, 3], 2)],
                |v| v[0].pow(&v[1]),
                |r| r[0].zip(&r[1], f64::powf)
            )
            .elementwise(),
            sample!(
                [positive(&[2, 1], 1), spread(&[3], 2)],
                |v| v[0].pow(&v[1]),
                |r| r[0].zip(&r[1], f64::powf)
            ),
            sample!(
                [
                    cycle(&[3], &[0.0, -2.0, 0.0]),
                    cycle(&[3], &[0.0, 0.0, 2.0])
                ],
                |v| v[0].pow(&v[1]),
                |r| r[0].zip(&r[1], f64::powf)
            )
            .may_drop_nan()
            .expect(vec![zeros([0.0; 3]), zeros([0.0, f64::NAN, 0.0])])
            .note("x⁰ and 0ᵇ"),
            sample!(
                [
                    cycle(&[3], &[0.125, 2.0, 3.0]),
                    cycle(&[3], &[0.0, 1.0, 0.0])
                ],
                |v| v[0].pow(&v[1]),
                |r| r[0].zip(&r[1], f64::powf)
            )
            .may_drop_nan()
            .note("exponents 0 and 1: the mixed second gradient is 1/x and 1 + ln x"),
        ]
    },
};

/// # Arithmetic: angles
impl<T: Float> Var<T> {
    /// The angle of the point `(x, y)`, `self` being `y`, in (−π, π], with broadcasting; gradients
    /// `x·dy/(x² + y²)` and `−y·dy/(x² + y²)`, NaN at the origin.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    #[track_caller]
    #[inline(never)]
    pub fn atan2(&self, x: &Var<T>) -> Result<Var<T>> {
        let angle = self.value.atan2(&x.value)?;
        Ok(apply([self, x], angle, |_, _| Atan2 {
            y: Saved::input(0, self),
            x: Saved::input(1, x),
        }))
    }
}

struct Atan2<T: Float> {
    y: Saved<T>,
    x: Saved<T>,
}
impl<T: Float> Rule<T> for Atan2<T> {
    fn name(&self) -> &'static str {
        "atan2"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let (y, x) = (cx.var(&self.y), cx.var(&self.x));
        // x/(x² + y²) as (x/r)/r with the radius r: the squares may overflow where the quotient does not.
        let radius = y.hypot(&x)?;
        let over = |v: &Var<T>| v.try_div(&radius)?.try_mul(dy)?.try_div(&radius);
        let a = cx.needs(0).then(|| over(&x)).transpose()?;
        let b = cx.needs(1).then(|| over(&y.neg())).transpose()?;
        two(a, b)
    }
}

pub(crate) static ATAN2: OpInfo = OpInfo {
    name: "atan2",
    family: "power",
    formula: "angle of (x, y)",
    gradient: "x·dy/(x² + y²), −y·dy/(x² + y²)",
    edges: "NaN at the origin",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[2, 3], 1), spread(&[2, 3], 2)],
                |v| v[0].atan2(&v[1]),
                |r| r[0].zip(&r[1], f64::atan2)
            )
            .elementwise(),
            sample!(
                [spread(&[3], 1), spread(&[2, 1], 2)],
                |v| v[0].atan2(&v[1]),
                |r| r[0].zip(&r[1], f64::atan2)
            ),
        ]
    },
};

/// # Arithmetic: lengths, and sums of exponentials
impl<T: Float> Var<T> {
    /// `√(a² + b²)` with broadcasting, without overflow; gradients `a·dy/y` and `b·dy/y`, 0 at the
    /// origin.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    #[track_caller]
    #[inline(never)]
    pub fn hypot(&self, other: &Var<T>) -> Result<Var<T>> {
        let y = self.value.hypot(&other.value)?;
        Ok(apply([self, other], y, |y, _| Hypot {
            a: Saved::input(0, self),
            b: Saved::input(1, other),
            y: Saved::output(y),
        }))
    }

    /// `ln(eᵃ + eᵇ)` with broadcasting, without overflow; gradients `eᵃ⁻ʸ·dy` and `eᵇ⁻ʸ·dy`.
    ///
    /// −∞ is the logarithm of 0: two of them give −∞, with gradients 0 and 0. Two +∞ give +∞, with gradients NaN and NaN, as
    /// their shares are not defined.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::Var;
    /// let (a, b) = (Var::new([f64::NEG_INFINITY]).tracked(), Var::new([f64::NEG_INFINITY]).tracked());
    /// let y = a.logaddexp(&b)?.logaddexp(&Var::new([2.0]))?;
    /// y.sum_all().backward()?;
    /// assert_eq!((y.item()?, a.grad().unwrap().item()?, b.grad().unwrap().item()?), (2.0, 0.0, 0.0));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn logaddexp(&self, other: &Var<T>) -> Result<Var<T>> {
        let y = self.value.logaddexp(&other.value)?;
        Ok(apply([self, other], y, |y, _| LogAddExp {
            a: Saved::input(0, self),
            b: Saved::input(1, other),
            y: y.clone(),
        }))
    }
}

struct Hypot<T: Float> {
    a: Saved<T>,
    b: Saved<T>,
    y: Saved<T>,
}
impl<T: Float> Rule<T> for Hypot<T> {
    fn name(&self) -> &'static str {
        "hypot"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let (a, b, y) = (cx.var(&self.a), cx.var(&self.b), cx.var(&self.y));
        // At the origin both quotients are 0/1.
        let origin = self.y.value.eq_scalar(T::ZERO).cast::<T>();
        let y = y.try_add(&Var::constant(origin))?;
        // The quotient first, which is within ±1: dy/y may overflow.
        let over = |v: &Var<T>| v.try_div(&y)?.try_mul(dy);
        let da = cx.needs(0).then(|| over(&a)).transpose()?;
        let db = cx.needs(1).then(|| over(&b)).transpose()?;
        two(da, db)
    }
}

struct LogAddExp<T: Float> {
    a: Saved<T>,
    b: Saved<T>,
    y: Tensor<T>,
}
impl<T: Float> Rule<T> for LogAddExp<T> {
    fn name(&self) -> &'static str {
        "logaddexp"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        // eᵃ⁻ʸ = 1 / (1 + eᵇ⁻ᵃ).
        let apart = cx.var(&self.a).try_sub(&cx.var(&self.b))?;
        // Of two −∞, which have no difference, either share is 0.
        let none = self.y.eq_scalar(T::NEG_INFINITY);
        let none = none.any_all().then_some(none);
        let share = |apart: Var<T>| -> Result<Var<T>> {
            let apart = match &none {
                Some(none) => apart.masked_fill(none, T::NEG_INFINITY)?,
                None => apart,
            };
            apart.sigmoid().try_mul(dy)
        };
        let da = cx.needs(0).then(|| share(apart.clone())).transpose()?;
        let db = cx.needs(1).then(|| share(apart.neg())).transpose()?;
        two(da, db)
    }
}

pub(crate) static HYPOT: OpInfo = OpInfo {
    name: "hypot",
    family: "power",
    formula: "√(a² + b²)",
    gradient: "a·dy/y, b·dy/y",
    edges: "0 at the origin",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[2, 3], 1), spread(&[2, 3], 2)],
                |v| v[0].hypot(&v[1]),
                |r| r[0].zip(&r[1], f64::hypot)
            )
            .elementwise(),
            sample!(
                [spread(&[3], 1), spread(&[2, 1], 2)],
                |v| v[0].hypot(&v[1]),
                |r| r[0].zip(&r[1], f64::hypot)
            ),
        ]
    },
};

pub(crate) static LOGADDEXP: OpInfo = OpInfo {
    name: "logaddexp",
    family: "power",
    formula: "ln(eᵃ + eᵇ)",
    gradient: "eᵃ⁻ʸ·dy, eᵇ⁻ʸ·dy",
    edges: "−∞ with gradients 0, 0 at (−∞, −∞); ∞ with NaN at (∞, ∞)",
    #[cfg(feature = "samples")]
    samples: || {
        let f = |a: f64, b: f64| (a.exp() + b.exp()).ln();
        vec![
            sample!(
                [spread(&[2, 3], 1), spread(&[2, 3], 2)],
                |v| v[0].logaddexp(&v[1]),
                |r| r[0].zip(&r[1], f)
            )
            .elementwise(),
            sample!(
                [spread(&[3], 1), spread(&[2, 1], 2)],
                |v| v[0].logaddexp(&v[1]),
                |r| r[0].zip(&r[1], f)
            ),
            sample!(
                [
                    cycle(
                        &[4],
                        &[f64::NEG_INFINITY, 0.5, f64::NEG_INFINITY, f64::INFINITY]
                    ),
                    cycle(&[4], &[f64::NEG_INFINITY, f64::NEG_INFINITY, 3.0, 1.0])
                ],
                |v| v[0].logaddexp(&v[1]),
                |r| r[0].zip(&r[1], f)
            )
            .expect(vec![
                Array {
                    shape: vec![4],
                    data: vec![0.0, 1.0, 0.0, 1.0],
                },
                Array {
                    shape: vec![4],
                    data: vec![0.0, 0.0, 1.0, 0.0],
                },
            ])
            .note("infinite"),
        ]
    },
};

pub(super) const OPS: &[&OpInfo] = &[&POW, &ATAN2, &HYPOT, &LOGADDEXP];
