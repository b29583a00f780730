//! The functions of `f64`.
//!
//! The forms of the logarithm, the argument reduction and `pow` are those of FreeBSD's msun (Sun
//! Microsystems, 1993), made branch-free; the polynomials are fitted anew.

use super::coef64 as coef;
use super::each::{each, each2};
use super::{Isa, Math, erfc_parts, exp_parts, shared_math, sigmoid_parts};

/// The integers that exponents and quadrants are.
type Int = i64;

/// Added and subtracted again, rounds to an integer; the low bits of the sum are that integer.
const ROUND: f64 = 6_755_399_441_055_744.0;
const ROUND_BITS: u64 = ROUND.to_bits();
/// ln 2 in two parts: few enough bits in the first that its product with an exponent is exact.
const LN2_HI: f64 = 0.693_147_180_369_123_8;
const LN2_LO: f64 = 1.908_214_929_270_587_7e-10;
/// π/2 in four parts, of 33, 33, 33 and 53 bits: products with k < 2²⁰ are exact but the last.
const PIO2: [f64; 4] = [
    1.570_796_326_734_125_6,
    6.077_100_506_303_966e-11,
    2.022_266_248_711_166_5e-21,
    8.478_427_660_368_9e-32,
];
/// What `f64` leaves of π/2, π/4 is half of it and π twice.
const PIO2_LO: f64 = 6.123_233_995_736_766e-17;
/// tan(π/8).
const TAN_PIO8: f64 = std::f64::consts::SQRT_2 - 1.0;
/// Below this e^x − 1, ln(1 + x) and sin x are x to within half a unit in the last place.
const TINY: f64 = 1.0e-17;

/// 2ⁿ for −1022 ≤ n ≤ 1023.
#[inline(always)]
const fn pow2(n: i64) -> f64 {
    f64::from_bits((n.wrapping_add(1023) as u64) << 52)
}

/// p 2ᵏ, with one rounding where the result is subnormal, and overflow to infinity: 2ᵏ in halves, both with
/// the exponent's bias from the start, which is added once.
#[inline(always)]
fn scale(p: f64, k: i64) -> f64 {
    let k = k.wrapping_add(2 * 1023) as u64;
    let h = k >> 1;
    p * f64::from_bits(h << 52) * f64::from_bits(k.wrapping_sub(h) << 52)
}

/// eˣ/2, which is finite a little further than eˣ.
#[inline(always)]
fn half_exp<I: Isa>(x: f64) -> f64 {
    let x = if x > 711.0 { 711.0 } else { x };
    let (k, s) = exp_parts::<I>(x);
    scale(1.0 + s, k.wrapping_sub(1))
}

/// `(e, 1 + f)` with x = 2ᵉ (1 + f) and √½ ≤ 1 + f < √2, for normal positive x; e with 1023 added.
#[inline(always)]
fn split(x: f64) -> (u64, f64) {
    const TO_ONE: u64 = 1.0f64.to_bits() - std::f64::consts::FRAC_1_SQRT_2.to_bits();
    let b = x.to_bits();
    let e = b.wrapping_add(TO_ONE) >> 52;
    (
        e,
        f64::from_bits(b.wrapping_sub(e.wrapping_sub(1023) << 52)),
    )
}

/// The exponent that [`split`] gave, as a float: 2⁵² + e by its bits, less the rest.
#[inline(always)]
fn exponent(e: u64) -> f64 {
    const TWO52: f64 = 4_503_599_627_370_496.0;
    f64::from_bits(e | TWO52.to_bits()) - (TWO52 + 1023.0)
}

/// Exponent and mantissa of a positive x, subnormals too.
#[inline(always)]
fn split_any(x: f64) -> (f64, f64) {
    let small = x < f64::MIN_POSITIVE;
    let (e, m) = split(if small {
        x * 18_014_398_509_481_984.0
    } else {
        x
    });
    (exponent(e) - if small { 54.0 } else { 0.0 }, m)
}

