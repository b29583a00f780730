//! The elementwise operations (the plain unary ones are in [`unary`](super::unary)): one line each, compiled here for every element type and instruction
//! set, found at run time by a code. (Generic kernels would be compiled again in every user's crate.)
//!
//! Invariant: an expression here is branch-free after inlining and makes no call, so that the loop
//! around it vectorises; NaN in gives NaN out, at every length.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::slice::{from_raw_parts, from_raw_parts_mut};

use super::arg;
use super::cast;
use super::copy;
use super::folds::{self, FloatFold, NumFold};
use super::gemm::GemmKernels;
use super::isa::{Isa, IsaKind, Kernel, dispatch};
use super::math::Math;
use super::norm::{self, Norm, NormGrad};
use super::reduce::Geometry;
use super::scan::{self, NumScan};
use super::softmax::{self, Softmax};
use super::sort;
use super::strided::{Call, Params, Run, RunFn};
use super::unary::{self, Float1, FloatClass, Num1};
use crate::dtype::{DType, Number, Real, Scalar};

/// The inputs of an operation, read at one index of `N` runs.
pub(super) trait Inputs<const N: usize>: Copy {
    /// # Safety
    /// Scalar `i` of each run is readable and of the tuple's type.
    unsafe fn read(runs: [*const u8; N], i: usize) -> Self;
}
macro_rules! inputs {
    ($($n:literal ($($t:ident $k:literal),*);)*) => {$(
        impl<$($t: Scalar),*> Inputs<$n> for ($($t,)*) {
            #[inline(always)]
            unsafe fn read(runs: [*const u8; $n], i: usize) -> Self {
                // SAFETY: the caller's promise.
                unsafe { ($(*(runs[$k] as *const $t).add(i),)*) }
            }
        }
    )*};
}
inputs! {
    1 (A 0);
    2 (A 0, B 1);
    3 (A 0, B 1, C 2);
}

/// A function from a tuple of elements to one; `p` are the operation's parameters.
pub(super) trait Fun<In, Out> {
    fn call<I: Isa>(input: In, p: Params) -> Out;
}

/// The run of every elementwise operation.
///
/// # Safety
/// For each row of the call `dst` is valid for `len` writes and each source for `len` reads; what is
/// written overlaps nothing else.
pub(super) unsafe fn exec<const N: usize, In: Inputs<N>, O: Scalar, F: Fun<In, O>>(
    isa: IsaKind,
    call: &Call<N>,
) {
    struct Loop<'a, const N: usize, In, O, F>(&'a Call<N>, PhantomData<(In, O, F)>);
    impl<const N: usize, In: Inputs<N>, O: Scalar, F: Fun<In, O>> Kernel for Loop<'_, N, In, O, F> {
        type Out = ();
        #[inline(always)]
        fn run<I: Isa>(self) {
            // A copy: the compiler need not fear that a write to `dst` changes it.
            let call = *self.0;
            for r in 0..call.rows as isize {
                // SAFETY: `exec`'s promise.
                unsafe {
                    let dst = call.dst.offset(r * call.dst_step) as *mut O;
                    let mut srcs = call.srcs;
                    for (i, s) in srcs.iter_mut().enumerate() {
                        *s = s.offset(r * call.src_steps[i]);
                        call.ask_ahead(*s, i);
                    }
                    for i in 0..call.len {
                        *dst.add(i) = F::call::<I>(In::read(srcs, i), call.params);
                    }
                }
            }
        }
    }
    dispatch(isa, Loop::<N, In, O, F>(call, PhantomData));
}

/// A function of a whole run: elements side by side, or some put right after the branch-free pass.
pub(super) trait SliceFun<T> {
    fn map<I: Isa>(src: &[T], dst: &mut [MaybeUninit<T>]);
}

