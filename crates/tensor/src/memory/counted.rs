//! A counted pointer to a value of any type, in memory of the tensors' cache.
//!
//! A tape makes and drops a node for each op. The system's allocator keeps seven free chunks of a size at hand and
//! files the rest at a cost of some 350 instructions a node; from the cache it is 60. Invariant: as for every block,
//! the count is that of the handles, and the value is dropped once, by the last.

use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::system::{HEADER, Header};
use super::{AllocError, thread};
use crate::kernels::isa::prefetch;

/// Where the value begins: behind what a header keeps while its block has handles. (The rest of the header, and the
/// bytes after it, are the cache's only while there is no handle.)
const AT: usize = 32;
const _: () = assert!(std::mem::offset_of!(Header, link) <= AT && AT <= HEADER);

/// A counted pointer like [`Arc`](std::sync::Arc), without weak ones; its memory comes from, and returns to, the cache
/// that tensors use. What cannot be had is a panic that unwinds, not an abort.
///
/// ```
/// use wengert_tensor::memory::Counted;
/// let a: Counted<dyn std::fmt::Debug> = Counted::new("a value", |v| v);
/// let mut b = a.clone();
/// assert!(Counted::get_mut(&mut b).is_none());
/// drop(a);
/// assert!(Counted::get_mut(&mut b).is_some());
/// assert_eq!(format!("{:?}", &*b), "\"a value\"");
/// ```
pub struct Counted<U: ?Sized> {
    value: NonNull<U>,
}

// SAFETY: as for `Arc`: handles share the value, and the last may drop it on any thread.
unsafe impl<U: ?Sized + Send + Sync> Send for Counted<U> {}
// SAFETY: as above.
unsafe impl<U: ?Sized + Send + Sync> Sync for Counted<U> {}

impl<U: ?Sized> Counted<U> {
    /// A pointer to this value, seen as `U`: `unsize` is `|v| v`, which makes a trait object of it.
    ///
    /// # Panics
    /// If the memory is refused, or `unsize` answers another value than the one it is given.
    #[inline]
    #[track_caller]
    pub fn new<T>(value: T, unsize: for<'a> fn(&'a mut T) -> &'a mut U) -> Counted<U> {
        Counted::make(|| value, unsize)
    }

    /// [`Counted::new`] of a value that is made in its place, if the compiler can: a large one is then not moved.
    ///
    /// # Panics
    /// As [`Counted::new`], and if `make` does.
    #[inline(always)]
    #[track_caller]
    pub fn make<T>(
        make: impl FnOnce() -> T,
        unsize: for<'a> fn(&'a mut T) -> &'a mut U,
    ) -> Counted<U> {
        const { assert!(align_of::<T>() <= AT) };
        let bytes = (AT + size_of::<T>()).saturating_sub(HEADER);
        let Some(block) = thread::take(bytes) else {
            panic!("{}", AllocError { bytes });
        };
        let unfinished = Give(block);
        let at = block.as_ptr().cast::<u8>();
        // SAFETY: the block is this function's alone and is at least `HEADER + bytes` long, so the value fits behind `AT`,
        // where it is aligned, since the block is to 64 bytes. The count is set before there is a handle.
        let place = unsafe {
            (*block.as_ptr()).refs.store(1, Ordering::Relaxed);
            &mut *at.add(AT).cast::<MaybeUninit<T>>()
        };
        let value = place.write(make());
        let address = &raw const *value as *const u8;
        let seen = unsize(value);
        // A part of the value would be dropped in place of the whole.
        assert!(
            std::ptr::addr_eq(seen, address) && size_of_val(seen) == size_of::<T>(),
            "another value than the one given"
        );
        std::mem::forget(unfinished);
        Counted {
            value: NonNull::from(seen),
        }
    }

    #[inline]
    fn block(&self) -> NonNull<Header> {
        // SAFETY: `new` put the value `AT` bytes behind the start of its block.
        unsafe { self.value.cast::<u8>().sub(AT).cast() }
    }

    #[inline]
    fn refs(&self) -> &AtomicUsize {
        // SAFETY: the block lives while a handle does; no reference covers the rest of the header.
        unsafe { &(*self.block().as_ptr()).refs }
    }

    /// The value, if this is the only handle.
    #[inline]
    pub fn get_mut(this: &mut Self) -> Option<&mut U> {
        // Acquire, to see what former handles wrote; a second handle could only come from this one.
        let alone = this.refs().load(Ordering::Acquire) == 1;
        if !alone {
            return None;
        }
        // SAFETY: this handle is the only one, and it is borrowed.
        Some(unsafe { this.value.as_mut() })
    }

    /// Asks for the value to be brought into the cache, for who will read it in a hundred nanoseconds: a hint.
    #[inline]
    pub fn prefetch(this: &Self) {
        let block = this.block().as_ptr() as *const u8;
        let end = AT + size_of_val(&**this);
        let mut line = 0;
        while line < end {
            prefetch(block.wrapping_add(line));
            line += HEADER;
        }
    }

    /// The address of the value: the same for clones, different for values that live at the same time.
    #[inline]
    pub fn address(this: &Self) -> usize {
        this.value.cast::<u8>().as_ptr() as usize
    }
}

