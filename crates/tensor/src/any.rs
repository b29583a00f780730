//! The type-erased tensor, which every [`Tensor`] wraps: what does not depend on the element type is here, and compiled once.
//!
//! Invariant: as [`Tensor`]'s.

use std::fmt;

use crate::dtype::DType;
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result, Site};
use crate::kernels::strided::Operand;
use crate::layout::Layout;
use crate::memory::{AllocError, TensorImpl};
use crate::shape::{Shape, Strides};
use crate::tensor::Tensor;

/// A tensor whose element type is known at run time: an entry of a file or of a state, a gradient of any type. A handle
/// of one word that shares its memory with the [`Tensor`] it comes from.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::tensor::AnyTensor;
/// let any = AnyTensor::from(Tensor::new([1.0f32, 2.0]));
/// assert_eq!((any.dtype(), &any.shape()[..]), (DType::F32, &[2][..]));
/// assert_eq!(any.downcast::<f32>()?.to_vec(), [1.0, 2.0]);
/// assert!(any.downcast::<i64>().is_err());
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone)]
pub struct AnyTensor {
    inner: TensorImpl,
}

impl AnyTensor {
    /// As [`Tensor::try_uninit`](crate::Tensor): its elements are **not initialised**.
    #[track_caller]
    pub(crate) fn try_uninit(op: &'static str, dtype: DType, shape: Shape) -> Result<AnyTensor> {
        let size = |len: usize| Some((len, len.checked_mul(dtype.size())?));
        let (len, bytes) = match shape.checked_numel().and_then(size) {
            Some((len, bytes)) if bytes <= isize::MAX as usize => (len, bytes),
            _ => {
                return Err(Site::new(op).error(ErrorKind::SizeOverflow { shape }));
            }
        };
        AnyTensor::of_bytes(op, dtype, bytes, || Layout::contiguous(shape, len))
    }

