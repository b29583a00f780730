//! The loss and the metrics of a training, and their averages. Invariant: an average is over samples,
//! not over batches: a last batch that is smaller counts for less.

use wengert_autograd::{Var, no_grad};
use wengert_tensor::{Error, Float, Result};

use super::batches::{Batches, Rows};
use super::logs::Logs;
use super::mode::Modes;
use super::model::Model;

type Loss<'a, Y, T> = Box<dyn Fn(&Var<T>, &Y) -> Result<Var<T>> + 'a>;
type Metric<'a, Y, T> = Box<dyn Fn(&Var<T>, &Y) -> Result<f64> + 'a>;

/// The criteria that outputs are evaluated by.
pub(super) struct Evaluator<'a, Y, T: Float> {
    loss: Loss<'a, Y, T>,
    metrics: Vec<(String, Metric<'a, Y, T>)>,
}

impl<'a, Y, T: Float> Evaluator<'a, Y, T> {
    #[track_caller]
    pub(super) fn new(loss: impl Fn(&Var<T>, &Y) -> Result<Var<T>> + 'a) -> Evaluator<'a, Y, T> {
        Evaluator {
            loss: Box::new(loss),
            metrics: Vec::new(),
        }
    }

    #[track_caller]
    pub(super) fn metric(&mut self, name: &str, metric: impl Fn(&Var<T>, &Y) -> Result<f64> + 'a) {
        self.metrics.push((name.to_string(), Box::new(metric)));
    }

    /// Refuses two metrics of one name.
    #[track_caller]
    #[inline(never)]
    pub(super) fn check(&self, call: &'static str) -> Result<()> {
        for (i, (name, _)) in self.metrics.iter().enumerate() {
            if name == "loss" || self.metrics[..i].iter().any(|(n, _)| n == name) {
                let rule = "each metric has a name of its own, which is not \"loss\"";
                return Err(Error::invalid(call, "metric", name, rule));
            }
        }
        Ok(())
    }

    #[track_caller]
    pub(super) fn loss(&self, output: &Var<T>, y: &Y) -> Result<Var<T>> {
        (self.loss)(output, y)
    }

    /// The loss and the metrics by name, NaN as yet, and their sums.
    #[inline(never)]
    pub(super) fn begin(&self) -> (Logs, RunningMeans) {
        let mut logs = Logs::new();
        let names = self.metrics.iter().map(|(n, _)| n.as_str());
        for name in std::iter::once("loss").chain(names) {
            logs.set(name, f64::NAN);
        }
        let sums = vec![0.0; logs.len()];
        (logs, RunningMeans { sums, rows: 0 })
    }

    /// Adds a batch to the averages.
    #[track_caller]
    #[inline(never)]
    pub(super) fn add(
        &self,
        means: &mut RunningMeans,
        rows: usize,
        loss: f64,
        output: &Var<T>,
        y: &Y,
    ) -> Result<()> {
        means.rows += rows;
        means.sums[0] += loss * rows as f64;
        no_grad(|| {
            for ((_, metric), sum) in self.metrics.iter().zip(&mut means.sums[1..]) {
                *sum += metric(output, y)? * rows as f64;
            }
            Ok(())
        })
    }

    /// The averages over data in evaluation mode, without recording.
    #[track_caller]
    #[inline(never)]
    pub(super) fn evaluate<X: Rows>(
        &self,
        call: &'static str,
        model: &dyn Model<X, T>,
        data: &dyn Batches<Batch = (X, Y)>,
    ) -> Result<Logs> {
        let _modes = Modes::hold(model);
        model.eval();
        let (mut logs, mut means) = self.begin();
        no_grad(|| {
            for pair in data.pass() {
                let (x, y) = pair?;
                if x.rows() == 0 {
                    continue;
                }
                let output = model.call(&x)?;
                let loss = self.loss(&output, &y)?.item()?.to_f64();
                self.add(&mut means, x.rows(), loss, &output, &y)?;
            }
            Ok::<(), Error>(())
        })?;
        if means.rows == 0 {
            return Err(empty(call));
        }
        means.write(&mut logs);
        Ok(logs)
    }
}

#[cold]
#[track_caller]
pub(super) fn empty(call: &'static str) -> Error {
    Error::data(format!(
        "{call}: the data has no samples\n  rule  an average needs at least one\n  hint  look for an empty split, or a batch size above the number of samples with `drop_last`"
    ))
}

/// Sums over the samples as yet, the loss first.
#[derive(Default)]
pub(super) struct RunningMeans {
    pub(super) sums: Vec<f64>,
    pub(super) rows: usize,
}

impl RunningMeans {
    /// Writes the averages into the logs of [`Evaluator::begin`].
    pub(super) fn write(&self, logs: &mut Logs) {
        for (mean, sum) in logs.values_mut().zip(&self.sums) {
            *mean = sum / self.rows as f64;
        }
    }
}
