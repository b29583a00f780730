//! A tensor whose element type is known at run time: what files hold.

use std::fmt;

use super::malformed;
use crate::dtype::{DType, Element};
use crate::error::{Error, Result, Site};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// A tensor of any element type.
///
/// ```
/// use wengert_tensor::{AnyTensor, DType, Tensor};
/// let any = AnyTensor::from(Tensor::new([1.0f32, 2.0]));
/// assert_eq!(any.dtype(), DType::F32);
/// assert_eq!(any.downcast::<f32>()?.to_vec(), [1.0, 2.0]);
/// assert!(any.downcast::<i64>().is_err());
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum AnyTensor {
    /// Of `f32`.
    F32(Tensor<f32>),
    /// Of `f64`.
    F64(Tensor<f64>),
    /// Of `i64`.
    I64(Tensor<i64>),
    /// Of `i32`.
    I32(Tensor<i32>),
    /// Of `u8`.
    U8(Tensor<u8>),
    /// Of `bool`.
    Bool(Tensor<bool>),
}

macro_rules! each {
    ($any:expr, $t:ident => $body:expr) => {
        match $any {
            AnyTensor::F32($t) => $body,
            AnyTensor::F64($t) => $body,
            AnyTensor::I64($t) => $body,
            AnyTensor::I32($t) => $body,
            AnyTensor::U8($t) => $body,
            AnyTensor::Bool($t) => $body,
        }
    };
}

macro_rules! numbers {
    ($($Variant:ident $t:ident)*) => {
        $(impl From<Tensor<$t>> for AnyTensor {
            fn from(t: Tensor<$t>) -> AnyTensor {
                AnyTensor::$Variant(t)
            }
        })*

        impl AnyTensor {
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
                        if let Some(i) = bytes.iter().position(|b| *b > 1) {
                            let reason = format!("{} is no bool: a bool is 0 or 1", bytes[i]);
                            return Err(malformed(format, offset + i, reason));
                        }
                        let values = bytes.iter().map(|b| *b == 1).collect();
                        Ok(Tensor::from_vec(values, shape)?.into())
                    }
                }
            }

            /// The elements in row-major order as little-endian bytes.
            pub(super) fn to_bytes(&self) -> Vec<u8> {
                match self {
                    $(AnyTensor::$Variant(t) => t.iter().flat_map(<$t>::to_le_bytes).collect(),)*
                    AnyTensor::Bool(t) => t.iter().map(u8::from).collect(),
                }
            }
        }
    };
}
numbers!(F32 f32 F64 f64 I64 i64 I32 i32 U8 u8);

impl From<Tensor<bool>> for AnyTensor {
    fn from(t: Tensor<bool>) -> AnyTensor {
        AnyTensor::Bool(t)
    }
}

impl AnyTensor {
    /// A tensor of an element type that only the caller's caller knows.
    pub fn of<T: Element>(t: &Tensor<T>) -> AnyTensor {
        let t = t.clone();
        // One of them is `T` itself.
        match T::DTYPE {
            DType::F32 => t.same_type().map(AnyTensor::F32),
            DType::F64 => t.same_type().map(AnyTensor::F64),
            DType::I64 => t.same_type().map(AnyTensor::I64),
            DType::I32 => t.same_type().map(AnyTensor::I32),
            DType::U8 => t.same_type().map(AnyTensor::U8),
            DType::Bool => t.same_type().map(AnyTensor::Bool),
        }
        .unwrap_or_else(|| AnyTensor::Bool(Tensor::full(0, false)))
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        each!(self, t => t.dtype())
    }

    /// The size of each axis.
    pub fn shape(&self) -> &Shape {
        each!(self, t => t.shape())
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        each!(self, t => t.len())
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tensor, sharing its memory, if its elements are of type `T`.
    ///
    /// # Errors
    /// If they are of another type.
    #[track_caller]
    pub fn downcast<T: Element>(&self) -> Result<Tensor<T>> {
        match each!(self, t => t.clone().same_type::<T>()) {
            Some(t) => Ok(t),
            None => Err(Error::InvalidArgument {
                site: Site::new("downcast")
                    .operand("self", self.dtype(), self.shape())
                    .hint(format!("downcast::<{}>() and then cast()", self.dtype())),
                name: "T",
                value: T::DTYPE.to_string(),
                rule: "T is the tensor's own type",
            }),
        }
    }

    /// The axes in the opposite order.
    pub(super) fn reversed(self) -> Result<AnyTensor> {
        let axes: Vec<isize> = (0..self.shape().len() as isize).rev().collect();
        Ok(each!(self, t => t.permute(axes)?.into()))
    }
}

impl fmt::Debug for AnyTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        each!(self, t => fmt::Debug::fmt(t, f))
    }
}

impl fmt::Display for AnyTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        each!(self, t => fmt::Display::fmt(t, f))
    }
}
