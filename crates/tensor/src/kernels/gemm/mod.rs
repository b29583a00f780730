//! The kernel *gemm*: `C = A·B (+ a row)` for one product or a batch of them, any strides of `A` and
//! `B`, `C` row-major.
//!
//! Small products run on the operands where they lie, larger ones block by block ([`blocked`]).
//! Matrix times vector streams the matrix once.
//!
//! Invariant: the inner dimension is cut by its size alone and no thread splits it, so the bits do
//! not depend on the number of threads. `C` is written before it is read.

mod blocked;
mod narrow;
mod pack;
mod simd;
mod tile;
mod tiny;
mod vector;

pub use simd::Simd;

use super::isa::{IsaKind, active_isa};
use super::par;
use crate::memory::cache_line::{CACHE_LINE, prefetch};
use crate::memory::{AllocError, RawBlock};
pub(crate) use pack::Panel;
use pack::Turn;
use tile::{Start, Tile, tile};

/// Products up to this many multiplications run unpacked; see `kernels/README.md`.
const DIRECT: usize = 1 << 20;
/// Products up to this many multiplications are not worth a copy of the right operand, nor then a tile; as there.
const TINY: usize = 64;
/// Multiplications of a task of a batch, about 25 us of one core.
const TASK: usize = 2 << 20;

/// A matrix: its first element and the steps to the next row and column.
#[derive(Debug)]
pub(crate) struct Mat<T> {
    pub(crate) ptr: *const T,
    pub(crate) row: isize,
    pub(crate) col: isize,
}
impl<T> Clone for Mat<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Mat<T> {}
// SAFETY: tasks only read through it.
unsafe impl<T: Sync> Send for Mat<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Mat<T> {}

impl<T> Mat<T> {
    /// The matrix from this row and column on.
    #[inline(always)]
    fn at(self, row: usize, col: usize) -> Mat<T> {
        let offset = row as isize * self.row + col as isize * self.col;
        Mat {
            ptr: self.ptr.wrapping_offset(offset),
            ..self
        }
    }

    /// The transpose.
    #[inline(always)]
    pub(crate) fn t(self) -> Mat<T> {
        Mat {
            ptr: self.ptr,
            row: self.col,
            col: self.row,
        }
    }

    /// This matrix `elements` further on.
    #[inline(always)]
    pub(crate) fn offset(self, elements: isize) -> Mat<T> {
        Mat {
            ptr: self.ptr.wrapping_offset(elements),
            ..self
        }
    }
}

/// A pointer that tasks share: they write disjoint parts of what it points to.
struct Shared<T>(*mut T);
impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Shared<T> {}
// SAFETY: see above.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: see above.
unsafe impl<T: Send> Sync for Shared<T> {}
impl<T> Shared<T> {
    #[inline(always)]
    fn at(self, i: usize) -> *mut T {
        self.0.wrapping_add(i)
    }
}

/// The sizes of a product: `m × k` times `k × n`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dims {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
}

impl Dims {
    #[inline(always)]
    fn work(self) -> usize {
        self.m.saturating_mul(self.n).saturating_mul(self.k)
    }
}

/// A product to be made, `C = A·B`, plus `row` on every row where there is one (null otherwise).
#[derive(Clone, Copy)]
pub(crate) struct Gemm<T> {
    pub(crate) d: Dims,
    pub(crate) a: Mat<T>,
    pub(crate) b: Mat<T>,
    pub(crate) row: *const T,
    pub(crate) c: *mut T,
}

