//! Scratch in the L1 cache, and the loops that bring elements there and back.

use std::mem::MaybeUninit;

/// Elements of a scratch block: 512 × 8 bytes × 4 operands is half of a 32 KiB L1 cache.
pub(super) const BLOCK: usize = 512;

/// Scratch for `N` elements of any size of one operand.
#[repr(C, align(64))]
pub(super) struct Scratch<const N: usize = BLOCK>([MaybeUninit<u64>; N]);
impl<const N: usize> Scratch<N> {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Scratch([const { MaybeUninit::uninit() }; N])
    }
    #[inline(always)]
    pub(super) fn ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr() as *mut u8
    }
}

macro_rules! by_size {
    ($size:expr, $t:ident => $body:block) => {
        match $size {
            1 => {
                type $t = u8;
                $body
            }
            4 => {
                type $t = u32;
                $body
            }
            _ => {
                type $t = u64;
                $body
            }
        }
    };
}

/// # Safety
/// `src` is one readable element, `dst` room for `n`.
pub(super) unsafe fn fill(dst: *mut u8, src: *const u8, size: usize, n: usize) {
    // SAFETY: the caller's promise; element sizes are 1, 4 and 8, and elements are aligned.
    by_size!(size, U => { unsafe {
        let (d, v) = (dst as *mut U, *(src as *const U));
        for i in 0..n {
            d.add(i).write(v);
        }
    }})
}

/// # Safety
/// `n` elements are readable at `stride` from `src`; `dst` has room for them.
#[inline]
pub(super) unsafe fn gather(dst: *mut u8, src: *const u8, stride: isize, size: usize, n: usize) {
    // SAFETY: the caller's promise; element sizes are 1, 4 and 8, and elements are aligned.
    unsafe {
        if stride == 1 {
            return std::ptr::copy_nonoverlapping(src, dst, n * size);
        }
        by_size!(size, U => {
            let (d, s) = (dst as *mut U, src as *const U);
            if stride == -1 {
                // Known, the compiler turns vectors round.
                for i in 0..n {
                    d.add(i).write(*s.sub(i));
                }
                return;
            }
            for i in 0..n {
                d.add(i).write(*s.offset(i as isize * stride));
            }
        })
    }
}

/// # Safety
/// `src` holds `n` elements; those at `stride` from `dst` are writable.
#[inline]
pub(super) unsafe fn scatter(dst: *mut u8, src: *const u8, stride: isize, size: usize, n: usize) {
    // SAFETY: the caller's promise; element sizes are 1, 4 and 8, and elements are aligned.
    unsafe {
        if stride == 1 {
            return std::ptr::copy_nonoverlapping(src, dst, n * size);
        }
        by_size!(size, U => {
            let (d, s) = (dst as *mut U, src as *const U);
            for i in 0..n {
                d.offset(i as isize * stride).write(*s.add(i));
            }
        })
    }
}
