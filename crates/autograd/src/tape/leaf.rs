//! Where gradients end: a leaf of the tape.

use std::any::Any;
use std::panic::Location;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use wengert_tensor::memory::{Lock, ThinArc};
use wengert_tensor::{DType, Float, Result, Shape, Tensor};

use crate::tape::any::AnyVar;
use crate::tape::backward::ReadyQueue;
use crate::tape::meta::Meta;
use crate::tape::node::{Edge, Node, NodeInfo, PassOptions};

/// The node of a leaf: it has no inputs and keeps a gradient. That of a parameter keeps its value as well, so
/// that both are under one lock.
pub(crate) struct Leaf<T: Float> {
    pub(crate) shape: Shape,
    pub(crate) held: Lock<LeafState<T>>,
    pub(crate) trainable: AtomicBool,
    name: Mutex<LeafName>,
}

/// What a leaf is called: by its owner, or by the model that it is part of.
#[derive(Clone, Default)]
pub(crate) struct LeafName {
    pub(crate) given: Option<String>,
    /// The longest path that it was visited under, so that it does not matter who looked first.
    pub(crate) path: Option<String>,
}

impl LeafName {
    pub(crate) fn get(&self) -> Option<&String> {
        self.given.as_ref().or(self.path.as_ref())
    }
}

/// What a leaf keeps.
pub(crate) struct LeafState<T: Float> {
    pub(crate) grad: Option<Tensor<T>>,
    /// A parameter's; a variable has its own.
    pub(crate) value: Option<Tensor<T>>,
}

impl<T: Float> Leaf<T> {
    /// The leaf of a variable, or, with its value, of a parameter.
    pub(crate) fn node(
        shape: Shape,
        value: Option<Tensor<T>>,
        at: &'static Location<'static>,
    ) -> Edge {
        let leaf = || Leaf {
            shape: shape.clone(),
            held: Lock::new(LeafState { grad: None, value }),
            trainable: AtomicBool::new(true),
            name: Mutex::default(),
        };
        ThinArc::make(leaf, || Meta::new(0, &shape, T::DTYPE, at), |n| n)
    }
    /// The leaf of this type that a node is.
    #[inline]
    pub(crate) fn of(node: &Edge) -> Option<&Leaf<T>> {
        let leaf: &dyn Any = match node.leaf()? {
            AnyLeaf::Single(leaf) => leaf,
            AnyLeaf::Double(leaf) => leaf,
        };
        leaf.downcast_ref()
    }
    /// What it is called, to be read or changed.
    pub(crate) fn name<R>(&self, f: impl FnOnce(&mut LeafName) -> R) -> R {
        f(&mut self.name.lock().unwrap_or_else(PoisonError::into_inner))
    }
    pub(crate) fn grad(&self) -> Option<Tensor<T>> {
        self.held.lock().grad.clone()
    }
    pub(crate) fn set_grad(&self, grad: Option<Tensor<T>>) {
        self.held.lock().grad = grad;
    }
}

/// A leaf of either type.
pub(crate) enum AnyLeaf<'a> {
    Single(&'a Leaf<f32>),
    Double(&'a Leaf<f64>),
}

impl<T: Float> Node for Leaf<T> {
    fn back(&self, _: &Edge, _: PassOptions, _: &mut ReadyQueue) -> Result<()> {
        Ok(())
    }
    fn back_alone(&mut self, _: &Meta, _: &mut ReadyQueue) -> Result<()> {
        Ok(())
    }
    fn edges_mut(&mut self) -> &mut [Option<Edge>] {
        &mut []
    }
    fn info(&self, detail: bool) -> NodeInfo {
        let name = || self.name(|n| n.get().cloned());
        NodeInfo {
            op: "leaf",
            inputs: Some(Default::default()),
            detail: if detail { name() } else { None }.unwrap_or_default(),
        }
    }
    fn leaf(&self) -> Option<AnyLeaf<'_>> {
        // Told at compile time: `Float` is sealed.
        let this: &dyn Any = self;
        match T::DTYPE {
            DType::F32 => this.downcast_ref().map(AnyLeaf::Single),
            _ => this.downcast_ref().map(AnyLeaf::Double),
        }
    }
}

/// Adds to the gradient that a leaf holds.
pub(crate) fn accumulate(node: &Edge, grad: AnyVar) {
    fn add<T: Float>(leaf: &Leaf<T>, grad: AnyVar) {
        let Some(grad) = grad.unwrap::<T>() else {
            return;
        };
        let mut held = leaf.held.lock();
        held.grad = Some(match held.grad.take() {
            // Into the memory of either where nobody else holds it.
            Some(before) => before + grad.value,
            // Contiguous: the optimizer reads it once for every step, whatever made it.
            None if grad.value.is_contiguous() => grad.value,
            None => grad.value.contiguous(),
        });
    }
    match node.leaf() {
        Some(AnyLeaf::Single(leaf)) => add(leaf, grad),
        Some(AnyLeaf::Double(leaf)) => add(leaf, grad),
        None => {}
    }
}
