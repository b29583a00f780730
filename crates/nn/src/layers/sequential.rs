//! Layers one after another.

use std::panic::Location;

use wengert_autograd::Var;
use wengert_tensor::{Float, Result, on_behalf_of};

use crate::module::{Layer, Module, Visitor, in_list};

/// Layers, each fed with the output of the one before; named `0`, `1`, … as in PyTorch.
///
/// ```
/// use wengert::prelude::*;
/// let mut rng = Rng::seed(0);
/// let net = Sequential::new()
///     .push(Linear::new(2, 8, &mut rng))
///     .push(Relu)
///     .push(Linear::new(8, 1, &mut rng));
/// assert_eq!(net.forward(&Var::zeros([3, 2]))?.shape(), &[3, 1][..]);
/// assert_eq!(net.named_parameters()[2].0, "2.weight");
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone)]
pub struct Sequential<T: Float = f32> {
    layers: Vec<Box<dyn CloneLayer<T>>>,
}

/// A layer that can be cloned behind a pointer.
trait CloneLayer<T: Float>: Layer<T> + Send + Sync {
    fn clone_box(&self) -> Box<dyn CloneLayer<T>>;
}

impl<T: Float, L: Layer<T> + Clone + Send + Sync + 'static> CloneLayer<T> for L {
    fn clone_box(&self) -> Box<dyn CloneLayer<T>> {
        Box::new(self.clone())
    }
}

impl<T: Float> Clone for Box<dyn CloneLayer<T>> {
    fn clone(&self) -> Self {
        (**self).clone_box()
    }
}

impl Sequential {
    /// No layers yet, for `f32` ([`Sequential::typed`] makes others).
    pub fn new() -> Sequential {
        Sequential::typed()
    }
}

impl<T: Float> Default for Sequential<T> {
    fn default() -> Self {
        Sequential::typed()
    }
}

impl<T: Float> Sequential<T> {
    /// No layers yet, of either float type.
    pub fn typed() -> Sequential<T> {
        Sequential { layers: Vec::new() }
    }

    /// Adds a layer at the end. One that is not `Clone`, or is chosen at run time, goes in as an
    /// [`Arc`](std::sync::Arc): the clones of the network then share it.
    pub fn push(mut self, layer: impl Layer<T> + Clone + Send + Sync + 'static) -> Sequential<T> {
        self.layers.push(Box::new(layer));
        self
    }

    /// How many layers there are.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are none: the input passes as it is.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }
}

impl<T: Float> Module for Sequential<T> {
    #[inline(never)]
    fn visit(&self, v: &mut Visitor<'_>) {
        for (i, layer) in self.layers.iter().enumerate() {
            v.field(&i.to_string(), layer.as_ref());
        }
    }
}

impl<T: Float> Layer<T> for Sequential<T> {
    #[track_caller]
    #[inline(never)]
    fn forward(&self, x: &Var<T>) -> Result<Var<T>> {
        on_behalf_of(Location::caller(), || {
            let mut y = x.clone();
            for (i, layer) in self.layers.iter().enumerate() {
                y = match layer.forward(&y) {
                    Ok(y) => y,
                    Err(e) => return Err(in_list(e, i, layer.as_ref())),
                };
            }
            Ok(y)
        })
    }
}
