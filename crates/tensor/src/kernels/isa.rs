//! Instruction sets: an algorithm is written once, generic over an [`Isa`] token, and compiled for
//! each set the architecture may have; which one runs is chosen at run time.
//!
//! Invariant: every function on the way from [`dispatch`] to the innermost loop is
//! `#[inline(always)]`, so that the loop is compiled inside the one function that carries the
//! `#[target_feature]` attribute. A helper that is not inlined there would silently be compiled for
//! the baseline.

use std::cell::Cell;
use std::sync::OnceLock;

use super::gemm::Simd;
use crate::env;
use crate::memory::cache_line::{CACHE_LINE, prefetch};

/// An instruction set, as a type: the element-level operations that differ between sets.
pub trait Isa: Simd<f32> + Simd<f64> + Copy + Send + Sync + 'static {
    /// Which it is.
    const KIND: IsaKind;
    /// `a * b + c`: fused where the set has it, two roundings where it has not (a fused one there
    /// would be a call into libm, some 50 times slower).
    fn fma_f32(a: f32, b: f32, c: f32) -> f32;
    /// `a * b + c` for `f64`, see [`Isa::fma_f32`].
    fn fma_f64(a: f64, b: f64, c: f64) -> f64;
    /// Vectors of half the width, for rows that fill no more; the set itself, where there are none.
    type Half: Simd<f32> + Simd<f64>;
    /// Vectors of a quarter of the width; those of half, where there are none.
    type Quarter: Simd<f32> + Simd<f64>;
}

/// A piece of work to run under an instruction set. `run` must be `#[inline(always)]`.
pub(crate) trait Kernel {
    /// What the work returns.
    type Out;
    /// Does the work with the operations of `I`.
    fn run<I: Isa>(self) -> Self::Out;
}

/// The baseline of the architecture (SSE2 on x86-64).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scalar;
impl Isa for Scalar {
    const KIND: IsaKind = IsaKind::Scalar;
    #[inline(always)]
    fn fma_f32(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
    #[inline(always)]
    fn fma_f64(a: f64, b: f64, c: f64) -> f64 {
        a * b + c
    }
    type Half = Scalar;
    type Quarter = Scalar;
}

macro_rules! fused_isa {
    ($(#[$doc:meta])* $name:ident $Half:ident $Quarter:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;
        impl Isa for $name {
            const KIND: IsaKind = IsaKind::$name;
            #[inline(always)]
            fn fma_f32(a: f32, b: f32, c: f32) -> f32 {
                a.mul_add(b, c)
            }
            #[inline(always)]
            fn fma_f64(a: f64, b: f64, c: f64) -> f64 {
                a.mul_add(b, c)
            }
            type Half = $Half;
            type Quarter = $Quarter;
        }
    };
}

#[cfg(target_arch = "x86_64")]
fused_isa! {
    /// AVX2 with FMA.
    Avx2 Xmm Xmm
}
#[cfg(target_arch = "x86_64")]
fused_isa! {
    /// AVX-512 F, BW, DQ, VL.
    Avx512 Avx2 Xmm
}
#[cfg(target_arch = "aarch64")]
fused_isa! {
    /// NEON, which every 64-bit Arm has.
    Neon Neon Neon
}
/// Vectors of 16 bytes, with fused multiplication.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Xmm;

/// The instruction sets that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum IsaKind {
    /// The architecture's baseline.
    Scalar = 1,
    /// AVX2 and FMA (x86-64-v3).
    Avx2 = 2,
    /// AVX-512 F, BW, DQ, VL (x86-64-v4).
    Avx512 = 3,
    /// NEON (aarch64).
    Neon = 4,
}

impl IsaKind {
    /// The name that the environment variable `WENGERT_ISA` takes.
    pub fn name(self) -> &'static str {
        match self {
            IsaKind::Scalar => "scalar",
            IsaKind::Avx2 => "avx2",
            IsaKind::Avx512 => "avx512",
            IsaKind::Neon => "neon",
        }
    }

    /// All sets, slowest first.
    const ALL: [IsaKind; 4] = [
        IsaKind::Scalar,
        IsaKind::Neon,
        IsaKind::Avx2,
        IsaKind::Avx512,
    ];

    /// The sets this machine can run, slowest first.
    pub fn available() -> Vec<IsaKind> {
        let all = IsaKind::ALL.into_iter();
        all.filter(|k| k.is_supported()).collect()
    }

    fn is_supported(self) -> bool {
        match self {
            IsaKind::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            IsaKind::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            IsaKind::Avx512 => {
                IsaKind::Avx2.is_supported()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "aarch64")]
            IsaKind::Neon => true,
            #[allow(unreachable_patterns)] // which arms exist depends on the architecture
            _ => false,
        }
    }

    #[inline(always)]
    fn from_u8(v: u8) -> Option<IsaKind> {
        // A match, which compiles to a comparison: every kernel call comes through here.
        match v {
            1 => Some(IsaKind::Scalar),
            2 => Some(IsaKind::Avx2),
            3 => Some(IsaKind::Avx512),
            4 => Some(IsaKind::Neon),
            _ => None,
        }
    }
}

thread_local! {
    /// What this thread's calls use; 0 before the first.
    static ACTIVE: Cell<u8> = const { Cell::new(0) };
}

/// The set that kernels called from this thread use: the one [`with_isa`] names, else the one the
/// environment variable `WENGERT_ISA` names, if the machine has it, else the widest there is.
#[inline(always)]
pub fn active_isa() -> IsaKind {
    match IsaKind::from_u8(ACTIVE.get()) {
        Some(k) => k,
        None => choose(),
    }
}

