//! Sort: rows sorted, or their first `k` selected, with the indices that go with them.
//!
//! Invariant: elements are compared by an integer key with the order of their values (NaN beyond
//! all others, −0 equal to 0), then by index, so that every order is total and stable.

use super::par;
use super::reduce::Shared;
use crate::dtype::Scalar;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The integer that orders like the element.
pub(crate) trait SortKey: Copy {
    /// Whether all keys are below 2³².
    const NARROW: bool;
    fn key(self) -> u64;
}
macro_rules! float_key {
    ($($t:ident $u:ident $narrow:literal)*) => {$(
        impl SortKey for $t {
            const NARROW: bool = $narrow;
            #[inline(always)]
            fn key(self) -> u64 {
                if self.is_nan() {
                    return $u::MAX as u64;
                }
                // Adding 0 turns −0 into 0. Negative numbers order backwards by their bits.
                let bits = (self + 0.0).to_bits();
                let sign = 1 << ($u::BITS - 1);
                (if bits & sign == 0 { bits | sign } else { !bits }) as u64
            }
        }
    )*};
}
float_key!(f32 u32 true f64 u64 false);
macro_rules! int_key {
    ($($t:ident $narrow:literal |$x:ident| $key:expr;)*) => {$(
        impl SortKey for $t {
            const NARROW: bool = $narrow;
            #[inline(always)]
            fn key(self) -> u64 {
                let $x = self;
                $key
            }
        }
    )*};
}
int_key! {
    i64 false |x| x as u64 ^ (1 << 63);
    i32 true |x| (x as u32 ^ (1 << 31)) as u64;
    u8 true |x| x as u64;
    bool true |x| x as u64;
}

/// The first `k` of `items` in order, at the front.
fn front<O: Ord>(items: &mut [O], k: usize) {
    if k < items.len() && k > 0 {
        items.select_nth_unstable(k - 1);
    }
    items[..k].sort_unstable();
}

/// Of each row, the first `k` in ascending or descending order, and their indices. Where the scratch memory
/// of a row is refused, results are left unwritten and the error is how many bytes were.
///
/// # Safety
/// `src` is readable for `rows·n` elements, `values` and `indices` are writable for `rows·k`, `k <= n`;
/// none overlap.
pub(crate) unsafe fn sort<T: Scalar + SortKey>(
    (rows, n, k): (usize, usize, usize),
    descending: bool,
    src: *const T,
    values: *mut T,
    indices: *mut i64,
) -> Result<(), usize> {
    if rows * k == 0 {
        return Ok(());
    }
    let (src, values, indices) = (Shared(src as *mut T), Shared(values), Shared(indices));
    let packed = T::NARROW && u32::try_from(n).is_ok();
    // Some 50 ns an element at a thousand elements a row.
    let each = par::chunk_len(300) / n;
    let refused = AtomicUsize::new(0);
    par::for_pieces(rows, each, |piece| {
        let mut narrow: Vec<u64> = Vec::new();
        let mut wide: Vec<(u64, usize)> = Vec::new();
        // `Vec` would abort when it grows.
        let room = match packed {
            true => narrow.try_reserve_exact(n),
            false => wide.try_reserve_exact(n),
        };
        if room.is_err() {
            refused.store(n.saturating_mul(16), Ordering::Relaxed);
            return;
        }
        for r in piece {
            // SAFETY: row `r` of the source and of the results, which this task alone writes; the
            // indices are below `n`.
            unsafe {
                let x = std::slice::from_raw_parts(src.get().add(r * n) as *const T, n);
                let put = |at: usize, i: usize| {
                    *values.get().add(r * k + at) = x[i];
                    *indices.get().add(r * k + at) = i as i64;
                };
                let flip = if descending { u64::MAX } else { 0 };
                if packed {
                    narrow.clear();
                    // The key in the upper half, the index in the lower.
                    let items = x.iter().enumerate();
                    narrow.extend(items.map(|(i, v)| (v.key() ^ flip) << 32 | i as u64));
                    front(&mut narrow, k);
                    for (at, item) in narrow[..k].iter().enumerate() {
                        put(at, *item as u32 as usize);
                    }
                } else {
                    wide.clear();
                    wide.extend(x.iter().enumerate().map(|(i, v)| (v.key() ^ flip, i)));
                    front(&mut wide, k);
                    for (at, item) in wide[..k].iter().enumerate() {
                        put(at, item.1);
                    }
                }
            }
        }
    });
    match refused.into_inner() {
        0 => Ok(()),
        bytes => Err(bytes),
    }
}
