//! Graphs on several threads: their own, and one leaf of all.

use std::sync::Barrier;

use wengert_autograd::*;
use wengert_tensor::Tensor;

#[test]
fn eight_threads_with_graphs_of_their_own() {
    let barrier = Barrier::new(8);
    let results: Vec<(Vec<f64>, Vec<f64>)> = std::thread::scope(|s| {
        let each: Vec<_> = (0..8)
            .map(|k| {
                let barrier = &barrier;
                s.spawn(move || {
                    let x = Var::new([0.5f64 + k as f64, -1.0]).tracked();
                    barrier.wait();
                    for _ in 0..200 {
                        let y = (x.square() * x.tanh()).sum_all();
                        y.backward().unwrap();
                    }
                    let g = Grad::new().create_graph().of(&x.exp().sum_all(), &[&x]);
                    let h = grad(&g.unwrap()[0].sum_all(), &[&x]).unwrap();
                    (x.grad().unwrap().to_vec(), h[0].to_vec())
                })
            })
            .collect();
        each.into_iter().map(|t| t.join().unwrap()).collect()
    });
    for (k, (first, second)) in results.iter().enumerate() {
        for (i, x) in [0.5 + k as f64, -1.0].into_iter().enumerate() {
            let want = 200.0 * (2.0 * x * x.tanh() + x * x * (1.0 - x.tanh().powi(2)));
            assert!((first[i] - want).abs() < 1e-9 * want.abs(), "{k}");
            assert!((second[i] - x.exp()).abs() < 1e-12 * x.exp(), "{k}");
        }
    }
}

#[test]
fn eight_threads_into_one_leaf_are_exact() {
    // Whole numbers below 2^24: every order of the sums is exact in f32, and a lost one would show.
    let x = Var::new([1.0f32; 1000]).tracked();
    let w = Param::new(Tensor::<f32>::ones([1000]));
    let barrier = Barrier::new(8);
    std::thread::scope(|s| {
        for k in 0..8 {
            let (x, w, barrier) = (&x, &w, &barrier);
            s.spawn(move || {
                barrier.wait();
                for i in 0..100 {
                    let y = x.affine((1 + k) as f64, 0.0) * w.var();
                    y.sum_all().backward().unwrap();
                    // Reading and cloning meanwhile changes nothing.
                    let seen = x.grad().unwrap();
                    assert!(seen.to_vec()[0] >= i as f32);
                }
            });
        }
    });
    assert_eq!(x.grad().unwrap().to_vec(), [3600.0; 1000]);
    assert_eq!(w.grad().unwrap().to_vec(), [3600.0; 1000]);
}

#[test]
fn one_graph_walked_by_eight_threads_that_retain_it() {
    let x = Var::new([2.0f64]).tracked();
    let y = (x.exp() * x.square()).sum_all();
    std::thread::scope(|s| {
        for _ in 0..8 {
            s.spawn(|| {
                for _ in 0..50 {
                    Backward::new().retain_graph().run(&y).unwrap();
                }
            });
        }
    });
    let one = grad(&y, &[&x]).unwrap()[0].item().unwrap();
    let sum = x.grad().unwrap().item().unwrap();
    assert!((sum - 400.0 * one).abs() < 1e-9 * sum);
}

#[test]
fn a_graph_recorded_on_several_threads_is_one_graph() {
    let x = Var::new([3.0f64]).tracked();
    let parts: Vec<Var<f64>> = std::thread::scope(|s| {
        let each: Vec<_> = (0..4)
            .map(|k| {
                s.spawn({
                    let x = &x;
                    move || x.affine(k as f64, 0.0).square()
                })
            })
            .collect();
        each.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let y = std::thread::spawn(move || Var::cat(&parts, 0).unwrap().sum_all())
        .join()
        .unwrap();
    y.backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), [2.0 * 3.0 * (1.0 + 4.0 + 9.0)]);
}

#[test]
fn an_op_comes_after_inputs_that_another_thread_made() {
    // That thread has counted further than this one ever does.
    let x = Var::new([1.0f64]).tracked();
    let chain = || (0..1000).fold(x.clone(), |v, _| v.affine(1.0, 0.0));
    let h = std::thread::scope(|s| s.spawn(chain).join().unwrap());
    // `h` must wait for both of what it goes into.
    let e = h.exp();
    (&e * &h).backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), (&e * 2.0).to_vec());
}
