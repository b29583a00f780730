//! A product whose output is one vector wide, of operands that lie in the L1 cache: one tile, which is entered with the
//! product as it stands. To build a tile's call takes longer than the multiplications of a product of 4 × 4.
//!
//! Invariant: a tile's bits, as it is one.

use super::simd::Simd;
use super::tile::{Start, Tile, tile_run};
use super::{Dims, Gemm, NEAR, Panels};
use crate::kernels::isa::{self, Isa, IsaKind, Kernel};

/// The deepest: the left operand of a tile, and the right one, then lie in 16 KiB each.
const DEEP: usize = 256;
/// The most rows of a tile, and the most columns.
const MOST: usize = 16;

/// The product, in one tile of `MR` rows, of vectors of the set (`CUT` 0), or of half their width, or a quarter.
///
/// Rows that fill narrower vectors have those. What reaches beyond a row's end takes longer, though a mask keeps it from
/// being written: all rows but the first lie across two lines of the cache.
struct Narrow<T, const MR: usize, const CUT: usize>(*const Gemm<T>);

/// The tiles of an instruction set, by the product's columns less one, then by its rows less one. None has one column: that
/// is a vector, whose product has another order of summation.
pub(crate) type Tiles<T> = [&'static [unsafe fn(*const Gemm<T>)]; MOST];

/// Makes the product, if it is such a one; otherwise nothing is done, and `false` the answer.
///
/// # Safety
/// As for [`gemm`](super::gemm); the machine has the set that the tiles are of.
#[inline(always)]
pub(super) unsafe fn run<T>(tiles: &Tiles<T>, g: &Gemm<T>) -> bool {
    let Dims { m, n, k } = g.d;
    if g.b.col == 1
        && k <= DEEP
        && let Some(rows) = tiles.get(n.wrapping_sub(1))
        && let Some(tile) = rows.get(m.wrapping_sub(1))
    {
        // SAFETY: the caller's promise; the tile has the product's rows, and its vectors the columns.
        unsafe { tile(g) }
        return true;
    }
    false
}

/// As [`run`], of more rows than a tile has: as many tiles as it takes.
///
/// # Safety
/// As [`run`]; the output has rows.
pub(super) unsafe fn run_all<T>(tiles: &Tiles<T>, g: &Gemm<T>) -> bool {
    let Dims { m, n, k } = g.d;
    let rows = tiles.get(n.wrapping_sub(1)).copied().unwrap_or_default();
    if g.b.col != 1 || k > DEEP || rows.is_empty() || m * k * size_of::<T>() > NEAR {
        return false;
    }
    let panels = Panels::new(m, rows.len());
    for i in 0..panels.count {
        let (start, m) = (panels.start(i), panels.len(i));
        let panel = Gemm {
            d: Dims { m, ..g.d },
            a: g.a.at(start, 0),
            c: g.c.wrapping_add(start * n),
            ..*g
        };
        // SAFETY: the caller's promise, for some of the rows.
        unsafe { rows[m - 1](&panel) }
    }
    true
}

macro_rules! kernels {
    (($d:tt) $($ALL:ident $t:ident)*) => {$(
        impl<const MR: usize, const CUT: usize> Kernel for Narrow<$t, MR, CUT> {
            type Out = ();
            #[inline(always)]
            fn run<I: Isa>(self) {
                // Heights beyond the set's registers are never asked for: no code for them.
                if const { MR <= tall::<$t, I>() } {
                    // SAFETY: `run`'s promise; below `entry`.
                    unsafe {
                        let g = &*self.0;
                        match CUT {
                            0 => tile::<$t, I, MR>(g, g.d.n),
                            1 => tile::<$t, I::Half, MR>(g, <I::Half as Simd<$t>>::LANES),
                            _ => tile::<$t, I::Quarter, MR>(g, <I::Quarter as Simd<$t>>::LANES),
                        }
                    }
                }
            }
        }
        impl<const MR: usize, const CUT: usize> From<*const Gemm<$t>> for Narrow<$t, MR, CUT> {
            #[inline(always)]
            fn from(g: *const Gemm<$t>) -> Self {
                Narrow(g)
            }
        }

        /// The tiles of each set, by its code less one.
        pub(super) static $ALL: [Tiles<$t>; 4] = {
            const fn of<I: Isa>() -> Tiles<$t> {
                macro_rules! tiles {
                    ($cut:literal: $d($rows:literal)*) => {
                        const {
                            &[$d(isa::table::entry::<_, Narrow<$t, $rows, $cut>>(I::KIND)),*]
                        }.split_at(const { tall::<$t, I>() }).0
                    };
                }
                let (half, whole) = (<I::Half as Simd<$t>>::LANES, <I as Simd<$t>>::LANES);
                let quarter = <I::Quarter as Simd<$t>>::LANES;
                let mut all: Tiles<$t> = [&[]; MOST];
                let mut n = 2;
                while n <= whole {
                    all[n - 1] = tiles!(0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
                    n += 1;
                }
                if half < whole {
                    all[half - 1] = tiles!(1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
                }
                if quarter < half {
                    all[quarter - 1] = tiles!(2: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
                }
                all
            }
            // What the architecture has not is not asked for.
            let mut sets = [[&[] as &[_]; MOST]; 4];
            sets[IsaKind::Scalar as usize - 1] = of::<isa::Scalar>();
            #[cfg(target_arch = "x86_64")]
            {
                sets[IsaKind::Avx2 as usize - 1] = of::<isa::Avx2>();
                sets[IsaKind::Avx512 as usize - 1] = of::<isa::Avx512>();
            }
            #[cfg(target_arch = "aarch64")]
            {
                sets[IsaKind::Neon as usize - 1] = of::<isa::Neon>();
            }
            sets
        };
    )*};
}
kernels!(($) F32 f32 F64 f64);

/// The most rows of a tile one vector wide: as many accumulators as of one two wide, if there are pointers for them.
const fn tall<T, S: Simd<T>>() -> usize {
    match S::ROWS {
        rows @ ..=4 => rows,
        rows @ ..8 => 2 * rows,
        _ => MOST,
    }
}

/// # Safety
/// As for [`gemm`](super::gemm), of `MR` rows and at most a vector's columns; below `entry`.
#[inline(always)]
unsafe fn tile<T: Copy, S: Simd<T>, const MR: usize>(g: &Gemm<T>, columns: usize) {
    let Gemm { d, a, b, row, c } = *g;
    let t = Tile {
        k: d.k,
        a: a.ptr,
        a_steps: (a.row, a.col),
        b: b.ptr,
        b_step: b.row,
        c,
        c_step: columns,
        columns,
        start: if row.is_null() {
            Start::Zero
        } else {
            Start::Row(row)
        },
        keep: std::ptr::null_mut(),
    };
    // SAFETY: the tile is the product.
    unsafe { tile_run::<T, S, MR, 1, false, true>(t) }
}

#[cfg(test)]
mod tests {
    use super::super::{GemmKernels, Mat, direct};
    use super::*;

    /// Products of all sizes about the tiles' own, of operands straight, turned and with gaps, with a row and without: those
    /// that are narrow have the bits of tiles, and the others are left alone.
    #[test]
    fn a_narrow_product_has_the_bits_of_tiles() {
        fn check<T: GemmKernels + From<f32> + Into<f64>>() {
            let values: Vec<T> = (0..4096u32)
                .map(|i| T::from((i.wrapping_mul(2_654_435_761) >> 8) as f32 / 1e6 - 7.0))
                .collect();
            for isa in IsaKind::available() {
                let mut narrow = 0;
                for size in 0..18 * 18 * 6 {
                    let (m, n, k) = (size % 18, size / 18 % 18, [0, 1, 2, 5, 16, 19][size / 324]);
                    let gap = size % 3;
                    let a = Mat {
                        ptr: values.as_ptr(),
                        row: (k + gap) as isize,
                        col: 1,
                    };
                    let turned = Mat {
                        row: 1,
                        col: (m + gap) as isize,
                        ..a
                    };
                    let b = Mat {
                        ptr: values[1000..].as_ptr(),
                        row: (n + gap) as isize,
                        col: 1,
                    };
                    let rows = [std::ptr::null(), values[4000..].as_ptr()];
                    for (a, row) in [(a, rows[0]), (turned, rows[1]), (a, rows[1])] {
                        let unset = T::from(-77.0);
                        let mut outs = [vec![unset; m * n + 40], vec![unset; m * n + 40]];
                        let [ours, tiles] = outs.each_mut().map(|out| Gemm {
                            d: Dims { m, n, k },
                            a,
                            b,
                            row,
                            c: out[20..].as_mut_ptr(),
                        });
                        // SAFETY: operands of 21 rows of 21 at most begin at the first and the 1001st of 4096; the row
                        // has 96 behind it.
                        let is_narrow = unsafe { run(T::narrow(isa), &ours) };
                        let (lanes, tall) = (T::lanes(isa).0, T::narrow(isa)[1].len());
                        let fits = (1..=tall).contains(&m) && (2..=lanes).contains(&n);
                        assert_eq!(is_narrow, fits, "{isa:?} {m} {n} {k}");
                        narrow += u32::from(is_narrow);
                        // SAFETY: as above; the output has rows.
                        if is_narrow || m > 0 && unsafe { run_all(T::narrow(isa), &ours) } {
                            // SAFETY: as above.
                            unsafe { direct(isa, &tiles) };
                        } else {
                            assert!(m == 0 || !(2..=lanes).contains(&n), "{isa:?} {m} {n} {k}");
                        }
                        let [ours, tiles] = outs.map(|out| {
                            let bits = |x: T| Into::<f64>::into(x).to_bits();
                            out.into_iter().map(bits).collect::<Vec<_>>()
                        });
                        assert_eq!(ours, tiles, "{isa:?} {m} {n} {k} {gap}");
                    }
                }
                assert!(narrow > 50, "{isa:?}");
            }
        }
        check::<f32>();
        check::<f64>();
    }
}
