//! The backward pass over the tape: a heap of nodes, highest number first. No recursion, no store beside
//! the graph, no lock held while a rule runs.
//!
//! Invariant: gradients reach leaves only when the whole pass has succeeded; a pass that fails leaves
//! every accumulated gradient as it was.

use std::collections::{BinaryHeap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::Location;

use smallvec::SmallVec;
use wengert_tensor::memory::ThinArc;
use wengert_tensor::{Error, ErrorKind, Float, Result, Shape, Site, Tensor, on_behalf_of};

use crate::tape::any::AnyVar;
use crate::tape::leaf;
use crate::tape::node::{self, Edge, PassOptions};
use crate::var::Var;

/// Hashes a node's address: one multiplication (the addresses are not chosen by an adversary).
#[derive(Default)]
pub(crate) struct AddressHasher(u64);
impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_usize(*b as usize);
        }
    }
    fn write_usize(&mut self, v: usize) {
        // Fibonacci hashing; the high bits are the well-mixed ones, and hashbrown wants both ends.
        let h = (self.0 ^ v as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = h ^ (h >> 32);
    }
}
pub(crate) type NodeMap<V> = HashMap<usize, V, BuildHasherDefault<AddressHasher>>;
pub(crate) type NodeSet = HashSet<usize, BuildHasherDefault<AddressHasher>>;

/// Leaves that are looked through one by one: a small network has a map's price to pay for nothing.
const FEW: usize = 16;

/// Gradients on their way.
pub(crate) struct ReadyQueue {
    /// The only node that has received something, kept out of the heap while the graph is a chain.
    hand: Option<Edge>,
    /// What it has received; or the gradient of the node that is processed.
    held: Option<AnyVar>,
    /// Nodes that have received something, highest number first, then first come.
    heap: BinaryHeap<(u64, std::cmp::Reverse<u64>, usize)>,
    slots: NodeMap<(Edge, Option<AnyVar>)>,
    /// Leaves in the order they were reached, and what each has received: what is deposited in which order does not
    /// depend on addresses.
    leaves: SmallVec<[(Edge, Option<AnyVar>); FEW]>,
    /// Where in `leaves` each is, once they are too many to look through.
    leaf_index: NodeMap<usize>,
    pushed: u64,
    record: bool,
}

impl ReadyQueue {
    pub(crate) fn new(record: bool) -> ReadyQueue {
        ReadyQueue {
            hand: None,
            held: None,
            heap: BinaryHeap::new(),
            slots: NodeMap::default(),
            leaves: SmallVec::new(),
            leaf_index: NodeMap::default(),
            pushed: 0,
            record,
        }
    }

    /// Adds to the gradient of a node.
    #[inline]
    pub(crate) fn add(&mut self, node: Edge, grad: AnyVar) -> Result<()> {
        if node::meta(&node).is_leaf() {
            return self.add_leaf(node, grad);
        }
        if self.heap.is_empty() && self.hand.is_none() {
            self.hand = Some(node);
            self.held = Some(grad);
            return Ok(());
        }
        self.add_more(node, grad)
    }

    /// [`ReadyQueue::add`] where other nodes have received something, or this one has.
    fn add_more(&mut self, node: Edge, grad: AnyVar) -> Result<()> {
        if let Some(first) = self.hand.take()
            && let Some(held) = self.held.take()
        {
            if node::key(&first) == node::key(&node) {
                self.held = Some(held.plus(grad, self.record)?);
                self.hand = Some(first);
                return Ok(());
            }
            self.insert(first, held);
        }
        match self.slots.get_mut(&node::key(&node)) {
            Some((_, slot)) => add_to(slot, grad, self.record)?,
            None => self.insert(node, grad),
        }
        Ok(())
    }

    fn insert(&mut self, node: Edge, grad: AnyVar) {
        let key = node::key(&node);
        self.pushed += 1;
        self.heap
            .push((node::meta(&node).seq, std::cmp::Reverse(self.pushed), key));
        self.slots.insert(key, (node, Some(grad)));
    }

