//! A layer's stream of random numbers, which a resumed training goes on with.

use std::sync::{Mutex, PoisonError};

use wengert_tensor::{Rng, RngState};

use super::{Entry, Module, Visitor};

/// A layer's own stream of random numbers.
#[derive(Debug)]
pub struct Stream(Mutex<Rng>);

/// A stream of its own that stands where this one does: both draw the same numbers from now on.
impl Clone for Stream {
    fn clone(&self) -> Stream {
        Stream(Mutex::new(self.draw(|rng| rng.clone())))
    }
}

impl Stream {
    /// A stream split from `rng`.
    pub fn new(rng: &mut Rng) -> Stream {
        Stream(Mutex::new(rng.split()))
    }

    /// Draws from the stream.
    pub fn draw<R>(&self, f: impl FnOnce(&mut Rng) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where the stream stands.
    pub fn state(&self) -> RngState {
        self.draw(|rng| rng.state())
    }

    /// Puts the stream where another stood.
    pub fn set_state(&self, state: &RngState) {
        self.draw(|rng| *rng = Rng::from_state(state));
    }
}

impl Module for Stream {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.entry(Entry::Stream(self));
    }
}
