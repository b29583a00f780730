//! Reductions over any axes: sums, products, extremes, their indices, truth of masks.
//!
//! Every reduction has three forms: `name(axes)` drops the reduced axes, `name_keepdim(axes)` keeps
//! them with size 1, `name_all()` reduces everything to a scalar. Reducing over no axes (`[]`) leaves
//! every element by itself, as NumPy's `axis=()` does.
//!
//! Invariant: a kernel only ever sees a contiguous `[outer, n, inner]` block, which [`Plan`] finds or makes; elements that a
//! view repeats are reduced once.

use crate::element::{Element, Float, Num};
use crate::error::{ErrorKind, Result, Site};
use crate::kernels::folds::{NumFold, NumRun};
use crate::kernels::reduce::Geometry;
use crate::kernels::tables::{Num2, NumKernels};
use crate::layout::Layout;
use crate::ops::plan::{AxisList, Compact, Plan, ascending, in_place};
use crate::shape::{IntoAxes, IntoShape, Shape};
use crate::tensor::{Tensor, refuse};

impl<T: Element> Tensor<T> {
    /// As [`Tensor::contiguous`], where memory that is refused is an error.
    #[track_caller]
    pub(crate) fn try_contiguous(&self, op: &'static str) -> Result<Tensor<T>> {
        if self.is_contiguous() {
            return Ok(self.clone());
        }
        let mut out = Tensor::try_uninit(op, self.shape().clone())?;
        out.write_window(Layout::clone, self);
        Ok(out)
    }

    /// The axes before, at and after `axis`, of this tensor made contiguous.
    pub(crate) fn geometry_at(&self, axis: usize) -> Geometry {
        Geometry {
            outer: self.shape()[..axis].iter().product(),
            n: self.shape()[axis],
            inner: self.shape()[axis + 1..].iter().product(),
        }
    }

    pub(crate) fn all_axes(&self) -> AxisList {
        (0..self.rank()).collect()
    }

    /// This shape without the axes, or with size 1 there.
    pub(crate) fn reduced_shape(&self, axes: &[usize], keepdim: bool) -> Shape {
        let dims = self.shape().iter().enumerate();
        dims.filter(|(a, _)| keepdim || !axes.contains(a))
            .map(|(a, &d)| if axes.contains(&a) { 1 } else { d })
            .collect()
    }

    /// The number of elements that each result is made of.
    pub(crate) fn reduced_len(&self, axes: &[usize]) -> usize {
        axes.iter().map(|&a| self.shape()[a]).product()
    }

    /// Refuses a reduction without an identity over no elements.
    #[track_caller]
    fn check_not_empty(&self, op: &'static str, axes: &[usize]) -> Result<()> {
        if self.reduced_len(axes) > 0 {
            return Ok(());
        }
        let site = match axes.iter().find(|&&a| self.shape()[a] == 0) {
            Some(&a) => Site::new(op).operand_axis("self", T::DTYPE, self.shape(), a),
            None => self.site(op),
        };
        Err(site
            .hint("sum, prod, mean, any and all have a value for no elements")
            .error(ErrorKind::EmptyReduction))
    }
}

