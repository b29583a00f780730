//! The functions against references, on every instruction set the machine has: `f64` against
//! mpmath (golden.txt, written by golden.py), `f32` against the `f64` functions of std, or of this
//! module where std has none. The bounds are those that README.md states.

mod pairs;

use super::super::isa::{Isa, IsaKind, Kernel, dispatch};
use super::Math;
use pairs::pow64;
use std::mem::MaybeUninit;

type Map<T> = fn(IsaKind, &[T], &mut [T]);

/// Names of functions with loops over slices, as kernels run them.
macro_rules! table {
    ($table:ident $t:ident: $($f:ident)*) => {
        const $table: &[(&str, Map<$t>)] = &[$((stringify!($f), |isa, x, y| {
            struct K<'a>(&'a [$t], &'a mut [$t]);
            impl Kernel for K<'_> {
                type Out = ();
                #[inline(always)]
                fn run<I: Isa>(self) {
                    for (x, y) in self.0.iter().zip(self.1) {
                        *y = Math::$f::<I>(*x);
                    }
                }
            }
            dispatch(isa, K(x, y))
        })),*];
    };
}
table!(F32 f32: exp exp2 exp_m1 ln ln_1p log2 log10 sin cos tan asin acos atan sinh cosh tanh
    asinh acosh atanh sigmoid softplus log_sigmoid erf erfc gelu gelu_tanh silu mish rsqrt);
table!(F64 f64: exp exp2 exp_m1 ln ln_1p log2 log10 sin cos tan asin acos atan sinh cosh tanh
    asinh acosh atanh sigmoid softplus log_sigmoid erf erfc gelu gelu_tanh silu mish rsqrt);

/// The slice forms of the trigonometric functions.
macro_rules! trig {
    ($trig:ident $t:ident) => {
        /// Sine, cosine and tangent.
        fn $trig(isa: IsaKind, x: &[$t]) -> [Vec<$t>; 3] {
            struct K<'a>(&'a [$t]);
            impl Kernel for K<'_> {
                type Out = [Vec<$t>; 3];
                #[inline(always)]
                fn run<I: Isa>(self) -> [Vec<$t>; 3] {
                    let mut y = [(); 3].map(|()| vec![MaybeUninit::new(-7.0); self.0.len()]);
                    <$t as Math>::map_sin::<I>(self.0, &mut y[0]);
                    <$t as Math>::map_cos::<I>(self.0, &mut y[1]);
                    <$t as Math>::map_tan::<I>(self.0, &mut y[2]);
                    // SAFETY: made of initialised values, which the maps only overwrite.
                    y.map(|v| v.into_iter().map(|v| unsafe { v.assume_init() }).collect())
                }
            }
            dispatch(isa, K(x))
        }
    };
}
trig!(trig32 f32);
trig!(trig64 f64);

/// Greatest errors in units of the last place: of `f32` over all magnitudes, of `f64` over the
/// goldens. `gelu_tanh` is right to a rounding of its exponent, which counts 2|u| times in the tail.
const BOUNDS: &[(&str, f64, f64)] = &[
    ("exp", 1.05, 1.0),
    ("exp2", 1.05, 1.0),
    ("exp_m1", 1.7, 1.9),
    ("ln", 0.95, 0.8),
    ("ln_1p", 1.5, 1.3),
    ("log2", 0.51, 0.7),
    ("log10", 0.51, 0.7),
    ("sin", 0.9, 0.8),
    ("cos", 0.9, 0.8),
    ("tan", 2.6, 2.0),
    ("asin", 0.51, 2.0),
    ("acos", 0.51, 1.3),
    ("atan", 0.51, 1.9),
    ("sinh", 0.51, 2.0),
    ("cosh", 0.51, 1.4),
    ("tanh", 1.85, 2.0),
    ("asinh", 0.51, 1.6),
    ("acosh", 0.51, 1.6),
    ("atanh", 0.51, 1.9),
    ("sigmoid", 2.0, 2.0),
    ("softplus", 1.7, 1.7),
    ("log_sigmoid", 1.7, 1.7),
    ("erf", 1.5, 1.2),
    ("erfc", 6.0, 3.5),
    ("gelu", 6.0, 4.0),
    ("gelu_tanh", 250.0, 250.0),
    ("silu", 2.1, 2.0),
    ("mish", 4.7, 4.1),
    ("rsqrt", 1.5, 1.5),
];

