//! Loss and metrics of a model on data, and its outputs: in evaluation mode, and nothing recorded.

use std::panic::Location;

use wengert_autograd::Var;
use wengert_tensor::{Error, Float, Result, Shape, Tensor, on_behalf_of};

use super::batches::{Batches, Rows};
use super::evaluator::Evaluator;
use super::logs::Logs;
use super::mode::evaluating;
use super::model::Model;
use crate::module::Layer;

/// Evaluates a model on data; [`Evaluate::run`] does it.
///
/// ```
/// use wengert::prelude::*;
/// let model = Linear::from_weights(Tensor::new([[1.0f32], [-1.0]]), None);
/// let data = [(Tensor::new([[2.0f32], [-3.0], [1.0]]), Tensor::new([0i64, 1, 1]))];
/// let scores = evaluate(&model, |y, labels| y.cross_entropy(labels), &data)
///     .metric("accuracy", accuracy)
///     .run()?;
/// assert_eq!(scores.get("accuracy"), Some(2.0 / 3.0));
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
pub fn evaluate<'a, X: Rows, Y, T: Float>(
    model: &'a impl Model<X, T>,
    loss: impl Fn(&Var<T>, &Y) -> Result<Var<T>> + 'a,
    data: &'a impl Batches<Batch = (X, Y)>,
) -> Evaluate<'a, X, Y, T> {
    Evaluate {
        model,
        data,
        evaluator: Evaluator::new(loss),
    }
}

/// What [`evaluate`] will do.
#[must_use = "nothing is evaluated before `run`"]
pub struct Evaluate<'a, X, Y, T: Float = f32> {
    model: &'a dyn Model<X, T>,
    data: &'a dyn Batches<Batch = (X, Y)>,
    evaluator: Evaluator<'a, Y, T>,
}

impl<'a, X: Rows, Y, T: Float> Evaluate<'a, X, Y, T> {
    /// Adds a metric of outputs and targets.
    #[track_caller]
    pub fn metric(mut self, name: &str, metric: impl Fn(&Var<T>, &Y) -> Result<f64> + 'a) -> Self {
        self.evaluator.metric(name, metric);
        self
    }

    /// The loss and the metrics, averaged over samples. Every layer's mode is then as it was, also after
    /// an error.
    ///
    /// # Errors
    /// If the data has no samples or cannot be read, or the model, the loss or a metric fails.
    #[track_caller]
    #[inline(never)]
    pub fn run(self) -> Result<Logs> {
        self.evaluator.check("evaluate")?;
        on_behalf_of(Location::caller(), || {
            self.evaluator.evaluate("evaluate", self.model, self.data)
        })
    }
}

/// The model's outputs for the rows of `x`, computed `batch_size` rows at a time, in evaluation mode.
/// Every layer's mode is then as it was, also after an error.
///
/// # Shapes
/// `x [n, ..]`, the output `[n, ..]`.
///
/// # Errors
/// If the batch size is 0, `x` is a scalar, or the model fails or gives another number of rows.
///
/// ```
/// use wengert::prelude::*;
/// let model = Linear::from_weights(Tensor::new([[2.0f32]]), None);
/// let y = predict(&model, &Tensor::new([[1.0f32], [2.0], [3.0]]), 2)?;
/// assert_eq!(y.to_vec(), [2.0, 4.0, 6.0]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
#[inline(never)]
pub fn predict<T: Float>(
    model: &impl Layer<T>,
    x: &Tensor<T>,
    batch_size: usize,
) -> Result<Tensor<T>> {
    if batch_size == 0 {
        let rule = "batch_size >= 1";
        return Err(Error::invalid("predict", "batch_size", batch_size, rule));
    }
    if x.rank() == 0 {
        let rule = "the first axis of x counts its rows: x.unsqueeze(0) is one row";
        return Err(Error::invalid("predict", "x", "a scalar", rule));
    }
    let outputs = on_behalf_of(Location::caller(), || {
        evaluating(model, || outputs(&|x| model.forward(x), x, batch_size))
    });
    outputs.map_err(|e| match x.rank() {
        1 => one_row(e, x.shape()),
        _ => e,
    })
}

/// The outputs, one batch after another.
#[track_caller]
#[inline(never)]
fn outputs<T: Float>(
    forward: &dyn Fn(&Var<T>) -> Result<Var<T>>,
    x: &Tensor<T>,
    batch_size: usize,
) -> Result<Tensor<T>> {
    // Of no rows the model still says the shape.
    let parts = match x.rows() {
        0 => vec![x.clone()],
        _ => x.split(batch_size, 0)?,
    };
    let mut outputs = Vec::with_capacity(parts.len());
    for part in parts {
        let rows = part.rows();
        let y = forward(&Var::from(part))?.into_value();
        if y.shape().first() != Some(&rows) {
            let value = format!("{} for {rows} rows", y.shape());
            let rule = "the model gives a row for each row of x";
            return Err(Error::invalid("predict", "output", value, rule));
        }
        outputs.push(y);
    }
    match outputs.len() {
        1 => Ok(outputs.swap_remove(0)),
        _ => Tensor::cat(&outputs, 0),
    }
}

/// What is likely meant by a list of numbers.
#[cold]
fn one_row(mut e: Error, shape: &Shape) -> Error {
    let hint = format!("x {shape} is that many rows of one number: one row is x.unsqueeze(0)?");
    e.site_mut().hint = Some(hint);
    e
}
