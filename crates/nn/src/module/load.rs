//! Loading a state that does not fit to the letter: other names, other float types, parts of a model.

use std::path::Path;

use wengert_tensor::{Error, ErrorKind, Result, Site, StateMismatch};

use super::state::{StateDict, differences, load_state, slots};
use super::{Module, Visit};

/// How a state is loaded: by default strictly, as [`Module::load`] does.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::nn::{Load, StateDict};
/// let mut rng = Rng::seed(0);
/// let model = Sequential::new().push(Linear::new(2, 2, &mut rng)).push(Linear::new(2, 1, &mut rng));
/// // Weights of the first layer alone, in f64, under the name that another library gave them.
/// let weight = Tensor::new([[1.0f64, 2.0], [3.0, 4.0]]);
/// let found = StateDict::from([("encoder.fc.weight".to_string(), weight.into())]);
/// let report = Load::new()
///     .rename(|name| name.replace("encoder.fc.", "0."))
///     .cast()
///     .strict(false)
///     .state(&model, &found)?;
/// assert_eq!(report.loaded, ["0.weight"]);
/// assert_eq!(report.missing, ["0.bias", "1.bias", "1.weight"]);
/// # Ok::<(), wengert::Error>(())
/// ```
pub struct Load<'a> {
    strict: bool,
    cast: bool,
    rename: Option<Box<dyn Fn(&str) -> String + 'a>>,
}

/// What a load found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadReport {
    /// The names that were set.
    pub loaded: Vec<String>,
    /// The module's names that the state has not; they keep their values.
    pub missing: Vec<String>,
    /// The state's names, after renaming, that the module has not.
    pub unexpected: Vec<String>,
}

impl Default for Load<'_> {
    fn default() -> Self {
        Load::new()
    }
}

impl<'a> Load<'a> {
    /// All names, types and shapes must agree.
    pub fn new() -> Load<'a> {
        Load {
            strict: true,
            cast: false,
            rename: None,
        }
    }

    /// With `false` names may be missing or unexpected; those that both have must still agree in type and shape.
    pub fn strict(mut self, strict: bool) -> Load<'a> {
        self.strict = strict;
        self
    }

    /// Rounds values of another number type to the module's. (A file's `f16` and `bf16` are read as `f32`.)
    pub fn cast(mut self) -> Load<'a> {
        self.cast = true;
        self
    }

    /// Gives each of the state's names another; of one that stays, return it as it is.
    pub fn rename(mut self, rename: impl Fn(&str) -> String + 'a) -> Load<'a> {
        self.rename = Some(Box::new(rename));
        self
    }

    /// Loads a safetensors file into the model: all of what fits or, on an error, nothing.
    ///
    /// # Errors
    /// If the file cannot be read, or as [`Load::state`].
    #[track_caller]
    pub fn file(&self, model: &impl Module, path: impl AsRef<Path>) -> Result<LoadReport> {
        let path = path.as_ref();
        self.state(model, &load_state(path)?)
            .map_err(|e| e.in_file(path))
    }

    /// Loads a state into the model: all of what fits or, on an error, nothing.
    ///
    /// # Errors
    /// If types or shapes differ, two names become one by renaming, or, where it is strict, names are missing or unexpected.
    #[track_caller]
    pub fn state(&self, model: &impl Module, state: &StateDict) -> Result<LoadReport> {
        self.visit(&|v| model.visit(v), state)
    }

    #[track_caller]
    fn visit(&self, visit: Visit<'_>, state: &StateDict) -> Result<LoadReport> {
        let slots = slots(visit)?;
        let own: StateDict = slots.iter().map(|(n, s)| (n.clone(), s.value())).collect();
        let mut found = StateDict::new();
        for (name, value) in state {
            let name = match &self.rename {
                Some(rename) => rename(name),
                None => name.clone(),
            };
            let value = match own.get(&name) {
                Some(own) if self.cast && own.dtype() != value.dtype() => value.cast(own.dtype()),
                _ => value.clone(),
            };
            if found.insert(name.clone(), value).is_some() {
                let rule = "each name of the state becomes one of its own";
                return Err(Error::invalid("Load::rename", "name", name, rule));
            }
        }
        let mut off: StateMismatch = differences(&own, &found);
        let mut report = LoadReport::default();
        if !self.strict {
            report.missing = std::mem::take(&mut off.missing);
            report.unexpected = std::mem::take(&mut off.unexpected);
        }
        if !off.is_empty() {
            return Err(Site::unplaced("load_state_dict").error(ErrorKind::State(off)));
        }
        for (name, slot) in &slots {
            if let Some(value) = found.get(name) {
                slot.set(value)?;
                report.loaded.push(name.clone());
            }
        }
        Ok(report)
    }
}
