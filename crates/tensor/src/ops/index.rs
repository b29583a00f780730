//! Taking and adding elements by index. Indices are `i64`; negative ones count from the end.

use crate::dtype::{Element, Num};
use crate::error::{Error, Result, Site};
use crate::ops::view::normal_axis;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// An axis between the product of those before it and of those after it.
struct Lanes {
    outer: usize,
    size: usize,
    inner: usize,
}

impl Lanes {
    fn of(shape: &Shape, axis: usize) -> Lanes {
        Lanes {
            outer: shape[..axis].iter().product(),
            size: shape[axis],
            inner: shape[axis + 1..].iter().product(),
        }
    }
}

impl<T: Element> Tensor<T> {
    /// Every index within the axis, counted from the front.
    #[track_caller]
    fn checked_indices(
        &self,
        op: &'static str,
        axis: usize,
        index: &Tensor<i64>,
    ) -> Result<Vec<usize>> {
        let size = self.shape()[axis];
        let mut out = index.try_list(op, index.len())?;
        for i in index.iter() {
            match isize::try_from(i).ok().and_then(|i| normal_axis(i, size)) {
                Some(i) => out.push(i),
                None => {
                    let site = Site::new(op)
                        .operand_axis("self", T::DTYPE, self.shape(), axis)
                        .operand("index", index.dtype(), index.shape())
                        .hint("indices count from 0; negative ones count from the end");
                    return Err(Error::IndexOutOfRange {
                        site,
                        index: i,
                        axis,
                        size,
                    });
                }
            }
        }
        Ok(out)
    }

    #[track_caller]
    fn one_axis(&self, op: &'static str, index: &Tensor<i64>) -> Result<()> {
        if index.rank() == 1 {
            return Ok(());
        }
        Err(Error::Rank {
            site: self
                .site(op)
                .operand("index", index.dtype(), index.shape())
                .hint(
                    "reshape([INFER]) makes the index one axis; gather() takes one of self's rank",
                ),
            expected: "an index of one axis",
            rank: index.rank(),
            rule: "index.rank() == 1",
        })
    }

