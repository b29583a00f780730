//! Memory that is given back is kept, because a fresh page costs more than the arithmetic done on it.
//!
//! The system hands out pages that it zeroes at first touch: filling a fresh 16 MiB takes 9 ms, filling one that was
//! used before takes 0.2 ms. So a tensor's bytes come from a cache and go back to it when the last handle is dropped:
//!
//! - blocks to 1 KiB are asked for by the run, since the system's allocator spends 112 bytes on each alone;
//! - blocks to 64 KiB stay with the thread that dropped them, in free lists that no other thread touches;
//! - larger ones, and what a thread has too much of, go to one cache that all threads share, bounded by
//!   [`cache_limit`]; what has lain there longest leaves first;
//! - blocks of 2 MiB and more ask Linux for huge pages, which makes the first touch ten times cheaper and walks
//!   across rows twice as fast.
//!
//! The one invariant: a block is owned either by its handles (count at least 1) or by exactly one cache, and who owns it
//! has its header, but for what is written at its birth.

pub(crate) mod cache_line;
mod class;
mod lock;
mod once;
mod shared;
mod system;
mod tensor_impl;
mod thin_arc;
mod thread;

use std::fmt;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

#[doc(hidden)]
pub use lock::{Lock, LockGuard};
#[doc(hidden)]
pub use once::OnceBox;
use system::{HEADER, Header};
pub(crate) use tensor_impl::TensorImpl;
#[doc(hidden)]
pub use thin_arc::ThinArc;

/// What the memory of tensors amounts to, over all threads: see [`stats`].
///
/// Bytes are those held from the system: each block's size rounded up to its class, and its header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryStats {
    /// Bytes of the blocks that some tensor, or the tape, holds.
    pub live_bytes: usize,
    /// Blocks that some tensor, or the tape, holds.
    pub live_blocks: usize,
    /// The most that live blocks above 64 KiB have amounted to at once, since the start or [`reset_peak`].
    /// (Smaller ones are left out: to follow them to the byte would cost each of them a lock.)
    pub peak_large_bytes: usize,
    /// Bytes of the blocks that wait in a cache.
    pub cached_bytes: usize,
    /// Times that the system was asked: for a block, or for a run of small ones.
    pub fresh_allocations: u64,
    /// Blocks that were there without asking.
    pub cache_hits: u64,
    /// Times that a write had to copy, because another tensor or the tape held the same buffer.
    pub copies_on_write: u64,
}

/// The figures of the cache at this moment, over all threads.
///
/// They are exact while no other thread allocates or drops a tensor, and nearly so otherwise.
///
/// ```
/// # use wengert::tensor::memory;
/// let stats = memory::stats();
/// assert!(stats.cache_hits + stats.fresh_allocations >= stats.live_blocks as u64);
/// ```
pub fn stats() -> MemoryStats {
    let counts = thread::sum();
    let (shared_bytes, peak_large_bytes) = {
        let shared = shared::lock();
        (shared.bytes(), shared.large_peak())
    };
    // Another thread may be between a list and its counter: never show a balance below zero.
    let balance = |n: usize| (n as isize).max(0) as usize;
    MemoryStats {
        live_bytes: balance(counts.live_bytes),
        live_blocks: balance(counts.live_blocks),
        peak_large_bytes,
        cached_bytes: shared_bytes + counts.cached_bytes,
        fresh_allocations: counts.fresh as u64,
        cache_hits: balance(counts.taken.wrapping_sub(counts.fresh)) as u64,
        copies_on_write: counts.copies as u64,
    }
}

/// Lets [`MemoryStats::peak_large_bytes`] start again from what is live now.
pub fn reset_peak() {
    shared::lock().reset_peak();
}

/// The most bytes that the shared cache keeps: see [`set_cache_limit`].
pub fn cache_limit() -> usize {
    shared::lock().limit()
}

