//! Times one op or expression of ours and prints one line of JSON: `ops O2`.
//!
//! `COMPARE_SECONDS` says how long, `WENGERT_NUM_THREADS` with how many threads.

use compare::{ops, ours};

fn main() -> wengert::Result<()> {
    ours::run(ops::make)
}
