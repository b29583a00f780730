//! A node of the tape: one recorded op, or a leaf that gradients end in.
//!
//! Invariants. A node's number is above those of its inputs, so "highest first" is a valid order for
//! the walk back. A node holds its inputs' nodes and plain tensors, never a variable: there are no
//! cycles. Dropping a node never recurses into its inputs.

use std::cell::Cell;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use smallvec::SmallVec;
use wengert_tensor::memory::{Counted, Lock};
use wengert_tensor::{DType, Float, Shape, Tensor, Untyped};

use crate::engine::Pending;
use crate::error::{Error, Result};
use crate::leaf::Leaf;
use crate::mode;
use crate::rule::{Cx, Fused, Grads, Rule};
use crate::var::Var;

/// A node of the tape, and what is known of it without a call.
pub(crate) type Edge = Counted<dyn Node, Meta>;

/// A variable whose element type is known at run time only: what the edges of the tape carry.
#[derive(Clone)]
pub(crate) struct AnyVar {
    value: Untyped,
    node: Option<Edge>,
}

impl AnyVar {
    #[inline]
    pub(crate) fn wrap<T: Float>(v: Var<T>) -> AnyVar {
        AnyVar {
            value: v.value.untyped(),
            node: v.node,
        }
    }

    /// The variable, if it is of type `T`.
    #[inline]
    pub(crate) fn unwrap<T: Float>(self) -> Option<Var<T>> {
        let AnyVar { value, node } = self;
        value.typed().map(|value| Var { value, node })
    }

    #[inline]
    pub(crate) fn dtype(&self) -> DType {
        self.value.dtype()
    }

    #[inline]
    pub(crate) fn shape(&self) -> &Shape {
        self.value.shape()
    }

    /// The gradient of a value of another type: that of a cast.
    fn cast(self, to: DType, record: bool) -> AnyVar {
        fn convert<T: Float, U: Float>(v: AnyVar) -> AnyVar {
            match v.unwrap::<T>() {
                Some(v) => AnyVar::wrap(v.cast::<U>()),
                None => unreachable!("a variable is of the type that it says"),
            }
        }
        let run = || match (self.dtype(), to) {
            (DType::F32, DType::F64) => convert::<f32, f64>(self),
            (DType::F64, DType::F32) => convert::<f64, f32>(self),
            _ => self,
        };
        if record {
            mode::enable_grad(run)
        } else {
            run()
        }
    }

    /// The sum of two gradients of one value: recorded where `record`, else into the memory of
    /// either where it is held alone. Types and shapes agree: every contribution was checked.
    pub(crate) fn plus(self, other: AnyVar, record: bool) -> Result<AnyVar> {
        fn add<T: Float>(a: AnyVar, b: AnyVar, record: bool) -> Result<AnyVar> {
            let (Some(a), Some(b)) = (a.unwrap::<T>(), b.unwrap::<T>()) else {
                unreachable!("gradients of one value are of its type");
            };
            let sum = if record {
                mode::enable_grad(|| a.try_add(&b))?
            } else {
                Var::constant(a.value + b.value)
            };
            Ok(AnyVar::wrap(sum))
        }
        match self.dtype() {
            DType::F32 => add::<f32>(self, other, record),
            _ => add::<f64>(self, other, record),
        }
    }
}

/// A function that sees, and may replace, a gradient on its way through a value.
pub(crate) type Hook = Arc<dyn Fn(AnyVar) -> Result<AnyVar> + Send + Sync>;

/// What every node knows.
pub(crate) struct Meta {
    /// Above those of the inputs; 0 for leaves.
    pub(crate) seq: u64,
    pub(crate) op: &'static str,
    /// Shape and type of the value.
    pub(crate) shape: Shape,
    pub(crate) dtype: DType,
    pub(crate) at: &'static Location<'static>,
    hooks: OnceLock<Box<Mutex<Vec<(u64, Hook)>>>>,
}

impl Meta {
    #[inline]
    pub(crate) fn new(
        seq: u64,
        op: &'static str,
        shape: Shape,
        dtype: DType,
        at: &'static Location<'static>,
    ) -> Meta {
        Meta {
            seq,
            op,
            shape,
            dtype,
            at,
            hooks: OnceLock::new(),
        }
    }

    pub(crate) fn add_hook(&self, id: u64, hook: Hook) {
        lock(self.hooks.get_or_init(Box::default)).push((id, hook));
    }

    pub(crate) fn remove_hook(&self, id: u64) {
        if let Some(hooks) = self.hooks.get() {
            lock(hooks).retain(|(i, _)| *i != id);
        }
    }

    /// Whether the node is a leaf: the number says it, without a call.
    #[inline]
    pub(crate) fn is_leaf(&self) -> bool {
        self.seq == 0
    }

