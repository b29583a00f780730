//! The proofs that the op list drives: every op, every sample, every layout.
//!
//! Each check counts what it compared; the counts are printed and a check that compared nothing fails.

mod common;

use common::{Layouts, cast32, close};
use wengert_autograd::check::gradcheck::{gradcheck, gradgradcheck};
use wengert_autograd::ops::OPS;
use wengert_autograd::ops::info::{OpInfo, Sample};
use wengert_autograd::ops::naive::Array;
use wengert_autograd::{Grad, Var, composed_rules};
use wengert_tensor::{IsaKind, Tensor, with_isa, with_threads};

/// Calls `f` with every op and sample and gathers what failed, so that one run tells all.
fn for_each_sample(check: &str, mut f: impl FnMut(&OpInfo, &Sample) -> Result<usize, String>) {
    let (mut count, mut failures) = (0usize, Vec::new());
    for op in OPS {
        for (i, sample) in (op.samples)().iter().enumerate() {
            match f(op, sample) {
                Ok(n) => count += n,
                Err(e) => failures.push(format!("{} sample {i} {}: {e}", op.name, sample.note)),
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{check}: {} failures\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(count > 0, "{check} compared nothing");
    eprintln!("{check}: {count} cases over {} ops", OPS.len());
}

fn arrays(inputs: &[Tensor<f64>]) -> Vec<Array> {
    inputs.iter().map(Array::from).collect()
}

fn constants(inputs: &[Tensor<f64>]) -> Vec<Var<f64>> {
    inputs.iter().map(Var::from).collect()
}

fn tracked(inputs: &[Tensor<f64>]) -> Vec<Var<f64>> {
    inputs.iter().map(|t| Var::from(t).tracked()).collect()
}

/// Gradients of `Σ seed·y` with a fixed seed of distinct values.
fn gradients(
    sample: &Sample,
    inputs: &[Tensor<f64>],
    ones: bool,
) -> Result<Vec<Tensor<f64>>, String> {
    let vars = tracked(inputs);
    let y = (sample.call)(&vars).map_err(|e| e.to_string())?;
    let seed: Vec<f64> = (0..y.len())
        .map(|i| {
            if ones {
                1.0
            } else {
                0.5 + (i as f64 * 0.618).fract()
            }
        })
        .collect();
    let seed = Var::constant(Tensor::from_vec(seed, y.shape()).map_err(|e| e.to_string())?);
    let at: Vec<&Var<f64>> = vars.iter().collect();
    let grads = Grad::new()
        .allow_unused()
        .of_seeded(&[(&y, &seed)], &at)
        .map_err(|e| e.to_string())?;
    Ok(grads.into_iter().map(Var::into_value).collect())
}

#[test]
fn the_list_is_whole() {
    for (i, op) in OPS.iter().enumerate() {
        assert!(
            !OPS[..i].iter().any(|o| o.name == op.name),
            "{} is listed twice",
            op.name
        );
        assert!(
            !op.formula.is_empty() && !op.gradient.is_empty() && !op.edges.is_empty(),
            "{}",
            op.name
        );
        assert!(!(op.samples)().is_empty(), "{} has no samples", op.name);
    }
}

#[test]
fn forward_equals_the_reference_on_every_layout() {
    for_each_sample("forward == reference", |_, sample| {
        let want = (sample.reference)(&arrays(&sample.inputs));
        let mut n = 0;
        for (layout, inputs) in Layouts::of(&sample.inputs) {
            let got = (sample.call)(&constants(&inputs)).map_err(|e| format!("{layout}: {e}"))?;
            close(got.value(), &want, 1e-12, 1e-13).map_err(|e| format!("{layout}: {e}"))?;
            n += 1;
        }
        Ok(n)
    });
}

#[test]
fn elementwise_ops_take_scalars_and_empties() {
    for_each_sample("0-d and empty", |_, sample| {
        if !sample.elementwise {
            return Ok(0);
        }
        let mut n = 0;
        for shape in [&[][..], &[0], &[2, 0, 3], &[1, 1], &[2]] {
            let inputs: Vec<Tensor<f64>> = sample
                .inputs
                .iter()
                .map(|t| {
                    let k: usize = shape.iter().product();
                    Tensor::from_vec(t.to_vec()[..k].to_vec(), shape).unwrap()
                })
                .collect();
            let got = (sample.call)(&constants(&inputs)).map_err(|e| e.to_string())?;
            close(
                got.value(),
                &(sample.reference)(&arrays(&inputs)),
                1e-12,
                1e-13,
            )?;
            gradients(sample, &inputs, true).map_err(|e| format!("{shape:?}: {e}"))?;
            n += 1;
        }
        Ok(n)
    });
}

#[test]
fn gradients_agree_with_differences_on_every_layout() {
    for_each_sample("gradcheck", |_, sample| {
        if sample.expected.is_some() {
            return Ok(0);
        }
        let mut n = 0;
        for (layout, inputs) in Layouts::of(&sample.inputs) {
            if inputs.iter().any(Tensor::may_overlap) {
                continue; // covered by `layouts_do_not_change_gradients`
            }
            for composed in [false, true] {
                let check = || gradcheck(|v| (sample.call)(v), &inputs);
                let r = if composed {
                    composed_rules(check)
                } else {
                    check()
                };
                n += r
                    .map_err(|e| format!("{layout}, composed {composed}: {e}"))?
                    .compared;
            }
        }
        Ok(n)
    });
}

#[test]
fn second_gradients_agree_with_differences() {
    for_each_sample("gradgradcheck", |_, sample| {
        if sample.expected.is_some() {
            return Ok(0);
        }
        let r = gradgradcheck(|v| (sample.call)(v), &sample.inputs).map_err(|e| e.to_string())?;
        Ok(r.compared)
    });
}

#[test]
fn ties_follow_the_convention() {
    for_each_sample("ties", |_, sample| {
        let Some(expected) = &sample.expected else {
            return Ok(0);
        };
        for composed in [false, true] {
            let run = || gradients(sample, &sample.inputs, true);
            let got = if composed {
                composed_rules(run)?
            } else {
                run()?
            };
            for (i, (g, want)) in got.iter().zip(expected).enumerate() {
                close(g, want, 1e-12, 1e-13)
                    .map_err(|e| format!("input {i}, composed {composed}: {e}"))?;
            }
        }
        // Where the first gradients are finite, so are the second: no NaN comes up on the way.
        if expected
            .iter()
            .all(|e| e.data.iter().all(|v| v.is_finite()))
        {
            let vars = tracked(&sample.inputs);
            let at: Vec<&Var<f64>> = vars.iter().collect();
            let y = (sample.call)(&vars).map_err(|e| e.to_string())?;
            let first = Grad::new().allow_unused().create_graph();
            let first = first.of(&y.sum_all(), &at).map_err(|e| e.to_string())?;
            for g in first.iter().filter(|g| g.is_tracked()) {
                let second = Grad::new().allow_unused().retain_graph();
                let second = second.of(&g.sum_all(), &at).map_err(|e| e.to_string())?;
                if !second
                    .iter()
                    .all(|g| g.to_vec().iter().all(|v| v.is_finite()))
                {
                    return Err("a second gradient is not finite".into());
                }
            }
        }
        Ok(expected.len())
    });
}

#[test]
fn each_input_gets_its_gradient_alone() {
    for_each_sample("one input tracked", |_, sample| {
        let all = gradients(sample, &sample.inputs, false)?;
        let mut n = 0;
        for (i, want) in all.iter().enumerate() {
            for composed in [false, true] {
                let mut vars = constants(&sample.inputs);
                vars[i] = vars[i].clone().tracked();
                let y = (sample.call)(&vars).map_err(|e| e.to_string())?;
                if !y.is_tracked() {
                    continue; // detached within the call
                }
                let seed: Vec<f64> = (0..y.len())
                    .map(|i| 0.5 + (i as f64 * 0.618).fract())
                    .collect();
                let seed = Tensor::from_vec(seed, y.shape()).map_err(|e| e.to_string())?;
                let run = || y.backward_seeded(&seed);
                if composed { composed_rules(run) } else { run() }.map_err(|e| e.to_string())?;
                let got = vars[i]
                    .grad()
                    .ok_or_else(|| format!("input {i}: no gradient arrived"))?;
                close(&got, &Array::from(want), 1e-12, 1e-13)
                    .map_err(|e| format!("input {i}: {e}"))?;
                n += 1;
            }
        }
        Ok(n)
    });
}

#[test]
fn fused_rules_equal_composed_ones() {
    for_each_sample("fused == composed", |_, sample| {
        let fused = gradients(sample, &sample.inputs, false)?;
        let composed = composed_rules(|| gradients(sample, &sample.inputs, false))?;
        for (i, (a, b)) in fused.iter().zip(&composed).enumerate() {
            close(a, &Array::from(b), 1e-12, 1e-13).map_err(|e| format!("input {i}: {e}"))?;
        }
        Ok(fused.len())
    });
}

#[test]
fn layouts_do_not_change_gradients() {
    for_each_sample("gradients on every layout", |_, sample| {
        let want = gradients(sample, &sample.inputs, false)?;
        let mut n = 0;
        for (layout, inputs) in Layouts::of(&sample.inputs) {
            let got = gradients(sample, &inputs, false).map_err(|e| format!("{layout}: {e}"))?;
            for (i, (a, b)) in got.iter().zip(&want).enumerate() {
                close(a, &Array::from(b), 1e-12, 1e-13)
                    .map_err(|e| format!("{layout}, input {i}: {e}"))?;
                n += 1;
            }
        }
        Ok(n)
    });
}

#[test]
fn f32_agrees_with_f64() {
    for_each_sample("f32 against f64", |_, sample| {
        // The same (rounded) inputs in both types.
        let rounded: Vec<Tensor<f64>> = sample
            .inputs
            .iter()
            .map(|t| t.cast::<f32>().cast())
            .collect();
        let v32: Vec<Var<f32>> = rounded
            .iter()
            .map(|t| Var::constant(cast32(t)).tracked())
            .collect();
        let v64 = tracked(&rounded);
        let (y32, y64) = (
            (sample.call_f32)(&v32).map_err(|e| e.to_string())?,
            (sample.call)(&v64).map_err(|e| e.to_string())?,
        );
        close(
            &y32.value().cast::<f64>(),
            &Array::from(y64.value()),
            2e-5,
            2e-5,
        )?;
        if sample.expected.is_some() || !y32.is_tracked() {
            return Ok(1);
        }
        y32.backward_seeded(&Tensor::ones(y32.shape()))
            .map_err(|e| e.to_string())?;
        y64.backward_seeded(&Tensor::ones(y64.shape()))
            .map_err(|e| e.to_string())?;
        for (a, b) in v32.iter().zip(&v64) {
            if let (Some(a), Some(b)) = (a.grad(), b.grad()) {
                close(&a.cast::<f64>(), &Array::from(&b), 1e-4, 1e-4)
                    .map_err(|e| format!("gradient: {e}"))?;
            }
        }
        Ok(1)
    });
}

#[test]
fn nan_comes_out_wherever_it_goes_in() {
    for_each_sample("NaN at every length and position", |op, sample| {
        if !sample.nan_propagates {
            return Ok(0);
        }
        let mut n = 0;
        if sample.elementwise {
            // Every length from 1 to 300, NaN at every position: each in f32 and f64.
            for len in 1..=300usize {
                for at in 0..len {
                    if len > 40 && at % 7 != len % 7 && at != 0 && at + 1 != len {
                        continue; // every position of short ones, a seventh and both ends of long ones
                    }
                    let inputs: Vec<Tensor<f64>> = sample
                        .inputs
                        .iter()
                        .enumerate()
                        .map(|(k, t)| {
                            let mut v: Vec<f64> =
                                t.to_vec().into_iter().cycle().take(len).collect();
                            if k == (at + len) % sample.inputs.len() {
                                v[at] = f64::NAN;
                            }
                            Tensor::from_vec(v, [len]).unwrap()
                        })
                        .collect();
                    let y = (sample.call)(&constants(&inputs))
                        .map_err(|e| e.to_string())?
                        .to_vec();
                    let v32: Vec<Var<f32>> =
                        inputs.iter().map(|t| Var::constant(cast32(t))).collect();
                    let y32 = (sample.call_f32)(&v32).map_err(|e| e.to_string())?.to_vec();
                    if !y[at].is_nan() || !y32[at].is_nan() {
                        return Err(format!("{}: NaN at {at} of {len} is lost", op.name));
                    }
                    n += 1;
                }
            }
            return Ok(n);
        }
        for k in 0..sample.inputs.len() {
            for at in 0..sample.inputs[k].len() {
                let mut inputs = sample.inputs.clone();
                let mut v = inputs[k].to_vec();
                v[at] = f64::NAN;
                inputs[k] = Tensor::from_vec(v, sample.inputs[k].shape()).unwrap();
                let want = (sample.reference)(&arrays(&inputs));
                let got = (sample.call)(&constants(&inputs))
                    .map_err(|e| e.to_string())?
                    .to_vec();
                for (i, (g, w)) in got.iter().zip(&want.data).enumerate() {
                    if g.is_nan() != w.is_nan() {
                        return Err(format!(
                            "NaN at {at} of input {k}: output {i} is {g}, reference {w}"
                        ));
                    }
                }
                n += 1;
            }
        }
        Ok(n)
    });
}

#[test]
fn threads_do_not_change_bits_and_isas_agree() {
    let isas = IsaKind::available();
    for_each_sample("threads and ISAs", |_, sample| {
        // Large enough to be split, where the op takes any shape.
        let inputs: Vec<Tensor<f64>> = if sample.elementwise {
            sample
                .inputs
                .iter()
                .map(|t| {
                    let v: Vec<f64> = t.to_vec().into_iter().cycle().take(40_000).collect();
                    Tensor::from_vec(v, [40_000]).unwrap()
                })
                .collect()
        } else {
            sample.inputs.clone()
        };
        let bits = |t: &Tensor<f64>| t.to_vec().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        let run = || -> Result<(Tensor<f64>, Vec<Tensor<f64>>), String> {
            let y = (sample.call)(&constants(&inputs))
                .map_err(|e| e.to_string())?
                .into_value();
            Ok((y, gradients(sample, &inputs, false)?))
        };
        let mut n = 0;
        let mut first: Option<(Tensor<f64>, Vec<Tensor<f64>>)> = None;
        for &isa in &isas {
            let one = with_isa(isa, || with_threads_here(1, &run))?;
            for threads in [2, 4] {
                let many = with_isa(isa, || with_threads_here(threads, &run))?;
                let same = bits(&one.0) == bits(&many.0)
                    && one.1.iter().zip(&many.1).all(|(a, b)| bits(a) == bits(b));
                if !same {
                    return Err(format!("{isa:?}: 1 and {threads} threads differ"));
                }
                n += 1;
            }
            if let Some((y, grads)) = &first {
                // Within some ULP of each other (docs/numerics.md): 1e-13 relative in f64.
                close(&one.0, &Array::from(y), 1e-13, 1e-14)
                    .map_err(|e| format!("{isa:?}: {e}"))?;
                for (a, b) in one.1.iter().zip(grads) {
                    close(a, &Array::from(b), 1e-12, 1e-13)
                        .map_err(|e| format!("{isa:?} gradient: {e}"))?;
                }
            } else {
                first = Some(one);
            }
        }
        Ok(n)
    });
}

/// `with_threads` on a pool that is kept, and with this thread's ISA taken along.
fn with_threads_here<R: Send>(threads: usize, f: &(impl Fn() -> R + Sync)) -> R {
    let isa = wengert_tensor::active_isa();
    with_threads(threads, || with_isa(isa, f))
}
