//! Reductions: sums and means.

use wengert_tensor::{Axes, IntoAxes, IntoShape, Result, Shape};

use super::block::names::*;
use crate::ops::info::spread;
use crate::tape::rule::one;

/// What a reduction's rule keeps of its input.
pub(crate) struct ReducedShape {
    /// The output's shape with the reduced axes as 1.
    pub(crate) kept: Shape,
    /// The input's shape.
    pub(crate) shape: Shape,
}

impl ReducedShape {
    /// Of axes that have been checked by the reduction itself.
    pub(crate) fn of(shape: &Shape, axes: &Axes) -> ReducedShape {
        let mut kept: Vec<usize> = shape.to_vec();
        for axis in axes.iter() {
            kept[axis.rem_euclid(shape.len() as isize) as usize] = 1;
        }
        ReducedShape {
            kept: Shape::from_slice(&kept),
            shape: shape.clone(),
        }
    }

    /// Of every axis.
    pub(crate) fn all(shape: &Shape) -> ReducedShape {
        ReducedShape {
            kept: shape.iter().map(|_| 1).collect(),
            shape: shape.clone(),
        }
    }

    /// How many elements were reduced to one.
    pub(crate) fn count(&self) -> usize {
        let each = self.shape.iter().zip(self.kept.iter());
        each.filter(|(d, k)| d != k).map(|(d, _)| d).product()
    }

    /// A gradient of the output, repeated along the reduced axes.
    pub(crate) fn spread<T: Float>(&self, dy: &Var<T>) -> Result<Var<T>> {
        dy.reshape(&self.kept)?.expand(&self.shape)
    }

    /// Whether an axis was reduced.
    pub(crate) fn is_reduced(&self, axis: usize) -> bool {
        self.kept[axis] != self.shape[axis]
    }

    pub(crate) fn detail(&self) -> String {
        format!("from {}", self.shape)
    }
}

/// The three forms of a reduction: over axes, with the axes kept, of everything. `$build` makes the
/// variable of the input, the reduced value and what was kept; `$argument` goes to value and build;
/// `$certain` and `$wrap` pass an error on where reducing nothing is one.
macro_rules! reduction {
    (
        $(#[$doc:meta])*
        $name:ident $keepdim:ident $all:ident $(($argument:ident: $Argument:ty))? by $build:ident
        $(#[$all_doc:meta])* -> $Out:ty, |$y:ident| $certain:expr, $wrap:expr
    ) => {
        #[doc = concat!("# Reductions: `", stringify!($name), "`")]
        impl<T: Float> Var<T> {
            $(#[$doc])*
            ///
            #[doc = concat!("Of all elements: [`", stringify!($all), "`](Var::", stringify!($all), ").")]
            #[track_caller]
            #[inline(never)]
            pub fn $name(&self, axes: impl IntoAxes $(, $argument: $Argument)?) -> Result<Var<T>> {
                let axes = axes.into_axes();
                let y = self.value.$name(&axes $(, $argument)?)?;
                Ok($build(self, y, ReducedShape::of(self.shape(), &axes) $(, $argument)?))
            }

            #[doc = concat!("As [`", stringify!($name), "`](Var::", stringify!($name), "), the reduced axes kept with size 1.")]
            ///
            /// # Errors
            #[doc = concat!("As [`", stringify!($name), "`](Var::", stringify!($name), ").")]
            #[track_caller]
            #[inline(never)]
            pub fn $keepdim(&self, axes: impl IntoAxes $(, $argument: $Argument)?) -> Result<Var<T>> {
                let axes = axes.into_axes();
                let y = self.value.$keepdim(&axes $(, $argument)?)?;
                Ok($build(self, y, ReducedShape::of(self.shape(), &axes) $(, $argument)?))
            }

            $(#[$all_doc])*
            #[track_caller]
            #[inline(never)]
            pub fn $all(&self $(, $argument: $Argument)?) -> $Out {
                let $y = self.value.$all($($argument)?);
                let y = $certain;
                $wrap($build(self, y, ReducedShape::all(self.shape()) $(, $argument)?))
            }
        }
    };
}
pub(crate) use reduction;

reduction! {
    /// Sum over some axes, which are dropped: `y = Σ x`; gradient `dy`, repeated along them. The sum
    /// of nothing is 0.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::Var;
    /// let x = Var::new([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.sum(0)?.to_vec(), [4.0, 6.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    sum sum_keepdim sum_all by sum // of all elements: `.sum_all()`
    /// The sum of all elements, a scalar.
    -> Var<T>, |y| y, std::convert::identity
}

#[track_caller]
fn sum<T: Float>(x: &Var<T>, y: Tensor<T>, kept: ReducedShape) -> Var<T> {
    apply([x], y, |_, _| Sum(kept))
}

struct Sum(ReducedShape);
impl<T: Float> Rule<T> for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(self.0.spread(dy)?)
    }
    fn detail(&self) -> String {
        self.0.detail()
    }
}

fn total(v: &[f64]) -> f64 {
    v.iter().sum()
}

fn average(v: &[f64]) -> f64 {
    total(v) / v.len() as f64
}

/// Samples of a reduction with no arguments: one axis, several kept, all.
macro_rules! reduction_samples {
    ($values:ident $name:ident $keepdim:ident |$x:ident| $all:expr, $of:expr $(, $argument:expr)?) => {
        vec![
            sample!([$values(&[2, 3], 1)], |v| v[0].$name(0 $(, $argument)?), |r| r[0].reduce(&[0], false, $of)),
            sample!([$values(&[2, 3, 2], 2)], |v| v[0].$keepdim([-1, 0] $(, $argument)?), |r| r[0]
                .reduce(&[0, 2], true, $of)),
            sample!([$values(&[2, 2, 3], 4)], |v| v[0].$name([1, 2] $(, $argument)?), |r| r[0]
                .reduce(&[1, 2], false, $of)),
            sample!([$values(&[2, 3], 3)], |v| { let $x = &v[0]; $all }, |r| r[0].reduce(&[0, 1], false, $of)),
        ]
    };
}
pub(crate) use reduction_samples;

pub(crate) static SUM: OpInfo = OpInfo {
    name: "sum",
    family: "reduce",
    formula: "Σ x",
    gradient: "dy repeated",
    edges: "the sum of nothing is 0",
    #[cfg(feature = "samples")]
    samples: || {
        let mut all = reduction_samples!(spread sum sum_keepdim |x| Ok(x.sum_all()), total);
        all.push(
            sample!([spread(&[2, 0], 3)], |v| v[0].sum(1), |r| r[0].reduce(
                &[1],
                false,
                total
            ))
            .note("empty"),
        );
        all
    },
};

reduction! {
    /// Mean over some axes, which are dropped: `y = Σ x / n`; gradient `dy / n`, repeated along them.
    /// The mean of nothing is NaN.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    mean mean_keepdim mean_all by mean // of all elements: `.mean_all()`
    /// The mean of all elements, a scalar.
    -> Var<T>, |y| y, std::convert::identity
}

#[track_caller]
fn mean<T: Float>(x: &Var<T>, y: Tensor<T>, kept: ReducedShape) -> Var<T> {
    apply([x], y, |_, _| Mean(kept))
}

struct Mean(ReducedShape);
impl<T: Float> Rule<T> for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(self
            .0
            .spread(&dy.affine(1.0 / self.0.count() as f64, 0.0))?)
    }
    fn detail(&self) -> String {
        self.0.detail()
    }
}

