//! Elements put and merged into places that an index names.

use wengert_tensor::{INFER, Result, ScatterReduce, Shape};

use super::block::names::*;
use crate::ops::info::spread;

/// What of `src` an index covers.
#[track_caller]
fn covered<T: Float>(src: &Var<T>, index: &Tensor<i64>) -> Result<Var<T>> {
    let mut src = src.clone();
    if src.rank() == index.rank() {
        for (a, &size) in index.shape().iter().enumerate() {
            if size < src.shape()[a] {
                src = src.narrow(a as isize, 0, size)?;
            }
        }
    }
    Ok(src)
}

/// # Indexing: elements put into places
impl<T: Float> Var<T> {
    /// This variable with `src[i…]` put at `[i… with the axis's place taken by index[i…]]`; of elements that an index names
    /// twice the last one stays, in row-major order. Gradients: `dy`, 0 where an element was replaced, and `dy` picked by the
    /// index, 0 for those that did not stay.
    ///
    /// # Errors
    /// If the axis or an index is out of range, or the shapes do not fit.
    ///
    /// ```
    /// use wengert::{Tensor, Var};
    /// let (x, src) = (Var::new([1.0f32, 2.0, 3.0]).tracked(), Var::new([7.0, 8.0]).tracked());
    /// let y = x.scatter(0, &Tensor::new([2i64, 0]), &src)?;
    /// assert_eq!(y.to_vec(), [8.0, 2.0, 7.0]);
    /// y.sum_all().backward()?;
    /// assert_eq!(x.grad().unwrap().to_vec(), [0.0, 1.0, 0.0]);
    /// assert_eq!(src.grad().unwrap().to_vec(), [1.0, 1.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn scatter(&self, axis: isize, index: &Tensor<i64>, src: &Var<T>) -> Result<Var<T>> {
        let y = self.value.scatter(axis, index, &src.value)?;
        let src = covered(src, index)?;
        // Each element's number, put in its place, tells which one stays.
        let numbers = Tensor::arange(0, index.len() as i64, 1)?.reshape(index.shape())?;
        let places = Tensor::zeros(self.shape()).scatter(axis, index, &numbers)?;
        let stays = places.gather(axis, index)?.eq(&numbers)?;
        Ok(apply([self, &src], y, |_, _| Scatter {
            axis,
            index: index.clone(),
            stays: (!stays.all_all()).then(|| stays.cast()),
        }))
    }
}

struct Scatter<T: Float> {
    axis: isize,
    index: Tensor<i64>,
    /// 1 for each element that stays, 0 for others; `None` where all of them do.
    stays: Option<Tensor<T>>,
}
impl<T: Float> Rule<T> for Scatter<T> {
    fn name(&self) -> &'static str {
        "scatter"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let zeros = || Var::constant(Tensor::zeros(self.index.shape()));
        let dx = cx
            .needs(0)
            .then(|| dy.scatter(self.axis, &self.index, &zeros()));
        let dsrc = cx.needs(1).then(|| {
            let picked = dy.gather(self.axis, &self.index)?;
            match &self.stays {
                Some(stays) => picked.try_mul(&Var::constant(stays.clone())),
                None => Ok(picked),
            }
        });
        two(dx.transpose()?, dsrc.transpose()?)
    }
    fn detail(&self) -> String {
        format!("axis {}", self.axis)
    }
}

