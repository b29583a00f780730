//! Training steps: the forward pass, the loss, the backward pass and the update, whole.

#[path = "compare/src/steps.rs"]
mod steps;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use steps::{TRAINING, make};

fn training(c: &mut Criterion) {
    let mut group = c.benchmark_group("training");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    for name in TRAINING {
        let step = make(name).expect("the workload can be made");
        let mut step = step.expect("every training step is a workload");
        group.bench_function(name, |b| b.iter(|| step().expect("a step")));
    }
    group.finish();
}

criterion_group!(benches, training);
criterion_main!(benches);
