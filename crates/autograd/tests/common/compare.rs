//! Comparison with the reference.

use wengert_autograd::ops::naive::Array;
use wengert_tensor::Tensor;

pub fn cast32(t: &Tensor<f64>) -> Tensor<f32> {
    t.cast::<f32>()
}

/// `|got − want| ≤ atol + rtol·|want|` everywhere, NaN where NaN, the same shape.
pub fn close(got: &Tensor<f64>, want: &Array, rtol: f64, atol: f64) -> Result<(), String> {
    if got.shape()[..] != want.shape[..] {
        return Err(format!("shape {} instead of {:?}", got.shape(), want.shape));
    }
    for (i, (g, w)) in got.to_vec().iter().zip(&want.data).enumerate() {
        let ok = g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= atol + rtol * w.abs();
        if !ok {
            return Err(format!("element {i} is {g:e} instead of {w:e}"));
        }
    }
    Ok(())
}
