//! Adam and AdamW.

use wengert_autograd::Param;
use wengert_tensor::{AdamStep, AnyTensor, DType, Float, Tensor};

use super::{Group, Optimizer, state};
use crate::error::{Error, Result};
use crate::module::AnyParam;
use crate::state::{StateDict, mismatch};

/// Adam (Kingma & Ba, 2015), as `torch.optim.Adam`; with [`Adam::keras`] as Keras has it.
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

/// AdamW (Loshchilov & Hutter, 2019), as `torch.optim.AdamW`: [`Adam`] whose weight decay λ shrinks the
/// parameter itself, `p ← p·(1 − lr·λ)`, before the step, instead of adding `λp` to the gradient.
/// λ = 0.01 unless set.
///
/// ```
/// use wengert_autograd::Param;
/// use wengert_nn::{AdamW, Optimizer};
/// use wengert_tensor::Tensor;
/// let w = Param::new(Tensor::<f64>::new([1.0]));
/// let mut opt = AdamW::new(vec![w.clone().into()], 0.1);
/// w.set_grad(Some(Tensor::new([0.0])))?;
/// opt.step();
/// assert_eq!(w.value().item()?, 1.0 - 0.1 * 0.01); // no gradient: the decay alone
/// # Ok::<(), wengert_nn::Error>(())
/// ```
#[derive(Debug)]
pub struct AdamW(Adam);

impl AdamW {
    /// One group of parameters, PyTorch's defaults.
    pub fn new(params: Vec<AnyParam>, lr: f64) -> AdamW {
        AdamW::with_groups(vec![Group::new(params, lr).weight_decay(0.01)])
    }

    /// Several groups of parameters, each with the weight decay that it names.
    pub fn with_groups(groups: Vec<Group>) -> AdamW {
        let mut adam = Adam::with_groups(groups);
        adam.decoupled = true;
        AdamW(adam)
    }

    /// Sets β₁ and β₂.
    pub fn betas(self, beta1: f64, beta2: f64) -> AdamW {
        AdamW(self.0.betas(beta1, beta2))
    }

    /// Sets ε.
    pub fn eps(self, eps: f64) -> AdamW {
        AdamW(self.0.eps(eps))
    }

    /// Sets every group's weight decay λ.
    pub fn weight_decay(self, weight_decay: f64) -> AdamW {
        AdamW(self.0.weight_decay(weight_decay))
    }
}

impl Optimizer for AdamW {
    fn step(&mut self) {
        self.0.step();
    }
    fn groups(&self) -> &[Group] {
        self.0.groups()
    }
    fn groups_mut(&mut self) -> &mut [Group] {
        self.0.groups_mut()
    }
    fn state_dict(&self) -> StateDict {
        self.0.state_dict()
    }
    fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        self.0.load_state_dict(state)
    }
}

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

    fn save(&self, name: &str, out: &mut StateDict) {
        let steps = Tensor::scalar(self.steps as i64);
        out.insert(format!("{name}.step"), steps.into());
        out.insert(format!("{name}.exp_avg"), AnyTensor::of(&self.m));
        out.insert(format!("{name}.exp_avg_sq"), AnyTensor::of(&self.v));
    }

    fn load(&mut self, name: &str, state: &StateDict) -> Result<()> {
        let get = |what: &str| &state[&format!("{name}.{what}")];
        self.steps = get("step").downcast::<i64>()?.item()? as u64;
        self.m = get("exp_avg").downcast()?.copied();
        self.v = get("exp_avg_sq").downcast()?.copied();
        Ok(())
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

    /// As Keras: ε = 1e-7, added to √v before its bias correction ("epsilon hat"), and the powers of β
    /// taken in the parameter's type.
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

    /// 1 − βᵗ. Keras takes the power in the parameter's type: its 1 − 0.999 in `f32` is 1.3e-5 too small,
    /// which is most of what a run of 100 steps would be apart.
    fn correction<T: Float>(&self, beta: f64, t: u64) -> f64 {
        if self.keras && T::DTYPE == DType::F32 {
            f64::from(1.0 - libm::powf(beta as f32, t as f32))
        } else {
            1.0 - libm::pow(beta, t as f64)
        }
    }

    fn step_of<T: Float>(&self, group: &Group, t: u64) -> AdamStep {
        let c1 = self.correction::<T>(self.beta1, t);
        let c2 = self.correction::<T>(self.beta2, t).sqrt();
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
}

impl Optimizer for Adam {
    fn step(&mut self) {
        let mut slots = std::mem::take(&mut self.slots);
        let mut at = slots.iter_mut();
        for group in &self.groups {
            // The powers of β are most of a small parameter's step, and the same for the whole group.
            let mut last = None;
            for (p, slot) in group.params.iter().zip(&mut at) {
                match (p, slot) {
                    (AnyParam::F32(p), Slot::F32(s)) => self.update(group, p, s, &mut last),
                    (AnyParam::F64(p), Slot::F64(s)) => self.update(group, p, s, &mut last),
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

    fn state_dict(&self) -> StateDict {
        let mut out = state::of_groups(&self.groups);
        for (name, slot) in state::names(&self.groups).iter().zip(&self.slots) {
            match slot {
                Slot::F32(s) => s.save(name, &mut out),
                Slot::F64(s) => s.save(name, &mut out),
            }
        }
        out
    }

    fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        mismatch(&self.state_dict(), state)?;
        for (name, value) in state.iter().filter(|(n, _)| n.ends_with(".step")) {
            let steps = value.downcast::<i64>()?.item()?;
            if steps < 0 {
                let value = format!("{name} = {steps}");
                return Err(Error::invalid(
                    "load_state_dict",
                    "steps",
                    value,
                    "a count is >= 0",
                ));
            }
        }
        state::set_groups(&mut self.groups, state)?;
        for (name, slot) in state::names(&self.groups).iter().zip(&mut self.slots) {
            match slot {
                Slot::F32(s) => s.load(name, state)?,
                Slot::F64(s) => s.load(name, state)?,
            }
        }
        Ok(())
    }
}

impl Adam {
    /// `last` is the step of the parameter before, with its count and type.
    fn update<T: Float>(
        &self,
        group: &Group,
        p: &Param<T>,
        s: &mut Moments<T>,
        last: &mut Option<(u64, DType, AdamStep)>,
    ) {
        if !p.is_trainable() {
            return;
        }
        // A step on equal shapes changes no shape, which is all that `update` can refuse.
        let _ = p.update(|value, grad| {
            s.steps += 1;
            let step = match *last {
                Some((t, dtype, step)) if (t, dtype) == (s.steps, T::DTYPE) => step,
                _ => self.step_of::<T>(group, s.steps),
            };
            *last = Some((s.steps, T::DTYPE, step));
            value.adam_step(grad, &mut s.m, &mut s.v, step);
        });
    }
}
