//! Ops that put variables together, take them apart, repeat and roll them.

use std::borrow::Borrow;

use wengert_tensor::{IntoShape, Result, Shape};

use super::block::names::*;
use crate::ops::info::spread;
use crate::tape::rule::{apply_many, one};

/// # Joining and splitting
impl<T: Float> Var<T> {
    /// Variables one after another along an axis; gradient: each gets its part of `dy`.
    ///
    /// # Shapes
    /// All the same but along the axis.
    ///
    /// # Errors
    /// If there are none, the axis is out of range, or the shapes differ elsewhere.
    ///
    /// ```
    /// use wengert::Var;
    /// let (a, b) = (Var::new([[1.0f32, 2.0]]), Var::new([[3.0, 4.0]]).tracked());
    /// let y = Var::cat(&[&a, &b], 0)?;
    /// y.square().sum_all().backward()?;
    /// assert_eq!(b.grad().unwrap().to_vec(), [6.0, 8.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn cat(vars: &[impl Borrow<Var<T>>], axis: isize) -> Result<Var<T>> {
        let values: Vec<&Tensor<T>> = vars.iter().map(|v| &v.borrow().value).collect();
        let y = Tensor::cat(&values, axis)?;
        let inputs: Vec<&Var<T>> = vars.iter().map(Borrow::borrow).collect();
        Ok(apply_many(&inputs, y, |y| {
            let axis = axis.rem_euclid(y.rank() as isize) as usize;
            Cat {
                axis,
                sizes: values.iter().map(|v| v.shape()[axis]).collect(),
            }
        }))
    }

    /// Variables of one shape along a new axis; gradient: each gets its slice of `dy`.
    ///
    /// # Errors
    /// If there are none, the axis is out of range, or the shapes differ.
    #[track_caller]
    #[inline(never)]
    pub fn stack(vars: &[impl Borrow<Var<T>>], axis: isize) -> Result<Var<T>> {
        let values: Vec<&Tensor<T>> = vars.iter().map(|v| &v.borrow().value).collect();
        let y = Tensor::stack(&values, axis)?;
        let inputs: Vec<&Var<T>> = vars.iter().map(Borrow::borrow).collect();
        Ok(apply_many(&inputs, y, |_| Stack {
            axis,
            count: inputs.len(),
        }))
    }
}

struct Cat {
    axis: usize,
    sizes: Vec<usize>,
}
impl<T: Float> Rule<T> for Cat {
    fn name(&self) -> &'static str {
        "cat"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let mut start = 0;
        let mut grads = Grads::new();
        for (i, &size) in self.sizes.iter().enumerate() {
            let part = || dy.narrow(self.axis as isize, start as isize, size);
            grads.push(cx.needs(i).then(part).transpose()?);
            start += size;
        }
        Ok(grads)
    }
    fn detail(&self) -> String {
        format!("axis {}", self.axis)
    }
}

struct Stack {
    axis: isize,
    count: usize,
}
impl<T: Float> Rule<T> for Stack {
    fn name(&self) -> &'static str {
        "stack"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let part = |i: usize| dy.select(self.axis, i as isize);
        (0..self.count)
            .map(|i| cx.needs(i).then(|| part(i)).transpose())
            .collect()
    }
    fn detail(&self) -> String {
        format!("axis {}", self.axis)
    }
}

pub(crate) static CAT: OpInfo = OpInfo {
    name: "cat",
    family: "join",
    formula: "one after another along an axis",
    gradient: "each its part of dy",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[2, 1], 1), spread(&[2, 2], 2), spread(&[2, 0], 3)],
                |v| Var::cat(v, -1),
                |r| Array::from_fn(&[2, 3], |i| if i[1] == 0 {
                    r[0].at(&[i[0], 0])
                } else {
                    r[1].at(&[i[0], i[1] - 1])
                })
            ),
            sample!(
                [spread(&[1, 2], 1), spread(&[2, 2], 2)],
                |v| Var::cat(v, 0),
                |r| Array {
                    shape: vec![3, 2],
                    data: [&r[0].data[..], &r[1].data].concat(),
                }
            ),
            sample!(
                [spread(&[2], 1), spread(&[1], 2)],
                // The middle one needs no gradient.
                |v| Var::cat(&[&v[0], &v[0].detach().affine(0.0, 3.0), &v[1]], 0),
                |r| Array {
                    shape: vec![5],
                    data: [
                        &r[0].data[..],
                        &r[0].map(|x| 0.0 * x + 3.0).data,
                        &r[1].data
                    ]
                    .concat(),
                }
            )
            .note("one without gradient"),
        ]
    },
};