/// # Indexing: elements merged into places
impl<T: Float> Var<T> {
    /// This variable with `src[i…]` merged into `[i… with the axis's place taken by index[i…]]`. `include_self` says
    /// whether the elements that an index names are merged too, or replaced; the others stay.
    ///
    /// Gradients are those of the sum, product, mean, largest or smallest of what is merged: right where factors of a
    /// product are 0, and split evenly among equals of a largest or smallest.
    ///
    /// # Errors
    /// If the axis or an index is out of range, or the shapes do not fit.
    ///
    /// ```
    /// use wengert::{Tensor, Var};
    /// use wengert::tensor::ScatterReduce;
    /// let (x, src) = (Var::new([1.0f32, 2.0]).tracked(), Var::new([1.0, 5.0, 0.5]).tracked());
    /// let index = Tensor::new([0i64, 1, 0]);
    /// let y = x.scatter_reduce(0, &index, &src, ScatterReduce::Max, true)?;
    /// assert_eq!(y.to_vec(), [1.0, 5.0]);
    /// y.sum_all().backward()?;
    /// assert_eq!(x.grad().unwrap().to_vec(), [0.5, 0.0]);
    /// assert_eq!(src.grad().unwrap().to_vec(), [0.5, 1.0, 0.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn scatter_reduce(
        &self,
        axis: isize,
        index: &Tensor<i64>,
        src: &Var<T>,
        reduce: ScatterReduce,
        include_self: bool,
    ) -> Result<Var<T>> {
        let y = self
            .value
            .scatter_reduce(axis, index, &src.value, reduce, include_self)?;
        let src = &covered(src, index)?;
        match reduce {
            ScatterReduce::Max | ScatterReduce::Min => {
                let rule = Merged::new(self, axis, index, src, include_self, &y)?;
                Ok(apply([self, src], y, |_, _| rule))
            }
            ScatterReduce::Prod => self.scatter_prod(axis, index, src, include_self),
            ScatterReduce::Sum | ScatterReduce::Mean => {
                let start = match include_self {
                    true => self.clone(),
                    false => self.scatter(axis, index, &src.zeros_like())?,
                };
                let sums = start.scatter_add(axis, index, src)?;
                if reduce == ScatterReduce::Sum {
                    return Ok(sums);
                }
                let counts = self.value.merged_counts(axis, index, include_self)?;
                sums.try_div(&Var::constant(counts.cast()))
            }
        }
    }

    /// The products of what is merged: the factors sorted by the place that they go to, a running product that begins anew
    /// at each, and of each the last.
    #[track_caller]
    fn scatter_prod(
        &self,
        axis: isize,
        index: &Tensor<i64>,
        src: &Var<T>,
        include_self: bool,
    ) -> Result<Var<T>> {
        if index.is_empty() {
            return Ok(self.clone());
        }
        // The place of each element of this variable, and so of each of `src`.
        let own = Tensor::arange(0, self.len() as i64, 1)?;
        let places = own
            .reshape(self.shape())?
            .gather(axis, index)?
            .reshape(INFER)?;
        let flat = self.reshape(INFER)?;
        let factors = src.reshape(INFER)?;
        let (places, factors) = match include_self {
            true => (
                Tensor::cat(&[&own, &places], 0)?,
                Var::cat(&[&flat, &factors], 0)?,
            ),
            false => (places, factors),
        };
        // Stable, so that factors are multiplied in their order.
        let (sorted, order) = places.sort(0, false)?;
        let factors = factors.index_select(0, &order)?;
        let places = sorted.to_vec();
        let first = |i: usize| i == 0 || places[i - 1] != places[i];
        let starts: Vec<bool> = (0..places.len()).map(first).collect();
        let starts = Tensor::from_vec(starts, places.len())?;
        let zero = T::ZERO;
        let (a, b) = (
            factors.masked_fill(&starts, zero)?,
            factors.masked_fill(&starts.logical_not(), zero)?,
        );
        let running = a.linear_scan(&b, 0)?;
        let last = |i: &usize| *i + 1 == places.len() || places[*i + 1] != places[*i];
        let ends: Vec<usize> = (0..places.len()).filter(last).collect();
        let at: Vec<i64> = ends.iter().map(|&i| places[i]).collect();
        let ends: Vec<i64> = ends.into_iter().map(|i| i as i64).collect();
        let products = running.index_select(0, &Tensor::new(ends))?;
        flat.scatter(0, &Tensor::new(at), &products)?
            .reshape(self.shape())
    }
}