/// Sets how many bytes the shared cache may keep; 0 turns caching off.
///
/// The default is 1 GiB, or the number of bytes in the environment variable `WENGERT_CACHE_BYTES`. The cache cannot hold more than
/// was once live, so the limit only matters for a program whose tensors once filled more than that: such a
/// program should raise it to the size of one training step, since what does not fit is asked of the system again in
/// every step. Not counted are the small blocks (to 64 KiB) that each thread keeps for itself, at most 128 KiB of any one
/// size and 9 MiB in all; with a limit of 0 it keeps none from its next drop on.
///
/// ```
/// # use wengert::tensor::memory;
/// memory::set_cache_limit(256 << 20);
/// assert_eq!(memory::cache_limit(), 256 << 20);
/// ```
pub fn set_cache_limit(bytes: usize) {
    let evicted = shared::lock().set_limit(bytes);
    drop(evicted);
    if bytes == 0 {
        thread::flush();
    }
}

/// Gives every cached block back to the system: the shared ones and those of the calling thread.
///
/// Blocks to 1 KiB come from the system by the run, of 64 KiB at most; a run goes back when none of its blocks is held.
///
/// Other threads keep their few small blocks until they end.
///
/// ```
/// # use wengert::tensor::memory;
/// memory::trim();
/// ```
pub fn trim() {
    thread::flush();
    let evicted = shared::lock().evict_to(0);
    drop(evicted);
}

/// Notes that a write had to copy a shared buffer.
pub(crate) fn count_copy() {
    thread::count_copy();
}

/// A refused allocation of so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AllocError {
    pub(crate) bytes: usize,
}

impl fmt::Display for AllocError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot allocate {} bytes", self.bytes)
    }
}

impl std::error::Error for AllocError {}

/// A block of its owner's alone, for a kernel's scratch: its header, then the bytes, 64-byte aligned, uninitialised when new.
///
/// Who reads or writes the bytes through [`as_ptr`](RawBlock::as_ptr) answers for initialisation and aliasing.
pub(crate) struct RawBlock {
    ptr: NonNull<Header>,
}

// SAFETY: the owner has the block alone, but for the raw pointer, whose every use is the caller's `unsafe`; the drop may
// happen on any thread, since caches take blocks of any.
unsafe impl Send for RawBlock {}
// SAFETY: shared access reaches the immutable capacity alone.
unsafe impl Sync for RawBlock {}

impl RawBlock {
    /// A block of at least `bytes` bytes.
    ///
    /// When the system refuses, the caches are emptied and it is asked once more (up to 1 TiB). Never aborts.
    #[inline]
    pub(crate) fn try_new(bytes: usize) -> Result<RawBlock, AllocError> {
        let ptr = thread::take(bytes).ok_or(AllocError { bytes })?;
        Ok(RawBlock { ptr })
    }

    /// The first byte, 64-byte aligned; valid for [`capacity`](RawBlock::capacity) bytes while the block lives.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        // SAFETY: every block is at least a header long, so the end of the header is in bounds.
        unsafe { self.ptr.as_ptr().cast::<u8>().add(HEADER) }
    }

    /// How many bytes may be used: at least as many as were asked for.
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        // SAFETY: the block is this owner's, and its capacity is never written after its birth.
        unsafe { (*self.ptr.as_ptr()).capacity }
    }
}

/// Counts another handle.
#[inline]
fn retain(refs: &AtomicUsize) {
    // Relaxed as in `Arc`: the new handle comes from a live one.
    let before = refs.fetch_add(1, Ordering::Relaxed);
    if before > isize::MAX as usize {
        refs.fetch_sub(1, Ordering::Relaxed);
        overflow();
    }
}

/// Counts a handle less: whether it was the last. Every former use then comes before what follows.
#[inline]
fn release(refs: &AtomicUsize) -> bool {
    // A count of 1 cannot grow, because only this handle could be cloned: no read-modify-write is needed.
    if refs.load(Ordering::Acquire) != 1 {
        if refs.fetch_sub(1, Ordering::Release) != 1 {
            return false;
        }
        fence(Ordering::Acquire);
    }
    true
}

/// Only handles that were forgotten by the billion lead here; a count that wraps would free a block in use.
#[cold]
#[inline(never)]
fn overflow() -> ! {
    panic!("more handles to one buffer than can be counted");
}

impl Drop for RawBlock {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the owner gives the block up.
        unsafe { thread::give(self.ptr) }
    }
}

impl fmt::Debug for RawBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawBlock")
            .field("ptr", &self.as_ptr())
            .field("capacity", &self.capacity())
            .finish()
    }
}

#[cfg(test)]
mod tests;
