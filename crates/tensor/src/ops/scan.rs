//! Running sums and products.

use crate::dtype::Number;
use crate::element::{Float, Num};
use crate::error::{ErrorKind, Result, Site};
use crate::kernels::scan::NumScan;
use crate::kernels::tables::NumKernels;
use crate::tensor::Tensor;

/// Options of [`Tensor::cumsum_with`] and [`Tensor::cumprod_with`].
///
/// ```
/// use wengert::Tensor;
/// use wengert::tensor::Scan;
/// let t = Tensor::new([1i64, 2, 4]);
/// assert_eq!(t.cumsum_with(0, Scan::new().exclusive())?.to_vec(), [0, 1, 3]);
/// assert_eq!(t.cumsum_with(0, Scan::new().reverse())?.to_vec(), [7, 6, 4]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    exclusive: bool,
    reverse: bool,
}

impl Scan {
    /// From the first element on, each with itself.
    pub fn new() -> Scan {
        Scan::default()
    }
    /// Each element without itself: the first result is that of nothing.
    pub fn exclusive(mut self) -> Scan {
        self.exclusive = true;
        self
    }
    /// From the last element on.
    pub fn reverse(mut self) -> Scan {
        self.reverse = true;
        self
    }
    /// Whether each element is left out of its own result.
    pub fn is_exclusive(self) -> bool {
        self.exclusive
    }
    /// Whether the last element is the first.
    pub fn is_reverse(self) -> bool {
        self.reverse
    }
}

/// # Running sums and products
impl<T: Num> Tensor<T> {
    #[track_caller]
    fn scan_with(
        &self,
        op: &'static str,
        code: NumScan,
        axis: isize,
        options: Scan,
    ) -> Result<Tensor<T::Sum>> {
        let a = self.axis(op, axis)?;
        let n = self.shape()[a];
        let source = if options.reverse {
            self.flip(axis)?
        } else {
            self.clone()
        };
        let mut out = source.scan(op, code, axis)?;
        if options.exclusive && n > 0 {
            let first = match code {
                NumScan::Sum => <T::Sum as Number>::ZERO,
                NumScan::Prod => <T::Sum as Number>::ONE,
            };
            let mut shape = self.shape().clone();
            shape.as_mut_slice()[a] = 1;
            let before = out.narrow(axis, 0, n - 1)?;
            let first = Tensor::try_full(shape, first).map_err(|e| e.rename(op))?;
            out = Tensor::cat(&[first, before], axis).map_err(|e| e.rename(op))?;
        }
        if options.reverse {
            out = out.flip(axis)?;
        }
        Ok(out)
    }

    /// [`cumsum`](Tensor::cumsum) from the other end, or without each element itself.
    ///
    /// # Errors
    /// If the axis is out of range.
    #[track_caller]
    #[inline(never)]
    pub fn cumsum_with(&self, axis: isize, options: Scan) -> Result<Tensor<T::Sum>> {
        self.scan_with("cumsum_with", NumScan::Sum, axis, options)
    }

    /// [`cumprod`](Tensor::cumprod) from the other end, or without each element itself.
    ///
    /// # Errors
    /// If the axis is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// use wengert::tensor::Scan;
    /// let t = Tensor::new([2.0f32, 3.0, 4.0]);
    /// let behind = t.cumprod_with(0, Scan::new().exclusive().reverse())?;
    /// assert_eq!(behind.to_vec(), [12.0, 4.0, 1.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn cumprod_with(&self, axis: isize, options: Scan) -> Result<Tensor<T::Sum>> {
        self.scan_with("cumprod_with", NumScan::Prod, axis, options)
    }

    #[track_caller]
    fn scan(&self, op: &'static str, code: NumScan, axis: isize) -> Result<Tensor<T::Sum>> {
        let axis = self.axis(op, axis)?;
        let out = Tensor::<T::Sum>::try_uninit(op, self.shape().clone())?;
        let x = self.try_contiguous(op)?;
        let dst = out.as_ptr() as *mut u8;
        // SAFETY: the source is contiguous of this shape, and so is `out`, which is new.
        unsafe { <T as NumKernels>::scan(code, x.geometry_at(axis), x.as_ptr(), dst) };
        Ok(out)
    }

    /// The running sum along an axis, `yᵢ = x₀ + … + xᵢ`, added in that order.
    ///
    /// # Shapes
    /// The shape stays. Integers are summed in `i64`.
    ///
    /// # Errors
    /// If the axis is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([[1i32, 2], [3, 4]]);
    /// assert_eq!(t.cumsum(0)?.to_vec(), [1i64, 2, 4, 6]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn cumsum(&self, axis: isize) -> Result<Tensor<T::Sum>> {
        self.scan("cumsum", NumScan::Sum, axis)
    }

    /// The running product along an axis, `yᵢ = x₀ · … · xᵢ`.
    ///
    /// # Shapes
    /// The shape stays. Integers are multiplied in `i64`.
    ///
    /// # Errors
    /// If the axis is out of range.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([2.0f32, 3.0, 4.0]).cumprod(0)?.to_vec(), [2.0, 6.0, 24.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn cumprod(&self, axis: isize) -> Result<Tensor<T::Sum>> {
        self.scan("cumprod", NumScan::Prod, axis)
    }
}

/// # Running sums and products: linear recurrences
impl<T: Float> Tensor<T> {
    /// The recurrence `yᵢ = aᵢ·yᵢ₋₁ + bᵢ` along an axis, from `y₋₁ = 0`; `self` is `a`, whose first
    /// elements do not count.
    ///
    /// # Shapes
    /// `a` and `b` have the same shape, and so has the result.
    ///
    /// # Errors
    /// If the axis is out of range, or the shapes differ.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let (a, b) = (Tensor::new([0.0f32, 2.0, 2.0]), Tensor::new([1.0, 1.0, 1.0]));
    /// assert_eq!(a.linear_scan(&b, 0)?.to_vec(), [1.0, 3.0, 7.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn linear_scan(&self, b: &Tensor<T>, axis: isize) -> Result<Tensor<T>> {
        let axis = self.axis("linear_scan", axis)?;
        if self.shape() != b.shape() {
            return Err(Site::new("linear_scan")
                .operand("a", T::DTYPE, self.shape())
                .operand("b", T::DTYPE, b.shape())
                .error(ErrorKind::ShapeMismatch {
                    what: "the coefficients do not fit the terms",
                    rule: "a.shape == b.shape",
                }));
        }
        let (a, mut out) = (
            self.try_contiguous("linear_scan")?,
            b.try_copied("linear_scan")?,
        );
        let inner: usize = self.shape()[axis + 1..].iter().product();
        let lane = self.shape()[axis] * inner;
        if out.is_empty() {
            return Ok(out);
        }
        let a = a.as_slice().unwrap_or(&[]);
        for (a, y) in a
            .chunks_exact(lane)
            .zip(out.as_mut_slice().chunks_exact_mut(lane))
        {
            for i in inner..lane {
                y[i] = y[i] + a[i] * y[i - inner];
            }
        }
        Ok(out)
    }
}