/// `(f²/2, s (f²/2 + R))`, whose difference ln(1 + f) is short of f.
#[inline(always)]
fn ln_tail<I: Isa>(f: f64) -> (f64, f64) {
    let s = f / (2.0 + f);
    let z = s * s;
    let h = 0.5 * f * f;
    (h, s * I::fma_f64(z, coef::ln_r::<I>(z), h))
}

/// ln(2ᵉ (1 + f)).
#[inline(always)]
fn ln_parts<I: Isa>(e: f64, f: f64) -> f64 {
    let (h, t) = ln_tail::<I>(f);
    I::fma_f64(e, LN2_HI, f - (h - I::fma_f64(e, LN2_LO, t)))
}

/// Puts the special cases of ln x over `y`, which is right for positive finite x. The test is on
/// the bits: comparisons of floats would be turned into five times as many of integers.
#[inline(always)]
fn ln_special(x: f64, y: f64) -> f64 {
    let below = if x < 0.0 { f64::NAN } else { x };
    let special = if x == 0.0 { f64::NEG_INFINITY } else { below };
    let positive_finite = x.to_bits().wrapping_sub(1) < f64::INFINITY.to_bits() - 1;
    if positive_finite { y } else { special }
}

/// The logarithm to a base of which `inv` (26 bits and the rest) is 1/ln and `two` log 2.
#[inline(always)]
fn log_base<I: Isa>(x: f64, inv: [f64; 2], two: [f64; 2]) -> f64 {
    let (e, m) = split_any(x);
    let f = m - 1.0;
    let (h, t) = ln_tail::<I>(f);
    let hi = high(f - h);
    let lo = ((f - hi) - h) + t;
    let a = hi * inv[0];
    let b = I::fma_f64(lo, inv[0], (hi + lo) * inv[1]) + e * two[1];
    let y = e * two[0];
    let w = y + a;
    let result = w + (((y - w) + a) + b);
    ln_special(x, result)
}

/// The upper 26 bits: a product of two such is exact.
#[inline(always)]
fn high(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & 0xffff_ffff_f800_0000)
}

/// `(q, r, lo)` with x = q π/2 + r + lo, q modulo 4 in its low bits, |r| below π/4 and a bit.
#[inline(always)]
fn trig_parts<I: Isa>(x: f64) -> (i64, f64, f64) {
    let (k, q) = nearest::<I>(x, std::f64::consts::FRAC_2_PI);
    let a = I::fma_f64(k, -PIO2[0], x); // exact
    let w = k * PIO2[1];
    let b = a - w;
    let v = k * PIO2[2];
    let c = b - v;
    // What the two subtractions dropped, then the last part.
    let lo = ((a - b) - w) + ((b - c) - v);
    let lo = I::fma_f64(k, -PIO2[3], lo);
    let r = c + lo;
    (q, r, (c - r) + lo)
}

#[inline(always)]
fn sin_kernel<I: Isa>(r: f64, lo: f64) -> f64 {
    let z = r * r;
    r + I::fma_f64(r * z, coef::sin_q::<I>(z), I::fma_f64(-0.5 * z, lo, lo))
}

#[inline(always)]
fn cos_kernel<I: Isa>(r: f64, lo: f64) -> f64 {
    let z = r * r;
    let h = 0.5 * z;
    let w = 1.0 - h;
    w + (((1.0 - w) - h) + I::fma_f64(z * z, coef::cos_q::<I>(z), -(r * lo)))
}

/// The sine of quadrant `q`.
#[inline(always)]
fn sin_quadrant<I: Isa>(q: i64, r: f64, lo: f64) -> f64 {
    let (s, c) = (sin_kernel::<I>(r, lo), cos_kernel::<I>(r, lo));
    let y = if q & 1 == 0 { s } else { c };
    f64::from_bits(y.to_bits() ^ ((q as u64 & 2) << 62))
}

