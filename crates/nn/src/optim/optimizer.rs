//! What every optimizer does, whatever its algorithm.

use std::path::Path;

use wengert_tensor::Result;

use super::Group;
use crate::module::Module;
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
    /// names (`hidden.weight.exp_avg`), and every group's settings (`param_groups.0.lr`). A name is that in the model or the
    /// list that the optimizer was made from.
    ///
    /// # Errors
    /// If two parameters have one name.
    #[track_caller]
    fn state_dict(&self) -> Result<StateDict>;

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
        save_state(&self.state_dict()?, path)
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
        let path = path.as_ref();
        self.load_state_dict(&load_state(path)?)
            .map_err(|e| e.in_file(path))
    }

    /// Gives the parameters that are the model's the names that they have in it: those of groups that were made from parts
    /// of a model (`Group::new(&net.hidden, 0.1)`), which have the names within the part.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::nn::Group;
    /// let mut rng = Rng::seed(0);
    /// let net = (Linear::new(2, 3, &mut rng), Linear::new(3, 1, &mut rng));
    /// let mut opt = Sgd::with_groups(vec![Group::new(&net.0, 0.1), Group::new(&net.1, 0.01)]);
    /// assert!(opt.state_dict().is_err()); // two parameters named `weight`
    /// opt.name_by(&net);
    /// assert_eq!(opt.groups()[1].params()[0].name().as_deref(), Some("1.weight"));
    /// assert!(opt.state_dict().is_ok());
    /// ```
    fn name_by(&mut self, model: &dyn Module) {
        let named = model.named_parameters();
        for group in self.groups_mut() {
            group.name_by(&named);
        }
    }

    /// Forgets the gradients of all parameters.
    fn zero_grad(&self) {
        for group in self.groups() {
            group.params().iter().for_each(|p| p.zero_grad());
        }
    }

    /// The learning rate: that of the first group, or of the first that is not frozen by an initial rate of 0.
    fn lr(&self) -> f64 {
        leading(self.groups()).map_or(0.0, Group::lr)
    }

    /// Sets the learning rate; groups keep the ratio of their initial rates ([`Group::initial_lr`]), as a schedule does. To
    /// set the rate of one group, use [`Group::set`].
    ///
    /// # Errors
    /// If it is negative or not finite.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::nn::Group;
    /// let (w, b) = (Param::<f32>::new(Tensor::ones([2])), Param::<f32>::new(Tensor::zeros([2])));
    /// let mut opt = Sgd::with_groups(vec![Group::new([&w], 0.1), Group::new([&b], 0.01)]);
    /// opt.set_lr(0.0)?;
    /// opt.set_lr(0.2)?;
    /// assert_eq!((opt.groups()[0].lr(), opt.groups()[1].lr()), (0.2, 0.02));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    fn set_lr(&mut self, lr: f64) -> Result<()> {
        let base = leading(self.groups()).map_or(0.0, Group::initial_lr);
        for group in self.groups_mut() {
            let initial = group.initial_lr();
            // The ratio would lose the last bit of what was asked for.
            let rate = match initial == base {
                true => lr,
                false => initial / base * lr,
            };
            group.schedule_lr(rate)?;
        }
        Ok(())
    }
}

/// The group whose rate is that of the optimizer.
fn leading(groups: &[Group]) -> Option<&Group> {
    let moving = groups.iter().find(|g| g.initial_lr() != 0.0);
    moving.or(groups.first())
}

/// An optimizer that is chosen at run time, or lent.
macro_rules! forwarded {
    ($(($($g:tt)*) $t:ty),*) => {$(
        impl<$($g)*> Optimizer for $t {
            fn step(&mut self) {
                (**self).step();
            }
            fn groups(&self) -> &[Group] {
                (**self).groups()
            }
            fn groups_mut(&mut self) -> &mut [Group] {
                (**self).groups_mut()
            }
            #[track_caller]
            fn state_dict(&self) -> Result<StateDict> {
                (**self).state_dict()
            }
            #[track_caller]
            fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
                (**self).load_state_dict(state)
            }
            fn zero_grad(&self) {
                (**self).zero_grad();
            }
            fn lr(&self) -> f64 {
                (**self).lr()
            }
            #[track_caller]
            fn set_lr(&mut self, lr: f64) -> Result<()> {
                (**self).set_lr(lr)
            }
        }
    )*};
}
forwarded!((O: Optimizer + ?Sized) Box<O>, (O: Optimizer + ?Sized) &mut O);