pub(crate) static STACK: OpInfo = OpInfo {
    name: "stack",
    family: "join",
    formula: "side by side along a new axis",
    gradient: "each its slice of dy",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[2], 1), spread(&[2], 2)],
                |v| Var::stack(v, -1),
                |r| Array::from_fn(&[2, 2], |i| r[i[1]].at(&[i[0]]))
            ),
            sample!(
                [spread(&[2], 1), spread(&[2], 2), spread(&[2], 3)],
                |v| Var::stack(v, 0),
                |r| Array::from_fn(&[3, 2], |i| r[i[0]].at(&[i[1]]))
            ),
        ]
    },
};

/// # Joining and splitting: parts
impl<T: Float> Var<T> {
    /// Parts of `size` along an axis, the last one smaller where it does not divide.
    ///
    /// # Errors
    /// If the axis is out of range or `size` is 0.
    #[track_caller]
    #[inline(never)]
    pub fn split(&self, size: usize, axis: isize) -> Result<Vec<Var<T>>> {
        self.parts(&self.value.split(size, axis)?, axis)
    }

    /// Parts of these sizes along an axis.
    ///
    /// # Errors
    /// If the axis is out of range or the sizes do not add up to it.
    #[track_caller]
    #[inline(never)]
    pub fn split_sizes(&self, sizes: &[usize], axis: isize) -> Result<Vec<Var<T>>> {
        self.parts(&self.value.split_sizes(sizes, axis)?, axis)
    }

    /// `n` parts along an axis of one size, the last one smaller or wanting where it does not divide.
    ///
    /// # Errors
    /// If the axis is out of range or `n` is 0.
    #[track_caller]
    #[inline(never)]
    pub fn chunk(&self, n: usize, axis: isize) -> Result<Vec<Var<T>>> {
        self.parts(&self.value.chunk(n, axis)?, axis)
    }

    /// `N` parts of one size along an axis, as an array.
    ///
    /// # Errors
    /// If the axis is out of range, or `N` does not divide its size.
    ///
    /// ```
    /// use wengert::Var;
    /// let [q, k, v] = Var::<f32>::zeros([2, 12]).chunk_array(-1)?;
    /// assert_eq!((q.shape(), k.shape(), v.shape()), (v.shape(), q.shape(), k.shape()));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn chunk_array<const N: usize>(&self, axis: isize) -> Result<[Var<T>; N]> {
        let parts = self.value.chunk_array::<N>(axis)?;
        Ok(self.array_of(self.parts(&parts, axis)?))
    }

    /// Parts of these sizes along an axis, as an array.
    ///
    /// # Errors
    /// If the axis is out of range or the sizes do not add up to its.
    ///
    /// ```
    /// use wengert::Var;
    /// let [a, b] = Var::new([1.0f32, 2.0, 3.0]).split_array([1, 2], 0)?;
    /// assert_eq!((a.to_vec(), b.to_vec()), (vec![1.0], vec![2.0, 3.0]));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn split_array<const N: usize>(
        &self,
        sizes: [usize; N],
        axis: isize,
    ) -> Result<[Var<T>; N]> {
        let parts = self.value.split_array(sizes, axis)?;
        Ok(self.array_of(self.parts(&parts, axis)?))
    }

    /// The slices along an axis, which is dropped, as an array.
    ///
    /// # Errors
    /// If the axis is out of range or not of size `N`.
    ///
    /// ```
    /// use wengert::Var;
    /// let [x, y] = Var::new([[1.0f32, 2.0], [3.0, 4.0]]).unbind_array(-1)?;
    /// assert_eq!((x.to_vec(), y.to_vec()), (vec![1.0, 3.0], vec![2.0, 4.0]));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn unbind_array<const N: usize>(&self, axis: isize) -> Result<[Var<T>; N]> {
        self.value.unbind_array::<N>(axis)?;
        Ok(self.array_of(self.unbind(axis)?))
    }

    /// The parts, of which there are `N`.
    fn array_of<const N: usize>(&self, parts: Vec<Var<T>>) -> [Var<T>; N] {
        debug_assert_eq!(parts.len(), N);
        let mut parts = parts.into_iter();
        std::array::from_fn(|_| parts.next().unwrap_or_else(|| self.detach()))
    }

    /// The parts of the value as windows of this variable.
    #[track_caller]
    fn parts(&self, values: &[Tensor<T>], axis: isize) -> Result<Vec<Var<T>>> {
        let mut start = 0;
        let mut out = Vec::with_capacity(values.len());
        for value in values {
            let len = value.shape()[axis.rem_euclid(self.rank() as isize) as usize];
            out.push(self.narrow(axis, start as isize, len)?);
            start += len;
        }
        Ok(out)
    }

    /// The slices along an axis, which is dropped.
    ///
    /// # Errors
    /// If the axis is out of range.
    #[track_caller]
    #[inline(never)]
    pub fn unbind(&self, axis: isize) -> Result<Vec<Var<T>>> {
        let mut parts = Vec::new();
        for i in 0..self.value.unbind(axis)?.len() {
            parts.push(self.select(axis, i as isize)?);
        }
        Ok(parts)
    }
}

