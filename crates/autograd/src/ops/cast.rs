//! Conversion between float types. The engine casts a gradient back to the type of its value.

use std::panic::Location;

use wengert_tensor::{Float, Result};

use crate::tape::mode;
use crate::tape::node;
use crate::tape::rule::{Cx, Grads, Rule, one};
use crate::var::Var;

/// # Element types
impl<T: Float> Var<T> {
    /// Every element in another float type; gradient: `dy` cast back. (Casts to integers and masks
    /// have no gradient: `x.value().cast::<i64>()`.)
    #[track_caller]
    #[inline(never)]
    pub fn cast<U: Float>(&self) -> Var<U> {
        let value = self.value.cast::<U>();
        let node = self
            .node
            .as_ref()
            .filter(|_| mode::is_recording())
            .map(|n| {
                node::push::<U, Cast, _>(&value, [Some(n.clone())], || Cast, Location::caller())
            });
        Var { value, node }
    }
}

struct Cast;
impl<T: Float> Rule<T> for Cast {
    fn name(&self) -> &'static str {
        "cast"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(dy.clone())
    }
}
