//! Every op with its formula, gradient and edges, in [`OPS`].
//!
//! A file is a family. In each, an op is one block: its doc, call, rule, fused rule and its
//! entry with samples, which the list of its family names at the end of the file.
//!
//! Invariant: [`OPS`] is the families' lists one after another: an op in none of them does not compile
//! without a warning.

use crate::ops::info::OpInfo;

// In the order of their headings in the documentation of `Var`; a blank line keeps it.

pub(crate) mod cast;
pub(crate) mod view;
pub(crate) mod window;

pub(crate) mod join;

pub(crate) mod binary;
pub(crate) mod operators;
pub(crate) mod power;
pub(crate) mod scalar;

pub(crate) mod unary;

pub(crate) mod trig;

pub(crate) mod activation;
pub(crate) mod choice;

pub(crate) mod reduce;
pub(crate) mod reduction;

pub(crate) mod extrema;
pub(crate) mod statistics;

pub(crate) mod scan;
pub(crate) mod sort;

pub(crate) mod index;
pub(crate) mod linalg;
pub(crate) mod scatter;
pub(crate) mod softmax;

pub(crate) mod layer_norm;
pub(crate) mod loss;

pub(crate) mod bce;

pub(crate) mod class_rows;
pub(crate) mod classify;

pub(crate) mod block;
pub mod info;
#[doc(hidden)]
pub mod naive;

/// The families, in the order of the list. Each file ends with the list of its ops.
const FAMILIES: &[&[&OpInfo]] = &[
    unary::OPS,
    scalar::OPS,
    trig::OPS,
    activation::OPS,
    binary::OPS,
    power::OPS,
    choice::OPS,
    reduce::OPS,
    extrema::OPS,
    statistics::OPS,
    scan::OPS,
    view::OPS,
    window::OPS,
    join::OPS,
    index::OPS,
    scatter::OPS,
    sort::OPS,
    linalg::OPS,
    softmax::OPS,
    layer_norm::OPS,
    loss::OPS,
    bce::OPS,
    classify::OPS,
];

const COUNT: usize = {
    let (mut n, mut family) = (0, 0);
    while family < FAMILIES.len() {
        n += FAMILIES[family].len();
        family += 1;
    }
    n
};

/// Every op, by family.
pub const OPS: &[&OpInfo] = &{
    let mut all = [FAMILIES[0][0]; COUNT];
    let (mut n, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let mut op = 0;
        while op < FAMILIES[family].len() {
            all[n] = FAMILIES[family][op];
            (n, op) = (n + 1, op + 1);
        }
        family += 1;
    }
    all
};
