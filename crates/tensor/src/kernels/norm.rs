//! Norm: layer normalisation of the rows of a contiguous `[rows, n]` block and its
//! gradients, a row in one go while it is in the cache.
//!
//! Invariant: rows are cut into blocks by size alone, a row's sums are in the fixed tree of
//! [`super::reduce`], and the gradients of weight and bias go down the rows of a block in order: the
//! same bits for any number of threads.
//!
//! The first element of a row is taken off before it is summed, and the mean kept as its offset from it: far from zero
//! the mean is no number of the type, and its rounding may be as large as the deviations. The first element is one of the
//! row, so it is no further from the mean than √n deviations.

use std::mem::MaybeUninit;
use std::slice::{from_raw_parts, from_raw_parts_mut};

use super::isa::{Isa, Kernel, active_isa, dispatch, next_row};
use super::par;
use super::reduce::{Shared, row_of};
use super::tables::FloatKernels;

/// Tenths of a nanosecond an element: a few passes over a row in the cache.
const COST: u32 = 12;

/// Rows of a block; `n` is the length of each.
pub(crate) fn block_rows(n: usize) -> usize {
    // At least 8, so that the partial sums of the gradients are small beside the input.
    (par::chunk_len(COST) / n.max(1)).max(8)
}

/// Rows of a block of the gradients of weight and bias, which are summed in order: the error of a sum grows with its length.
pub(crate) fn sum_rows(n: usize) -> usize {
    block_rows(n).min(128)
}

/// What is normalised: `y = (x − mean)·scale·w + b` with `scale = 1/√(var + ε)`.
#[derive(Clone, Copy, Debug)]
pub struct Norm<T> {
    pub(crate) rows: usize,
    pub(crate) n: usize,
    pub(crate) epsilon: f64,
    pub(crate) x: *const T,
    pub(crate) w: *const T,
    pub(crate) b: *const T,
    pub(crate) y: *mut T,
    /// One for each row.
    pub(crate) mean: *mut T,
    /// One for each row: the mean less the row's first element.
    pub(crate) offset: *mut T,
    /// One for each row.
    pub(crate) scale: *mut T,
}

/// The gradients, given `dy`: of `x`, and each block's part of those of `w` and `b`.
#[derive(Clone, Copy, Debug)]
pub struct NormGrad<T> {
    pub(crate) rows: usize,
    pub(crate) n: usize,
    pub(crate) x: *const T,
    pub(crate) w: *const T,
    pub(crate) offset: *const T,
    pub(crate) scale: *const T,
    pub(crate) dy: *const T,
    pub(crate) dx: *mut T,
    /// `[blocks, n]`.
    pub(crate) dw: *mut T,
    /// `[blocks, n]`.
    pub(crate) db: *mut T,
}

/// A row of `y`. (Slices, here and below: that they do not overlap is what the compiler needs to know.)
#[inline(always)]
fn normalise<T: FloatKernels>(
    x: &[T],
    [first, offset, scale]: [T; 3],
    w: &[T],
    b: &[T],
    y: &mut [MaybeUninit<T>],
) {
    for i in 0..y.len() {
        y[i].write(((x[i] - first) - offset) * scale * w[i] + b[i]);
    }
}

/// A row of `dx`, and what it adds to `dw` and `db`.
#[inline(always)]
fn pass_back<T: FloatKernels>(
    x: &[T],
    w: &[T],
    dy: &[T],
    [first, offset, scale, along, across]: [T; 5],
    dx: &mut [MaybeUninit<T>],
    dw: &mut [T],
    db: &mut [T],
) {
    for i in 0..dx.len() {
        let u = ((x[i] - first) - offset) * scale;
        dx[i].write((w[i] * dy[i] - along - u * across) * scale);
        dw[i] = dw[i] + u * dy[i];
        db[i] = db[i] + dy[i];
    }
}

/// The offset of a row's mean and its scale where squares over- or underflow: of the row times a power of 2. None where the
/// row is constant or not finite, which has no other.
#[cold]
fn scaled<T: FloatKernels>(x: &[T], epsilon: T) -> Option<[T; 2]> {
    let (mut least, mut most) = (x[0], x[0]);
    for v in x {
        (least, most) = (least.min_(*v), most.max_(*v));
    }
    let range = 0.5 * most.to_f64() - 0.5 * least.to_f64();
    if !(range > 0.0 && range < f64::INFINITY) {
        return None;
    }
    let limit = if size_of::<T>() == 4 { 120 } else { 1000 };
    let part = T::from_f64(2f64.powi(-(range.log2() as i32).clamp(-limit, limit)));
    let count = T::from_f64(x.len() as f64);
    let d = |i: usize| x[i] * part - x[0] * part;
    let offset = row_of(x.len(), d, |a, b| a + b) / count;
    let square = |i| {
        let d = d(i) - offset;
        d * d
    };
    let var = row_of(x.len(), square, |a, b| a + b) / count;
    let scale = T::ONE / (var + epsilon * part * part).sqrt();
    Some([offset / part, scale * part])
}

