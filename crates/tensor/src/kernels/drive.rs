//! Drives an elementwise kernel over strided operands.
//!
//! A kernel only ever sees contiguous runs: where an operand is not contiguous over the block at
//! hand, its elements are gathered into (or, for the output, scattered from) a scratch block in the
//! L1 cache. So an operation is compiled once per element type and instruction set, not once per
//! layout, and this driver is compiled once for all of them.

use super::isa::{IsaKind, active_isa};
use super::par;

/// Elements of a scratch block: 512 × 8 bytes × 4 operands is half of a 32 KiB L1 cache.
const BLOCK: usize = 512;
const MAX_RANK: usize = 16;

/// `func(isa, params, dst, srcs, len)` over contiguous, non-overlapping runs.
pub type RunFn<const N: usize> = unsafe fn(IsaKind, [f64; 2], *mut u8, [*const u8; N], usize);

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
#[inline]
pub(crate) unsafe fn drive_flat<const N: usize>(
    run: Run<N>,
    params: [f64; 2],
    len: usize,
    dst: (*mut u8, usize),
    srcs: [(*const u8, usize, bool); N],
) {
    let isa = active_isa();
    let chunk = par::chunk_len(run.cost);
    let direct = srcs.iter().all(|s| !s.2 && !std::ptr::eq(s.0, dst.0));
    if direct && len <= chunk {
        // SAFETY: the caller's promise.
        return unsafe { (run.func)(isa, params, dst.0, srcs.map(|s| s.0), len) };
    }
    let d = Ptr(dst.0);
    let s = srcs.map(|s| (Ptr(s.0 as *mut u8), s.1, s.2));
    par::for_each(len.div_ceil(chunk), move |c| {
        let (d, s) = (d, s);
        let lo = c * chunk;
        let n = chunk.min(len - lo);
        // SAFETY: within the caller's ranges, and chunks are disjoint.
        unsafe {
            let dp = d.0.add(lo * dst.1);
            if direct {
                let sp = s.map(|(p, size, _)| p.0.add(lo * size) as *const u8);
                (run.func)(isa, params, dp, sp, n);
            } else {
                let sp = s.map(|(p, size, splat)| {
                    (
                        if splat { p.0 } else { p.0.add(lo * size) } as *const u8,
                        size,
                        splat,
                    )
                });
                flat_blocks(run, isa, params, n, (dp, dst.1), sp);
            }
        }
    });
}

/// Scratch for one operand.
#[repr(C, align(64))]
struct Scratch([std::mem::MaybeUninit<u64>; BLOCK]);
impl Scratch {
    #[inline(always)]
    fn new() -> Scratch {
        Scratch([const { std::mem::MaybeUninit::uninit() }; BLOCK])
    }
    #[inline(always)]
    fn ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr() as *mut u8
    }
}

/// As [`drive_flat`] on one thread, with splats and sources equal to `dst` passed through scratch.
///
/// # Safety
/// As for [`drive_flat`].
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
            (run.func)(isa, params, dst.0.add(at * dst.1), sp, n);
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
    let unit = |s: isize| s == 1;
    if plan.rank <= 1
        && (plan.len == 1 || unit(plan.dst.strides[0]))
        && plan
            .srcs
            .iter()
            .all(|s| plan.len == 1 || unit(s.strides[0]) || s.strides[0] == 0)
    {
        let flat = plan.srcs.map(|s| {
            (
                s.ptr.0 as *const u8,
                s.size,
                plan.len > 1 && s.strides[0] == 0,
            )
        });
        // SAFETY: the caller's promise; strides are 1, or 0 where splat.
        return unsafe { drive_flat(run, params, plan.len, (plan.dst.ptr.0, plan.dst.size), flat) };
    }
    let isa = active_isa();
    // Gathering costs about a nanosecond an element and operand on top of the work itself.
    let chunk = par::chunk_len(run.cost + 10 * N as u32);
    let inner = plan.shape[plan.rank - 1];
    if inner >= 64 {
        // By rows: an operand that is contiguous along the row is used in place.
        let rows = plan.len / inner;
        let rows_per_chunk = (chunk / inner).max(1);
        let pieces = if inner > 2 * chunk {
            inner.div_ceil(chunk)
        } else {
            1
        };
        if pieces > 1 {
            par::for_each(rows * pieces, |c| {
                let (row, piece) = (c / pieces, c % pieces);
                let lo = piece * chunk;
                // SAFETY: rows and pieces are disjoint and within the shape.
                unsafe { plan.rows(run, isa, params, row, row + 1, lo, chunk.min(inner - lo)) }
            });
        } else {
            par::for_each(rows.div_ceil(rows_per_chunk), |c| {
                let lo = c * rows_per_chunk;
                // SAFETY: row ranges are disjoint and within the shape.
                unsafe {
                    plan.rows(
                        run,
                        isa,
                        params,
                        lo,
                        (lo + rows_per_chunk).min(rows),
                        0,
                        inner,
                    )
                }
            });
        }
    } else {
        par::for_each(plan.len.div_ceil(chunk), |c| {
            let lo = c * chunk;
            // SAFETY: ranges are disjoint and within the shape.
            unsafe { plan.gathered(run, isa, params, lo, chunk.min(plan.len - lo)) }
        });
    }
}

