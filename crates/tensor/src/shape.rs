//! Shapes, strides and the arithmetic on them, all of it checked: a product that would wrap is an
//! error in release builds as well.

use std::fmt;
use std::ops::Deref;

use smallvec::SmallVec;

/// Dimensions kept inline before a shape spills to the heap: images and attention have four. With five, a
/// layout would not fit the header of its block.
const INLINE: usize = 4;

/// Placeholder for the one axis of a [`reshape`](crate::Tensor::reshape) whose size follows from the
/// others (NumPy's and PyTorch's `-1`).
pub const INFER: usize = usize::MAX;

/// The length of an inline list: a whole word, whose unused values tell the other variant, so that a
/// list is five words and moves as such.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
enum Len {
    L0 = 0,
    L1 = 1,
    L2 = 2,
    L3 = 3,
    L4 = 4,
}

impl Len {
    #[inline(always)]
    fn new(len: usize) -> Len {
        [Len::L0, Len::L1, Len::L2, Len::L3, Len::L4][len]
    }
}

/// A short list that is copied without a call: `SmallVec`'s copies go through `memmove` for a length known
/// at run time. On the heap are lists of more than [`INLINE`] items alone.
#[derive(Clone)]
enum Dims<T> {
    Inline(Inline<T>),
    Heap(Vec<T>),
}

/// In this order, as a layout's fields are: moves go by sixteen bytes from the start, and reading sixteen bytes that two
/// stores wrote waits for both. So the items begin at a multiple of sixteen.
///
/// Items beyond `len` are zero, so that two lists are compared whole.
#[derive(Clone, Copy)]
#[repr(C)]
struct Inline<T> {
    items: [T; INLINE],
    len: Len,
}

impl<T: Copy + Default> Dims<T> {
    #[inline(always)]
    fn new() -> Self {
        Dims::of_len(0)
    }

    /// `len` items to fill.
    #[inline(always)]
    fn of_len(len: usize) -> Self {
        if len > INLINE {
            Dims::Heap(vec![T::default(); len])
        } else {
            Dims::Inline(Inline {
                items: [T::default(); INLINE],
                len: Len::new(len),
            })
        }
    }

    #[inline]
    fn from_slice(dims: &[T]) -> Self {
        let mut out = Dims::of_len(dims.len());
        for (to, from) in out.as_mut_slice().iter_mut().zip(dims) {
            *to = *from;
        }
        out
    }

    #[inline(always)]
    fn as_slice(&self) -> &[T] {
        match self {
            Dims::Inline(Inline { items, len }) => &items[..*len as usize],
            Dims::Heap(v) => v,
        }
    }

    /// The items, if they are two.
    #[inline(always)]
    fn pair(&self) -> Option<[T; 2]> {
        match *self {
            Dims::Inline(Inline {
                items: [a, b, ..],
                len: Len::L2,
            }) => Some([a, b]),
            _ => None,
        }
    }

    #[inline(always)]
    fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Dims::Inline(Inline { items, len }) => &mut items[..*len as usize],
            Dims::Heap(v) => v,
        }
    }

    #[inline]
    fn push(&mut self, v: T) {
        match self {
            Dims::Inline(Inline { items, len }) if (*len as usize) < INLINE => {
                items[*len as usize] = v;
                *len = Len::new(*len as usize + 1);
            }
            Dims::Heap(heap) => heap.push(v),
            full => {
                let mut heap = full.as_slice().to_vec();
                heap.push(v);
                *full = Dims::Heap(heap);
            }
        }
    }

    fn insert(&mut self, at: usize, v: T) {
        self.push(v);
        self.as_mut_slice()[at..].rotate_right(1);
    }
}

/// The size of each axis of a tensor; `[]` is the shape of a scalar.
#[derive(Clone)]
pub struct Shape(Dims<usize>);

/// The step of each axis in elements; negative where the axis runs backwards, 0 where it repeats.
#[derive(Clone)]
pub struct Strides(Dims<isize>);