/// A reduction over axes, by name.
type Reduce<A> = fn(&'static str, &Tensor<A>, &[usize], bool) -> Result<Tensor<A>>;
/// What comes of elements that are there so many times, from what comes of them once.
type Repeat<A> = fn(&'static str, Tensor<A>, usize) -> Tensor<A>;

/// Of a maximum or a minimum.
fn same<A: Num>(_: &'static str, once: Tensor<A>, _: usize) -> Tensor<A> {
    once
}

/// Of a sum.
#[track_caller]
pub(super) fn times<A: Num>(op: &'static str, once: Tensor<A>, count: usize) -> Tensor<A> {
    let scaled = |x: Tensor<A>, by: usize| {
        let run = <A as NumKernels>::num2(Num2::Mul);
        x.zip_scalar_owned(run, op, A::from_f64(by as f64), false)
    };
    // By parts that are numbers of any type of sums.
    let (high, low) = (count >> 32, count & 0xffff_ffff);
    if high == 0 {
        return scaled(once, low);
    }
    let rest = scaled(once.copied(), low);
    let whole = scaled(scaled(once, high), 1 << 32);
    whole.try_add(&rest).unwrap_or_else(|e| refuse(e))
}

/// Of a product.
#[track_caller]
fn power<A: Num>(_: &'static str, mut once: Tensor<A>, mut count: usize) -> Tensor<A> {
    // By squares.
    let mut out = once.ones_like();
    while count > 0 {
        if count & 1 == 1 {
            out = &out * &once;
        }
        count >>= 1;
        if count > 0 {
            once = &once * &once;
        }
    }
    out
}

/// A reduction that may go group by group, where the reduced axes do not lie side by side.
#[track_caller]
fn fold<T: Num, A: Num>(
    op: &'static str,
    run: NumRun<T>,
    x: &Tensor<T>,
    axes: &[usize],
    keepdim: bool,
    (again, repeat): (Reduce<A>, Repeat<A>),
) -> Result<Tensor<A>> {
    if let Some(geometry) = in_place(x.layout(), axes, true) {
        let out = Tensor::<A>::try_uninit(op, x.reduced_shape(axes, keepdim))?;
        let dst = out.as_ptr() as *mut u8;
        // SAFETY: as in `Plan::num`.
        unsafe { run(geometry, x.as_ptr(), dst) };
        return Ok(out);
    }
    if let Some(Compact { once, times }) = x.compact(axes) {
        let part = fold(op, run, &once, axes, true, (again, repeat))?;
        return x.spread_again(op, repeat(op, part, times), axes, keepdim);
    }
    let mut sorted: AxisList = axes.iter().copied().collect();
    ascending(&mut sorted);
    let group = (1..sorted.len())
        .rev()
        .find(|&i| (sorted[i - 1] + 1..sorted[i]).any(|a| x.shape()[a] != 1));
    if let Some(first) = group {
        // The last group first: it is the innermost, and leaves least to do.
        let x = x.try_contiguous(op)?;
        let part = Plan::new(op, &x, &sorted[first..], true, true)?.num::<A>(op, run)?;
        let out = again(op, &part, &sorted[..first], true)?;
        return Ok(out.in_shape(x.reduced_shape(axes, keepdim)));
    }
    Plan::new(op, x, axes, keepdim, true)?.num::<A>(op, run)
}

#[track_caller]
pub(crate) fn sum_of<T: Num>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &[usize],
    keepdim: bool,
) -> Result<Tensor<T::Sum>> {
    let run = <T as NumKernels>::fold(NumFold::Sum);
    fold(op, run, x, axes, keepdim, (sum_of::<T::Sum>, times))
}

/// The sum over leading axes, of `n` elements together, of a contiguous tensor: no plan is needed.
#[track_caller]
fn sum_leading<T: Num>(
    op: &'static str,
    x: &Tensor<T>,
    shape: Shape,
    n: usize,
) -> Result<Tensor<T::Sum>> {
    let out = if shape.is_empty() {
        Tensor::<T::Sum>::try_single(op)?
    } else {
        Tensor::<T::Sum>::try_uninit(op, shape)?
    };
    let geometry = Geometry {
        outer: 1,
        n,
        inner: out.len(),
    };
    let run = <T as NumKernels>::fold(NumFold::Sum);
    // SAFETY: both are contiguous, of these sizes, and `out` is new and of the type that sums have.
    unsafe { run(geometry, x.as_ptr(), out.as_ptr() as *mut u8) };
    Ok(out)
}

#[track_caller]
fn prod_of<T: Num>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &[usize],
    keepdim: bool,
) -> Result<Tensor<T::Sum>> {
    let run = <T as NumKernels>::fold(NumFold::Prod);
    fold(op, run, x, axes, keepdim, (prod_of::<T::Sum>, power))
}

