//! Where gradients end: a leaf of the tape, and [`Param`], the leaf that an optimizer updates.

use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use smallvec::SmallVec;
use wengert_tensor::memory::Counted;
use wengert_tensor::{Float, Shape, Tensor};

use crate::engine::Pending;
use crate::error::{Error, Result};
use crate::node::{AnyVar, Edge, Meta, Node, Walk, lock};
use crate::var::Var;

/// The node of a leaf: it has no inputs and keeps a gradient.
pub(crate) struct Leaf<T: Float> {
    meta: Meta,
    grad: Mutex<Option<Tensor<T>>>,
    name: OnceLock<String>,
}

impl<T: Float> Leaf<T> {
    pub(crate) fn node(shape: Shape, at: &'static Location<'static>) -> Edge {
        let meta = Meta::new(0, "leaf", shape, T::DTYPE, at);
        let leaf: Leaf<T> = Leaf {
            meta,
            grad: Mutex::new(None),
            name: OnceLock::new(),
        };
        Counted::new(leaf, |n| n)
    }
    pub(crate) fn grad(&self) -> Option<Tensor<T>> {
        lock(&self.grad).clone()
    }
    pub(crate) fn set_grad(&self, grad: Option<Tensor<T>>) {
        *lock(&self.grad) = grad;
    }
}

