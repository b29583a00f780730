//! States: the names of a module's parameters and buffers with their values, saved and strictly loaded.

use std::collections::BTreeMap;
use std::path::Path;

use wengert_tensor::{
    AnyTensor, DType, Error, ErrorKind, Result, RngState, Safetensors, Shape, Site, StateMismatch,
    Tensor,
};

use super::{AnyBuffer, AnyParam, Entry, Visit, walk};

/// Names and values.
pub type StateDict = BTreeMap<String, AnyTensor>;

/// A parameter or a buffer.
pub(super) enum Slot {
    Param(AnyParam),
    Buffer(AnyBuffer),
}

impl Slot {
    pub(super) fn value(&self) -> AnyTensor {
        match self {
            Slot::Param(p) => p.value(),
            Slot::Buffer(b) => b.value(),
        }
    }

    #[track_caller]
    pub(super) fn set(&self, value: &AnyTensor) -> Result<()> {
        match self {
            Slot::Param(p) => p.set_value(value),
            Slot::Buffer(b) => b.set(value),
        }
    }

    fn id(&self) -> usize {
        match self {
            Slot::Param(p) => p.id(),
            Slot::Buffer(b) => b.id(),
        }
    }
}

/// Every parameter and buffer under every name it has.
#[track_caller]
pub(super) fn slots(visit: Visit<'_>) -> Result<BTreeMap<String, Slot>> {
    let (mut out, mut clash) = (BTreeMap::<String, Slot>::new(), None);
    walk(visit, &mut |name, entry| {
        let slot = match entry {
            Entry::Param(p) => Slot::Param(p),
            Entry::Buffer(b) => Slot::Buffer(b),
            Entry::Training(_) | Entry::Stream(_) => return,
        };
        let id = slot.id();
        match out.insert(name.to_string(), slot) {
            Some(before) if before.id() != id => clash = Some(name.to_string()),
            _ => {}
        }
    });
    unique(clash).map(|()| out)
}

/// Refuses a name that was visited twice.
#[track_caller]
fn unique(clash: Option<String>) -> Result<()> {
    match clash {
        None => Ok(()),
        Some(name) => {
            let rule = "in a module each parameter, buffer and stream has a name of its own";
            let e = Error::invalid("state_dict", "name", format!("{name}, twice"), rule);
            Err(e
                .or_hint("look for two fields of one name in `visit`, or one `rename` given twice"))
        }
    }
}

/// What lies in them now.
fn values(slots: &BTreeMap<String, Slot>) -> StateDict {
    let mut out = StateDict::new();
    for (name, slot) in slots {
        out.insert(name.clone(), slot.value());
    }
    out
}

#[track_caller]
pub(crate) fn state_dict(visit: Visit<'_>) -> Result<StateDict> {
    Ok(values(&slots(visit)?))
}

#[track_caller]
pub(crate) fn load_state_dict(visit: Visit<'_>, state: &StateDict) -> Result<()> {
    let slots = slots(visit)?;
    mismatch(&values(&slots), state)?;
    for (name, slot) in &slots {
        slot.set(&state[name])?;
    }
    Ok(())
}

/// The streams of random numbers.
#[track_caller]
pub(crate) fn streams(visit: Visit<'_>) -> Result<StateDict> {
    let (mut out, mut clash) = (StateDict::new(), None);
    walk(visit, &mut |name, entry| {
        if let Entry::Stream(s) = entry {
            let bytes = Tensor::new(s.state().to_bytes());
            if out.insert(name.to_string(), bytes.into()).is_some() {
                clash = Some(name.to_string());
            }
        }
    });
    unique(clash).map(|()| out)
}

#[track_caller]
pub(crate) fn load_streams(visit: Visit<'_>, state: &StateDict) -> Result<()> {
    mismatch(&streams(visit)?, state)?;
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
    let off = differences(own, state);
    match off.is_empty() {
        true => Ok(()),
        false => Err(Site::unplaced("load_state_dict").error(ErrorKind::State(off))),
    }
}

/// The names, types and shapes that differ.
pub(super) fn differences(own: &StateDict, state: &StateDict) -> StateMismatch {
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
    off
}

/// A state under a prefix of its own (`optimizer.`), within a larger one.
pub(crate) fn put_under(prefix: &str, part: StateDict, whole: &mut StateDict) {
    for (name, value) in part {
        whole.insert(format!("{prefix}.{name}"), value);
    }
}

/// The part of a state that has this prefix, without it.
pub(crate) fn part_under(prefix: &str, whole: &StateDict) -> StateDict {
    let mut part = StateDict::new();
    for (name, value) in whole {
        if let Some(name) = name.strip_prefix(prefix)
            && let Some(name) = name.strip_prefix('.')
        {
            part.insert(name.to_string(), value.clone());
        }
    }
    part
}

/// Writes a state as safetensors, whole or not at all.
///
/// # Errors
/// If the file cannot be written.
#[track_caller]
pub fn save_state(state: &StateDict, path: impl AsRef<Path>) -> Result<()> {
    let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
    Safetensors {
        tensors: state.clone(),
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
