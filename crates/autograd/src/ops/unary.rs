//! Powers, roots, exponentials, logarithms, steps.

use std::f64::consts::{FRAC_2_SQRT_PI, LN_2, LN_10};

use super::block::{names::*, unary_op};
use crate::ops::info::spread;
use crate::ops::naive::erf;
use crate::tape::rule::one;
use wengert_tensor::Result;

unary_op! {
    @ "Elementwise: squares, roots and magnitude"

    /// Square, `y = x²`; gradient `2x·dy`.
    square Square SQUARE
    in "unary" formula "x²" gradient "2x·dy" edges "smooth"
    saves x
    rule |x, dy| (dy * x).affine(2.0, 0.0);
    fused |x, dy| x.square_grad(dy);
    reference |x| x * x;
    samples [-2.0, -0.3, 0.0, 0.4, 1.1, 3.0]

    /// Square root, `y = √x`; gradient `dy / 2y`. NaN below 0.
    sqrt Sqrt SQRT
    in "unary" formula "√x" gradient "dy/2y" edges "sqrt'(0) = ∞"
    saves y
    rule |y, dy| dy / y.affine(2.0, 0.0);
    reference |x| x.sqrt();
    samples [0.1, 0.5, 1.0, 2.0, 5.0, 10.0]
    ties [0.0 => f64::INFINITY]

    /// Reciprocal square root, `y = 1/√x`; gradient `−y³·dy / 2`.
    rsqrt Rsqrt RSQRT
    in "unary" formula "1/√x" gradient "−y³·dy/2" edges "∞ at 0, NaN below"
    saves y
    rule |y, dy| dy * (y * y.square()).affine(-0.5, 0.0);
    reference |x| 1.0 / x.sqrt();
    samples [0.1, 0.5, 1.0, 2.0, 5.0, 10.0]

    /// Reciprocal, `y = 1/x`; gradient `−y²·dy`.
    recip Recip RECIP
    in "unary" formula "1/x" gradient "−y²·dy" edges "±∞ at ±0"
    saves y
    rule |y, dy| dy * y.square().affine(-1.0, 0.0);
    reference |x| 1.0 / x;
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// Absolute value, `|x|`; gradient `sign(x)·dy`.
    abs Abs ABS
    in "unary" formula "|x|" gradient "sign(x)·dy" edges "abs'(0) = 0"
    saves x
    rule |x, dy| dy * Var::constant(x.value().sign());
    reference |x| x.abs();
    samples [-2.0, -0.3, 0.5, 0.4, 1.1, 3.0]
    ties [0.0 => 0.0]
}

unary_op! {
    @ "Elementwise: exponentials and logarithms"

    /// Exponential, `y = eˣ`; gradient `y·dy`.
    exp Exp EXP
    in "unary" formula "eˣ" gradient "y·dy" edges "smooth"
    saves y
    rule |y, dy| dy * y;
    reference |x| x.exp();
    samples [-2.0, -0.3, 0.0, 0.4, 1.1, 3.0]

    /// `2ˣ`; gradient `ln 2·y·dy`.
    exp2 Exp2 EXP2
    in "unary" formula "2ˣ" gradient "ln 2·y·dy" edges "smooth"
    saves y
    rule |y, dy| (dy * y).affine(LN_2, 0.0);
    reference |x| x.exp2();
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// `eˣ − 1`, exact near 0; gradient `(y + 1)·dy`.
    exp_m1 ExpM1 EXP_M1
    in "unary" formula "eˣ − 1" gradient "eˣ·dy" edges "smooth"
    saves x
    rule |x, dy| dy * x.exp();
    fused |x, dy| x.exp_mul(&dy);
    reference |x| x.exp_m1();
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// Natural logarithm, `y = ln x`; gradient `dy/x`. −∞ at 0, NaN below.
    ln Ln LN
    in "unary" formula "ln x" gradient "dy/x" edges "gradient ±∞ at 0"
    saves x
    rule |x, dy| dy / x;
    reference |x| x.ln();
    samples [0.1, 0.5, 1.0, 2.0, 5.0, 10.0]
    ties [0.0 => f64::INFINITY]

    /// `ln(1 + x)`, exact near 0; gradient `dy / (1 + x)`. −∞ at −1, NaN below.
    ln_1p Ln1p LN_1P
    in "unary" formula "ln(1 + x)" gradient "dy/(1 + x)" edges "gradient ∞ at −1"
    saves x
    rule |x, dy| dy / x.affine(1.0, 1.0);
    reference |x| x.ln_1p();
    samples [-0.7, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// Logarithm to base 2; gradient `dy / (x ln 2)`.
    log2 Log2 LOG2
    in "unary" formula "log₂ x" gradient "dy/(x ln 2)" edges "−∞ at 0, NaN below"
    saves x
    rule |x, dy| dy / x.affine(LN_2, 0.0);
    reference |x| x.log2();
    samples [0.1, 0.5, 1.0, 2.0, 5.0, 10.0]

    /// Logarithm to base 10; gradient `dy / (x ln 10)`.
    log10 Log10 LOG10
    in "unary" formula "log₁₀ x" gradient "dy/(x ln 10)" edges "−∞ at 0, NaN below"
    saves x
    rule |x, dy| dy / x.affine(LN_10, 0.0);
    reference |x| x.log10();
    samples [0.1, 0.5, 1.0, 2.0, 5.0, 10.0]

    /// Error function, `2/√π ∫₀ˣ e^(−t²) dt`; gradient `2/√π e^(−x²)·dy`.
    erf Erf ERF
    in "unary" formula "2/√π ∫₀ˣ e^(−t²) dt" gradient "2/√π e^(−x²)·dy" edges "smooth"
    saves x
    rule |x, dy| dy * x.square().neg().exp().affine(FRAC_2_SQRT_PI, 0.0);
    reference |x| erf(x);
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]
}

