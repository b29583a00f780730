//! Running sums and products, and the product over axes, whose gradients are running products: right
//! where elements are 0, at any order of gradient.

use wengert_tensor::{INFER, IntoAxes, Result, Scan};

use super::block::names::*;
use super::reduce::{ReducedShape, reduction, reduction_samples};
use crate::ops::info::spread;
use crate::tape::rule::one;

/// # Running sums and products: sums
impl<T: Float> Var<T> {
    /// The running sum along an axis, `yᵢ = x₀ + … + xᵢ`; gradient: the running sum of `dy` from the
    /// end.
    ///
    /// # Errors
    /// If the axis is out of range.
    #[track_caller]
    #[inline(never)]
    pub fn cumsum(&self, axis: isize) -> Result<Var<T>> {
        let y = self.value.cumsum(axis)?;
        Ok(apply([self], y, |_, _| CumSum(axis)))
    }
}

/// # Running sums and products: from the other end, without the element itself
impl<T: Float> Var<T> {
    /// [`cumsum`](Var::cumsum) from the other end, or without each element itself.
    ///
    /// # Errors
    /// If the axis is out of range.
    ///
    /// ```
    /// use wengert::Var;
    /// use wengert::tensor::Scan;
    /// let x = Var::new([1.0f32, 2.0, 4.0]);
    /// assert_eq!(x.cumsum_with(0, Scan::new().exclusive())?.to_vec(), [0.0, 1.0, 3.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn cumsum_with(&self, axis: isize, options: Scan) -> Result<Var<T>> {
        // Refuses what does not fit, by this call's name.
        self.value.cumsum_with(axis, options)?;
        if !options.is_reverse() {
            return self.cumsum(axis)?.excluded(axis, options, T::ZERO);
        }
        let back = self.flip(axis)?.cumsum(axis)?;
        back.excluded(axis, options, T::ZERO)?.flip(axis)
    }

    /// [`cumprod`](Var::cumprod) from the other end, or without each element itself.
    ///
    /// # Errors
    /// If the axis is out of range.
    #[track_caller]
    #[inline(never)]
    pub fn cumprod_with(&self, axis: isize, options: Scan) -> Result<Var<T>> {
        self.value.cumprod_with(axis, options)?;
        if !options.is_reverse() {
            return self.cumprod(axis)?.excluded(axis, options, T::ONE);
        }
        let back = self.flip(axis)?.cumprod(axis)?;
        back.excluded(axis, options, T::ONE)?.flip(axis)
    }

    #[track_caller]
    fn excluded(self, axis: isize, options: Scan, first: T) -> Result<Var<T>> {
        match options.is_exclusive() {
            true => self.shifted(axis, true, first),
            false => Ok(self),
        }
    }
}

struct CumSum(isize);
impl<T: Float> Rule<T> for CumSum {
    fn name(&self) -> &'static str {
        "cumsum"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(dy.flip(self.0)?.cumsum(self.0)?.flip(self.0)?)
    }
    fn detail(&self) -> String {
        format!("axis {}", self.0)
    }
}

/// `f` of each prefix of the lanes along an axis.
fn prefixes(x: &Array, axis: usize, f: impl Fn(&[f64]) -> f64) -> Array {
    Array::from_fn(&x.shape, |i| {
        let lane = |k: usize| {
            let mut j = i.to_vec();
            j[axis] = k;
            x.at(&j)
        };
        f(&(0..=i[axis]).map(lane).collect::<Vec<_>>())
    })
}

fn total(v: &[f64]) -> f64 {
    v.iter().sum()
}

fn product(v: &[f64]) -> f64 {
    v.iter().product()
}

pub(crate) static CUMSUM: OpInfo = OpInfo {
    name: "cumsum",
    family: "scan",
    formula: "yᵢ = x₀ + … + xᵢ",
    gradient: "running sum of dy from the end",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| v[0].cumsum(-1), |r| prefixes(
                &r[0], 1, total
            )),
            sample!([spread(&[3, 2], 2)], |v| v[0].cumsum(0), |r| prefixes(
                &r[0], 0, total
            )),
            sample!([spread(&[2, 0], 2)], |v| v[0].cumsum(1), |r| r[0].clone()).note("empty"),
            sample!(
                [spread(&[2, 3], 1)],
                |v| v[0].cumsum_with(1, Scan::new().exclusive()),
                |r| Array::from_fn(&[2, 3], |i| (0..i[1]).map(|j| r[0].at(&[i[0], j])).sum())
            )
            .may_drop_nan()
            .note("exclusive"),
            sample!(
                [spread(&[2, 3], 1)],
                |v| v[0].cumsum_with(-1, Scan::new().reverse()),
                |r| Array::from_fn(&[2, 3], |i| (i[1]..3).map(|j| r[0].at(&[i[0], j])).sum())
            )
            .note("reverse"),
        ]
    },
};