/// The place value of the last bit of results as large as `r`, for `bits` of mantissa and least
/// exponent `least`.
fn ulp(r: f64, bits: i32, least: i32) -> f64 {
    let exponent = (r.abs().to_bits() >> 52) as i32 - 1023;
    let place = exponent.max(least) - bits;
    // Not `powi`: it divides by 2^1042, which is infinite.
    f64::from_bits(if place < -1022 {
        1 << (place + 1074)
    } else {
        ((place + 1023) as u64) << 52
    })
}

/// |y − r| in units of the last place of `f32`; infinite where the kind or the sign is wrong.
fn error32(y: f32, r: f64) -> f64 {
    if r.is_nan() || y.is_nan() {
        return if r.is_nan() && y.is_nan() {
            0.0
        } else {
            f64::INFINITY
        };
    }
    if y.is_infinite() || (r as f32).is_infinite() {
        // The largest number and what would follow it are neighbours.
        let top = 2f64.powi(128);
        return (f64::from(y).clamp(-top, top) - r.clamp(-top, top)).abs() / 2f64.powi(104);
    }
    if r == 0.0 && y.to_bits() != (r as f32).to_bits() {
        return f64::INFINITY;
    }
    (f64::from(y) - r).abs() / ulp(r, 23, -126)
}

/// The same for `f64`, the reference in two parts.
fn error64(y: f64, hi: f64, lo: f64) -> f64 {
    if y.to_bits() == hi.to_bits() {
        return (lo / ulp(hi, 52, -1022)).abs();
    }
    if y.is_infinite() || hi.is_infinite() {
        let top = f64::MAX;
        return if (y.clamp(-top, top) - hi.clamp(-top, top)).abs() <= 2f64.powi(971) {
            1.0
        } else {
            f64::INFINITY
        };
    }
    ((y - hi) - lo).abs() / ulp(hi, 52, -1022)
}

fn bits(word: &str) -> f64 {
    f64::from_bits(u64::from_str_radix(word, 16).expect("golden.txt holds hexadecimal words"))
}

#[test]
fn f64_agrees_with_mpmath() {
    let lines: Vec<Vec<&str>> = include_str!("../golden.txt")
        .lines()
        .map(|l| l.split(' ').collect())
        .collect();
    for isa in IsaKind::available() {
        for (name, map) in F64 {
            let cases: Vec<_> = lines.iter().filter(|l| l[0] == *name).collect();
            assert!(cases.len() >= 100, "{name}: {} goldens", cases.len());
            let x: Vec<f64> = cases.iter().map(|l| bits(l[1])).collect();
            let mut y = vec![0.0; x.len()];
            map(isa, &x, &mut y);
            let bound = BOUNDS
                .iter()
                .find(|b| b.0 == *name)
                .expect("every function has a bound")
                .2;
            check(
                isa,
                name,
                bound,
                (0..x.len()).map(|i| {
                    let (hi, lo) = (bits(cases[i][2]), bits(cases[i][3]));
                    (error64(y[i], hi, lo), x[i], y[i], hi)
                }),
            );
        }
        let cases: Vec<_> = lines.iter().filter(|l| l[0] == "pow").collect();
        assert!(cases.len() >= 100);
        let x: Vec<f64> = cases.iter().map(|l| bits(l[1])).collect();
        let e: Vec<f64> = cases.iter().map(|l| bits(l[2])).collect();
        let y = pow64(isa, &x, &e);
        check(
            isa,
            "pow",
            1.5,
            (0..x.len()).map(|i| {
                let (hi, lo) = (bits(cases[i][3]), bits(cases[i][4]));
                (error64(y[i], hi, lo), x[i], y[i], hi)
            }),
        );
    }
}

