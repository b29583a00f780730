//! What the tape costs: nanoseconds per op recorded and walked back, and per op not recorded.
#![allow(clippy::print_stdout)]
use std::time::Instant;
use wengert_autograd::*;
use wengert_tensor::Tensor;

fn median(mut f: impl FnMut() -> f64) -> f64 {
    let mut v: Vec<f64> = (0..31).map(|_| f()).collect();
    v.sort_by(f64::total_cmp);
    v[15]
}

fn main() {
    const N: usize = 1000;
    let x = Var::new([0.5f32; 16]).tracked();
    let both = median(|| {
        let t = Instant::now();
        let mut y = x.affine(1.0001, 0.001);
        for _ in 0..N {
            y = y.affine(1.0001, 0.001);
        }
        y.sum_all().backward().unwrap();
        drop(y);
        x.zero_grad();
        t.elapsed().as_nanos() as f64 / N as f64
    });
    let w8 = median(|| {
        let t = Instant::now();
        let mut y = &x * 1.0001 + 0.001;
        for _ in 0..N {
            y = &y * 1.0001 + 0.001;
        }
        y.sum_all().backward().unwrap();
        drop(y);
        x.zero_grad();
        t.elapsed().as_nanos() as f64 / 1000.0
    });
    let c = Var::new([0.5f32; 16]);
    let plain = median(|| {
        let t = Instant::now();
        let mut y = c.affine(1.0001, 0.001);
        for _ in 0..N {
            y = y.affine(1.0001, 0.001);
        }
        std::hint::black_box(&y);
        t.elapsed().as_nanos() as f64 / N as f64
    });
    let c = Tensor::new([0.5f32; 16]);
    let tensor = median(|| {
        let t = Instant::now();
        let mut y = c.affine(1.0001, 0.001);
        for _ in 0..N {
            y = y.affine(1.0001, 0.001);
        }
        std::hint::black_box(&y);
        t.elapsed().as_nanos() as f64 / N as f64
    });
    println!("recorded and walked back  {both:.0} ns/op");
    println!("2000 tiny ops (y·a + b)   {w8:.0} us");
    println!("not recorded              {plain:.0} ns/op (tensor op {tensor:.0})");
}
