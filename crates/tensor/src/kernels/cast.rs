//! Conversions between element types.

use super::copy;
use super::isa::Isa;
use super::strided::{Params, Run};
use super::tables::{Fun, exec};
use crate::dtype::Scalar;

/// Every conversion to type `O`, as Rust's `as` does it; anything but zero is `true`. (What is `bool` is read as `u8`.)
pub(super) trait CastTo<O> {
    fn cast(self) -> O;
}
macro_rules! casts {
    ($($from:ident => $($to:ident)*;)*) => {$(
        $(impl CastTo<$to> for $from {
            #[inline(always)]
            fn cast(self) -> $to { self as $to }
        })*
    )*};
}
casts! {
    f32 => f32 f64 i32 u8;
    f64 => f32 f64 i32 u8;
    i64 => f32 f64 i64 i32 u8;
    i32 => f32 f64 i64 i32 u8;
    u8 => f32 f64 i64 i32 u8;
}
macro_rules! casts_to_i64 {
    ($($t:ident)*) => {$(
        impl CastTo<i64> for $t {
            /// As `as` does it, which the compiler leaves to be done one by one.
            #[inline(always)]
            fn cast(self) -> i64 {
                const END: $t = -(i64::MIN as $t);
                let inside = (-END..END).contains(&self);
                let x = if inside { self } else { 0.0 };
                // SAFETY: in range, and no NaN, for which no comparison holds.
                let whole: i64 = unsafe { x.to_int_unchecked() };
                let below = if self < 0.0 { i64::MIN } else { 0 };
                let beyond = if self > 0.0 { i64::MAX } else { below };
                if inside { whole } else { beyond }
            }
        }
    )*};
}
casts_to_i64!(f32 f64);
macro_rules! bool_casts {
    ($($t:ident $zero:literal)*) => {$(
        impl CastTo<bool> for $t {
            #[inline(always)]
            fn cast(self) -> bool { self != $zero }
        }
    )*};
}
bool_casts!(f32 0.0 f64 0.0 i64 0 i32 0 u8 0);
/// The run that converts `T` to `O`: a copy, where they are the same.
pub(super) const fn run<T: Scalar + CastTo<O>, O: Scalar>() -> Run<1> {
    if T::DTYPE as u8 == O::DTYPE as u8 {
        return match size_of::<T>() {
            1 => copy::run::<1>(),
            4 => copy::run::<4>(),
            _ => copy::run::<8>(),
        };
    }
    Run {
        func: exec::<1, (T,), O, Cast>,
        cost: 4,
    }
}

/// [`CastTo`] as a kernel.
struct Cast;
impl<T: CastTo<O>, O> Fun<(T,), O> for Cast {
    #[inline(always)]
    fn call<I: Isa>((x,): (T,), _: Params) -> O {
        x.cast()
    }
}
