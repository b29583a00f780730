//! Losses of classification: negative log-likelihood and cross-entropy.

use wengert_tensor::{ErrorKind, Float, Result, Shape, Site, Tensor};

use super::class_rows::{Coefficients, End, Rows, named_axis, pick};
use super::reduction::Reduction;
use crate::ops::info::{OpInfo, cycle, sample, spread};
use crate::ops::naive::Array;
use crate::tape::accumulator::Accumulator;
use crate::tape::rule::{Cx, Fused, Grads, Rule, Saved, apply, one};
use crate::var::Var;

/// Options of [`Var::cross_entropy_with`] and [`Var::nll_loss_with`], PyTorch's defaults.
///
/// ```
/// use wengert::prelude::*;
/// let logits = Var::new([[2.0f64, 0.0], [0.0, 2.0]]);
/// let options = ClassLoss::new().ignore_index(-100).label_smoothing(0.1).reduction(Reduction::Sum);
/// let loss = logits.cross_entropy_with(&Tensor::new([0i64, -100]), &options)?;
/// assert!((loss.item()? - 0.2269280110429726).abs() < 1e-12);
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClassLoss {
    pub(super) weights: Option<Vec<f64>>,
    pub(super) ignore_index: Option<i64>,
    pub(super) class_axis: Option<isize>,
    pub(super) smoothing: f64,
    pub(super) reduction: Reduction,
}

impl Default for ClassLoss {
    fn default() -> Self {
        ClassLoss {
            weights: None,
            ignore_index: Some(-100),
            class_axis: None,
            smoothing: 0.0,
            reduction: Reduction::Mean,
        }
    }
}

impl ClassLoss {
    /// No weights, −100 ignored, no smoothing, the mean.
    pub fn new() -> ClassLoss {
        ClassLoss::default()
    }
    /// A weight for each class, 0 or more; the mean divides by the sum of the targets' weights.
    pub fn weights(mut self, weights: impl Into<Vec<f64>>) -> Self {
        self.weights = Some(weights.into());
        self
    }
    /// The target that counts for nothing (−100); with `None` every target is a class.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let (logp, t) = (Var::new([[-0.5f64, -1.0]]), Tensor::new([-100i64]));
    /// let every = ClassLoss::new().ignore_index(None).reduction(Reduction::Sum);
    /// assert_eq!(logp.nll_loss_with(&t, &every.clone().ignore_index(-100))?.item()?, 0.0);
    /// assert!(logp.nll_loss_with(&t, &every).is_err());
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn ignore_index(mut self, index: impl Into<Option<i64>>) -> Self {
        self.ignore_index = index.into();
        self
    }
    /// The axis of the classes, negative ones counted from the end. Unless it is given, the shape of class indices tells
    /// whether it is axis 1 or the last one, and class probabilities have it at axis 1.
    pub fn class_axis(mut self, axis: isize) -> Self {
        self.class_axis = Some(axis);
        self
    }
    /// How much of the target is spread evenly over all classes (0), within `[0, 1]`.
    pub fn label_smoothing(mut self, smoothing: f64) -> Self {
        self.smoothing = smoothing;
        self
    }
    /// What becomes of the losses of the rows.
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }
}

