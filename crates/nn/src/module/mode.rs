//! Training and evaluation mode.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Entry, Module, Visitor};

/// Whether a layer trains or evaluates; for layers that differ, like dropout.
#[derive(Debug)]
pub struct Training(AtomicBool);

impl Default for Training {
    /// Training.
    fn default() -> Training {
        Training(AtomicBool::new(true))
    }
}

/// A mode of its own, as it is now.
impl Clone for Training {
    fn clone(&self) -> Training {
        Training(AtomicBool::new(self.get()))
    }
}

impl Training {
    /// Whether it trains.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
    /// Changes it.
    pub fn set(&self, training: bool) {
        self.0.store(training, Ordering::Relaxed);
    }
}

impl Module for Training {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.entry(Entry::Training(self));
    }
}
