//! Columns: the axes after the reduced one go along in vectors, a strip at a time.

use super::{Fold, Geometry, Shared, scratch};
use crate::kernels::isa::{Isa, Kernel, Scalar, active_isa, dispatch};
use crate::kernels::par;

/// Rows merged one after another before merging turns pairwise, when columns are reduced.
const ROWS: usize = 32;
/// Columns of a strip: four source rows and the accumulator fit half of a 32 KiB L1 cache.
const STRIP: usize = 1024;

/// Merges `count` rows of `width` elements pairwise, as a binary counter carries, where they lie; the last merge goes to
/// `dst`. Of a single row there is nothing to merge.
///
/// # Safety
/// The rows, `step` elements apart, are writable, and so is `dst`, which overlaps none of them.
#[inline(always)]
unsafe fn merge_rows<F: Fold>(
    rows: *mut F::Acc,
    count: usize,
    step: usize,
    width: usize,
    dst: *mut F::Acc,
) {
    let row = |i: usize| rows.wrapping_add(i * step);
    let mut apart = 1;
    while apart < count {
        let last = 2 * apart >= count;
        let mut i = 0;
        while i + apart < count {
            let to = if last { dst } else { row(i) };
            for j in 0..width {
                // SAFETY: within the rows and `dst`.
                unsafe { *to.add(j) = F::merge(*row(i).add(j), *row(i + apart).add(j)) };
            }
            i += 2 * apart;
        }
        apart *= 2;
    }
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
        let leaves = self.rows.div_ceil(ROWS);
        // Room alone, for more than one: every element is written before it is read.
        let mut sums: Vec<F::Acc> = scratch(if leaves > 1 { leaves * self.width } else { 0 });
        let sums = sums.as_mut_ptr();
        for o in 0..self.outer {
            let src = self.src.wrapping_add(o * self.outer_steps.0);
            let shift = self.shift.wrapping_add(o * self.outer_steps.1);
            let dst = self.dst.wrapping_add(o * self.outer_steps.1);
            // SAFETY: `fold`'s promise, at block `o`; the leaves are within `sums`.
            unsafe {
                for b in 0..leaves {
                    let lo = b * ROWS;
                    let out = if leaves > 1 {
                        sums.add(b * self.width)
                    } else {
                        dst
                    };
                    self.strip::<I>(src, shift, lo, ROWS.min(self.rows - lo), out);
                }
                merge_rows::<F>(sums, leaves, self.width, self.width, dst);
            }
        }
    }
}

/// Elements up to which columns go one by one, without vectors: the code around a short one takes longer.
const TINY: usize = 64;

/// A block of few elements, of [`ROWS`] rows at most: the order is that of [`Columns::strip`].
///
/// # Safety
/// As for [`fold_columns`], of one block, and of a fold whose `map` takes no second operand.
unsafe fn tiny<F: Fold>(n: usize, inner: usize, src: *const F::In, p: f64, dst: *mut F::Acc) {
    for j in 0..inner {
        // SAFETY: the caller's promise.
        unsafe {
            let at = |r: usize| {
                let x = *src.add(r * inner + j);
                F::map::<Scalar>(x, x, p)
            };
            let mut acc = at(0);
            for r in 1..n {
                acc = F::merge(acc, at(r));
            }
            *dst.add(j) = acc;
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
    if outer == 1 && n <= ROWS && n * inner <= TINY && !F::HEAVY && !F::SHIFTED {
        // SAFETY: the caller's promise.
        return unsafe { tiny::<F>(n, inner, src, p, dst) };
    }
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
        par::for_pieces(outer, chunk / (n * inner), move |o| {
            let to = dst.get().wrapping_add(o.start * inner);
            task(o.start, o.len(), 0, n, 0, inner, to);
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

/// Partial results of a strip of columns, merged into one row.
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
        // SAFETY: `fold_columns`' pointers.
        unsafe { merge_rows::<F>(self.part, self.pieces, self.step, self.width, self.dst) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::IsaKind;

    /// A sum of squares.
    struct Squares;
    impl Fold for Squares {
        type In = f32;
        type Acc = f32;
        fn map<I: Isa>(x: f32, _: f32, _: f64) -> f32 {
            x * x
        }
        fn merge(a: f32, b: f32) -> f32 {
            a + b
        }
        fn empty() -> f32 {
            0.0
        }
    }

    #[test]
    fn a_tiny_block_has_the_bits_of_vectors() {
        let values: Vec<f32> = (0..64u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 1e6 - 7.0)
            .collect();
        for isa in IsaKind::available() {
            for (n, inner) in (1..=ROWS).flat_map(|n| (2..=TINY / n).map(move |i| (n, i))) {
                let (mut ours, mut vectors) = (vec![f32::NAN; inner], vec![f32::NAN; inner]);
                let columns = Columns::<Squares> {
                    src: values.as_ptr(),
                    shift: values.as_ptr(),
                    dst: vectors.as_mut_ptr(),
                    outer: 1,
                    outer_steps: (0, 0),
                    rows: n,
                    row_step: inner,
                    width: inner,
                    p: 0.0,
                };
                dispatch(isa, columns);
                // SAFETY: `n` rows of `inner` elements, 64 at most, and as many results.
                unsafe { tiny::<Squares>(n, inner, values.as_ptr(), 0.0, ours.as_mut_ptr()) };
                let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&ours), bits(&vectors), "{isa:?} {n} x {inner}");
            }
        }
    }
}
