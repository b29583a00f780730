//! Making tensors: from nested arrays, from a vector and a shape, filled.

use crate::element::{Element, Num};
use crate::error::{ErrorKind, Result, Site};
use crate::kernels::strided::{self, Params};
use crate::ops::reduce::certain;
use crate::shape::{IntoShape, Shape};
use crate::tensor::{Tensor, refuse};

/// Values that have a shape of their own: a scalar, a (nested) array, slice or vector.
///
/// Sealed in effect: every implementation is here.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not make a tensor of `{T}`",
    note = "values are numbers of one type, or (nested) arrays, slices or vectors of them: `[[1.0, 2.0], [3.0, 4.0]]`; `Tensor::from_vec(values, shape)` takes the shape apart"
)]
pub trait Nested<T: Element> {
    /// The shape, from the first item down.
    #[doc(hidden)]
    fn nested_shape(&self, shape: &mut Vec<usize>);
    /// Appends the values in row-major order; `false` where an item's shape differs from `shape`.
    #[doc(hidden)]
    fn nested_values(&self, shape: &[usize], out: &mut Vec<T>) -> bool;
}

impl<T: Element> Nested<T> for T {
    fn nested_shape(&self, _: &mut Vec<usize>) {}
    fn nested_values(&self, shape: &[usize], out: &mut Vec<T>) -> bool {
        out.push(*self);
        shape.is_empty()
    }
}
macro_rules! nested {
    ($(($($g:tt)*) $t:ty;)*) => {$(
        impl<T: Element, A: Nested<T>, $($g)*> Nested<T> for $t {
            fn nested_shape(&self, shape: &mut Vec<usize>) {
                shape.push(self.len());
                if let Some(first) = self.first() {
                    first.nested_shape(shape);
                }
            }
            fn nested_values(&self, shape: &[usize], out: &mut Vec<T>) -> bool {
                let Some((&n, rest)) = shape.split_first() else { return false };
                self.len() == n && self.iter().all(|item| item.nested_values(rest, out))
            }
        }
    )*};
}
nested! {
    (const N: usize) [A; N];
    () Vec<A>;
    () &[A];
    (const N: usize) &[A; N];
}

/// # Making tensors
impl<T: Element> Tensor<T> {
    /// A tensor of these values: a scalar, an array, nested arrays, slices or vectors.
    ///
    /// # Panics
    /// If nested vectors or slices are ragged ([`Tensor::try_new`] returns the error).
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([[1.0f32, 2.0], [3.0, 4.0]]).shape(), &[2, 2][..]);
    /// assert_eq!(Tensor::new(5i64).rank(), 0);
    /// ```
    #[track_caller]
    pub fn new(values: impl Nested<T>) -> Tensor<T> {
        match Self::try_new(values) {
            Ok(t) => t,
            Err(e) => refuse(e),
        }
    }

    /// As [`Tensor::new`].
    ///
    /// # Errors
    /// If nested vectors or slices are ragged.
    #[track_caller]
    pub fn try_new(values: impl Nested<T>) -> Result<Tensor<T>> {
        let mut shape = Vec::new();
        values.nested_shape(&mut shape);
        let mut out = Vec::new();
        // What is nested is in memory, but not all of it need be (a vector of one slice, repeated).
        let len = Shape::from_slice(&shape).checked_numel();
        if len.is_none_or(|n| out.try_reserve_exact(n).is_err()) {
            return Err(Site::new("new").error(ErrorKind::OutOfMemory {
                bytes: len.map_or(usize::MAX, |n| n.saturating_mul(size_of::<T>())),
            }));
        }
        if !values.nested_values(&shape, &mut out) {
            return Err(Site::new("new")
                .hint(format!(
                    "the first item of each level makes the shape {shape:?}"
                ))
                .error(ErrorKind::InvalidArgument {
                    name: "values",
                    value: "a ragged list".into(),
                    rule: "every nested list has the length of the first of its level",
                }));
        }
        Self::from_values("new", &out, Shape::from_slice(&shape))
    }

    /// A tensor of this shape with these values in row-major order.
    ///
    /// # Errors
    /// If there are not as many values as the shape has elements.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::from_vec(vec![1, 2, 3, 4, 5, 6i64], [2, 3])?;
    /// assert_eq!(t.shape(), &[2, 3][..]);
    /// assert!(Tensor::from_vec(vec![1, 2i64], [3]).is_err());
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn from_vec(values: Vec<T>, shape: impl IntoShape) -> Result<Tensor<T>> {
        Self::from_values("from_vec", &values, shape.into_shape())
    }

    /// As [`Tensor::from_vec`], copying a slice.
    ///
    /// # Errors
    /// If there are not as many values as the shape has elements.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let values = [1.0f32, 2.0, 3.0, 4.0];
    /// assert_eq!(Tensor::from_slice(&values[1..], [3, 1])?.to_vec(), [2.0, 3.0, 4.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn from_slice(values: &[T], shape: impl IntoShape) -> Result<Tensor<T>> {
        Self::from_values("from_slice", values, shape.into_shape())
    }

    #[track_caller]
    #[inline(never)]
    fn from_values(op: &'static str, values: &[T], shape: Shape) -> Result<Tensor<T>> {
        match shape.checked_numel() {
            None => {
                return Err(Site::new(op).error(ErrorKind::SizeOverflow { shape }));
            }
            Some(n) if n != values.len() => {
                let site = Site::new(op).hint(format!(
                    "the shape has {n} elements; [{}] has as many as there are values",
                    values.len()
                ));
                return Err(site.error(ErrorKind::DataLength {
                    len: values.len(),
                    shape,
                }));
            }
            Some(_) => {}
        }
        let out = Tensor::try_uninit(op, shape)?;
        // SAFETY: `out` is new, contiguous, of `values.len()` elements.
        unsafe {
            std::ptr::copy_nonoverlapping(values.as_ptr(), out.as_ptr() as *mut T, values.len());
        }
        Ok(out)
    }

    /// A scalar: a tensor without axes.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::scalar(2.5f32).item()?, 2.5);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn scalar(value: T) -> Tensor<T> {
        let out = certain(Self::try_single("scalar"));
        // SAFETY: `out` is new, and has one element.
        unsafe { (out.as_ptr() as *mut T).write(value) };
        out
    }

    /// Every element `value`.
    ///
    /// # Panics
    /// If the size is absurd or refused ([`Tensor::try_full`] returns the error).
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::full([2, 2], true).to_vec(), [true; 4]);
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn full(shape: impl IntoShape, value: T) -> Tensor<T> {
        match Self::try_full(shape, value) {
            Ok(t) => t,
            Err(e) => refuse(e),
        }
    }

    /// As [`Tensor::full`].
    ///
    /// # Errors
    /// If the size overflows or the memory is refused.
    #[track_caller]
    #[inline(never)]
    pub fn try_full(shape: impl IntoShape, value: T) -> Result<Tensor<T>> {
        let out = Self::try_uninit("full", shape.into_shape())?;
        let src = (&raw const value as *const u8, size_of::<T>(), true);
        // SAFETY: `out` is new and contiguous; the source is one element, splat.
        unsafe {
            if out.len() == 1 {
                (out.as_ptr() as *mut T).write(value);
            } else {
                let dst = (out.as_ptr() as *mut u8, size_of::<T>());
                strided::run_contiguous(T::copy(), Params::default(), out.len(), dst, [src]);
            }
        }
        Ok(out)
    }
}

