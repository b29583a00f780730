//! A model as training sees it: an input goes in, a tracked variable comes out.

use wengert_autograd::Var;
use wengert_tensor::{Float, Result, Tensor};

use crate::module::{Layer, Module};

/// A model as [`fit`](crate::fit) sees it. Every [`Layer`] is one, of a tensor; implement it for a model
/// that takes something else, such as indices or several tensors.
///
/// ```
/// use wengert::prelude::*;
/// struct Product { left: Linear, right: Linear }
/// impl Module for Product {
///     fn visit(&self, v: &mut Visitor<'_>) {
///         v.field("left", &self.left);
///         v.field("right", &self.right);
///     }
/// }
/// impl Model<(Tensor<f32>, Tensor<f32>)> for Product {
///     fn call(&self, (a, b): &(Tensor<f32>, Tensor<f32>)) -> Result<Var> {
///         Ok(self.left.forward(&a.into())? * self.right.forward(&b.into())?)
///     }
/// }
/// let mut rng = Rng::seed(0);
/// let model = Product { left: Linear::new(2, 3, &mut rng), right: Linear::new(4, 3, &mut rng) };
/// let y = model.call(&(Tensor::zeros([5, 2]), Tensor::zeros([5, 4])))?;
/// assert_eq!(y.shape(), &[5, 3][..]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model of `{X}`",
    note = "a `Layer<T>` is a model of `Tensor<T>`; implement `Model<{X}>` for another kind of input"
)]
pub trait Model<X, T: Float = f32>: Module {
    /// The output for a batch of inputs.
    ///
    /// # Errors
    /// If the input does not fit.
    fn call(&self, x: &X) -> Result<Var<T>>;
}

impl<T: Float, L: Layer<T>> Model<Tensor<T>, T> for L {
    #[track_caller]
    fn call(&self, x: &Tensor<T>) -> Result<Var<T>> {
        self.forward(&Var::from(x))
    }
}
