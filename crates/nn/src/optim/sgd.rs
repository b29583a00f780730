//! Stochastic gradient descent.

use wengert_tensor::{DType, Float, Tensor, Update};

use super::{Algorithm, Group, Optim, Setting};

/// Stochastic gradient descent, as `torch.optim.SGD`: `p ← p − lr·g`; with momentum μ and dampening δ
/// `b ← μb + (1−δ)g` (`b = g` at first) and `p ← p − lr·b`, Nesterov `p ← p − lr·(g + μb)`; weight
/// decay λ adds `λp` to `g`.
///
/// ```
/// use wengert::prelude::*;
/// let w = Param::new(Tensor::<f64>::new([1.0]));
/// let mut opt = Sgd::new([&w], 0.1);
/// w.var().square().sum_all().backward()?;
/// opt.step();
/// assert_eq!(w.value().to_vec(), [0.8]);
/// # Ok::<(), wengert::Error>(())
/// ```
pub type Sgd = Optim<SgdRule>;

impl Sgd {
    /// Sets the momentum μ.
    #[track_caller]
    pub fn momentum(self, momentum: f64) -> Sgd {
        self.with("momentum", momentum)
    }

    /// Sets the dampening δ.
    #[track_caller]
    pub fn dampening(self, dampening: f64) -> Sgd {
        self.with("dampening", dampening)
    }

    /// Looks ahead along the momentum, which is set before.
    ///
    /// # Panics
    /// Without momentum, or with dampening, as in PyTorch.
    #[track_caller]
    pub fn nesterov(self) -> Sgd {
        self.with("nesterov", 1.0)
    }
}

/// The algorithm of [`Sgd`].
#[derive(Clone, Copy, Debug, Default)]
pub struct SgdRule;

impl Algorithm for SgdRule {
    const SETTINGS: &'static [Setting] = &[
        Setting::LR,
        Setting::not_negative("momentum", 0.0),
        Setting::not_negative("dampening", 0.0),
        Setting::not_negative("weight_decay", 0.0),
        Setting::switch("nesterov"),
    ];

    fn check(&self, group: &Group) -> std::result::Result<(), &'static str> {
        let [_, momentum, dampening, _, nesterov] = group.values();
        match nesterov != 0.0 && (momentum == 0.0 || dampening != 0.0) {
            true => Err("Nesterov's step has a momentum, set before it, and no dampening"),
            false => Ok(()),
        }
    }

    /// Without momentum nothing is kept.
    fn state(&self, group: &Group) -> &'static [&'static str] {
        let [_, momentum] = group.values();
        if momentum == 0.0 {
            &[]
        } else {
            &["momentum_buffer"]
        }
    }

    type Update = Step;

    fn update(&self, group: &Group, step: u64, _: DType) -> Step {
        let [lr, momentum, dampening, weight_decay, nesterov] = group.values();
        // The first step takes the gradient as it is.
        let (keep, fresh) = match step {
            1 => (0.0, 1.0),
            _ => (momentum, 1.0 - dampening),
        };
        Step {
            lr,
            momentum,
            weight_decay,
            keep,
            fresh,
            nesterov: nesterov != 0.0,
        }
    }

    fn apply<T: Float>(step: Step, p: &mut Tensor<T>, grad: &Tensor<T>, state: &mut [Tensor<T>]) {
        match state {
            [buffer] => p.update(grad, [buffer], step),
            _ => p.update(grad, [], step),
        }
    }
}

/// What a step of [`Sgd`] needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    lr: f64,
    momentum: f64,
    weight_decay: f64,
    keep: f64,
    fresh: f64,
    nesterov: bool,
}

impl Update<0> for Step {
    #[inline(always)]
    fn apply<T: Float>(self, p: T, g: T, _: [T; 0]) -> (T, [T; 0]) {
        let (lr, decay) = (T::from_f64(self.lr), T::from_f64(self.weight_decay));
        (p - lr * (g + decay * p), [])
    }
}

impl Update<1> for Step {
    #[inline(always)]
    fn apply<T: Float>(self, p: T, g: T, [b]: [T; 1]) -> (T, [T; 1]) {
        let c = T::from_f64;
        let g = g + c(self.weight_decay) * p;
        let b = c(self.keep) * b + c(self.fresh) * g;
        let d = if self.nesterov {
            g + c(self.momentum) * b
        } else {
            b
        };
        (p - c(self.lr) * d, [b])
    }
}
