//! One op without gradients, where each repetition makes a new output and drops it; and wide expressions, there and back.

use std::hint::black_box;

use wengert::prelude::*;

use crate::steps::Rep;
use crate::timing;

/// The workload of this name, ready to run; `None` where it has another.
pub fn make(name: &str) -> Result<Option<Rep>> {
    let mut rng = Rng::seed(0);
    if let Some((kind, sizes)) = timing::product(name) {
        return Ok(Some(match kind {
            "d" => product::<f64>(kind, sizes, &mut rng)?,
            _ => product::<f32>(kind, sizes, &mut rng)?,
        }));
    }
    let mut randn = |shape: &[usize]| Tensor::<f32>::randn(shape, &mut rng);
    const SQUARE: &[usize] = &[1024, 1024];
    const ROWS: &[usize] = &[4096, 1024];
    const MILLION: &[usize] = &[1 << 20];
    Ok(Some(match name {
        "W10" => expression(),
        "W11" => normalised(),
        "O2" => {
            let (a, b) = (randn(SQUARE), randn(SQUARE));
            rep(move || Ok(&a + &b))
        }
        "O3a" => {
            let (a, b) = (randn(SQUARE), randn(&[1024]));
            rep(move || Ok(&a + &b))
        }
        "O3b" => {
            let (a, b) = (randn(SQUARE), randn(SQUARE));
            rep(move || Ok(&a + &b.t()?))
        }
        "O4a" => {
            let a = randn(ROWS);
            rep(move || a.sum(0))
        }
        "O4b" => {
            let a = randn(ROWS);
            rep(move || a.sum(1))
        }
        "O5e" => {
            let a = randn(MILLION);
            rep(move || Ok(a.exp()))
        }
        "O5t" => {
            let a = randn(MILLION);
            rep(move || Ok(a.tanh()))
        }
        "O5s" => {
            let a = randn(MILLION);
            rep(move || Ok(a.sigmoid()))
        }
        "O6" => {
            let a = randn(ROWS);
            rep(move || a.softmax(-1))
        }
        "O8" => {
            let a = randn(&[8, 128, 8, 64]);
            rep(move || Ok(a.permute([0, 2, 1, 3])?.contiguous()))
        }
        "O9" => {
            let (a, b) = (randn(&[64, 128, 64]), randn(&[64, 64, 128]));
            rep(move || a.matmul(&b))
        }
        _ => return Ok(None),
    }))
}

fn rep<T>(mut op: impl FnMut() -> Result<T> + Send + 'static) -> Rep {
    Box::new(move || {
        black_box(op()?);
        Ok(0.0)
    })
}

/// The product of operands that lie as the kind says.
fn product<T: Float>(kind: &str, [m, k, n]: [usize; 3], rng: &mut Rng) -> Result<Rep> {
    let a = match kind {
        "tn" => Tensor::<T>::randn([k, m], rng).t()?,
        _ => Tensor::<T>::randn([m, k], rng),
    };
    let b = match kind {
        "nt" => Tensor::<T>::randn([n, k], rng).t()?,
        _ => Tensor::<T>::randn([k, n], rng),
    };
    Ok(rep(move || a.matmul(&b)))
}

/// `Σ tanh(x)·sigmoid(x) + exp(−x·x)` over four million elements.
fn expression() -> Rep {
    let x = Var::constant(Tensor::<f32>::randn([4_194_304], &mut Rng::seed(0))).tracked();
    Box::new(move || {
        let sum = (x.tanh() * x.sigmoid() + (-(&x * &x)).exp()).sum_all();
        sum.backward()?;
        x.zero_grad();
        sum.item()
    })
}

/// Layer normalisation, softmax and a weighted sum of 4096 rows of 1024.
fn normalised() -> Rep {
    let mut rng = Rng::seed(0);
    let x = Var::constant(Tensor::<f32>::randn([4096, 1024], &mut rng)).tracked();
    let w = Tensor::<f32>::randn([4096, 1024], &mut rng);
    let gamma = Var::ones([1024]).tracked();
    let beta = Var::zeros([1024]).tracked();
    Box::new(move || {
        let y = x.layer_norm(1024, Some(&gamma), Some(&beta), 1e-5)?;
        let sum = (y.softmax(-1)? * &w).sum_all();
        sum.backward()?;
        for leaf in [&x, &gamma, &beta] {
            leaf.zero_grad();
        }
        sum.item()
    })
}
