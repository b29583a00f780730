//! What an op has to say about its gradient.

use std::panic::Location;

use smallvec::SmallVec;
use wengert_tensor::{Float, Result, Tensor};

use crate::tape::accumulator::{Accumulator, Inputs};
use crate::tape::mode;
use crate::tape::node::{self, Edge};
use crate::var::Var;

/// One gradient for each input, in order; `None` where the input needs none.
pub(crate) type Grads<T> = SmallVec<[Option<Var<T>>; 2]>;

/// The gradient of an op, with the values it saved.
///
/// `grads` is written in differentiable ops: there is no op without one. `fused` may do the same on
/// plain tensors in fewer passes; every test runs both and compares. A gradient may keep the axes
/// along which its input was broadcast: the engine sums over them.
pub(crate) trait Rule<T: Float>: Send + Sync + 'static {
    /// The op's name on the tape.
    fn name(&self) -> &'static str;

    /// The gradients of the inputs, given that of the output.
    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>>;

    /// The same on plain tensors, reusing `dy`'s memory where it can: each gradient goes into the accumulator
    /// as soon as it is there.
    fn fused(&self, _cx: &Cx<'_>, dy: Tensor<T>, _to: &mut Accumulator<'_, T>) -> Result<Fused<T>> {
        Ok(Fused::Composed(dy))
    }

    /// Attributes, for the printed tape: `axes [0, 1]`.
    fn detail(&self) -> String {
        String::new()
    }
}

/// The gradient of an op's only input.
pub(crate) fn one<T: Float>(dx: Var<T>) -> Result<Grads<T>> {
    Ok(Grads::from_buf_and_len([Some(dx), None], 1))
}

/// The gradients of an op's two inputs.
pub(crate) fn two<T: Float>(da: Option<Var<T>>, db: Option<Var<T>>) -> Result<Grads<T>> {
    Ok(Grads::from_buf([da, db]))
}

/// What a fused rule answers.
pub(crate) enum Fused<T: Float> {
    /// The accumulator has the gradients.
    Done,
    /// There is no fused form for this case; the gradient is handed back.
    Composed(Tensor<T>),
}

/// What a rule is told about the backward pass.
pub(crate) struct Cx<'a> {
    pub(crate) inputs: Inputs<'a>,
    /// The op's own node, if the pass is recorded.
    pub(crate) this: Option<&'a Edge>,
}

impl Cx<'_> {
    /// Whether input `i` needs a gradient (and has not been given it).
    #[inline]
    pub(crate) fn needs(&self, i: usize) -> bool {
        self.inputs.has(i)
    }

    /// A saved value as a variable: tracked again if the pass is recorded.
    #[inline]
    pub(crate) fn var<T: Float>(&self, saved: &Saved<T>) -> Var<T> {
        let node = self.this.and_then(|this| match saved.role {
            Role::OUTPUT => Some(this.clone()),
            Role(i) => self.inputs.node(i as usize),
        });
        Var {
            value: saved.value.clone(),
            node,
        }
    }
}

/// What a saved value was to the op: the input of a number, or the output. Never a pointer to a node: that would be a
/// cycle.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Role(u32);

impl Role {
    const OUTPUT: Role = Role(u32::MAX);
}

/// A value that a rule saves for the backward pass.
pub(crate) struct Saved<T: Float> {
    pub(crate) value: Tensor<T>,
    role: Role,
}

impl<T: Float> Saved<T> {
    /// The value of input `i`.
    #[inline]
    pub(crate) fn input(i: usize, v: &Var<T>) -> Saved<T> {
        Saved::new(i, v.value.clone())
    }
    /// The value of input `i`, given up.
    #[inline]
    pub(crate) fn new(i: usize, value: Tensor<T>) -> Saved<T> {
        Saved {
            value,
            role: Role(i as u32),
        }
    }
    /// The op's own output.
    #[inline]
    pub(crate) fn output(y: &Tensor<T>) -> Saved<T> {
        Saved {
            value: y.clone(),
            role: Role::OUTPUT,
        }
    }
}

/// The inputs of an op: an array, seen one by one. (`map` of an array is some 200 lines of code for each op.)
pub(crate) trait Operands<const N: usize> {
    /// Whether each is tracked.
    fn tracked(&self) -> [bool; N];
    /// Their nodes.
    fn edges(&self) -> [Option<Edge>; N];
}
macro_rules! operands {
    ($($n:literal: $($i:literal)*;)*) => {$(
        impl<T: Float> Operands<$n> for [&Var<T>; $n] {
            #[inline(always)]
            fn tracked(&self) -> [bool; $n] {
                [$(self[$i].node.is_some()),*]
            }
            #[inline(always)]
            fn edges(&self) -> [Option<Edge>; $n] {
                [$(self[$i].node.clone()),*]
            }
        }
    )*};
}
operands! {
    1: 0;
    2: 0 1;
    3: 0 1 2;
    4: 0 1 2 3;
}

/// The funnel that every recorded op goes through: `value` was computed from `inputs`; `rule` is
/// called only where the op is recorded, with the output and which inputs need a gradient.
#[track_caller]
#[inline]
pub(crate) fn apply<T: Float, R: Rule<T>, const N: usize>(
    inputs: [&Var<T>; N],
    value: Tensor<T>,
    rule: impl FnOnce(&Tensor<T>, [bool; N]) -> R,
) -> Var<T>
where
    for<'a> [&'a Var<T>; N]: Operands<N>,
{
    let needs = inputs.tracked();
    if needs == [false; N] || !mode::is_recording() {
        return Var { value, node: None };
    }
    let rule = || rule(&value, needs);
    let node = node::push(&value, inputs.edges(), rule, Location::caller());
    Var {
        value,
        node: Some(node),
    }
}

/// [`apply`] where the inputs were given up: their nodes move onto the tape. (Where the rule saves none of them, the
/// value may have been made in their memory.)
#[track_caller]
#[inline]
pub(crate) fn apply_owned<T: Float, R: Rule<T>, const N: usize>(
    edges: [Option<Edge>; N],
    value: Tensor<T>,
    rule: impl FnOnce() -> R,
) -> Var<T> {
    let recorded = edges.iter().any(Option::is_some) && mode::is_recording();
    // A closure would not know the caller.
    let node = match recorded {
        true => Some(node::push(&value, edges, rule, Location::caller())),
        false => None,
    };
    Var { value, node }
}

/// [`apply`] for any number of inputs.
#[track_caller]
pub(crate) fn apply_many<T: Float, R: Rule<T>>(
    inputs: &[&Var<T>],
    value: Tensor<T>,
    rule: impl FnOnce(&Tensor<T>) -> R,
) -> Var<T> {
    if inputs.iter().all(|v| v.node.is_none()) || !mode::is_recording() {
        return Var { value, node: None };
    }
    let edges: Vec<Option<Edge>> = inputs.iter().map(|v| v.node.clone()).collect();
    let node = node::push(&value, edges, || rule(&value), Location::caller());
    Var {
        value,
        node: Some(node),
    }
}
