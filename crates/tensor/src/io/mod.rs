//! Files of tensors: NumPy's npy and npz, safetensors. Every header is hostile until checked.
//!
//! Invariants: reading asks for no more memory than a few times the bytes of the file (of an npz file what it unpacks to, up to a
//! limit), whatever its header says, and never panics; writing replaces a file whole or not at all.

mod atomic;
mod bytes;
mod json;
mod npy;
mod npz;
mod safetensors;
mod stored;

pub use atomic::write_atomic;
pub use safetensors::Safetensors;

use crate::error::{Error, ErrorKind, Site};

/// Bytes that are not what `format` says.
fn malformed(format: &'static str, offset: usize, reason: impl Into<String>) -> Error {
    Site::unplaced("").error(ErrorKind::Format {
        format,
        offset: offset as u64,
        reason: reason.into(),
    })
}

/// A type of elements that tensors do not have.
fn unsupported(format: &'static str, offset: usize, what: impl Into<String>) -> Error {
    malformed(format, offset, what)
        .or_hint("tensors are of f32, f64, i64, i32, u8 and bool; convert the file to one of them")
}

/// A file's bytes.
fn read(op: &'static str, path: &std::path::Path) -> crate::Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::io(op, path, &e))
}
