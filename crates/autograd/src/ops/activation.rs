//! Activation functions.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use super::block::{names::*, unary_op};
use crate::ops::info::spread;
use crate::ops::naive::erf;
use crate::tape::rule::one;
use wengert_tensor::Result;

/// √(2/π).
const ROOT: f64 = 0.797_884_560_802_865_4;
/// Of the tanh approximation of GELU.
const CUBE: f64 = 0.044715;

unary_op! {
    @ "Activations"

    /// Logistic function, `y = 1/(1 + e⁻ˣ)`; gradient `y(1 − y)·dy`.
    sigmoid Sigmoid SIGMOID
    in "activation" formula "1/(1 + e⁻ˣ)" gradient "y(1 − y)·dy" edges "smooth"
    saves y
    rule |y, dy| dy * (y * y.affine(-1.0, 1.0));
    fused |y, dy| y.sigmoid_grad(dy);
    reference |x| 1.0 / (1.0 + (-x).exp());
    samples [-2.0, -0.3, 0.0, 0.4, 1.1, 3.0]

    /// Rectifier, `y = max(x, 0)`; gradient `dy` where `x > 0`, else 0 (at 0 too).
    relu Relu RELU
    in "activation" formula "max(x, 0)" gradient "dy where x > 0" edges "relu'(0) = 0; NaN stays NaN"
    saves y
    rule |y, dy| dy * Var::constant(y.value().relu_grad(Tensor::ones(y.shape()))?);
    fused |y, dy| y.relu_grad(dy);
    reference |x| if x > 0.0 || x.is_nan() { x } else { 0.0 };
    samples [-2.0, -0.3, 0.5, 0.4, 1.1, 3.0]
    ties [0.0 => 0.0]

    /// `ln(sigmoid(x))`, without overflow; gradient `sigmoid(−x)·dy`.
    log_sigmoid LogSigmoid LOG_SIGMOID
    in "activation" formula "−ln(1 + e⁻ˣ)" gradient "sigmoid(−x)·dy" edges "smooth"
    saves x
    rule |x, dy| dy * x.neg().sigmoid();
    fused |x, dy| x.log_sigmoid_grad(dy);
    reference |x| -(-x).exp().ln_1p();
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// `ln(1 + eˣ)`, without overflow; gradient `sigmoid(x)·dy`.
    softplus Softplus SOFTPLUS
    in "activation" formula "ln(1 + eˣ)" gradient "sigmoid(x)·dy" edges "smooth"
    saves x
    rule |x, dy| dy * x.sigmoid();
    fused |x, dy| x.softplus_grad(dy);
    reference |x| x.exp().ln_1p();
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// `x·sigmoid(x)` (Hendrycks & Gimpel 2016; also named swish); gradient `s(1 + x(1 − s))·dy`.
    silu Silu SILU
    in "activation" formula "x·sigmoid(x)" gradient "s(1 + x(1 − s))·dy, s = sigmoid(x)" edges "smooth"
    saves x
    rule |x, dy| {
        let s = x.sigmoid();
        dy * (&s * (x * s.affine(-1.0, 1.0)).affine(1.0, 1.0))
    };
    fused |x, dy| x.silu_grad(dy);
    reference |x| x / (1.0 + (-x).exp());
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// `x·tanh(softplus(x))` (Misra, 2019); gradient `(t + x(1 − t²)·sigmoid(x))·dy` with `t = tanh(softplus(x))`.
    mish Mish MISH
    in "activation" formula "x·tanh(ln(1 + eˣ))" gradient "(t + x(1 − t²)·sigmoid(x))·dy, t = tanh(ln(1 + eˣ))" edges "smooth"
    saves x
    rule |x, dy| {
        let t = x.softplus().tanh();
        dy * (&t + x * t.square().affine(-1.0, 1.0) * x.sigmoid())
    };
    fused |x, dy| x.mish_grad(dy);
    reference |x| x * x.exp().ln_1p().tanh();
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// `x·Φ(x)` with Φ the normal distribution function (Hendrycks & Gimpel, 2016); gradient `(Φ(x) + x·φ(x))·dy`.
    gelu Gelu GELU
    in "activation" formula "x·Φ(x)" gradient "(Φ(x) + x·φ(x))·dy" edges "smooth"
    saves x
    rule |x, dy| {
        let cdf = x.affine(FRAC_1_SQRT_2, 0.0).erf().affine(0.5, 0.5);
        let pdf = x.square().affine(-0.5, 0.0).exp().affine(0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2, 0.0);
        dy * (cdf + x * pdf)
    };
    fused |x, dy| x.gelu_grad(dy);
    reference |x| x * 0.5 * (1.0 + erf(x * FRAC_1_SQRT_2));
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// The tanh approximation of [`gelu`](Var::gelu), `x/2·(1 + t)` with `t = tanh(√(2/π)(x + 0.044715x³))`; gradient `((1 + t)/2 + x/2·(1 − t²)·√(2/π)(1 + 0.134145x²))·dy`.
    gelu_tanh GeluTanh GELU_TANH
    in "activation" formula "x/2·(1 + tanh(√(2/π)(x + 0.044715x³)))" gradient "as for gelu" edges "smooth"
    saves x
    rule |x, dy| {
        let x2 = x.square();
        let t = (x * x2.affine(CUBE * ROOT, ROOT)).tanh();
        let slope = t.square().affine(-0.5, 0.5) * x * x2.affine(3.0 * CUBE * ROOT, ROOT);
        dy * (t.affine(0.5, 0.5) + slope)
    };
    fused |x, dy| x.gelu_tanh_grad(dy);
    reference |x| x * 0.5 * (1.0 + (ROOT * (x + CUBE * x * x * x)).tanh());
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]

    /// `x / (1 + |x|)`, ±1 at ±∞; gradient `dy / (1 + |x|)²`.
    softsign Softsign SOFTSIGN
    in "activation" formula "x/(1 + |x|)" gradient "dy/(1 + |x|)²" edges "smooth; ±1 at ±∞"
    saves x
    rule |x, dy| {
        let d = x.abs().affine(1.0, 1.0);
        dy / &d / &d
    };
    reference |x| x / (1.0 + x.abs());
    samples [-2.0, -0.3, 0.1, 0.4, 1.1, 3.0]
    ties [0.0 => 1.0]
}

