//! Values and gradients against PyTorch's, recorded in `testdata/pytorch_goldens.json` (its README says
//! how). The tolerance is that of another order of summation: 1e-10 relative, 1e-12 absolute.

#![allow(missing_docs)]

#[path = "goldens/calls.rs"]
mod calls;

use std::collections::BTreeMap;

use serde_json::Value;
use wengert_autograd::{Grad, Var};
use wengert_tensor::Tensor;

/// A recorded array.
#[derive(Clone, Debug)]
pub enum Recorded {
    F64(Tensor<f64>),
    I64(Tensor<i64>),
    Bool(Tensor<bool>),
}

fn number(v: &Value) -> f64 {
    match v.as_str() {
        Some("NaN") => f64::NAN,
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        _ => v.as_f64().expect("a number"),
    }
}

impl Recorded {
    fn of(v: &Value) -> Recorded {
        let list = |key: &str| v[key].as_array().expect("a list");
        let shape: Vec<usize> = list("shape")
            .iter()
            .map(|d| d.as_u64().unwrap() as usize)
            .collect();
        let data = list("data");
        match v["dtype"].as_str() {
            Some("f64") => {
                let data = data.iter().map(number).collect();
                Recorded::F64(Tensor::from_vec(data, shape).unwrap())
            }
            Some("i64") => {
                let data = data.iter().map(|v| v.as_i64().unwrap()).collect();
                Recorded::I64(Tensor::from_vec(data, shape).unwrap())
            }
            Some("bool") => {
                let data = data.iter().map(|v| v.as_bool().unwrap()).collect();
                Recorded::Bool(Tensor::from_vec(data, shape).unwrap())
            }
            other => panic!("dtype {other:?}"),
        }
    }

    pub fn f64(&self) -> &Tensor<f64> {
        match self {
            Recorded::F64(t) => t,
            other => panic!("{other:?} is not of f64"),
        }
    }
    pub fn i64(&self) -> &Tensor<i64> {
        match self {
            Recorded::I64(t) => t,
            other => panic!("{other:?} is not of i64"),
        }
    }
    pub fn bool(&self) -> &Tensor<bool> {
        match self {
            Recorded::Bool(t) => t,
            other => panic!("{other:?} is not of bool"),
        }
    }
}

/// What a call gave.
pub enum Outcome {
    Var(Var<f64>),
    /// With the indices of sort and topk.
    Picked(Var<f64>, Tensor<i64>),
    Index(Tensor<i64>),
    Mask(Tensor<bool>),
}

fn agree(what: &str, got: &Tensor<f64>, want: &Tensor<f64>, rtol: f64) -> Result<(), String> {
    if got.shape() != want.shape() {
        return Err(format!(
            "{what}: shape {} instead of {}",
            got.shape(),
            want.shape()
        ));
    }
    for (i, (g, w)) in got.iter().zip(want.iter()).enumerate() {
        let near = g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= 1e-12 + rtol * w.abs();
        if !near {
            return Err(format!("{what}[{i}] is {g:e}, PyTorch has {w:e}"));
        }
    }
    Ok(())
}

fn check(case: &Value, compared: &mut usize) -> Result<(), String> {
    let list = |key: &str| case[key].as_array().expect("a list");
    let inputs: Vec<Recorded> = list("inputs").iter().map(Recorded::of).collect();
    let grads = list("grads");
    let vars: Vec<Option<Var<f64>>> = inputs
        .iter()
        .zip(grads)
        .map(|(input, grad)| match input {
            Recorded::F64(t) if grad.is_null() && case["seed"].is_null() => {
                Some(Var::from(t).tracked())
            }
            Recorded::F64(t) if grad.is_null() => Some(Var::from(t)),
            Recorded::F64(t) => Some(Var::from(t).tracked()),
            _ => None,
        })
        .collect();
    let call = calls::Case {
        op: case["op"].as_str().unwrap(),
        attrs: &case["attrs"],
        inputs: &inputs,
        vars: &vars,
    };
    let outcome = call.run().map_err(|e| e.to_string())?;
    let output = Recorded::of(&case["output"]);
    let y = match outcome {
        Outcome::Mask(mask) => {
            let same =
                mask.shape() == output.bool().shape() && mask.to_vec() == output.bool().to_vec();
            *compared += 1;
            return same
                .then_some(())
                .ok_or(format!("mask {mask}, PyTorch has {}", output.bool()));
        }
        Outcome::Index(index) => {
            *compared += 1;
            let same = index == *output.i64();
            return same
                .then_some(())
                .ok_or(format!("index {index}, PyTorch has {}", output.i64()));
        }
        Outcome::Picked(y, index) => {
            let want = Recorded::of(&case["indices"]);
            if index != *want.i64() {
                return Err(format!("indices {index}, PyTorch has {}", want.i64()));
            }
            y
        }
        Outcome::Var(y) => y,
    };
    agree("output", y.value(), output.f64(), 1e-10)?;
    *compared += y.len().max(1);
    if case["values_only"] == true || case["seed"].is_null() {
        return Ok(());
    }
    let wanted = if case["differs"].is_object() {
        &case["differs"]["wengert_grads"]
    } else {
        &case["grads"]
    };
    let wanted: Vec<(usize, &Value)> = wanted
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .filter(|(_, g)| !g.is_null())
        .collect();
    let at: Vec<&Var<f64>> = wanted
        .iter()
        .map(|(i, _)| vars[*i].as_ref().unwrap())
        .collect();
    // PyTorch's bound on the denominator, 1e-12, is an f32's.
    let rtol = if case["op"] == "bce_loss" {
        1e-8
    } else {
        1e-10
    };
    let seed = Var::from(Recorded::of(&case["seed"]).f64());
    let got = Grad::new()
        .allow_unused()
        .of_seeded(&[(&y, &seed)], &at)
        .map_err(|e| e.to_string())?;
    for ((i, want), got) in wanted.iter().zip(got) {
        agree(
            &format!("gradient {i}"),
            got.value(),
            Recorded::of(want).f64(),
            rtol,
        )?;
        *compared += got.len();
    }
    Ok(())
}

#[test]
fn values_and_gradients_agree_with_pytorch() {
    let text = include_str!("../../../testdata/pytorch_goldens.json");
    let document: Value = serde_json::from_str(text).unwrap();
    let cases = document["cases"].as_array().unwrap();
    let (mut compared, mut failures) = (0, Vec::new());
    let mut by_op: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, case) in cases.iter().enumerate() {
        let op = case["op"].as_str().unwrap();
        *by_op.entry(op).or_default() += 1;
        if let Err(e) = check(case, &mut compared) {
            failures.push(format!(
                "case {i} {op} {} {}: {e}",
                case["attrs"], case["note"]
            ));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
    assert_eq!(cases.len(), 592);
    eprintln!(
        "PyTorch: {} calls of {} ops, {compared} numbers agree",
        cases.len(),
        by_op.len()
    );
}
