//! Columns: the axes after the reduced one go along in vectors, a strip at a time.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::slice::{from_raw_parts, from_raw_parts_mut};

use super::{Fold, Geometry, Shared, Task, scratch};
use crate::kernels::isa::{Isa, IsaKind, Kernel, Scalar, active_isa, dispatch};
use crate::kernels::par;

/// Rows merged one after another before merging turns pairwise, when columns are reduced.
const ROWS: usize = 32;
/// Columns of a strip: four source rows and the accumulator fit half of a 32 KiB L1 cache.
const STRIP: usize = 1024;

/// Merges one row into another. (Slices, here and below: that they do not overlap is what the compiler needs to know.)
#[inline(always)]
fn merge_row<F: Fold>(a: &mut [F::Acc], b: &[F::Acc]) {
    for j in 0..a.len().min(b.len()) {
        a[j] = F::merge(a[j], b[j]);
    }
}

/// Merges `count` rows of `width` elements pairwise, as a binary counter carries, where they lie; what comes of it goes to
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
    if count <= 1 {
        return;
    }
    let mut apart = 1;
    while apart < count {
        let mut i = 0;
        while i + apart < count {
            // SAFETY: two of the rows.
            unsafe {
                merge_row::<F>(
                    from_raw_parts_mut(rows.add(i * step), width),
                    from_raw_parts(rows.add((i + apart) * step), width),
                );
            }
            i += 2 * apart;
        }
        apart *= 2;
    }
    // SAFETY: the first row, and `dst`, which lies elsewhere.
    unsafe { dst.copy_from_nonoverlapping(rows, width) };
}

/// Rows of a strip of columns, merged into one row; for each of `outer` blocks.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    /// Null where there are the leaves already.
    src: *const u8,
    shift: *const u8,
    dst: *mut u8,
    outer: usize,
    /// Elements from one block to the next, in the source and in the result.
    outer_steps: (usize, usize),
    rows: usize,
    row_step: usize,
    width: usize,
    p: f64,
    /// Where there are several leaves, that is `ROWS` rows merged into one: room for them, how many, and elements from one to
    /// the next.
    sums: *mut u8,
    leaves: usize,
    leaf_step: usize,
}
impl Columns {
    /// The task that merges `leaves` rows of partial results.
    pub(super) fn merge(
        sums: *mut u8,
        leaves: usize,
        leaf_step: usize,
        width: usize,
        dst: *mut u8,
    ) -> Columns {
        Columns {
            src: std::ptr::null(),
            shift: std::ptr::null(),
            dst,
            outer: 1,
            outer_steps: (0, 0),
            rows: 0,
            row_step: 0,
            width,
            p: 0.0,
            sums,
            leaves,
            leaf_step,
        }
    }
}

/// A row of a strip, the first of a block.
#[inline(always)]
fn first<I: Isa, F: Fold>(
    dst: &mut [MaybeUninit<F::Acc>],
    a: &[F::In],
    shift: impl Fn(usize, F::In) -> F::In,
    p: f64,
) {
    for j in 0..dst.len().min(a.len()) {
        dst[j].write(F::map::<I>(a[j], shift(j, a[j]), p));
    }
}

/// Another row.
#[inline(always)]
fn one_more<I: Isa, F: Fold>(
    dst: &mut [F::Acc],
    a: &[F::In],
    shift: impl Fn(usize, F::In) -> F::In,
    p: f64,
) {
    for j in 0..dst.len().min(a.len()) {
        dst[j] = F::merge(dst[j], F::map::<I>(a[j], shift(j, a[j]), p));
    }
}

