//! A tensor without its element type, which every [`Tensor`] is a name for: what does not depend on the type is here, and
//! compiled once.
//!
//! Invariant: as [`Tensor`]'s.

use crate::dtype::{DType, Element};
use crate::error::{Error, Result, Site};
use crate::kernels::drive::Operand;
use crate::layout::Layout;
use crate::memory::{AllocError, Body};
use crate::shape::{Shape, Strides};
use crate::tensor::Tensor;

/// A tensor whose element type is known at run time, as a handle of one word: what carries gradients of any type. (Where
/// the type is to be told apart, and in files, it is an [`AnyTensor`](crate::AnyTensor).)
///
/// ```
/// use wengert_tensor::{DType, Tensor};
/// let t = Tensor::new([1.0f32, 2.0]).untyped();
/// assert_eq!((t.dtype(), &t.shape()[..]), (DType::F32, &[2][..]));
/// assert!(t.clone().typed::<f64>().is_none());
/// assert_eq!(t.typed::<f32>().unwrap().to_vec(), [1.0, 2.0]);
/// ```
#[derive(Clone)]
pub struct Untyped {
    body: Body,
}

impl Untyped {
    /// As [`Tensor::try_uninit`](crate::Tensor): its elements are **not initialised**.
    #[track_caller]
    pub(crate) fn try_uninit(op: &'static str, dtype: DType, shape: Shape) -> Result<Untyped> {
        let size = |len: usize| Some((len, len.checked_mul(dtype.size())?));
        let (len, bytes) = match shape.checked_numel().and_then(size) {
            Some((len, bytes)) if bytes <= isize::MAX as usize => (len, bytes),
            _ => {
                return Err(Error::SizeOverflow {
                    site: Site::new(op),
                    shape,
                });
            }
        };
        Untyped::of_bytes(op, dtype, bytes, || Layout::contiguous(shape, len))
    }

    /// As [`Untyped::try_uninit`], of `m` rows and `n` columns.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn try_matrix(
        op: &'static str,
        dtype: DType,
        m: usize,
        n: usize,
    ) -> Result<Untyped> {
        /// Sizes whose product cannot overflow, in bytes either.
        const SHORT: usize = 1 << (usize::BITS / 2 - 4);
        if m >= SHORT || n >= SHORT {
            return Untyped::try_uninit(op, dtype, Shape::matrix(m, n));
        }
        let len = m * n;
        let layout = || Layout::contiguous(Shape::matrix(m, n), len);
        Untyped::of_bytes(op, dtype, len * dtype.size(), layout)
    }

    /// As [`Untyped::try_uninit`], of one element and no axes.
    #[track_caller]
    pub(crate) fn try_single(op: &'static str, dtype: DType) -> Result<Untyped> {
        let layout = || Layout::contiguous(Shape::new(), 1);
        Untyped::of_bytes(op, dtype, dtype.size(), layout)
    }

    #[track_caller]
    #[inline(always)]
    fn of_bytes(
        op: &'static str,
        dtype: DType,
        bytes: usize,
        layout: impl FnOnce() -> Layout,
    ) -> Result<Untyped> {
        match Body::try_new(dtype, bytes, layout) {
            Ok(body) => Ok(Untyped { body }),
            Err(e) => Err(refused(op, e)),
        }
    }

    /// As [`Untyped::try_uninit`], of the shape of `self`: nothing to be checked or computed where that is contiguous.
    #[track_caller]
    pub(crate) fn try_like(&self, op: &'static str, dtype: DType) -> Result<Untyped> {
        let size = dtype.size();
        if size > self.dtype().size() || !self.is_contiguous() {
            return Untyped::try_uninit(op, dtype, self.shape().clone());
        }
        // No larger than `self`, whose size was checked.
        let layout = || self.layout().at_start();
        Untyped::of_bytes(op, dtype, self.len() * size, layout)
    }

    /// The type of the elements.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.body.dtype()
    }

    /// The size of each axis.
    #[inline]
    pub fn shape(&self) -> &Shape {
        &self.layout().shape
    }

    /// The tensor, if it is one of `T`.
    #[inline]
    pub fn typed<T: Element>(self) -> Option<Tensor<T>> {
        (self.dtype() == T::DTYPE).then(|| Tensor::of(self))
    }

    /// Where the elements of this view lie.
    #[inline(always)]
    pub(crate) fn layout(&self) -> &Layout {
        self.body.layout()
    }

    #[inline(always)]
    pub(crate) fn strides(&self) -> &Strides {
        &self.layout().strides
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.layout().len()
    }

    #[inline(always)]
    pub(crate) fn is_contiguous(&self) -> bool {
        self.layout().is_contiguous()
    }

    /// Whether this is the only handle to its memory.
    #[inline]
    pub(crate) fn is_unique(&self) -> bool {
        self.body.is_unique()
    }

    /// Whether both are views of the same memory.
    #[inline]
    pub(crate) fn shares_memory_with(&self, other: &Untyped) -> bool {
        std::ptr::eq(self.body.as_ptr(), other.body.as_ptr())
    }

    /// Where the elements of a tensor just made begin.
    #[inline(always)]
    pub(crate) fn new_ptr(&self) -> *mut u8 {
        debug_assert_eq!(self.layout().offset, 0);
        self.body.own_ptr()
    }

    /// Where offsets count from.
    #[inline(always)]
    pub(crate) fn base(&self) -> *mut u8 {
        self.body.as_ptr()
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
    pub(crate) fn with_layout(&self, layout: Layout) -> Untyped {
        Untyped {
            body: self.body.view(layout),
        }
    }

    /// A new tensor in another shape of as many elements.
    pub(crate) fn in_shape(self, shape: Shape) -> Untyped {
        debug_assert!(self.is_contiguous() && self.layout().offset == 0);
        let len = self.len();
        Untyped {
            body: self.body.relaid(Layout::contiguous(shape, len)),
        }
    }
}

#[track_caller]
#[cold]
fn refused(op: &'static str, e: AllocError) -> Error {
    Error::OutOfMemory {
        site: Site::new(op),
        bytes: e.bytes,
    }
}
