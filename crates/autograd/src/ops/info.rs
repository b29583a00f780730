//! What the proofs, the benches and the op table know of an op. One list, [`OPS`](crate::ops::OPS),
//! drives them all: an op that is not in it is not an op.

use wengert_tensor::{Result, Tensor};

use crate::ops::naive::Array;
use crate::var::Var;

/// An op's entry in the list.
pub struct OpInfo {
    /// The method's name.
    pub name: &'static str,
    /// The file it lives in.
    pub family: &'static str,
    /// The function.
    pub formula: &'static str,
    /// Its gradient, `dx` from `dy`.
    pub gradient: &'static str,
    /// What holds at ties, kinks and edges.
    pub edges: &'static str,
    /// Calls of it, made anew each time. With the feature `samples`.
    #[cfg(feature = "samples")]
    pub samples: fn() -> Vec<Sample>,
}

/// A call of an op on variables of one type.
pub type Call<T> = Box<dyn Fn(&[Var<T>]) -> Result<Var<T>> + Send + Sync>;

/// One call of an op: its inputs, how to call it, and what it must give.
pub struct Sample {
    /// What is particular about it.
    pub note: &'static str,
    /// The inputs.
    pub inputs: Vec<Tensor<f64>>,
    /// The call in `f64`.
    pub call: Call<f64>,
    /// The same call in `f32`.
    pub call_f32: Call<f32>,
    /// The reference.
    pub reference: Box<dyn Fn(&[Array]) -> Array + Send + Sync>,
    /// Gradients for a seed of ones, where numeric differentiation cannot tell (at ties and kinks);
    /// `None`: the op is smooth around these inputs and is gradchecked.
    pub expected: Option<Vec<Array>>,
    /// Whether each element of the output depends on the same element of each input (after
    /// broadcasting) alone: such samples are also run on other shapes, 0-d and empty ones among them.
    pub elementwise: bool,
    /// Whether NaN in any element of an input must come out as NaN somewhere (everywhere it reaches).
    pub nan_propagates: bool,
}

impl Sample {
    /// At ties: the gradients that the convention gives for a seed of ones.
    pub fn expect(mut self, gradients: Vec<Array>) -> Sample {
        self.expected = Some(gradients);
        self
    }
    /// Sets the note.
    pub fn note(mut self, note: &'static str) -> Sample {
        self.note = note;
        self
    }
    /// Marks an elementwise call.
    pub fn elementwise(mut self) -> Sample {
        self.elementwise = true;
        self
    }
    /// For ops that choose elements: NaN in one that is not chosen does not come out.
    pub fn may_drop_nan(mut self) -> Sample {
        self.nan_propagates = false;
        self
    }
}

/// A [`Sample`]: inputs, the call (compiled for `f64` and for `f32`), the reference.
///
/// ```text
/// sample!([a, b], |v| Ok(v[0].matmul(&v[1])?), |r| naive_matmul(&r[0], &r[1]))
/// ```
macro_rules! sample {
    ([$($input:expr),* $(,)?], |$v:ident| $call:expr, |$r:ident| $reference:expr $(,)?) => {
        $crate::ops::info::Sample {
            note: "",
            inputs: vec![$($input),*],
            call: Box::new(move |$v: &[$crate::Var<f64>]| $call),
            call_f32: Box::new(move |$v: &[$crate::Var<f32>]| $call),
            reference: Box::new(move |$r: &[$crate::ops::naive::Array]| $reference),
            expected: None,
            elementwise: false,
            nan_propagates: true,
        }
    };
}
pub(crate) use sample;

/// A tensor for a sample, from values that cannot fail to fit: values repeat as needed.
pub(crate) fn cycle(shape: &[usize], values: &[f64]) -> Tensor<f64> {
    let n: usize = shape.iter().product();
    let data: Vec<f64> = values.iter().copied().cycle().take(n).collect();
    match Tensor::from_vec(data, shape) {
        Ok(t) => t,
        Err(_) => Tensor::zeros(shape),
    }
}

/// Distinct values of both signs, away from 0 and from each other, so that no op has a kink or a tie
/// within a step of numeric differentiation.
pub(crate) fn spread(shape: &[usize], seed: u64) -> Tensor<f64> {
    let n: usize = shape.iter().product();
    // Steps of an odd multiple modulo 1 fill the interval evenly and never repeat for small n.
    let phase = (seed as f64 * 0.37 + 0.11).fract();
    let data: Vec<f64> = (0..n)
        .map(|i| {
            let u = (phase + i as f64 * 0.618_033_988_749_894_9).fract();
            let v = 0.2 + 1.6 * u;
            if (i as u64 + seed).is_multiple_of(2) {
                v
            } else {
                -v
            }
        })
        .collect();
    cycle(shape, &data)
}

/// As [`spread`], all positive.
pub(crate) fn positive(shape: &[usize], seed: u64) -> Tensor<f64> {
    spread(shape, seed).abs()
}
