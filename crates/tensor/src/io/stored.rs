//! The types of elements that files have, and what tensors hold them as.
//!
//! Invariant: no value changes: a type that tensors do not have is widened to one that holds all its values, and a value that
//! the widest does not hold is an error.

use std::fmt;

use crate::dtype::DType;

/// A type of elements in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// One that tensors have.
    Own(DType),
    F16,
    Bf16,
    /// Eight bits: four of exponent and three of mantissa, no infinities.
    F8E4m3,
    /// Eight bits: the upper half of an `F16`.
    F8E5m2,
    I8,
    I16,
    U16,
    U32,
    U64,
}

/// What a tensor holds it as, the bytes of an element, its name in NumPy's headers (behind the order of bytes), and in those of
/// safetensors.
const TYPES: [(Stored, DType, usize, &str, &str); 15] = {
    use Stored::*;
    [
        (Own(DType::F32), DType::F32, 4, "f4", "F32"),
        (Own(DType::F64), DType::F64, 8, "f8", "F64"),
        (Own(DType::I64), DType::I64, 8, "i8", "I64"),
        (Own(DType::I32), DType::I32, 4, "i4", "I32"),
        (Own(DType::U8), DType::U8, 1, "u1", "U8"),
        (Own(DType::Bool), DType::Bool, 1, "b1", "BOOL"),
        (F16, DType::F32, 2, "f2", "F16"),
        (Bf16, DType::F32, 2, "", "BF16"),
        (F8E4m3, DType::F32, 1, "", "F8_E4M3"),
        (F8E5m2, DType::F32, 1, "", "F8_E5M2"),
        (I8, DType::I32, 1, "i1", "I8"),
        (I16, DType::I32, 2, "i2", "I16"),
        (U16, DType::I32, 2, "u2", "U16"),
        (U32, DType::I64, 4, "u4", "U32"),
        (U64, DType::I64, 8, "u8", "U64"),
    ]
};

impl Stored {
    /// By NumPy's name, without the order of bytes.
    pub fn of_npy(name: &str) -> Option<Stored> {
        let found = TYPES.iter().find(|t| t.3 == name && !name.is_empty());
        found.map(|t| t.0)
    }

    /// By the name in a safetensors header.
    pub fn of_safetensors(name: &str) -> Option<Stored> {
        TYPES.iter().find(|t| t.4 == name).map(|t| t.0)
    }

    /// The bytes of an element.
    pub fn size(self) -> usize {
        TYPES.iter().find(|t| t.0 == self).map_or(1, |t| t.2)
    }
}

/// As tensors name those that they have, the others in the same way.
impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, TYPES.iter().find(|t| t.0 == *self)) {
            (Stored::Own(dtype), _) => write!(f, "{dtype}"),
            (_, Some(t)) => f.write_str(&t.4.to_lowercase()),
            _ => Ok(()),
        }
    }
}

/// IEEE's half precision, widened.
pub(super) fn half(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let (exponent, mantissa) = (u32::from(bits >> 10) & 31, u32::from(bits & 0x3ff));
    match exponent {
        // Zeros, and numbers below the smallest normal one: a multiple of 2⁻²⁴.
        0 => f32::from_bits(sign | (mantissa as f32 * 2f32.powi(-24)).to_bits()),
        31 => f32::from_bits(sign | 0x7f80_0000 | mantissa << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | mantissa << 13),
    }
}

/// The upper half of an `f32`.
pub(super) fn brain(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Eight bits with four of exponent (Micikevicius et al., 2022): all ones are NaN, and there are no infinities.
pub(super) fn e4m3(bits: u8) -> f32 {
    let sign = if bits & 0x80 == 0 { 1.0 } else { -1.0 };
    let (exponent, mantissa) = (i32::from(bits >> 3 & 15), f32::from(bits & 7));
    match (exponent, bits & 7) {
        (15, 7) => f32::NAN,
        (0, _) => sign * mantissa * 2f32.powi(-9),
        _ => sign * (8.0 + mantissa) * 2f32.powi(exponent - 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_floats_are_those_of_the_formats() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x3555, 0.333_251_95),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(half(bits), value, "{bits:x}");
        }
        assert!(half(0x7e00).is_nan() && half(0xfc01).is_nan());
        assert_eq!(half(0x8000).to_bits(), (-0.0f32).to_bits());
        assert_eq!(
            [brain(0x3f80), brain(0xc049), brain(0x7f80)],
            [1.0, -3.140625, f32::INFINITY]
        );
        for (bits, value) in [
            (0x38, 1.0),
            (0x7e, 448.0),
            (0xfe, -448.0),
            (0x08, 2f32.powi(-6)),
            (0x01, 2f32.powi(-9)),
            (0x07, 0.875 * 2f32.powi(-6)),
            (0x00, 0.0),
        ] {
            assert_eq!(e4m3(bits), value, "{bits:x}");
        }
        assert!(e4m3(0x7f).is_nan() && e4m3(0xff).is_nan());
        assert_eq!(e4m3(0x80).to_bits(), (-0.0f32).to_bits());
    }

    #[test]
    fn names_are_those_of_one_type_each() {
        for (stored, _, size, npy, safe) in TYPES {
            assert_eq!(
                (Stored::of_safetensors(safe), stored.size()),
                (Some(stored), size)
            );
            if !npy.is_empty() {
                assert_eq!(Stored::of_npy(npy), Some(stored));
            }
        }
        assert_eq!((Stored::of_npy(""), Stored::of_npy("c8")), (None, None));
    }
}
