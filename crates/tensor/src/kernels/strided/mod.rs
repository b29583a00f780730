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

/// Elements up to which what is overwritten is copied in the frame of who calls.
const SHORT: usize = 32;
/// Elements from which an operation's sources are asked for ahead: below, they are in a cache near enough.
const AHEAD: usize = 1 << 18;
/// Elements of each source that are asked for at a time.
const ROW: usize = 256;

/// An operation's parameters. (A pair, which goes in registers: an array is written to the stack by its halves and read
/// whole, which waits for both.)
pub type Params = (f64, f64);

/// Carries out a call.
pub type RunFn<const N: usize> = unsafe fn(IsaKind, &Call<N>);

/// What a [`RunFn`] is to do: `rows` runs of `len` elements, each operand's a step further on than the one
/// before, contiguous and apart from the others'. (One call for many short rows: a call costs as much as
/// 64 elements.)
#[derive(Clone, Copy, Debug)]
pub struct Call<const N: usize> {
    pub(crate) params: Params,
    pub(crate) dst: *mut u8,
    pub(crate) srcs: [*const u8; N],
    pub(crate) len: usize,
    pub(crate) rows: usize,
    /// Steps from row to row, in bytes.
    pub(crate) dst_step: isize,
    pub(crate) src_steps: [isize; N],
    /// Whether to ask for the sources' next row while a row is at work; the rows lie end to end.
    pub(crate) ahead: bool,
}

impl<const N: usize> Call<N> {
    /// One run.
    #[inline(always)]
    pub(crate) fn run(params: Params, len: usize, dst: *mut u8, srcs: [*const u8; N]) -> Self {
        Call {
            params,
            dst,
            srcs,
            len,
            rows: 1,
            dst_step: 0,
            src_steps: [0; N],
            ahead: false,
        }
    }

