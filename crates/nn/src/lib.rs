//! Layers, losses, optimizers, data and training.

#![forbid(unsafe_code)]

mod activation;
pub mod data;
mod dense;
mod dropout;
mod error;
pub mod init;
mod linear;
mod module;
mod optim;
#[cfg(feature = "plot")]
pub mod plot;
mod progress;
mod sequential;
mod state;
mod train;

pub use activation::{
    Elu, Flatten, Gelu, Identity, LeakyRelu, LogSoftmax, Relu, Sigmoid, Silu, Softmax, Softplus,
    Tanh,
};
pub use data::{DataLoader, Dataset, TensorDataset};
pub use dense::Dense;
pub use dropout::{Dropout, Stream};
pub use error::{Error, Result, StateMismatch};
pub use linear::Linear;
pub use module::{AnyBuffer, AnyParam, Buffer, Entry, Layer, Module, Training, Visitor};
pub use optim::{Adam, AdamW, Group, Optimizer, Sgd, clip_grad_norm, clip_grad_norm_p};
pub use progress::progress;
pub use sequential::Sequential;
pub use state::{StateDict, load_state, save_state};
pub use train::{
    Callback, Checkpoint, ConfusionMatrix, EarlyStopping, Evaluate, Feed, Fit, History, Logs,
    Model, Moment, Rows, Schedule, accuracy, binary_accuracy, binary_accuracy_at, evaluate,
    evaluating, fit, predict,
};
pub use wengert_derive::Module;
