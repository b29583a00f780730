//! Products of matrices.

use super::block::names::*;
use crate::ops::info::spread;
use crate::tape::rule::apply_owned;
use wengert_tensor::Result;

/// # Linear algebra
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
    #[inline(never)]
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
                // Of a 1-d operand the engine sums over the leading axes, of size 1 or the batch's.
                Some(dy.matmul(&b.transpose(-2, -1)?)?)
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
        two(da, db)
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
    #[cfg(feature = "samples")]
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

/// # Linear algebra: dot product
impl<T: Float> Var<T> {
    /// Inner product of two vectors, `Σᵢ aᵢ·bᵢ`; gradients `b·dy` and `a·dy`.
    ///
    /// # Errors
    /// If either is not 1-d, or their sizes differ.
    #[track_caller]
    #[inline(never)]
    pub fn dot(&self, other: &Var<T>) -> Result<Var<T>> {
        let y = self.value.dot(&other.value)?;
        Ok(apply([self, other], y, |_, need| {
            super::binary::Mul::named("dot", self, other, need)
        }))
    }
}

pub(crate) static DOT: OpInfo = OpInfo {
    name: "dot",
    family: "linalg",
    formula: "Σᵢ aᵢ·bᵢ",
    gradient: "b·dy, a·dy",
    edges: "0 of nothing",
    #[cfg(feature = "samples")]
    samples: || {
        let sum = |a: &Array, b: &Array| Array::scalar(a.zip(b, |x, y| x * y).data.iter().sum());
        vec![
            sample!(
                [spread(&[3], 1), spread(&[3], 2)],
                |v| v[0].dot(&v[1]),
                |r| sum(&r[0], &r[1])
            ),
            sample!(
                [spread(&[0], 1), spread(&[0], 2)],
                |v| v[0].dot(&v[1]),
                |r| sum(&r[0], &r[1])
            )
            .note("empty"),
        ]
    },
};

/// # Linear algebra: outer product
impl<T: Float> Var<T> {
    /// Outer product of two vectors, `yᵢⱼ = aᵢ·bⱼ`; gradients `dy b` and `dyᵀ a`.
    ///
    /// # Errors
    /// If either is not 1-d.
    #[track_caller]
    #[inline(never)]
    pub fn outer(&self, other: &Var<T>) -> Result<Var<T>> {
        let y = self.value.outer(&other.value)?;
        Ok(apply([self, other], y, |_, need| Outer {
            a: need[1].then(|| Saved::input(0, self)),
            b: need[0].then(|| Saved::input(1, other)),
        }))
    }
}

struct Outer<T: Float> {
    a: Option<Saved<T>>,
    b: Option<Saved<T>>,
}
impl<T: Float> Rule<T> for Outer<T> {
    fn name(&self) -> &'static str {
        "outer"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let da = self.b.as_ref().map(|b| dy.matmul(&cx.var(b))).transpose()?;
        let db = self
            .a
            .as_ref()
            .map(|a| dy.t()?.matmul(&cx.var(a)))
            .transpose()?;
        two(da, db)
    }
}

pub(crate) static OUTER: OpInfo = OpInfo {
    name: "outer",
    family: "linalg",
    formula: "aᵢ·bⱼ",
    gradient: "dy b, dyᵀ a",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![sample!(
            [spread(&[2], 1), spread(&[3], 2)],
            |v| v[0].outer(&v[1]),
            |r| { Array::from_fn(&[2, 3], |i| r[0].at(&[i[0]]) * r[1].at(&[i[1]])) }
        )]
    },
};

/// # Linear algebra: linear layers
impl<T: Float> Var<T> {
    /// Fully connected layer, `y = x wᵀ + b`, one op; gradients `dy w`, `dyᵀ x`, `Σ dy`.
    ///
    /// # Shapes
    /// `x [.., in]`, `w [out, in]`, `b [out]` give `[.., out]`.
    ///
    /// # Errors
    /// If the shapes do not fit.
    #[track_caller]
    #[inline(never)]
    pub fn linear(&self, w: &Var<T>, b: Option<&Var<T>>) -> Result<Var<T>> {
        self.linear_owned(w.clone(), b.cloned())
    }

