//! How a tensor is made ready for a reduction.
//!
//! Invariant: a kernel only ever sees a contiguous `[outer, n, inner]` block; [`Plan`] finds one in the layout, or makes one.
//! Elements that a view repeats are reduced once ([`Compact`]): no copy of the view is made.

use smallvec::SmallVec;

use crate::element::{Element, Float, Num};
use crate::error::Result;
use crate::kernels::folds::{FloatRun, NumFold, NumRun};
use crate::kernels::reduce::Geometry;
use crate::kernels::tables::NumKernels;
use crate::layout::Layout;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Axes, ascending or not.
pub(super) type AxisList = SmallVec<[usize; 6]>;

/// A view that repeats elements, without the repetitions.
pub(crate) struct Compact<T: Element> {
    /// The view with size 1 where it has stride 0.
    pub(crate) once: Tensor<T>,
    /// How many times each element stands for itself in a result.
    pub(crate) times: usize,
}

impl<T: Element> Tensor<T> {
    /// For a reduction over these axes; `None` where nothing is repeated.
    #[inline]
    pub(crate) fn compact(&self, axes: &[usize]) -> Option<Compact<T>> {
        let repeats = |a: usize| self.strides()[a] == 0 && self.shape()[a] > 1;
        if self.is_empty() || !(0..self.rank()).any(repeats) {
            return None;
        }
        let mut once = self.layout().clone();
        for a in (0..self.rank()).filter(|a| repeats(*a)) {
            once = once.slice(a, 0, 1, 1);
        }
        let reduced = axes.iter().filter(|a| repeats(**a));
        Some(Compact {
            times: reduced.map(|&a| self.shape()[a]).product(),
            once: self.with_layout(once),
        })
    }

    /// What comes of this tensor from what came of its compact form, the axes kept: repeated along the others.
    #[track_caller]
    pub(crate) fn spread_again<A: Element>(
        &self,
        op: &'static str,
        part: Tensor<A>,
        axes: &[usize],
        keepdim: bool,
    ) -> Result<Tensor<A>> {
        let out = part.expand_to(self.reduced_shape(axes, true))?;
        let out = out.try_contiguous(op)?;
        Ok(out.in_shape(self.reduced_shape(axes, keepdim)))
    }
}

/// A contiguous source and how its middle axis is reduced.
pub(crate) struct Plan<T: Element> {
    pub(super) source: Tensor<T>,
    pub(super) geometry: Geometry,
    shape: Shape,
}

/// Sorts. (A function of no type, as [`in_place`], for the callers are compiled for every type in every crate that uses
/// them, and sorting is some kilobytes of code.)
pub(super) fn ascending(axes: &mut [usize]) {
    axes.sort_unstable();
}

/// The geometry of the reduction where the elements lie so already, the reduced axes as one group
/// between the others, which keep their order. (Where the order of reduction matters there is one
/// axis, or all of them in order.)
pub(super) fn in_place(x: &Layout, axes: &[usize], commutes: bool) -> Option<Geometry> {
    let (shape, strides) = (&x.shape, &x.strides);
    let product = |axes: &[usize]| axes.iter().map(|&a| shape[a]).product();
    let n = product(axes);
    let geometry = |outer, inner| Some(Geometry { outer, n, inner });
    if x.is_contiguous() && (axes.len() == x.rank() || n == 1) {
        // One element a result: columns, so that the kernel sees a long run.
        return geometry(1, x.len().checked_div(n).unwrap_or(1));
    }
    if x.len() == 0 {
        let kept = (0..x.rank()).filter(|a| !axes.contains(a));
        return geometry(1, kept.map(|a| shape[a]).product());
    }
    let wide = |a: &usize| shape[*a] != 1;
    let kept: AxisList = (0..x.rank())
        .filter(|a| !axes.contains(a))
        .filter(wide)
        .collect();
    let mut reduced: AxisList = axes.iter().copied().filter(wide).collect();
    reduced.sort_unstable();
    if commutes {
        reduced.sort_by_key(|&a| std::cmp::Reverse(strides[a].unsigned_abs()));
    }
    (0..=kept.len()).rev().find_map(|split| {
        let order = kept[..split].iter().chain(&reduced).chain(&kept[split..]);
        let mut step = 1isize;
        let dense = order.rev().all(|&a| {
            let ok = strides[a] == step;
            step *= shape[a] as isize;
            ok
        });
        dense
            .then(|| geometry(product(&kept[..split]), product(&kept[split..])))
            .flatten()
    })
}

