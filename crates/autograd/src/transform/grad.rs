//! Gradients as values: of some outputs with respect to some inputs, leaves left alone.

use std::panic::Location;

use wengert_tensor::{
    Error, ErrorKind, Float, Result, Shape, Site, Tensor, on_behalf_of, user_line,
};

use crate::tape::any::AnyVar;
use crate::tape::backward::{NodeMap, NodeSet, ReadyQueue, not_scalar, root, run_pass};
use crate::tape::node::{self, Edge, PassOptions};
use crate::tape::rule::{Cx, Grads, Rule};
use crate::var::Var;

/// The gradient of one output with respect to some inputs; leaves are left alone (PyTorch's
/// `torch.autograd.grad`).
///
/// ```
/// use wengert::prelude::*;
/// let x = Var::new(2.0f64).tracked();
/// let y = x.powf(3.0);
/// let dy = Grad::new().create_graph().of(&y, &[&x])?; // 3x²
/// let d2y = Grad::new().of(&dy[0], &[&x])?; // 6x
/// assert_eq!((dy[0].item()?, d2y[0].item()?), (12.0, 12.0));
/// assert!(x.grad().is_none());
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Grad {
    create_graph: bool,
    retain: bool,
    allow_unused: bool,
}

impl Grad {
    /// The defaults: gradients are not tracked, the graph is released.
    pub fn new() -> Grad {
        Grad::default()
    }

    /// Records the gradients, so that they can be differentiated again. Keeps the graph. A gradient that is constant, as
    /// that of a linear function, has zeros for its own.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let x = Var::new([1.0f64, 2.0]).tracked();
    /// let first = Grad::new().create_graph().of(&(&x * 3.0).sum_all(), &[&x])?;
    /// let second = grad(&first[0].sum_all(), &[&x])?;
    /// assert_eq!((first[0].to_vec(), second[0].to_vec()), (vec![3.0; 2], vec![0.0; 2]));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn create_graph(mut self) -> Grad {
        self.create_graph = true;
        self.retain = true;
        self
    }

    /// Keeps the graph, so that it can be walked again.
    pub fn retain_graph(mut self) -> Grad {
        self.retain = true;
        self
    }

    /// Gives zeros for an input that the output does not depend on, instead of an error; an output that is not tracked
    /// depends on none.
    pub fn allow_unused(mut self) -> Grad {
        self.allow_unused = true;
        self
    }

    /// `∂output/∂inputᵢ` for an output of one element.
    ///
    /// # Errors
    /// If the output has several elements, something is not tracked or not depended on, or the graph
    /// was released.
    #[track_caller]
    #[inline(never)]
    pub fn of<T: Float>(&self, output: &Var<T>, inputs: &[&Var<T>]) -> Result<Vec<Var<T>>> {
        if output.len() != 1 {
            let seeded = "Grad::of_seeded(&[(&output, &seed)], ..)";
            return Err(not_scalar("grad", seeded, output.shape()));
        }
        self.of_seeded(
            &[(output, &Var::constant(Tensor::ones(output.shape())))],
            inputs,
        )
    }

    /// `Σⱼ seedⱼ · ∂outputⱼ/∂inputᵢ` for outputs of any shape, each with its seed; the seeds may be
    /// tracked.
    ///
    /// # Errors
    /// As [`Grad::of`], and if a seed's shape is not its output's.
    #[track_caller]
    #[inline(never)]
    pub fn of_seeded<T: Float>(
        &self,
        outputs: &[(&Var<T>, &Var<T>)],
        inputs: &[&Var<T>],
    ) -> Result<Vec<Var<T>>> {
        let at = user_line(Location::caller());
        let mut roots = Vec::new();
        for (output, seed) in outputs {
            if output.is_tracked() || !self.allow_unused {
                roots.push(root("grad", output, (*seed).clone(), at)?);
            }
        }
        // An input given twice is found once and handed out twice.
        let mut places: NodeMap<usize> = NodeMap::default();
        for (index, input) in inputs.iter().enumerate() {
            match input.edge() {
                Some(node) => {
                    places.entry(node::key(&node)).or_insert(index);
                }
                None if self.allow_unused => {}
                None => {
                    return Err(unused(index, "is not tracked", at));
                }
            }
        }
        let on_path = leading_to(&roots, &places);
        let mut found: Vec<Option<AnyVar>> = vec![None; inputs.len()];
        let options = PassOptions {
            create_graph: self.create_graph,
            retain: self.retain,
        };
        let mut ready = ReadyQueue::new(self.create_graph);
        on_behalf_of(at, || {
            for (node, seed) in roots {
                ready.add(node, seed)?;
            }
            let wanted = Some((&places, &on_path));
            run_pass(options, wanted, &mut found, &mut ready)
        })?;
        let mut grads = Vec::new();
        for (index, input) in inputs.iter().enumerate() {
            let place = input
                .edge()
                .and_then(|n| places.get(&node::key(&n)).copied());
            let grad = place
                .and_then(|p| found[p].clone())
                .and_then(AnyVar::unwrap::<T>);
            let grad = match grad {
                Some(g) => g,
                None if self.allow_unused => Var::constant(input.value().zeros_like()),
                None => {
                    return Err(unused(index, "is not what the outputs depend on", at));
                }
            };
            let constant = self.create_graph && !grad.is_tracked();
            grads.push(if constant {
                Constant::of(grad, inputs, at)
            } else {
                grad
            });
        }
        Ok(grads)
    }
}

