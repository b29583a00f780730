//! The functions of two arguments: `pow`, `atan2` and `hypot`.

use super::super::super::isa::{Isa, IsaKind, Kernel, dispatch};
use super::super::Math;
use super::{check, error32, error64};

/// Loops over pairs, as kernels run them.
macro_rules! pairs {
    ($($name:ident $f:ident $t:ident;)*) => {$(
        pub(super) fn $name(isa: IsaKind, a: &[$t], b: &[$t]) -> Vec<$t> {
            struct K<'a>(&'a [$t], &'a [$t]);
            impl Kernel for K<'_> {
                type Out = Vec<$t>;
                #[inline(always)]
                fn run<I: Isa>(self) -> Vec<$t> {
                    self.0.iter().zip(self.1).map(|(a, b)| Math::$f::<I>(*a, *b)).collect()
                }
            }
            dispatch(isa, K(a, b))
        }
    )*};
}
pairs! {
    pow32 pow f32;
    pow64 pow f64;
    atan2_32 atan2 f32;
    atan2_64 atan2 f64;
    hypot32 hypot f32;
    hypot64 hypot f64;
}

#[test]
fn pow_has_the_special_cases_of_c99() {
    let inf = f64::INFINITY;
    let mut values = vec![
        0.0,
        0.5,
        1.0,
        1.5,
        2.0,
        3.0,
        4.0,
        7.0,
        1e10,
        16_777_217.0,
        inf,
        f64::NAN,
    ];
    values.extend([
        1e-40,
        1e30,
        9_007_199_254_740_991.0,
        4_503_599_627_370_497.0,
        1e300,
    ]);
    values.extend(values.clone().iter().map(|v| -v));
    for isa in IsaKind::available() {
        for &x in &values {
            for &e in &values {
                let (y, r) = (pow64(isa, &[x], &[e])[0], x.powf(e));
                let close = (y - r).abs() <= r.abs() * 4e-16
                    && y.is_sign_negative() == r.is_sign_negative();
                let same = y.to_bits() == r.to_bits() || (y.is_nan() && r.is_nan()) || close;
                assert!(same, "f64 {x:?} ^ {e:?} on {isa:?}: {y:?}, not {r:?}");
                let (x, e) = (x as f32, e as f32);
                let (y, r) = (pow32(isa, &[x], &[e])[0], x.powf(e));
                let close = (y - r).abs() <= r.abs() * 1.3e-7
                    && y.is_sign_negative() == r.is_sign_negative();
                let same = y.to_bits() == r.to_bits() || (y.is_nan() && r.is_nan()) || close;
                assert!(same, "f32 {x:?} ^ {e:?} on {isa:?}: {y:?}, not {r:?}");
            }
        }
    }
}

#[test]
fn f32_pow_is_right_to_a_rounding() {
    let bits = |i: u32| i.wrapping_mul(2_654_435_761);
    let x: Vec<f32> = (0..100_000).map(|i| f32::from_bits(bits(i) >> 1)).collect();
    let e: Vec<f32> = (0..100_000)
        .map(|i| {
            let part = f64::from(bits(i + 77)) / 2f64.powi(31) - 1.0;
            (part * 100.0 / f64::from(x[i as usize]).ln().abs().max(1e-6)) as f32
        })
        .collect();
    for isa in IsaKind::available() {
        let y = pow32(isa, &x, &e);
        let finite = (0..x.len()).filter(|i| x[*i].is_finite() && e[*i].is_finite());
        check(
            isa,
            "f32 pow",
            0.51,
            finite.map(|i| {
                let r = f64::from(x[i]).powf(f64::from(e[i]));
                (error32(y[i], r), f64::from(x[i]), f64::from(y[i]), r)
            }),
        );
    }
}

/// Every pair of these: zeros, infinities, NaN, the smallest and the largest, of both signs.
fn edges() -> Vec<f64> {
    let all = [
        0.0,
        5e-324,
        1e-310,
        1e-300,
        1.0,
        2.0,
        1e300,
        f64::MAX,
        f64::INFINITY,
    ];
    let signed = all.iter().flat_map(|v| [*v, -v]);
    signed.chain([f64::NAN]).collect()
}

