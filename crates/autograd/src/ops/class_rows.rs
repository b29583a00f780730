//! What a loss of classification takes from its targets: where each row's class stands in the input, and its weight.

use wengert_tensor::{ErrorKind, Float, Result, Shape, Site, Tensor};

use super::classify::{ClassLoss, check_options};
use super::reduction::Reduction;
use crate::var::Var;

/// What becomes of the losses of the rows.
#[derive(Clone, Copy)]
pub(super) struct End {
    pub(super) reduction: Reduction,
    /// The axis of the classes.
    pub(super) axis: isize,
    /// A mean over rows that weigh nothing, which is NaN.
    pub(super) of_nothing: bool,
}

impl End {
    /// The loss from those of the rows.
    pub(super) fn of<T: Float>(self, losses: Tensor<T>) -> Tensor<T> {
        match self.reduction {
            Reduction::None => losses,
            _ if self.of_nothing => Tensor::scalar(T::NAN),
            _ => losses.sum_all(),
        }
    }

    /// The loss's gradient as it meets the input's axes.
    pub(super) fn seed<T: Float>(self, dy: &Var<T>) -> Result<Var<T>> {
        match self.reduction {
            Reduction::None => dy.unsqueeze(self.axis),
            _ => Ok(dy.clone()),
        }
    }
}

/// A loss as a linear function of the log-probabilities: `loss_row = Σ coefficient·logp`.
pub(super) enum Coefficients<T: Float> {
    /// One class of a row.
    Rows(Rows<T>),
    /// All, of the input's shape: with smoothing.
    All(Tensor<T>),
}

/// A class for each row.
pub(super) struct Rows<T: Float> {
    /// Where it stands in the input.
    pub(super) at: Vec<usize>,
    /// What its log-probability is multiplied by; 0 for a row that is left out.
    pub(super) weights: Tensor<T>,
}

impl<T: Float> Rows<T> {
    /// The losses of the rows, from the log-probabilities.
    pub(super) fn of(&self, logp: &Tensor<T>) -> Result<Tensor<T>> {
        let logp = logp.contiguous();
        let all = logp.as_slice().unwrap_or(&[]);
        // What does not count must not bring in its −∞ (0·∞ is NaN).
        let loss = |(&at, &w): (&usize, &T)| if w == T::ZERO { w } else { all[at] * w };
        let weights = self.weights.as_slice().unwrap_or(&[]);
        let losses: Vec<T> = self.at.iter().zip(weights).map(loss).collect();
        Tensor::from_vec(losses, self.weights.shape())
    }

    /// The weights at their places, of the input's shape.
    pub(super) fn all(&self, shape: &Shape) -> Tensor<T> {
        self.added_to(Tensor::zeros(shape), &self.weights)
    }

    /// Writes zeros to the rows that are left out: what is NaN there counts for nothing.
    pub(super) fn clear_left_out(&self, dx: &mut Tensor<T>, axis: usize) {
        let weights = self.weights.as_slice().unwrap_or(&[]);
        if weights.iter().all(|w| *w != T::ZERO) {
            return;
        }
        let (classes, inner) = (dx.shape()[axis], dx.shape()[axis + 1..].iter().product());
        let all = dx.as_mut_slice();
        for row in (0..weights.len()).filter(|r| weights[*r] == T::ZERO) {
            let base = row_base(row, classes, inner);
            for k in 0..classes {
                all[base + k * inner] = T::ZERO;
            }
        }
    }

    /// `to`, of the input's shape, with a number for each row added at its class.
    pub(super) fn added_to(&self, mut to: Tensor<T>, rows: &Tensor<T>) -> Tensor<T> {
        let rows = rows.contiguous();
        let all = to.as_mut_slice();
        for (&at, &r) in self.at.iter().zip(rows.as_slice().unwrap_or(&[])) {
            all[at] = all[at] + r;
        }
        to
    }
}

/// Where a row of the input, which runs along the class axis, begins.
pub(super) fn row_base(row: usize, classes: usize, inner: usize) -> usize {
    row / inner.max(1) * classes * inner + row % inner.max(1)
}

pub(super) fn shape_without(shape: &Shape, axis: usize) -> Shape {
    let rest = shape.iter().enumerate().filter(|(a, _)| *a != axis);
    rest.map(|(_, d)| *d).collect()
}

/// An axis of the input counted from the front.
#[track_caller]
pub(super) fn named_axis<T: Float>(op: &'static str, x: &Var<T>, axis: isize) -> Result<usize> {
    let rank = x.rank();
    let front = if axis < 0 {
        axis.checked_add_unsigned(rank)
    } else {
        Some(axis)
    };
    match front.and_then(|a| usize::try_from(a).ok()) {
        Some(a) if a < rank => Ok(a),
        _ => Err(Site::new(op)
            .operand("input", T::DTYPE, x.shape())
            .hint("class_axis(-1) is the last axis")
            .error(ErrorKind::AxisOutOfRange { axis, rank })),
    }
}

