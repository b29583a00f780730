//! What every optimizer does, whatever its algorithm.

use std::path::Path;

use wengert_tensor::Result;

use super::Group;
use crate::module::state::{StateDict, load_state, save_state};

/// What every optimizer does.
///
/// A step is in place where nobody else holds a parameter's memory, which after `backward` has
/// released the tape is the rule.
pub trait Optimizer {
    /// Changes every trainable parameter that has a gradient.
    fn step(&mut self);

    /// The parameter groups.
    fn groups(&self) -> &[Group];

    /// The parameter groups, to change their settings.
    fn groups_mut(&mut self) -> &mut [Group];

    /// What must be kept to go on as if never interrupted: averages and step counts under the parameters'
    /// names (`hidden.weight.exp_avg`), and every group's settings (`param_groups.0.lr`).
    fn state_dict(&self) -> StateDict;

    /// Takes a state of [`Optimizer::state_dict`].
    ///
    /// # Errors
    /// If names, types or shapes differ: all of them in one report, and nothing is changed. If a setting or a count of steps
    /// is out of its domain.
    #[track_caller]
    fn load_state_dict(&mut self, state: &StateDict) -> Result<()>;

    /// Writes the state as safetensors, whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    #[track_caller]
    fn save(&self, path: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        save_state(self.state_dict(), path)
    }

    /// Reads a state that [`Optimizer::save`] wrote.
    ///
    /// # Errors
    /// If the file cannot be read, or as [`Optimizer::load_state_dict`].
    #[track_caller]
    fn load(&mut self, path: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        self.load_state_dict(&load_state(path)?)
    }

    /// Forgets the gradients of all parameters.
    fn zero_grad(&self) {
        for group in self.groups() {
            group.params().iter().for_each(|p| p.zero_grad());
        }
    }

    /// The first group's learning rate.
    fn lr(&self) -> f64 {
        self.groups().first().map_or(0.0, Group::lr)
    }

    /// Sets every group's learning rate.
    ///
    /// # Errors
    /// If it is negative or not finite.
    #[track_caller]
    fn set_lr(&mut self, lr: f64) -> Result<()> {
        for group in self.groups_mut() {
            group.set("lr", lr)?;
        }
        Ok(())
    }
}
