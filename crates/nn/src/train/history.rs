//! What a training's epochs gave. Invariant: every series has one number for each epoch, NaN where
//! there was none.

use std::fmt::Write as _;
use std::path::Path;

use super::logs::Logs;
use wengert_tensor::Result;

/// The loss, the metrics and what callbacks logged, epoch by epoch.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::nn::Logs;
/// let mut history = History::new();
/// for loss in [0.5, 0.25] {
///     let mut logs = Logs::new();
///     logs.set("loss", loss);
///     history.record(&logs);
/// }
/// assert_eq!(history.get("loss"), Some(&[0.5, 0.25][..]));
/// assert_eq!(history.to_csv(), "epoch,loss\n1,0.5\n2,0.25\n");
/// assert_eq!(history.to_json(), "{\n  \"epoch\": [1, 2],\n  \"loss\": [0.5, 0.25]\n}\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    epochs: Vec<usize>,
    series: Vec<(String, Vec<f64>)>,
}

impl History {
    /// No epochs yet.
    pub fn new() -> History {
        History::default()
    }

    /// Adds an epoch, numbered on from the last.
    pub fn record(&mut self, logs: &Logs) {
        let next = self.epochs.last().map_or(1, |e| e + 1);
        self.record_as(next, logs);
    }

    /// Adds an epoch of this number, counted from 1.
    pub(super) fn record_as(&mut self, epoch: usize, logs: &Logs) {
        let before = self.epochs.len();
        self.epochs.push(epoch);
        for (name, value) in logs.iter() {
            match self.series.iter_mut().find(|(n, _)| n == name) {
                Some((_, s)) => s.push(value),
                None => {
                    let mut s = vec![f64::NAN; before];
                    s.push(value);
                    self.series.push((name.to_string(), s));
                }
            }
        }
        for (_, s) in &mut self.series {
            s.resize(before + 1, f64::NAN);
        }
    }

    /// How many epochs there are.
    pub fn len(&self) -> usize {
        self.epochs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.epochs.is_empty()
    }

    /// The numbers of the epochs, counted from 1.
    pub fn epochs(&self) -> &[usize] {
        &self.epochs
    }

    /// The names of the series.
    pub fn names(&self) -> impl Iterator<Item = &str> + '_ {
        self.series.iter().map(|(n, _)| n.as_str())
    }

    /// A series, one number an epoch.
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        let found = self.series.iter().find(|(n, _)| n == name);
        found.map(|(_, s)| s.as_slice())
    }

    /// The last number of a series.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(|s| s.last().copied())
    }

    /// A table with a header, one row an epoch; numbers read back to the same bits.
    pub fn to_csv(&self) -> String {
        let quoted = |name: &str| match name.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", name.replace('"', "\"\"")),
            false => name.to_string(),
        };
        let mut out = String::from("epoch");
        for name in self.names() {
            out.push(',');
            out.push_str(&quoted(name));
        }
        out.push('\n');
        for (i, epoch) in self.epochs.iter().enumerate() {
            let _ = write!(out, "{epoch}");
            for (_, s) in &self.series {
                let _ = write!(out, ",{:?}", s[i]);
            }
            out.push('\n');
        }
        out
    }

    /// An object of arrays; a number that is not finite is `null`, as JSON has none.
    pub fn to_json(&self) -> String {
        let list = |parts: Vec<String>| parts.join(", ");
        let epochs = self.epochs.iter().map(usize::to_string).collect();
        let mut out = format!("{{\n  \"epoch\": [{}]", list(epochs));
        for (name, s) in &self.series {
            let numbers = s.iter().map(|v| match v.is_finite() {
                // `{:?}` writes an exponent where it is shorter.
                true => format!("{v:?}"),
                false => "null".to_string(),
            });
            let numbers = list(numbers.collect());
            let _ = write!(out, ",\n  {}: [{numbers}]", json_string(name));
        }
        out.push_str("\n}\n");
        out
    }

    /// Writes [`History::to_csv`] or, where the name ends in `.json`, [`History::to_json`]; whole or
    /// not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    #[track_caller]
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let text = match path.extension().is_some_and(|e| e == "json") {
            true => self.to_json(),
            false => self.to_csv(),
        };
        wengert_tensor::write_atomic(path, |f| f.write_all(text.as_bytes()))
    }

    /// Draws these series over the epochs, as SVG. (Feature `plot`.)
    ///
    /// # Errors
    /// If there is no such series, or the file cannot be written.
    #[cfg(feature = "plot")]
    #[track_caller]
    pub fn plot(&self, path: impl AsRef<Path>, title: &str, names: &[&str]) -> Result<()> {
        let mut curves = Vec::new();
        for name in names {
            let Some(series) = self.get(name) else {
                let all: Vec<&str> = self.names().collect();
                let value = format!("{name}, of {}", all.join(", "));
                let rule = "what is drawn is in the history";
                let e = crate::Error::invalid("History::plot", "name", value, rule);
                return Err(match wengert_tensor::nearest(name, all) {
                    Some(near) => e.or_hint(format!("did you mean {near}?")),
                    None => e,
                });
            };
            curves.push((*name, series));
        }
        let first = self.epochs.first().copied().unwrap_or(1) as f64;
        crate::plot::curves_from(path.as_ref(), title, ("epoch", ""), first, &curves)
    }
}

fn json_string(s: &str) -> String {
    let mut out = String::from("\"");
    for c in s.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
