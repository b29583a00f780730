//! Groups of parameters, and the settings that those of a group share.

use wengert_tensor::{Error, Result, nearest};

use super::IntoParams;
use crate::module::AnyParam;

/// A setting of an optimizer: its name, its default, and what it must satisfy.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The name that it is saved under and set by.
    pub name: &'static str,
    /// What it is unless set.
    pub default: f64,
    /// What it must satisfy, in words.
    pub rule: &'static str,
    /// What it must satisfy.
    pub allows: fn(f64) -> bool,
}

impl Setting {
    /// The learning rate, which every optimizer has, as its first setting.
    pub const LR: Setting = Setting::not_negative("lr", 0.0);

    /// A finite number that is at least 0.
    pub const fn not_negative(name: &'static str, default: f64) -> Setting {
        Setting {
            name,
            default,
            rule: "finite and at least 0",
            allows: |x| x >= 0.0 && x.is_finite(),
        }
    }

    /// A factor of an average: at least 0 and below 1.
    pub const fn decay(name: &'static str, default: f64) -> Setting {
        Setting {
            name,
            default,
            rule: "at least 0 and below 1",
            allows: |x| (0.0..1.0).contains(&x),
        }
    }

    /// A switch: 0 or 1.
    pub const fn switch(name: &'static str) -> Setting {
        Setting {
            name,
            default: 0.0,
            rule: "0 (off) or 1 (on)",
            allows: |x| x == 0.0 || x == 1.0,
        }
    }

    #[track_caller]
    fn check(&self, value: f64) -> Result<()> {
        if (self.allows)(value) {
            return Ok(());
        }
        Err(Error::invalid("optimizer", self.name, value, self.rule))
    }
}

/// Parameters that share their settings: the learning rate, the weight decay, and what else their optimizer has.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::nn::Group;
/// let (w, b) = (Param::<f32>::new(Tensor::ones([2, 2])), Param::<f32>::new(Tensor::zeros([2])));
/// let mut opt = Adam::with_groups(vec![
///     Group::new([&w], 0.01).with("weight_decay", 1e-4),
///     Group::new([&b], 0.02),
/// ]);
/// opt.groups_mut()[1].set("beta1", 0.8)?;
/// assert_eq!(opt.groups()[0].get("beta1"), Some(0.9));
/// assert!(opt.groups_mut()[0].set("beta1", 1.0).is_err());
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Group {
    params: Vec<AnyParam>,
    /// The learning rate that was set last other than by a schedule, which keeps the ratio of the groups' rates.
    initial_lr: f64,
    /// Those of the optimizer, once there is one.
    settings: &'static [Setting],
    /// The settings' values, in their order.
    values: Vec<f64>,
    /// Refuses settings of the optimizer that do not go together.
    check: fn(&Group) -> std::result::Result<(), &'static str>,
    /// What was set before there was an optimizer.
    wished: Vec<(String, f64)>,
}

impl Group {
    /// A group with a learning rate, and the optimizer's defaults for the rest: of a model (`&model`), of what
    /// [`Module::parameters`](crate::Module::parameters) lists, or of single parameters (`[&w, &b]`).
    pub fn new(params: impl IntoParams, lr: f64) -> Group {
        Group {
            params: params.into_params(),
            initial_lr: lr,
            settings: &[],
            values: Vec::new(),
            check: |_| Ok(()),
            wished: vec![("lr".to_string(), lr)],
        }
    }

    /// Sets a setting of the optimizer that the group will be given to, which checks it.
    pub fn with(mut self, name: &str, value: f64) -> Group {
        self.wished.push((name.to_string(), value));
        self
    }

    /// Sets the weight decay.
    pub fn weight_decay(self, weight_decay: f64) -> Group {
        self.with("weight_decay", weight_decay)
    }

    /// Takes the settings of an optimizer, sets what another has set before, and what was wished for.
    #[track_caller]
    pub(super) fn adopt(
        &mut self,
        settings: &'static [Setting],
        check: fn(&Group) -> std::result::Result<(), &'static str>,
    ) -> Result<()> {
        let before: Vec<_> = self.settings().map(|(n, v)| (n.to_string(), v)).collect();
        (self.settings, self.check) = (settings, check);
        self.values = settings.iter().map(|s| s.default).collect();
        let wished = std::mem::take(&mut self.wished);
        let all: Vec<_> = before.into_iter().chain(wished).collect();
        let all: Vec<_> = all.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        self.set_all(&all)
    }

