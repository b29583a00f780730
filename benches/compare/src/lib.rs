//! Wengert and its peers on the same work: what `steps` and `ops` (ours) and `compare` (all) share.

#![forbid(unsafe_code)]

pub mod goals;
pub mod machine;
pub mod ops;
pub mod ours;
pub mod peers;
pub mod report;
pub mod run;
pub mod steps;
pub mod timing;
