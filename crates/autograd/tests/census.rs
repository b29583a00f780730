//! What the op list holds: how many ops and samples there are, and that each op has samples for what can
//! go wrong with it. What an op lacks is said here, with the reason; a reason that is no longer needed
//! fails too.

use wengert_autograd::Var;
use wengert_autograd::info::{OpInfo, Sample};
use wengert_autograd::ops::OPS;

/// Op, what it has no sample for, why.
const SKIPS: &[(&str, &str, &str)] = &[];

fn has(op: &OpInfo, samples: &[Sample], what: &str) -> bool {
    let any = |f: &dyn Fn(&Sample) -> bool| samples.iter().any(f);
    match what {
        // The list-driven tests bring elementwise samples to these shapes by themselves.
        "empty" => any(&|s| s.elementwise || s.inputs.iter().any(|t| t.is_empty())),
        "0-d" => any(&|s| s.elementwise || s.inputs.iter().any(|t| t.rank() == 0)),
        "broadcast" => {
            let takes_two = any(&|s| s.elementwise && s.inputs.len() > 1);
            !takes_two || any(&|s| s.inputs.len() > 1 && s.inputs[0].shape() != s.inputs[1].shape())
        }
        "edge" => op.edges == "smooth" || any(&|s| s.expected.is_some() || !s.note.is_empty()),
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
        for what in ["empty", "0-d", "broadcast", "edge", "smooth point"] {
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
