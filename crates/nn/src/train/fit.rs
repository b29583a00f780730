//! The training loop. Invariant: it takes the steps of the loop by hand (forward, loss, zero_grad,
//! backward, step) and computes nothing else that they depend on.

use std::collections::HashSet;
use std::io::Write;
use std::panic::Location;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use wengert_autograd::Var;
use wengert_tensor::{Error, ErrorKind, Float, Result, Site, on_behalf_of};

use super::batches::{Batches, Rows};
use super::callback::{Callback, OnBatch, OnEpoch, TrainContext};
use super::evaluator::{Evaluator, RunningMeans, empty};
use super::history::History;
use super::logs::Logs;
use super::mode::Modes;
use super::model::Model;
use super::progress::progress;
use crate::module::AnyParam;
use crate::module::state::{load_state, save_state};
use crate::optim::{Optimizer, check_clip, clip};

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
        checkpoint: None,
        resume: None,
        output: Output::Terminal,
    }
}

/// What [`fit`] will do.
#[must_use = "nothing is trained before `run`"]
pub struct Fit<'a, X, Y, T: Float = f32> {
    pub(super) model: &'a dyn Model<X, T>,
    pub(super) opt: &'a mut dyn Optimizer,
    pub(super) data: &'a dyn Batches<Batch = (X, Y)>,
    evaluator: Evaluator<'a, Y, T>,
    validation: Option<&'a dyn Batches<Batch = (X, Y)>>,
    first: usize,
    epochs: usize,
    clip: Option<f64>,
    pub(super) callbacks: Vec<Box<dyn Callback + 'a>>,
    checkpoint: Option<(PathBuf, Option<usize>)>,
    resume: Option<PathBuf>,
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
    /// `epochs(10)` and 4, six follow. Schedules count on from there, and callbacks know what they knew. (What a training
    /// that was cut needs besides is in its checkpoint: see [`Fit::resume`].)
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

    /// Clips the gradients' norm before each step ([`clip_grad_norm`](crate::clip_grad_norm)).
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

    /// Writes all that the training needs to go on ([`Fit::resume`]) into this file after each epoch, as safetensors: model
    /// (`model.…`), optimizer, streams of random numbers, the order of the data, callbacks, history, and where it stands. The
    /// file is whole at any time.
    pub fn checkpoint(mut self, path: impl AsRef<Path>) -> Self {
        self.checkpoint = Some((path.as_ref().to_path_buf(), None));
        self
    }

    /// As [`Fit::checkpoint`], also after every so many steps within an epoch.
    pub fn checkpoint_every(mut self, steps: usize, path: impl AsRef<Path>) -> Self {
        self.checkpoint = Some((path.as_ref().to_path_buf(), Some(steps)));
        self
    }

    /// Goes on where the checkpoint in this file was written, with the same model, optimizer, data and callbacks: the training
    /// ends with the same bits as if it had not been cut. What a closure of the user's remembers is not in the file.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// fn train(file: &std::path::Path, epochs: usize, resume: bool) -> Result<Tensor> {
    ///     let mut rng = Rng::seed(0);
    ///     let model = Sequential::new().push(Linear::new(1, 4, &mut rng)).push(Linear::new(4, 1, &mut rng));
    ///     let mut opt = Adam::new(&model, 0.1);
    ///     let data = [(Tensor::<f32>::ones([1, 1]), Var::<f32>::zeros([1, 1]))];
    ///     let fit = fit(&model, &mut opt, |y, t: &Var| y.mse_loss(t), &data).epochs(epochs).silent();
    ///     let fit = fit.checkpoint(file);
    ///     if resume { fit.resume(file).run()? } else { fit.run()? };
    ///     model.forward(&Var::ones([1, 1])).map(|y| y.value().clone())
    /// }
    /// let file = std::env::temp_dir().join("wengert_resume_doc.safetensors");
    /// let whole = train(&file, 4, false)?;
    /// train(&file, 2, false)?; // is cut
    /// assert_eq!(train(&file, 4, true)?, whole);
    /// # std::fs::remove_file(file)?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn resume(mut self, path: impl AsRef<Path>) -> Self {
        self.resume = Some(path.as_ref().to_path_buf());
        self
    }

    /// As [`Fit::resume`] if there is such a file; if not, the training begins at the beginning.
    pub fn resume_or_start(mut self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        self.resume = path.exists().then(|| path.to_path_buf());
        self
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
    pub fn run(self) -> Result<History> {
        on_behalf_of(Location::caller(), || self.run_here())
    }

    #[track_caller]
    #[inline(never)]
    fn run_here(mut self) -> Result<History> {
        self.evaluator.check("fit")?;
        if let Some(max) = self.clip {
            check_clip(max)?;
        }
        self.check_optimizer()?;
        let _modes = Modes::hold(self.model);
        self.model.train();
        let groups = self.opt.groups().iter();
        let mut run = Run {
            params: groups.flat_map(|g| g.params().to_vec()).collect(),
            epoch: self.first,
            batch: 0,
            done: 0,
            step: self.first.saturating_mul(self.data.count()),
            loss: f64::NAN,
            logs: Logs::new(),
            means: RunningMeans::default(),
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
        if let Some(path) = self.resume.take() {
            let restored = self.restore(run, &load_state(&path)?);
            restored.map_err(|e| e.in_file(&path))?;
        }
        for epoch in run.epoch..self.epochs {
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
            if self.checkpoint.is_some() {
                run.epoch = epoch + 1;
                self.write(run)?;
            }
        }
        Ok(())
    }

    /// Names the parameters, if it is that they are all frozen.
    #[cold]
    fn frozen(&self, mut e: Error) -> Error {
        let named = self.model.named_parameters();
        if !named.is_empty() && named.iter().all(|(_, p)| !p.is_trainable()) {
            let names: Vec<&str> = named.iter().map(|(n, _)| n.as_str()).collect();
            let names = names.join(", ");
            let hint = format!("every parameter is frozen ({names}): `model.set_trainable(true)`");
            e.site_mut().hint = Some(hint);
        }
        e
    }

    /// Writes the training's checkpoint.
    #[track_caller]
    fn write(&mut self, run: &Run) -> Result<()> {
        let state = self.state(run)?;
        match &self.checkpoint {
            Some((path, _)) => save_state(&state, path),
            None => Ok(()),
        }
    }

    /// What the averages of an epoch are of, the loss first.
    pub(super) fn metric_names(&self) -> Vec<String> {
        let (logs, _) = self.evaluator.begin();
        logs.iter().map(|(name, _)| name.to_string()).collect()
    }

    /// Refuses an optimizer that would train something else.
    #[track_caller]
    fn check_optimizer(&self) -> Result<()> {
        let own: HashSet<usize> = self.model.parameters().iter().map(AnyParam::id).collect();
        let mut steps = self.opt.groups().iter().flat_map(|g| g.params());
        if own.is_empty() || steps.any(|p| own.contains(&p.id())) {
            return Ok(());
        }
        let rule = "the optimizer has parameters of the model";
        let e = Error::invalid("fit", "opt", "none of the model's parameters", rule);
        Err(e.or_hint(
            "make it from this model, not from a clone or another one: `Adam::new(&model, lr)`",
        ))
    }

    #[track_caller]
    #[inline(never)]
    fn epoch(&mut self, run: &mut Run) -> Result<()> {
        if run.done == 0 {
            (run.logs, run.means) = self.evaluator.begin();
            self.tell(run, |c, at| c.on_epoch_begin(at))?;
        }
        let bar = self.bar(run.epoch);
        bar.set_position(run.done as u64);
        let batches = match run.done {
            0 => self.data.epoch(run.epoch),
            done => self.data.epoch_from(run.epoch, done),
        };
        for pair in batches {
            let (x, y) = pair?;
            run.batch = run.done;
            self.tell(run, |c, at| c.on_batch_begin(at))?;
            self.step(&x, &y, run)?;
            run.done += 1;
            run.means.write(&mut run.logs);
            if !bar.is_hidden() {
                bar.set_message(run.logs.to_string());
                bar.inc(1);
            }
            self.tell(run, |c, at| c.on_batch_end(at))?;
            if run.stop {
                break;
            }
            if let Some((_, Some(steps))) = self.checkpoint
                && run.step.is_multiple_of(steps.max(1))
            {
                self.write(run)?;
            }
        }
        run.done = 0;
        bar.finish_and_clear();
        if run.means.rows == 0 {
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
    fn step(&mut self, x: &X, y: &Y, run: &mut Run) -> Result<()> {
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
        self.evaluator
            .add(&mut run.means, rows, run.loss, &output, y)?;
        drop(output);
        self.opt.zero_grad();
        if let Err(e) = loss.backward() {
            return Err(self.frozen(e));
        }
        if let Some(max) = self.clip {
            clip(&run.params, max, 2.0)?;
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
pub(super) struct Run {
    params: Vec<AnyParam>,
    pub(super) epoch: usize,
    batch: usize,
    /// The batches of the epoch that are done.
    pub(super) done: usize,
    pub(super) step: usize,
    loss: f64,
    pub(super) logs: Logs,
    pub(super) means: RunningMeans,
    pub(super) history: History,
    pub(super) stop: bool,
}
