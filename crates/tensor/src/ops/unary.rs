//! Elementwise functions of one tensor.

use crate::dtype::{Float, Num};
use crate::kernels::tables::{Float1, FloatClass, FloatKernels, Num1, NumKernels};
use crate::tensor::{Tensor, map_owned, try_map};

/// Pairs a doc and a name with its kernel.
macro_rules! unary {
    ($Bound:ident $Code:ident; $($(#[$doc:meta])* $name:ident $Kernel:ident;)*) => {
        impl<T: $Bound> Tensor<T> {$(
            $(#[$doc])*
            #[track_caller]
            #[inline]
            pub fn $name(&self) -> Tensor<T> {
                unary!(@run $Code self $Kernel stringify!($name))
            }
        )*}
    };
    (@run Num1 $x:ident $Kernel:ident $name:expr) => { $x.num1(Num1::$Kernel, $name) };
    (@run Float1 $x:ident $Kernel:ident $name:expr) => { $x.float1(Float1::$Kernel, [0.0; 2], $name) };
}

unary! { Num Num1;
    /// Negation, `-x`; integers wrap.
    neg Neg;
    /// Absolute value, `|x|`.
    abs Abs;
    /// −1, 0 or 1 by sign; NaN stays NaN.
    sign Sign;
    /// `x²`.
    square Square;
    /// Rectifier, `max(x, 0)`; NaN stays NaN.
    relu Relu;
}

unary! { Float Float1;
    /// Square root, `√x`; NaN below 0.
    sqrt Sqrt;
    /// Reciprocal square root, `1/√x`.
    rsqrt Rsqrt;
    /// Reciprocal, `1/x`.
    recip Recip;
    /// The largest integer not above `x`.
    floor Floor;
    /// The smallest integer not below `x`.
    ceil Ceil;
    /// The nearest integer, ties to even (as NumPy and PyTorch).
    round Round;
    /// The integer part.
    trunc Trunc;
    /// `eˣ`.
    exp Exp;
    /// `2ˣ`.
    exp2 Exp2;
    /// `eˣ − 1`, exact near 0.
    exp_m1 ExpM1;
    /// Natural logarithm; −∞ at 0, NaN below.
    ln Ln;
    /// `ln(1 + x)`, exact near 0.
    ln_1p Ln1p;
    /// Logarithm to base 2.
    log2 Log2;
    /// Logarithm to base 10.
    log10 Log10;
    /// Sine of `x` radians.
    sin Sin;
    /// Cosine of `x` radians.
    cos Cos;
    /// Tangent of `x` radians.
    tan Tan;
    /// Inverse sine, radians; NaN outside [−1, 1].
    asin Asin;
    /// Inverse cosine, radians; NaN outside [−1, 1].
    acos Acos;
    /// Inverse tangent, radians.
    atan Atan;
    /// Hyperbolic sine.
    sinh Sinh;
    /// Hyperbolic cosine.
    cosh Cosh;
    /// Hyperbolic tangent.
    tanh Tanh;
    /// Inverse hyperbolic sine.
    asinh Asinh;
    /// Inverse hyperbolic cosine; NaN below 1.
    acosh Acosh;
    /// Inverse hyperbolic tangent; ±∞ at ±1, NaN beyond.
    atanh Atanh;
    /// Logistic function, `1/(1 + e⁻ˣ)`, without overflow.
    sigmoid Sigmoid;
    /// `ln(1 + eˣ)`, without overflow.
    softplus Softplus;
    /// `ln(sigmoid(x))`, without overflow.
    log_sigmoid LogSigmoid;
    /// Error function, `2/√π ∫₀ˣ e^(−t²) dt`.
    erf Erf;
    /// `x·Φ(x)` with Φ the normal distribution function (Hendrycks & Gimpel, 2016).
    gelu Gelu;
    /// The tanh approximation of [`gelu`](Tensor::gelu).
    gelu_tanh GeluTanh;
    /// `x·sigmoid(x)`.
    silu Silu;
}

impl<T: Float> Tensor<T> {
    /// `x` where positive, `slope·x` elsewhere.
    #[track_caller]
    pub fn leaky_relu(&self, slope: f64) -> Tensor<T> {
        self.float1(Float1::LeakyRelu, [slope, 0.0], "leaky_relu")
    }

    /// `x` where positive, `α(eˣ − 1)` elsewhere.
    #[track_caller]
    pub fn elu(&self, alpha: f64) -> Tensor<T> {
        self.float1(Float1::Elu, [alpha, 0.0], "elu")
    }

    /// `a·x + b`, one pass.
    #[track_caller]
    pub fn affine(&self, a: f64, b: f64) -> Tensor<T> {
        self.float1(Float1::Affine, [a, b], "affine")
    }

    /// Every element within `[min, max]`; NaN stays NaN.
    ///
    /// # Errors
    /// If a bound is NaN, or `min > max`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// assert_eq!(Tensor::new([-2.0f32, 0.5, 3.0]).clamp(0.0, 1.0)?.to_vec(), [0.0, 0.5, 1.0]);
    /// assert!(Tensor::new([0.0f32]).clamp(f64::NAN, 1.0).is_err());
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn clamp(&self, min: f64, max: f64) -> crate::Result<Tensor<T>> {
        if min.is_nan() || max.is_nan() || min > max {
            return Err(crate::Error::InvalidArgument {
                site: self.site("clamp"),
                name: "bounds",
                value: format!("{min}..={max}"),
                rule: "min <= max, neither NaN",
            });
        }
        let run = <T as FloatKernels>::float1(Float1::Clamp);
        try_map(run, [min, max], "clamp", self)
    }

    /// Where elements are NaN.
    #[track_caller]
    pub fn is_nan(&self) -> Tensor<bool> {
        self.float_class(FloatClass::IsNan, "is_nan")
    }

    /// Where elements are +∞ or −∞.
    #[track_caller]
    pub fn is_inf(&self) -> Tensor<bool> {
        self.float_class(FloatClass::IsInf, "is_inf")
    }

    /// Where elements are neither infinite nor NaN.
    #[track_caller]
    pub fn is_finite(&self) -> Tensor<bool> {
        self.float_class(FloatClass::IsFinite, "is_finite")
    }

    /// As [`Tensor::affine`], in this tensor's memory where it is held alone.
    #[track_caller]
    pub fn into_affine(self, a: f64, b: f64) -> Tensor<T> {
        map_owned(
            <T as FloatKernels>::float1(Float1::Affine),
            [a, b],
            "affine",
            self,
        )
    }
}

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
        map_owned(<T as NumKernels>::num1(Num1::Neg), [0.0; 2], "neg", self)
    }
}
