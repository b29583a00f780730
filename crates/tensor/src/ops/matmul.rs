//! Products of matrices and vectors.

use crate::dtype::Float;
use crate::error::{Error, Result, Site};
use crate::kernels::gemm::{Dims, Gemm, Mat};
use crate::memory::AllocError;
use crate::shape::Shape;
use crate::tensor::Tensor;

impl<T: Float> Tensor<T> {
    /// Matrix product, `cᵢⱼ = Σₚ aᵢₚ·bₚⱼ`, with broadcast batch axes.
    ///
    /// # Shapes
    /// `[…, m, k]` × `[…, k, n]` → `[…, m, n]`; leading axes broadcast. A 1-d `self` is a row, a 1-d
    /// `other` a column, and the axis so added is taken away again: `[k]` × `[k]` → `[]`.
    ///
    /// # Errors
    /// If an operand is a scalar, the inner sizes differ, or the leading axes do not broadcast.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let a = Tensor::<f32>::new([[1., 2.], [3., 4.]]);
    /// let b = Tensor::new([[5., 6.], [7., 8.]]);
    /// assert_eq!(a.matmul(&b)?.to_vec(), [19., 22., 43., 50.]);
    /// assert_eq!(a.matmul(&Tensor::new([1., 1.]))?.to_vec(), [3., 7.]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn matmul(&self, other: &Tensor<T>) -> Result<Tensor<T>> {
        if let ([m, k], [rows, n]) = (&self.shape()[..], &other.shape()[..])
            && k == rows
        {
            let d = Dims {
                m: *m,
                n: *n,
                k: *k,
            };
            return product("matmul", d, self.mat(), other.mat(), None);
        }
        self.matmul_any(other)
    }

    /// [`Tensor::matmul`] of other ranks than two.
    #[track_caller]
    #[inline(never)]
    fn matmul_any(&self, other: &Tensor<T>) -> Result<Tensor<T>> {
        let (ra, rb) = (self.rank(), other.rank());
        if ra == 0 || rb == 0 {
            return Err(rank_error(self, other));
        }
        let (sa, sb) = (self.shape(), other.shape());
        let k = sa[ra - 1];
        if sb[rb.saturating_sub(2)] != k {
            return Err(inner_error(self, other));
        }
        let d = Dims {
            m: if ra == 1 { 1 } else { sa[ra - 2] },
            n: if rb == 1 { 1 } else { sb[rb - 1] },
            k,
        };
        let (ta, tb) = (self.strides(), other.strides());
        let a = Mat {
            ptr: self.as_ptr(),
            row: if ra == 1 { 0 } else { ta[ra - 2] },
            col: ta[ra - 1],
        };
        let b = Mat {
            ptr: other.as_ptr(),
            row: tb[rb.saturating_sub(2)],
            col: if rb == 1 { 0 } else { tb[rb - 1] },
        };
        if ra <= 2 && rb <= 2 {
            let shape = match (ra, rb) {
                (2, _) => Shape::from_slice(&[d.m]),
                (_, 2) => Shape::from_slice(&[d.n]),
                _ => Shape::new(),
            };
            return Ok(product("matmul", d, a, b, None)?.in_shape(shape));
        }
        self.matmul_batched(other, d, a, b)
    }

    /// A tensor of two axes, as an operand.
    #[inline(always)]
    fn mat(&self) -> Mat<T> {
        let strides = self.strides();
        Mat {
            ptr: self.as_ptr(),
            row: strides[0],
            col: strides[1],
        }
    }

    #[track_caller]
    fn matmul_batched(
        &self,
        other: &Tensor<T>,
        d: Dims,
        a: Mat<T>,
        b: Mat<T>,
    ) -> Result<Tensor<T>> {
        let lead = |t: &Tensor<T>| Shape::from_slice(&t.shape()[..t.rank().saturating_sub(2)]);
        let (la, lb) = (lead(self), lead(other));
        let Some(batch) = la.broadcast(&lb) else {
            return Err(batch_error(self, other, &la, &lb));
        };
        let mut shape = batch.clone();
        if self.rank() > 1 {
            shape.push(d.m);
        }
        if other.rank() > 1 {
            shape.push(d.n);
        }
        let out = Tensor::try_uninit("matmul", shape)?;
        if out.is_empty() {
            return Ok(out);
        }
        let strides = |t: &Tensor<T>, lead: &Shape| -> Vec<isize> {
            let skip = batch.len() - lead.len();
            (0..batch.len())
                .map(|i| match i.checked_sub(skip) {
                    Some(j) if lead[j] != 1 => t.strides()[j],
                    _ => 0,
                })
                .collect()
        };
        let (ba, bb) = (strides(self, &la), strides(other, &lb));
        let (c, row) = (out.as_ptr() as *mut T, std::ptr::null());
        // SAFETY: offsets are those of the operands broadcast to the batch axes; `out` is new,
        // contiguous, one product after another.
        unsafe {
            // One right operand for all: the batch is more rows of one product, if the rows are in step.
            if bb.iter().all(|s| *s == 0)
                && let Some((rows, step)) = merge(&batch, &ba, d.m, a.row)
            {
                let d = Dims { m: rows, ..d };
                let a = Mat { row: step, ..a };
                T::gemm(&Gemm { d, a, b, row, c })
            } else {
                let at = |i| (offset(&batch, &ba, i), offset(&batch, &bb, i));
                let count = batch.iter().product();
                T::gemm_batch(count, &Gemm { d, a, b, row, c }, &at)
            }
        }
        .map_err(refused)?;
        Ok(out)
    }

    /// Inner product of two vectors, `Σᵢ aᵢ·bᵢ`.
    ///
    /// # Shapes
    /// `[k]`, `[k]` → `[]`.
    ///
    /// # Errors
    /// If either is not 1-d, or their sizes differ.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let a = Tensor::<f32>::new([1., 2., 3.]);
    /// assert_eq!(a.dot(&Tensor::new([4., 5., 6.]))?.item()?, 32.);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn dot(&self, other: &Tensor<T>) -> Result<Tensor<T>> {
        vectors("dot", self, other)?;
        if self.len() != other.len() {
            return Err(Error::ShapeMismatch {
                site: Site::new("dot")
                    .operand_axis("lhs", T::DTYPE, self.shape(), 0)
                    .operand_axis("rhs", T::DTYPE, other.shape(), 0)
                    .hint("outer() is the product of vectors of different sizes"),
                what: "sizes differ",
                rule: "lhs.shape[0] == rhs.shape[0]",
            });
        }
        self.matmul(other).map_err(|e| e.rename("dot"))
    }

    /// Outer product of two vectors, `cᵢⱼ = aᵢ·bⱼ`.
    ///
    /// # Shapes
    /// `[m]`, `[n]` → `[m, n]`.
    ///
    /// # Errors
    /// If either is not 1-d.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let a = Tensor::<f32>::new([1., 2.]);
    /// assert_eq!(a.outer(&Tensor::new([3., 4.]))?.to_vec(), [3., 4., 6., 8.]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn outer(&self, other: &Tensor<T>) -> Result<Tensor<T>> {
        vectors("outer", self, other)?;
        // One multiplication an element: bound by memory, like any other elementwise product.
        let column = self.with_layout(self.layout().insert_axis(1));
        column.num2(crate::kernels::tables::Num2::Mul, "outer", other)
    }

    /// A linear map of the last axis, `y = x·wᵀ + b`, in one pass over the output.
    ///
    /// # Shapes
    /// `self` `[…, in]`, `w` `[out, in]`, `b` `[out]` → `[…, out]`.
    ///
    /// # Errors
    /// If `self` is a scalar, `w` not 2-d or `b` not 1-d, or if their sizes do not fit.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let x = Tensor::<f32>::new([[1., 2.]]);
    /// let w = Tensor::new([[3., 4.], [5., 6.], [7., 8.]]);
    /// let y = x.linear(&w, Some(&Tensor::new([0.5, 0., 0.])))?;
    /// assert_eq!(y.to_vec(), [11.5, 17., 23.]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn linear(&self, w: &Tensor<T>, b: Option<&Tensor<T>>) -> Result<Tensor<T>> {
        let (x, op) = (self, "linear");
        if let ([m, k], [n, columns]) = (&x.shape()[..], &w.shape()[..])
            && k == columns
            && b.is_none_or(|b| b.shape()[..] == [*n] && b.is_contiguous())
        {
            let d = Dims {
                m: *m,
                n: *n,
                k: *k,
            };
            return product(op, d, x.mat(), w.mat().t(), b);
        }
        self.linear_any(w, b)
    }

    /// [`Tensor::linear`] of any ranks and layouts.
    #[track_caller]
    #[inline(never)]
    fn linear_any(&self, w: &Tensor<T>, b: Option<&Tensor<T>>) -> Result<Tensor<T>> {
        check_linear(self, w, b)?;
        let rank = self.rank();
        let lead = &self.shape()[..rank - 1];
        let n = w.shape()[0];
        let mut shape = self.shape().clone();
        shape.as_mut_slice()[rank - 1] = n;
        if shape.checked_numel().is_none_or(|len| len == 0) {
            return Tensor::try_uninit("linear", shape);
        }
        let k = w.shape()[1];
        let merged = match rank {
            1 => Some((1, 0)),
            _ => merge(
                &lead[..rank - 2],
                &self.strides()[..rank - 2],
                lead[rank - 2],
                self.strides()[rank - 2],
            ),
        };
        let copy; // rows that are not in step are put in step
        let (x, m, row) = match merged {
            Some((m, row)) => (self, m, row),
            None => {
                copy = self.try_contiguous("linear")?;
                (&copy, lead.iter().product(), k as isize)
            }
        };
        let straight;
        let bias = match b {
            Some(b) if n > 1 && b.strides()[0] != 1 => {
                straight = b.try_contiguous("linear")?;
                Some(&straight)
            }
            b => b,
        };
        let a = Mat {
            ptr: x.as_ptr(),
            row,
            col: x.strides()[rank - 1],
        };
        let y = product("linear", Dims { m, n, k }, a, w.mat().t(), bias)?;
        Ok(y.in_shape(shape))
    }

    /// The gradient of [`linear`](Tensor::linear)'s weight, `dyᵀ·x` over all leading axes, `self` being
    /// `dy`.
    ///
    /// # Shapes
    /// `self` `[…, out]`, `x` `[…, in]` → `[out, in]`.
    ///
    /// # Errors
    /// If the leading axes differ, or either is a scalar.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    /// let (dy, x) = (Tensor::<f32>::new([[1.], [2.]]), Tensor::new([[3., 4.], [5., 6.]]));
    /// assert_eq!(dy.linear_weight_grad(&x)?.to_vec(), [13., 16.]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[track_caller]
    pub fn linear_weight_grad(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let (dy, op) = (self, "linear_weight_grad");
        if let ([k, m], [rows, n]) = (&dy.shape()[..], &x.shape()[..])
            && k == rows
        {
            let d = Dims {
                m: *m,
                n: *n,
                k: *k,
            };
            return product(op, d, dy.mat().t(), x.mat(), None);
        }
        let (Some((&m, lead)), Some((&n, rows))) =
            (dy.shape().split_last(), x.shape().split_last())
        else {
            return Err(rank_error(dy, x).rename(op));
        };
        if lead != rows {
            let site = Site::new(op).operand("dy", T::DTYPE, dy.shape());
            return Err(Error::ShapeMismatch {
                site: site.operand("x", T::DTYPE, x.shape()),
                what: "leading axes differ",
                rule: "dy.shape[..-1] == x.shape[..-1]",
            });
        }
        // All leading axes as one, which a contiguous tensor has.
        let k = lead.iter().product();
        let (dy, x) = (dy.contiguous(), x.contiguous());
        let rows_of = |t: &Tensor<T>, columns: usize| Mat {
            ptr: t.as_ptr(),
            row: columns as isize,
            col: 1,
        };
        let d = Dims { m, n, k };
        product(op, d, rows_of(&dy, m).t(), rows_of(&x, n), None)
    }
}

