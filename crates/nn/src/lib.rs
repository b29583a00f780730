//! Layers, losses, optimizers, data and training: the top of Wengert.
//!
//! ```
//! use wengert::prelude::*;
//! let mut rng = Rng::seed(0);
//! let (train, test) = TensorDataset::new(data::moons(400, 0.1, &mut rng)?)?.split_at(300)?;
//! let model = Sequential::new()
//!     .push(Linear::new(2, 16, &mut rng))
//!     .push(Relu)
//!     .push(Linear::new(16, 2, &mut rng));
//! let mut opt = Adam::new(model.parameters(), 0.05);
//! let loader = DataLoader::new(train, 32)?.shuffle(0);
//! let history = fit(&model, &mut opt, |y, labels| y.cross_entropy(labels), &loader)
//!     .epochs(30)
//!     .metric("accuracy", accuracy)
//!     .validate(&DataLoader::new(test, 100)?)
//!     .run()?;
//! assert!(history.last("val_accuracy") > Some(0.95));
//! # Ok::<(), wengert::Error>(())
//! ```
//!
//! Nothing of this is needed to train: forward, loss, `zero_grad`, `backward` and `step` in a loop of one's own do
//! the same, bit for bit.
//!
//! # Where to look
//!
//! - [`Module`] gives names, parameters, states, files and modes to any struct that derives it; [`Layer`] is a module
//!   with a `forward`.
//! - [`Linear`] starts as PyTorch's, [`Dense`] as Keras's; [`Sequential`] puts layers one after another; [`init`] has
//!   other starts.
//! - Losses are methods of [`Var`](wengert_autograd::Var): `mse_loss`, `cross_entropy`, `bce_with_logits`.
//! - [`Sgd`], [`Adam`] and [`AdamW`] are the [`Optimizer`]s.
//! - [`fit`], [`evaluate`] and [`predict`] run a model; [`Callback`]s ([`Checkpoint`], [`EarlyStopping`],
//!   [`Schedule`]) look on.
//! - [`data`] reads files and makes batches; the module `plot` (feature `plot`) draws.

#![forbid(unsafe_code)]

pub mod data;
pub mod init;
#[doc(hidden)]
pub mod instances;
mod layers;
mod module;
mod optim;
#[cfg(feature = "plot")]
pub mod plot;
mod train;

pub use data::{DataLoader, Dataset, TensorDataset};
pub use layers::{
    Dense, Dropout, Elu, Flatten, Gelu, Identity, LeakyRelu, Linear, LogSoftmax, Relu, Sequential,
    Sigmoid, Silu, Softmax, Softplus, Tanh,
};
pub use module::state::{load_state, save_state};
pub use module::{
    AnyBuffer, AnyParam, Buffer, Entry, Layer, Load, LoadReport, Module, StateDict, Stream,
    Training, Visitor,
};
pub use optim::{
    Adam, AdamRule, AdamW, Algorithm, Group, IntoParams, Optim, Optimizer, RmsProp, RmsPropRule,
    Setting, Sgd, SgdRule, clip_grad_norm, clip_grad_norm_p,
};
pub use train::{
    Batches, Callback, Checkpoint, ConfusionMatrix, EarlyStopping, Evaluate, Fit, History, Logs,
    Model, Rows, Schedule, TrainContext, accuracy, binary_accuracy, binary_accuracy_at, evaluate,
    evaluating, fit, predict, progress,
};
pub use wengert_derive::Module;
pub use wengert_tensor::{Error, ErrorKind, Result, StateMismatch};
