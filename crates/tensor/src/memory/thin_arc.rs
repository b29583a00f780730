//! A counted pointer to a value of any type, in memory of the tensors' cache.
//!
//! A tape makes and drops a node for each op. The system's allocator keeps seven free chunks of a size at hand and
//! files the rest at a cost of some 350 instructions a node; from the cache it is 60. Invariant: as for every block,
//! the count is that of the handles, and the value is dropped once, by the last.

use std::fmt;
use std::marker::PhantomData;
use std::mem::{MaybeUninit, offset_of};
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cache_line::prefetch;
use super::system::{HEADER, Header};
use super::{AllocError, thread};

/// Where the pointer to the value lies: behind what a header keeps while its block has handles. (The rest of the header,
/// and the bytes after it, are the cache's only while there is no handle.)
const SEEN: usize = offset_of!(Header, link);

/// The lines of a block that [`ThinArc::prefetch`] asks for, of 64 bytes: what the node of a small op on the tape has.
const LINES: usize = 2;

/// A counted pointer like [`Arc`](std::sync::Arc), without weak ones; its memory comes from, and returns to, the cache
/// that tensors use. What cannot be had is a panic that unwinds, not an abort.
///
/// It is one word, for a trait object too: the pointer with the vtable lies beside the value, and so does a head `H`, which
/// is read without a call. (A handle of two words is moved by sixteen bytes, which waits where two stores wrote them.)
///
/// ```
/// use wengert::tensor::memory::ThinArc;
/// let a: ThinArc<dyn std::fmt::Debug, usize> = ThinArc::make(|| "a value", || 7, |v| v);
/// let mut b = a.clone();
/// assert!(ThinArc::get_mut(&mut b).is_none());
/// drop(a);
/// assert!(ThinArc::get_mut(&mut b).is_some());
/// assert_eq!(format!("{:?} of {}", &*b, ThinArc::head(&b)), "\"a value\" of 7");
/// ```
pub struct ThinArc<U: ?Sized, H = ()> {
    block: NonNull<Header>,
    marker: PhantomData<(Box<U>, H)>,
}

// SAFETY: as for `Arc`: handles share the value and its head, and the last may drop them on any thread.
unsafe impl<U: ?Sized + Send + Sync, H: Send + Sync> Send for ThinArc<U, H> {}
// SAFETY: as above.
unsafe impl<U: ?Sized + Send + Sync, H: Send + Sync> Sync for ThinArc<U, H> {}

impl<U: ?Sized> ThinArc<U> {
    /// A pointer to this value, seen as `U`: `unsize` is `|v| v`, which makes a trait object of it.
    ///
    /// # Panics
    /// If the memory is refused, or `unsize` answers another value than the one it is given.
    #[inline]
    #[track_caller]
    pub fn new<T>(value: T, unsize: for<'a> fn(&'a mut T) -> &'a mut U) -> ThinArc<U> {
        ThinArc::make(|| value, || (), unsize)
    }
}

impl<U: ?Sized, H> ThinArc<U, H> {
    const HEAD: usize = (SEEN + size_of::<NonNull<U>>()).next_multiple_of(align_of::<H>());

    /// A pointer to a value and its head, both made in their places, if the compiler can: a large one is then not moved.
    ///
    /// # Panics
    /// As [`ThinArc::new`], and if `make` or `head` does.
    #[inline(always)]
    #[track_caller]
    pub fn make<T>(
        make: impl FnOnce() -> T,
        head: impl FnOnce() -> H,
        unsize: for<'a> fn(&'a mut T) -> &'a mut U,
    ) -> ThinArc<U, H> {
        const { assert!(align_of::<T>() <= align_of::<Header>()) };
        const { assert!(align_of::<H>() <= align_of::<Header>()) };
        let at = (Self::HEAD + size_of::<H>()).next_multiple_of(align_of::<T>());
        let bytes = (at + size_of::<T>()).saturating_sub(HEADER);
        let Some(block) = thread::take(bytes) else {
            panic!("{}", AllocError { bytes });
        };
        let unfinished = Give(block);
        let start = block.as_ptr().cast::<u8>();
        // SAFETY: the block is this function's alone and is at least `HEADER + bytes` long, so the value fits behind `at`,
        // where it is aligned, since the block is to 64 bytes.
        let place = unsafe { &mut *start.add(at).cast::<MaybeUninit<T>>() };
        let value = place.write(make());
        let address = &raw const *value as *const u8;
        let seen = unsize(value);
        // A part of the value would be dropped in place of the whole.
        assert!(
            std::ptr::addr_eq(seen, address) && size_of_val(seen) == size_of::<T>(),
            "another value than the one given"
        );
        // SAFETY: as above: between the header's own and the value lie the pointer and the head, both aligned. All is
        // written before there is a handle.
        unsafe {
            start
                .add(SEEN)
                .cast::<NonNull<U>>()
                .write(NonNull::from(seen));
            start.add(Self::HEAD).cast::<H>().write(head());
            (*block.as_ptr()).refs.store(1, Ordering::Relaxed);
        }
        std::mem::forget(unfinished);
        ThinArc {
            block,
            marker: PhantomData,
        }
    }

    #[inline(always)]
    fn seen(&self) -> NonNull<U> {
        // SAFETY: written in `make`, and not since.
        unsafe {
            self.block
                .as_ptr()
                .cast::<u8>()
                .add(SEEN)
                .cast::<NonNull<U>>()
                .read()
        }
    }

    #[inline(always)]
    fn place(&self) -> *mut H {
        // SAFETY: within the block: `make` put the head there.
        unsafe { self.block.as_ptr().cast::<u8>().add(Self::HEAD).cast() }
    }

    /// What lies beside the value.
    #[inline(always)]
    pub fn head(this: &Self) -> &H {
        // SAFETY: the head lives while a handle does, and is not written.
        unsafe { &*this.place() }
    }

    #[inline(always)]
    fn refs(&self) -> &AtomicUsize {
        // SAFETY: the block lives while a handle does; no reference covers the rest of the header.
        unsafe { &(*self.block.as_ptr()).refs }
    }

    /// The head and the value, if this is the only handle.
    #[inline]
    pub fn get_mut(this: &mut Self) -> Option<(&H, &mut U)> {
        // Acquire, to see what former handles wrote; a second handle could only come from this one.
        let alone = this.refs().load(Ordering::Acquire) == 1;
        if !alone {
            return None;
        }
        let mut seen = this.seen();
        // SAFETY: this handle is the only one, and it is borrowed.
        Some((ThinArc::head(this), unsafe { seen.as_mut() }))
    }

    /// Asks for the value to be brought into the cache, for who will read it in a hundred nanoseconds: a hint.
    #[inline]
    pub fn prefetch(this: &Self) {
        let block = this.block.as_ptr() as *const u8;
        for line in 0..LINES {
            prefetch(block.wrapping_add(line * align_of::<Header>()));
        }
    }

    /// The address of the block: the same for clones, different for values that live at the same time.
    #[inline]
    pub fn address(this: &Self) -> usize {
        this.block.as_ptr() as usize
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

impl<U: ?Sized, H> Deref for ThinArc<U, H> {
    type Target = U;
    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: the value lives while a handle does, and is written only through `get_mut`.
        unsafe { &*self.seen().as_ptr() }
    }
}

