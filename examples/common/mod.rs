//! What the examples share: recorded runs of other programs, and where pictures go.

#![allow(dead_code)] // each example uses a part

use std::path::PathBuf;

use serde_json::Value;
use wengert::prelude::*;

/// A recorded run, from `testdata/`.
pub fn recorded(file: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A vector, or a matrix, of numbers.
pub fn tensor(v: &Value) -> Tensor<f64> {
    let numbers = |v: &Value| -> Vec<f64> {
        v.as_array()
            .into_iter()
            .flatten()
            .map(|x| x.as_f64().expect("a number"))
            .collect()
    };
    match v.get(0) {
        Some(Value::Array(_)) => Tensor::new(
            v.as_array()
                .into_iter()
                .flatten()
                .map(numbers)
                .collect::<Vec<_>>(),
        ),
        _ => Tensor::new(numbers(v)),
    }
}

/// The largest absolute difference.
pub fn furthest(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

/// Where an example's picture goes.
pub fn picture(name: &str) -> PathBuf {
    let dir =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    dir.join("pictures").join(name)
}