/// The square of `a` in two parts.
#[inline(always)]
fn square<I: Isa>(a: f64) -> (f64, f64) {
    let hi = high(a);
    let lo = a - hi;
    let sq = a * a;
    (
        sq,
        I::fma_f64(lo, lo, I::fma_f64(2.0 * hi, lo, hi * hi - sq)),
    )
}

/// log₂ of a positive finite x in two parts, the first of 26 bits: some 68 bits together.
#[inline(always)]
fn log2_parts<I: Isa>(x: f64) -> (f64, f64) {
    /// 2/(3 ln 2), the first part of 26 bits.
    const CP_HI: f64 = 0.961_796_686_053_276_1;
    const CP_LO: f64 = 7.872_699_542_894_897e-9;
    const CP: f64 = 0.961_796_693_925_975_6;
    let (e, m) = split_any(x);
    // s = f / (2 + f) = s_hi + s_lo, and ln(1 + f) = ⅔ s (3 + s² + s⁴ r).
    let f = m - 1.0;
    let v = 1.0 / (m + 1.0);
    let s = f * v;
    let s_hi = high(s);
    let d_hi = high(m + 1.0);
    let d_lo = m - (d_hi - 1.0);
    let s_lo = v * ((f - s_hi * d_hi) - s_hi * d_lo);
    let z = s * s;
    let r = I::fma_f64(z * z, coef::pow_r::<I>(z), s_lo * (s_hi + s));
    let z_hi = s_hi * s_hi;
    let t_hi = high(3.0 + z_hi + r);
    let t_lo = r - ((t_hi - 3.0) - z_hi);
    let u = s_hi * t_hi;
    let v = I::fma_f64(s_lo, t_hi, t_lo * s);
    let p_hi = high(u + v);
    let p_lo = v - (p_hi - u);
    let a = CP_HI * p_hi;
    let b = I::fma_f64(CP_LO, p_hi, p_lo * CP);
    let hi = high((a + b) + e);
    (hi, b - ((hi - e) - a))
}

/// Whether `y` is an integer.
#[inline(always)]
fn is_integer(y: f64) -> bool {
    const TWO52: f64 = 4_503_599_627_370_496.0;
    let a = y.abs();
    (a >= TWO52) | ((a + TWO52) - TWO52 == a)
}

/// Puts C99's special cases over |x|ʸ.
#[inline(always)]
fn pow_special(x: f64, y: f64, magnitude: f64) -> f64 {
    let a = x.abs();
    let zero_or_inf = |inf: bool| if inf { f64::INFINITY } else { 0.0 };
    let integer = is_integer(y);
    let odd = integer & !is_integer(0.5 * y);
    let p = if (a == 0.0) | (a == f64::INFINITY) {
        zero_or_inf((a == 0.0) == (y < 0.0))
    } else {
        magnitude
    };
    let p = if y.abs() == f64::INFINITY {
        zero_or_inf((a > 1.0) == (y > 0.0))
    } else {
        p
    };
    let p = if (y.abs() == f64::INFINITY) & (a == 1.0) {
        1.0
    } else {
        p
    };
    let p = if (x < 0.0) & !integer & (a != f64::INFINITY) {
        f64::NAN
    } else {
        p
    };
    let p = if odd { p.copysign(x) } else { p };
    let p = if x.is_nan() | y.is_nan() { x + y } else { p };
    if (y == 0.0) | (x == 1.0) { 1.0 } else { p }
}

/// xᵉ of `f32`: plain `f64` carries all the bits that its exponential loses.
#[inline(always)]
pub(super) fn pow_f32<I: Isa>(x: f32, e: f32) -> f32 {
    let (x, e) = (f64::from(x), f64::from(e));
    // |x| is normal in f64 or special.
    let (k, m) = split(x.abs());
    let magnitude = Math::exp::<I>(e * ln_parts::<I>(exponent(k), m - 1.0));
    pow_special(x, e, magnitude) as f32
}

exp_parts! { f64 fma_f64 }
sigmoid_parts! { f64, from -755.0, to 40.0, raised by 512 }
erfc_parts! { f64 fma_f64 }