    /// Takes settings that were saved, the initial learning rate among them.
    #[track_caller]
    pub(super) fn restore(&mut self, saved: &[(&str, f64)]) -> Result<()> {
        let (initial, settings): (Vec<_>, Vec<_>) =
            saved.iter().partition(|(name, _)| *name == "initial_lr");
        self.set_all(&settings)?;
        for (_, lr) in initial {
            Setting::LR.check(lr)?;
            self.initial_lr = lr;
        }
        Ok(())
    }

    /// Sets all or, where one is refused, none; what does not go together is refused at the end.
    #[track_caller]
    fn set_all(&mut self, settings: &[(&str, f64)]) -> Result<()> {
        let mut new = self.clone();
        for (name, value) in settings {
            new.set_one(name, *value)?;
        }
        if let Err(rule) = (new.check)(&new) {
            let values: Vec<String> = new.settings().map(|(n, v)| format!("{n} = {v}")).collect();
            return Err(Error::invalid(
                "optimizer",
                "settings",
                values.join(", "),
                rule,
            ));
        }
        *self = new;
        Ok(())
    }

    /// The parameters.
    pub fn params(&self) -> &[AnyParam] {
        &self.params
    }

    /// Gives those that are listed the names of the list.
    pub(super) fn name_by(&mut self, named: &[(String, AnyParam)]) {
        for p in &mut self.params {
            if let Some((name, _)) = named.iter().find(|(_, q)| q.id() == p.id()) {
                *p = p.clone().named(name);
            }
        }
    }

    /// The parameters, to name them anew.
    pub(crate) fn replace_params(&mut self, params: Vec<AnyParam>) {
        self.params = params;
    }

    /// The learning rate.
    pub fn lr(&self) -> f64 {
        self.get("lr").unwrap_or(0.0)
    }

    /// The learning rate that the group began with, or that was set since by [`Group::set`]; a schedule changes the present
    /// one alone.
    pub fn initial_lr(&self) -> f64 {
        self.initial_lr
    }

    /// Sets the present learning rate, and not the initial one.
    #[track_caller]
    pub(super) fn schedule_lr(&mut self, lr: f64) -> Result<()> {
        let initial = self.initial_lr;
        self.set("lr", lr)?;
        self.initial_lr = initial;
        Ok(())
    }

    /// The value of a setting; `None` if the optimizer has none of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        let at = self.settings.iter().position(|s| s.name == name);
        at.and_then(|i| self.values.get(i).copied())
    }

    /// Sets a setting.
    ///
    /// # Errors
    /// If the optimizer has none of this name, or the value is out of its domain or does not go with the other settings.
    #[track_caller]
    pub fn set(&mut self, name: &str, value: f64) -> Result<()> {
        if self.settings.is_empty() {
            // The optimizer will check it.
            self.wished.push((name.to_string(), value));
            return Ok(());
        }
        self.set_all(&[(name, value)])
    }

    #[track_caller]
    fn set_one(&mut self, name: &str, value: f64) -> Result<()> {
        let Some(i) = self.settings.iter().position(|s| s.name == name) else {
            let names: Vec<&str> = self.settings.iter().map(|s| s.name).collect();
            let e = Error::invalid(
                "optimizer",
                "setting",
                name,
                "a setting that the optimizer has",
            );
            let hint = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean {near}? It has {}", names.join(", ")),
                None => format!("it has {}", names.join(", ")),
            };
            return Err(e.or_hint(hint));
        };
        self.settings[i].check(value)?;
        self.values[i] = value;
        if name == Setting::LR.name {
            self.initial_lr = value;
        }
        Ok(())
    }

    /// The settings with their values.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        self.settings
            .iter()
            .map(|s| s.name)
            .zip(self.values.iter().copied())
    }

    /// The settings' values, in their order; `N` must be their number.
    #[inline]
    pub fn values<const N: usize>(&self) -> [f64; N] {
        let mut all = [0.0; N];
        for (to, value) in all.iter_mut().zip(&self.values) {
            *to = *value;
        }
        all
    }
}