    fn add_leaf(&mut self, node: Edge, grad: AnyVar) -> Result<()> {
        let key = node::key(&node);
        let known = if self.leaf_index.is_empty() {
            self.leaves.iter().position(|(n, _)| node::key(n) == key)
        } else {
            self.leaf_index.get(&key).copied()
        };
        if let Some(i) = known {
            return add_to(&mut self.leaves[i].1, grad, self.record);
        }
        let last = self.leaves.len();
        self.leaves.push((node, Some(grad)));
        if !self.leaf_index.is_empty() {
            self.leaf_index.insert(key, last);
        } else if last == FEW {
            let all = self.leaves.iter().enumerate();
            self.leaf_index = all.map(|(i, (n, _))| (node::key(n), i)).collect();
        }
        Ok(())
    }

    /// The next node; its gradient is then what is held.
    #[inline]
    fn next(&mut self) -> Option<Edge> {
        if self.hand.is_some() {
            return self.hand.take();
        }
        let (_, _, key) = self.heap.pop()?;
        let (node, grad) = self.slots.remove(&key)?;
        self.held = grad;
        Some(node)
    }

    /// The gradient of the node that is processed.
    #[inline]
    pub(crate) fn take<T: Float>(&mut self) -> Option<Var<T>> {
        self.held.take()?.unwrap()
    }
}

/// Adds to a gradient.
fn add_to(slot: &mut Option<AnyVar>, grad: AnyVar, record: bool) -> Result<()> {
    *slot = Some(match slot.take() {
        Some(before) => before.plus(grad, record)?,
        None => grad,
    });
    Ok(())
}

/// Walks back from the nodes that have received something. `wanted`: nodes whose gradients are asked for, and the nodes
/// that lead to them; `None` walks everything, for the leaves.
pub(crate) fn run_pass(
    options: PassOptions,
    wanted: Option<(&NodeMap<usize>, &NodeSet)>,
    found: &mut [Option<AnyVar>],
    ready: &mut ReadyQueue,
) -> Result<()> {
    while let Some(mut node) = ready.next() {
        if node::meta(&node).is_hooked() || wanted.is_some() {
            let Some(mut grad) = ready.held.take() else {
                continue;
            };
            grad = node::meta(&node).run_hooks(grad, || node.info(false).op)?;
            if let Some((inputs, on_path)) = wanted {
                let key = node::key(&node);
                if let Some(&i) = inputs.get(&key) {
                    found[i] = Some(grad.clone());
                }
                if !on_path.contains(&key) {
                    continue;
                }
            }
            ready.held = Some(grad);
        }
        match ThinArc::get_mut(&mut node) {
            Some((meta, node)) if !options.retain => node.back_alone(meta, ready)?,
            _ => node.back(&node, options, ready)?,
        }
    }
    for (leaf, grad) in &mut ready.leaves {
        // As above: most gradients stay where they are.
        if node::meta(leaf).is_hooked()
            && let Some(before) = grad.take()
        {
            *grad = Some(node::meta(leaf).run_hooks(before, || "leaf")?);
        }
        if let Some((inputs, _)) = wanted
            && let Some(&i) = inputs.get(&node::key(leaf))
        {
            found[i] = grad.clone();
        }
    }
    Ok(())
}

/// Options of a backward pass into the leaves.
///
/// Gradients of gradients come from [`grad`](crate::grad) with `create_graph`: a leaf that held the
/// graph of its own gradient would be a cycle, and never freed.
///
/// ```
/// use wengert::prelude::*;
/// let x = Var::new([3.0f64]).tracked();
/// let y = x.square();
/// Backward::new().retain_graph().run(&y)?;
/// Backward::new().run(&y)?; // accumulates
/// assert_eq!(x.grad().unwrap().to_vec(), [12.0]);
/// assert!(y.backward().is_err()); // released by the second
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Backward {
    retain: bool,
}

impl Backward {
    /// The defaults: the pass releases the graph node by node, with its saved tensors.
    pub fn new() -> Backward {
        Backward::default()
    }

    /// Keeps the graph, so that another backward pass can use it.
    pub fn retain_graph(mut self) -> Backward {
        self.retain = true;
        self
    }