/// Rows cut into panels of at most `most`, as even as can be: no panel is nearly empty.
#[derive(Clone, Copy)]
struct Panels {
    count: usize,
    base: usize,
    longer: usize,
}
impl Panels {
    #[inline(always)]
    fn new(rows: usize, most: usize) -> Panels {
        if rows <= most {
            // As below, without its divisions.
            return Panels {
                count: 1,
                base: rows,
                longer: 0,
            };
        }
        Panels::cut(rows, rows.div_ceil(most).max(1))
    }
    /// As many panels as told.
    #[inline(always)]
    fn cut(rows: usize, count: usize) -> Panels {
        Panels {
            count,
            base: rows / count,
            longer: rows % count,
        }
    }
    #[inline(always)]
    fn start(self, i: usize) -> usize {
        i * self.base + i.min(self.longer)
    }
    #[inline(always)]
    fn len(self, i: usize) -> usize {
        self.base + (i < self.longer) as usize
    }
}

/// The offsets of the operands of each product of a batch.
type Offsets<'a> = dyn Fn(usize) -> (isize, isize) + Sync + 'a;

/// What each float type brings: its loops, and what calls them, compiled here alone.
#[doc(hidden)]
#[allow(missing_docs, private_interfaces)] // reached through `Float` alone, which is sealed
pub trait GemmKernels: Copy + Send + Sync + 'static {
    const NIL: Self;
    unsafe fn gemm_wide(isa: IsaKind, g: &Gemm<Self>) -> Result<(), AllocError>;
    unsafe fn gemm_batch(count: usize, g: &Gemm<Self>, at: &Offsets<'_>) -> Result<(), AllocError>;
    fn lanes(isa: IsaKind) -> (usize, usize);
    unsafe fn run_tile<const MR: usize, const NV: usize, const KEEP: bool>(
        isa: IsaKind,
        t: Tile<Self>,
    );
    unsafe fn pack_panel(isa: IsaKind, panel: pack::Panel<Self>);
    unsafe fn turn_tile(isa: IsaKind, turn: pack::Turn<Self>);
    fn narrow(isa: IsaKind) -> &'static narrow::Tiles<Self>;
    unsafe fn tiny(isa: IsaKind, g: &Gemm<Self>);
    unsafe fn rows_dot(isa: IsaKind, job: vector::Job<Self>);
    unsafe fn rows_axpy(isa: IsaKind, job: vector::Job<Self>);
}

macro_rules! gemm_kernels {
    ($($ALL:ident $t:ident)*) => {$(
        #[allow(private_interfaces)] // as the trait
        impl GemmKernels for $t {
            const NIL: Self = 0.0;
            #[inline(never)]
            unsafe fn gemm_wide(isa: IsaKind, g: &Gemm<$t>) -> Result<(), AllocError> {
                // SAFETY: the caller's promise.
                unsafe { gemm_wide(isa, g) }
            }
            #[inline(never)]
            unsafe fn gemm_batch(
                count: usize,
                g: &Gemm<$t>,
                at: &Offsets<'_>,
            ) -> Result<(), AllocError> {
                // SAFETY: the caller's promise.
                unsafe { gemm_batch(count, g, at) }
            }
            #[inline]
            fn lanes(isa: IsaKind) -> (usize, usize) {
                use super::isa;
                match isa {
                    #[cfg(target_arch = "x86_64")]
                    IsaKind::Avx2 => sizes::<$t, isa::Avx2>(),
                    #[cfg(target_arch = "x86_64")]
                    IsaKind::Avx512 => sizes::<$t, isa::Avx512>(),
                    #[cfg(target_arch = "aarch64")]
                    IsaKind::Neon => sizes::<$t, isa::Neon>(),
                    _ => sizes::<$t, isa::Scalar>(),
                }
            }
            #[inline(always)]
            fn narrow(isa: IsaKind) -> &'static narrow::Tiles<$t> {
                &narrow::$ALL[isa as usize - 1]
            }
            tile::run_tile!();
            pack::pack_kernels!();
            tiny::tiny_kernels!();
            vector::vector_kernels!();
        }
    )*};
}
gemm_kernels!(F32 f32 F64 f64);

/// Lanes of a vector and rows of a tile.
#[inline(always)]
fn sizes<T, S: Simd<T>>() -> (usize, usize) {
    (S::LANES, S::ROWS)
}

