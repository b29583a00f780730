//! Layers without parameters.

use wengert_autograd::Var;
use wengert_tensor::Float;

use crate::error::Result;
use crate::module::{Layer, Module, Visitor};

/// Pairs a layer's name and doc with the op it calls.
macro_rules! activations {
    ($($(#[$doc:meta])* $Name:ident |$s:ident, $x:ident| $call:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub struct $Name;

        impl Module for $Name {
            fn visit(&self, _: &mut Visitor<'_>) {}
        }

        impl<T: Float> Layer<T> for $Name {
            #[track_caller]
            fn forward(&self, $x: &Var<T>) -> Result<Var<T>> {
                let $s = self;
                Ok($call)
            }
        }
    )*};
}

activations! {
    /// The logistic function, [`Var::sigmoid`].
    Sigmoid |_s, x| x.sigmoid();
    /// The hyperbolic tangent, [`Var::tanh`].
    Tanh |_s, x| x.tanh();
    /// The rectifier, [`Var::relu`].
    Relu |_s, x| x.relu();
}
