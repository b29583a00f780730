//! Products of matrices.

use wengert_tensor::Float;

use crate::error::Result;
use crate::info::{OpInfo, sample, spread};
use crate::naive::Array;
use crate::rule::{Cx, Grads, Rule, Saved, apply};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// Matrix product, as `torch.matmul`: 1-d operands are rows and columns, leading axes broadcast.
    ///
    /// `y = a b`; gradients `dy bᵀ` and `aᵀ dy`.
    ///
    /// # Shapes
    /// `[…, m, k]` and `[…, k, n]` give `[…, m, n]`.
    ///
    /// # Errors
    /// If the inner dimensions differ or the leading ones do not broadcast.
    #[track_caller]
    pub fn matmul(&self, other: &Var<T>) -> Result<Var<T>> {
        let y = self.value.matmul(&other.value)?;
        Ok(apply([self, other], y, |_, need| Matmul {
            a: need[1].then(|| Saved::input(0, self)),
            b: need[0].then(|| Saved::input(1, other)),
            ranks: (self.rank(), other.rank()),
        }))
    }
}

struct Matmul<T: Float> {
    a: Option<Saved<T>>,
    b: Option<Saved<T>>,
    ranks: (usize, usize),
}
impl<T: Float> Rule<T> for Matmul<T> {
    fn name(&self) -> &'static str {
        "matmul"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        // 1-d operands as the matrices they stand for; `dy` likewise.
        let (vec_a, vec_b) = (self.ranks.0 == 1, self.ranks.1 == 1);
        let mut dy = dy.clone();
        if vec_b {
            dy = dy.unsqueeze(-1)?;
        }
        if vec_a {
            dy = dy.unsqueeze(-2)?;
        }
        let da = match &self.b {
            None => None,
            Some(b) => {
                let b = cx.var(b);
                let b = if vec_b { b.unsqueeze(-1)? } else { b };
                let g = dy.matmul(&b.transpose(-2, -1)?)?;
                Some(if vec_a { g.squeeze(-2)? } else { g })
            }
        };
        let db = match &self.a {
            None => None,
            Some(a) => {
                let a = cx.var(a);
                let a = if vec_a { a.unsqueeze(-2)? } else { a };
                let g = a.transpose(-2, -1)?.matmul(&dy)?;
                Some(if vec_b { g.squeeze(-1)? } else { g })
            }
        };
        Ok(Grads::from_iter([da, db]))
    }
}

/// `[…, m, k] × […, k, n]` by three loops.
fn naive_matmul(a: &Array, b: &Array) -> Array {
    let promote = |x: &Array, row: bool| {
        let shape = match x.shape[..] {
            [n] if row => vec![1, n],
            [n] => vec![n, 1],
            _ => x.shape.clone(),
        };
        Array {
            shape,
            data: x.data.clone(),
        }
    };
    let (pa, pb) = (promote(a, true), promote(b, false));
    let (ra, rb) = (pa.shape.len(), pb.shape.len());
    let (m, k, n) = (pa.shape[ra - 2], pa.shape[ra - 1], pb.shape[rb - 1]);
    let batch = Array {
        shape: pa.shape[..ra - 2].to_vec(),
        data: vec![0.0; pa.shape[..ra - 2].iter().product()],
    }
    .zip(
        &Array {
            shape: pb.shape[..rb - 2].to_vec(),
            data: vec![0.0; pb.shape[..rb - 2].iter().product()],
        },
        |_, _| 0.0,
    );
    let mut shape = batch.shape.clone();
    shape.extend([m, n]);
    let mut y = Array::from_fn(&shape, |i| {
        let (lead, mn) = i.split_at(i.len() - 2);
        (0..k)
            .map(|l| {
                let ia: Vec<usize> = lead.iter().copied().chain([mn[0], l]).collect();
                let ib: Vec<usize> = lead.iter().copied().chain([l, mn[1]]).collect();
                pa.at_broadcast(&ia) * pb.at_broadcast(&ib)
            })
            .sum()
    });
    if b.shape.len() == 1 {
        y.shape.pop();
    }
    if a.shape.len() == 1 {
        let at = y.shape.len() - usize::from(b.shape.len() != 1) - 1;
        y.shape.remove(at);
    }
    y
}

pub(crate) static MATMUL: OpInfo = OpInfo {
    name: "matmul",
    family: "linalg",
    formula: "a b",
    gradient: "dy bᵀ, aᵀ dy",
    edges: "smooth",
    samples: || {
        let call = |a: &[usize], b: &[usize]| {
            sample!([spread(a, 1), spread(b, 2)], |v| v[0].matmul(&v[1]), |r| {
                naive_matmul(&r[0], &r[1])
            })
        };
        vec![
            call(&[2, 3], &[3, 4]),
            call(&[3], &[3]),
            call(&[3], &[3, 2]),
            call(&[2, 3], &[3]),
            call(&[2, 2, 3], &[3, 2]),
            call(&[2, 1, 2, 3], &[3, 3, 2]).note("broadcast batch"),
            call(&[3], &[2, 3, 2]),
            call(&[2, 2, 3], &[3]),
            call(&[2, 0], &[0, 3]).note("empty inner axis"),
        ]
    },
};

impl<T: Float> Var<T> {
    /// Fully connected layer, `y = x wᵀ + b`; gradients `dy w`, `dyᵀ x`, `Σ dy`.
    ///
    /// # Shapes
    /// `x [.., in]`, `w [out, in]`, `b [out]` give `[.., out]`.
    ///
    /// # Errors
    /// If the shapes do not fit.
    #[track_caller]
    pub fn linear(&self, w: &Var<T>, b: Option<&Var<T>>) -> Result<Var<T>> {
        let y = self.matmul(&w.t()?)?;
        match b {
            Some(b) => y.try_add(b),
            None => Ok(y),
        }
    }
}
