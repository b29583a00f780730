//! Products of matrices and vectors.

use crate::element::Float;
use crate::error::{Error, ErrorKind, Result, Site};
use crate::kernels::gemm::{Dims, Gemm, Mat, gemm};
use crate::memory::AllocError;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// # Linear algebra
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
    /// use wengert::Tensor;
    /// let a = Tensor::<f32>::new([[1., 2.], [3., 4.]]);
    /// let b = Tensor::new([[5., 6.], [7., 8.]]);
    /// assert_eq!(a.matmul(&b)?.to_vec(), [19., 22., 43., 50.]);
    /// assert_eq!(a.matmul(&Tensor::new([1., 1.]))?.to_vec(), [3., 7.]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn matmul(&self, other: &Tensor<T>) -> Result<Tensor<T>> {
        if let Some([m, k]) = self.shape().pair()
            && let Some([rows, n]) = other.shape().pair()
            && k == rows
        {
            let operands = || (self.mat(), other.mat());
            return product("matmul", Dims { m, n, k }, operands, None);
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
                (2, 2) => Shape::matrix(d.m, d.n),
                (2, _) => Shape::from_slice(&[d.m]),
                (_, 2) => Shape::from_slice(&[d.n]),
                _ => Shape::new(),
            };
            return Ok(product("matmul", d, || (a, b), None)?.in_shape(shape));
        }
        self.matmul_batched(other, d, a, b)
    }

    /// A tensor of two axes, as an operand.
    #[inline(always)]
    pub(super) fn mat(&self) -> Mat<T> {
        let [row, col] = self.strides().pair().unwrap_or_default();
        Mat {
            ptr: self.as_ptr(),
            row,
            col,
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
                gemm(&Gemm { d, a, b, row, c })
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
    /// use wengert::Tensor;
    /// let a = Tensor::<f32>::new([1., 2., 3.]);
    /// assert_eq!(a.dot(&Tensor::new([4., 5., 6.]))?.item()?, 32.);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn dot(&self, other: &Tensor<T>) -> Result<Tensor<T>> {
        vectors("dot", self, other)?;
        if self.len() != other.len() {
            return Err(Site::new("dot")
                .operand_axis("lhs", T::DTYPE, self.shape(), 0)
                .operand_axis("rhs", T::DTYPE, other.shape(), 0)
                .hint("outer() is the product of vectors of different sizes")
                .error(ErrorKind::ShapeMismatch {
                    what: "sizes differ",
                    rule: "lhs.shape[0] == rhs.shape[0]",
                }));
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
    /// use wengert::Tensor;
    /// let a = Tensor::<f32>::new([1., 2.]);
    /// assert_eq!(a.outer(&Tensor::new([3., 4.]))?.to_vec(), [3., 4., 6., 8.]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn outer(&self, other: &Tensor<T>) -> Result<Tensor<T>> {
        vectors("outer", self, other)?;
        // One multiplication an element: bound by memory, like any other elementwise product.
        let column = self.with_layout(self.layout().insert_axis(1));
        column.num2(crate::kernels::tables::Num2::Mul, "outer", other)
    }
}

/// A product of two matrices, plus a row on every row where there is one, which must be contiguous and as long.
///
/// The operands are asked for once there is an output: until then they would lie on the stack.
#[track_caller]
#[inline(always)]
pub(super) fn product<T: Float>(
    op: &'static str,
    d: Dims,
    operands: impl FnOnce() -> (Mat<T>, Mat<T>),
    row: Option<&Tensor<T>>,
) -> Result<Tensor<T>> {
    let out = Tensor::try_matrix(op, d.m, d.n)?;
    let (a, b) = operands();
    let row = row.map_or(std::ptr::null(), Tensor::as_ptr);
    let c = out.new_ptr();
    // SAFETY: sizes and strides are the operands' own, and agree; `out` is new, contiguous, `m × n`.
    match unsafe { gemm(&Gemm { d, a, b, row, c }) } {
        Ok(()) => Ok(out),
        Err(e) => Err(refused(e).rename(op)),
    }
}

/// Leading axes and the rows below them as one axis of rows, where they are in step.
pub(super) fn merge(
    lead: &[usize],
    strides: &[isize],
    rows: usize,
    step: isize,
) -> Option<(usize, isize)> {
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
    Site::new("matmul").error(ErrorKind::OutOfMemory { bytes: e.bytes })
}

#[track_caller]
#[cold]
pub(super) fn rank_error<T: Float>(a: &Tensor<T>, b: &Tensor<T>) -> Error {
    Site::new("matmul")
        .operand("lhs", T::DTYPE, a.shape())
        .operand("rhs", T::DTYPE, b.shape())
        .hint("a scalar multiplies every element: use `*`")
        .error(ErrorKind::Rank {
            expected: "operands of one axis or more",
            rank: 0,
            rule: "lhs.rank() >= 1 and rhs.rank() >= 1",
        })
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
    Site::new("matmul")
        .operand_axis("lhs", T::DTYPE, sa, ra - 1)
        .operand_axis("rhs", T::DTYPE, sb, rb.saturating_sub(2))
        .hint(hint)
        .error(ErrorKind::ShapeMismatch {
            what: "inner dimensions differ",
            rule: match rb {
                1 => "lhs.shape[-1] == rhs.shape[0]",
                _ => "lhs.shape[-1] == rhs.shape[-2]",
            },
        })
}

#[track_caller]
#[cold]
fn batch_error<T: Float>(a: &Tensor<T>, b: &Tensor<T>, la: &Shape, lb: &Shape) -> Error {
    let bad = (1..=la.len().min(lb.len())).find(|&i| {
        let (x, y) = (la[la.len() - i], lb[lb.len() - i]);
        x != y && x != 1 && y != 1
    });
    let i = bad.unwrap_or(1);
    Site::new("matmul")
        .operand_axis("lhs", T::DTYPE, a.shape(), la.len() - i)
        .operand_axis("rhs", T::DTYPE, b.shape(), lb.len() - i)
        .hint("the axes before the last two are batch axes: they broadcast, the last two multiply")
        .error(ErrorKind::Broadcast)
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
    Err((match rank {
        0 => site.hint("a scalar multiplies every element: use `*`"),
        _ => site.hint("matmul() multiplies matrices; flatten(0, -1) makes a vector"),
    })
    .error(ErrorKind::Rank {
        expected: "two vectors",
        rank,
        rule: "lhs.rank() == 1 and rhs.rank() == 1",
    }))
}
