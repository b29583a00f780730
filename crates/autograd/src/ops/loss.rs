//! Losses of regression. None of them broadcasts: a prediction of shape
//! `[n, 1]` against a target of shape `[n]` would silently be `n²` differences.

use wengert_tensor::{ErrorKind, Float, Result, Site, Tensor};

use super::reduction::{Reduction, same_shape};
use crate::ops::info::{OpInfo, cycle, sample, spread};
use crate::ops::naive::Array;
use crate::tape::accumulator::Accumulator;
use crate::tape::rule::{Cx, Fused, Grads, Rule, Saved, apply, two};
use crate::var::Var;

/// Pairs a loss's two methods.
macro_rules! loss_methods {
    ($(#[$doc:meta])* $name:ident $with:ident ($($arg:ident: $Arg:ty),*) $($or:literal)?) => {
        #[doc = concat!("# Losses: `", stringify!($name), "`")]
        impl<T: Float> Var<T> {
            $(#[$doc])*
            ///
            /// # Errors
            #[doc = concat!("If the shapes differ", $(",", $or,)? ".")]
            #[track_caller]
            #[inline(never)]
            pub fn $name(&self, target: &Var<T> $(, $arg: $Arg)*) -> Result<Var<T>> {
                self.$with(target $(, $arg)*, Reduction::Mean)
            }
        }
    };
}
pub(super) use loss_methods;

loss_methods! {
    /// Mean squared error, `mean (x − t)²`; gradients `±2(x − t)/n·dy`.
    ///
    /// ```
    /// use wengert::Var;
    /// let x = Var::new([1.0f64, 3.0]);
    /// assert_eq!(x.mse_loss(&Var::new([0.0, 1.0]))?.item()?, 2.5);
    /// let e = x.mse_loss(&Var::new([[0.0], [1.0]])).unwrap_err().to_string();
    /// assert!(e.contains("losses do not broadcast") && e.contains("squeeze"));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    mse_loss mse_loss_with ()
}

impl<T: Float> Var<T> {
    /// As [`Var::mse_loss`], with another reduction.
    ///
    /// # Errors
    /// If the shapes differ.
    #[track_caller]
    #[inline(never)]
    pub fn mse_loss_with(&self, target: &Var<T>, reduction: Reduction) -> Result<Var<T>> {
        same_shape("mse_loss", self, target)?;
        let y = reduction.of(self.value.squared_error(&target.value)?);
        Ok(apply([self, target], y, |_, _| Mse {
            x: Saved::input(0, self),
            t: Saved::input(1, target),
            factor: 2.0 * reduction.factor(self.len()),
        }))
    }
}

struct Mse<T: Float> {
    x: Saved<T>,
    t: Saved<T>,
    factor: f64,
}
impl<T: Float> Rule<T> for Mse<T> {
    fn name(&self) -> &'static str {
        "mse_loss"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let d = cx.var(&self.x).try_sub(&cx.var(&self.t))?;
        let dx = d.affine(self.factor, 0.0).try_mul(dy)?;
        let dt = cx.needs(1).then(|| dx.neg());
        two(cx.needs(0).then_some(dx), dt)
    }
    fn fused(&self, cx: &Cx<'_>, dy: Tensor<T>, to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
        // A seed of one number joins the factor: two passes less.
        if dy.len() != 1 {
            return Ok(Fused::Composed(dy));
        }
        let factor = 0.5 * self.factor * dy.item()?.to_f64();
        let dx = self.x.value.squared_error_grad(&self.t.value, factor)?;
        put_difference(cx, to, dx)
    }
}

/// The gradients of a loss of `x − t`: that of `x`, and of `t` its negative.
fn put_difference<T: Float>(
    cx: &Cx<'_>,
    to: &mut Accumulator<'_, T>,
    dx: Tensor<T>,
) -> Result<Fused<T>> {
    if cx.needs(1) {
        to.accumulate(1, dx.neg())?;
    }
    to.accumulate(0, dx)?;
    Ok(Fused::Done)
}

/// Reduces a reference's losses.
pub(super) fn mean(a: &Array) -> Array {
    Array::scalar(a.data.iter().sum::<f64>() / a.data.len() as f64)
}
fn total(a: &Array) -> Array {
    Array::scalar(a.data.iter().sum())
}

pub(crate) static MSE_LOSS: OpInfo = OpInfo {
    name: "mse_loss",
    family: "loss",
    formula: "mean (x − t)²",
    gradient: "2(x − t)/n·dy, and its negative",
    edges: "the mean of nothing is NaN",
    #[cfg(feature = "samples")]
    samples: || {
        let sq = |r: &[Array]| r[0].zip(&r[1], |x, t| (x - t) * (x - t));
        let (a, b) = (|| spread(&[2, 3], 1), || spread(&[2, 3], 2));
        vec![
            sample!([a(), b()], |v| v[0].mse_loss(&v[1]), |r| mean(&sq(r))),
            sample!(
                [spread(&[1], 1), spread(&[1], 2)],
                |v| v[0].mse_loss(&v[1]),
                |r| mean(&sq(r))
            )
            .note("one element"),
            sample!(
                [spread(&[2, 0], 1), spread(&[2, 0], 2)],
                |v| v[0].mse_loss(&v[1]),
                |r| mean(&sq(r))
            )
            .note("empty"),
            sample!(
                [a(), b()],
                |v| v[0].mse_loss_with(&v[1], Reduction::Sum),
                |r| total(&sq(r))
            ),
            sample!(
                [a(), b()],
                |v| v[0].mse_loss_with(&v[1], Reduction::None),
                |r| sq(r)
            )
            .elementwise(),
        ]
    },
};

loss_methods! {
    /// Mean absolute error, `mean |x − t|`; gradients `±sign(x − t)/n·dy`, 0 at `x = t`.
    l1_loss l1_loss_with ()
}

impl<T: Float> Var<T> {
    /// As [`Var::l1_loss`], with another reduction.
    ///
    /// # Errors
    /// If the shapes differ.
    #[track_caller]
    #[inline(never)]
    pub fn l1_loss_with(&self, target: &Var<T>, reduction: Reduction) -> Result<Var<T>> {
        same_shape("l1_loss", self, target)?;
        let d = &self.value - &target.value;
        let slope = Slope {
            slope: d.sign(),
            factor: reduction.factor(self.len()),
            op: "l1_loss",
        };
        Ok(apply([self, target], reduction.of(d.abs()), |_, _| slope))
    }
}

/// The rule of a loss that is linear in pieces: its slope does not depend on the input.
struct Slope<T: Float> {
    slope: Tensor<T>,
    factor: f64,
    op: &'static str,
}
impl<T: Float> Rule<T> for Slope<T> {
    fn name(&self) -> &'static str {
        self.op
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let dx = dy
            .affine(self.factor, 0.0)
            .try_mul(&Var::constant(self.slope.clone()))?;
        let dt = cx.needs(1).then(|| dx.neg());
        two(cx.needs(0).then_some(dx), dt)
    }
}