impl<T: Float> Node for Leaf<T> {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn inputs(&self) -> Option<SmallVec<[Option<Edge>; 4]>> {
        Some(SmallVec::new())
    }
    fn take_edges(&mut self, _: &mut SmallVec<[Edge; 4]>) {}
    fn back(&self, _: &Edge, _: Walk, _: &mut Pending) -> Result<()> {
        Ok(())
    }
    fn back_alone(&mut self, _: &mut Pending) -> Result<()> {
        Ok(())
    }
    fn detail(&self) -> String {
        self.name.get().cloned().unwrap_or_default()
    }
    fn deposit(&self, grad: AnyVar) {
        let Some(grad) = grad.unwrap::<T>() else {
            return;
        };
        let mut slot = lock(&self.grad);
        *slot = Some(match slot.take() {
            // Into the memory of either where nobody else holds it.
            Some(before) => before + grad.value,
            // Contiguous: the optimizer reads it once for every step, whatever made it.
            None if grad.value.is_contiguous() => grad.value,
            None => grad.value.contiguous(),
        });
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A parameter: a leaf whose value an optimizer changes. Clones are the same parameter.
///
/// ```
/// use wengert_autograd::Param;
/// use wengert_tensor::Tensor;
/// let w = Param::new(Tensor::<f32>::new([1.0, 2.0]));
/// w.var().square().sum_all().backward()?;
/// w.update(|value, grad| *value -= &(grad * 0.1))?;
/// assert_eq!(w.value().to_vec(), [0.8, 1.6]);
/// # Ok::<(), wengert_autograd::Error>(())
/// ```
pub struct Param<T: Float = f32> {
    inner: Arc<Inner<T>>,
}

struct Inner<T: Float> {
    /// A `Leaf<T>`: see [`Inner::leaf`].
    node: Edge,
    value: Mutex<Tensor<T>>,
    trainable: AtomicBool,
}

impl<T: Float> Inner<T> {
    #[inline]
    fn leaf(&self) -> &Leaf<T> {
        match self.node.as_any().downcast_ref() {
            Some(leaf) => leaf,
            None => unreachable!("a parameter's node is the leaf that it was made with"),
        }
    }
}

impl<T: Float> Clone for Param<T> {
    fn clone(&self) -> Self {
        Param {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<T: Float> Param<T> {
    /// A trainable parameter.
    #[track_caller]
    pub fn new(value: Tensor<T>) -> Param<T> {
        let node = Leaf::<T>::node(value.shape().clone(), Location::caller());
        Param {
            inner: Arc::new(Inner {
                node,
                value: Mutex::new(value),
                trainable: AtomicBool::new(true),
            }),
        }
    }

    /// The parameter as a variable of its present value: tracked while it is trainable.
    #[inline]
    pub fn var(&self) -> Var<T> {
        let value = self.value();
        let node = self.is_trainable().then(|| self.inner.node.clone());
        Var { value, node }
    }

    /// The present value (its memory is shared until one of the two is written to).
    #[inline]
    pub fn value(&self) -> Tensor<T> {
        lock(&self.inner.value).clone()
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// If the shape differs.
    #[track_caller]
    pub fn set_value(&self, value: Tensor<T>) -> Result<()> {
        self.check("set_value", value.shape())?;
        *lock(&self.inner.value) = value;
        Ok(())
    }

    /// The size of each axis.
    pub fn shape(&self) -> &Shape {
        &self.inner.node.meta().shape
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.shape().iter().product()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The accumulated gradient.
    pub fn grad(&self) -> Option<Tensor<T>> {
        self.inner.leaf().grad()
    }

    /// Replaces or forgets the accumulated gradient.
    ///
    /// # Errors
    /// If the shape differs.
    #[track_caller]
    pub fn set_grad(&self, grad: Option<Tensor<T>>) -> Result<()> {
        if let Some(g) = &grad {
            self.check("set_grad", g.shape())?;
        }
        self.inner.leaf().set_grad(grad);
        Ok(())
    }

    /// Forgets the accumulated gradient.
    pub fn zero_grad(&self) {
        self.inner.leaf().set_grad(None);
    }

    /// Calls `step` with the value to change and the gradient, if there is one (`Ok(false)` if not).
    /// The value is changed in place where nobody else holds its memory: after backward has released
    /// the tape, that is the rule.
    ///
    /// # Errors
    /// If `step` changed the shape: the parameter then holds zeros of its own shape.
    #[track_caller]
    pub fn update(&self, step: impl FnOnce(&mut Tensor<T>, &Tensor<T>)) -> Result<bool> {
        let grad = lock(&self.inner.leaf().grad);
        let Some(grad) = grad.as_ref() else {
            return Ok(false);
        };
        let mut value = lock(&self.inner.value);
        step(&mut value, grad);
        if value.shape() != self.shape() {
            let got = value.shape().clone();
            *value = Tensor::zeros(self.shape());
            drop(value);
            self.check("update", &got)?;
        }
        Ok(true)
    }

    /// Whether gradients go to this parameter.
    #[inline]
    pub fn is_trainable(&self) -> bool {
        self.inner.trainable.load(Ordering::Relaxed)
    }

    /// Freezes (`false`) or thaws the parameter: a frozen one gets no gradient and is not updated.
    pub fn set_trainable(&self, trainable: bool) {
        self.inner.trainable.store(trainable, Ordering::Relaxed);
        if !trainable {
            self.zero_grad();
        }
    }

    /// The name it was first visited under (`encoder.0.weight`), for messages.
    pub fn name(&self) -> Option<&str> {
        self.inner.leaf().name.get().map(String::as_str)
    }

    /// Names the parameter; the first name stays.
    pub fn set_name(&self, name: &str) {
        let _ = self.inner.leaf().name.set(name.to_string());
    }

    /// Whether both are the same parameter.
    pub fn same(&self, other: &Param<T>) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// A number that is the same for clones of one parameter and differs between parameters that are
    /// alive at the same time.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.inner) as *const () as usize
    }

    #[track_caller]
    fn check(&self, op: &'static str, got: &Shape) -> Result<()> {
        if got == self.shape() {
            return Ok(());
        }
        Err(Error::Tensor(wengert_tensor::Error::ShapeMismatch {
            site: wengert_tensor::Site::new(op)
                .operand("parameter", T::DTYPE, self.shape())
                .operand("value", T::DTYPE, got),
            what: "a parameter keeps its shape",
            rule: "value.shape == parameter.shape",
        }))
    }
}

impl<T: Float> fmt::Debug for Param<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Param({}{:?})",
            self.name().map(|n| format!("{n}: ")).unwrap_or_default(),
            self.value()
        )
    }
}
