//! Copies of an operand as panels: the order in which the tiles read it.
//!
//! Invariant: a panel holds, for each step of the inner dimension, its rows (left) or its columns
//! padded with zeros to whole vectors (right), one after another.

use super::simd::Simd;
use super::{GemmKernels, Mat};
use crate::kernels::isa::{Isa, IsaKind, Kernel, dispatch};

/// `k` rows of `columns`, to be written as rows of `width`.
#[derive(Clone, Copy)]
pub(crate) struct Panel<T> {
    pub(crate) from: Mat<T>,
    pub(crate) columns: usize,
    pub(crate) width: usize,
    pub(crate) k: usize,
    pub(crate) to: *mut T,
}

/// A tile of a product turned, `rows × columns`, to be written as columns of the output, plus `row` where there is one.
#[derive(Clone, Copy)]
pub(crate) struct Turn<T> {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) from: *const T,
    pub(crate) step: usize,
    pub(crate) to: *mut T,
    pub(crate) to_step: usize,
    pub(crate) row: *const T,
}

struct Pack<T>(Panel<T>);
struct Turning<T>(Turn<T>);

macro_rules! kernels {
    ($($t:ident)*) => {$(
        impl Kernel for Pack<$t> {
            type Out = ();
            #[inline(always)]
            fn run<I: Isa>(self) {
                // SAFETY: `pack_panel`'s promise; below `dispatch`.
                unsafe { pack::<$t, I>(self.0) }
            }
        }
        impl Kernel for Turning<$t> {
            type Out = ();
            #[inline(always)]
            fn run<I: Isa>(self) {
                // SAFETY: `turn_tile`'s promise; below `dispatch`.
                unsafe { turn::<$t, I>(self.0) }
            }
        }
    )*};
}
kernels!(f32 f64);

/// The packing functions of an element type.
macro_rules! pack_kernels {
    () => {
        #[inline]
        unsafe fn pack_panel(isa: IsaKind, panel: pack::Panel<Self>) {
            pack::pack_panel(isa, panel)
        }
        #[inline]
        unsafe fn turn_tile(isa: IsaKind, turn: pack::Turn<Self>) {
            pack::turn_tile(isa, turn)
        }
    };
}
pub(crate) use pack_kernels;

#[allow(private_bounds)] // the kernel is this module's; callers name only the element type
#[inline]
pub(crate) fn pack_panel<T>(isa: IsaKind, panel: Panel<T>)
where
    Pack<T>: Kernel<Out = ()>,
{
    dispatch(isa, Pack(panel))
}

#[allow(private_bounds)] // as above
#[inline]
pub(crate) fn turn_tile<T>(isa: IsaKind, turn: Turn<T>)
where
    Turning<T>: Kernel<Out = ()>,
{
    dispatch(isa, Turning(turn))
}

#[inline(always)]
unsafe fn turn<T: GemmKernels, S: Simd<T>>(t: Turn<T>) {
    // SAFETY: the tile is readable and the output writable, by the caller's promise; masks keep within them.
    unsafe {
        let q = S::SQUARE;
        if t.rows >= q && t.columns >= q {
            // By squares; the last overlap those before.
            for j in starts(t.columns, q) {
                for i in starts(t.rows, q) {
                    let (from, to) = (t.from.add(i * t.step + j), t.to.add(j * t.to_step + i));
                    S::transpose(from, t.step as isize, to, t.to_step);
                }
            }
        } else {
            for j in 0..t.columns {
                for i in 0..t.rows {
                    *t.to.add(j * t.to_step + i) = *t.from.add(i * t.step + j);
                }
            }
        }
        if !t.row.is_null() {
            for i in (0..t.rows).step_by(S::LANES) {
                let mask = S::mask(t.rows - i);
                let x = S::load_mask(t.row.add(i), mask);
                for j in 0..t.columns {
                    let to = t.to.add(j * t.to_step + i);
                    S::store_mask(to, S::add(S::load_mask(to, mask), x), mask);
                }
            }
        }
    }
}

/// Where pieces of `q` begin that cover `n`, at least `q`: the last may overlap the one before.
#[inline(always)]
fn starts(n: usize, q: usize) -> impl Iterator<Item = usize> {
    (0..n).step_by(q).map(move |i| i.min(n - q))
}

#[inline(always)]
unsafe fn pack<T: GemmKernels, S: Simd<T>>(t: Panel<T>) {
    // SAFETY: the panel is readable and the block writable, by the caller's promise.
    unsafe {
        let q = S::SQUARE;
        if t.from.col == 1 {
            // Whole vectors, and the rest as one: into the padding, with its zeros, where there is any.
            let whole = t.columns - t.columns % S::LANES;
            let (rest, padded) = (t.columns - whole, t.width - whole >= S::LANES);
            let mask = S::mask(rest);
            for p in 0..t.k {
                let (src, dst) = (t.from.at(p, 0).ptr, t.to.add(p * t.width));
                let mut j = 0;
                while j < whole {
                    S::store(dst.add(j), S::load(src.add(j)));
                    j += S::LANES;
                }
                if padded {
                    S::store(dst.add(j), S::load_mask(src.add(j), mask));
                } else if rest > 0 {
                    S::store_mask(dst.add(j), S::load_mask(src.add(j), mask), mask);
                }
            }
            return;
        }
        if t.from.row == 1 && t.columns >= q && t.k >= q {
            // By squares, two beside each other along the inner dimension: a cache line of an operand is
            // read once, whole. The last squares overlap those before, so that none is left over.
            let mut p = 0;
            while p < t.k {
                let pair = [p.min(t.k - q), (p + q).min(t.k - q)];
                let mut j = 0;
                loop {
                    for p in pair {
                        let dst = t.to.add(p * t.width + j);
                        S::transpose(t.from.at(p, j).ptr, t.from.col, dst, t.width);
                    }
                    if j + q == t.columns {
                        break;
                    }
                    j = (j + q).min(t.columns - q);
                }
                p += 2 * q;
            }
        } else {
            // Sixteen rows at a time: each column is read along the inner dimension.
            let mut p0 = 0;
            while p0 < t.k {
                let end = (p0 + 16).min(t.k);
                for j in 0..t.columns {
                    for p in p0..end {
                        t.to.add(p * t.width + j).write(*t.from.at(p, j).ptr);
                    }
                }
                p0 = end;
            }
        }
        if t.columns < t.width {
            for p in 0..t.k {
                for j in t.columns..t.width {
                    t.to.add(p * t.width + j).write(T::NIL);
                }
            }
        }
    }
}
