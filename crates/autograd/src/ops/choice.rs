//! Ops that choose between elements: maximum and minimum, choice by a mask.

use super::block::names::*;
use crate::ops::info::spread;
use crate::ops::operators::IntoVar;
use crate::tape::rule::one;
use wengert_tensor::{Error, Result, Rng};

/// # Comparisons and choice: the larger and the smaller
impl<T: Float> Var<T> {
    /// The larger of two elements, of another variable, a tensor or a number, with broadcasting, NaN if either is; gradient `dy` to the larger,
    /// half of it to each where they are equal.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::Var;
    /// let (a, b) = (Var::new([1.0, 5.0, 3.0]).tracked(), Var::new([2.0, 4.0, 3.0]));
    /// a.maximum(&b)?.sum_all().backward()?;
    /// assert_eq!(a.grad().unwrap().to_vec(), [0.0, 1.0, 0.5f64]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn maximum(&self, other: impl IntoVar<T>) -> Result<Var<T>> {
        let other = &other.into_var();
        let y = self.value.maximum(&other.value)?;
        Ok(apply([self, other], y, |y, _| {
            Extremum::new("maximum", self, other, y)
        }))
    }

    /// The smaller of two elements, of another variable, a tensor or a number, with broadcasting, NaN if either is; gradient `dy` to the smaller,
    /// half of it to each where they are equal.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    #[track_caller]
    #[inline(never)]
    pub fn minimum(&self, other: impl IntoVar<T>) -> Result<Var<T>> {
        let other = &other.into_var();
        let y = self.value.minimum(&other.value)?;
        Ok(apply([self, other], y, |y, _| {
            Extremum::new("minimum", self, other, y)
        }))
    }
}

struct Extremum<T: Float> {
    name: &'static str,
    inputs: [Tensor<T>; 2],
    output: Tensor<T>,
}
impl<T: Float> Extremum<T> {
    fn new(name: &'static str, a: &Var<T>, b: &Var<T>, y: &Tensor<T>) -> Extremum<T> {
        Extremum {
            name,
            inputs: [a.value.clone(), b.value.clone()],
            output: y.clone(),
        }
    }
}
impl<T: Float> Rule<T> for Extremum<T> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let [a, b] = &self.inputs;
        let hits = [
            a.eq(&self.output)?.cast::<T>(),
            b.eq(&self.output)?.cast::<T>(),
        ];
        // NaN is equal to nothing: 0/0 hands it on.
        let share = dy.try_div(&Var::constant(hits[0].try_add(&hits[1])?))?;
        let mut grads = Grads::new();
        for (i, hit) in hits.into_iter().enumerate() {
            let grad = cx.needs(i).then(|| share.try_mul(&Var::constant(hit)));
            grads.push(grad.transpose()?);
        }
        Ok(grads)
    }
}

fn extremum_samples(of: fn(f64, f64) -> f64, max: bool) -> Vec<Sample> {
    let ties = || [cycle(&[3], &[1.0, 2.0, 3.0]), cycle(&[3], &[3.0, 2.0, 1.0])];
    let half = |a: [f64; 3]| Array {
        shape: vec![3],
        data: a.to_vec(),
    };
    let (low, high) = (half([0.0, 0.5, 1.0]), half([1.0, 0.5, 0.0]));
    let [a, b] = ties();
    macro_rules! all {
        ($method:ident) => {
            vec![
                sample!(
                    [spread(&[2, 3], 1), spread(&[2, 3], 2)],
                    |v| v[0].$method(&v[1]),
                    |r| r[0].zip(&r[1], of)
                )
                .elementwise(),
                sample!(
                    [spread(&[2, 1], 1), spread(&[3], 4)],
                    |v| v[0].$method(&v[1]),
                    |r| r[0].zip(&r[1], of)
                ),
                sample!([a, b], |v| v[0].$method(&v[1]), |r| r[0].zip(&r[1], of))
                    .expect(if max {
                        vec![low, high]
                    } else {
                        vec![high, low]
                    })
                    .note("a tie"),
            ]
        };
    }
    if max { all!(maximum) } else { all!(minimum) }
}

/// NaN if either is, which `f64::max` is not.
fn pick(a: f64, b: f64, first: bool) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if first {
        a
    } else {
        b
    }
}

pub(crate) static MAXIMUM: OpInfo = OpInfo {
    name: "maximum",
    family: "choice",
    formula: "max(a, b)",
    gradient: "dy to the larger",
    edges: "ties split evenly; NaN if either is",
    #[cfg(feature = "samples")]
    samples: || extremum_samples(|a, b| pick(a, b, a >= b), true),
};

