//! The fully connected layer.

use wengert_autograd::{Param, Var};
use wengert_tensor::{Error, Float, Result, Rng, Tensor};

use crate::init;
use crate::module::{Layer, Module, Visitor, in_module};

/// A fully connected layer, `y = x Wᵀ + b`.
///
/// # Shapes
/// `x [.., in]`, `weight [out, in]`, `bias [out]`, `y [.., out]`: PyTorch's names and layout.
///
/// Starts as PyTorch's: weight and bias from U(±1/√in). [`Dense`](crate::Dense) starts as Keras's.
///
/// ```
/// use wengert::prelude::*;
/// let layer = Linear::new(3, 2, &mut Rng::seed(0));
/// assert_eq!(layer.forward(&Var::zeros([5, 3]))?.shape(), &[5, 2][..]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Linear<T: Float = f32> {
    /// `[out, in]`
    pub weight: Param<T>,
    /// `[out]`
    pub bias: Option<Param<T>>,
}

impl Linear {
    /// An `f32` layer with a bias, from PyTorch's distribution ([`Linear::typed`] makes others).
    ///
    /// # Panics
    /// If the size is absurd ([`Linear::try_typed`] returns the error).
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, rng: &mut Rng) -> Linear {
        Linear::typed(inputs, outputs, rng)
    }

    /// An `f32` layer that starts as Keras's `Dense`: weight from glorot_uniform, bias zero
    /// ([`Linear::typed_keras`] makes others).
    ///
    /// # Panics
    /// If the size is absurd.
    #[track_caller]
    pub fn keras(inputs: usize, outputs: usize, rng: &mut Rng) -> Linear {
        Linear::typed_keras(inputs, outputs, rng)
    }
}

impl<T: Float> Linear<T> {
    /// As [`Linear::new`], of either float type.
    ///
    /// # Panics
    /// If the size is absurd ([`Linear::try_typed`] returns the error).
    #[track_caller]
    #[inline(never)]
    pub fn typed(inputs: usize, outputs: usize, rng: &mut Rng) -> Linear<T> {
        match Self::try_typed(inputs, outputs, rng) {
            Ok(l) => l,
            Err(e) => panic!("{e}"),
        }
    }

    /// As [`Linear::typed`].
    ///
    /// # Errors
    /// If the size overflows or the memory is refused.
    #[track_caller]
    #[inline(never)]
    pub fn try_typed(inputs: usize, outputs: usize, rng: &mut Rng) -> Result<Linear<T>> {
        // kaiming_uniform(a = √5) is U(±1/√in), PyTorch's default for both.
        let bound = 1.0 / (inputs.max(1) as f64).sqrt();
        let weight = init::uniform([outputs, inputs], -bound, bound, rng)?;
        let bias = init::uniform([outputs], -bound, bound, rng)?;
        Ok(Linear {
            weight: Param::new(weight),
            bias: Some(Param::new(bias)),
        })
    }

    /// As [`Linear::keras`], of either float type.
    ///
    /// # Panics
    /// If the size is absurd.
    #[track_caller]
    #[inline(never)]
    pub fn typed_keras(inputs: usize, outputs: usize, rng: &mut Rng) -> Linear<T> {
        match init::xavier_uniform([outputs, inputs], 1.0, rng) {
            Ok(weight) => Linear::from_weights(weight, Some(Tensor::zeros([outputs]))),
            Err(e) => panic!("{e}"),
        }
    }

    /// A layer of these weights, `[out, in]` and `[out]`.
    #[track_caller]
    #[inline(never)]
    pub fn from_weights(weight: Tensor<T>, bias: Option<Tensor<T>>) -> Linear<T> {
        // A `map` would give the bias a caller in the standard library.
        #[allow(clippy::manual_map)]
        let bias = match bias {
            Some(b) => Some(Param::new(b)),
            None => None,
        };
        Linear {
            weight: Param::new(weight),
            bias,
        }
    }

    /// The same layer without its bias.
    pub fn without_bias(mut self) -> Linear<T> {
        self.bias = None;
        self
    }
}

impl<T: Float> Module for Linear<T> {
    #[inline(never)]
    fn visit(&self, v: &mut Visitor<'_>) {
        v.field("weight", &self.weight);
        v.field("bias", &self.bias);
    }

    fn kind(&self) -> String {
        let shape = self.weight.shape();
        match shape[..] {
            [outputs, inputs] => format!("Linear {inputs} -> {outputs}"),
            _ => format!("Linear {shape}"),
        }
    }
}

impl<T: Float> Layer<T> for Linear<T> {
    #[track_caller]
    #[inline(never)]
    fn forward(&self, x: &Var<T>) -> Result<Var<T>> {
        let bias = self.bias.as_ref().map(Param::var);
        match x.linear_owned(self.weight.var(), bias) {
            Ok(y) => Ok(y),
            Err(e) => Err(self.explain(x, e)),
        }
    }
}

impl<T: Float> Linear<T> {
    #[cold]
    #[track_caller]
    #[inline(never)]
    fn explain(&self, x: &Var<T>, e: Error) -> Error {
        let name = self.weight.name().unwrap_or_default();
        let mut e = in_module(e, self, name.strip_suffix(".weight"));
        if let (Some(&got), Some(&out)) = (x.shape().last(), self.weight.shape().first()) {
            e.site_mut().hint = Some(format!(
                "the input has {got} features: construct Linear::new({got}, {out}, rng)"
            ));
        }
        e
    }
}
