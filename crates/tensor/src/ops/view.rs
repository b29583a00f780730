//! Views: other shapes, strides and offsets on the same memory. None of them copies, but `reshape`
//! where the strides do not allow a view.

use crate::element::Element;
use crate::error::{Error, ErrorKind, Result, Site};
use crate::shape::{Axes, INFER, IntoAxes, IntoShape, Shape};
use crate::tensor::Tensor;

/// # Views
impl<T: Element> Tensor<T> {
    #[track_caller]
    pub(crate) fn site(&self, op: &'static str) -> Site {
        Site::new(op).operand("self", T::DTYPE, self.shape())
    }

    /// The axis counted from the front.
    #[track_caller]
    pub(crate) fn axis(&self, op: &'static str, axis: isize) -> Result<usize> {
        match normal_axis(axis, self.rank()) {
            Some(a) => Ok(a),
            None => self.axis_error(op, axis),
        }
    }

    #[track_caller]
    #[cold]
    fn axis_error(&self, op: &'static str, axis: isize) -> Result<usize> {
        let hint = match self.rank() {
            0 => "unsqueeze(0) gives a scalar an axis".to_string(),
            rank => format!("the last axis is {} or -1", rank - 1),
        };
        Err(self.site(op).hint(hint).error(ErrorKind::AxisOutOfRange {
            axis,
            rank: self.rank(),
        }))
    }

    /// The axes counted from the front, in the order given, each once.
    #[track_caller]
    pub(crate) fn axes(
        &self,
        op: &'static str,
        axes: &Axes,
    ) -> Result<smallvec::SmallVec<[usize; 6]>> {
        let mut out = smallvec::SmallVec::new();
        for &a in &axes.0 {
            let axis = match normal_axis(a, self.rank()) {
                Some(axis) => axis,
                None => self.axis_error(op, a)?,
            };
            if out.contains(&axis) {
                let last = self.rank() - 1;
                return Err(self
                    .site(op)
                    .hint(format!(
                        "negative axes count from the end: -1 is axis {last}"
                    ))
                    .error(ErrorKind::RepeatedAxis { axis }));
            }
            out.push(axis);
        }
        Ok(out)
    }

    /// The sizes of the axes as an array, of as many as are asked for.
    ///
    /// # Errors
    /// If there are more or fewer axes.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let [batch, time, width] = Tensor::<f32>::zeros([8, 16, 32]).dims()?;
    /// assert_eq!((batch, time, width), (8, 16, 32));
    /// assert!(Tensor::<f32>::zeros([8, 16]).dims::<3>().is_err());
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[doc(alias = "dims2")]
    #[doc(alias = "dims3")]
    #[doc(alias = "dims4")]
    #[track_caller]
    #[inline]
    pub fn dims<const N: usize>(&self) -> Result<[usize; N]> {
        match <[usize; N]>::try_from(self.shape().as_slice()) {
            Ok(sizes) => Ok(sizes),
            Err(_) => Err(self.not_of_rank(N)),
        }
    }

    #[track_caller]
    #[cold]
    fn not_of_rank(&self, asked: usize) -> Error {
        self.site("dims")
            .hint(format!("{asked} sizes are asked for; shape() has them all"))
            .error(ErrorKind::Rank {
                expected: "as many axes as sizes are asked for",
                rank: self.rank(),
                rule: "self.rank() == N",
            })
    }

    /// The same elements in row-major order under another shape; a view where the strides allow it,
    /// else a copy. One axis may be [`INFER`].
    ///
    /// # Errors
    /// If the shape has another number of elements.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let t = Tensor::new([[1i64, 2, 3], [4, 5, 6]]);
    /// assert_eq!(t.reshape([3, INFER])?.shape(), &[3, 2][..]);
    /// assert!(t.reshape([4, INFER]).is_err());
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn reshape(&self, shape: impl IntoShape) -> Result<Tensor<T>> {
        self.reshape_as("reshape", shape.into_shape())
    }