/// Four more rows.
#[inline(always)]
fn four_more<I: Isa, F: Fold>(
    dst: &mut [F::Acc],
    a: &[F::In],
    b: &[F::In],
    c: &[F::In],
    d: &[F::In],
    shift: impl Fn(usize, F::In) -> F::In,
    p: f64,
) {
    let at = |x: F::In, j| F::map::<I>(x, shift(j, x), p);
    let n = dst.len();
    let (a, b, c, d) = (&a[..n], &b[..n], &c[..n], &d[..n]);
    for j in 0..n {
        let acc = F::merge(F::merge(dst[j], at(a[j], j)), at(b[j], j));
        dst[j] = F::merge(F::merge(acc, at(c[j], j)), at(d[j], j));
    }
}

struct ColumnsOf<F: Fold>(Columns, PhantomData<F>);
impl<F: Fold> ColumnsOf<F> {
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
        let Columns {
            width, row_step, p, ..
        } = self.0;
        // SAFETY: rows and columns of the task; `shift` is read only where there is one. The result overlaps no source.
        unsafe {
            let s = |j: usize, x: F::In| if F::SHIFTED { *shift.add(j) } else { x };
            let row = |r: usize| from_raw_parts(src.add((lo + r) * row_step), width);
            first::<I, F>(from_raw_parts_mut(dst.cast(), width), row(0), s, p);
            let dst = from_raw_parts_mut(dst, width);
            let mut r = 1;
            if !F::HEAVY {
                while r + 4 <= count {
                    four_more::<I, F>(dst, row(r), row(r + 1), row(r + 2), row(r + 3), s, p);
                    r += 4;
                }
            }
            while r < count {
                one_more::<I, F>(dst, row(r), s, p);
                r += 1;
            }
        }
    }
}
impl<F: Fold> Kernel for ColumnsOf<F> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let t = self.0;
        let sums = t.sums as *mut F::Acc;
        for o in 0..t.outer {
            let src = (t.src as *const F::In).wrapping_add(o * t.outer_steps.0);
            let shift = (t.shift as *const F::In).wrapping_add(o * t.outer_steps.1);
            let dst = (t.dst as *mut F::Acc).wrapping_add(o * t.outer_steps.1);
            // SAFETY: `fold`'s promise, at block `o`; the leaves are within `sums`.
            unsafe {
                if !t.src.is_null() {
                    for b in 0..t.leaves {
                        let lo = b * ROWS;
                        let out = if t.leaves > 1 {
                            sums.add(b * t.leaf_step)
                        } else {
                            dst
                        };
                        self.strip::<I>(src, shift, lo, ROWS.min(t.rows - lo), out);
                    }
                }
                merge_rows::<F>(sums, t.leaves, t.leaf_step, t.width, dst);
            }
        }
    }
}

/// Reduces columns.
///
/// # Safety
/// The pointers are those of [`fold`](super::fold), to elements of the reduction's types, and `sums` as said there.
pub(super) unsafe fn columns_of<F: Fold>(isa: IsaKind, task: &Columns) {
    dispatch(isa, ColumnsOf::<F>(*task, PhantomData));
}

/// Elements up to which columns go one by one, without vectors: the code around a short one takes longer.
const TINY: usize = 64;

/// Whether [`tiny`] takes it.
#[inline(always)]
pub(super) fn is_tiny<F: Fold>(g: Geometry) -> bool {
    g.outer == 1 && g.n <= ROWS && g.n * g.inner <= TINY && !F::HEAVY && !F::SHIFTED
}

