//! Gradient clipping.

use std::collections::HashSet;

use wengert_autograd::Param;
use wengert_tensor::{Error, Float, Result};

use super::IntoParams;
use crate::module::AnyParam;
use crate::module::param::TypedParam;

/// Scales the gradients of all parameters so that their 2-norm, taken together, is at most `max_norm`;
/// returns the norm before. As `torch.nn.utils.clip_grad_norm_`: the factor is `max_norm/(norm + 1e-6)`
/// where that is below 1. A norm that is NaN changes nothing.
///
/// # Errors
/// If `max_norm` is negative or NaN.
///
/// ```
/// use wengert::nn::clip_grad_norm;
/// use wengert::{Param, Tensor};
/// let w = Param::new(Tensor::<f64>::new([3.0, 4.0]));
/// w.set_grad(Some(Tensor::new([3.0, 4.0])))?;
/// assert_eq!(clip_grad_norm([&w], 1.0)?, 5.0);
/// assert!((w.grad().unwrap().to_vec()[0] - 0.6).abs() < 1e-6);
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
pub fn clip_grad_norm(params: impl IntoParams, max_norm: f64) -> Result<f64> {
    clip(&params.into_params(), max_norm, 2.0)
}

/// As [`clip_grad_norm`] with the p-norm; `p` may be infinite.
///
/// # Errors
/// If `max_norm` is negative or NaN, or `p` is not above 0.
#[track_caller]
pub fn clip_grad_norm_p(params: impl IntoParams, max_norm: f64, p: f64) -> Result<f64> {
    clip(&params.into_params(), max_norm, p)
}

#[track_caller]
#[inline(never)]
pub(crate) fn clip(params: &[AnyParam], max_norm: f64, p: f64) -> Result<f64> {
    check(max_norm)?;
    if !(p > 0.0) {
        return Err(Error::invalid("clip_grad_norm", "p", p, "p > 0"));
    }
    // A parameter that comes twice has one gradient.
    let mut seen = HashSet::new();
    let params: Vec<_> = params.iter().filter(|p| seen.insert(p.id())).collect();
    let largest = p == f64::INFINITY;
    let mut sum = 0.0f64;
    for param in &params {
        let part = match &param.param {
            TypedParam::F32(q) => gather(q, p),
            TypedParam::F64(q) => gather(q, p),
        };
        // `f64::max` would lose a NaN.
        sum = match largest {
            true if part > sum || part.is_nan() => part,
            true => sum,
            false => sum + part,
        };
    }
    let norm = match p {
        f64::INFINITY => sum,
        2.0 => sum.sqrt(),
        _ => libm::pow(sum, 1.0 / p),
    };
    let factor = max_norm / (norm + 1e-6);
    if factor < 1.0 {
        for param in &params {
            match &param.param {
                TypedParam::F32(q) => scale(q, factor),
                TypedParam::F64(q) => scale(q, factor),
            }
        }
    }
    Ok(norm)
}

/// Refuses a limit that is none.
#[track_caller]
pub(crate) fn check(max_norm: f64) -> Result<()> {
    match max_norm >= 0.0 {
        true => Ok(()),
        false => {
            let rule = "max_norm >= 0";
            Err(Error::invalid("clip_grad_norm", "max_norm", max_norm, rule))
        }
    }
}

/// Σ |g|ᵖ, or the largest |g|; NaN if there is one.
fn gather<T: Float>(param: &Param<T>, p: f64) -> f64 {
    let Some(g) = param.grad() else { return 0.0 };
    let values = g.to_vec().into_iter().map(|v| v.to_f64().abs());
    if p == f64::INFINITY {
        values.fold(0.0, |a: f64, b| if b > a || b.is_nan() { b } else { a })
    } else if p == 2.0 {
        values.map(|v| v * v).sum()
    } else {
        values.map(|v| libm::pow(v, p)).sum()
    }
}

fn scale<T: Float>(param: &Param<T>, factor: f64) {
    if let Some(g) = param.grad() {
        // The slot's own handle goes first, so that the product is in place; the shape stays, which is
        // all that `set_grad` can refuse.
        param.zero_grad();
        let _ = param.set_grad(Some(g.into_affine(factor, 0.0)));
    }
}
