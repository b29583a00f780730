//! Elementary functions that the compiler vectorises: branch-free polynomials, written once, generic
//! over the instruction set.
//!
//! Invariant: a function here makes no call and has no branch after inlining (conditions are
//! selects, both sides are computed), so a loop over it inside a `#[target_feature]` function
//! becomes packed code; and NaN in gives NaN out. Between instruction sets results differ only by
//! fused against unfused rounding. What that asks of the code:
//!
//! - rounding to an integer adds and subtracts 1.5·2²³ (or 2⁵²), and the integer is read from the
//!   bits of the sum: `round` and saturating casts are calls or long sequences on the baseline;
//! - 64-bit integers are shifted right only as unsigned and made floats through the exponent bits:
//!   AVX2 has neither an arithmetic shift nor a conversion for them;
//! - clamps are `if x > c { c } else { x }`, which keeps NaN, where `f32::min` drops it;
//! - integer arithmetic on bits wraps: NaN and infinities pass through it as garbage and are put
//!   right by a select at the end.
//!
//! The one exception to "every input": `sin`, `cos` and `tan` hold up to [`Math::TRIG_LIMIT`];
//! beyond it the argument reduction would need hundreds of bits of π. [`Math::map_sin`] and its
//! like run the branch-free code over a slice and then put right the few elements beyond.
//!
//! Errors are in README.md, measured by `tests.rs` and, over every `f32`, by the `ulp` example.

use super::isa::Isa;
use std::mem::MaybeUninit;
use std::ops::Sub;

/// `c0 + x (c1 + x (c2 + ...))`.
macro_rules! horner32 {
    ($I:ident, $x:ident, $c:expr) => { $c };
    ($I:ident, $x:ident, $c:expr, $($rest:expr),+) => {
        <$I as super::Isa>::fma_f32(horner32!($I, $x, $($rest),+), $x, $c)
    };
}

/// As `horner32`, for `f64`.
macro_rules! horner64 {
    ($I:ident, $x:ident, $c:expr) => { $c };
    ($I:ident, $x:ident, $c:expr, $($rest:expr),+) => {
        <$I as super::Isa>::fma_f64(horner64!($I, $x, $($rest),+), $x, $c)
    };
}

mod coef32;
mod coef64;
pub(crate) mod each;
mod f32;
mod f64;
#[cfg(test)]
mod tests;

/// Declares the slice forms of the trigonometric functions.
macro_rules! map_trig {
    ($($map:ident $f:ident $exact:ident;)*) => {$(
        #[doc = concat!("`", stringify!($f), "` of every element, right for every argument.")]
        ///
        /// `dst` and `src` have the same length (the shorter one counts).
        #[inline(always)]
        fn $map<I: Isa>(src: &[Self], dst: &mut [MaybeUninit<Self>]) {
            for (src, dst) in src.chunks(TRIG_BLOCK).zip(dst.chunks_mut(TRIG_BLOCK)) {
                let mut beyond = false;
                for (x, y) in src.iter().zip(dst.iter_mut()) {
                    y.write(x.$f::<I>());
                    beyond |= x.beyond_trig_limit();
                }
                if beyond {
                    for (x, y) in src.iter().zip(dst.iter_mut()) {
                        if x.beyond_trig_limit() {
                            y.write(x.$exact());
                        }
                    }
                }
            }
        }
    )*};
}

/// Elements a pass of the trigonometric slice functions takes: within the L1 cache, and few enough
/// that one large argument does not slow a whole tensor.
const TRIG_BLOCK: usize = 512;

/// Elementary functions, branch-free, compiled for an instruction set.
#[allow(missing_docs)] // the names say it
pub trait Math: Copy + Default + Sub<Output = Self> {
    /// The largest |x| that the branch-free `sin`, `cos` and `tan` reduce rightly.
    const TRIG_LIMIT: Self;