/// # Losses of classes
impl<T: Float> Var<T> {
    /// Cross-entropy of logits and class indices, `−mean log_softmax(x)[t]`.
    ///
    /// # Shapes
    /// `x [.., classes]` and targets `[..]`, or PyTorch's `x [n, classes, d…]` and targets `[n, d…]`. Where both fit,
    /// [`ClassLoss::class_axis`] must say which is meant.
    ///
    /// # Errors
    /// If the shapes do not fit, fit in both ways, or a target is no class.
    ///
    /// ```
    /// use wengert::{Tensor, Var};
    /// let loss = Var::new([[0.0f64, 0.0]]).cross_entropy(&Tensor::new([1i64]))?;
    /// assert!((loss.item()? - 2f64.ln()).abs() < 1e-15);
    /// // A batch of 2 sequences of 5, 3 classes.
    /// let loss = Var::<f64>::zeros([2, 5, 3]).cross_entropy(&Tensor::zeros([2, 5]))?;
    /// assert!((loss.item()? - 3f64.ln()).abs() < 1e-15);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn cross_entropy(&self, targets: &Tensor<i64>) -> Result<Var<T>> {
        self.cross_entropy_with(targets, &ClassLoss::new())
    }

    /// As [`Var::cross_entropy`], with class weights, an ignored index, label smoothing, a reduction.
    ///
    /// # Errors
    /// As [`Var::cross_entropy`], and if an option does not fit.
    #[track_caller]
    #[inline(never)]
    pub fn cross_entropy_with(&self, targets: &Tensor<i64>, options: &ClassLoss) -> Result<Var<T>> {
        let (coefficients, end) = pick("cross_entropy", self, targets, options)?;
        let axis = end.axis;
        let rows = match coefficients {
            Coefficients::Rows(rows) => rows,
            all => return class_loss("cross_entropy", &self.log_softmax(axis)?, all, end),
        };
        let logp = self.value.log_softmax(axis)?;
        let y = end.of(rows.of(&logp)?);
        Ok(apply([self], y, |_, _| CrossEntropy {
            x: Saved::input(0, self),
            logp,
            rows,
            end,
        }))
    }

    /// Negative log-likelihood of log-probabilities and class indices, `−mean x[t]`.
    ///
    /// # Errors
    /// If the shapes do not fit or a target is no class.
    #[track_caller]
    #[inline(never)]
    pub fn nll_loss(&self, targets: &Tensor<i64>) -> Result<Var<T>> {
        self.nll_loss_with(targets, &ClassLoss::new())
    }

    /// As [`Var::nll_loss`], with class weights, an ignored index, label smoothing, a reduction.
    ///
    /// # Errors
    /// As [`Var::nll_loss`], and if an option does not fit.
    #[track_caller]
    #[inline(never)]
    pub fn nll_loss_with(&self, targets: &Tensor<i64>, options: &ClassLoss) -> Result<Var<T>> {
        let (coefficients, end) = pick("nll_loss", self, targets, options)?;
        class_loss("nll_loss", self, coefficients, end)
    }

    /// Cross-entropy of logits and class probabilities of the same shape, `−mean Σ t·log_softmax(x)`;
    /// the mean is over rows.
    ///
    /// # Errors
    /// If the shapes differ or an option does not fit.
    #[track_caller]
    #[inline(never)]
    pub fn cross_entropy_probs(&self, targets: &Var<T>, options: &ClassLoss) -> Result<Var<T>> {
        super::reduction::same_shape("cross_entropy", self, targets)?;
        let axis = match options.class_axis {
            Some(axis) => named_axis("cross_entropy", self, axis)?,
            None => usize::from(self.rank() > 1),
        };
        let classes = *self.shape().get(axis).unwrap_or(&0);
        check_options("cross_entropy", self, axis, options)?;
        let axis = axis as isize;
        let logp = self.log_softmax(axis)?;
        let s = options.smoothing;
        let t = if s > 0.0 {
            targets.affine(1.0 - s, s / classes as f64)
        } else {
            targets.clone()
        };
        // An impossible class that is no target counts for nothing: 0·∞ is NaN.
        let impossible = logp.value().eq_scalar(T::NEG_INFINITY);
        let logp = if impossible.any_all() {
            logp.masked_fill(
                &impossible.logical_and(&t.value().eq_scalar(T::ZERO))?,
                T::ZERO,
            )?
        } else {
            logp
        };
        let mut terms = logp.try_mul(&t)?;
        if let Some(w) = &options.weights {
            let w: Vec<T> = w.iter().map(|v| T::from_f64(*v)).collect();
            let mut shape = vec![1; self.rank()];
            shape[axis as usize] = classes;
            terms = terms.try_mul(&Var::constant(Tensor::from_vec(w, shape)?))?;
        }
        let losses = terms.sum(axis)?.neg();
        let rows = losses.len();
        Ok(match options.reduction {
            Reduction::None => losses,
            Reduction::Sum => losses.sum_all(),
            Reduction::Mean => losses.sum_all().affine(1.0 / rows as f64, 0.0),
        })
    }
}