/// The largest or smallest of what is merged.
struct Merged<T: Float> {
    axis: isize,
    index: Tensor<i64>,
    /// What of `dy` goes to each element of this variable, and of `dy` picked by the index to each of the source.
    shares: [Tensor<T>; 2],
}
impl<T: Float> Merged<T> {
    fn new(
        x: &Var<T>,
        axis: isize,
        index: &Tensor<i64>,
        src: &Var<T>,
        include_self: bool,
        y: &Tensor<T>,
    ) -> Result<Merged<T>> {
        let mut own = x.value.eq(y)?.cast::<T>();
        if !include_self {
            own = own.scatter(axis, index, &Tensor::zeros(index.shape()))?;
        }
        let from = src.value.eq(&y.gather(axis, index)?)?.cast::<T>();
        // NaN is equal to nothing: 0/0 hands it on.
        let count = own.scatter_add(axis, index, &from)?;
        Ok(Merged {
            axis,
            shares: [
                own.try_div(&count)?,
                from.try_div(&count.gather(axis, index)?)?,
            ],
            index: index.clone(),
        })
    }
}
impl<T: Float> Rule<T> for Merged<T> {
    fn name(&self) -> &'static str {
        "scatter_reduce"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let [own, from] = &self.shares;
        let dx = cx.needs(0).then(|| dy.try_mul(&Var::constant(own.clone())));
        let dsrc = cx.needs(1).then(|| {
            dy.gather(self.axis, &self.index)?
                .try_mul(&Var::constant(from.clone()))
        });
        two(dx.transpose()?, dsrc.transpose()?)
    }
    fn detail(&self) -> String {
        format!("axis {}", self.axis)
    }
}

fn picks() -> Tensor<i64> {
    Tensor::new([[0i64, 2, -1], [1, 1, 0]])
}
const PICKS: [[usize; 3]; 2] = [[0, 2, 2], [1, 1, 0]];

/// `x` with what goes to each element, in order, made one by `of`: the element and what comes.
fn merged(x: &Array, src: &Array, of: impl Fn(f64, &[f64]) -> f64) -> Array {
    let mut come = vec![Vec::new(); 6];
    for (i, row) in PICKS.iter().enumerate() {
        for (j, &k) in row.iter().enumerate() {
            come[i * 3 + k].push(src.at(&[i, j]));
        }
    }
    Array::from_fn(&x.shape, |i| {
        let come = &come[i[0] * 3 + i[1]];
        match come.is_empty() {
            true => x.at(i),
            false => of(x.at(i), come),
        }
    })
}

pub(crate) static SCATTER: OpInfo = OpInfo {
    name: "scatter",
    family: "index",
    formula: "x with src[i…] put at [.., index[i…], ..]",
    gradient: "dy where nothing was put, dy picked by the index",
    edges: "of an element named twice the last one stays, and has the gradient",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[2, 3], 1), spread(&[2, 3], 2)],
                |v| v[0].scatter(1, &picks(), &v[1]),
                |r| merged(&r[0], &r[1], |_, come| come[come.len() - 1])
            )
            .may_drop_nan(),
            sample!(
                [spread(&[2, 3], 1), spread(&[3, 4], 2)],
                |v| v[0].scatter(-1, &picks(), &v[1]),
                |r| merged(&r[0], &r[1], |_, come| come[come.len() - 1])
            )
            .may_drop_nan()
            .note("a source larger than the index"),
        ]
    },
};

