//! The tensor: a handle to a view (shape, strides, offset) of a shared, copy-on-write block of memory.
//!
//! Invariant: elements reachable through the layout are initialised and are written only while the
//! block has one owner; a tensor that somebody else holds can never change under them.

use std::marker::PhantomData;

use crate::any::AnyTensor;
use crate::dtype::DType;
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result, Site};
use crate::kernels::strided::Operand;
use crate::layout::Layout;
use crate::memory;
use crate::shape::{Shape, Strides};

/// An n-dimensional array of elements of type `T`.
///
/// Cloning shares the memory; so do views ([`transpose`](Tensor::transpose),
/// [`narrow`](Tensor::narrow), …). Writing to shared memory copies it first, so no two tensors ever
/// see each other's writes.
///
/// ```
/// use wengert::Tensor;
/// let a = Tensor::<f32>::new([[1., 2.], [3., 4.]]);
/// let b = a.t()?;
/// assert_eq!((&a + &b).to_vec(), [2., 5., 5., 8.]);
/// # Ok::<(), wengert::Error>(())
/// ```
pub struct Tensor<T: Element = f32> {
    /// Of type `T`.
    any: AnyTensor,
    marker: PhantomData<T>,
}

impl<T: Element> AsRef<Tensor<T>> for Tensor<T> {
    fn as_ref(&self) -> &Tensor<T> {
        self
    }
}

impl<T: Element> Clone for Tensor<T> {
    #[inline]
    fn clone(&self) -> Self {
        Tensor::of(self.any.clone())
    }
}

/// Panics with an error's text, at the caller's line.
#[track_caller]
#[cold]
pub(crate) fn refuse(e: Error) -> ! {
    panic!("{e}")
}