#[track_caller]
pub(super) fn check_options<T: Float>(
    op: &'static str,
    x: &Var<T>,
    axis: usize,
    options: &ClassLoss,
) -> Result<()> {
    let classes = *x.shape().get(axis).unwrap_or(&0);
    let smoothing = options.smoothing;
    if !(0.0..=1.0).contains(&smoothing) {
        return Err(Site::new(op)
            .operand("input", T::DTYPE, x.shape())
            .hint("0 smooths nothing; 0.1 is common")
            .error(ErrorKind::InvalidArgument {
                name: "label_smoothing",
                value: smoothing.to_string(),
                rule: "0 <= label_smoothing <= 1",
            }));
    }
    if let Some(w) = &options.weights
        && w.len() != classes
    {
        let axis = axis.min(x.rank().saturating_sub(1));
        return Err(Site::new(op)
            .operand_axis("input", T::DTYPE, x.shape(), axis)
            .error(ErrorKind::InvalidArgument {
                name: "weights",
                value: format!("{} weights for {classes} classes", w.len()),
                rule: "one weight for each class",
            }));
    }
    let bad = |w: &&f64| !(**w >= 0.0 && w.is_finite());
    if let Some(w) = options.weights.iter().flatten().find(bad) {
        return Err(Site::new(op).operand("input", T::DTYPE, x.shape()).error(
            ErrorKind::InvalidArgument {
                name: "weights",
                value: w.to_string(),
                rule: "0 <= weight < inf",
            },
        ));
    }
    Ok(())
}

#[track_caller]
fn class_loss<T: Float>(
    op: &'static str,
    logp: &Var<T>,
    coefficients: Coefficients<T>,
    end: End,
) -> Result<Var<T>> {
    let axis = end.axis;
    let losses = match &coefficients {
        Coefficients::Rows(rows) => rows.of(logp.value())?,
        Coefficients::All(all) => {
            // As in `Rows::of`.
            let counts = all.ne_scalar(T::ZERO);
            let terms = counts.where_(&(logp.value() * all), &Tensor::scalar(T::ZERO))?;
            terms.sum(axis)?
        }
    };
    let y = end.of(losses);
    Ok(apply([logp], y, |_, _| Pick {
        op,
        shape: logp.shape().clone(),
        coefficients,
        end,
    }))
}

/// Cross-entropy of logits and one class a row.
struct CrossEntropy<T: Float> {
    x: Saved<T>,
    logp: Tensor<T>,
    rows: Rows<T>,
    end: End,
}
impl<T: Float> Rule<T> for CrossEntropy<T> {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }
    /// With the weight w of the class picked, `(w at that class − w·softmax(x))·dy`.
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let x = cx.var(&self.x);
        let axis = self.end.axis;
        let dy = self.end.seed(dy)?;
        let weights = self.rows.weights.unsqueeze(axis)?;
        // The softmax of a row that is left out may be NaN.
        let out = weights.eq_scalar(T::ZERO);
        let x = if out.any_all() {
            x.masked_fill(&out.expand(x.shape())?, T::ZERO)?
        } else {
            x
        };
        let weights = Var::constant(weights);
        let even = x.log_softmax(axis)?.exp().try_mul(&weights)?;
        let all = Var::constant(self.rows.all(x.shape()));
        one(all.try_sub(&even)?.try_mul(&dy)?)
    }
    fn fused(&self, _: &Cx<'_>, dy: Tensor<T>, to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
        let axis = self.end.axis;
        let weights = &self.rows.weights * &dy;
        let dx = self.logp.exp_mul(&weights.neg().unsqueeze(axis)?)?;
        let mut dx = self.rows.added_to(dx, &weights);
        self.rows.clear_left_out(&mut dx, axis as usize);
        to.accumulate(0, dx)?;
        Ok(Fused::Done)
    }
}

/// A loss of log-probabilities.
struct Pick<T: Float> {
    op: &'static str,
    shape: Shape,
    coefficients: Coefficients<T>,
    end: End,
}
impl<T: Float> Rule<T> for Pick<T> {
    fn name(&self) -> &'static str {
        self.op
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let all = match &self.coefficients {
            Coefficients::Rows(rows) => rows.all(&self.shape),
            Coefficients::All(all) => all.clone(),
        };
        let dy = self.end.seed(dy)?;
        one(Var::constant(all).try_mul(&dy)?)
    }
}

