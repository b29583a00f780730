//! Stochastic gradient descent.

use wengert_autograd::Param;
use wengert_tensor::{AnyTensor, Float, SgdStep, Tensor};

use super::{Group, Optimizer, state};
use crate::error::Result;
use crate::module::AnyParam;
use crate::state::{StateDict, mismatch};

/// Stochastic gradient descent, as `torch.optim.SGD`: `p ← p − lr·g`; with momentum μ and dampening δ
/// `b ← μb + (1−δ)g` (`b = g` at first) and `p ← p − lr·b`, Nesterov `p ← p − lr·(g + μb)`; weight
/// decay λ adds `λp` to `g`.
///
/// ```
/// use wengert_autograd::Param;
/// use wengert_nn::{Optimizer, Sgd};
/// use wengert_tensor::Tensor;
/// let w = Param::new(Tensor::<f64>::new([1.0]));
/// let mut opt = Sgd::new(vec![w.clone().into()], 0.1);
/// w.var().square().sum_all().backward()?;
/// opt.step();
/// assert_eq!(w.value().to_vec(), [0.8]);
/// # Ok::<(), wengert_autograd::Error>(())
/// ```
#[derive(Debug)]
pub struct Sgd {
    groups: Vec<Group>,
    momentum: f64,
    dampening: f64,
    nesterov: bool,
    buffers: Vec<Buffer>,
}

/// A momentum buffer; `None` before the first step.
#[derive(Debug)]
enum Buffer {
    F32(Option<Tensor<f32>>),
    F64(Option<Tensor<f64>>),
}

impl Sgd {
    /// One group of parameters, no momentum.
    pub fn new(params: Vec<AnyParam>, lr: f64) -> Sgd {
        Sgd::with_groups(vec![Group::new(params, lr)])
    }

    /// Several groups of parameters, no momentum.
    pub fn with_groups(groups: Vec<Group>) -> Sgd {
        let buffers = groups
            .iter()
            .flat_map(|g| &g.params)
            .map(|p| match p {
                AnyParam::F32(_) => Buffer::F32(None),
                AnyParam::F64(_) => Buffer::F64(None),
            })
            .collect();
        Sgd {
            groups,
            momentum: 0.0,
            dampening: 0.0,
            nesterov: false,
            buffers,
        }
    }

    /// Sets the momentum μ.
    pub fn momentum(mut self, momentum: f64) -> Sgd {
        self.momentum = momentum;
        self
    }

    /// Sets the dampening δ.
    pub fn dampening(mut self, dampening: f64) -> Sgd {
        self.dampening = dampening;
        self
    }

    /// Looks ahead along the momentum.
    pub fn nesterov(mut self) -> Sgd {
        self.nesterov = true;
        self
    }

    /// Sets every group's weight decay.
    pub fn weight_decay(mut self, weight_decay: f64) -> Sgd {
        self.groups
            .iter_mut()
            .for_each(|g| g.weight_decay = weight_decay);
        self
    }

    fn update<T: Float>(&self, group: &Group, p: &Param<T>, buffer: &mut Option<Tensor<T>>) {
        if !p.is_trainable() {
            return;
        }
        let step = SgdStep {
            lr: group.lr,
            momentum: self.momentum,
            dampening: self.dampening,
            weight_decay: group.weight_decay,
            nesterov: self.nesterov,
            first: buffer.is_none(),
        };
        // A step on equal shapes changes no shape, which is all that `update` can refuse.
        let _ = p.update(|value, grad| {
            if self.momentum == 0.0 {
                value.sgd_step(grad, None, step);
            } else {
                let buffer = buffer.get_or_insert_with(|| Tensor::zeros(grad.shape()));
                value.sgd_step(grad, Some(buffer), step);
            }
        });
    }
}

impl Optimizer for Sgd {
    fn step(&mut self) {
        let mut buffers = std::mem::take(&mut self.buffers);
        let mut at = buffers.iter_mut();
        for group in &self.groups {
            for (p, buffer) in group.params.iter().zip(&mut at) {
                match (p, buffer) {
                    (AnyParam::F32(p), Buffer::F32(b)) => self.update(group, p, b),
                    (AnyParam::F64(p), Buffer::F64(b)) => self.update(group, p, b),
                    // A buffer is made from its parameter.
                    _ => {}
                }
            }
        }
        self.buffers = buffers;
    }

    fn groups(&self) -> &[Group] {
        &self.groups
    }
    fn groups_mut(&mut self) -> &mut [Group] {
        &mut self.groups
    }

    /// A parameter that has not been stepped yet, or has no momentum, has no buffer.
    fn state_dict(&self) -> StateDict {
        let mut out = state::of_groups(&self.groups);
        for (name, buffer) in state::names(&self.groups).iter().zip(&self.buffers) {
            let value = match buffer {
                Buffer::F32(b) => b.as_ref().map(AnyTensor::of),
                Buffer::F64(b) => b.as_ref().map(AnyTensor::of),
            };
            if let Some(value) = value {
                out.insert(format!("{name}.momentum_buffer"), value);
            }
        }
        out
    }

    fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        let names: Vec<String> = (state::names(&self.groups).iter())
            .map(|name| format!("{name}.momentum_buffer"))
            .collect();
        let params = self.groups.iter().flat_map(|g| &g.params);
        let mut own = state::of_groups(&self.groups);
        for (name, p) in names.iter().zip(params) {
            if state.contains_key(name) {
                own.insert(name.clone(), p.value());
            }
        }
        mismatch(&own, state)?;
        state::set_groups(&mut self.groups, state)?;
        for (name, buffer) in names.iter().zip(&mut self.buffers) {
            let value = state.get(name);
            match buffer {
                Buffer::F32(b) => *b = value.map(|t| t.downcast()).transpose()?.map(|t| t.copied()),
                Buffer::F64(b) => *b = value.map(|t| t.downcast()).transpose()?.map(|t| t.copied()),
            }
        }
        Ok(())
    }
}
