//! Linear maps: products with a transposed weight, and what their gradients are made of.

use super::matmul::{merge, product, rank_error};
use crate::element::Float;
use crate::error::{Error, ErrorKind, Result, Site};
use crate::kernels::gemm::{Dims, Mat};
use crate::tensor::Tensor;

/// # Linear algebra: linear layers
impl<T: Float> Tensor<T> {
    /// A linear map of the last axis, `y = x·wᵀ + b`, in one pass over the output.
    ///
    /// # Shapes
    /// `self` `[…, in]`, `w` `[out, in]`, `b` `[out]` → `[…, out]`.
    ///
    /// # Errors
    /// If `self` is a scalar, `w` not 2-d or `b` not 1-d, or if their sizes do not fit.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let x = Tensor::<f32>::new([[1., 2.]]);
    /// let w = Tensor::new([[3., 4.], [5., 6.], [7., 8.]]);
    /// let y = x.linear(&w, Some(&Tensor::new([0.5, 0., 0.])))?;
    /// assert_eq!(y.to_vec(), [11.5, 17., 23.]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn linear(&self, w: &Tensor<T>, b: Option<&Tensor<T>>) -> Result<Tensor<T>> {
        if let Some([m, k]) = self.shape().pair()
            && let Some([n, columns]) = w.shape().pair()
            && k == columns
            && b.is_none_or(|b| b.shape()[..] == [n] && b.is_contiguous())
        {
            let operands = || (self.mat(), w.mat().t());
            return product("linear", Dims { m, n, k }, operands, b);
        }
        self.linear_any(w, b)
    }

    /// [`Tensor::linear`] of any ranks and layouts.
    #[track_caller]
    #[inline(never)]
    pub(super) fn linear_any(&self, w: &Tensor<T>, b: Option<&Tensor<T>>) -> Result<Tensor<T>> {
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
        let b = Mat {
            ptr: w.as_ptr(),
            row: w.strides()[1],
            col: w.strides()[0],
        };
        let y = product("linear", Dims { m, n, k }, || (a, b), bias)?;
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
    /// use wengert::Tensor;
    /// let (dy, x) = (Tensor::<f32>::new([[1.], [2.]]), Tensor::new([[3., 4.], [5., 6.]]));
    /// assert_eq!(dy.linear_weight_grad(&x)?.to_vec(), [13., 16.]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[doc(hidden)]
    #[track_caller]
    #[inline(never)]
    pub fn linear_weight_grad(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        if let Some([k, m]) = self.shape().pair()
            && let Some([rows, n]) = x.shape().pair()
            && k == rows
        {
            let operands = || (self.mat().t(), x.mat());
            return product("linear_weight_grad", Dims { m, n, k }, operands, None);
        }
        self.linear_weight_grad_any(x)
    }

    /// [`Tensor::linear_weight_grad`] of any ranks.
    #[track_caller]
    #[inline(never)]
    pub(super) fn linear_weight_grad_any(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let (dy, op) = (self, "linear_weight_grad");
        let (Some((&m, lead)), Some((&n, rows))) =
            (dy.shape().split_last(), x.shape().split_last())
        else {
            return Err(rank_error(dy, x).rename(op));
        };
        if lead != rows {
            let site = Site::new(op).operand("dy", T::DTYPE, dy.shape());
            return Err(site
                .operand("x", T::DTYPE, x.shape())
                .error(ErrorKind::ShapeMismatch {
                    what: "leading axes differ",
                    rule: "dy.shape[..-1] == x.shape[..-1]",
                }));
        }
        // All leading axes as one, which those of a contiguous tensor are, and those of one that repeats.
        let k = lead.iter().product();
        let as_rows = |t: &Tensor<T>| -> Result<(Tensor<T>, isize)> {
            let (last, strides) = (t.rank() - 1, t.strides());
            if let Some((&rows, lead)) = lead.split_last()
                && let Some((_, step)) = merge(lead, &strides[..last - 1], rows, strides[last - 1])
            {
                return Ok((t.clone(), step));
            }
            Ok((t.try_contiguous(op)?, t.shape()[last] as isize))
        };
        let ((dy, dy_row), (x, x_row)) = (as_rows(dy)?, as_rows(x)?);
        let rows_of = |t: &Tensor<T>, row: isize| Mat {
            ptr: t.as_ptr(),
            row,
            col: t.strides()[t.rank() - 1],
        };
        let d = Dims { m, n, k };
        product(
            op,
            d,
            || (rows_of(&dy, dy_row).t(), rows_of(&x, x_row)),
            None,
        )
    }
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
        return site
            .operand("x", T::DTYPE, x.shape())
            .operand("w", T::DTYPE, w.shape())
            .hint("a weight is [out, in]")
            .error(ErrorKind::Rank {
                expected: "a weight of two axes",
                rank: w.rank(),
                rule: "w.rank() == 2",
            });
    }
    if x.rank() == 0 {
        return site
            .operand("x", T::DTYPE, x.shape())
            .operand("w", T::DTYPE, w.shape())
            .hint("reshape([1]) makes a scalar a vector of one feature")
            .error(ErrorKind::Rank {
                expected: "an input of one axis or more",
                rank: 0,
                rule: "x.rank() >= 1",
            });
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
        return site
            .operand_axis("x", T::DTYPE, x.shape(), last)
            .operand_axis("w", T::DTYPE, w.shape(), 1)
            .hint(hint)
            .error(ErrorKind::ShapeMismatch {
                what: "inner dimensions differ",
                rule: "x.shape[-1] == w.shape[1]",
            });
    }
    let site = site.operand_axis("w", T::DTYPE, w.shape(), 0);
    let (site, rank) = match b {
        Some(b) if b.rank() == 1 => (site.operand_axis("b", T::DTYPE, b.shape(), 0), 1),
        Some(b) => (site.operand("b", T::DTYPE, b.shape()), b.rank()),
        None => (site, 1),
    };
    let site = site.hint(format!("b must be [{out}], one value for each row of w"));
    if rank != 1 {
        return site.error(ErrorKind::Rank {
            expected: "a bias of one axis",
            rank,
            rule: "b.rank() == 1",
        });
    }
    site.error(ErrorKind::ShapeMismatch {
        what: "the bias does not fit the weight",
        rule: "b.shape[0] == w.shape[0]",
    })
}
