//! Losses of binary classification: cross-entropy of probabilities and of logits. They do not broadcast.

use wengert_tensor::{ErrorKind, Float, Result, Site, Tensor};

use super::loss::{loss_methods, mean};
use super::reduction::{Reduction, is_finite, same_shape};
use crate::ops::info::{OpInfo, Sample, cycle, sample, spread};
use crate::ops::naive::Array;
use crate::tape::accumulator::Accumulator;
use crate::tape::rule::{Cx, Fused, Grads, Rule, Saved, apply, two};
use crate::var::Var;

loss_methods! {
    /// Binary cross-entropy of probabilities, `−mean (t ln p + (1 − t) ln(1 − p))`; the logarithms are
    /// cut off at −100 and the gradient's denominator at 1e-12, as PyTorch's.
    ///
    /// [`Var::bce_with_logits`] is exact where the probability is a sigmoid. A probability of NaN gives NaN. Targets are taken
    /// as they are, also outside of [0, 1], as in PyTorch.
    ///
    /// ```
    /// use wengert::Var;
    /// let t = Var::new([1.0, 0.0]);
    /// assert!((Var::new([0.5, 0.5]).bce_loss(&t)?.item()? - 2f64.ln()).abs() < 1e-15);
    /// let e = Var::new([3.0, -2.0]).bce_loss(&t).unwrap_err().to_string(); // the sigmoid is missing
    /// assert!(e.contains("bce_with_logits"));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    bce_loss bce_loss_with () " or a probability is outside of [0, 1]"
}

impl<T: Float> Var<T> {
    /// As [`Var::bce_loss`], with another reduction.
    ///
    /// # Errors
    /// If the shapes differ, or a probability is outside of [0, 1].
    #[track_caller]
    #[inline(never)]
    pub fn bce_loss_with(&self, target: &Var<T>, reduction: Reduction) -> Result<Var<T>> {
        same_shape("bce_loss", self, target)?;
        let y = reduction.of(self.value.bce_error(&target.value)?);
        // Of what is no probability the loss is NaN: it is looked for where one is not finite.
        if reduction == Reduction::None || !is_finite(&y) {
            probabilities("bce_loss", self)?;
        }
        Ok(apply([self, target], y, |_, _| Bce {
            p: Saved::input(0, self),
            t: Saved::input(1, target),
            factor: reduction.factor(self.len()),
        }))
    }

    /// [`Var::bce_loss`] of probabilities clipped to `[ε, 1 − ε]`, as Keras computes it (ε = 1e-7); no
    /// gradient where the clip is in force.
    ///
    /// Either end is clipped alike, a certain error costs `−ln ε`, also for an ε so small that `1 − ε` is 1 in the
    /// element's type. (Keras rounds `1 − 1e-7` to `1 − 1.19e-7`: there a certain error costs 15.94 or 16.12, by its side.)
    ///
    /// # Errors
    /// If the shapes differ, a probability is outside of [0, 1], or ε is not between 0 and ½.
    ///
    /// ```
    /// use wengert::Var;
    /// let p = Var::<f32>::new([0.0, 1.0]).tracked();
    /// let loss = p.bce_loss_clipped(&Var::new([1.0, 0.0]), 1e-8)?;
    /// loss.backward()?;
    /// assert!((loss.item()? + 1e-8f32.ln()).abs() < 1e-5);
    /// assert_eq!(p.grad().unwrap().to_vec(), [0.0, 0.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn bce_loss_clipped(&self, target: &Var<T>, epsilon: f64) -> Result<Var<T>> {
        let op = "bce_loss_clipped";
        same_shape(op, self, target)?;
        probabilities(op, self)?;
        let least = T::from_f64(epsilon);
        // In the element's type as well: an ε that is 0 there clips nothing.
        if !(epsilon < 0.5 && least > T::ZERO) {
            return Err(Site::new(op)
                .operand("input", T::DTYPE, self.shape())
                .hint("1e-7 is common; bce_loss() clips nothing but the logarithms")
                .error(ErrorKind::InvalidArgument {
                    name: "epsilon",
                    value: epsilon.to_string(),
                    rule: "0 < epsilon < 0.5",
                }));
        }
        let p = self.value();
        // By 1 − p, which is exact near 1, where 1 − ε is not.
        let (low, high) = (p.lt_scalar(least), p.affine(-1.0, 1.0).lt_scalar(least));
        let clipped = low.logical_or(&high)?;
        // There −t·ln p − (1 − t)·ln(1 − p) of a constant p, linear in t.
        let (far, near) = (epsilon.ln(), (-epsilon).ln_1p());
        let per_target = low.where_(
            &Tensor::scalar(T::from_f64(near - far)),
            &Tensor::scalar(T::from_f64(far - near)),
        )?;
        let rest = low.where_(
            &Tensor::scalar(T::from_f64(-near)),
            &Tensor::scalar(T::from_f64(-far)),
        )?;
        let constant = target
            .try_mul(&Var::constant(per_target))?
            .try_add(&Var::constant(rest))?;
        let within = self.masked_fill(&clipped, T::from_f64(0.5))?;
        let losses = within.bce_loss_with(target, Reduction::None)?;
        Ok(Var::where_(&clipped, &constant, &losses)?.mean_all())
    }
}

