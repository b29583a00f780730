//! What is the same for every optimizer: groups, the step, the state and its names, element types.

use std::collections::HashSet;
use std::fmt::Debug;

use wengert_autograd::Param;
use wengert_tensor::{AnyTensor, DType, Error, Float, Result, Tensor};

use super::{Group, IntoParams, Optimizer, Setting};
use crate::module::AnyParam;
use crate::module::param::TypedParam;
use crate::module::state::{StateDict, mismatch};

/// What is particular to an optimizer: its settings, the names of what it keeps for each parameter, its update.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::nn::{Algorithm, Group, Optim, Setting};
/// use wengert::tensor::Update;
///
/// /// The sign of the gradient alone (Bernstein et al., 2018).
/// #[derive(Clone, Copy, Debug, Default)]
/// struct SignRule;
/// type SignSgd = Optim<SignRule>;
///
/// #[derive(Clone, Copy)]
/// struct SignUpdate { lr: f64 }
/// impl Update<0> for SignUpdate {
///     #[inline(always)]
///     fn apply<T: Float>(self, p: T, g: T, _: [T; 0]) -> (T, [T; 0]) {
///         let lr = T::from_f64(self.lr);
///         (if g > T::ZERO { p - lr } else if g < T::ZERO { p + lr } else { p }, [])
///     }
/// }
/// impl Algorithm for SignRule {
///     const SETTINGS: &'static [Setting] = &[Setting::LR];
///     type Update = SignUpdate;
///     fn update(&self, group: &Group, _: u64, _: DType) -> SignUpdate {
///         let [lr] = group.values();
///         SignUpdate { lr }
///     }
///     fn apply<T: Float>(u: SignUpdate, p: &mut Tensor<T>, g: &Tensor<T>, _: &mut [Tensor<T>]) {
///         p.update(g, [], u);
///     }
/// }
///
/// let w = Param::new(Tensor::<f64>::new([1.0, 2.0]));
/// w.set_grad(Some(Tensor::new([0.3, -4.0])))?;
/// SignSgd::new([&w], 0.5).step();
/// assert_eq!(w.value().to_vec(), [0.5, 2.5]);
/// # Ok::<(), wengert::Error>(())
/// ```
pub trait Algorithm: Copy + Debug + Default {
    /// The settings of a group, the learning rate ([`Setting::LR`]) first.
    const SETTINGS: &'static [Setting];

    /// Whether the number of steps is saved.
    const COUNTED: bool = false;

    /// Refuses settings that do not go together: the rule that they break.
    ///
    /// # Errors
    /// If there is one.
    fn check(&self, _group: &Group) -> std::result::Result<(), &'static str> {
        Ok(())
    }

    /// The names of the tensors kept for each parameter under a group's settings, as PyTorch has them. They begin as zeros.
    fn state(&self, _group: &Group) -> &'static [&'static str] {
        &[]
    }

    /// What a step needs to know.
    type Update: Copy;

    /// What the step of this number, counted from 1, needs to know: the same for all of a group's parameters of a type.
    fn update(&self, group: &Group, step: u64, dtype: DType) -> Self::Update;

    /// Takes a step; `state` has the tensors that [`Algorithm::state`] names.
    fn apply<T: Float>(
        update: Self::Update,
        value: &mut Tensor<T>,
        grad: &Tensor<T>,
        state: &mut [Tensor<T>],
    );
}

/// An optimizer: an [`Algorithm`] with groups of parameters and what it keeps for them.
#[derive(Debug)]
pub struct Optim<A: Algorithm> {
    pub(super) rule: A,
    groups: Vec<Group>,
    /// One for each parameter, group after group.
    slots: Vec<Slot>,
}

/// What is kept for a parameter.
#[derive(Debug)]
enum Slot {
    F32(Kept<f32>),
    F64(Kept<f64>),
}

#[derive(Debug)]
struct Kept<T: Float> {
    steps: u64,
    /// Nothing before the first step.
    tensors: Vec<Tensor<T>>,
}

impl Slot {
    #[inline(never)]
    fn new(p: &AnyParam) -> Slot {
        fn empty<T: Float>() -> Kept<T> {
            Kept {
                steps: 0,
                tensors: Vec::new(),
            }
        }
        match p.param {
            TypedParam::F32(_) => Slot::F32(empty()),
            TypedParam::F64(_) => Slot::F64(empty()),
        }
    }

    fn steps(&self) -> u64 {
        match self {
            Slot::F32(kept) => kept.steps,
            Slot::F64(kept) => kept.steps,
        }
    }

    fn tensors(&self) -> Vec<AnyTensor> {
        match self {
            Slot::F32(kept) => kept.tensors.iter().map(AnyTensor::from).collect(),
            Slot::F64(kept) => kept.tensors.iter().map(AnyTensor::from).collect(),
        }
    }