/// How a tensor is made ready for a kernel.
enum Way {
    AsItLies,
    Contiguous,
    /// Contiguous after its axes are put in this order.
    Order(AxisList),
}

/// The way that moves least.
fn way(x: &Layout, axes: &[usize], commutes: bool) -> (Way, Geometry) {
    if let Some(geometry) = in_place(x, axes, commutes) {
        return (Way::AsItLies, geometry);
    }
    let shape = &x.shape;
    let n = axes.iter().map(|&a| shape[a]).product();
    let (lo, hi) = (axes.iter().min(), axes.iter().max());
    if let (Some(&lo), Some(&hi)) = (lo, hi)
        && (lo..=hi).all(|a| axes.contains(&a) || shape[a] == 1)
    {
        let geometry = Geometry {
            outer: shape[..lo].iter().product(),
            n,
            inner: shape[hi + 1..].iter().product(),
        };
        return (Way::Contiguous, geometry);
    }
    let mut order: AxisList = (0..x.rank()).filter(|a| !axes.contains(a)).collect();
    let outer = order.iter().map(|&a| shape[a]).product();
    let mut last = AxisList::from_slice(axes);
    ascending(&mut last);
    order.extend_from_slice(&last);
    (Way::Order(order), Geometry { outer, n, inner: 1 })
}

impl<T: Element> Plan<T> {
    #[track_caller]
    pub(crate) fn new(
        op: &'static str,
        x: &Tensor<T>,
        axes: &[usize],
        keepdim: bool,
        commutes: bool,
    ) -> Result<Plan<T>> {
        let (way, geometry) = way(x.layout(), axes, commutes);
        Ok(Plan {
            source: match way {
                Way::AsItLies => x.clone(),
                Way::Contiguous => x.try_contiguous(op)?,
                Way::Order(order) => x
                    .with_layout(x.layout().permute(&order))
                    .try_contiguous(op)?,
            },
            geometry,
            shape: x.reduced_shape(axes, keepdim),
        })
    }

    #[track_caller]
    pub(super) fn out<A: Element>(&self, op: &'static str) -> Result<Tensor<A>> {
        Tensor::try_uninit(op, self.shape.clone())
    }
}

impl<T: Num> Plan<T> {
    /// `A` is the type that the reduction gives: `T::Sum` for sums and products, else `T`.
    #[track_caller]
    pub(super) fn num<A: Element>(&self, op: &'static str, run: NumRun<T>) -> Result<Tensor<A>> {
        let out = self.out::<A>(op)?;
        let dst = out.as_ptr() as *mut u8;
        // SAFETY: the source holds the geometry's elements, `out` is new and holds one for each of
        // `outer·inner`.
        unsafe { run(self.geometry, self.source.as_ptr(), dst) };
        Ok(out)
    }

    #[track_caller]
    pub(crate) fn max(&self, op: &'static str) -> Result<Tensor<T>> {
        self.num(op, <T as NumKernels>::fold(NumFold::Max))
    }

    #[track_caller]
    pub(crate) fn min(&self, op: &'static str) -> Result<Tensor<T>> {
        self.num(op, <T as NumKernels>::fold(NumFold::Min))
    }
}

impl<T: Float> Plan<T> {
    /// `shift`, for the reductions that take one, is contiguous and has the result's shape.
    #[track_caller]
    pub(crate) fn float(
        &self,
        op: &'static str,
        run: FloatRun<T>,
        shift: Option<&Tensor<T>>,
        p: f64,
    ) -> Result<Tensor<T>> {
        let out = self.out::<T>(op)?;
        let src = self.source.as_ptr();
        let shift = shift.map_or(src, Tensor::as_ptr);
        let dst = out.as_ptr() as *mut T;
        // SAFETY: as in `num`; `shift` has the result's shape.
        unsafe { run(self.geometry, src, shift, p, dst) };
        Ok(out)
    }
}