/// Refuses numbers that are no probabilities; NaN, which comes out of the loss, is let through.
#[track_caller]
fn probabilities<T: Float>(op: &'static str, p: &Var<T>) -> Result<()> {
    if p.is_empty() {
        return Ok(());
    }
    let (least, most) = (p.value.min_all()?.item()?, p.value.max_all()?.item()?);
    if !(least < T::ZERO || most > T::ONE) {
        return Ok(());
    }
    let worst = if least < T::ZERO { least } else { most };
    Err(Site::new(op)
        .operand("input", T::DTYPE, p.shape())
        .hint("bce_with_logits() takes logits, sigmoid() makes probabilities of them")
        .error(ErrorKind::InvalidArgument {
            name: "input",
            value: worst.to_string(),
            rule: "a probability is within 0..=1",
        }))
}

struct Bce<T: Float> {
    p: Saved<T>,
    t: Saved<T>,
    factor: f64,
}
impl<T: Float> Rule<T> for Bce<T> {
    fn name(&self) -> &'static str {
        "bce_loss"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let (p, t) = (cx.var(&self.p), cx.var(&self.t));
        let dy = dy.affine(self.factor, 0.0);
        let dp = if cx.needs(0) {
            let slope = p
                .try_mul(&p.affine(-1.0, 1.0))?
                .clamp(1e-12, f64::INFINITY)?;
            Some(p.try_sub(&t)?.try_div(&slope)?.try_mul(&dy)?)
        } else {
            None
        };
        let dt = if cx.needs(1) {
            // 1 in place of what is cut off, so that the gradients of this stay finite too.
            let cut = |v: Var<T>| -> Result<Var<T>> {
                let low = v.value().ln().lt_scalar(T::from_f64(-100.0));
                let ln = v.masked_fill(&low, T::ONE)?.ln();
                ln.masked_fill(&low, T::from_f64(-100.0))
            };
            let d = cut(p.affine(-1.0, 1.0))?.try_sub(&cut(p.clone())?)?;
            Some(d.try_mul(&dy)?)
        } else {
            None
        };
        two(dp, dt)
    }
    fn fused(&self, cx: &Cx<'_>, dy: Tensor<T>, to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
        if dy.len() != 1 || cx.needs(1) {
            return Ok(Fused::Composed(dy));
        }
        let factor = self.factor * dy.item()?.to_f64();
        to.accumulate(0, self.p.value.bce_error_grad(&self.t.value, factor)?)?;
        Ok(Fused::Done)
    }
}

