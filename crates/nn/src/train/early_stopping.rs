//! Stopping a training that no longer improves.

use super::callback::{Callback, TrainContext};
use super::monitor::Monitor;
use super::saved::Numbers;
use crate::module::state::{StateDict, part_under, put_under};
use wengert_tensor::Result;

/// Stops when a number has not improved for `patience` epochs (0 unless set: at the first that brings
/// nothing), as Keras's; with [`EarlyStopping::restore_best`] the model ends with the weights of its
/// best epoch, whether it was stopped or not. In a training that goes on after earlier epochs it goes on as well, with the
/// best number and the epochs waited.
///
/// ```
/// use wengert::prelude::*;
/// let watch = EarlyStopping::lowest("val_loss").patience(3).min_delta(1e-4).restore_best();
/// assert_eq!(watch.best(), None);
/// ```
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    monitor: Monitor,
    patience: usize,
    restore: bool,
    waited: usize,
    kept: Option<StateDict>,
    best_epoch: Option<usize>,
    stopped: Option<usize>,
}

impl EarlyStopping {
    /// Watches a number that is to fall, such as `val_loss`.
    pub fn lowest(name: &str) -> EarlyStopping {
        EarlyStopping::of(Monitor::new(name, false))
    }

    /// Watches a number that is to rise, such as `val_accuracy`.
    pub fn highest(name: &str) -> EarlyStopping {
        EarlyStopping::of(Monitor::new(name, true))
    }

    fn of(monitor: Monitor) -> EarlyStopping {
        EarlyStopping {
            monitor,
            patience: 0,
            restore: false,
            waited: 0,
            kept: None,
            best_epoch: None,
            stopped: None,
        }
    }

    /// How many epochs without improvement are one too many.
    pub fn patience(mut self, epochs: usize) -> EarlyStopping {
        self.patience = epochs;
        self
    }

    /// What a number must improve by to count as better, at least 0.
    pub fn min_delta(mut self, min_delta: f64) -> EarlyStopping {
        self.monitor.min_delta = min_delta;
        self
    }

    /// Puts the weights (and buffers) of the best epoch back at the end.
    pub fn restore_best(mut self) -> EarlyStopping {
        self.restore = true;
        self
    }

    /// The best number yet.
    pub fn best(&self) -> Option<f64> {
        self.monitor.best
    }

    /// The epoch of the best number, counted from 0.
    pub fn best_epoch(&self) -> Option<usize> {
        self.best_epoch
    }

    /// The epoch after which it stopped the training, counted from 0; `None` if it did not.
    pub fn stopped_epoch(&self) -> Option<usize> {
        self.stopped
    }
}

impl Callback for EarlyStopping {
    fn name(&self) -> String {
        self.monitor.title("EarlyStopping")
    }

    fn state_dict(&self) -> StateDict {
        let mut state = Numbers::default();
        state.put("best", self.monitor.best);
        state.put_count("waited", Some(self.waited));
        state.put_count("best_epoch", self.best_epoch);
        state.put_count("stopped", self.stopped);
        let mut state = state.0;
        if let Some(kept) = &self.kept {
            put_under("kept", kept.clone(), &mut state);
        }
        state
    }

    #[track_caller]
    fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        let saved = Numbers(state.clone());
        self.monitor.best = saved.get("best")?;
        self.waited = saved.get_count("waited")?.unwrap_or(0);
        self.best_epoch = saved.get_count("best_epoch")?;
        self.stopped = saved.get_count("stopped")?;
        let kept = part_under("kept", state);
        self.kept = (self.restore && !kept.is_empty()).then_some(kept);
        Ok(())
    }

    #[track_caller]
    fn on_train_begin(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        self.monitor.begin(at);
        if at.epoch == 0 {
            (self.waited, self.kept, self.best_epoch) = (0, None, None);
        }
        self.stopped = None;
        Ok(())
    }

    #[track_caller]
    fn on_epoch_end(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        if self.monitor.improved("EarlyStopping", at)? {
            self.waited = 0;
            self.best_epoch = Some(at.epoch);
            if self.restore {
                self.kept = Some(at.model.state_dict()?);
            }
            return Ok(());
        }
        self.waited += 1;
        if self.waited >= self.patience {
            self.stopped = Some(at.epoch);
            at.stop();
        }
        Ok(())
    }

    #[track_caller]
    fn on_train_end(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        match &self.kept {
            Some(state) => at.model.load_state_dict(state),
            None => Ok(()),
        }
    }
}
