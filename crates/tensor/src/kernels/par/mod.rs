//! The one place that splits work over threads.
//!
//! Invariant: chunks are cut by size, never by the number of threads, and what a chunk computes does
//! not depend on which thread runs it: results have the same bits for any number of threads.

mod pool;

use std::cell::Cell;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::reduce::Shared;
use crate::env;
use crate::memory::AllocError;
use pool::{Chunk, Pool};

/// Nanoseconds of work of a chunk: small beside what a thread costs to wake (5 to 10 us), large beside
/// what it costs to hand one out (0.1 us).
const GRAIN_NS: usize = 50_000;

/// The least elements of a chunk: fewer never leave the thread.
const LEAST_CHUNK: usize = 4096;

/// How many elements make a chunk of an elementwise kernel that spends `cost` tenths of a nanosecond
/// on each; a multiple of 1024 that keeps the chunk's operands within the L2 cache.
pub(crate) fn chunk_len(cost: u32) -> usize {
    let by_time = GRAIN_NS * 10 / (cost.max(1) as usize);
    by_time.clamp(LEAST_CHUNK, 1 << 17) & !1023
}

/// [`chunk_len`] for a job of `len` elements, which it cuts evenly where it cuts it: small ones are spared a division
/// that costs as much as they do.
#[inline]
pub(crate) fn chunk_for(len: usize, cost: u32) -> usize {
    if len <= LEAST_CHUNK {
        return LEAST_CHUNK;
    }
    match chunk_len(cost) {
        chunk if len <= chunk => chunk,
        chunk => even(len, chunk).next_multiple_of(1024),
    }
}

/// How long the pieces of a job of `len` are, up to `most`: as many as 2, 4 or 8 threads share evenly, the last no
/// shorter than it must be.
fn even(len: usize, most: usize) -> usize {
    let count = len.div_ceil(most.max(1));
    let count = match count {
        0..8 => count.next_power_of_two(),
        _ => count.next_multiple_of(8),
    };
    len.div_ceil(count).max(1)
}

/// The threads of kernels called from anywhere, made when there is work for several.
static POOL: OnceLock<Pool> = OnceLock::new();

thread_local! {
    /// The pool that [`with_threads`] made, null where it is not in force.
    static OVERRIDE: Cell<*const Pool> = const { Cell::new(std::ptr::null()) };
}

/// As many threads as `WENGERT_NUM_THREADS` says, else as many as the process may run at once.
fn default_pool() -> Pool {
    let told = env::setting("WENGERT_NUM_THREADS", "a whole number, at least 1", |n| {
        env::number(n, 1)
    });
    let threads =
        told.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    Pool::new(threads)
}

#[inline]
fn with_pool<R>(f: impl FnOnce(&Pool) -> R) -> R {
    let over = OVERRIDE.with(Cell::get);
    if over.is_null() {
        f(POOL.get_or_init(default_pool))
    } else {
        // SAFETY: `with_threads` keeps the pool for as long as the pointer stands.
        f(unsafe { &*over })
    }
}

/// Runs `f(0) … f(count - 1)`, on several threads where there are several calls.
#[inline]
pub(crate) fn for_each(count: usize, f: impl Fn(usize) + Sync + Send) {
    for_each_on(count, |_, i| f(i));
}

/// As [`for_each`], of `f(k, i)`, where `k` is the thread's number, less than [`num_threads`] and `count`: no other
/// thread has it meanwhile, and in the next call this one has it again. What a thread finds in place `k` of a buffer,
/// it left there itself, in its own cache.
#[inline]
pub(crate) fn for_each_on(count: usize, f: impl Fn(usize, usize) + Sync + Send) {
    if count <= 1 {
        (0..count).for_each(|i| f(0, i));
    } else {
        share(count, &f);
    }
}

/// [`for_each_on`] of several calls, which finds the pool: there once, not once a kernel.
#[inline(never)]
fn share(count: usize, f: &dyn Chunk) {
    with_pool(|pool| pool.run(count, f));
}