/// # Running sums and products: linear recurrences
impl<T: Float> Var<T> {
    /// The recurrence `yᵢ = aᵢ·yᵢ₋₁ + bᵢ` along an axis, from `y₋₁ = 0`; `self` is `a`. Its gradients
    /// are the same recurrence from the end: `rᵢ = dyᵢ + aᵢ₊₁·rᵢ₊₁`, `db = r`, `daᵢ = rᵢ·yᵢ₋₁`.
    ///
    /// # Errors
    /// If the axis is out of range, or the shapes differ.
    ///
    /// ```
    /// use wengert::Var;
    /// let (a, b) = (Var::new([0.0f32, 2.0, 2.0]), Var::new([1.0, 1.0, 1.0]));
    /// assert_eq!(a.linear_scan(&b, 0)?.to_vec(), [1.0, 3.0, 7.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn linear_scan(&self, b: &Var<T>, axis: isize) -> Result<Var<T>> {
        let y = self.value.linear_scan(&b.value, axis)?;
        Ok(apply([self, b], y, |y, _| LinearScan {
            a: Saved::input(0, self),
            y: Saved::output(y),
            axis,
        }))
    }

    /// The elements moved on by one along an axis (`forward`: `yᵢ = xᵢ₋₁`, else `yᵢ = xᵢ₊₁`), a number
    /// where one is wanting.
    #[track_caller]
    fn shifted(&self, axis: isize, forward: bool, edge: T) -> Result<Var<T>> {
        let n = self.shape()[axis.rem_euclid(self.rank() as isize) as usize];
        if n == 0 {
            return Ok(self.clone());
        }
        let rest = self.narrow(axis, if forward { 0 } else { 1 }, n - 1)?;
        let one = self.value.narrow(axis, 0, 1)?;
        let edge = Var::constant(Tensor::full(one.shape(), edge));
        let parts = if forward { [edge, rest] } else { [rest, edge] };
        Var::cat(&parts, axis)
    }

    /// `rᵢ = selfᵢ + aᵢ₊₁·rᵢ₊₁`: what the gradient of a recurrence with coefficients `a` goes through.
    #[track_caller]
    fn carried_back(&self, a: &Var<T>, axis: isize) -> Result<Var<T>> {
        let next = a.shifted(axis, false, T::ZERO)?.flip(axis)?;
        next.linear_scan(&self.flip(axis)?, axis)?.flip(axis)
    }
}

struct LinearScan<T: Float> {
    a: Saved<T>,
    y: Saved<T>,
    axis: isize,
}
impl<T: Float> Rule<T> for LinearScan<T> {
    fn name(&self) -> &'static str {
        "linear_scan"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let r = dy.carried_back(&cx.var(&self.a), self.axis)?;
        let before = |y: &Saved<T>| cx.var(y).shifted(self.axis, true, T::ZERO);
        let da = cx
            .needs(0)
            .then(|| r.try_mul(&before(&self.y)?))
            .transpose()?;
        two(da, cx.needs(1).then_some(r))
    }
    fn detail(&self) -> String {
        format!("axis {}", self.axis)
    }
}

pub(crate) static LINEAR_SCAN: OpInfo = OpInfo {
    name: "linear_scan",
    family: "scan",
    formula: "yᵢ = aᵢ·yᵢ₋₁ + bᵢ",
    gradient: "db = r, daᵢ = rᵢ·yᵢ₋₁ with rᵢ = dyᵢ + aᵢ₊₁·rᵢ₊₁",
    edges: "smooth",
    #[cfg(feature = "samples")]
    samples: || {
        let recur = |a: &Array, b: &Array, axis: usize| {
            Array::from_fn(&a.shape, |i| {
                let mut j = i.to_vec();
                (0..=i[axis]).fold(0.0, |y, k| {
                    j[axis] = k;
                    // The first has nothing before it, so its coefficient does not count.
                    let carried = if k == 0 { 0.0 } else { a.at(&j) * y };
                    carried + b.at(&j)
                })
            })
        };
        vec![
            sample!(
                [spread(&[2, 4], 1), spread(&[2, 4], 2)],
                |v| v[0].linear_scan(&v[1], 1),
                |r| recur(&r[0], &r[1], 1)
            ),
            sample!(
                [spread(&[3, 2], 3), spread(&[3, 2], 4)],
                |v| v[0].linear_scan(&v[1], -2),
                |r| recur(&r[0], &r[1], 0)
            ),
        ]
    },
};

/// # Running sums and products: products
impl<T: Float> Var<T> {
    /// The running product along an axis, `yᵢ = x₀ · … · xᵢ`; gradient `dxᵢ = rᵢ·yᵢ₋₁` with
    /// `rᵢ = dyᵢ + xᵢ₊₁·rᵢ₊₁`, right where elements are 0.
    ///
    /// # Errors
    /// If the axis is out of range.
    #[track_caller]
    #[inline(never)]
    pub fn cumprod(&self, axis: isize) -> Result<Var<T>> {
        let y = self.value.cumprod(axis)?;
        Ok(apply([self], y, |y, _| CumProd {
            x: Saved::input(0, self),
            y: Saved::output(y),
            axis,
        }))
    }
}

