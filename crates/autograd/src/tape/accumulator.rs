//! Where a rule takes its inputs' nodes from, and puts their gradients.

use std::cell::Cell;

use smallvec::SmallVec;
use wengert_tensor::{ErrorKind, Float, Result, Site, Tensor};

use crate::tape::any::AnyVar;
use crate::tape::backward::ReadyQueue;
use crate::tape::meta::Meta;
use crate::tape::mode;
use crate::tape::node::{self, Edge, PassOptions};
use crate::tape::rule::{Cx, Fused, Grads, Rule};
use crate::var::Var;

/// The nodes of an op's inputs while its rule runs: each is handed on with its gradient.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a>(&'a [Cell<Option<Edge>>]);

impl<'a> Inputs<'a> {
    #[inline]
    pub(crate) fn new(edges: &'a mut [Option<Edge>]) -> Inputs<'a> {
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
        let (a, b) = (self.see(i, node::key), self.see(j, node::key));
        a.is_some() && a == b
    }

    /// Hands input `i`'s node over.
    #[inline]
    fn take(self, i: usize) -> Option<Edge> {
        self.0.get(i)?.take()
    }
}

/// A backward pass at a node.
pub(crate) struct Visit<'a> {
    pub(crate) meta: &'a Meta,
    /// The node itself, if the pass is recorded.
    pub(crate) this: Option<&'a Edge>,
    pub(crate) options: PassOptions,
    /// Holds the node's gradient, and takes those of the inputs.
    pub(crate) out: &'a mut ReadyQueue,
}

impl<'a> Visit<'a> {
    /// Runs the node's rule. What it takes of the edges it hands on.
    ///
    /// Once for each type, not for each rule: what a rule adds to a program is its formulas.
    pub(crate) fn run<T: Float>(
        self,
        rule: &'a dyn Rule<T>,
        edges: &mut [Option<Edge>],
    ) -> Result<()> {
        let Some(dy) = self.out.take::<T>() else {
            return Ok(());
        };
        // Often the next to be walked, and far away on a long tape.
        edges.iter().flatten().for_each(Edge::prefetch);
        let create_graph = self.options.create_graph;
        let inputs = Inputs::new(edges);
        let cx = Cx {
            inputs,
            this: self.this,
        };
        let mut accumulator = Accumulator {
            rule,
            inputs,
            visit: self,
        };
        let dy = if create_graph || mode::is_composed() {
            dy
        } else {
            match rule.fused(&cx, dy.value, &mut accumulator)? {
                Fused::Done => return Ok(()),
                Fused::Composed(dy) => Var::constant(dy),
            }
        };
        let grads = mode::enable_grad_if(create_graph, || rule.grads(&cx, &dy))?;
        accumulator.give_all(grads)
    }

    /// The same for edges that stay where they are.
    #[cold]
    pub(crate) fn run_shared<T: Float>(
        self,
        rule: &'a dyn Rule<T>,
        edges: &[Option<Edge>],
    ) -> Result<()> {
        self.run(rule, &mut SmallVec::<[_; 4]>::from(edges))
    }
}

/// Takes the gradients of an op's inputs: checks each, sums over the axes along which the input was
/// broadcast, and passes it on.
pub(crate) struct Accumulator<'a, T: Float> {
    rule: &'a dyn Rule<T>,
    inputs: Inputs<'a>,
    visit: Visit<'a>,
}

impl<T: Float> Accumulator<'_, T> {
    /// The gradient of input `i`, once; forgotten where the input needs none.
    #[inline]
    pub(crate) fn accumulate(&mut self, i: usize, grad: Tensor<T>) -> Result<()> {
        self.give(i, Var::constant(grad))
    }

    #[inline]
    fn give(&mut self, i: usize, grad: Var<T>) -> Result<()> {
        let Some(edge) = self.inputs.take(i) else {
            return Ok(());
        };
        let to = node::meta(&edge);
        if to.is_of(grad.shape(), T::DTYPE) {
            self.visit.out.add(edge, AnyVar::wrap(grad))
        } else {
            let grad = self.fit(i, grad, to)?;
            self.visit.out.add(edge, grad)
        }
    }

    /// What a rule answered: a gradient for each input, or none.
    fn give_all(&mut self, grads: Grads<T>) -> Result<()> {
        if grads.len() != self.inputs.len() {
            return Err(Site::at(self.rule.name(), self.visit.meta.at).error(
                ErrorKind::GradientCount {
                    got: grads.len(),
                    want: self.inputs.len(),
                },
            ));
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
        let want = &to.shape();
        let grad = if grad.shape() == want {
            grad
        } else if want.broadcast(grad.shape()).as_ref() == Some(grad.shape()) {
            if self.visit.options.create_graph {
                mode::enable_grad(|| grad.sum_to(want))?
            } else {
                Var::constant(grad.value.sum_to(want)?)
            }
        } else {
            let what = format!("input {i}");
            let op = self.rule.name();
            return Err(self
                .visit
                .meta
                .misshapen(op, what, grad.shape(), T::DTYPE, to));
        };
        let grad = AnyVar::wrap(grad);
        Ok(if to.dtype() == T::DTYPE {
            grad
        } else {
            grad.cast(to.dtype(), self.visit.options.create_graph)
        })
    }
}
