//! Hooks: functions that see, and may replace, the gradient of a variable on its way back.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wengert_tensor::{ErrorKind, Float, Result, Site};

use crate::tape::any::AnyVar;
use crate::tape::node::{self, Edge};
use crate::var::Var;

/// Takes a hook off again. Dropping it leaves the hook in place.
pub struct HookHandle {
    node: Edge,
    id: u64,
}

impl HookHandle {
    /// Removes the hook.
    pub fn remove(self) {
        node::meta(&self.node).remove_hook(self.id);
    }
}

/// # Gradients: hooks
impl<T: Float> Var<T> {
    /// Calls `hook` with this variable's whole gradient, each time a backward pass has gathered it. What it
    /// returns (`Some`) goes on instead.
    ///
    /// The hook must not hold this variable: that would be a cycle.
    ///
    /// # Errors
    /// If the variable is not tracked. A hook that returns another shape makes the backward pass fail.
    ///
    /// ```
    /// use wengert::Var;
    /// let x = Var::new([1.0f64, -2.0]).tracked();
    /// let y = x.square();
    /// y.register_hook(|g| Some(g * 10.0))?;
    /// y.sum_all().backward()?;
    /// assert_eq!(x.grad().unwrap().to_vec(), [20.0, -40.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn register_hook(
        &self,
        hook: impl Fn(&Var<T>) -> Option<Var<T>> + Send + Sync + 'static,
    ) -> Result<HookHandle> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let at = Location::caller();
        let node = self
            .edge()
            .ok_or_else(|| Site::at("register_hook", at).error(ErrorKind::NotTracked))?;
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let erased = move |grad: AnyVar| -> Result<AnyVar> {
            Ok(match grad.clone().unwrap::<T>().and_then(|g| hook(&g)) {
                Some(replaced) => AnyVar::wrap(replaced),
                None => grad,
            })
        };
        node::meta(&node).add_hook(id, Arc::new(erased));
        Ok(HookHandle { node, id })
    }
}
