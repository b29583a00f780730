//! Layers without parameters: activations, and layers that change the shape alone.

use wengert_autograd::Var;
use wengert_tensor::{Float, Result};

use crate::module::{Layer, Module, Visitor};

/// Pairs a layer's name, doc and settings (with PyTorch's default of each) with the op it calls.
macro_rules! layers {
    ($(
        $(#[$doc:meta])*
        $Name:ident ($($(#[$field_doc:meta])* $field:ident: $F:ty = $default:expr),*)
        |$s:ident, $x:ident| $call:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $Name {
            $($(#[$field_doc])* pub $field: $F,)*
        }

        impl $Name {
            /// A layer of these settings.
            pub fn new($($field: $F),*) -> $Name {
                $Name { $($field),* }
            }
        }

        impl Default for $Name {
            /// PyTorch's defaults.
            fn default() -> $Name {
                $Name { $($field: $default),* }
            }
        }

        layers!(@impl $Name |$s, $x| $call);
    )*};
    (@impl $Name:ident |$s:ident, $x:ident| $call:expr) => {
        impl Module for $Name {
            fn visit(&self, _: &mut Visitor<'_>) {}
        }

        impl<T: Float> Layer<T> for $Name {
            #[track_caller]
            #[inline(never)]
            fn forward(&self, $x: &Var<T>) -> Result<Var<T>> {
                let $s = self;
                Ok($call)
            }
        }
    };
}

/// As [`layers`], for those without settings.
macro_rules! plain_layers {
    ($($(#[$doc:meta])* $Name:ident |$x:ident| $call:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub struct $Name;

        layers!(@impl $Name |_s, $x| $call);
    )*};
}

plain_layers! {
    /// The input as it is.
    Identity |x| x.clone();
    /// The logistic function, [`Var::sigmoid`].
    Sigmoid |x| x.sigmoid();
    /// The hyperbolic tangent, [`Var::tanh`].
    Tanh |x| x.tanh();
    /// The rectifier, [`Var::relu`].
    Relu |x| x.relu();
    /// The sigmoid-weighted linear unit, [`Var::silu`].
    Silu |x| x.silu();
    /// `ln(1 + eˣ)`, [`Var::softplus`].
    Softplus |x| x.softplus();
}

layers! {
    /// The leaky rectifier, [`Var::leaky_relu`].
    LeakyRelu(
        /// The slope below zero.
        slope: f64 = 0.01
    ) |s, x| x.leaky_relu(s.slope);

    /// The exponential linear unit, [`Var::elu`].
    Elu(
        /// The value far below zero, negated.
        alpha: f64 = 1.0
    ) |s, x| x.elu(s.alpha);

    /// The Gaussian error linear unit: [`Var::gelu`], or its approximation [`Var::gelu_tanh`].
    Gelu(
        /// Whether to use the approximation by tanh.
        tanh: bool = false
    ) |s, x| if s.tanh { x.gelu_tanh() } else { x.gelu() };

    /// Probabilities along an axis, [`Var::softmax`].
    ///
    /// # Errors
    /// `forward` fails where the input has no such axis.
    Softmax(
        /// The axis, negative from the end.
        axis: isize = -1
    ) |s, x| x.softmax(s.axis)?;

    /// Logarithms of probabilities along an axis, [`Var::log_softmax`].
    ///
    /// # Errors
    /// `forward` fails where the input has no such axis.
    LogSoftmax(
        /// The axis, negative from the end.
        axis: isize = -1
    ) |s, x| x.log_softmax(s.axis)?;

    /// The axes `start ..= end` as one, [`Var::flatten`]; by default all but the first.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let images = Var::<f32>::zeros([8, 28, 28]);
    /// assert_eq!(Flatten::default().forward(&images)?.shape(), &[8, 784][..]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    ///
    /// # Errors
    /// `forward` fails where the input has no such axes.
    Flatten(
        /// The first axis, negative from the end.
        start: isize = 1,
        /// The last axis, negative from the end.
        end: isize = -1
    ) |s, x| x.flatten(s.start, s.end)?;
}
