//! The walk back: orders, accumulation, release, depth.

use wengert_autograd::*;
use wengert_tensor::{Tensor, with_threads};

#[test]
fn second_order() {
    let x = Var::new([1.0f64, 2.0]).tracked();
    let y = (&x * &x * &x).sum_all();
    let g = Grad::new().create_graph().of(&y, &[&x]).unwrap();
    assert_eq!(g[0].to_vec(), [3.0, 12.0]);
    let h = grad(&g[0].sum_all(), &[&x]).unwrap();
    assert_eq!(h[0].to_vec(), [6.0, 12.0]);
    assert!(x.grad().is_none());
}

#[test]
fn a_million_ops_on_a_small_stack() {
    std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(|| {
            let x = Var::new([1.0f32]).tracked();
            let mut y = x.affine(1.0, 0.0);
            for _ in 0..1_000_000 {
                y = y.affine(1.0, 0.0);
            }
            y.backward().unwrap();
            assert_eq!(x.grad().unwrap().to_vec(), [1.0]);
            drop(y);
            let mut y = x.affine(1.0, 0.0);
            for _ in 0..1_000_000 {
                y = y.affine(1.0, 0.0);
            }
            drop(y); // without backward
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn released_is_an_error_and_leaves_keep_theirs() {
    let x = Var::new([1.0f32]).tracked();
    let y = x.exp();
    y.backward().unwrap();
    let before = x.grad().unwrap().to_vec();
    let e = y.backward().unwrap_err();
    assert!(matches!(e, Error::Released { op: "exp", .. }), "{e}");
    assert_eq!(x.grad().unwrap().to_vec(), before);
}

#[test]
fn eight_threads_into_one_leaf() {
    let x = Var::new([0.0f32; 4]).tracked();
    std::thread::scope(|s| {
        for _ in 0..8 {
            s.spawn(|| {
                for _ in 0..100 {
                    x.affine(2.0, 0.0).sum_all().backward().unwrap();
                }
            });
        }
    });
    assert_eq!(x.grad().unwrap().to_vec(), [1600.0; 4]);
    let _ = with_threads(1, || 0);
    let _ = Tensor::scalar(1.0f32);
}
