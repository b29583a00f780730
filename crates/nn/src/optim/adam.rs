//! Adam and AdamW.

use wengert_tensor::{DType, Float, Tensor, Update};

use super::{Algorithm, Group, IntoParams, Optim, Setting};

/// Adam (Kingma & Ba, 2015), as `torch.optim.Adam`; with [`Adam::keras`] as Keras has it.
///
/// `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `p ← p − lr·m̂/(√v̂ + ε)` with `m̂ = m/(1−β₁ᵗ)`,
/// `v̂ = v/(1−β₂ᵗ)`; defaults β = (0.9, 0.999), ε = 1e-8. A weight decay λ adds `λp` to `g`.
///
/// ```
/// use wengert::prelude::*;
/// let w = Param::new(Tensor::<f32>::new([1.0]));
/// let mut opt = Adam::new([&w], 0.1);
/// w.var().square().sum_all().backward()?;
/// opt.step();
/// assert!((w.value().item()? - 0.9).abs() < 1e-6); // the first step has size lr
/// # Ok::<(), wengert::Error>(())
/// ```
pub type Adam = Optim<AdamRule>;

/// AdamW (Loshchilov & Hutter, 2019), as `torch.optim.AdamW`: [`Adam`] whose weight decay λ shrinks the
/// parameter itself, `p ← p·(1 − lr·λ)`, before the step, instead of adding `λp` to the gradient.
/// λ = 0.01 unless set.
///
/// ```
/// use wengert::prelude::*;
/// let w = Param::new(Tensor::<f64>::new([1.0]));
/// let mut opt = AdamW::new([&w], 0.1);
/// w.set_grad(Some(Tensor::new([0.0])))?;
/// opt.step();
/// assert_eq!(w.value().item()?, 1.0 - 0.1 * 0.01); // no gradient: the decay alone
/// # Ok::<(), wengert::Error>(())
/// ```
pub type AdamW = Optim<AdamRule<true>>;

impl<const DECOUPLED: bool> Optim<AdamRule<DECOUPLED>> {
    /// Sets β₁ and β₂.
    #[track_caller]
    #[inline(never)]
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        self.with("beta1", beta1).with("beta2", beta2)
    }

    /// Sets ε.
    #[track_caller]
    #[inline(never)]
    pub fn eps(self, eps: f64) -> Self {
        self.with("eps", eps)
    }
}

impl Adam {
    /// As Keras: ε = 1e-7, added to √v before its bias correction ("epsilon hat"), and the powers of β
    /// taken in the parameter's type.
    #[track_caller]
    #[inline(never)]
    pub fn keras(params: impl IntoParams, lr: f64) -> Adam {
        let mut adam = Adam::new(params, lr).eps(1e-7);
        adam.rule.keras = true;
        adam
    }
}

/// The algorithm of [`Adam`], and with a decoupled weight decay of [`AdamW`].
#[derive(Clone, Copy, Debug, Default)]
pub struct AdamRule<const DECOUPLED: bool = false> {
    keras: bool,
}

impl<const DECOUPLED: bool> AdamRule<DECOUPLED> {
    /// 1 − βᵗ. Keras takes the power in the parameter's type: its 1 − 0.999 in `f32` is 1.3e-5 too small,
    /// which is most of what a run of 100 steps would be apart.
    fn correction(&self, beta: f64, t: u64, dtype: DType) -> f64 {
        if self.keras && dtype == DType::F32 {
            f64::from(1.0 - libm::powf(beta as f32, t as f32))
        } else {
            1.0 - libm::pow(beta, t as f64)
        }
    }
}

impl<const DECOUPLED: bool> Algorithm for AdamRule<DECOUPLED> {
    const SETTINGS: &'static [Setting] = &[
        Setting::LR,
        Setting::decay("beta1", 0.9),
        Setting::decay("beta2", 0.999),
        Setting::not_negative("eps", 1e-8),
        Setting::not_negative("weight_decay", if DECOUPLED { 0.01 } else { 0.0 }),
    ];
    const COUNTED: bool = true;

    fn state(&self, _: &Group) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    type Update = Step;

    fn update(&self, group: &Group, t: u64, dtype: DType) -> Step {
        let [lr, beta1, beta2, eps, weight_decay] = group.values();
        let c1 = self.correction(beta1, t, dtype);
        let c2 = self.correction(beta2, t, dtype).sqrt();
        let (rate, scale) = match self.keras {
            true => (lr * c2 / c1, 1.0),
            false => (lr / c1, 1.0 / c2),
        };
        let (l2, shrink) = match DECOUPLED {
            true => (0.0, 1.0 - lr * weight_decay),
            false => (weight_decay, 1.0),
        };
        Step {
            rate,
            scale,
            beta1,
            beta2,
            eps,
            l2,
            shrink,
        }
    }

    fn apply<T: Float>(step: Step, p: &mut Tensor<T>, grad: &Tensor<T>, state: &mut [Tensor<T>]) {
        if let [m, v] = state {
            p.update(grad, [m, v], step);
        }
    }
}

/// What a step of [`Adam`] needs to know: `p ← shrink·p − rate·m/(√v·scale + ε)`.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The step's size, bias correction included.
    rate: f64,
    /// What √v is multiplied with.
    scale: f64,
    beta1: f64,
    beta2: f64,
    eps: f64,
    /// The weight decay that is added to the gradient.
    l2: f64,
    /// What is left of the parameter by the one that is not.
    shrink: f64,
}

impl Update<2> for Step {
    #[inline(always)]
    fn apply<T: Float>(self, p: T, g: T, [m, v]: [T; 2]) -> (T, [T; 2]) {
        let c = T::from_f64;
        let g = g + c(self.l2) * p;
        let m = c(self.beta1) * m + c(1.0 - self.beta1) * g;
        let v = c(self.beta2) * v + c(1.0 - self.beta2) * g * g;
        let p = p * c(self.shrink) - c(self.rate) * m / (v.sqrt() * c(self.scale) + c(self.eps));
        (p, [m, v])
    }
}
