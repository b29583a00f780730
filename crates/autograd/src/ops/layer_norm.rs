//! Layer normalisation.

use wengert_tensor::{IntoShape, Result, Shape};

use super::block::names::*;
use super::statistics::centred;
use crate::ops::info::{positive, spread};

/// # Softmax and normalisation: layers
impl<T: Float> Var<T> {
    /// Layer normalisation (Ba et al., 2016) over the last axes: `y = (x − mean)/√(var + ε)·w + b`, the
    /// variance that of a population.
    ///
    /// Gradients, with `x̂` the normalised input, `g = w·dy` and means over the normalised axes:
    /// `dx = (g − mean(g) − x̂·mean(g·x̂))/√(var + ε)`, `dw = Σ x̂·dy`, `db = Σ dy`.
    ///
    /// # Shapes
    /// `x [.., *shape]`; `w` and `b`, where given, `shape`, or one that broadcasts to it.
    ///
    /// # Errors
    /// If `x` does not end in `shape`, `w` or `b` do not broadcast to it, or ε is negative or NaN.
    ///
    /// ```
    /// use wengert::Var;
    /// let x = Var::new([[1.0f64, 3.0], [10.0, 30.0]]);
    /// let y = x.layer_norm(2, None, None, 0.0)?;
    /// assert_eq!(y.to_vec(), [-1.0, 1.0, -1.0, 1.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn layer_norm(
        &self,
        shape: impl IntoShape,
        weight: Option<&Var<T>>,
        bias: Option<&Var<T>>,
        epsilon: f64,
    ) -> Result<Var<T>> {
        let shape = shape.into_shape();
        let (w, b) = (weight.map(|w| &w.value), bias.map(|b| &b.value));
        let all = self.value.layer_norm(&shape, w, b, epsilon)?;
        let rule = || Normalise {
            x: Saved::input(0, self),
            w: weight.map(|w| Saved::input(1, w)),
            bias: bias.is_some(),
            offset: all.offset,
            scale: all.scale,
            shape,
            epsilon,
        };
        Ok(match (weight, bias) {
            (Some(w), Some(b)) => apply([self, w, b], all.y, |_, _| rule()),
            (Some(v), None) | (None, Some(v)) => apply([self, v], all.y, |_, _| rule()),
            (None, None) => apply([self], all.y, |_, _| rule()),
        })
    }
}

struct Normalise<T: Float> {
    x: Saved<T>,
    w: Option<Saved<T>>,
    /// Whether there is a bias, the last input.
    bias: bool,
    /// Of the mean from each group's first element.
    offset: Tensor<T>,
    scale: Tensor<T>,
    shape: Shape,
    epsilon: f64,
}

impl<T: Float> Rule<T> for Normalise<T> {
    fn name(&self) -> &'static str {
        "layer_norm"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        // The statistics again, in ops: their gradients are part of the second order.
        let axes: Vec<isize> = (1..=self.shape.len() as isize).map(|a| -a).collect();
        let mean = |v: &Var<T>| v.mean_keepdim(&axes[..]);
        let x = cx.var(&self.x);
        let lead = x.rank() - self.shape.len();
        let sizes = x.shape().iter().enumerate();
        let kept = sizes.map(|(a, &d)| if a < lead { d } else { 1 }).collect();
        let centred = centred(&x, &kept)?;
        let scale = mean(&centred.square())?.affine(1.0, self.epsilon).rsqrt();
        let normal = centred.try_mul(&scale)?;
        let g = match &self.w {
            Some(w) => dy.try_mul(&cx.var(w))?,
            None => dy.clone(),
        };
        let across = normal.try_mul(&mean(&g.try_mul(&normal)?)?)?;
        let dx = g.try_sub(&mean(&g)?)?.try_sub(&across)?.try_mul(&scale)?;
        let mut grads = one(dx)?;
        if self.w.is_some() {
            grads.push(cx.needs(1).then(|| dy.try_mul(&normal)).transpose()?);
        }
        if self.bias {
            grads.push(Some(dy.clone()));
        }
        Ok(grads)
    }
    fn fused(&self, cx: &Cx<'_>, dy: Tensor<T>, to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
        let w = self.w.as_ref().map(|w| &w.value);
        let x = &self.x.value;
        let all = x.layer_norm_grad(&dy, &self.shape, w, &self.offset, &self.scale)?;
        to.accumulate(0, all.x)?;
        if w.is_some() {
            to.accumulate(1, all.weight)?;
        }
        if self.bias {
            to.accumulate(cx.inputs.len() - 1, all.bias)?;
        }
        Ok(Fused::Done)
    }
    fn detail(&self) -> String {
        format!("over {}", self.shape)
    }
}