/// Fails with the worst of `(error, argument, result, reference)` if it is beyond the bound.
fn check(isa: IsaKind, name: &str, bound: f64, errors: impl Iterator<Item = (f64, f64, f64, f64)>) {
    let worst = errors.fold((0.0, 0.0, 0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a });
    let (error, x, y, r) = worst;
    assert!(
        error <= bound,
        "{name} on {isa:?}: {error:.3} ulp at {x:e}: {y:e}, not {r:e}"
    );
    if std::env::var_os("WENGERT_PRINT_ULP").is_some() {
        eprintln!("{name:12} {:7} {error:.3} at {x:e}", isa.name());
    }
}

/// The reference of an `f32` function.
fn reference(name: &str, x: &[f64], y: &mut [f64]) {
    macro_rules! by_std {
        ($($f:ident)*) => {
            match name {
                $(stringify!($f) => return x.iter().zip(y).for_each(|(x, y)| *y = x.$f()),)*
                _ => {}
            }
        };
    }
    by_std!(exp exp2 exp_m1 ln ln_1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh);
    let map = F64
        .iter()
        .find(|f| f.0 == name)
        .expect("the tables name the same functions")
        .1;
    map(IsaKind::Scalar, x, y);
}

#[test]
fn f32_agrees_with_f64_over_all_magnitudes() {
    // An odd step takes every exponent, both signs, subnormals, infinities and NaN.
    const STEP: usize = 21_503;
    let mut x: Vec<f32> = (0..=u32::MAX).step_by(STEP).map(f32::from_bits).collect();
    x.extend((0..40_000).map(|i| (i as f32 - 20_000.0) * 1.237e-3));
    let wide: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
    let mut r = vec![0.0; x.len()];
    let mut y = vec![0.0; x.len()];
    for (name, map) in F32 {
        reference(name, &wide, &mut r);
        let bound = BOUNDS
            .iter()
            .find(|b| b.0 == *name)
            .expect("every function has a bound")
            .1;
        let which = ["sin", "cos", "tan"].iter().position(|f| f == name);
        for isa in IsaKind::available() {
            match which {
                Some(i) => y.copy_from_slice(&trig32(isa, &x)[i]),
                None => map(isa, &x, &mut y),
            }
            let all = (0..x.len()).filter(|i| which.is_none() || wide[*i].is_finite());
            check(
                isa,
                name,
                bound,
                all.map(|i| (error32(y[i], r[i]), wide[i], f64::from(y[i]), r[i])),
            );
        }
    }
}

