//! Operations on integers alone: bits, shifts and powers.
//!
//! Invariant: defined for all operands: what does not fit wraps, and a shift by the width or more shifts every bit out.

use super::isa::Isa;
use super::strided::{Params, Run};
use super::tables::{Fun, NumKernels, exec, family};

family! {
    /// Binary operations on integers.
    Int2 int2 <T: IntKernels> 2 (T, T) => T {
        And 4 = |x, y; p| x.and_(y);
        Or 4 = |x, y; p| x.or_(y);
        Xor 4 = |x, y; p| x.xor_(y);
        Shl 6 = |x, y; p| x.shl_(y);
        Shr 6 = |x, y; p| x.shr_(y);
        // Negative exponents are refused before they come here.
        Pow 60 = |x, y; p| x.pow_(y);
    }
}

/// Kernels and element operations of integers.
#[doc(hidden)]
#[allow(missing_docs)]
pub trait IntKernels: NumKernels<Acc = i64> {
    /// Every bit set.
    const ONES: Self;
    fn int2(code: Int2) -> Run<2>;
    fn wide(self) -> i64;
    fn and_(self, o: Self) -> Self;
    fn or_(self, o: Self) -> Self;
    fn xor_(self, o: Self) -> Self;
    fn shl_(self, o: Self) -> Self;
    fn shr_(self, o: Self) -> Self;
    fn pow_(self, o: Self) -> Self;
}

macro_rules! kernels {
    ($($t:ident)*) => {$(
        impl IntKernels for $t {
            const ONES: Self = !0;
            #[inline(always)]
            fn int2(code: Int2) -> Run<2> {
                int2!($t, code)
            }
            #[inline(always)]
            fn wide(self) -> i64 { self as i64 }
            #[inline(always)]
            fn and_(self, o: Self) -> Self { self & o }
            #[inline(always)]
            fn or_(self, o: Self) -> Self { self | o }
            #[inline(always)]
            fn xor_(self, o: Self) -> Self { self ^ o }
            #[inline(always)]
            #[allow(unused_comparisons)] // u8
            fn shl_(self, o: Self) -> Self {
                let shifted = self.wrapping_shl(o as u32);
                if o >= 0 && (o as i64) < $t::BITS as i64 { shifted } else { 0 }
            }
            #[inline(always)]
            #[allow(unused_comparisons)] // u8
            fn shr_(self, o: Self) -> Self {
                let within = o >= 0 && (o as i64) < $t::BITS as i64;
                let by = if within { o as u32 } else { $t::BITS - 1 };
                let shifted = self.wrapping_shr(by);
                if within || self < 0 { shifted } else { 0 }
            }
            #[inline(always)]
            fn pow_(self, o: Self) -> Self {
                let (mut y, mut square, mut rest) = (1 as $t, self, o);
                // One turn for each bit that an exponent may have.
                for _ in 0..$t::BITS {
                    y = if rest & 1 == 1 { y.wrapping_mul(square) } else { y };
                    square = square.wrapping_mul(square);
                    rest >>= 1;
                }
                y
            }
        }
    )*};
}
kernels!(i64 i32 u8);
