//! A node of the tape: one recorded op, or a leaf that gradients end in.
//!
//! Invariants. A node's number is above those of its inputs, so "highest first" is a valid order for
//! the backward pass. A node holds its inputs' nodes and plain tensors, never a variable: there are no
//! cycles. Dropping a node never recurses into its inputs.

use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

use smallvec::SmallVec;
use wengert_tensor::memory::{Lock, ThinArc};
use wengert_tensor::{ErrorKind, Float, Result, Site, Tensor, user_line};

use crate::tape::accumulator::Visit;
use crate::tape::backward::ReadyQueue;
use crate::tape::leaf::AnyLeaf;
use crate::tape::meta::Meta;
use crate::tape::rule::Rule;

/// A node of the tape, and what is known of it without a call.
pub(crate) type Edge = ThinArc<dyn Node, Meta>;

/// How a backward pass treats the nodes it reaches: by default it releases them.
#[derive(Clone, Copy, Default)]
pub(crate) struct PassOptions {
    /// Record the rules, so that gradients can be differentiated again; only with `retain`.
    pub(crate) create_graph: bool,
    /// Keep the saved values for another walk.
    pub(crate) retain: bool,
}

/// What a node holds is moved or shared under a lock, but no lock is held while a rule runs.
pub(crate) trait Node: Send + Sync {
    /// Runs the rule on the gradient that `out` holds and adds what it gives to those on their way.
    fn back(&self, this: &Edge, options: PassOptions, out: &mut ReadyQueue) -> Result<()>;
    /// The same for a pass that releases a node which nobody else holds, and then drops it: there is nothing to lock,
    /// and nothing to take out.
    fn back_alone(&mut self, meta: &Meta, out: &mut ReadyQueue) -> Result<()>;
    /// The inputs' nodes, to be moved out before the node is dropped; none where a walk has released them, or has them now.
    fn edges_mut(&mut self) -> &mut [Option<Edge>];
    /// What the node is; its attributes, for the printed tape, if asked for.
    fn info(&self, detail: bool) -> NodeInfo;
    /// The leaf that this is.
    fn leaf(&self) -> Option<AnyLeaf<'_>> {
        None
    }
}

/// What there is to see of a node.
pub(crate) struct NodeInfo {
    pub(crate) op: &'static str,
    /// The inputs' nodes, `None` for those that need no gradient; nothing once a walk has released them.
    pub(crate) inputs: Option<SmallVec<[Option<Edge>; 4]>>,
    pub(crate) detail: String,
}

/// What is known of a node.
#[inline(always)]
pub(crate) fn meta(node: &Edge) -> &Meta {
    ThinArc::head(node)
}

/// Identity of a node.
#[inline]
pub(crate) fn key(node: &Edge) -> usize {
    ThinArc::address(node)
}

thread_local! {
    /// A Lamport clock: the next number is above this thread's last and above all inputs'. No
    /// counter is shared between threads.
    static CLOCK: Cell<u64> = const { Cell::new(0) };
}