    /// eˣ of each, see [`each`].
    fn exp_each<I: Isa, const K: usize>(x: [Self; K]) -> [Self; K];
    fn exp2<I: Isa>(self) -> Self;
    /// eˣ − 1.
    fn exp_m1<I: Isa>(self) -> Self;
    fn ln<I: Isa>(self) -> Self;
    /// ln(1 + x).
    fn ln_1p<I: Isa>(self) -> Self;
    fn log2<I: Isa>(self) -> Self;
    fn log10<I: Isa>(self) -> Self;
    /// Up to [`Math::TRIG_LIMIT`]; unspecified beyond.
    fn sin<I: Isa>(self) -> Self;
    /// Up to [`Math::TRIG_LIMIT`]; unspecified beyond.
    fn cos<I: Isa>(self) -> Self;
    /// Up to [`Math::TRIG_LIMIT`]; unspecified beyond.
    fn tan<I: Isa>(self) -> Self;
    fn asin<I: Isa>(self) -> Self;
    fn acos<I: Isa>(self) -> Self;
    fn atan<I: Isa>(self) -> Self;
    fn sinh<I: Isa>(self) -> Self;
    fn cosh<I: Isa>(self) -> Self;
    /// tanh x of each.
    fn tanh_each<I: Isa, const K: usize>(x: [Self; K]) -> [Self; K];
    fn asinh<I: Isa>(self) -> Self;
    fn acosh<I: Isa>(self) -> Self;
    fn atanh<I: Isa>(self) -> Self;
    /// 1 / (1 + e⁻ˣ) of each.
    fn sigmoid_each<I: Isa, const K: usize>(x: [Self; K]) -> [Self; K];
    /// ln(1 + eˣ).
    fn softplus<I: Isa>(self) -> Self;
    /// −ln(1 + e⁻ˣ).
    fn log_sigmoid<I: Isa>(self) -> Self;
    fn erf<I: Isa>(self) -> Self;
    /// 1 − erf(x), to full relative accuracy.
    fn erfc<I: Isa>(self) -> Self;
    /// x Φ(x); −0 at −∞, its limit.
    fn gelu_each<I: Isa, const K: usize>(x: [Self; K]) -> [Self; K];
    /// x sigmoid(2 √(2/π) (x + 0.044715 x³)); −0 at −∞.
    fn gelu_tanh_each<I: Isa, const K: usize>(x: [Self; K]) -> [Self; K];
    /// x sigmoid(x); −0 at −∞.
    fn silu_each<I: Isa, const K: usize>(x: [Self; K]) -> [Self; K];
    /// The derivative of silu.
    fn silu_slope<I: Isa>(self) -> Self;
    /// Φ(x) + x φ(x), the derivative of gelu.
    fn gelu_slope<I: Isa>(self) -> Self;
    /// The derivative of gelu_tanh.
    fn gelu_tanh_slope<I: Isa>(self) -> Self;
    /// x tanh(ln(1 + eˣ)); −0 at −∞.
    fn mish<I: Isa>(self) -> Self;
    /// The derivative of mish.
    fn mish_slope<I: Isa>(self) -> Self;
    /// √(x² + y²) without overflow on the way; ∞ where one of them is infinite, as in C99.
    fn hypot<I: Isa>(self, y: Self) -> Self;
    /// 1 / √x.
    fn rsqrt<I: Isa>(self) -> Self;
    /// xᵉ with C99's special cases: x⁰ = 1ᵉ = 1, NaN for a negative x and a fractional e.
    fn pow<I: Isa>(self, e: Self) -> Self;
    /// The angle of the point (`x`, `self`), with C99's special cases: the signs of zeros count, of two infinities the angle
    /// is that of their diagonal.
    fn atan2<I: Isa>(self, x: Self) -> Self;

    /// Whether |x| is above [`Math::TRIG_LIMIT`].
    fn beyond_trig_limit(self) -> bool;
    /// The sine of any argument, slower.
    fn far_sin(self) -> Self;
    /// The cosine of any argument, slower.
    fn far_cos(self) -> Self;
    /// The tangent of any argument, slower.
    fn far_tan(self) -> Self;

    each::map_each! {
        map_exp exp Exp exp_each;
        map_tanh tanh Tanh tanh_each;
        map_sigmoid sigmoid Sigmoid sigmoid_each;
        map_silu silu Silu silu_each;
        map_gelu gelu Gelu gelu_each;
        map_gelu_tanh gelu_tanh GeluTanh gelu_tanh_each;
    }
    map_trig! {
        map_sin sin far_sin;
        map_cos cos far_cos;
        map_tan tan far_tan;
    }
}

