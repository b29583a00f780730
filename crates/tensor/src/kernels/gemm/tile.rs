//! The innermost loop: a tile of the product, held in registers over the whole inner dimension.
//!
//! Invariant: an element is `fma(a[p], b[p], …)` in the order of `p`, whatever the tile's size and
//! place, so that how a product is cut never shows in its bits.

use super::GemmKernels;
use super::simd::Simd;
use crate::kernels::isa::{Isa, IsaKind, Kernel, dispatch};
use crate::memory::cache_line::prefetch;

/// Rows of the right operand that are asked for ahead; see `kernels/README.md`.
const AHEAD: isize = 8;
/// Steps from which on a tile asks for its part of the output ahead, in `PARTS` parts; as there.
const DEEP: usize = 384;
const PARTS: usize = 4;

/// What a tile starts from.
pub(crate) enum Start<T> {
    /// Zero.
    Zero,
    /// What the output holds: an earlier part of the inner dimension.
    Sum,
    /// A row of values, one for each of the tile's columns.
    Row(*const T),
}
impl<T> Clone for Start<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Start<T> {}

/// A tile's operands: `rows × k` of the left, `k × columns` of the right, output by rows.
#[derive(Clone, Copy)]
pub(crate) struct Tile<T> {
    pub(crate) k: usize,
    pub(crate) a: *const T,
    /// Steps of the left operand by row and by column.
    pub(crate) a_steps: (isize, isize),
    pub(crate) b: *const T,
    /// Step of the right operand by row; columns lie side by side.
    pub(crate) b_step: isize,
    pub(crate) c: *mut T,
    pub(crate) c_step: usize,
    pub(crate) columns: usize,
    pub(crate) start: Start<T>,
    /// Where the right operand's vectors are written one after another, for the tiles below to read:
    /// packing costs no pass of its own. Null where they are not kept.
    pub(crate) keep: *mut T,
}

/// `MR` rows by `NV` vectors. `KEEP`: writes what [`Tile::keep`] says.
struct Run<T, const MR: usize, const NV: usize, const KEEP: bool>(Tile<T>);

macro_rules! run {
    ($t:ident) => {
        impl<const MR: usize, const NV: usize, const KEEP: bool> Kernel for Run<$t, MR, NV, KEEP> {
            type Out = ();
            #[inline(always)]
            fn run<I: Isa>(self) {
                // Heights beyond the set's registers are never asked for, and of several panels, the first of which is read
                // to be kept, none is lower than half of that: no code for them. (A constant: of a condition that merely
                // is one, rustc makes both ways, and leaves it to LLVM to drop one.)
                if const {
                    let most = <I as Simd<$t>>::ROWS;
                    MR <= most && (!KEEP || MR >= most / 2)
                } {
                    // SAFETY: `tile`'s promise; below `dispatch`.
                    unsafe { tile_run::<$t, I, MR, NV, KEEP, false>(self.0) }
                } else {
                    debug_assert!(false, "no tile of {MR} rows");
                }
            }
        }
    };
}
run!(f32);
run!(f64);

