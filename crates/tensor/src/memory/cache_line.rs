//! The cache line of the processor: how long it is, and how one is asked for ahead of its use.

/// Bytes that a fetch from memory brings.
pub(crate) const CACHE_LINE: usize = 64;

/// Asks for the cache line at `p`, which may be any address.
#[inline(always)]
pub(crate) fn prefetch(p: *const u8) {
    // SAFETY: a hint; it faults at no address, and every x86-64 has it.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(p as *const i8);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = p;
}
