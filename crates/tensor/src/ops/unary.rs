//! Elementwise functions of one tensor that take parameters, and negation as an operator; the methods of
//! the plain ones, which are declared with their kernels (`kernels/unary.rs`).

use crate::element::{Float, Num};
use crate::kernels::strided::Params;
use crate::kernels::tables::{FloatKernels, NumKernels};
use crate::kernels::unary::{self, Float1, FloatClass, Num1};
use crate::ops::elementwise::{map, map_owned};
use crate::tensor::Tensor;

/// The methods of a list of plain unary functions, an `impl` a family.
macro_rules! methods {
    ($(#[$list:meta])* $Code:ident $table:ident <T: $Bound:ident, $Element:ident> => $out:ident {
        $(@ $family:literal
        $($(#[$of:meta])* $name:ident $Name:ident $cost:literal = $(slice $map:ident)? $(|$x:ident| $body:expr)?;)*)*
    } $(with parameters { $($with:tt)* })?) => {
        $(#[doc = concat!("# ", $family)]
        impl<T: $Element> Tensor<T> {$(
            $(#[$of])*
            #[track_caller]
            #[inline]
            pub fn $name(&self) -> Tensor<$out> {
                map(T::$table($Code::$Name), Params::default(), stringify!($name), self)
            }
        )*})*
    };
}
unary::num1_list!(methods);
unary::float1_list!(methods);

/// # Activations and elementwise functions with parameters
impl<T: Float> Tensor<T> {
    /// `x` where positive, `slope·x` elsewhere.
    #[track_caller]
    pub fn leaky_relu(&self, slope: f64) -> Tensor<T> {
        self.float1(Float1::LeakyRelu, (slope, 0.0), "leaky_relu")
    }

    /// `x` where positive, `α(eˣ − 1)` elsewhere.
    #[track_caller]
    pub fn elu(&self, alpha: f64) -> Tensor<T> {
        self.float1(Float1::Elu, (alpha, 0.0), "elu")
    }

    /// `a·x + b`, one pass.
    #[track_caller]
    pub fn affine(&self, a: f64, b: f64) -> Tensor<T> {
        self.float1(Float1::Affine, (a, b), "affine")
    }

    /// As [`Tensor::affine`], in this tensor's memory where it is held alone.
    #[doc(hidden)]
    #[track_caller]
    pub fn into_affine(self, a: f64, b: f64) -> Tensor<T> {
        map_owned(
            <T as FloatKernels>::float1(Float1::Affine),
            (a, b),
            "affine",
            self,
        )
    }
}

unary::float_class_list!(methods);

impl<T: Num> std::ops::Neg for &Tensor<T> {
    type Output = Tensor<T>;
    #[track_caller]
    fn neg(self) -> Tensor<T> {
        Tensor::neg(self)
    }
}

impl<T: Num> std::ops::Neg for Tensor<T> {
    type Output = Tensor<T>;
    #[track_caller]
    fn neg(self) -> Tensor<T> {
        map_owned(
            <T as NumKernels>::num1(Num1::Neg),
            Params::default(),
            "neg",
            self,
        )
    }
}
