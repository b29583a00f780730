//! Wengert and its peers on the same work: what `workloads` (ours) and `compare` (all) share.

#![forbid(unsafe_code)]

pub mod ops;
pub mod process;
pub mod run;
pub mod steps;
