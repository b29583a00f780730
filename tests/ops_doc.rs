//! `docs/ops.md` is made from the op list. `WENGERT_BLESS=1 cargo test --test ops_doc` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use wengert::autograd::ops::OPS;

fn table() -> String {
    let mut s = String::from(
        "# Ops\n\nMade from the op list (`crates/autograd/src/ops/mod.rs`); do not edit. Every op here is\n\
         gradchecked, gradgradchecked, compared with a naive reference on every layout, and its fused rule\n\
         with the composed one.\n",
    );
    let mut family = "";
    for op in OPS {
        if op.family != family {
            family = op.family;
            let _ = writeln!(
                s,
                "\n## {family}\n\n| op | y | gradient | at edges | samples |\n|---|---|---|---|---|"
            );
        }
        let cell = |t: &str| t.replace('|', "\\|");
        let n = (op.samples)().len();
        let (y, dx, e) = (cell(op.formula), cell(op.gradient), cell(op.edges));
        let _ = writeln!(s, "| `{}` | {y} | {dx} | {e} | {n} |", op.name);
    }
    s
}

#[test]
fn the_table_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ops.md");
    let made = table();
    if std::env::var_os("WENGERT_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "docs/ops.md is stale: WENGERT_BLESS=1 cargo test --test ops_doc"
    );
}
