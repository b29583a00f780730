//! The workloads that are one op without gradients: each repetition makes a new output and drops it.

use std::hint::black_box;

use wengert::prelude::*;

use crate::steps::Rep;

/// The workload of this name, ready to run; `None` where it has another.
pub fn make(name: &str) -> Result<Option<Rep>> {
    let mut rng = Rng::seed(0);
    if let Some(product) = Product::parse(name) {
        return Ok(Some(if product.double {
            product.rep::<f64>(&mut rng)?
        } else {
            product.rep::<f32>(&mut rng)?
        }));
    }
    let mut randn = |shape: &[usize]| Tensor::<f32>::randn(shape, &mut rng);
    const SQUARE: &[usize] = &[1024, 1024];
    const ROWS: &[usize] = &[4096, 1024];
    const MILLION: &[usize] = &[1 << 20];
    Ok(Some(match name {
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
            rep(move || Ok(a.sum(0)?))
        }
        "O4b" => {
            let a = randn(ROWS);
            rep(move || Ok(a.sum(1)?))
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
            rep(move || Ok(a.softmax(-1)?))
        }
        "O8" => {
            let a = randn(&[8, 128, 8, 64]);
            rep(move || Ok(a.permute([0, 2, 1, 3])?.contiguous()))
        }
        "O9" => {
            let (a, b) = (randn(&[64, 128, 64]), randn(&[64, 64, 128]));
            rep(move || Ok(a.matmul(&b)?))
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

/// Floating-point operations of a repetition, where the name says how many.
pub fn flops(name: &str) -> Option<f64> {
    if name == "O9" {
        return Some(2.0 * (64 * 128 * 64 * 128) as f64);
    }
    Product::parse(name).map(|p| 2.0 * (p.m * p.k * p.n) as f64)
}

/// Which operand of a matrix product lies transposed in memory.
#[derive(Clone, Copy)]
enum Kind {
    Nn,
    Tn,
    Nt,
}

/// A product of `[m, k]` and `[k, n]`: `O1_512`, `O1d_512` (in f64), `O1_64x784x256`, `O1tn_784x64x256`.
struct Product {
    kind: Kind,
    double: bool,
    m: usize,
    k: usize,
    n: usize,
}

impl Product {
    fn parse(name: &str) -> Option<Product> {
        let (head, size) = name.strip_prefix("O1")?.split_once('_')?;
        let (kind, double) = match head {
            "" => (Kind::Nn, false),
            "d" => (Kind::Nn, true),
            "tn" => (Kind::Tn, false),
            "nt" => (Kind::Nt, false),
            _ => return None,
        };
        let sizes: Vec<usize> = size.split('x').map_while(|s| s.parse().ok()).collect();
        let (m, k, n) = match sizes[..] {
            [n] => (n, n, n),
            [m, k, n] => (m, k, n),
            _ => return None,
        };
        Some(Product {
            kind,
            double,
            m,
            k,
            n,
        })
    }
    /// The product of operands that lie as the kind says.
    fn rep<T: Float>(&self, rng: &mut Rng) -> Result<Rep> {
        let (m, k, n) = (self.m, self.k, self.n);
        let a = match self.kind {
            Kind::Tn => Tensor::<T>::randn([k, m], rng).t()?,
            _ => Tensor::<T>::randn([m, k], rng),
        };
        let b = match self.kind {
            Kind::Nt => Tensor::<T>::randn([n, k], rng).t()?,
            _ => Tensor::<T>::randn([k, n], rng),
        };
        Ok(rep(move || Ok(a.matmul(&b)?)))
    }
}
