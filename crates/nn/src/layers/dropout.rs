//! Dropout.

use std::panic::Location;

use wengert_autograd::Var;
use wengert_tensor::{Error, Float, Result, Rng, on_behalf_of};

use crate::module::{Layer, Module, Stream, Training, Visitor};

/// Drops each element with probability p while training, and scales the others by 1/(1−p), so that
/// evaluation, where it passes the input as it is, sees the same mean (Srivastava et al., 2014).
///
/// The layer draws from a stream of its own, split from `rng` when it is made: what other layers draw
/// does not change it. [`Module::streams`] saves where it stands.
///
/// ```
/// use wengert::prelude::*;
/// let layer = Dropout::new(0.25, &mut Rng::seed(0))?;
/// let x = Var::<f32>::ones([1000]);
/// let kept = layer.forward(&x)?.to_vec().iter().filter(|v| **v == 1.0 / 0.75).count();
/// assert!((700..800).contains(&kept));
/// layer.eval();
/// assert_eq!(layer.forward(&x)?.to_vec(), x.to_vec());
/// # Ok::<(), wengert::Error>(())
/// ```
/// A clone draws the same numbers from now on: its stream is one of its own that stands where this one does.
#[derive(Clone, Debug)]
pub struct Dropout {
    p: f64,
    training: Training,
    stream: Stream,
}

impl Dropout {
    /// A layer that drops with probability `p`.
    ///
    /// # Errors
    /// If not 0 ≤ p ≤ 1.
    #[track_caller]
    pub fn new(p: f64, rng: &mut Rng) -> Result<Dropout> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::invalid("Dropout::new", "p", p, "0 <= p <= 1"));
        }
        Ok(Dropout {
            p,
            training: Training::default(),
            stream: Stream::new(rng),
        })
    }

    /// The probability of being dropped.
    pub fn p(&self) -> f64 {
        self.p
    }
}

impl Module for Dropout {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.field("training", &self.training);
        v.field("stream", &self.stream);
    }
}

impl<T: Float> Layer<T> for Dropout {
    #[track_caller]
    #[inline(never)]
    fn forward(&self, x: &Var<T>) -> Result<Var<T>> {
        if !self.training.get() || self.p == 0.0 {
            return Ok(x.clone());
        }
        // Closures do not know the caller.
        let drop = || self.stream.draw(|rng| x.dropout(self.p, rng));
        on_behalf_of(Location::caller(), drop)
    }
}
