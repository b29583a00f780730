//! Metrics: what share of the answers is right. They read values alone and record nothing.
//!
//! Invariant: what is no answer is not counted, neither as right nor as wrong: a score that is NaN and a label that is no
//! class are errors, and the share of nothing is NaN.

use wengert_tensor::{Element, Error, ErrorKind, Float, Result, Shape, Site, Tensor};

/// Refuses labels of another shape than the answers have.
#[track_caller]
#[inline(never)]
pub(super) fn same_shape<A: Element, B: Element>(
    op: &'static str,
    (scores, answers): (&Tensor<A>, &Shape),
    labels: &Tensor<B>,
    rule: &'static str,
) -> Result<()> {
    if answers == labels.shape() {
        return Ok(());
    }
    let mut site = Site::new(op)
        .operand("scores", A::DTYPE, scores.shape())
        .operand("labels", B::DTYPE, labels.shape());
    if labels.shape().len() == answers.len() + 1 && labels.shape().last() == Some(&1) {
        site = site.hint("labels.squeeze(-1) makes the shapes agree");
    } else if answers.len() == labels.shape().len() + 1 && answers.last() == Some(&1) {
        site = site.hint("labels.unsqueeze(-1) makes the shapes agree");
    }
    Err(site.error(ErrorKind::ShapeMismatch {
        what: "scores and labels do not fit",
        rule,
    }))
}

/// The row (the first index) of element `i`.
fn row(i: usize, shape: &Shape) -> usize {
    let rows = shape.first().copied().unwrap_or(1).max(1);
    i / (shape.iter().product::<usize>() / rows).max(1)
}

/// Refuses scores that are NaN: there is no largest, and none is above or below a threshold.
#[track_caller]
#[inline(never)]
fn numbers<T: Float>(op: &'static str, scores: &Tensor<T>) -> Result<()> {
    match scores.iter().position(|s| s.to_f64().is_nan()) {
        None => Ok(()),
        Some(i) => {
            let value = format!("NaN, in row {}", row(i, scores.shape()));
            let error = Error::invalid(op, "score", value, "a score is a number");
            Err(error.or_hint("NaN in the data, or weights that a step made NaN?"))
        }
    }
}

/// The axis of the classes, where `cross_entropy` has it: axis 1, or the last one if the labels say so.
#[track_caller]
pub(super) fn class_axis(op: &'static str, scores: &Shape, labels: &Shape) -> Result<usize> {
    let last = scores.len().saturating_sub(1);
    let fits = |axis: usize| {
        let rest = scores.iter().enumerate().filter(|(a, _)| *a != axis);
        rest.map(|(_, d)| d).eq(labels.iter())
    };
    match (last < 2, fits(last)) {
        (true, _) => Ok(last),
        (_, false) => Ok(1),
        (_, true) if !fits(1) => Ok(last),
        _ => {
            let rule = "one axis of the scores alone is that of the classes";
            let value = format!("scores {scores} and labels {labels}");
            let e = Error::invalid(op, "shapes", value, rule);
            Err(e.or_hint("flatten the rows: scores [n, classes] and labels [n]"))
        }
    }
}

/// The class of the largest score, and labels checked to be classes.
#[track_caller]
#[inline(never)]
pub(super) fn classes<T: Float>(
    op: &'static str,
    scores: &Tensor<T>,
    labels: &Tensor<i64>,
) -> Result<Vec<(usize, usize)>> {
    let axis = class_axis(op, scores.shape(), labels.shape())?;
    let count = scores.shape().get(axis).copied().unwrap_or(0);
    let answers = scores.argmax(axis as isize)?;
    let rule = "scores [n, classes, ..] or [.., classes] and labels without that axis";
    same_shape(op, (scores, answers.shape()), labels, rule)?;
    numbers(op, scores)?;
    let mut pairs = Vec::with_capacity(labels.len());
    for (i, (label, answer)) in labels.iter().zip(answers.iter()).enumerate() {
        match usize::try_from(label) {
            Ok(label) if label < count => pairs.push((label, answer as usize)),
            _ => {
                let rule = "a label is a class: 0 <= label < classes";
                let row = row(i, labels.shape());
                let value = format!("{label}, of {count} classes, in row {row}");
                return Err(Error::invalid(op, "label", value, rule));
            }
        }
    }
    Ok(pairs)
}

