//! Elementwise kernels on tensors: map, zip, where, copy into a window.
//!
//! Invariant: the run given is the one compiled for the operands' types; what is written is owned alone.

use crate::any::AnyTensor;
use crate::dtype::DType;
use crate::element::{Element, Float, Num};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::kernels::strided::{self, Operand, Params, Run};
use crate::kernels::tables::{
    self, Bool2, Compare, ElementKernels, Float2, FloatKernels, Num2, NumKernels,
};
use crate::kernels::unary::Float1;
use crate::layout::Layout;
use crate::shape::{Shape, Strides};
use crate::tensor::{Tensor, refuse};

/// A unary operation into a new tensor.
#[track_caller]
#[inline(always)]
pub(crate) fn map<T: Element, O: Element>(
    run: Run<1>,
    params: Params,
    op: &'static str,
    x: &Tensor<T>,
) -> Tensor<O> {
    Tensor::of(map_any(run, params, op, x.raw(), O::DTYPE))
}

#[track_caller]
fn map_any(run: Run<1>, params: Params, op: &'static str, x: &AnyTensor, to: DType) -> AnyTensor {
    match try_map_any(run, params, op, x, to) {
        Ok(out) => out,
        Err(e) => refuse(e),
    }
}

/// As [`map`], where memory that is refused is an error.
#[track_caller]
#[inline(always)]
pub(crate) fn try_map<T: Element, O: Element>(
    run: Run<1>,
    params: Params,
    op: &'static str,
    x: &Tensor<T>,
) -> Result<Tensor<O>> {
    Ok(Tensor::of(try_map_any(run, params, op, x.raw(), O::DTYPE)?))
}

#[track_caller]
#[inline]
fn try_map_any(
    run: Run<1>,
    params: Params,
    op: &'static str,
    x: &AnyTensor,
    to: DType,
) -> Result<AnyTensor> {
    let out = x.try_like(op, to)?;
    map_into(run, params, &out, x);
    Ok(out)
}

/// Writes to `out`, which the caller owns alone and which has `x`'s shape.
#[inline]
fn map_into(run: Run<1>, params: Params, out: &AnyTensor, x: &AnyTensor) {
    let dst = (out.first(), out.dtype().size());
    // SAFETY: every caller owns `out` alone and passes the run compiled for these types; shapes agree.
    unsafe {
        if x.is_contiguous() && out.is_contiguous() {
            let src = (x.first() as *const u8, x.dtype().size(), false);
            strided::run_contiguous(run, params, x.len(), dst, [src]);
        } else {
            let (od, xd) = (out.operand(out.strides()), x.operand(x.strides()));
            strided::run(run, params, out.shape(), od, [xd]);
        }
    }
}

/// [`map`], reusing the operand's memory where it is unique (`T` to `T`).
#[track_caller]
#[inline]
pub(crate) fn map_owned<T: Element>(
    run: Run<1>,
    params: Params,
    op: &'static str,
    x: Tensor<T>,
) -> Tensor<T> {
    if x.is_unique() && x.is_contiguous() {
        map_into(run, params, x.raw(), x.raw());
        x
    } else {
        map(run, params, op, &x)
    }
}

#[track_caller]
#[cold]
fn broadcast_error(op: &'static str, a: &AnyTensor, b: &AnyTensor) -> Error {
    let (sa, sb) = (a.shape(), b.shape());
    let rank = sa.len().max(sb.len());
    let bad = (1..=rank).find(|&k| {
        let d = |s: &Shape| if k <= s.len() { s[s.len() - k] } else { 1 };
        d(sa) != d(sb) && d(sa) != 1 && d(sb) != 1
    });
    let site = Site::new(op);
    let site = match bad {
        Some(k) => site
            .operand_axis("lhs", a.dtype(), sa, sa.len() - k)
            .operand_axis("rhs", b.dtype(), sb, sb.len() - k),
        None => site
            .operand("lhs", a.dtype(), sa)
            .operand("rhs", b.dtype(), sb),
    };
    let site = if sa.len() == 1 && sb.len() > 1 && sb[0] == sa[0] {
        site.hint(format!(
            "unsqueeze(1) makes lhs [{}, 1], which broadcasts along axis 1",
            sa[0]
        ))
    } else if sb.len() == 1 && sa.len() > 1 && sa[0] == sb[0] {
        site.hint(format!(
            "unsqueeze(1) makes rhs [{}, 1], which broadcasts along axis 1",
            sb[0]
        ))
    } else {
        site
    };
    site.error(ErrorKind::Broadcast)
}