pub(crate) static MINIMUM: OpInfo = OpInfo {
    name: "minimum",
    family: "choice",
    formula: "min(a, b)",
    gradient: "dy to the smaller",
    edges: "ties split evenly; NaN if either is",
    #[cfg(feature = "samples")]
    samples: || extremum_samples(|a, b| pick(a, b, a <= b), false),
};

/// # Comparisons and choice: by a mask
impl<T: Float> Var<T> {
    /// Elements of `a` where the mask is true, of `b` elsewhere, with broadcasting; gradient `dy` to
    /// the one taken, 0 to the other.
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// use wengert::{Tensor, Var};
    /// let mask = Tensor::new([true, false]);
    /// let y = Var::where_(&mask, &Var::new([1.0f32, 2.0]), &Var::new(9.0))?;
    /// assert_eq!(y.to_vec(), [1.0, 9.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn where_(mask: &Tensor<bool>, a: &Var<T>, b: &Var<T>) -> Result<Var<T>> {
        let y = mask.where_(&a.value, &b.value)?;
        Ok(apply([a, b], y, |_, _| Where(mask.clone())))
    }
}

struct Where(Tensor<bool>);
impl<T: Float> Rule<T> for Where {
    fn name(&self) -> &'static str {
        "where"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let zero = Var::scalar(T::ZERO);
        let a = cx
            .needs(0)
            .then(|| Var::where_(&self.0, dy, &zero))
            .transpose()?;
        let b = cx
            .needs(1)
            .then(|| Var::where_(&self.0, &zero, dy))
            .transpose()?;
        two(a, b)
    }
}

fn mask() -> Tensor<bool> {
    Tensor::new([[true, false, true], [false, false, true]])
}

pub(crate) static WHERE: OpInfo = OpInfo {
    name: "where_",
    family: "choice",
    formula: "a where the mask is true, else b",
    gradient: "dy to the one taken, 0 to the other",
    edges: "what is not taken has gradient 0, NaN or not",
    #[cfg(feature = "samples")]
    samples: || {
        let reference = |a: &Array, b: &Array| {
            let m = mask().to_vec();
            Array::from_fn(&[2, 3], |i| {
                if m[i[0] * 3 + i[1]] {
                    a.at_broadcast(i)
                } else {
                    b.at_broadcast(i)
                }
            })
        };
        vec![
            sample!(
                [spread(&[2, 3], 1), spread(&[2, 3], 2)],
                |v| Var::where_(&mask(), &v[0], &v[1]),
                |r| { reference(&r[0], &r[1]) }
            ),
            sample!(
                [spread(&[3], 1), spread(&[2, 1], 2)],
                |v| Var::where_(&mask(), &v[0], &v[1]),
                |r| { reference(&r[0], &r[1]) }
            )
            .note("broadcast"),
        ]
    },
};

/// # Comparisons and choice: filling under a mask
impl<T: Float> Var<T> {
    /// A number where the mask, broadcast to this shape, is true; gradient `dy` elsewhere, 0 there.
    ///
    /// # Errors
    /// If the mask does not broadcast to this shape.
    #[track_caller]
    #[inline(never)]
    pub fn masked_fill(&self, mask: &Tensor<bool>, value: T) -> Result<Var<T>> {
        let y = self.value.masked_fill(mask, value)?;
        Ok(apply([self], y, |_, _| MaskedFill(mask.clone())))
    }
}

struct MaskedFill(Tensor<bool>);
impl<T: Float> Rule<T> for MaskedFill {
    fn name(&self) -> &'static str {
        "masked_fill"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(dy.masked_fill(&self.0, T::ZERO)?)
    }
}

pub(crate) static MASKED_FILL: OpInfo = OpInfo {
    name: "masked_fill",
    family: "choice",
    formula: "a number where the mask is true, else x",
    gradient: "dy where the mask is false, else 0",
    edges: "what is filled has gradient 0, NaN or not",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[2, 3], 1)],
                |v| v[0].masked_fill(&mask(), 7.0),
                |r| {
                    let m = mask().to_vec();
                    Array::from_fn(
                        &[2, 3],
                        |i| if m[i[0] * 3 + i[1]] { 7.0 } else { r[0].at(i) },
                    )
                }
            ),
            sample!(
                [spread(&[2, 3], 1)],
                |v| v[0].masked_fill(&Tensor::new([true, false, false]), 0.0),
                |r| Array::from_fn(&[2, 3], |i| if i[1] == 0 { 0.0 } else { r[0].at(i) })
            )
            .note("broadcast"),
        ]
    },
};

