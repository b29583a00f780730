//! What the elements of a tensor may be: scalars with the kernels that are compiled for them in this crate, so that a user's
//! crate compiles none.

use crate::dtype::{Number, Real, Scalar};
use crate::kernels::ints::IntKernels;
use crate::kernels::tables::{ElementKernels, FloatKernels, NumKernels};
use crate::ops::operand::IntoOperand;

/// A type that tensors can hold: `f32`, `f64`, `i64`, `i32`, `u8`, `bool`. Sealed.
#[diagnostic::on_unimplemented(
    message = "a tensor cannot hold `{Self}`",
    note = "tensors hold `f32`, `f64`, `i64`, `i32`, `u8` and `bool`"
)]
pub trait Element: Scalar + ElementKernels {}

/// A numeric element: every one but `bool`. Sealed. Integer arithmetic wraps, as NumPy's does.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::tensor::Number;
/// fn half<T: Num>(x: T) -> T {
///     T::from_f64(x.to_f64() / 2.0)
/// }
/// assert_eq!((half(3i64), half(3.0f32)), (1, 1.5));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number that a tensor can calculate with",
    note = "those are `f32`, `f64`, `i64`, `i32` and `u8`; `.cast::<f32>()` converts a tensor"
)]
pub trait Num: Element + NumKernels<Acc = <Self as Num>::Sum> + Number + IntoOperand<Self> {
    /// What sums and products are held in: itself for floats and `i64`, `i64` for smaller integers.
    type Sum: Num<Sum = Self::Sum>;
}

/// A floating-point element: `f32` or `f64`. Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a floating-point type",
    note = "gradients, layers and most functions need `f32` or `f64`: write `1.0` for `1`, convert a tensor with `.cast::<f32>()`"
)]
pub trait Float: Num<Sum = Self> + FloatKernels + Real {}

/// An integer element: `i64`, `i32` or `u8`. Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an integer type",
    note = "bits and shifts need `i64`, `i32` or `u8`; masks have `&`, `|`, `^` and `!` as well"
)]
pub trait Int: Num<Sum = i64> + IntKernels {}

macro_rules! elements {
    ($($Trait:ident $($t:ident)*;)*) => {$($(impl $Trait for $t {})*)*};
}
elements! {
    Element f32 f64 i64 i32 u8 bool;
    Float f32 f64;
    Int i64 i32 u8;
}
macro_rules! nums {
    ($($t:ident $sum:ident)*) => {$(impl Num for $t { type Sum = $sum; })*};
}
nums!(f32 f32 f64 f64 i64 i64 i32 i64 u8 i64);
