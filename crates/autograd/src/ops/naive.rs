//! The reference: arrays of `f64` with loops that anyone can check by eye. Every op is compared with
//! a function on these, so nothing here may call a tensor op.

use wengert_tensor::Tensor;

/// A row-major array of `f64`.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The size of each axis.
    pub shape: Vec<usize>,
    /// The elements in row-major order.
    pub data: Vec<f64>,
}

impl Array {
    /// The array whose element at each index is `f(index)`.
    pub fn from_fn(shape: &[usize], mut f: impl FnMut(&[usize]) -> f64) -> Array {
        let mut data = Vec::new();
        for_each_index(shape, |index| data.push(f(index)));
        Array {
            shape: shape.to_vec(),
            data,
        }
    }

    /// A scalar.
    pub fn scalar(v: f64) -> Array {
        Array {
            shape: vec![],
            data: vec![v],
        }
    }

    /// The element at an index.
    pub fn at(&self, index: &[usize]) -> f64 {
        let flat = index
            .iter()
            .zip(&self.shape)
            .fold(0, |flat, (i, d)| flat * d + i);
        self.data[flat]
    }

    /// The element that broadcasting this array to a shape of `index`'s rank puts at `index`.
    pub fn at_broadcast(&self, index: &[usize]) -> f64 {
        let lead = index.len() - self.shape.len();
        let own: Vec<usize> = self
            .shape
            .iter()
            .zip(&index[lead..])
            .map(|(&d, &i)| if d == 1 { 0 } else { i })
            .collect();
        self.at(&own)
    }

    /// `f` of every element.
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Array {
        Array {
            shape: self.shape.clone(),
            data: self.data.iter().map(|v| f(*v)).collect(),
        }
    }

    /// `f` of every pair of elements, with NumPy's broadcasting.
    pub fn zip(&self, other: &Array, f: impl Fn(f64, f64) -> f64) -> Array {
        let rank = self.shape.len().max(other.shape.len());
        let dim = |a: &Array, i: usize| {
            if i + a.shape.len() >= rank {
                a.shape[i + a.shape.len() - rank]
            } else {
                1
            }
        };
        let shape: Vec<usize> = (0..rank)
            .map(|i| {
                if dim(self, i) == 1 {
                    dim(other, i)
                } else {
                    dim(self, i)
                }
            })
            .collect();
        Array::from_fn(&shape, |i| f(self.at_broadcast(i), other.at_broadcast(i)))
    }

    /// Folds the elements along some axes, which are dropped, or kept with size 1.
    pub fn reduce(&self, axes: &[usize], keep: bool, f: impl Fn(&[f64]) -> f64) -> Array {
        let kept: Vec<usize> = (0..self.shape.len())
            .filter(|a| !axes.contains(a))
            .collect();
        let outer: Vec<usize> = kept.iter().map(|&a| self.shape[a]).collect();
        let inner: Vec<usize> = axes.iter().map(|&a| self.shape[a]).collect();
        let mut out = Array::from_fn(&outer, |o| {
            let mut values = Vec::new();
            for_each_index(&inner, |i| {
                let mut index = vec![0; self.shape.len()];
                kept.iter().zip(o).for_each(|(&a, &v)| index[a] = v);
                axes.iter().zip(i).for_each(|(&a, &v)| index[a] = v);
                values.push(self.at(&index));
            });
            f(&values)
        });
        if keep {
            out.shape = (0..self.shape.len())
                .map(|a| if axes.contains(&a) { 1 } else { self.shape[a] })
                .collect();
        }
        out
    }
}

/// Calls `f` with every index of a shape in row-major order.
pub fn for_each_index(shape: &[usize], mut f: impl FnMut(&[usize])) {
    if shape.contains(&0) {
        return;
    }
    let mut index = vec![0; shape.len()];
    loop {
        f(&index);
        let Some(axis) = (0..shape.len()).rev().find(|&a| index[a] + 1 < shape[a]) else {
            return;
        };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}

/// The error function by its series of positive terms, `2/√π e^(−x²) Σ 2ⁿx²ⁿ⁺¹/(2n + 1)!!`
/// (Abramowitz & Stegun, 7.1.6); exact to some 1e-15 up to |x| = 5, ±1 beyond.
pub fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut k) = (x, x, 1.0);
    while term.abs() > 1e-18 * sum.abs() {
        k += 2.0;
        term *= 2.0 * x * x / k;
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

impl From<&Tensor<f64>> for Array {
    fn from(t: &Tensor<f64>) -> Array {
        Array {
            shape: t.shape().to_vec(),
            data: t.to_vec(),
        }
    }
}