/// A block of few elements, of [`ROWS`] rows at most: the order is that of [`ColumnsOf::strip`].
///
/// # Safety
/// As for [`fold_columns`], of one block, and of a fold whose `map` takes no second operand.
pub(super) unsafe fn tiny<F: Fold>(
    n: usize,
    inner: usize,
    src: *const F::In,
    p: f64,
    dst: *mut F::Acc,
) {
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
/// As for [`fold`](super::fold), with `n` not 0.
pub(super) unsafe fn fold_columns(task: &Task) {
    let Geometry { outer, n, inner } = task.g;
    let (verb, p) = (task.verb, task.p);
    let isa = active_isa();
    let chunk = par::chunk_len(verb.cost);
    let (src, shift, dst) = (
        Shared(task.src as *mut u8),
        Shared(task.shift as *mut u8),
        Shared(task.dst),
    );
    let (from, size) = verb.sizes;
    // Rows `r0..r0 + rows` and columns `c0..c0 + width` of blocks `o..o + blocks`.
    let task = move |o: usize, blocks, r0: usize, rows: usize, c0: usize, width, to: *mut u8| {
        let leaves = rows.div_ceil(ROWS);
        // Room alone, for more than one: every element is written before it is read.
        let mut sums = scratch(if leaves > 1 { leaves * width * size } else { 0 });
        let task = Columns {
            src: src.get().wrapping_add(((o * n + r0) * inner + c0) * from),
            shift: shift.get().wrapping_add((o * inner + c0) * from),
            dst: to,
            outer: blocks,
            outer_steps: (n * inner, inner),
            rows,
            row_step: inner,
            width,
            p,
            sums: sums.as_mut_ptr() as *mut u8,
            leaves,
            leaf_step: width,
        };
        // SAFETY: the caller's promise; tasks write disjoint parts of the result.
        unsafe { (verb.columns)(isa, &task) };
    };
    let strips = inner.div_ceil(STRIP);
    // A power of two of blocks of rows: a node of the tree.
    let rows = (chunk / inner.min(STRIP)).max(ROWS).next_power_of_two();
    let pieces = n.div_ceil(rows);
    if strips == 1 && pieces == 1 {
        par::for_pieces(outer, chunk / (n * inner), move |o| {
            let to = dst.get().wrapping_add(o.start * inner * size);
            task(o.start, o.len(), 0, n, 0, inner, to);
        });
        return;
    }
    if pieces == 1 {
        par::for_each(outer * strips, move |t| {
            let (o, c0) = (t / strips, t % strips * STRIP);
            let to = dst.get().wrapping_add((o * inner + c0) * size);
            task(o, 1, 0, n, c0, STRIP.min(inner - c0), to);
        });
        return;
    }
    // Room alone: every element is written before it is read.
    let mut partial = scratch(outer * pieces * inner * size);
    let part = Shared(partial.as_mut_ptr() as *mut u8);
    par::for_each(outer * pieces * strips, move |t| {
        let (o, rest) = (t / (pieces * strips), t % (pieces * strips));
        let (piece, c0) = (rest / strips, rest % strips * STRIP);
        let r0 = piece * rows;
        let at = (o * pieces + piece) * inner + c0;
        let to = part.get().wrapping_add(at * size);
        task(o, 1, r0, rows.min(n - r0), c0, STRIP.min(inner - c0), to);
    });
    par::for_each(outer * strips, move |t| {
        let (o, c0) = (t / strips, t % strips * STRIP);
        let from = part.get().wrapping_add((o * pieces * inner + c0) * size);
        let to = dst.get().wrapping_add((o * inner + c0) * size);
        let merge = Columns::merge(from, pieces, inner, STRIP.min(inner - c0), to);
        // SAFETY: the pieces of a strip, and its result.
        unsafe { (verb.columns)(isa, &merge) };
    });
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
                let columns = Columns {
                    src: values.as_ptr() as *const u8,
                    shift: values.as_ptr() as *const u8,
                    dst: vectors.as_mut_ptr() as *mut u8,
                    outer: 1,
                    outer_steps: (0, 0),
                    rows: n,
                    row_step: inner,
                    width: inner,
                    p: 0.0,
                    sums: std::ptr::null_mut(),
                    leaves: 1,
                    leaf_step: inner,
                };
                // SAFETY: `n` rows of `inner` elements, 64 at most, and as many results.
                unsafe { columns_of::<Squares>(isa, &columns) };
                // SAFETY: as above.
                unsafe { tiny::<Squares>(n, inner, values.as_ptr(), 0.0, ours.as_mut_ptr()) };
                let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&ours), bits(&vectors), "{isa:?} {n} x {inner}");
            }
        }
    }
}