#[track_caller]
fn max_of<T: Num>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &[usize],
    keepdim: bool,
) -> Result<Tensor<T>> {
    x.check_not_empty(op, axes)?;
    let run = <T as NumKernels>::fold(NumFold::Max);
    fold(op, run, x, axes, keepdim, (max_of::<T>, same))
}

#[track_caller]
fn min_of<T: Num>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &[usize],
    keepdim: bool,
) -> Result<Tensor<T>> {
    x.check_not_empty(op, axes)?;
    let run = <T as NumKernels>::fold(NumFold::Min);
    fold(op, run, x, axes, keepdim, (min_of::<T>, same))
}

macro_rules! reductions {
    ($($(#[$doc:meta])* $name:ident $keepdim:ident $fold:ident $Out:ty;)*) => {
        /// # Reductions
        impl<T: Num> Tensor<T> {$(
            $(#[$doc])*
            ///
            #[doc = concat!("Of all elements: [`", stringify!($name), "_all`](Tensor::", stringify!($name), "_all).")]
            #[track_caller]
            pub fn $name(&self, axes: impl IntoAxes) -> Result<Tensor<$Out>> {
                let op = stringify!($name);
                $fold(op, self, &self.axes(op, &axes.into_axes())?, false)
            }
            #[doc = concat!("As [`", stringify!($name), "`](Tensor::", stringify!($name), "), the reduced axes kept with size 1.")]
            ///
            /// # Errors
            #[doc = concat!("As for [`", stringify!($name), "`](Tensor::", stringify!($name), ").")]
            #[track_caller]
            pub fn $keepdim(&self, axes: impl IntoAxes) -> Result<Tensor<$Out>> {
                let op = stringify!($keepdim);
                $fold(op, self, &self.axes(op, &axes.into_axes())?, true)
            }
        )*}
    };
}

reductions! {
    /// The sum over axes, `Σ x`; 0 where there is nothing to sum. Integers are summed in `i64`,
    /// wrapping; floats pairwise in a fixed order, so that the bits depend on no thread count.
    ///
    /// # Shapes
    /// The reduced axes go away; over no axes (`[]`) every element stays.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(t.sum(0)?.to_vec(), [4.0, 6.0]);
    /// assert_eq!(t.sum([0, -1])?.item()?, 10.0);
    /// assert_eq!(t.sum([])?, t);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    sum sum_keepdim sum_of T::Sum; // of all elements: `.sum_all()`
    /// The product over axes, `Π x`; 1 where there is nothing to multiply. Integers are multiplied in
    /// `i64`, wrapping.
    ///
    /// # Shapes
    /// As for [`sum`](Tensor::sum).
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([[1i32, 2], [3, 4]]).prod(1)?.to_vec(), [2i64, 12]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    prod prod_keepdim prod_of T::Sum; // of all elements: `.prod_all()`
    /// The largest element over axes; NaN if there is one.
    ///
    /// # Shapes
    /// As for [`sum`](Tensor::sum).
    ///
    /// # Errors
    /// If an axis is out of range or named twice, or there is nothing to reduce.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([[1.0f32, 5.0], [3.0, 4.0]]).max(1)?.to_vec(), [5.0, 4.0]);
    /// assert!(Tensor::<f32>::zeros([2, 0]).max(1).is_err());
    /// # Ok::<(), wengert::Error>(())
    /// ```
    max max_keepdim max_of T; // of all elements: `.max_all()`
    /// The smallest element over axes; NaN if there is one.
    ///
    /// # Shapes
    /// As for [`sum`](Tensor::sum).
    ///
    /// # Errors
    /// If an axis is out of range or named twice, or there is nothing to reduce.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([[1.0f32, 5.0], [3.0, 4.0]]).min(0)?.to_vec(), [1.0, 4.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    min min_keepdim min_of T; // of all elements: `.min_all()`
}

/// The result of a reduction that only refused memory can make fail.
#[track_caller]
pub(crate) fn certain<T>(r: Result<T>) -> T {
    match r {
        Ok(t) => t,
        Err(e) => refuse(e),
    }
}

#[track_caller]
fn arg_of<T: Num>(
    op: &'static str,
    max: bool,
    x: &Tensor<T>,
    axes: &[usize],
    keepdim: bool,
) -> Result<Tensor<i64>> {
    x.check_not_empty(op, axes)?;
    if let Some(Compact { once, .. }) = x.compact(axes) {
        let mut part = arg_of(op, max, &once, axes, true)?;
        // The first of equals is at 0 of a repeated axis: its number is counted in other sizes.
        for index in part.as_mut_slice() {
            let (mut rest, mut at, mut step) = (*index, 0, 1);
            for &a in axes.iter().rev() {
                let size = once.shape()[a] as i64;
                at += rest % size * step;
                rest /= size;
                step *= x.shape()[a] as i64;
            }
            *index = at;
        }
        return x.spread_again(op, part, axes, keepdim);
    }
    let plan = Plan::new(op, x, axes, keepdim, false)?;
    let out = plan.out::<i64>(op)?;
    let dst = out.as_ptr() as *mut i64;
    // SAFETY: as in `Plan::num`; `n` is not 0.
    unsafe { <T as NumKernels>::arg(max, plan.geometry, plan.source.as_ptr(), dst) };
    Ok(out)
}

macro_rules! or_value {
    ($($(#[$doc:meta])* $name:ident $of:ident;)*) => {
        /// # Reductions: of what may be empty
        impl<T: Num> Tensor<T> {$(
            $(#[$doc])*
            #[track_caller]
            #[inline(never)]
            pub fn $name(&self, axes: impl IntoAxes, value: T) -> Result<Tensor<T>> {
                let op = stringify!($name);
                let axes = self.axes(op, &axes.into_axes())?;
                if self.reduced_len(&axes) == 0 {
                    let shape = self.reduced_shape(&axes, false);
                    return Tensor::try_full(shape, value).map_err(|e| e.rename(op));
                }
                $of(op, self, &axes, false)
            }
        )*}
    };
}
or_value! {
    /// [`max`](Tensor::max) over axes, or a value where there is nothing to reduce.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::<i64>::zeros([2, 0]).max_or(1, -1)?.to_vec(), [-1, -1]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    max_or max_of;
    /// [`min`](Tensor::min) over axes, or a value where there is nothing to reduce.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([[3.0f32, 2.0]]).min_or(1, f32::INFINITY)?.to_vec(), [2.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    min_or min_of;
}

macro_rules! arg_reductions {
    ($($max:literal $what:literal $name:ident $keepdim:ident $all:ident;)*) => {
        /// # Reductions to an index
        impl<T: Num> Tensor<T> {$(
            #[doc = concat!("The index of the ", $what, " element along an axis: the first one at ties; the first NaN, if there is one.")]
            ///
            /// # Errors
            /// If the axis is out of range or empty.
            ///
            /// ```
            /// use wengert::Tensor;
            /// let t = Tensor::new([[7i64, 7, 7], [f64::NAN as i64, 0, 0]]);
            #[doc = concat!("assert_eq!(t.", stringify!($name), "(1)?.to_vec(), [0, 0]);")]
            /// # Ok::<(), wengert::Error>(())
            /// ```
            #[track_caller]
            pub fn $name(&self, axis: isize) -> Result<Tensor<i64>> {
                let op = stringify!($name);
                arg_of(op, $max, self, &[self.axis(op, axis)?], false)
            }
            #[doc = concat!("As [`", stringify!($name), "`](Tensor::", stringify!($name), "), the axis kept with size 1.")]
            ///
            /// # Errors
            /// If the axis is out of range or empty.
            #[track_caller]
            pub fn $keepdim(&self, axis: isize) -> Result<Tensor<i64>> {
                let op = stringify!($keepdim);
                arg_of(op, $max, self, &[self.axis(op, axis)?], true)
            }
            #[doc = concat!("The index of the ", $what, " of all elements, counted in row-major order; ties and NaN as for [`", stringify!($name), "`](Tensor::", stringify!($name), ").")]
            ///
            /// # Errors
            /// If there are no elements.
            #[track_caller]
            pub fn $all(&self) -> Result<Tensor<i64>> {
                arg_of(stringify!($all), $max, self, &self.all_axes(), false)
            }
        )*}
    };
}
arg_reductions! {
    true "largest" argmax argmax_keepdim argmax_all;
    false "smallest" argmin argmin_keepdim argmin_all;
}

/// # Reductions of all elements
impl<T: Num> Tensor<T> {
    /// The sum of all elements, a scalar; 0 if there are none. See [`sum`](Tensor::sum).
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([[200u8, 100], [1, 1]]).sum_all().item()?, 302);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn sum_all(&self) -> Tensor<T::Sum> {
        let op = "sum_all";
        if self.is_contiguous() {
            return certain(sum_leading(op, self, Shape::new(), self.len()));
        }
        certain(sum_of(op, self, &self.all_axes(), false))
    }

    /// The product of all elements, a scalar; 1 if there are none.
    #[track_caller]
    pub fn prod_all(&self) -> Tensor<T::Sum> {
        certain(prod_of("prod_all", self, &self.all_axes(), false))
    }

    /// The largest of all elements, a scalar; NaN if there is one.
    ///
    /// # Errors
    /// If there are no elements.
    #[track_caller]
    pub fn max_all(&self) -> Result<Tensor<T>> {
        max_of("max_all", self, &self.all_axes(), false)
    }

    /// The smallest of all elements, a scalar; NaN if there is one.
    ///
    /// # Errors
    /// If there are no elements.
    #[track_caller]
    pub fn min_all(&self) -> Result<Tensor<T>> {
        min_of("min_all", self, &self.all_axes(), false)
    }
}

/// # Reductions to a shape
impl<T: Float> Tensor<T> {
    /// The axes that broadcasting `shape` to this one's repeats, summed: the adjoint of
    /// [`expand`](Tensor::expand). Shares the memory where the shapes agree.
    ///
    /// # Errors
    /// If `shape` does not broadcast to this tensor's.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let dy = Tensor::<f32>::ones([4, 3]);
    /// assert_eq!(dy.sum_to([3])?.to_vec(), [4.0; 3]);
    /// assert_eq!(dy.sum_to([4, 1])?.to_vec(), [3.0; 4]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    pub fn sum_to(&self, shape: impl IntoShape) -> Result<Tensor<T>> {
        self.sum_to_shape(shape.into_shape())
    }

    #[track_caller]
    fn sum_to_shape(&self, shape: Shape) -> Result<Tensor<T>> {
        if *self.shape() == shape {
            return Ok(self.clone());
        }
        let lead = self.rank().saturating_sub(shape.len());
        // Not slice equality, which is a call to `memcmp`.
        let ends = || self.shape()[lead..].iter().eq(shape.iter());
        if lead > 0 && self.is_contiguous() && !self.is_empty() && ends() {
            // The gradient of a bias.
            let n = self.shape()[..lead].iter().product();
            return sum_leading("sum_to", self, shape, n);
        }
        let fits = shape.broadcast(self.shape()).as_ref() == Some(self.shape());
        if !fits {
            return Err(self.site("sum_to").operand("to", T::DTYPE, &shape).error(
                ErrorKind::ShapeMismatch {
                    what: "the shape asked for does not broadcast to self's",
                    rule: "aligned at the last axis, its sizes equal self's or are 1",
                },
            ));
        }
        let axes: AxisList = (0..self.rank())
            .filter(|&a| a < lead || (shape[a - lead] == 1 && self.shape()[a] != 1))
            .collect();
        Ok(sum_of("sum_to", self, &axes, true)?.in_shape(shape))
    }
}
