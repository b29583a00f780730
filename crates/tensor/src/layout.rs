//! Where the elements of a view lie in its buffer. Views are arithmetic on this and nothing else.
//!
//! Invariant: for every index within `shape`, `offset + Σ indexᵢ·strideᵢ` is within the buffer. Each
//! function here keeps it, given a layout that has it. Shape and strides change by [`Layout::of`] alone, for what
//! follows from them is kept beside them.

use crate::shape::{Shape, Strides};

/// Shape, strides and offset (both in elements) of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)] // in this order: see `Dims`
pub(crate) struct Layout {
    pub(crate) shape: Shape,
    pub(crate) offset: usize,
    pub(crate) strides: Strides,
    count: Count,
}

/// The number of elements, and in the lowest bit whether they lie one after another in row-major order: kept because
/// every kernel call asks for both, of each operand (a small op spent a twentieth of its time on the second). One word:
/// with another a layout would not fit the header of its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count(usize);

impl Count {
    #[inline(always)]
    fn new(len: usize, contiguous: bool) -> Count {
        // No buffer has more than `isize::MAX` bytes, nor a view that repeats elements more of them.
        Count(len << 1 | usize::from(contiguous))
    }
}

impl Layout {
    /// `len` must be the shape's checked element count.
    pub(crate) fn of(shape: Shape, offset: usize, strides: Strides, len: usize) -> Layout {
        let mut step = 1isize;
        let in_order = |(&d, &s): (&usize, &isize)| {
            let fits = d == 1 || s == step;
            step *= d as isize;
            fits
        };
        let contiguous = len == 0 || shape.iter().zip(strides.iter()).rev().all(in_order);
        Layout {
            shape,
            offset,
            strides,
            count: Count::new(len, contiguous),
        }
    }

    /// Row-major from offset 0. `len` must be the shape's checked element count.
    #[inline(always)]
    pub(crate) fn contiguous(shape: Shape, len: usize) -> Layout {
        let strides = shape.contiguous_strides();
        Layout {
            shape,
            offset: 0,
            strides,
            count: Count::new(len, true),
        }
    }

    /// The same view of another buffer, from its start.
    #[inline(always)]
    pub(crate) fn at_start(&self) -> Layout {
        Layout {
            offset: 0,
            ..self.clone()
        }
    }

    /// The number of elements.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.count.0 >> 1
    }

    /// Whether it is whole in its place, with no list on the heap.
    #[inline(always)]
    pub(crate) fn is_inline(&self) -> bool {
        self.shape.is_inline() && self.strides.is_inline()
    }

    #[inline]
    pub(crate) fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Whether the elements lie one after another in row-major order.
    #[inline(always)]
    pub(crate) fn is_contiguous(&self) -> bool {
        self.count.0 & 1 != 0
    }

    /// Whether two indices may share an element (some axis of several elements has stride 0, or
    /// strides interleave). Conservative: `true` where it cannot tell cheaply.
    pub(crate) fn may_overlap(&self) -> bool {
        if self.len() <= 1 {
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
        let (shape, strides) = self.axes(order.iter().copied());
        Layout::of(shape, self.offset, strides, self.len())
    }

    /// The sizes and steps of these axes, in their order.
    pub(crate) fn axes(&self, which: impl Iterator<Item = usize> + Clone) -> (Shape, Strides) {
        let shape = which.clone().map(|a| self.shape[a]).collect();
        (shape, which.map(|a| self.strides[a]).collect())
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
        let strides = self.broadcast_strides(shape);
        Layout::of(shape.clone(), self.offset, strides, len)
    }

    /// Elements `start, start + step, …` (`count` of them) of an axis.
    pub(crate) fn slice(&self, axis: usize, start: usize, step: isize, count: usize) -> Layout {
        let (mut shape, mut strides) = (self.shape.clone(), self.strides.clone());
        let stride = self.strides[axis];
        shape.as_mut_slice()[axis] = count;
        // A step beyond the axis is never taken; its stride is only kept from overflowing.
        strides.as_mut_slice()[axis] = if count > 1 { stride * step } else { stride };
        let rest = self.len().checked_div(self.shape[axis]);
        let len = rest.map_or(0, |rest| rest * count);
        let mut offset = self.offset;
        if len > 0 {
            offset = (offset as isize + start as isize * stride) as usize;
        }
        Layout::of(shape, offset, strides, len)
    }

    pub(crate) fn select(&self, axis: usize, index: usize) -> Layout {
        self.slice(axis, index, 1, 1).without(|a| a == axis)
    }

    /// Without those axes, all of size 1, that are to be dropped.
    pub(crate) fn without(&self, drop: impl Fn(usize) -> bool) -> Layout {
        let (shape, strides) = self.axes((0..self.rank()).filter(|&a| !drop(a)));
        Layout::of(shape, self.offset, strides, self.len())
    }

    pub(crate) fn insert_axis(&self, axis: usize) -> Layout {
        let (mut shape, mut strides) = (self.shape.clone(), self.strides.clone());
        shape.insert(axis, 1);
        strides.insert(axis, 1);
        Layout::of(shape, self.offset, strides, self.len())
    }

    /// The layout of the same elements in another shape of the same count, where strides allow it.
    pub(crate) fn reshape(&self, shape: &Shape) -> Option<Layout> {
        if self.is_contiguous() {
            let mut out = Layout::contiguous(shape.clone(), self.len());
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
        let strides = strides.into_iter().collect();
        Some(Layout::of(shape.clone(), self.offset, strides, self.len()))
    }
}

/// Calls `f` with the element offset of each index in row-major order.
pub(crate) fn for_each_offset(layout: &Layout, mut f: impl FnMut(usize)) {
    if layout.len() == 0 {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every view of three axes that slices, exchanges, repeats, adds and drops axes: whether it is contiguous is what
    /// its elements' places say.
    #[test]
    fn contiguous_is_what_lies_one_after_another() {
        let (mut yes, mut no) = (0, 0);
        let mut check = |layout: Layout| {
            let mut places = Vec::new();
            for_each_offset(&layout, |at| places.push(at));
            assert_eq!(places.len(), layout.len());
            let in_order = places.windows(2).all(|w| w[1] == w[0].wrapping_add(1));
            assert_eq!(layout.is_contiguous(), in_order, "{layout:?}");
            *(if in_order { &mut yes } else { &mut no }) += 1;
            layout
        };
        for sizes in [[2, 3, 4], [1, 3, 1], [3, 1, 2], [2, 0, 3], [1, 1, 1]] {
            let len = sizes.iter().product();
            let all = check(Layout::contiguous(Shape::from_slice(&sizes), len));
            for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [2, 1, 0]] {
                let turned = check(all.permute(&order));
                for axis in 0..3 {
                    let size = turned.shape[axis];
                    for count in 0..=size {
                        let part = check(turned.slice(axis, size - count, 1, count));
                        check(part.insert_axis(axis));
                        check(part.without(|a| part.shape[a] == 1));
                        let wide = check(part.insert_axis(0)).expand(
                            &[&[2], &part.shape[..]].concat().into_iter().collect(),
                            2 * part.len(),
                        );
                        check(wide);
                    }
                    if size > 0 {
                        check(turned.slice(axis, size - 1, -1, size));
                        check(turned.select(axis, size - 1));
                    }
                }
                if let Some(flat) = turned.reshape(&Shape::from_slice(&[len])) {
                    check(flat);
                }
            }
        }
        assert!(yes > 100 && no > 100, "{yes} and {no}");
    }
}
