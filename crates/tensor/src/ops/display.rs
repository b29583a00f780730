//! How tensors print: `Display` as NumPy does, `Debug` with type, shape and strides before it.

use std::any::Any;
use std::fmt;

use crate::dtype::DType;
use crate::element::Element;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Above this many elements, axes longer than twice [`EDGE`] show their ends only (NumPy's default).
const THRESHOLD: usize = 1000;
/// Items at either end of a shortened axis.
const EDGE: usize = 3;
/// Columns after which a row goes on in the next line (NumPy's default).
const LINE: usize = 75;

/// The indices of an axis to print; `None` stands for the dots.
fn shown(size: usize, shorten: bool) -> Vec<Option<usize>> {
    if shorten && size > 2 * EDGE {
        let tail = (size - EDGE..size).map(Some);
        (0..EDGE).map(Some).chain([None]).chain(tail).collect()
    } else {
        (0..size).map(Some).collect()
    }
}

/// The elements to print, in order.
#[inline(never)]
fn sample<T: Element>(t: &Tensor<T>, axis: usize, offset: isize, shorten: bool, out: &mut Vec<T>) {
    if axis == t.rank() {
        return out.push(t.at_offset(offset));
    }
    for i in shown(t.shape()[axis], shorten).into_iter().flatten() {
        sample(
            t,
            axis + 1,
            offset + i as isize * t.strides()[axis],
            shorten,
            out,
        );
    }
}

/// A float of either type.
#[derive(Clone, Copy)]
enum Number {
    Single(f32),
    Double(f64),
}

impl Number {
    /// The value, if it is of a floating-point type.
    fn of<T: Element>(v: &T) -> Option<Number> {
        let v = v as &dyn Any;
        let single = v.downcast_ref().map(|v| Number::Single(*v));
        single.or_else(|| v.downcast_ref().map(|v| Number::Double(*v)))
    }

    /// Its value, which is exact.
    fn value(self) -> f64 {
        match self {
            Number::Single(v) => v.into(),
            Number::Double(v) => v,
        }
    }

    /// With so many digits behind the point at most: as many as tell it from its neighbours, none of them a last zero.
    fn positional(self, digits: usize) -> String {
        let (shortest, exact) = match self {
            Number::Single(v) => (format!("{v}"), format!("{v:.digits$}")),
            Number::Double(v) => (format!("{v}"), format!("{v:.digits$}")),
        };
        let text = if fraction(&shortest).len() > digits {
            exact
        } else {
            shortest
        };
        match text.split_once('.') {
            Some((whole, fraction)) => format!("{whole}.{}", fraction.trim_end_matches('0')),
            None => format!("{text}."),
        }
    }

    /// How many digits behind the point it takes with an exponent, and how many its exponent has.
    fn scientific_digits(self, digits: usize) -> (usize, usize) {
        let (shortest, exact) = match self {
            Number::Single(v) => (format!("{v:e}"), format!("{v:.digits$e}")),
            Number::Double(v) => (format!("{v:e}"), format!("{v:.digits$e}")),
        };
        let parts = |s: &str| {
            let (mantissa, exponent) = s.split_once('e').unwrap_or((s, ""));
            let fraction = fraction(mantissa).trim_end_matches('0').len();
            (fraction, exponent.trim_start_matches('-').len())
        };
        let (fraction, exponent) = parts(&shortest);
        if fraction > digits {
            parts(&exact)
        } else {
            (fraction, exponent)
        }
    }

    /// With an exponent, and exactly so many digits.
    fn scientific(self, digits: usize, exponent_digits: usize) -> String {
        let text = format!("{:.digits$e}", self.value());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(e) => ('-', e),
            None => ('+', exponent),
        };
        let point = if mantissa.contains('.') { "" } else { "." };
        format!("{mantissa}{point}e{sign}{exponent:0>exponent_digits$}")
    }
}

/// What stands behind the point.
fn fraction(text: &str) -> &str {
    text.split_once('.').map_or("", |(_, f)| f)
}

/// Whether NumPy writes exponents: by the largest and the smallest size of those that are not 0, compared in their type.
fn has_exponents(numbers: &[Number]) -> bool {
    let single = matches!(numbers.first(), Some(Number::Single(_)));
    let sizes = numbers.iter().map(|n| n.value().abs());
    let (mut max, mut min) = (0.0, f64::INFINITY);
    for v in sizes.filter(|v| v.is_finite() && *v != 0.0) {
        (max, min) = (f64::max(max, v), f64::min(min, v));
    }
    if max == 0.0 {
        return false;
    }
    if single {
        max >= 1e6 || min < f64::from(1e-4f32) || max as f32 / min as f32 > 1e3
    } else {
        max >= 1e8 || min < 1e-4 || max / min > 1e3
    }
}

