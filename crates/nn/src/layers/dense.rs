//! The fully connected layer as Keras has it: its initial weights, its layout, its activation.

use wengert_autograd::Var;
use wengert_tensor::{Error, Float, Result, Rng, Tensor};

use crate::layers::Linear;
use crate::module::{Layer, Module, Visitor};

/// Keras's `Dense`: `y = activation(x·kernel + bias)`, the kernel from glorot_uniform, the bias zero.
///
/// It is a [`Linear`] inside, and its state has that layer's names and layout: `weight [out, in]`.
///
/// # Shapes
/// `x [.., in]`, `kernel [in, out]`, `bias [out]`, `y [.., out]`.
///
/// ```
/// use wengert::prelude::*;
/// let mut rng = Rng::seed(0);
/// let model = Sequential::new()
///     .push(Dense::new(2, 4, &mut rng).relu())
///     .push(Dense::new(4, 1, &mut rng).sigmoid());
/// let y = model.forward(&Var::zeros([3, 2]))?;
/// assert_eq!(y.to_vec(), [0.5; 3]); // no bias yet
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dense<T: Float = f32> {
    linear: Linear<T>,
    activation: Activation,
}

#[derive(Clone, Copy, Debug)]
enum Activation {
    Linear,
    Relu,
    Sigmoid,
    Tanh,
    Softmax,
}

impl Dense {
    /// An `f32` layer without activation ([`Dense::typed`] makes others).
    ///
    /// # Panics
    /// If the size is absurd.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, rng: &mut Rng) -> Dense {
        Dense::typed(inputs, outputs, rng)
    }
}

impl<T: Float> Dense<T> {
    /// As [`Dense::new`], of either float type.
    ///
    /// # Panics
    /// If the size is absurd.
    #[track_caller]
    #[inline(never)]
    pub fn typed(inputs: usize, outputs: usize, rng: &mut Rng) -> Dense<T> {
        Dense {
            linear: Linear::typed_keras(inputs, outputs, rng),
            activation: Activation::Linear,
        }
    }

    /// A layer of the weights that Keras's `get_weights` gives: kernel `[in, out]` and bias `[out]`.
    ///
    /// # Errors
    /// If the shapes are not those.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let kernel = Tensor::new([[1.0f32], [10.0]]);
    /// let layer = Dense::from_weights(&kernel, &Tensor::new([0.5]))?;
    /// assert_eq!(layer.forward(&Var::new([[2.0, 3.0]]))?.to_vec(), [32.5]);
    /// assert_eq!(layer.kernel(), kernel);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn from_weights(kernel: &Tensor<T>, bias: &Tensor<T>) -> Result<Dense<T>> {
        if kernel.rank() != 2 || bias.shape()[..] != kernel.shape()[1..] {
            let value = format!("{} and {}", kernel.shape(), bias.shape());
            let rule = "kernel [in, out] and bias [out]";
            return Err(Error::invalid("Dense::from_weights", "shapes", value, rule));
        }
        let linear = Linear::from_weights(kernel.t()?.copied(), Some(bias.clone()));
        Ok(Dense {
            linear,
            activation: Activation::Linear,
        })
    }

    fn activation(mut self, activation: Activation) -> Dense<T> {
        self.activation = activation;
        self
    }

    /// With the rectifier behind it, Keras's `activation="relu"`.
    pub fn relu(self) -> Dense<T> {
        self.activation(Activation::Relu)
    }

    /// With the logistic function behind it.
    pub fn sigmoid(self) -> Dense<T> {
        self.activation(Activation::Sigmoid)
    }

    /// With the hyperbolic tangent behind it.
    pub fn tanh(self) -> Dense<T> {
        self.activation(Activation::Tanh)
    }

    /// With the softmax over the last axis behind it.
    pub fn softmax(self) -> Dense<T> {
        self.activation(Activation::Softmax)
    }

    /// The kernel `[in, out]`, a view of the weight.
    #[inline(never)]
    pub fn kernel(&self) -> Tensor<T> {
        let weight = self.linear.weight.value();
        // A weight has two axes.
        weight.t().unwrap_or(weight)
    }

    /// The bias `[out]`.
    #[inline(never)]
    pub fn bias(&self) -> Tensor<T> {
        match &self.linear.bias {
            Some(b) => b.value(),
            None => Tensor::zeros([self.linear.weight.shape()[0]]),
        }
    }
}

impl<T: Float> Module for Dense<T> {
    #[inline(never)]
    fn visit(&self, v: &mut Visitor<'_>) {
        self.linear.visit(v);
    }
}

impl<T: Float> Layer<T> for Dense<T> {
    #[track_caller]
    #[inline(never)]
    fn forward(&self, x: &Var<T>) -> Result<Var<T>> {
        let y = self.linear.forward(x)?;
        Ok(match self.activation {
            Activation::Linear => y,
            Activation::Relu => y.relu(),
            Activation::Sigmoid => y.sigmoid(),
            Activation::Tanh => y.tanh(),
            Activation::Softmax => y.softmax(-1)?,
        })
    }
}
