//! Ops that pick and place by index, and the triangles of matrices.

use wengert_tensor::{INFER, Result, Shape};

use super::block::names::*;
use crate::ops::info::spread;
use crate::tape::rule::one;

/// Untracked zeros.
#[track_caller]
fn zeros<T: Float>(shape: &Shape) -> Var<T> {
    Var::constant(Tensor::zeros(shape))
}

/// # Indexing
impl<T: Float> Var<T> {
    /// The slices of an axis that an index of any rank names (NumPy's `take`, an embedding's lookup); gradient: `dy` added
    /// at them.
    ///
    /// # Shapes
    /// The index's axes take the place of the axis: `[.., axis, ..]` becomes `[.., index.shape.., ..]`.
    ///
    /// # Errors
    /// If the axis or an index is out of range.
    ///
    /// ```
    /// use wengert::{Tensor, Var};
    /// let x = Var::new([1.0f64, 2.0, 3.0]).tracked();
    /// x.index_select(0, &Tensor::new([2i64, 2, 0]))?.sum_all().backward()?;
    /// assert_eq!(x.grad().unwrap().to_vec(), [1.0, 0.0, 2.0]);
    /// // Tokens [batch, time] to vectors [batch, time, width].
    /// let (table, tokens) = (Var::<f32>::zeros([10, 4]), Tensor::new([[1i64, 7, 7], [0, 2, 9]]));
    /// assert_eq!(table.index_select(0, &tokens)?.shape(), &[2, 3, 4]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn index_select(&self, axis: isize, index: &Tensor<i64>) -> Result<Var<T>> {
        let y = self.value.index_select(axis, index)?;
        Ok(apply([self], y, |_, _| IndexSelect {
            axis,
            index: index.clone(),
            shape: self.shape().clone(),
        }))
    }

    /// This variable with the slices of `src` added to those slices of an axis that an index of any rank
    /// names; gradients `dy`, and `dy` picked by the index. `src` has the shape of [`Var::index_select`].
    ///
    /// # Errors
    /// If the axis or an index is out of range, or the shapes do not fit.
    #[track_caller]
    #[inline(never)]
    pub fn index_add(&self, axis: isize, index: &Tensor<i64>, src: &Var<T>) -> Result<Var<T>> {
        let y = self.value.index_add(axis, index, &src.value)?;
        Ok(apply([self, src], y, |_, _| IndexAdd(axis, index.clone())))
    }
}

struct IndexSelect {
    axis: isize,
    index: Tensor<i64>,
    shape: Shape,
}
impl<T: Float> Rule<T> for IndexSelect {
    fn name(&self) -> &'static str {
        "index_select"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(zeros(&self.shape).index_add(self.axis, &self.index, dy)?)
    }
    fn detail(&self) -> String {
        format!("axis {}", self.axis)
    }
}

struct IndexAdd(isize, Tensor<i64>);
impl<T: Float> Rule<T> for IndexAdd {
    fn name(&self) -> &'static str {
        "index_add"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let src = cx
            .needs(1)
            .then(|| dy.index_select(self.0, &self.1))
            .transpose()?;
        two(cx.needs(0).then(|| dy.clone()), src)
    }
    fn detail(&self) -> String {
        format!("axis {}", self.0)
    }
}

/// Rows 2, 0, 2 of three, the first by its place from the end.
fn rows() -> Tensor<i64> {
    Tensor::new([-1i64, 0, 2])
}

pub(crate) static INDEX_SELECT: OpInfo = OpInfo {
    name: "index_select",
    family: "index",
    formula: "the slices of an axis that an index names",
    gradient: "dy added at them",
    edges: "an index named twice gets both gradients",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[3, 2], 1)],
                |v| v[0].index_select(0, &rows()),
                |r| { Array::from_fn(&[3, 2], |i| r[0].at(&[[2, 0, 2][i[0]], i[1]])) }
            )
            .may_drop_nan(),
            sample!(
                [spread(&[2, 3], 1)],
                |v| v[0].index_select(-1, &rows()),
                |r| { Array::from_fn(&[2, 3], |i| r[0].at(&[i[0], [2, 0, 2][i[1]]])) }
            )
            .may_drop_nan(),
            sample!(
                [spread(&[2, 3, 2], 1)],
                |v| v[0].index_select(1, &picks()),
                |r| {
                    Array::from_fn(&[2, 2, 3, 2], |i| r[0].at(&[i[0], PICKS[i[1]][i[2]], i[3]]))
                }
            )
            .may_drop_nan()
            .note("an index of two axes"),
            sample!(
                [spread(&[3, 2], 1)],
                |v| v[0].index_select(0, &Tensor::scalar(-1)),
                |r| { Array::from_fn(&[2], |i| r[0].at(&[2, i[0]])) }
            )
            .may_drop_nan()
            .note("an index without axes"),
        ]
    },
};