/// Hides from the compiler how the pointers came about. It would walk the rows by one pointer, a chain of additions as
/// long as the multiplications take, or by one for each row, more than there are registers.
#[inline(always)]
#[allow(clippy::pointers_in_nomem_asm_block)] // nothing is read there
fn keep_apart<T>(a: &mut [*const T]) {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    for a in a {
        // SAFETY: a comment.
        unsafe {
            std::arch::asm!(
                "/* {} */",
                inout(reg) * a,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = a;
}

/// `NEAR`: the operands lie in the L1 cache, and nothing is asked for ahead; nor is the output read.
///
/// # Safety
/// As [`tile`], of `MR` rows by `NV` vectors; below [`dispatch`].
#[inline(always)]
pub(super) unsafe fn tile_run<
    T: Copy,
    S: Simd<T>,
    const MR: usize,
    const NV: usize,
    const KEEP: bool,
    const NEAR: bool,
>(
    t: Tile<T>,
) {
    // SAFETY: the operands' bounds are the caller's promise; padding and masks keep within them.
    unsafe {
        let last = S::mask(t.columns - (NV - 1) * S::LANES);
        let zero: S::V = std::mem::zeroed();
        let mut acc = [[zero; NV]; MR];
        let (a_row, a_col) = t.a_steps;
        // A pointer for every third row: the address of each row is one of theirs plus the step, once or
        // twice, which a load adds by itself.
        // (A plain loop, here and below: `from_fn` and `map` of arrays are ten times the code to compile, for every tile
        // anew.)
        let mut a = [t.a; 6];
        for i in 1..MR.div_ceil(3) {
            a[i] = t.a.wrapping_offset(3 * i as isize * a_row);
        }
        let (mut b, mut keep) = (t.b, t.keep);
        let b_step = t.b_step;
        // A load under a mask takes one of the ports that multiply, each step of the way: 4 to 7 % of a product. The
        // compiler makes two loops of it.
        let whole = t.columns == NV * S::LANES;
        let sum = !NEAR && matches!(t.start, Start::Sum);
        // The output's lines are fetched beside the multiplications, some rows at a time: all at once, at the start or when
        // they are stored, they hold up the operands'. Sums so far are wanted in any case.
        let (rows, every) = (MR.div_ceil(PARTS), t.k.div_ceil(PARTS));
        let mut asked = t.c;
        let mut left = if sum || t.k >= DEEP { 1 } else { usize::MAX };
        for _ in 0..t.k {
            if !NEAR {
                left -= 1;
                if left == 0 {
                    for i in 0..rows {
                        for v in 0..NV {
                            prefetch(asked.wrapping_add(i * t.c_step + v * S::LANES) as *const u8);
                        }
                    }
                    asked = asked.wrapping_add(rows * t.c_step);
                    left = every;
                }
            }
            let mut bv = [zero; NV];
            for v in 0..NV {
                let p = b.add(v * S::LANES);
                if !NEAR {
                    prefetch(p.wrapping_offset(AHEAD * b_step) as *const u8);
                }
                bv[v] = if v + 1 < NV || whole {
                    S::load(p)
                } else {
                    S::load_mask(p, last)
                };
                if KEEP {
                    S::store(keep, bv[v]);
                    keep = keep.add(S::LANES);
                }
            }
            // In threes, for LLVM unrolls a loop up to some size of it, and 16 rows in one are larger: they would stay in
            // memory, and take five times as long.
            for (acc, a) in acc.chunks_mut(3).zip(a) {
                for (i, r) in acc.iter_mut().enumerate() {
                    let x = S::splat(*a.offset(i as isize * a_row));
                    for v in 0..NV {
                        r[v] = S::fma(x, bv[v], r[v]);
                    }
                }
            }
            for i in 0..MR.div_ceil(3) {
                a[i] = a[i].wrapping_offset(a_col);
            }
            if MR > 6 {
                keep_apart(&mut a[..MR.div_ceil(3)]);
            }
            b = b.wrapping_offset(b_step);
        }
        if let Start::Row(row) = t.start {
            for v in 0..NV {
                let p = row.add(v * S::LANES);
                let x = if v + 1 < NV {
                    S::load(p)
                } else {
                    S::load_mask(p, last)
                };
                for r in acc.iter_mut() {
                    r[v] = S::add(r[v], x);
                }
            }
        }
        for (i, r) in acc.iter().enumerate() {
            let c = t.c.add(i * t.c_step);
            for v in 0..NV {
                let p = c.add(v * S::LANES);
                if v + 1 < NV || NEAR && whole {
                    let x = if sum { S::add(S::load(p), r[v]) } else { r[v] };
                    S::store(p, x);
                } else {
                    let x = if sum {
                        S::add(S::load_mask(p, last), r[v])
                    } else {
                        r[v]
                    };
                    S::store_mask(p, x, last);
                }
            }
        }
    }
}

/// Computes a tile of `rows` by `vectors`.
///
/// # Safety
/// The operands are readable and the output writable as [`Tile`] says; `rows` is from 1 (where the right operand is
/// kept, half of the most) to the set's most, `vectors` 1 or 2 and no more than the columns fill.
#[inline(always)]
pub(crate) unsafe fn tile<T: GemmKernels, const KEEP: bool>(
    isa: IsaKind,
    rows: usize,
    vectors: usize,
    t: Tile<T>,
) {
    macro_rules! pick {
        ($($mr:literal)*) => {
            match (rows, vectors) {
                $(($mr, 1) => T::run_tile::<$mr, 1, KEEP>(isa, t),)*
                $(($mr, 2) => T::run_tile::<$mr, 2, KEEP>(isa, t),)*
                _ => debug_assert!(false, "no tile of {rows} rows and {vectors} vectors"),
            }
        };
    }
    // SAFETY: the caller's promise.
    unsafe { pick!(1 2 3 4 5 6 7 8 9 10 11 12) }
}

macro_rules! run_tile {
    () => {
        #[inline(always)]
        unsafe fn run_tile<const MR: usize, const NV: usize, const KEEP: bool>(
            isa: IsaKind,
            t: Tile<Self>,
        ) {
            tile::run_one::<Self, MR, NV, KEEP>(isa, t)
        }
    };
}
pub(crate) use run_tile;

#[inline(always)]
#[allow(private_bounds)] // `Run` is this module's; callers name only the element type
pub(crate) fn run_one<T, const MR: usize, const NV: usize, const KEEP: bool>(
    isa: IsaKind,
    t: Tile<T>,
) where
    Run<T, MR, NV, KEEP>: Kernel<Out = ()>,
{
    dispatch(isa, Run::<T, MR, NV, KEEP>(t))
}
