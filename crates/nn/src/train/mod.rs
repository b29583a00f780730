//! Training: `fit`, `evaluate`, `predict`, metrics, the history of a training, callbacks.
//!
//! Invariant: nothing here is needed to train. `fit` does what the loop of five lines does, bit for
//! bit, and each of its parts stands alone.

mod callback;
mod checkpoint;
mod confusion;
mod early_stopping;
mod evaluate;
mod feed;
mod fit;
mod history;
mod judge;
mod logs;
mod metrics;
mod mode;
mod model;
mod monitor;
mod schedule;

pub use callback::{Callback, Moment};
pub use checkpoint::Checkpoint;
pub use confusion::ConfusionMatrix;
pub use early_stopping::EarlyStopping;
pub use evaluate::{Evaluate, evaluate, predict};
pub use feed::{Feed, Rows};
pub use fit::{Fit, fit};
pub use history::History;
pub use logs::Logs;
pub use metrics::{accuracy, binary_accuracy, binary_accuracy_at};
pub use mode::evaluating;
pub use model::Model;
pub use schedule::Schedule;
