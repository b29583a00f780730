//! The parameter: a leaf that an optimizer updates.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::atomic::Ordering;

use wengert_tensor::{ErrorKind, Float, Result, Shape, Site, Tensor};

use crate::tape::leaf::{Leaf, LeafState};
use crate::tape::node::{self, Edge};
use crate::var::Var;

/// A parameter: a leaf whose value an optimizer changes.
///
/// A clone is another parameter that starts with the same value, so that the clone of a model is a model of its own;
/// [`Param::share`] gives another handle to the same parameter.
///
/// ```
/// use wengert::{Param, Tensor};
/// let w = Param::new(Tensor::<f32>::new([1.0, 2.0]));
/// w.var().square().sum_all().backward()?;
/// let (copy, handle) = (w.clone(), w.share());
/// w.update(|value, grad| *value -= &(grad * 0.1))?;
/// assert_eq!(w.value().to_vec(), [0.8, 1.6]);
/// assert_eq!(handle.value().to_vec(), [0.8, 1.6]);
/// assert_eq!(copy.value().to_vec(), [1.0, 2.0]);
/// # Ok::<(), wengert::Error>(())
/// ```
pub struct Param<T: Float = f32> {
    /// A `Leaf<T>` that has a value: see [`Param::leaf`].
    node: Edge,
    marker: PhantomData<T>,
}

thread_local! {
    /// The copies made so far, by the address of what they are copies of, while [`cloning_shared`] runs.
    static COPIES: RefCell<Option<HashMap<usize, Edge>>> = const { RefCell::new(None) };
}

/// Runs `f`, within which all handles to one parameter have the same clone: what makes the clone of a model keep the
/// parameters that it shares between its layers.
#[doc(hidden)]
pub fn cloning_shared<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(Option<HashMap<usize, Edge>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            COPIES.replace(self.0.take());
        }
    }
    let _restore = Restore(COPIES.replace(Some(HashMap::new())));
    f()
}

/// A parameter of its own, with the value, the name and the freezing of this one, and no gradient. Where a model shares
/// a parameter between layers, its derived clone does not: `Module::deep_clone` does.
impl<T: Float> Clone for Param<T> {
    #[track_caller]
    #[inline(never)]
    fn clone(&self) -> Self {
        let made = COPIES.with_borrow(|copies| copies.as_ref()?.get(&self.id()).cloned());
        if let Some(node) = made {
            return Param {
                node,
                marker: PhantomData,
            };
        }
        let copy = Param::new(self.value());
        copy.leaf()
            .trainable
            .store(self.is_trainable(), Ordering::Relaxed);
        let name = self.leaf().name(|n| n.clone());
        copy.leaf().name(|n| *n = name);
        COPIES.with_borrow_mut(|copies| {
            if let Some(copies) = copies {
                copies.insert(self.id(), copy.node.clone());
            }
        });
        copy
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

    /// Another handle to the same parameter: what changes one, changes the other.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// // Weights shared by two layers count, and are saved, once.
    /// let first = Linear::new(2, 2, &mut Rng::seed(0));
    /// let second = Linear { weight: first.weight.share(), bias: None };
    /// assert!(second.weight.same(&first.weight));
    /// assert_eq!((&first, &second).parameters().len(), 2);
    /// ```
    #[inline]
    pub fn share(&self) -> Param<T> {
        Param {
            node: self.node.clone(),
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

    /// Replaces the value by what `f` makes of it, to clip or to project weights.
    ///
    /// # Errors
    /// If `f` fails or changes the shape.
    ///
    /// ```
    /// use wengert::{Param, Tensor};
    /// let w = Param::new(Tensor::<f32>::new([-2.0, 0.5]));
    /// w.apply(|value| value.clamp(-1.0, 1.0))?;
    /// assert_eq!(w.value().to_vec(), [-1.0, 0.5]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn apply(&self, f: impl FnOnce(&Tensor<T>) -> Result<Tensor<T>>) -> Result<()> {
        self.set_value(f(&self.value())?)
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

    /// What it is called in messages: the name that it was given, or else the longest path that it was visited under
    /// (`encoder.0.weight`).
    pub fn name(&self) -> Option<String> {
        self.leaf().name(|n| n.get().cloned())
    }

    /// The name of [`Param::set_name`].
    pub fn given_name(&self) -> Option<String> {
        self.leaf().name(|n| n.given.clone())
    }

    /// Gives it a name, under which an optimizer saves the state of a parameter that is part of no model.
    pub fn set_name(&self, name: &str) {
        self.leaf().name(|n| n.given = Some(name.to_string()));
    }

    /// Notes a path that it was visited under.
    #[doc(hidden)]
    #[inline(never)]
    pub fn visited_as(&self, path: &str) {
        let depth = |path: &str| path.matches('.').count();
        self.leaf().name(|n| match &n.path {
            Some(known) if depth(known) >= depth(path) => {}
            _ => n.path = Some(path.to_string()),
        });
    }

    /// Whether both are the same parameter.
    pub fn same(&self, other: &Param<T>) -> bool {
        self.id() == other.id()
    }

    /// A number that is the same for handles to one parameter and differs between parameters that are
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
