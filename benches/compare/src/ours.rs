//! What our two programs do: they time one workload and print one line of JSON.
//!
//! There are two, as the peers' programs differ in what they can do: the memory of a training step is not that of a program
//! that normalises and multiplies in `f64` as well.
#![allow(clippy::print_stdout)]

use std::hint::black_box;

use wengert::tensor::{memory, num_threads};
use wengert::{Error, Result};

use crate::steps::Rep;
use crate::timing;

/// Repetitions over which what is asked of the system is counted.
const COUNTED: u64 = 8;

/// Times the workload that the program's first argument names.
///
/// # Errors
/// If it cannot be made, or fails.
pub fn run(make: impl Fn(&str) -> Result<Option<Rep>>) -> Result<()> {
    let name = timing::workload();
    let Some(mut rep) = make(&name)? else {
        eprintln!("this program has no workload {name}");
        std::process::exit(1);
    };
    let mut failed: Option<Error> = None;
    let mut once = || match rep() {
        Ok(value) => {
            black_box(value);
        }
        Err(e) => failed = Some(e),
    };
    let line = timing::measure("wengert", &name, num_threads(), &mut once);
    let before = memory::stats();
    (0..COUNTED).for_each(|_| once());
    let after = memory::stats();
    if let Some(e) = failed {
        return Err(e);
    }
    let per_rep = |before: u64, after: u64| (after - before) as f64 / COUNTED as f64;
    println!(
        "{line}, \"fresh_per_rep\": {:.4}, \"copies_per_rep\": {:.4}}}",
        per_rep(before.fresh_allocations, after.fresh_allocations),
        per_rep(before.copies_on_write, after.copies_on_write),
    );
    Ok(())
}