fn naive_log_softmax(x: &Array) -> Array {
    let lse = x.reduce(&[1], true, |v| {
        let m = v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        m + v.iter().map(|x| (x - m).exp()).sum::<f64>().ln()
    });
    x.zip(&lse, |x, l| x - l)
}

/// `−Σ w·logp[t] / Σ w` over rows.
fn naive_nll(logp: &Array, targets: &[i64], weights: &[f64], smoothing: f64) -> Array {
    let classes = logp.shape[1];
    let (mut loss, mut total) = (0.0, 0.0);
    for (i, &t) in targets.iter().enumerate() {
        if t < 0 {
            continue;
        }
        let w = weights[t as usize];
        loss -= (1.0 - smoothing) * w * logp.at(&[i, t as usize]);
        if smoothing > 0.0 {
            for k in 0..classes {
                loss -= smoothing / classes as f64 * weights[k] * logp.at(&[i, k]);
            }
        }
        total += w;
    }
    Array::scalar(loss / total)
}

pub(crate) static NLL_LOSS: OpInfo = OpInfo {
    name: "nll_loss",
    family: "loss",
    formula: "−Σ w[t]·x[t] / Σ w[t]",
    gradient: "−w[t]/Σ w at the target, 0 elsewhere",
    edges: "an ignored target counts for nothing; no target at all gives NaN",
    #[cfg(feature = "samples")]
    samples: || {
        let t = || Tensor::new([2i64, 0, 1]);
        vec![
            sample!([spread(&[3, 3], 1)], |v| v[0].nll_loss(&t()), |r| {
                naive_nll(&r[0], &[2, 0, 1], &[1.0; 3], 0.0)
            })
            .may_drop_nan(),
            sample!(
                [spread(&[2, 3, 2], 1)],
                |v| v[0].nll_loss(&Tensor::new([[0i64, 1], [2, 2]])),
                |r| {
                    let pick = |n, c, d| r[0].at(&[n, c, d]);
                    Array::scalar(
                        -(pick(0, 0, 0) + pick(0, 1, 1) + pick(1, 2, 0) + pick(1, 2, 1)) / 4.0,
                    )
                }
            )
            .may_drop_nan()
            .note("two axes of rows"),
            sample!(
                [spread(&[2, 2, 3], 1)],
                |v| v[0].nll_loss(&Tensor::new([[0i64, 1], [2, 2]])),
                |r| {
                    let pick = |n, d, c| r[0].at(&[n, d, c]);
                    Array::scalar(
                        -(pick(0, 0, 0) + pick(0, 1, 1) + pick(1, 0, 2) + pick(1, 1, 2)) / 4.0,
                    )
                }
            )
            .may_drop_nan()
            .note("classes along the last axis"),
            sample!(
                [cycle(&[1, 2], &[-0.5, f64::NEG_INFINITY])],
                |v| v[0].nll_loss(&Tensor::new([0i64])),
                |r| Array::scalar(-r[0].at(&[0, 0]))
            )
            .may_drop_nan()
            .expect(vec![Array {
                shape: vec![1, 2],
                data: vec![-1.0, 0.0],
            }])
            .note("impossible, but not the target"),
        ]
    },
};