/// The parts of an exponential, of `ROUND`, `LN2_HI` and `LN2_LO`.
macro_rules! exp_parts {
    ($t:ident $fma:ident) => {
        /// The nearest integer to `x · scale`, as a float and as an integer.
        #[inline(always)]
        fn nearest<I: Isa>(x: $t, scale: $t) -> ($t, Int) {
            let t = I::$fma(x, scale, ROUND);
            (t - ROUND, t.to_bits().wrapping_sub(ROUND_BITS) as Int)
        }

        /// `(k, s)` with eˣ = 2ᵏ (1 + s) of each, |s| below 0.42, for |x| < 2⁹ or so in `f32`, 2¹¹ in `f64`.
        #[inline(always)]
        fn exp_parts_each<I: Isa, const K: usize>(x: [$t; K]) -> [(Int, $t); K] {
            let reduced = each(x, |x| {
                let (kf, k) = nearest::<I>(x, std::$t::consts::LOG2_E);
                (k, I::$fma(kf, -LN2_LO, I::$fma(kf, -LN2_HI, x)))
            });
            each(reduced, |(k, r)| {
                (k, I::$fma(coef::exp_q::<I>(r), r * r, r))
            })
        }

        /// [`exp_parts_each`] of one.
        #[inline(always)]
        fn exp_parts<I: Isa>(x: $t) -> (Int, $t) {
            let [parts] = exp_parts_each::<I, 1>([x]);
            parts
        }

        /// As [`exp_parts`], for what subtracts 1 from it: s with the last bit of the reduction kept, for
        /// near e^x = 3/2 the difference is half of s and has its errors twice.
        #[inline(always)]
        fn exp_m1_parts<I: Isa>(x: $t) -> (Int, $t) {
            let (kf, k) = nearest::<I>(x, std::$t::consts::LOG2_E);
            let hi = I::$fma(kf, -LN2_HI, x);
            let r = I::$fma(kf, -LN2_LO, hi);
            let lo = I::$fma(kf, -LN2_LO, hi - r);
            (k, r + I::$fma(coef::exp_q::<I>(r), r * r, lo))
        }
    };
}
use exp_parts;

/// Functions behind [`shared_math`], of `exp_parts_each` and `pow2`.
macro_rules! sigmoid_parts {
    ($t:ident, from $low:expr, to $high:expr, raised by $up:literal) => {
        /// 2⁻ᵘᵖ.
        const DOWN: $t = pow2(-$up);

        /// `(q, d)` with sigmoid(x) = 2⁻ᵘᵖ q / d, q = 2ᵏ⁺ᵘᵖ, of each.
        ///
        /// With e⁻ˣ = 2⁻ᵏ (1 + s) it is 2ᵏ / (2ᵏ + 1 + s): the numerator is exact, the sum in
        /// this order keeps the small terms. Raised, the numerator is no subnormal, which could not
        /// be made of its exponent in one step.
        #[inline(always)]
        fn sigmoid_parts<I: Isa, const K: usize>(x: [$t; K]) -> [($t, $t); K] {
            let less = each(x, |x| {
                let x = if x > $high { $high } else { x };
                -(if x < $low { $low } else { x })
            });
            each(exp_parts_each::<I, K>(less), |(k, s)| {
                let q = pow2(Int::wrapping_sub($up, k));
                (q, (s + q * DOWN) + 1.0)
            })
        }

        /// s = sigmoid(x) and its derivative s (1 − s), where 1 − s is not what is left of a rounded s.
        #[inline(always)]
        fn sigmoid_slope<I: Isa>(x: $t) -> ($t, $t) {
            let e = Math::exp::<I>(-x.abs());
            let near = 1.0 / (1.0 + e);
            let far = e * near;
            (if x < 0.0 { far } else { near }, near * far)
        }

        /// x sigmoid(u) for a finite negative or any positive x.
        #[inline(always)]
        fn times_sigmoid<I: Isa, const K: usize>(x: [$t; K], u: [$t; K]) -> [$t; K] {
            let both = each2(x, u, |x, u| (x, u));
            each2(sigmoid_parts::<I, K>(u), both, |(q, d), (x, u)| {
                let y = x * q / d * DOWN;
                if u > $high { x } else { y }
            })
        }
    };
}
use sigmoid_parts;

