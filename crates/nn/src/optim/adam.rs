//! Adam and AdamW.

use std::collections::BTreeMap;

use wengert_autograd::Param;
use wengert_tensor::{AdamStep, Float, Tensor};

use super::{Group, Optimizer, state};
use crate::error::Result;
use crate::module::AnyParam;

/// Adam (Kingma & Ba, 2015), as `torch.optim.Adam`; with [`Adam::adamw`] AdamW (Loshchilov & Hutter,
/// 2019), with [`Adam::keras`] as Keras has it.
///
/// `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `p ← p − lr·m̂/(√v̂ + ε)` with `m̂ = m/(1−β₁ᵗ)`,
/// `v̂ = v/(1−β₂ᵗ)`; defaults β = (0.9, 0.999), ε = 1e-8.
///
/// ```
/// use wengert_autograd::Param;
/// use wengert_nn::{Adam, Optimizer};
/// use wengert_tensor::Tensor;
/// let w = Param::new(Tensor::<f32>::new([1.0]));
/// let mut opt = Adam::new(vec![w.clone().into()], 0.1);
/// w.var().square().sum_all().backward()?;
/// opt.step();
/// assert!((w.value().item()? - 0.9).abs() < 1e-6); // the first step has size lr
/// # Ok::<(), wengert_autograd::Error>(())
/// ```
#[derive(Debug)]
pub struct Adam {
    groups: Vec<Group>,
    beta1: f64,
    beta2: f64,
    eps: f64,
    decoupled: bool,
    keras: bool,
    slots: Vec<Slot>,
}

/// AdamW: [`Adam`] with decoupled weight decay; see [`Adam::adamw`].
pub type AdamW = Adam;

/// What is kept for a parameter.
#[derive(Debug)]
enum Slot {
    F32(Moments<f32>),
    F64(Moments<f64>),
}

#[derive(Debug)]
struct Moments<T: Float> {
    steps: u64,
    m: Tensor<T>,
    v: Tensor<T>,
}

impl<T: Float> Moments<T> {
    fn new(p: &Param<T>) -> Moments<T> {
        Moments {
            steps: 0,
            m: Tensor::zeros(p.shape()),
            v: Tensor::zeros(p.shape()),
        }
    }
}

fn slot(p: &AnyParam) -> Slot {
    match p {
        AnyParam::F32(p) => Slot::F32(Moments::new(p)),
        AnyParam::F64(p) => Slot::F64(Moments::new(p)),
    }
}

impl Adam {
    /// One group of parameters, PyTorch's defaults.
    pub fn new(params: Vec<AnyParam>, lr: f64) -> Adam {
        Adam::with_groups(vec![Group::new(params, lr)])
    }

    /// Several groups of parameters, PyTorch's defaults.
    pub fn with_groups(groups: Vec<Group>) -> Adam {
        let slots = groups.iter().flat_map(|g| &g.params).map(slot).collect();
        Adam {
            groups,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            decoupled: false,
            keras: false,
            slots,
        }
    }

    /// AdamW: the parameter is shrunk by `lr·λ` instead of adding `λp` to its gradient. λ = 0.01 as
    /// in PyTorch.
    pub fn adamw(params: Vec<AnyParam>, lr: f64) -> Adam {
        Adam::new(params, lr).decoupled().weight_decay(0.01)
    }

    /// As Keras: ε = 1e-7, added to √v before its bias correction ("epsilon hat").
    pub fn keras(params: Vec<AnyParam>, lr: f64) -> Adam {
        let mut adam = Adam::new(params, lr).eps(1e-7);
        adam.keras = true;
        adam
    }

    /// Sets β₁ and β₂.
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Adam {
        (self.beta1, self.beta2) = (beta1, beta2);
        self
    }

    /// Sets ε.
    pub fn eps(mut self, eps: f64) -> Adam {
        self.eps = eps;
        self
    }

    /// Sets every group's weight decay.
    pub fn weight_decay(mut self, weight_decay: f64) -> Adam {
        self.groups
            .iter_mut()
            .for_each(|g| g.weight_decay = weight_decay);
        self
    }

