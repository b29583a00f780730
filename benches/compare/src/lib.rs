//! Wengert and its peers on the same work: what `workloads` (ours) and `compare` (all) share.

#![forbid(unsafe_code)]

pub mod goals;
pub mod machine;
pub mod ops;
pub mod peers;
pub mod report;
pub mod run;
pub mod steps;
pub mod timing;