pub(crate) static L1_LOSS: OpInfo = OpInfo {
    name: "l1_loss",
    family: "loss",
    formula: "mean |x − t|",
    gradient: "sign(x − t)/n·dy, and its negative",
    edges: "0 at x = t",
    #[cfg(feature = "samples")]
    samples: || {
        let abs = |r: &[Array]| r[0].zip(&r[1], |x, t| (x - t).abs());
        vec![
            sample!(
                [spread(&[2, 3], 1), spread(&[2, 3], 2)],
                |v| v[0].l1_loss(&v[1]),
                |r| mean(&abs(r))
            ),
            sample!(
                [spread(&[2, 3], 1), spread(&[2, 3], 2)],
                |v| v[0].l1_loss_with(&v[1], Reduction::None),
                |r| abs(r)
            )
            .elementwise(),
            sample!(
                [cycle(&[2], &[1.0]), cycle(&[2], &[1.0, 3.0])],
                |v| v[0].l1_loss_with(&v[1], Reduction::Sum),
                |r| { total(&abs(r)) }
            )
            .expect(vec![
                Array {
                    shape: vec![2],
                    data: vec![0.0, -1.0],
                },
                Array {
                    shape: vec![2],
                    data: vec![0.0, 1.0],
                },
            ])
            .note("x = t"),
        ]
    },
};

loss_methods! {
    /// Huber loss (1964): `½(x − t)²` within `δ`, `δ(|x − t| − ½δ)` beyond, the mean of them.
    huber_loss huber_loss_with (delta: f64) " or δ is not above 0 and finite"
}

