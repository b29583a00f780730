//! Elements as bytes, in either order of bytes.

use super::malformed;
use crate::any::{AnyTensor, with_type};
use crate::dtype::DType;
use crate::error::Result;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Refuses bytes that are no truth values.
pub(super) fn check_bools(format: &'static str, bytes: &[u8], offset: usize) -> Result<()> {
    match bytes.iter().position(|b| *b > 1) {
        None => Ok(()),
        Some(i) => {
            let reason = format!("{} is no bool: a bool is 0 or 1", bytes[i]);
            Err(malformed(format, offset + i, reason))
        }
    }
}

macro_rules! numbers {
    ($($Variant:ident $t:ident)*) => {
        /// The tensor of these bytes, whose length has been checked.
        pub(super) fn from_bytes(
            format: &'static str,
            dtype: DType,
            shape: Shape,
            bytes: &[u8],
            offset: usize,
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
                    check_bools(format, bytes, offset)?;
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
