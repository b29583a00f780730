//! Layer normalisation.

use wengert_tensor::{IntoShape, Shape, Site};

use super::block::names::*;
use crate::info::{positive, spread};

impl<T: Float> Var<T> {
    /// Layer normalisation (Ba et al., 2016) over the last axes: `y = (x − mean)/√(var + ε)·w + b`, the
    /// variance that of a population.
    ///
    /// Gradients, with `x̂` the normalised input, `g = w·dy` and means over the normalised axes:
    /// `dx = (g − mean(g) − x̂·mean(g·x̂))/√(var + ε)`, `dw = Σ x̂·dy`, `db = Σ dy`.
    ///
    /// # Shapes
    /// `x [.., *shape]`; `w` and `b`, where given, `shape`.
    ///
    /// # Errors
    /// If `x` does not end in `shape`, or `w` or `b` have another shape.
    ///
    /// ```
    /// use wengert_autograd::Var;
    /// let x = Var::new([[1.0f64, 3.0], [10.0, 30.0]]);
    /// let y = x.layer_norm(2, None, None, 0.0)?;
    /// assert_eq!(y.to_vec(), [-1.0, 1.0, -1.0, 1.0]);
    /// # Ok::<(), wengert_autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn layer_norm(
        &self,
        shape: impl IntoShape,
        weight: Option<&Var<T>>,
        bias: Option<&Var<T>>,
        epsilon: f64,
    ) -> Result<Var<T>> {
        let shape = shape.into_shape();
        self.check_layer_norm(&shape, weight, bias)?;
        let axes: Vec<isize> = (1..=shape.len() as isize).map(|a| -a).collect();
        let centred = self.try_sub(&self.mean_keepdim(&axes[..])?)?;
        let scale = centred
            .square()
            .mean_keepdim(&axes[..])?
            .affine(1.0, epsilon)
            .rsqrt();
        let mut y = centred.try_mul(&scale)?;
        if let Some(w) = weight {
            y = y.try_mul(w)?;
        }
        if let Some(b) = bias {
            y = y.try_add(b)?;
        }
        Ok(y)
    }

    #[track_caller]
    fn check_layer_norm(
        &self,
        shape: &Shape,
        weight: Option<&Var<T>>,
        bias: Option<&Var<T>>,
    ) -> Result<()> {
        if !self.shape().ends_with(shape) {
            return Err(wengert_tensor::Error::ShapeMismatch {
                site: Site::new("layer_norm")
                    .operand("self", T::DTYPE, self.shape())
                    .hint(format!("the normalised shape given is {shape}")),
                what: "the input does not end in the normalised shape",
                rule: "self.shape == [.., *shape]",
            }
            .into());
        }
        for (role, v) in [("weight", weight), ("bias", bias)] {
            if let Some(v) = v.filter(|v| v.shape() != shape) {
                return Err(wengert_tensor::Error::ShapeMismatch {
                    site: Site::new("layer_norm")
                        .operand("self", T::DTYPE, self.shape())
                        .operand(role, T::DTYPE, v.shape()),
                    what: "the weight or the bias does not fit",
                    rule: "weight and bias have the normalised shape",
                }
                .into());
            }
        }
        Ok(())
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
        ]
    },
};