macro_rules! dims {
    ($name:ident, $item:ty) => {
        impl $name {
            /// No axes.
            #[inline]
            pub fn new() -> Self {
                $name(Dims::new())
            }
            /// Copies a slice.
            #[inline]
            pub fn from_slice(dims: &[$item]) -> Self {
                $name(Dims::from_slice(dims))
            }
            /// The sizes as a slice.
            #[inline(always)]
            pub fn as_slice(&self) -> &[$item] {
                self.0.as_slice()
            }
            #[inline(always)]
            pub(crate) fn is_inline(&self) -> bool {
                matches!(self.0, Dims::Inline(_))
            }
            #[inline(always)]
            pub(crate) fn pair(&self) -> Option<[$item; 2]> {
                self.0.pair()
            }
            #[inline]
            pub(crate) fn push(&mut self, v: $item) {
                self.0.push(v)
            }
            pub(crate) fn insert(&mut self, at: usize, v: $item) {
                self.0.insert(at, v)
            }
            #[inline(always)]
            pub(crate) fn as_mut_slice(&mut self) -> &mut [$item] {
                self.0.as_mut_slice()
            }
        }
        impl Default for $name {
            fn default() -> Self {
                $name::new()
            }
        }
        impl Deref for $name {
            type Target = [$item];
            #[inline(always)]
            fn deref(&self) -> &[$item] {
                self.as_slice()
            }
        }
        impl PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                match (&self.0, &other.0) {
                    (Dims::Inline(a), Dims::Inline(b)) => {
                        let differ = |i: usize| a.items[i] ^ b.items[i];
                        // Without a call or a loop, and word by word: as one `&&` after another it is read by sixteen bytes.
                        let items = differ(0) | differ(1) | differ(2) | differ(3);
                        items == 0 && a.len == b.len
                    }
                    _ => self.as_slice() == other.as_slice(),
                }
            }
        }
        impl Eq for $name {}
        impl std::hash::Hash for $name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.as_slice().hash(state)
            }
        }
        impl FromIterator<$item> for $name {
            fn from_iter<I: IntoIterator<Item = $item>>(iter: I) -> Self {
                let mut out = $name::new();
                for v in iter {
                    out.push(v);
                }
                out
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_slice())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_slice())
            }
        }
        impl PartialEq<[$item]> for $name {
            fn eq(&self, other: &[$item]) -> bool {
                self.as_slice() == other
            }
        }
        impl<const N: usize> PartialEq<[$item; N]> for $name {
            fn eq(&self, other: &[$item; N]) -> bool {
                self.as_slice() == other
            }
        }
    };
}
dims!(Shape, usize);
dims!(Strides, isize);

impl Shape {
    /// The number of elements, or `None` where it (or, for an empty shape, the product of the
    /// non-zero axes) passes `isize::MAX`, so that no stride of a contiguous layout can overflow.
    #[inline]
    pub fn checked_numel(&self) -> Option<usize> {
        let mut product = 1usize;
        let mut empty = false;
        for &d in self.iter() {
            if d == 0 {
                empty = true;
            } else {
                product = product.checked_mul(d)?;
            }
        }
        if product > isize::MAX as usize {
            return None;
        }
        Some(if empty { 0 } else { product })
    }

    /// `[m, n]`.
    #[inline(always)]
    pub(crate) fn matrix(m: usize, n: usize) -> Shape {
        Shape(Dims::Inline(Inline {
            items: [m, n, 0, 0],
            len: Len::L2,
        }))
    }

    /// Row-major strides. The shape must have passed [`Shape::checked_numel`].
    #[inline(always)]
    pub(crate) fn contiguous_strides(&self) -> Strides {
        let step = |size: usize| size.max(1) as isize;
        // Rank by rank: a loop costs a new tensor of 16 elements a tenth of its time.
        let strides = match &self.0 {
            &Dims::Inline(Inline {
                items: [_, b, c, d],
                len,
            }) => {
                let (b, c, d) = (step(b), step(c), step(d));
                let items = match len {
                    Len::L0 => [0; INLINE],
                    Len::L1 => [1, 0, 0, 0],
                    Len::L2 => [b, 1, 0, 0],
                    Len::L3 => [b * c, c, 1, 0],
                    Len::L4 => [b * c * d, c * d, d, 1],
                };
                Dims::Inline(Inline { items, len })
            }
            Dims::Heap(sizes) => {
                let mut strides = vec![1; sizes.len()];
                for axis in (1..sizes.len()).rev() {
                    strides[axis - 1] = strides[axis] * step(sizes[axis]);
                }
                Dims::Heap(strides)
            }
        };
        Strides(strides)
    }

    /// The shape that NumPy's broadcasting gives, or `None` where the two do not fit: aligned at the
    /// last axis, sizes equal or one of them 1.
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        let rank = self.len().max(other.len());
        let at = |s: &Shape, i: usize| {
            if i + s.len() >= rank {
                s[i + s.len() - rank]
            } else {
                1
            }
        };
        (0..rank)
            .map(|i| match (at(self, i), at(other, i)) {
                (a, b) if a == b => Some(a),
                (1, b) => Some(b),
                (a, 1) => Some(a),
                _ => None,
            })
            .collect()
    }
}

/// What can be given as a shape: `[2, 3]`, `vec![2, 3]`, `&dims[..]`, `5` (one axis), `[0usize; 0]`
/// or `()` (a scalar), another tensor's `shape()`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a shape",
    note = "a shape is an array, slice or vector of `usize`, or one alone: `[2, 3]`, `5`; `()` is a scalar's"
)]
pub trait IntoShape {
    /// The shape.
    fn into_shape(self) -> Shape;
}
impl IntoShape for Shape {
    fn into_shape(self) -> Shape {
        self
    }
}
impl IntoShape for &Shape {
    fn into_shape(self) -> Shape {
        self.clone()
    }
}
impl IntoShape for () {
    fn into_shape(self) -> Shape {
        Shape::new()
    }
}
impl IntoShape for usize {
    fn into_shape(self) -> Shape {
        Shape::from_slice(&[self])
    }
}
impl<const N: usize> IntoShape for [usize; N] {
    fn into_shape(self) -> Shape {
        Shape::from_slice(&self)
    }
}
impl<const N: usize> IntoShape for &[usize; N] {
    fn into_shape(self) -> Shape {
        Shape::from_slice(self)
    }
}
impl IntoShape for &[usize] {
    fn into_shape(self) -> Shape {
        Shape::from_slice(self)
    }
}
impl IntoShape for Vec<usize> {
    fn into_shape(self) -> Shape {
        Shape::from_slice(&self)
    }
}
impl IntoShape for &Vec<usize> {
    fn into_shape(self) -> Shape {
        Shape::from_slice(self)
    }
}