/// Function, argument, exact result.
const SPECIAL: &[(&str, f64, f64)] = {
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    &[
        ("exp", 0.0, 1.0),
        ("exp", -0.0, 1.0),
        ("exp", INF, INF),
        ("exp", -INF, 0.0),
        ("exp", 1000.0, INF),
        ("exp", -1000.0, 0.0),
        ("exp2", 10.0, 1024.0),
        ("exp2", -3.0, 0.125),
        ("exp2", INF, INF),
        ("exp2", -INF, 0.0),
        ("exp_m1", 0.0, 0.0),
        ("exp_m1", -0.0, -0.0),
        ("exp_m1", INF, INF),
        ("exp_m1", -INF, -1.0),
        ("ln", 0.0, -INF),
        ("ln", -0.0, -INF),
        ("ln", 1.0, 0.0),
        ("ln", -1.0, NAN),
        ("ln", -INF, NAN),
        ("ln", INF, INF),
        ("ln_1p", 0.0, 0.0),
        ("ln_1p", -0.0, -0.0),
        ("ln_1p", -1.0, -INF),
        ("ln_1p", -2.0, NAN),
        ("ln_1p", INF, INF),
        ("log2", 1024.0, 10.0),
        ("log2", 0.0, -INF),
        ("log2", -1.0, NAN),
        ("log2", INF, INF),
        ("log10", 1000.0, 3.0),
        ("log10", 1e22, 22.0),
        ("log10", 0.0, -INF),
        ("log10", -1.0, NAN),
        ("log10", INF, INF),
        ("sin", 0.0, 0.0),
        ("sin", -0.0, -0.0),
        ("cos", 0.0, 1.0),
        ("tan", -0.0, -0.0),
        ("asin", -0.0, -0.0),
        ("asin", 1.5, NAN),
        ("asin", -INF, NAN),
        ("acos", 1.0, 0.0),
        ("acos", -1.5, NAN),
        ("acos", INF, NAN),
        ("atan", -0.0, -0.0),
        ("sinh", -0.0, -0.0),
        ("sinh", INF, INF),
        ("sinh", -INF, -INF),
        ("cosh", 0.0, 1.0),
        ("cosh", -INF, INF),
        ("tanh", 0.0, 0.0),
        ("tanh", -0.0, -0.0),
        ("tanh", INF, 1.0),
        ("tanh", -INF, -1.0),
        ("tanh", 30.0, 1.0),
        ("asinh", -0.0, -0.0),
        ("asinh", -INF, -INF),
        ("acosh", 1.0, 0.0),
        ("acosh", 0.5, NAN),
        ("acosh", -INF, NAN),
        ("acosh", INF, INF),
        ("atanh", -0.0, -0.0),
        ("atanh", 1.0, INF),
        ("atanh", -1.0, -INF),
        ("atanh", 2.0, NAN),
        ("atanh", INF, NAN),
        ("sigmoid", 0.0, 0.5),
        ("sigmoid", INF, 1.0),
        ("sigmoid", -INF, 0.0),
        ("sigmoid", -1000.0, 0.0),
        ("softplus", INF, INF),
        ("softplus", -INF, 0.0),
        ("softplus", 1000.0, 1000.0),
        ("log_sigmoid", INF, 0.0),
        ("log_sigmoid", -INF, -INF),
        ("log_sigmoid", -1000.0, -1000.0),
        ("erf", 0.0, 0.0),
        ("erf", -0.0, -0.0),
        ("erf", INF, 1.0),
        ("erf", -INF, -1.0),
        ("erf", 7.0, 1.0),
        ("erfc", 0.0, 1.0),
        ("erfc", INF, 0.0),
        ("erfc", -INF, 2.0),
        ("gelu", 0.0, 0.0),
        ("gelu", -0.0, -0.0),
        ("gelu", INF, INF),
        ("gelu", -INF, -0.0),
        ("gelu", 100.0, 100.0),
        ("gelu_tanh", 0.0, 0.0),
        ("gelu_tanh", -0.0, -0.0),
        ("gelu_tanh", INF, INF),
        ("gelu_tanh", -INF, -0.0),
        ("gelu_tanh", 1e30, 1e30),
        ("silu", 0.0, 0.0),
        ("silu", -0.0, -0.0),
        ("silu", INF, INF),
        ("silu", -INF, -0.0),
        ("silu", 1e30, 1e30),
        ("mish", 0.0, 0.0),
        ("mish", -0.0, -0.0),
        ("mish", INF, INF),
        ("mish", -INF, -0.0),
        ("mish", 1e30, 1e30),
        ("rsqrt", 4.0, 0.5),
        ("rsqrt", 0.0, INF),
        ("rsqrt", INF, 0.0),
        ("rsqrt", -1.0, NAN),
    ]
};

