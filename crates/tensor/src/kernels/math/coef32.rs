//! Polynomials of the `f32` functions. Written by `fit.py`: change that, not this.
use super::Isa;

/// (e^r - 1 - r) / r²; on |r| <= ln 2 / 2, within 2^-28.8 of e^r - 1.
#[inline(always)]
pub(super) fn exp_q<I: Isa>(r: f32) -> f32 {
    let r2 = r * r;
    let p0 = horner32!(I, r2, 0.5, 0.041666348, 0.0013941517);
    let p1 = horner32!(I, r2, 0.16666667, 0.00833323, 0.00019943586);
    I::fma_f32(p1, r, p0)
}

/// (ln(1 + f) - f + f²/2) / f³; on sqrt ½ - 1 <= f <= sqrt 2 - 1, within 2^-30.0 of ln(1 + f).
#[inline(always)]
pub(super) fn ln_p<I: Isa>(f: f32) -> f32 {
    let f2 = f * f;
    let p0 = horner32!(
        I, f2, 0.33333313, 0.20002049, 0.1422051, 0.11892926, 0.06657145
    );
    let p1 = horner32!(I, f2, -0.2500003, -0.16667038, -0.124202676, -0.11601262);
    I::fma_f32(p1, f, p0)
}

/// (sin r - r) / r³, z = r²; on |r| <= pi/4, within 2^-32.5 of sin r.
#[inline(always)]
pub(super) fn sin_q<I: Isa>(z: f32) -> f32 {
    horner32!(
        I,
        z,
        -0.16666667,
        0.008333379,
        -0.00019853053,
        2.8322738e-06
    )
}

/// (cos r - 1 + r²/2) / r⁴, z = r²; on |r| <= pi/4, within 2^-37.0 of cos r.
#[inline(always)]
pub(super) fn cos_q<I: Isa>(z: f32) -> f32 {
    horner32!(
        I,
        z,
        0.041666668,
        -0.0013888979,
        2.4821507e-05,
        -2.882629e-07
    )
}

/// erf(x) / x - 1, z = x²; on |x| <= 1, within 2^-29.4 of erf x.
#[inline(always)]
pub(super) fn erf_q<I: Isa>(z: f32) -> f32 {
    let z2 = z * z;
    let p0 = horner32!(I, z2, 0.12837917, 0.11283579, 0.005187162, 7.806904e-05);
    let p1 = horner32!(I, z2, -0.37612626, -0.026853347, -0.0007997853);
    I::fma_f32(p1, z, p0)
}

/// -ln erfc(a), u = a - 1; on 1 <= a <= 4, within 2^-26.9 absolute, of erf a.
#[inline(always)]
pub(super) fn erf_tail<I: Isa>(u: f32) -> f32 {
    let u2 = u * u;
    let p0 = horner32!(I, u2, 1.8496056, 0.8431071, -0.010046448, -0.00028952476);
    let p1 = horner32!(I, u2, 2.6389675, 0.041563477, 0.0020119606, 2.1686117e-05);
    I::fma_f32(p1, u, p0)
}

/// (a + 3) e^(a²) erfc(a), t = (a - 3) / (a + 3); on 0 <= a <= 11, within 2^-26.3 of erfc a.
#[inline(always)]
pub(super) fn erfcx_q<I: Isa>(t: f32) -> f32 {
    let t2 = t * t;
    let p0 = horner32!(
        I,
        t2,
        1.0740069,
        0.5902277,
        0.11953647,
        -0.0012589173,
        -0.0004361406
    );
    let p1 = horner32!(
        I,
        t2,
        -0.88339454,
        -0.3104647,
        -0.026845796,
        0.0030788158,
        -0.00029769083
    );
    I::fma_f32(p1, t, p0)
}