#[test]
fn atan2_has_the_special_cases_of_c99() {
    for isa in IsaKind::available() {
        for y in edges() {
            for x in edges() {
                let (a, r) = (atan2_64(isa, &[y], &[x])[0], y.atan2(x));
                let close =
                    error64(a, r, 0.0) <= 1.0 && a.is_sign_negative() == r.is_sign_negative();
                assert!(
                    close || (a.is_nan() && r.is_nan()),
                    "f64 ({y:?}, {x:?}) on {isa:?}: {a:?}, not {r:?}"
                );
                let (y, x) = (y as f32, x as f32);
                let (a, r) = (atan2_32(isa, &[y], &[x])[0], y.atan2(x));
                let close = (a - r).abs() <= r.abs() * 1.3e-7
                    && a.is_sign_negative() == r.is_sign_negative();
                assert!(
                    close || (a.is_nan() && r.is_nan()),
                    "f32 ({y:?}, {x:?}) on {isa:?}: {a:?}, not {r:?}"
                );
            }
        }
    }
}

#[test]
fn atan2_is_right_all_around() {
    // Points of all angles and, by their bits, of all magnitudes: the smallest and the largest too.
    let bits = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut y: Vec<f64> = (1..100_000).map(|i| f64::from_bits(bits(i))).collect();
    let mut x: Vec<f64> = (1..100_000)
        .map(|i| f64::from_bits(bits(i + 1_000_000)))
        .collect();
    for i in 0..100_000 {
        let (sin, cos) = (f64::from(i) * 1e-4).sin_cos();
        let size = 2f64.powi(i % 2000 - 1000);
        y.push(sin * size);
        x.push(cos * size);
    }
    let finite = |i: &usize| y[*i].is_finite() && x[*i].is_finite();
    for isa in IsaKind::available() {
        let a = atan2_64(isa, &y, &x);
        let all = (0..y.len()).filter(finite).map(|i| {
            let r = y[i].atan2(x[i]);
            (error64(a[i], r, 0.0), y[i], a[i], r)
        });
        check(isa, "f64 atan2", 2.0, all);
        let narrow = |v: &[f64]| v.iter().map(|v| (v % 1e30) as f32).collect::<Vec<f32>>();
        let (y, x) = (narrow(&y), narrow(&x));
        let a = atan2_32(isa, &y, &x);
        let all = (0..y.len())
            .filter(|i| !(y[*i].is_nan() || x[*i].is_nan()))
            .map(|i| {
                let r = f64::from(y[i]).atan2(f64::from(x[i]));
                (error32(a[i], r), f64::from(y[i]), f64::from(a[i]), r)
            });
        check(isa, "f32 atan2", 0.51, all);
    }
}

#[test]
fn hypot_neither_overflows_nor_underflows_on_the_way() {
    // Of all magnitudes, and alike enough that both count.
    let bits = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut pairs: Vec<(f64, f64)> = (1..50_000)
        .map(|i| {
            let x = f64::from_bits(bits(i));
            (x, x * (f64::from(i as u32 % 97) / 31.0 - 1.5))
        })
        .collect();
    for x in edges() {
        pairs.extend(edges().into_iter().map(|y| (x, y)));
    }
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    let narrow = |v: &[f64]| -> Vec<f32> {
        let small = |v: &f64| f32::from_bits((v.to_bits() >> 32) as u32);
        v.iter().map(small).collect()
    };
    let (x32, y32) = (narrow(&x), narrow(&y));
    for isa in IsaKind::available() {
        let h = hypot64(isa, &x, &y);
        let all = (0..x.len()).map(|i| {
            let r = x[i].hypot(y[i]);
            let same = h[i].is_nan() && r.is_nan();
            (
                if same { 0.0 } else { error64(h[i], r, 0.0) },
                x[i],
                h[i],
                r,
            )
        });
        check(isa, "f64 hypot", 1.5, all);
        let h = hypot32(isa, &x32, &y32);
        let all = (0..x.len()).map(|i| {
            let r = f64::from(x32[i]).hypot(f64::from(y32[i]));
            (error32(h[i], r), f64::from(x32[i]), f64::from(h[i]), r)
        });
        check(isa, "f32 hypot", 1.5, all);
    }
}
