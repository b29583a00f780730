//! Elements as bytes, in either order of bytes.

use super::stored::{Stored, brain, e4m3, half};
use super::{malformed, unsupported};
use crate::any::{AnyTensor, with_type};
use crate::dtype::DType;
use crate::element::Element;
use crate::error::Result;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Refuses elements that no tensor holds: truth values that are neither, and numbers beyond the largest `i64`.
pub(super) fn check(
    format: &'static str,
    stored: Stored,
    bytes: &[u8],
    offset: usize,
    big_endian: bool,
) -> Result<()> {
    match stored {
        Stored::Own(DType::Bool) => match bytes.iter().position(|b| *b > 1) {
            None => Ok(()),
            Some(i) => {
                let reason = format!("{} is no bool: a bool is 0 or 1", bytes[i]);
                Err(malformed(format, offset + i, reason))
            }
        },
        Stored::U64 => {
            // The highest bit of each, in the byte where the order has it.
            let top = if big_endian { 0 } else { 7 };
            match bytes.chunks_exact(8).position(|raw| raw[top] > 127) {
                None => Ok(()),
                Some(i) => {
                    let reason = "a number of type u64 is beyond the largest i64";
                    Err(unsupported(format, offset + 8 * i, reason))
                }
            }
        }
        _ => Ok(()),
    }
}

macro_rules! numbers {
    ($($Variant:ident $t:ident)*) => {
        fn own(
            dtype: DType,
            shape: Shape,
            bytes: &[u8],
            big_endian: bool,
        ) -> Result<AnyTensor> {
            match dtype {
                $(DType::$Variant => {
                    let parts = bytes.chunks_exact(size_of::<$t>());
                    let values = parts.map(|part| {
                        let mut raw = [0; size_of::<$t>()];
                        raw.copy_from_slice(part);
                        if big_endian { <$t>::from_be_bytes(raw) } else { <$t>::from_le_bytes(raw) }
                    });
                    Ok(Tensor::from_vec(values.collect(), shape)?.into())
                })*
                DType::Bool => {
                    let values = bytes.iter().map(|b| *b == 1).collect();
                    Ok(Tensor::from_vec(values, shape)?.into())
                }
            }
        }

        trait LeBytes: Copy {
            fn push_to(self, out: &mut Vec<u8>);
        }
        $(impl LeBytes for $t {
            fn push_to(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        })*
        impl LeBytes for bool {
            fn push_to(self, out: &mut Vec<u8>) {
                out.push(self.into());
            }
        }
    };
}
numbers!(F32 f32 F64 f64 I64 i64 I32 i32 U8 u8);

/// The tensor of these bytes, whose length has been checked.
pub(super) fn from_bytes(
    format: &'static str,
    stored: Stored,
    shape: Shape,
    bytes: &[u8],
    offset: usize,
    big_endian: bool,
) -> Result<AnyTensor> {
    check(format, stored, bytes, offset, big_endian)?;
    let b = big_endian;
    match stored {
        Stored::Own(dtype) => own(dtype, shape, bytes, big_endian),
        Stored::F16 => widened(bytes, b, shape, |raw| half(u16::from_le_bytes(raw))),
        Stored::Bf16 => widened(bytes, b, shape, |raw| brain(u16::from_le_bytes(raw))),
        Stored::F8E4m3 => widened(bytes, b, shape, |[raw]| e4m3(raw)),
        Stored::F8E5m2 => widened(bytes, b, shape, |[raw]| half(u16::from(raw) << 8)),
        Stored::I8 => widened(bytes, b, shape, |raw| i32::from(i8::from_le_bytes(raw))),
        Stored::I16 => widened(bytes, b, shape, |raw| i32::from(i16::from_le_bytes(raw))),
        Stored::U16 => widened(bytes, b, shape, |raw| i32::from(u16::from_le_bytes(raw))),
        Stored::U32 => widened(bytes, b, shape, |raw| i64::from(u32::from_le_bytes(raw))),
        Stored::U64 => own(DType::I64, shape, bytes, big_endian),
    }
}

/// Elements of `N` bytes, given to `f` with the lowest first.
fn widened<const N: usize, T: Element>(
    bytes: &[u8],
    big_endian: bool,
    shape: Shape,
    f: impl Fn([u8; N]) -> T,
) -> Result<AnyTensor> {
    let values = bytes.chunks_exact(N).map(|part| {
        let mut raw = [0; N];
        raw.copy_from_slice(part);
        if big_endian {
            raw.reverse();
        }
        f(raw)
    });
    Ok(Tensor::from_vec(values.collect(), shape)?.into())
}

/// The elements in row-major order as little-endian bytes.
pub(super) fn to_bytes(t: &AnyTensor) -> Vec<u8> {
    let mut out = Vec::with_capacity(t.len() * t.dtype().size());
    with_type!(t, t => t.iter().for_each(|x| x.push_to(&mut out)));
    out
}

/// The axes in the opposite order.
pub(super) fn reversed(t: &AnyTensor) -> Result<AnyTensor> {
    let axes: Vec<isize> = (0..t.shape().len() as isize).rev().collect();
    Ok(with_type!(t, t => t.permute(axes)?.into()))
}
