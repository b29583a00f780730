//! Layer normalisation and its gradients.

use crate::element::Float;
use crate::error::{ErrorKind, Result, Site};
use crate::kernels::norm::{Norm, NormGrad, sum_rows};
use crate::kernels::tables::FloatKernels;
use crate::shape::{IntoShape, Shape};
use crate::tensor::Tensor;

/// A normalised tensor with what its gradients need.
#[derive(Clone, Debug)]
pub struct LayerNorm<T: Float> {
    /// `(x − mean)·scale·w + b`.
    pub y: Tensor<T>,
    /// The mean of each group, of the axes before the normalised ones.
    pub mean: Tensor<T>,
    /// The mean less the first element of each group, of the same shape: far from zero it has digits that the mean has not.
    #[doc(hidden)]
    pub offset: Tensor<T>,
    /// `1/√(var + ε)` of each group, of the same shape.
    pub scale: Tensor<T>,
}

/// The gradients of a layer normalisation.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct LayerNormGrads<T: Float> {
    /// Of the input.
    pub x: Tensor<T>,
    /// Of the weight.
    pub weight: Tensor<T>,
    /// Of the bias.
    pub bias: Tensor<T>,
}

/// # Softmax and normalisation: layers
impl<T: Float> Tensor<T> {
    /// Layer normalisation (Ba et al., 2016) over the last axes: `y = (x − mean)/√(var + ε)·w + b`, the
    /// variance that of a population; in one pass over memory. Right far from zero, and wherever the result is
    /// representable.
    ///
    /// # Shapes
    /// `x [.., *shape]`; `w` and `b`, where given, `shape`.
    ///
    /// # Errors
    /// If `x` does not end in `shape`, `w` or `b` have another shape, or `ε` is negative, infinite or NaN.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let x = Tensor::<f64>::new([[1.0, 3.0], [10.0, 30.0]]);
    /// let all = x.layer_norm(2, None, None, 0.0)?;
    /// assert_eq!(all.y.to_vec(), [-1.0, 1.0, -1.0, 1.0]);
    /// assert_eq!(all.mean.to_vec(), [2.0, 20.0]);
    /// assert_eq!(all.scale.to_vec(), [1.0, 0.1]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn layer_norm(
        &self,
        shape: impl IntoShape,
        weight: Option<&Tensor<T>>,
        bias: Option<&Tensor<T>>,
        epsilon: f64,
    ) -> Result<LayerNorm<T>> {
        let op = "layer_norm";
        let shape = shape.into_shape();
        if !self.shape().ends_with(&shape) {
            let hint = format!("the normalised shape given is {shape}");
            return Err(self.site(op).hint(hint).error(ErrorKind::ShapeMismatch {
                what: "the input does not end in the normalised shape",
                rule: "self.shape == [.., *shape]",
            }));
        }
        if !(epsilon >= 0.0 && epsilon.is_finite()) {
            return Err(self.site(op).error(ErrorKind::InvalidArgument {
                name: "epsilon",
                value: epsilon.to_string(),
                rule: "0 <= epsilon < inf",
            }));
        }
        let lead = Shape::from_slice(&self.shape()[..self.rank() - shape.len()]);
        let weight = self.of_norm(op, "weight", weight, &shape, T::ONE)?;
        let bias = self.of_norm(op, "bias", bias, &shape, T::ZERO)?;
        let x = self.try_contiguous(op)?;
        let out = LayerNorm {
            y: Tensor::try_uninit(op, self.shape().clone())?,
            mean: Tensor::try_full(&lead, T::NAN)?,
            offset: Tensor::try_full(&lead, T::NAN)?,
            scale: Tensor::try_full(&lead, T::NAN)?,
        };
        if !x.is_empty() {
            let n = weight.len();
            // SAFETY: all are contiguous, of the sizes that the kernel names; the outputs are new.
            unsafe {
                <T as FloatKernels>::norm(Norm {
                    rows: x.len() / n,
                    n,
                    epsilon,
                    x: x.as_ptr(),
                    w: weight.as_ptr(),
                    b: bias.as_ptr(),
                    y: out.y.as_ptr() as *mut T,
                    mean: out.mean.as_ptr() as *mut T,
                    offset: out.offset.as_ptr() as *mut T,
                    scale: out.scale.as_ptr() as *mut T,
                });
            }
        }
        Ok(out)
    }

    /// The gradients of [`layer_norm`](Tensor::layer_norm) of this input, given that of its output and
    /// the `offset` and the `scale` that it gave. With `x̂` the normalised input, `g = w·dy` and means over the
    /// normalised axes: `dx = (g − mean(g) − x̂·mean(g·x̂))·scale`, `dw = Σ x̂·dy`, `db = Σ dy`.
    ///
    /// # Errors
    /// If `dy` has another shape than the input, or `offset`, `scale` and `weight` are not those of the call.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let x = Tensor::<f64>::new([[1.0, 3.0]]);
    /// let all = x.layer_norm(2, None, None, 0.0)?;
    /// let grads = x.layer_norm_grad(&Tensor::new([[1.0, 0.0]]), 2, None, &all.offset, &all.scale)?;
    /// assert_eq!(grads.x.to_vec(), [0.0, 0.0]); // two elements are ±1 whatever they were
    /// assert_eq!((grads.weight.to_vec(), grads.bias.to_vec()), (vec![-1.0, 0.0], vec![1.0, 0.0]));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[doc(hidden)]
    #[track_caller]
    #[inline(never)]
    pub fn layer_norm_grad(
        &self,
        dy: &Tensor<T>,
        shape: impl IntoShape,
        weight: Option<&Tensor<T>>,
        offset: &Tensor<T>,
        scale: &Tensor<T>,
    ) -> Result<LayerNormGrads<T>> {
        let op = "layer_norm_grad";
        let shape = shape.into_shape();
        let lead = &self.shape()[..self.rank().saturating_sub(shape.len())];
        let fits = self.shape().ends_with(&shape)
            && dy.shape() == self.shape()
            && offset.shape()[..] == *lead
            && scale.shape()[..] == *lead;
        if !fits {
            return Err(Site::new(op)
                    .operand("self", T::DTYPE, self.shape())
                    .operand("dy", T::DTYPE, dy.shape())
                    .operand("offset", T::DTYPE, offset.shape())
                    .operand("scale", T::DTYPE, scale.shape())
                    .hint(format!("the normalised shape given is {shape}")).error(ErrorKind::ShapeMismatch { what: "these are not one normalisation's", rule: "self.shape == dy.shape == [*offset.shape, *shape], offset.shape == scale.shape" }));
        }
        let weight = self.of_norm(op, "weight", weight, &shape, T::ONE)?;
        let n = weight.len();
        let dx = Tensor::try_uninit(op, self.shape().clone())?;
        if self.is_empty() {
            return Ok(LayerNormGrads {
                x: dx,
                weight: Tensor::try_zeros(&shape)?,
                bias: Tensor::try_zeros(&shape)?,
            });
        }
        let (x, dy) = (self.try_contiguous(op)?, dy.try_contiguous(op)?);
        let (offset, scale) = (offset.try_contiguous(op)?, scale.try_contiguous(op)?);
        let rows = x.len() / n;
        let blocks = Shape::from_slice(&[rows.div_ceil(sum_rows(n)), n]);
        let dw = Tensor::<T>::try_uninit(op, blocks.clone())?;
        let db = Tensor::<T>::try_uninit(op, blocks)?;
        // SAFETY: all are contiguous, of the sizes that the kernel names; the outputs are new.
        unsafe {
            <T as FloatKernels>::norm_grad(NormGrad {
                rows,
                n,
                x: x.as_ptr(),
                w: weight.as_ptr(),
                offset: offset.as_ptr(),
                scale: scale.as_ptr(),
                dy: dy.as_ptr(),
                dx: dx.as_ptr() as *mut T,
                dw: dw.as_ptr() as *mut T,
                db: db.as_ptr() as *mut T,
            });
        }
        Ok(LayerNormGrads {
            x: dx,
            weight: dw.sum(0)?.reshape(&shape)?,
            bias: db.sum(0)?.reshape(&shape)?,
        })
    }

    /// A weight or bias, contiguous; `default` for each element where there is none.
    #[track_caller]
    fn of_norm(
        &self,
        op: &'static str,
        role: &'static str,
        given: Option<&Tensor<T>>,
        shape: &Shape,
        default: T,
    ) -> Result<Tensor<T>> {
        match given {
            None => Tensor::try_full(shape, default),
            Some(t) if t.shape() == shape => t.try_contiguous(op),
            Some(t) if t.shape().broadcast(shape).as_ref() == Some(shape) => {
                t.expand(shape)?.try_contiguous(op)
            }
            Some(t) => Err(self.site(op).operand(role, T::DTYPE, t.shape()).error(
                ErrorKind::ShapeMismatch {
                    what: "the weight or the bias does not fit",
                    rule: "weight and bias have the normalised shape, or broadcast to it",
                },
            )),
        }
    }
}