/// The run of a [`SliceFun`].
///
/// # Safety
/// As [`exec`].
pub(super) unsafe fn exec_slice<T: Scalar, F: SliceFun<T>>(isa: IsaKind, call: &Call<1>) {
    struct Loop<'a, T, F>(&'a Call<1>, PhantomData<(T, F)>);
    impl<T: Scalar, F: SliceFun<T>> Kernel for Loop<'_, T, F> {
        type Out = ();
        #[inline(always)]
        fn run<I: Isa>(self) {
            let call = *self.0;
            for r in 0..call.rows as isize {
                // SAFETY: `exec`'s promise.
                let (src, dst) = unsafe {
                    let src = call.srcs[0].offset(r * call.src_steps[0]);
                    call.ask_ahead(src, 0);
                    (
                        from_raw_parts(src as *const T, call.len),
                        from_raw_parts_mut(call.dst.offset(r * call.dst_step).cast(), call.len),
                    )
                };
                F::map::<I>(src, dst);
            }
        }
    }
    dispatch(isa, Loop::<T, F>(call, PhantomData));
}

/// Writes a family: an enum of codes, and a macro of the table's name that gives the compiled run of a type and a code. A
/// line is `Name cost = |inputs; params| expression`, the cost in tenths of a nanosecond an element, or, of a function that
/// takes whole runs, `Name cost = slice map_name`, a method of [`Math`].
///
/// Each run is a static of its own. What asks for one is inlined in other crates, and what a function names goes with it:
/// kernels for every set. A static is compiled in this crate alone, and linked where it is asked for. The choice by a code is
/// always inlined, as a function of a code names all of its runs.
macro_rules! family {
    ($(#[$doc:meta])* $Code:ident $table:ident <T: $Bound:path> $n:literal $in:ty => $out:ty {
        $($Name:ident $cost:literal = $(slice $map:ident)? $(|$($x:ident),+; $p:ident| $body:expr)?;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        // The names say it; the public methods carry the docs.
        #[allow(missing_docs, clippy::enum_variant_names)]
        pub enum $Code { $($Name),* }

        impl $Code {
            pub(super) const fn run<T: $Bound>(self) -> Run<$n> {
                match self {
                    $($Code::$Name => {
                        struct F;
                        $(
                        impl<T: $Bound> Fun<$in, $out> for F {
                            #[inline(always)]
                            fn call<I: Isa>(($($x,)+): $in, $p: Params) -> $out {
                                let _ = $p;
                                $body
                            }
                        }
                        Run { func: exec::<$n, $in, $out, F>, cost: $cost }
                        )?
                        $(
                        impl<T: $Bound> SliceFun<T> for F {
                            #[inline(always)]
                            fn map<I: Isa>(src: &[T], dst: &mut [MaybeUninit<T>]) {
                                Math::$map::<I>(src, dst);
                            }
                        }
                        Run { func: exec_slice::<T, F>, cost: $cost }
                        )?
                    })*
                }
            }
        }

        family!(@macro ($) $Code $table $n $($Name)*);
    };
    (@macro ($d:tt) $Code:ident $table:ident $n:literal $($Name:ident)*) => {
        macro_rules! $table {
            ($d t:ty, $d code:expr) => {
                match $d code {
                    $($Code::$Name => {
                        static RUN: Run<$n> = $Code::$Name.run::<$d t>();
                        RUN
                    })*
                }
            };
        }
        #[allow(unused_imports)] // some families are used where they stand
        pub(super) use $table;
    };
}
pub(super) use family;

family! {
    /// Binary operations on every numeric type.
    Num2 num2 <T: NumKernels> 2 (T, T) => T {
        Add 4 = |x, y; p| x.add_(y);
        Sub 4 = |x, y; p| x.sub_(y);
        Mul 4 = |x, y; p| x.mul_(y);
        Maximum 4 = |x, y; p| x.max_(y);
        Minimum 4 = |x, y; p| x.min_(y);
        // Division by zero is refused before integers come here.
        Div 6 = |x, y; p| x.div_(y);
        Rem 10 = |x, y; p| x.rem_(y);
        Remainder 11 = |x, y; p| x.remainder_(y);
    }
}

family! {
    /// Comparisons.
    Compare compare <T: Scalar> 2 (T, T) => bool {
        Eq 4 = |x, y; p| x == y;
        Ne 4 = |x, y; p| x != y;
        Lt 4 = |x, y; p| x < y;
        Le 4 = |x, y; p| x <= y;
        Gt 4 = |x, y; p| x > y;
        Ge 4 = |x, y; p| x >= y;
    }
}

family! {
    /// Choice by a mask.
    Select select <T: Scalar> 3 (bool, T, T) => T {
        Where 5 = |c, x, y; p| if c { x } else { y };
    }
}

family! {
    /// Binary operations on floats, gradients of unary ones among them: `(y or x, dy)`.
    Float2 float2 <T: FloatKernels> 2 (T, T) => T {
        Pow 30 = |x, y; p| Math::pow::<I>(x, y);
        Atan2 15 = |y, x; p| Math::atan2::<I>(y, x);
        Hypot 8 = |x, y; p| Math::hypot::<I>(x, y);
        LogAddExp 14 = |x, y; p| {
            // Equal infinities have no difference.
            let apart = if x == y { T::ZERO } else { (x - y).abs_() };
            x.max_(y) + Math::ln_1p::<I>(Math::exp::<I>(-apart))
        };
        ExpMul 6 = |x, c; p| Math::exp::<I>(x) * c;
        SquareGrad 4 = |x, dy; p| { let half = x * dy; half + half };
        TanhGrad 5 = |y, dy; p| dy * (T::ONE - y * y);
        SigmoidGrad 5 = |y, dy; p| dy * (y * (T::ONE - y));
        SoftplusGrad 8 = |x, dy; p| dy * Math::sigmoid::<I>(x);
        LogSigmoidGrad 8 = |x, dy; p| dy * Math::sigmoid::<I>(-x);
        SiluGrad 8 = |x, dy; p| dy * Math::silu_slope::<I>(x);
        GeluGrad 12 = |x, dy; p| dy * Math::gelu_slope::<I>(x);
        GeluTanhGrad 10 = |x, dy; p| dy * Math::gelu_tanh_slope::<I>(x);
        MishGrad 10 = |x, dy; p| dy * Math::mish_slope::<I>(x);
        // Of slope p.0 below 0.
        LeakyReluGrad 4 = |x, dy; p| if x > T::ZERO { dy } else { dy * T::from_f64(p.0) };
        // Losses: (input, target), and their gradients times p.0.
        SquaredError 4 = |x, t; p| (x - t) * (x - t);
        SquaredErrorGrad 4 = |x, t; p| (x - t) * T::from_f64(p.0);
        // Huber's with delta p.0, and its gradient times p.1: of c = clamp(d, ±delta), both branches are c (d − c/2).
        HuberError 5 = |x, t; p| {
            let d = x - t;
            let c = within(d, T::from_f64(p.0));
            c * (d - c * T::from_f64(0.5))
        };
        HuberErrorGrad 5 = |x, t; p| within(x - t, T::from_f64(p.0)) * T::from_f64(p.1);
        BceError 14 = |x, t; p| {
            let low = T::from_f64(-100.0);
            let (a, b) = (Math::ln::<I>(x), Math::ln_1p::<I>(-x));
            // Comparisons with NaN are false, so NaN stays.
            let (a, b) = (if a < low { low } else { a }, if b < low { low } else { b });
            t * (b - a) - b
        };
        BceErrorGrad 8 = |x, t; p| {
            // max(x (1 − x), least); of a smaller x the product, perhaps a slow subnormal, need not be taken.
            let least = T::from_f64(1e-12);
            let near = if x < least { least } else { x };
            let slope = near * (T::ONE - near);
            (x - t) / (if slope < least { least } else { slope }) * T::from_f64(p.0)
        };
        // Of logits, with the target's part on the side where nothing cancels. What counts for nothing is 0, of an infinite
        // logit too.
        BceLogitsError 16 = |x, t; p| {
            let weight = if x > T::ZERO { T::ONE - t } else { -t };
            let line = if weight == T::ZERO { T::ZERO } else { weight * x };
            line + Math::ln_1p::<I>(Math::exp::<I>(-x.abs_()))
        };
        BceLogitsErrorGrad 9 = |x, t; p| {
            let rest = Math::sigmoid::<I>(-x.abs_());
            (if x > T::ZERO { (T::ONE - t) - rest } else { rest - t }) * T::from_f64(p.0)
        };
        // relu'(0) = 0; a NaN input has a NaN gradient.
        ReluGrad 4 = |y, dy; p| if y > T::ZERO { dy } else if y == T::ZERO { T::ZERO } else { y };
    }
}

/// `x` within ±`most`; NaN stays.
#[inline(always)]
fn within<T: FloatKernels>(x: T, most: T) -> T {
    let x = if x > most { most } else { x };
    if x < -most { -most } else { x }
}

/// Kernels of every element type.
#[doc(hidden)]
#[allow(missing_docs)]
pub trait ElementKernels: Sized {
    fn compare(code: Compare) -> Run<2>;
    fn select() -> Run<3>;
    fn copy() -> Run<1>;
    fn cast(to: DType) -> Run<1>;
    /// # Safety
    /// As for [`sort::sort`].
    unsafe fn sort(
        size: (usize, usize, usize),
        descending: bool,
        src: *const Self,
        values: *mut Self,
        indices: *mut i64,
    ) -> Result<(), usize>;
}

/// Kernels and element operations of every numeric type.
#[doc(hidden)]
#[allow(missing_docs)]
pub trait NumKernels: Number {
    /// What sums and products are held in.
    type Acc: NumKernels<Acc = Self::Acc>;
    fn num1(code: Num1) -> Run<1>;
    fn num2(code: Num2) -> Run<2>;
    fn fold(code: NumFold) -> folds::NumRun<Self>;
    /// # Safety
    /// As for [`arg::reduce`].
    unsafe fn arg(max: bool, g: Geometry, src: *const Self, dst: *mut i64);
    /// # Safety
    /// As for [`scan::scan`].
    unsafe fn scan(code: NumScan, g: Geometry, src: *const Self, dst: *mut u8);
    fn add_(self, o: Self) -> Self;
    fn sub_(self, o: Self) -> Self;
    fn mul_(self, o: Self) -> Self;
    fn div_(self, o: Self) -> Self;
    fn rem_(self, o: Self) -> Self;
    /// The remainder of the sign of `o`.
    fn remainder_(self, o: Self) -> Self;
    /// Elements within two bounds in one pass, where the bounds fit `f64`.
    fn clamp() -> Option<Run<1>>;
    fn neg_(self) -> Self;
    fn abs_(self) -> Self;
    fn sign_(self) -> Self;
    fn relu_(self) -> Self;
    fn max_(self, o: Self) -> Self;
    fn min_(self, o: Self) -> Self;
}

/// Kernels and element operations of floats.
#[doc(hidden)]
#[allow(missing_docs)]
pub trait FloatKernels: NumKernels<Acc = Self> + Real + Math + GemmKernels {
    fn float1(code: Float1) -> Run<1>;
    fn float2(code: Float2) -> Run<2>;
    fn float_class(code: FloatClass) -> Run<1>;
    fn float_fold(code: FloatFold) -> folds::FloatRun<Self>;
    /// # Safety
    /// As for [`softmax::softmax`].
    unsafe fn softmax(code: Softmax, g: Geometry, srcs: [*const Self; 2], dst: *mut Self);
    /// # Safety
    /// As for [`norm::norm`].
    unsafe fn norm(all: Norm<Self>);
    /// # Safety
    /// As for [`norm::norm_grad`].
    unsafe fn norm_grad(all: NormGrad<Self>);
    fn floor_(self) -> Self;
    fn ceil_(self) -> Self;
    fn round_(self) -> Self;
    fn trunc_(self) -> Self;
}

/// `$eq` is the type whose comparisons and conversions are those of `$t`, and `$bits` the one whose choices are, which move
/// elements whatever they are: what has the same bits is compiled once.
macro_rules! element_kernels {
    ($($t:ident $eq:ident $bits:ident,)*) => {$(
        impl ElementKernels for $t {
            #[inline(always)]
            fn compare(code: Compare) -> Run<2> {
                compare!($eq, code)
            }
            #[inline(always)]
            fn select() -> Run<3> {
                select!($bits, Select::Where)
            }
            #[inline(always)]
            fn copy() -> Run<1> {
                static RUN: Run<1> = copy::run::<{ size_of::<$t>() }>();
                RUN
            }
            #[inline(always)]
            fn cast(to: DType) -> Run<1> {
                macro_rules! to {
                    ($O:ty) => {{
                        static RUN: Run<1> = cast::run::<$eq, $O>();
                        RUN
                    }};
                }
                match to {
                    DType::F32 => to!(f32),
                    DType::F64 => to!(f64),
                    DType::I64 => to!(i64),
                    DType::I32 => to!(i32),
                    DType::U8 => to!(u8),
                    DType::Bool => to!(bool),
                }
            }
            unsafe fn sort(
                size: (usize, usize, usize),
                descending: bool,
                src: *const Self,
                values: *mut Self,
                indices: *mut i64,
            ) -> Result<(), usize> {
                // SAFETY: the caller's promise.
                unsafe { sort::sort(size, descending, src, values, indices) }
            }
        }
    )*};
}
element_kernels!(f32 f32 i32, f64 f64 i64, i64 i64 i64, i32 i32 i32, u8 u8 u8, bool u8 u8,);

macro_rules! num_tables {
    ($t:ident) => {
        #[inline(always)]
        fn num1(code: Num1) -> Run<1> {
            unary::num1!($t, code)
        }
        #[inline(always)]
        fn num2(code: Num2) -> Run<2> {
            num2!($t, code)
        }
        #[inline(always)]
        fn fold(code: NumFold) -> folds::NumRun<$t> {
            folds::num_fold!($t, code)
        }
        unsafe fn arg(max: bool, g: Geometry, src: *const Self, dst: *mut i64) {
            // SAFETY: the caller's promise.
            unsafe { arg::reduce(max, g, src, dst) }
        }
        unsafe fn scan(code: NumScan, g: Geometry, src: *const Self, dst: *mut u8) {
            // SAFETY: the caller's promise.
            unsafe { scan::scan(code, g, src, dst) }
        }
    };
}
macro_rules! int_kernels {
    ($($t:ident)*) => {$(
        impl NumKernels for $t {
            type Acc = i64;
            num_tables!($t);
            #[inline(always)]
            fn add_(self, o: Self) -> Self { self.wrapping_add(o) }
            #[inline(always)]
            fn sub_(self, o: Self) -> Self { self.wrapping_sub(o) }
            #[inline(always)]
            fn mul_(self, o: Self) -> Self { self.wrapping_mul(o) }
            #[inline(always)]
            fn div_(self, o: Self) -> Self { if o == 0 { 0 } else { self.wrapping_div(o) } }
            #[inline(always)]
            fn rem_(self, o: Self) -> Self { if o == 0 { 0 } else { self.wrapping_rem(o) } }
            #[inline(always)]
            #[allow(unused_comparisons)] // u8
            fn remainder_(self, o: Self) -> Self {
                let r = self.rem_(o);
                if r != 0 && (r < 0) != (o < 0) { r.wrapping_add(o) } else { r }
            }
            #[inline(always)]
            fn clamp() -> Option<Run<1>> { None }
            #[inline(always)]
            fn neg_(self) -> Self { self.wrapping_neg() }
            #[inline(always)]
            #[allow(unused_comparisons)] // u8
            fn abs_(self) -> Self { if self < 0 { self.wrapping_neg() } else { self } }
            #[inline(always)]
            #[allow(unused_comparisons)] // u8
            fn sign_(self) -> Self { (self > 0) as $t - (self < 0) as $t }
            #[inline(always)]
            fn relu_(self) -> Self { if self > 0 { self } else { 0 } }
            #[inline(always)]
            fn max_(self, o: Self) -> Self { if self > o { self } else { o } }
            #[inline(always)]
            fn min_(self, o: Self) -> Self { if self < o { self } else { o } }
        }
    )*};
}
int_kernels!(i64 i32 u8);

macro_rules! float_kernels {
    ($($t:ident)*) => {$(
        impl NumKernels for $t {
            type Acc = $t;
            num_tables!($t);
            #[inline(always)]
            fn add_(self, o: Self) -> Self { self + o }
            #[inline(always)]
            fn sub_(self, o: Self) -> Self { self - o }
            #[inline(always)]
            fn mul_(self, o: Self) -> Self { self * o }
            #[inline(always)]
            fn div_(self, o: Self) -> Self { self / o }
            #[inline(always)]
            fn rem_(self, o: Self) -> Self { self % o }
            // As Python's: of the sign of the divisor, 0 too.
            #[inline(always)]
            fn remainder_(self, o: Self) -> Self {
                let r = self % o;
                if r == 0.0 {
                    (0.0 as $t).copysign(o)
                } else if (r < 0.0) != (o < 0.0) {
                    r + o
                } else {
                    r
                }
            }
            #[inline(always)]
            fn clamp() -> Option<Run<1>> { Some(Self::float1(Float1::Clamp)) }
            #[inline(always)]
            fn neg_(self) -> Self { -self }
            #[inline(always)]
            fn abs_(self) -> Self { self.abs() }
            // 0 keeps its sign and NaN stays NaN.
            #[inline(always)]
            fn sign_(self) -> Self {
                if self > 0.0 { 1.0 } else if self < 0.0 { -1.0 } else { self }
            }
            // `f32::max` would lose NaN.
            #[inline(always)]
            fn relu_(self) -> Self { if self < 0.0 { 0.0 } else { self } }
            #[inline(always)]
            fn max_(self, o: Self) -> Self { if self > o || self.is_nan() { self } else { o } }
            #[inline(always)]
            fn min_(self, o: Self) -> Self { if self < o || self.is_nan() { self } else { o } }
        }
        impl FloatKernels for $t {
            #[inline(always)]
            fn float1(code: Float1) -> Run<1> {
                unary::float1!($t, code)
            }
            #[inline(always)]
            fn float2(code: Float2) -> Run<2> {
                float2!($t, code)
            }
            #[inline(always)]
            fn float_class(code: FloatClass) -> Run<1> {
                unary::float_class!($t, code)
            }
            #[inline(always)]
            fn float_fold(code: FloatFold) -> folds::FloatRun<$t> {
                folds::float_fold!($t, code)
            }
            unsafe fn softmax(code: Softmax, g: Geometry, srcs: [*const Self; 2], dst: *mut Self) {
                // SAFETY: the caller's promise.
                unsafe { softmax::softmax(code, g, srcs, dst) }
            }
            unsafe fn norm(all: Norm<Self>) {
                // SAFETY: the caller's promise.
                unsafe { norm::norm(all) }
            }
            unsafe fn norm_grad(all: NormGrad<Self>) {
                // SAFETY: the caller's promise.
                unsafe { norm::norm_grad(all) }
            }
            #[inline(always)]
            fn floor_(self) -> Self { self.floor() }
            #[inline(always)]
            fn ceil_(self) -> Self { self.ceil() }
            #[inline(always)]
            fn round_(self) -> Self { self.round_ties_even() }
            #[inline(always)]
            fn trunc_(self) -> Self { self.trunc() }
        }
    )*};
}
float_kernels!(f32 f64);

/// Logic on masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Bool2 {
    And,
    Or,
    Xor,
}

pub(crate) fn bool2(code: Bool2) -> Run<2> {
    struct And;
    struct Or;
    struct Xor;
    macro_rules! logic {
        ($($F:ident $op:tt)*) => {$(
            impl Fun<(bool, bool), bool> for $F {
                #[inline(always)]
                fn call<I: Isa>((x, y): (bool, bool), _: Params) -> bool {
                    x $op y
                }
            }
        )*};
    }
    logic!(And & Or | Xor ^);
    let func: RunFn<2> = match code {
        Bool2::And => exec::<2, (bool, bool), bool, And>,
        Bool2::Or => exec::<2, (bool, bool), bool, Or>,
        Bool2::Xor => exec::<2, (bool, bool), bool, Xor>,
    };
    Run { func, cost: 4 }
}