/// By two passes over each group.
fn naive(x: &Array, group: usize, w: Option<&Array>, b: Option<&Array>, epsilon: f64) -> Array {
    let mut y = x.clone();
    for (rows, out) in x.data.chunks(group).zip(y.data.chunks_mut(group)) {
        let mean = rows.iter().sum::<f64>() / group as f64;
        let var = rows.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / group as f64;
        for (i, (x, y)) in rows.iter().zip(out).enumerate() {
            let scale = w.map_or(1.0, |w| w.data[i]);
            *y = (x - mean) / (var + epsilon).sqrt() * scale + b.map_or(0.0, |b| b.data[i]);
        }
    }
    y
}

pub(crate) static LAYER_NORM: OpInfo = OpInfo {
    name: "layer_norm",
    family: "norm",
    formula: "(x − mean)/√(var + ε)·w + b",
    gradient: "(g − mean g − x̂·mean(g·x̂))/√(var + ε), Σ x̂·dy, Σ dy",
    edges: "smooth for ε > 0",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[3, 4], 1), positive(&[4], 2), spread(&[4], 3)],
                |v| v[0].layer_norm(4, Some(&v[1]), Some(&v[2]), 1e-5),
                |r| naive(&r[0], 4, Some(&r[1]), Some(&r[2]), 1e-5)
            ),
            sample!(
                [spread(&[2, 3], 1)],
                |v| v[0].layer_norm(3, None, None, 1e-3),
                |r| naive(&r[0], 3, None, None, 1e-3)
            )
            .note("no weight, no bias"),
            sample!(
                [spread(&[2, 2, 3], 1), positive(&[2, 3], 2)],
                |v| v[0].layer_norm([2, 3], Some(&v[1]), None, 1e-3),
                |r| naive(&r[0], 6, Some(&r[1]), None, 1e-3)
            )
            .note("two axes"),
            sample!(
                [spread(&[2, 3], 1), spread(&[3], 2)],
                |v| v[0].layer_norm(3, None, Some(&v[1]), 1e-3),
                |r| naive(&r[0], 3, None, Some(&r[1]), 1e-3)
            )
            .note("no weight"),
            sample!(
                [spread(&[2, 2, 3], 1), positive(&[3], 2), spread(&[3], 3)],
                |v| v[0].layer_norm(3, Some(&v[1]), Some(&v[2]), 1e-3),
                |r| naive(&r[0], 3, Some(&r[1]), Some(&r[2]), 1e-3)
            )
            .note("two leading axes"),
            sample!(
                [spread(&[0, 3], 1), positive(&[3], 2), spread(&[3], 3)],
                |v| v[0].layer_norm(3, Some(&v[1]), Some(&v[2]), 1e-3),
                |r| naive(&r[0], 3, Some(&r[1]), Some(&r[2]), 1e-3)
            )
            .note("no rows"),
            sample!(
                [spread(&[3, 2, 3], 1), positive(&[2, 1], 2), spread(&[3], 3)],
                |v| v[0].layer_norm([2, 3], Some(&v[1]), Some(&v[2]), 1e-3),
                |r| {
                    let wide = |a: &Array| Array::from_fn(&[2, 3], |i| a.at_broadcast(i));
                    naive(&r[0], 6, Some(&wide(&r[1])), Some(&wide(&r[2])), 1e-3)
                }
            )
            .note("a weight and a bias that broadcast"),
        ]
    },
};

pub(super) const OPS: &[&OpInfo] = &[&LAYER_NORM];
