//! Softmax and its logarithm along an axis.

use wengert_tensor::{Float, Result, Tensor};

use crate::ops::info::{OpInfo, sample, spread};
use crate::ops::naive::Array;
use crate::tape::accumulator::Accumulator;
use crate::tape::rule::{Cx, Fused, Grads, Rule, Saved, apply, one};
use crate::var::Var;

/// # Softmax and normalisation
impl<T: Float> Var<T> {
    /// `yᵢ = eˣⁱ / Σⱼ eˣʲ` along an axis, without overflow; gradient `y·(dy − Σ y·dy)`.
    ///
    /// # Errors
    /// If the axis is out of range.
    #[track_caller]
    #[inline(never)]
    pub fn softmax(&self, axis: isize) -> Result<Var<T>> {
        let y = self.value.softmax(axis)?;
        Ok(apply([self], y, |y, _| Softmax(Saved::output(y), axis)))
    }

    /// `yᵢ = xᵢ − ln Σⱼ eˣʲ` along an axis, without overflow; gradient `dy − eʸ·Σ dy`.
    ///
    /// # Errors
    /// If the axis is out of range.
    #[track_caller]
    #[inline(never)]
    pub fn log_softmax(&self, axis: isize) -> Result<Var<T>> {
        let y = self.value.log_softmax(axis)?;
        Ok(apply([self], y, |y, _| LogSoftmax(Saved::output(y), axis)))
    }
}

struct Softmax<T: Float>(Saved<T>, isize);
impl<T: Float> Rule<T> for Softmax<T> {
    fn name(&self) -> &'static str {
        "softmax"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let y = cx.var(&self.0);
        let along = dy.try_mul(&y)?.sum_keepdim(self.1)?;
        one(y.try_mul(&dy.try_sub(&along)?)?)
    }
    fn fused(&self, _: &Cx<'_>, dy: Tensor<T>, to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
        to.accumulate(0, self.0.value.softmax_grad(&dy, self.1)?)?;
        Ok(Fused::Done)
    }
    fn detail(&self) -> String {
        format!("axis {}", self.1)
    }
}

struct LogSoftmax<T: Float>(Saved<T>, isize);
impl<T: Float> Rule<T> for LogSoftmax<T> {
    fn name(&self) -> &'static str {
        "log_softmax"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let y = cx.var(&self.0);
        let dx = dy.try_sub(&y.exp().try_mul(&dy.sum_keepdim(self.1)?)?)?;
        one(dx)
    }
    fn fused(&self, _: &Cx<'_>, dy: Tensor<T>, to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
        to.accumulate(0, self.0.value.log_softmax_grad(&dy, self.1)?)?;
        Ok(Fused::Done)
    }
    fn detail(&self) -> String {
        format!("axis {}", self.1)
    }
}

/// `eˣ / Σ eˣ` along an axis.
fn naive(x: &Array, axis: usize) -> Array {
    let max = x.reduce(&[axis], true, |v| {
        v.iter().fold(
            f64::NEG_INFINITY,
            |a, &b| if a.is_nan() || b < a { a } else { b },
        )
    });
    let e = x.zip(&max, |x, m| (x - m).exp());
    let sum = e.reduce(&[axis], true, |v| v.iter().sum());
    e.zip(&sum, |e, s| e / s)
}

pub(crate) static SOFTMAX: OpInfo = OpInfo {
    name: "softmax",
    family: "softmax",
    formula: "eˣⁱ / Σⱼ eˣʲ",
    gradient: "y·(dy − Σ y·dy)",
    edges: "a NaN makes its row NaN",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| v[0].softmax(-1), |r| naive(
                &r[0], 1
            )),
            sample!([spread(&[3, 2, 2], 2)], |v| v[0].softmax(0), |r| naive(
                &r[0], 0
            )),
            sample!([spread(&[2, 0], 1)], |v| v[0].softmax(0), |r| naive(
                &r[0], 0
            ))
            .note("empty"),
        ]
    },
};

pub(crate) static LOG_SOFTMAX: OpInfo = OpInfo {
    name: "log_softmax",
    family: "softmax",
    formula: "xᵢ − ln Σⱼ eˣʲ",
    gradient: "dy − eʸ·Σ dy",
    edges: "a NaN makes its row NaN",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| v[0].log_softmax(-1), |r| naive(
                &r[0], 1
            )
            .map(f64::ln)),
            sample!([spread(&[3, 2, 2], 2)], |v| v[0].log_softmax(1), |r| naive(
                &r[0], 1
            )
            .map(f64::ln)),
            sample!([spread(&[2, 0], 1)], |v| v[0].log_softmax(0), |r| naive(
                &r[0], 0
            ))
            .note("empty"),
        ]
    },
};

pub(super) const OPS: &[&OpInfo] = &[&SOFTMAX, &LOG_SOFTMAX];