    /// Whether there ever was a hook.
    #[inline]
    pub(crate) fn is_hooked(&self) -> bool {
        self.hooks.get().is_some()
    }

    fn released(&self) -> Error {
        Error::Released {
            op: self.op,
            recorded: self.at,
        }
    }

    /// The gradient after every hook, in the order they were added. No lock is held while one runs.
    #[inline]
    pub(crate) fn run_hooks(&self, mut grad: AnyVar) -> Result<AnyVar> {
        let Some(hooks) = self.hooks.get() else {
            return Ok(grad);
        };
        let hooks: Vec<Hook> = lock(hooks).iter().map(|(_, h)| h.clone()).collect();
        for hook in hooks {
            grad = hook(grad)?;
            if grad.shape() != &self.shape || grad.dtype() != self.dtype {
                return Err(Error::GradientShape {
                    op: self.op,
                    what: "a hook".to_string(),
                    got_dtype: grad.dtype(),
                    got: Box::new(grad.shape().clone()),
                    want_dtype: self.dtype,
                    want: Box::new(self.shape.clone()),
                    at: self.at,
                });
            }
        }
        Ok(grad)
    }
}

/// How a walk treats the nodes it passes: unless told otherwise it releases them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Walk {
    /// Record the rules, so that gradients can be differentiated again; only with `retain`.
    pub(crate) create_graph: bool,
    /// Keep the saved values for another walk.
    pub(crate) retain: bool,
}

pub(crate) trait Node: Send + Sync {
    /// The inputs' nodes, `None` for those that need no gradient; nothing once a walk has released them.
    fn inputs(&self) -> Option<SmallVec<[Option<Edge>; 4]>>;
    /// Moves the inputs out, before the node is dropped.
    fn take_edges(&mut self, out: &mut SmallVec<[Edge; 4]>);
    /// Runs the rule on the gradient that `out` holds and adds what it gives to those on their way.
    fn back(&self, this: &Edge, walk: Walk, out: &mut Pending) -> Result<()>;
    /// The same for a walk that releases a node which nobody else holds, and then drops it: there is nothing to lock,
    /// and nothing to take out.
    fn back_alone(&mut self, meta: &Meta, out: &mut Pending) -> Result<()>;
    /// The op's attributes, for the printed tape.
    fn detail(&self) -> String;
    /// Adds to the gradient that a leaf holds.
    fn deposit(&self, _grad: AnyVar) {}
    /// The leaf of single precision that this is.
    fn single(&self) -> Option<&Leaf<f32>> {
        None
    }
    /// The leaf of double precision that this is.
    fn double(&self) -> Option<&Leaf<f64>> {
        None
    }
}

pub(crate) fn lock<T: ?Sized>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    // No user code runs under a lock here, so a poisoned one is still whole.
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is known of a node.
#[inline(always)]
pub(crate) fn meta(node: &Edge) -> &Meta {
    Counted::head(node)
}

/// Identity of a node.
#[inline]
pub(crate) fn key(node: &Edge) -> usize {
    Counted::address(node)
}

thread_local! {
    /// A Lamport clock: the next number is above this thread's last and above all inputs'. No
    /// counter is shared between threads.
    static CLOCK: Cell<u64> = const { Cell::new(0) };
}

/// A rule with its saved values, and the inputs' nodes: taken out when the walk releases them, shared while walks
/// that retain them run; no lock is held while a rule runs, so backward nests and runs on several threads.
enum State<R, E> {
    Ready(R, E),
    Shared(Arc<(R, E)>),
    Released,
}

