//! The functions of `f32`.
//!
//! What networks spend their time in (exponentials, logarithms, tanh, sigmoid, erf, sin, cos) stays
//! in `f32`: a vector holds twice as many. The rest goes through `f64`, which costs about three
//! times as much and rounds almost always rightly.

use super::coef32 as coef;
use super::each::{each, each2};
use super::{Isa, Math, erfc_parts, exp_parts, shared_math, sigmoid_parts};

/// The integers that exponents and quadrants are.
type Int = i32;

/// Added and subtracted again, rounds to an integer; the low bits of the sum are that integer.
const ROUND: f32 = 12_582_912.0;
const ROUND_BITS: u32 = ROUND.to_bits();
/// ln 2 in two parts: few enough bits in the first that its product with an exponent is exact.
const LN2_HI: f32 = 0.693_359_4;
const LN2_LO: f32 = -2.121_944_4e-4;
/// π/2 in four parts, of 11, 11, 11 and 24 bits: products with k < 2¹³ are exact but the last.
const PIO2: [f32; 4] = [1.570_312_5, 4.837_513e-4, 7.549_533_6e-8, 2.563_344e-12];
/// Below this e^x − 1, ln(1 + x) and sin x are x to within half a unit in the last place.
const TINY: f32 = 2.0e-8;