/// # Shape, memory and values
impl<T: Element> Tensor<T> {
    /// A new contiguous tensor whose elements are **not initialised**: every caller in this crate
    /// writes all of them before anything reads.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn try_uninit(op: &'static str, shape: Shape) -> Result<Tensor<T>> {
        Ok(Tensor::of(AnyTensor::try_uninit(op, T::DTYPE, shape)?))
    }

    /// As [`Tensor::try_uninit`], of `m` rows and `n` columns.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn try_matrix(op: &'static str, m: usize, n: usize) -> Result<Tensor<T>> {
        Ok(Tensor::of(AnyTensor::try_matrix(op, T::DTYPE, m, n)?))
    }

    /// As [`Tensor::try_uninit`], of one element and no axes.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn try_single(op: &'static str) -> Result<Tensor<T>> {
        Ok(Tensor::of(AnyTensor::try_single(op, T::DTYPE)?))
    }

    /// As [`Tensor::try_uninit`], where the call cannot return an error.
    #[track_caller]
    #[inline]
    pub(crate) fn uninit(op: &'static str, shape: Shape) -> Tensor<T> {
        match Self::try_uninit(op, shape) {
            Ok(t) => t,
            Err(e) => refuse(e),
        }
    }

    /// `any` must be of type `T`.
    #[inline(always)]
    pub(crate) fn of(any: AnyTensor) -> Tensor<T> {
        debug_assert_eq!(any.dtype(), T::DTYPE);
        Tensor {
            any,
            marker: PhantomData,
        }
    }

    /// This tensor without its type's name.
    #[inline(always)]
    pub(crate) fn raw(&self) -> &AnyTensor {
        &self.any
    }

    /// Where the elements of this view lie.
    #[inline(always)]
    pub(crate) fn layout(&self) -> &Layout {
        self.any.layout()
    }

    /// The size of each axis.
    #[inline]
    pub fn shape(&self) -> &Shape {
        &self.layout().shape
    }

    /// The step of each axis, in elements.
    #[inline]
    pub fn strides(&self) -> &Strides {
        &self.layout().strides
    }

    /// The number of axes; 0 for a scalar.
    #[inline]
    pub fn rank(&self) -> usize {
        self.layout().rank()
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.layout().len()
    }

    /// Whether there are no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.layout().len() == 0
    }

    /// The element type as a value.
    #[inline]
    pub fn dtype(&self) -> DType {
        T::DTYPE
    }

    /// Whether the elements lie one after another in row-major order.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        self.layout().is_contiguous()
    }

    /// Whether two indices may name the same element (after `expand`, or an overlapping `unfold`).
    pub fn may_overlap(&self) -> bool {
        self.layout().may_overlap()
    }

    /// Whether this tensor is the only one on its memory, so that writing to it copies nothing.
    #[inline]
    pub fn is_unique(&self) -> bool {
        self.any.is_unique()
    }

    /// Whether both are views of the same memory.
    pub fn shares_memory_with<U: Element>(&self, other: &Tensor<U>) -> bool {
        self.any.shares_memory_with(&other.any)
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *const T {
        self.ptr_at(self.layout().offset)
    }

    /// As [`as_ptr`](Tensor::as_ptr) of a tensor just made, which is not a view.
    #[inline(always)]
    pub(crate) fn new_ptr(&self) -> *mut T {
        self.any.new_ptr().cast()
    }

    /// The element at this offset from where offsets count from.
    #[inline]
    pub(crate) fn ptr_at(&self, offset: usize) -> *const T {
        // In bounds by the layout's invariant (an empty tensor's offset is not read).
        (self.any.base() as *const T).wrapping_add(offset)
    }

    /// The element at this offset from the view's first, which must be that of an index.
    #[inline]
    pub(crate) fn at_offset(&self, offset: isize) -> T {
        debug_assert!(!self.is_empty());
        // SAFETY: the offset of an index within the shape is in bounds and initialised.
        unsafe { *self.as_ptr().offset(offset) }
    }

    #[inline]
    pub(crate) fn with_layout(&self, layout: Layout) -> Tensor<T> {
        Tensor::of(self.any.with_layout(layout))
    }

    /// A new tensor in another shape of as many elements.
    #[inline]
    pub(crate) fn in_shape(self, shape: Shape) -> Tensor<T> {
        Tensor::of(self.any.in_shape(shape))
    }

    /// The elements in row-major order, where they lie so: `None` for other layouts.
    #[inline]
    pub fn as_slice(&self) -> Option<&[T]> {
        if self.is_empty() {
            return Some(&[]);
        }
        // SAFETY: contiguous, initialised, and nobody writes while `self` is borrowed (a writer needs
        // the only handle).
        self.is_contiguous()
            .then(|| unsafe { std::slice::from_raw_parts(self.as_ptr(), self.len()) })
    }

    /// The elements in row-major order, to write to: first copied where the memory is shared or the
    /// layout is not contiguous.
    #[track_caller]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        if self.is_empty() {
            return &mut [];
        }
        self.make_unique();
        // SAFETY: contiguous and unique after `make_unique`; borrowed from `&mut self`.
        unsafe { std::slice::from_raw_parts_mut(self.as_ptr() as *mut T, self.len()) }
    }

    /// Makes this tensor contiguous and the only one on its memory.
    #[track_caller]
    #[inline]
    pub(crate) fn make_unique(&mut self) {
        if let Err(e) = self.try_make_unique("copy") {
            refuse(e);
        }
    }

    /// As [`Tensor::make_unique`], where memory that is refused is an error.
    #[track_caller]
    #[inline]
    pub(crate) fn try_make_unique(&mut self, op: &'static str) -> Result<()> {
        if self.is_contiguous() && self.any.is_unique() {
            return Ok(());
        }
        if !self.any.is_unique() {
            memory::count_copy();
        }
        *self = self.try_copied(op)?;
        Ok(())
    }

    /// This tensor as one of `U`, if `U` is `T`: for code that is generic on one side and knows the
    /// type on the other.
    #[doc(hidden)]
    #[inline]
    pub fn same_type<U: Element>(self) -> Option<Tensor<U>> {
        self.any.into_tensor()
    }

    /// This tensor as one whose type is known at run time.
    #[inline(always)]
    pub fn into_any(self) -> AnyTensor {
        self.any
    }

    /// A tensor to stand in while the real one is taken out.
    pub(crate) fn placeholder() -> Tensor<T> {
        Tensor::uninit("placeholder", Shape::from_slice(&[0]))
    }

    /// This tensor if it is contiguous (sharing its memory), else a contiguous copy.
    #[track_caller]
    #[inline(never)]
    pub fn contiguous(&self) -> Tensor<T> {
        if self.is_contiguous() {
            self.clone()
        } else {
            self.copied()
        }
    }

    /// The elements in row-major order.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([[1i64, 2], [3, 4]]).t()?.to_vec(), [1, 3, 2, 4]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn to_vec(&self) -> Vec<T> {
        match self.try_vec("to_vec") {
            Ok(v) => v,
            Err(e) => refuse(e),
        }
    }

    /// As [`Tensor::to_vec`], where memory that is refused is an error.
    #[track_caller]
    #[inline(never)]
    pub(crate) fn try_vec(&self, op: &'static str) -> Result<Vec<T>> {
        let t = self.try_contiguous(op)?;
        let values = t.as_slice().unwrap_or(&[]);
        let mut out = self.try_list(op, values.len())?;
        out.extend_from_slice(values);
        Ok(out)
    }

    /// A vector with room for `len` items, made for a call on this tensor: `Vec`'s own growth aborts
    /// where memory is refused.
    #[track_caller]
    pub(crate) fn try_list<X>(&self, op: &'static str, len: usize) -> Result<Vec<X>> {
        let mut out = Vec::new();
        match out.try_reserve_exact(len) {
            Ok(()) => Ok(out),
            Err(_) => Err(self.site(op).error(ErrorKind::OutOfMemory {
                bytes: len.saturating_mul(size_of::<X>()),
            })),
        }
    }

    /// The only element of a tensor of one element.
    ///
    /// # Errors
    /// If there is not exactly one.
    #[track_caller]
    #[inline(never)]
    pub fn item(&self) -> Result<T> {
        if self.len() == 1 {
            // SAFETY: one element, initialised, in bounds.
            return Ok(unsafe { *self.as_ptr() });
        }
        Err(Site::new("item")
            .operand("self", T::DTYPE, self.shape())
            .hint(
                "sum_all(), mean_all() and their like reduce to one element; get() takes an index",
            )
            .error(ErrorKind::Rank {
                expected: "a tensor of one element",
                rank: self.rank(),
                rule: "self.len() == 1",
            }))
    }

    #[inline]
    pub(crate) fn operand<'a>(&self, strides: &'a [isize]) -> Operand<'a> {
        Operand {
            ptr: self.as_ptr() as *mut u8,
            size: size_of::<T>(),
            strides,
        }
    }
}
