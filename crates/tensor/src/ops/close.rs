//! Comparing tensors up to a tolerance, with a report of the worst element.

use std::fmt;

use crate::element::{Float, Num};
use crate::error::{ErrorKind, Result, Site};
use crate::tensor::Tensor;

/// How far apart two numbers may be: `|a - b| <= atol + rtol·|b|`, `b` being the expected one.
///
/// The default is NumPy's and PyTorch's, `rtol` 1e-5 and `atol` 1e-8, NaN equal to nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Allowed difference in parts of the expected value.
    pub rtol: f64,
    /// Allowed difference besides.
    pub atol: f64,
    /// Whether NaN counts as equal to NaN.
    pub equal_nan: bool,
}

impl Default for Tolerance {
    fn default() -> Self {
        Tolerance {
            rtol: 1e-5,
            atol: 1e-8,
            equal_nan: false,
        }
    }
}

impl Tolerance {
    /// These two tolerances, NaN equal to nothing.
    pub fn new(rtol: f64, atol: f64) -> Tolerance {
        Tolerance {
            rtol,
            atol,
            equal_nan: false,
        }
    }

    /// With NaN equal to NaN, or not.
    pub fn equal_nan(mut self, equal: bool) -> Tolerance {
        self.equal_nan = equal;
        self
    }

    /// The excess of a difference over what is allowed, in units of that; `None` where the two are close.
    /// A NaN or an infinity that the other is not exceeds without bound.
    fn excess(&self, a: f64, b: f64) -> Option<f64> {
        if a == b || (self.equal_nan && a.is_nan() && b.is_nan()) {
            return None;
        }
        if !a.is_finite() || !b.is_finite() {
            return Some(f64::INFINITY);
        }
        let difference = (a - b).abs();
        self.exceeded(difference, b)
            .then_some(difference / self.allowed(b))
    }

    fn allowed(&self, b: f64) -> f64 {
        self.atol + self.rtol * b.abs()
    }

    fn exceeded(&self, difference: f64, b: f64) -> bool {
        difference > self.allowed(b)
    }
}

/// The element that is furthest outside the tolerance.
#[derive(Clone, Debug, PartialEq)]
pub struct WorstElement {
    /// Its index, one number an axis.
    pub index: Vec<usize>,
    /// Its value in the first tensor.
    pub actual: f64,
    /// Its value in the second.
    pub expected: f64,
    /// What the two may differ by.
    pub allowed: f64,
}

/// What [`Tensor::closeness`] found; prints as a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Closeness {
    /// How many elements were compared.
    pub elements: usize,
    /// How many are outside the tolerance.
    pub mismatches: usize,
    /// The worst of these: the difference is the largest multiple of what is allowed; the first at ties.
    pub worst: Option<WorstElement>,
}

impl Closeness {
    /// Whether every element is within the tolerance.
    pub fn is_close(&self) -> bool {
        self.mismatches == 0
    }
}

impl fmt::Display for Closeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(w) = &self.worst else {
            return write!(f, "all of {} elements are close", self.elements);
        };
        write!(
            f,
            "{} of {} elements differ; the worst at {:?}: {}, expected {} (they differ by {}, allowed is {})",
            self.mismatches,
            self.elements,
            w.index,
            w.actual,
            w.expected,
            (w.actual - w.expected).abs(),
            w.allowed
        )
    }
}