/// A rule with its saved values, and the inputs' nodes: taken out when the walk releases them, shared while walks
/// that retain them run, so backward nests and runs on several threads.
enum State<R, E> {
    Ready(R, E),
    Shared(Arc<(R, E)>),
    /// The op that it was.
    Released(&'static str),
}

/// The inputs' nodes: an array for most ops, so that a node is one allocation; a list where there may
/// be any number.
pub(crate) trait Edges:
    AsRef<[Option<Edge>]> + AsMut<[Option<Edge>]> + Clone + Send + Sync + 'static
{
}
impl<E> Edges for E where
    E: AsRef<[Option<Edge>]> + AsMut<[Option<Edge>]> + Clone + Send + Sync + 'static
{
}

/// A recorded op.
struct OpNode<T: Float, R: Rule<T>, E: Edges> {
    state: Lock<State<R, E>>,
    marker: PhantomData<fn() -> T>,
}

/// The number of a node with these inputs.
fn next_number(edges: &[Option<Edge>]) -> u64 {
    let mut below = CLOCK.get();
    for edge in edges.iter().flatten() {
        below = below.max(meta(edge).seq);
    }
    CLOCK.set(below + 1);
    below + 1
}

/// Records an op on the tape and returns its node. The caller has checked that an input is tracked.
#[inline]
pub(crate) fn push<T: Float, R: Rule<T>, E: Edges>(
    value: &Tensor<T>,
    edges: E,
    rule: impl FnOnce() -> R,
    at: &'static Location<'static>,
) -> Edge {
    let seq = next_number(edges.as_ref());
    let rule = rule();
    let at = user_line(at);
    let head = || Meta::new(seq, value.shape(), T::DTYPE, at);
    let node = || OpNode {
        state: Lock::new(State::Ready(rule, edges)),
        marker: PhantomData,
    };
    ThinArc::make(node, head, |n| n)
}

impl<T: Float, R: Rule<T>, E: Edges> OpNode<T, R, E> {
    /// What a walk is to run with; the node is left with its share, or released.
    fn hand_out(&self, retain: bool) -> State<R, E> {
        let mut state = self.state.lock();
        let op = match &*state {
            State::Ready(rule, _) => rule.name(),
            State::Shared(both) => both.0.name(),
            State::Released(op) => op,
        };
        let taken = std::mem::replace(&mut *state, State::Released(op));
        if !retain {
            return taken;
        }
        let both = match taken {
            State::Ready(rule, edges) => Arc::new((rule, edges)),
            State::Shared(both) => both,
            released => return released,
        };
        *state = State::Shared(both.clone());
        State::Shared(both)
    }
}

/// Runs the rule; what is in the state is used up, unless it is shared.
#[inline]
fn run<T: Float, R: Rule<T>, E: Edges>(state: &mut State<R, E>, visit: Visit<'_>) -> Result<()> {
    match state {
        State::Ready(rule, edges) => visit.run::<T>(rule, edges.as_mut()),
        State::Shared(both) => visit.run_shared::<T>(&both.0, both.1.as_ref()),
        State::Released(op) => Err(Site::unplaced("backward").error(ErrorKind::Released {
            op,
            recorded: visit.meta.at,
        })),
    }
}

impl<T: Float, R: Rule<T>, E: Edges> Node for OpNode<T, R, E> {
    fn back(&self, this: &Edge, options: PassOptions, out: &mut ReadyQueue) -> Result<()> {
        let visit = Visit {
            meta: meta(this),
            this: options.create_graph.then_some(this),
            options,
            out,
        };
        run(&mut self.hand_out(options.retain), visit)
    }
    fn back_alone(&mut self, meta: &Meta, out: &mut ReadyQueue) -> Result<()> {
        let visit = Visit {
            meta,
            this: None,
            options: PassOptions::default(),
            out,
        };
        run(self.state.get_mut(), visit)
    }
    fn edges_mut(&mut self) -> &mut [Option<Edge>] {
        match self.state.get_mut() {
            State::Ready(_, edges) => edges.as_mut(),
            State::Shared(both) => match Arc::get_mut(both) {
                Some((_, edges)) => edges.as_mut(),
                None => &mut [],
            },
            State::Released(_) => &mut [],
        }
    }
    fn info(&self, detail: bool) -> NodeInfo {
        let state = self.state.lock();
        let (rule, edges) = match &*state {
            State::Ready(rule, edges) => (rule, edges),
            State::Shared(both) => (&both.0, &both.1),
            State::Released(op) => return NodeInfo::released(op, detail),
        };
        NodeInfo::of::<T>(rule, edges.as_ref(), detail)
    }
}

impl NodeInfo {
    fn of<T: Float>(rule: &dyn Rule<T>, edges: &[Option<Edge>], detail: bool) -> NodeInfo {
        NodeInfo {
            op: rule.name(),
            inputs: Some(SmallVec::from(edges)),
            detail: if detail { rule.detail() } else { String::new() },
        }
    }

    fn released(op: &'static str, detail: bool) -> NodeInfo {
        NodeInfo {
            op,
            inputs: None,
            detail: if detail { "released" } else { "" }.to_string(),
        }
    }
}

impl<T: Float, R: Rule<T>, E: Edges> Drop for OpNode<T, R, E> {
    #[inline]
    fn drop(&mut self) {
        // After a walk there are none.
        if self.edges_mut().iter().any(Option::is_some) {
            drop_inputs(self);
        }
    }
}

/// Without recursion: a node that only this one holds gives up its inputs first, so that its own drop finds none.
/// (Recursive drops overflow the stack at some 100,000 ops.)
#[inline(never)]
fn drop_inputs(node: &mut dyn Node) {
    let mut list = SmallVec::<[Edge; 4]>::new();
    // Not `extend`, which first counts what there is: after a walk there is nothing.
    let take = |edges: &mut [Option<Edge>], list: &mut SmallVec<_>| {
        for edge in edges {
            if let Some(edge) = edge.take() {
                list.push(edge);
            }
        }
    };
    take(node.edges_mut(), &mut list);
    while let Some(mut edge) = list.pop() {
        if let Some((_, node)) = ThinArc::get_mut(&mut edge) {
            take(node.edges_mut(), &mut list);
            // While this one is dropped.
            list.last().into_iter().for_each(ThinArc::prefetch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::scalar::Affine;

    #[test]
    fn a_small_op_takes_128_bytes() {
        type Node = OpNode<f32, Affine, [Option<Edge>; 1]>;
        // Before them: the count, the size and the class of the block, and the pointer to the node with its vtable.
        const BEFORE: usize = 5 * size_of::<u64>();
        if cfg!(target_pointer_width = "64") {
            assert_eq!(BEFORE + size_of::<Meta>() + size_of::<Node>(), 128);
        }
    }
}
