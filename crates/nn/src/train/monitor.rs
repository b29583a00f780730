//! Which number a callback watches, and whether it has become better.

use super::callback::TrainContext;
use wengert_tensor::{Error, Result, nearest};

#[derive(Clone, Debug)]
pub(super) struct Monitor {
    name: String,
    highest: bool,
    pub(super) min_delta: f64,
    pub(super) best: Option<f64>,
}

impl Monitor {
    pub(super) fn new(name: &str, highest: bool) -> Monitor {
        Monitor {
            name: name.to_string(),
            highest,
            min_delta: 0.0,
            best: None,
        }
    }

    /// At the begin of a training: a new one knows nothing, one that goes on knows what it knew.
    pub(super) fn begin(&mut self, at: &TrainContext<'_>) {
        if at.epoch == 0 {
            self.best = None;
        }
    }

    /// `EarlyStopping(val_loss)`
    pub(super) fn title(&self, callback: &str) -> String {
        format!("{callback}({})", self.name)
    }

    /// Whether the epoch's number is better than the best by more than `min_delta`; NaN never is.
    #[track_caller]
    pub(super) fn improved(&mut self, call: &'static str, at: &TrainContext<'_>) -> Result<bool> {
        let Some(value) = at.logs.get(&self.name) else {
            let value = format!("{}, of {}", self.name, at.logs.names());
            let rule =
                "what is watched is logged before: a metric, a loss, \"val_\" with validation data";
            let e = Error::invalid(call, "name", value, rule).unplaced();
            let near = nearest(&self.name, at.logs.iter().map(|(name, _)| name));
            return Err(match near {
                Some(near) => e.or_hint(format!("did you mean {near}?")),
                None => e,
            });
        };
        if !(self.min_delta >= 0.0) {
            let rule = "min_delta >= 0";
            return Err(Error::invalid(call, "min_delta", self.min_delta, rule).unplaced());
        }
        let better = match self.best {
            None => !value.is_nan(),
            Some(best) if self.highest => value - self.min_delta > best,
            Some(best) => value + self.min_delta < best,
        };
        if better {
            self.best = Some(value);
        }
        Ok(better)
    }
}
