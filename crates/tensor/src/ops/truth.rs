//! Reductions of masks: whether any element is true, or all are, and how many.
//!
//! Invariant: as for every reduction, the kernel sees a contiguous block that [`Plan`] found or made.

use std::any::Any;

use super::plan::{Compact, Plan};
use super::reduce::certain;
use crate::element::Element;
use crate::error::Result;
use crate::kernels::folds::{self, BoolFold};
use crate::shape::IntoAxes;
use crate::tensor::Tensor;

#[track_caller]
fn bool_of<A: Element>(
    op: &'static str,
    code: BoolFold,
    x: &Tensor<bool>,
    axes: &[usize],
    keepdim: bool,
) -> Result<Tensor<A>> {
    if let Some(Compact { once, times }) = x.compact(axes) {
        let mut part = bool_of::<A>(op, code, &once, axes, true)?;
        if let (BoolFold::Count, Some(counts)) = (code, (&mut part as &mut dyn Any).downcast_mut())
        {
            let counts: &mut Tensor<i64> = counts;
            for n in counts.as_mut_slice() {
                *n *= times as i64;
            }
        }
        return x.spread_again(op, part, axes, keepdim);
    }
    let plan = Plan::new(op, x, axes, keepdim, true)?;
    let out = plan.out::<A>(op)?;
    let dst = out.as_ptr() as *mut u8;
    // SAFETY: as in `Plan::num`; callers name the reduction's type.
    unsafe { folds::boolean(code, plan.geometry, plan.source.as_ptr(), dst) };
    Ok(out)
}

macro_rules! bool_reductions {
    ($($Code:ident $empty:literal $what:literal $name:ident $keepdim:ident $all:ident;)*) => {
        /// # Reductions of masks
        impl Tensor<bool> {$(
            #[doc = concat!("Whether ", $what, " over axes is true; ", stringify!($empty), " where there is none.")]
            ///
            /// # Errors
            /// If an axis is out of range or named twice.
            ///
            /// ```
            /// use wengert::Tensor;
            #[doc = concat!("let t = Tensor::<bool>::full([2, 0], true).", stringify!($name), "(1)?;")]
            #[doc = concat!("assert_eq!(t.to_vec(), [", stringify!($empty), "; 2]);")]
            /// # Ok::<(), wengert::Error>(())
            /// ```
            #[track_caller]
            pub fn $name(&self, axes: impl IntoAxes) -> Result<Tensor<bool>> {
                let op = stringify!($name);
                bool_of(op, BoolFold::$Code, self, &self.axes(op, &axes.into_axes())?, false)
            }
            #[doc = concat!("As [`", stringify!($name), "`](Tensor::", stringify!($name), "), the reduced axes kept with size 1.")]
            ///
            /// # Errors
            /// If an axis is out of range or named twice.
            #[track_caller]
            pub fn $keepdim(&self, axes: impl IntoAxes) -> Result<Tensor<bool>> {
                let op = stringify!($keepdim);
                bool_of(op, BoolFold::$Code, self, &self.axes(op, &axes.into_axes())?, true)
            }
            #[doc = concat!("Whether ", $what, " of all is true; ", stringify!($empty), " if there is none.")]
            #[track_caller]
            pub fn $all(&self) -> bool {
                let op = stringify!($all);
                let out = certain(bool_of(op, BoolFold::$Code, self, &self.all_axes(), false));
                out.item().unwrap_or($empty)
            }
        )*}
    };
}
bool_reductions! {
    Any false "any element" any any_keepdim any_all;
    All true "every element" all all_keepdim all_all;
}

/// # Reductions of masks: counts
impl Tensor<bool> {
    /// How many elements are true.
    ///
    /// ```
    /// use wengert::Tensor;
    /// assert_eq!(Tensor::new([true, false, true]).count_nonzero(), 2);
    /// ```
    #[track_caller]
    pub fn count_nonzero(&self) -> usize {
        let (op, axes) = ("count_nonzero", self.all_axes());
        let out = certain(bool_of::<i64>(op, BoolFold::Count, self, &axes, false));
        out.item().unwrap_or(0) as usize
    }
}
