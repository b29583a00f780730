//! Saving the best state of a training as it goes.

use std::path::{Path, PathBuf};

use super::callback::{Callback, TrainContext};
use super::monitor::Monitor;
use super::saved::Numbers;
use crate::module::state::{StateDict, save_state};
use wengert_tensor::Result;

/// Writes the model's state as safetensors after each epoch whose number is the best yet; the file is
/// whole at any time. [`Checkpoint::each`] writes after every epoch. (To go on with a training that was cut, use
/// [`Fit::checkpoint`](crate::Fit::checkpoint).)
///
/// In a training that goes on after earlier epochs, the best number is that of the training before: of the same
/// `Checkpoint`, of the file that is resumed, or of [`Checkpoint::best_so_far`].
///
/// ```no_run
/// use wengert::prelude::*;
/// let best = Checkpoint::highest("val_accuracy", "best.safetensors");
/// let goes_on = Checkpoint::lowest("val_loss", "best.safetensors").best_so_far(0.31);
/// # let _ = (best, goes_on);
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoint {
    monitor: Option<Monitor>,
    path: PathBuf,
    optimizer: Option<PathBuf>,
    /// What is to be better than.
    before: Option<f64>,
}

impl Checkpoint {
    /// Writes where a number is at its lowest, such as `val_loss`.
    pub fn lowest(name: &str, path: impl AsRef<Path>) -> Checkpoint {
        Checkpoint::of(Some(Monitor::new(name, false)), path.as_ref())
    }

    /// Writes where a number is at its highest, such as `val_accuracy`.
    pub fn highest(name: &str, path: impl AsRef<Path>) -> Checkpoint {
        Checkpoint::of(Some(Monitor::new(name, true)), path.as_ref())
    }

    /// Writes after every epoch.
    pub fn each(path: impl AsRef<Path>) -> Checkpoint {
        Checkpoint::of(None, path.as_ref())
    }

    fn of(monitor: Option<Monitor>, path: &Path) -> Checkpoint {
        Checkpoint {
            monitor,
            path: path.to_path_buf(),
            optimizer: None,
            before: None,
        }
    }

    /// Writes the optimizer's state as well, to another file, so that the training can go on from there.
    pub fn optimizer(mut self, path: impl AsRef<Path>) -> Checkpoint {
        self.optimizer = Some(path.as_ref().to_path_buf());
        self
    }

    /// Writes only what is better than this number, which an earlier training has reached.
    pub fn best_so_far(mut self, best: f64) -> Checkpoint {
        self.before = Some(best);
        self
    }

    /// The number of the state that was last written; `None` before the first, and without a name.
    pub fn best(&self) -> Option<f64> {
        self.monitor.as_ref().and_then(|m| m.best)
    }
}

impl Callback for Checkpoint {
    fn name(&self) -> String {
        match &self.monitor {
            Some(m) => m.title("Checkpoint"),
            None => "Checkpoint".to_string(),
        }
    }

    fn state_dict(&self) -> StateDict {
        let mut state = Numbers::default();
        state.put("best", self.best());
        state.0
    }

    #[track_caller]
    fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        let best = Numbers(state.clone()).get("best")?;
        if let Some(m) = &mut self.monitor {
            m.best = best;
        }
        Ok(())
    }

    #[track_caller]
    fn on_train_begin(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        if let Some(m) = &mut self.monitor {
            m.begin(at);
            m.best = m.best.or(self.before);
        }
        Ok(())
    }

    #[track_caller]
    fn on_epoch_end(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        if let Some(m) = &mut self.monitor
            && !m.improved("Checkpoint", at)?
        {
            return Ok(());
        }
        save_state(&at.model.state_dict()?, &self.path)?;
        match &self.optimizer {
            Some(path) => save_state(&at.opt.state_dict()?, path),
            None => Ok(()),
        }
    }
}
