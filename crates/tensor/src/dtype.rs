//! Element types: the closed set of them and what each can do.

use std::fmt;

use crate::kernels::{optim, tables};

/// The type of a tensor's elements, as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
// The low digit is the size, so that asking for it is one operation.
pub enum DType {
    /// 32-bit float.
    F32 = 0x04,
    /// 64-bit float.
    F64 = 0x18,
    /// 64-bit signed integer; indices are of this type.
    I64 = 0x28,
    /// 32-bit signed integer.
    I32 = 0x34,
    /// 8-bit unsigned integer.
    U8 = 0x41,
    /// Truth values; masks are of this type.
    Bool = 0x51,
}

impl DType {
    /// Rust's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::I64 => "i64",
            DType::I32 => "i32",
            DType::U8 => "u8",
            DType::Bool => "bool",
        }
    }

    /// Bytes of one element.
    #[inline(always)]
    pub fn size(self) -> usize {
        usize::from(self as u8 & 0xf)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for i64 {}
    impl Sealed for i32 {}
    impl Sealed for u8 {}
    impl Sealed for bool {}
}

/// A type that tensors can hold: `f32`, `f64`, `i64`, `i32`, `u8`, `bool`. Sealed.
///
/// Its kernels are compiled in this crate, not in the crates that call them.
#[diagnostic::on_unimplemented(
    message = "a tensor cannot hold `{Self}`",
    note = "tensors hold `f32`, `f64`, `i64`, `i32`, `u8` and `bool`"
)]
pub trait Element:
    sealed::Sealed
    + tables::ElementKernels
    + Copy
    + Send
    + Sync
    + fmt::Debug
    + fmt::Display
    + PartialEq
    + PartialOrd
    + Default
    + 'static
{
    /// The type as a value.
    const DTYPE: DType;
}

/// A numeric element: every one but `bool`. Sealed. Integer arithmetic wraps, as NumPy's does.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number that a tensor can calculate with",
    note = "those are `f32`, `f64`, `i64`, `i32` and `u8`; `.cast::<f32>()` converts a tensor"
)]
pub trait Num: Element + tables::NumKernels {
    /// What sums and products are held in: itself for floats and `i64`, `i64` for smaller integers.
    type Sum: Num<Sum = Self::Sum>;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The value nearest to `v`: as Rust's `as`, saturating, NaN to 0 for integers.
    fn from_f64(v: f64) -> Self;
    /// The value as `f64`, rounded where it does not fit.
    fn to_f64(self) -> f64;
}

/// A floating-point element: `f32` or `f64`. Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a floating-point type",
    note = "gradients, layers and most functions need `f32` or `f64`: write `1.0` for `1`, convert a tensor with `.cast::<f32>()`"
)]
pub trait Float:
    Num<Sum = Self>
    + tables::FloatKernels
    + optim::OptimKernels
    + crate::ops::matmul::Products
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::Neg<Output = Self>
{
    /// Not a number.
    const NAN: Self;
    /// +∞.
    const INFINITY: Self;
    /// −∞.
    const NEG_INFINITY: Self;
    /// The distance from 1 to the next larger value.
    const EPSILON: Self;
}

macro_rules! elements {
    ($($t:ident $d:ident),*) => {$(
        impl Element for $t {
            const DTYPE: DType = DType::$d;
        }
    )*};
}
elements!(f32 F32, f64 F64, i64 I64, i32 I32, u8 U8, bool Bool);

macro_rules! nums {
    ($($t:ident $sum:ident $zero:literal $one:literal),*) => {$(
        impl Num for $t {
            type Sum = $sum;
            const ZERO: Self = $zero;
            const ONE: Self = $one;
            #[inline(always)]
            fn from_f64(v: f64) -> Self {
                v as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
        }
    )*};
}
nums!(f32 f32 0.0 1.0, f64 f64 0.0 1.0, i64 i64 0 1, i32 i64 0 1, u8 i64 0 1);

macro_rules! floats {
    ($($t:ident),*) => {$(
        impl Float for $t {
            const NAN: Self = $t::NAN;
            const INFINITY: Self = $t::INFINITY;
            const NEG_INFINITY: Self = $t::NEG_INFINITY;
            const EPSILON: Self = $t::EPSILON;
        }
    )*};
}
floats!(f32, f64);