pub(crate) static MEAN: OpInfo = OpInfo {
    name: "mean",
    family: "reduce",
    formula: "Σ x / n",
    gradient: "dy/n repeated",
    edges: "the mean of nothing is NaN",
    #[cfg(feature = "samples")]
    samples: || {
        let mut all = reduction_samples!(spread mean mean_keepdim |x| Ok(x.mean_all()), average);
        all.push(
            sample!([spread(&[2, 0], 3)], |v| v[0].mean(1), |r| r[0].reduce(
                &[1],
                false,
                average
            ))
            .note("empty"),
        );
        all
    },
};

/// # Reductions to a shape
impl<T: Float> Var<T> {
    /// Sums over the axes along which `shape` would be broadcast to this shape: the adjoint of
    /// [`Var::expand`].
    ///
    /// # Errors
    /// If `shape` does not broadcast to this shape.
    #[track_caller]
    #[inline(never)]
    pub fn sum_to(&self, shape: impl IntoShape) -> Result<Var<T>> {
        let y = self.value.sum_to(shape)?;
        Ok(apply([self], y, |_, _| SumTo(self.shape().clone())))
    }
}

struct SumTo(Shape);
impl<T: Float> Rule<T> for SumTo {
    fn name(&self) -> &'static str {
        "sum_to"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(dy.expand(&self.0)?)
    }
}

pub(crate) static SUM_TO: OpInfo = OpInfo {
    name: "sum_to",
    family: "reduce",
    formula: "Σ over broadcast axes",
    gradient: "dy expanded",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![sample!(
            [spread(&[2, 3, 2], 2)],
            |v| v[0].sum_to([3, 1]),
            |r| Array {
                shape: vec![3, 1],
                data: r[0].reduce(&[0, 2], false, total).data,
            }
        )]
    },
};

pub(super) const OPS: &[&OpInfo] = &[&SUM, &MEAN, &SUM_TO];