    /// The slices of an axis that a 1-d index names, in its order.
    ///
    /// # Errors
    /// If the axis or an index is out of range, or the index is not 1-d.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let t = Tensor::new([[1i64, 2], [3, 4]]);
    /// assert_eq!(t.index_select(0, &Tensor::new([-1i64, 0, 1]))?.to_vec(), [3, 4, 1, 2, 3, 4]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn index_select(&self, axis: isize, index: &Tensor<i64>) -> Result<Tensor<T>> {
        let a = self.axis("index_select", axis)?;
        self.one_axis("index_select", index)?;
        let picks = self.checked_indices("index_select", a, index)?;
        let mut shape = self.shape().clone();
        shape.as_mut_slice()[a] = picks.len();
        let x = self.try_contiguous("index_select")?;
        let x = x.as_slice().unwrap_or(&[]);
        let Lanes { outer, size, inner } = Lanes::of(self.shape(), a);
        let mut out =
            Tensor::try_full(&shape, T::default()).map_err(|e| e.rename("index_select"))?;
        if !out.is_empty() {
            let mut rows = out.as_mut_slice().chunks_exact_mut(inner);
            for o in 0..outer {
                for (&i, row) in picks.iter().zip(&mut rows) {
                    let from = (o * size + i) * inner;
                    row.copy_from_slice(&x[from..from + inner]);
                }
            }
        }
        Ok(out)
    }

    /// Checks an index of this rank whose other axes fit within this shape.
    #[track_caller]
    fn check_gather(&self, op: &'static str, axis: usize, index: &Tensor<i64>) -> Result<()> {
        let fits = index.rank() == self.rank()
            && index
                .shape()
                .iter()
                .zip(self.shape().iter())
                .enumerate()
                .all(|(a, (i, s))| a == axis || i <= s);
        if fits {
            return Ok(());
        }
        Err(Error::ShapeMismatch {
            site: self
                .site(op)
                .operand("index", index.dtype(), index.shape())
                .hint("index_select() takes whole slices by an index of one axis"),
            what: "the index does not fit",
            rule: "index has self's rank and, but along the axis, no larger sizes",
        })
    }

    /// Calls `f(place in index, place in self)` for each element of an index.
    fn for_each_gathered(
        &self,
        axis: usize,
        shape: &Shape,
        picks: &[usize],
        mut f: impl FnMut(usize, usize),
    ) {
        let strides = self.shape().contiguous_strides();
        let mut at = vec![0usize; shape.len()];
        for (k, &pick) in picks.iter().enumerate() {
            let flat: usize = at
                .iter()
                .enumerate()
                .map(|(a, &i)| strides[a] as usize * if a == axis { pick } else { i })
                .sum();
            f(k, flat);
            for (i, &d) in at.iter_mut().zip(shape.iter()).rev() {
                *i += 1;
                if *i < d {
                    break;
                }
                *i = 0;
            }
        }
    }

    /// `y[i…] = self[i… with the axis's place taken by index[i…]]` (PyTorch's `gather`).
    ///
    /// # Errors
    /// If the axis or an index is out of range, or the shapes do not fit.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let t = Tensor::new([[1i64, 2], [3, 4]]);
    /// assert_eq!(t.gather(1, &Tensor::new([[1i64], [0]]))?.to_vec(), [2, 3]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn gather(&self, axis: isize, index: &Tensor<i64>) -> Result<Tensor<T>> {
        let a = self.axis("gather", axis)?;
        self.check_gather("gather", a, index)?;
        let picks = self.checked_indices("gather", a, index)?;
        let x = self.try_contiguous("gather")?;
        let x = x.as_slice().unwrap_or(&[]);
        let mut out =
            Tensor::try_full(index.shape(), T::default()).map_err(|e| e.rename("gather"))?;
        let y = out.as_mut_slice();
        self.for_each_gathered(a, index.shape(), &picks, |k, flat| y[k] = x[flat]);
        Ok(out)
    }

    /// The elements where the mask, broadcast to this shape, is true, in row-major order.
    ///
    /// # Errors
    /// If the mask does not broadcast to this shape.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let t = Tensor::new([[1i64, 2], [3, 4]]);
    /// assert_eq!(t.masked_select(&Tensor::new([true, false]))?.to_vec(), [1, 3]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn masked_select(&self, mask: &Tensor<bool>) -> Result<Tensor<T>> {
        let Ok(wide) = mask.expand(self.shape()) else {
            return Err(Error::ShapeMismatch {
                site: self
                    .site("masked_select")
                    .operand("mask", mask.dtype(), mask.shape()),
                what: "the mask does not fit",
                rule: "aligned at the last axis, mask's sizes equal self's or are 1",
            });
        };
        let n = wide.iter().filter(|m| *m).count();
        let mut out = Tensor::try_full(n, T::default()).map_err(|e| e.rename("masked_select"))?;
        let chosen = self.iter().zip(wide.iter()).filter(|(_, m)| *m);
        for (y, (v, _)) in out.as_mut_slice().iter_mut().zip(chosen) {
            *y = v;
        }
        Ok(out)
    }

    /// The elements on and below a diagonal of the last two axes; others are zero (`false`).
    ///
    /// # Errors
    /// If there are fewer than two axes.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// assert_eq!(Tensor::new([[1i64, 2], [3, 4]]).tril(0)?.to_vec(), [1, 0, 3, 4]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn tril(&self, diagonal: isize) -> Result<Tensor<T>> {
        self.triangle("tril", |row, col| col <= row.saturating_add(diagonal))
    }

    /// The elements on and above a diagonal of the last two axes; others are zero (`false`).
    ///
    /// # Errors
    /// If there are fewer than two axes.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// assert_eq!(Tensor::new([[1i64, 2], [3, 4]]).triu(1)?.to_vec(), [0, 2, 0, 0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn triu(&self, diagonal: isize) -> Result<Tensor<T>> {
        self.triangle("triu", |row, col| col >= row.saturating_add(diagonal))
    }

    #[track_caller]
    fn triangle(&self, op: &'static str, keep: impl Fn(isize, isize) -> bool) -> Result<Tensor<T>> {
        if self.rank() < 2 {
            return Err(Error::Rank {
                site: self
                    .site(op)
                    .hint("unsqueeze(0) makes a vector a matrix of one row"),
                expected: "at least two axes",
                rank: self.rank(),
                rule: "self.rank() >= 2",
            });
        }
        let mut out = self.try_copied(op)?;
        let (rows, cols) = (self.shape()[self.rank() - 2], self.shape()[self.rank() - 1]);
        if !out.is_empty() {
            for matrix in out.as_mut_slice().chunks_exact_mut(rows * cols) {
                for (r, row) in matrix.chunks_exact_mut(cols).enumerate() {
                    for (c, v) in row.iter_mut().enumerate() {
                        if !keep(r as isize, c as isize) {
                            *v = T::default();
                        }
                    }
                }
            }
        }
        Ok(out)
    }
}

