//! The reductions themselves: what each maps an element to, and how results merge.
//!
//! Invariant: `merge` is associative but for rounding, takes NaN to NaN, and has no branch.

use super::isa::{Isa, IsaKind};
use super::math::Math;
use super::reduce::{Fold, Geometry, Order, fold, row, row_of, rows};
use super::tables::{FloatKernels, NumKernels};
use crate::dtype::{DType, Number, Scalar};

/// Conversion to the type that sums are held in.
pub(crate) trait Widen<S> {
    fn widen(self) -> S;
}
macro_rules! widen {
    ($($t:ident $s:ident)*) => {$(
        impl Widen<$s> for $t {
            #[inline(always)]
            fn widen(self) -> $s { self as $s }
        }
    )*};
}
widen!(f32 f32 f64 f64 i64 i64 i32 i64 u8 i64);

macro_rules! folds {
    ($($Name:ident<$T:ident: $Bound:path> $Acc:ty, [$($konst:tt)*] |$x:ident, $s:ident, $p:ident| $map:expr, |$a:ident, $b:ident| $merge:expr, $empty:expr;)*) => {$(
        pub(super) struct $Name<T>(std::marker::PhantomData<T>);
        impl<$T: $Bound> Fold for $Name<$T> {
            type In = $T;
            type Acc = $Acc;
            $($konst)*
            #[inline(always)]
            fn map<I: Isa>($x: $T, $s: $T, $p: f64) -> $Acc {
                let _ = ($s, $p);
                $map
            }
            #[inline(always)]
            fn merge($a: $Acc, $b: $Acc) -> $Acc {
                $merge
            }
            #[inline(always)]
            fn empty() -> $Acc {
                $empty
            }
        }
    )*};
}

/// What a maximum or a minimum of floats has beside a merge that keeps NaN.
macro_rules! numbers {
    ($T:ident $better:tt) => {
        #[inline(always)]
        fn merge_numbers(a: $T, b: $T) -> $T {
            if b $better a { b } else { a }
        }
        #[inline(always)]
        fn add(a: $T, b: $T) -> $T {
            a.add_(b)
        }
        #[inline(always)]
        #[allow(clippy::eq_op)] // of NaN alone it is false
        fn is_nan(a: $T) -> bool {
            a != a
        }
    };
}

/// That of integers, which wrap, is free.
const fn order<T: Scalar>(of_floats: Order) -> Order {
    match T::DTYPE {
        DType::F32 | DType::F64 => of_floats,
        _ => Order::Free,
    }
}

folds! {
    Sum<T: SumOf> T::Acc, [const ORDER: Order = order::<T>(Order::Fixed);] |x, s, p| x.widen(), |a, b| a.add_(b), T::Acc::ZERO;
    Prod<T: SumOf> T::Acc, [const ORDER: Order = order::<T>(Order::Fixed);] |x, s, p| x.widen(), |a, b| a.mul_(b), T::Acc::ONE;
    // Max and min of nothing are refused before they come here.
    MaxOf<T: NumKernels> T, [const ORDER: Order = order::<T>(Order::Slow); numbers!(T >);] |x, s, p| x, |a, b| a.max_(b), T::ZERO;
    MinOf<T: NumKernels> T, [const ORDER: Order = order::<T>(Order::Slow); numbers!(T <);] |x, s, p| x, |a, b| a.min_(b), T::ZERO;
    AbsSum<T: FloatKernels> T, [] |x, s, p| x.abs_(), |a, b| a + b, T::ZERO;
    AbsMax<T: FloatKernels> T, [const ORDER: Order = Order::Slow; numbers!(T >);] |x, s, p| x.abs_(), |a, b| a.max_(b), T::ZERO;
    AbsMin<T: FloatKernels> T, [const ORDER: Order = Order::Slow; numbers!(T <);] |x, s, p| x.abs_(), |a, b| a.min_(b), T::INFINITY;
    SquareSum<T: FloatKernels> T, [] |x, s, p| x * x, |a, b| a + b, T::ZERO;
    // Divided by the shift, which is never 0 here.
    ScaledSquareSum<T: FloatKernels> T, [const SHIFTED: bool = true; const COST: u32 = 5;]
        |x, s, p| (x / s) * (x / s), |a, b| a + b, T::ZERO;
    ShiftedSum<T: FloatKernels> T, [const SHIFTED: bool = true;]
        |x, s, p| x - s, |a, b| a + b, T::ZERO;
    DeviationSum<T: FloatKernels> T, [const SHIFTED: bool = true;]
        |x, s, p| (x - s) * (x - s), |a, b| a + b, T::ZERO;
    ExpSum<T: FloatKernels> T, [const SHIFTED: bool = true; const HEAVY: bool = true; const COST: u32 = 8;]
        |x, s, p| Math::exp::<I>(x - s), |a, b| a + b, T::ZERO;
    PowSum<T: FloatKernels> T, [const HEAVY: bool = true; const COST: u32 = 30;]
        |x, s, p| Math::pow::<I>(x.abs_(), T::from_f64(p)), |a, b| a + b, T::ZERO;
}

/// Numeric types that widen to their sum type.
pub(crate) trait SumOf: NumKernels + Widen<<Self as NumKernels>::Acc> {}
impl<T: NumKernels + Widen<T::Acc>> SumOf for T {}

/// Reductions of every numeric type. Sums and products are of type `T::Acc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum NumFold {
    Sum,
    Prod,
    Max,
    Min,
}

/// The reduction of a code, found as the run of an elementwise operation is (see [`family`](super::tables)): a program has
/// those that it asks for. `dst` is of the reduction's type.
pub type NumRun<T> = unsafe fn(Geometry, src: *const T, dst: *mut u8);

