//! The tensor API, a file per family, in the order of their headings in the documentation of [`Tensor`](crate::Tensor): a
//! blank line keeps it.

pub(crate) mod create;
pub(crate) mod ranges;

pub(crate) mod random;
pub(crate) mod view;

pub(crate) mod slice;

pub(crate) mod join;
pub(crate) mod pad;
pub(crate) mod update;

pub(crate) mod bits;
pub(crate) mod bounds;
pub(crate) mod elementwise;
pub(crate) mod operand;
pub(crate) mod operators;
pub(crate) mod unary;

pub(crate) mod compare;

pub(crate) mod close;
pub(crate) mod plan;
pub(crate) mod reduce;
pub(crate) mod truth;

pub(crate) mod statistics;

pub(crate) mod scan;
pub(crate) mod sort;

pub(crate) mod index;
pub(crate) mod masked;
pub(crate) mod matmul;
pub(crate) mod scatter;

pub(crate) mod linear;
pub(crate) mod softmax;

pub(crate) mod norm;

pub(crate) mod display;
