//! Elementwise ops of one variable.

use wengert_tensor::{Float, Tensor};

use crate::error::Result;
use crate::info::{OpInfo, Sample, cycle, sample, spread};
use crate::naive::Array;
use crate::rule::{Cx, Fused, Grads, Rule, Saved, TensorGrads, apply};
use crate::var::Var;

/// An op block: doc, method, rule, fused rule, list entry and samples of a unary op without
/// parameters. `saves x` keeps the input, `saves y` the output; the rule sees it with `dy`.
macro_rules! unary_op {
    (
        $(#[$doc:meta])*
        $name:ident $Rule:ident $INFO:ident
        formula $formula:literal gradient $gradient:literal edges $edges:literal
        saves $saved:ident
        rule |$s:ident, $dy:ident| $grad:expr;
        $(fused |$fs:ident, $fdy:ident| $fused:expr;)?
        reference |$x:ident| $reference:expr;
        samples [$($sample:expr),* $(,)?]
        $(ties [$($tie:expr => $tie_grad:expr),* $(,)?])?
    ) => {
        impl<T: Float> Var<T> {
            $(#[$doc])*
            #[track_caller]
            pub fn $name(&self) -> Var<T> {
                apply([self], self.value.$name(), |_y, _| $Rule(unary_op!(@save $saved self _y)))
            }
        }

        struct $Rule<T: Float>(Saved<T>);
        impl<T: Float> Rule<T> for $Rule<T> {
            fn name(&self) -> &'static str {
                stringify!($name)
            }
            fn grads(&self, cx: &Cx<'_>, $dy: &Var<T>) -> Result<Grads<T>> {
                let $s = &cx.var(&self.0);
                Ok(Grads::from_iter([Some($grad)]))
            }
            $(fn fused(&self, _: &Cx<'_>, $fdy: Tensor<T>) -> Fused<T> {
                let $fs = &self.0.value;
                let dx: std::result::Result<Tensor<T>, wengert_tensor::Error> = $fused;
                Fused::Done(dx.map(|dx| TensorGrads::from_iter([Some(dx)])).map_err(Into::into))
            })?
        }

        pub(crate) static $INFO: OpInfo = OpInfo {
            name: stringify!($name),
            family: "unary",
            formula: $formula,
            gradient: $gradient,
            edges: $edges,
            samples: || {
                #[allow(unused_mut)]
                let mut all: Vec<Sample> = vec![
                    sample!([cycle(&[2, 3], &[$($sample),*])], |v| Ok(v[0].$name()), |r| r[0].map(|$x| $reference))
                        .elementwise(),
                ];
                $($(all.push(
                    sample!([Tensor::scalar($tie)], |v| Ok(v[0].$name()), |r| r[0].map(|$x| $reference))
                        .expect(vec![Array::scalar($tie_grad)])
                        .note("kink or edge"),
                );)*)?
                all
            },
        };
    };
    (@save x $v:ident $y:ident) => { Saved::input(0, $v) };
    (@save y $v:ident $y:ident) => { Saved::output($y) };
}

unary_op! {
    /// Square, `y = x²`; gradient `2x·dy`.
    square Square SQUARE
    formula "x²" gradient "2x·dy" edges "smooth"
    saves x
    rule |x, dy| (dy * x).affine(2.0, 0.0);
    fused |x, dy| Ok((dy * x).into_affine(2.0, 0.0));
    reference |x| x * x;
    samples [-2.0, -0.3, 0.0, 0.4, 1.1, 3.0]
}

unary_op! {
    /// Exponential, `y = eˣ`; gradient `y·dy`.
    exp Exp EXP
    formula "eˣ" gradient "y·dy" edges "smooth"
    saves y
    rule |y, dy| dy * y;
    reference |x| x.exp();
    samples [-2.0, -0.3, 0.0, 0.4, 1.1, 3.0]
}

unary_op! {
    /// Natural logarithm, `y = ln x`; gradient `dy/x`. −∞ at 0, NaN below.
    ln Ln LN
    formula "ln x" gradient "dy/x" edges "gradient ±∞ at 0"
    saves x
    rule |x, dy| dy / x;
    reference |x| x.ln();
    samples [0.1, 0.5, 1.0, 2.0, 5.0, 10.0]
    ties [0.0 => f64::INFINITY]
}

unary_op! {
    /// Hyperbolic tangent; gradient `(1 − y²)·dy`.
    ///
    /// ```
    /// use wengert_autograd::Var;
    /// let x = Var::new(0.0f64).tracked();
    /// x.tanh().backward()?;
    /// assert_eq!(x.grad().unwrap().item()?, 1.0);
    /// # Ok::<(), wengert_autograd::Error>(())
    /// ```
    tanh Tanh TANH
    formula "tanh x" gradient "(1 − y²)·dy" edges "smooth"
    saves y
    rule |y, dy| dy * y.square().affine(-1.0, 1.0);
    fused |y, dy| y.tanh_grad(&dy);
    reference |x| x.tanh();
    samples [-2.0, -0.3, 0.0, 0.4, 1.1, 3.0]
}

unary_op! {
    /// Logistic function, `y = 1/(1 + e⁻ˣ)`; gradient `y(1 − y)·dy`.
    sigmoid Sigmoid SIGMOID
    formula "1/(1 + e⁻ˣ)" gradient "y(1 − y)·dy" edges "smooth"
    saves y
    rule |y, dy| dy * (y * y.affine(-1.0, 1.0));
    fused |y, dy| y.sigmoid_grad(&dy);
    reference |x| 1.0 / (1.0 + (-x).exp());
    samples [-2.0, -0.3, 0.0, 0.4, 1.1, 3.0]
}

unary_op! {
    /// Rectifier, `y = max(x, 0)`; gradient `dy` where `x > 0`, else 0 (at 0 too).
    relu Relu RELU
    formula "max(x, 0)" gradient "dy where x > 0" edges "relu'(0) = 0; NaN stays NaN"
    saves y
    rule |y, dy| dy * Var::constant(y.value().relu_grad(&Tensor::ones(y.shape()))?);
    fused |y, dy| y.relu_grad(&dy);
    reference |x| if x > 0.0 || x.is_nan() { x } else { 0.0 };
    samples [-2.0, -0.3, 0.5, 0.4, 1.1, 3.0]
    ties [0.0 => 0.0]
}

impl<T: Float> Var<T> {
    /// Negation, `y = −x`; gradient `−dy`.
    #[track_caller]
    #[allow(clippy::should_implement_trait)] // the operator is there as well
    pub fn neg(&self) -> Var<T> {
        apply([self], self.value.neg(), |_, _| Neg)
    }
}

struct Neg;
impl<T: Float> Rule<T> for Neg {
    fn name(&self) -> &'static str {
        "neg"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        Ok(Grads::from_iter([Some(dy.neg())]))
    }
    fn fused(&self, _: &Cx<'_>, dy: Tensor<T>) -> Fused<T> {
        Fused::Done(Ok(TensorGrads::from_iter([Some(-dy)])))
    }
}

