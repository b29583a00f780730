//! Saved states: names, and the strict comparison.

use std::collections::BTreeMap;

use wengert_tensor::{DType, Tensor};

use crate::error::{Error, Result, StateMismatch};
use crate::module::AnyParam;

/// The parameter's name, or its number where it has none.
pub(super) fn name(p: &AnyParam, index: usize) -> String {
    p.name().map_or_else(|| index.to_string(), str::to_string)
}

/// Compares names and shapes.
pub(super) fn check(
    want: &BTreeMap<String, Tensor<f64>>,
    got: &BTreeMap<String, Tensor<f64>>,
) -> Result<()> {
    let mut off = StateMismatch::default();
    for (name, w) in want {
        match got.get(name) {
            None => off.missing.push(name.clone()),
            Some(g) if g.shape() != w.shape() => off.mismatched.push((
                name.clone(),
                (DType::F64, w.shape().clone()),
                (DType::F64, g.shape().clone()),
            )),
            Some(_) => {}
        }
    }
    off.unexpected = got
        .keys()
        .filter(|n| !want.contains_key(*n))
        .cloned()
        .collect();
    if off.is_empty() {
        Ok(())
    } else {
        Err(Error::State(Box::new(off)))
    }
}