#[derive(Clone, Copy)]
struct PlanOperand {
    ptr: Ptr,
    size: usize,
    strides: [isize; MAX_RANK],
}

/// The operands with axes of size 1 dropped and axes that every operand walks alike merged.
struct Plan<const N: usize> {
    len: usize,
    rank: usize,
    shape: [usize; MAX_RANK],
    dst: PlanOperand,
    srcs: [PlanOperand; N],
}

impl<const N: usize> Plan<N> {
    fn new(shape: &[usize], dst: Operand<'_>, srcs: [Operand<'_>; N]) -> Self {
        let empty = |o: &Operand<'_>| PlanOperand {
            ptr: Ptr(o.ptr),
            size: o.size,
            strides: [0; MAX_RANK],
        };
        let mut plan = Plan {
            len: shape.iter().product(),
            rank: 0,
            shape: [1; MAX_RANK],
            dst: empty(&dst),
            srcs: srcs.each_ref().map(empty),
        };
        if plan.len == 0 {
            return plan;
        }
        for (axis, &d) in shape.iter().enumerate() {
            if d == 1 {
                continue;
            }
            let mergeable = plan.rank > 0 && {
                let last = plan.rank - 1;
                let ok = |have: &PlanOperand, o: &Operand<'_>| {
                    have.strides[last] == o.strides[axis].wrapping_mul(d as isize)
                };
                ok(&plan.dst, &dst) && plan.srcs.iter().zip(&srcs).all(|(h, o)| ok(h, o))
            };
            let at = if mergeable {
                plan.shape[plan.rank - 1] *= d;
                plan.rank - 1
            } else {
                plan.shape[plan.rank] = d;
                plan.rank += 1;
                plan.rank - 1
            };
            plan.dst.strides[at] = dst.strides[axis];
            for (h, o) in plan.srcs.iter_mut().zip(&srcs) {
                h.strides[at] = o.strides[axis];
            }
        }
        if plan.rank == 0 {
            plan.rank = 1; // one element
        }
        plan
    }

    /// Offsets (in elements) of the row with this number, for the destination and the sources.
    fn row_offsets(&self, row: usize) -> (isize, [isize; N]) {
        let (mut rest, mut d, mut s) = (row, 0isize, [0isize; N]);
        for axis in (0..self.rank - 1).rev() {
            let i = (rest % self.shape[axis]) as isize;
            rest /= self.shape[axis];
            d += i * self.dst.strides[axis];
            for (o, p) in s.iter_mut().zip(&self.srcs) {
                *o += i * p.strides[axis];
            }
        }
        (d, s)
    }

    /// Rows `r0..r1`, of each the elements `lo..lo + n`.
    #[allow(clippy::too_many_arguments)] // one call site a mode, and all of it is the hot loop's state
    unsafe fn rows(
        &self,
        run: Run<N>,
        isa: IsaKind,
        params: [f64; 2],
        r0: usize,
        r1: usize,
        lo: usize,
        n: usize,
    ) {
        let inner = self.rank - 1;
        let mut scratch: [Scratch; N] = std::array::from_fn(|_| Scratch::new());
        let mut out = Scratch::new();
        let ds = self.dst.strides[inner];
        for row in r0..r1 {
            let (d, s) = self.row_offsets(row);
            // SAFETY: within the shape, by the caller's promise; scratch holds BLOCK elements.
            unsafe {
                for i in 0..N {
                    if self.srcs[i].strides[inner] == 0 {
                        let p = at(&self.srcs[i], s[i]);
                        fill(scratch[i].ptr(), p, self.srcs[i].size, n.min(BLOCK));
                    }
                }
                let direct = ds == 1
                    && (0..N).all(|i| {
                        self.srcs[i].strides[inner] == 1
                            && !std::ptr::eq(self.srcs[i].ptr.0, self.dst.ptr.0)
                    });
                let block = if direct { n } else { BLOCK };
                let mut k = 0;
                while k < n {
                    let m = block.min(n - k);
                    let first = (lo + k) as isize;
                    let mut sp = [std::ptr::null::<u8>(); N];
                    for i in 0..N {
                        let o = &self.srcs[i];
                        let stride = o.strides[inner];
                        let p = at(o, s[i] + first * stride);
                        sp[i] = if stride == 0 {
                            scratch[i].ptr()
                        } else if stride == 1 && !std::ptr::eq(o.ptr.0, self.dst.ptr.0) {
                            p
                        } else {
                            gather(scratch[i].ptr(), p, stride, o.size, m);
                            scratch[i].ptr()
                        };
                    }
                    let dp = at(&self.dst, d + first * ds) as *mut u8;
                    if ds == 1 {
                        (run.func)(isa, params, dp, sp, m);
                    } else {
                        (run.func)(isa, params, out.ptr(), sp, m);
                        scatter(dp, out.ptr(), ds, self.dst.size, m);
                    }
                    k += m;
                }
            }
        }
    }

    /// Elements `lo..lo + n` in row-major order, every operand through scratch but a contiguous
    /// destination: for short inner axes, so that the kernel still sees long runs.
    unsafe fn gathered(&self, run: Run<N>, isa: IsaKind, params: [f64; 2], lo: usize, n: usize) {
        let inner = self.rank - 1;
        let width = self.shape[inner];
        let mut scratch: [Scratch; N] = std::array::from_fn(|_| Scratch::new());
        let mut out = Scratch::new();
        // Row-major with nothing between: the destination can be written in place.
        let mut step = 1isize;
        let dst_flat = (0..self.rank).rev().all(|a| {
            let ok = self.dst.strides[a] == step;
            step *= self.shape[a] as isize;
            ok
        });
        let (mut row, mut col) = (lo / width, lo % width);
        let mut done = 0;
        while done < n {
            let m = BLOCK.min(n - done);
            // SAFETY: within the shape, by the caller's promise; scratch holds BLOCK elements.
            unsafe {
                let (row0, col0) = (row, col);
                let mut k = 0;
                while k < m {
                    let w = (width - col).min(m - k);
                    let (_, s) = self.row_offsets(row);
                    for i in 0..N {
                        let o = &self.srcs[i];
                        let stride = o.strides[inner];
                        let p = at(o, s[i] + col as isize * stride);
                        gather(scratch[i].ptr().add(k * o.size), p, stride, o.size, w);
                    }
                    k += w;
                    col += w;
                    if col == width {
                        (row, col) = (row + 1, 0);
                    }
                }
                let mut sp = [std::ptr::null::<u8>(); N];
                for i in 0..N {
                    sp[i] = scratch[i].ptr();
                }
                if dst_flat {
                    let dp = at(&self.dst, (lo + done) as isize) as *mut u8;
                    (run.func)(isa, params, dp, sp, m);
                } else {
                    (run.func)(isa, params, out.ptr(), sp, m);
                    let (mut r, mut c, mut k) = (row0, col0, 0);
                    while k < m {
                        let w = (width - c).min(m - k);
                        let (d, _) = self.row_offsets(r);
                        let ds = self.dst.strides[inner];
                        let dp = at(&self.dst, d + c as isize * ds) as *mut u8;
                        scatter(dp, out.ptr().add(k * self.dst.size), ds, self.dst.size, w);
                        k += w;
                        (r, c) = (r + 1, 0);
                    }
                }
            }
            done += m;
        }
    }
}

