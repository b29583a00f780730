//! Starting values, with PyTorch's names.
use wengert_tensor::{Float, IntoShape, Rng, Tensor};

use crate::error::Result;

/// U(lo, hi).
///
/// # Errors
/// If the size is absurd.
#[track_caller]
pub fn uniform<T: Float>(
    shape: impl IntoShape,
    lo: f64,
    hi: f64,
    rng: &mut Rng,
) -> Result<Tensor<T>> {
    let shape = shape.into_shape();
    let mut t = Tensor::try_zeros(shape)?;
    for v in t.as_mut_slice() {
        *v = T::from_f64(lo + (hi - lo) * rng.uniform_f64());
    }
    Ok(t)
}

/// Xavier/Glorot: U(±gain·√(6/(in + out))).
///
/// # Errors
/// If the size is absurd.
#[track_caller]
pub fn xavier_uniform<T: Float>(shape: [usize; 2], gain: f64, rng: &mut Rng) -> Result<Tensor<T>> {
    let bound = gain * (6.0 / (shape[0] + shape[1]) as f64).sqrt();
    uniform(shape, -bound, bound, rng)
}
