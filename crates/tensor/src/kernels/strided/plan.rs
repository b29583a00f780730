//! The plan of a traversal of strided operands, and the ways to run it.
//!
//! Invariant: whatever the way, each element of the destination is written once, by the same
//! expression: the layout never shows in the bits.

use super::scratch::{BLOCK, Scratch, fill, gather, scatter};
use super::{Call, Operand, Params, Ptr, Run};
use crate::kernels::gemm::{GemmKernels, Mat, Panel};
use crate::kernels::isa::IsaKind;
use crate::kernels::par;

pub(super) const MAX_RANK: usize = 16;

/// Rows of a tile: of 4-byte elements, a cache line of an operand that runs down the rows.
const TILE_ROWS: usize = 16;
/// Bytes of an operand's part of a tile: three of them fit in a 32 KiB L1 cache.
const TILE_BYTES: usize = 8192;
/// Tenths of a nanosecond an element, up to which the shortest rows are walked one by one: what is dearer is worth
/// gathering into vectors.
const CHEAP: u32 = 4;
/// Rows of at most so many elements, of which an operand repeats one, go many in a call.
const NARROW: usize = 128;
/// Columns that a task takes through its tiles.
const TILE_COLUMNS: usize = 4096;

#[derive(Clone, Copy)]
pub(super) struct PlanOperand {
    ptr: Ptr,
    size: usize,
    strides: [isize; MAX_RANK],
}

/// The operands with axes of size 1 dropped and axes that every operand walks alike merged.
pub(super) struct Plan<const N: usize> {
    pub(super) len: usize,
    rank: usize,
    shape: [usize; MAX_RANK],
    dst: PlanOperand,
    srcs: [PlanOperand; N],
}