/// [`Grad::of`] with the defaults: the gradients of one output with respect to some inputs.
///
/// # Errors
/// As [`Grad::of`].
#[track_caller]
#[inline(never)]
pub fn grad<T: Float>(output: &Var<T>, inputs: &[&Var<T>]) -> Result<Vec<Var<T>>> {
    Grad::new().of(output, inputs)
}

/// A gradient that does not depend on the inputs any more, on the tape all the same: its own gradients are zeros.
struct Constant(Vec<Shape>);

impl Constant {
    /// `grad` as what came of the inputs.
    fn of<T: Float>(grad: Var<T>, inputs: &[&Var<T>], at: &'static Location<'static>) -> Var<T> {
        let tracked = inputs
            .iter()
            .filter_map(|v| Some((v.edge()?, v.shape().clone())));
        let (edges, shapes): (Vec<_>, Vec<_>) = tracked.map(|(e, s)| (Some(e), s)).unzip();
        if edges.is_empty() {
            return grad;
        }
        let value = grad.into_value();
        let node = node::push(&value, edges, || Constant(shapes), at);
        Var {
            value,
            node: Some(node),
        }
    }
}

impl<T: Float> Rule<T> for Constant {
    fn name(&self) -> &'static str {
        "constant"
    }
    fn grads(&self, _: &Cx<'_>, _: &Var<T>) -> Result<Grads<T>> {
        let zeros = |shape| Some(Var::constant(Tensor::zeros(shape)));
        Ok(self.0.iter().map(zeros).collect())
    }
}

/// The nodes from which some wanted node is reached by at least one edge. One that was released may have been such:
/// the pass shall come to it, and fail.
fn leading_to(roots: &[(Edge, AnyVar)], wanted: &NodeMap<usize>) -> NodeSet {
    let mut leads = NodeSet::default();
    let mut seen = NodeSet::default();
    // Children are judged before their parents: a node is on the stack once to open and once to close.
    let mut stack: Vec<(Edge, bool)> = roots.iter().map(|(n, _)| (n.clone(), false)).collect();
    while let Some((node, close)) = stack.pop() {
        let key = node::key(&node);
        if close {
            let hit = |e: &Edge| {
                let k = node::key(e);
                wanted.contains_key(&k) || leads.contains(&k)
            };
            let inputs = node.info(false).inputs;
            if inputs.is_none_or(|all| all.iter().flatten().any(hit)) {
                leads.insert(key);
            }
        } else if seen.insert(key) {
            stack.push((node.clone(), true));
            let inputs = node.info(false).inputs.into_iter().flatten().flatten();
            stack.extend(inputs.map(|e| (e, false)));
        }
    }
    leads
}

#[cold]
fn unused(index: usize, why: &'static str, at: &'static Location<'static>) -> Error {
    Site::at("grad", at).error(ErrorKind::Unused { index, why })
}
