//! RMSprop.

use wengert_tensor::{DType, Float, Tensor, Update};

use super::{Algorithm, Group, Optim, Setting};

/// RMSprop (Tieleman & Hinton, 2012), as `torch.optim.RMSprop`: `v ← αv + (1−α)g²`, `d = g/(√v + ε)`, `p ← p − lr·d`; with
/// momentum μ `b ← μb + d` and `p ← p − lr·b`; centered, `a ← αa + (1−α)g` and `√(v − a²)` in place of `√v`. Defaults α =
/// 0.99, ε = 1e-8. A weight decay λ adds `λp` to `g`.
///
/// ```
/// use wengert::prelude::*;
/// let w = Param::new(Tensor::<f64>::new([1.0]));
/// let mut opt = RmsProp::new([&w], 0.01);
/// w.var().square().sum_all().backward()?;
/// opt.step();
/// assert!((w.value().item()? - 0.9).abs() < 1e-6); // lr/√(1−α)
/// # Ok::<(), wengert::Error>(())
/// ```
pub type RmsProp = Optim<RmsPropRule>;

impl RmsProp {
    /// Sets α, what of the average of squares stays.
    #[track_caller]
    pub fn alpha(self, alpha: f64) -> RmsProp {
        self.with("alpha", alpha)
    }

    /// Sets ε.
    #[track_caller]
    pub fn eps(self, eps: f64) -> RmsProp {
        self.with("eps", eps)
    }

    /// Sets the momentum μ.
    #[track_caller]
    pub fn momentum(self, momentum: f64) -> RmsProp {
        self.with("momentum", momentum)
    }

    /// Divides by the deviation in place of the root of the square.
    #[track_caller]
    pub fn centered(self) -> RmsProp {
        self.with("centered", 1.0)
    }
}

/// The algorithm of [`RmsProp`].
#[derive(Clone, Copy, Debug, Default)]
pub struct RmsPropRule;

impl Algorithm for RmsPropRule {
    const SETTINGS: &'static [Setting] = &[
        Setting::LR,
        Setting::decay("alpha", 0.99),
        Setting::not_negative("eps", 1e-8),
        Setting::not_negative("weight_decay", 0.0),
        Setting::not_negative("momentum", 0.0),
        Setting::switch("centered"),
    ];
    const COUNTED: bool = true;

    fn state(&self, group: &Group) -> &'static [&'static str] {
        let [_, _, _, _, momentum, centered] = group.values();
        match (momentum != 0.0, centered != 0.0) {
            (false, false) => &["square_avg"],
            (true, false) => &["square_avg", "momentum_buffer"],
            (false, true) => &["square_avg", "grad_avg"],
            (true, true) => &["square_avg", "momentum_buffer", "grad_avg"],
        }
    }

    type Update = Step;

    fn update(&self, group: &Group, _: u64, _: DType) -> Step {
        let [lr, alpha, eps, weight_decay, momentum, centered] = group.values();
        Step {
            lr,
            alpha,
            eps,
            weight_decay,
            momentum,
            centered: centered != 0.0,
        }
    }

    fn apply<T: Float>(step: Step, p: &mut Tensor<T>, grad: &Tensor<T>, state: &mut [Tensor<T>]) {
        match state {
            [v] => p.update(grad, [v], step),
            [v, other] => p.update(grad, [v, other], step),
            [v, b, a] => p.update(grad, [v, b, a], step),
            _ => {}
        }
    }
}

/// What a step of [`RmsProp`] needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    lr: f64,
    alpha: f64,
    eps: f64,
    weight_decay: f64,
    momentum: f64,
    centered: bool,
}

/// `v`, then `b` if there is momentum, then `a` if it is centered.
impl<const N: usize> Update<N> for Step {
    #[inline(always)]
    fn apply<T: Float>(self, p: T, g: T, mut state: [T; N]) -> (T, [T; N]) {
        let c = T::from_f64;
        let (keep, fresh) = (c(self.alpha), c(1.0 - self.alpha));
        let g = g + c(self.weight_decay) * p;
        state[0] = keep * state[0] + fresh * g * g;
        let mut square = state[0];
        if self.centered && N > 1 {
            state[N - 1] = keep * state[N - 1] + fresh * g;
            square = square - state[N - 1] * state[N - 1];
        }
        let mut d = g / (square.sqrt() + c(self.eps));
        if self.momentum != 0.0 && N > 1 {
            state[1] = c(self.momentum) * state[1] + d;
            d = state[1];
        }
        (p - c(self.lr) * d, state)
    }
}
