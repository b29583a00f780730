//! Reductions.

use wengert_tensor::{Axes, Float, IntoAxes, IntoShape, Shape};

use crate::error::Result;
use crate::info::{OpInfo, sample, spread};
use crate::naive::Array;
use crate::rule::{Cx, Grads, Rule, apply};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// Sum over some axes, which are dropped: `y = Σ x`; gradient `dy`, repeated along them. The sum
    /// of nothing is 0.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    #[track_caller]
    pub fn sum(&self, axes: impl IntoAxes) -> Result<Var<T>> {
        let axes = axes.into_axes();
        let y = self.value.sum(&axes)?;
        let kept = self.value.sum_keepdim(&axes)?.shape().clone();
        Ok(apply([self], y, |_, _| Sum {
            kept,
            shape: self.shape().clone(),
        }))
    }

    /// As [`Var::sum`]; the axes stay, with size 1.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    #[track_caller]
    pub fn sum_keepdim(&self, axes: impl IntoAxes) -> Result<Var<T>> {
        let axes: Axes = axes.into_axes();
        let y = self.value.sum_keepdim(&axes)?;
        let kept = y.shape().clone();
        Ok(apply([self], y, |_, _| Sum {
            kept,
            shape: self.shape().clone(),
        }))
    }

    /// The sum of all elements, a scalar.
    #[track_caller]
    pub fn sum_all(&self) -> Var<T> {
        let kept: Shape = self.shape().iter().map(|_| 1).collect();
        apply([self], self.value.sum_all(), |_, _| Sum {
            kept,
            shape: self.shape().clone(),
        })
    }
}

/// `kept`: the output's shape with the summed axes as 1.
struct Sum {
    kept: Shape,
    shape: Shape,
}
impl<T: Float> Rule<T> for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        Ok(Grads::from_iter([Some(
            dy.reshape(&self.kept)?.expand(&self.shape)?,
        )]))
    }
    fn detail(&self) -> String {
        format!("from {}", self.shape)
    }
}

pub(crate) static SUM: OpInfo = OpInfo {
    name: "sum",
    family: "reduce",
    formula: "Σ x",
    gradient: "dy repeated",
    edges: "the sum of nothing is 0",
    samples: || {
        let total = |v: &[f64]| v.iter().sum::<f64>();
        vec![
            sample!([spread(&[2, 3], 1)], |v| v[0].sum(0), |r| r[0].reduce(
                &[0],
                false,
                total
            )),
            sample!(
                [spread(&[2, 3, 2], 2)],
                |v| v[0].sum_keepdim([-1, 0]),
                |r| r[0].reduce(&[0, 2], true, total)
            ),
            sample!([spread(&[2, 3], 3)], |v| Ok(v[0].sum_all()), |r| r[0]
                .reduce(&[0, 1], false, total)),
            sample!([spread(&[2, 0], 3)], |v| v[0].sum(1), |r| r[0].reduce(
                &[1],
                false,
                total
            ))
            .note("empty"),
        ]
    },
};

impl<T: Float> Var<T> {
    /// Sums over the axes along which `shape` would be broadcast to this shape: the adjoint of
    /// [`Var::expand`].
    ///
    /// # Errors
    /// If `shape` does not broadcast to this shape.
    #[track_caller]
    pub fn sum_to(&self, shape: impl IntoShape) -> Result<Var<T>> {
        let y = self.value.sum_to(shape)?;
        Ok(apply([self], y, |_, _| SumTo(self.shape().clone())))
    }
}

struct SumTo(Shape);
impl<T: Float> Rule<T> for SumTo {
    fn name(&self) -> &'static str {
        "sum_to"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        Ok(Grads::from_iter([Some(dy.expand(&self.0)?)]))
    }
}

pub(crate) static SUM_TO: OpInfo = OpInfo {
    name: "sum_to",
    family: "reduce",
    formula: "Σ over broadcast axes",
    gradient: "dy expanded",
    edges: "smooth",
    samples: || {
        let total = |v: &[f64]| v.iter().sum::<f64>();
        vec![sample!(
            [spread(&[2, 3, 2], 2)],
            |v| v[0].sum_to([3, 1]),
            |r| {
                let s: Array = r[0].reduce(&[0, 2], false, total);
                Array {
                    shape: vec![3, 1],
                    data: s.data,
                }
            }
        )]
    },
};