/// 2ⁿ for −126 ≤ n ≤ 127.
#[inline(always)]
const fn pow2(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// p 2ᵏ, with one rounding where the result is subnormal, and overflow to infinity: 2ᵏ in halves, both with
/// the exponent's bias from the start, which is added once.
#[inline(always)]
fn scale(p: f32, k: i32) -> f32 {
    let k = k.wrapping_add(2 * 127) as u32;
    let h = k >> 1;
    p * f32::from_bits(h << 23) * f32::from_bits(k.wrapping_sub(h) << 23)
}

/// `(e, 1 + f)` with x = 2ᵉ (1 + f) and √½ ≤ 1 + f < √2, for normal positive x.
#[inline(always)]
fn split(x: f32) -> (i32, f32) {
    const SQRT_HALF: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    let b = x.to_bits();
    let e = (b.wrapping_sub(SQRT_HALF) as i32) >> 23;
    (e, f32::from_bits(b.wrapping_sub((e as u32) << 23)))
}

/// ln(2ᵉ (1 + f)).
#[inline(always)]
fn ln_parts<I: Isa>(e: f32, f: f32) -> f32 {
    let z = f * f;
    // All but one step of the rest beside the polynomial, not after it.
    let rest = I::fma_f32(z, -0.5, e * LN2_LO);
    let y = I::fma_f32(coef::ln_p::<I>(f), f * z, rest);
    I::fma_f32(e, LN2_HI, f + y)
}

/// Puts the special cases of ln x over `y`, which is right for positive finite x. The test is on
/// the bits: comparisons of floats would be turned into five times as many of integers.
#[inline(always)]
fn ln_special(x: f32, y: f32) -> f32 {
    let below = if x < 0.0 { f32::NAN } else { x };
    let special = if x == 0.0 { f32::NEG_INFINITY } else { below };
    let positive_finite = x.to_bits().wrapping_sub(1) < f32::INFINITY.to_bits() - 1;
    if positive_finite { y } else { special }
}

/// `(q, r, lo)` with x = q π/2 + r + lo, q modulo 4 in its low bits, |r| below π/4 and a bit.
#[inline(always)]
fn trig_parts<I: Isa>(x: f32) -> (i32, f32, f32) {
    let (k, q) = nearest::<I>(x, std::f32::consts::FRAC_2_PI);
    // Exact: the products are, and what they leave has the bits of x and theirs in common.
    let a = I::fma_f32(k, -PIO2[1], I::fma_f32(k, -PIO2[0], x));
    let w = k * PIO2[2];
    let b = a - w;
    let lo = I::fma_f32(k, -PIO2[3], (a - b) - w);
    let r = b + lo;
    (q, r, (b - r) + lo)
}

#[inline(always)]
fn sin_kernel<I: Isa>(r: f32, lo: f32) -> f32 {
    let z = r * r;
    r + I::fma_f32(r * z, coef::sin_q::<I>(z), lo)
}

#[inline(always)]
fn cos_kernel<I: Isa>(r: f32, lo: f32) -> f32 {
    let z = r * r;
    let h = 0.5 * z;
    let w = 1.0 - h;
    w + (((1.0 - w) - h) + I::fma_f32(z * z, coef::cos_q::<I>(z), -(r * lo)))
}

/// The sine of quadrant `q`.
#[inline(always)]
fn sin_quadrant<I: Isa>(q: i32, r: f32, lo: f32) -> f32 {
    let (s, c) = (sin_kernel::<I>(r, lo), cos_kernel::<I>(r, lo));
    let y = if q & 1 == 0 { s } else { c };
    f32::from_bits(y.to_bits() ^ ((q as u32 & 2) << 30))
}

/// The square of `a` in two parts.
#[inline(always)]
fn square<I: Isa>(a: f32) -> (f32, f32) {
    let hi = f32::from_bits(a.to_bits() & 0xffff_f000);
    let lo = a - hi;
    let sq = a * a;
    (
        sq,
        I::fma_f32(lo, lo, I::fma_f32(2.0 * hi, lo, hi * hi - sq)),
    )
}

macro_rules! through_f64 {
    ($($f:ident)*) => {$(
        #[inline(always)]
        fn $f<I: Isa>(self) -> f32 {
            Math::$f::<I>(f64::from(self)) as f32
        }
    )*};
}

exp_parts! { f32 fma_f32 }
sigmoid_parts! { f32, from -110.0, to 20.0, raised by 64 }
erfc_parts! { f32 fma_f32 }

impl Math for f32 {
    shared_math! { f32 fma_f32, libm sinf cosf tanf, limit 12_800.0, exp from -104.0 to 89.0, erfc to 11.0, gelu to 15.5, silu_floor -120.0, gelu_tanh_floor -20.0, hypot from -50 to 60 by 100 }
    through_f64! { log2 log10 asin acos atan sinh cosh asinh acosh atanh }

    #[inline(always)]
    fn exp2<I: Isa>(self) -> f32 {
        let x = if self > 129.0 { 129.0 } else { self };
        let x = if x < -151.0 { -151.0 } else { x };
        let (kf, k) = nearest::<I>(x, 1.0);
        let r = (x - kf) * std::f32::consts::LN_2;
        scale(1.0 + I::fma_f32(coef::exp_q::<I>(r), r * r, r), k)
    }

    #[inline(always)]
    fn exp_m1<I: Isa>(self) -> f32 {
        let x = if self > 89.0 { 89.0 } else { self };
        let x = if x < -18.0 { -18.0 } else { x };
        let (k, s) = exp_m1_parts::<I>(x);
        // At half the size, for 2¹²⁸ is not a number: 2 (2ᵏ⁻¹ s + (2ᵏ⁻¹ − ½)).
        let u = pow2(k.wrapping_sub(1));
        let y = 2.0 * I::fma_f32(u, s, u - 0.5);
        if self.abs() < TINY { self } else { y }
    }

    #[inline(always)]
    fn ln<I: Isa>(self) -> f32 {
        let small = self < f32::MIN_POSITIVE;
        // A subnormal's bits are its multiple of 2⁻¹⁴⁹: a conversion, where a multiplication by a power of
        // two would be one of a subnormal, which costs processors 150 cycles.
        let x = if small {
            self.to_bits() as i32 as f32
        } else {
            self
        };
        let (e, m) = split(x);
        let e = e as f32 - if small { 149.0 } else { 0.0 };
        let y = ln_parts::<I>(e, m - 1.0);
        ln_special(self, y)
    }

    #[inline(always)]
    fn ln_1p<I: Isa>(self) -> f32 {
        // What is its own result is not calculated with: of subnormals each product costs 150 cycles.
        let tiny = self.abs() < TINY;
        let x = if tiny { 0.0 } else { self };
        let u = 1.0 + x;
        // What the sum dropped, exactly (Knuth), at the scale of the mantissa.
        let b = u - 1.0;
        let lost = (1.0 - (u - b)) + (x - b);
        let (e, m) = split(u);
        let unit = if x < 1.0e9 {
            pow2(e.wrapping_neg())
        } else {
            0.0
        };
        let y = ln_parts::<I>(e as f32, I::fma_f32(lost, unit, m - 1.0));
        let y = ln_special(u, y);
        if tiny { self } else { y }
    }

    #[inline(always)]
    fn sin<I: Isa>(self) -> f32 {
        let (q, r, lo) = trig_parts::<I>(self);
        let y = sin_quadrant::<I>(q, r, lo);
        if self.abs() < TINY { self } else { y }
    }

    #[inline(always)]
    fn cos<I: Isa>(self) -> f32 {
        let (q, r, lo) = trig_parts::<I>(self);
        sin_quadrant::<I>(q.wrapping_add(1), r, lo)
    }

    #[inline(always)]
    fn tan<I: Isa>(self) -> f32 {
        let (q, r, lo) = trig_parts::<I>(self);
        let (s, c) = (sin_kernel::<I>(r, lo), cos_kernel::<I>(r, lo));
        let even = q & 1 == 0;
        let y = (if even { s } else { -c }) / (if even { c } else { s });
        if self.abs() < TINY { self } else { y }
    }

    #[inline(always)]
    fn tanh_each<I: Isa, const K: usize>(x: [f32; K]) -> [f32; K] {
        // tanh a = w / (1 + w) with w = (e^(2a) − 1) / 2 = 2ᵏ⁻¹ (eʳ − 1) + (2ᵏ⁻¹ − ½); tanh(10) is 1 in f32.
        let reduced = each(x, |x| {
            let a = x.abs();
            let t = if a > 10.0 { 10.0 } else { a };
            // The sum that rounds has the exponent's bias as well, so that its low bits are those of 2ᵏ⁻¹.
            let sum = I::fma_f32(t, 2.0 * std::f32::consts::LOG2_E, ROUND + 126.0);
            let (kf, u) = (sum - (ROUND + 126.0), f32::from_bits(sum.to_bits() << 23));
            // ln 2 in one part: what it lacks counts k times, but only e^(−2a) of that is left in the result.
            (u, I::fma_f32(kf, -std::f32::consts::LN_2, t + t))
        });
        let w = each(reduced, |(u, r)| {
            // The linear part is exact where it cancels; then the rest is added. One rounding in place of two.
            I::fma_f32(coef::exp_q::<I>(r), u * (r * r), I::fma_f32(u, r, u - 0.5))
        });
        each2(w, x, |w, x| {
            // As w − w·w / (1 + w) near 0, as 1 − 1 / (1 + w) far off: the quotient's errors count little.
            let m = if w < 1.0 { w } else { 1.0 };
            I::fma_f32(-m, m / (1.0 + w), m).copysign(x)
        })
    }

    #[inline(always)]
    fn erf<I: Isa>(self) -> f32 {
        let a = self.abs();
        let small = I::fma_f32(a, coef::erf_q::<I>(a * a), a);
        // erf(4) is 1 in f32. e^(−v) with v below 19: no subnormals, so one factor.
        let t = if a > 4.0 { 4.0 } else { a };
        let (k, s) = exp_parts::<I>(-coef::erf_tail::<I>(t - 1.0));
        let u = pow2(k);
        let tail = 1.0 - I::fma_f32(u, s, u);
        (if a < 1.0 { small } else { tail }).copysign(self)
    }

    #[inline(always)]
    fn pow<I: Isa>(self, e: f32) -> f32 {
        super::f64::pow_f32::<I>(self, e)
    }

    #[inline(always)]
    fn atan2<I: Isa>(self, x: f32) -> f32 {
        Math::atan2::<I>(f64::from(self), f64::from(x)) as f32
    }
}