    /// As [`Var::linear`], of weights that are given up to the tape: those that a layer has from
    /// [`Param::var`](crate::Param::var) for this op alone.
    ///
    /// # Errors
    /// As [`Var::linear`].
    #[doc(hidden)]
    #[track_caller]
    #[inline(never)]
    pub fn linear_owned(&self, w: Var<T>, b: Option<Var<T>>) -> Result<Var<T>> {
        let y = self.value.linear(&w.value, b.as_ref().map(|b| &b.value))?;
        let (x_needs, w_needs) = (self.node.is_some(), w.node.is_some());
        let rule = || Linear {
            x: w_needs.then(|| Saved::input(0, self)),
            w: x_needs.then(|| Saved::new(1, w.value)),
        };
        let x = self.node.clone();
        Ok(match b {
            Some(b) => apply_owned([x, w.node, b.node], y, rule),
            None => apply_owned([x, w.node], y, rule),
        })
    }
}

struct Linear<T: Float> {
    x: Option<Saved<T>>,
    w: Option<Saved<T>>,
}
impl<T: Float> Rule<T> for Linear<T> {
    fn name(&self) -> &'static str {
        "linear"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let mut grads = Grads::new();
        grads.push(self.w.as_ref().map(|w| dy.matmul(&cx.var(w))).transpose()?);
        let outputs = dy.shape()[dy.rank() - 1];
        let weight = |x: &Saved<T>| -> Result<Var<T>> {
            // Not by division: there may be no outputs.
            let rows = dy.shape()[..dy.rank() - 1].iter().product();
            let inputs = x.value.shape()[x.value.rank() - 1];
            let dy = dy.reshape([rows, outputs])?;
            dy.t()?.matmul(&cx.var(x).reshape([rows, inputs])?)
        };
        grads.push(self.x.as_ref().map(weight).transpose()?);
        if cx.inputs.len() == 3 {
            grads.push(cx.needs(2).then(|| dy.sum_to(outputs)).transpose()?);
        }
        Ok(grads)
    }
    fn fused(&self, cx: &Cx<'_>, dy: Tensor<T>, to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
        if let Some(w) = &self.w {
            to.accumulate(0, dy.matmul(&w.value)?)?;
        }
        if let Some(x) = &self.x {
            to.accumulate(1, dy.linear_weight_grad(&x.value)?)?;
        }
        if cx.needs(2) {
            to.accumulate(2, dy.sum_to(dy.shape()[dy.rank() - 1])?)?;
        }
        Ok(Fused::Done)
    }
}

pub(crate) static LINEAR: OpInfo = OpInfo {
    name: "linear",
    family: "linalg",
    formula: "x wᵀ + b",
    gradient: "dy w, dyᵀ x, Σ dy",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        let map = |x: &Array, w: &Array, b: Option<&Array>| {
            let (rank, inputs) = (x.shape.len(), w.shape[1]);
            let mut shape = x.shape.clone();
            shape[rank - 1] = w.shape[0];
            Array::from_fn(&shape, |i| {
                let mut at = i.to_vec();
                let sum = (0..inputs).map(|k| {
                    at[rank - 1] = k;
                    x.at(&at) * w.at(&[i[rank - 1], k])
                });
                sum.sum::<f64>() + b.map_or(0.0, |b| b.at(&[i[rank - 1]]))
            })
        };
        vec![
            sample!(
                [spread(&[4, 3], 1), spread(&[2, 3], 2), spread(&[2], 3)],
                |v| v[0].linear(&v[1], Some(&v[2])),
                |r| map(&r[0], &r[1], Some(&r[2]))
            ),
            sample!(
                [spread(&[2, 2, 3], 1), spread(&[2, 3], 2)],
                |v| v[0].linear(&v[1], None),
                |r| map(&r[0], &r[1], None)
            )
            .note("no bias, two leading axes"),
            sample!(
                [spread(&[3], 1), spread(&[2, 3], 2), spread(&[2], 3)],
                |v| v[0].linear(&v[1], Some(&v[2])),
                |r| map(&r[0], &r[1], Some(&r[2]))
            )
            .note("one row"),
            sample!(
                [spread(&[0, 3], 1), spread(&[2, 3], 2), spread(&[2], 3)],
                |v| v[0].linear(&v[1], Some(&v[2])),
                |r| map(&r[0], &r[1], Some(&r[2]))
            )
            .note("no rows"),
            sample!(
                [spread(&[4, 3], 1), spread(&[1, 3], 2), spread(&[1], 3)],
                |v| v[0].linear(&v[1], Some(&v[2])),
                |r| map(&r[0], &r[1], Some(&r[2]))
            )
            .note("one output"),
        ]
    },
};

pub(super) const OPS: &[&OpInfo] = &[&MATMUL, &LINEAR, &DOT, &OUTER];