pub(crate) static CROSS_ENTROPY: OpInfo = OpInfo {
    name: "cross_entropy",
    family: "loss",
    formula: "−Σ w[t]·log_softmax(x)[t] / Σ w[t]",
    gradient: "(softmax(x) − one_hot(t))·w/Σ w·dy",
    edges: "an ignored target counts for nothing; no target at all gives NaN",
    #[cfg(feature = "samples")]
    samples: || {
        let options = || {
            ClassLoss::new()
                .weights([0.5, 2.0, 1.0])
                .label_smoothing(0.2)
        };
        vec![
            sample!(
                [spread(&[3, 3], 1)],
                |v| v[0].cross_entropy(&Tensor::new([2i64, 0, 1])),
                |r| { naive_nll(&naive_log_softmax(&r[0]), &[2, 0, 1], &[1.0; 3], 0.0) }
            ),
            sample!(
                [spread(&[3, 3], 2)],
                |v| v[0].cross_entropy_with(&Tensor::new([2i64, -100, 1]), &options()),
                |r| {
                    naive_nll(
                        &naive_log_softmax(&r[0]),
                        &[2, -100, 1],
                        &[0.5, 2.0, 1.0],
                        0.2,
                    )
                }
            )
            .may_drop_nan()
            .note("weights, smoothing, an ignored row"),
            sample!(
                [cycle(
                    &[2, 2],
                    &[f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0, 0.0]
                )],
                |v| v[0].cross_entropy(&Tensor::new([-100i64, 1])),
                |_r| Array::scalar(2f64.ln())
            )
            .may_drop_nan()
            .expect(vec![Array {
                shape: vec![2, 2],
                data: vec![0.0, 0.0, 0.5, -0.5],
            }])
            .note("an ignored row of −∞"),
            sample!(
                [
                    cycle(&[1, 3], &[f64::NEG_INFINITY, 0.0, 0.0]),
                    cycle(&[1, 3], &[0.0, 0.25, 0.75])
                ],
                |v| v[0].cross_entropy_probs(&v[1].detach(), &ClassLoss::new()),
                |_r| Array::scalar(2f64.ln())
            )
            .may_drop_nan()
            .expect(vec![
                Array {
                    shape: vec![1, 3],
                    data: vec![0.0, 0.25, -0.25],
                },
                Array {
                    shape: vec![1, 3],
                    data: vec![0.0; 3],
                },
            ])
            .note("an impossible class that is no target"),
            sample!(
                [spread(&[3], 1)],
                |v| {
                    let options = ClassLoss::new().reduction(Reduction::None);
                    v[0].cross_entropy_with(&Tensor::scalar(1i64), &options)
                },
                |r| {
                    let row = Array {
                        shape: vec![1, 3],
                        data: r[0].data.clone(),
                    };
                    naive_nll(&naive_log_softmax(&row), &[1], &[1.0; 3], 0.0)
                }
            )
            .note("one row, without an axis for rows"),
            sample!(
                [spread(&[2, 1, 3], 2)],
                |v| v[0].cross_entropy(&Tensor::new([[2i64], [1]])),
                |r| {
                    let rows = Array {
                        shape: vec![2, 3],
                        data: r[0].data.clone(),
                    };
                    naive_nll(&naive_log_softmax(&rows), &[2, 1], &[1.0; 3], 0.0)
                }
            )
            .note("classes along the last axis"),
            sample!(
                [spread(&[1, 3, 3], 2)],
                |v| {
                    let last = options().class_axis(-1);
                    v[0].cross_entropy_with(&Tensor::new([[2i64, 0, 1]]), &last)
                },
                |r| {
                    let rows = Array {
                        shape: vec![3, 3],
                        data: r[0].data.clone(),
                    };
                    let logp = naive_log_softmax(&rows);
                    naive_nll(&logp, &[2, 0, 1], &[0.5, 2.0, 1.0], 0.2)
                }
            )
            .note("an axis of classes that must be named"),
            sample!(
                [spread(&[2, 3], 3), spread(&[2, 3], 4).abs()],
                |v| v[0].cross_entropy_probs(&v[1], &ClassLoss::new()),
                |r| {
                    let logp = naive_log_softmax(&r[0]);
                    let terms = logp.zip(&r[1], |a, b| a * b);
                    Array::scalar(-terms.data.iter().sum::<f64>() / 2.0)
                }
            )
            .note("probabilities"),
            sample!(
                [spread(&[3], 3), spread(&[3], 4).abs()],
                |v| v[0].cross_entropy_probs(&v[1], &options()),
                |r| {
                    let row = |a: &Array| Array {
                        shape: vec![1, 3],
                        data: a.data.clone(),
                    };
                    let smooth = r[1].map(|t| 0.8 * t + 0.2 / 3.0);
                    let logp = naive_log_softmax(&row(&r[0]));
                    let weights = [0.5, 2.0, 1.0];
                    Array::scalar(
                        (0..3)
                            .map(|k| -weights[k] * smooth.data[k] * logp.data[k])
                            .sum(),
                    )
                }
            )
            .note("probabilities of one row, with weights and smoothing"),
        ]
    },
};

pub(super) const OPS: &[&OpInfo] = &[&NLL_LOSS, &CROSS_ENTROPY];
