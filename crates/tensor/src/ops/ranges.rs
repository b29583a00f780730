//! Tensors of evenly spaced values, and the identity.

use crate::dtype::DType;
use crate::element::{Float, Num};
use crate::error::{Error, Result};
use crate::kernels::par;
use crate::tensor::{Tensor, refuse};

/// How many values a range has: `None` where the arguments make none, `usize::MAX` where they are
/// more than could be counted, which the size check refuses.
fn arange_len<T: Num>(start: T, end: T, step: T) -> Option<usize> {
    if matches!(T::DTYPE, DType::F32 | DType::F64) {
        let (a, b, s) = (start.to_f64(), end.to_f64(), step.to_f64());
        let count = ((b - a) / s).ceil();
        let finite = a.is_finite() && b.is_finite() && s.is_finite();
        return (finite && s != 0.0 && count >= 0.0).then_some(count as usize);
    }
    // Exactly: f64 takes neighbours beyond 2^53 for one number.
    let exact = |v: T| Tensor::scalar(v).cast::<i64>().item().map(i128::from).ok();
    let (a, b, s) = (exact(start)?, exact(end)?, exact(step)?);
    if s == 0 || (b - a).signum() * s.signum() < 0 {
        return None;
    }
    let count = (b - a).unsigned_abs().div_ceil(s.unsigned_abs());
    Some(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Elements that a thread makes at a time.
const PIECE: usize = 1 << 16;

/// The elements of a piece and their numbers, of which the first is `first`. (A count in 32 bits becomes a vector of
/// floats, one in 64 does not.)
#[inline(always)]
fn numbered<T>(first: usize, part: &mut [T]) -> impl Iterator<Item = (f64, &mut T)> {
    let first = first as f64;
    let numbers = (0i32..).map(move |i| first + f64::from(i));
    numbers.zip(part)
}

/// # Making tensors: ranges and identity matrices
impl<T: Num> Tensor<T> {
    /// `start, start + step, …` up to but not including `end`, each computed as `start + i·step`
    /// (PyTorch's `arange`).
    ///
    /// # Errors
    /// If the step is 0 or leads away from `end`, something is not finite, or there are too many.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::arange(0i64, 5, 2)?.to_vec(), [0, 2, 4]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn arange(start: T, end: T, step: T) -> Result<Tensor<T>> {
        let Some(n) = arange_len(start, end, step) else {
            let value = format!("{start}, {end}, {step}");
            return Err(Error::invalid(
                "arange",
                "start, end, step",
                value,
                "finite, step != 0 and towards end",
            )
            .or_hint("a range that goes down has a negative step"));
        };
        let mut out = Tensor::try_zeros(n).map_err(|e| e.rename("arange"))?;
        par::for_rows_mut(out.as_mut_slice(), 1, PIECE, |first, part| {
            for (i, v) in numbered(first, part) {
                // Integers in their own arithmetic: f64 rounds beyond 2^53.
                *v = start.add_(T::from_f64(i).mul_(step));
            }
        });
        Ok(out)
    }

    /// The identity matrix.
    ///
    /// # Panics
    /// If the size is absurd or refused ([`Tensor::try_eye`] returns the error).
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::<f32>::eye(2).to_vec(), [1.0, 0.0, 0.0, 1.0]);
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn eye(n: usize) -> Tensor<T> {
        match Self::try_eye(n) {
            Ok(t) => t,
            Err(e) => refuse(e),
        }
    }

    /// As [`Tensor::eye`].
    ///
    /// # Errors
    /// If the size overflows or the memory is refused.
    #[track_caller]
    #[inline(never)]
    pub fn try_eye(n: usize) -> Result<Tensor<T>> {
        let mut out = Tensor::try_zeros([n, n]).map_err(|e| e.rename("eye"))?;
        for v in out.as_mut_slice().iter_mut().step_by(n.saturating_add(1)) {
            *v = T::ONE;
        }
        Ok(out)
    }

    /// `m` rows and `n` columns of zeros with ones on a diagonal: 0 is the main one, positive ones are above it (NumPy's
    /// `eye(m, n, k)`).
    ///
    /// # Errors
    /// If the size overflows or the memory is refused.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::<i64>::eye_matrix([2, 3], 1)?;
    /// assert_eq!(t, Tensor::new([[0, 1, 0], [0, 0, 1]]));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn eye_matrix([m, n]: [usize; 2], diagonal: isize) -> Result<Tensor<T>> {
        let mut out = Tensor::try_zeros([m, n]).map_err(|e| e.rename("eye_matrix"))?;
        let all = out.as_mut_slice();
        for row in 0..m {
            let column = diagonal.checked_add_unsigned(row);
            let column = column.and_then(|c| usize::try_from(c).ok());
            if let Some(c) = column.filter(|c| *c < n) {
                all[row * n + c] = T::ONE;
            }
        }
        Ok(out)
    }
}

/// # Making tensors: ranges of a given length
impl<T: Float> Tensor<T> {
    /// `n` values from `start` to `end`, both included, evenly spaced.
    ///
    /// # Errors
    /// If a bound is not finite or the size is refused.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::linspace(0.0f64, 1.0, 5)?.to_vec(), [0.0, 0.25, 0.5, 0.75, 1.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn linspace(start: T, end: T, n: usize) -> Result<Tensor<T>> {
        let (a, b) = (start.to_f64(), end.to_f64());
        if !a.is_finite() || !b.is_finite() {
            return Err(Error::invalid(
                "linspace",
                "bounds",
                format!("{start}, {end}"),
                "finite",
            ));
        }
        let mut out = Tensor::try_zeros(n).map_err(|e| e.rename("linspace"))?;
        let last = n.saturating_sub(1);
        // The difference of two finite numbers may be infinite, that of their parts is not.
        let parts = last.max(1) as f64;
        let t = match b - a {
            span if span.is_finite() => span / parts,
            _ => b / parts - a / parts,
        };
        let (end_at, half) = (last as f64, (last / 2) as f64);
        par::for_rows_mut(out.as_mut_slice(), 1, PIECE, |first, part| {
            for (i, v) in numbered(first, part) {
                // From the nearer end, so that the values are symmetric.
                let (near, far) = (a + t * i, b - t * (end_at - i));
                *v = T::from_f64(if i <= half { near } else { far });
            }
        });
        // Both are exact; the first, where they are one.
        let all = out.as_mut_slice();
        for (at, value) in [(last, end), (0, start)] {
            if let Some(v) = all.get_mut(at) {
                *v = value;
            }
        }
        Ok(out)
    }
}