impl<const N: usize> Plan<N> {
    pub(super) fn new(shape: &[usize], dst: Operand<'_>, srcs: [Operand<'_>; N]) -> Self {
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

    /// The operands of a flat walk, if they are contiguous or one element repeated.
    #[allow(clippy::type_complexity)]
    pub(super) fn flat(&self) -> Option<(usize, (*mut u8, usize), [(*const u8, usize, bool); N])> {
        let step = |o: &PlanOperand| if self.len == 1 { 1 } else { o.strides[0] };
        let flat = self.rank <= 1
            && step(&self.dst) == 1
            && self.srcs.iter().all(|s| matches!(step(s), 0 | 1));
        let src = |s: PlanOperand| (s.ptr.0 as *const u8, s.size, step(&s) == 0);
        flat.then(|| {
            (
                self.len,
                (self.dst.ptr.0, self.dst.size),
                self.srcs.map(src),
            )
        })
    }

    /// Whether this source is the destination itself: a run may not read what it writes.
    fn is_dst(&self, i: usize) -> bool {
        std::ptr::eq(self.srcs[i].ptr.0, self.dst.ptr.0)
    }

    /// Walks the whole shape.
    ///
    /// # Safety
    /// As for [`super::strided`].
    pub(super) unsafe fn walk(&self, run: Run<N>, isa: IsaKind, params: Params) {
        let inner = self.rank - 1;
        let width = self.shape[inner];
        let unit = self.dst.strides[inner] == 1
            && (0..N).all(|i| self.srcs[i].strides[inner] == 1 && !self.is_dst(i));
        // Gathering costs about a nanosecond an element and operand on top of the work itself.
        let gathering = par::chunk_len(run.cost + 10 * N as u32);
        // SAFETY: ranges of rows and pieces of them are disjoint and within the shape.
        unsafe {
            if unit && (width >= 16 || run.cost <= CHEAP) {
                self.by_rows(par::chunk_len(run.cost), |r0, r1, lo, n| {
                    self.direct(run, isa, params, r0, r1, lo, n)
                });
            } else if let Some((axis, rows)) = self.tile() {
                self.tiles(run, isa, params, axis, rows);
            } else if width >= 64 {
                self.by_rows(gathering, |r0, r1, lo, n| {
                    self.rows(run, isa, params, r0, r1, lo, n)
                });
            } else {
                par::for_pieces(self.len, gathering, |r| {
                    self.gathered(run, isa, params, r.start, r.len())
                });
            }
        }
    }

    /// Hands out tasks of about `chunk` elements: some rows, or a piece of a long one.
    fn by_rows(&self, chunk: usize, f: impl Fn(usize, usize, usize, usize) + Sync + Send) {
        let width = self.shape[self.rank - 1];
        let rows = self.len / width;
        if width > 2 * chunk {
            let pieces = width.div_ceil(chunk);
            par::for_each(rows * pieces, |c| {
                let (row, lo) = (c / pieces, c % pieces * chunk);
                f(row, row + 1, lo, chunk.min(width - lo))
            });
        } else {
            par::for_pieces(rows, chunk / width, |r| f(r.start, r.end, 0, width));
        }
    }

    /// As [`Plan::rows`], where every operand is contiguous along the rows: as many rows in one call as
    /// lie in step.
    #[allow(clippy::too_many_arguments)] // as `rows`
    unsafe fn direct(
        &self,
        run: Run<N>,
        isa: IsaKind,
        params: Params,
        r0: usize,
        r1: usize,
        lo: usize,
        n: usize,
    ) {
        // A plan of one axis is flat, unless a source is the destination: there are two axes here.
        let axis = self.rank - 2;
        let step = |o: &PlanOperand| o.strides[axis] * o.size as isize;
        let mut row = r0;
        while row < r1 {
            let rows = (self.shape[axis] - row % self.shape[axis]).min(r1 - row);
            let (d, s) = self.row_offsets(row);
            // SAFETY: within the shape, by the caller's promise.
            unsafe {
                let call = Call {
                    params,
                    dst: at(&self.dst, d + lo as isize) as *mut u8,
                    srcs: std::array::from_fn(|i| at(&self.srcs[i], s[i] + lo as isize)),
                    len: n,
                    rows,
                    dst_step: step(&self.dst),
                    src_steps: self.srcs.each_ref().map(step),
                    ahead: false,
                };
                (run.func)(isa, &call);
            }
            row += rows;
        }
    }

    /// The axis to walk by tiles along, and the rows of a tile. One along which an operand is contiguous that is not so
    /// along the rows: walked by rows it would use one element of each cache line, and have lost the line before the next
    /// row. Or the last but one, where rows are short and an operand is one element repeated along them: a call takes many.
    fn tile(&self) -> Option<(usize, usize)> {
        let inner = self.rank - 1;
        let width = self.shape[inner];
        if self.dst.strides[inner] != 1 {
            return None;
        }
        let odd = |o: &&PlanOperand| !matches!(o.strides[inner], 0 | 1);
        if let Some(operand) = self.srcs.iter().find(|o| o.size >= 4 && odd(o)) {
            let axis = (0..inner).find(|&a| operand.strides[a] == 1 && self.shape[a] >= 8)?;
            return (width >= 32).then_some((axis, TILE_ROWS));
        }
        let short = (4..=NARROW).contains(&width) && inner > 0;
        if !short || self.srcs.iter().any(|o| odd(&o)) {
            return None;
        }
        Some((inner - 1, BLOCK / width))
    }

    /// By tiles of so many rows along `axis`: operands that run down the rows are transposed into
    /// scratch, a square in registers at a time.
    unsafe fn tiles(&self, run: Run<N>, isa: IsaKind, params: Params, axis: usize, high: usize) {
        let (width, height) = (self.shape[self.rank - 1], self.shape[axis]);
        let (bands, pieces) = (height.div_ceil(high), width.div_ceil(TILE_COLUMNS));
        let count = self.len / (width * height) * bands * pieces;
        let chunk = par::chunk_len(run.cost + 5 * N as u32);
        let per = chunk / (width.min(TILE_COLUMNS) * high);
        par::for_pieces(count, per, |tasks| {
            for task in tasks {
                let (rest, piece) = (task / pieces, task % pieces);
                let (outer, band) = (rest / bands, rest % bands);
                let columns = piece * TILE_COLUMNS..((piece + 1) * TILE_COLUMNS).min(width);
                let rows = band * high..((band + 1) * high).min(height);
                // SAFETY: tiles are disjoint and within the shape.
                unsafe { self.band(run, isa, params, axis, outer, rows, columns) };
            }
        });
    }

    #[allow(clippy::too_many_arguments)] // as `rows`
    unsafe fn band(
        &self,
        run: Run<N>,
        isa: IsaKind,
        params: Params,
        axis: usize,
        outer: usize,
        rows: std::ops::Range<usize>,
        columns: std::ops::Range<usize>,
    ) {
        let inner = self.rank - 1;
        // The number of the band's first row among all: `outer` counts those of the other axes.
        let below: usize = self.shape[axis + 1..inner].iter().product();
        let row = (outer / below * self.shape[axis] + rows.start) * below + outer % below;
        let (d, s) = self.row_offsets(row);
        let mut scratch: [Tile; N] = [const { Tile::new() }; N];
        let widest = self.srcs.iter().map(|o| o.size).max().unwrap_or(1);
        let most = TILE_BYTES / (rows.len() * widest);
        let mut first = columns.start;
        while first < columns.end {
            let n = most.min(columns.end - first);
            // SAFETY: within the shape, by the caller's promise; a tile of scratch holds the rows.
            unsafe {
                let mut call = Call {
                    rows: rows.len(),
                    dst_step: self.dst.strides[axis] * self.dst.size as isize,
                    ..Call::run(
                        params,
                        n,
                        at(&self.dst, d + first as isize) as *mut u8,
                        [std::ptr::null(); N],
                    )
                };
                for i in 0..N {
                    let o = &self.srcs[i];
                    let (across, down) = (o.strides[inner], o.strides[axis]);
                    let from = at(o, s[i] + first as isize * across);
                    if across == 1 && !self.is_dst(i) {
                        call.srcs[i] = from;
                        call.src_steps[i] = down * o.size as isize;
                        continue;
                    }
                    let to = scratch[i].ptr();
                    call.srcs[i] = to;
                    call.src_steps[i] = (n * o.size) as isize;
                    match (across, down, o.size) {
                        (1.., 1, 4) => turn::<f32>(isa, from, across, to, rows.len(), n),
                        (1.., 1, 8) => turn::<f64>(isa, from, across, to, rows.len(), n),
                        _ => {
                            for r in 0..rows.len() {
                                let from = from.offset(r as isize * down * o.size as isize);
                                let to = to.add(r * n * o.size);
                                if across == 0 {
                                    fill(to, from, o.size, n);
                                } else {
                                    gather(to, from, across, o.size, n);
                                }
                            }
                        }
                    }
                }
                (run.func)(isa, &call);
            }
            first += n;
        }
    }

    /// Rows `r0..r1`, of each the elements `lo..lo + n`.
    #[allow(clippy::too_many_arguments)] // one call site a mode, and all of it is the hot loop's state
    unsafe fn rows(
        &self,
        run: Run<N>,
        isa: IsaKind,
        params: Params,
        r0: usize,
        r1: usize,
        lo: usize,
        n: usize,
    ) {
        let inner = self.rank - 1;
        let mut scratch: [Scratch; N] = [const { Scratch::new() }; N];
        let mut out = <Scratch>::new();
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
                let mut k = 0;
                while k < n {
                    let m = BLOCK.min(n - k);
                    let first = (lo + k) as isize;
                    let mut sp = [std::ptr::null::<u8>(); N];
                    for i in 0..N {
                        let o = &self.srcs[i];
                        let stride = o.strides[inner];
                        let p = at(o, s[i] + first * stride);
                        sp[i] = if stride == 0 {
                            scratch[i].ptr()
                        } else if stride == 1 && !self.is_dst(i) {
                            p
                        } else {
                            gather(scratch[i].ptr(), p, stride, o.size, m);
                            scratch[i].ptr()
                        };
                    }
                    let dp = at(&self.dst, d + first * ds) as *mut u8;
                    if ds == 1 {
                        (run.func)(isa, &Call::run(params, m, dp, sp));
                    } else {
                        (run.func)(isa, &Call::run(params, m, out.ptr(), sp));
                        scatter(dp, out.ptr(), ds, self.dst.size, m);
                    }
                    k += m;
                }
            }
        }
    }

    /// Elements `lo..lo + n` in row-major order, every operand through scratch but a contiguous
    /// destination: for short inner axes, so that the kernel still sees long runs.
    unsafe fn gathered(&self, run: Run<N>, isa: IsaKind, params: Params, lo: usize, n: usize) {
        let inner = self.rank - 1;
        let width = self.shape[inner];
        let mut scratch: [Scratch; N] = [const { Scratch::new() }; N];
        let mut out = <Scratch>::new();
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
                    (run.func)(isa, &Call::run(params, m, dp, sp));
                } else {
                    (run.func)(isa, &Call::run(params, m, out.ptr(), sp));
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

/// An operand's part of a tile.
type Tile = Scratch<{ TILE_BYTES / 8 }>;

/// Writes `rows` rows of `n`, of an operand whose columns are contiguous and `across` apart. (The loads
/// and stores of floats keep any bits.)
///
/// # Safety
/// The elements are readable, and `to` has room for them.
unsafe fn turn<T: GemmKernels>(
    isa: IsaKind,
    from: *const u8,
    across: isize,
    to: *mut u8,
    rows: usize,
    n: usize,
) {
    let from = Mat {
        ptr: from as *const T,
        row: 1,
        col: across,
    };
    let panel = Panel {
        from,
        columns: n,
        width: n,
        k: rows,
        to: to as *mut T,
    };
    // SAFETY: the caller's promise.
    unsafe { T::pack_panel(isa, panel) };
}