/// One variable out of the parts `p`: 1·p₀ + 2·p₁ + …, summed so that parts of different sizes add.
fn weighted<T: Float>(parts: Vec<Var<T>>) -> Result<Var<T>> {
    let sums = parts
        .iter()
        .enumerate()
        .map(|(i, p)| p.sum_all().affine(i as f64 + 1.0, 0.0));
    Var::stack(&sums.collect::<Vec<_>>(), 0)
}

pub(crate) static SPLIT: OpInfo = OpInfo {
    name: "split",
    family: "join",
    formula: "parts along an axis",
    gradient: "dy of each part in its place",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        let columns = |r: &Array, ranges: &[std::ops::Range<usize>]| {
            let sum = |k: &std::ops::Range<usize>| {
                k.clone()
                    .map(|j| r.at(&[0, j]) + r.at(&[1, j]))
                    .sum::<f64>()
            };
            let data = ranges
                .iter()
                .enumerate()
                .map(|(i, k)| (i + 1) as f64 * sum(k));
            Array {
                shape: vec![ranges.len()],
                data: data.collect(),
            }
        };
        vec![
            sample!([spread(&[2, 5], 1)], |v| weighted(v[0].split(2, 1)?), |r| {
                columns(&r[0], &[0..2, 2..4, 4..5])
            }),
            sample!(
                [spread(&[2, 5], 1)],
                |v| weighted(v[0].split_sizes(&[1, 0, 4], -1)?),
                |r| columns(&r[0], &[0..1, 1..1, 1..5])
            ),
            sample!([spread(&[2, 5], 1)], |v| weighted(v[0].chunk(2, 1)?), |r| {
                columns(&r[0], &[0..3, 3..5])
            }),
            sample!([spread(&[2, 3], 1)], |v| weighted(v[0].unbind(1)?), |r| {
                columns(&r[0], &[0..1, 1..2, 2..3])
            }),
            sample!(
                [spread(&[2, 6], 1)],
                |v| weighted(Vec::from(v[0].chunk_array::<3>(1)?)),
                |r| { columns(&r[0], &[0..2, 2..4, 4..6]) }
            ),
            sample!(
                [spread(&[2, 4], 1)],
                |v| weighted(Vec::from(v[0].split_array([1, 3], -1)?)),
                |r| { columns(&r[0], &[0..1, 1..4]) }
            ),
            sample!(
                [spread(&[2, 3], 1)],
                |v| weighted(Vec::from(v[0].unbind_array::<3>(-1)?)),
                |r| { columns(&r[0], &[0..1, 1..2, 2..3]) }
            ),
        ]
    },
};

