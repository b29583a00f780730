//! Scan: running sums and products along the middle axis of a contiguous
//! `[outer, n, inner]` block.
//!
//! Invariant: each result is the one before it merged with one element, in order, on every
//! instruction set and any number of threads.

use super::folds::SumOf;
use super::isa::{Isa, Kernel, active_isa, dispatch};
use super::par;
use super::reduce::{Geometry, Shared};
use crate::dtype::Number;
use crate::kernels::tables::NumKernels;

/// Scans of every numeric type; the results are of type `T::Acc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum NumScan {
    Sum,
    Prod,
}

const STRIP: usize = 1024;

struct Scan<T: SumOf, const SUM: bool> {
    src: *const T,
    dst: *mut T::Acc,
    outer: usize,
    n: usize,
    inner: usize,
    width: usize,
}
impl<T: SumOf, const SUM: bool> Scan<T, SUM> {
    #[inline(always)]
    fn merge(a: T::Acc, b: T::Acc) -> T::Acc {
        if SUM { a.add_(b) } else { a.mul_(b) }
    }
}
impl<T: SumOf, const SUM: bool> Kernel for Scan<T, SUM> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for o in 0..self.outer {
            // SAFETY: `scan`'s promise.
            unsafe {
                let src = self.src.add(o * self.n * self.inner);
                let dst = self.dst.add(o * self.n * self.inner);
                if self.inner == 1 {
                    let mut acc = if SUM { T::Acc::ZERO } else { T::Acc::ONE };
                    for i in 0..self.n {
                        acc = Self::merge(acc, (*src.add(i)).widen());
                        *dst.add(i) = acc;
                    }
                } else {
                    for j in 0..self.width {
                        *dst.add(j) = (*src.add(j)).widen();
                    }
                    for i in 1..self.n {
                        let (x, y) = (src.add(i * self.inner), dst.add(i * self.inner));
                        let before = dst.add((i - 1) * self.inner);
                        for j in 0..self.width {
                            *y.add(j) = Self::merge(*before.add(j), (*x.add(j)).widen());
                        }
                    }
                }
            }
        }
    }
}

/// Scans the middle axis into `dst`, of the same shape.
///
/// # Safety
/// `src` is readable and `dst` (of `T::Acc`) writable for `outer·n·inner` elements; they do not overlap.
pub(crate) unsafe fn scan<T: SumOf>(code: NumScan, g: Geometry, src: *const T, dst: *mut u8) {
    let dst = dst as *mut T::Acc;
    match code {
        NumScan::Sum => drive::<T, true>(g, src, dst),
        NumScan::Prod => drive::<T, false>(g, src, dst),
    }
}

/// The pointers are those of [`scan`].
fn drive<T: SumOf, const SUM: bool>(g: Geometry, src: *const T, dst: *mut T::Acc) {
    let Geometry { outer, n, inner } = g;
    if outer * n * inner == 0 {
        return;
    }
    let isa = active_isa();
    let chunk = par::chunk_len(10);
    let (src, dst) = (Shared(src as *mut T), Shared(dst));
    let task = move |o: usize, blocks, c0: usize, width| {
        let at = o * n * inner + c0;
        let task = Scan::<T, SUM> {
            src: src.get().wrapping_add(at),
            dst: dst.get().wrapping_add(at),
            outer: blocks,
            n,
            inner,
            width,
        };
        dispatch(isa, task);
    };
    if n * inner > chunk && inner > 1 {
        let strips = inner.div_ceil(STRIP);
        par::for_each(outer * strips, move |t| {
            let (o, c0) = (t / strips, t % strips * STRIP);
            task(o, 1, c0, STRIP.min(inner - c0));
        });
    } else {
        par::for_pieces(outer, chunk / (n * inner), move |o| {
            task(o.start, o.len(), 0, inner);
        });
    }
}
