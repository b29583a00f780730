//! The confusion matrix. Invariant: it is square, and its sum is the number of answers counted.

use std::fmt;

use wengert_tensor::{Error, Float, Result, Tensor};

use super::metrics::{class_axis, classes, share};

/// How often class i was taken for class j: rows are the truth, columns the answers.
///
/// ```
/// use wengert::prelude::*;
/// let scores = Tensor::new([[2.0f32, 1.0], [0.0, 3.0], [5.0, 4.0]]);
/// let matrix = ConfusionMatrix::of(&scores, &Tensor::new([0i64, 1, 1]))?;
/// assert_eq!(matrix.counts(), [[1, 0], [1, 1]]);
/// assert_eq!(matrix.precision(0), 0.5); // of two answers "0", one was right
/// assert_eq!(matrix.recall(1), 0.5); // of two of class 1, one was found
/// assert_eq!(matrix.to_string(), "\
/// true \\ predicted    0    1  recall
///                0    1    0    1.00
///                1    1    1    0.50
///        precision 0.50 1.00  accuracy 0.6667
/// ");
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    counts: Vec<Vec<usize>>,
}

impl ConfusionMatrix {
    /// An empty matrix.
    pub fn new(classes: usize) -> ConfusionMatrix {
        ConfusionMatrix {
            counts: vec![vec![0; classes]; classes],
        }
    }

    /// The matrix of these scores `[n, classes]` and labels `[n]`.
    ///
    /// # Errors
    /// If the shapes do not fit, a label is no class, or a score is NaN.
    #[track_caller]
    pub fn of<T: Float>(
        scores: &impl AsRef<Tensor<T>>,
        labels: &Tensor<i64>,
    ) -> Result<ConfusionMatrix> {
        let scores = scores.as_ref();
        let axis = class_axis("ConfusionMatrix::of", scores.shape(), labels.shape())?;
        let mut matrix = ConfusionMatrix::new(scores.shape().get(axis).copied().unwrap_or(0));
        matrix.add(scores, labels)?;
        Ok(matrix)
    }

    /// Counts a further batch.
    ///
    /// # Errors
    /// If the shapes do not fit, a label is no class, a score is NaN, or there are more classes than the matrix
    /// has. Nothing is counted then.
    #[track_caller]
    pub fn add<T: Float>(
        &mut self,
        scores: &impl AsRef<Tensor<T>>,
        labels: &Tensor<i64>,
    ) -> Result<()> {
        let pairs = classes("ConfusionMatrix::add", scores.as_ref(), labels)?;
        let n = self.counts.len();
        if let Some((t, p)) = pairs.iter().find(|(t, p)| *t.max(p) >= n) {
            let value = format!("{}, of {n} in the matrix", t.max(p));
            let rule = "a class is below the matrix's number of classes";
            return Err(Error::invalid("ConfusionMatrix::add", "class", value, rule));
        }
        for (truth, answer) in pairs {
            self.counts[truth][answer] += 1;
        }
        Ok(())
    }

    /// The counts, `[truth][answer]`.
    pub fn counts(&self) -> &[Vec<usize>] {
        &self.counts
    }

    /// How many answers were counted.
    pub fn total(&self) -> usize {
        self.counts.iter().flatten().sum()
    }

    /// The share of right answers; NaN before the first.
    pub fn accuracy(&self) -> f64 {
        let right = (0..self.counts.len()).map(|c| self.counts[c][c]).sum();
        share(right, self.total())
    }

    /// Draws it, as SVG. (Feature `plot`.)
    ///
    /// # Errors
    /// If the file cannot be written.
    #[cfg(feature = "plot")]
    #[track_caller]
    pub fn plot(&self, path: impl AsRef<std::path::Path>, title: &str) -> Result<()> {
        crate::plot::confusion(path, title, &self.counts)
    }

    fn right(&self, class: usize) -> usize {
        let row = self.counts.get(class);
        row.and_then(|r| r.get(class)).copied().unwrap_or(0)
    }

    /// Of the answers `class`, the share that was right; NaN where it was never the answer.
    pub fn precision(&self, class: usize) -> f64 {
        let answers = self.counts.iter().filter_map(|row| row.get(class)).sum();
        share(self.right(class), answers)
    }

    /// Of what is `class`, the share that was found; NaN where there was none.
    pub fn recall(&self, class: usize) -> f64 {
        let truths = self.counts.get(class).map_or(0, |row| row.iter().sum());
        share(self.right(class), truths)
    }

    /// The harmonic mean of precision and recall, `2·right/(answers + truths)`; NaN where the class
    /// was neither there nor an answer.
    pub fn f1(&self, class: usize) -> f64 {
        let answers: usize = self.counts.iter().filter_map(|row| row.get(class)).sum();
        let truths: usize = self.counts.get(class).map_or(0, |row| row.iter().sum());
        share(2 * self.right(class), answers + truths)
    }
}

/// A table with each class's recall at the right and its precision below.
impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEAD: &str = "true \\ predicted";
        let left = HEAD.len();
        let n = self.counts.len();
        let digits = |c: usize| c.to_string().len();
        let largest = self.counts.iter().flatten().copied().map(digits).max();
        // A share takes four places: 0.99, or "  --" where there is none.
        let width = largest.unwrap_or(1).max(digits(n)).max(4) + 1;
        let part = |x: f64| match x.is_nan() {
            true => "--".to_string(),
            false => format!("{x:.2}"),
        };
        write!(f, "{HEAD}")?;
        for c in 0..n {
            write!(f, "{c:>width$}")?;
        }
        writeln!(f, "  recall")?;
        for (c, row) in self.counts.iter().enumerate() {
            write!(f, "{c:>left$}")?;
            for count in row {
                write!(f, "{count:>width$}")?;
            }
            writeln!(f, "{:>8}", part(self.recall(c)))?;
        }
        write!(f, "{:>left$}", "precision")?;
        for c in 0..n {
            write!(f, "{:>width$}", part(self.precision(c)))?;
        }
        writeln!(f, "  accuracy {:.4}", self.accuracy())
    }
}
