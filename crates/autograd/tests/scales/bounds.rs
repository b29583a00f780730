//! The bounds of every op at the ends of the range.

use std::fmt::Write as _;

/// What an error is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The result.
    Result,
    /// The result, and what half a unit of each input (and of dy) changes: the size of the terms of a sum.
    Terms,
}

/// What an op's errors are held to, in units of the type (2⁻²³ of what they are relative to).
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    pub of: Of,
    pub value: f64,
    pub gradient: f64,
    /// Why it is not the common one.
    pub why: &'static str,
}

/// The bound of most.
const COMMON: Bound = Bound {
    of: Of::Result,
    value: 4.0,
    gradient: 8.0,
    why: "",
};

const fn terms(why: &'static str) -> Bound {
    Bound {
        of: Of::Terms,
        why,
        ..COMMON
    }
}
const fn wider(value: f64, gradient: f64, why: &'static str) -> Bound {
    Bound {
        of: Of::Result,
        value,
        gradient,
        why,
    }
}

const SUM: Bound = terms("a sum");
const EXPONENT: &str =
    "the exponent of an exponential is rounded: a unit of it for each unit it is large";

/// Those that are held to another bound than the common one.
const OTHERS: &[(&str, Bound)] = &[
    (
        "tanh",
        wider(
            4.0,
            f64::INFINITY,
            "the gradient is made of the output alone, which rounds to 1: its error is a unit of dy",
        ),
    ),
    ("sigmoid", wider(4.0, f64::INFINITY, "as tanh")),
    ("affine", SUM),
    ("sum", SUM),
    ("mean", SUM),
    ("sum_to", SUM),
    ("cumsum", SUM),
    ("linear_scan", SUM),
    ("index_add", SUM),
    ("scatter_add", SUM),
    ("scatter_reduce", SUM),
    ("matmul", SUM),
    ("linear", SUM),
    ("dot", SUM),
    ("split", SUM),
    (
        "add",
        terms("a sum; the gradient of what was broadcast is one"),
    ),
    ("sub", terms("as add")),
    (
        "atan2",
        terms("as add: the gradient of what was broadcast is a sum"),
    ),
    ("hypot", terms("as atan2")),
    ("pow", wider(4.0, 64.0, "b − 1 is rounded")),
    ("logaddexp", wider(4.0, 256.0, EXPONENT)),
    (
        "var",
        wider(4.0, 64.0, "x − mean loses digits where x is near the mean"),
    ),
    ("std", wider(4.0, 64.0, "as var")),
    ("norm_p", wider(8.0, 16.0, "a power, a sum and a root")),
    ("logsumexp", wider(4.0, 256.0, EXPONENT)),
    ("cumprod", terms("the gradient is a sum of products")),
    (
        "softmax",
        Bound {
            value: 256.0,
            ..terms(EXPONENT)
        },
    ),
    ("log_softmax", terms("a difference")),
    (
        "layer_norm",
        Bound {
            gradient: f64::INFINITY,
            ..terms(
                "a difference; the gradient's error is relative to w·dy/√(var + ε), of which most may cancel",
            )
        },
    ),
    ("bce_loss", terms("a sum")),
    (
        "bce_with_logits",
        terms("a sum; it is the result itself for a target of 0 or 1"),
    ),
    (
        "cross_entropy",
        Bound {
            gradient: 256.0,
            ..terms(EXPONENT)
        },
    ),
];

/// The bound of an op.
pub fn bound(op: &str) -> Bound {
    let own = OTHERS.iter().find(|(name, _)| *name == op);
    own.map_or(COMMON, |(_, bound)| *bound)
}

/// The bounds as a table of the documentation.
pub fn table(ops: &[&str]) -> String {
    let mut out =
        String::from("| op | value | gradient | relative to | why |\n|---|---|---|---|---|\n");
    let number = |x: f64| {
        if x.is_finite() {
            x.to_string()
        } else {
            "–".into()
        }
    };
    for op in ops {
        let Bound {
            of,
            value,
            gradient,
            why,
        } = bound(op);
        let of = match of {
            Of::Result => "the result",
            Of::Terms => "the terms",
        };
        let (value, gradient) = (number(value), number(gradient));
        let _ = writeln!(out, "| `{op}` | {value} | {gradient} | {of} | {why} |");
    }
    out
}
