//! A place that is filled once, of one word.
//!
//! Every node of a tape has a place for hooks, which few ever fill: `std`'s `OnceLock<Box<T>>` takes two words for it.

use std::fmt;
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Nothing, or from some moment on a value in a box, like [`OnceLock<Box<T>>`](std::sync::OnceLock) in half the room.
///
/// ```
/// use wengert::tensor::memory::OnceBox;
/// let place = OnceBox::new();
/// assert_eq!(place.get(), None);
/// assert_eq!(place.get_or_init(|| 7), &7);
/// assert_eq!(place.get_or_init(|| 8), &7);
/// ```
pub struct OnceBox<T> {
    /// Null, or from `Box::into_raw` and this place's own; it changes once.
    value: AtomicPtr<T>,
    marker: PhantomData<Box<T>>,
}

// SAFETY: as for `OnceLock`: who shares the place shares the value, and may be the one who puts it there.
unsafe impl<T: Send + Sync> Sync for OnceBox<T> {}

impl<T> OnceBox<T> {
    /// An empty place.
    #[inline]
    pub const fn new() -> OnceBox<T> {
        OnceBox {
            value: AtomicPtr::new(ptr::null_mut()),
            marker: PhantomData,
        }
    }

    /// What lies there.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // Acquire, to see what was written before the value was put there.
        // SAFETY: a pointer that is not null is a box's, which is dropped with the place alone.
        unsafe { self.value.load(Ordering::Acquire).as_ref() }
    }

    /// What lies there, put there now if there is nothing. Of several threads one puts its own, the others drop theirs.
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let made = Box::into_raw(Box::new(make()));
        let empty = ptr::null_mut();
        // Release what `make` wrote; acquire what another did.
        let put = self
            .value
            .compare_exchange(empty, made, Ordering::AcqRel, Ordering::Acquire);
        let held = match put {
            Ok(_) => made,
            Err(first) => {
                // SAFETY: made above, and nobody else has seen it.
                drop(unsafe { Box::from_raw(made) });
                first
            }
        };
        // SAFETY: as in `get`.
        unsafe { &*held }
    }
}

impl<T> Default for OnceBox<T> {
    fn default() -> OnceBox<T> {
        OnceBox::new()
    }
}

impl<T> Drop for OnceBox<T> {
    #[inline]
    fn drop(&mut self) {
        let value = *self.value.get_mut();
        if !value.is_null() {
            // SAFETY: a box's, and nobody has the place any more.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceBox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnceBox").field(&self.get()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn it_is_filled_once_and_dropped_with_the_place() {
        let values: Vec<Arc<usize>> = (0..4).map(Arc::new).collect();
        let place = OnceBox::new();
        std::thread::scope(|s| {
            for value in &values {
                let place = &place;
                s.spawn(move || {
                    let held: *const Arc<usize> = place.get_or_init(|| value.clone());
                    assert!(place.get().is_some_and(|v| ptr::eq(v, held)));
                });
            }
        });
        let held = || values.iter().map(Arc::strong_count).sum::<usize>() - values.len();
        assert_eq!(held(), 1);
        drop(place);
        assert_eq!(held(), 0);
        assert_eq!(size_of::<OnceBox<Arc<usize>>>(), size_of::<usize>());
    }
}
