//! Data: sets of rows, the loader that batches them, files and synthetic sets.
//!
//! Invariants: the order of a loader's batches depends on its seed and the epoch alone; reading a file
//! never asks for memory on the word of its header, and never panics.
//!
//! ```
//! use wengert::prelude::*;
//! let (x, y) = data::moons::<f32>(100, 0.1, &mut Rng::seed(0))?;
//! let (train, test) = TensorDataset::new((x, y))?.split_at(80)?;
//! let loader = DataLoader::new(train, 32)?.shuffle(0);
//! for batch in &loader {
//!     let (x, y) = batch?;
//!     assert_eq!(x.shape()[0], y.shape()[0]);
//! }
//! assert_eq!(loader.len(), 3);
//! # Ok::<(), wengert::Error>(())
//! ```

mod classes;
mod collate;
mod csv;
mod dataset;
mod fill;
pub mod idx;
mod loader;
mod mnist;
mod source;
mod split;
mod standardize;
mod synthetic;
mod table;

pub use classes::{Classes, class_weights};
pub use collate::{Collate, FromFn, collate, from_fn};
pub use csv::Csv;
pub use dataset::{Dataset, TensorDataset, Tensors};
pub use fill::Fill;
pub(crate) use loader::same_numbers;
pub use loader::{Batches, DataLoader};
pub use mnist::Mnist;
pub use source::DEFAULT_LIMIT;
pub use split::{SplitSizes, Subset, random_split, stratified_split};
pub use standardize::Standardizer;
pub use synthetic::{Centers, blobs, moons, spirals, xor};
pub use table::{Column, Table};
