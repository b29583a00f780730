//! The block that a unary op is written as.

/// Unary ops without parameters, each in one entry: doc, method, rule, fused rule, list entry and samples. `@ "family"`
/// before the first is the heading of their methods. `saves x` keeps the input, `saves y` the output; the rule sees it with `dy`.
macro_rules! unary_op {
    ($(@ $heading:literal)? $(
        $(#[$doc:meta])+
        $name:ident $Rule:ident $INFO:ident
        in $family:literal formula $formula:literal gradient $gradient:literal edges $edges:literal
        saves $saved:ident
        rule |$s:ident, $dy:ident| $grad:expr;
        $(fused |$fs:ident, $fdy:ident| $fused:expr;)?
        reference |$x:ident| $reference:expr;
        samples [$($sample:expr),* $(,)?]
        $(ties [$($tie:expr => $tie_grad:expr),* $(,)?])?
    )+) => {
        $(#[doc = concat!("# ", $heading)])?
        impl<T: Float> Var<T> {$(
            $(#[$doc])+
            #[track_caller]
            #[inline(never)]
            pub fn $name(&self) -> Var<T> {
                apply([self], self.value.$name(), |_y, _| $Rule(unary_op!(@save $saved self _y)))
            }
        )+}

        $(struct $Rule<T: Float>(Saved<T>);
        impl<T: Float> Rule<T> for $Rule<T> {
            fn name(&self) -> &'static str {
                stringify!($name)
            }
            fn grads(&self, cx: &Cx<'_>, $dy: &Var<T>) -> Result<Grads<T>> {
                let $s = &cx.var(&self.0);
                one($grad)
            }
            $(fn fused(&self, _: &Cx<'_>, $fdy: Tensor<T>, to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
                let $fs = &self.0.value;
                let dx: wengert_tensor::Result<Tensor<T>> = $fused;
                to.accumulate(0, dx?)?;
                Ok(Fused::Done)
            })?
        }

        pub(crate) static $INFO: OpInfo = OpInfo {
            name: stringify!($name),
            family: $family,
            formula: $formula,
            gradient: $gradient,
            edges: $edges,
            #[cfg(feature = "samples")]
            samples: || {
                #[allow(unused_mut)]
                let mut all: Vec<Sample> = vec![
                    sample!([cycle(&[2, 3], &[$($sample),*])], |v| Ok(v[0].$name()), |r| r[0].map(|$x| $reference))
                        .elementwise(),
                ];
                $($(all.push(
                    sample!([Tensor::scalar($tie)], |v| Ok(v[0].$name()), |r| r[0].map(|$x| $reference))
                        .expect(vec![Array::scalar($tie_grad)])
                        .note("kink or edge"),
                );)*)?
                all
            },
        };)+
    };
    (@save x $v:ident $y:ident) => { Saved::input(0, $v) };
    (@save y $v:ident $y:ident) => { Saved::output($y) };
}
pub(crate) use unary_op;

/// What the blocks name.
pub(crate) mod names {
    pub(crate) use wengert_tensor::{Float, Tensor};

    pub(crate) use crate::ops::info::{OpInfo, Sample, cycle, sample};
    pub(crate) use crate::ops::naive::Array;
    pub(crate) use crate::tape::accumulator::Accumulator;
    pub(crate) use crate::tape::rule::{Cx, Fused, Grads, Rule, Saved, apply, one, two};
    pub(crate) use crate::var::Var;
    pub(crate) use wengert_tensor::Result;
}
