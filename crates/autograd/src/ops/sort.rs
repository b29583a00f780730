//! Sorting: the values are picks of the input, and so are their gradients.

use super::block::names::*;
use crate::ops::info::spread;
use wengert_tensor::Result;

/// # Sorting
impl<T: Float> Var<T> {
    /// The elements along an axis in order, and where each came from; equal ones keep their order, NaN
    /// comes last going up. Gradient: `dy` put back where each came from.
    ///
    /// # Errors
    /// If the axis is out of range.
    #[track_caller]
    #[inline(never)]
    pub fn sort(&self, axis: isize, descending: bool) -> Result<(Var<T>, Tensor<i64>)> {
        let (y, index) = self.value.sort(axis, descending)?;
        Ok((self.gathered(y, "sort", axis, &index), index))
    }

    /// The `k` largest (or smallest) elements along an axis in order, and where each came from.
    /// Gradient: `dy` put back where each came from.
    ///
    /// # Errors
    /// If the axis is out of range or has fewer than `k` elements.
    #[track_caller]
    #[inline(never)]
    pub fn topk(&self, k: usize, axis: isize, largest: bool) -> Result<(Var<T>, Tensor<i64>)> {
        let (y, index) = self.value.topk(k, axis, largest)?;
        Ok((self.gathered(y, "topk", axis, &index), index))
    }
}

/// The first `k` of each row of two axes in order.
fn sorted(x: &Array, k: usize, descending: bool) -> Array {
    let n = x.shape[1];
    let mut data = Vec::new();
    for row in x.data.chunks(n) {
        let mut row = row.to_vec();
        row.sort_by(f64::total_cmp);
        if descending {
            row.reverse();
        }
        data.extend(&row[..k]);
    }
    Array {
        shape: vec![x.shape[0], k],
        data,
    }
}

pub(crate) static SORT: OpInfo = OpInfo {
    name: "sort",
    family: "sort",
    formula: "elements along an axis in order",
    gradient: "dy put back",
    edges: "equal ones keep their order",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!([spread(&[2, 4], 1)], |v| Ok(v[0].sort(1, false)?.0), |r| {
                sorted(&r[0], 4, false)
            })
            .may_drop_nan(),
            sample!([spread(&[2, 4], 2)], |v| Ok(v[0].sort(-1, true)?.0), |r| {
                sorted(&r[0], 4, true)
            })
            .may_drop_nan(),
        ]
    },
};

pub(crate) static TOPK: OpInfo = OpInfo {
    name: "topk",
    family: "sort",
    formula: "the k largest along an axis in order",
    gradient: "dy put back",
    edges: "of equal ones the first",
    #[cfg(feature = "samples")]
    samples: || {
        vec![
            sample!(
                [spread(&[2, 4], 1)],
                |v| Ok(v[0].topk(2, 1, true)?.0),
                |r| sorted(&r[0], 2, true)
            )
            .may_drop_nan(),
            sample!(
                [spread(&[2, 4], 2)],
                |v| Ok(v[0].topk(3, 1, false)?.0),
                |r| sorted(&r[0], 3, false)
            )
            .may_drop_nan(),
        ]
    },
};

pub(super) const OPS: &[&OpInfo] = &[&SORT, &TOPK];
