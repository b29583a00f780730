//! What a training needs to go on where it was cut.
//!
//! Invariant: a training that is resumed ends with the same bits as one that was not cut.

use wengert_tensor::{Error, Float, Result, Tensor};

use super::batches::Rows;
use super::fit::{Fit, Run};
use super::history::History;
use super::logs::Logs;
use super::saved::Numbers;
use crate::module::Module;
use crate::module::state::{StateDict, part_under, put_under};
use crate::optim::Optimizer;

impl<X: Rows, Y, T: Float> Fit<'_, X, Y, T> {
    /// Everything, each part under a prefix of its own.
    #[track_caller]
    #[inline(never)]
    pub(super) fn state(&mut self, run: &Run) -> Result<StateDict> {
        let mut all = StateDict::new();
        put_under("model", self.model.state_dict()?, &mut all);
        let optimizer = named_by(self.model, self.opt, |opt| opt.state_dict())?;
        put_under("optimizer", optimizer, &mut all);
        put_under("streams", self.model.streams()?, &mut all);
        put_under("data", self.data.state_dict(), &mut all);
        for (name, state) in self.callbacks()? {
            put_under(&format!("callbacks.{name}"), state, &mut all);
        }
        put_under("history", run.history.state_dict(), &mut all);
        put_under("fit", run.state_dict(), &mut all);
        Ok(all)
    }

    /// Goes on where a state was written. The model is set last: until then an error leaves it as it is.
    #[track_caller]
    #[inline(never)]
    pub(super) fn restore(&mut self, run: &mut Run, all: &StateDict) -> Result<()> {
        self.data.check_state_dict(&part_under("data", all))?;
        let mut callbacks = part_under("callbacks", all);
        for callback in &mut self.callbacks {
            let name = callback.name();
            let state = part_under(&name, &callbacks);
            if !state.is_empty() {
                callback.load_state_dict(&state)?;
                callbacks.retain(|key, _| !key.starts_with(&format!("{name}.")));
            } else if !callback.state_dict().is_empty() {
                let rule = "a training is resumed with the callbacks that it had";
                let e =
                    Error::invalid("resume", "callback", format!("{name}, unknown there"), rule);
                return Err(e.unplaced());
            }
        }
        if let Some(key) = callbacks.keys().next() {
            let rule = "a training is resumed with the callbacks that it had";
            let e = Error::invalid("resume", "callback", format!("{key}, missing here"), rule);
            return Err(e.unplaced());
        }
        let history = History::from_state_dict(&part_under("history", all))?;
        run.load_state_dict(&part_under("fit", all), &self.metric_names())?;
        run.history = history;
        let optimizer = part_under("optimizer", all);
        named_by(self.model, self.opt, |opt| opt.load_state_dict(&optimizer))?;
        self.model.load_streams(&part_under("streams", all))?;
        self.model.load_state_dict(&part_under("model", all))
    }

    /// The states of the callbacks that have one, by name.
    #[track_caller]
    fn callbacks(&self) -> Result<StateList> {
        let mut out = StateList::new();
        for callback in &self.callbacks {
            let (name, state) = (callback.name(), callback.state_dict());
            if state.is_empty() {
                continue;
            }
            if out.iter().any(|(n, _)| *n == name) {
                let rule = "callbacks that are saved have names of their own: see `Callback::name`";
                return Err(Error::invalid("fit", "callback", name, rule).unplaced());
            }
            out.push((name, state));
        }
        Ok(out)
    }
}

/// Calls `f` with the optimizer's parameters under their names in the model, and puts its own names back.
#[track_caller]
fn named_by<R>(
    model: &dyn Module,
    opt: &mut dyn Optimizer,
    f: impl FnOnce(&mut dyn Optimizer) -> Result<R>,
) -> Result<R> {
    let own: Vec<_> = opt.groups().iter().map(|g| g.params().to_vec()).collect();
    opt.name_by(model);
    let done = f(opt);
    for (group, params) in opt.groups_mut().iter_mut().zip(own) {
        group.replace_params(params);
    }
    done
}