/// A product of two matrices, plus a row on every row where there is one, which must be contiguous and as long.
#[track_caller]
#[inline(never)]
fn product<T: Float>(
    op: &'static str,
    d: Dims,
    a: Mat<T>,
    b: Mat<T>,
    row: Option<&Tensor<T>>,
) -> Result<Tensor<T>> {
    let out = Tensor::try_matrix(op, d.m, d.n)?;
    let row = row.map_or(std::ptr::null(), Tensor::as_ptr);
    let c = out.as_ptr() as *mut T;
    // SAFETY: sizes and strides are the operands' own, and agree; `out` is new, contiguous, `m × n`.
    match unsafe { T::gemm(&Gemm { d, a, b, row, c }) } {
        Ok(()) => Ok(out),
        Err(e) => Err(refused(e).rename(op)),
    }
}

/// Leading axes and the rows below them as one axis of rows, where they are in step.
fn merge(lead: &[usize], strides: &[isize], rows: usize, step: isize) -> Option<(usize, isize)> {
    let (mut count, mut each) = (rows, step);
    for (&d, &s) in lead.iter().zip(strides).rev() {
        if d == 1 {
            continue;
        }
        if count == 1 {
            each = s;
        } else if s != each * count as isize {
            return None;
        }
        count *= d;
    }
    Some((count, each))
}

