//! The crates for matrix products alone, into an output that is there already.
#[path = "../../../src/timing.rs"]
mod timing;

use private_gemm_x86::{Accum, DType, DstKind, IType, InstrSet};

/// A row-major product of `[m, k]` and `[k, n]`, whose operands may lie transposed.
#[derive(Clone, Copy)]
struct Shape {
    m: usize,
    k: usize,
    n: usize,
    ars: isize,
    acs: isize,
    brs: isize,
    bcs: isize,
}

impl Shape {
    fn new(kind: &str, [m, k, n]: [usize; 3]) -> Shape {
        let (ars, acs) = if kind == "tn" { (1, m) } else { (k, 1) };
        let (brs, bcs) = if kind == "nt" { (1, k) } else { (n, 1) };
        let i = |x: usize| x as isize;
        let (ars, acs, brs, bcs) = (i(ars), i(acs), i(brs), i(bcs));
        Shape {
            m,
            k,
            n,
            ars,
            acs,
            brs,
            bcs,
        }
    }
}

trait Real: faer::traits::ComplexField + Copy + Send + Sync + 'static {
    const DTYPE: DType;
    const ZERO: Self;
    const ONE: Self;
    fn of(x: f64) -> Self;
    unsafe fn matrixmultiply(s: Shape, a: *const Self, b: *const Self, c: *mut Self);
    fn plan(s: Shape) -> nano_gemm::Plan<Self>;
}

macro_rules! real {
    ($T:ty, $dtype:ident, $mm:ident, $plan:ident) => {
        impl Real for $T {
            const DTYPE: DType = DType::$dtype;
            const ZERO: $T = 0.0;
            const ONE: $T = 1.0;
            fn of(x: f64) -> $T {
                x as $T
            }
            unsafe fn matrixmultiply(s: Shape, a: *const $T, b: *const $T, c: *mut $T) {
                let Shape {
                    m,
                    k,
                    n,
                    ars,
                    acs,
                    brs,
                    bcs,
                } = s;
                unsafe {
                    matrixmultiply::$mm(
                        m, k, n, 1.0, a, ars, acs, b, brs, bcs, 0.0, c, n as isize, 1,
                    )
                }
            }
            fn plan(s: Shape) -> nano_gemm::Plan<$T> {
                nano_gemm::Plan::$plan(s.n, s.m, s.k)
            }
        }
    };
}
real!(f32, F32, sgemm, new_f32);
real!(f64, F64, dgemm, new_f64);

fn main() {
    let wl = timing::workload();
    match timing::product(&wl) {
        Some(("d", sizes)) => run::<f64>(&wl, Shape::new("", sizes)),
        Some((kind, sizes)) => run::<f32>(&wl, Shape::new(kind, sizes)),
        None => timing::unsupported("gemm", &wl),
    }
}

fn run<T: Real>(wl: &str, s: Shape) {
    let Shape {
        m,
        k,
        n,
        ars,
        acs,
        brs,
        bcs,
    } = s;
    let random = |len: usize, seed: usize| -> Vec<T> {
        let x = |i: usize| ((i * 7919 + seed) % 1000) as f64 / 1000.0 - 0.5;
        (0..len).map(|i| T::of(x(i))).collect()
    };
    let (va, vb, mut vc) = (random(m * k, 13), random(k * n, 17), random(m * n, 0));
    let (a, b, c) = (va.as_ptr(), vb.as_ptr(), vc.as_mut_ptr());
    let threads = rayon::current_num_threads();
    let row = n as isize;

    let parallel = match threads {
        1 => gemm::Parallelism::None,
        t => gemm::Parallelism::Rayon(t),
    };
    timing::time("gemm", wl, || unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c,
            1,
            row,
            false,
            a,
            acs,
            ars,
            b,
            bcs,
            brs,
            T::ZERO,
            T::ONE,
            false,
            false,
            false,
            parallel,
        )
    });
    timing::time("matrixmultiply", wl, || unsafe {
        T::matrixmultiply(s, a, b, c)
    });
    let set = if is_x86_feature_detected!("avx512f") {
        InstrSet::Avx512
    } else {
        InstrSet::Avx256
    };
    let one = T::ONE;
    timing::time("private-gemm-x86", wl, || unsafe {
        private_gemm_x86::gemm(
            T::DTYPE,
            IType::U64,
            set,
            n,
            m,
            k,
            c.cast(),
            1,
            row,
            std::ptr::null(),
            std::ptr::null(),
            DstKind::Full,
            Accum::Replace,
            b.cast(),
            bcs,
            brs,
            false,
            std::ptr::null(),
            0,
            a.cast(),
            acs,
            ars,
            false,
            (&raw const one).cast(),
            threads,
        )
    });
    let parallel = match threads {
        1 => faer::Par::Seq,
        t => faer::Par::rayon(t),
    };
    timing::time("faer", wl, || unsafe {
        faer::linalg::matmul::matmul(
            faer::MatMut::from_raw_parts_mut(c, m, n, row, 1),
            faer::Accum::Replace,
            faer::MatRef::from_raw_parts(a, m, k, ars, acs),
            faer::MatRef::from_raw_parts(b, k, n, brs, bcs),
            T::ONE,
            parallel,
        )
    });
    // It is for small products and has no threads.
    if m.max(n).max(k) <= 128 {
        let plan = T::plan(s);
        timing::time("nano-gemm", wl, || unsafe {
            plan.execute_unchecked(
                n,
                m,
                k,
                c,
                1,
                row,
                b,
                bcs,
                brs,
                a,
                acs,
                ars,
                T::ZERO,
                T::ONE,
                false,
                false,
            )
        });
    } else {
        timing::unsupported("nano-gemm", wl);
    }
}
