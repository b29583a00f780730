//! Strided, copy-on-write tensors and their kernels.

mod dtype;
mod error;
mod io;
mod kernels;
mod layout;
pub mod memory;
mod ops;
mod random;
mod shape;
mod tensor;

pub use dtype::{DType, Element, Float, Num};
pub use error::{Error, Operand, Result, Site};
pub use io::{AnyTensor, Safetensors, write_atomic};
pub use kernels::isa::{IsaKind, active_isa, with_isa};
pub use kernels::optim::{AdamStep, SgdStep};
pub use kernels::par::{num_threads, with_threads};
pub use ops::close::{Closeness, Tolerance, WorstElement};
pub use ops::create::Nested;
pub use ops::norm::{LayerNorm, LayerNormGrads};
pub use ops::slice::{Elements, Slice};
pub use random::{Rng, RngState};
pub use shape::{Axes, INFER, IntoAxes, IntoShape, Shape, Strides};
pub use tensor::{Arg, Tensor};