impl<T: Num> Tensor<T> {
    /// This tensor with `src[i…]` added at `[i… with the axis's place taken by index[i…]]` (PyTorch's
    /// `scatter_add`). Elements that an index names twice add up, in row-major order.
    ///
    /// # Errors
    /// If the axis or an index is out of range, or the shapes do not fit.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let (index, src) = (Tensor::new([0i64, 2, 0]), Tensor::new([1i64, 2, 3]));
    /// let t = Tensor::<i64>::zeros(3).scatter_add(0, &index, &src)?;
    /// assert_eq!(t.to_vec(), [4, 0, 2]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn scatter_add(
        &self,
        axis: isize,
        index: &Tensor<i64>,
        src: &Tensor<T>,
    ) -> Result<Tensor<T>> {
        let a = self.axis("scatter_add", axis)?;
        self.check_gather("scatter_add", a, index)?;
        let fits = src.rank() == index.rank()
            && src
                .shape()
                .iter()
                .zip(index.shape().iter())
                .all(|(s, i)| s >= i);
        if !fits {
            return Err(Error::ShapeMismatch {
                site: self
                    .site("scatter_add")
                    .operand("index", index.dtype(), index.shape())
                    .operand("src", T::DTYPE, src.shape()),
                what: "src does not cover the index",
                rule: "src has index's rank and no smaller sizes",
            });
        }
        let picks = self.checked_indices("scatter_add", a, index)?;
        let mut part = src.clone();
        for (axis, &d) in index.shape().iter().enumerate() {
            part = part.with_layout(part.layout.slice(axis, 0, 1, d));
        }
        let part = part.try_contiguous("scatter_add")?;
        let values = part.as_slice().unwrap_or(&[]);
        let mut out = self.try_copied("scatter_add")?;
        let y = out.as_mut_slice();
        self.for_each_gathered(a, index.shape(), &picks, |k, flat| {
            y[flat] = y[flat].add_(values[k])
        });
        Ok(out)
    }

    /// This tensor with the slices of `src` added to those slices of an axis that a 1-d index names.
    ///
    /// # Errors
    /// If the axis or an index is out of range, or the shapes do not fit.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let src = Tensor::new([[1i64, 2], [3, 4]]);
    /// let t = Tensor::<i64>::zeros([2, 2]).index_add(0, &Tensor::new([1, 1]), &src)?;
    /// assert_eq!(t.to_vec(), [0, 0, 4, 6]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn index_add(
        &self,
        axis: isize,
        index: &Tensor<i64>,
        src: &Tensor<T>,
    ) -> Result<Tensor<T>> {
        let a = self.axis("index_add", axis)?;
        self.one_axis("index_add", index)?;
        let mut want = self.shape().clone();
        want.as_mut_slice()[a] = index.len();
        if src.shape() != &want {
            return Err(Error::ShapeMismatch {
                site: self
                    .site("index_add")
                    .operand("index", index.dtype(), index.shape())
                    .operand("src", T::DTYPE, src.shape()),
                what: "src does not fit",
                rule: "src has self's shape, but index.len() along the axis",
            });
        }
        let picks = self.checked_indices("index_add", a, index)?;
        let src = src.try_contiguous("index_add")?;
        let values = src.as_slice().unwrap_or(&[]);
        let Lanes { outer, size, inner } = Lanes::of(self.shape(), a);
        let mut out = self.try_copied("index_add")?;
        let y = out.as_mut_slice();
        if !values.is_empty() {
            let mut rows = values.chunks_exact(inner);
            for o in 0..outer {
                for (&i, row) in picks.iter().zip(&mut rows) {
                    let at = (o * size + i) * inner;
                    for (y, v) in y[at..at + inner].iter_mut().zip(row) {
                        *y = y.add_(*v);
                    }
                }
            }
        }
        Ok(out)
    }
}

impl Tensor<bool> {
    /// The indices of the true elements, `[n, rank]`, in row-major order.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let t = Tensor::new([[false, true], [true, false]]).nonzero();
    /// assert_eq!(t, Tensor::new([[0i64, 1], [1, 0]]));
    /// ```
    #[track_caller]
    pub fn nonzero(&self) -> Tensor<i64> {
        let n = self.iter().filter(|v| *v).count();
        let mut out = Tensor::uninit("nonzero", Shape::from_slice(&[n, self.rank()]));
        out.fill(0);
        let strides = self.shape().contiguous_strides();
        let places = self.iter().enumerate().filter(|(_, v)| *v);
        let rows = out.as_mut_slice().chunks_exact_mut(self.rank().max(1));
        for (row, (flat, _)) in rows.zip(places) {
            for (i, (&s, &d)) in row.iter_mut().zip(strides.iter().zip(self.shape().iter())) {
                *i = (flat / s as usize % d) as i64;
            }
        }
        out
    }
}

impl Tensor<i64> {
    /// Each index as a row of `classes` zeros with a one at it; a new last axis.
    ///
    /// # Errors
    /// If an index is not within `0..classes` or the size overflows.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let t = Tensor::new([2i64, 0]).one_hot::<f32>(3)?;
    /// assert_eq!(t.to_vec(), [0., 0., 1., 1., 0., 0.]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn one_hot<U: Num>(&self, classes: usize) -> Result<Tensor<U>> {
        let mut shape = self.shape().clone();
        shape.push(classes);
        // First of all: a size that is refused spares looking at the indices.
        let mut out = Tensor::try_zeros(shape).map_err(|e| e.rename("one_hot"))?;
        for i in self.iter() {
            if usize::try_from(i).ok().filter(|i| *i < classes).is_none() {
                return Err(Error::ClassOutOfRange {
                    site: self
                        .site("one_hot")
                        .hint("an index is a class: negative ones do not count from the end"),
                    name: "index",
                    class: i,
                    classes,
                });
            }
        }
        if classes > 0 {
            for (row, i) in out
                .as_mut_slice()
                .chunks_exact_mut(classes)
                .zip(self.iter())
            {
                row[i as usize] = U::ONE;
            }
        }
        Ok(out)
    }
}
