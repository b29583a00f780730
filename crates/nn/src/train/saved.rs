//! Numbers within a state.

use wengert_tensor::{Element, Error, Result, Tensor};

use crate::module::StateDict;

/// A state of single numbers; one that there is not has no entry.
#[derive(Default)]
pub(super) struct Numbers(pub(super) StateDict);

impl Numbers {
    pub(super) fn put(&mut self, name: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.0
                .insert(name.to_string(), Tensor::scalar(value).into());
        }
    }

    pub(super) fn put_count(&mut self, name: &str, value: Option<usize>) {
        if let Some(value) = value {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            self.0
                .insert(name.to_string(), Tensor::scalar(value).into());
        }
    }

    #[track_caller]
    pub(super) fn get(&self, name: &str) -> Result<Option<f64>> {
        self.number(name)
    }

    #[track_caller]
    pub(super) fn get_count(&self, name: &str) -> Result<Option<usize>> {
        let Some(value) = self.number::<i64>(name)? else {
            return Ok(None);
        };
        match usize::try_from(value) {
            Ok(value) => Ok(Some(value)),
            Err(_) => {
                let value = format!("{name} = {value}");
                Err(Error::invalid("resume", "state", value, "a count is >= 0"))
            }
        }
    }

    #[track_caller]
    fn number<T: Element>(&self, name: &str) -> Result<Option<T>> {
        match self.0.get(name) {
            Some(value) => Ok(Some(value.downcast::<T>()?.item()?)),
            None => Ok(None),
        }
    }
}
