//! The one place that splits work over threads.
//!
//! Invariant: chunks are cut by size, never by the number of threads, and what a chunk computes does
//! not depend on which thread runs it: results have the same bits for any number of threads.

use rayon::prelude::*;

/// Nanoseconds of work below which a chunk is not worth handing to another thread: waking a sleeping
/// rayon worker costs 5 to 20 us.
const GRAIN_NS: usize = 50_000;

/// The least elements of a chunk: fewer never leave the thread.
pub(crate) const LEAST_CHUNK: usize = 4096;

/// How many elements make a chunk of an elementwise kernel that spends `cost` tenths of a nanosecond
/// on each; a multiple of 1024 that keeps the chunk's operands within the L2 cache.
pub(crate) fn chunk_len(cost: u32) -> usize {
    let by_time = GRAIN_NS * 10 / (cost.max(1) as usize);
    by_time.clamp(LEAST_CHUNK, 1 << 17) & !1023
}

/// Runs `f(0) … f(count - 1)`, on several threads where there are several calls.
#[inline]
pub(crate) fn for_each(count: usize, f: impl Fn(usize) + Sync + Send) {
    if count <= 1 || rayon::current_num_threads() == 1 {
        for i in 0..count {
            f(i);
        }
    } else {
        (0..count).into_par_iter().for_each(f);
    }
}

/// Runs `f` with kernels using exactly `threads` threads; for tests and measurements. The pool is
/// made for the call. Where the system refuses the threads, `f` runs on the pool there is.
pub fn with_threads<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(f),
        Err(_) => f(),
    }
}
