//! Stochastic gradient descent.

use std::collections::BTreeMap;

use wengert_autograd::Param;
use wengert_tensor::{Float, SgdStep, Tensor};

use super::{Group, Optimizer, state};
use crate::error::Result;
use crate::module::AnyParam;

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

    /// The momentum buffers, under PyTorch's name: `hidden.weight.momentum_buffer`.
    pub fn state_dict(&self) -> BTreeMap<String, Tensor<f64>> {
        let mut out = BTreeMap::new();
        let params = self.groups.iter().flat_map(|g| &g.params);
        for (i, (p, buffer)) in params.zip(&self.buffers).enumerate() {
            let value = match buffer {
                Buffer::F32(b) => b.as_ref().map(Tensor::cast),
                Buffer::F64(b) => b.clone(),
            };
            if let Some(value) = value {
                out.insert(format!("{}.momentum_buffer", state::name(p, i)), value);
            }
        }
        out
    }

    /// Takes a state of [`Sgd::state_dict`]; a parameter without an entry has not been stepped yet.
    ///
    /// # Errors
    /// If a name is unknown or a shape differs: all of them in one report, and nothing is changed.
    pub fn load_state_dict(&mut self, dict: &BTreeMap<String, Tensor<f64>>) -> Result<()> {
        let params = self.groups.iter().flat_map(|g| &g.params).enumerate();
        let named: Vec<(String, &AnyParam)> = params
            .map(|(i, p)| (format!("{}.momentum_buffer", state::name(p, i)), p))
            .collect();
        let want = named
            .iter()
            .filter(|(n, _)| dict.contains_key(n))
            .map(|(n, p)| Ok((n.clone(), Tensor::try_zeros(p.shape())?)))
            .collect::<Result<BTreeMap<_, _>>>()?;
        state::check(&want, dict)?;
        for ((n, _), buffer) in named.iter().zip(&mut self.buffers) {
            let value = dict.get(n);
            match buffer {
                Buffer::F32(b) => *b = value.map(Tensor::cast),
                Buffer::F64(b) => *b = value.map(Tensor::copied),
            }
        }
        Ok(())
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
}
