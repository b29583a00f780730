//! What stands right of an operator: a tensor of the same element type, or a number.
//!
//! Invariant: a number literal has one type that fits, or falls back to `f64` and `i32`, which fit every tensor of
//! floats: an operator's result never waits for a type to be written.

use crate::element::{Element, Float, Num};
use crate::ops::elementwise::MaybeOwned;
use crate::tensor::Tensor;

/// A type that stands right of an operator with some tensor. Sealed in effect. Without a parameter, so that a crate that
/// has operands of its own can tell them apart.
#[doc(hidden)]
pub trait AnyOperand {}

/// What stands right of `+ − * / %` with a tensor of `T`: a tensor of `T`, or a number. Of floats it is a number of any
/// type, rounded to `T`; of integers one of `T`.
///
/// Left of an operator are numbers of `T`, and `i32` with floats.
///
/// ```
/// use wengert::prelude::*;
/// let (x, n) = (Tensor::new([1.0f32, 2.0]), 4usize);
/// assert_eq!((&x / n + 0.5_f64).to_vec(), [0.75, 1.0]);
/// assert_eq!((2 * (x * 3)).to_vec(), [6.0, 12.0]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not calculate with elements of type `{T}`",
    label = "this is neither a number nor a tensor or variable of `{T}`",
    note = "operators take two of one element type: `.cast::<{T}>()` converts a tensor or a variable",
    note = "a tensor of floats takes a number of any type, one of integers a number of its own type"
)]
pub trait IntoOperand<T: Element>: AnyOperand {
    /// The number or the tensor.
    #[doc(hidden)]
    fn into_operand<'a>(self) -> TensorOrNumber<'a, T>
    where
        Self: 'a;
}

/// The two kinds of operands.
#[doc(hidden)]
pub enum TensorOrNumber<'a, T: Element> {
    /// A number, in the tensor's type.
    Number(T),
    /// A tensor.
    Tensor(MaybeOwned<'a, T>),
}

impl<T: Element> AnyOperand for Tensor<T> {}
impl<T: Element> AnyOperand for &Tensor<T> {}

impl<T: Num> IntoOperand<T> for Tensor<T> {
    #[inline(always)]
    fn into_operand<'a>(self) -> TensorOrNumber<'a, T> {
        TensorOrNumber::Tensor(MaybeOwned::Owned(self))
    }
}
impl<T: Num> IntoOperand<T> for &Tensor<T> {
    #[inline(always)]
    fn into_operand<'a>(self) -> TensorOrNumber<'a, T>
    where
        Self: 'a,
    {
        TensorOrNumber::Tensor(MaybeOwned::Ref(self))
    }
}

macro_rules! numbers {
    ($($t:ident)*) => {$(
        impl AnyOperand for $t {}
        impl<T: Float> IntoOperand<T> for $t {
            #[inline(always)]
            fn into_operand<'a>(self) -> TensorOrNumber<'a, T> {
                TensorOrNumber::Number(T::from_f64(self as f64))
            }
        }
    )*};
}
numbers!(f32 f64 i64 i32 u8 usize);

macro_rules! integers {
    ($($t:ident)*) => {$(
        impl IntoOperand<$t> for $t {
            #[inline(always)]
            fn into_operand<'a>(self) -> TensorOrNumber<'a, $t> {
                TensorOrNumber::Number(self)
            }
        }
    )*};
}
integers!(i64 i32 u8);