pub(crate) static INDEX_ADD: OpInfo = OpInfo {
    name: "index_add",
    family: "index",
    formula: "x with src added at the slices that an index names",
    gradient: "dy, dy picked by the index",
    edges: "an index named twice gets both",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[3, 2], 1), spread(&[3, 2], 2)],
                |v| v[0].index_add(0, &rows(), &v[1]),
                |r| {
                    let mut out = r[0].clone();
                    for (k, row) in [2, 0, 2].into_iter().enumerate() {
                        (0..2).for_each(|j| out.data[row * 2 + j] += r[1].at(&[k, j]));
                    }
                    out
                }
            ),
            sample!(
                [spread(&[2, 3], 1), spread(&[2, 2, 3], 2)],
                |v| v[0].index_add(-1, &picks(), &v[1]),
                |r| {
                    let mut out = r[0].clone();
                    for (i, row) in PICKS.iter().enumerate() {
                        for (j, &k) in row.iter().enumerate() {
                            (0..2).for_each(|o| out.data[o * 3 + k] += r[1].at(&[o, i, j]));
                        }
                    }
                    out
                }
            )
            .note("an index of two axes"),
        ]
    },
};

/// # Indexing: element by element
impl<T: Float> Var<T> {
    /// `y[i…] = self[i… with the axis's place taken by index[i…]]`; gradient: `dy` added at them.
    ///
    /// # Errors
    /// If the axis or an index is out of range, or the shapes do not fit.
    #[track_caller]
    #[inline(never)]
    pub fn gather(&self, axis: isize, index: &Tensor<i64>) -> Result<Var<T>> {
        let y = self.value.gather(axis, index)?;
        Ok(self.gathered(y, "gather", axis, index))
    }

    /// `y` as what `index` picks of this variable along an axis.
    #[track_caller]
    pub(crate) fn gathered(
        &self,
        y: Tensor<T>,
        name: &'static str,
        axis: isize,
        index: &Tensor<i64>,
    ) -> Var<T> {
        apply([self], y, |_, _| Gather {
            name,
            axis,
            index: index.clone(),
            shape: self.shape().clone(),
        })
    }

    /// This variable with `src[i…]` added at `[i… with the axis's place taken by index[i…]]`; gradients
    /// `dy`, and `dy` picked by the index.
    ///
    /// # Errors
    /// If the axis or an index is out of range, or the shapes do not fit.
    #[track_caller]
    #[inline(never)]
    pub fn scatter_add(&self, axis: isize, index: &Tensor<i64>, src: &Var<T>) -> Result<Var<T>> {
        // What of `src` the index does not cover has no part in it.
        let mut src = src.clone();
        if src.rank() == index.rank() {
            for (a, &size) in index.shape().iter().enumerate() {
                if size < src.shape()[a] {
                    src = src.narrow(a as isize, 0, size)?;
                }
            }
        }
        let y = self.value.scatter_add(axis, index, &src.value)?;
        Ok(apply([self, &src], y, |_, _| {
            ScatterAdd(axis, index.clone())
        }))
    }
}

struct Gather {
    name: &'static str,
    axis: isize,
    index: Tensor<i64>,
    shape: Shape,
}
impl<T: Float> Rule<T> for Gather {
    fn name(&self) -> &'static str {
        self.name
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(zeros(&self.shape).scatter_add(self.axis, &self.index, dy)?)
    }
    fn detail(&self) -> String {
        format!("axis {}", self.axis)
    }
}

struct ScatterAdd(isize, Tensor<i64>);
impl<T: Float> Rule<T> for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let src = cx
            .needs(1)
            .then(|| dy.gather(self.0, &self.1))
            .transpose()?;
        two(cx.needs(0).then(|| dy.clone()), src)
    }
    fn detail(&self) -> String {
        format!("axis {}", self.0)
    }
}

fn picks() -> Tensor<i64> {
    Tensor::new([[0i64, 2, -1], [1, 1, 0]])
}
const PICKS: [[usize; 3]; 2] = [[0, 2, 2], [1, 1, 0]];

pub(crate) static GATHER: OpInfo = OpInfo {
    name: "gather",
    family: "index",
    formula: "x[.., index[i…], ..]",
    gradient: "dy added at them",
    edges: "an element picked twice gets both gradients",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| v[0].gather(1, &picks()), |r| {
                Array::from_fn(&[2, 3], |i| r[0].at(&[i[0], PICKS[i[0]][i[1]]]))
            })
            .may_drop_nan(),
            sample!([spread(&[3, 4], 1)], |v| v[0].gather(0, &picks()), |r| {
                Array::from_fn(&[2, 3], |i| r[0].at(&[PICKS[i[0]][i[1]], i[1]]))
            })
            .may_drop_nan()
            .note("an index smaller than the input"),
        ]
    },
};

pub(crate) static SCATTER_ADD: OpInfo = OpInfo {
    name: "scatter_add",
    family: "index",
    formula: "x with src[i…] added at [.., index[i…], ..]",
    gradient: "dy, dy picked by the index",
    edges: "an element named twice gets both",
    #[cfg(feature = "samples")]
    samples: || {
        let add = |x: &Array, src: &Array| {
            let mut out = x.clone();
            for (i, row) in PICKS.iter().enumerate() {
                for (j, &k) in row.iter().enumerate() {
                    out.data[i * 3 + k] += src.at(&[i, j]);
                }
            }
            out
        };
        vec![
            sample!(
                [spread(&[2, 3], 1), spread(&[2, 3], 2)],
                |v| v[0].scatter_add(1, &picks(), &v[1]),
                |r| add(&r[0], &r[1])
            ),
            sample!(
                [spread(&[2, 3], 1), spread(&[3, 4], 2)],
                |v| v[0].scatter_add(-1, &picks(), &v[1]),
                |r| add(&r[0], &r[1])
            )
            .may_drop_nan()
            .note("a source larger than the index"),
        ]
    },
};