impl<U: ?Sized, H> Clone for ThinArc<U, H> {
    #[inline]
    fn clone(&self) -> Self {
        super::retain(self.refs());
        ThinArc {
            block: self.block,
            marker: PhantomData,
        }
    }
}

impl<U: ?Sized, H> Drop for ThinArc<U, H> {
    #[inline]
    fn drop(&mut self) {
        if !super::release(self.refs()) {
            return;
        }
        let _give = Give(self.block);
        // SAFETY: this was the last handle, and each is dropped once (the head not, where the value's drop unwinds).
        unsafe {
            self.seen().drop_in_place();
            self.place().drop_in_place();
        }
    }
}

impl<U: ?Sized + fmt::Debug, H> fmt::Debug for ThinArc<U, H> {
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
        let a: ThinArc<Noted> = ThinArc::new(Noted(drops.clone(), [7; 40]), |v| v);
        let b = a.clone();
        assert_eq!(ThinArc::address(&a), ThinArc::address(&b));
        drop(a);
        assert_eq!((drops.get(), b.1[39]), (0, 7));
        drop(b);
        assert_eq!(drops.get(), 1);
    }

    #[test]
    fn a_head_lies_beside_a_value_of_any_alignment_and_goes_with_it() {
        #[repr(align(64))]
        struct Wide(u8);
        let drops = Rc::new(Cell::new(0));
        let head = || Noted(drops.clone(), [7; 40]);
        let wide: ThinArc<Wide, Noted> = ThinArc::make(|| Wide(3), head, |v| v);
        let flat: ThinArc<[u8], Noted> = ThinArc::make(|| [4u8; 3], head, |v| v);
        let (other, mut last) = (wide.clone(), flat.clone());
        drop((wide, flat));
        assert_eq!((&raw const *other).cast::<u8>() as usize % 64, 0);
        assert_eq!((other.0, &last[..]), (3, &[4; 3][..]));
        let (beside, value) = ThinArc::get_mut(&mut last).unwrap();
        assert_eq!((beside.1[39], value.len(), drops.get()), (7, 3, 0));
        drop(other);
        assert_eq!(drops.get(), 1);
        drop(last);
        assert_eq!(drops.get(), 2);
        assert_eq!(
            size_of::<Option<ThinArc<dyn fmt::Debug>>>(),
            size_of::<usize>()
        );
    }

    #[test]
    fn a_part_is_not_the_value() {
        let part = || ThinArc::<u64>::new([1u64, 2], |v| &mut v[0]);
        assert!(catch_unwind(part).is_err());
    }

    #[test]
    fn values_of_any_size_and_many_at_once() {
        let many: Vec<ThinArc<[u8]>> = (0..5000u32)
            .map(|i| match i % 3 {
                0 => ThinArc::new([i as u8; 1], |v| v as &mut [u8]),
                1 => ThinArc::new([i as u8; 33], |v| v as &mut [u8]),
                _ => ThinArc::new([i as u8; 700], |v| v as &mut [u8]),
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
            let make = || ThinArc::<u64>::make(|| panic!("on purpose"), || (), |v| v);
            assert!(catch_unwind(make).is_err());
            let head = || ThinArc::<u64, u64>::make(|| 1u64, || panic!("on purpose"), |v| v);
            assert!(catch_unwind(head).is_err());
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
        let c: ThinArc<Fails> = ThinArc::new(Fails, |v| v);
        let before = super::super::stats().live_blocks;
        assert!(catch_unwind(AssertUnwindSafe(|| drop(c))).is_err());
        assert!(super::super::stats().live_blocks <= before + 64);
    }
}
