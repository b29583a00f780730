//! Vectors of each instruction set, for the loops that must hold a tile of them in registers.
//!
//! Invariant: the functions are `#[inline(always)]` and are called only below
//! [`dispatch`](crate::kernels::isa::dispatch), inside the function that enables the features.

use crate::kernels::isa::Scalar;

/// The vectors of an instruction set.
pub trait Simd<T>: Copy {
    /// A vector.
    type V: Copy;
    /// Which lanes of a vector to read or write.
    type Mask: Copy;
    /// Elements of a vector.
    const LANES: usize;
    /// The most rows of a tile two vectors wide whose accumulators, with two vectors of the right
    /// operand and one of the left, fit in the registers.
    const ROWS: usize;
    /// Every lane `x`.
    ///
    /// # Safety
    /// Here and below: the features are enabled; pointers are valid for the lanes named.
    unsafe fn splat(x: T) -> Self::V;
    /// Reads a vector.
    ///
    /// # Safety
    /// See [`Simd::splat`].
    unsafe fn load(p: *const T) -> Self::V;
    /// Writes a vector.
    ///
    /// # Safety
    /// See [`Simd::splat`].
    unsafe fn store(p: *mut T, v: Self::V);
    /// `a·b + c`.
    ///
    /// # Safety
    /// See [`Simd::splat`].
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a + b`.
    ///
    /// # Safety
    /// See [`Simd::splat`].
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    /// The first `n` lanes, at most all.
    ///
    /// # Safety
    /// See [`Simd::splat`].
    unsafe fn mask(n: usize) -> Self::Mask;
    /// Reads the lanes of the mask, zeros elsewhere.
    ///
    /// # Safety
    /// See [`Simd::splat`].
    unsafe fn load_mask(p: *const T, m: Self::Mask) -> Self::V;
    /// Writes the lanes of the mask.
    ///
    /// # Safety
    /// See [`Simd::splat`].
    unsafe fn store_mask(p: *mut T, v: Self::V, m: Self::Mask);
    /// Rows and columns of what [`Simd::transpose`] turns.
    const SQUARE: usize;
    /// Writes the transpose of a square whose rows are `step` apart to rows `to_step` apart.
    ///
    /// # Safety
    /// See [`Simd::splat`]; the squares do not overlap.
    unsafe fn transpose(p: *const T, step: isize, to: *mut T, to_step: usize);
}

/// Vectors as arrays of 16 bytes, for the baseline of any architecture and for NEON, whose
/// registers are of that size.
macro_rules! array_simd {
    ($Isa:ident $t:ident $lanes:literal $rows:literal |$a:ident, $b:ident, $c:ident| $fma:expr) => {
        impl Simd<$t> for $Isa {
            type V = [$t; $lanes];
            type Mask = usize;
            const LANES: usize = $lanes;
            const ROWS: usize = $rows;
            #[inline(always)]
            unsafe fn splat(x: $t) -> Self::V {
                [x; $lanes]
            }
            #[inline(always)]
            unsafe fn load(p: *const $t) -> Self::V {
                // SAFETY: the caller's promise; an array has its element's alignment.
                unsafe { *(p as *const Self::V) }
            }
            #[inline(always)]
            unsafe fn store(p: *mut $t, v: Self::V) {
                // SAFETY: the caller's promise.
                unsafe { *(p as *mut Self::V) = v }
            }
            #[inline(always)]
            unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                let mut out = c;
                for i in 0..$lanes {
                    let ($a, $b, $c) = (a[i], b[i], c[i]);
                    out[i] = $fma;
                }
                out
            }
            #[inline(always)]
            unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
                let mut out = a;
                for i in 0..$lanes {
                    out[i] += b[i];
                }
                out
            }
            #[inline(always)]
            unsafe fn mask(n: usize) -> usize {
                n.min($lanes)
            }
            #[inline(always)]
            unsafe fn load_mask(p: *const $t, m: usize) -> Self::V {
                let mut out = [0.0; $lanes];
                for (i, o) in out.iter_mut().enumerate() {
                    if i < m {
                        // SAFETY: the caller's promise for the lanes of the mask.
                        *o = unsafe { *p.add(i) };
                    }
                }
                out
            }
            #[inline(always)]
            unsafe fn store_mask(p: *mut $t, v: Self::V, m: usize) {
                for (i, x) in v.into_iter().enumerate() {
                    if i < m {
                        // SAFETY: the caller's promise for the lanes of the mask.
                        unsafe { *p.add(i) = x };
                    }
                }
            }
            const SQUARE: usize = 4;
            #[inline(always)]
            unsafe fn transpose(p: *const $t, step: isize, to: *mut $t, to_step: usize) {
                for j in 0..4 {
                    for i in 0..4 {
                        // SAFETY: within the squares, by the caller's promise.
                        unsafe { *to.add(j * to_step + i) = *p.offset(i as isize * step).add(j) };
                    }
                }
            }
        }
    };
}
array_simd!(Scalar f32 4 4 |a, b, c| a * b + c);
array_simd!(Scalar f64 2 4 |a, b, c| a * b + c);
#[cfg(target_arch = "aarch64")]
use crate::kernels::isa::Neon;
#[cfg(target_arch = "aarch64")]
array_simd!(Neon f32 4 12 |a, b, c| a.mul_add(b, c));
#[cfg(target_arch = "aarch64")]
array_simd!(Neon f64 2 12 |a, b, c| a.mul_add(b, c));

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Simd;
    use crate::kernels::isa::{Avx2, Avx512, Xmm};
    use std::arch::x86_64::*;

    /// `n` ones of a sliding window over it make the first `n` lanes.
    static WINDOW32: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    static WINDOW64: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

    /// # Safety
    /// As [`Simd::transpose`], of 8 × 8.
    #[inline(always)]
    unsafe fn transpose8(p: *const f32, step: isize, to: *mut f32, to_step: usize) {
        // SAFETY: within the squares, by the caller's promise; the features are enabled.
        unsafe {
            // Four columns of rows i and i + 4 as the halves of a register, by the load: what is left stays within
            // halves, where a shuffle has two ports; across them it has one.
            for first in [0, 4] {
                let half = |i: isize| _mm_loadu_ps(p.offset(i * step + first));
                let rows = |i: isize| _mm256_set_m128(half(i + 4), half(i));
                let (a, b, c, d) = (rows(0), rows(1), rows(2), rows(3));
                let (s, t) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                let (u, v) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                let to = to.add(first as usize * to_step);
                _mm256_storeu_ps(to, _mm256_shuffle_ps::<0x44>(s, u));
                _mm256_storeu_ps(to.add(to_step), _mm256_shuffle_ps::<0xee>(s, u));
                _mm256_storeu_ps(to.add(2 * to_step), _mm256_shuffle_ps::<0x44>(t, v));
                _mm256_storeu_ps(to.add(3 * to_step), _mm256_shuffle_ps::<0xee>(t, v));
            }
        }
    }

    /// # Safety
    /// As [`Simd::transpose`], of 4 × 4.
    #[inline(always)]
    unsafe fn transpose4(p: *const f64, step: isize, to: *mut f64, to_step: usize) {
        // SAFETY: within the squares, by the caller's promise; the features are enabled.
        unsafe {
            let row = |i: isize| _mm256_loadu_pd(p.offset(i * step));
            let (a, b, c, d) = (row(0), row(1), row(2), row(3));
            let (s, t) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            let (u, v) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
            _mm256_storeu_pd(to, _mm256_permute2f128_pd::<0x20>(s, u));
            _mm256_storeu_pd(to.add(to_step), _mm256_permute2f128_pd::<0x20>(t, v));
            _mm256_storeu_pd(to.add(2 * to_step), _mm256_permute2f128_pd::<0x31>(s, u));
            _mm256_storeu_pd(to.add(3 * to_step), _mm256_permute2f128_pd::<0x31>(t, v));
        }
    }

    macro_rules! x86_simd {
        ($Isa:ident $t:ident $V:ident $Mask:ident $lanes:literal $rows:literal
         $splat:ident $load:ident $store:ident $fma:ident $add:ident
         mask |$n:ident| $mask:expr;
         load |$p:ident, $m:ident| $load_mask:expr;
         store |$q:ident, $v:ident, $w:ident| $store_mask:expr;
         square $square:literal $transpose:ident) => {
            impl Simd<$t> for $Isa {
                type V = $V;
                type Mask = $Mask;
                const LANES: usize = $lanes;
                const ROWS: usize = $rows;
                #[inline(always)]
                unsafe fn splat(x: $t) -> $V {
                    // SAFETY: the features are enabled where this is inlined.
                    unsafe { $splat(x) }
                }
                #[inline(always)]
                unsafe fn load(p: *const $t) -> $V {
                    // SAFETY: as above; the caller's promise.
                    unsafe { $load(p) }
                }
                #[inline(always)]
                unsafe fn store(p: *mut $t, v: $V) {
                    // SAFETY: as above; the caller's promise.
                    unsafe { $store(p, v) }
                }
                #[inline(always)]
                unsafe fn fma(a: $V, b: $V, c: $V) -> $V {
                    // SAFETY: the features are enabled where this is inlined.
                    unsafe { $fma(a, b, c) }
                }
                #[inline(always)]
                unsafe fn add(a: $V, b: $V) -> $V {
                    // SAFETY: the features are enabled where this is inlined.
                    unsafe { $add(a, b) }
                }
                #[inline(always)]
                unsafe fn mask(n: usize) -> $Mask {
                    let $n = n.min($lanes);
                    $mask
                }
                #[inline(always)]
                unsafe fn load_mask($p: *const $t, $m: $Mask) -> $V {
                    // SAFETY: lanes outside the mask are not touched.
                    unsafe { $load_mask }
                }
                #[inline(always)]
                unsafe fn store_mask($q: *mut $t, $v: $V, $w: $Mask) {
                    // SAFETY: lanes outside the mask are not touched.
                    unsafe { $store_mask }
                }
                const SQUARE: usize = $square;
                #[inline(always)]
                unsafe fn transpose(p: *const $t, step: isize, to: *mut $t, to_step: usize) {
                    // SAFETY: the caller's promise; either set has AVX.
                    unsafe { $transpose(p, step, to, to_step) }
                }
            }
        };
    }
    x86_simd! { Avx2 f32 __m256 __m256i 8 6
        _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_fmadd_ps _mm256_add_ps
        // SAFETY: n <= 8, so eight lanes of the window are in bounds.
        mask |n| unsafe { _mm256_loadu_si256(WINDOW32.as_ptr().add(8 - n) as *const __m256i) };
        load |p, m| _mm256_maskload_ps(p, m);
        store |p, v, m| _mm256_maskstore_ps(p, m, v);
        square 8 transpose8
    }
    x86_simd! { Avx2 f64 __m256d __m256i 4 6
        _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_fmadd_pd _mm256_add_pd
        // SAFETY: n <= 4, so four lanes of the window are in bounds.
        mask |n| unsafe { _mm256_loadu_si256(WINDOW64.as_ptr().add(4 - n) as *const __m256i) };
        load |p, m| _mm256_maskload_pd(p, m);
        store |p, v, m| _mm256_maskstore_pd(p, m, v);
        square 4 transpose4
    }
    x86_simd! { Xmm f32 __m128 __m128i 4 6
        _mm_set1_ps _mm_loadu_ps _mm_storeu_ps _mm_fmadd_ps _mm_add_ps
        // SAFETY: n <= 4, so four lanes of the window are in bounds.
        mask |n| unsafe { _mm_loadu_si128(WINDOW32.as_ptr().add(8 - n) as *const __m128i) };
        load |p, m| _mm_maskload_ps(p, m);
        store |p, v, m| _mm_maskstore_ps(p, m, v);
        square 8 transpose8
    }
    x86_simd! { Xmm f64 __m128d __m128i 2 6
        _mm_set1_pd _mm_loadu_pd _mm_storeu_pd _mm_fmadd_pd _mm_add_pd
        // SAFETY: n <= 2, so two lanes of the window are in bounds.
        mask |n| unsafe { _mm_loadu_si128(WINDOW64.as_ptr().add(4 - n) as *const __m128i) };
        load |p, m| _mm_maskload_pd(p, m);
        store |p, v, m| _mm_maskstore_pd(p, m, v);
        square 4 transpose4
    }
    x86_simd! { Avx512 f32 __m512 __mmask16 16 12
        _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_fmadd_ps _mm512_add_ps
        mask |n| ((1u32 << n) - 1) as __mmask16;
        load |p, m| _mm512_maskz_loadu_ps(m, p);
        store |p, v, m| _mm512_mask_storeu_ps(p, m, v);
        square 8 transpose8
    }
    x86_simd! { Avx512 f64 __m512d __mmask8 8 12
        _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_fmadd_pd _mm512_add_pd
        mask |n| ((1u32 << n) - 1) as __mmask8;
        load |p, m| _mm512_maskz_loadu_pd(m, p);
        store |p, v, m| _mm512_mask_storeu_pd(p, m, v);
        square 4 transpose4
    }
}