    /// As [`AnyTensor::try_uninit`], of `m` rows and `n` columns.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn try_matrix(
        op: &'static str,
        dtype: DType,
        m: usize,
        n: usize,
    ) -> Result<AnyTensor> {
        /// Sizes whose product cannot overflow, in bytes either.
        const SHORT: usize = 1 << (usize::BITS / 2 - 4);
        if m >= SHORT || n >= SHORT {
            return AnyTensor::try_uninit(op, dtype, Shape::matrix(m, n));
        }
        let len = m * n;
        let layout = || Layout::contiguous(Shape::matrix(m, n), len);
        AnyTensor::of_bytes(op, dtype, len * dtype.size(), layout)
    }

    /// As [`AnyTensor::try_uninit`], of one element and no axes.
    #[track_caller]
    pub(crate) fn try_single(op: &'static str, dtype: DType) -> Result<AnyTensor> {
        let layout = || Layout::contiguous(Shape::new(), 1);
        AnyTensor::of_bytes(op, dtype, dtype.size(), layout)
    }

    #[track_caller]
    #[inline(always)]
    fn of_bytes(
        op: &'static str,
        dtype: DType,
        bytes: usize,
        layout: impl FnOnce() -> Layout,
    ) -> Result<AnyTensor> {
        match TensorImpl::try_new(dtype, bytes, layout) {
            Ok(inner) => Ok(AnyTensor { inner }),
            Err(e) => Err(refused(op, e)),
        }
    }

    /// As [`AnyTensor::try_uninit`], of the shape of `self`: nothing to be checked or computed where that is contiguous.
    #[track_caller]
    pub(crate) fn try_like(&self, op: &'static str, dtype: DType) -> Result<AnyTensor> {
        let size = dtype.size();
        if size > self.dtype().size() || !self.is_contiguous() {
            return AnyTensor::try_uninit(op, dtype, self.shape().clone());
        }
        // No larger than `self`, whose size was checked.
        let layout = || self.layout().at_start();
        AnyTensor::of_bytes(op, dtype, self.len() * size, layout)
    }

    /// The type of the elements.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.inner.dtype()
    }

    /// The size of each axis.
    #[inline]
    pub fn shape(&self) -> &Shape {
        &self.layout().shape
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.layout().len()
    }

    /// Whether there are no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tensor, sharing its memory, if its elements are of type `T`.
    ///
    /// # Errors
    /// If they are of another type.
    #[track_caller]
    pub fn downcast<T: Element>(&self) -> Result<Tensor<T>> {
        if self.dtype() == T::DTYPE {
            return Ok(Tensor::of(self.clone()));
        }
        Err(self.not_of(T::DTYPE))
    }

    #[track_caller]
    #[cold]
    fn not_of(&self, dtype: DType) -> Error {
        Site::new("downcast")
            .operand("self", self.dtype(), self.shape())
            .hint(format!("downcast::<{}>() and then cast()", self.dtype()))
            .error(ErrorKind::InvalidArgument {
                name: "T",
                value: dtype.to_string(),
                rule: "T is the tensor's own type",
            })
    }

    /// As [`AnyTensor::downcast`], giving up this handle: `None` if the elements are of another type.
    #[inline]
    pub fn into_tensor<T: Element>(self) -> Option<Tensor<T>> {
        (self.dtype() == T::DTYPE).then(|| Tensor::of(self))
    }

    /// Every element as another type, as [`Tensor::cast`].
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::tensor::AnyTensor;
    /// let any = AnyTensor::from(Tensor::new([1.5f64, -2.0])).cast(DType::F32);
    /// assert_eq!(any.downcast::<f32>()?.to_vec(), [1.5, -2.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn cast(&self, dtype: DType) -> AnyTensor {
        match dtype {
            DType::F32 => self.cast_to::<f32>().into_any(),
            DType::F64 => self.cast_to::<f64>().into_any(),
            DType::I64 => self.cast_to::<i64>().into_any(),
            DType::I32 => self.cast_to::<i32>().into_any(),
            DType::U8 => self.cast_to::<u8>().into_any(),
            DType::Bool => self.cast_to::<bool>().into_any(),
        }
    }

    /// A tensor of type `T` of these values, converted as [`Tensor::cast`] does; of the type it is, it shares the memory.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::tensor::AnyTensor;
    /// let any = AnyTensor::from(Tensor::new([1i64, 2]));
    /// assert_eq!(any.cast_to::<f32>().to_vec(), [1.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn cast_to<T: Element>(&self) -> Tensor<T> {
        with_type!(self, t => t.cast::<T>())
    }

    /// The tensor of a type that `match_dtype!` has found to be its own.
    #[doc(hidden)]
    pub fn typed<T: Element>(&self) -> Tensor<T> {
        self.clone()
            .into_tensor()
            .unwrap_or_else(Tensor::placeholder)
    }

    /// Where the elements of this view lie.
    #[inline(always)]
    pub(crate) fn layout(&self) -> &Layout {
        self.inner.layout()
    }

    #[inline(always)]
    pub(crate) fn strides(&self) -> &Strides {
        &self.layout().strides
    }

    #[inline(always)]
    pub(crate) fn is_contiguous(&self) -> bool {
        self.layout().is_contiguous()
    }

    /// Whether this is the only handle to its memory.
    #[inline]
    pub(crate) fn is_unique(&self) -> bool {
        self.inner.is_unique()
    }

    /// Whether both are views of the same memory.
    #[inline]
    pub(crate) fn shares_memory_with(&self, other: &AnyTensor) -> bool {
        std::ptr::eq(self.inner.as_ptr(), other.inner.as_ptr())
    }

    /// Where the elements of a tensor just made begin.
    #[inline(always)]
    pub(crate) fn new_ptr(&self) -> *mut u8 {
        debug_assert_eq!(self.layout().offset, 0);
        self.inner.own_ptr()
    }

    /// Where offsets count from.
    #[inline(always)]
    pub(crate) fn base(&self) -> *mut u8 {
        self.inner.as_ptr()
    }

    /// The first element.
    #[inline(always)]
    pub(crate) fn first(&self) -> *mut u8 {
        // In bounds by the layout's invariant (an empty tensor's offset is not read).
        let offset = self.layout().offset.wrapping_mul(self.dtype().size());
        self.base().wrapping_add(offset)
    }

    #[inline(always)]
    pub(crate) fn operand<'a>(&self, strides: &'a [isize]) -> Operand<'a> {
        Operand {
            ptr: self.first(),
            size: self.dtype().size(),
            strides,
        }
    }

    /// Another view of the same memory, within which it must lie.
    pub(crate) fn with_layout(&self, layout: Layout) -> AnyTensor {
        AnyTensor {
            inner: self.inner.view(layout),
        }
    }

    /// A new tensor in another shape of as many elements.
    pub(crate) fn in_shape(self, shape: Shape) -> AnyTensor {
        debug_assert!(self.is_contiguous() && self.layout().offset == 0);
        let len = self.len();
        AnyTensor {
            inner: self.inner.relaid(Layout::contiguous(shape, len)),
        }
    }
}

