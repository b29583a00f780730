//! The training loop. Invariant: it takes the steps of the loop by hand (forward, loss, zero_grad,
//! backward, step) and computes nothing else that they depend on.

use std::io::Write;

use indicatif::ProgressBar;
use wengert_autograd::Var;
use wengert_tensor::{ErrorKind, Float, Result, Site};

use super::batches::{Batches, Rows};
use super::callback::{Callback, OnBatch, OnEpoch, TrainContext};
use super::evaluator::{Evaluator, RunningMeans, empty};
use super::history::History;
use super::logs::Logs;
use super::mode::Modes;
use super::model::Model;
use super::progress::progress;
use crate::module::AnyParam;
use crate::optim::{Optimizer, clip_grad_norm};

/// Trains a model on the batches of `data` by a loss of its outputs and the targets; [`Fit::run`] does
/// it. One epoch unless set, as Keras's `fit`.
///
/// ```
/// use wengert::prelude::*;
/// let mut rng = Rng::seed(0);
/// let model = Sequential::new()
///     .push(Linear::new(2, 16, &mut rng))
///     .push(Relu)
///     .push(Linear::new(16, 2, &mut rng));
/// let x = Tensor::new([[0.0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
/// let labels = Tensor::new([0i64, 1, 1, 0]);
///
/// let mut opt = Adam::new(model.parameters(), 0.05);
/// let mut lines = Vec::new();
/// let history = fit(&model, &mut opt, |y, labels| y.cross_entropy(labels), &[(x, labels)])
///     .epochs(50)
///     .metric("accuracy", accuracy)
///     .log_to(&mut lines)
///     .run()?;
/// assert_eq!(history.last("accuracy"), Some(1.0));
/// assert!(String::from_utf8_lossy(&lines).starts_with("Epoch  1/50  loss: 0."));
/// # Ok::<(), wengert::Error>(())
/// ```
///
/// Loss and metrics of an epoch are averages over its samples, each batch's taken before its step and in
/// training mode; those with `val_` before their names are of the validation data after the epoch, in
/// evaluation mode.
#[track_caller]
pub fn fit<'a, X: Rows, Y, T: Float>(
    model: &'a impl Model<X, T>,
    opt: &'a mut impl Optimizer,
    loss: impl Fn(&Var<T>, &Y) -> Result<Var<T>> + 'a,
    data: &'a impl Batches<Batch = (X, Y)>,
) -> Fit<'a, X, Y, T> {
    Fit {
        model,
        opt,
        data,
        evaluator: Evaluator::new(loss),
        validation: None,
        first: 0,
        epochs: 1,
        clip: None,
        callbacks: Vec::new(),
        output: Output::Terminal,
    }
}

/// What [`fit`] will do.
#[must_use = "nothing is trained before `run`"]
pub struct Fit<'a, X, Y, T: Float = f32> {
    model: &'a dyn Model<X, T>,
    opt: &'a mut dyn Optimizer,
    data: &'a dyn Batches<Batch = (X, Y)>,
    evaluator: Evaluator<'a, Y, T>,
    validation: Option<&'a dyn Batches<Batch = (X, Y)>>,
    first: usize,
    epochs: usize,
    clip: Option<f64>,
    callbacks: Vec<Box<dyn Callback + 'a>>,
    output: Output<'a>,
}

/// Where the epochs' lines go.
enum Output<'a> {
    /// The standard output, with a bar on the error stream where that is a terminal.
    Terminal,
    Writer(Box<dyn Write + 'a>),
    Silent,
}

impl<'a, X: Rows, Y, T: Float> Fit<'a, X, Y, T> {
    /// How many epochs (1).
    #[inline(never)]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// Goes on after this many epochs that an earlier training did, as Keras's `initial_epoch`: with
    /// `epochs(10)` and 4, six follow.
    #[inline(never)]
    pub fn initial_epoch(mut self, done: usize) -> Self {
        self.first = done;
        self
    }

    /// Adds a metric of outputs and targets, such as [`accuracy`](crate::accuracy).
    #[track_caller]
    pub fn metric(mut self, name: &str, metric: impl Fn(&Var<T>, &Y) -> Result<f64> + 'a) -> Self {
        self.evaluator.metric(name, metric);
        self
    }

    /// Evaluates the model on these data after each epoch.
    #[inline(never)]
    pub fn validate(mut self, data: &'a impl Batches<Batch = (X, Y)>) -> Self {
        self.validation = Some(data);
        self
    }

    /// Clips the gradients' norm before each step ([`clip_grad_norm`]).
    #[inline(never)]
    pub fn clip_grad_norm(mut self, max_norm: f64) -> Self {
        self.clip = Some(max_norm);
        self
    }