    /// Runs the backward pass from an output of one element.
    ///
    /// # Errors
    /// If the output has several elements, is not tracked, or its graph was released.
    #[track_caller]
    #[inline(never)]
    pub fn run<T: Float>(&self, output: &Var<T>) -> Result<()> {
        if output.len() != 1 {
            return Err(not_scalar(
                "backward",
                "backward_seeded(&seed)",
                output.shape(),
            ));
        }
        self.run_from(output, Tensor::ones(output.shape()))
    }

    /// Runs the backward pass from an output, with `seed` as its gradient.
    ///
    /// # Errors
    /// If the seed's shape is not the output's, the output is not tracked, or its graph was released.
    #[track_caller]
    #[inline(never)]
    pub fn run_seeded<T: Float>(&self, output: &Var<T>, seed: &Tensor<T>) -> Result<()> {
        self.run_from(output, seed.clone())
    }

    #[track_caller]
    #[inline(never)]
    fn run_from<T: Float>(&self, output: &Var<T>, seed: Tensor<T>) -> Result<()> {
        let (seed, at) = (Var::constant(seed), Location::caller());
        let (node, seed) = root("backward", output, seed, at)?;
        on_behalf_of(at, || self.run_to_leaves(node, seed))
    }

    /// For any type: there once, not in each crate that walks.
    fn run_to_leaves(&self, root: Edge, seed: AnyVar) -> Result<()> {
        let options = PassOptions {
            create_graph: false,
            retain: self.retain,
        };
        let mut ready = ReadyQueue::new(false);
        ready.add(root, seed)?;
        run_pass(options, None, &mut [], &mut ready)?;
        for (leaf, grad) in &mut ready.leaves {
            if let Some(grad) = grad.take() {
                leaf::accumulate(leaf, grad);
            }
        }
        Ok(())
    }
}

/// The error of a backward pass that starts from several elements without a seed.
#[track_caller]
#[cold]
pub(crate) fn not_scalar(call: &'static str, seeded: &str, shape: &Shape) -> Error {
    let hint =
        format!("reduce it first (`.sum_all()`, `.mean_all()`), or give the seed: `{seeded}`");
    let shape = shape.clone();
    Site::new(call)
        .hint(hint)
        .error(ErrorKind::NotScalar { shape })
}

/// The node of an output and the gradient that a pass starts with there.
#[inline(never)]
pub(crate) fn root<T: Float>(
    call: &'static str,
    output: &Var<T>,
    seed: Var<T>,
    at: &'static Location<'static>,
) -> Result<(Edge, AnyVar)> {
    let node = output
        .edge()
        .ok_or_else(|| Site::at(call, at).error(ErrorKind::NotTracked))?;
    if seed.shape() != output.shape() {
        return Err(Site::at(call, at).error(ErrorKind::GradientShape {
            what: "the output (its seed)".to_string(),
            got_dtype: T::DTYPE,
            got: seed.shape().clone(),
            want_dtype: T::DTYPE,
            want: output.shape().clone(),
        }));
    }
    Ok((node, AnyVar::wrap(seed)))
}

/// # Gradients
impl<T: Float> Var<T> {
    /// Adds `∂self/∂leaf` to the gradient of every leaf that this variable, of one element, depends
    /// on, and releases the tape on the way.
    ///
    /// # Errors
    /// If this variable has several elements (see [`Var::backward_seeded`]), is not tracked, or its
    /// graph was released by an earlier call. Leaves are then as they were.
    #[track_caller]
    #[inline(never)]
    pub fn backward(&self) -> Result<()> {
        Backward::new().run(self)
    }

    /// As [`Var::backward`] from any shape: adds `Σᵢ seedᵢ ∂selfᵢ/∂leaf`.
    ///
    /// # Errors
    /// As [`Var::backward`], and if the seed's shape is not this variable's.
    #[track_caller]
    #[inline(never)]
    pub fn backward_seeded(&self, seed: &Tensor<T>) -> Result<()> {
        Backward::new().run_seeded(self, seed)
    }
}
