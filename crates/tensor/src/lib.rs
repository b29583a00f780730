//! Tensors: strided, copy-on-write arrays and their kernels; the data under Wengert,
//! and a small array library without it.
//!
//! ```
//! use wengert::{Rng, Tensor};
//! let a = Tensor::new([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
//! let columns = a.t()?; // a view: nothing is copied
//! assert_eq!(columns.matmul(&Tensor::new([[1.0], [-1.0]]))?.to_vec(), [-3.0, -3.0, -3.0]);
//! assert_eq!((&a * 2.0 + Tensor::new([0.5, 0.0, 0.0])).mean(0)?.to_vec(), [5.5, 7.0, 9.0]);
//!
//! let mut b = a.clone(); // shares memory until it is written to
//! b.fill(0.0);
//! assert_eq!(a.sum_all().item()?, 21.0);
//!
//! let noise = Tensor::<f64>::randn([2, 3], &mut Rng::seed(0)); // the same on every machine
//! assert_eq!(noise.shape(), &[2, 3][..]);
//! # Ok::<(), wengert::Error>(())
//! ```
//!
//! # Where to look
//!
//! - [`Tensor`] has every op as a method. What can fail on its arguments returns a [`Result`] whose [`Error`]
//!   names shapes, axis and rule; operators panic with the same text and have a `try_` twin.
//! - [`Element`], [`Num`] and [`Float`] are what a tensor may hold: `f32` and `f64`, `i64`, `i32` and `u8`, `bool`.
//! - [`Rng`] is the only source of random numbers.
//! - [`AnyTensor`] and [`Safetensors`] read and write files; [`Tensor::load_npy`], [`Tensor::save_npy`] and
//!   [`AnyTensor::load_npz`] NumPy's.
//! - [`num_threads`], [`active_isa`] and [`memory`] say what runs where, and set it.

mod any;
mod dtype;
mod element;
mod env;
mod error;
mod kernels;
mod layout;
pub mod memory;
mod random;
mod shape;

// In the order of their headings in the documentation of `Tensor`.
mod tensor;

mod ops;

mod io;

pub use any::AnyTensor;
pub use dtype::{DType, Number, Real, Scalar};
pub use element::{Element, Float, Int, Num};
#[doc(hidden)]
pub use error::nearest;
pub use error::{Error, ErrorKind, Operand, Result, Site, StateMismatch};
#[doc(hidden)]
pub use error::{is_library, on_behalf_of, user_line};
pub use io::{Safetensors, write_atomic};
pub use kernels::isa::{IsaKind, active_isa, with_isa};
pub use kernels::par::{num_threads, with_threads};
pub use ops::close::{Closeness, Tolerance, WorstElement};
pub use ops::create::Nested;
pub use ops::elementwise::MaybeOwned;
pub use ops::norm::{LayerNorm, LayerNormGrads};
pub use ops::operand::{AnyOperand, IntoOperand, TensorOrNumber};
pub use ops::scan::Scan;
pub use ops::scatter::ScatterReduce;
pub use ops::slice::{Elements, Slice};
pub use ops::update::Update;
pub use random::{Rng, RngState};
pub use shape::{Axes, INFER, IntoAxes, IntoShape, Shape, Strides};
pub use tensor::Tensor;