#[test]
fn special_values_are_exact() {
    for isa in IsaKind::available() {
        for &(name, x, r) in SPECIAL {
            let map = F64.iter().find(|f| f.0 == name).expect("a function").1;
            let mut y = [0.0];
            map(isa, &[x], &mut y);
            let same = y[0].to_bits() == r.to_bits() || (y[0].is_nan() && r.is_nan());
            assert!(same, "f64 {name}({x:?}) on {isa:?}: {:?}, not {r:?}", y[0]);
            let map = F32.iter().find(|f| f.0 == name).expect("a function").1;
            let mut y = [0.0];
            map(isa, &[x as f32], &mut y);
            let r = r as f32;
            let same = y[0].to_bits() == r.to_bits() || (y[0].is_nan() && r.is_nan());
            assert!(same, "f32 {name}({x:?}) on {isa:?}: {:?}, not {r:?}", y[0]);
        }
    }
}

#[test]
fn subnormals_are_kept() {
    let odd = [
        "exp_m1", "ln_1p", "sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh",
    ];
    for isa in IsaKind::available() {
        for name in odd {
            let x = [
                f32::from_bits(1),
                -f32::from_bits(12_345),
                f32::MIN_POSITIVE / 3.0,
            ];
            let mut y = [0.0; 3];
            F32.iter().find(|f| f.0 == name).expect("a function").1(isa, &x, &mut y);
            assert_eq!(x, y, "{name} on {isa:?}");
            let x = [
                f64::from_bits(1),
                -f64::from_bits(12_345),
                f64::MIN_POSITIVE / 3.0,
            ];
            let mut y = [0.0; 3];
            F64.iter().find(|f| f.0 == name).expect("a function").1(isa, &x, &mut y);
            assert_eq!(x, y, "{name} on {isa:?}");
        }
    }
}

/// A vector loop and its remainder must not tell elements apart.
#[test]
fn position_and_length_change_nothing_and_nan_stays() {
    for isa in IsaKind::available() {
        for (name, map) in F32 {
            let x: Vec<f32> = (0..67).map(|i| 0.013 * i as f32 - 0.4).collect();
            let alone: Vec<u32> = x
                .iter()
                .map(|x| {
                    let mut y = [0.0];
                    map(isa, &[*x], &mut y);
                    y[0].to_bits()
                })
                .collect();
            for n in 0..x.len() {
                let mut y = vec![0.0; n];
                map(isa, &x[..n], &mut y);
                for (i, y) in y.iter().enumerate() {
                    let same = y.to_bits() == alone[i]
                        || (y.is_nan() && f32::from_bits(alone[i]).is_nan());
                    assert!(same, "{name} on {isa:?}, element {i} of {n}");
                }
                let Some(last) = n.checked_sub(1) else {
                    continue;
                };
                for at in [0, n / 2, last] {
                    let mut x = x[..n].to_vec();
                    x[at] = f32::NAN;
                    map(isa, &x, &mut y);
                    assert!(
                        y[at].is_nan(),
                        "{name}(NaN) on {isa:?}, element {at} of {n}: {}",
                        y[at]
                    );
                }
            }
        }
        for (name, map) in F64 {
            for at in 0..19 {
                let (mut x, mut y) = (vec![0.5; 19], vec![0.0; 19]);
                x[at] = f64::NAN;
                map(isa, &x, &mut y);
                assert!(y[at].is_nan(), "f64 {name}(NaN) on {isa:?}");
            }
        }
    }
}