/// The axes given to a call, negative ones counted from the end: `0`, `-1`, `[0, -1]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axes(pub(crate) SmallVec<[isize; INLINE]>);

impl Axes {
    /// The axes as given.
    pub fn iter(&self) -> impl Iterator<Item = isize> + '_ {
        self.0.iter().copied()
    }
}

/// What can be given as axes: `-1`, `[0, 1]`, `&axes[..]`, `vec![0, 1]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name axes",
    note = "axes are an `isize`, or an array or slice of them; negative ones count from the last",
    note = "of all elements are `sum_all()`, `mean_all()`, `max_all()` and their like"
)]
pub trait IntoAxes {
    /// The axes as given, not yet checked against a rank.
    fn into_axes(self) -> Axes;
}
impl IntoAxes for Axes {
    fn into_axes(self) -> Axes {
        self
    }
}
impl IntoAxes for &Axes {
    fn into_axes(self) -> Axes {
        self.clone()
    }
}
impl IntoAxes for isize {
    fn into_axes(self) -> Axes {
        Axes(SmallVec::from_slice(&[self]))
    }
}
impl<const N: usize> IntoAxes for [isize; N] {
    fn into_axes(self) -> Axes {
        Axes(SmallVec::from_slice(&self))
    }
}
impl<const N: usize> IntoAxes for &[isize; N] {
    fn into_axes(self) -> Axes {
        Axes(SmallVec::from_slice(self))
    }
}
impl IntoAxes for &[isize] {
    fn into_axes(self) -> Axes {
        Axes(SmallVec::from_slice(self))
    }
}
impl IntoAxes for Vec<isize> {
    fn into_axes(self) -> Axes {
        Axes(SmallVec::from_vec(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_five_words_and_spill() {
        assert_eq!(size_of::<Shape>(), 40);
        let mut s = Shape::new();
        for d in 1..=8 {
            s.push(d);
        }
        assert_eq!(s, [1, 2, 3, 4, 5, 6, 7, 8]);
        s.insert(3, 9);
        assert_eq!(s, [1, 2, 3, 9, 4, 5, 6, 7, 8]);
        assert_eq!(s.clone(), s);
        assert_ne!(s, Shape::from_slice(&[1, 2]));
        // Lists that are compared whole: however they came about, and a list that begins another.
        let mut pair = Shape::from_slice(&[2]);
        pair.insert(0, 1);
        assert_eq!(pair, Shape::from_slice(&[1, 2]));
        assert_ne!(pair, Shape::from_slice(&[1, 2, 0]));
        assert_ne!(pair, Shape::from_slice(&[1]));
        assert_ne!(Shape::new(), Shape::from_slice(&[0]));
    }

    #[test]
    fn numel_is_checked() {
        assert_eq!(Shape::from_slice(&[2, 3]).checked_numel(), Some(6));
        assert_eq!(Shape::new().checked_numel(), Some(1));
        assert_eq!(Shape::from_slice(&[0, 5]).checked_numel(), Some(0));
        assert_eq!(Shape::from_slice(&[1 << 32, 1 << 32]).checked_numel(), None);
        assert_eq!(
            Shape::from_slice(&[0, 1 << 32, 1 << 32]).checked_numel(),
            None
        );
        assert_eq!(Shape::from_slice(&[usize::MAX]).checked_numel(), None);
    }

    #[test]
    fn broadcasting_follows_numpy() {
        let s = |d: &[usize]| Shape::from_slice(d);
        assert_eq!(s(&[3, 1]).broadcast(&s(&[4])), Some(s(&[3, 4])));
        assert_eq!(s(&[]).broadcast(&s(&[2, 0])), Some(s(&[2, 0])));
        assert_eq!(s(&[1]).broadcast(&s(&[0])), Some(s(&[0])));
        assert_eq!(s(&[2]).broadcast(&s(&[3])), None);
        assert_eq!(s(&[2]).broadcast(&s(&[0])), None);
    }

    #[test]
    fn strides_are_row_major() {
        assert_eq!(
            Shape::from_slice(&[2, 3, 4]).contiguous_strides(),
            [12, 4, 1]
        );
        assert_eq!(
            Shape::from_slice(&[2, 0, 4]).contiguous_strides(),
            [4, 4, 1]
        );
    }
}