    #[track_caller]
    fn reshape_as(&self, op: &'static str, asked: Shape) -> Result<Tensor<T>> {
        let shape = self.resolve_shape(op, asked)?;
        match self.layout().reshape(&shape) {
            Some(layout) => Ok(self.with_layout(layout)),
            None => Ok(self.try_copied(op)?.in_shape(shape)),
        }
    }

    #[track_caller]
    fn resolve_shape(&self, op: &'static str, mut shape: Shape) -> Result<Shape> {
        let text = || {
            let dims: Vec<String> = shape
                .iter()
                .map(|d| {
                    if *d == INFER {
                        "?".to_string()
                    } else {
                        d.to_string()
                    }
                })
                .collect();
            format!("[{}]", dims.join(", "))
        };
        let rule = match shape.iter().filter(|d| **d == INFER).count() {
            0 if shape.checked_numel() == Some(self.len()) => return Ok(shape),
            0 => "as many elements as self has",
            1 => {
                let rest: Shape = shape.iter().copied().filter(|d| *d != INFER).collect();
                match rest.checked_numel() {
                    Some(n) if n > 0 && self.len().is_multiple_of(n) => {
                        let missing = self.len() / n;
                        for d in shape.as_mut_slice() {
                            if *d == INFER {
                                *d = missing;
                            }
                        }
                        return Ok(shape);
                    }
                    Some(0) => "an inferred axis beside an axis of size 0 could have any size",
                    _ => "the other axes divide the number of elements of self",
                }
            }
            _ => "at most one axis is inferred",
        };
        let to = text();
        let site = self
            .site(op)
            .hint(format!("self has {} elements", self.len()));
        Err(site.error(ErrorKind::Reshape { to, rule }))
    }

