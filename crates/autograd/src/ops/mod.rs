//! The ops, a file per family. In each, an op is one block: its doc, call, rule, fused rule and its
//! entry in the list with samples; and one line in [`OPS`].

use crate::info::OpInfo;

pub(crate) mod activation;
pub(crate) mod binary;
pub(crate) mod block;
pub(crate) mod cast;
pub(crate) mod choice;
pub(crate) mod classify;
pub(crate) mod extrema;
pub(crate) mod index;
pub(crate) mod join;
pub(crate) mod layer_norm;
pub(crate) mod linalg;
pub(crate) mod loss;
pub(crate) mod operators;
pub(crate) mod power;
pub(crate) mod reduce;
pub(crate) mod scalar;
pub(crate) mod scan;
pub(crate) mod softmax;
pub(crate) mod sort;
pub(crate) mod statistics;
pub(crate) mod trig;
pub(crate) mod unary;
pub(crate) mod view;
pub(crate) mod window;

/// Every op, by family.
pub const OPS: &[&OpInfo] = &[
    // unary
    &unary::NEG,
    &unary::SQUARE,
    &unary::SQRT,
    &unary::RSQRT,
    &unary::RECIP,
    &unary::ABS,
    &unary::EXP,
    &unary::EXP2,
    &unary::EXP_M1,
    &unary::LN,
    &unary::LN_1P,
    &unary::LOG2,
    &unary::LOG10,
    &unary::ERF,
    &unary::SIGN,
    &unary::FLOOR,
    &unary::CEIL,
    &unary::ROUND,
    &unary::TRUNC,
    // scalar
    &scalar::AFFINE,
    &scalar::POWF,
    &scalar::CLAMP,
    // trig
    &trig::SIN,
    &trig::COS,
    &trig::TAN,
    &trig::ASIN,
    &trig::ACOS,
    &trig::ATAN,
    &trig::SINH,
    &trig::COSH,
    &trig::TANH,
    &trig::ASINH,
    &trig::ACOSH,
    &trig::ATANH,
    // activation
    &activation::SIGMOID,
    &activation::RELU,
    &activation::LEAKY_RELU,
    &activation::ELU,
    &activation::GELU,
    &activation::GELU_TANH,
    &activation::SILU,
    &activation::SOFTPLUS,
    &activation::LOG_SIGMOID,
    &activation::SOFTSIGN,
    // binary
    &binary::ADD,
    &binary::SUB,
    &binary::MUL,
    &binary::DIV,
    // power
    &power::POW,
    &power::ATAN2,
    &power::HYPOT,
    &power::LOGADDEXP,
    // choice
    &choice::MAXIMUM,
    &choice::MINIMUM,
    &choice::WHERE,
    &choice::MASKED_FILL,
    // reduce
    &reduce::SUM,
    &reduce::MEAN,
    &reduce::SUM_TO,
    // extrema
    &extrema::MAX,
    &extrema::MIN,
    // statistics
    &statistics::VAR,
    &statistics::STD,
    &statistics::NORM,
    &statistics::NORM_P,
    &statistics::LOGSUMEXP,
    // scan
    &scan::PROD,
    &scan::CUMSUM,
    &scan::CUMPROD,
    &scan::LINEAR_SCAN,
    // view
    &view::RESHAPE,
    &view::PERMUTE,
    &view::EXPAND,
    // window
    &window::NARROW,
    &window::SELECT,
    &window::SLICE,
    &window::FLIP,
    &window::DIAGONAL,
    &window::UNFOLD,
    // join
    &join::CAT,
    &join::STACK,
    &join::SPLIT,
    &join::REPEAT,
    &join::ROLL,
    // index
    &index::INDEX_SELECT,
    &index::INDEX_ADD,
    &index::GATHER,
    &index::SCATTER_ADD,
    &index::MASKED_SELECT,
    &index::TRIL,
    &index::TRIU,
    // sort
    &sort::SORT,
    &sort::TOPK,
    // linalg
    &linalg::MATMUL,
    &linalg::LINEAR,
    &linalg::DOT,
    &linalg::OUTER,
    // softmax
    &softmax::SOFTMAX,
    &softmax::LOG_SOFTMAX,
    // norm
    &layer_norm::LAYER_NORM,
    // loss
    &loss::MSE_LOSS,
    &loss::L1_LOSS,
    &loss::HUBER_LOSS,
    &loss::BCE_LOSS,
    &loss::BCE_WITH_LOGITS,
    // classify
    &classify::NLL_LOSS,
    &classify::CROSS_ENTROPY,
];