    /// Makes the weight decay decoupled (AdamW).
    pub fn decoupled(mut self) -> Adam {
        self.decoupled = true;
        self
    }

    fn step_of(&self, group: &Group, t: u64) -> AdamStep {
        let t = t as f64;
        let c1 = 1.0 - self.beta1.powf(t);
        let c2 = (1.0 - self.beta2.powf(t)).sqrt();
        let (rate, scale) = if self.keras {
            (group.lr * c2 / c1, 1.0)
        } else {
            (group.lr / c1, 1.0 / c2)
        };
        AdamStep {
            rate,
            scale,
            beta1: self.beta1,
            beta2: self.beta2,
            eps: self.eps,
            l2: if self.decoupled {
                0.0
            } else {
                group.weight_decay
            },
            decay: if self.decoupled {
                1.0 - group.lr * group.weight_decay
            } else {
                1.0
            },
        }
    }

    /// The moments and step counts, under PyTorch's names: `hidden.weight.exp_avg`, ….
    pub fn state_dict(&self) -> BTreeMap<String, Tensor<f64>> {
        let mut out = BTreeMap::new();
        let params = self.groups.iter().flat_map(|g| &g.params);
        for (i, (p, slot)) in params.zip(&self.slots).enumerate() {
            let name = state::name(p, i);
            let (steps, m, v) = match slot {
                Slot::F32(s) => (s.steps, s.m.cast(), s.v.cast()),
                Slot::F64(s) => (s.steps, s.m.clone(), s.v.clone()),
            };
            out.insert(format!("{name}.step"), Tensor::scalar(steps as f64));
            out.insert(format!("{name}.exp_avg"), m);
            out.insert(format!("{name}.exp_avg_sq"), v);
        }
        out
    }

    /// Takes a state of [`Adam::state_dict`].
    ///
    /// # Errors
    /// If names or shapes differ: all of them in one report, and nothing is changed.
    pub fn load_state_dict(&mut self, dict: &BTreeMap<String, Tensor<f64>>) -> Result<()> {
        state::check(&self.state_dict(), dict)?;
        let params = self.groups.iter().flat_map(|g| &g.params);
        for (i, (p, slot)) in params.zip(&mut self.slots).enumerate() {
            let name = state::name(p, i);
            let get = |what: &str| &dict[&format!("{name}.{what}")];
            let steps = get("step").item()? as u64;
            match slot {
                Slot::F32(s) => {
                    (s.steps, s.m, s.v) = (steps, get("exp_avg").cast(), get("exp_avg_sq").cast())
                }
                Slot::F64(s) => {
                    (s.steps, s.m, s.v) =
                        (steps, get("exp_avg").copied(), get("exp_avg_sq").copied())
                }
            }
        }
        Ok(())
    }
}

impl Optimizer for Adam {
    fn step(&mut self) {
        let mut slots = std::mem::take(&mut self.slots);
        let mut at = slots.iter_mut();
        for group in &self.groups {
            for (p, slot) in group.params.iter().zip(&mut at) {
                match (p, slot) {
                    (AnyParam::F32(p), Slot::F32(s)) => self.update(group, p, s),
                    (AnyParam::F64(p), Slot::F64(s)) => self.update(group, p, s),
                    // A slot is made from its parameter.
                    _ => {}
                }
            }
        }
        self.slots = slots;
    }

    fn groups(&self) -> &[Group] {
        &self.groups
    }
    fn groups_mut(&mut self) -> &mut [Group] {
        &mut self.groups
    }
}

impl Adam {
    fn update<T: Float>(&self, group: &Group, p: &Param<T>, s: &mut Moments<T>) {
        if !p.is_trainable() {
            return;
        }
        // A step on equal shapes changes no shape, which is all that `update` can refuse.
        let _ = p.update(|value, grad| {
            s.steps += 1;
            value.adam_step(grad, &mut s.m, &mut s.v, self.step_of(group, s.steps));
        });
    }
}