impl Math for f64 {
    shared_math! { f64 fma_f64, libm sin cos tan, limit 1_640_000.0, exp from -746.0 to 711.0, erfc to 28.0, gelu to 39.5, silu_floor -800.0, gelu_tanh_floor -25.0, hypot from -450 to 500 by 600 }

    #[inline(always)]
    fn exp2<I: Isa>(self) -> f64 {
        let x = if self > 1025.0 { 1025.0 } else { self };
        let x = if x < -1076.0 { -1076.0 } else { x };
        let (kf, k) = nearest::<I>(x, 1.0);
        let r = (x - kf) * std::f64::consts::LN_2;
        scale(1.0 + I::fma_f64(coef::exp_q::<I>(r), r * r, r), k)
    }

    #[inline(always)]
    fn exp_m1<I: Isa>(self) -> f64 {
        let x = if self > 710.0 { 710.0 } else { self };
        let x = if x < -40.0 { -40.0 } else { x };
        let (k, s) = exp_m1_parts::<I>(x);
        // At half the size, for 2¹⁰²⁴ is not a number: 2 (2ᵏ⁻¹ s + (2ᵏ⁻¹ − ½)).
        let u = pow2(k.wrapping_sub(1));
        let y = 2.0 * I::fma_f64(u, s, u - 0.5);
        if self.abs() < TINY { self } else { y }
    }

    #[inline(always)]
    fn ln<I: Isa>(self) -> f64 {
        let (e, m) = split_any(self);
        let y = ln_parts::<I>(e, m - 1.0);
        ln_special(self, y)
    }

    #[inline(always)]
    fn ln_1p<I: Isa>(self) -> f64 {
        // As in `f32`: no products of subnormals.
        let tiny = self.abs() < TINY;
        let x = if tiny { 0.0 } else { self };
        let u = 1.0 + x;
        // What the sum dropped, exactly (Knuth), at the scale of the mantissa.
        let b = u - 1.0;
        let lost = (1.0 - (u - b)) + (x - b);
        let (e, m) = split(u);
        let unit = f64::from_bits(2046u64.wrapping_sub(e) << 52);
        let unit = if x < 1.0e18 { unit } else { 0.0 };
        let y = ln_parts::<I>(exponent(e), I::fma_f64(lost, unit, m - 1.0));
        let y = ln_special(u, y);
        if tiny { self } else { y }
    }

    #[inline(always)]
    fn log2<I: Isa>(self) -> f64 {
        const INV: [f64; 2] = [1.442_695_021_629_333_5, 1.925_962_991_126_617_5e-8];
        log_base::<I>(self, INV, [1.0, 0.0])
    }

    #[inline(always)]
    fn log10<I: Isa>(self) -> f64 {
        const INV: [f64; 2] = [0.434_294_477_105_140_7, 4.798_111_141_615_973e-9];
        const TWO: [f64; 2] = [0.301_029_995_662_247_53, 1.733_665_960_375_285_3e-12];
        log_base::<I>(self, INV, TWO)
    }

    #[inline(always)]
    fn sin<I: Isa>(self) -> f64 {
        let (q, r, lo) = trig_parts::<I>(self);
        let y = sin_quadrant::<I>(q, r, lo);
        if self.abs() < TINY { self } else { y }
    }

    #[inline(always)]
    fn cos<I: Isa>(self) -> f64 {
        let (q, r, lo) = trig_parts::<I>(self);
        sin_quadrant::<I>(q.wrapping_add(1), r, lo)
    }

    #[inline(always)]
    fn tan<I: Isa>(self) -> f64 {
        let (q, r, lo) = trig_parts::<I>(self);
        let (s, c) = (sin_kernel::<I>(r, lo), cos_kernel::<I>(r, lo));
        let even = q & 1 == 0;
        let y = (if even { s } else { -c }) / (if even { c } else { s });
        if self.abs() < TINY { self } else { y }
    }

