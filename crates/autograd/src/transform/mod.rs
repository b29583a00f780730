//! Transforms of functions of variables: what gives derivatives as values.

pub(crate) mod grad;