pub(crate) static SCATTER_REDUCE: OpInfo = OpInfo {
    name: "scatter_reduce",
    family: "index",
    formula: "x with src[i…] merged into [.., index[i…], ..]",
    gradient: "those of the sum, product, mean, largest or smallest",
    edges: "right with zeros; equals share evenly",
    #[cfg(feature = "samples")]
    samples: || {
        use ScatterReduce::{Max, Mean, Min, Prod, Sum};
        let all = |x: f64, come: &[f64], own: bool| {
            let own = own.then_some(x);
            own.into_iter()
                .chain(come.iter().copied())
                .collect::<Vec<_>>()
        };
        let pick = |max: bool| {
            move |v: &[f64]| {
                v.iter().copied().reduce(|a, b| {
                    if a.is_nan() || b.is_nan() {
                        f64::NAN
                    } else if max {
                        a.max(b)
                    } else {
                        a.min(b)
                    }
                })
            }
        };
        macro_rules! of {
            ($reduce:ident $own:literal $merge:expr) => {
                sample!(
                    [spread(&[2, 3], 1), spread(&[2, 3], 2)],
                    |v| v[0].scatter_reduce(1, &picks(), &v[1], $reduce, $own),
                    |r| merged(&r[0], &r[1], |x, come| $merge(&all(x, come, $own)[..]))
                )
                .may_drop_nan()
            };
        }
        let sum = |v: &[f64]| v.iter().sum::<f64>();
        let product = |v: &[f64]| v.iter().product::<f64>();
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let largest = move |v: &[f64]| pick(true)(v).unwrap_or(f64::NAN);
        let smallest = move |v: &[f64]| pick(false)(v).unwrap_or(f64::NAN);
        vec![
            of!(Sum true sum),
            of!(Sum false sum),
            of!(Prod true product),
            of!(Prod false product),
            of!(Mean true mean),
            of!(Mean false mean),
            of!(Max true largest),
            of!(Max false largest),
            of!(Min true smallest),
            of!(Min false smallest),
            sample!(
                [
                    cycle(&[2, 3], &[2.0, 3.0, 0.0, 0.0, 1.5, 0.5]),
                    cycle(&[2, 3], &[0.0, 2.0, 4.0, 1.0, 0.0, 3.0])
                ],
                |v| v[0].scatter_reduce(1, &picks(), &v[1], Prod, true),
                |r| merged(&r[0], &r[1], |x, come| x * product(come))
            )
            .may_drop_nan()
            .note("zeros"),
            sample!(
                [cycle(&[2, 3], &[1.0]), cycle(&[2, 3], &[1.0])],
                |v| v[0].scatter_reduce(1, &picks(), &v[1], Max, true),
                |r| r[0].clone()
            )
            .expect(vec![
                Array {
                    shape: vec![2, 3],
                    data: vec![0.5, 1.0, 1.0 / 3.0, 0.5, 1.0 / 3.0, 1.0],
                },
                Array {
                    shape: vec![2, 3],
                    data: vec![0.5, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.5],
                },
            ])
            .may_drop_nan()
            .note("ties"),
        ]
    },
};

/// # Joining and splitting: padding
impl<T: Float> Var<T> {
    /// This variable with `value` around it: `sides` has, for each axis in order, how many elements come before and after
    /// (NumPy's `pad`; PyTorch's begins with the last axis). Gradient: `dy` of the part within.
    ///
    /// # Errors
    /// If there is not one pair for each axis, or the size overflows.
    ///
    /// ```
    /// use wengert::Var;
    /// let x = Var::new([1.0f32, 2.0]).tracked();
    /// let y = x.pad(&[(1, 2)], 0.0)?;
    /// assert_eq!(y.to_vec(), [0.0, 1.0, 2.0, 0.0, 0.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn pad(&self, sides: &[(usize, usize)], value: T) -> Result<Var<T>> {
        let y = self.value.pad(sides, value)?;
        Ok(apply([self], y, |_, _| Pad {
            before: sides.iter().map(|s| s.0).collect(),
            shape: self.shape().clone(),
        }))
    }
}

struct Pad {
    before: Vec<usize>,
    shape: Shape,
}
impl<T: Float> Rule<T> for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let mut dx = dy.clone();
        for (axis, (&start, &size)) in self.before.iter().zip(self.shape.iter()).enumerate() {
            if dx.shape()[axis] != size {
                dx = dx.narrow(axis as isize, start as isize, size)?;
            }
        }
        one(dx)
    }
    fn detail(&self) -> String {
        format!("from {}", self.shape)
    }
}

pub(crate) static PAD: OpInfo = OpInfo {
    name: "pad",
    family: "join",
    formula: "x with a value around it",
    gradient: "dy of the part within",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[2, 3], 1)],
                |v| v[0].pad(&[(1, 0), (2, 1)], 0.75),
                |r| Array::from_fn(&[3, 6], |i| {
                    match i[0] >= 1 && (2..5).contains(&i[1]) {
                        true => r[0].at(&[i[0] - 1, i[1] - 2]),
                        false => 0.75,
                    }
                })
            ),
            sample!(
                [spread(&[2, 0], 1)],
                |v| v[0].pad(&[(0, 0), (1, 1)], 0.75),
                |r| {
                    let _ = r;
                    Array::from_fn(&[2, 2], |_| 0.75)
                }
            )
            .note("empty"),
            sample!([spread(&[3], 1)], |v| v[0].pad(&[(0, 0)], 0.75), |r| r[0]
                .clone())
            .note("no sides"),
        ]
    },
};

pub(super) const OPS: &[&OpInfo] = &[&SCATTER, &SCATTER_REDUCE, &PAD];
