//! Drives an elementwise kernel over strided operands.
//!
//! A kernel only ever sees contiguous runs: where an operand is not contiguous over the block at
//! hand, its elements are gathered into (or, for the output, scattered from) a scratch block in the
//! L1 cache. So an operation is compiled once per element type and instruction set, not once per
//! layout, and this driver is compiled once for all of them.

mod plan;
mod scratch;

use super::isa::{IsaKind, active_isa};
use super::par;
use plan::{MAX_RANK, Plan};
use scratch::{BLOCK, Scratch, fill};

/// `func(isa, params, dst, srcs, block)` over contiguous, non-overlapping runs.
pub type RunFn<const N: usize> = unsafe fn(IsaKind, [f64; 2], *mut u8, [*const u8; N], Block<N>);

/// What a call of a [`RunFn`] covers: `rows` runs of `len` elements, each operand's a step further on
/// than the one before. (One call for many short rows: a call costs as much as 64 elements.)
#[derive(Clone, Copy, Debug)]
pub struct Block<const N: usize> {
    pub(crate) len: usize,
    pub(crate) rows: usize,
    /// Steps from row to row, in bytes.
    pub(crate) dst_step: isize,
    pub(crate) src_steps: [isize; N],
}

impl<const N: usize> Block<N> {
    /// One run.
    #[inline(always)]
    pub(crate) fn run(len: usize) -> Self {
        Block {
            len,
            rows: 1,
            dst_step: 0,
            src_steps: [0; N],
        }
    }
}

/// A compiled elementwise operation of `N` inputs.
#[derive(Clone, Copy)]
pub struct Run<const N: usize> {
    pub(crate) func: RunFn<N>,
    /// Tenths of a nanosecond an element.
    pub(crate) cost: u32,
}

/// An operand: its first element, the size of an element, and its strides in elements, one for each
/// axis of the shape driven over.
#[derive(Clone, Copy)]
pub(crate) struct Operand<'a> {
    pub(crate) ptr: *mut u8,
    pub(crate) size: usize,
    pub(crate) strides: &'a [isize],
}

#[derive(Clone, Copy)]
struct Ptr(*mut u8);
// SAFETY: chunks write disjoint parts of the output and only read the inputs.
unsafe impl Send for Ptr {}
// SAFETY: as above.
unsafe impl Sync for Ptr {}

/// Runs over `len` elements where every operand is contiguous (or, where `splat` says so, one
/// element repeated).
///
/// # Safety
/// `dst` is valid for writes and each source for reads of `len` elements (1 where splat) of the types
/// that `run` was compiled for. A source may be `dst` itself; otherwise they do not overlap.
#[inline(always)]
pub(crate) unsafe fn drive_flat<const N: usize>(
    run: Run<N>,
    params: [f64; 2],
    len: usize,
    dst: (*mut u8, usize),
    srcs: [(*const u8, usize, bool); N],
) {
    let isa = active_isa();
    let chunk = par::chunk_for(len, run.cost);
    // SAFETY: the caller's promise.
    unsafe {
        if len <= chunk {
            flat(run, isa, params, len, dst, srcs);
        } else {
            flat_chunks(run, isa, params, (len, chunk), dst, srcs);
        }
    }
}

/// As [`drive_flat`], on all threads.
///
/// # Safety
/// As for [`drive_flat`].
#[inline(never)]
unsafe fn flat_chunks<const N: usize>(
    run: Run<N>,
    isa: IsaKind,
    params: [f64; 2],
    (len, chunk): (usize, usize),
    dst: (*mut u8, usize),
    srcs: [(*const u8, usize, bool); N],
) {
    let d = Ptr(dst.0);
    let s = srcs.map(|s| (Ptr(s.0 as *mut u8), s.1, s.2));
    par::for_each(len.div_ceil(chunk), move |c| {
        let (d, s) = (d, s);
        let lo = c * chunk;
        // SAFETY: within the caller's ranges, and chunks are disjoint.
        unsafe {
            let sp = s.map(|(p, size, splat)| {
                let at = if splat { 0 } else { lo * size };
                (p.0.add(at) as *const u8, size, splat)
            });
            let dst = (d.0.add(lo * dst.1), dst.1);
            flat(run, isa, params, chunk.min(len - lo), dst, sp);
        }
    });
}

