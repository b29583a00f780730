//! What is called while a training runs, and what it sees.

use super::history::History;
use super::logs::Logs;
use crate::module::{Module, StateDict};
use crate::optim::Optimizer;
use wengert_autograd::type_name;
use wengert_tensor::Result;

/// Where a training stands, and what a callback may change of it.
#[non_exhaustive]
pub struct TrainContext<'a> {
    /// The epoch, counted from 0.
    pub epoch: usize,
    /// How many epochs there will be.
    pub epochs: usize,
    /// The batch within the epoch, counted from 0.
    pub batch: usize,
    /// How many batches an epoch has.
    pub batches: usize,
    /// The steps that the optimizer has taken over all epochs.
    pub step: usize,
    /// The loss of this batch alone, before its step.
    pub loss: f64,
    /// The epoch's loss and metrics as yet, averaged over its samples; at its end with those of the
    /// validation. What is set there at the end of an epoch goes into the history and the epoch's line.
    pub logs: &'a mut Logs,
    /// The epochs before this one.
    pub history: &'a History,
    /// The model.
    pub model: &'a dyn Module,
    /// The optimizer.
    pub opt: &'a mut dyn Optimizer,
    pub(super) stop: &'a mut bool,
}

impl TrainContext<'_> {
    /// Ends the training after this batch or epoch; the epoch is validated and recorded all the same.
    pub fn stop(&mut self) {
        *self.stop = true;
    }
}

/// What is called while [`fit`](crate::fit) runs. Every method does nothing unless it is written; an
/// error ends the training.
///
/// ```
/// use wengert::prelude::*;
/// /// Stops as soon as the loss is small.
/// struct Enough(f64);
/// impl Callback for Enough {
///     fn on_epoch_end(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
///         if at.logs.get("loss").is_some_and(|loss| loss < self.0) {
///             at.stop();
///         }
///         Ok(())
///     }
/// }
/// ```
#[allow(unused_variables)]
pub trait Callback {
    /// What its state is saved under in a training's checkpoint: the name of its type.
    fn name(&self) -> String {
        type_name::<Self>().to_string()
    }

    /// What it must know to go on as if the training had never been interrupted; nothing unless written.
    fn state_dict(&self) -> StateDict {
        StateDict::new()
    }

    /// Takes a state of [`Callback::state_dict`], after [`Callback::on_train_begin`].
    ///
    /// # Errors
    /// If it does not fit.
    fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        Ok(())
    }

    /// Before the first epoch.
    ///
    /// # Errors
    /// To end the training.
    fn on_train_begin(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        Ok(())
    }
    /// Before each epoch.
    ///
    /// # Errors
    /// To end the training.
    fn on_epoch_begin(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        Ok(())
    }
    /// Before each batch.
    ///
    /// # Errors
    /// To end the training.
    fn on_batch_begin(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        Ok(())
    }
    /// After each batch's step.
    ///
    /// # Errors
    /// To end the training.
    fn on_batch_end(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        Ok(())
    }
    /// After each epoch and its validation.
    ///
    /// # Errors
    /// To end the training.
    fn on_epoch_end(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        Ok(())
    }
    /// At the end, also of a training that failed.
    ///
    /// # Errors
    /// They are the training's, if it has none yet.
    fn on_train_end(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        Ok(())
    }
}

/// So that a callback can be read after the training.
impl<C: Callback + ?Sized> Callback for &mut C {
    fn name(&self) -> String {
        (**self).name()
    }
    fn state_dict(&self) -> StateDict {
        (**self).state_dict()
    }
    #[track_caller]
    fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        (**self).load_state_dict(state)
    }
    #[track_caller]
    fn on_train_begin(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        (**self).on_train_begin(at)
    }
    fn on_epoch_begin(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        (**self).on_epoch_begin(at)
    }
    #[track_caller]
    fn on_batch_begin(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        (**self).on_batch_begin(at)
    }
    fn on_batch_end(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        (**self).on_batch_end(at)
    }
    #[track_caller]
    fn on_epoch_end(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        (**self).on_epoch_end(at)
    }
    fn on_train_end(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        (**self).on_train_end(at)
    }
}

/// A closure that is called after each batch.
pub(super) struct OnBatch<F>(pub(super) F);
impl<F: FnMut(&mut TrainContext<'_>) -> Result<()>> Callback for OnBatch<F> {
    #[track_caller]
    fn on_batch_end(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        (self.0)(at)
    }
}

/// A closure that is called after each epoch.
pub(super) struct OnEpoch<F>(pub(super) F);
impl<F: FnMut(&mut TrainContext<'_>) -> Result<()>> Callback for OnEpoch<F> {
    #[track_caller]
    fn on_epoch_end(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        (self.0)(at)
    }
}
