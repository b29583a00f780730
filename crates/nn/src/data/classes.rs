//! The names of classes, and the labels that stand for them.
//!
//! Invariant: no two classes have one name, so that names and labels are one to one.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use wengert_tensor::{Error, Float, Result, Tensor, nearest};

/// The names of classes: label `i` is the `i`-th. Learned from one set, it gives the labels of others the same meaning.
///
/// As text (`to_string`, `parse`) it has one name on each line, so that it can be kept with a model.
///
/// ```
/// use wengert::nn::data::Classes;
/// let kinds = Classes::learn(["dog", "cat", "dog"]);
/// assert_eq!(kinds.names(), ["cat", "dog"]);
/// assert_eq!(kinds.labels(["dog", "dog", "cat"])?.to_vec(), [1, 1, 0]);
/// assert_eq!(kinds.name(1), Some("dog"));
/// assert_eq!(kinds.to_string().parse::<Classes>()?, kinds);
///
/// let error = kinds.labels(["cat", "dgo"]).unwrap_err().to_string();
/// assert!(error.contains("name = \"dgo\", the 2nd word") && error.contains("did you mean \"dog\"?"), "{error}");
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Classes {
    names: Vec<String>,
    labels: HashMap<String, i64>,
}

impl PartialEq for Classes {
    fn eq(&self, other: &Classes) -> bool {
        self.names == other.names
    }
}
impl Eq for Classes {}

impl Classes {
    /// Classes of these names, in this order.
    ///
    /// # Errors
    /// If a name is there twice.
    #[track_caller]
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Result<Classes> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let mut labels = HashMap::with_capacity(names.len());
        for (i, name) in names.iter().enumerate() {
            if labels.insert(name.clone(), i as i64).is_some() {
                let value = format!("{name:?}, for the second time");
                return Err(Error::invalid(
                    "Classes",
                    "name",
                    value,
                    "each name at most once",
                ));
            }
        }
        Ok(Classes { names, labels })
    }

    /// The classes that there are among these words, sorted.
    pub fn learn<'a>(words: impl IntoIterator<Item = &'a str>) -> Classes {
        let mut names: Vec<&str> = words.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        let names: Vec<String> = names.into_iter().map(String::from).collect();
        let labels = names.iter().cloned().zip(0..).collect();
        Classes { names, labels }
    }

    /// The names, by label.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of classes.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The label of a name.
    pub fn label(&self, name: &str) -> Option<i64> {
        self.labels.get(name).copied()
    }

    /// The name of a label.
    pub fn name(&self, label: i64) -> Option<&str> {
        let label = usize::try_from(label).ok()?;
        self.names.get(label).map(String::as_str)
    }

    /// The labels of words: `[n]`.
    ///
    /// # Errors
    /// If a word is none of the classes.
    #[track_caller]
    pub fn labels<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Result<Tensor<i64>> {
        let mut labels = Vec::new();
        for word in words {
            match self.label(word) {
                Some(label) => labels.push(label),
                None => {
                    let value = format!("{word:?}, the {} word", ordinal(labels.len() + 1));
                    let rule = "a word is the name of a class";
                    let error = Error::invalid("Classes::labels", "name", value, rule);
                    return Err(error.or_hint(self.hint(word)));
                }
            }
        }
        let n = labels.len();
        Tensor::from_vec(labels, [n])
    }

    /// What is wrong with a word that is no class.
    pub(super) fn unknown(&self, word: &str) -> String {
        format!(
            "{word:?} is none of the classes\n  hint  {}",
            self.hint(word)
        )
    }

    fn hint(&self, word: &str) -> String {
        const MOST: usize = 10;
        if let Some(near) = nearest(word, self.names.iter().map(String::as_str)) {
            return format!("did you mean {near:?}?");
        }
        let names: Vec<String> = self
            .names
            .iter()
            .take(MOST)
            .map(|n| format!("{n:?}"))
            .collect();
        let rest = match self.len().saturating_sub(MOST) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("the classes are {}{rest}", names.join(", "))
    }
}

fn ordinal(n: usize) -> String {
    let end = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{end}")
}

/// One name on each line; a backslash is written twice, the end of a line as `\n` or `\r`.
impl fmt::Display for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.names {
            let name = name
                .replace('\\', "\\\\")
                .replace('\n', "\\n")
                .replace('\r', "\\r");
            writeln!(f, "{name}")?;
        }
        Ok(())
    }
}

impl FromStr for Classes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Classes> {
        let mut names = Vec::new();
        for line in text.lines() {
            let (mut name, mut chars) = (String::new(), line.chars());
            while let Some(c) = chars.next() {
                name.push(match c {
                    '\\' => match chars.next() {
                        Some('n') => '\n',
                        Some('r') => '\r',
                        Some('\\') => '\\',
                        _ => {
                            let value = format!("{line:?}");
                            let rule = "a backslash stands before n, r or another backslash";
                            return Err(Error::invalid("Classes", "name", value, rule).unplaced());
                        }
                    },
                    c => c,
                });
            }
            names.push(name);
        }
        // `str::parse` knows no line of the caller.
        Classes::new(names).map_err(Error::unplaced)
    }
}

/// A weight for each class that makes rare ones count as much as frequent ones: `wᵢ = n/(k·nᵢ)` for n labels of k classes,
/// nᵢ of class i, as scikit-learn's `class_weight="balanced"`. The mean of the labels' weights is 1.
///
/// # Shapes
/// `labels [..]`, the weights `[classes]`.
///
/// # Errors
/// If a label is no class, or a class has no label.
///
/// ```
/// use wengert::Tensor;
/// use wengert::nn::data::class_weights;
/// let labels = Tensor::new([0i64, 0, 0, 1]);
/// assert_eq!(class_weights::<f64>(&labels, 2)?.to_vec(), [4.0 / 6.0, 2.0]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
#[inline(never)]
pub fn class_weights<T: Float>(labels: &Tensor<i64>, classes: usize) -> Result<Tensor<T>> {
    const OP: &str = "class_weights";
    // Of more classes than labels, one of the first has none: no more are counted.
    let counted = classes.min(labels.len().saturating_add(1));
    let mut counts = vec![0u64; counted];
    for (i, label) in labels.iter().enumerate() {
        match usize::try_from(label).ok().filter(|label| *label < classes) {
            Some(label) if label < counted => counts[label] += 1,
            Some(_) => {}
            None => {
                let value = format!("{label}, the {}, of {classes} classes", ordinal(i + 1));
                let rule = "a label is a class: 0 <= label < classes";
                return Err(Error::invalid(OP, "label", value, rule));
            }
        }
    }
    if let Some(class) = counts.iter().position(|n| *n == 0) {
        let rule = "every class has a label: the weight of one without would be infinite";
        return Err(Error::invalid(
            OP,
            "labels",
            format!("none of class {class}"),
            rule,
        ));
    }
    let all = (labels.len() as f64) / classes as f64;
    let weights = counts
        .iter()
        .map(|n| T::from_f64(all / *n as f64))
        .collect();
    Tensor::from_vec(weights, [classes])
}