#[test]
fn trigonometry_is_right_beyond_the_reduction() {
    // Large arguments among small ones, at the limit, and lengths about a block's.
    for n in [0, 1, 5, 511, 512, 513, 1500] {
        let x: Vec<f64> = (0..n)
            .map(|i| {
                let small = i as f64 * 0.37 - 100.0;
                match i % 97 {
                    3 => 1.0e22 + small * 1e19,
                    50 => f64::TRIG_LIMIT * 1.000_001,
                    51 => -f64::TRIG_LIMIT,
                    60 => -f64::MAX,
                    70 => f64::INFINITY,
                    71 => f64::NAN,
                    _ => small,
                }
            })
            .collect();
        let single: Vec<f32> = x.iter().map(|x| *x as f32).collect();
        for isa in IsaKind::available() {
            let (wide, narrow) = (trig64(isa, &x), trig32(isa, &single));
            for (f, std) in [f64::sin, f64::cos, f64::tan].into_iter().enumerate() {
                for i in 0..n {
                    let (y, r) = (wide[f][i], std(x[i]));
                    let ok = error64(y, r, 0.0) <= 4.0 || (y.is_nan() && r.is_nan());
                    assert!(
                        ok,
                        "f64 function {f} of {:e} on {isa:?}: {y:e}, not {r:e}",
                        x[i]
                    );
                    let (y, r) = (narrow[f][i], std(f64::from(single[i])));
                    assert!(
                        error32(y, r) <= 3.0,
                        "f32 function {f} of {:e} on {isa:?}: {y:e}, not {r:e}",
                        single[i]
                    );
                }
            }
        }
    }
}

#[test]
fn slopes_are_right_to_a_rounding_of_one() {
    let x: Vec<f64> = (-40_000..=40_000).map(|i| f64::from(i) * 1e-3).collect();
    let t = crate::Tensor::from_slice(&x, [x.len()]).unwrap();
    let (one, s) = (t.ones_like(), t.sigmoid());
    let pdf = t
        .square()
        .affine(-0.5, -0.5 * std::f64::consts::TAU.ln())
        .exp();
    let cdf = t
        .affine(std::f64::consts::FRAC_1_SQRT_2, 0.0)
        .erf()
        .affine(0.5, 0.5);
    let (cube, root) = (0.044715, (2.0 / std::f64::consts::PI).sqrt());
    let th = (&t * t.square().affine(cube * root, root)).tanh();
    let inner = t.square().affine(3.0 * cube * root, root);
    let tanh = t.softplus().tanh();
    let wanted = [
        ("silu", &s + &t * &s * s.affine(-1.0, 1.0)),
        ("gelu", &cdf + &t * &pdf),
        (
            "gelu_tanh",
            th.affine(0.5, 0.5) + &t * th.square().affine(-0.5, 0.5) * &inner,
        ),
        ("mish", &tanh + &t * tanh.square().affine(-1.0, 1.0) * &s),
    ];
    let narrow = t.cast::<f32>();
    for isa in IsaKind::available() {
        for (name, want) in &wanted {
            let (got, got32) = crate::with_isa(isa, || {
                let small = narrow.ones_like();
                match *name {
                    "silu" => (t.silu_grad(&one), narrow.silu_grad(small)),
                    "gelu" => (t.gelu_grad(&one), narrow.gelu_grad(small)),
                    "gelu_tanh" => (t.gelu_tanh_grad(&one), narrow.gelu_tanh_grad(small)),
                    _ => (t.mish_grad(&one), narrow.mish_grad(small)),
                }
            });
            let far = |got: crate::Tensor<f64>| (got - want).abs().max_all().unwrap();
            let (far64, far32) = (far(got.unwrap()), far(got32.unwrap().cast()));
            let (far64, far32) = (far64.item().unwrap(), far32.item().unwrap());
            // The reference loses x roundings of one itself.
            assert!(far64 < 1e-14, "{name} on {isa:?}: {far64:e}");
            // The arguments were rounded too.
            assert!(far32 < 6e-7, "{name} in f32 on {isa:?}: {far32:e}");
        }
    }
    // Where the formulas meet infinities on the way.
    for (x, want) in [(1e30, 1.0), (-1e30, 0.0), (f64::NAN, f64::NAN)] {
        let t = crate::Tensor::new([x]);
        for got in [
            t.gelu_grad(t.ones_like()),
            t.gelu_tanh_grad(t.ones_like()),
            t.mish_grad(t.ones_like()),
        ] {
            let got = got.unwrap().to_vec()[0];
            let right = (got - want).abs() < 1e-15 || (got.is_nan() && want.is_nan());
            assert!(right, "{got} at {x}");
        }
    }
}
