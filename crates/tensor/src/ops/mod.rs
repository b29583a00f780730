//! The tensor API, a file per family.

pub(crate) mod compare;
pub(crate) mod create;
pub(crate) mod display;
pub(crate) mod operators;
pub(crate) mod reduce;
pub(crate) mod scan;
pub(crate) mod softmax;
pub(crate) mod sort;
pub(crate) mod statistics;
pub(crate) mod temp;
pub(crate) mod unary;
pub(crate) mod view;