/// Runs `f` on ranges that make `0..count` together, [`even`] pieces of at most `most`.
#[inline]
pub(crate) fn for_pieces(count: usize, most: usize, f: impl Fn(Range<usize>) + Sync + Send) {
    let each = even(count, most);
    for_each(count.div_ceil(each), |t| {
        f(t * each..(t * each + each).min(count))
    });
}

/// Runs `f` on the rows, of `row` elements each, that make `all` together: [`even`] pieces of at most `most` rows, each
/// with the number of its first.
pub(crate) fn for_rows_mut<T: Send + Sync>(
    all: &mut [T],
    row: usize,
    most: usize,
    f: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    let (rows, start) = (all.len() / row.max(1), Shared(all.as_mut_ptr()));
    for_pieces(rows, most, |r| {
        let at = start.get().wrapping_add(r.start * row);
        // SAFETY: within `all`, which is borrowed meanwhile, and pieces are disjoint.
        f(r.start, unsafe {
            std::slice::from_raw_parts_mut(at, r.len() * row)
        });
    });
}

/// As [`for_each`], of calls that memory may be refused to: the last such error.
pub(crate) fn try_for_each(
    count: usize,
    f: impl Fn(usize) -> Result<(), AllocError> + Sync + Send,
) -> Result<(), AllocError> {
    let refused = AtomicUsize::new(0);
    for_each(count, |i| {
        if let Err(e) = f(i) {
            refused.store(e.bytes, Ordering::Relaxed);
        }
    });
    match refused.into_inner() {
        0 => Ok(()),
        bytes => Err(AllocError { bytes }),
    }
}

/// How many threads a kernel called here may use.
///
/// The environment variable `WENGERT_NUM_THREADS` sets it for the process; else it is the number that the process may
/// run at once. Results have the same bits for any number.
///
/// ```
/// use wengert::tensor::{num_threads, with_threads};
/// assert!(num_threads() >= 1);
/// assert_eq!(with_threads(3, num_threads), 3);
/// ```
pub fn num_threads() -> usize {
    with_pool(Pool::threads)
}

/// Runs `f` with the kernels that this thread calls using `threads` threads, made for the call when first needed (fewer
/// where the system refuses them).
pub fn with_threads<R>(threads: usize, f: impl FnOnce() -> R) -> R {
    struct Restore(*const Pool);
    impl Drop for Restore {
        fn drop(&mut self) {
            OVERRIDE.with(|c| c.set(self.0));
        }
    }
    let pool = Pool::new(threads);
    // Declared after the pool, hence dropped before it, on a panic as well.
    let _restore = Restore(OVERRIDE.with(|c| c.replace(&raw const pool)));
    f()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU8;

    #[test]
    fn pieces_make_the_whole_and_are_shared_evenly() {
        for most in [0, 1, 2, 3, 7, 100] {
            for count in (0..70).chain([99, 100, 101, 799, 800, 801, 1234]) {
                let done: Vec<AtomicU8> = (0..count).map(|_| AtomicU8::new(0)).collect();
                let pieces = AtomicUsize::new(0);
                for_pieces(count, most, |r| {
                    assert!(!r.is_empty() && r.len() <= most.max(1), "{r:?} of {count}");
                    pieces.fetch_add(1, Ordering::Relaxed);
                    done[r].iter().for_each(|d| {
                        d.fetch_add(1, Ordering::Relaxed);
                    });
                });
                assert!(done.iter().all(|d| d.load(Ordering::Relaxed) == 1));
                let least = count.div_ceil(most.max(1));
                let pieces = pieces.into_inner();
                assert!(pieces <= 2 * least && pieces >= least);
            }
        }
        // Cut by length alone, 9 or 11 pieces would be 5 or 6 for one of two threads.
        for (count, most, pieces) in [
            (1 << 20, 124_928, 16),
            (1024, 122, 16),
            (200_704, 40_960, 8),
            (300, 100, 4),
            (150, 100, 2),
        ] {
            let mut total = AtomicUsize::new(0);
            for_pieces(count, most, |_| {
                total.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(*total.get_mut(), pieces, "{count} by {most}");
        }
    }
}