/// The functions behind erfc and gelu, of `exp_parts_each` and `scale`.
macro_rules! erfc_parts {
    ($t:ident $fma:ident) => {
        /// e^(a²) erfc(a) for 0 ≤ a, by t = (a − 3) / (a + 3), of one quotient.
        #[inline(always)]
        fn erfcx<I: Isa>(a: $t) -> $t {
            let r = 1.0 / (a + 3.0);
            coef::erfcx_q::<I>((a - 3.0) * r) * r
        }

        /// `by` · erfc(a) of each, for 0 ≤ a up to where it is 0; a² in two parts.
        #[inline(always)]
        fn erfc_parts<I: Isa, const K: usize>(
            by: [$t; K],
            a: [$t; K],
            squares: [($t, $t); K],
        ) -> [$t; K] {
            let g = each(a, erfcx::<I>);
            let parts = exp_parts_each::<I, K>(each(squares, |(sq, _)| -sq));
            let e = each2(parts, squares, |(k, s), (_, lo)| {
                (k, 1.0 + I::$fma(-lo, s, s - lo))
            });
            // The power of two last: before, a subnormal would lose bits that `by` could lift again.
            let tail = each2(each2(by, g, |by, g| by * g), e, |of, (k, e)| {
                scale(of * e, k)
            });
            let erf = each2(a, squares, |a, (sq, _)| I::$fma(a, coef::erf_q::<I>(sq), a));
            let near = each2(by, erf, |by, erf| by * (1.0 - erf));
            let both = each2(near, tail, |near, tail| (near, tail));
            each2(a, both, |a, (near, tail)| if a < 0.5 { near } else { tail })
        }
    };
}
use erfc_parts;

/// 2 √(2/π), and that times 0.044715: of the tanh approximation of gelu.
const GELU_TANH: (f64, f64) = (1.595_769_121_605_730_7, 0.071_354_816_272_600_25);

