//! Softmax: softmax, its logarithm and the gradients of both along the middle axis of a
//! contiguous `[outer, n, inner]` block, a row in one go while it is in the cache.
//!
//! Invariant: a row is handled by one thread, its sum in the fixed tree of [`super::reduce`]; NaN
//! anywhere in a row makes all of the row NaN.

use std::slice::{from_raw_parts, from_raw_parts_mut};

use super::folds::{row_largest, row_sum};
use super::isa::{Isa, Kernel, active_isa, dispatch, next_row};
use super::math::Math;
use super::math::each::map_exp_from;
use super::par;
use super::reduce::{Geometry, Shared, row_of};
use super::tables::FloatKernels;

/// What is computed of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Softmax {
    /// `exp(x − max) / Σexp(x − max)`; the second source is not read.
    Plain,
    /// `x − max − ln Σexp(x − max)`; the second source is not read.
    Log,
    /// `y·(dy − Σy·dy)` of the sources `y`, `dy`.
    Grad,
    /// `dy − exp(y)·Σdy` of the sources `y`, `dy`.
    LogGrad,
}

/// Columns of a strip, where the axis is not the last: as many sums at once.
const STRIP: usize = 256;
/// Rows whose sum is taken by itself: the error of a sum grows with its length.
const ROWS: usize = 64;

/// Adds the sums of some rows to those of all, and begins them anew.
#[inline(always)]
fn merge<T: FloatKernels>(all: &mut [T], some: &mut [T]) {
    for (a, b) in all.iter_mut().zip(some) {
        *a = *a + *b;
        *b = T::ZERO;
    }
}

struct Task<T> {
    code: Softmax,
    srcs: [*const T; 2],
    dst: *mut T,
    outer: usize,
    n: usize,
    inner: usize,
    width: usize,
}

impl<T: FloatKernels> Task<T> {
    /// # Safety
    /// Pointers are valid for `n` elements, `n >= 1`.
    #[inline(always)]
    unsafe fn row<I: Isa>(&self, [x, dy]: [*const T; 2], y: *mut T) {
        let n = self.n;
        // SAFETY: the caller's promise.
        unsafe {
            match self.code {
                Softmax::Plain | Softmax::Log => {
                    next_row([x], n, 0);
                    let max = row_largest(x, n);
                    next_row([x], n, 1);
                    let (row, exps) = (from_raw_parts(x, n), from_raw_parts_mut(y.cast(), n));
                    map_exp_from::<I, T>(max, row, exps);
                    next_row([x], n, 2);
                    let sum = row_sum::<I, T>(y, n);
                    if self.code == Softmax::Plain {
                        let scale = T::ONE / sum;
                        for i in 0..n {
                            *y.add(i) = *y.add(i) * scale;
                        }
                    } else {
                        let ln = Math::ln::<I>(sum);
                        for i in 0..n {
                            *y.add(i) = (*x.add(i) - max) - ln;
                        }
                    }
                }
                Softmax::Grad => {
                    // Not `x` as well: `kernels/README.md`, at `LONGEST`.
                    next_row([dy], n, 0);
                    next_row([dy], n, 1);
                    let dot = row_of(n, |i| *x.add(i) * *dy.add(i), |a, b| a + b);
                    next_row([dy], n, 2);
                    for i in 0..n {
                        *y.add(i) = *x.add(i) * (*dy.add(i) - dot);
                    }
                }
                Softmax::LogGrad => {
                    next_row([dy], n, 0);
                    let sum = row_sum::<I, T>(dy, n);
                    next_row([dy], n, 1);
                    next_row([dy], n, 2);
                    for i in 0..n {
                        *y.add(i) = *dy.add(i) - Math::exp::<I>(*x.add(i)) * sum;
                    }
                }
            }
        }
    }