/// The offset of the product with this number.
fn offset(batch: &[usize], strides: &[isize], mut i: usize) -> isize {
    let mut at = 0;
    for (&d, &s) in batch.iter().zip(strides).rev() {
        at += (i % d) as isize * s;
        i /= d;
    }
    at
}

#[track_caller]
#[cold]
fn refused(e: AllocError) -> Error {
    Error::OutOfMemory {
        site: Site::new("matmul"),
        bytes: e.bytes,
    }
}

#[track_caller]
#[cold]
fn rank_error<T: Float>(a: &Tensor<T>, b: &Tensor<T>) -> Error {
    Error::Rank {
        site: Site::new("matmul")
            .operand("lhs", T::DTYPE, a.shape())
            .operand("rhs", T::DTYPE, b.shape())
            .hint("a scalar multiplies every element: use `*`"),
        expected: "operands of one axis or more",
        rank: 0,
        rule: "lhs.rank() >= 1 and rhs.rank() >= 1",
    }
}

#[track_caller]
#[cold]
fn inner_error<T: Float>(a: &Tensor<T>, b: &Tensor<T>) -> Error {
    let (sa, sb) = (a.shape(), b.shape());
    let (ra, rb) = (sa.len(), sb.len());
    let (ka, kb) = (sa[ra - 1], sb[rb.saturating_sub(2)]);
    let turned = |s: &Shape| {
        let mut t = s.clone();
        let r = t.len();
        t.as_mut_slice().swap(r - 2, r - 1);
        t
    };
    let call = |rank: usize| {
        if rank == 2 {
            "t()"
        } else {
            "transpose(-2, -1)"
        }
    };
    let hint = if rb >= 2 && sb[rb - 1] == ka {
        format!("rhs.{} is {}, which fits", call(rb), turned(sb))
    } else if ra >= 2 && sa[ra - 2] == kb {
        format!("lhs.{} is {}, which fits", call(ra), turned(sa))
    } else if rb >= 2 && ra >= 2 && sb[rb - 1] == sa[ra - 2] {
        "rhs.matmul(&lhs) fits".to_string()
    } else if ra == 1 && rb >= 2 {
        format!("lhs is a row: it needs {kb} elements")
    } else if rb == 1 && ra >= 2 {
        format!("rhs is a column: it needs {ka} elements")
    } else {
        format!("lhs needs {kb} columns, or rhs {ka} rows")
    };
    Error::ShapeMismatch {
        site: Site::new("matmul")
            .operand_axis("lhs", T::DTYPE, sa, ra - 1)
            .operand_axis("rhs", T::DTYPE, sb, rb.saturating_sub(2))
            .hint(hint),
        what: "inner dimensions differ",
        rule: match rb {
            1 => "lhs.shape[-1] == rhs.shape[0]",
            _ => "lhs.shape[-1] == rhs.shape[-2]",
        },
    }
}

