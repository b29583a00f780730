//! Graphs that are too deep for recursion, too wide for quadratic work, and dropped at odd times.

use wengert_autograd::*;

fn on_a_small_stack(f: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    thread.spawn(f).unwrap().join().unwrap();
}

fn chain(x: &Var<f32>, n: usize) -> Var<f32> {
    let mut y = x.affine(1.0, 0.0);
    for _ in 0..n {
        y = y.affine(1.0, 0.0);
    }
    y
}

#[test]
fn a_million_ops_forward_backward_and_dropped() {
    on_a_small_stack(|| {
        let x = Var::new([1.0f32]).tracked();
        let y = chain(&x, 1_000_000);
        y.backward().unwrap();
        assert_eq!(x.grad().unwrap().to_vec(), [1.0]);
        drop(y);
    });
}

#[test]
fn a_million_ops_dropped_without_backward() {
    on_a_small_stack(|| {
        let x = Var::new([1.0f32]).tracked();
        drop(chain(&x, 1_000_000));
        assert!(x.grad().is_none());
    });
}

#[test]
fn a_million_ops_dropped_while_unwinding() {
    on_a_small_stack(|| {
        let x = Var::new([1.0f32]).tracked();
        let panic = std::panic::catch_unwind(|| {
            let y = chain(&x, 1_000_000);
            std::panic::resume_unwind(Box::new(y.len()));
        });
        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&1usize));
        // The leaf is whole.
        x.square().backward().unwrap();
        assert_eq!(x.grad().unwrap().to_vec(), [2.0]);
    });
}

#[test]
fn two_hundred_thousand_ops_of_second_order() {
    on_a_small_stack(|| {
        let x = Var::new([1.0f32]).tracked();
        let y = chain(&x, 200_000).square();
        let g = Grad::new().create_graph().of(&y, &[&x]).unwrap();
        assert_eq!(grad(&g[0], &[&x]).unwrap()[0].to_vec(), [2.0]);
    });
}

#[test]
fn one_leaf_used_a_hundred_thousand_times() {
    on_a_small_stack(|| {
        let x = Var::new([1.0f32, -1.0]).tracked();
        let uses: Vec<Var> = (0..100_000).map(|_| x.affine(2.0, 0.0)).collect();
        let y = Var::cat(&uses, 0).unwrap().sum_all();
        y.backward().unwrap();
        assert_eq!(x.grad().unwrap().to_vec(), [200_000.0; 2]);
    });
}

#[test]
fn deep_and_wide() {
    // Every layer uses every result of the one before: 20^400 paths, 8,000 sums.
    on_a_small_stack(|| {
        let x = Var::new(1.0f64).tracked();
        let mut layer = vec![x.clone(); 20];
        for _ in 0..400 {
            let sum = layer.iter().skip(1).fold(layer[0].clone(), |s, v| s + v);
            layer = (0..20).map(|_| sum.affine(1.0 / 20.0, 0.0)).collect();
        }
        let y = layer.iter().skip(1).fold(layer[0].clone(), |s, v| s + v);
        y.backward().unwrap();
        assert!((x.grad().unwrap().item().unwrap() - 20.0).abs() < 1e-9);
    });
}

#[test]
fn a_fan_of_diamonds() {
    // y = (…((x + x) + (x + x))…): 2^60 paths.
    let x = Var::new(1.0f64).tracked();
    let mut y = x.clone();
    for _ in 0..60 {
        y = &y + &y;
    }
    y.backward().unwrap();
    assert_eq!(x.grad().unwrap().item().unwrap(), 2f64.powi(60));
}
