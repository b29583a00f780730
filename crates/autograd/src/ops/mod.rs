//! The ops, a file per family. In each, an op is one block: its doc, call, rule, fused rule and its
//! entry in the list with samples; and one line in [`OPS`].

use crate::info::OpInfo;

pub(crate) mod binary;
pub(crate) mod cast;
pub(crate) mod classify;
pub(crate) mod linalg;
pub(crate) mod loss;
pub(crate) mod operators;
pub(crate) mod reduce;
pub(crate) mod softmax;
pub(crate) mod unary;
pub(crate) mod view;

/// Every op, by family.
pub const OPS: &[&OpInfo] = &[
    // unary
    &unary::NEG,
    &unary::SQUARE,
    &unary::EXP,
    &unary::LN,
    &unary::TANH,
    &unary::SIGMOID,
    &unary::RELU,
    &unary::AFFINE,
    &unary::POWF,
    &unary::CLAMP,
    // binary
    &binary::ADD,
    &binary::SUB,
    &binary::MUL,
    &binary::DIV,
    // reduce
    &reduce::SUM,
    &reduce::SUM_TO,
    // view
    &view::RESHAPE,
    &view::PERMUTE,
    &view::EXPAND,
    &view::NARROW,
    // linalg
    &linalg::MATMUL,
    // softmax
    &softmax::SOFTMAX,
    &softmax::LOG_SOFTMAX,
    // loss
    &loss::MSE_LOSS,
    &loss::L1_LOSS,
    &loss::HUBER_LOSS,
    &loss::BCE_LOSS,
    &loss::BCE_WITH_LOGITS,
    &classify::NLL_LOSS,
    &classify::CROSS_ENTROPY,
];
