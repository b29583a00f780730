//! Random programs: graphs of 2 to 12 ops with shared sub-expressions, on any layout, whose gradients
//! are checked whole. A failure prints the smallest program that fails, as text, and the seed that
//! repeats it, which `proptest-regressions/programs.txt` keeps. `PROPTEST_CASES` sets how many are run.

#[path = "../common/compare.rs"]
mod compare;
mod corners;
mod program;
mod table;

use std::collections::BTreeMap;

use compare::{cast32, close};
use program::{Program, large_programs, programs};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{FileFailurePersistence, TestRunner};
use wengert_autograd::check::gradcheck::{gradcheck, gradgradcheck};
use wengert_autograd::ops::OPS;
use wengert_autograd::ops::naive::Array;
use wengert_autograd::{Grad, Result, Var, composed_rules};
use wengert_tensor::{Float, Tensor, with_threads};

fn config(cases: u32) -> ProptestConfig {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/proptest-regressions/programs.txt"
    );
    ProptestConfig {
        cases: match std::env::var("PROPTEST_CASES") {
            Ok(_) => ProptestConfig::default().cases,
            Err(_) => cases,
        },
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(file))),
        ..ProptestConfig::default()
    }
}

fn leaves<T: Float>(inputs: &[Tensor<T>]) -> Vec<Var<T>> {
    inputs.iter().map(|t| Var::from(t).tracked()).collect()
}

/// Values, and gradients for a seed of distinct values (zeros where nothing is tracked).
pub fn derive<T: Float>(
    inputs: &[Tensor<T>],
    run: impl FnOnce(&[Var<T>]) -> Result<Var<T>>,
) -> Result<Vec<Tensor<T>>> {
    let vars = leaves(inputs);
    let y = run(&vars)?;
    let mut all = vec![y.value().clone()];
    if !y.is_tracked() {
        return Ok(all);
    }
    let seed = (0..y.len()).map(|i| T::from_f64(0.5 + (i as f64 * 0.618).fract()));
    let seed = Var::constant(Tensor::from_vec(seed.collect(), y.shape())?);
    let at: Vec<&Var<T>> = vars.iter().collect();
    let grads = Grad::new().allow_unused().of_seeded(&[(&y, &seed)], &at)?;
    all.extend(grads.into_iter().map(Var::into_value));
    Ok(all)
}

fn fail<E: ToString>(e: E) -> TestCaseError {
    TestCaseError::fail(e.to_string())
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn gradients_of_programs(p in programs()) {
        gradcheck(|v| p.run(v), &p.inputs).map_err(fail)?;
    }

    #[test]
    fn fused_rules_of_programs_equal_composed_ones(p in programs()) {
        let fused = derive(&p.inputs, |v| p.run(v)).map_err(fail)?;
        let composed = composed_rules(|| derive(&p.inputs, |v| p.run(v))).map_err(fail)?;
        for (a, b) in fused.iter().zip(&composed) {
            close(a, &Array::from(b), 1e-10, 1e-10).map_err(fail)?;
        }
    }

    #[test]
    fn f32_programs_agree_with_f64(p in programs()) {
        let narrow: Vec<Tensor<f32>> = p.inputs.iter().map(cast32).collect();
        let inputs: Vec<Tensor<f64>> = narrow.iter().map(|t| t.cast()).collect();
        let got = derive(&narrow, |v| p.run_f32(v)).map_err(fail)?;
        let want = derive(&inputs, |v| p.run(v)).map_err(fail)?;
        // f32 rounds each op by 6e-8; the program's own condition is what moving its inputs by 1e-5 does.
        let moved: Vec<Tensor<f64>> = inputs.iter().map(|t| t.affine(1.0 + 1e-5, 0.0)).collect();
        let moved = derive(&moved, |v| p.run(v)).map_err(fail)?;
        for ((g, w), m) in got.iter().zip(&want).zip(&moved) {
            let largest = |t: &Tensor<f64>| t.to_vec().iter().fold(0.0f64, |a, v| a.max(v.abs()));
            let allowed = 1e-4 * (1.0 + largest(w)) + 2.0 * largest(&(w - m));
            close(&g.cast(), &Array::from(w), 0.0, allowed).map_err(fail)?;
        }
    }
}

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn second_gradients_of_programs(p in programs()) {
        // One number, so that the seeds add nothing to the Jacobian's size.
        let whole = |v: &[Var<f64>]| {
            let y = p.run(v)?;
            let weights = (0..y.len()).map(|i| 0.5 + (i as f64 * 0.618).fract());
            let weights = Var::constant(Tensor::from_vec(weights.collect(), y.shape())?);
            y.dot(&weights)
        };
        gradgradcheck(whole, &p.inputs).map_err(fail)?;
    }
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn threads_do_not_change_bits_of_programs(p in large_programs()) {
        let run = || derive(&p.inputs, |v| p.run(v));
        let (one, two) = (with_threads(1, run).map_err(fail)?, with_threads(2, run).map_err(fail)?);
        let bits = |t: &Tensor<f64>| t.to_vec().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        for (a, b) in one.iter().zip(&two) {
            prop_assert!(bits(a) == bits(b), "1 and 2 threads differ");
        }
    }
}

#[test]
fn programs_use_every_op() {
    // Always the same programs: which ops they reach must not depend on luck.
    let mut runner = TestRunner::deterministic();
    let (mut uses, mut lengths, mut shared) = (BTreeMap::new(), BTreeMap::new(), 0);
    for _ in 0..1500 {
        let p: Program = programs().new_tree(&mut runner).unwrap().current();
        assert!((2..=12).contains(&p.steps.len()), "{p}");
        *lengths.entry(p.steps.len()).or_insert(0) += 1;
        shared += usize::from(p.shares());
        for step in &p.steps {
            *uses.entry(step.op.name).or_insert(0) += 1;
        }
    }
    eprintln!(
        "{} ops in 1500 programs; uses of each: {uses:?}\nlengths: {lengths:?}\nwith a shared result: {shared}",
        OPS.len()
    );
    assert_eq!(uses.len(), OPS.len());
    assert!(shared > 500);
    assert_eq!(lengths.len(), 11);
}