pub(crate) static NEG: OpInfo = OpInfo {
    name: "neg",
    family: "unary",
    formula: "−x",
    gradient: "−dy",
    edges: "smooth",
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| Ok(v[0].neg()), |r| r[0]
                .map(|x| -x))
            .elementwise(),
        ]
    },
};

impl<T: Float> Var<T> {
    /// `y = a·x + b` for two numbers; gradient `a·dy`.
    #[track_caller]
    pub fn affine(&self, a: f64, b: f64) -> Var<T> {
        apply([self], self.value.affine(a, b), |_, _| Affine(a, b))
    }
}

pub(crate) struct Affine(pub(crate) f64, pub(crate) f64);
impl<T: Float> Rule<T> for Affine {
    fn name(&self) -> &'static str {
        "affine"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        Ok(Grads::from_iter([Some(dy.affine(self.0, 0.0))]))
    }
    fn fused(&self, _: &Cx<'_>, dy: Tensor<T>) -> Fused<T> {
        Fused::Done(Ok(TensorGrads::from_iter([Some(
            dy.into_affine(self.0, 0.0),
        )])))
    }
    fn detail(&self) -> String {
        format!("{}·x + {}", self.0, self.1)
    }
}

pub(crate) static AFFINE: OpInfo = OpInfo {
    name: "affine",
    family: "unary",
    formula: "a·x + b",
    gradient: "a·dy",
    edges: "smooth",
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| Ok(v[0].affine(-1.5, 0.5)), |r| r
                [0]
            .map(|x| -1.5 * x + 0.5))
            .elementwise(),
        ]
    },
};

