//! Optimizers: parameter groups, hyperparameters, and a step that changes every parameter in place.

mod adam;
mod clip;
mod sgd;
mod state;

pub use adam::{Adam, AdamW};
pub use clip::{clip_grad_norm, clip_grad_norm_p};
pub use sgd::Sgd;

use std::path::Path;

use crate::error::Result;
use crate::module::AnyParam;
use crate::state::{StateDict, load_state, save_state};

/// What every optimizer does.
///
/// A step is in place where nobody else holds a parameter's memory, which after `backward` has
/// released the tape is the rule.
pub trait Optimizer {
    /// Changes every trainable parameter that has a gradient.
    fn step(&mut self);

    /// The parameter groups.
    fn groups(&self) -> &[Group];

    /// The parameter groups, to change their hyperparameters.
    fn groups_mut(&mut self) -> &mut [Group];

    /// What must be kept to go on as if never interrupted: moments and step counts under the parameters'
    /// names (`hidden.weight.exp_avg`), and every group's settings (`param_groups.0.lr`).
    fn state_dict(&self) -> StateDict;

    /// Takes a state of [`Optimizer::state_dict`].
    ///
    /// # Errors
    /// If names, types or shapes differ: all of them in one report, and nothing is changed.
    fn load_state_dict(&mut self, state: &StateDict) -> Result<()>;

    /// Writes the state as safetensors, whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
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
    fn load(&mut self, path: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        self.load_state_dict(&load_state(path)?)
    }

    /// Forgets the gradients of all parameters.
    fn zero_grad(&self) {
        self.groups()
            .iter()
            .flat_map(|g| &g.params)
            .for_each(AnyParam::zero_grad);
    }

    /// The first group's learning rate.
    fn lr(&self) -> f64 {
        self.groups().first().map_or(0.0, |g| g.lr)
    }

    /// Sets every group's learning rate.
    fn set_lr(&mut self, lr: f64) {
        self.groups_mut().iter_mut().for_each(|g| g.lr = lr);
    }
}

/// Parameters that share a learning rate and a weight decay.
#[derive(Clone, Debug)]
pub struct Group {
    /// The parameters.
    pub params: Vec<AnyParam>,
    /// The learning rate.
    pub lr: f64,
    /// The weight decay.
    pub weight_decay: f64,
}

impl Group {
    /// A group with a learning rate and no weight decay.
    pub fn new(params: Vec<AnyParam>, lr: f64) -> Group {
        Group {
            params,
            lr,
            weight_decay: 0.0,
        }
    }

    /// Sets the weight decay.
    pub fn weight_decay(mut self, weight_decay: f64) -> Group {
        self.weight_decay = weight_decay;
        self
    }
}