/// # Activations: leaky rectifier
impl<T: Float> Var<T> {
    /// `x` where positive, `slope·x` elsewhere; gradient `dy` and `slope·dy` (at 0 too).
    #[track_caller]
    #[inline(never)]
    pub fn leaky_relu(&self, slope: f64) -> Var<T> {
        let y = self.value.leaky_relu(slope);
        apply([self], y, |_, _| LeakyRelu(self.value.clone(), slope))
    }
}

struct LeakyRelu<T: Float>(Tensor<T>, f64);
impl<T: Float> Rule<T> for LeakyRelu<T> {
    fn name(&self) -> &'static str {
        "leaky_relu"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let positive = self.0.gt_scalar(T::ZERO);
        one(Var::where_(&positive, dy, &dy.affine(self.1, 0.0))?)
    }
    fn fused(&self, _: &Cx<'_>, dy: Tensor<T>, to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
        to.accumulate(0, self.0.leaky_relu_grad(self.1, dy)?)?;
        Ok(Fused::Done)
    }
    fn detail(&self) -> String {
        format!("slope {}", self.1)
    }
}

pub(crate) static LEAKY_RELU: OpInfo = OpInfo {
    name: "leaky_relu",
    family: "activation",
    formula: "x where x > 0, else slope·x",
    gradient: "dy where x > 0, else slope·dy",
    edges: "slope·dy at 0",
    #[cfg(feature = "samples")]
    samples: || {
        let leak = |x: f64| if x > 0.0 { x } else { 0.1 * x };
        vec![
            sample!([spread(&[2, 3], 1)], |v| Ok(v[0].leaky_relu(0.1)), |r| r[0]
                .map(leak))
            .elementwise(),
            sample!([Tensor::scalar(0.0)], |v| Ok(v[0].leaky_relu(0.1)), |r| r
                [0]
            .map(leak))
            .expect(vec![Array::scalar(0.1)])
            .note("kink"),
        ]
    },
};

/// # Activations: exponential linear unit
impl<T: Float> Var<T> {
    /// `x` where positive, `α(eˣ − 1)` elsewhere (Clevert et al., 2015); gradient `dy` and `α·eˣ·dy`
    /// (at 0 too).
    #[track_caller]
    #[inline(never)]
    pub fn elu(&self, alpha: f64) -> Var<T> {
        let y = self.value.elu(alpha);
        apply([self], y, |_, _| Elu(Saved::input(0, self), alpha))
    }
}

struct Elu<T: Float>(Saved<T>, f64);
impl<T: Float> Rule<T> for Elu<T> {
    fn name(&self) -> &'static str {
        "elu"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let positive = self.0.value.gt_scalar(T::ZERO);
        // Clamped, so that the branch not taken stays finite, and its own gradient with it.
        let slope = cx
            .var(&self.0)
            .clamp(f64::NEG_INFINITY, 0.0)?
            .exp()
            .affine(self.1, 0.0);
        one(Var::where_(&positive, dy, &(dy * slope))?)
    }
    fn detail(&self) -> String {
        format!("alpha {}", self.1)
    }
}

pub(crate) static ELU: OpInfo = OpInfo {
    name: "elu",
    family: "activation",
    formula: "x where x > 0, else α(eˣ − 1)",
    gradient: "dy where x > 0, else α·eˣ·dy",
    edges: "α·dy at 0",
    #[cfg(feature = "samples")]
    samples: || {
        let elu = |x: f64| if x > 0.0 { x } else { 1.3 * x.exp_m1() };
        vec![
            sample!(
                [cycle(&[3], &[-1.0, 800.0, 0.5])],
                |v| Ok(v[0].elu(1.3)),
                |r| r[0].map(elu)
            )
            .note("eˣ overflows"),
            sample!([spread(&[2, 3], 1)], |v| Ok(v[0].elu(1.3)), |r| r[0]
                .map(elu))
            .elementwise(),
            sample!([Tensor::scalar(0.0)], |v| Ok(v[0].elu(1.3)), |r| r[0]
                .map(elu))
            .expect(vec![Array::scalar(1.3)])
            .note("kink"),
        ]
    },
};

pub(super) const OPS: &[&OpInfo] = &[
    &SIGMOID,
    &RELU,
    &LEAKY_RELU,
    &ELU,
    &GELU,
    &GELU_TANH,
    &SILU,
    &MISH,
    &SOFTPLUS,
    &LOG_SIGMOID,
    &SOFTSIGN,
];