    #[track_caller]
    fn set(&mut self, steps: u64, tensors: &[&AnyTensor]) -> Result<()> {
        fn set<T: Float>(kept: &mut Kept<T>, steps: u64, tensors: &[&AnyTensor]) -> Result<()> {
            let own = tensors.iter().map(|t| Ok(t.downcast()?.copied()));
            let tensors = own.collect::<Result<_>>()?;
            *kept = Kept { steps, tensors };
            Ok(())
        }
        match self {
            Slot::F32(kept) => set(kept, steps, tensors),
            Slot::F64(kept) => set(kept, steps, tensors),
        }
    }
}

impl<A: Algorithm> Optim<A> {
    /// One group of parameters with a learning rate; the other settings are the defaults. The parameters come from a model
    /// (`&model`), from [`Module::parameters`](crate::Module::parameters), or one by one (`[&w, &b]`).
    ///
    /// # Panics
    /// If the learning rate is negative or not finite, or a parameter comes twice ([`Optim::try_with_groups`] returns the
    /// error).
    #[track_caller]
    pub fn new(params: impl IntoParams, lr: f64) -> Optim<A> {
        Optim::with_groups(vec![Group::new(params, lr)])
    }

    /// Several groups of parameters, each with settings of its own.
    ///
    /// # Panics
    /// If a setting is out of its domain ([`Optim::try_with_groups`] returns the error).
    #[track_caller]
    #[inline(never)]
    pub fn with_groups(groups: Vec<Group>) -> Optim<A> {
        match Optim::try_with_groups(groups) {
            Ok(opt) => opt,
            Err(e) => panic!("{e}"),
        }
    }

    /// As [`Optim::with_groups`].
    ///
    /// # Errors
    /// If a group has a setting that the algorithm has not, or one out of its domain, or settings that do not go together; if
    /// a parameter comes twice, which would be stepped twice.
    #[track_caller]
    #[inline(never)]
    pub fn try_with_groups(mut groups: Vec<Group>) -> Result<Optim<A>> {
        let mut seen = HashSet::new();
        for p in groups.iter().flat_map(Group::params) {
            if !seen.insert(p.id()) {
                let name = p.name().unwrap_or_else(|| format!("{p:?}"));
                let rule = "each parameter is in one group, once";
                return Err(Error::invalid("optimizer", "parameter", name, rule));
            }
        }
        for group in &mut groups {
            group.adopt(A::SETTINGS, |group| A::default().check(group))?;
        }
        let slots = groups.iter().flat_map(Group::params).map(Slot::new);
        Ok(Optim {
            rule: A::default(),
            slots: slots.collect(),
            groups,
        })
    }

    /// Sets a setting of every group.
    ///
    /// # Panics
    /// If it is out of its domain, or there is none of this name ([`Group::set`] returns the error).
    #[track_caller]
    #[inline(never)]
    pub fn with(mut self, name: &str, value: f64) -> Optim<A> {
        for group in &mut self.groups {
            if let Err(e) = group.set(name, value) {
                panic!("{e}");
            }
        }
        self
    }

    /// Sets every group's weight decay.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    #[inline(never)]
    pub fn weight_decay(self, weight_decay: f64) -> Optim<A> {
        self.with("weight_decay", weight_decay)
    }

    /// Each parameter's group, name and slot.
    #[track_caller]
    fn named(&self) -> Result<Vec<(&Group, &AnyParam, String, &Slot)>> {
        let params = self.groups.iter();
        let params = params.flat_map(|g| g.params().iter().map(move |p| (g, p)));
        let mut names = HashSet::new();
        let mut out = Vec::new();
        for (i, ((group, p), slot)) in params.zip(&self.slots).enumerate() {
            let name = p.name().unwrap_or_else(|| format!("unnamed.{i}"));
            if !names.insert(name.clone()) {
                let rule = "a state has one entry under each name";
                let e = Error::invalid("optimizer", "parameter", format!("{name}, twice"), rule);
                let hint = "name them by the model that they are part of: `opt.name_by(&model)`, or make the optimizer from it";
                return Err(e.or_hint(hint));
            }
            out.push((group, p, name, slot));
        }
        Ok(out)
    }
}

