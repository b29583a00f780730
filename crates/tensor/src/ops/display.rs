//! How tensors print: `Display` as NumPy does, `Debug` with type, shape and strides before it.

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

/// The number as text, as short as reads back the same; floats with a point or an exponent.
fn number(v: f64, scientific: bool, digits: usize) -> String {
    if !v.is_finite() {
        return if v.is_nan() {
            "nan".into()
        } else {
            format!("{v}")
        };
    }
    if scientific {
        let text = format!("{v:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let given = mantissa.split_once('.').map_or(0, |(_, f)| f.len());
        let text = if given > digits {
            format!("{v:.digits$e}")
        } else {
            text.clone()
        };
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, exponent));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(e) => ('-', e),
            None => ('+', exponent),
        };
        let dot = if mantissa.contains('.') { "" } else { "." };
        return format!("{mantissa}{dot}e{sign}{exponent:0>2}");
    }
    let plain = format!("{v}");
    let given = plain.split_once('.').map_or(0, |(_, f)| f.len());
    let text = if given > digits {
        format!("{v:.digits$}")
    } else {
        plain
    };
    let text = match text.split_once('.') {
        Some((whole, fraction)) => {
            let fraction = fraction.trim_end_matches('0');
            format!("{whole}.{fraction}")
        }
        None => format!("{text}."),
    };
    if text == "-0." && v != 0.0 {
        "0.".into()
    } else {
        text
    }
}

/// The texts of the values, in one column: points under each other, right-aligned.
#[inline(never)]
fn column<T: Element>(values: &[T], precision: Option<usize>) -> Vec<String> {
    let float = matches!(T::DTYPE, DType::F32 | DType::F64);
    let mut texts: Vec<String> = if float {
        // Through the shortest text that reads back the same, so that an f32's 0.1 stays 0.1.
        let read = |v: &T| v.to_string().parse().unwrap_or(f64::NAN);
        let numbers: Vec<f64> = values.iter().map(read).collect();
        let finite = || {
            numbers
                .iter()
                .filter(|v| v.is_finite() && **v != 0.0)
                .map(|v| v.abs())
        };
        let (max, min) = (
            finite().fold(0.0, f64::max),
            finite().fold(f64::INFINITY, f64::min),
        );
        // NumPy's rule.
        let scientific = max > 0.0 && (max >= 1e8 || min < 1e-4 || max / min > 1e3 && max > 1e5);
        let digits = precision.unwrap_or(if scientific { 4 } else { 8 });
        let texts = numbers.iter().map(|v| number(*v, scientific, digits));
        let texts: Vec<String> = texts.collect();
        // Pad behind, so that the points align.
        let tail = |s: &String| s.rsplit_once('.').map_or(0, |(_, f)| f.len());
        let widest = texts.iter().map(tail).max().unwrap_or(0);
        texts
            .into_iter()
            .map(|s| {
                if s.contains('.') {
                    s.clone() + &" ".repeat(widest - tail(&s))
                } else {
                    s
                }
            })
            .collect()
    } else {
        values.iter().map(|v| v.to_string()).collect()
    };
    let width = texts.iter().map(String::len).max().unwrap_or(0);
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
    let mut used = axis + 1;
    for (k, item) in shown(shape[axis], shorten).into_iter().enumerate() {
        let text = match item {
            None => Some("...".to_string()),
            Some(_) if last => Some(texts.next().unwrap_or_default()),
            Some(_) => None,
        };
        match text {
            Some(text) if last => {
                if k > 0 && used + 1 + text.len() > LINE {
                    write!(f, "\n{indent}{text}")?;
                    used = axis + 1 + text.len();
                } else {
                    write!(f, "{}{text}", if k > 0 { " " } else { "" })?;
                    used += text.len() + usize::from(k > 0);
                }
            }
            other => {
                if k > 0 {
                    f.write_str(&"\n".repeat(shape.len() - axis - 1))?;
                    f.write_str(&indent)?;
                }
                match other {
                    Some(dots) => f.write_str(&dots)?,
                    None => write_axis(f, shape, axis + 1, shorten, texts)?,
                }
            }
        }
    }
    f.write_str("]")
}

/// As NumPy prints arrays: columns aligned, above 1000 elements the ends of each axis only. The
/// precision of the format (`{:.3}`) bounds the digits behind the point.
///
/// ```
/// use wengert::Tensor;
/// let t = Tensor::<f32>::new([[1.0, -2.5], [10.0, 0.125]]);
/// assert_eq!(t.to_string(), "[[ 1.    -2.5  ]\n [10.     0.125]]");
/// assert_eq!(format!("{:.1}", Tensor::<f32>::scalar(0.25)), "0.2");
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