/// The part of [`Math`] that reads alike in both types.
macro_rules! shared_math {
    ($t:ident $fma:ident, libm $sin:ident $cos:ident $tan:ident, limit $limit:expr, exp from $least:literal to $most:literal, erfc to $far:literal, gelu to $end:literal, silu_floor $silu:expr, gelu_tanh_floor $gt:expr, hypot from $low:literal to $high:literal by $by:literal) => {
        const TRIG_LIMIT: $t = $limit;

        #[inline(always)]
        fn exp_each<I: Isa, const K: usize>(x: [$t; K]) -> [$t; K] {
            let x = each(x, |x| {
                let x = if x > $most { $most } else { x };
                if x < $least { $least } else { x }
            });
            each(exp_parts_each::<I, K>(x), |(k, s)| scale(1.0 + s, k))
        }

        #[inline(always)]
        fn softplus<I: Isa>(self) -> $t {
            let l = Math::ln_1p::<I>(Math::exp::<I>(-self.abs()));
            (if self > 0.0 { self } else { 0.0 }) + l
        }

        #[inline(always)]
        fn log_sigmoid<I: Isa>(self) -> $t {
            let l = Math::ln_1p::<I>(Math::exp::<I>(-self.abs()));
            (if self < 0.0 { self } else { 0.0 }) - l
        }

        #[inline(always)]
        fn sigmoid_each<I: Isa, const K: usize>(x: [$t; K]) -> [$t; K] {
            each(sigmoid_parts::<I, K>(x), |(q, d)| q / d * DOWN)
        }

        #[inline(always)]
        fn silu_each<I: Isa, const K: usize>(x: [$t; K]) -> [$t; K] {
            let x = each(x, |x| if x < $silu { $silu } else { x });
            times_sigmoid::<I, K>(x, x)
        }

        #[inline(always)]
        fn gelu_tanh_each<I: Isa, const K: usize>(x: [$t; K]) -> [$t; K] {
            let (a, b) = (super::GELU_TANH.0 as $t, super::GELU_TANH.1 as $t);
            let x = each(x, |x| if x < $gt { $gt } else { x });
            let u = each(x, |x| x * I::$fma(b, x * x, a));
            times_sigmoid::<I, K>(x, u)
        }

        #[inline(always)]
        fn gelu_tanh_slope<I: Isa>(self) -> $t {
            let (a, b) = (super::GELU_TANH.0 as $t, super::GELU_TANH.1 as $t);
            // Beyond, it is 0 or 1 and x² would be infinite.
            let x = if self > -$gt { -$gt } else { self };
            let x = if x < $gt { $gt } else { x };
            let z = x * x;
            let (s, slope) = sigmoid_slope::<I>(x * I::$fma(b, z, a));
            I::$fma(x * I::$fma(3.0 * b, z, a), slope, s)
        }

        #[inline(always)]
        fn silu_slope<I: Isa>(self) -> $t {
            let (s, slope) = sigmoid_slope::<I>(self);
            I::$fma(self, slope, s)
        }

        #[inline(always)]
        fn gelu_slope<I: Isa>(self) -> $t {
            let a = self.abs();
            let a = if a > $end { $end } else { a };
            let half = 0.5 * a * a;
            let g = erfcx::<I>(a * std::$t::consts::FRAC_1_SQRT_2);
            // Both are multiples of e^(−a²/2), and their sum counts against 1.
            let e = Math::exp::<I>(-half);
            const PHI: $t = 0.5 * std::$t::consts::FRAC_2_SQRT_PI * std::$t::consts::FRAC_1_SQRT_2;
            let below = e * I::$fma(-PHI, a, 0.5 * g);
            if self < 0.0 { below } else { 1.0 - below }
        }

        #[inline(always)]
        fn mish<I: Isa>(self) -> $t {
            // tanh(ln(1 + e)) = n / (n + 2), n = e (e + 2); 1 from e²⁰ on. By the root of e, which is no subnormal.
            let x = if self < $silu { $silu } else { self };
            let x = if x > 20.0 { 20.0 } else { x };
            let q = Math::exp::<I>(0.5 * x);
            let e = q * q;
            let n = e * (e + 2.0);
            let y = (x * q) * (q * ((e + 2.0) / (n + 2.0)));
            if self > 20.0 { self } else { y }
        }

        #[inline(always)]
        fn mish_slope<I: Isa>(self) -> $t {
            // n r + 4 x e (1 + e) r², r = 1 / (n + 2): as above, and n + 1 is the square of 1 + e.
            let x = if self < $silu { $silu } else { self };
            let x = if x > 20.0 { 20.0 } else { x };
            let e = Math::exp::<I>(x);
            let n = e * (e + 2.0);
            let r = 1.0 / (n + 2.0);
            r * I::$fma(4.0 * x * e * (1.0 + e), r, n)
        }

        #[inline(always)]
        fn hypot<I: Isa>(self, y: $t) -> $t {
            // Squares of numbers between these neither overflow nor underflow, and others are put there.
            const HIGH: $t = pow2($high);
            const LOW: $t = pow2($low);
            const UP: $t = pow2($by);
            const DOWN: $t = pow2(-$by);
            let (a, b) = (self.abs(), y.abs());
            let most = if a > b { a } else { b };
            let there = if most < LOW { UP } else { 1.0 };
            let there = if most > HIGH { DOWN } else { there };
            let back = if most < LOW { DOWN } else { 1.0 };
            let back = if most > HIGH { UP } else { back };
            let (p, q) = (a * there, b * there);
            let h = (p * p + q * q).sqrt() * back;
            let endless = a == <$t>::INFINITY || b == <$t>::INFINITY;
            if endless { <$t>::INFINITY } else { h }
        }

        #[inline(always)]
        fn erfc<I: Isa>(self) -> $t {
            let a = self.abs();
            let a = if a > $far { $far } else { a };
            let [y] = erfc_parts::<I, 1>([1.0], [a], [square::<I>(a)]);
            if self < 0.0 { 2.0 - y } else { y }
        }

        #[inline(always)]
        fn gelu_each<I: Isa, const K: usize>(x: [$t; K]) -> [$t; K] {
            let x = each(x, |x| if x < -$end { -$end } else { x });
            let a = each(x, |x| {
                let a = x.abs();
                if a > $end { $end } else { a }
            });
            // x²/2, not (x/√2)²: in the tail a rounding of the argument would count x² times.
            let squares = each(a, |a| {
                let (sq, lo) = square::<I>(a);
                (0.5 * sq, 0.5 * lo)
            });
            let b = each(a, |a| a * std::$t::consts::FRAC_1_SQRT_2);
            let y = erfc_parts::<I, K>(each(a, |a| -0.5 * a), b, squares);
            each2(x, y, |x, y| if x < 0.0 { y } else { x + y })
        }

        #[inline(always)]
        fn rsqrt<I: Isa>(self) -> $t {
            1.0 / self.sqrt()
        }

        #[inline(always)]
        fn beyond_trig_limit(self) -> bool {
            self.abs() > $limit
        }
        fn far_sin(self) -> $t {
            libm::$sin(self)
        }
        fn far_cos(self) -> $t {
            libm::$cos(self)
        }
        fn far_tan(self) -> $t {
            libm::$tan(self)
        }
    };
}
use shared_math;
