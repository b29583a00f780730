//! What optimizers save: their tensors under the parameters' names, and every group's settings.

use std::collections::BTreeMap;

use wengert_tensor::Tensor;

use super::Group;
use crate::error::Result;
use crate::state::StateDict;

/// Each parameter's name, or its number where it has none or another has the same.
pub(super) fn names(groups: &[Group]) -> Vec<String> {
    let params: Vec<_> = groups.iter().flat_map(|g| &g.params).collect();
    let mut count = BTreeMap::new();
    for p in &params {
        *count.entry(p.name()).or_insert(0) += 1;
    }
    let name = |(i, p): (usize, &&crate::module::AnyParam)| match p.name() {
        Some(name) if count[&Some(name)] == 1 => name.to_string(),
        _ => i.to_string(),
    };
    params.iter().enumerate().map(name).collect()
}

/// The groups' settings.
pub(super) fn of_groups(groups: &[Group]) -> StateDict {
    let mut out = StateDict::new();
    for (i, g) in groups.iter().enumerate() {
        out.insert(format!("param_groups.{i}.lr"), Tensor::scalar(g.lr).into());
        let decay = Tensor::scalar(g.weight_decay);
        out.insert(format!("param_groups.{i}.weight_decay"), decay.into());
    }
    out
}

/// Takes a state that [`mismatch`](crate::state::mismatch) has passed.
pub(super) fn set_groups(groups: &mut [Group], state: &StateDict) -> Result<()> {
    for (i, g) in groups.iter_mut().enumerate() {
        g.lr = state[&format!("param_groups.{i}.lr")].downcast()?.item()?;
        g.weight_decay = state[&format!("param_groups.{i}.weight_decay")]
            .downcast()?
            .item()?;
    }
    Ok(())
}
