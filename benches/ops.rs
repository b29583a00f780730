//! Every op of the list in `f32`: its forward pass, and forward and backward together, on the inputs of its
//! first sample as they are (small) and enlarged to a quarter of a million elements or more (large).
//!
//! `cargo bench -p benches --bench ops -- large/matmul` runs a part. No op is left out: those whose samples hold an
//! index or a shape of their own, so that their inputs cannot just grow, have a large call in [`by_hand`].

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use wengert::autograd::ops::OPS;
use wengert::autograd::ops::info::Call;
use wengert::prelude::*;

/// Elements of the largest operand or of the output, from which a call counts as large.
const LARGE: usize = 1 << 18;

fn ops(c: &mut Criterion) {
    let mut group = c.benchmark_group("small");
    settings(&mut group);
    for op in OPS {
        let sample = (op.samples)().swap_remove(0);
        let inputs: Vec<Tensor<f32>> = sample.inputs.iter().map(|t| t.cast()).collect();
        bench(&mut group, op.name, &inputs, &sample.call_f32);
    }
    group.finish();

    let mut group = c.benchmark_group("large");
    settings(&mut group);
    for op in OPS {
        let enlarged = || {
            let mut samples = (op.samples)().into_iter();
            samples.find_map(|s| Some((enlarge(&s.inputs, &s.call_f32)?, s.call_f32)))
        };
        match by_hand(op.name).or_else(enlarged) {
            Some((inputs, call)) => bench(&mut group, op.name, &inputs, &call),
            None => panic!("{}: write a large call of it in `by_hand`", op.name),
        }
    }
    group.finish();
}

fn settings(group: &mut BenchmarkGroup<'_, WallTime>) {
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
}

fn bench(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    inputs: &[Tensor<f32>],
    call: &Call<f32>,
) {
    let constants: Vec<Var> = inputs.iter().map(Var::from).collect();
    group.bench_function(format!("{name}/forward"), |b| {
        b.iter(|| black_box(call(&constants).expect("a call of the list")));
    });
    let leaves: Vec<Var> = inputs.iter().map(|t| Var::from(t).tracked()).collect();
    group.bench_function(format!("{name}/both"), |b| {
        b.iter(|| {
            let y = call(&leaves).expect("a call of the list");
            y.sum_all().backward().expect("a gradient");
            for leaf in &leaves {
                leaf.zero_grad();
            }
        });
    });
}

/// The inputs with every axis (but those of length 1, which broadcast) longer by the smallest power of two that
/// makes them large; `None` where the call takes no other shapes.
fn enlarge(inputs: &[Tensor<f64>], call: &Call<f32>) -> Option<Vec<Tensor<f32>>> {
    let mut factor = 1;
    loop {
        factor *= 2;
        let longer: Vec<Tensor<f32>> = inputs
            .iter()
            .map(|t| {
                let longer = |&d: &usize| if d == 1 { 1 } else { d * factor };
                let shape: Vec<usize> = t.shape().iter().map(longer).collect();
                let len = shape.iter().product();
                let values = t.to_vec();
                let values = values.iter().map(|&v| v as f32).cycle().take(len);
                Tensor::from_vec(values.collect(), shape).ok()
            })
            .collect::<Option<_>>()?;
        let constants: Vec<Var> = longer.iter().map(Var::from).collect();
        let y = call(&constants).ok()?;
        let largest = longer.iter().map(Tensor::len).max()?.max(y.len());
        if largest >= LARGE {
            return Some(longer);
        }
        if factor > LARGE {
            return None; // every axis has length 1
        }
    }
}

/// Large calls of the ops whose samples hold an index or a shape.
fn by_hand(name: &str) -> Option<(Vec<Tensor<f32>>, Call<f32>)> {
    let mut rng = Rng::seed(0);
    const ROWS: usize = 512;
    let x = Tensor::<f32>::randn([ROWS, 512], &mut rng);
    let w = Tensor::<f32>::randn([512], &mut rng);
    let index = Tensor::<i64>::randint(0, ROWS as i64, [ROWS], &mut rng).ok()?;
    let indices = Tensor::<i64>::randint(0, ROWS as i64, [ROWS, 512], &mut rng).ok()?;
    let mask = x.gt_scalar(0.0);
    let one = vec![x.clone()];
    let two = vec![x.clone(), x.clone()];
    let case: (Vec<Tensor<f32>>, Call<f32>) = match name {
        "layer_norm" => (
            vec![x, w.clone(), w],
            Box::new(|v| v[0].layer_norm(512, Some(&v[1]), Some(&v[2]), 1e-5)),
        ),
        "cross_entropy" => (one, Box::new(move |v| v[0].cross_entropy(&index))),
        "nll_loss" => (one, Box::new(move |v| v[0].nll_loss(&index))),
        "index_select" => (one, Box::new(move |v| v[0].index_select(0, &index))),
        "index_add" => (two, Box::new(move |v| v[0].index_add(0, &index, &v[1]))),
        "gather" => (one, Box::new(move |v| v[0].gather(0, &indices))),
        "scatter_add" => (two, Box::new(move |v| v[0].scatter_add(0, &indices, &v[1]))),
        "masked_select" => (one, Box::new(move |v| v[0].masked_select(&mask))),
        "masked_fill" => (one, Box::new(move |v| v[0].masked_fill(&mask, 0.5))),
        "where_" => (two, Box::new(move |v| Var::where_(&mask, &v[0], &v[1]))),
        "reshape" => (one, Box::new(|v| v[0].reshape([256, 1024]))),
        "expand" => (vec![w], Box::new(|v| v[0].expand([ROWS, 512]))),
        "sum_to" => (one, Box::new(|v| v[0].sum_to([512]))),
        "split" => (one, Box::new(|v| Ok(v[0].split(256, 0)?.swap_remove(1)))),
        _ => return None,
    };
    Some(case)
}

criterion_group!(benches, ops);
criterion_main!(benches);
