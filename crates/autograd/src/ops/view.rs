//! Ops that give the same elements another shape or order.

use wengert_tensor::{INFER, IntoAxes, IntoShape, Result, Shape};

use super::block::names::*;
use crate::ops::info::spread;

/// # Views
impl<T: Float> Var<T> {
    /// The same elements under another shape; one axis may be [`INFER`](wengert_tensor::INFER).
    /// Gradient: `dy` under the old shape.
    ///
    /// # Errors
    /// If the shape has another number of elements.
    #[track_caller]
    #[inline(never)]
    pub fn reshape(&self, shape: impl IntoShape) -> Result<Var<T>> {
        let y = self.value.reshape(shape)?;
        Ok(apply([self], y, |_, _| Reshape(self.shape().clone())))
    }
}

/// # Views: axes of size 1
impl<T: Float> Var<T> {
    /// New axes of size 1 at these places of the result; negative ones count from its end.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    #[track_caller]
    #[inline(never)]
    pub fn unsqueeze(&self, axes: impl IntoAxes) -> Result<Var<T>> {
        let y = self.value.unsqueeze(axes)?;
        Ok(apply([self], y, |_, _| Reshape(self.shape().clone())))
    }

    /// Without those of these axes that have size 1.
    ///
    /// # Errors
    /// If an axis is out of range.
    #[track_caller]
    #[inline(never)]
    pub fn squeeze(&self, axes: impl IntoAxes) -> Result<Var<T>> {
        let y = self.value.squeeze(axes)?;
        Ok(apply([self], y, |_, _| Reshape(self.shape().clone())))
    }
}

/// # Views: fewer axes
impl<T: Float> Var<T> {
    /// Without its axes of size 1.
    #[track_caller]
    #[inline(never)]
    pub fn squeeze_all(&self) -> Var<T> {
        let y = self.value.squeeze_all();
        apply([self], y, |_, _| Reshape(self.shape().clone()))
    }

    /// Axes `start` to `end`, both of them too, as one.
    ///
    /// # Errors
    /// If an axis is out of range, or `start` is behind `end`.
    #[track_caller]
    #[inline(never)]
    pub fn flatten(&self, start: isize, end: isize) -> Result<Var<T>> {
        let y = self.value.flatten(start, end)?;
        Ok(apply([self], y, |_, _| Reshape(self.shape().clone())))
    }
}

struct Reshape(Shape);
impl<T: Float> Rule<T> for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(dy.reshape(&self.0)?)
    }
}

pub(crate) static RESHAPE: OpInfo = OpInfo {
    name: "reshape",
    family: "view",
    formula: "the same elements under another shape",
    gradient: "dy under the old shape",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        let to = |shape: &[usize], r: &Array| Array {
            shape: shape.to_vec(),
            data: r.data.clone(),
        };
        vec![
            sample!([spread(&[2, 3], 1)], |v| v[0].reshape([3, 2]), |r| to(
                &[3, 2],
                &r[0]
            )),
            sample!([spread(&[1, 1], 1)], |v| v[0].reshape(()), |r| to(
                &[],
                &r[0]
            ))
            .note("to 0-d"),
            sample!([spread(&[0, 3], 1)], |v| v[0].reshape([3, 0, 2]), |r| to(
                &[3, 0, 2],
                &r[0]
            ))
            .note("empty"),
            sample!([spread(&[2, 3], 1)], |v| v[0].reshape([INFER, 2]), |r| to(
                &[3, 2],
                &r[0]
            ))
            .note("inferred"),
            sample!([spread(&[2, 3], 1)], |v| v[0].unsqueeze(-1), |r| to(
                &[2, 3, 1],
                &r[0]
            ))
            .note("unsqueeze"),
            sample!([spread(&[2, 3], 1)], |v| v[0].unsqueeze([-2, 0]), |r| to(
                &[1, 2, 1, 3],
                &r[0]
            ))
            .note("unsqueeze by two axes"),
            sample!([spread(&[2, 1, 3], 1)], |v| v[0].squeeze(1), |r| to(
                &[2, 3],
                &r[0]
            ))
            .note("squeeze"),
            sample!([spread(&[1, 2, 1], 1)], |v| Ok(v[0].squeeze_all()), |r| to(
                &[2],
                &r[0]
            ))
            .note("squeeze_all"),
            sample!([spread(&[2, 3, 2], 1)], |v| v[0].flatten(1, -1), |r| to(
                &[2, 6],
                &r[0]
            ))
            .note("flatten"),
        ]
    },
};