impl<R, E> State<R, E> {
    /// The rule and the nodes, shared from now on; none once released.
    fn share(&mut self) -> Option<Arc<(R, E)>> {
        let both = match std::mem::replace(self, State::Released) {
            State::Ready(rule, edges) => Arc::new((rule, edges)),
            State::Shared(both) => both,
            State::Released => return None,
        };
        *self = State::Shared(both.clone());
        Some(both)
    }
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

/// The nodes of an op's inputs while its rule runs: each is handed on with its gradient.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a>(&'a [Cell<Option<Edge>>]);

impl<'a> Inputs<'a> {
    #[inline]
    fn new(edges: &'a mut [Option<Edge>]) -> Inputs<'a> {
        Inputs(Cell::from_mut(edges).as_slice_of_cells())
    }

    /// How many inputs the op has.
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    /// Input `i`'s node, to look at.
    #[inline]
    fn see<R>(self, i: usize, look: impl FnOnce(&Edge) -> R) -> Option<R> {
        let cell = self.0.get(i)?;
        let edge = cell.take();
        let seen = edge.as_ref().map(look);
        cell.set(edge);
        seen
    }

    /// Whether input `i` still wants a gradient.
    #[inline]
    pub(crate) fn has(self, i: usize) -> bool {
        self.see(i, |_| ()).is_some()
    }

    /// Another handle to input `i`'s node.
    pub(crate) fn node(self, i: usize) -> Option<Edge> {
        self.see(i, Edge::clone)
    }

    /// Whether inputs `i` and `j` are one variable.
    pub(crate) fn are_same(self, i: usize, j: usize) -> bool {
        let (a, b) = (self.see(i, key), self.see(j, key));
        a.is_some() && a == b
    }

    /// Hands input `i`'s node over.
    #[inline]
    fn take(self, i: usize) -> Option<Edge> {
        self.0.get(i)?.take()
    }
}

/// A recorded op.
struct OpNode<T: Float, R: Rule<T>, E: Edges> {
    state: Lock<State<R, E>>,
    marker: std::marker::PhantomData<fn() -> T>,
}

/// Takes the gradients of an op's inputs: checks each, sums over the axes along which the input was
/// broadcast, and passes it on.
pub(crate) struct Sink<'a, T: Float> {
    meta: &'a Meta,
    inputs: Inputs<'a>,
    walk: Walk,
    out: &'a mut Pending,
    marker: std::marker::PhantomData<fn(T)>,
}

impl<T: Float> Sink<'_, T> {
    /// The gradient of input `i`, once; forgotten where the input needs none.
    #[inline]
    pub(crate) fn put(&mut self, i: usize, grad: Tensor<T>) -> Result<()> {
        self.give(i, Var::constant(grad))
    }

    #[inline]
    fn give(&mut self, i: usize, grad: Var<T>) -> Result<()> {
        let Some(edge) = self.inputs.take(i) else {
            return Ok(());
        };
        let to = meta(&edge);
        if grad.shape() == &to.shape && to.dtype == T::DTYPE {
            self.out.add(edge, AnyVar::wrap(grad))
        } else {
            let grad = self.fit(i, grad, to)?;
            self.out.add(edge, grad)
        }
    }

    /// What a rule answered: a gradient for each input, or none.
    fn give_all(&mut self, grads: Grads<T>) -> Result<()> {
        if grads.len() != self.inputs.len() {
            return Err(Error::GradientCount {
                op: self.meta.op,
                got: grads.len(),
                want: self.inputs.len(),
                at: self.meta.at,
            });
        }
        for (i, grad) in grads.into_iter().enumerate() {
            if let Some(grad) = grad {
                self.give(i, grad)?;
            }
        }
        Ok(())
    }

    /// A gradient made to fit the value it is of: summed down, cast.
    #[cold]
    fn fit(&self, i: usize, grad: Var<T>, to: &Meta) -> Result<AnyVar> {
        let want = &to.shape;
        let grad = if grad.shape() == want {
            grad
        } else if want.broadcast(grad.shape()).as_ref() == Some(grad.shape()) {
            if self.walk.create_graph {
                mode::enable_grad(|| grad.sum_to(want))?
            } else {
                Var::constant(grad.value.sum_to(want)?)
            }
        } else {
            return Err(Error::GradientShape {
                op: self.meta.op,
                what: format!("input {i}"),
                got_dtype: T::DTYPE,
                got: Box::new(grad.shape().clone()),
                want_dtype: to.dtype,
                want: Box::new(want.clone()),
                at: self.meta.at,
            });
        };
        let grad = AnyVar::wrap(grad);
        Ok(if to.dtype == T::DTYPE {
            grad
        } else {
            grad.cast(to.dtype, self.walk.create_graph)
        })
    }
}

/// Records an op on the tape and returns its node. The caller has checked that an input is tracked.
#[inline]
pub(crate) fn push<T: Float, R: Rule<T>, E: Edges>(
    value: &Tensor<T>,
    edges: E,
    rule: impl FnOnce() -> R,
    at: &'static Location<'static>,
) -> Edge {
    let below = edges
        .as_ref()
        .iter()
        .flatten()
        .map(|e| meta(e).seq)
        .max()
        .unwrap_or(0);
    let seq = CLOCK.with(|c| {
        let seq = c.get().max(below) + 1;
        c.set(seq);
        seq
    });
    let rule = rule();
    let name = rule.name();
    let head = || Meta::new(seq, name, value.shape().clone(), T::DTYPE, at);
    let node = || OpNode {
        state: Lock::new(State::Ready(rule, edges)),
        marker: std::marker::PhantomData,
    };
    Counted::make(node, head, |n| n)
}