    /// Adds a callback; `&mut callback` can be read afterwards. They are called in the order in which
    /// they were added.
    pub fn callback(mut self, callback: impl Callback + 'a) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Calls a closure after each batch.
    #[track_caller]
    pub fn on_batch_end(self, f: impl FnMut(&mut TrainContext<'_>) -> Result<()> + 'a) -> Self {
        self.callback(OnBatch(f))
    }

    /// Calls a closure after each epoch.
    #[track_caller]
    pub fn on_epoch_end(self, f: impl FnMut(&mut TrainContext<'_>) -> Result<()> + 'a) -> Self {
        self.callback(OnEpoch(f))
    }

    /// Writes the epochs' lines there instead of to the standard output, and shows no bar. That a line
    /// could not be written does not end the training.
    pub fn log_to(mut self, writer: impl Write + 'a) -> Self {
        self.output = Output::Writer(Box::new(writer));
        self
    }

    /// Prints nothing.
    #[inline(never)]
    pub fn silent(mut self) -> Self {
        self.output = Output::Silent;
        self
    }

    /// Trains, and returns what the epochs gave. Every layer's mode is then as it was.
    ///
    /// # Errors
    /// If a loss is NaN or infinite ([`ErrorKind::NonFiniteLoss`]: the step is not taken), the data has no
    /// samples or cannot be read, or the model, the loss, a metric or a callback fails. The model keeps
    /// what it has learned until then.
    #[track_caller]
    #[inline(never)]
    pub fn run(mut self) -> Result<History> {
        self.evaluator.check("fit")?;
        let _modes = Modes::hold(self.model);
        self.model.train();
        let groups = self.opt.groups().iter();
        let mut run = Run {
            params: groups.flat_map(|g| g.params().to_vec()).collect(),
            epoch: self.first,
            batch: 0,
            step: 0,
            loss: f64::NAN,
            logs: Logs::new(),
            history: History::new(),
            stop: false,
        };
        let trained = self.train(&mut run);
        let ended = self.tell(&mut run, |c, at| c.on_train_end(at));
        trained.and(ended).map(|()| run.history)
    }

    #[track_caller]
    #[inline(never)]
    fn train(&mut self, run: &mut Run) -> Result<()> {
        self.tell(run, |c, at| c.on_train_begin(at))?;
        for epoch in self.first..self.epochs {
            if run.stop {
                break;
            }
            run.epoch = epoch;
            self.epoch(run)?;
            run.history.record_as(epoch + 1, &run.logs);
            let line = format!("{}  {}", self.title(epoch), run.logs);
            // A line that cannot be written is not worth a training.
            let _ = match &mut self.output {
                Output::Terminal => writeln!(std::io::stdout(), "{line}"),
                Output::Writer(w) => writeln!(w, "{line}"),
                Output::Silent => Ok(()),
            };
        }
        Ok(())
    }

    #[track_caller]
    #[inline(never)]
    fn epoch(&mut self, run: &mut Run) -> Result<()> {
        let mut means;
        (run.logs, means) = self.evaluator.begin();
        self.tell(run, |c, at| c.on_epoch_begin(at))?;
        let bar = self.bar(run.epoch);
        for (batch, pair) in self.data.epoch(run.epoch).enumerate() {
            let (x, y) = pair?;
            run.batch = batch;
            self.tell(run, |c, at| c.on_batch_begin(at))?;
            self.step(&x, &y, &mut means, run)?;
            means.write(&mut run.logs);
            if !bar.is_hidden() {
                bar.set_message(run.logs.to_string());
                bar.inc(1);
            }
            self.tell(run, |c, at| c.on_batch_end(at))?;
            if run.stop {
                break;
            }
        }
        bar.finish_and_clear();
        if means.rows == 0 {
            return Err(empty("fit"));
        }
        if let Some(data) = self.validation {
            let scores = self
                .evaluator
                .evaluate("fit, validation", self.model, data)?;
            for (name, value) in scores.iter() {
                run.logs.set(&format!("val_{name}"), value);
            }
        }
        self.tell(run, |c, at| c.on_epoch_end(at))
    }

    #[track_caller]
    #[inline(never)]
    fn step(&mut self, x: &X, y: &Y, means: &mut RunningMeans, run: &mut Run) -> Result<()> {
        let rows = x.rows();
        if rows == 0 {
            return Err(empty("fit"));
        }
        let output = self.model.call(x)?;
        let loss = self.evaluator.loss(&output, y)?;
        run.loss = loss.item()?.to_f64();
        if !run.loss.is_finite() {
            return Err(Site::unplaced("fit").error(ErrorKind::NonFiniteLoss {
                loss: run.loss,
                epoch: (run.epoch + 1, self.epochs),
                batch: (run.batch + 1, self.data.count()),
                lr: self.opt.lr(),
            }));
        }
        self.evaluator.add(means, rows, run.loss, &output, y)?;
        drop(output);
        self.opt.zero_grad();
        loss.backward()?;
        if let Some(max) = self.clip {
            clip_grad_norm(&run.params, max);
        }
        self.opt.step();
        run.step += 1;
        Ok(())
    }

    #[track_caller]
    #[inline(never)]
    fn tell(
        &mut self,
        run: &mut Run,
        event: impl Fn(&mut dyn Callback, &mut TrainContext<'_>) -> Result<()>,
    ) -> Result<()> {
        if self.callbacks.is_empty() {
            return Ok(());
        }
        let mut at = TrainContext {
            epoch: run.epoch,
            epochs: self.epochs,
            batch: run.batch,
            batches: self.data.count(),
            step: run.step,
            loss: run.loss,
            logs: &mut run.logs,
            history: &run.history,
            model: self.model,
            opt: &mut *self.opt,
            stop: &mut run.stop,
        };
        for callback in &mut self.callbacks {
            event(callback.as_mut(), &mut at)?;
        }
        Ok(())
    }

    /// `Epoch  3/10`
    #[inline(never)]
    fn title(&self, epoch: usize) -> String {
        let width = self.epochs.to_string().len();
        format!("Epoch {:>width$}/{}", epoch + 1, self.epochs)
    }

    #[inline(never)]
    fn bar(&self, epoch: usize) -> ProgressBar {
        match self.output {
            Output::Terminal => progress(self.data.count() as u64, &self.title(epoch)),
            _ => ProgressBar::hidden(),
        }
    }
}

/// Where a training stands.
struct Run {
    params: Vec<AnyParam>,
    epoch: usize,
    batch: usize,
    step: usize,
    loss: f64,
    logs: Logs,
    history: History,
    stop: bool,
}