    /// Axes `start` to `end` (inclusive, negative from the end) made one.
    ///
    /// # Errors
    /// If an axis is out of range or `start` comes after `end`.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let images = Tensor::<f32>::zeros([8, 3, 4, 4]);
    /// assert_eq!(images.flatten(1, -1)?.shape(), &[8, 48][..]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn flatten(&self, start: isize, end: isize) -> Result<Tensor<T>> {
        if self.rank() == 0 && matches!(start, 0 | -1) && matches!(end, 0 | -1) {
            return self.reshape_as("flatten", Shape::from_slice(&[1]));
        }
        let (s, e) = (self.axis("flatten", start)?, self.axis("flatten", end)?);
        if s > e {
            let value = format!("{start}..={end}");
            return Err(self
                .site("flatten")
                .hint("flatten(0, -1) makes one axis of all")
                .error(ErrorKind::InvalidArgument {
                    name: "axes",
                    value,
                    rule: "start <= end",
                }));
        }
        let mut shape: Shape = self.shape()[..s].iter().copied().collect();
        shape.push(self.shape()[s..=e].iter().product());
        for &d in &self.shape()[e + 1..] {
            shape.push(d);
        }
        self.reshape_as("flatten", shape)
    }

    /// Axes `a` and `b` swapped.
    ///
    /// # Errors
    /// If an axis is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([[1i64, 2], [3, 4]]);
    /// assert_eq!(t.transpose(0, -1)?.to_vec(), [1, 3, 2, 4]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn transpose(&self, a: isize, b: isize) -> Result<Tensor<T>> {
        let (a, b) = (self.axis("transpose", a)?, self.axis("transpose", b)?);
        let mut order: Shape = (0..self.rank()).collect();
        order.as_mut_slice().swap(a, b);
        Ok(self.with_layout(self.layout().permute(&order)))
    }

    /// The transpose of a matrix (a tensor of fewer than two axes is itself).
    ///
    /// # Errors
    /// If there are more than two axes.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([[1i64, 2, 3]]);
    /// assert_eq!(t.t()?.shape(), &[3, 1][..]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn t(&self) -> Result<Tensor<T>> {
        match self.rank() {
            0 | 1 => Ok(self.clone()),
            2 => self.transpose(0, 1),
            rank => Err(self
                .site("t")
                .hint("transpose(-2, -1) swaps the last two axes")
                .error(ErrorKind::Rank {
                    expected: "at most two axes",
                    rank,
                    rule: "self.rank() <= 2",
                })),
        }
    }

    /// The axes in another order: axis `i` of the result is axis `order[i]` of this.
    ///
    /// # Errors
    /// If `order` does not name every axis once.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let channels_last = Tensor::<f32>::zeros([8, 4, 5, 3]);
    /// assert_eq!(channels_last.permute([0, -1, 1, 2])?.shape(), &[8, 3, 4, 5][..]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn permute(&self, order: impl IntoAxes) -> Result<Tensor<T>> {
        let order = self.axes("permute", &order.into_axes())?;
        if order.len() != self.rank() {
            let named = order.len();
            return Err(self
                .site("permute")
                .hint(format!(
                    "the order names {named} axes; transpose(a, b) swaps two"
                ))
                .error(ErrorKind::Rank {
                    expected: "every axis named once",
                    rank: self.rank(),
                    rule: "order.len() == self.rank()",
                }));
        }
        Ok(self.with_layout(self.layout().permute(&order)))
    }

    /// This tensor broadcast to a shape, without a copy: axes of size 1 repeat, new axes come first.
    ///
    /// # Errors
    /// If this shape does not broadcast to that one.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let row = Tensor::new([1i64, 2]);
    /// assert_eq!(row.expand([3, 2])?.to_vec(), [1, 2, 1, 2, 1, 2]);
    /// assert_eq!(row.expand([3, 2])?.strides(), &[0, 1][..]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn expand(&self, shape: impl IntoShape) -> Result<Tensor<T>> {
        self.expand_to(shape.into_shape())
    }

    #[track_caller]
    pub(crate) fn expand_to(&self, shape: Shape) -> Result<Tensor<T>> {
        let fits = self.shape().broadcast(&shape).as_ref() == Some(&shape);
        match shape.checked_numel() {
            Some(len) if fits => Ok(self.with_layout(self.layout().expand(&shape, len))),
            Some(_) => Err(self
                    .site("expand")
                    .operand("to", T::DTYPE, &shape)
                    .hint("only axes of size 1 repeat, and new axes come first: unsqueeze() adds one elsewhere").error(ErrorKind::ShapeMismatch { what: "shape does not expand", rule: "aligned at the last axis, self's sizes equal the new ones or are 1" })),
            None => Err(self.site("expand").error(ErrorKind::SizeOverflow { shape })),
        }
    }

    /// Elements `start..start + len` of an axis; a negative `start` counts from the end.
    ///
    /// # Errors
    /// If the axis or the range is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([0i64, 1, 2, 3]);
    /// assert_eq!(t.narrow(0, 1, 2)?.to_vec(), [1, 2]);
    /// assert_eq!(t.narrow(0, -2, 2)?.to_vec(), [2, 3]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn narrow(&self, axis: isize, start: isize, len: usize) -> Result<Tensor<T>> {
        let a = self.axis("narrow", axis)?;
        let size = self.shape()[a];
        let first = if start < 0 {
            start.checked_add(size as isize)
        } else {
            Some(start)
        };
        match first {
            Some(first)
                if first >= 0
                    && (first as usize)
                        .checked_add(len)
                        .is_some_and(|end| end <= size) =>
            {
                Ok(self.with_layout(self.layout().slice(a, first as usize, 1, len)))
            }
            _ => Err(Site::new("narrow")
                .operand_axis("self", T::DTYPE, self.shape(), a)
                .error(ErrorKind::InvalidArgument {
                    name: "range",
                    value: format!("{start}, {len} elements"),
                    rule: "0 <= start and start + len <= the axis's size",
                })
                .or_hint("slice() cuts a range to the axis")),
        }
    }

    /// The elements at one index of an axis, which goes away; negative counts from the end.
    ///
    /// # Errors
    /// If the axis or the index is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([[1i64, 2], [3, 4]]);
    /// assert_eq!(t.select(1, -1)?.to_vec(), [2, 4]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn select(&self, axis: isize, index: isize) -> Result<Tensor<T>> {
        let a = self.axis("select", axis)?;
        let i = self.index("select", a, index as i64)?;
        Ok(self.with_layout(self.layout().select(a, i)))
    }

    /// An index into an axis, counted from the front.
    #[track_caller]
    pub(crate) fn index(&self, op: &'static str, axis: usize, index: i64) -> Result<usize> {
        let size = self.shape()[axis];
        match normal_axis(index as isize, size) {
            Some(i) => Ok(i),
            None => {
                let hint = match size {
                    0 => "the axis is empty".to_string(),
                    _ => format!("the last index is {} or -1", size - 1),
                };
                let site = Site::new(op)
                    .operand_axis("self", T::DTYPE, self.shape(), axis)
                    .hint(hint);
                Err(site.error(ErrorKind::IndexOutOfRange { index, axis, size }))
            }
        }
    }

    /// New axes of size 1 at these places of the result; negative ones count from its end.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([1i64, 2]);
    /// assert_eq!(t.unsqueeze(0)?.shape(), &[1, 2][..]);
    /// assert_eq!(t.unsqueeze(-1)?.shape(), &[2, 1][..]);
    /// assert_eq!(t.unsqueeze([0, 2, -1])?.shape(), &[1, 2, 1, 1][..]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn unsqueeze(&self, axes: impl IntoAxes) -> Result<Tensor<T>> {
        let axes = axes.into_axes();
        let rank = self.rank() + axes.0.len();
        let mut new = smallvec::SmallVec::<[usize; 6]>::new();
        for axis in axes.iter() {
            let Some(a) = normal_axis(axis, rank) else {
                return Err(self
                    .site("unsqueeze")
                    .hint(format!("{} or -1 adds the axis at the end", rank - 1))
                    .error(ErrorKind::AxisOutOfRange { axis, rank }));
            };
            if new.contains(&a) {
                return Err(self
                    .site("unsqueeze")
                    .hint(format!(
                        "the result has {rank} axes: -1 is axis {}",
                        rank - 1
                    ))
                    .error(ErrorKind::RepeatedAxis { axis: a }));
            }
            new.push(a);
        }
        // From the front on, each is where it is to stay.
        new.sort_unstable();
        let mut layout = self.layout().clone();
        for a in new {
            layout = layout.insert_axis(a);
        }
        Ok(self.with_layout(layout))
    }

    /// Without those of these axes that have size 1 (as PyTorch: others stay).
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::<f32>::zeros([1, 3, 1]);
    /// assert_eq!(t.squeeze(-1)?.shape(), &[1, 3][..]);
    /// assert_eq!(t.squeeze([0, 1])?.shape(), &[3, 1][..]);
    /// assert_eq!(t.squeeze_all().shape(), &[3][..]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn squeeze(&self, axes: impl IntoAxes) -> Result<Tensor<T>> {
        let axes = self.axes("squeeze", &axes.into_axes())?;
        Ok(self.without(|a| axes.contains(&a)))
    }

    /// Without all axes of size 1.
    pub fn squeeze_all(&self) -> Tensor<T> {
        self.without(|_| true)
    }

    fn without(&self, drop: impl Fn(usize) -> bool) -> Tensor<T> {
        let unit = |a| self.shape()[a] == 1;
        self.with_layout(self.layout().without(|a| unit(a) && drop(a)))
    }
}

/// An index counted from the front, if it is within `size`.
#[inline]
pub(crate) fn normal_axis(index: isize, size: usize) -> Option<usize> {
    let i = if index < 0 {
        index.checked_add_unsigned(size)?
    } else {
        index
    };
    usize::try_from(i).ok().filter(|i| *i < size)
}