type StateList = Vec<(String, StateDict)>;

impl Run {
    fn state_dict(&self) -> StateDict {
        let mut state = Numbers::default();
        for (name, count) in [
            ("epoch", self.epoch),
            ("batch", self.done),
            ("step", self.step),
            ("rows", self.means.rows),
            ("stopped", usize::from(self.stop)),
        ] {
            state.put_count(name, Some(count));
        }
        if self.done > 0 {
            for (i, (name, value)) in self.logs.iter().enumerate() {
                state.put(&format!("logs.{}", numbered(i, name)), Some(value));
                let sum = self.means.sums.get(i).copied();
                state.put(&format!("sums.{}", numbered(i, name)), sum);
            }
        }
        state.0
    }

    #[track_caller]
    fn load_state_dict(&mut self, state: &StateDict, metrics: &[String]) -> Result<()> {
        let saved = Numbers(state.clone());
        let count = |name: &str| -> Result<usize> {
            match saved.get_count(name)? {
                Some(count) => Ok(count),
                None => {
                    let value = format!("a file without fit.{name}");
                    let rule = "the file of `Fit::checkpoint`";
                    Err(Error::invalid("resume", "path", value, rule).unplaced())
                }
            }
        };
        let (epoch, done, step) = (count("epoch")?, count("batch")?, count("step")?);
        let (rows, stopped) = (count("rows")?, count("stopped")?);
        let list = |what: &str| -> Result<Vec<(String, f64)>> {
            let part = part_under(what, state).into_iter();
            let number = |(name, value): (String, wengert_tensor::AnyTensor)| {
                Ok((without_number(&name), value.downcast::<f64>()?.item()?))
            };
            part.map(number).collect()
        };
        let sums = list("sums")?;
        if done > 0 && !sums.iter().map(|(n, _)| n).eq(metrics) {
            let found: Vec<_> = sums.iter().map(|(n, _)| n.as_str()).collect();
            let rule =
                "a training that was cut within an epoch is resumed with the metrics that it had";
            let e = Error::invalid("resume", "metrics", found.join(", "), rule);
            return Err(e.unplaced());
        }
        let mut logs = Logs::new();
        for (name, value) in list("logs")? {
            logs.set(&name, value);
        }
        self.means.rows = rows;
        self.means.sums = sums.into_iter().map(|(_, sum)| sum).collect();
        (self.epoch, self.done, self.step) = (epoch, done, step);
        (self.logs, self.stop) = (logs, stopped != 0);
        Ok(())
    }
}

/// A name that sorts by its place in a list.
fn numbered(i: usize, name: &str) -> String {
    format!("{i:06}.{name}")
}

fn without_number(name: &str) -> String {
    let rest = name.split_once('.').map(|(_, rest)| rest);
    rest.unwrap_or(name).to_string()
}

impl History {
    fn state_dict(&self) -> StateDict {
        let epochs: Vec<i64> = self.epochs().iter().map(|e| *e as i64).collect();
        let mut state = StateDict::from([("epochs".to_string(), Tensor::new(epochs).into())]);
        for (i, name) in self.names().enumerate() {
            let series = self.get(name).unwrap_or_default().to_vec();
            let name = format!("series.{}", numbered(i, name));
            state.insert(name, Tensor::new(series).into());
        }
        state
    }

    #[track_caller]
    fn from_state_dict(state: &StateDict) -> Result<History> {
        let mut history = History::new();
        let Some(epochs) = state.get("epochs") else {
            return Ok(history);
        };
        let epochs = epochs.downcast::<i64>()?.to_vec();
        let mut series = Vec::new();
        for (name, values) in part_under("series", state) {
            let values = values.downcast::<f64>()?.to_vec();
            series.push((without_number(&name), values));
        }
        for (i, epoch) in epochs.iter().enumerate() {
            let mut logs = Logs::new();
            for (name, values) in &series {
                logs.set(name, values.get(i).copied().unwrap_or(f64::NAN));
            }
            history.record_as(usize::try_from(*epoch).unwrap_or(0), &logs);
        }
        Ok(history)
    }
}