/// # Views: order of axes
impl<T: Float> Var<T> {
    /// The axes in another order: axis `i` of the result is axis `order[i]` of this. Gradient: `dy`
    /// with the axes put back.
    ///
    /// # Errors
    /// If `order` does not name every axis once.
    #[track_caller]
    #[inline(never)]
    pub fn permute(&self, order: impl IntoAxes) -> Result<Var<T>> {
        let order = order.into_axes();
        let y = self.value.permute(&order)?;
        let rank = self.rank() as isize;
        let mut back = vec![0isize; self.rank()];
        for (i, a) in order.iter().enumerate() {
            back[a.rem_euclid(rank) as usize] = i as isize;
        }
        Ok(apply([self], y, |_, _| Permute(back)))
    }

    /// Axes `a` and `b` swapped.
    ///
    /// # Errors
    /// If an axis is out of range.
    #[track_caller]
    #[inline(never)]
    pub fn transpose(&self, a: isize, b: isize) -> Result<Var<T>> {
        let y = self.value.transpose(a, b)?;
        let rank = self.rank() as isize;
        let mut back: Vec<isize> = (0..rank).collect();
        back.swap(a.rem_euclid(rank) as usize, b.rem_euclid(rank) as usize);
        Ok(apply([self], y, |_, _| Permute(back)))
    }

    /// The transpose of a matrix (of fewer than two axes: itself).
    ///
    /// # Errors
    /// If there are more than two axes.
    #[track_caller]
    #[inline(never)]
    pub fn t(&self) -> Result<Var<T>> {
        let y = self.value.t()?;
        let back = (0..self.rank() as isize).rev().collect();
        Ok(apply([self], y, |_, _| Permute(back)))
    }
}

/// # Views: one axis moved
impl<T: Float> Var<T> {
    /// Axis `from` put at place `to`, the others in their order.
    ///
    /// # Errors
    /// If an axis is out of range.
    #[track_caller]
    #[inline(never)]
    pub fn movedim(&self, from: isize, to: isize) -> Result<Var<T>> {
        let y = self.value.movedim(from, to)?;
        let rank = self.rank() as isize;
        let (from, to) = (from.rem_euclid(rank), to.rem_euclid(rank));
        let mut back: Vec<isize> = (0..rank).filter(|&a| a != to).collect();
        back.insert(from as usize, to);
        Ok(apply([self], y, |_, _| Permute(back)))
    }
}

/// The order that puts the axes back.
struct Permute(Vec<isize>);
impl<T: Float> Rule<T> for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(dy.permute(&self.0[..])?)
    }
}

pub(crate) static PERMUTE: OpInfo = OpInfo {
    name: "permute",
    family: "view",
    formula: "axis i of y is axis order[i] of x",
    gradient: "dy with the axes put back",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[2, 3, 2], 1)], |v| v[0].permute([2, 0, 1]), |r| {
                Array::from_fn(&[2, 2, 3], |i| r[0].at(&[i[1], i[2], i[0]]))
            }),
            sample!([spread(&[2, 3], 1)], |v| v[0].t(), |r| Array::from_fn(
                &[3, 2],
                |i| r[0].at(&[i[1], i[0]])
            )),
            sample!([spread(&[2, 3, 1], 1)], |v| v[0].transpose(-1, 0), |r| {
                Array::from_fn(&[1, 3, 2], |i| r[0].at(&[i[2], i[1], i[0]]))
            }),
            sample!([spread(&[2, 3, 4], 1)], |v| v[0].movedim(0, 2), |r| {
                Array::from_fn(&[3, 4, 2], |i| r[0].at(&[i[2], i[0], i[1]]))
            })
            .note("movedim"),
            sample!([spread(&[2, 3, 4], 1)], |v| v[0].movedim(-1, 0), |r| {
                Array::from_fn(&[4, 2, 3], |i| r[0].at(&[i[1], i[2], i[0]]))
            })
            .note("movedim"),
        ]
    },
};

/// # Views: broadcasting
impl<T: Float> Var<T> {
    /// This variable broadcast to a shape. Gradient: `dy` summed over the repeated axes.
    ///
    /// # Errors
    /// If this shape does not broadcast to that one.
    #[track_caller]
    #[inline(never)]
    pub fn expand(&self, shape: impl IntoShape) -> Result<Var<T>> {
        let y = self.value.expand(shape)?;
        Ok(apply([self], y, |_, _| Expand))
    }
}

/// The engine sums a gradient over the axes along which its input was repeated.
struct Expand;
impl<T: Float> Rule<T> for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(dy.clone())
    }
}

pub(crate) static EXPAND: OpInfo = OpInfo {
    name: "expand",
    family: "view",
    formula: "x repeated along axes of size 1 and new ones",
    gradient: "dy summed over them",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![sample!(
            [spread(&[3, 1], 1)],
            |v| v[0].expand([2, 3, 2]),
            |r| { Array::from_fn(&[2, 3, 2], |i| r[0].at_broadcast(i)) }
        )]
    },
};

pub(super) const OPS: &[&OpInfo] = &[&RESHAPE, &PERMUTE, &EXPAND];
