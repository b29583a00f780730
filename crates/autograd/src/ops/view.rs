//! Ops that only look at their input in another way. Their gradients go back through the same
//! window: `embed` is the adjoint of every view, and a view is the adjoint of its `embed`.

use std::sync::Arc;

use wengert_tensor::{Float, IntoAxes, IntoShape, Shape, Tensor};

use crate::error::Result;
use crate::info::{OpInfo, sample, spread};
use crate::naive::Array;
use crate::rule::{Cx, Grads, Rule, apply};
use crate::var::Var;

/// A view, to take of any tensor of the shape it was made for.
trait Window: Send + Sync + 'static {
    fn name(&self) -> &'static str;
    fn look<T: Float>(&self, x: &Tensor<T>) -> wengert_tensor::Result<Tensor<T>>;
}

/// The view `window` of `x`.
#[track_caller]
fn view<T: Float, W: Window>(x: &Var<T>, window: W) -> Result<Var<T>> {
    let y = window.look(&x.value)?;
    Ok(apply([x], y, |_, _| View {
        window: Arc::new(window),
        shape: x.shape().clone(),
    }))
}

/// Zeros of `shape` with `x` added through the window.
#[track_caller]
fn embed<T: Float, W: Window>(x: &Var<T>, window: &Arc<W>, shape: &Shape) -> Result<Var<T>> {
    let y = Tensor::embed(shape, &x.value, |t| window.look(t))?;
    Ok(apply([x], y, |_, _| Embed {
        window: window.clone(),
        shape: shape.clone(),
    }))
}

struct View<W: Window> {
    window: Arc<W>,
    /// Of the input.
    shape: Shape,
}
impl<T: Float, W: Window> Rule<T> for View<W> {
    fn name(&self) -> &'static str {
        self.window.name()
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        Ok(Grads::from_iter([Some(embed(
            dy,
            &self.window,
            &self.shape,
        )?)]))
    }
}

struct Embed<W: Window> {
    window: Arc<W>,
    /// Of the output.
    shape: Shape,
}
impl<T: Float, W: Window> Rule<T> for Embed<W> {
    fn name(&self) -> &'static str {
        "embed"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let y = self.window.look(&dy.value)?;
        let shape = self.shape.clone();
        Ok(Grads::from_iter([Some(apply([dy], y, |_, _| View {
            window: self.window.clone(),
            shape,
        }))]))
    }
}

impl<T: Float> Var<T> {
    /// The same elements under another shape; one axis may be [`INFER`](wengert_tensor::INFER).
    /// Gradient: `dy` under the old shape.
    ///
    /// # Errors
    /// If the shape has another number of elements.
    #[track_caller]
    pub fn reshape(&self, shape: impl IntoShape) -> Result<Var<T>> {
        let y = self.value.reshape(shape)?;
        Ok(apply([self], y, |_, _| Reshape(self.shape().clone())))
    }
}

impl<T: Float> Var<T> {
    /// A new axis of size 1 before `axis`; negative counts from the end of the result.
    ///
    /// # Errors
    /// If the axis is out of range.
    #[track_caller]
    pub fn unsqueeze(&self, axis: isize) -> Result<Var<T>> {
        let y = self.value.unsqueeze(axis)?;
        Ok(apply([self], y, |_, _| Reshape(self.shape().clone())))
    }

    /// Without those of these axes that have size 1.
    ///
    /// # Errors
    /// If an axis is out of range.
    #[track_caller]
    pub fn squeeze(&self, axes: impl IntoAxes) -> Result<Var<T>> {
        let y = self.value.squeeze(axes)?;
        Ok(apply([self], y, |_, _| Reshape(self.shape().clone())))
    }
}

struct Reshape(Shape);
impl<T: Float> Rule<T> for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        Ok(Grads::from_iter([Some(dy.reshape(&self.0)?)]))
    }
}

pub(crate) static RESHAPE: OpInfo = OpInfo {
    name: "reshape",
    family: "view",
    formula: "the same elements under another shape",
    gradient: "dy under the old shape",
    edges: "smooth",
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
        ]
    },
};

impl<T: Float> Var<T> {
    /// The axes in another order: axis `i` of the result is axis `order[i]` of this. Gradient: `dy`
    /// with the axes put back.
    ///
    /// # Errors
    /// If `order` does not name every axis once.
    #[track_caller]
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
    pub fn t(&self) -> Result<Var<T>> {
        let y = self.value.t()?;
        let back = (0..self.rank() as isize).rev().collect();
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
        Ok(Grads::from_iter([Some(dy.permute(&self.0[..])?)]))
    }
}

pub(crate) static PERMUTE: OpInfo = OpInfo {
    name: "permute",
    family: "view",
    formula: "axis i of y is axis order[i] of x",
    gradient: "dy with the axes put back",
    edges: "smooth",
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
        ]
    },
};

impl<T: Float> Var<T> {
    /// This variable broadcast to a shape. Gradient: `dy` summed over the repeated axes.
    ///
    /// # Errors
    /// If this shape does not broadcast to that one.
    #[track_caller]
    pub fn expand(&self, shape: impl IntoShape) -> Result<Var<T>> {
        let y = self.value.expand(shape)?;
        Ok(apply([self], y, |_, _| Expand(self.shape().clone())))
    }
}

struct Expand(Shape);
impl<T: Float> Rule<T> for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        Ok(Grads::from_iter([Some(dy.sum_to(&self.0)?)]))
    }
}

pub(crate) static EXPAND: OpInfo = OpInfo {
    name: "expand",
    family: "view",
    formula: "x repeated along axes of size 1 and new ones",
    gradient: "dy summed over them",
    edges: "smooth",
    samples: || {
        vec![sample!(
            [spread(&[3, 1], 1)],
            |v| v[0].expand([2, 3, 2]),
            |r| { Array::from_fn(&[2, 3, 2], |i| r[0].at_broadcast(i)) }
        )]
    },
};

impl<T: Float> Var<T> {
    /// Elements `start..start + len` of an axis; a negative `start` counts from the end. Gradient:
    /// `dy` there, 0 elsewhere.
    ///
    /// # Errors
    /// If the axis or the range is out of range.
    #[track_caller]
    pub fn narrow(&self, axis: isize, start: isize, len: usize) -> Result<Var<T>> {
        view(self, Narrow { axis, start, len })
    }
}

struct Narrow {
    axis: isize,
    start: isize,
    len: usize,
}
impl Window for Narrow {
    fn name(&self) -> &'static str {
        "narrow"
    }
    #[track_caller]
    fn look<T: Float>(&self, x: &Tensor<T>) -> wengert_tensor::Result<Tensor<T>> {
        x.narrow(self.axis, self.start, self.len)
    }
}

pub(crate) static NARROW: OpInfo = OpInfo {
    name: "narrow",
    family: "view",
    formula: "a range of an axis",
    gradient: "dy there, 0 elsewhere",
    edges: "smooth",
    samples: || {
        vec![
            sample!([spread(&[2, 4], 1)], |v| v[0].narrow(1, -3, 2), |r| {
                Array::from_fn(&[2, 2], |i| r[0].at(&[i[0], i[1] + 1]))
            })
            .may_drop_nan(),
        ]
    },
};