/// # Safety
/// As for [`fold`]; `dst` is of the reduction's type.
pub(super) unsafe fn num<F: Fold>(g: Geometry, src: *const F::In, dst: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { fold::<F>(g, src, src, 0.0, dst as *mut F::Acc) }
}

macro_rules! num_fold {
    ($t:ident, $code:expr; $($Code:ident $Fold:ident)*) => {
        match $code {
            $(NumFold::$Code => {
                static RUN: folds::NumRun<$t> = folds::num::<folds::$Fold<$t>>;
                RUN
            })*
        }
    };
    ($t:ident, $code:expr) => {
        folds::num_fold!($t, $code; Sum Sum Prod Prod Max MaxOf Min MinOf)
    };
}
pub(super) use num_fold;

/// Reductions of floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FloatFold {
    /// Σ|x|
    AbsSum,
    /// max|x|
    AbsMax,
    /// min|x|
    AbsMin,
    /// Σx²
    SquareSum,
    /// Σ(x/shift)²
    ScaledSquareSum,
    /// Σ(x − shift)
    ShiftedSum,
    /// Σ(x − shift)²
    DeviationSum,
    /// Σexp(x − shift)
    ExpSum,
    /// Σ|x|ᵖ
    PowSum,
}

/// As [`NumRun`], of floats; `shift` has one element for each of the result where the reduction takes it.
pub type FloatRun<T> = unsafe fn(Geometry, src: *const T, shift: *const T, p: f64, dst: *mut T);

macro_rules! float_fold {
    ($t:ident, $code:expr; $($Fold:ident)*) => {
        match $code {
            $(FloatFold::$Fold => {
                static RUN: folds::FloatRun<$t> = super::reduce::fold::<folds::$Fold<$t>>;
                RUN
            })*
        }
    };
    ($t:ident, $code:expr) => {
        folds::float_fold!(
            $t, $code;
            AbsSum AbsMax AbsMin SquareSum ScaledSquareSum ShiftedSum DeviationSum ExpSum PowSum
        )
    };
}
pub(super) use float_fold;

/// The sum of a row of at least one element, for kernels that reduce on the way.
///
/// # Safety
/// `x` is readable for `n` elements.
#[inline(always)]
pub(super) unsafe fn row_sum<I: Isa, T: FloatKernels>(x: *const T, n: usize) -> T {
    struct Plain<T>(std::marker::PhantomData<T>);
    impl<T: FloatKernels> Fold for Plain<T> {
        type In = T;
        type Acc = T;
        #[inline(always)]
        fn map<I: Isa>(x: T, _: T, _: f64) -> T {
            x
        }
        #[inline(always)]
        fn merge(a: T, b: T) -> T {
            a + b
        }
        #[inline(always)]
        fn empty() -> T {
            T::ZERO
        }
    }
    // SAFETY: the caller's promise.
    unsafe { row::<I, Plain<T>>(x, n, *x, 0.0) }
}

/// The maximum or the minimum of each of some rows of `n >= 1` elements; NaN where there is one.
///
/// # Safety
/// `x` is readable for `count·n` elements, and `to` writable for `count`; `isa` is of this machine.
#[inline(always)]
pub(super) unsafe fn row_extremes<T: NumKernels, const MAX: bool>(
    isa: IsaKind,
    x: *const T,
    (count, n): (usize, usize),
    to: *mut T,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if MAX {
            rows::<MaxOf<T>>(isa, x, (count, n), to)
        } else {
            rows::<MinOf<T>>(isa, x, (count, n), to)
        }
    }
}

/// The largest of a row of at least one element that is no NaN; NaN where there is none, or the first of a lane is one.
/// One instruction a vector, where a maximum that keeps NaN takes four in a chain.
///
/// # Safety
/// `x` is readable for `n` elements.
#[inline(always)]
pub(super) unsafe fn row_largest<T: FloatKernels>(x: *const T, n: usize) -> T {
    // SAFETY: the caller's promise.
    row_of(
        n,
        |i| unsafe { *x.add(i) },
        |a, b| if b > a { b } else { a },
    )
}

macro_rules! bool_folds {
    ($($Name:ident $Acc:ident |$x:ident| $map:expr, |$a:ident, $b:ident| $merge:expr, $empty:expr;)*) => {$(
        struct $Name;
        impl Fold for $Name {
            type In = bool;
            type Acc = $Acc;
            const ORDER: Order = Order::Free;
            #[inline(always)]
            fn map<I: Isa>($x: bool, _: bool, _: f64) -> $Acc {
                $map
            }
            #[inline(always)]
            fn merge($a: $Acc, $b: $Acc) -> $Acc {
                $merge
            }
            #[inline(always)]
            fn empty() -> $Acc {
                $empty
            }
        }
    )*};
}
bool_folds! {
    Any bool |x| x, |a, b| a | b, false;
    All bool |x| x, |a, b| a & b, true;
    Count i64 |x| x as i64, |a, b| a + b, 0;
}

/// Reductions of masks. The count is of type `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BoolFold {
    Any,
    All,
    Count,
}

/// # Safety
/// As for [`fold`]; `dst` is of the reduction's type.
pub(crate) unsafe fn boolean(code: BoolFold, g: Geometry, src: *const bool, dst: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe {
        match code {
            BoolFold::Any => fold::<Any>(g, src, src, 0.0, dst as *mut bool),
            BoolFold::All => fold::<All>(g, src, src, 0.0, dst as *mut bool),
            BoolFold::Count => fold::<Count>(g, src, src, 0.0, dst as *mut i64),
        }
    }
}