impl<T: Float> Var<T> {
    /// `y = xᵖ` for one exponent; gradient `p·xᵖ⁻¹·dy`, 0 where `p = 0`.
    #[track_caller]
    pub fn powf(&self, p: f64) -> Var<T> {
        apply([self], self.value.powf(p), |_, _| {
            Powf(Saved::input(0, self), p)
        })
    }
}

struct Powf<T: Float>(Saved<T>, f64);
impl<T: Float> Rule<T> for Powf<T> {
    fn name(&self) -> &'static str {
        "powf"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let (x, p) = (cx.var(&self.0), self.1);
        let dx = if p == 0.0 {
            x.zeros_like()
        } else {
            dy * x.powf(p - 1.0).affine(p, 0.0)
        };
        Ok(Grads::from_iter([Some(dx)]))
    }
    fn detail(&self) -> String {
        format!("p {}", self.1)
    }
}

pub(crate) static POWF: OpInfo = OpInfo {
    name: "powf",
    family: "unary",
    formula: "xᵖ",
    gradient: "p·xᵖ⁻¹·dy",
    edges: "x⁰ = 1 with zero gradient",
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| Ok(v[0].powf(3.0)), |r| r[0]
                .map(|x| x.powf(3.0)))
            .elementwise(),
            sample!([spread(&[2, 3], 2).abs()], |v| Ok(v[0].powf(-0.5)), |r| r
                [0]
            .map(|x| x.powf(-0.5)))
            .elementwise(),
            sample!([cycle(&[2], &[0.0, -1.0])], |v| Ok(v[0].powf(0.0)), |r| r
                [0]
            .map(|_| 1.0))
            .may_drop_nan()
            .expect(vec![Array {
                shape: vec![2],
                data: vec![0.0, 0.0],
            }])
            .note("x⁰"),
            sample!([Tensor::scalar(0.0)], |v| Ok(v[0].powf(2.0)), |r| r[0]
                .map(|x| x * x))
            .expect(vec![Array::scalar(0.0)])
            .note("0²"),
        ]
    },
};

impl<T: Float> Var<T> {
    /// Untracked zeros of this shape.
    #[track_caller]
    pub fn zeros_like(&self) -> Var<T> {
        Var::constant(self.value.zeros_like())
    }

    /// Untracked ones of this shape.
    #[track_caller]
    pub fn ones_like(&self) -> Var<T> {
        Var::constant(self.value.ones_like())
    }
}

impl<T: Float> Var<T> {
    /// Every element within `[min, max]`, NaN stays NaN; gradient `dy` within and at the bounds, 0
    /// beyond.
    ///
    /// # Errors
    /// If a bound is NaN or `min > max`.
    #[track_caller]
    pub fn clamp(&self, min: f64, max: f64) -> Result<Var<T>> {
        let y = self.value.clamp(min, max)?;
        Ok(apply([self], y, |_, _| {
            Clamp(Saved::input(0, self), min, max)
        }))
    }
}

struct Clamp<T: Float>(Saved<T>, f64, f64);
impl<T: Float> Rule<T> for Clamp<T> {
    fn name(&self) -> &'static str {
        "clamp"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let x = &self.0.value;
        let inside = x
            .ge_scalar(T::from_f64(self.1))
            .logical_and(&x.le_scalar(T::from_f64(self.2)))?;
        Ok(Grads::from_iter([Some(
            dy.try_mul(&Var::constant(inside.cast()))?,
        )]))
    }
    fn detail(&self) -> String {
        format!("{}..={}", self.1, self.2)
    }
}

pub(crate) static CLAMP: OpInfo = OpInfo {
    name: "clamp",
    family: "unary",
    formula: "min(max(x, a), b)",
    gradient: "dy within and at the bounds",
    edges: "passes at its bounds; NaN stays NaN",
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| v[0].clamp(-0.77, 0.66), |r| r[0]
                .map(|x| x.clamp(-0.77, 0.66)))
            .elementwise(),
            sample!(
                [cycle(&[2], &[-0.5, 1.0])],
                |v| v[0].clamp(-0.5, 1.0),
                |r| r[0].clone()
            )
            .expect(vec![Array {
                shape: vec![2],
                data: vec![1.0, 1.0],
            }])
            .note("at the bounds"),
        ]
    },
};