#[track_caller]
#[cold]
fn batch_error<T: Float>(a: &Tensor<T>, b: &Tensor<T>, la: &Shape, lb: &Shape) -> Error {
    let bad = (1..=la.len().min(lb.len())).find(|&i| {
        let (x, y) = (la[la.len() - i], lb[lb.len() - i]);
        x != y && x != 1 && y != 1
    });
    let i = bad.unwrap_or(1);
    Error::Broadcast {
        site: Site::new("matmul")
            .operand_axis("lhs", T::DTYPE, a.shape(), la.len() - i)
            .operand_axis("rhs", T::DTYPE, b.shape(), lb.len() - i)
            .hint("the axes before the last two are batch axes: they broadcast, the last two multiply"),
    }
}

#[track_caller]
fn vectors<T: Float>(op: &'static str, a: &Tensor<T>, b: &Tensor<T>) -> Result<()> {
    if a.rank() == 1 && b.rank() == 1 {
        return Ok(());
    }
    let rank = if a.rank() == 1 { b.rank() } else { a.rank() };
    let site =
        Site::new(op)
            .operand("lhs", T::DTYPE, a.shape())
            .operand("rhs", T::DTYPE, b.shape());
    Err(Error::Rank {
        site: match rank {
            0 => site.hint("a scalar multiplies every element: use `*`"),
            _ => site.hint("matmul() multiplies matrices; flatten(0, -1) makes a vector"),
        },
        expected: "two vectors",
        rank,
        rule: "lhs.rank() == 1 and rhs.rank() == 1",
    })
}

