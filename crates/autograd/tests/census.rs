//! What the op list holds: how many ops and samples there are, and that each op has samples for what can
//! go wrong with it. (`programs` brings every op to empty and 0-d inputs.) What an op lacks is said here, with the reason; a reason that is no longer needed
//! fails too.

use wengert_autograd::ops::OPS;
use wengert_autograd::ops::info::{OpInfo, Sample};
use wengert_autograd::{Result, Var, composed_rules};
use wengert_tensor::Tensor;

/// Op, what it has no sample for, why.
const SKIPS: &[(&str, &str, &str)] = &[];

type Edge = (
    &'static str,
    Vec<Var<f64>>,
    fn(&[Var<f64>]) -> Result<Var<f64>>,
    Vec<f64>,
    Vec<Vec<f64>>,
);

/// What holds at edges where values or gradients are not finite, or elements repeat: op, inputs, call,
/// value, gradients for the seed 1, 2, 3…
fn edges() -> Vec<Edge> {
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    let at = |v: &[f64]| Var::new(v.to_vec()).tracked();
    vec![
        (
            "rsqrt",
            vec![at(&[0.0])],
            |v| Ok(v[0].rsqrt()),
            vec![INF],
            vec![vec![-INF]],
        ),
        (
            "recip",
            vec![at(&[0.0])],
            |v| Ok(v[0].recip()),
            vec![INF],
            vec![vec![-INF]],
        ),
        (
            "ln_1p",
            vec![at(&[-1.0, -2.0])],
            |v| Ok(v[0].ln_1p()),
            vec![-INF, NAN],
            vec![vec![INF, -2.0]],
        ),
        (
            "log2",
            vec![at(&[0.0])],
            |v| Ok(v[0].log2()),
            vec![-INF],
            vec![vec![INF]],
        ),
        (
            "log10",
            vec![at(&[0.0])],
            |v| Ok(v[0].log10()),
            vec![-INF],
            vec![vec![INF]],
        ),
        (
            "tan",
            vec![at(&[INF, 0.0])],
            |v| Ok(v[0].tan()),
            vec![NAN, 0.0],
            vec![vec![NAN, 2.0]],
        ),
        (
            "atanh",
            vec![at(&[1.0, -1.0])],
            |v| Ok(v[0].atanh()),
            vec![INF, -INF],
            vec![vec![INF, INF]],
        ),
        (
            "div",
            vec![at(&[1.0, 0.0]), at(&[0.0, 0.0])],
            |v| v[0].try_div(&v[1]),
            vec![INF, NAN],
            vec![vec![INF, INF], vec![-INF, NAN]],
        ),
        (
            "atan2",
            vec![at(&[0.0]), at(&[0.0])],
            |v| v[0].atan2(&v[1]),
            vec![0.0],
            vec![vec![NAN], vec![NAN]],
        ),
        (
            "hypot",
            vec![at(&[0.0]), at(&[0.0])],
            |v| v[0].hypot(&v[1]),
            vec![0.0],
            vec![vec![0.0], vec![0.0]],
        ),
        (
            "var",
            vec![at(&[3.0])],
            |v| v[0].var_keepdim(0, 1),
            vec![NAN],
            vec![vec![NAN]],
        ),
        (
            "index_select",
            vec![at(&[5.0, 6.0])],
            |v| v[0].index_select(0, &Tensor::new([1i64, 1])),
            vec![6.0, 6.0],
            vec![vec![0.0, 3.0]],
        ),
        (
            "index_add",
            vec![at(&[5.0, 6.0]), at(&[1.0, 2.0])],
            |v| v[0].index_add(0, &Tensor::new([1i64, 1]), &v[1]),
            vec![5.0, 9.0],
            vec![vec![1.0, 2.0], vec![2.0, 2.0]],
        ),
        (
            "sort",
            vec![at(&[7.0, 7.0, 1.0])],
            |v| Ok(v[0].sort(0, false)?.0),
            vec![1.0, 7.0, 7.0],
            vec![vec![2.0, 3.0, 1.0]],
        ),
        (
            "topk",
            vec![at(&[1.0, 7.0, 7.0])],
            |v| Ok(v[0].topk(1, 0, true)?.0),
            vec![7.0],
            vec![vec![0.0, 1.0, 0.0]],
        ),
        (
            "mse_loss",
            vec![at(&[2.0]), at(&[2.0])],
            |v| v[0].mse_loss(&v[1])?.reshape([1]),
            vec![0.0],
            vec![vec![0.0], vec![0.0]],
        ),
    ]
}

