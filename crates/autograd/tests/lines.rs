//! The user's line: every op, forward and in a recorded backward pass, shows on the tape the line outside the library that
//! called it.

use wengert_autograd::ops::OPS;
use wengert_autograd::{Grad, Var};
use wengert_tensor::Float;

/// The lines of a tape that are the library's own.
fn inside<T: Float>(y: &Var<T>) -> Vec<String> {
    let tape = y.tape();
    let lines = tape.entries.iter();
    let strangers = lines.filter(|e| !e.at.contains("tests/") && !e.at.contains("src/ops/"));
    let mut out: Vec<String> = strangers.map(|e| format!("{} at {}", e.op, e.at)).collect();
    out.dedup();
    out
}

/// Whether a line (`crates/autograd/src/ops/view.rs:12`) is one of a sample: what calls an op in the list.
fn is_of_a_sample(at: &str) -> bool {
    let Some((file, line)) = at.rsplit_once(':') else {
        return false;
    };
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/ops")
        .join(name);
    let (Ok(text), Ok(line)) = (std::fs::read_to_string(path), line.parse::<usize>()) else {
        return false;
    };
    // From a line that begins samples to the next that ends a block of the file.
    let mut within = false;
    for (i, text) in text.lines().enumerate() {
        let begins = [
            "samples: ",
            "samples!",
            "sample!",
            "_samples(",
            "fn samples",
            "fn weighted",
            "unary_op! {",
            "step_op! {",
            "windows! {",
            "window_samples",
        ];
        within |= begins.iter().any(|b| text.contains(b));
        if i + 1 == line {
            return within;
        }
        within &= !matches!(text, "}" | "};");
    }
    false
}

/// Fails with what `check` finds in any call of the list, given its inputs and its output.
fn in_every_call(check: impl Fn(&[Var<f64>], &Var<f64>) -> Vec<String>) {
    let mut problems = Vec::new();
    for op in OPS {
        for sample in (op.samples)() {
            let vars: Vec<Var<f64>> = sample
                .inputs
                .iter()
                .map(|x| Var::from(x).tracked())
                .collect();
            let Ok(y) = (sample.call)(&vars) else {
                continue;
            };
            let found = check(&vars, &y).into_iter();
            problems.extend(found.map(|p| format!("{}: {p}", op.name)));
        }
    }
    problems.sort();
    problems.dedup();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The calls of the list stand in the files of the ops, which are the users here.
#[test]
fn every_op_shows_the_line_of_its_call() {
    in_every_call(|_, y| {
        let tape = y.tape();
        let strangers = tape
            .entries
            .iter()
            .filter(|e| !e.at.contains("tests/lines.rs") && !is_of_a_sample(&e.at));
        strangers.map(|e| format!("{} at {}", e.op, e.at)).collect()
    });
}

#[test]
fn a_recorded_backward_pass_shows_the_line_that_asked_for_it() {
    in_every_call(|vars, y| {
        let all: Vec<&Var<f64>> = vars.iter().collect();
        let grads = Grad::new()
            .create_graph()
            .allow_unused()
            .of(&y.sum_all(), &all);
        grads.unwrap_or_default().iter().flat_map(inside).collect()
    });
}
