//! Elementwise ops of two variables, with broadcasting. The engine sums each gradient over the axes
//! along which its input was broadcast.

use wengert_tensor::{Float, Result, Tensor};

use crate::ops::info::{OpInfo, sample, spread};
use crate::ops::naive::Array;
use crate::ops::operators::IntoVar;
use crate::tape::accumulator::Accumulator;
use crate::tape::rule::{Cx, Fused, Grads, Rule, Saved, apply, two};
use crate::var::Var;

/// # Arithmetic: sum
impl<T: Float> Var<T> {
    /// Sum, `a + b` with broadcasting; gradients `dy` and `dy`. The operator's twin.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    #[track_caller]
    #[inline(never)]
    pub fn try_add(&self, other: &Var<T>) -> Result<Var<T>> {
        Ok(apply(
            [self, other],
            self.value.try_add(&other.value)?,
            |_, _| Add,
        ))
    }
}

pub(crate) struct Add;
impl<T: Float> Rule<T> for Add {
    fn name(&self) -> &'static str {
        "add"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        Ok((0..2).map(|i| cx.needs(i).then(|| dy.clone())).collect())
    }
}

pub(crate) static ADD: OpInfo = OpInfo {
    name: "add",
    family: "binary",
    formula: "a + b",
    gradient: "dy, dy",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[2, 3], 1), spread(&[2, 3], 2)],
                |v| v[0].try_add(&v[1]),
                |r| r[0].zip(&r[1], |a, b| a + b)
            )
            .elementwise(),
            sample!(
                [spread(&[2, 1], 1), spread(&[4, 1, 3], 2)],
                |v| v[0].try_add(&v[1]),
                |r| r[0].zip(&r[1], |a, b| a + b)
            ),
        ]
    },
};

/// # Arithmetic: difference
impl<T: Float> Var<T> {
    /// Difference, `a − b` with broadcasting; gradients `dy` and `−dy`. The operator's twin.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    #[track_caller]
    #[inline(never)]
    pub fn try_sub(&self, other: &Var<T>) -> Result<Var<T>> {
        Ok(apply(
            [self, other],
            self.value.try_sub(&other.value)?,
            |_, _| Sub,
        ))
    }
}

pub(crate) struct Sub;
impl<T: Float> Rule<T> for Sub {
    fn name(&self) -> &'static str {
        "sub"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let a = cx.needs(0).then(|| dy.clone());
        let b = cx.needs(1).then(|| dy.neg());
        two(a, b)
    }
}

pub(crate) static SUB: OpInfo = OpInfo {
    name: "sub",
    family: "binary",
    formula: "a − b",
    gradient: "dy, −dy",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[2, 3], 1), spread(&[2, 3], 2)],
                |v| v[0].try_sub(&v[1]),
                |r| r[0].zip(&r[1], |a, b| a - b)
            )
            .elementwise(),
            sample!(
                [spread(&[3], 1), spread(&[2, 3], 2)],
                |v| v[0].try_sub(&v[1]),
                |r| r[0].zip(&r[1], |a, b| a - b)
            ),
        ]
    },
};

/// # Arithmetic: product
impl<T: Float> Var<T> {
    /// Product, `a·b` with broadcasting; gradients `b·dy` and `a·dy`. The operator's twin.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    #[track_caller]
    #[inline(never)]
    pub fn try_mul(&self, other: &Var<T>) -> Result<Var<T>> {
        let y = self.value.try_mul(&other.value)?;
        Ok(apply([self, other], y, |_, need| {
            Mul::new(self, other, need)
        }))
    }
}

pub(crate) struct Mul<T: Float> {
    name: &'static str,
    a: Option<Saved<T>>,
    b: Option<Saved<T>>,
}
impl<T: Float> Mul<T> {
    pub(crate) fn new(a: &Var<T>, b: &Var<T>, need: [bool; 2]) -> Self {
        Mul::named("mul", a, b, need)
    }
    /// Of another op whose gradient is that of a product.
    pub(crate) fn named(name: &'static str, a: &Var<T>, b: &Var<T>, need: [bool; 2]) -> Self {
        Mul {
            name,
            a: need[1].then(|| Saved::input(0, a)),
            b: need[0].then(|| Saved::input(1, b)),
        }
    }
}
impl<T: Float> Rule<T> for Mul<T> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let times = |s: &Option<Saved<T>>| s.as_ref().map(|s| dy.try_mul(&cx.var(s))).transpose();
        two(times(&self.b)?, times(&self.a)?)
    }
    fn fused(&self, cx: &Cx<'_>, dy: Tensor<T>, to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
        // The last use of `dy` goes into its memory.
        match (&self.a, &self.b) {
            // x·x: both gradients in one pass.
            (Some(a), Some(b)) if same(cx, a, b) && dy.shape() == a.value.shape() => {
                to.accumulate(0, a.value.square_grad(dy)?)?;
            }
            (Some(a), Some(b)) => {
                to.accumulate(0, dy.try_mul(&b.value)?)?;
                to.accumulate(1, dy * &a.value)?;
            }
            (Some(a), None) => to.accumulate(1, dy * &a.value)?,
            (None, Some(b)) => to.accumulate(0, dy * &b.value)?,
            (None, None) => {}
        }
        Ok(Fused::Done)
    }
}

/// Whether both inputs are one variable. (A parameter that was updated in between is one node with two
/// values.)
fn same<T: Float>(cx: &Cx<'_>, a: &Saved<T>, b: &Saved<T>) -> bool {
    cx.inputs.are_same(0, 1)
        && a.value.shares_memory_with(&b.value)
        && a.value.strides() == b.value.strides()
}