/// Pairs a comparison with its sign: masks have no gradient, and as `Tensor<bool>` cannot be taken
/// for something that has.
macro_rules! comparisons {
    ($($name:ident $scalar:ident $sign:literal;)*) => {
        /// # Comparisons and choice
        impl<T: Float> Var<T> {$(
            #[doc = concat!("Where `self ", $sign, " other`, with broadcasting: a mask, which has no gradient.")]
            ///
            /// # Errors
            /// If the shapes do not broadcast.
            #[track_caller]
            #[inline(never)]
            pub fn $name(&self, other: &Var<T>) -> Result<Tensor<bool>> {
                self.value.$name(&other.value)
            }
            #[doc = concat!("Where `self ", $sign, " value`: a mask, which has no gradient.")]
            #[track_caller]
            #[inline(never)]
            pub fn $scalar(&self, value: T) -> Tensor<bool> {
                self.value.$scalar(value)
            }
        )*}
    };
}
comparisons! {
    eq eq_scalar "==";
    ne ne_scalar "!=";
    lt lt_scalar "<";
    le le_scalar "<=";
    gt gt_scalar ">";
    ge ge_scalar ">=";
}

/// # Comparisons and choice: indices of extremes
impl<T: Float> Var<T> {
    /// The index of the largest element along an axis, the first of equals; it has no gradient.
    ///
    /// # Errors
    /// If the axis is out of range or empty.
    #[track_caller]
    #[inline(never)]
    pub fn argmax(&self, axis: isize) -> Result<Tensor<i64>> {
        self.value.argmax(axis)
    }

    /// The index of the smallest element along an axis, the first of equals; it has no gradient.
    ///
    /// # Errors
    /// If the axis is out of range or empty.
    #[track_caller]
    #[inline(never)]
    pub fn argmin(&self, axis: isize) -> Result<Tensor<i64>> {
        self.value.argmin(axis)
    }
}

/// # Activations: dropout
impl<T: Float> Var<T> {
    /// Each element 0 with probability `p`, the others times `1/(1 − p)` (Srivastava et al., 2014); gradient: the same of
    /// `dy`.
    ///
    /// # Errors
    /// If `p` is outside [0, 1].
    ///
    /// ```
    /// use wengert::{Rng, Var};
    /// let x = Var::<f32>::ones([1000]);
    /// let y = x.dropout(0.25, &mut Rng::seed(0))?;
    /// let kept = y.to_vec().into_iter().filter(|v| *v == 1.0 / 0.75).count();
    /// assert!((700..800).contains(&kept));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn dropout(&self, p: f64, rng: &mut Rng) -> Result<Var<T>> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::invalid("dropout", "p", p, "0 <= p <= 1"));
        }
        if p == 0.0 {
            return Ok(self.clone());
        }
        let kept =
            Tensor::bernoulli(1.0 - p, self.shape(), rng).map_err(|e| e.rename("dropout"))?;
        // With p = 1 nothing is kept, and nothing is to be scaled.
        let scale = if p < 1.0 { 1.0 / (1.0 - p) } else { 0.0 };
        let factors = kept.cast::<T>().into_affine(scale, 0.0);
        let y = self.value.try_mul(&factors)?;
        Ok(apply([self], y, |_, _| Dropped(factors)))
    }
}

/// What each element is multiplied with.
struct Dropped<T: Float>(Tensor<T>);
impl<T: Float> Rule<T> for Dropped<T> {
    fn name(&self) -> &'static str {
        "dropout"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(dy.try_mul(&Var::constant(self.0.clone()))?)
    }
}

pub(crate) static DROPOUT: OpInfo = OpInfo {
    name: "dropout",
    family: "choice",
    formula: "0 with probability p, else x/(1 − p)",
    gradient: "the same of dy",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![sample!(
            [spread(&[3, 4], 1)],
            |v| v[0].dropout(0.4, &mut Rng::seed(5)),
            |r| {
                let kept = Tensor::bernoulli(0.6, [3, 4], &mut Rng::seed(5));
                let kept = kept.map(|k| k.to_vec()).unwrap_or_default();
                let scaled = r[0].data.iter().zip(kept);
                Array {
                    shape: vec![3, 4],
                    data: scaled
                        .map(|(x, k)| x * f64::from(u8::from(k)) / 0.6)
                        .collect(),
                }
            }
        )]
    },
};

pub(super) const OPS: &[&OpInfo] = &[&MAXIMUM, &MINIMUM, &WHERE, &MASKED_FILL, &DROPOUT];
