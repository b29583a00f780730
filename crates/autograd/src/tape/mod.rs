//! The tape: nodes of recorded ops, and the pass back over them that gives gradients.
//!
//! Invariant: a node's number is above those of its inputs, and nothing holds a node but variables and the nodes above it:
//! there are no cycles, no store beside the graph, and neither a pass nor a drop recurses.

pub(crate) mod accumulator;
pub(crate) mod any;
pub(crate) mod backward;
pub(crate) mod hook;
pub(crate) mod leaf;
pub(crate) mod listing;
pub(crate) mod meta;
pub(crate) mod mode;
pub(crate) mod node;
pub(crate) mod rule;
