//! Copies of an operand as panels: the order in which the tiles read it.
//!
//! Invariant: a panel holds, for each step of the inner dimension, its rows (left) or its columns
//! padded with zeros to whole vectors (right), one after another.

/// The packing functions of an element type.
macro_rules! pack_kernels {
    ($t:ident) => {
        unsafe fn pack_left(isa: IsaKind, a: Mat<Self>, rows: usize, k: usize, to: *mut Self) {
            // A panel of the left is one of the transposed right, without padding.
            let a = Mat {
                ptr: a.ptr,
                row: a.col,
                col: a.row,
            };
            // SAFETY: the caller's promise.
            unsafe { pack::pack(isa, a, rows, rows, k, to) }
        }
        unsafe fn pack_right(
            isa: IsaKind,
            b: Mat<Self>,
            columns: usize,
            width: usize,
            k: usize,
            to: *mut Self,
        ) {
            // SAFETY: the caller's promise.
            unsafe { pack::pack(isa, b, columns, width, k, to) }
        }
    };
}
pub(crate) use pack_kernels;

use super::{GemmKernels, Mat};
use crate::kernels::isa::IsaKind;

/// Packs `k` rows of `columns` into rows of `width`.
///
/// # Safety
/// `b` is readable for `k × columns`, `to` writable for `k × width`; `columns <= width`.
pub(crate) unsafe fn pack<T: GemmKernels>(
    _isa: IsaKind,
    b: Mat<T>,
    columns: usize,
    width: usize,
    k: usize,
    to: *mut T,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if b.col == 1 {
            for p in 0..k {
                let (src, dst) = (b.at(p, 0).ptr, to.add(p * width));
                std::ptr::copy_nonoverlapping(src, dst, columns);
                for j in columns..width {
                    dst.add(j).write(T::NIL);
                }
            }
        } else {
            // Sixteen rows at a time: each column is read along the inner dimension.
            let mut p0 = 0;
            while p0 < k {
                let n = (k - p0).min(16);
                for j in 0..columns {
                    let src = b.at(p0, j).ptr;
                    for p in 0..n {
                        let x = *src.offset(p as isize * b.row);
                        to.add((p0 + p) * width + j).write(x);
                    }
                }
                for p in p0..p0 + n {
                    for j in columns..width {
                        to.add(p * width + j).write(T::NIL);
                    }
                }
                p0 += n;
            }
        }
    }
}
