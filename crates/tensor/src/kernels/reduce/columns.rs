//! Columns: the axes after the reduced one go along in vectors, a strip at a time.

use super::{Fold, Geometry, Shared, scratch};
use crate::kernels::isa::{Isa, Kernel, active_isa, dispatch};
use crate::kernels::par;

/// Rows merged one after another before merging turns pairwise, when columns are reduced.
const ROWS: usize = 32;
/// Columns of a strip: four source rows and the accumulator fit half of a 32 KiB L1 cache.
const STRIP: usize = 1024;

/// `leaves` strips of `width` elements, written by `leaf`, merged pairwise into `dst`.
#[inline(always)]
fn tree_of_strips<F: Fold>(
    leaves: usize,
    width: usize,
    dst: *mut F::Acc,
    leaf: impl Fn(usize, *mut F::Acc),
) {
    if leaves == 1 {
        return leaf(0, dst);
    }
    let levels = (usize::BITS - leaves.leading_zeros()) as usize + 1;
    let mut strips: Vec<F::Acc> = scratch(levels * width);
    let base = strips.as_mut_ptr();
    // Strip `d - 1` becomes the merge of itself and strip `d`.
    let merge_down = |d: usize| {
        // SAFETY: both strips are below `levels`, and written.
        let (a, b) = unsafe { (base.add((d - 1) * width), base.add(d * width)) };
        for j in 0..width {
            // SAFETY: within the strips.
            unsafe { *a.add(j) = F::merge(*a.add(j), *b.add(j)) };
        }
    };
    let mut depth = 0;
    for i in 0..leaves {
        // SAFETY: at most one strip for each bit of `i`, and the new one: below `levels`.
        leaf(i, unsafe { base.add(depth * width) });
        depth += 1;
        let mut carry = i;
        while carry & 1 == 1 {
            merge_down(depth - 1);
            depth -= 1;
            carry >>= 1;
        }
    }
    while depth > 1 {
        merge_down(depth - 1);
        depth -= 1;
    }
    // SAFETY: strip 0 is written; `dst` is writable for `width` elements.
    unsafe { std::ptr::copy_nonoverlapping(base, dst, width) };
}

/// Rows of a strip of columns, merged into one row; for each of `outer` blocks.
struct Columns<F: Fold> {
    src: *const F::In,
    shift: *const F::In,
    dst: *mut F::Acc,
    outer: usize,
    /// Elements from one block to the next, in the source and in the result.
    outer_steps: (usize, usize),
    rows: usize,
    row_step: usize,
    width: usize,
    p: f64,
}
impl<F: Fold> Columns<F> {
    /// Rows `lo..lo + count` of a block into `dst`, one after another.
    ///
    /// # Safety
    /// The task's pointers are those of `fold`.
    #[inline(always)]
    unsafe fn strip<I: Isa>(
        &self,
        src: *const F::In,
        shift: *const F::In,
        lo: usize,
        count: usize,
        dst: *mut F::Acc,
    ) {
        // SAFETY: rows and columns of the task; `shift` is read only where there is one.
        unsafe {
            let first = src.add(lo * self.row_step);
            let s = |j: usize, x: F::In| if F::SHIFTED { *shift.add(j) } else { x };
            let at = |r: *const F::In, j: usize| {
                let x = *r.add(j);
                F::map::<I>(x, s(j, x), self.p)
            };
            for j in 0..self.width {
                *dst.add(j) = at(first, j);
            }
            let mut r = 1;
            if !F::HEAVY {
                while r + 4 <= count {
                    let a = first.add(r * self.row_step);
                    let b = a.add(self.row_step);
                    let c = b.add(self.row_step);
                    let d = c.add(self.row_step);
                    for j in 0..self.width {
                        let acc = F::merge(F::merge(*dst.add(j), at(a, j)), at(b, j));
                        *dst.add(j) = F::merge(F::merge(acc, at(c, j)), at(d, j));
                    }
                    r += 4;
                }
            }
            while r < count {
                let a = first.add(r * self.row_step);
                for j in 0..self.width {
                    *dst.add(j) = F::merge(*dst.add(j), at(a, j));
                }
                r += 1;
            }
        }
    }
}
impl<F: Fold> Kernel for Columns<F> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for o in 0..self.outer {
            let src = self.src.wrapping_add(o * self.outer_steps.0);
            let shift = self.shift.wrapping_add(o * self.outer_steps.1);
            let dst = self.dst.wrapping_add(o * self.outer_steps.1);
            tree_of_strips::<F>(self.rows.div_ceil(ROWS), self.width, dst, |b, out| {
                let lo = b * ROWS;
                // SAFETY: `fold`'s promise, at block `o`.
                unsafe { self.strip::<I>(src, shift, lo, ROWS.min(self.rows - lo), out) }
            });
        }
    }
}

