//! The tape: variables whose ops are recorded, and the backward pass that computes gradients. The middle of
//! Wengert: it knows tensors, and no layers.
//!
//! ```
//! use wengert::prelude::*;
//! let x = Var::new([1.0f64, 2.0, 3.0]).tracked();
//! let y = (x.square() * 0.5).sum_all();
//! y.backward()?;
//! assert_eq!(x.grad().unwrap().to_vec(), [1.0, 2.0, 3.0]);
//!
//! // Gradients of any order, without touching `x.grad()`: d²(x³)/dx² = 6x.
//! let cube = (x.square() * &x).sum_all();
//! let first = Grad::new().create_graph().of(&cube, &[&x])?;
//! let second = grad(&first[0].sum_all(), &[&x])?;
//! assert_eq!(second[0].to_vec(), [6.0, 12.0, 18.0]);
//!
//! // And the proof of one, against central differences.
//! gradcheck(|v| Ok(v[0].tanh()), &[Tensor::new([0.5, -1.0])])?;
//! # Ok::<(), wengert::Error>(())
//! ```
//!
//! # Where to look
//!
//! - [`Var`] has every op as a method, under the names of [`Tensor`](wengert_tensor::Tensor). One made by
//!   `Var::new` is a constant; [`Var::tracked`] makes it a leaf, and a [`Param`] is a leaf that can be updated.
//! - [`Var::backward`] and [`grad()`] run a backward pass, with their options in [`Backward`] and [`Grad`]; [`no_grad`] records
//!   nothing.
//! - [`Function`] is a differentiable op of one's own; [`gradcheck()`] proves it, and the module `strategies`
//!   (feature `proptest`) has property tests for it.
//! - [`Var::tape`] shows what was recorded.
//! - [`ops`] lists every op with its formula, gradient and edges.

#![forbid(unsafe_code)]

pub mod check;
mod function;
#[doc(hidden)]
pub mod instances;
mod param;
mod transform;

// In the order of their headings in the documentation of `Var`.
mod var;

mod tape;

// What only the samples use, has no use without them.
#[cfg_attr(
    not(feature = "samples"),
    allow(dead_code, unused_imports, unused_macros)
)]
pub mod ops;

pub use check::gradcheck::{GradCheck, gradcheck, gradgradcheck};
#[doc(hidden)]
pub use function::type_name;
pub use function::{Function, FunctionCx, Saves};
pub use ops::classify::ClassLoss;
pub use ops::operators::IntoVar;
pub use ops::reduction::Reduction;
pub use param::Param;
#[doc(hidden)]
pub use param::cloning_shared;
pub use tape::backward::Backward;
pub use tape::hook::HookHandle;
pub use tape::listing::{Tape, TapeEntry};
pub use tape::mode::{composed_rules, enable_grad, is_recording, no_grad};
pub use transform::grad::{Grad, grad};
pub use var::Var;
pub use wengert_tensor::{Error, ErrorKind, Result};
