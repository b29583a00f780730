#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub use wengert_autograd as autograd;
pub use wengert_nn as nn;
pub use wengert_tensor as tensor;

#[cfg(feature = "proptest")]
pub use wengert_autograd::strategies;
pub use wengert_autograd::{Param, Var};
pub use wengert_nn::{Error, Module, Result};
pub use wengert_tensor::{Rng, Tensor};

/// What a model, its training and its gradient checks need: `use wengert::prelude::*`.
pub mod prelude {
    pub use wengert_autograd::gradcheck::{GradCheck, gradcheck, gradgradcheck};
    pub use wengert_autograd::{
        Backward, ClassLoss, Function, FunctionCx, Grad, Param, Reduction, Var, grad, no_grad,
    };
    pub use wengert_nn::{
        Adam, AdamW, Dense, Error, Layer, Linear, Module, Optimizer, Relu, Result, Sequential, Sgd,
        Sigmoid, Tanh, Visitor,
    };
    pub use wengert_tensor::{DType, Element, Float, INFER, Num, Rng, Shape, Tensor};
}
