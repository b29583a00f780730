//! Training: `fit`, `evaluate`, `predict`, metrics, the history of a training, callbacks.
//!
//! Invariant: nothing here is needed to train. `fit` does what the loop of five lines does, bit for
//! bit, and each of its parts stands alone.

mod batches;
mod callback;
mod checkpoint;
mod confusion;
mod early_stopping;
mod evaluate;
mod evaluator;
mod fit;
mod history;
mod logs;
mod metrics;
mod mode;
mod model;
mod monitor;
mod progress;
mod resume;
mod saved;
mod schedule;

pub use batches::{Batches, Rows};
pub use callback::{Callback, TrainContext};
pub use checkpoint::Checkpoint;
pub use confusion::ConfusionMatrix;
pub use early_stopping::EarlyStopping;
pub use evaluate::{Evaluate, evaluate, predict};
pub use fit::{Fit, fit};
pub use history::History;
pub use logs::Logs;
pub use metrics::{accuracy, binary_accuracy, binary_accuracy_at};
pub use mode::evaluating;
pub use model::Model;
pub use progress::progress;
pub use schedule::Schedule;