pub(crate) static MUL: OpInfo = OpInfo {
    name: "mul",
    family: "binary",
    formula: "a·b",
    gradient: "b·dy, a·dy",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[2, 3], 1), spread(&[2, 3], 2)],
                |v| v[0].try_mul(&v[1]),
                |r| r[0].zip(&r[1], |a, b| a * b)
            )
            .elementwise(),
            sample!(
                [spread(&[2, 1], 1), spread(&[3], 2)],
                |v| v[0].try_mul(&v[1]),
                |r| r[0].zip(&r[1], |a, b| a * b)
            ),
            sample!([spread(&[3], 1)], |v| v[0].try_mul(&v[0]), |r| r[0]
                .map(|a| a * a))
            .note("twice the same"),
        ]
    },
};

/// # Arithmetic: quotient
impl<T: Float> Var<T> {
    /// Quotient, `a/b` with broadcasting; gradients `dy/b` and `−y·dy/b`. The operator's twin.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    #[track_caller]
    #[inline(never)]
    pub fn try_div(&self, other: &Var<T>) -> Result<Var<T>> {
        let y = self.value.try_div(&other.value)?;
        Ok(apply([self, other], y, |y, need| Div {
            b: Saved::input(1, other),
            y: need[1].then(|| Saved::output(y)),
        }))
    }
}

struct Div<T: Float> {
    b: Saved<T>,
    y: Option<Saved<T>>,
}
impl<T: Float> Rule<T> for Div<T> {
    fn name(&self) -> &'static str {
        "div"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let da = dy.try_div(&cx.var(&self.b))?;
        let db = self
            .y
            .as_ref()
            .map(|y| da.try_mul(&cx.var(y)))
            .transpose()?
            .map(|g| g.neg());
        two(cx.needs(0).then_some(da), db)
    }
}

pub(crate) static DIV: OpInfo = OpInfo {
    name: "div",
    family: "binary",
    formula: "a/b",
    gradient: "dy/b, −y·dy/b",
    edges: "±∞ or NaN at b = 0",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[2, 3], 1), spread(&[2, 3], 2)],
                |v| v[0].try_div(&v[1]),
                |r| r[0].zip(&r[1], |a, b| a / b)
            )
            .elementwise(),
            sample!(
                [spread(&[3], 1), spread(&[2, 1], 2)],
                |v| v[0].try_div(&v[1]),
                |r| r[0].zip(&r[1], |a, b| a / b)
            ),
        ]
    },
};

/// # Arithmetic: remainder
impl<T: Float> Var<T> {
    /// The remainder of the sign of the divisor, `a − b·⌊a/b⌋` with broadcasting, Python's `%`: see
    /// [`Tensor::remainder`]. Gradients `dy` and `−⌊a/b⌋·dy`.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::Var;
    /// let (a, b) = (Var::new([-7.5f32, 7.5]).tracked(), Var::new(2.0).tracked());
    /// let y = a.remainder(&b)?;
    /// assert_eq!(y.to_vec(), [0.5, 1.5]);
    /// y.sum_all().backward()?;
    /// assert_eq!((a.grad().unwrap().to_vec(), b.grad().unwrap().item()?), (vec![1.0; 2], 4.0 - 3.0));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn remainder(&self, other: impl IntoVar<T>) -> Result<Var<T>> {
        let other = &other.into_var();
        let y = self.value.remainder(&other.value)?;
        // Whole to rounding; an infinite divisor is taken once or not at all.
        let b = &other.value;
        let whole = (self.value.try_sub(&y)?.try_div(b)?).round();
        let whole = whole.masked_fill(&b.is_inf(), T::ZERO)?;
        Ok(apply([self, other], y, |_, _| Remainder(whole)))
    }
}

/// How often the divisor was taken away.
struct Remainder<T: Float>(Tensor<T>);
impl<T: Float> Rule<T> for Remainder<T> {
    fn name(&self) -> &'static str {
        "remainder"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let a = cx.needs(0).then(|| dy.clone());
        let taken = || dy.try_mul(&Var::constant(self.0.neg()));
        two(a, cx.needs(1).then(taken).transpose()?)
    }
}

pub(crate) static REMAINDER: OpInfo = OpInfo {
    name: "remainder",
    family: "binary",
    formula: "a − b·⌊a/b⌋",
    gradient: "dy, −⌊a/b⌋·dy",
    edges: "jumps where b divides a, with the gradients of what it jumps to; NaN at b = 0",
    #[cfg(feature = "samples")]
    samples: || {
        let of = |a: f64, b: f64| a - b * (a / b).floor();
        vec![
            sample!(
                [spread(&[2, 3], 1).affine(3.0, 0.0), spread(&[2, 3], 2)],
                |v| v[0].remainder(&v[1]),
                |r| r[0].zip(&r[1], of)
            )
            .elementwise(),
            sample!(
                [spread(&[2, 1], 1).affine(5.0, 0.0), spread(&[3], 4)],
                |v| v[0].remainder(&v[1]),
                |r| r[0].zip(&r[1], of)
            ),
            sample!(
                [crate::ops::info::cycle(&[2], &[4.0, -3.0])],
                |v| v[0].remainder(2),
                |r| r[0].map(|a| of(a, 2.0))
            )
            .expect(vec![Array {
                shape: vec![2],
                data: vec![1.0, 1.0],
            }])
            .note("a multiple of the divisor"),
        ]
    },
};

pub(super) const OPS: &[&OpInfo] = &[&ADD, &SUB, &MUL, &DIV, &REMAINDER];