struct CumProd<T: Float> {
    x: Saved<T>,
    y: Saved<T>,
    axis: isize,
}
impl<T: Float> Rule<T> for CumProd<T> {
    fn name(&self) -> &'static str {
        "cumprod"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let r = dy.carried_back(&cx.var(&self.x), self.axis)?;
        one(r.try_mul(&cx.var(&self.y).shifted(self.axis, true, T::ONE)?)?)
    }
    fn detail(&self) -> String {
        format!("axis {}", self.axis)
    }
}

pub(crate) static CUMPROD: OpInfo = OpInfo {
    name: "cumprod",
    family: "scan",
    formula: "yᵢ = x₀ · … · xᵢ",
    gradient: "rᵢ·yᵢ₋₁ with rᵢ = dyᵢ + xᵢ₊₁·rᵢ₊₁",
    edges: "right with zeros",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[2, 3], 1)], |v| v[0].cumprod(-1), |r| prefixes(
                &r[0], 1, product
            )),
            sample!([spread(&[3, 2], 2)], |v| v[0].cumprod(0), |r| prefixes(
                &r[0], 0, product
            )),
            sample!(
                [cycle(&[2, 4], &[2.0, 0.0, 3.0, 4.0, 0.0, 5.0, 0.0, 1.5])],
                |v| v[0].cumprod(1),
                |r| prefixes(&r[0], 1, product)
            )
            .note("zeros"),
            sample!([spread(&[2, 1], 3)], |v| v[0].cumprod(1), |r| r[0].clone())
                .note("one element"),
            sample!(
                [spread(&[3, 2], 1)],
                |v| v[0].cumprod_with(0, Scan::new().exclusive().reverse()),
                |r| {
                    let behind = |i: &[usize]| (i[0] + 1..3).map(|j| r[0].at(&[j, i[1]])).product();
                    Array::from_fn(&[3, 2], behind)
                }
            )
            .may_drop_nan()
            .note("exclusive and reverse"),
        ]
    },
};

reduction! {
    /// Product over some axes, which are dropped: `y = Π x`; gradient: `dy` times the product of the
    /// others, right where elements are 0. The product of nothing is 1.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    prod prod_keepdim prod_all by prod // of all elements: `.prod_all()`
    /// The product of all elements, a scalar.
    -> Var<T>, |y| y, std::convert::identity
}

#[track_caller]
fn prod<T: Float>(x: &Var<T>, y: Tensor<T>, kept: ReducedShape) -> Var<T> {
    apply([x], y, |_, _| Prod(Saved::input(0, x), kept))
}

struct Prod<T: Float>(Saved<T>, ReducedShape);
impl<T: Float> Rule<T> for Prod<T> {
    fn name(&self) -> &'static str {
        "prod"
    }
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let (x, kept) = (cx.var(&self.0), &self.1);
        if x.is_empty() {
            return one(x.zeros_like());
        }
        // The reduced axes last and as one: a row for each element of y.
        let (mut order, mut back) = (Vec::new(), vec![0isize; x.rank()]);
        for reduced in [false, true] {
            order.extend((0..x.rank()).filter(|&a| kept.is_reduced(a) == reduced));
        }
        for (to, &from) in order.iter().enumerate() {
            back[from] = to as isize;
        }
        let order: Vec<isize> = order.into_iter().map(|a| a as isize).collect();
        let moved = x.permute(order)?;
        let rows = moved.reshape([dy.len(), INFER])?;
        // Of all before and all behind each element.
        let before = rows.cumprod(1)?.shifted(1, true, T::ONE)?;
        let behind = rows
            .flip(1)?
            .cumprod(1)?
            .shifted(1, true, T::ONE)?
            .flip(1)?;
        let dx = dy
            .reshape([dy.len(), 1])?
            .try_mul(&before.try_mul(&behind)?)?;
        one(dx.reshape(moved.shape())?.permute(back)?)
    }
    fn detail(&self) -> String {
        self.1.detail()
    }
}

pub(crate) static PROD: OpInfo = OpInfo {
    name: "prod",
    family: "reduce",
    formula: "Π x",
    gradient: "dy times the product of the others",
    edges: "right with zeros; the product of nothing is 1",
    #[cfg(feature = "samples")]
    samples: || {
        let mut all = reduction_samples!(spread prod prod_keepdim |x| Ok(x.prod_all()), product);
        let zeros = cycle(&[3, 3], &[2.0, 0.0, 3.0, 0.0, 0.0, 5.0, 1.5, 2.5, 3.5]);
        all.push(
            sample!([zeros], |v| v[0].prod(1), |r| r[0].reduce(
                &[1],
                false,
                product
            ))
            .note("zeros"),
        );
        all.push(
            sample!([spread(&[2, 0], 3)], |v| v[0].prod(1), |r| r[0].reduce(
                &[1],
                false,
                product
            ))
            .note("empty"),
        );
        all
    },
};

pub(super) const OPS: &[&OpInfo] = &[&PROD, &CUMSUM, &CUMPROD, &LINEAR_SCAN];