/// The texts of floats, points under each other.
fn floats(numbers: &[Number], precision: usize) -> Vec<String> {
    let finite = || numbers.iter().filter(|n| n.value().is_finite());
    let finite_text: Box<dyn Fn(Number) -> String> = if has_exponents(numbers) {
        let sizes = finite().map(|n| n.scientific_digits(precision));
        let (digits, exponent) = sizes.fold((0, 2), |(a, b), (c, d)| (a.max(c), b.max(d)));
        Box::new(move |n| n.scientific(digits, exponent))
    } else {
        let texts = finite().map(|n| n.positional(precision));
        let widest = texts.map(|t| fraction(&t).len()).max().unwrap_or(0);
        Box::new(move |n| {
            let text = n.positional(precision);
            let pad = widest - fraction(&text).len();
            text + &" ".repeat(pad)
        })
    };
    let text = |n: &Number| match n.value() {
        v if v.is_nan() => "nan".to_string(),
        v if v.is_infinite() => format!("{v}"),
        _ => finite_text(*n),
    };
    numbers.iter().map(text).collect()
}

/// The texts of the values, right-aligned.
#[inline(never)]
fn column<T: Element>(values: &[T], precision: Option<usize>) -> Vec<String> {
    let numbers: Option<Vec<Number>> = values.iter().map(Number::of).collect();
    let mut texts = match numbers {
        Some(numbers) => floats(&numbers, precision.unwrap_or(8)),
        None => values.iter().map(|v| v.to_string()).collect(),
    };
    // Truth values are as wide as `false` whether there is one or not.
    let least = if T::DTYPE == DType::Bool { 5 } else { 0 };
    let width = texts.iter().map(String::len).fold(least, usize::max);
    for s in &mut texts {
        *s = format!("{s:>width$}");
    }
    texts
}

/// Writes the axes from `axis` on, taking texts in order.
fn write_axis(
    f: &mut fmt::Formatter<'_>,
    shape: &Shape,
    axis: usize,
    shorten: bool,
    texts: &mut std::vec::IntoIter<String>,
) -> fmt::Result {
    if axis == shape.len() {
        return f.write_str(&texts.next().unwrap_or_default());
    }
    let last = axis + 1 == shape.len();
    let indent = " ".repeat(axis + 1);
    f.write_str("[")?;
    if last {
        let mut line = String::new();
        for (k, item) in shown(shape[axis], shorten).into_iter().enumerate() {
            let text = match item {
                None => "...".to_string(),
                Some(_) => texts.next().unwrap_or_default(),
            };
            // Each bracket to come takes a column.
            if k > 0 && axis + 2 + line.len() + text.len() > LINE - 1 - axis {
                write!(f, "{}\n{indent}", line.trim_end())?;
                line.clear();
            } else if k > 0 {
                line.push(' ');
            }
            line += &text;
        }
        f.write_str(&line)?;
    } else {
        for (k, item) in shown(shape[axis], shorten).into_iter().enumerate() {
            if k > 0 {
                f.write_str(&"\n".repeat(shape.len() - axis - 1))?;
                f.write_str(&indent)?;
            }
            match item {
                None => f.write_str("...")?,
                Some(_) => write_axis(f, shape, axis + 1, shorten, texts)?,
            }
        }
    }
    f.write_str("]")
}

/// As NumPy prints arrays: columns aligned, above 1000 elements the ends of each axis only. The
/// precision of the format (`{:.3}`) bounds the digits behind the point, which are 8 at most by default. Floats have
/// exponents where one is below 1e-4, from 1e8 on (`f32`: 1e6), or more than 1000 times another.
///
/// ```
/// use wengert::Tensor;
/// let t = Tensor::<f32>::new([[1.0, -2.5], [10.0, 0.125]]);
/// assert_eq!(t.to_string(), "[[ 1.    -2.5  ]\n [10.     0.125]]");
/// assert_eq!(format!("{:.1}", Tensor::<f32>::scalar(0.25)), "0.2");
/// assert_eq!(Tensor::<f64>::new([1.5, 1e4]).to_string(), "[1.5e+00 1.0e+04]");
/// assert_eq!(Tensor::<i64>::arange(0, 2000, 1)?.to_string(), "[   0    1    2 ... 1997 1998 1999]");
/// # Ok::<(), wengert::Error>(())
/// ```
impl<T: Element> fmt::Display for Tensor<T> {
    #[inline(never)]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            f.write_str("[]")?;
            return if self.rank() == 1 {
                Ok(())
            } else {
                write!(f, " (shape {})", self.shape())
            };
        }
        let shorten = self.len() > THRESHOLD;
        let mut values = Vec::new();
        sample(self, 0, 0, shorten, &mut values);
        let mut texts = column(&values, f.precision());
        if self.rank() == 0 {
            texts[0] = texts[0].trim().to_string();
        }
        write_axis(f, self.shape(), 0, shorten, &mut texts.into_iter())
    }
}

/// Type, shape and strides, then the values as `Display` has them.
///
/// ```
/// use wengert::Tensor;
/// let t = Tensor::<f32>::new([[1.0, 2.0], [3.0, 4.0]]).t()?;
/// assert_eq!(format!("{t:?}"), "Tensor f32 [2, 2] strides [1, 2]\n[[1. 3.]\n [2. 4.]]");
/// # Ok::<(), wengert::Error>(())
/// ```
impl<T: Element> fmt::Debug for Tensor<T> {
    #[inline(never)]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = if self.rank() < 2 { " " } else { "\n" };
        write!(
            f,
            "Tensor {} {} strides {}{line}",
            T::DTYPE,
            self.shape(),
            self.strides()
        )?;
        fmt::Display::fmt(self, f)
    }
}
