//! Views of a part. Their gradients go back through the same window: `embed` is the adjoint of every
//! view, and a view is the adjoint of its `embed`.

use std::sync::Arc;

use wengert_tensor::{Axes, IntoAxes, Result, Shape, Slice};

use super::block::names::*;
use crate::ops::info::spread;

/// A view, to take of any tensor of the shape it was made for.
trait Window: Send + Sync + 'static {
    fn name(&self) -> &'static str;
    fn of<T: Float>(&self, x: &Tensor<T>) -> wengert_tensor::Result<Tensor<T>>;
}

/// The view `window` of `x`.
#[track_caller]
fn view<T: Float, W: Window>(x: &Var<T>, window: W) -> Result<Var<T>> {
    let y = window.of(&x.value)?;
    Ok(apply([x], y, |_, _| View {
        window: Arc::new(window),
        shape: x.shape().clone(),
    }))
}

/// Zeros of `shape` with `x` added through the window.
#[track_caller]
fn embed<T: Float, W: Window>(x: &Var<T>, window: &Arc<W>, shape: &Shape) -> Result<Var<T>> {
    let y = Tensor::embed(shape, &x.value, |t| window.of(t))?;
    Ok(apply([x], y, |_, _| Embed {
        window: window.clone(),
        shape: shape.clone(),
    }))
}

struct View<W: Window> {
    window: Arc<W>,
    /// Of the input.
    shape: Shape,
}
impl<T: Float, W: Window> Rule<T> for View<W> {
    fn name(&self) -> &'static str {
        self.window.name()
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        one(embed(dy, &self.window, &self.shape)?)
    }
}

struct Embed<W: Window> {
    window: Arc<W>,
    /// Of the output.
    shape: Shape,
}
impl<T: Float, W: Window> Rule<T> for Embed<W> {
    fn name(&self) -> &'static str {
        "embed"
    }
    fn grads(&self, _: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let y = self.window.of(&dy.value)?;
        let shape = self.shape.clone();
        one(apply([dy], y, |_, _| View {
            window: self.window.clone(),
            shape,
        }))
    }
}

