//! The tensor API, a file per family.

pub(crate) mod close;
pub(crate) mod compare;
pub(crate) mod create;
pub(crate) mod display;
pub(crate) mod elementwise;
pub(crate) mod index;
pub(crate) mod join;
pub(crate) mod linear;
pub(crate) mod masked;
pub(crate) mod matmul;
pub(crate) mod norm;
pub(crate) mod operators;
pub(crate) mod random;
pub(crate) mod ranges;
pub(crate) mod reduce;
pub(crate) mod scan;
pub(crate) mod slice;
pub(crate) mod softmax;
pub(crate) mod sort;
pub(crate) mod statistics;
pub(crate) mod truth;
pub(crate) mod unary;
pub(crate) mod update;
pub(crate) mod view;
