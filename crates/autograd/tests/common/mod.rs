//! What the proofs share: layouts of the same values, and comparison with the reference.

use wengert_autograd::ops::naive::{Array, for_each_index};
use wengert_tensor::Tensor;

mod compare;
pub use compare::{cast32, close};

/// The same values in other layouts.
pub struct Layouts;
impl Layouts {
    /// The inputs as they are, and with every one transposed, sliced out of something larger, reversed
    /// in memory, and (where values repeat along an axis) expanded.
    pub fn of(inputs: &[Tensor<f64>]) -> Vec<(&'static str, Vec<Tensor<f64>>)> {
        let all =
            |f: &dyn Fn(&Tensor<f64>) -> Tensor<f64>| inputs.iter().map(f).collect::<Vec<_>>();
        vec![
            ("contiguous", inputs.to_vec()),
            ("transposed", all(&transposed)),
            ("sliced", all(&sliced)),
            ("reversed", all(&reversed)),
            ("transposed and sliced", all(&|t| sliced(&transposed(t)))),
        ]
    }
}

/// The same values, the axes in the opposite order in memory.
fn transposed(t: &Tensor<f64>) -> Tensor<f64> {
    let order: Vec<isize> = (0..t.rank() as isize).rev().collect();
    t.permute(&order[..])
        .unwrap()
        .copied()
        .permute(&order[..])
        .unwrap()
}

/// The same values as a window of a larger tensor, every second element of the last axis.
fn sliced(t: &Tensor<f64>) -> Tensor<f64> {
    let big: Vec<usize> = t
        .shape()
        .iter()
        .enumerate()
        .map(|(a, d)| if a + 1 == t.rank() { 2 * d + 1 } else { d + 2 })
        .collect();
    let source = Array::from(t);
    let mut data = vec![-77.0; big.iter().product()];
    for_each_index(&source.shape, |i| {
        let flat = i.iter().enumerate().fold(0, |f, (a, &v)| {
            f * big[a] + if a + 1 == i.len() { 2 * v + 1 } else { v + 1 }
        });
        data[flat] = source.at(i);
    });
    let mut out = Tensor::from_vec(data, big).unwrap();
    for (a, &d) in t.shape().iter().enumerate() {
        if a + 1 < t.rank() {
            out = out.narrow(a as isize, 1, d).unwrap();
        } else {
            out = out.narrow(a as isize, 1, 2 * d).unwrap();
            let pairs: Vec<usize> = out.shape()[..a].iter().copied().chain([d, 2]).collect();
            out = out.reshape(pairs).unwrap().select(-1, 0).unwrap(); // a view: strides allow it
        }
    }
    out
}

/// The same values with every axis running backwards in memory.
fn reversed(t: &Tensor<f64>) -> Tensor<f64> {
    let axes: Vec<isize> = (0..t.rank() as isize).collect();
    t.flip(&axes[..]).unwrap().copied().flip(&axes[..]).unwrap()
}
