//! Files of tensors: NumPy's npy and npz, safetensors. Every header is hostile until checked.
//!
//! Invariants: what refuses a file asks for no more memory than twice the file's bytes (but for a constant; of an npz file what
//! it unpacks to, up to a limit), whatever its header says, and never panics; writing replaces a file whole or not at all.

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
use crate::shape::Shape;

/// Bytes that are not what `format` says.
fn malformed(format: &'static str, offset: usize, reason: impl Into<String>) -> Error {
    Site::unplaced("").error(ErrorKind::Format {
        format,
        offset: offset as u64,
        reason: reason.into(),
    })
}

/// The beginning of a text from a file, for what is said of it: the whole may be as long as the file.
fn beginning(text: &str) -> String {
    const MOST: usize = 64;
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(MOST).collect();
    match chars.next() {
        None => start,
        Some(_) => start + "…",
    }
}

/// The sizes of a shape as they are read: their product, and of many the first alone, for what is said of them.
#[derive(Default)]
struct Sizes {
    shown: Shape,
    more: bool,
    /// `None` where it overflows.
    product: Option<usize>,
    empty: bool,
}

impl Sizes {
    fn new() -> Sizes {
        Sizes {
            product: Some(1),
            ..Sizes::default()
        }
    }

    fn push(&mut self, size: usize) {
        const MOST: usize = 64;
        self.empty |= size == 0;
        self.product = self.product.and_then(|n| n.checked_mul(size));
        match self.shown.len() < MOST {
            true => self.shown.push(size),
            false => self.more = true,
        }
    }

    /// How many elements there are; `None` if more than an address has numbers.
    fn count(&self) -> Option<usize> {
        if self.empty { Some(0) } else { self.product }
    }
}

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let more = if self.more { " and more axes" } else { "" };
        write!(f, "{}{more}", self.shown)
    }
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