impl<T: FloatKernels> Kernel for Norm<T> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let n = self.n;
        let count = T::from_f64(n as f64);
        let epsilon = T::from_f64(self.epsilon);
        for r in 0..self.rows {
            // SAFETY: `norm`'s promise; `n >= 1`.
            unsafe {
                let (x, y) = (self.x.add(r * n), self.y.add(r * n));
                next_row([x], n, 0);
                let first = *x;
                let offset = row_of(n, |i| *x.add(i) - first, |a, b| a + b) / count;
                let square = |i| {
                    let d = (*x.add(i) - first) - offset;
                    d * d
                };
                next_row([x], n, 1);
                let var = row_of(n, square, |a, b| a + b) / count;
                let mut offset_scale = [offset, T::ONE / (var + epsilon).sqrt()];
                next_row([x], n, 2);
                let [x, w, b] = [x, self.w, self.b].map(|p| from_raw_parts(p, n));
                let tiny = if size_of::<T>() == 4 { 1e-30 } else { 1e-290 };
                if !(var < T::INFINITY && (var + epsilon).to_f64() >= tiny) {
                    offset_scale = scaled(x, epsilon).unwrap_or(offset_scale);
                }
                let [offset, scale] = offset_scale;
                normalise(
                    x,
                    [first, offset, scale],
                    w,
                    b,
                    from_raw_parts_mut(y.cast(), n),
                );
                *self.mean.add(r) = first + offset;
                *self.offset.add(r) = offset;
                *self.scale.add(r) = scale;
            }
        }
    }
}

impl<T: FloatKernels> Kernel for NormGrad<T> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let n = self.n;
        let count = T::from_f64(n as f64);
        // SAFETY: `norm_grad`'s promise; `n >= 1`.
        unsafe {
            for i in 0..n {
                *self.dw.add(i) = T::ZERO;
                *self.db.add(i) = T::ZERO;
            }
            for r in 0..self.rows {
                let (x, dy, dx) = (self.x.add(r * n), self.dy.add(r * n), self.dx.add(r * n));
                let (first, offset, scale) = (*x, *self.offset.add(r), *self.scale.add(r));
                let normal = |i| ((*x.add(i) - first) - offset) * scale;
                let g = |i| *self.w.add(i) * *dy.add(i);
                // Not `x` as well: `kernels/README.md`, at `LONGEST`.
                next_row([dy], n, 0);
                let along = row_of(n, g, |a, b| a + b) / count;
                next_row([dy], n, 1);
                let across = row_of(n, |i| g(i) * normal(i), |a, b| a + b) / count;
                next_row([dy], n, 2);
                let [x, w, dy] = [x, self.w, dy].map(|p| from_raw_parts(p, n));
                let dx = from_raw_parts_mut(dx.cast(), n);
                let [dw, db] = [self.dw, self.db].map(|p| from_raw_parts_mut(p, n));
                pass_back(x, w, dy, [first, offset, scale, along, across], dx, dw, db);
            }
        }
    }
}

/// Normalises.
///
/// # Safety
/// `x` is readable and `y` writable for `rows·n` elements, `w` and `b` readable for `n`, `mean`, `offset` and
/// `scale` writable for `rows`; what is written overlaps nothing else. `n >= 1`.
pub(crate) unsafe fn norm<T: FloatKernels>(all: Norm<T>) {
    let isa = active_isa();
    let Norm {
        rows, n, epsilon, ..
    } = all;
    let (x, w, b) = (
        Shared(all.x as *mut T),
        Shared(all.w as *mut T),
        Shared(all.b as *mut T),
    );
    let [y, mean, offset, scale] = [all.y, all.mean, all.offset, all.scale].map(Shared);
    par::for_pieces(rows, block_rows(n), move |piece| {
        let r = piece.start;
        let block = Norm {
            rows: piece.len(),
            n,
            epsilon,
            x: x.get().wrapping_add(r * n),
            w: w.get(),
            b: b.get(),
            y: y.get().wrapping_add(r * n),
            mean: mean.get().wrapping_add(r),
            offset: offset.get().wrapping_add(r),
            scale: scale.get().wrapping_add(r),
        };
        dispatch(isa, block);
    });
}

/// The gradients; there are `rows.div_ceil(sum_rows(n))` blocks.
///
/// # Safety
/// `x` and `dy` are readable and `dx` writable for `rows·n` elements, `w` readable for `n`, `offset` and
/// `scale` for `rows`; `dw` and `db` are writable for `n` elements a block; what is written overlaps
/// nothing else. `n >= 1`.
pub(crate) unsafe fn norm_grad<T: FloatKernels>(all: NormGrad<T>) {
    let isa = active_isa();
    let NormGrad { rows, n, .. } = all;
    let [x, w, offset, scale, dy] =
        [all.x, all.w, all.offset, all.scale, all.dy].map(|p| Shared(p as *mut T));
    let [dx, dw, db] = [all.dx, all.dw, all.db].map(Shared);
    let per = sum_rows(n);
    par::for_pieces(rows.div_ceil(per), block_rows(n) / per, move |piece| {
        for t in piece {
            let r = t * per;
            let block = NormGrad {
                rows: per.min(rows - r),
                n,
                x: x.get().wrapping_add(r * n),
                w: w.get(),
                offset: offset.get().wrapping_add(r),
                scale: scale.get().wrapping_add(r),
                dy: dy.get().wrapping_add(r * n),
                dx: dx.get().wrapping_add(r * n),
                dw: dw.get().wrapping_add(t * n),
                db: db.get().wrapping_add(t * n),
            };
            dispatch(isa, block);
        }
    });
}
