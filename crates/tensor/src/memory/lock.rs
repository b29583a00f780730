//! A lock for what is held for some nanoseconds.
//!
//! A training step of a small network takes some twenty locks that nobody else wants. `std`'s costs two locked
//! instructions each (its unlocking must learn whether somebody sleeps), and a look at whether the thread panics; this
//! one costs one. The price: who waits looks again and again, so it is not for what is held long and much wanted.

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A mutual exclusion lock like [`Mutex`](std::sync::Mutex), cheaper where nobody waits. It is not poisoned: after a
/// panic under it, the value is as the panic left it.
///
/// Who finds it taken spins, then yields, then sleeps for 50 µs at a time. It is not fair, and a thread that locks it twice
/// waits for ever.
///
/// ```
/// use wengert::tensor::memory::Lock;
/// let sum = Lock::new(0);
/// std::thread::scope(|s| {
///     for i in 1..=4 {
///         let sum = &sum;
///         s.spawn(move || *sum.lock() += i);
///     }
/// });
/// assert_eq!(*sum.lock(), 10);
/// ```
#[repr(C)]
pub struct Lock<T> {
    /// 0 or 1. A whole word: with a byte, compilers move the padding behind it together with the value, in pieces that
    /// lie across what was just stored.
    taken: AtomicUsize,
    value: UnsafeCell<T>,
}

// SAFETY: as for `Mutex`: the lock hands the value to one thread at a time.
unsafe impl<T: Send> Sync for Lock<T> {}

/// The value of a [`Lock`], until it is dropped.
pub struct LockGuard<'a, T> {
    lock: &'a Lock<T>,
    /// `Send` and `Sync` as that of `std`.
    marker: PhantomData<MutexGuard<'a, T>>,
}

impl<T> Lock<T> {
    /// An unlocked value.
    #[inline]
    pub const fn new(value: T) -> Lock<T> {
        Lock {
            taken: AtomicUsize::new(0),
            value: UnsafeCell::new(value),
        }
    }

    /// The value for this thread alone, as soon as no other has it.
    #[inline]
    pub fn lock(&self) -> LockGuard<'_, T> {
        // Acquire, to see what the one before wrote.
        if self.taken.swap(1, Ordering::Acquire) != 0 {
            wait(&self.taken);
        }
        LockGuard {
            lock: self,
            marker: PhantomData,
        }
    }

    /// The value, which nobody else can have: no lock is taken.
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

/// Until `taken` is 0, and the caller has made it 1.
#[cold]
#[inline(never)]
fn wait(taken: &AtomicUsize) {
    let mut turns = 0u32;
    loop {
        // Reading alone leaves the line with the one who has the lock.
        while taken.load(Ordering::Relaxed) != 0 {
            match turns {
                0..100 => std::hint::spin_loop(),
                100..200 => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(50)),
            }
            turns += 1;
        }
        if taken.swap(1, Ordering::Acquire) == 0 {
            return;
        }
    }
}

impl<T> Deref for LockGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is this guard's, so that no other reference to the value is used until its drop.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for LockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and the guard is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for LockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Release, so that the next one sees what was written. Nobody sleeps until told, so a store is enough.
        self.lock.taken.store(0, Ordering::Release);
    }
}

impl<T> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;

    use super::*;

    #[test]
    fn one_at_a_time() {
        // Two words that are equal whenever nobody is between them.
        let pair = Lock::new((0u64, 0u64));
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..20_000 {
                        let mut pair = pair.lock();
                        assert_eq!(pair.0, pair.1);
                        pair.0 += 1;
                        pair.1 += 1;
                    }
                });
            }
        });
        assert_eq!(*pair.lock(), (80_000, 80_000));
    }

    #[test]
    fn who_waits_long_gets_it() {
        let lock = Lock::new(Vec::new());
        let held = lock.lock();
        std::thread::scope(|s| {
            let waiter = s.spawn(|| lock.lock().push(2));
            // Long enough for the waiter to have come to sleep.
            std::thread::sleep(Duration::from_millis(20));
            let mut held = held;
            held.push(1);
            drop(held);
            assert!(waiter.join().is_ok());
        });
        assert_eq!(*lock.lock(), [1, 2]);
    }

    #[test]
    fn a_panic_under_it_unlocks_it() {
        let mut lock = Lock::new(1);
        let failed = catch_unwind(AssertUnwindSafe(|| {
            let mut held = lock.lock();
            *held = 2;
            panic!("on purpose");
        }));
        assert!(failed.is_err());
        assert_eq!(*lock.lock(), 2);
        assert_eq!(*lock.get_mut(), 2);
    }

    #[test]
    fn the_value_is_dropped_with_it() {
        let value = Arc::new(());
        let lock = Lock::new(Some(value.clone()));
        drop(lock.lock());
        assert_eq!(Arc::strong_count(&value), 2);
        drop(lock);
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