/// Which axis of the input the classes lie along.
#[track_caller]
pub(super) fn class_axis<T: Float>(
    op: &'static str,
    x: &Var<T>,
    targets: &Tensor<i64>,
    options: &ClassLoss,
) -> Result<usize> {
    if let Some(axis) = options.class_axis {
        return named_axis(op, x, axis);
    }
    let last = x.rank().saturating_sub(1);
    let fits = |axis| targets.shape() == &shape_without(x.shape(), axis);
    if last < 2 || !fits(last) {
        return Ok(last.min(1));
    }
    if !fits(1) {
        return Ok(last);
    }
    Err(Site::new(op)
        .operand("input", T::DTYPE, x.shape())
        .operand("target", targets.dtype(), targets.shape())
        .hint(format!(
            "ClassLoss::new().class_axis(1) (PyTorch's), or class_axis({last}) for the last"
        ))
        .error(ErrorKind::ShapeMismatch {
            what: "the classes may lie along two axes",
            rule: "target.shape is input.shape without one axis: 1 or the last",
        }))
}

#[track_caller]
pub(super) fn pick<T: Float>(
    op: &'static str,
    x: &Var<T>,
    targets: &Tensor<i64>,
    options: &ClassLoss,
) -> Result<(Coefficients<T>, End)> {
    let axis = class_axis(op, x, targets, options)?;
    let rows_shape = shape_without(x.shape(), axis);
    if x.rank() == 0 || targets.shape()[..] != rows_shape[..] {
        let mut site = Site::new(op).operand("input", T::DTYPE, x.shape()).operand(
            "target",
            targets.dtype(),
            targets.shape(),
        );
        if targets.rank() == 2
            && targets.shape()[1] == 1
            && targets.shape().first() == x.shape().first()
        {
            site = site.hint("targets.squeeze(1) makes the targets [n]");
        } else if targets.shape() == x.shape() {
            site = site.hint("class probabilities go into cross_entropy_probs");
        }
        return Err(site.error(ErrorKind::ShapeMismatch {
            what: "targets do not fit the input",
            rule: "input [.., classes] and targets [..], or input [n, classes, d…] and targets [n, d…]",
        }));
    }
    let classes = x.shape()[axis];
    check_options(op, x, axis, options)?;
    let inner: usize = x.shape()[axis + 1..].iter().product();
    let targets = targets.to_vec();
    let weight = |c: usize| options.weights.as_ref().map_or(1.0, |w| w[c]);
    let mut total = 0.0;
    for &t in targets.iter().filter(|t| Some(**t) != options.ignore_index) {
        match usize::try_from(t) {
            Ok(c) if c < classes => total += weight(c),
            _ => {
                return Err(Site::new(op)
                    .operand_axis("input", T::DTYPE, x.shape(), axis)
                    .hint(match options.ignore_index {
                        Some(i) => format!("rows whose target is {i} (ignore_index) are left out"),
                        None => "ClassLoss::ignore_index names a target that is left out".into(),
                    })
                    .error(ErrorKind::ClassOutOfRange {
                        name: "target",
                        class: t,
                        classes,
                    }));
            }
        }
    }
    // The mean over nothing is 0/0, as PyTorch's.
    let scale = if options.reduction == Reduction::Mean {
        1.0 / total
    } else {
        1.0
    };
    let smoothing = options.smoothing;
    let mut all = vec![T::ZERO; if smoothing > 0.0 { x.len() } else { 0 }];
    let (mut at, mut weights) = (Vec::new(), Vec::new());
    for (row, &t) in targets.iter().enumerate() {
        let base = row_base(row, classes, inner);
        if Some(t) == options.ignore_index {
            at.push(base);
            weights.push(T::ZERO);
            continue;
        }
        let (t, w) = (t as usize, -(1.0 - smoothing) * weight(t as usize) * scale);
        at.push(base + t * inner);
        weights.push(T::from_f64(w));
        if smoothing > 0.0 {
            for k in 0..classes {
                let even = -smoothing / classes as f64 * weight(k) * scale;
                all[base + k * inner] = T::from_f64(if k == t { even + w } else { even });
            }
        }
    }
    let coefficients = if smoothing > 0.0 {
        Coefficients::All(Tensor::from_vec(all, x.shape())?)
    } else {
        let weights = Tensor::from_vec(weights, rows_shape)?;
        Coefficients::Rows(Rows { at, weights })
    };
    let end = End {
        reduction: options.reduction,
        axis: axis as isize,
        of_nothing: options.reduction == Reduction::Mean && total == 0.0,
    };
    Ok((coefficients, end))
}