/// # Making tensors: zeros and ones
impl<T: Num> Tensor<T> {
    /// Every element 0.
    ///
    /// # Panics
    /// If the size is absurd or refused ([`Tensor::try_zeros`] returns the error).
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::<f32>::zeros([2, 2]).to_vec(), [0.0; 4]);
    /// assert!(Tensor::<f32>::try_zeros([1 << 32, 1 << 32]).is_err());
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn zeros(shape: impl IntoShape) -> Tensor<T> {
        Self::full(shape, T::ZERO)
    }

    /// As [`Tensor::zeros`].
    ///
    /// # Errors
    /// If the size overflows or the memory is refused.
    #[track_caller]
    #[inline(never)]
    pub fn try_zeros(shape: impl IntoShape) -> Result<Tensor<T>> {
        Self::try_full(shape, T::ZERO).map_err(|e| e.rename("zeros"))
    }

    /// Every element 1.
    ///
    /// # Panics
    /// If the size is absurd or refused ([`Tensor::try_ones`] returns the error).
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::<u8>::ones(3).to_vec(), [1; 3]);
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn ones(shape: impl IntoShape) -> Tensor<T> {
        Self::full(shape, T::ONE)
    }

    /// As [`Tensor::ones`].
    ///
    /// # Errors
    /// If the size overflows or the memory is refused.
    #[track_caller]
    #[inline(never)]
    pub fn try_ones(shape: impl IntoShape) -> Result<Tensor<T>> {
        Self::try_full(shape, T::ONE).map_err(|e| e.rename("ones"))
    }

    /// Zeros of this tensor's shape.
    #[track_caller]
    pub fn zeros_like(&self) -> Tensor<T> {
        Self::zeros(self.shape())
    }

    /// Ones of this tensor's shape.
    #[track_caller]
    pub fn ones_like(&self) -> Tensor<T> {
        Self::ones(self.shape())
    }
}

impl<T: Element> PartialEq for Tensor<T> {
    /// Same shape and equal elements (so NaN equals nothing).
    fn eq(&self, other: &Self) -> bool {
        fn vec<T: Element>(t: &Tensor<T>) -> Vec<T> {
            t.to_vec()
        }
        self.shape() == other.shape()
            && match (self.as_slice(), other.as_slice()) {
                (Some(a), Some(b)) => a == b,
                _ => vec(self) == vec(other),
            }
    }
}

impl From<Shape> for Vec<usize> {
    fn from(s: Shape) -> Vec<usize> {
        s.to_vec()
    }
}
