//! Learning rates that change during a training.

use super::callback::{Callback, TrainContext};
use wengert_tensor::{Error, Result};

/// Sets the learning rate before each epoch or each step, and logs it as `learning_rate`.
///
/// Groups keep the ratio of their initial rates, also through a rate of 0 ([`Optimizer::set_lr`](crate::Optimizer::set_lr)).
/// The numbers go on in a training that goes on after earlier epochs.
///
/// ```
/// use wengert::prelude::*;
/// // Halved every ten epochs; and a linear warm-up over 100 steps.
/// let halved = Schedule::epochs(|epoch, _| 0.1 * 0.5f64.powi(epoch as i32 / 10));
/// let warm = Schedule::steps(|step, _| 0.001 * ((step + 1) as f64 / 100.0).min(1.0));
/// # let _ = (halved, warm);
/// ```
pub struct Schedule<'a> {
    rate: Box<dyn FnMut(usize, f64) -> f64 + 'a>,
    steps: bool,
}

impl<'a> Schedule<'a> {
    /// `rate(epoch, present rate)` before each epoch, counted from 0.
    pub fn epochs(rate: impl FnMut(usize, f64) -> f64 + 'a) -> Schedule<'a> {
        Schedule {
            rate: Box::new(rate),
            steps: false,
        }
    }

    /// `rate(step, present rate)` before each step of the optimizer, counted from 0 over all epochs.
    pub fn steps(rate: impl FnMut(usize, f64) -> f64 + 'a) -> Schedule<'a> {
        Schedule {
            rate: Box::new(rate),
            steps: true,
        }
    }

    #[track_caller]
    fn set(&mut self, number: usize, at: &mut TrainContext<'_>) -> Result<()> {
        let old = at.opt.lr();
        let new = (self.rate)(number, old);
        if !(new >= 0.0 && new.is_finite()) {
            let value = format!("{new} at {number}");
            let rule = "a learning rate is finite and >= 0";
            return Err(Error::invalid("Schedule", "rate", value, rule).unplaced());
        }
        at.opt.set_lr(new)
    }
}

impl Callback for Schedule<'_> {
    #[track_caller]
    fn on_epoch_begin(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        match self.steps {
            true => Ok(()),
            false => self.set(at.epoch, at),
        }
    }

    #[track_caller]
    fn on_batch_begin(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        match self.steps {
            true => self.set(at.step, at),
            false => Ok(()),
        }
    }

    #[track_caller]
    fn on_epoch_end(&mut self, at: &mut TrainContext<'_>) -> Result<()> {
        let lr = at.opt.lr();
        at.logs.set("learning_rate", lr);
        Ok(())
    }
}
