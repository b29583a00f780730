//! Layers, losses, optimizers, data and training: the top of Wengert.
//!
//! ```
//! use wengert_nn::{Adam, DataLoader, Linear, Module, Relu, Sequential, TensorDataset, accuracy, data, fit};
//! use wengert_tensor::Rng;
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
//! # Ok::<(), wengert_nn::Error>(())
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
