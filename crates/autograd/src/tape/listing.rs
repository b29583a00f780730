//! The tape, to read: the Wengert list of a variable.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use wengert_tensor::Float;

use crate::tape::backward::{NodeMap, NodeSet};
use crate::tape::node::{self, Edge};
use crate::var::Var;

/// The list of ops that made a variable, in the order they ran. Prints as one line an op:
/// `%7 = sigmoid(%6)  f32 [4, 4]  at mlp.rs:12`; `_` is an input that is not tracked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tape {
    /// The lines.
    pub entries: Vec<TapeEntry>,
}

/// A line of a [`Tape`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeEntry {
    /// The op, or `leaf`.
    pub op: &'static str,
    /// A leaf's name, or an op's attributes; may be empty.
    pub detail: String,
    /// The lines of the inputs; `None` for those that are not tracked.
    pub inputs: Vec<Option<usize>>,
    /// Type and shape of the value: `f32 [4, 4]`.
    pub value: String,
    /// File and line of the call.
    pub at: String,
}

/// # Gradients: what is recorded
impl<T: Float> Var<T> {
    /// The Wengert list of this variable; empty if it is not tracked. An op that a backward pass has released says so, in
    /// place of its inputs.
    ///
    /// ```
    /// use wengert::Var;
    /// let x = Var::new([1.0f32, 2.0]).tracked();
    /// let loss = x.tanh().sum_all();
    /// let text = loss.tape().to_string();
    /// assert!(text.contains("%1 = tanh(%0)"));
    /// assert!(text.contains("%2 = sum(%1; from [2])"));
    /// ```
    #[inline(never)]
    pub fn tape(&self) -> Tape {
        let Some(root) = self.edge() else {
            return Tape {
                entries: Vec::new(),
            };
        };
        // Ops by number; the sort is stable, so that equal numbers (of other threads) keep the order
        // in which they were found.
        let (mut ops, mut seen, mut stack) = (Vec::<Edge>::new(), NodeSet::default(), vec![root]);
        while let Some(node) = stack.pop() {
            if seen.insert(node::key(&node)) {
                stack.extend(node.info(false).inputs.into_iter().flatten().flatten());
                ops.push(node);
            }
        }
        ops.sort_by_key(|n| node::meta(n).seq);
        let (leaves, ops): (Vec<Edge>, Vec<Edge>) =
            ops.into_iter().partition(|n| node::meta(n).is_leaf());
        let mut number: NodeMap<usize> = NodeMap::default();
        let mut entries = Vec::new();
        let mut add = |node: &Edge, entries: &mut Vec<TapeEntry>| {
            let place = |e: Option<Edge>| number.get(&node::key(&e?)).copied();
            let look = node.info(true);
            let inputs = look.inputs.into_iter().flatten().map(place).collect();
            number.insert(node::key(node), entries.len());
            let m = node::meta(node);
            entries.push(TapeEntry {
                op: look.op,
                detail: look.detail,
                inputs,
                value: format!("{} {}", m.dtype(), m.shape()),
                at: format!("{}:{}", m.at.file(), m.at.line()),
            });
        };
        // A leaf stands before the first op that uses it.
        let mut listed = NodeSet::default();
        for op in &ops {
            let inputs = op.info(false).inputs.into_iter().flatten().flatten();
            for leaf in inputs.filter(|e| node::meta(e).is_leaf()) {
                if listed.insert(node::key(&leaf)) {
                    add(&leaf, &mut entries);
                }
            }
            add(op, &mut entries);
        }
        for leaf in leaves.iter().filter(|l| !listed.contains(&node::key(l))) {
            add(leaf, &mut entries);
        }
        Tape { entries }
    }
}

impl Tape {
    /// The graph in Graphviz's language: `dot -Tsvg tape.dot`.
    pub fn to_dot(&self) -> String {
        let mut s = String::from(
            "digraph tape {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n",
        );
        for (i, e) in self.entries.iter().enumerate() {
            let style = if e.op == "leaf" {
                ", style=filled, fillcolor=lightblue"
            } else {
                ""
            };
            let title = if e.op == "leaf" && !e.detail.is_empty() {
                &e.detail
            } else {
                e.op
            };
            let _ = writeln!(
                s,
                "  n{i} [label=\"{}\\n{}\"{style}];",
                escape(title),
                escape(&e.value)
            );
            for input in e.inputs.iter().flatten() {
                let _ = writeln!(s, "  n{input} -> n{i};");
            }
        }
        s.push_str("}\n");
        s
    }

    /// How often each op occurs.
    pub fn counts(&self) -> HashMap<&'static str, usize> {
        let mut counts = HashMap::new();
        for e in &self.entries {
            *counts.entry(e.op).or_insert(0) += 1;
        }
        counts
    }
}

fn escape(s: &str) -> String {
    s.replace('\\', "\\\\").replace('"', "\\\"")
}

impl fmt::Display for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls: Vec<String> = self
            .entries
            .iter()
            .enumerate()
            .map(|(i, e)| {
                let args: Vec<String> = e
                    .inputs
                    .iter()
                    .map(|i| i.map_or("_".to_string(), |i| format!("%{i}")))
                    .collect();
                match (e.op, e.detail.as_str()) {
                    ("leaf", "") => format!("%{i} = leaf"),
                    ("leaf", name) => format!("%{i} = leaf {name}"),
                    (op, "") => format!("%{i} = {op}({})", args.join(", ")),
                    (op, detail) if args.is_empty() => format!("%{i} = {op}({detail})"),
                    (op, detail) => format!("%{i} = {op}({}; {detail})", args.join(", ")),
                }
            })
            .collect();
        let width = calls
            .iter()
            .map(|c| c.chars().count())
            .max()
            .unwrap_or(0)
            .min(48);
        let values = self
            .entries
            .iter()
            .map(|e| e.value.len())
            .max()
            .unwrap_or(0);
        for (call, e) in calls.iter().zip(&self.entries) {
            writeln!(f, "{call:width$}  {:values$}  at {}", e.value, e.at)?;
        }
        Ok(())
    }
}
