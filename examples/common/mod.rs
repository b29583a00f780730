//! What the examples share: recorded runs of other programs, MNIST's files, and where pictures go.

#![allow(dead_code, unused_imports, clippy::print_stdout)] // each example uses a part

mod digits;
mod output;
mod recorded;

pub use digits::digits;
pub use output::output;
pub use recorded::Recorded;