    #[inline(always)]
    fn asin<I: Isa>(self) -> f64 {
        let a = self.abs();
        let big = a > 0.5;
        let z = if big { 0.5 * (1.0 - a) } else { a * a };
        let s = if big { z.sqrt() } else { a };
        let p = I::fma_f64(s * z, coef::asin_q::<I>(z), s);
        let y = std::f64::consts::FRAC_PI_2 - (2.0 * p - PIO2_LO);
        (if big { y } else { p }).copysign(self)
    }

    #[inline(always)]
    fn acos<I: Isa>(self) -> f64 {
        let a = self.abs();
        let big = a > 0.5;
        let z = if big { 0.5 * (1.0 - a) } else { a * a };
        let s = if big { z.sqrt() } else { self };
        let p = I::fma_f64(s * z, coef::asin_q::<I>(z), s);
        let near = 2.0 * p;
        let far = std::f64::consts::PI - (near - 2.0 * PIO2_LO);
        let outer = if self < 0.0 { far } else { near };
        let inner = std::f64::consts::FRAC_PI_2 - (p - PIO2_LO);
        if big { outer } else { inner }
    }

    #[inline(always)]
    fn atan<I: Isa>(self) -> f64 {
        let a = self.abs();
        let (low, high) = (a <= TAN_PIO8, a > 1.0 / TAN_PIO8);
        // atan a, π/4 + atan((a − 1)/(a + 1)) or π/2 + atan(−1/a).
        let num = if high { -1.0 } else { a - 1.0 };
        let den = if high { a } else { a + 1.0 };
        let t = (if low { a } else { num }) / (if low { 1.0 } else { den });
        let base = if high { 1.0 } else { 0.5 };
        let base = if low { 0.0 } else { base };
        let z = t * t;
        let lo = I::fma_f64(t * z, coef::atan_q::<I>(z), base * PIO2_LO);
        (base * std::f64::consts::FRAC_PI_2 + (t + lo)).copysign(self)
    }

    #[inline(always)]
    fn sinh<I: Isa>(self) -> f64 {
        let a = self.abs();
        let m = Math::exp_m1::<I>(a);
        let small = 0.5 * (m + m / (m + 1.0));
        let h = half_exp::<I>(a);
        (if a < 1.0 { small } else { h - 0.25 / h }).copysign(self)
    }

    #[inline(always)]
    fn cosh<I: Isa>(self) -> f64 {
        let h = half_exp::<I>(self.abs());
        h + 0.25 / h
    }

    #[inline(always)]
    fn tanh_each<I: Isa, const K: usize>(x: [f64; K]) -> [f64; K] {
        // With m = e²ᵃ − 1: m / (m + 2), which above ½ is better as 1 − 2 / (m + 2).
        let parts = each(x, |x| {
            let a = x.abs();
            exp_m1_parts::<I>(2.0 * if a > 20.0 { 20.0 } else { a })
        });
        each2(parts, x, |(k, s), x| {
            let u = pow2(k);
            let m = I::fma_f64(u, s, u - 1.0);
            let d = m + 2.0;
            let q = (if m > 2.0 { -2.0 } else { m }) / d;
            // What the rounding of d took from q: q/d times it, with a line for 1/d on 2 ≤ d ≤ 4.
            let lost = q * (I::fma_f64(d, -0.12, 0.72) * ((d - 2.0) - m));
            // (By the sign of q: two selects by one condition become two divisions.)
            (q + if q < 0.0 { 1.0 } else { lost }).copysign(x)
        })
    }

    #[inline(always)]
    fn asinh<I: Isa>(self) -> f64 {
        let a = self.abs();
        let big = a > 1.0e9;
        let z = a * a;
        let v = if big {
            a - 1.0
        } else {
            a + z / (1.0 + (z + 1.0).sqrt())
        };
        let y = Math::ln_1p::<I>(v) + if big { std::f64::consts::LN_2 } else { 0.0 };
        y.copysign(self)
    }

