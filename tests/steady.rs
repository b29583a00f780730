//! What a training step asks of the system once it has settled: no memory, and no copy of a tensor.
//!
//! One test in a process of its own, because the counters are the process's.

#[path = "../benches/compare/src/process.rs"]
#[allow(dead_code)] // a part of it is for timings
mod process;
#[path = "../benches/compare/src/steps.rs"]
mod steps;

use steps::{Rep, TRAINING, make};
use wengert::tensor::{memory, with_threads};

/// Steps before anything is counted.
const WARM_UP: usize = 3;
/// Steps that are counted.
const COUNTED: usize = 10;

#[derive(Debug)]
struct Counts {
    fresh: u64,
    hits: u64,
    copies: u64,
    /// Printed alone: the system and the test's own thread have page faults too.
    #[allow(dead_code)] // read by `Debug` alone
    faults: Option<f64>,
}

fn count(step: &mut Rep, steps: usize) -> Counts {
    let faults = || process::faults_and_seconds().map(|f| f.0);
    let (before, faults_before) = (memory::stats(), faults());
    for _ in 0..steps {
        step().unwrap();
    }
    let (after, faults_after) = (memory::stats(), faults());
    Counts {
        fresh: after.fresh_allocations - before.fresh_allocations,
        hits: after.cache_hits - before.cache_hits,
        copies: after.copies_on_write - before.copies_on_write,
        faults: faults_before.zip(faults_after).map(|(b, a)| a - b),
    }
}

#[test]
fn a_settled_step_allocates_nothing_and_copies_nothing() {
    memory::set_cache_limit(1 << 30); // whatever the environment says
    for name in TRAINING {
        let mut step = make(name).unwrap().unwrap();

        // With one thread every step takes the blocks that the one before gave back, large and small.
        let counts = with_threads(1, || {
            for _ in 0..WARM_UP {
                step().unwrap();
            }
            count(&mut step, COUNTED)
        });
        eprintln!("{name}, 1 thread, {COUNTED} steps: {counts:?}");
        assert!(
            counts.hits >= COUNTED as u64,
            "{name} used the cache: {counts:?}"
        );
        assert_eq!((counts.fresh, counts.copies), (0, 0), "{name}: {counts:?}");

        // With two, chance decides which thread holds which small block, so one may have to ask once more
        // later; but it settles too, and never copies.
        let settled = with_threads(2, || {
            (0..20).any(|_| {
                let counts = count(&mut step, COUNTED);
                eprintln!("{name}, 2 threads, {COUNTED} steps: {counts:?}");
                assert_eq!(counts.copies, 0, "{name}: {counts:?}");
                counts.fresh == 0
            })
        });
        assert!(settled, "{name} asks the system for memory step after step");
    }

    // The counter can tell: without a cache every block is asked of the system.
    memory::set_cache_limit(0);
    let mut step = make("W1").unwrap().unwrap();
    let counts = with_threads(1, || count(&mut step, COUNTED));
    assert!(counts.fresh >= COUNTED as u64, "{counts:?}");
}