    /// Asks for the row of source `i` after the one at `p`, where that is wished; else for a line at `p`,
    /// for the compiler makes two loops of the caller's about what may not happen.
    #[inline(always)]
    #[allow(clippy::pointers_in_nomem_asm_block)] // nothing is read there
    pub(crate) fn ask_ahead(&self, p: *const u8, i: usize) {
        let step = self.src_steps[i] * isize::from(self.ahead);
        let next = p.wrapping_offset(step);
        // A loop that the compiler does not see: it is in every kernel once for each source, and would be unrolled.
        #[cfg(target_arch = "x86_64")]
        // SAFETY: hints, which fault at no address; every x86-64 has them.
        unsafe {
            std::arch::asm!(
                "2:",
                "prefetcht0 [{next}]",
                "add {next}, 64",
                "sub {step}, 64",
                "jg 2b",
                next = inout(reg) next => _,
                step = inout(reg) step => _,
                options(nomem, nostack),
            );
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = next;
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
pub(crate) unsafe fn run_contiguous<const N: usize>(
    run: Run<N>,
    params: Params,
    len: usize,
    dst: (*mut u8, usize),
    srcs: [(*const u8, usize, bool); N],
) {
    let flat = Flat {
        run,
        isa: active_isa(),
        params,
        len,
        dst,
        srcs,
        ahead: false,
    };
    let chunk = par::chunk_for(len, run.cost);
    // SAFETY: the caller's promise.
    unsafe {
        if len <= chunk {
            flat.here();
        } else {
            flat.on_threads(chunk);
        }
    }
}

/// The arguments of [`run_contiguous`], whose promise is that of the methods.
#[derive(Clone, Copy)]
struct Flat<const N: usize> {
    run: Run<N>,
    isa: IsaKind,
    params: Params,
    len: usize,
    dst: (*mut u8, usize),
    srcs: [(*const u8, usize, bool); N],
    /// Whether to ask for the next block while one is at work.
    ahead: bool,
}
// SAFETY: as for `Ptr`.
unsafe impl<const N: usize> Sync for Flat<N> {}

impl<const N: usize> Flat<N> {
    /// In chunks, by all threads.
    #[inline(never)]
    unsafe fn on_threads(&self, chunk: usize) {
        par::for_each(self.len.div_ceil(chunk), |c| {
            let lo = c * chunk;
            let at = |splat, size| if splat { 0 } else { lo * size };
            // SAFETY: within the caller's ranges, and chunks are disjoint.
            unsafe {
                let part = Flat {
                    len: chunk.min(self.len - lo),
                    dst: (self.dst.0.add(lo * self.dst.1), self.dst.1),
                    srcs: self
                        .srcs
                        .map(|(p, size, splat)| (p.add(at(splat, size)), size, splat)),
                    ahead: self.len >= AHEAD && self.asks(),
                    ..*self
                };
                part.here();
            }
        });
    }

    /// Whether asking ahead helps: one source read from end to end, or what is copied or repeated. Of two and more
    /// that are only read, the processor sees as much by itself.
    fn asks(&self) -> bool {
        self.srcs.iter().filter(|s| !s.2).count() < 2 || self.srcs.iter().any(|s| self.is_dst(s.0))
    }

    /// By this thread.
    #[inline(always)]
    unsafe fn here(&self) {
        // SAFETY: the caller's promise.
        unsafe {
            if !self.ahead && self.srcs.iter().all(|s| !s.2 && !self.is_dst(s.0)) {
                self.call(self.len, self.dst.0, self.srcs.map(|s| s.0));
            } else if self.len <= BLOCK && !self.srcs.iter().any(|s| s.2) {
                if self.len <= SHORT {
                    self.in_place::<SHORT>();
                } else {
                    self.in_place_long();
                }
            } else {
                self.blocks();
            }
        }
    }

    #[inline(always)]
    fn is_dst(&self, p: *const u8) -> bool {
        std::ptr::eq(p, self.dst.0)
    }

    #[inline(always)]
    unsafe fn call(&self, len: usize, dst: *mut u8, srcs: [*const u8; N]) {
        // SAFETY: the caller's promise.
        unsafe { (self.run.func)(self.isa, &Call::run(self.params, len, dst, srcs)) }
    }

    /// Up to `LEN` elements, without splats: a run may not read what it writes, so it reads a copy.
    #[inline(always)]
    unsafe fn in_place<const LEN: usize>(&self) {
        let mut scratch = Scratch::<LEN>::new();
        let copy = scratch.ptr();
        // SAFETY: scratch holds so many elements of any size; the rest is the caller's promise.
        unsafe {
            std::ptr::copy_nonoverlapping(self.dst.0, copy, self.len * self.dst.1);
            let srcs = self
                .srcs
                .map(|(p, ..)| if self.is_dst(p) { copy } else { p });
            self.call(self.len, self.dst.0, srcs);
        }
    }

    /// Not inlined, as what walks strides: who calls them would have their scratch, four kilobytes, in its own frame.
    #[inline(never)]
    unsafe fn in_place_long(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.in_place::<BLOCK>() }
    }

    /// Any length, by blocks: what is repeated fills one of scratch, what is overwritten is copied there,
    /// and where that is wished the next block is asked for while one is at work.
    #[inline(never)]
    unsafe fn blocks(&self) {
        let mut scratch: [Scratch; N] = [const { Scratch::new() }; N];
        let copied = self.srcs.map(|s| self.is_dst(s.0));
        let any_copied = copied.contains(&true);
        let width = if any_copied { BLOCK } else { ROW }.min(self.len).max(1);
        let step = |size: usize| (width * size) as isize;
        // SAFETY: scratch holds a block of elements of any size; pointers stay within the caller's ranges.
        unsafe {
            let mut srcs = self.srcs.map(|s| s.0);
            for (i, s) in self.srcs.iter().enumerate() {
                if s.2 {
                    fill(scratch[i].ptr(), s.0, s.1, width);
                    srcs[i] = scratch[i].ptr();
                }
            }
            let whole = Call {
                rows: self.len / width,
                dst_step: step(self.dst.1),
                src_steps: self.srcs.map(|s| if s.2 { 0 } else { step(s.1) }),
                ahead: self.ahead,
                ..Call::run(self.params, width, self.dst.0, srcs)
            };
            let mut row = 0;
            if !any_copied {
                (self.run.func)(self.isa, &whole);
                row = whole.rows;
            }
            while row * width < self.len {
                let n = width.min(self.len - row * width);
                let mut srcs = whole.srcs;
                for (i, s) in srcs.iter_mut().enumerate() {
                    *s = s.offset(row as isize * whole.src_steps[i]);
                    whole.ask_ahead(*s, i);
                    if copied[i] {
                        std::ptr::copy_nonoverlapping(*s, scratch[i].ptr(), n * self.dst.1);
                        *s = scratch[i].ptr();
                    }
                }
                self.call(n, self.dst.0.offset(row as isize * whole.dst_step), srcs);
                row += 1;
            }
        }
    }
}

/// Runs over `shape`, any strides.
///
/// # Safety
/// Every index within `shape` gives, by each operand's strides, an element valid for reads (for
/// `dst`: writes, and no two indices the same element) of the types `run` was compiled for. A source
/// may be the same view as `dst`; otherwise they do not overlap.
#[inline(never)]
pub(crate) unsafe fn run<const N: usize>(
    run: Run<N>,
    params: Params,
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
            unsafe { self::run(run, params, &shape[1..], d, s) };
        }
        return;
    }
    let plan = Plan::new(shape, dst, srcs);
    if plan.len == 0 {
        return;
    }
    if let Some((len, dst, srcs)) = plan.flat() {
        // SAFETY: the caller's promise; strides are 1, or 0 where splat.
        return unsafe { run_contiguous(run, params, len, dst, srcs) };
    }
    // SAFETY: the caller's promise.
    unsafe { plan.walk(run, active_isa(), params) };
}