/// # Elementwise: negation
impl<T: Float> Var<T> {
    /// Negation, `y = −x`; gradient `−dy`.
    #[track_caller]
    #[allow(clippy::should_implement_trait)] // the operator is there as well
    #[inline(never)]
    pub fn neg(&self) -> Var<T> {
        apply([self], self.value.neg(), |_, _| Neg)
    }
}

pub(crate) struct Neg;
impl<T: Float> Rule<T> for Neg {
    fn name(&self) -> &'static str {
        "neg"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(dy.neg())
    }
    fn fused(&self, _: &Cx<'_>, dy: Tensor<T>, to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
        to.accumulate(0, -dy)?;
        Ok(Fused::Done)
    }
}

pub(crate) static NEG: OpInfo = OpInfo {
    name: "neg",
    family: "unary",
    formula: "−x",
    gradient: "−dy",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| Ok(v[0].neg()), |r| r[0]
                .map(|x| -x))
            .elementwise(),
        ]
    },
};

/// # Zeros and ones
impl<T: Float> Var<T> {
    /// Untracked zeros of this shape.
    #[track_caller]
    #[inline(never)]
    pub fn zeros_like(&self) -> Var<T> {
        Var::constant(self.value.zeros_like())
    }

    /// Untracked ones of this shape.
    #[track_caller]
    #[inline(never)]
    pub fn ones_like(&self) -> Var<T> {
        Var::constant(self.value.ones_like())
    }
}

/// A function that is constant between its jumps: its gradient is 0, at the jumps too.
macro_rules! step_op {
    ($($(#[$doc:meta])* $name:ident $Rule:ident $INFO:ident formula $formula:literal
       reference |$x:ident| $reference:expr;)*) => {
        /// # Elementwise: sign and rounding
        impl<T: Float> Var<T> {$(
            $(#[$doc])*
            #[track_caller]
            #[inline(never)]
            pub fn $name(&self) -> Var<T> {
                apply([self], self.value.$name(), |_, _| $Rule)
            }
        )*}
        $(struct $Rule;
        impl<T: Float> Rule<T> for $Rule {
            fn name(&self) -> &'static str {
                stringify!($name)
            }
            fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
                one(dy.zeros_like())
            }
        }
        pub(crate) static $INFO: OpInfo = OpInfo {
            name: stringify!($name),
            family: "unary",
            formula: $formula,
            gradient: "0",
            edges: "0 at the jumps too",
            #[cfg(feature = "samples")]
            samples: || {
                let call = |values: &[f64]| {
                    sample!([cycle(&[values.len()], values)], |v| Ok(v[0].$name()), |r| r[0].map(|$x| $reference))
                };
                let jump = Array { shape: vec![3], data: vec![0.0; 3] };
                vec![
                    call(&[-2.3, -0.7, 0.4, 1.2, 3.6]).elementwise(),
                    call(&[-1.0, 0.0, 2.5]).expect(vec![jump]).note("at jumps and halves"),
                ]
            },
        };
    )*};
}

step_op! {
    /// −1, 0 or 1 by sign, NaN of NaN; gradient 0.
    sign Sign SIGN formula "sign x" reference |x| if x == 0.0 { 0.0 } else { x.signum() };
    /// The largest integer not above `x`; gradient 0.
    floor Floor FLOOR formula "⌊x⌋" reference |x| x.floor();
    /// The smallest integer not below `x`; gradient 0.
    ceil Ceil CEIL formula "⌈x⌉" reference |x| x.ceil();
    /// The nearest integer, ties to even; gradient 0.
    round Round ROUND formula "nearest integer, ties to even" reference |x| x.round_ties_even();
    /// The integer part; gradient 0.
    trunc Trunc TRUNC formula "integer part of x" reference |x| x.trunc();
}

pub(super) const OPS: &[&OpInfo] = &[
    &NEG, &SQUARE, &SQRT, &RSQRT, &RECIP, &ABS, &EXP, &EXP2, &EXP_M1, &LN, &LN_1P, &LOG2, &LOG10,
    &ERF, &SIGN, &FLOOR, &CEIL, &ROUND, &TRUNC,
];