/// A binary operation with broadcasting into a new tensor.
#[track_caller]
#[inline(always)]
pub(crate) fn zip<T: Element, U: Element, O: Element>(
    run: Run<2>,
    params: Params,
    op: &'static str,
    a: &Tensor<T>,
    b: &Tensor<U>,
) -> Result<Tensor<O>> {
    let out = zip_any(run, params, op, a.raw(), b.raw(), O::DTYPE)?;
    Ok(Tensor::of(out))
}

#[track_caller]
fn zip_any(
    run: Run<2>,
    params: Params,
    op: &'static str,
    a: &AnyTensor,
    b: &AnyTensor,
    to: DType,
) -> Result<AnyTensor> {
    let out = if a.shape() == b.shape() {
        a.try_like(op, to)?
    } else {
        let Some(shape) = a.shape().broadcast(b.shape()) else {
            return Err(broadcast_error(op, a, b));
        };
        AnyTensor::try_uninit(op, to, shape)?
    };
    zip_into(run, params, &out, a, b);
    Ok(out)
}

/// Writes to `out`, which the caller owns alone and whose shape both operands broadcast to. Either
/// operand may be `out` itself.
fn zip_into(run: Run<2>, params: Params, out: &AnyTensor, a: &AnyTensor, b: &AnyTensor) {
    let whole = |x: &AnyTensor| x.is_contiguous() && x.shape() == out.shape();
    // A single element is repeated.
    let splat = |x: &AnyTensor| x.len() == 1 && out.len() != 1;
    let (wa, wb) = (whole(a), whole(b));
    // SAFETY: the caller owns `out` alone and passes the run compiled for these types; strides are
    // those of the operands broadcast to `out`'s shape.
    unsafe {
        if (wa || splat(a)) && (wb || splat(b)) && out.is_contiguous() {
            let src =
                |x: &AnyTensor, whole: bool| (x.first() as *const u8, x.dtype().size(), !whole);
            let dst = (out.first(), out.dtype().size());
            strided::run_contiguous(run, params, out.len(), dst, [src(a, wa), src(b, wb)]);
        } else {
            let sa = a.layout().broadcast_strides(out.shape());
            let sb = b.layout().broadcast_strides(out.shape());
            let srcs = [a.operand(&sa), b.operand(&sb)];
            strided::run(run, params, out.shape(), out.operand(out.strides()), srcs);
        }
    }
}

/// An operand given by value, so that its memory may be reused, or by reference.
#[doc(hidden)]
pub enum MaybeOwned<'a, T: Element> {
    /// Its memory may be reused.
    Owned(Tensor<T>),
    /// It may not.
    Ref(&'a Tensor<T>),
}

impl<T: Element> From<Tensor<T>> for MaybeOwned<'_, T> {
    fn from(t: Tensor<T>) -> Self {
        MaybeOwned::Owned(t)
    }
}

impl<'a, T: Element> From<&'a Tensor<T>> for MaybeOwned<'a, T> {
    fn from(t: &'a Tensor<T>) -> Self {
        MaybeOwned::Ref(t)
    }
}

impl<T: Element> MaybeOwned<'_, T> {
    #[inline]
    pub(crate) fn get(&self) -> &Tensor<T> {
        match self {
            MaybeOwned::Owned(t) => t,
            MaybeOwned::Ref(t) => t,
        }
    }

    #[inline]
    fn is_owned(&self) -> bool {
        matches!(self, MaybeOwned::Owned(_))
    }

    /// The tensor, or another handle to it.
    #[inline]
    pub fn into_tensor(self) -> Tensor<T> {
        match self {
            MaybeOwned::Owned(t) => t,
            MaybeOwned::Ref(t) => t.clone(),
        }
    }
}

/// [`zip`], reusing the memory of an owned operand that has the result's shape.
#[track_caller]
#[inline]
pub(crate) fn zip_owned<T: Element>(
    run: Run<2>,
    params: Params,
    op: &'static str,
    a: MaybeOwned<'_, T>,
    b: MaybeOwned<'_, T>,
) -> Result<Tensor<T>> {
    let (x, y) = (a.get(), b.get());
    match place(x.raw(), y.raw(), [a.is_owned(), b.is_owned()]) {
        Some(0) => {
            zip_into(run, params, x.raw(), x.raw(), y.raw());
            Ok(a.into_tensor())
        }
        Some(_) => {
            zip_into(run, params, y.raw(), x.raw(), y.raw());
            Ok(b.into_tensor())
        }
        None => zip(run, params, op, x, y),
    }
}