/// A kind of window: doc, method, what it keeps, how it looks.
macro_rules! window {
    ($(@ $heading:literal)? $(#[$doc:meta])* $name:ident $Window:ident { $($field:ident: $Field:ty = $value:expr),+ }
     ($($arg:ident: $Arg:ty),+) |$s:ident, $x:ident| $of:expr) => {
        $(#[doc = concat!("# ", $heading)])?
        impl<T: Float> Var<T> {
            $(#[$doc])*
            #[track_caller]
            #[inline(never)]
            pub fn $name(&self, $($arg: $Arg),+) -> Result<Var<T>> {
                view(self, $Window { $($field: $value),+ })
            }
        }

        struct $Window { $($field: $Field),+ }
        impl Window for $Window {
            fn name(&self) -> &'static str {
                stringify!($name)
            }
            #[track_caller]
            fn of<T: Float>(&self, $x: &Tensor<T>) -> wengert_tensor::Result<Tensor<T>> {
                let $s = self;
                $of
            }
        }
    };
}

window! {
    @ "Views: parts of axes"
    /// Elements `start..start + len` of an axis; a negative `start` counts from the end. Gradient:
    /// `dy` there, 0 elsewhere.
    ///
    /// # Errors
    /// If the axis or the range is out of range.
    narrow Narrow { axis: isize = axis, start: isize = start, len: usize = len }
    (axis: isize, start: isize, len: usize) |s, x| x.narrow(s.axis, s.start, s.len)
}

window! {
    /// One index of an axis, which is dropped; a negative index counts from the end. Gradient: `dy`
    /// there, 0 elsewhere.
    ///
    /// # Errors
    /// If the axis or the index is out of range.
    select Select { axis: isize = axis, index: isize = index }
    (axis: isize, index: isize) |s, x| x.select(s.axis, s.index)
}

window! {
    /// A range of an axis with Python's meaning, steps and negative ones included: `1..4`,
    /// `Slice::all().step(-2)`. Gradient: `dy` there, 0 elsewhere.
    ///
    /// # Errors
    /// If the axis is out of range or the step is 0.
    ///
    /// ```
    /// use wengert::Var;
    /// use wengert::tensor::Slice;
    /// let x = Var::new([0.0f32, 1.0, 2.0, 3.0]);
    /// assert_eq!(x.slice(0, Slice::all().step(-2))?.to_vec(), [3.0, 1.0]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    slice Range { axis: isize = axis, range: Slice = range.into() }
    (axis: isize, range: impl Into<Slice>) |s, x| x.slice(s.axis, s.range)
}

window! {
    /// Some axes in reverse order. Gradient: `dy` in reverse.
    ///
    /// # Errors
    /// If an axis is out of range or named twice.
    flip Flip { axes: Axes = axes.into_axes() }
    (axes: impl IntoAxes) |s, x| x.flip(&s.axes)
}

window! {
    /// A diagonal of two axes, which are dropped, as a new last axis; `offset` above 0 is to the
    /// right. Gradient: `dy` there, 0 elsewhere.
    ///
    /// # Errors
    /// If an axis is out of range or both are the same.
    diagonal Diagonal { offset: isize = offset, a: isize = axis1, b: isize = axis2 }
    (offset: isize, axis1: isize, axis2: isize) |s, x| x.diagonal(s.offset, s.a, s.b)
}

window! {
    /// Windows of `size` along an axis, `step` apart, as a new last axis. Gradient: `dy`, added up
    /// where windows overlap.
    ///
    /// # Errors
    /// If the axis is out of range, the size does not fit or the step is 0.
    unfold Unfold { axis: isize = axis, size: usize = size, step: usize = step }
    (axis: isize, size: usize, step: usize) |s, x| x.unfold(s.axis, s.size, s.step)
}

/// The entry of a window's op.
macro_rules! entry {
    ($INFO:ident $name:literal $formula:literal $gradient:literal [$($sample:expr),* $(,)?]) => {
        pub(crate) static $INFO: OpInfo = OpInfo {
            name: $name,
            family: "window",
            formula: $formula,
            gradient: $gradient,
            edges: "smooth",
            #[cfg(feature = "samples")]
            samples: || vec![$($sample.may_drop_nan()),*],
        };
    };
}

entry!(NARROW "narrow" "elements start..start + len of an axis" "dy there, 0 elsewhere" [
    sample!([spread(&[2, 4], 1)], |v| v[0].narrow(1, -3, 2), |r| {
        Array::from_fn(&[2, 2], |i| r[0].at(&[i[0], i[1] + 1]))
    }),
    sample!([spread(&[2, 4], 1)], |v| v[0].narrow(1, 2, 0), |r| Array { shape: vec![2, 0], data: r[0].data[..0].to_vec() })
        .note("empty"),
]);

entry!(SELECT "select" "one index of an axis" "dy there, 0 elsewhere" [
    sample!([spread(&[2, 4], 1)], |v| v[0].select(1, -1), |r| Array::from_fn(&[2], |i| r[0].at(&[i[0], 3]))),
    sample!([spread(&[2, 4], 1)], |v| v[0].select(0, 1), |r| Array::from_fn(&[4], |i| r[0].at(&[1, i[0]]))),
]);

entry!(SLICE "slice" "a range of an axis, with a step" "dy there, 0 elsewhere" [
    sample!([spread(&[2, 5], 1)], |v| v[0].slice(1, 1..4), |r| {
        Array::from_fn(&[2, 3], |i| r[0].at(&[i[0], i[1] + 1]))
    }),
    sample!([spread(&[5, 2], 1)], |v| v[0].slice(0, Slice::all().step(-2)), |r| {
        Array::from_fn(&[3, 2], |i| r[0].at(&[4 - 2 * i[0], i[1]]))
    }),
]);

entry!(FLIP "flip" "axes in reverse order" "dy in reverse" [
    sample!([spread(&[2, 3], 1)], |v| v[0].flip([0, 1]), |r| {
        Array::from_fn(&[2, 3], |i| r[0].at(&[1 - i[0], 2 - i[1]]))
    }),
    sample!([spread(&[2, 3], 1)], |v| v[0].flip(-1), |r| Array::from_fn(&[2, 3], |i| r[0].at(&[i[0], 2 - i[1]]))),
]);

entry!(DIAGONAL "diagonal" "a diagonal of two axes" "dy there, 0 elsewhere" [
    sample!([spread(&[3, 4], 1)], |v| v[0].diagonal(1, 0, 1), |r| {
        Array::from_fn(&[3], |i| r[0].at(&[i[0], i[0] + 1]))
    }),
    sample!([spread(&[3, 2, 3], 1)], |v| v[0].diagonal(-1, 0, 2), |r| {
        Array::from_fn(&[2, 2], |i| r[0].at(&[i[1] + 1, i[0], i[1]]))
    }),
]);

entry!(UNFOLD "unfold" "windows along an axis" "dy, added up where windows overlap" [
    sample!([spread(&[5], 1)], |v| v[0].unfold(0, 3, 1), |r| Array::from_fn(&[3, 3], |i| r[0].at(&[i[0] + i[1]])))
        .note("overlapping"),
    sample!([spread(&[2, 5], 1)], |v| v[0].unfold(1, 2, 3), |r| {
        Array::from_fn(&[2, 2, 2], |i| r[0].at(&[i[0], 3 * i[1] + i[2]]))
    })
    .note("with gaps"),
]);

pub(super) const OPS: &[&OpInfo] = &[&NARROW, &SELECT, &SLICE, &FLIP, &DIAGONAL, &UNFOLD];
