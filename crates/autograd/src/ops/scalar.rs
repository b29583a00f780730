//! Elementwise ops of one variable and some numbers.

use super::block::names::*;
use crate::ops::info::spread;
use crate::tape::rule::apply_owned;
use wengert_tensor::Result;

/// # Arithmetic with numbers: affine
impl<T: Float> Var<T> {
    /// `y = a·x + b` for two numbers; gradient `a·dy`.
    #[track_caller]
    #[inline(never)]
    pub fn affine(&self, a: f64, b: f64) -> Var<T> {
        apply([self], self.value.affine(a, b), |_, _| Affine(a, b))
    }

    /// As [`Var::affine`], in this variable's memory where it is held alone.
    #[doc(hidden)]
    #[track_caller]
    #[inline(never)]
    pub fn into_affine(self, a: f64, b: f64) -> Var<T> {
        apply_owned([self.node], self.value.into_affine(a, b), || Affine(a, b))
    }
}

pub(crate) struct Affine(pub(crate) f64, pub(crate) f64);
impl<T: Float> Rule<T> for Affine {
    fn name(&self) -> &'static str {
        "affine"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(dy.affine(self.0, 0.0))
    }
    fn fused(&self, _: &Cx<'_>, dy: Tensor<T>, to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
        to.accumulate(0, dy.into_affine(self.0, 0.0))?;
        Ok(Fused::Done)
    }
    fn detail(&self) -> String {
        format!("{}·x + {}", self.0, self.1)
    }
}

pub(crate) static AFFINE: OpInfo = OpInfo {
    name: "affine",
    family: "scalar",
    formula: "a·x + b",
    gradient: "a·dy",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| Ok(v[0].affine(-1.5, 0.5)), |r| r
                [0]
            .map(|x| -1.5 * x + 0.5))
            .elementwise(),
        ]
    },
};

/// # Arithmetic with numbers: powers
impl<T: Float> Var<T> {
    /// `y = xᵖ` for one exponent; gradient `p·xᵖ⁻¹·dy`, 0 where `p = 0`.
    #[track_caller]
    #[inline(never)]
    pub fn powf(&self, p: f64) -> Var<T> {
        apply([self], self.value.powf(p), |_, _| {
            Powf(Saved::input(0, self), p)
        })
    }
}

struct Powf<T: Float>(Saved<T>, f64);
impl<T: Float> Rule<T> for Powf<T> {
    fn name(&self) -> &'static str {
        "powf"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let (x, p) = (cx.var(&self.0), self.1);
        let dx = if p == 0.0 {
            x.zeros_like()
        } else {
            dy * x.powf(p - 1.0).affine(p, 0.0)
        };
        one(dx)
    }
    fn detail(&self) -> String {
        format!("p {}", self.1)
    }
}

pub(crate) static POWF: OpInfo = OpInfo {
    name: "powf",
    family: "scalar",
    formula: "xᵖ",
    gradient: "p·xᵖ⁻¹·dy",
    edges: "x⁰ = 1 with zero gradient",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| Ok(v[0].powf(3.0)), |r| r[0]
                .map(|x| x.powf(3.0)))
            .elementwise(),
            sample!([spread(&[2, 3], 2).abs()], |v| Ok(v[0].powf(-0.5)), |r| r
                [0]
            .map(|x| x.powf(-0.5)))
            .elementwise(),
            sample!([cycle(&[2], &[0.0, -1.0])], |v| Ok(v[0].powf(0.0)), |r| r
                [0]
            .map(|_| 1.0))
            .may_drop_nan()
            .expect(vec![Array {
                shape: vec![2],
                data: vec![0.0, 0.0],
            }])
            .note("x⁰"),
            sample!([Tensor::scalar(0.0)], |v| Ok(v[0].powf(2.0)), |r| r[0]
                .map(|x| x * x))
            .expect(vec![Array::scalar(0.0)])
            .note("0²"),
        ]
    },
};

/// # Arithmetic with numbers: bounds
impl<T: Float> Var<T> {
    /// Every element within `[min, max]`, NaN stays NaN; gradient `dy` within and at the bounds, 0
    /// beyond.
    ///
    /// # Errors
    /// If a bound is NaN or `min > max`.
    #[track_caller]
    #[inline(never)]
    pub fn clamp(&self, min: f64, max: f64) -> Result<Var<T>> {
        let y = self.value.clamp(min, max)?;
        Ok(apply([self], y, |_, _| Clamp(self.value.clone(), min, max)))
    }

    /// Every element at least `min`, NaN stays NaN; gradient `dy` above and at the bound, 0 below.
    ///
    /// # Errors
    /// If the bound is NaN.
    #[track_caller]
    #[inline(never)]
    pub fn clamp_min(&self, min: f64) -> Result<Var<T>> {
        let y = self.value.clamp_min(min)?;
        let max = f64::INFINITY;
        Ok(apply([self], y, |_, _| Clamp(self.value.clone(), min, max)))
    }

    /// Every element at most `max`, NaN stays NaN; gradient `dy` below and at the bound, 0 above.
    ///
    /// # Errors
    /// If the bound is NaN.
    #[track_caller]
    #[inline(never)]
    pub fn clamp_max(&self, max: f64) -> Result<Var<T>> {
        let y = self.value.clamp_max(max)?;
        let min = f64::NEG_INFINITY;
        Ok(apply([self], y, |_, _| Clamp(self.value.clone(), min, max)))
    }
}

struct Clamp<T: Float>(Tensor<T>, f64, f64);
impl<T: Float> Rule<T> for Clamp<T> {
    fn name(&self) -> &'static str {
        "clamp"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let x = &self.0;
        let inside = x
            .ge_scalar(T::from_f64(self.1))
            .logical_and(&x.le_scalar(T::from_f64(self.2)))?;
        one(dy.try_mul(&Var::constant(inside.cast()))?)
    }
    fn detail(&self) -> String {
        format!("{}..={}", self.1, self.2)
    }
}

pub(crate) static CLAMP: OpInfo = OpInfo {
    name: "clamp",
    family: "scalar",
    formula: "min(max(x, a), b)",
    gradient: "dy within and at the bounds",
    edges: "passes at its bounds; NaN stays NaN",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| v[0].clamp(-0.77, 0.66), |r| r[0]
                .map(|x| x.clamp(-0.77, 0.66)))
            .elementwise(),
            sample!([spread(&[2, 3], 1)], |v| v[0].clamp_min(-0.77), |r| r[0]
                .map(|x| if x < -0.77 { -0.77 } else { x }))
            .elementwise(),
            sample!([spread(&[2, 3], 1)], |v| v[0].clamp_max(0.66), |r| r[0]
                .map(|x| if x > 0.66 { 0.66 } else { x }))
            .elementwise(),
            sample!(
                [cycle(&[2], &[-0.5, 1.0])],
                |v| v[0].clamp(-0.5, 1.0),
                |r| r[0].clone()
            )
            .expect(vec![Array {
                shape: vec![2],
                data: vec![1.0, 1.0],
            }])
            .note("at the bounds"),
        ]
    },
};

pub(super) const OPS: &[&OpInfo] = &[&AFFINE, &POWF, &CLAMP];
