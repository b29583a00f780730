//! Arg-reduce: where along the middle axis of a contiguous `[outer, n, inner]` block the
//! maximum (or minimum) first stands.
//!
//! Invariant: the lowest index wins at ties, and a NaN counts as the extreme, the first one winning.

use super::folds::row_extremes;
use super::isa::{Isa, IsaKind, Kernel, active_isa, dispatch};
use super::par;
use super::reduce::{Geometry, Shared};
use super::tables::NumKernels;
use crate::dtype::Scalar;

/// Columns of a strip: as many extremes at once.
const STRIP: usize = 512;
/// Bytes of rows that are read twice at a time: one call for several short rows, whose argmax takes 0.8 of the time that it
/// does with the extreme of each found in line (1000 rows of 10, an AVX-512 Xeon).
const NEAR: usize = 8 << 10;

/// Whether `a` comes before `b` as an extreme: beyond it, or the first NaN.
#[inline(always)]
#[allow(clippy::eq_op)] // NaN differs from itself
fn beats<T: Scalar, const MAX: bool>(a: T, b: T) -> bool {
    let beyond = if MAX { a > b } else { a < b };
    beyond | ((a != a) & (b == b))
}

struct ArgRows<T, const MAX: bool> {
    src: *const T,
    dst: *mut i64,
    rows: usize,
    n: usize,
}
impl<T: NumKernels, const MAX: bool> Kernel for ArgRows<T, MAX> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        // The extremes of some rows at a time, which stay in the L1 cache. Their kernel is called, not inlined: it is
        // compiled for maxima and minima anyhow.
        const MOST: usize = 16;
        let each = (NEAR / (self.n * size_of::<T>())).clamp(1, MOST);
        let mut bests = [T::ZERO; MOST];
        for start in (0..self.rows).step_by(each) {
            let rows = each.min(self.rows - start);
            // SAFETY: `arg`'s promise; `n >= 1`.
            unsafe {
                let x = self.src.add(start * self.n);
                row_extremes::<T, MAX>(I::KIND, x, (rows, self.n), bests.as_mut_ptr());
                for (r, &best) in bests.iter().enumerate().take(rows) {
                    *self.dst.add(start + r) = first_hit(x.add(r * self.n), self.n, best) as i64;
                }
            }
        }
    }
}

/// Where `best`, which is in the row, first stands.
///
/// # Safety
/// `x` is readable for `n` elements.
#[inline(always)]
#[allow(clippy::eq_op)] // NaN differs from itself
unsafe fn first_hit<T: NumKernels>(x: *const T, n: usize, best: T) -> usize {
    let hit = |v: T| (v == best) | ((v != v) & (best != best));
    // By blocks, each asked at once whether it holds the extreme.
    const STEP: usize = 64;
    let mut i = 0;
    // SAFETY: below `n`.
    unsafe {
        while i + STEP <= n {
            let mut any = false;
            for k in 0..STEP {
                any |= hit(*x.add(i + k));
            }
            if any {
                break;
            }
            i += STEP;
        }
        while i + 1 < n && !hit(*x.add(i)) {
            i += 1;
        }
    }
    i
}

struct ArgColumns<T, const MAX: bool> {
    src: *const T,
    dst: *mut i64,
    n: usize,
    inner: usize,
    width: usize,
}
impl<T: NumKernels, const MAX: bool> Kernel for ArgColumns<T, MAX> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let mut best = [T::ZERO; STRIP];
        // SAFETY: `arg`'s promise; `width <= STRIP`.
        unsafe {
            for (j, b) in best.iter_mut().enumerate().take(self.width) {
                *b = *self.src.add(j);
                *self.dst.add(j) = 0;
            }
            for i in 1..self.n {
                let x = self.src.add(i * self.inner);
                for (j, b) in best.iter_mut().enumerate().take(self.width) {
                    let (v, d) = (*x.add(j), self.dst.add(j));
                    let better = beats::<T, MAX>(v, *b);
                    *b = if better { v } else { *b };
                    *d = if better { i as i64 } else { *d };
                }
            }
        }
    }
}
/// The first index of the extreme along the middle axis.
///
/// # Safety
/// `src` is readable for `outer·n·inner` elements, `n` not 0, and `dst` writable for `outer·inner`; they
/// do not overlap.
pub(crate) unsafe fn reduce<T: NumKernels>(max: bool, g: Geometry, src: *const T, dst: *mut i64) {
    if g.outer * g.inner == 0 {
        return;
    }
    // SAFETY: the caller's promise.
    unsafe {
        if max {
            arg_of::<T, true>(active_isa(), g, src, dst)
        } else {
            arg_of::<T, false>(active_isa(), g, src, dst)
        }
    }
}

/// # Safety
/// As for [`arg`].
unsafe fn arg_of<T: NumKernels, const MAX: bool>(
    isa: IsaKind,
    g: Geometry,
    src: *const T,
    dst: *mut i64,
) {
    let Geometry { outer, n, inner } = g;
    let chunk = par::chunk_len(4);
    let (src, dst) = (Shared(src as *mut T), Shared(dst));
    if inner == 1 {
        par::for_pieces(outer, chunk / n, move |rows| {
            let task = ArgRows::<T, MAX> {
                src: src.get().wrapping_add(rows.start * n),
                dst: dst.get().wrapping_add(rows.start),
                rows: rows.len(),
                n,
            };
            dispatch(isa, task);
        });
        return;
    }
    let strips = inner.div_ceil(STRIP);
    let one = move |t: usize| {
        let (o, c0) = (t / strips, t % strips * STRIP);
        let task = ArgColumns::<T, MAX> {
            src: src.get().wrapping_add(o * n * inner + c0),
            dst: dst.get().wrapping_add(o * inner + c0),
            n,
            inner,
            width: STRIP.min(inner - c0),
        };
        dispatch(isa, task);
    };
    let each = chunk / (n * inner.min(STRIP));
    par::for_pieces(outer * strips, each, move |t| t.for_each(one));
}