#[cold]
#[inline(never)]
fn choose() -> IsaKind {
    static GLOBAL: OnceLock<IsaKind> = OnceLock::new();
    let kind = *GLOBAL.get_or_init(|| {
        let told = env::setting("WENGERT_ISA", RULE, named);
        let mut here = IsaKind::ALL.into_iter().rev().filter(|k| k.is_supported());
        told.unwrap_or_else(|| here.next().unwrap_or(IsaKind::Scalar))
    });
    ACTIVE.set(kind as u8);
    kind
}

const RULE: &str = "scalar, avx2, avx512 or neon, if the machine has it";

/// The set of a name.
fn named(name: &str) -> Result<IsaKind, String> {
    match IsaKind::ALL.into_iter().find(|k| k.name() == name) {
        Some(kind) if kind.is_supported() => Ok(kind),
        Some(_) => Err(format!("this machine has no {name}")),
        None => Err(format!("{name} is no instruction set")),
    }
}

/// Runs `f` with the kernels that this thread calls compiled for `isa` (falls back to the active
/// set where the machine lacks it). For tests that compare the sets; restored on panic.
pub fn with_isa<R>(isa: IsaKind, f: impl FnOnce() -> R) -> R {
    struct Restore(IsaKind);
    impl Drop for Restore {
        fn drop(&mut self) {
            ACTIVE.set(self.0 as u8);
        }
    }
    let _restore = Restore(active_isa());
    if isa.is_supported() {
        ACTIVE.set(isa as u8);
    }
    f()
}

/// Runs `kernel` compiled for `isa`, which must come from [`active_isa`].
#[inline]
pub(crate) fn dispatch<K: Kernel>(isa: IsaKind, kernel: K) -> K::Out {
    match isa {
        // SAFETY: an `IsaKind` other than `Scalar` comes from `active_isa` alone, which yields only
        // sets whose features were detected.
        #[cfg(target_arch = "x86_64")]
        IsaKind::Avx2 => unsafe { kernel.enter_avx2() },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        IsaKind::Avx512 => unsafe { kernel.enter_avx512() },
        // SAFETY: every aarch64 has NEON.
        #[cfg(target_arch = "aarch64")]
        IsaKind::Neon => unsafe { kernel.enter_neon() },
        _ => kernel.enter_scalar(),
    }
}

/// The functions that are compiled for a set. Methods of the kernel's type: rustc compiles a method where that type stands,
/// so that the kernels of a module go to a compilation unit of their own, and several cores compile them. (As functions of this
/// module they are in one unit, which is three quarters of LLVM's code generation.)
///
/// # Safety
/// Of each: the machine has the set.
trait Enter: Kernel + Sized {
    /// Not inlined, as the others cannot be: a kernel that is called in several places is there once, and what calls it is
    /// short where another set runs.
    #[inline(never)]
    fn enter_scalar(self) -> Self::Out {
        self.run::<Scalar>()
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn enter_avx2(self) -> Self::Out {
        self.run::<Avx2>()
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn enter_avx512(self) -> Self::Out {
        self.run::<Avx512>()
    }

    #[cfg(target_arch = "aarch64")]
    #[target_feature(enable = "neon")]
    unsafe fn enter_neon(self) -> Self::Out {
        self.run::<Neon>()
    }
}
impl<K: Kernel> Enter for K {}

/// Functions that run a kernel made of an `A`, for tables of kernels that differ in type alone.
pub(crate) mod table {
    use super::*;

    /// The function that [`dispatch`] would run for a set.
    pub(crate) const fn entry<A, K: Kernel + From<A>>(isa: IsaKind) -> unsafe fn(A) -> K::Out {
        match isa {
            #[cfg(target_arch = "x86_64")]
            IsaKind::Avx2 => <K as Make<A>>::avx2,
            #[cfg(target_arch = "x86_64")]
            IsaKind::Avx512 => <K as Make<A>>::avx512,
            #[cfg(target_arch = "aarch64")]
            IsaKind::Neon => <K as Make<A>>::neon,
            _ => <K as Make<A>>::scalar,
        }
    }

    /// As [`Enter`].
    trait Make<A>: Kernel + From<A> {
        fn scalar(a: A) -> Self::Out {
            Self::from(a).run::<Scalar>()
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2(a: A) -> Self::Out {
            Self::from(a).run::<Avx2>()
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
        unsafe fn avx512(a: A) -> Self::Out {
            Self::from(a).run::<Avx512>()
        }

        #[cfg(target_arch = "aarch64")]
        #[target_feature(enable = "neon")]
        unsafe fn neon(a: A) -> Self::Out {
            Self::from(a).run::<Neon>()
        }
    }
    impl<A, K: Kernel + From<A>> Make<A> for K {}
}

/// The longest row, in bytes, that [`next_row`] asks for; see `kernels/README.md`.
const LONGEST: usize = 8 << 10;

/// Asks for a third (0, 1, 2) of what follows each row of `n` elements, beside a pass over the rows. All at once it
/// would hold up what reads them.
#[inline(always)]
pub(crate) fn next_row<T, const K: usize>(rows: [*const T; K], n: usize, third: usize) {
    let bytes = n * size_of::<T>();
    if bytes > LONGEST {
        return;
    }
    let lines = bytes.div_ceil(CACHE_LINE);
    for row in rows {
        for line in lines * third / 3..lines * (third + 1) / 3 {
            prefetch((row.wrapping_add(n) as *const u8).wrapping_add(CACHE_LINE * line));
        }
    }
}
