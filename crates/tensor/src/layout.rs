//! Where the elements of a view lie in its buffer. Views are arithmetic on this and nothing else.
//!
//! Invariant: for every index within `shape`, `offset + Σ indexᵢ·strideᵢ` is within the buffer. Each
//! function here keeps it, given a layout that has it.

use crate::shape::{Shape, Strides};

/// Shape, strides and offset (both in elements) of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)] // in this order: see `Dims`
pub(crate) struct Layout {
    pub(crate) shape: Shape,
    pub(crate) offset: usize,
    pub(crate) strides: Strides,
    /// The number of elements; kept because every kernel call asks for it.
    pub(crate) len: usize,
}

impl Layout {
    /// Row-major from offset 0. `len` must be the shape's checked element count.
    #[inline(always)]
    pub(crate) fn contiguous(shape: Shape, len: usize) -> Layout {
        let strides = shape.contiguous_strides();
        Layout {
            shape,
            strides,
            offset: 0,
            len,
        }
    }

    #[inline]
    pub(crate) fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Whether the elements lie one after another in row-major order.
    #[inline]
    pub(crate) fn is_contiguous(&self) -> bool {
        // By index: an iterator of pairs from the back costs four times as much, five times an op.
        let (shape, strides) = (&self.shape[..], &self.strides[..]);
        let mut step = 1isize;
        let mut axis = shape.len().min(strides.len());
        while axis > 0 {
            axis -= 1;
            let d = shape[axis];
            if d != 1 && strides[axis] != step {
                return self.len == 0;
            }
            step *= d as isize;
        }
        true
    }

    /// Whether two indices may share an element (some axis of several elements has stride 0, or
    /// strides interleave). Conservative: `true` where it cannot tell cheaply.
    pub(crate) fn may_overlap(&self) -> bool {
        if self.len <= 1 {
            return false;
        }
        let mut axes: Vec<(usize, usize)> = self
            .shape
            .iter()
            .zip(self.strides.iter())
            .filter(|(d, _)| **d > 1)
            .map(|(&d, &s)| (s.unsigned_abs(), d))
            .collect();
        axes.sort_unstable();
        let mut reach = 0usize; // the largest offset that the smaller strides can make
        for (stride, size) in axes {
            if stride <= reach {
                return true;
            }
            reach += stride * (size - 1);
        }
        false
    }

    pub(crate) fn permute(&self, order: &[usize]) -> Layout {
        Layout {
            shape: order.iter().map(|&a| self.shape[a]).collect(),
            strides: order.iter().map(|&a| self.strides[a]).collect(),
            offset: self.offset,
            len: self.len,
        }
    }

    /// The strides of this layout seen in the (larger) shape it broadcasts to.
    #[inline]
    pub(crate) fn broadcast_strides(&self, shape: &[usize]) -> Strides {
        let lead = shape.len() - self.rank();
        let mut out = Strides::new();
        for (i, &d) in shape.iter().enumerate() {
            let s = if i < lead || (self.shape[i - lead] == 1 && d != 1) {
                0
            } else {
                self.strides[i - lead]
            };
            out.push(s);
        }
        out
    }

    pub(crate) fn expand(&self, shape: &Shape, len: usize) -> Layout {
        Layout {
            strides: self.broadcast_strides(shape),
            shape: shape.clone(),
            offset: self.offset,
            len,
        }
    }

    /// Elements `start, start + step, …` (`count` of them) of an axis.
    pub(crate) fn slice(&self, axis: usize, start: usize, step: isize, count: usize) -> Layout {
        let mut out = self.clone();
        let stride = self.strides[axis];
        out.shape.as_mut_slice()[axis] = count;
        out.len = self
            .len
            .checked_div(self.shape[axis])
            .map_or(0, |rest| rest * count);
        // A step beyond the axis is never taken; its stride is only kept from overflowing.
        out.strides.as_mut_slice()[axis] = if count > 1 { stride * step } else { stride };
        if out.len > 0 {
            out.offset = (out.offset as isize + start as isize * stride) as usize;
        }
        out
    }

    pub(crate) fn select(&self, axis: usize, index: usize) -> Layout {
        let mut out = self.slice(axis, index, 1, 1);
        out.shape.remove(axis);
        out.strides.remove(axis);
        out
    }

    pub(crate) fn insert_axis(&self, axis: usize) -> Layout {
        let mut out = self.clone();
        out.shape.insert(axis, 1);
        out.strides.insert(axis, 1);
        out
    }

    /// The layout of the same elements in another shape of the same count, where strides allow it.
    pub(crate) fn reshape(&self, shape: &Shape) -> Option<Layout> {
        if self.len == 0 || self.is_contiguous() {
            let mut out = Layout::contiguous(shape.clone(), self.len);
            out.offset = self.offset;
            return Some(out);
        }
        // Walk both shapes from the front, matching groups of axes with equal products: a group is a
        // view if its old axes are contiguous among themselves (NumPy's `_attempt_nocopy_reshape`).
        let old: Vec<(usize, isize)> = self
            .shape
            .iter()
            .zip(self.strides.iter())
            .filter(|(d, _)| **d != 1)
            .map(|(&d, &s)| (d, s))
            .collect();
        let mut strides = vec![1isize; shape.len()];
        let (mut o, mut n) = (0, 0);
        while o < old.len() && n < shape.len() {
            let (o0, n0) = (o, n);
            let (mut op, mut np) = (old[o].0, shape[n]);
            while op != np {
                if np < op {
                    n += 1;
                    np *= shape[n];
                } else {
                    o += 1;
                    op *= old[o].0;
                }
            }
            if (o0..o).any(|i| old[i].1 != old[i + 1].1 * old[i + 1].0 as isize) {
                return None;
            }
            let mut step = old[o].1;
            for i in (n0..=n).rev() {
                strides[i] = step;
                step *= shape[i] as isize;
            }
            o += 1;
            n += 1;
        }
        Some(Layout {
            shape: shape.clone(),
            strides: strides.into_iter().collect(),
            offset: self.offset,
            len: self.len,
        })
    }
}

/// Calls `f` with the element offset of each index in row-major order.
pub(crate) fn for_each_offset(layout: &Layout, mut f: impl FnMut(usize)) {
    if layout.len == 0 {
        return;
    }
    let rank = layout.rank();
    let mut index = vec![0usize; rank];
    let mut offset = layout.offset as isize;
    loop {
        f(offset as usize);
        let mut axis = rank;
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            offset += layout.strides[axis];
            if index[axis] < layout.shape[axis] {
                break;
            }
            offset -= layout.strides[axis] * layout.shape[axis] as isize;
            index[axis] = 0;
        }
    }
}