impl<T: Float, R: Rule<T>, E: Edges> OpNode<T, R, E> {
    /// The rule on the gradient that `out` holds. `this`: the node itself, where the walk records.
    fn run(
        meta: &Meta,
        rule: &R,
        edges: &mut [Option<Edge>],
        this: Option<&Edge>,
        walk: Walk,
        out: &mut Pending,
    ) -> Result<()> {
        let Some(dy) = out.take::<T>() else {
            return Ok(());
        };
        // Often the next to be walked, and far away on a long tape.
        edges.iter().flatten().for_each(Counted::prefetch);
        let inputs = Inputs::new(edges);
        let cx = Cx { inputs, this };
        let mut sink = Sink {
            meta,
            inputs,
            walk,
            out,
            marker: std::marker::PhantomData,
        };
        let dy = if walk.create_graph || mode::is_composed() {
            dy
        } else {
            match rule.fused(&cx, dy.value, &mut sink)? {
                Fused::Done => return Ok(()),
                Fused::Composed(dy) => Var::constant(dy),
            }
        };
        let grads = mode::enable_grad_if(walk.create_graph, || rule.grads(&cx, &dy))?;
        sink.give_all(grads)
    }

    /// For the last time: what is in the state is used up.
    #[inline]
    fn run_last(meta: &Meta, state: &mut State<R, E>, out: &mut Pending) -> Result<()> {
        let walk = Walk::default();
        match state {
            State::Ready(rule, edges) => Self::run(meta, rule, edges.as_mut(), None, walk, out),
            State::Shared(both) => {
                let mut edges = both.1.clone();
                Self::run(meta, &both.0, edges.as_mut(), None, walk, out)
            }
            State::Released => Err(meta.released()),
        }
    }
}

impl<T: Float, R: Rule<T>, E: Edges> Node for OpNode<T, R, E> {
    fn inputs(&self) -> Option<SmallVec<[Option<Edge>; 4]>> {
        let state = self.state.lock();
        let edges = match &*state {
            State::Ready(_, edges) => edges,
            State::Shared(both) => &both.1,
            State::Released => return None,
        };
        Some(edges.as_ref().iter().cloned().collect())
    }
    fn take_edges(&mut self, out: &mut SmallVec<[Edge; 4]>) {
        let state = self.state.get_mut();
        let edges = match state {
            State::Ready(_, edges) => edges,
            State::Shared(both) => match Arc::get_mut(both) {
                Some((_, edges)) => edges,
                None => return,
            },
            State::Released => return,
        };
        // Not `extend`, which first counts what there is: after a walk there is nothing.
        for edge in edges.as_mut() {
            if let Some(edge) = edge.take() {
                out.push(edge);
            }
        }
    }
    fn back(&self, this: &Edge, walk: Walk, out: &mut Pending) -> Result<()> {
        let mut state = self.state.lock();
        if !walk.retain {
            let mut taken = std::mem::replace(&mut *state, State::Released);
            drop(state);
            return Self::run_last(meta(this), &mut taken, out);
        }
        let both = state.share();
        drop(state);
        let both = both.ok_or_else(|| meta(this).released())?;
        let recorded = walk.create_graph.then_some(this);
        let mut edges = both.1.clone();
        Self::run(meta(this), &both.0, edges.as_mut(), recorded, walk, out)
    }
    fn back_alone(&mut self, meta: &Meta, out: &mut Pending) -> Result<()> {
        let state = self.state.get_mut();
        Self::run_last(meta, state, out)
    }
    fn detail(&self) -> String {
        match &*self.state.lock() {
            State::Ready(rule, _) => rule.detail(),
            State::Shared(both) => both.0.detail(),
            State::Released => "released".to_string(),
        }
    }
}

impl<T: Float, R: Rule<T>, E: Edges> Drop for OpNode<T, R, E> {
    #[inline]
    fn drop(&mut self) {
        let gone = match self.state.get_mut() {
            // After a walk there are none.
            State::Ready(_, edges) => edges.as_ref().iter().all(Option::is_none),
            State::Shared(_) => false,
            State::Released => true,
        };
        if !gone {
            drop_inputs(self);
        }
    }
}

/// Without recursion: a node that only this one holds gives up its inputs first, so that its own drop finds none.
/// (Recursive drops overflow the stack at some 100,000 ops.)
#[inline(never)]
fn drop_inputs(node: &mut dyn Node) {
    let mut list = SmallVec::<[Edge; 4]>::new();
    node.take_edges(&mut list);
    while let Some(mut edge) = list.pop() {
        if let Some((_, node)) = Counted::get_mut(&mut edge) {
            node.take_edges(&mut list);
            // While this one is dropped.
            list.last().into_iter().for_each(Counted::prefetch);
        }
    }
}