/// As [`drive_flat`], on this thread.
///
/// # Safety
/// As for [`drive_flat`].
#[inline(always)]
unsafe fn flat<const N: usize>(
    run: Run<N>,
    isa: IsaKind,
    params: [f64; 2],
    len: usize,
    dst: (*mut u8, usize),
    srcs: [(*const u8, usize, bool); N],
) {
    // SAFETY: the caller's promise.
    unsafe {
        if srcs.iter().all(|s| !s.2 && !std::ptr::eq(s.0, dst.0)) {
            let sp = srcs.map(|s| s.0);
            (run.func)(isa, params, dst.0, sp, Block::run(len))
        } else if len <= BLOCK && !srcs.iter().any(|s| s.2) {
            in_place(run, isa, params, len, dst, srcs)
        } else {
            flat_blocks(run, isa, params, len, dst, srcs)
        }
    }
}

/// As [`drive_flat`] up to a block, without splats: a run may not read what it writes, so it reads a copy.
///
/// # Safety
/// As for [`drive_flat`].
#[inline]
unsafe fn in_place<const N: usize>(
    run: Run<N>,
    isa: IsaKind,
    params: [f64; 2],
    len: usize,
    dst: (*mut u8, usize),
    srcs: [(*const u8, usize, bool); N],
) {
    let mut scratch: Scratch = Scratch::new();
    let copy = scratch.ptr();
    // SAFETY: scratch holds BLOCK elements of any size; the rest is the caller's promise.
    unsafe {
        std::ptr::copy_nonoverlapping(dst.0, copy, len * dst.1);
        let sp = srcs.map(|(p, ..)| if std::ptr::eq(p, dst.0) { copy } else { p });
        (run.func)(isa, params, dst.0, sp, Block::run(len))
    }
}

/// As [`drive_flat`] on one thread, with splats and sources equal to `dst` passed through scratch.
///
/// # Safety
/// As for [`drive_flat`].
#[inline(never)]
unsafe fn flat_blocks<const N: usize>(
    run: Run<N>,
    isa: IsaKind,
    params: [f64; 2],
    len: usize,
    dst: (*mut u8, usize),
    srcs: [(*const u8, usize, bool); N],
) {
    let mut scratch: [Scratch; N] = std::array::from_fn(|_| Scratch::new());
    // SAFETY: scratch holds BLOCK elements of any size; pointers stay within the caller's ranges.
    unsafe {
        for (i, s) in srcs.iter().enumerate() {
            if s.2 {
                fill(scratch[i].ptr(), s.0, s.1, len.min(BLOCK));
            }
        }
        let mut at = 0;
        while at < len {
            let n = BLOCK.min(len - at);
            let mut sp = [std::ptr::null::<u8>(); N];
            for i in 0..N {
                let (p, size, splat) = srcs[i];
                sp[i] = if splat {
                    scratch[i].ptr()
                } else if std::ptr::eq(p, dst.0) {
                    let t = scratch[i].ptr();
                    std::ptr::copy_nonoverlapping(p.add(at * size), t, n * size);
                    t
                } else {
                    p.add(at * size)
                };
            }
            (run.func)(isa, params, dst.0.add(at * dst.1), sp, Block::run(n));
            at += n;
        }
    }
}

/// Runs over `shape`, any strides.
///
/// # Safety
/// Every index within `shape` gives, by each operand's strides, an element valid for reads (for
/// `dst`: writes, and no two indices the same element) of the types `run` was compiled for. A source
/// may be the same view as `dst`; otherwise they do not overlap.
pub(crate) unsafe fn drive<const N: usize>(
    run: Run<N>,
    params: [f64; 2],
    shape: &[usize],
    dst: Operand<'_>,
    srcs: [Operand<'_>; N],
) {
    if shape.len() > MAX_RANK {
        // Beyond what a plan holds: peel the first axis. (Such shapes are mostly axes of size 1.)
        for i in 0..shape[0] as isize {
            let rest = |o: &Operand<'_>| {
                (
                    o.ptr.wrapping_offset(i * o.strides[0] * o.size as isize),
                    o.size,
                )
            };
            let (dp, dsize) = rest(&dst);
            let d = Operand {
                ptr: dp,
                size: dsize,
                strides: &dst.strides[1..],
            };
            let s = srcs.each_ref().map(|o| {
                let (ptr, size) = rest(o);
                Operand {
                    ptr,
                    size,
                    strides: &o.strides[1..],
                }
            });
            // SAFETY: a part of the caller's ranges.
            unsafe { drive(run, params, &shape[1..], d, s) };
        }
        return;
    }
    let plan = Plan::new(shape, dst, srcs);
    if plan.len == 0 {
        return;
    }
    if let Some((len, dst, srcs)) = plan.flat() {
        // SAFETY: the caller's promise; strides are 1, or 0 where splat.
        return unsafe { drive_flat(run, params, len, dst, srcs) };
    }
    // SAFETY: the caller's promise.
    unsafe { plan.walk(run, active_isa(), params) };
}