/// The product, by as many threads as it is worth.
///
/// # Safety
/// `a` is readable for `m × k`, `b` for `k × n`, `row` (if not null) for `n` elements; `c` is writable
/// for `m × n`, row-major, and overlaps none of them.
#[inline(always)]
pub(crate) unsafe fn gemm<T: GemmKernels>(g: &Gemm<T>) -> Result<(), AllocError> {
    let isa = active_isa();
    // SAFETY: the caller's promise.
    unsafe {
        if narrow::run(T::narrow(isa), g) {
            return Ok(());
        }
        T::gemm_wide(isa, g)
    }
}

/// [`gemm`] of others than narrow ones.
///
/// # Safety
/// As for [`gemm`].
#[inline]
unsafe fn gemm_wide<T: GemmKernels>(isa: IsaKind, g: &Gemm<T>) -> Result<(), AllocError> {
    let Dims { m, n, .. } = g.d;
    // SAFETY: the caller's promise.
    unsafe {
        if g.d.work() <= DIRECT {
            if m == 0 || n == 0 {
                return Ok(());
            }
            return serial_wide(isa, g);
        }
        if (m == 1 || n == 1) && vector::matvec(isa, g)? {
            return Ok(());
        }
        blocked::gemm(isa, g, par::num_threads())
    }
}

/// Several products of the same sizes, of which `g` is the first; `at` gives the offsets of the operands of each. The
/// output of product `i` is at `i·m·n`.
///
/// # Safety
/// As for [`gemm`], for each product.
unsafe fn gemm_batch<T: GemmKernels>(
    count: usize,
    g: &Gemm<T>,
    at: &Offsets<'_>,
) -> Result<(), AllocError> {
    let isa = active_isa();
    let Gemm { d, a, b, .. } = *g;
    let (out, row) = (Shared(g.c), Shared(g.row as *mut T));
    let product = move |i: usize| {
        let (oa, ob) = at(i);
        Gemm {
            d,
            a: a.offset(oa),
            b: b.offset(ob),
            row: row.at(0),
            c: out.at(i * d.m * d.n),
        }
    };
    // SAFETY: the caller's promise; products write disjoint parts of the output.
    unsafe {
        if d.m == 0 || d.n == 0 {
            return Ok(());
        }
        if count < 8 && d.work() > 2 * TASK {
            for i in 0..count {
                gemm(&product(i))?;
            }
            return Ok(());
        }
        let per = (TASK / d.work().max(1)).clamp(1, count);
        par::try_for_each(count.div_ceil(per), |t| {
            for i in t * per..(t * per + per).min(count) {
                serial(isa, &product(i))?;
            }
            Ok(())
        })
    }
}

/// Directly where the product is small, block by block otherwise.
///
/// # Safety
/// As for [`gemm`]; neither `m` nor `n` is 0.
unsafe fn serial<T: GemmKernels>(isa: IsaKind, g: &Gemm<T>) -> Result<(), AllocError> {
    // SAFETY: the caller's promise.
    unsafe {
        if narrow::run(T::narrow(isa), g) {
            return Ok(());
        }
        serial_wide(isa, g)
    }
}

/// [`serial`] of others than narrow ones.
///
/// # Safety
/// As for [`serial`].
unsafe fn serial_wide<T: GemmKernels>(isa: IsaKind, g: &Gemm<T>) -> Result<(), AllocError> {
    let Dims { m, n, k } = g.d;
    // SAFETY: the caller's promise.
    unsafe {
        if (m == 1 || n == 1) && k > 4 && vector::matvec(isa, g)? {
            return Ok(());
        }
        if narrow::run_all(T::narrow(isa), g) {
            return Ok(());
        }
        let work = g.d.work();
        let lies = g.b.col == 1 && n > 1;
        if !lies && work <= TINY {
            T::tiny(isa, g);
        } else if work > DIRECT {
            return blocked::gemm(isa, g, 1);
        } else if lies || n == 1 {
            direct(isa, g);
        } else {
            return copied(isa, g);
        }
        Ok(())
    }
}