pub(crate) static BCE_LOSS: OpInfo = OpInfo {
    name: "bce_loss",
    family: "loss",
    formula: "−mean (t ln p + (1 − t) ln(1 − p))",
    gradient: "(p − t)/(p(1 − p))/n·dy, (ln(1 − p) − ln p)/n·dy",
    edges: "logarithms cut off at −100, the denominator at 1e-12; an `Err` outside of [0, 1]",
    #[cfg(feature = "samples")]
    samples: || {
        let bce = |r: &[Array]| r[0].zip(&r[1], |p, t| -(t * p.ln() + (1.0 - t) * (1.0 - p).ln()));
        let p = || cycle(&[2, 3], &[0.1, 0.5, 0.9, 0.3, 0.75, 0.6]);
        let t = || cycle(&[2, 3], &[0.0, 1.0, 0.8, 0.2, 1.0, 0.5]);
        vec![
            sample!([p(), t()], |v| v[0].bce_loss(&v[1]), |r| mean(&bce(r))),
            sample!(
                [p(), t()],
                |v| v[0].bce_loss_with(&v[1], Reduction::None),
                |r| bce(r)
            )
            .elementwise(),
            sample!(
                [cycle(&[2], &[0.0, 1.0]), cycle(&[2], &[0.0, 1.0])],
                |v| v[0].bce_loss_with(&v[1], Reduction::Sum),
                |_r| Array::scalar(0.0)
            )
            .may_drop_nan()
            .expect(vec![
                Array {
                    shape: vec![2],
                    data: vec![0.0, 0.0],
                },
                Array {
                    shape: vec![2],
                    data: vec![100.0, -100.0],
                },
            ])
            .note("certain and right"),
            sample!(
                [cycle(&[2], &[0.2, 0.7]), cycle(&[2], &[0.0, 0.4])],
                |v| v[0].bce_loss_with(&v[1], Reduction::None),
                |r| bce(r)
            )
            .note("two losses"),
            sample!(
                [cycle(&[3], &[0.0, 1.0, 0.5]), cycle(&[3], &[1.0, 0.0, 1.0])],
                |v| v[0].bce_loss_clipped(&v[1].detach(), 1e-3),
                |r| mean(&r[0].zip(&r[1], |p, t| {
                    let p = p.clamp(1e-3, 1.0 - 1e-3);
                    -(t * p.ln() + (1.0 - t) * (1.0 - p).ln())
                }))
            )
            .expect(vec![
                Array {
                    shape: vec![3],
                    data: vec![0.0, 0.0, -2.0 / 3.0],
                },
                Array {
                    shape: vec![3],
                    data: vec![0.0; 3],
                },
            ])
            .note("clipped"),
        ]
    },
};

loss_methods! {
    /// Binary cross-entropy of logits, `mean ((1 − t)·x + ln(1 + e⁻ˣ))`; gradients `(sigmoid(x) − t)/n·dy` and
    /// `−x/n·dy`.
    ///
    /// For targets within [0, 1] nothing cancels, in the loss or the gradient: examples that are right and confident, of
    /// either class, keep their digits. A certain target and an infinite logit that agrees give 0. Targets outside of
    /// [0, 1] are taken as they are, as in PyTorch.
    ///
    /// ```
    /// use wengert::Var;
    /// let x = Var::new([20.0f32]).tracked();
    /// let loss = x.bce_with_logits(&Var::new([1.0]))?;
    /// loss.backward()?;
    /// assert!((loss.item()? / 2.0611537e-9 - 1.0).abs() < 1e-6);
    /// assert!((x.grad().unwrap().item()? / -2.0611537e-9 - 1.0).abs() < 1e-6);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    bce_with_logits bce_with_logits_with ()
}

impl<T: Float> Var<T> {
    /// As [`Var::bce_with_logits`], with another reduction.
    ///
    /// # Errors
    /// If the shapes differ.
    #[track_caller]
    #[inline(never)]
    pub fn bce_with_logits_with(&self, target: &Var<T>, reduction: Reduction) -> Result<Var<T>> {
        same_shape("bce_with_logits", self, target)?;
        let losses = self.value.bce_with_logits_error(&target.value)?;
        Ok(apply([self, target], reduction.of(losses), |_, _| {
            BceWithLogits {
                x: Saved::input(0, self),
                t: Saved::input(1, target),
                factor: reduction.factor(self.len()),
            }
        }))
    }
}

