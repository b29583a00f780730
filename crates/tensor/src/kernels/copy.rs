//! The copy of rows, by bytes: whatever the elements are, one loop a size serves them.

use super::isa::{Isa, IsaKind, Kernel, dispatch};
use super::strided::{Call, Run};
use crate::memory::cache_line::CACHE_LINE;

/// The run that copies elements of `SIZE` bytes.
pub(super) const fn run<const SIZE: usize>() -> Run<1> {
    Run {
        func: exec::<SIZE>,
        cost: 3,
    }
}

/// # Safety
/// As [`super::tables::exec`], of elements of `SIZE` bytes.
unsafe fn exec<const SIZE: usize>(isa: IsaKind, call: &Call<1>) {
    struct Loop<'a, const SIZE: usize>(&'a Call<1>);
    impl<const SIZE: usize> Kernel for Loop<'_, SIZE> {
        type Out = ();
        #[inline(always)]
        fn run<I: Isa>(self) {
            let call = *self.0;
            for r in 0..call.rows as isize {
                // SAFETY: `exec`'s promise.
                unsafe {
                    let src = call.srcs[0].offset(r * call.src_steps[0]);
                    if call.ahead {
                        call.ask_ahead(src, 0);
                    }
                    copy(src, call.dst.offset(r * call.dst_step), call.len * SIZE);
                }
            }
        }
    }
    dispatch(isa, Loop::<SIZE>(call));
}

/// A cache line a turn, which is as fast as `memcpy`: with four of them read before the first is written, a
/// permutation of [8, 128, 8, 64] takes 18 % longer on a Zen 5, with two threads 9. What is left goes by halves: a
/// last line that overlaps the one before crosses lines of the cache, and rows of 17 take half as long again.
///
/// # Safety
/// `src` is readable and `dst` writable for `n` bytes; they do not overlap.
#[inline(always)]
unsafe fn copy(src: *const u8, dst: *mut u8, n: usize) {
    // SAFETY: every piece lies within the `n` bytes.
    unsafe {
        let mut at = 0;
        while at + CACHE_LINE <= n {
            piece::<CACHE_LINE>(src, dst, at);
            at += CACHE_LINE;
        }
        macro_rules! rest {
            ($($size:literal)*) => {$(
                if n & $size != 0 {
                    piece::<$size>(src, dst, at);
                    at += $size;
                }
            )*};
        }
        rest!(32 16 8 4 2 1);
        debug_assert_eq!(at, n);
    }
}

/// # Safety
/// `at..at + N` lies within both.
#[inline(always)]
unsafe fn piece<const N: usize>(src: *const u8, dst: *mut u8, at: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let bytes = (src.add(at) as *const [u8; N]).read();
        (dst.add(at) as *mut [u8; N]).write(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_copied_whole_and_no_byte_more() {
        const STEP: usize = 320;
        let src: Vec<u8> = (0..4 * STEP).map(|i| (i % 251) as u8).collect();
        for isa in IsaKind::available() {
            for n in 0..300 {
                for (from, to) in [(0, 0), (1, 3), (7, 2)] {
                    let mut dst = vec![255; 4 * STEP];
                    let call = Call {
                        rows: 3,
                        dst_step: STEP as isize,
                        src_steps: [STEP as isize + 1],
                        ..Call::run(
                            Default::default(),
                            n,
                            dst[to..].as_mut_ptr(),
                            [src[from..].as_ptr()],
                        )
                    };
                    // SAFETY: three rows, a step apart, within both.
                    unsafe { exec::<1>(isa, &call) };
                    for (i, d) in dst.iter().enumerate() {
                        let (row, at) = (i.wrapping_sub(to) / STEP, i.wrapping_sub(to) % STEP);
                        let copied = row < 3 && at < n;
                        let want = if copied {
                            src[from + row * (STEP + 1) + at]
                        } else {
                            255
                        };
                        assert_eq!(*d, want, "{n} bytes from {from} to {to}, byte {i}, {isa:?}");
                    }
                }
            }
        }
    }
}