#[track_caller]
#[cold]
fn refused(op: &'static str, e: AllocError) -> Error {
    Site::new(op).error(ErrorKind::OutOfMemory { bytes: e.bytes })
}

/// Evaluates an expression with the tensor behind an [`AnyTensor`] under its own type.
macro_rules! with_type {
    ($any:expr, $t:ident => $body:expr) => {{
        macro_rules! typed {
            ($type:ty) => {{
                let $t = &$crate::tensor::Tensor::<$type>::of($any.clone());
                $body
            }};
        }
        match $any.dtype() {
            $crate::dtype::DType::F32 => typed!(f32),
            $crate::dtype::DType::F64 => typed!(f64),
            $crate::dtype::DType::I64 => typed!(i64),
            $crate::dtype::DType::I32 => typed!(i32),
            $crate::dtype::DType::U8 => typed!(u8),
            $crate::dtype::DType::Bool => typed!(bool),
        }
    }};
}
pub(crate) use with_type;

/// Evaluates an expression with the tensor of an [`AnyTensor`] under its own type, whichever it is: the expression is
/// compiled for each.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::tensor::{AnyTensor, match_dtype};
/// let any = AnyTensor::from(Tensor::new([[1i64, 2], [3, 4]]));
/// let rows = match_dtype!(any, t => t.unbind(0)?.into_iter().map(AnyTensor::from).collect::<Vec<_>>());
/// assert_eq!(rows[1].downcast::<i64>()?.to_vec(), [3, 4]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[macro_export]
macro_rules! match_dtype {
    ($any:expr, $t:ident => $body:expr) => {{
        let any: &$crate::AnyTensor = &$any;
        match any.dtype() {
            $crate::DType::F32 => {
                let $t = any.typed::<f32>();
                $body
            }
            $crate::DType::F64 => {
                let $t = any.typed::<f64>();
                $body
            }
            $crate::DType::I64 => {
                let $t = any.typed::<i64>();
                $body
            }
            $crate::DType::I32 => {
                let $t = any.typed::<i32>();
                $body
            }
            $crate::DType::U8 => {
                let $t = any.typed::<u8>();
                $body
            }
            // The last one there is.
            _ => {
                let $t = any.typed::<bool>();
                $body
            }
        }
    }};
}

impl<T: Element> From<Tensor<T>> for AnyTensor {
    #[inline]
    fn from(t: Tensor<T>) -> AnyTensor {
        t.into_any()
    }
}

impl<T: Element> From<&Tensor<T>> for AnyTensor {
    #[inline]
    fn from(t: &Tensor<T>) -> AnyTensor {
        t.clone().into_any()
    }
}

/// Of one type, shape and values; NaN equals nothing.
impl PartialEq for AnyTensor {
    fn eq(&self, other: &AnyTensor) -> bool {
        self.dtype() == other.dtype()
            && with_type!(self, a => other.clone().into_tensor().is_some_and(|b| *a == b))
    }
}

impl fmt::Debug for AnyTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_type!(self, t => fmt::Debug::fmt(t, f))
    }
}

impl fmt::Display for AnyTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_type!(self, t => fmt::Display::fmt(t, f))
    }
}