struct BceWithLogits<T: Float> {
    x: Saved<T>,
    t: Saved<T>,
    factor: f64,
}
impl<T: Float> Rule<T> for BceWithLogits<T> {
    fn name(&self) -> &'static str {
        "bce_with_logits"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let x = cx.var(&self.x);
        let dy = dy.affine(self.factor, 0.0);
        let dx = if cx.needs(0) {
            // sigmoid(x) − t as (1 − t) − sigmoid(−x) where x > 0: 1 − sigmoid(x) would lose its digits.
            let t = cx.var(&self.t);
            let positive = x.value().gt_scalar(T::ZERO);
            let rest = Var::where_(&positive, &x.neg(), &x)?.sigmoid();
            let above = t.affine(-1.0, 1.0).try_sub(&rest)?;
            let slope = Var::where_(&positive, &above, &rest.try_sub(&t)?)?;
            Some(slope.try_mul(&dy)?)
        } else {
            None
        };
        let dt = if cx.needs(1) {
            Some(x.neg().try_mul(&dy)?)
        } else {
            None
        };
        two(dx, dt)
    }
    fn fused(&self, cx: &Cx<'_>, dy: Tensor<T>, to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
        if dy.len() != 1 || cx.needs(1) {
            return Ok(Fused::Composed(dy));
        }
        let factor = self.factor * dy.item()?.to_f64();
        let (x, t) = (&self.x.value, &self.t.value);
        to.accumulate(0, x.bce_with_logits_error_grad(t, factor)?)?;
        Ok(Fused::Done)
    }
}

pub(crate) static BCE_WITH_LOGITS: OpInfo = OpInfo {
    name: "bce_with_logits",
    family: "loss",
    formula: "mean ((1 − t)·x + ln(1 + e⁻ˣ))",
    gradient: "(sigmoid(x) − t)/n·dy, −x/n·dy",
    edges: "nothing cancels for 0 ≤ t ≤ 1; 0 at x = ±∞ where t agrees",
    #[cfg(feature = "samples")]
    samples: || {
        let f = |r: &[Array]| r[0].zip(&r[1], |x, t| x.max(0.0) + (-x.abs()).exp().ln_1p() - t * x);
        let t = || cycle(&[2, 3], &[0.0, 1.0, 0.8, 0.2, 1.0, 0.5]);
        let all: Vec<Sample> = vec![
            sample!(
                [spread(&[2, 3], 1), t()],
                |v| v[0].bce_with_logits(&v[1]),
                |r| mean(&f(r))
            )
            .may_drop_nan(),
            sample!(
                [spread(&[2, 3], 1), t()],
                |v| v[0].bce_with_logits_with(&v[1], Reduction::None),
                |r| f(r)
            )
            .elementwise(),
            sample!(
                [cycle(&[2], &[800.0, -800.0]), cycle(&[2], &[1.0, 0.0])],
                |v| v[0].bce_with_logits(&v[1]),
                |_r| Array::scalar(0.0)
            )
            .may_drop_nan()
            .note("far out"),
            sample!(
                [
                    cycle(&[3], &[f64::INFINITY, f64::NEG_INFINITY, 0.0]),
                    cycle(&[3], &[1.0, 0.0, 0.5])
                ],
                |v| v[0].bce_with_logits_with(&v[1].detach(), Reduction::Sum),
                |_r| Array::scalar(2f64.ln())
            )
            .may_drop_nan()
            .expect(vec![
                Array {
                    shape: vec![3],
                    data: vec![0.0; 3],
                },
                Array {
                    shape: vec![3],
                    data: vec![0.0; 3],
                },
            ])
            .note("infinite and right; undecided"),
        ];
        all
    },
};

pub(super) const OPS: &[&OpInfo] = &[&BCE_LOSS, &BCE_WITH_LOGITS];
