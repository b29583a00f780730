//! Strided, copy-on-write tensors and their kernels.

mod dtype;
mod error;
mod kernels;
mod layout;
pub mod memory;
mod ops;
mod shape;
mod tensor;

pub use dtype::{DType, Element, Float, Num};
pub use error::{Error, Operand, Result, Site};
pub use kernels::isa::{IsaKind, active_isa, with_isa};
pub use kernels::optim::{AdamStep, SgdStep};
pub use kernels::par::with_threads;
pub use ops::create::Nested;
pub use ops::slice::{Elements, Slice};
pub use ops::temp::Rng;
pub use shape::{Axes, INFER, IntoAxes, IntoShape, Shape, Strides};
pub use tensor::Tensor;