    #[inline(always)]
    fn acosh<I: Isa>(self) -> f64 {
        let big = self > 1.0e9;
        let t = self - 1.0;
        let v = if big { t } else { t + (2.0 * t + t * t).sqrt() };
        let y = Math::ln_1p::<I>(v) + if big { std::f64::consts::LN_2 } else { 0.0 };
        if self < 1.0 { f64::NAN } else { y }
    }

    #[inline(always)]
    fn atanh<I: Isa>(self) -> f64 {
        let a = self.abs();
        (0.5 * Math::ln_1p::<I>((a + a) / (1.0 - a))).copysign(self)
    }

    #[inline(always)]
    fn erf<I: Isa>(self) -> f64 {
        let a = self.abs();
        let small = I::fma_f64(a, coef::erf_q::<I>(a * a), a);
        // erf(6) is 1 in f64, and before that erfc counts absolutely: a² needs no second part.
        let t = if a > 6.0 { 6.0 } else { a };
        let [of] = erfc_parts::<I, 1>([1.0], [t], [(t * t, 0.0)]);
        let tail = 1.0 - of;
        (if a < 0.85 { small } else { tail }).copysign(self)
    }

    #[inline(always)]
    fn pow<I: Isa>(self, e: f64) -> f64 {
        let (l_hi, l_lo) = log2_parts::<I>(self.abs());
        let e_hi = high(e);
        let lo = I::fma_f64(e - e_hi, l_hi, e * l_lo);
        let hi = e_hi * l_hi;
        let z = hi + lo;
        let (up, down) = (z > 1025.0, z < -1076.0);
        let hi = if up { 1025.0 } else { hi };
        let hi = if down { -1076.0 } else { hi };
        let lo = if up | down { 0.0 } else { lo };
        let (kf, k) = nearest::<I>(hi + lo, 1.0);
        let r = ((hi - kf) + lo) * std::f64::consts::LN_2;
        let magnitude = scale(1.0 + I::fma_f64(coef::exp_q::<I>(r), r * r, r), k);
        pow_special(self, e, magnitude)
    }

    #[inline(always)]
    fn atan2<I: Isa>(self, x: f64) -> f64 {
        use std::f64::consts::FRAC_PI_4;
        let (ax, ay) = (x.abs(), self.abs());
        let steep = ay > ax;
        let (n, d) = (if steep { ax } else { ay }, if steep { ay } else { ax });
        // Of two infinities as of two equals; no sum below overflows, and 0/0 is 0/1.
        let equal = n == d;
        let n = if equal & (n > 0.0) { 1.0 } else { n };
        let d = if equal { 1.0 } else { d };
        let scale = if d > 1e300 { 0.25 } else { 1.0 };
        let (n, d) = (n * scale, d * scale);
        // The angle from the nearer axis: atan(n/d) or π/4 + atan((n − d)/(n + d)).
        let low = n <= TAN_PIO8 * d;
        let t = (if low { n } else { n - d }) / (if low { d } else { n + d });
        // From the axis of x: that, π/2 less it, π/2 and it, π less it.
        let back = x.is_sign_negative();
        let axis = if steep { 2.0 } else { 0.0 } + if back & !steep { 4.0 } else { 0.0 };
        let half = if low { 0.0 } else { 1.0 };
        let turned = steep != back;
        let eighths = if turned { axis - half } else { axis + half };
        let t = if turned { -t } else { t };
        let base = eighths * FRAC_PI_4;
        let base_lo = I::fma_f64(eighths, FRAC_PI_4, -base) + eighths * (0.5 * PIO2_LO);
        let z = t * t;
        let lo = I::fma_f64(t * z, coef::atan_q::<I>(z), base_lo);
        let angle = (base + (t + lo)).copysign(self);
        // Comparisons with NaN are false, so that it may have gone.
        if x.is_nan() | self.is_nan() {
            x + self
        } else {
            angle
        }
    }
}
