//! Matrix times vector: the matrix is read once, at the speed of memory.
//!
//! Invariant: as for every product, rows and columns are cut by size alone. So is the inner dimension, whose blocks are
//! summed each by itself: the error of a sum grows with its length.

use super::blocked::deepest;
use super::simd::Simd;
use super::{Gemm, GemmKernels, Shared};
use crate::kernels::isa::{Isa, IsaKind, Kernel, dispatch};
use crate::kernels::par;
use crate::memory::{AllocError, RawBlock};

/// `y = M·x (+ bias)` for some rows of `M` whose rows (dot) or columns (axpy) are contiguous.
#[derive(Clone, Copy)]
pub(crate) struct Job<T> {
    pub(crate) rows: usize,
    pub(crate) k: usize,
    pub(crate) m: *const T,
    /// The step that is not 1.
    pub(crate) step: isize,
    pub(crate) x: *const T,
    pub(crate) bias: *const T,
    /// The bias's step: 0 where one value serves all rows.
    pub(crate) bias_step: usize,
    pub(crate) y: *mut T,
    /// Room for as many elements as `y` has, where there are several blocks of columns.
    pub(crate) part: *mut T,
}

/// Elements of a block of a row, which is summed in as many lanes as two vectors have.
const DOT_BLOCK: usize = 8192;

struct Dot<T>(Job<T>);
struct Axpy<T>(Job<T>);

/// The matrix-vector loops of an element type.
macro_rules! vector_kernels {
    () => {
        unsafe fn rows_dot(isa: IsaKind, job: vector::Job<Self>) {
            vector::dot(isa, job)
        }
        unsafe fn rows_axpy(isa: IsaKind, job: vector::Job<Self>) {
            vector::axpy(isa, job)
        }
    };
}
pub(crate) use vector_kernels;

#[allow(private_bounds)] // the kernels are this module's; callers name only the element type
pub(crate) fn dot<T>(isa: IsaKind, job: Job<T>)
where
    Dot<T>: Kernel<Out = ()>,
{
    dispatch(isa, Dot(job))
}
#[allow(private_bounds)] // as above
pub(crate) fn axpy<T>(isa: IsaKind, job: Job<T>)
where
    Axpy<T>: Kernel<Out = ()>,
{
    dispatch(isa, Axpy(job))
}

macro_rules! kernels {
    ($($t:ident)*) => {$(
        impl Kernel for Dot<$t> {
            type Out = ();
            #[inline(always)]
            fn run<I: Isa>(self) {
                let job = self.0;
                let mut r = 0;
                // SAFETY: `matvec`'s promise; below `dispatch`.
                unsafe {
                    while r + 4 <= job.rows {
                        dot_rows::<$t, I, 4>(job, r);
                        r += 4;
                    }
                    while r < job.rows {
                        dot_rows::<$t, I, 1>(job, r);
                        r += 1;
                    }
                }
            }
        }
        impl Kernel for Axpy<$t> {
            type Out = ();
            #[inline(always)]
            fn run<I: Isa>(self) {
                let job = self.0;
                // SAFETY: `matvec`'s promise; below `dispatch`.
                unsafe {
                    let mut from = 0;
                    while from < job.k {
                        let to = job.k.min(from + deepest(size_of::<$t>()));
                        // The first block's sums are the output.
                        let y = if from == 0 { job.y } else { job.part };
                        let mut p = from;
                        while p + 8 <= to {
                            axpy_columns::<$t, I, 8>(job, p, y, p == from);
                            p += 8;
                        }
                        while p < to {
                            axpy_columns::<$t, I, 1>(job, p, y, p == from);
                            p += 1;
                        }
                        if from > 0 {
                            for i in 0..job.rows {
                                *job.y.add(i) += *y.add(i);
                            }
                        }
                        from = to;
                    }
                    if !job.bias.is_null() {
                        for i in 0..job.rows {
                            *job.y.add(i) += *job.bias.add(i * job.bias_step);
                        }
                    }
                }
            }
        }
    )*};
}
kernels!(f32 f64);

/// Rows `r..r + R` of `y`, with two vectors of sums a row for each block.
#[inline(always)]
unsafe fn dot_rows<T, S: Simd<T>, const R: usize>(job: Job<T>, r: usize)
where
    T: GemmKernels + std::ops::Add<Output = T>,
{
    // SAFETY: rows and their elements are within the matrix.
    unsafe {
        let zero: S::V = std::mem::zeroed();
        let mut sums = [zero; R];
        let mut p = 0;
        let row = |i: usize| job.m.offset((r + i) as isize * job.step);
        while p < job.k {
            let first = p == 0;
            let mut acc = [[zero; 2]; R];
            // A multiple of two vectors, but for the last.
            let end = job.k.min(p + DOT_BLOCK);
            while p + 2 * S::LANES <= end {
                for v in 0..2 {
                    let at = p + v * S::LANES;
                    let x = S::load(job.x.add(at));
                    for i in 0..R {
                        acc[i][v] = S::fma(S::load(row(i).add(at)), x, acc[i][v]);
                    }
                }
                p += 2 * S::LANES;
            }
            let mut v = 0;
            while p < end {
                let m = S::mask(end - p);
                let x = S::load_mask(job.x.add(p), m);
                for i in 0..R {
                    acc[i][v] = S::fma(S::load_mask(row(i).add(p), m), x, acc[i][v]);
                }
                p += S::LANES;
                v = 1;
            }
            for (sum, a) in sums.iter_mut().zip(&acc) {
                let block = S::add(a[0], a[1]);
                *sum = if first { block } else { S::add(*sum, block) };
            }
        }
        for (i, sum) in sums.iter().enumerate() {
            let mut lanes = [T::NIL; 16];
            S::store(lanes.as_mut_ptr(), *sum);
            let mut n = S::LANES;
            while n > 1 {
                n /= 2;
                for l in 0..n {
                    lanes[l] = lanes[l] + lanes[l + n];
                }
            }
            let mut y = lanes[0];
            if !job.bias.is_null() {
                y = y + *job.bias.add((r + i) * job.bias_step);
            }
            job.y.add(r + i).write(y);
        }
    }
}

