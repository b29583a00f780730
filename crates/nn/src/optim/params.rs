//! What an optimizer takes parameters from.

use crate::module::{AnyParam, Module};

/// What gives an optimizer its parameters: a model (`&model`), the list of [`Module::parameters`], or single ones
/// (`[&w, &b]`). Those of a model come with the names that they have in it, under which their states are saved.
///
/// ```
/// use wengert::prelude::*;
/// let mut rng = Rng::seed(0);
/// let (model, beta) = (Linear::new(2, 1, &mut rng), Param::<f32>::new(Tensor::ones([1])));
/// let opt = Sgd::new(&model, 0.1);
/// assert_eq!(opt.groups()[0].params()[0].name().as_deref(), Some("weight"));
/// let opt = Sgd::new([&beta], 0.1);
/// // Two models in one optimizer: as a tuple, so that the names say which is which.
/// let opt = Sgd::new(&(model, Linear::new(2, 1, &mut rng)), 0.1);
/// assert_eq!(opt.groups()[0].params()[2].name().as_deref(), Some("1.weight"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` gives an optimizer no parameters",
    note = "give it a model (`&model`), a list (`model.parameters()`), or parameters (`[&w, &b]`)"
)]
pub trait IntoParams {
    /// The parameters.
    fn into_params(self) -> Vec<AnyParam>;
}

impl<M: Module + ?Sized> IntoParams for &M {
    fn into_params(self) -> Vec<AnyParam> {
        self.parameters()
    }
}

impl<P: Into<AnyParam>> IntoParams for Vec<P> {
    fn into_params(self) -> Vec<AnyParam> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<P: Into<AnyParam>, const N: usize> IntoParams for [P; N] {
    fn into_params(self) -> Vec<AnyParam> {
        self.into_iter().map(Into::into).collect()
    }
}

impl IntoParams for &[AnyParam] {
    fn into_params(self) -> Vec<AnyParam> {
        self.to_vec()
    }
}
