//! The tape: variables whose ops are recorded, and the walk back that gives gradients.

#![forbid(unsafe_code)]

mod engine;
mod error;
mod function;
pub mod gradcheck;
mod hook;
pub mod info;
mod leaf;
mod mode;
pub mod naive;
mod node;
pub mod ops;
mod rule;
#[cfg(feature = "proptest")]
pub mod strategies;
mod tape;
mod var;

pub use engine::{Backward, Grad, grad};
pub use error::{Error, Result};
pub use function::{Function, FunctionCx, Saves};
pub use hook::HookHandle;
pub use leaf::Param;
pub use mode::{composed_rules, enable_grad, is_recording, no_grad};
pub use ops::classify::ClassLoss;
pub use ops::reduction::Reduction;
pub use tape::{Tape, TapeEntry};
pub use var::Var;