pub(super) fn share(right: usize, all: usize) -> f64 {
    right as f64 / all as f64
}

/// The share of rows whose largest score is at the label: `mean [argmax scores = label]`. Logits and
/// probabilities give the same; at ties the first class is the answer. The mean of nothing is NaN.
///
/// # Shapes
/// `scores [n, classes]` and `labels [n]`, as in [`cross_entropy`](wengert_autograd::Var::cross_entropy)
/// (or `[n, classes, ..]` or `[.., classes]` and labels without that axis, or `[classes]` and `[]`).
///
/// # Errors
/// If the shapes do not fit, or fit in both ways, a label is no class, or a score is NaN.
///
/// ```
/// use wengert::prelude::*;
/// let logits = Tensor::new([[2.0f32, 1.0], [0.0, 3.0], [5.0, 4.0]]);
/// assert_eq!(accuracy(&logits, &Tensor::new([0i64, 1, 1]))?, 2.0 / 3.0);
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
#[inline(never)]
pub fn accuracy<T: Float>(scores: &impl AsRef<Tensor<T>>, labels: &Tensor<i64>) -> Result<f64> {
    let pairs = classes("accuracy", scores.as_ref(), labels)?;
    let right = pairs.iter().filter(|(label, answer)| label == answer);
    Ok(share(right.count(), pairs.len()))
}

/// The share of probabilities on the right side of ½: `mean [(p > ½) = t]` with targets of 0 and 1, as
/// Keras's `binary_accuracy`. The mean of nothing is NaN.
///
/// # Shapes
/// The two are the same: `[n, 1]` against `[n]` is an error.
///
/// # Errors
/// If the shapes differ, a score is NaN, or a target is neither 0 nor 1.
///
/// ```
/// use wengert::prelude::*;
/// let p = Tensor::new([[0.9f32], [0.2], [0.5], [0.7]]); // ½ itself is class 0
/// assert_eq!(binary_accuracy(&p, &Tensor::new([[1.0], [0.0], [1.0], [1.0]]))?, 0.75);
/// let e = binary_accuracy(&p, &Tensor::new([1.0, 0.0, 1.0, 1.0])).unwrap_err().to_string();
/// assert!(e.contains("labels.unsqueeze(-1)"), "{e}");
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
#[inline(never)]
pub fn binary_accuracy<T: Float>(
    scores: &impl AsRef<Tensor<T>>,
    labels: &Tensor<T>,
) -> Result<f64> {
    binary_accuracy_at(scores, labels, 0.5)
}

/// As [`binary_accuracy`], with another threshold: 0 for logits.
///
/// # Errors
/// As [`binary_accuracy`], and if the threshold is NaN.
#[track_caller]
#[inline(never)]
pub fn binary_accuracy_at<T: Float>(
    scores: &impl AsRef<Tensor<T>>,
    labels: &Tensor<T>,
    threshold: f64,
) -> Result<f64> {
    const OP: &str = "binary_accuracy";
    let scores = scores.as_ref();
    let rule = "scores.shape == labels.shape";
    same_shape(OP, (scores, scores.shape()), labels, rule)?;
    if threshold.is_nan() {
        return Err(Error::invalid(OP, "threshold", "NaN", "a number"));
    }
    numbers(OP, scores)?;
    let mut right = 0;
    for (i, (score, label)) in scores.iter().zip(labels.iter()).enumerate() {
        if label != T::ZERO && label != T::ONE {
            let value = format!("{label}, in row {}", row(i, labels.shape()));
            let error = Error::invalid(OP, "label", value, "a label is 0 or 1");
            return Err(error.or_hint("`accuracy` takes scores of several classes"));
        }
        right += usize::from((score.to_f64() > threshold) == (label == T::ONE));
    }
    Ok(share(right, labels.len()))
}
