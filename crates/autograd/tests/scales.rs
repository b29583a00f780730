//! Every op and loss of the list at the ends of the range: `f32` against `f64` on the same inputs, values and gradients.
//! What has an answer that is representable must give it, whatever over- or underflows on the way. The bounds are those of
//! the table in `docs/numerics.md`, which this test writes with `WENGERT_BLESS=1`.

use std::fmt::Write as _;

use wengert_autograd::ops::OPS;
use wengert_autograd::ops::info::{Call, OpInfo, Sample};
use wengert_autograd::{Grad, Var};
use wengert_tensor::{Float, Tensor};

#[path = "scales/bounds.rs"]
mod bounds;
use bounds::{Bound, Of, bound, table};

/// What the inputs become: a name, and the new value of the element `v` at index `i`.
type Regime = (&'static str, fn(f64, usize) -> f64);

const REGIMES: &[Regime] = &[
    ("1e-30", |v, _| v * 1e-30),
    ("1e-20", |v, _| v * 1e-20),
    ("1e-8", |v, _| v * 1e-8),
    ("1e8", |v, _| v * 1e8),
    ("1e20", |v, _| v * 1e20),
    ("1e30", |v, _| v * 1e30),
    ("1e-30 and 1e30", |v, i| v * [1e-30, 1e30][i % 2]),
    ("from 1e6 on", |v, _| v + 1e6),
    ("from -1e6 on", |v, _| v - 1e6),
    ("near ±1", |v, i| (1.0 - 1e-6 * (i + 1) as f64).copysign(v)),
    ("just above 1", |_, i| 1.0 + 1e-6 * (i + 1) as f64),
    ("beyond ±20", |v, _| v + 20f64.copysign(v)),
    ("beyond ±100", |v, _| v + 100f64.copysign(v)),
    ("one is ∞", |v, i| if i == 0 { f64::INFINITY } else { v }),
    (
        "one is −∞",
        |v, i| if i == 0 { f64::NEG_INFINITY } else { v },
    ),
];

const EPSILON: f64 = f32::EPSILON as f64;

/// What gradients start from, numbers of either type.
fn seed(i: usize) -> f64 {
    0.5 + (i % 4) as f64 * 0.25
}

/// Value and gradients as `f64`, `None` where the call is refused; `seed` is what the gradients start from, by index.
fn results<T: Float>(
    call: &Call<T>,
    inputs: &[Tensor<f64>],
    seed: &dyn Fn(usize) -> f64,
) -> Option<Vec<Vec<f64>>> {
    let vars: Vec<Var<T>> = inputs
        .iter()
        .map(|t| Var::constant(t.cast::<T>()).tracked())
        .collect();
    let y = call(&vars).ok()?;
    let mut all = vec![y.value().cast::<f64>().to_vec()];
    if y.is_tracked() {
        let seed: Vec<f64> = (0..y.len()).map(seed).collect();
        let seed = Tensor::from_vec(seed, y.shape()).unwrap().cast::<T>();
        let at: Vec<&Var<T>> = vars.iter().collect();
        let grads = Grad::new().allow_unused();
        let grads = grads.of_seeded(&[(&y, &Var::constant(seed))], &at).unwrap();
        all.extend(grads.iter().map(|g| g.value().cast::<f64>().to_vec()));
    }
    Some(all)
}

/// The largest change that a relative change of the inputs and the seed by half a unit makes, in units.
fn sensitivity(call: &Call<f64>, inputs: &[Tensor<f64>], exact: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut most: Vec<Vec<f64>> = exact.iter().map(|v| vec![0.0; v.len()]).collect();
    for pattern in 0..8u64 {
        // ±½ units, by input and index.
        let factor = |k: usize, i: usize| {
            let word = (i as u64 + 17 * k as u64 + 1)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15u64.rotate_left(pattern as u32 * 7));
            let sign = if (word >> 40) & 1 == 0 { 0.5 } else { -0.5 };
            1.0 + sign * EPSILON
        };
        let moved: Vec<Tensor<f64>> = inputs
            .iter()
            .enumerate()
            .map(|(k, t)| {
                let v = t.to_vec().into_iter().enumerate();
                let v = v.map(|(i, v)| v * factor(k, i)).collect();
                Tensor::from_vec(v, t.shape()).unwrap()
            })
            .collect();
        let seed = |i| seed(i) * factor(inputs.len(), i);
        let Some(there) = results(call, &moved, &seed) else {
            continue;
        };
        let both = there.iter().flatten().zip(exact.iter().flatten());
        for (m, (a, b)) in most.iter_mut().flatten().zip(both) {
            let change = (a - b).abs() / EPSILON;
            *m = if change.is_finite() {
                m.max(change)
            } else {
                *m
            };
        }
    }
    most
}

