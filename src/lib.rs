#![doc = include_str!("../README.md")]
//!
//! ## Where to look
//!
//! - [`prelude`]: what most programs need, by one `use`.
//! - [`Tensor`] is data, [`Var`] is data on the tape, [`Param`] is what an optimizer changes; all ops are their
//!   methods.
//! - [`nn`]: layers, optimizers, data, training. [`autograd`]: the tape, `gradcheck`, ops of one's own. [`tensor`]:
//!   arrays, threads, memory, files.
#![forbid(unsafe_code)]

#[doc(inline)]
pub use wengert_autograd as autograd;
#[doc(inline)]
pub use wengert_nn as nn;
#[doc(inline)]
pub use wengert_tensor as tensor;

#[cfg(feature = "proptest")]
pub use wengert_autograd::check::strategies;
pub use wengert_autograd::{Param, Var};
pub use wengert_nn::Module;
pub use wengert_tensor::{Error, ErrorKind, Result, Rng, Tensor};

/// What a model, its training and its gradient checks need: `use wengert::prelude::*`.
pub mod prelude {
    pub use wengert_autograd::{
        Backward, ClassLoss, Function, FunctionCx, Grad, GradCheck, Param, Reduction, Var, grad,
        gradcheck, gradgradcheck, no_grad,
    };
    pub use wengert_nn::{
        Adam, AdamW, Batches, Callback, Checkpoint, ConfusionMatrix, DataLoader, Dataset, Dense,
        Dropout, EarlyStopping, Flatten, History, Layer, Linear, Model, Module, Optimizer, Relu,
        RmsProp, Schedule, Sequential, Sgd, Sigmoid, Tanh, TensorDataset, TrainContext, Visitor,
        accuracy, binary_accuracy, data, evaluate, fit, predict,
    };
    pub use wengert_tensor::{
        DType, Element, Error, ErrorKind, Float, INFER, Num, Result, Rng, Shape, Tensor,
    };
}
