//! The kernels: par → instruction set → strided → run.
//!
//! [`par`] splits work over threads by size; [`isa`] enters a function compiled for the instruction
//! set; [`strided`] makes contiguous runs of strided operands; the run is branch-free code that the
//! compiler vectorises. Every kernel call in the crate goes through one of the modules here.

pub(crate) mod arg;
pub(crate) mod cache;
mod cast;
mod copy;
pub(crate) mod folds;
pub(crate) mod gemm;
pub mod ints;
pub mod isa;
pub(crate) mod math;
pub(crate) mod norm;
pub mod par;
pub(crate) mod reduce;
pub(crate) mod scan;
pub(crate) mod softmax;
pub(crate) mod sort;
pub(crate) mod strided;
pub mod tables;
pub mod unary;