/// Which of two operands is owned, alone on memory that can take the result.
fn place(a: &AnyTensor, b: &AnyTensor, owned: [bool; 2]) -> Option<usize> {
    let fits = |t: &AnyTensor, other: &AnyTensor| {
        t.is_unique()
            && t.is_contiguous()
            && (t.shape() == other.shape()
                || t.shape().broadcast(other.shape()).as_ref() == Some(t.shape()))
    };
    if owned[0] && fits(a, b) {
        Some(0)
    } else if owned[1] && fits(b, a) {
        Some(1)
    } else {
        None
    }
}

/// Element by element, `a` where `mask` is true and `b` elsewhere, all three broadcast.
#[track_caller]
fn select_any(run: Run<3>, mask: &AnyTensor, a: &AnyTensor, b: &AnyTensor) -> Result<AnyTensor> {
    let shape = a.shape().broadcast(b.shape());
    let Some(shape) = shape.and_then(|s| s.broadcast(mask.shape())) else {
        return Err(Site::new("where_")
            .operand("mask", DType::Bool, mask.shape())
            .operand("a", a.dtype(), a.shape())
            .operand("b", b.dtype(), b.shape())
            .error(ErrorKind::Broadcast));
    };
    let out = AnyTensor::try_uninit("where_", a.dtype(), shape)?;
    let all = [mask, a, b];
    let [sm, sa, sb] = all.map(|t| t.layout().broadcast_strides(out.shape()));
    let srcs = [mask.operand(&sm), a.operand(&sa), b.operand(&sb)];
    let (shape, dst) = (out.shape(), out.operand(out.strides()));
    // SAFETY: `out` is new; strides are those of the operands broadcast to its shape.
    unsafe { strided::run(run, Params::default(), shape, dst, srcs) };
    Ok(out)
}

/// Writes to `out` what `run` makes of each element of `x` and the scalar.
///
/// # Safety
/// The caller owns `out`, which has `x`'s shape or is `x`, alone; `scalar` is an element of `x`'s type.
unsafe fn zip_scalar_into(
    run: Run<2>,
    out: &AnyTensor,
    x: &AnyTensor,
    scalar: *const u8,
    scalar_first: bool,
) {
    let size = x.dtype().size();
    // SAFETY: the caller's promise; the scalar is one element at stride 0.
    unsafe {
        if x.is_contiguous() && out.is_contiguous() {
            let dst = (out.first(), out.dtype().size());
            let mut srcs = [(x.first() as *const u8, size, false), (scalar, size, true)];
            if scalar_first {
                srcs.reverse();
            }
            strided::run_contiguous(run, Params::default(), x.len(), dst, srcs);
        } else {
            let zero: Strides = std::iter::repeat_n(0, x.shape().len()).collect();
            let scalar = Operand {
                ptr: scalar as *mut u8,
                size,
                strides: &zero,
            };
            let mut srcs = [x.operand(x.strides()), scalar];
            if scalar_first {
                srcs.reverse();
            }
            let dst = out.operand(out.strides());
            strided::run(run, Params::default(), out.shape(), dst, srcs);
        }
    }
}

/// # Element types
impl<T: Element> Tensor<T> {
    /// A unary kernel with a scalar in its parameters, or a binary one with a splat scalar.
    #[track_caller]
    #[inline]
    pub(crate) fn zip_scalar<O: Element>(
        &self,
        run: Run<2>,
        op: &'static str,
        scalar: T,
        scalar_first: bool,
    ) -> Tensor<O> {
        let out = Tensor::<O>::uninit(op, self.shape().clone());
        let scalar = &raw const scalar as *const u8;
        // SAFETY: `out` is new and has `self`'s shape; the scalar is an element of `self`'s type.
        unsafe { zip_scalar_into(run, out.raw(), self.raw(), scalar, scalar_first) };
        out
    }

    #[track_caller]
    #[inline]
    pub(crate) fn zip_scalar_owned(
        self,
        run: Run<2>,
        op: &'static str,
        scalar: T,
        scalar_first: bool,
    ) -> Tensor<T> {
        if self.is_unique() && self.is_contiguous() {
            let scalar = &raw const scalar as *const u8;
            // SAFETY: the memory is held alone; the scalar is an element of its type.
            unsafe { zip_scalar_into(run, self.raw(), self.raw(), scalar, scalar_first) };
            self
        } else {
            self.zip_scalar(run, op, scalar, scalar_first)
        }
    }

    /// Copies `src`, broadcast to this tensor's shape, into the elements of the view that `window`
    /// takes of this tensor; this tensor's memory is made unique first.
    #[track_caller]
    pub(crate) fn write_window(&mut self, window: impl FnOnce(&Layout) -> Layout, src: &Tensor<T>) {
        self.make_unique();
        let layout = window(self.layout());
        let strides = src.layout().broadcast_strides(&layout.shape);
        let dst = Operand {
            ptr: self.ptr_at(layout.offset) as *mut u8,
            size: size_of::<T>(),
            strides: &layout.strides,
        };
        // SAFETY: the memory is unique, the window is a non-overlapping view of it, `src` is another
        // tensor (or a clone of this one, in which case `make_unique` parted them).
        unsafe {
            strided::run(
                T::copy(),
                Params::default(),
                &layout.shape,
                dst,
                [src.operand(&strides)],
            )
        };
    }

