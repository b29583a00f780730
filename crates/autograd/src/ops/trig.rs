//! Circular and hyperbolic functions and their inverses.

use super::block::{names::*, unary_op};

unary_op! {
    @ "Elementwise: trigonometry"

    /// Sine of `x` radians; gradient `cos(x)·dy`.
    sin Sin SIN
    in "trig" formula "sin x" gradient "cos x·dy" edges "smooth"
    saves x
    rule |x, dy| dy * x.cos();
    reference |x| x.sin();
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// Cosine of `x` radians; gradient `−sin(x)·dy`.
    cos Cos COS
    in "trig" formula "cos x" gradient "−sin x·dy" edges "smooth"
    saves x
    rule |x, dy| dy * x.sin().neg();
    reference |x| x.cos();
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// Tangent of `x` radians; gradient `(1 + y²)·dy`.
    tan Tan TAN
    in "trig" formula "tan x" gradient "(1 + y²)·dy" edges "poles at π/2 + kπ"
    saves y
    rule |y, dy| dy * y.square().affine(1.0, 1.0);
    reference |x| x.tan();
    samples [-1.1, -0.3, 0.1, 0.4, 1.2, 3.0]

    /// Inverse sine, radians; gradient `dy / √(1 − x²)`. NaN outside [−1, 1].
    asin Asin ASIN
    in "trig" formula "arcsin x" gradient "dy/√(1 − x²)" edges "gradient ∞ at ±1"
    saves x
    rule |x, dy| dy * one_minus_square(x).rsqrt();
    reference |x| x.asin();
    samples [-0.9, -0.3, 0.1, 0.4, 0.6, 0.8]
    ties [1.0 => f64::INFINITY]

    /// Inverse cosine, radians; gradient `−dy / √(1 − x²)`. NaN outside [−1, 1].
    acos Acos ACOS
    in "trig" formula "arccos x" gradient "−dy/√(1 − x²)" edges "gradient −∞ at ±1"
    saves x
    rule |x, dy| dy * one_minus_square(x).rsqrt().neg();
    reference |x| x.acos();
    samples [-0.9, -0.3, 0.1, 0.4, 0.6, 0.8]
    ties [1.0 => f64::NEG_INFINITY]

    /// Inverse tangent, radians; gradient `dy / (1 + x²)`.
    atan Atan ATAN
    in "trig" formula "arctan x" gradient "dy/(1 + x²)" edges "smooth"
    saves x
    rule |x, dy| dy / x.square().affine(1.0, 1.0);
    reference |x| x.atan();
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]
}

unary_op! {
    @ "Elementwise: hyperbolic functions"

    /// Hyperbolic sine; gradient `cosh(x)·dy`.
    sinh Sinh SINH
    in "trig" formula "sinh x" gradient "cosh x·dy" edges "smooth"
    saves x
    rule |x, dy| dy * x.cosh();
    reference |x| x.sinh();
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// Hyperbolic cosine; gradient `sinh(x)·dy`.
    cosh Cosh COSH
    in "trig" formula "cosh x" gradient "sinh x·dy" edges "smooth"
    saves x
    rule |x, dy| dy * x.sinh();
    reference |x| x.cosh();
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// Hyperbolic tangent; gradient `(1 − y²)·dy`.
    ///
    /// ```
    /// use wengert::Var;
    /// let x = Var::new(0.0f64).tracked();
    /// x.tanh().backward()?;
    /// assert_eq!(x.grad().unwrap().item()?, 1.0);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    tanh Tanh TANH
    in "trig" formula "tanh x" gradient "(1 − y²)·dy" edges "smooth"
    saves y
    rule |y, dy| dy * y.square().affine(-1.0, 1.0);
    fused |y, dy| y.tanh_grad(dy);
    reference |x| x.tanh();
    samples [-2.0, -0.3, 0.0, 0.4, 1.1, 3.0]

    /// Inverse hyperbolic sine; gradient `dy / √(1 + x²)`.
    asinh Asinh ASINH
    in "trig" formula "arsinh x" gradient "dy/√(1 + x²)" edges "smooth"
    saves x
    rule |x, dy| dy / x.hypot(&Var::scalar(T::ONE))?;
    reference |x| x.asinh();
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// Inverse hyperbolic cosine; gradient `dy / √(x² − 1)`. NaN below 1.
    acosh Acosh ACOSH
    in "trig" formula "arcosh x" gradient "dy/√(x² − 1)" edges "gradient ∞ at 1"
    saves x
    rule |x, dy| dy * x.affine(1.0, -1.0).rsqrt() * x.affine(1.0, 1.0).rsqrt();
    reference |x| x.acosh();
    samples [1.1, 1.3, 1.7, 2.5, 4.0, 9.0]
    ties [1.0 => f64::INFINITY]

    /// Inverse hyperbolic tangent; gradient `dy / (1 − x²)`. ±∞ at ±1, NaN beyond.
    atanh Atanh ATANH
    in "trig" formula "artanh x" gradient "dy/(1 − x²)" edges "±∞ at ±1"
    saves x
    rule |x, dy| dy / one_minus_square(x);
    reference |x| x.atanh();
    samples [-0.9, -0.3, 0.1, 0.4, 0.6, 0.8]
}

/// `1 − x²` as `(1 − x)(1 + x)`, which keeps its digits near ±1.
fn one_minus_square<T: Float>(x: &Var<T>) -> Var<T> {
    x.affine(-1.0, 1.0) * x.affine(1.0, 1.0)
}

pub(super) const OPS: &[&OpInfo] = &[
    &SIN, &COS, &TAN, &ASIN, &ACOS, &ATAN, &SINH, &COSH, &TANH, &ASINH, &ACOSH, &ATANH,
];
