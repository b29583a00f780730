//! The plain unary functions, each declared once: doc, method, code, cost and expression in one line. [`family!`] makes the
//! kernels of a list here, and `ops/unary.rs` the methods of `Tensor`.
//!
//! Invariant: that of [`tables`](super::tables): an expression is branch-free and makes no call.

use std::mem::MaybeUninit;

use super::isa::Isa;
use super::math::Math;
use super::strided::{Params, Run};
use super::tables::{FloatKernels, Fun, NumKernels, SliceFun, exec, exec_slice, family};

/// The kernels of a list of lines `/// doc`, `name Name cost = |x| expression;` (or `slice map_name;`). Those with parameters
/// have their methods in `ops/unary.rs`: a line is `Name cost = |x; p| expression;`. `@ "family"` is the heading of the
/// methods that follow. (`$Element` bounds the methods.)
macro_rules! kernels {
    ($(#[$doc:meta])* $Code:ident $table:ident <T: $Bound:ident, $Element:ident> => $out:ident {
        $(@ $family:literal
        $($(#[$of:meta])* $name:ident $Name:ident $cost:literal = $(slice $map:ident)? $(|$x:ident| $body:expr)?;)*)*
    } $(with parameters { $($with:tt)* })?) => {
        family! {
            $(#[$doc])*
            $Code $table <T: $Bound> 1 (T,) => $out {
                $($($Name $cost = $(slice $map)? $(|$x; p| $body)?;)*)*
                $($($with)*)?
            }
        }
    };
}

/// Unary operations on every numeric type. Hands the list to a macro.
macro_rules! num1_list {
    ($macro:ident) => {
        $macro! {
        /// Unary operations on every numeric type.
        Num1 num1 <T: NumKernels, Num> => T {
            @ "Elementwise: signs, squares and the rectifier"
            /// Negation, `-x`; integers wrap.
            neg Neg 3 = |x| x.neg_();
            /// Absolute value, `|x|`.
            abs Abs 3 = |x| x.abs_();
            /// −1, 0 or 1 by sign; NaN stays NaN.
            sign Sign 3 = |x| x.sign_();
            /// `x²`.
            square Square 3 = |x| x.mul_(x);
            /// Rectifier, `max(x, 0)`; NaN stays NaN.
            relu Relu 3 = |x| x.relu_();
        }
        }
    };
}
pub(crate) use num1_list;
num1_list!(kernels);

/// Unary operations on floats. Hands the list to a macro.
macro_rules! float1_list {
    ($macro:ident) => {
        $macro! {
        /// Unary operations on floats.
        Float1 float1 <T: FloatKernels, Float> => T {
            @ "Elementwise: roots and reciprocals"
            /// Square root, `√x`; NaN below 0.
            sqrt Sqrt 6 = |x| x.sqrt();
            /// Reciprocal square root, `1/√x`.
            rsqrt Rsqrt 8 = |x| Math::rsqrt::<I>(x);
            /// Reciprocal, `1/x`.
            recip Recip 5 = |x| T::ONE / x;
            @ "Elementwise: rounding"
            /// The largest integer not above `x`.
            floor Floor 3 = |x| x.floor_();
            /// The smallest integer not below `x`.
            ceil Ceil 3 = |x| x.ceil_();
            /// The nearest integer, ties to even (as NumPy and PyTorch).
            round Round 3 = |x| x.round_();
            /// The integer part.
            trunc Trunc 3 = |x| x.trunc_();
            @ "Elementwise: exponentials and logarithms"
            /// `eˣ`.
            exp Exp 5 = slice map_exp;
            /// `2ˣ`.
            exp2 Exp2 5 = |x| Math::exp2::<I>(x);
            /// `eˣ − 1`, exact near 0.
            exp_m1 ExpM1 8 = |x| Math::exp_m1::<I>(x);
            /// Natural logarithm; −∞ at 0, NaN below.
            ln Ln 5 = |x| Math::ln::<I>(x);
            /// `ln(1 + x)`, exact near 0.
            ln_1p Ln1p 8 = |x| Math::ln_1p::<I>(x);
            /// Logarithm to base 2.
            log2 Log2 6 = |x| Math::log2::<I>(x);
            /// Logarithm to base 10.
            log10 Log10 6 = |x| Math::log10::<I>(x);
            /// Error function, `2/√π ∫₀ˣ e^(−t²) dt`.
            erf Erf 10 = |x| Math::erf::<I>(x);
            @ "Elementwise: trigonometry"
            /// Sine of `x` radians.
            sin Sin 8 = slice map_sin;
            /// Cosine of `x` radians.
            cos Cos 8 = slice map_cos;
            /// Tangent of `x` radians.
            tan Tan 12 = slice map_tan;
            /// Inverse sine, radians; NaN outside [−1, 1].
            asin Asin 12 = |x| Math::asin::<I>(x);
            /// Inverse cosine, radians; NaN outside [−1, 1].
            acos Acos 12 = |x| Math::acos::<I>(x);
            /// Inverse tangent, radians.
            atan Atan 10 = |x| Math::atan::<I>(x);
            @ "Elementwise: hyperbolic functions"
            /// Hyperbolic sine.
            sinh Sinh 10 = |x| Math::sinh::<I>(x);
            /// Hyperbolic cosine.
            cosh Cosh 10 = |x| Math::cosh::<I>(x);
            /// Hyperbolic tangent.
            tanh Tanh 8 = slice map_tanh;
            /// Inverse hyperbolic sine.
            asinh Asinh 40 = |x| Math::asinh::<I>(x);
            /// Inverse hyperbolic cosine; NaN below 1.
            acosh Acosh 40 = |x| Math::acosh::<I>(x);
            /// Inverse hyperbolic tangent; ±∞ at ±1, NaN beyond.
            atanh Atanh 40 = |x| Math::atanh::<I>(x);
            @ "Activations"
            /// Logistic function, `1/(1 + e⁻ˣ)`, without overflow.
            sigmoid Sigmoid 6 = slice map_sigmoid;
            /// `ln(1 + eˣ)`, without overflow.
            softplus Softplus 12 = |x| Math::softplus::<I>(x);
            /// `ln(sigmoid(x))`, without overflow.
            log_sigmoid LogSigmoid 12 = |x| Math::log_sigmoid::<I>(x);
            /// `x·Φ(x)` with Φ the normal distribution function (Hendrycks & Gimpel, 2016).
            gelu Gelu 12 = slice map_gelu;
            /// The tanh approximation of [`gelu`](Tensor::gelu).
            gelu_tanh GeluTanh 12 = slice map_gelu_tanh;
            /// `x·sigmoid(x)`.
            silu Silu 8 = slice map_silu;
            /// `x/(1 + |x|)`.
            softsign Softsign 5 = |x| x / (T::ONE + x.abs_());
            /// `x·tanh(softplus(x))` (Misra, 2019).
            mish Mish 8 = |x| Math::mish::<I>(x);
        } with parameters {
            // leaky_relu with slope p.0
            LeakyRelu 4 = |x; p| if x > T::ZERO { x } else { x * T::from_f64(p.0) };
            // elu with alpha p.0
            Elu 10 = |x; p| if x > T::ZERO { x } else { T::from_f64(p.0) * Math::exp_m1::<I>(x) };
            // Between p.0 and p.1; comparisons with NaN are false, so NaN stays.
            Clamp 4 = |x; p| {
                let (lo, hi) = (T::from_f64(p.0), T::from_f64(p.1));
                let low = if x < lo { lo } else { x };
                if low > hi { hi } else { low }
            };
            // x³ and x^½ as powers: of −0 the root is 0, of −∞ it is ∞
            Cube 4 = |x; p| { let _ = p; x * x * x };
            Root 6 = |x; p| { let _ = p; if x == T::NEG_INFINITY { T::INFINITY } else { (x + T::ZERO).sqrt() } };
            // a·x + b
            Affine 4 = |x; p| x * T::from_f64(p.0) + T::from_f64(p.1);
        }
        }
    };
}
pub(crate) use float1_list;
float1_list!(kernels);

/// Classification of floats. Hands the list to a macro.
macro_rules! float_class_list {
    ($macro:ident) => {
        $macro! {
        /// Classification of floats.
        FloatClass float_class <T: FloatKernels, Float> => bool {
            @ "Elementwise: what kind of number"
            /// Where elements are NaN.
            is_nan IsNan 3 = |x| x.partial_cmp(&x).is_none();
            /// Where elements are +∞ or −∞.
            is_inf IsInf 3 = |x| x == T::INFINITY || x == T::NEG_INFINITY;
            /// Where elements are neither infinite nor NaN.
            is_finite IsFinite 3 = |x| x.abs_() < T::INFINITY;
        }
        }
    };
}
pub(crate) use float_class_list;
float_class_list!(kernels);
