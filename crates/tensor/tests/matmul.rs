//! Products of matrices against sums in f64, over every layout, instruction set and thread count.

use wengert_tensor::{Float, IsaKind, Tensor, active_isa, with_isa, with_threads};

/// A small generator: the same numbers each run.
struct Rng(u64);
impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n
    }
    fn tensor<T: Float>(&mut self, shape: &[usize]) -> Tensor<T> {
        let n = shape.iter().product();
        let v = (0..n)
            .map(|_| T::from_f64((self.next() >> 40) as f64 / (1u64 << 23) as f64 - 1.0))
            .collect();
        Tensor::from_vec(v, shape).unwrap()
    }
    /// A matrix of these sizes behind some layout: row-major, transposed, every second or third
    /// element, backwards, repeated rows or columns.
    fn view<T: Float>(&mut self, r: usize, c: usize) -> Tensor<T> {
        match self.below(8) {
            0 => self.tensor(&[c, r]).t().unwrap(),
            1 => self.tensor(&[r, 2 * c]).slice_step(1, 2, c),
            2 => self.tensor(&[3 * r, c]).slice_step(0, 3, r),
            3 => self.tensor(&[r, c]).slice_step(0, -1, r),
            4 => self.tensor(&[r, c]).slice_step(1, -1, c),
            5 => self.tensor::<T>(&[1, c]).expand([r, c]).unwrap(),
            6 => self.tensor::<T>(&[r, 1]).expand([r, c]).unwrap(),
            _ => self.tensor(&[r, c]),
        }
    }
}

/// Every `step`-th index of an axis, as a view.
trait Step {
    fn slice_step(&self, axis: isize, step: isize, len: usize) -> Self;
}
impl<T: Float> Step for Tensor<T> {
    fn slice_step(&self, axis: isize, step: isize, len: usize) -> Self {
        if len == 0 {
            return self.narrow(axis, 0, 0).unwrap();
        }
        let s = match step {
            1 => ..,
            _ => ..,
        };
        self.slice(axis, s, step).unwrap()
    }
}

fn naive<T: Float>(a: &Tensor<T>, b: &Tensor<T>) -> (Vec<f64>, usize) {
    let (m, k, n) = (a.shape()[0], a.shape()[1], b.shape()[1]);
    let (a, b) = (a.to_vec(), b.to_vec());
    let mut c = vec![0.0; m * n];
    for i in 0..m {
        for p in 0..k {
            for j in 0..n {
                c[i * n + j] += a[i * k + p].to_f64() * b[p * n + j].to_f64();
            }
        }
    }
    (c, k)
}