/// The right operand is read by rows: a copy of it makes rows of a transposed one.
///
/// # Safety
/// As for [`serial`].
#[inline(never)]
unsafe fn copied<T: GemmKernels>(isa: IsaKind, g: &Gemm<T>) -> Result<(), AllocError> {
    let Dims { n, k, .. } = g.d;
    let len = k * n;
    let mut stack = [const { std::mem::MaybeUninit::<T>::uninit() }; STACK];
    let block;
    let to = if len <= STACK {
        stack.as_mut_ptr() as *mut T
    } else {
        block = RawBlock::try_new(len * size_of::<T>())?;
        block.as_ptr() as *mut T
    };
    let panel = Panel {
        from: g.b,
        columns: n,
        width: n,
        k,
        to,
    };
    let b = Mat {
        ptr: to as *const T,
        row: n as isize,
        col: 1,
    };
    // SAFETY: the caller's promise; there is room for the copy.
    unsafe {
        T::pack_panel(isa, panel);
        let g = Gemm { b, ..*g };
        let tiles = T::narrow(isa);
        if !narrow::run(tiles, &g) && !narrow::run_all(tiles, &g) {
            direct(isa, &g);
        }
    }
    Ok(())
}

/// Bytes of a left operand that lies in the L1 cache anyhow.
const NEAR: usize = 16 << 10;
/// Elements of a right operand copied to the stack.
const STACK: usize = 1024;

/// The product on operands where they lie; the right one's columns lie side by side.
///
/// # Safety
/// As for [`gemm`]; neither `m` nor `n` is 0.
unsafe fn direct<T: GemmKernels>(isa: IsaKind, g: &Gemm<T>) {
    let Gemm { d, a, b, row, c } = *g;
    let (lanes, most) = T::lanes(isa);
    let panels = Panels::new(d.m, most);
    let depths = Panels::new(d.k, blocked::deepest(size_of::<T>()));
    // Lines of the next rows that each tile asks for. After the last rows of a batch's product lies the next product.
    let lines = if a.col == 1 && d.m * d.k * size_of::<T>() > NEAR {
        (most * d.k * size_of::<T>() / CACHE_LINE).div_ceil(d.n.div_ceil(2 * lanes))
    } else {
        0
    };
    // Rows by rows, so that the output is written from end to end; the right operand is small enough to stay near.
    for i in 0..panels.count {
        let i0 = panels.start(i);
        let a_ptr = a.at(i0, 0).ptr;
        let mut next = a.at(i0 + panels.len(i), 0).ptr as *const u8;
        let mut j = 0;
        while j < d.n {
            let columns = (d.n - j).min(2 * lanes);
            for _ in 0..lines {
                prefetch(next);
                next = next.wrapping_add(CACHE_LINE);
            }
            // Block by block of the inner dimension, as larger products: the error of a sum grows with its length.
            for q in 0..depths.count {
                let p = depths.start(q);
                let t = Tile {
                    k: depths.len(q),
                    a: a_ptr.wrapping_offset(p as isize * a.col),
                    a_steps: (a.row, a.col),
                    b: b.at(p, j).ptr,
                    b_step: b.row,
                    c: c.wrapping_add(i0 * d.n + j),
                    c_step: d.n,
                    columns,
                    start: if q > 0 {
                        Start::Sum
                    } else if row.is_null() {
                        Start::Zero
                    } else {
                        Start::Row(row.wrapping_add(j))
                    },
                    keep: std::ptr::null_mut(),
                };
                // SAFETY: tiles are within the operands.
                unsafe { tile::<T, false>(isa, panels.len(i), columns.div_ceil(lanes), t) };
            }
            j += columns;
        }
    }
}