    /// Element by element, `self` where `mask` is true and `other` elsewhere, all three broadcast.
    #[track_caller]
    pub(crate) fn select_where(
        mask: &Tensor<bool>,
        a: &Tensor<T>,
        b: &Tensor<T>,
    ) -> Result<Tensor<T>> {
        let out = select_any(T::select(), mask.raw(), a.raw(), b.raw())?;
        Ok(Tensor::of(out))
    }

    #[track_caller]
    pub(crate) fn compare(
        &self,
        code: Compare,
        op: &'static str,
        other: &Tensor<T>,
    ) -> Result<Tensor<bool>> {
        zip(T::compare(code), Params::default(), op, self, other)
    }

    /// Converts every element, as Rust's `as` does (saturating, NaN to 0 for integers); to `bool`:
    /// whether it is not zero. Shares the memory where the type stays.
    #[track_caller]
    pub fn cast<U: Element>(&self) -> Tensor<U> {
        if T::DTYPE == U::DTYPE
            && let Some(same) = self.clone().same_type()
        {
            return same;
        }
        map(
            <T as ElementKernels>::cast(U::DTYPE),
            Params::default(),
            "cast",
            self,
        )
    }
}

/// # Copies
impl<T: Element> Tensor<T> {
    /// A contiguous copy in memory of its own.
    #[track_caller]
    #[inline(never)]
    pub fn copied(&self) -> Tensor<T> {
        map(T::copy(), Params::default(), "copy", self)
    }

    /// As [`Tensor::copied`], where memory that is refused is an error.
    #[track_caller]
    pub(crate) fn try_copied(&self, op: &'static str) -> Result<Tensor<T>> {
        try_map(T::copy(), Params::default(), op, self)
    }
}

impl<T: Num> Tensor<T> {
    #[track_caller]
    #[inline]
    pub(crate) fn num2(
        &self,
        code: Num2,
        op: &'static str,
        other: &Tensor<T>,
    ) -> Result<Tensor<T>> {
        Tensor::num2_owned(code, op, MaybeOwned::Ref(self), MaybeOwned::Ref(other))
    }

    /// As [`Tensor::num2`], of operands that may lend their memory.
    #[track_caller]
    #[inline]
    pub(crate) fn num2_owned(
        code: Num2,
        op: &'static str,
        a: MaybeOwned<'_, T>,
        b: MaybeOwned<'_, T>,
    ) -> Result<Tensor<T>> {
        if code == Num2::Mul
            && let Some(product) = times_one(a.get(), b.get())
        {
            return Ok(product);
        }
        zip_owned(<T as NumKernels>::num2(code), Params::default(), op, a, b)
    }
}

/// A product with one 1 repeated is the other operand, to the bit, sharing its memory: the gradient of a
/// sum makes such a product of each one before it.
#[inline]
fn times_one<T: Num>(a: &Tensor<T>, b: &Tensor<T>) -> Option<Tensor<T>> {
    let is_one = |t: &Tensor<T>| {
        t.len() > 1
            && t.strides()
                .iter()
                .zip(t.shape().iter())
                .all(|(&s, &d)| s == 0 || d == 1)
            && t.at_offset(0) == T::ONE
    };
    if a.shape() != b.shape() {
        return None;
    }
    if is_one(a) {
        Some(b.clone())
    } else if is_one(b) {
        Some(a.clone())
    } else {
        None
    }
}

impl<T: Float> Tensor<T> {
    #[track_caller]
    #[inline]
    pub(crate) fn float1(&self, code: Float1, params: Params, op: &'static str) -> Tensor<T> {
        map(<T as FloatKernels>::float1(code), params, op, self)
    }
    #[track_caller]
    #[inline]
    pub(crate) fn float2(
        &self,
        code: Float2,
        op: &'static str,
        other: &Tensor<T>,
    ) -> Result<Tensor<T>> {
        zip(
            <T as FloatKernels>::float2(code),
            Params::default(),
            op,
            self,
            other,
        )
    }
}

impl Tensor<bool> {
    #[track_caller]
    #[inline]
    pub(crate) fn bool2(
        &self,
        code: Bool2,
        op: &'static str,
        other: &Tensor<bool>,
    ) -> Result<Tensor<bool>> {
        zip(tables::bool2(code), Params::default(), op, self, other)
    }
}