#[track_caller]
#[inline]
fn check_linear<T: Float>(x: &Tensor<T>, w: &Tensor<T>, b: Option<&Tensor<T>>) -> Result<()> {
    let fits = w.rank() == 2
        && x.rank() >= 1
        && x.shape()[x.rank() - 1] == w.shape()[1]
        && b.is_none_or(|b| b.rank() == 1 && b.len() == w.shape()[0]);
    if fits {
        Ok(())
    } else {
        Err(linear_error(x, w, b))
    }
}

#[track_caller]
#[cold]
fn linear_error<T: Float>(x: &Tensor<T>, w: &Tensor<T>, b: Option<&Tensor<T>>) -> Error {
    let site = Site::new("linear");
    if w.rank() != 2 {
        return Error::Rank {
            site: site
                .operand("x", T::DTYPE, x.shape())
                .operand("w", T::DTYPE, w.shape())
                .hint("a weight is [out, in]"),
            expected: "a weight of two axes",
            rank: w.rank(),
            rule: "w.rank() == 2",
        };
    }
    if x.rank() == 0 {
        return Error::Rank {
            site: site
                .operand("x", T::DTYPE, x.shape())
                .operand("w", T::DTYPE, w.shape())
                .hint("reshape([1]) makes a scalar a vector of one feature"),
            expected: "an input of one axis or more",
            rank: 0,
            rule: "x.rank() >= 1",
        };
    }
    let (out, inn) = (w.shape()[0], w.shape()[1]);
    let last = x.rank() - 1;
    let features = x.shape()[last];
    if features != inn {
        let hint = if out == features {
            format!("w.t() is [{inn}, {out}], which fits: a weight is [out, in]")
        } else {
            format!("x has {features} features: w must be [{out}, {features}]")
        };
        return Error::ShapeMismatch {
            site: site
                .operand_axis("x", T::DTYPE, x.shape(), last)
                .operand_axis("w", T::DTYPE, w.shape(), 1)
                .hint(hint),
            what: "inner dimensions differ",
            rule: "x.shape[-1] == w.shape[1]",
        };
    }
    let site = site.operand_axis("w", T::DTYPE, w.shape(), 0);
    let (site, rank) = match b {
        Some(b) if b.rank() == 1 => (site.operand_axis("b", T::DTYPE, b.shape(), 0), 1),
        Some(b) => (site.operand("b", T::DTYPE, b.shape()), b.rank()),
        None => (site, 1),
    };
    let site = site.hint(format!("b must be [{out}], one value for each row of w"));
    if rank != 1 {
        return Error::Rank {
            site,
            expected: "a bias of one axis",
            rank,
            rule: "b.rank() == 1",
        };
    }
    Error::ShapeMismatch {
        site,
        what: "the bias does not fit the weight",
        rule: "b.shape[0] == w.shape[0]",
    }
}
