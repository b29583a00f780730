//! Files of tensors: NumPy's npy, safetensors. Every header is hostile until checked.
//!
//! Invariants: reading asks for no more memory than the file has bytes (but for a constant), whatever
//! its header says, and never panics; writing replaces a file whole or not at all.

mod any;
mod atomic;
mod npy;
mod safetensors;

pub use any::AnyTensor;
pub use atomic::write_atomic;
pub use safetensors::Safetensors;

use crate::error::Error;

/// Bytes that are not what `format` says.
fn malformed(format: &'static str, offset: usize, reason: impl Into<String>) -> Error {
    Error::Format {
        format,
        offset: offset as u64,
        reason: reason.into(),
        hint: None,
    }
}

/// A file's bytes.
fn read(op: &'static str, path: &std::path::Path) -> crate::Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::io(op, path, &e))
}
