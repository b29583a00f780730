//! Element types: the closed set of them, as values and as what a scalar of each can do. The traits that tensors are
//! bound by, which know kernels as well, are in [`element`](crate::element).

use std::fmt;

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

/// A scalar of one of the element types.
pub trait Scalar:
    sealed::Sealed
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

/// A scalar that is a number: of every type but `bool`.
pub trait Number: Scalar {
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The value nearest to `v`: as Rust's `as`, saturating, NaN to 0 for integers.
    fn from_f64(v: f64) -> Self;
    /// The value as `f64`, rounded where it does not fit.
    fn to_f64(self) -> f64;
}

/// A scalar of a floating-point type.
pub trait Real:
    Number
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
    /// The square root.
    fn sqrt(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
}

macro_rules! scalars {
    ($($t:ident $d:ident),*) => {$(
        impl Scalar for $t {
            const DTYPE: DType = DType::$d;
        }
    )*};
}
scalars!(f32 F32, f64 F64, i64 I64, i32 I32, u8 U8, bool Bool);

macro_rules! numbers {
    ($($t:ident $zero:literal $one:literal),*) => {$(
        impl Number for $t {
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
numbers!(f32 0.0 1.0, f64 0.0 1.0, i64 0 1, i32 0 1, u8 0 1);

macro_rules! reals {
    ($($t:ident),*) => {$(
        impl Real for $t {
            const NAN: Self = $t::NAN;
            const INFINITY: Self = $t::INFINITY;
            const NEG_INFINITY: Self = $t::NEG_INFINITY;
            const EPSILON: Self = $t::EPSILON;
            #[inline(always)]
            fn sqrt(self) -> Self {
                self.sqrt()
            }
            #[inline(always)]
            fn abs(self) -> Self {
                self.abs()
            }
        }
    )*};
}
reals!(f32, f64);
