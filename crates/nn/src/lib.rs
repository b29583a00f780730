//! Layers, losses, optimizers, data and training.

#![forbid(unsafe_code)]

mod error;
pub mod init;
mod linear;
mod module;
mod optim;

pub use error::{Error, Result, StateMismatch};
pub use linear::{Dense, Linear};
pub use module::{AnyBuffer, AnyParam, Buffer, Entry, Layer, Module, Training, Visitor};
pub use optim::{Adam, AdamW, Group, Optimizer, Sgd};
pub use wengert_derive::Module;
