//! Times one training step or chain of ours and prints one line of JSON: `steps W3`.
//!
//! `COMPARE_SECONDS` says how long, `WENGERT_NUM_THREADS` with how many threads.

use compare::{ours, steps};

fn main() -> wengert::Result<()> {
    ours::run(steps::make)
}
