//! Times one workload of ours and prints one line of JSON: `workloads W3`.
//!
//! `COMPARE_SECONDS` says how long, `WENGERT_NUM_THREADS` with how many threads.
#![allow(clippy::print_stdout)]

use std::hint::black_box;

use wengert::Error;
use wengert::tensor::{memory, num_threads};
use wengert_compare::{ops, steps, timing};

/// Repetitions over which what is asked of the system is counted.
const COUNTED: u64 = 8;

fn main() -> wengert::Result<()> {
    let name = timing::workload();
    let made = match steps::make(&name)? {
        None => ops::make(&name)?,
        made => made,
    };
    let Some(mut rep) = made else {
        eprintln!("there is no workload {name}");
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
