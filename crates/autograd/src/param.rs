//! The parameter: a leaf that an optimizer updates.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::atomic::Ordering;

use wengert_tensor::{ErrorKind, Float, Result, Shape, Site, Tensor};

use crate::tape::leaf::{Leaf, LeafState};
use crate::tape::node::{self, Edge};
use crate::var::Var;

/// A parameter: a leaf whose value an optimizer changes. Clones are the same parameter.
///
/// ```
/// use wengert::{Param, Tensor};
/// let w = Param::new(Tensor::<f32>::new([1.0, 2.0]));
/// w.var().square().sum_all().backward()?;
/// w.update(|value, grad| *value -= &(grad * 0.1))?;
/// assert_eq!(w.value().to_vec(), [0.8, 1.6]);
/// # Ok::<(), wengert::Error>(())
/// ```
pub struct Param<T: Float = f32> {
    /// A `Leaf<T>` that has a value: see [`Param::leaf`].
    node: Edge,
    marker: PhantomData<T>,
}

impl<T: Float> Clone for Param<T> {
    fn clone(&self) -> Self {
        Param {
            node: self.node.clone(),
            marker: PhantomData,
        }
    }
}

/// The value of a parameter's leaf.
#[inline]
fn value_of<T: Float>(held: &mut LeafState<T>) -> &mut Tensor<T> {
    match &mut held.value {
        Some(value) => value,
        None => unreachable!("a parameter's leaf is made with a value, which nobody takes"),
    }
}

impl<T: Float> Param<T> {
    /// A trainable parameter.
    #[track_caller]
    #[inline(never)]
    pub fn new(value: Tensor<T>) -> Param<T> {
        Param {
            node: Leaf::node(value.shape().clone(), Some(value), Location::caller()),
            marker: PhantomData,
        }
    }

    #[inline]
    fn leaf(&self) -> &Leaf<T> {
        match Leaf::of(&self.node) {
            Some(leaf) => leaf,
            None => unreachable!("a parameter's node is the leaf that it was made with"),
        }
    }

    /// The parameter as a variable of its present value: tracked while it is trainable.
    #[inline]
    pub fn var(&self) -> Var<T> {
        let leaf = self.leaf();
        let value = value_of(&mut leaf.held.lock()).clone();
        let trainable = leaf.trainable.load(Ordering::Relaxed);
        let node = trainable.then(|| self.node.clone());
        Var { value, node }
    }

    /// The present value (its memory is shared until one of the two is written to).
    #[inline]
    pub fn value(&self) -> Tensor<T> {
        value_of(&mut self.leaf().held.lock()).clone()
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// If the shape differs.
    #[track_caller]
    #[inline(never)]
    pub fn set_value(&self, value: Tensor<T>) -> Result<()> {
        self.check("set_value", value.shape())?;
        *value_of(&mut self.leaf().held.lock()) = value;
        Ok(())
    }

    /// The size of each axis.
    pub fn shape(&self) -> &Shape {
        &self.leaf().shape
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
        self.leaf().grad()
    }

    /// Replaces or forgets the accumulated gradient.
    ///
    /// # Errors
    /// If the shape differs.
    #[track_caller]
    #[inline(never)]
    pub fn set_grad(&self, grad: Option<Tensor<T>>) -> Result<()> {
        if let Some(g) = &grad {
            self.check("set_grad", g.shape())?;
        }
        self.leaf().set_grad(grad);
        Ok(())
    }

    /// Forgets the accumulated gradient.
    pub fn zero_grad(&self) {
        self.leaf().set_grad(None);
    }

    /// Calls `step` with the value to change and the gradient, if there is one (`Ok(false)` if not).
    /// The value is changed in place where nobody else holds its memory: after backward has released
    /// the tape, that is the rule. The parameter is locked meanwhile: `step` must not ask it for anything.
    ///
    /// # Errors
    /// If `step` changed the shape: the parameter then holds zeros of its own shape.
    #[track_caller]
    pub fn update(&self, step: impl FnOnce(&mut Tensor<T>, &Tensor<T>)) -> Result<bool> {
        let mut held = self.leaf().held.lock();
        let LeafState {
            grad: Some(grad),
            value: Some(value),
        } = &mut *held
        else {
            return Ok(false);
        };
        step(value, grad);
        if value.shape() != self.shape() {
            let got = value.shape().clone();
            *value = Tensor::zeros(self.shape());
            drop(held);
            self.check("update", &got)?;
        }
        Ok(true)
    }

    /// Whether gradients go to this parameter.
    #[inline]
    pub fn is_trainable(&self) -> bool {
        self.leaf().trainable.load(Ordering::Relaxed)
    }

    /// Freezes (`false`) or thaws the parameter: a frozen one gets no gradient and is not updated.
    #[inline(never)]
    pub fn set_trainable(&self, trainable: bool) {
        self.leaf().trainable.store(trainable, Ordering::Relaxed);
        if !trainable {
            self.zero_grad();
        }
    }

    /// The name it was first visited under (`encoder.0.weight`), for messages.
    pub fn name(&self) -> Option<&str> {
        self.leaf().name.get().map(String::as_str)
    }

    /// Names the parameter; the first name stays.
    pub fn set_name(&self, name: &str) {
        let _ = self.leaf().name.set(name.to_string());
    }

    /// Whether both are the same parameter.
    pub fn same(&self, other: &Param<T>) -> bool {
        self.id() == other.id()
    }

    /// A number that is the same for clones of one parameter and differs between parameters that are
    /// alive at the same time.
    pub fn id(&self) -> usize {
        node::key(&self.node)
    }

    #[track_caller]
    #[inline(never)]
    fn check(&self, op: &'static str, got: &Shape) -> Result<()> {
        if got == self.shape() {
            return Ok(());
        }
        Err(Site::new(op)
            .operand("parameter", T::DTYPE, self.shape())
            .operand("value", T::DTYPE, got)
            .error(ErrorKind::ShapeMismatch {
                what: "a parameter keeps its shape",
                rule: "value.shape == parameter.shape",
            }))
    }
}

impl<T: Float> fmt::Debug for Param<T> {
    #[inline(never)]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Param({}{:?})",
            self.name().map(|n| format!("{n}: ")).unwrap_or_default(),
            self.value()
        )
    }
}