/// The address of the element at this offset.
///
/// # Safety
/// The offset is within the operand.
#[inline(always)]
unsafe fn at(o: &PlanOperand, offset: isize) -> *const u8 {
    // SAFETY: the caller's promise.
    unsafe { o.ptr.0.offset(offset * o.size as isize) }
}

macro_rules! by_size {
    ($size:expr, $t:ident => $body:block) => {
        match $size {
            1 => {
                type $t = u8;
                $body
            }
            4 => {
                type $t = u32;
                $body
            }
            _ => {
                type $t = u64;
                $body
            }
        }
    };
}

/// # Safety
/// `src` is one readable element, `dst` room for `n`.
unsafe fn fill(dst: *mut u8, src: *const u8, size: usize, n: usize) {
    // SAFETY: the caller's promise; element sizes are 1, 4 and 8, and elements are aligned.
    by_size!(size, U => { unsafe {
        let (d, v) = (dst as *mut U, *(src as *const U));
        for i in 0..n {
            d.add(i).write(v);
        }
    }})
}

/// # Safety
/// `n` elements are readable at `stride` from `src`; `dst` has room for them.
#[inline]
unsafe fn gather(dst: *mut u8, src: *const u8, stride: isize, size: usize, n: usize) {
    // SAFETY: the caller's promise; element sizes are 1, 4 and 8, and elements are aligned.
    unsafe {
        if stride == 1 {
            return std::ptr::copy_nonoverlapping(src, dst, n * size);
        }
        by_size!(size, U => {
            let (d, s) = (dst as *mut U, src as *const U);
            for i in 0..n {
                d.add(i).write(*s.offset(i as isize * stride));
            }
        })
    }
}

/// # Safety
/// `src` holds `n` elements; those at `stride` from `dst` are writable.
#[inline]
unsafe fn scatter(dst: *mut u8, src: *const u8, stride: isize, size: usize, n: usize) {
    // SAFETY: the caller's promise; element sizes are 1, 4 and 8, and elements are aligned.
    unsafe {
        if stride == 1 {
            return std::ptr::copy_nonoverlapping(src, dst, n * size);
        }
        by_size!(size, U => {
            let (d, s) = (dst as *mut U, src as *const U);
            for i in 0..n {
                d.offset(i as isize * stride).write(*s.add(i));
            }
        })
    }
}