#[test]
fn edges_are_as_the_list_says() {
    let same = |a: &[f64], b: &[f64]| {
        a.len() == b.len()
            && a.iter()
                .zip(b)
                .all(|(x, y)| x == y || (x.is_nan() && y.is_nan()))
    };
    let mut wrong = Vec::new();
    for (op, inputs, call, value, gradients) in edges() {
        for composed in [false, true] {
            inputs.iter().for_each(Var::zero_grad);
            let y = call(&inputs).unwrap();
            let seed: Vec<f64> = (1..=y.len()).map(|i| i as f64).collect();
            let seed = Tensor::from_vec(seed, y.shape()).unwrap();
            let back = || y.backward_seeded(&seed).unwrap();
            if composed {
                composed_rules(back)
            } else {
                back()
            };
            let got: Vec<Vec<f64>> = inputs.iter().map(|v| v.grad().unwrap().to_vec()).collect();
            if !same(&y.to_vec(), &value) || !got.iter().zip(&gradients).all(|(a, b)| same(a, b)) {
                wrong.push(format!(
                    "{op}, composed {composed}: {:?} {got:?} instead of {value:?} {gradients:?}",
                    y.to_vec()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn has(op: &OpInfo, samples: &[Sample], what: &str) -> bool {
    let any = |f: &dyn Fn(&Sample) -> bool| samples.iter().any(f);
    match what {
        "broadcast" => {
            // Losses never broadcast: that is an error, with a text of its own.
            let takes_two = op.family != "loss" && any(&|s| s.elementwise && s.inputs.len() > 1);
            !takes_two || any(&|s| s.inputs.len() > 1 && s.inputs[0].shape() != s.inputs[1].shape())
        }
        "edge" => {
            op.edges == "smooth"
                || any(&|s| s.expected.is_some() || !s.note.is_empty())
                || edges().iter().any(|e| e.0 == op.name)
        }
        "smooth point" => any(&|s| s.expected.is_none() && s.inputs.iter().any(|t| t.len() > 1)),
        _ => unreachable!("{what}"),
    }
}

#[test]
fn every_op_has_its_samples() {
    let (mut problems, mut used) = (Vec::new(), vec![false; SKIPS.len()]);
    let (mut count, mut elements, mut edges) = (0, 0, 0);
    for op in OPS {
        let samples = (op.samples)();
        count += samples.len();
        edges += samples.iter().filter(|s| s.expected.is_some()).count();
        for s in &samples {
            let vars: Vec<Var<f64>> = s.inputs.iter().map(Var::from).collect();
            elements += (s.call)(&vars).unwrap().len();
        }
        for what in ["broadcast", "edge", "smooth point"] {
            let skip = SKIPS
                .iter()
                .position(|(o, w, why)| *o == op.name && *w == what && !why.is_empty());
            match (has(op, &samples, what), skip) {
                (true, None) => {}
                (true, Some(_)) => {
                    problems.push(format!("{}: the skip of {what} is not needed", op.name))
                }
                (false, Some(i)) => used[i] = true,
                (false, None) => problems.push(format!("(\"{}\", \"{what}\", \"\"),", op.name)),
            }
        }
    }
    for (i, (op, what, _)) in SKIPS.iter().enumerate() {
        if !used[i] && !OPS.iter().any(|o| o.name == *op) {
            problems.push(format!("{op} ({what}) is skipped and is not in the list"));
        }
    }
    eprintln!(
        "{} ops, {count} samples ({edges} at ties, kinks and edges), {elements} outputs; {} skips",
        OPS.len(),
        SKIPS.len()
    );
    assert!(
        problems.is_empty(),
        "no sample, and no reason:\n{}",
        problems.join("\n")
    );
}

#[test]
fn every_op_is_compiled_with_the_library() {
    let calls = include_str!("../src/instances.rs");
    let is_called = |name: &str| {
        [
            format!(" {name}("),
            format!("::{name}("),
            format!("try_{name}("),
        ]
        .iter()
        .any(|call| calls.contains(call))
    };
    let missing: Vec<_> = OPS
        .iter()
        .map(|op| op.name)
        .filter(|name| !is_called(name))
        .collect();
    assert!(missing.is_empty(), "not in src/instances.rs: {missing:?}");
}