/// # Indexing: elements under a mask
impl<T: Float> Var<T> {
    /// The elements where the mask, broadcast to this shape, is true, 1-d, in row-major order;
    /// gradient: `dy` at them, 0 elsewhere.
    ///
    /// # Errors
    /// If the mask does not broadcast to this shape.
    #[track_caller]
    #[inline(never)]
    pub fn masked_select(&self, mask: &Tensor<bool>) -> Result<Var<T>> {
        let y = self.value.masked_select(mask)?;
        let mask = mask.expand(self.shape())?;
        let flat = mask
            .iter()
            .enumerate()
            .filter(|(_, m)| *m)
            .map(|(i, _)| i as i64);
        let flat: Vec<i64> = flat.collect();
        let index = Tensor::from_slice(&flat, flat.len())?;
        debug_assert_eq!(y.len(), flat.len());
        self.reshape(INFER)?.index_select(0, &index)
    }
}

pub(crate) static MASKED_SELECT: OpInfo = OpInfo {
    name: "masked_select",
    family: "index",
    formula: "the elements where a mask is true",
    gradient: "dy at them, 0 elsewhere",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[2, 3], 1)],
                |v| v[0].masked_select(&Tensor::new([true, false, true])),
                |r| Array {
                    shape: vec![4],
                    data: [0, 2, 3, 5].map(|i| r[0].data[i]).to_vec()
                }
            )
            .may_drop_nan(),
        ]
    },
};

/// Which triangle of the last two axes is kept.
#[derive(Clone, Copy)]
enum Triangle {
    Lower,
    Upper,
}

/// # Indexing: triangles of matrices
impl<T: Float> Var<T> {
    /// The elements on and below a diagonal of the last two axes, 0 above; gradient: the same of `dy`.
    ///
    /// # Errors
    /// If there are fewer than two axes.
    #[track_caller]
    #[inline(never)]
    pub fn tril(&self, diagonal: isize) -> Result<Var<T>> {
        let y = self.value.tril(diagonal)?;
        Ok(apply([self], y, |_, _| {
            KeptTriangle(Triangle::Lower, diagonal)
        }))
    }

    /// The elements on and above a diagonal of the last two axes, 0 below; gradient: the same of `dy`.
    ///
    /// # Errors
    /// If there are fewer than two axes.
    #[track_caller]
    #[inline(never)]
    pub fn triu(&self, diagonal: isize) -> Result<Var<T>> {
        let y = self.value.triu(diagonal)?;
        Ok(apply([self], y, |_, _| {
            KeptTriangle(Triangle::Upper, diagonal)
        }))
    }
}

struct KeptTriangle(Triangle, isize);
impl<T: Float> Rule<T> for KeptTriangle {
    fn name(&self) -> &'static str {
        match self.0 {
            Triangle::Lower => "tril",
            Triangle::Upper => "triu",
        }
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(match self.0 {
            Triangle::Lower => dy.tril(self.1)?,
            Triangle::Upper => dy.triu(self.1)?,
        })
    }
    fn detail(&self) -> String {
        format!("diagonal {}", self.1)
    }
}

pub(crate) static TRIL: OpInfo = OpInfo {
    name: "tril",
    family: "index",
    formula: "x on and below a diagonal, else 0",
    gradient: "the same of dy",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[2, 3, 3], 1)], |v| v[0].tril(0), |r| {
                Array::from_fn(&[2, 3, 3], |i| if i[2] <= i[1] { r[0].at(i) } else { 0.0 })
            }),
            sample!([spread(&[3, 4], 1)], |v| v[0].tril(-1), |r| {
                Array::from_fn(&[3, 4], |i| if i[1] < i[0] { r[0].at(i) } else { 0.0 })
            }),
        ]
    },
};

pub(crate) static TRIU: OpInfo = OpInfo {
    name: "triu",
    family: "index",
    formula: "x on and above a diagonal, else 0",
    gradient: "the same of dy",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[3, 3], 1)], |v| v[0].triu(0), |r| {
                Array::from_fn(&[3, 3], |i| if i[1] >= i[0] { r[0].at(i) } else { 0.0 })
            }),
            sample!([spread(&[3, 4], 1)], |v| v[0].triu(1), |r| {
                Array::from_fn(&[3, 4], |i| if i[1] > i[0] { r[0].at(i) } else { 0.0 })
            }),
        ]
    },
};

pub(super) const OPS: &[&OpInfo] = &[
    &INDEX_SELECT,
    &INDEX_ADD,
    &GATHER,
    &SCATTER_ADD,
    &MASKED_SELECT,
    &TRIL,
    &TRIU,
];