/// Adds `P` columns from `p` on, each times its `x`, to `to`, which the first ones of a block start.
#[inline(always)]
unsafe fn axpy_columns<T: Copy, S: Simd<T>, const P: usize>(
    job: Job<T>,
    p: usize,
    to: *mut T,
    first: bool,
) {
    // SAFETY: columns and their elements are within the matrix.
    unsafe {
        let zero: S::V = std::mem::zeroed();
        let mut xs = [zero; P];
        for (i, x) in xs.iter_mut().enumerate() {
            *x = S::splat(*job.x.add(p + i));
        }
        let col = |i: usize| job.m.offset((p + i) as isize * job.step);
        let mut j = 0;
        while j + S::LANES <= job.rows {
            let y = to.add(j);
            let mut sum = if first { zero } else { S::load(y) };
            for (i, x) in xs.iter().enumerate() {
                sum = S::fma(S::load(col(i).add(j)), *x, sum);
            }
            S::store(y, sum);
            j += S::LANES;
        }
        if j < job.rows {
            let m = S::mask(job.rows - j);
            let y = to.add(j);
            let mut sum = if first { zero } else { S::load_mask(y, m) };
            for (i, x) in xs.iter().enumerate() {
                sum = S::fma(S::load_mask(col(i).add(j), m), *x, sum);
            }
            S::store_mask(y, sum, m);
        }
    }
}

/// Elements of a task: 256 Ki of f32 are about 50 us from memory.
const TASK: usize = 1 << 18;

/// The product where `m` or `n` is 1; `false`, and nothing done, where the matrix is contiguous in
/// neither direction.
///
/// # Safety
/// As for [`gemm`](super::gemm); no dimension is 0.
pub(crate) unsafe fn matvec<T: GemmKernels>(isa: IsaKind, g: &Gemm<T>) -> Result<bool, AllocError> {
    let Gemm { d, a, b, row, c } = *g;
    // As M·x, `rows × k`.
    let (rows, mat, x, x_step) = if d.n == 1 {
        (d.m, a, b.ptr, b.row)
    } else {
        (d.n, b.t(), a.ptr, a.col)
    };
    let bias_step = (d.n != 1) as usize;
    let by_rows = mat.col == 1;
    if !by_rows && mat.row != 1 {
        return Ok(false);
    }
    let block;
    let x = if x_step == 1 {
        x
    } else {
        block = RawBlock::try_new(d.k * size_of::<T>())?;
        let to = block.as_ptr() as *mut T;
        for p in 0..d.k {
            // SAFETY: within the vector and the block.
            unsafe { to.add(p).write(*x.offset(p as isize * x_step)) };
        }
        to as *const T
    };
    let room;
    let part = if by_rows || d.k <= deepest(size_of::<T>()) {
        std::ptr::null_mut()
    } else {
        room = RawBlock::try_new(rows * size_of::<T>())?;
        room.as_ptr() as *mut T
    };
    let (y, part) = (Shared(c), Shared(part));
    let (x, bias) = (Shared(x as *mut T), Shared(row as *mut T));
    // By columns, a stretch of `y` stays in the L1 cache while the columns stream past: the longer,
    // the better they stream.
    let per = if by_rows {
        (TASK / d.k).max(64)
    } else {
        let tasks = (rows * d.k).div_ceil(TASK).min(4);
        rows.div_ceil(tasks).next_multiple_of(64).min(4096)
    };
    par::for_each(rows.div_ceil(per), |t| {
        let r = t * per;
        let job = Job {
            rows: per.min(rows - r),
            k: d.k,
            m: mat.at(r, 0).ptr,
            step: if by_rows { mat.row } else { mat.col },
            x: x.at(0),
            bias: if bias.0.is_null() {
                bias.0
            } else {
                bias.at(r * bias_step)
            },
            bias_step,
            y: y.at(r),
            part: part.at(r),
        };
        // SAFETY: rows are within the matrix; tasks write disjoint stretches of `y`.
        unsafe {
            if by_rows {
                T::rows_dot(isa, job)
            } else {
                T::rows_axpy(isa, job)
            }
        }
    });
    Ok(true)
}