/// # Safety
/// As for [`fold`], with `n` not 0.
pub(super) unsafe fn fold_columns<F: Fold>(
    g: Geometry,
    src: *const F::In,
    shift: *const F::In,
    p: f64,
    dst: *mut F::Acc,
) {
    let Geometry { outer, n, inner } = g;
    let isa = active_isa();
    let chunk = par::chunk_len(F::COST);
    let (src, shift, dst) = (
        Shared(src as *mut F::In),
        Shared(shift as *mut F::In),
        Shared(dst),
    );
    // Rows `r0..r0 + rows` and columns `c0..c0 + width` of blocks `o..o + blocks`.
    let task = move |o: usize, blocks, r0: usize, rows, c0: usize, width, to: *mut F::Acc| {
        let task = Columns::<F> {
            src: src.get().wrapping_add((o * n + r0) * inner + c0),
            shift: shift.get().wrapping_add(o * inner + c0),
            dst: to,
            outer: blocks,
            outer_steps: (n * inner, inner),
            rows,
            row_step: inner,
            width,
            p,
        };
        dispatch(isa, task);
    };
    let strips = inner.div_ceil(STRIP);
    // A power of two of blocks of rows: a node of the tree.
    let rows = (chunk / inner.min(STRIP)).max(ROWS).next_power_of_two();
    let pieces = n.div_ceil(rows);
    if strips == 1 && pieces == 1 {
        let blocks = (chunk / (n * inner)).max(1);
        par::for_each(outer.div_ceil(blocks), move |t| {
            let o = t * blocks;
            let to = dst.get().wrapping_add(o * inner);
            task(o, blocks.min(outer - o), 0, n, 0, inner, to);
        });
        return;
    }
    if pieces == 1 {
        par::for_each(outer * strips, move |t| {
            let (o, c0) = (t / strips, t % strips * STRIP);
            let to = dst.get().wrapping_add(o * inner + c0);
            task(o, 1, 0, n, c0, STRIP.min(inner - c0), to);
        });
        return;
    }
    // Room alone: every element is written before it is read.
    let mut partial: Vec<F::Acc> = scratch(outer * pieces * inner);
    let part = Shared(partial.as_mut_ptr());
    par::for_each(outer * pieces * strips, move |t| {
        let (o, rest) = (t / (pieces * strips), t % (pieces * strips));
        let (piece, c0) = (rest / strips, rest % strips * STRIP);
        let r0 = piece * rows;
        let to = part.get().wrapping_add((o * pieces + piece) * inner + c0);
        task(o, 1, r0, rows.min(n - r0), c0, STRIP.min(inner - c0), to);
    });
    par::for_each(outer * strips, move |t| {
        let (o, c0) = (t / strips, t % strips * STRIP);
        let merge = Pieces::<F> {
            part: part.get().wrapping_add(o * pieces * inner + c0),
            dst: dst.get().wrapping_add(o * inner + c0),
            pieces,
            step: inner,
            width: STRIP.min(inner - c0),
        };
        dispatch(isa, merge);
    });
}

/// Partial results of a strip of columns, two or more rows, merged pairwise where they lie: the upper part of the tree
/// of [`tree_of_strips`].
struct Pieces<F: Fold> {
    part: *mut F::Acc,
    dst: *mut F::Acc,
    pieces: usize,
    step: usize,
    width: usize,
}
impl<F: Fold> Kernel for Pieces<F> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let row = |i: usize| self.part.wrapping_add(i * self.step);
        let mut apart = 1;
        while apart < self.pieces {
            let last = 2 * apart >= self.pieces;
            let mut i = 0;
            while i + apart < self.pieces {
                let to = if last { self.dst } else { row(i) };
                for j in 0..self.width {
                    // SAFETY: `fold_columns`' pointers, within the rows and the result's strip.
                    unsafe { *to.add(j) = F::merge(*row(i).add(j), *row(i + apart).add(j)) };
                }
                i += 2 * apart;
            }
            apart *= 2;
        }
    }
}