/// How far `got` is from `want`, in units of the type relative to `want` (and to `terms`, where these count).
fn off(got: f64, want: f64, terms: f64) -> f64 {
    let largest = f64::from(f32::MAX);
    if want.is_nan() || want.abs() >= largest * (1.0 - EPSILON) {
        // No answer, or none that is representable: that must show.
        let shows = !got.is_finite() || got.abs() > largest * 0.99;
        return if shows { 0.0 } else { f64::INFINITY };
    }
    let error = (got - want).abs();
    // Subnormal numbers have fewer digits.
    let error = (error - f64::from(f32::MIN_POSITIVE)).max(0.0);
    if error == 0.0 {
        return 0.0;
    }
    // Terms beyond the range have no sum there.
    if terms >= largest {
        return 0.0;
    }
    let units = error / (EPSILON * (want.abs() + terms));
    if units.is_nan() { f64::INFINITY } else { units }
}

/// The inputs in a regime, those of `which` alone, as numbers of either type.
fn moved(sample: &Sample, which: usize, regime: Regime) -> Vec<Tensor<f64>> {
    let inputs = sample.inputs.iter().enumerate();
    inputs
        .map(|(k, t)| {
            let v = t.to_vec().into_iter().enumerate();
            let v = v.map(|(i, v)| {
                if which == k || which == sample.inputs.len() {
                    regime.1(v, i)
                } else {
                    v
                }
            });
            Tensor::from_vec(v.collect(), t.shape())
                .unwrap()
                .cast::<f32>()
                .cast()
        })
        .collect()
}

/// The worst of an op: of its value and of its gradients, in units, and where that is.
fn worst(op: &OpInfo, bound: &Bound) -> [(f64, String); 2] {
    let mut all = [(0.0, String::new()), (0.0, String::new())];
    for (s, sample) in (op.samples)().iter().enumerate() {
        let n = sample.inputs.len();
        for which in (0..=n).filter(|w| n > 1 || *w == n) {
            for regime in REGIMES {
                let inputs = moved(sample, which, *regime);
                let (single, double) = (
                    results(&sample.call_f32, &inputs, &seed),
                    results(&sample.call, &inputs, &seed),
                );
                let (Some(single), Some(double)) = (&single, &double) else {
                    let same = single.is_none() == double.is_none();
                    let at = format!(
                        "sample {s}, {} of input {which}: refused in one type",
                        regime.0
                    );
                    if !same {
                        all[0] = (f64::INFINITY, at);
                    }
                    continue;
                };
                let terms = match bound.of {
                    Of::Result => double.iter().map(|v| vec![0.0; v.len()]).collect(),
                    Of::Terms => sensitivity(&sample.call, &inputs, double),
                };
                for (k, (a, (b, t))) in single.iter().zip(double.iter().zip(&terms)).enumerate() {
                    for (i, (a, (b, t))) in a.iter().zip(b.iter().zip(t)).enumerate() {
                        let units = off(*a, *b, *t);
                        let place = &mut all[k.min(1)];
                        if units > place.0 {
                            let what = if k == 0 {
                                "value".into()
                            } else {
                                format!("gradient {}", k - 1)
                            };
                            let at = format!(
                                "sample {s} {:?}, {} of input {which}, {what} {i}: {a:e} for {b:e}",
                                sample.note, regime.0
                            );
                            *place = (units, at);
                        }
                    }
                }
            }
        }
    }
    all
}

#[test]
fn every_op_at_the_ends_of_the_range() {
    let mut failures = String::new();
    for op in OPS {
        let bound = bound(op.name);
        let [value, gradient] = worst(op, &bound);
        for (what, (units, at), most) in [
            ("value", value, bound.value),
            ("gradient", gradient, bound.gradient),
        ] {
            if units > most {
                let _ = writeln!(
                    failures,
                    "{}: {what} {units:.1} units, bound {most}: {at}",
                    op.name
                );
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// Where the table stands in docs/numerics.md.
const DOC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/numerics.md");
const BEGIN: &str = "<!-- made by crates/autograd/tests/scales.rs: do not edit -->\n";
const END: &str = "<!-- end -->\n";

#[test]
fn the_table_of_bounds_is_that_of_the_documentation() {
    let text = std::fs::read_to_string(DOC).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let names: Vec<&str> = OPS.iter().map(|op| op.name).collect();
    let want = table(&names);
    if std::env::var_os("WENGERT_BLESS").is_some() {
        let text = format!("{before}{BEGIN}{want}{END}{after}");
        return std::fs::write(DOC, text).unwrap();
    }
    assert_eq!(found, want, "WENGERT_BLESS=1 writes it anew");
}
