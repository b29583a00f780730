//! Saving the best state of a training as it goes.

use std::path::{Path, PathBuf};

use super::callback::{Callback, TrainContext};
use super::monitor::Monitor;
use crate::module::state::save_state;
use wengert_tensor::Result;

/// Writes the model's state as safetensors after each epoch whose number is the best yet; the file is
/// whole at any time. [`Checkpoint::each`] writes after every epoch.
///
/// ```no_run
/// use wengert::prelude::*;
/// let best = Checkpoint::highest("val_accuracy", "best.safetensors");
/// let resume = Checkpoint::each("last.safetensors").optimizer("last.optimizer.safetensors");
/// # let _ = (best, resume);
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoint {
    monitor: Option<Monitor>,
    path: PathBuf,
    optimizer: Option<PathBuf>,
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
        }
    }

    /// Writes the optimizer's state as well, to another file, so that the training can go on from there.
    pub fn optimizer(mut self, path: impl AsRef<Path>) -> Checkpoint {
        self.optimizer = Some(path.as_ref().to_path_buf());
        self
    }

    /// The number of the state that was last written; `None` before the first, and without a name.
    pub fn best(&self) -> Option<f64> {
        self.monitor.as_ref().and_then(|m| m.best)
    }
}

impl Callback for Checkpoint {
    #[track_caller]
    fn on_train_begin(&mut self, _: &mut TrainContext<'_>) -> Result<()> {
        if let Some(m) = &mut self.monitor {
            m.reset();
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
        save_state(at.model.state_dict(), &self.path)?;
        match &self.optimizer {
            Some(path) => save_state(at.opt.state_dict(), path),
            None => Ok(()),
        }
    }
}