    /// A strip of columns. Sums go down the rows of a block one after another.
    ///
    /// # Safety
    /// Pointers are valid for `n` rows of `width <= STRIP` elements, `inner` apart; `n >= 1`.
    #[inline(always)]
    unsafe fn columns<I: Isa>(&self, [x, dy]: [*const T; 2], y: *mut T) {
        let (n, w) = (self.n, self.width);
        let mut a = [T::ZERO; STRIP]; // maxima
        let mut b = [T::ZERO; STRIP]; // sums
        let mut part = [T::ZERO; STRIP]; // of a block of rows
        let mut blocks = [T::ZERO; STRIP]; // of a block of blocks
        let last = |i: usize, of: usize| i % of == of - 1 || i == n - 1;
        let at = |i: usize| i * self.inner;
        // SAFETY: the caller's promise.
        unsafe {
            match self.code {
                Softmax::Plain | Softmax::Log => {
                    for (j, a) in a.iter_mut().enumerate().take(w) {
                        *a = *x.add(j);
                    }
                    for i in 1..n {
                        for (j, a) in a.iter_mut().enumerate().take(w) {
                            *a = a.max_(*x.add(at(i) + j));
                        }
                    }
                    for i in 0..n {
                        for j in 0..w {
                            let e = Math::exp::<I>(*x.add(at(i) + j) - a[j]);
                            part[j] = part[j] + e;
                            *y.add(at(i) + j) = e;
                        }
                        if last(i, ROWS) {
                            merge(&mut blocks[..w], &mut part[..w]);
                        }
                        if last(i, ROWS * ROWS) {
                            merge(&mut b[..w], &mut blocks[..w]);
                        }
                    }
                    if self.code == Softmax::Plain {
                        for b in b.iter_mut().take(w) {
                            *b = T::ONE / *b;
                        }
                        for i in 0..n {
                            for (j, b) in b.iter().enumerate().take(w) {
                                *y.add(at(i) + j) = *y.add(at(i) + j) * *b;
                            }
                        }
                    } else {
                        for b in b.iter_mut().take(w) {
                            *b = Math::ln::<I>(*b);
                        }
                        for i in 0..n {
                            for j in 0..w {
                                *y.add(at(i) + j) = (*x.add(at(i) + j) - a[j]) - b[j];
                            }
                        }
                    }
                }
                Softmax::Grad => {
                    for i in 0..n {
                        for (j, part) in part.iter_mut().enumerate().take(w) {
                            *part = *part + *x.add(at(i) + j) * *dy.add(at(i) + j);
                        }
                        if last(i, ROWS) {
                            merge(&mut blocks[..w], &mut part[..w]);
                        }
                        if last(i, ROWS * ROWS) {
                            merge(&mut b[..w], &mut blocks[..w]);
                        }
                    }
                    for i in 0..n {
                        for (j, b) in b.iter().enumerate().take(w) {
                            let k = at(i) + j;
                            *y.add(k) = *x.add(k) * (*dy.add(k) - *b);
                        }
                    }
                }
                Softmax::LogGrad => {
                    for i in 0..n {
                        for (j, part) in part.iter_mut().enumerate().take(w) {
                            *part = *part + *dy.add(at(i) + j);
                        }
                        if last(i, ROWS) {
                            merge(&mut blocks[..w], &mut part[..w]);
                        }
                        if last(i, ROWS * ROWS) {
                            merge(&mut b[..w], &mut blocks[..w]);
                        }
                    }
                    for i in 0..n {
                        for (j, b) in b.iter().enumerate().take(w) {
                            let k = at(i) + j;
                            *y.add(k) = *dy.add(k) - Math::exp::<I>(*x.add(k)) * *b;
                        }
                    }
                }
            }
        }
    }
}

impl<T: FloatKernels> Kernel for Task<T> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for o in 0..self.outer {
            let step = o * self.n * self.inner;
            let srcs = self.srcs.map(|s| s.wrapping_add(step));
            let dst = self.dst.wrapping_add(step);
            // SAFETY: `softmax`'s promise.
            unsafe {
                if self.inner == 1 {
                    self.row::<I>(srcs, dst);
                } else {
                    self.columns::<I>(srcs, dst);
                }
            }
        }
    }
}

/// Along the middle axis, into `dst` of the same shape.
///
/// # Safety
/// The sources that `code` reads are readable and `dst` is writable for `outer·n·inner` elements; `dst`
/// overlaps no source.
pub(crate) unsafe fn softmax<T: FloatKernels>(
    code: Softmax,
    g: Geometry,
    srcs: [*const T; 2],
    dst: *mut T,
) {
    let Geometry { outer, n, inner } = g;
    if outer * n * inner == 0 {
        return;
    }
    let isa = active_isa();
    let chunk = par::chunk_len(12);
    let (srcs, dst) = (srcs.map(|s| Shared(s as *mut T)), Shared(dst));
    let task = move |o: usize, blocks, c0: usize, width| {
        let at = o * n * inner + c0;
        let task = Task {
            code,
            srcs: srcs.map(|s| s.get().wrapping_add(at) as *const T),
            dst: dst.get().wrapping_add(at),
            outer: blocks,
            n,
            inner,
            width,
        };
        dispatch(isa, task);
    };
    let strips = inner.div_ceil(STRIP);
    if strips > 1 {
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