/// Gives a block back: also where the making of its value unwinds, or the value's drop.
struct Give(NonNull<Header>);
impl Drop for Give {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: there is no handle to the block yet, or the last is being dropped.
        unsafe { thread::give(self.0) }
    }
}

impl<U: ?Sized> Deref for Counted<U> {
    type Target = U;
    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: the value lives while a handle does, and is written only through `get_mut`.
        unsafe { self.value.as_ref() }
    }
}

impl<U: ?Sized> Clone for Counted<U> {
    #[inline]
    fn clone(&self) -> Self {
        super::retain(self.refs());
        Counted { value: self.value }
    }
}

impl<U: ?Sized> Drop for Counted<U> {
    #[inline]
    fn drop(&mut self) {
        if !super::release(self.refs()) {
            return;
        }
        let _give = Give(self.block());
        // SAFETY: this was the last handle.
        unsafe { self.value.drop_in_place() }
    }
}

impl<U: ?Sized + fmt::Debug> fmt::Debug for Counted<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::rc::Rc;

    use super::*;

    struct Noted(Rc<Cell<u32>>, [u64; 40]);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            assert_eq!(self.1, [7; 40]);
        }
    }

    #[test]
    fn the_last_handle_drops_the_value_once() {
        let drops = Rc::new(Cell::new(0));
        let a: Counted<Noted> = Counted::new(Noted(drops.clone(), [7; 40]), |v| v);
        let b = a.clone();
        assert_eq!(Counted::address(&a), Counted::address(&b));
        drop(a);
        assert_eq!((drops.get(), b.1[39]), (0, 7));
        drop(b);
        assert_eq!(drops.get(), 1);
    }

    #[test]
    fn a_part_is_not_the_value() {
        let part = || Counted::<u64>::new([1u64, 2], |v| &mut v[0]);
        assert!(catch_unwind(part).is_err());
    }

    #[test]
    fn values_of_any_size_and_many_at_once() {
        let many: Vec<Counted<[u8]>> = (0..5000u32)
            .map(|i| match i % 3 {
                0 => Counted::new([i as u8; 1], |v| v as &mut [u8]),
                1 => Counted::new([i as u8; 33], |v| v as &mut [u8]),
                _ => Counted::new([i as u8; 700], |v| v as &mut [u8]),
            })
            .collect();
        for (i, c) in many.iter().enumerate() {
            assert!(c.iter().all(|&b| b == i as u8));
        }
    }

    #[test]
    fn a_value_whose_making_unwinds_gives_the_block_back() {
        let before = super::super::stats().live_blocks;
        for _ in 0..1000 {
            let make = || Counted::<u64>::make(|| panic!("on purpose"), |v| v);
            assert!(catch_unwind(make).is_err());
        }
        assert!(super::super::stats().live_blocks < before + 500);
    }

    #[test]
    fn a_drop_that_unwinds_gives_the_block_back() {
        struct Fails;
        impl Drop for Fails {
            fn drop(&mut self) {
                panic!("on purpose");
            }
        }
        let c: Counted<Fails> = Counted::new(Fails, |v| v);
        let before = super::super::stats().live_blocks;
        assert!(catch_unwind(AssertUnwindSafe(|| drop(c))).is_err());
        assert!(super::super::stats().live_blocks <= before + 64);
    }
}
