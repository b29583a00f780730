//! Proofs of gradients: against central differences, and strategies for property tests.

pub mod gradcheck;
mod report;
#[cfg(feature = "proptest")]
pub mod strategies;