impl<T: Float> Var<T> {
    /// As [`Var::huber_loss`], with another reduction.
    ///
    /// # Errors
    /// If the shapes differ, or δ is not above 0.
    #[track_caller]
    #[inline(never)]
    pub fn huber_loss_with(
        &self,
        target: &Var<T>,
        delta: f64,
        reduction: Reduction,
    ) -> Result<Var<T>> {
        same_shape("huber_loss", self, target)?;
        if !(delta > 0.0 && delta.is_finite()) {
            return Err(Site::new("huber_loss")
                .operand("input", T::DTYPE, self.shape())
                .hint("l1_loss() and mse_loss() are its limits, up to a factor")
                .error(ErrorKind::InvalidArgument {
                    name: "delta",
                    value: delta.to_string(),
                    rule: "0 < delta < inf",
                }));
        }
        let y = reduction.of(self.value.huber_error(&target.value, delta)?);
        Ok(apply([self, target], y, |_, _| Huber {
            x: Saved::input(0, self),
            t: Saved::input(1, target),
            delta,
            factor: reduction.factor(self.len()),
        }))
    }
}

struct Huber<T: Float> {
    x: Saved<T>,
    t: Saved<T>,
    delta: f64,
    factor: f64,
}
impl<T: Float> Rule<T> for Huber<T> {
    fn name(&self) -> &'static str {
        "huber_loss"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let d = cx.var(&self.x).try_sub(&cx.var(&self.t))?;
        // d within ±δ and its sign beyond; the mask is constant between the kinks.
        let inside = d.value().abs().le_scalar(T::from_f64(self.delta));
        let one = Tensor::ones(d.shape());
        let zero = one.zeros_like();
        let beyond = d.value().sign().affine(self.delta, 0.0);
        let mask = Var::constant(inside.where_(&one, &zero)?);
        let rest = Var::constant(inside.where_(&zero, &beyond)?);
        let c = d.try_mul(&mask)?.try_add(&rest)?;
        let dx = c.affine(self.factor, 0.0).try_mul(dy)?;
        let dt = cx.needs(1).then(|| dx.neg());
        two(cx.needs(0).then_some(dx), dt)
    }
    fn fused(&self, cx: &Cx<'_>, dy: Tensor<T>, to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
        // As for the squared error.
        if dy.len() != 1 {
            return Ok(Fused::Composed(dy));
        }
        let factor = self.factor * dy.item()?.to_f64();
        let (x, t) = (&self.x.value, &self.t.value);
        let dx = x.huber_error_grad(t, self.delta, factor)?;
        put_difference(cx, to, dx)
    }
    fn detail(&self) -> String {
        format!("delta {}", self.delta)
    }
}

pub(crate) static HUBER_LOSS: OpInfo = OpInfo {
    name: "huber_loss",
    family: "loss",
    formula: "½d² within δ, δ(|d| − ½δ) beyond; d = x − t",
    gradient: "clamp(d, −δ, δ)/n·dy, and its negative",
    edges: "smooth; twice differentiable but at |d| = δ",
    #[cfg(feature = "samples")]
    samples: || {
        let huber = |r: &[Array]| {
            r[0].zip(&r[1], |x, t| {
                let d: f64 = x - t;
                if d.abs() <= 0.7 {
                    0.5 * d * d
                } else {
                    0.7 * (d.abs() - 0.35)
                }
            })
        };
        let t = || cycle(&[2, 3], &[0.1, -2.0, 0.5, 1.5, -0.6, 0.0]);
        vec![
            sample!(
                [spread(&[2, 3], 1), t()],
                |v| v[0].huber_loss(&v[1], 0.7),
                |r| mean(&huber(r))
            ),
            sample!(
                [spread(&[2, 3], 1), t()],
                |v| v[0].huber_loss_with(&v[1], 0.7, Reduction::None),
                |r| huber(r)
            )
            .elementwise(),
            sample!(
                [spread(&[2, 3], 1), spread(&[2, 3], 4)],
                |v| v[0].huber_loss_with(&v[1], 9.0, Reduction::Sum),
                |r| Array::scalar(
                    r[0].zip(&r[1], |x, t| 0.5 * (x - t) * (x - t))
                        .data
                        .iter()
                        .sum()
                )
            )
            .note("all within delta"),
            sample!(
                [spread(&[2], 1), spread(&[2], 5)],
                |v| v[0].huber_loss(&v[1], 0.125),
                |r| mean(&r[0].zip(&r[1], |x, t| 0.125 * ((x - t).abs() - 0.0625)))
            )
            .note("all beyond a small delta"),
        ]
    },
};

pub(super) const OPS: &[&OpInfo] = &[&MSE_LOSS, &L1_LOSS, &HUBER_LOSS];