/// # Comparisons and choice: closeness
impl<T: Num> Tensor<T> {
    /// Compares with an expected tensor, element by element: `|a - b| <= atol + rtol·|b|`.
    /// Infinities are close to themselves alone, NaN to NaN where the tolerance says so. The
    /// comparison is made in `f64`.
    ///
    /// # Shapes
    /// Both have the same shape: nothing is broadcast.
    ///
    /// # Errors
    /// If the shapes differ, or a tolerance is negative or NaN.
    ///
    /// ```
    /// use wengert::Tensor;
    /// use wengert::tensor::Tolerance;
    /// let a = Tensor::new([1.0f64, 2.0, 3.5]);
    /// let report = a.closeness(&Tensor::new([1.0, 2.0, 3.0]), Tolerance::default())?;
    /// assert_eq!(report.mismatches, 1);
    /// assert_eq!(report.worst.as_ref().map(|w| w.index.clone()), Some(vec![2]));
    /// assert!(report.to_string().starts_with("1 of 3 elements differ; the worst at [2]: 3.5, expected 3"));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn closeness(&self, expected: &Tensor<T>, tolerance: Tolerance) -> Result<Closeness> {
        self.closeness_as("closeness", expected, tolerance)
    }

    #[track_caller]
    fn pair(&self, op: &'static str, expected: &Tensor<T>) -> Site {
        self.site(op)
            .operand("expected", T::DTYPE, expected.shape())
    }

    #[track_caller]
    fn closeness_as(
        &self,
        op: &'static str,
        expected: &Tensor<T>,
        tolerance: Tolerance,
    ) -> Result<Closeness> {
        if self.shape() != expected.shape() {
            let mut site = self.pair(op, expected);
            if self.shape().broadcast(expected.shape()).is_some() {
                site = site.hint("expand() broadcasts one of them where that is meant");
            }
            return Err(site.error(ErrorKind::ShapeMismatch {
                what: "shapes differ",
                rule: "self.shape == expected.shape",
            }));
        }
        for (name, value) in [("rtol", tolerance.rtol), ("atol", tolerance.atol)] {
            if !(value >= 0.0) {
                return Err(self.pair(op, expected).error(ErrorKind::InvalidArgument {
                    name,
                    value: value.to_string(),
                    rule: "at least 0",
                }));
            }
        }
        let mut mismatches = 0;
        let mut worst: Option<(f64, usize, f64, f64)> = None;
        for (at, (a, b)) in self.iter().zip(expected.iter()).enumerate() {
            // Integers beyond 2^53 may be one number in f64 and yet differ, by 1 at least.
            let hidden = a != b && a.to_f64() == b.to_f64() && tolerance.exceeded(1.0, b.to_f64());
            let excess = match tolerance.excess(a.to_f64(), b.to_f64()) {
                Some(excess) => excess,
                None if hidden => 1.0,
                None => continue,
            };
            mismatches += 1;
            if worst.is_none_or(|(most, ..)| excess > most) {
                worst = Some((excess, at, a.to_f64(), b.to_f64()));
            }
        }
        let strides = self.shape().contiguous_strides();
        let worst = worst.map(|(_, at, actual, expected)| WorstElement {
            index: strides
                .iter()
                .zip(self.shape().iter())
                .map(|(&s, &d)| at / s as usize % d)
                .collect(),
            actual,
            expected,
            allowed: tolerance.allowed(expected),
        });
        Ok(Closeness {
            elements: self.len(),
            mismatches,
            worst,
        })
    }
}

/// # Comparisons and choice: closeness of floats
impl<T: Float> Tensor<T> {
    /// Whether every element is within a tolerance of the expected one:
    /// `|a - b| <= atol + rtol·|b|` ([`closeness`](Tensor::closeness) says which is not).
    ///
    /// # Errors
    /// If the shapes differ, or a tolerance is negative or NaN.
    ///
    /// ```
    /// use wengert::Tensor;
    /// use wengert::tensor::Tolerance;
    /// let (a, b) = (Tensor::new([1.0f32, f32::NAN]), Tensor::new([1.000001, f32::NAN]));
    /// assert!(!a.allclose(&b, Tolerance::default())?);
    /// assert!(a.allclose(&b, Tolerance::default().equal_nan(true))?);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn allclose(&self, expected: &Tensor<T>, tolerance: Tolerance) -> Result<bool> {
        let found = self.closeness_as("allclose", expected, tolerance)?;
        Ok(found.is_close())
    }
}
