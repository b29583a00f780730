//! Reductions to the largest and the smallest element.

use wengert_tensor::{IntoAxes, Result};

use super::block::names::*;
use super::reduce::{ReducedShape, reduction, reduction_samples};
use crate::ops::info::spread;
use crate::tape::rule::one;

reduction! {
    /// The largest element over some axes, which are dropped, NaN if there is one; gradient `dy` to it,
    /// split evenly among equals.
    ///
    /// # Errors
    /// If an axis is out of range, named twice or empty.
    ///
    /// ```
    /// use wengert::Var;
    /// let x = Var::new([1.0, 3.0, 3.0]).tracked();
    /// x.max_all()?.backward()?;
    /// assert_eq!(x.grad().unwrap().to_vec(), [0.0, 0.5, 0.5f64]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    max max_keepdim max_all by largest // of all elements: `.max_all()`
    /// The largest of all elements, a scalar.
    ///
    /// # Errors
    /// If there are none.
    -> Result<Var<T>>, |y| y?, Ok
}

reduction! {
    /// The smallest element over some axes, which are dropped, NaN if there is one; gradient `dy` to
    /// it, split evenly among equals.
    ///
    /// # Errors
    /// If an axis is out of range, named twice or empty.
    min min_keepdim min_all by smallest // of all elements: `.min_all()`
    /// The smallest of all elements, a scalar.
    ///
    /// # Errors
    /// If there are none.
    -> Result<Var<T>>, |y| y?, Ok
}

/// # Reductions: of what may be empty
impl<T: Float> Var<T> {
    /// [`max`](Var::max) over axes, or a value where there is nothing to reduce.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::Var;
    /// assert_eq!(Var::<f32>::zeros([2, 0]).max_or(1, -1.0)?.to_vec(), [-1.0, -1.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn max_or(&self, axes: impl IntoAxes, value: T) -> Result<Var<T>> {
        let axes = axes.into_axes();
        let y = self.value.max_or(&axes, value)?;
        let kept = ReducedShape::of(self.shape(), &axes);
        Ok(apply([self], y, |y, _| {
            Extremum::new("max_or", self, y, kept)
        }))
    }

    /// [`min`](Var::min) over axes, or a value where there is nothing to reduce.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    #[track_caller]
    #[inline(never)]
    pub fn min_or(&self, axes: impl IntoAxes, value: T) -> Result<Var<T>> {
        let axes = axes.into_axes();
        let y = self.value.min_or(&axes, value)?;
        let kept = ReducedShape::of(self.shape(), &axes);
        Ok(apply([self], y, |y, _| {
            Extremum::new("min_or", self, y, kept)
        }))
    }
}

#[track_caller]
fn largest<T: Float>(x: &Var<T>, y: Tensor<T>, kept: ReducedShape) -> Var<T> {
    apply([x], y, |y, _| Extremum::new("max", x, y, kept))
}

#[track_caller]
fn smallest<T: Float>(x: &Var<T>, y: Tensor<T>, kept: ReducedShape) -> Var<T> {
    apply([x], y, |y, _| Extremum::new("min", x, y, kept))
}

struct Extremum<T: Float> {
    name: &'static str,
    x: Tensor<T>,
    y: Tensor<T>,
    kept: ReducedShape,
}
impl<T: Float> Extremum<T> {
    fn new(name: &'static str, x: &Var<T>, y: &Tensor<T>, kept: ReducedShape) -> Extremum<T> {
        Extremum {
            name,
            x: x.value.clone(),
            y: y.clone(),
            kept,
        }
    }
}
impl<T: Float> Rule<T> for Extremum<T> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let hits = self.x.eq(&self.y.reshape(&self.kept.kept)?)?.cast::<T>();
        // NaN is equal to nothing: 0/0 hands it on.
        let share = hits.try_div(&hits.sum_to(&self.kept.kept)?)?;
        one(self.kept.spread(dy)?.try_mul(&Var::constant(share))?)
    }
    fn detail(&self) -> String {
        self.kept.detail()
    }
}

/// The first value that no other beats; NaN wins.
fn best(v: &[f64], beats: fn(f64, f64) -> bool) -> f64 {
    let challenge = |a: f64, &b: &f64| if b.is_nan() || beats(b, a) { b } else { a };
    v.iter().skip(1).fold(v[0], challenge)
}

/// Two rows with ties, and the gradients that split them.
fn ties(sample: Sample, low: [f64; 6]) -> Sample {
    let shape = vec![2, 3];
    sample
        .expect(vec![Array {
            shape,
            data: low.to_vec(),
        }])
        .note("ties")
}

pub(crate) static MAX: OpInfo = OpInfo {
    name: "max",
    family: "reduce",
    formula: "largest x",
    gradient: "dy to the largest",
    edges: "ties split evenly; NaN wins; none is an error",
    #[cfg(feature = "samples")]
    samples: || {
        let of = |v: &[f64]| best(v, |a, b| a > b);
        let mut all = reduction_samples!(spread max max_keepdim |x| x.max_all(), of);
        let x = cycle(&[2, 3], &[1.0, 4.0, 4.0, 5.0, 2.0, 0.0]);
        let tie = sample!([x], |v| v[0].max(1), |r| r[0].reduce(&[1], false, of));
        all.push(ties(tie, [0.0, 0.5, 0.5, 1.0, 0.0, 0.0]));
        all.push(
            sample!([spread(&[2, 3], 5)], |v| v[0].max_or(1, 0.75), |r| r[0]
                .reduce(&[1], false, of))
            .note("or a value"),
        );
        all.push(
            sample!([spread(&[2, 0], 5)], |v| v[0].max_or(1, 0.75), |r| r[0]
                .reduce(&[1], false, |_| 0.75))
            .note("a value for nothing"),
        );
        all
    },
};

pub(crate) static MIN: OpInfo = OpInfo {
    name: "min",
    family: "reduce",
    formula: "smallest x",
    gradient: "dy to the smallest",
    edges: "ties split evenly; NaN wins; none is an error",
    #[cfg(feature = "samples")]
    samples: || {
        let of = |v: &[f64]| best(v, |a, b| a < b);
        let mut all = reduction_samples!(spread min min_keepdim |x| x.min_all(), of);
        let x = cycle(&[2, 3], &[4.0, 1.0, 1.0, 5.0, 2.0, 0.0]);
        let tie = sample!([x], |v| v[0].min(1), |r| r[0].reduce(&[1], false, of));
        all.push(ties(tie, [0.0, 0.5, 0.5, 0.0, 0.0, 1.0]));
        all.push(
            sample!([spread(&[2, 3], 5)], |v| v[0].min_or(0, 0.75), |r| r[0]
                .reduce(&[0], false, of))
            .note("or a value"),
        );
        all.push(
            sample!([spread(&[2, 0], 5)], |v| v[0].min_or(1, 0.75), |r| r[0]
                .reduce(&[1], false, |_| 0.75))
            .note("a value for nothing"),
        );
        all
    },
};

pub(super) const OPS: &[&OpInfo] = &[&MAX, &MIN];
