//! States: the names of a module's parameters and buffers with their values, saved and strictly loaded.

use std::collections::BTreeMap;
use std::path::Path;

use wengert_tensor::{
    AnyTensor, DType, ErrorKind, Result, RngState, Safetensors, Shape, Site, StateMismatch, Tensor,
};

use crate::module::{AnyBuffer, AnyParam, Entry, Visit, walk};

/// Names and values.
pub type StateDict = BTreeMap<String, AnyTensor>;

/// A parameter or a buffer.
enum Slot {
    Param(AnyParam),
    Buffer(AnyBuffer),
}

impl Slot {
    fn value(&self) -> AnyTensor {
        match self {
            Slot::Param(p) => p.value(),
            Slot::Buffer(AnyBuffer::F32(b)) => b.value().into(),
            Slot::Buffer(AnyBuffer::F64(b)) => b.value().into(),
            Slot::Buffer(AnyBuffer::I64(b)) => b.value().into(),
        }
    }

    #[track_caller]
    fn set(&self, value: &AnyTensor) -> Result<()> {
        match self {
            Slot::Param(AnyParam::F32(p)) => p.set_value(value.downcast::<f32>()?.copied())?,
            Slot::Param(AnyParam::F64(p)) => p.set_value(value.downcast::<f64>()?.copied())?,
            Slot::Buffer(AnyBuffer::F32(b)) => b.set(value.downcast::<f32>()?.copied()),
            Slot::Buffer(AnyBuffer::F64(b)) => b.set(value.downcast::<f64>()?.copied()),
            Slot::Buffer(AnyBuffer::I64(b)) => b.set(value.downcast::<i64>()?.copied()),
        }
        Ok(())
    }
}

/// Every parameter and buffer under every name it has.
fn slots(visit: Visit<'_>) -> BTreeMap<String, Slot> {
    let mut out = BTreeMap::new();
    walk(visit, &mut |name, entry| {
        let slot = match entry {
            Entry::Param(p) => Slot::Param(p),
            Entry::Buffer(b) => Slot::Buffer(b),
            Entry::Training(_) | Entry::Stream(_) => return,
        };
        out.insert(name.to_string(), slot);
    });
    out
}

/// What lies in them now.
fn values(slots: &BTreeMap<String, Slot>) -> StateDict {
    let mut out = StateDict::new();
    for (name, slot) in slots {
        out.insert(name.clone(), slot.value());
    }
    out
}

pub(crate) fn state_dict(visit: Visit<'_>) -> StateDict {
    values(&slots(visit))
}

#[track_caller]
pub(crate) fn load_state_dict(visit: Visit<'_>, state: &StateDict) -> Result<()> {
    let slots = slots(visit);
    mismatch(&values(&slots), state)?;
    for (name, slot) in &slots {
        slot.set(&state[name])?;
    }
    Ok(())
}

/// The streams of random numbers.
pub(crate) fn streams(visit: Visit<'_>) -> StateDict {
    let mut out = StateDict::new();
    walk(visit, &mut |name, entry| {
        if let Entry::Stream(s) = entry {
            let bytes = Tensor::new(s.state().to_bytes());
            out.insert(name.to_string(), bytes.into());
        }
    });
    out
}

#[track_caller]
pub(crate) fn load_streams(visit: Visit<'_>, state: &StateDict) -> Result<()> {
    mismatch(&streams(visit), state)?;
    walk(visit, &mut |name, entry| {
        if let Entry::Stream(s) = entry
            && let Ok(bytes) = state[name].downcast::<u8>()
            && let Ok(bytes) = bytes.to_vec().try_into()
        {
            s.set_state(&RngState::from_bytes(&bytes));
        }
    });
    Ok(())
}

/// Compares names, types and shapes, and reports every difference.
#[track_caller]
pub(crate) fn mismatch(own: &StateDict, state: &StateDict) -> Result<()> {
    let kind = |t: &AnyTensor| -> (DType, Shape) { (t.dtype(), t.shape().clone()) };
    let mut off = StateMismatch::default();
    for (name, own) in own {
        match state.get(name).map(kind) {
            None => off.missing.push(name.clone()),
            Some(found) if found != kind(own) => {
                off.mismatched.push((name.clone(), kind(own), found));
            }
            Some(_) => {}
        }
    }
    let unexpected = state.keys().filter(|name| !own.contains_key(*name));
    off.unexpected = unexpected.cloned().collect();
    if off.is_empty() {
        Ok(())
    } else {
        Err(Site::unplaced("load_state_dict").error(ErrorKind::State(off)))
    }
}

/// Writes a state as safetensors, whole or not at all.
///
/// # Errors
/// If the file cannot be written.
#[track_caller]
pub fn save_state(state: StateDict, path: impl AsRef<Path>) -> Result<()> {
    let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
    Safetensors {
        tensors: state,
        metadata,
    }
    .save(path)
}

/// Reads a state from safetensors.
///
/// # Errors
/// If the file cannot be read or is no safetensors file.
#[track_caller]
pub fn load_state(path: impl AsRef<Path>) -> Result<StateDict> {
    Ok(Safetensors::load(path)?.tensors)
}
