//! Every op on empty and 0-d inputs, made from the table: what an op cannot have is said here, with the
//! reason, and no op is left out silently.

use wengert_autograd::check::gradcheck::gradcheck;
use wengert_autograd::{Var, composed_rules};
use wengert_tensor::Tensor;

use crate::compare::close;
use crate::derive;
use crate::table::{Digits, Op, TABLE};

const AXIS: &str = "it takes an axis";
const NONE_LARGEST: &str = "nothing has no largest element: an error";

/// Op, corner, why there is none.
const SKIPS: &[(&str, &str, &str)] = &[
    ("max", "empty", NONE_LARGEST),
    ("min", "empty", NONE_LARGEST),
    ("var", "empty", "NaN: see the samples"),
    ("std", "empty", "NaN: see the samples"),
    ("var", "0-d", "one element has no spread: NaN"),
    ("std", "0-d", "one element has no spread: NaN"),
    ("cumsum", "0-d", AXIS),
    ("cumprod", "0-d", AXIS),
    ("linear_scan", "0-d", AXIS),
    ("narrow", "0-d", AXIS),
    ("select", "0-d", AXIS),
    ("slice", "0-d", AXIS),
    ("diagonal", "0-d", AXIS),
    ("unfold", "0-d", AXIS),
    ("cat", "0-d", AXIS),
    ("split", "0-d", AXIS),
    ("roll", "0-d", AXIS),
    ("index_select", "0-d", AXIS),
    ("index_add", "0-d", AXIS),
    ("gather", "0-d", AXIS),
    ("scatter_add", "0-d", AXIS),
    ("scatter", "0-d", AXIS),
    ("scatter_reduce", "0-d", AXIS),
    ("tril", "0-d", AXIS),
    ("triu", "0-d", AXIS),
    ("sort", "0-d", AXIS),
    ("topk", "0-d", AXIS),
    ("matmul", "0-d", AXIS),
    ("linear", "0-d", AXIS),
    ("dot", "0-d", AXIS),
    ("outer", "0-d", AXIS),
    ("softmax", "0-d", AXIS),
    ("log_softmax", "0-d", AXIS),
    ("layer_norm", "0-d", AXIS),
    ("nll_loss", "0-d", AXIS),
    ("cross_entropy", "0-d", AXIS),
];

/// The inputs of a corner: for a second argument also shapes that broadcast or multiply with the first.
fn inputs(op: &Op, corner: &str, value: f64) -> Vec<Vec<Tensor<f64>>> {
    let shapes: &[&[usize]] = match corner {
        "0-d" => &[&[]],
        _ => &[&[0], &[2, 0], &[0, 3], &[2, 0, 3], &[3], &[2, 3], &[]],
    };
    let full = |shape: &[usize], by: f64| {
        Tensor::from_vec(vec![value * by; shape.iter().product()], shape).unwrap()
    };
    let mut all = Vec::new();
    for a in shapes {
        if op.arity == 1 {
            all.push(vec![full(a, 1.0)]);
            continue;
        }
        all.extend(shapes.iter().map(|b| vec![full(a, 1.0), full(b, 0.5)]));
    }
    all.retain(|t| corner == "0-d" || t.iter().any(Tensor::is_empty));
    all
}

/// How many calls of the op this corner has.
fn check(op: &Op, corner: &str) -> usize {
    let mut n = 0;
    // The first of some values that the op's domain has.
    for value in [0.65, 1.7, 0.1] {
        for inputs in inputs(op, corner, value) {
            let held: Vec<&Tensor<f64>> = inputs.iter().collect();
            let shapes: Vec<&[usize]> = inputs.iter().map(|t| &t.shape()[..]).collect();
            for digits in [0, 1, 2, 3, 5, 17, 12345] {
                let Some(p) = (op.plan)(&shapes, &mut Digits(digits)) else {
                    continue;
                };
                if !((op.clear)(&held) > 1e-3) {
                    continue;
                }
                let say =
                    |e: &dyn std::fmt::Display| format!("{} {p:?} on {shapes:?}: {e}", op.name);
                let run = || derive(&inputs, |v| (op.call)(v, &p));
                let (fused, composed) = (run(), composed_rules(run));
                let (fused, composed) = (
                    fused.unwrap_or_else(|e| panic!("{}", say(&e))),
                    composed.unwrap(),
                );
                for (a, b) in fused.iter().zip(&composed) {
                    close(a, &b.into(), 1e-12, 1e-12).unwrap_or_else(|e| panic!("{}", say(&e)));
                }
                for (x, g) in inputs.iter().zip(&fused[1..]) {
                    assert_eq!(x.shape(), g.shape(), "{}", say(&"gradient"));
                }
                // Where differences can tell: NaN and −∞ of nothing are what the samples prove.
                if fused
                    .iter()
                    .all(|t| t.to_vec().iter().all(|v| v.is_finite()))
                {
                    let f = |v: &[Var<f64>]| (op.call)(v, &p);
                    gradcheck(f, &inputs).unwrap_or_else(|e| panic!("{}", say(&e)));
                }
                n += 1;
            }
        }
    }
    n
}

#[test]
fn every_op_takes_empty_and_scalar_inputs() {
    let (mut count, mut problems) = (0, Vec::new());
    for corner in ["empty", "0-d"] {
        for name in TABLE.iter().map(|op| op.name) {
            let n: usize = TABLE
                .iter()
                .filter(|op| op.name == name)
                .map(|op| check(op, corner))
                .sum();
            count += n;
            let skipped = SKIPS.iter().any(|(o, c, _)| *o == name && *c == corner);
            if (n == 0) != skipped {
                problems.push(format!("{name}, {corner}: {n} calls, skipped: {skipped}"));
            }
        }
    }
    eprintln!(
        "empty and 0-d: {count} calls over {} ops, {} skips",
        TABLE.len(),
        SKIPS.len()
    );
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