impl<A: Algorithm> Optim<A> {
    /// `last` is the update of the parameter before, with its step and type: often this one's as well.
    #[inline]
    fn step_one<T: Float>(
        rule: &A,
        group: &Group,
        p: &Param<T>,
        kept: &mut Kept<T>,
        last: &mut Option<(u64, DType, A::Update)>,
    ) {
        if !p.is_trainable() {
            return;
        }
        // A step on equal shapes changes no shape, which is all that `update` can refuse.
        let _ = p.update(|value, grad| {
            let names = rule.state(group);
            if kept.tensors.len() != names.len() {
                let zeros = || Tensor::zeros(grad.shape());
                kept.tensors = std::iter::repeat_with(zeros).take(names.len()).collect();
                kept.steps = 0;
            }
            kept.steps += 1;
            let update = match *last {
                Some((step, dtype, update)) if (step, dtype) == (kept.steps, T::DTYPE) => update,
                _ => rule.update(group, kept.steps, T::DTYPE),
            };
            *last = Some((kept.steps, T::DTYPE, update));
            A::apply(update, value, grad, &mut kept.tensors);
        });
    }
}

/// What of a group is saved.
fn saved_settings(group: &Group) -> Vec<(&'static str, f64)> {
    let initial = ("initial_lr", group.initial_lr());
    group.settings().chain([initial]).collect()
}

impl<A: Algorithm> Optimizer for Optim<A> {
    #[inline(never)]
    fn step(&mut self) {
        let mut slots = self.slots.iter_mut();
        for group in &self.groups {
            let mut last = None;
            for (p, slot) in group.params().iter().zip(&mut slots) {
                match (&p.param, slot) {
                    (TypedParam::F32(p), Slot::F32(s)) => {
                        Self::step_one(&self.rule, group, p, s, &mut last);
                    }
                    (TypedParam::F64(p), Slot::F64(s)) => {
                        Self::step_one(&self.rule, group, p, s, &mut last);
                    }
                    // A slot is made from its parameter.
                    _ => {}
                }
            }
        }
    }

    #[inline(never)]
    fn groups(&self) -> &[Group] {
        &self.groups
    }

    #[inline(never)]
    fn groups_mut(&mut self) -> &mut [Group] {
        &mut self.groups
    }

    /// A parameter that has not been stepped yet has no entry.
    #[track_caller]
    #[inline(never)]
    fn state_dict(&self) -> Result<StateDict> {
        let mut out = StateDict::new();
        for (i, group) in self.groups.iter().enumerate() {
            for (name, value) in saved_settings(group) {
                out.insert(
                    format!("param_groups.{i}.{name}"),
                    Tensor::scalar(value).into(),
                );
            }
        }
        for (group, _, name, slot) in self.named()? {
            if slot.steps() == 0 {
                continue;
            }
            if A::COUNTED {
                let steps = Tensor::scalar(slot.steps() as i64);
                out.insert(format!("{name}.step"), steps.into());
            }
            for (what, tensor) in self.rule.state(group).iter().zip(slot.tensors()) {
                out.insert(format!("{name}.{what}"), tensor);
            }
        }
        Ok(out)
    }

    #[track_caller]
    #[inline(never)]
    fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        // All is checked before anything is changed.
        let mut own = StateDict::new();
        let mut groups = self.groups.clone();
        for (i, group) in groups.iter_mut().enumerate() {
            let mut found = Vec::new();
            for (name, value) in saved_settings(group) {
                let key = format!("param_groups.{i}.{name}");
                if let Some(Ok(value)) = state.get(&key).map(|t| t.downcast::<f64>()?.item()) {
                    found.push((name, value));
                }
                own.insert(key, Tensor::scalar(value).into());
            }
            group.restore(&found)?;
        }
        let params = groups
            .iter()
            .flat_map(|g| g.params().iter().map(move |_| g));
        let mut found = Vec::new();
        for ((_, p, name, _), group) in self.named()?.into_iter().zip(params) {
            let names = self.rule.state(group);
            let keys: Vec<String> = names.iter().map(|what| format!("{name}.{what}")).collect();
            let step = format!("{name}.step");
            let mut steps = 0;
            if keys
                .iter()
                .chain([&step])
                .any(|key| state.contains_key(key))
            {
                for key in &keys {
                    own.insert(key.clone(), p.value());
                }
                steps = 1;
                if A::COUNTED {
                    own.insert(step.clone(), Tensor::scalar(0i64).into());
                    if let Some(Ok(count)) = state.get(&step).map(|t| t.downcast::<i64>()?.item()) {
                        let value = format!("{step} = {count}");
                        steps = match u64::try_from(count) {
                            Ok(steps) => steps,
                            Err(_) => {
                                let rule = "a count is >= 0";
                                return Err(Error::invalid(
                                    "load_state_dict",
                                    "steps",
                                    value,
                                    rule,
                                ));
                            }
                        };
                    }
                }
            }
            found.push((steps, keys));
        }
        mismatch(&own, state)?;
        for (slot, (steps, keys)) in self.slots.iter_mut().zip(found) {
            let tensors: Vec<&AnyTensor> = match steps {
                0 => Vec::new(),
                _ => keys.iter().map(|key| &state[key]).collect(),
            };
            slot.set(steps, &tensors)?;
        }
        self.groups = groups;
        Ok(())
    }
}