/// # Joining and splitting: repeats
impl<T: Float> Var<T> {
    /// This variable `counts[i]` times along axis `i`; more counts than axes make new ones in front.
    /// Gradient: `dy` summed over the copies.
    ///
    /// # Errors
    /// If there are fewer counts than axes, or the size overflows.
    #[track_caller]
    #[inline(never)]
    pub fn repeat(&self, counts: impl IntoShape) -> Result<Var<T>> {
        let counts = counts.into_shape();
        let y = self.value.repeat(&counts)?;
        Ok(apply([self], y, |_, _| Repeat {
            counts,
            shape: self.shape().clone(),
        }))
    }
}

struct Repeat {
    counts: Shape,
    shape: Shape,
}
impl<T: Float> Rule<T> for Repeat {
    fn name(&self) -> &'static str {
        "repeat"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        // Each axis as count and size; then the counts are summed away.
        let new = self.counts.len() - self.shape.len();
        let (mut pairs, mut over) = (Vec::new(), Vec::new());
        for (i, &count) in self.counts.iter().enumerate() {
            over.push(pairs.len() as isize);
            pairs.push(count);
            if i >= new {
                pairs.push(self.shape[i - new]);
            }
        }
        one(dy.reshape(pairs)?.sum(over)?)
    }
    fn detail(&self) -> String {
        format!("counts {}", self.counts)
    }
}

pub(crate) static REPEAT: OpInfo = OpInfo {
    name: "repeat",
    family: "join",
    formula: "copies along each axis",
    gradient: "dy summed over the copies",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| v[0].repeat([2, 2]), |r| {
                Array::from_fn(&[4, 6], |i| r[0].at(&[i[0] % 2, i[1] % 3]))
            }),
            sample!([spread(&[2], 1)], |v| v[0].repeat([3, 1]), |r| {
                Array::from_fn(&[3, 2], |i| r[0].at(&[i[1]]))
            })
            .note("a new axis"),
            sample!([spread(&[2], 1)], |v| v[0].repeat(0), |r| Array {
                shape: vec![0],
                data: r[0].data[..0].to_vec()
            })
            .may_drop_nan()
            .note("no copy"),
        ]
    },
};

/// # Joining and splitting: rolls
impl<T: Float> Var<T> {
    /// The elements moved on by `shift` along an axis, those pushed out coming in again; gradient: `dy`
    /// rolled back.
    ///
    /// # Errors
    /// If the axis is out of range.
    #[track_caller]
    #[inline(never)]
    pub fn roll(&self, shift: isize, axis: isize) -> Result<Var<T>> {
        let y = self.value.roll(shift, axis)?;
        Ok(apply([self], y, |_, _| Roll(shift, axis)))
    }
}

struct Roll(isize, isize);
impl<T: Float> Rule<T> for Roll {
    fn name(&self) -> &'static str {
        "roll"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        // Reduced first: `isize::MIN` has no negative.
        match dy.shape()[self.1.rem_euclid(dy.rank() as isize) as usize] {
            0 => one(dy.clone()),
            size => one(dy.roll(-(self.0 % size as isize), self.1)?),
        }
    }
    fn detail(&self) -> String {
        format!("by {} along {}", self.0, self.1)
    }
}

pub(crate) static ROLL: OpInfo = OpInfo {
    name: "roll",
    family: "join",
    formula: "elements moved on along an axis, coming in again",
    gradient: "dy rolled back",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| v[0].roll(1, 1), |r| {
                Array::from_fn(&[2, 3], |i| r[0].at(&[i[0], (i[1] + 2) % 3]))
            }),
            sample!([spread(&[4], 1)], |v| v[0].roll(-7, 0), |r| Array::from_fn(
                &[4],
                |i| r[0].at(&[(i[0] + 7) % 4])
            )),
            sample!([spread(&[2, 0], 1)], |v| v[0].roll(1, 1), |r| r[0].clone()).note("empty"),
        ]
    },
};

pub(super) const OPS: &[&OpInfo] = &[&CAT, &STACK, &SPLIT, &REPEAT, &ROLL];
