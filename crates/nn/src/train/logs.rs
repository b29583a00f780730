//! Named numbers in the order they came in: an epoch's loss and metrics.

use std::fmt;

/// Named numbers in the order they came in.
///
/// ```
/// use wengert::nn::Logs;
/// let mut logs = Logs::new();
/// logs.set("loss", 0.43125);
/// logs.set("learning_rate", 1e-4);
/// assert_eq!(logs.get("loss"), Some(0.43125));
/// assert_eq!(logs.to_string(), "loss: 0.4313 - learning_rate: 1.0000e-4");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs(Vec<(String, f64)>);

impl Logs {
    /// No numbers yet.
    pub fn new() -> Logs {
        Logs::default()
    }

    /// The number of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| *v)
    }

    /// Sets the number of this name, at the end where it is new.
    pub fn set(&mut self, name: &str, value: f64) {
        match self.0.iter_mut().find(|(n, _)| n == name) {
            Some((_, v)) => *v = value,
            None => self.0.push((name.to_string(), value)),
        }
    }

    /// Names and numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, f64)> + '_ {
        self.0.iter().map(|(n, v)| (n.as_str(), *v))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, for messages.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|(n, _)| n.as_str()).collect();
        names.join(", ")
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut f64> {
        self.0.iter_mut().map(|(_, v)| v)
    }
}

/// As Keras prints them: four places, scientific below 0.001.
impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(" - ")?;
            }
            if value != 0.0 && value.abs() < 1e-3 {
                write!(f, "{name}: {value:.4e}")?;
            } else {
                write!(f, "{name}: {value:.4}")?;
            }
        }
        Ok(())
    }
}
