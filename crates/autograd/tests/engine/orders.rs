//! Gradients of gradients, retained graphs, `grad` and its inputs.

use wengert_autograd::*;
use wengert_tensor::Tensor;

/// `f` and its first four derivatives at `x`, each the gradient of the one before.
fn orders(f: impl Fn(&Var<f64>) -> Var<f64>, at: f64) -> Vec<f64> {
    let x = Var::new(at).tracked();
    let mut y = f(&x);
    let mut all = vec![y.item().unwrap()];
    for _ in 0..4 {
        y = Grad::new().create_graph().of(&y, &[&x]).unwrap().remove(0);
        all.push(y.item().unwrap());
    }
    assert!(x.grad().is_none());
    all
}

fn assert_near(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    for (g, w) in got.iter().zip(want) {
        assert!(
            (g - w).abs() <= 1e-12 * w.abs().max(1.0),
            "{got:?} instead of {want:?}"
        );
    }
}

#[test]
fn four_orders_of_a_power() {
    let want: Vec<f64> = vec![32.0, 80.0, 160.0, 240.0, 240.0];
    assert_near(&orders(|x| x.powf(5.0), 2.0), &want);
    assert_near(&orders(|x| x.square() * x.square() * x, 2.0), &want);
}

#[test]
fn four_orders_of_exp() {
    assert_near(&orders(Var::exp, 0.7), &[0.7f64.exp(); 5]);
}

#[test]
fn four_orders_of_a_broadcast_product() {
    // f(a) = Σᵢⱼ (a·bᵢⱼ)⁴: `a` is broadcast from [1] to [2, 3], so every order sums it down.
    let b = Var::new([[1.0, 2.0, 3.0], [-1.0, 0.5, 2.0]]);
    let (s, a) = (b.value().powf(4.0).sum_all().item().unwrap(), 1.5f64);
    let f = |x: &Var<f64>| {
        let y = x.reshape([1]).unwrap() * &b;
        (&y * &y * &y * &y).sum_all()
    };
    let want = [a.powi(4), 4.0 * a.powi(3), 12.0 * a * a, 24.0 * a, 24.0].map(|w| w * s);
    assert_near(&orders(f, a), &want);
}

#[test]
fn one_input_of_an_op_whose_other_inputs_are_tracked_too() {
    let (x, w) = (Var::new([0.0f64]).tracked(), Var::new([3.0]).tracked());
    // y = w·eˣʷ.
    let y = (&w * (&x * &w).exp()).sum_all();
    let of = |v: &Var<f64>| Grad::new().retain_graph().of(&y, &[v]).unwrap()[0].to_vec();
    assert_eq!((of(&x), of(&w)), (vec![9.0], vec![1.0]));
    assert!(x.grad().is_none() && w.grad().is_none());
    // What does not lead to it is not walked, nor released.
    let h = w.exp();
    let y = (&x * &h).sum_all();
    assert_eq!(grad(&y, &[&x]).unwrap()[0].to_vec(), h.to_vec());
    h.backward().unwrap();
    // Where a released part led is not known any more: an error, not a gradient without it.
    let y = (&x * &h).sum_all();
    assert!(matches!(
        grad(&y, &[&x]).unwrap_err().kind(),
        ErrorKind::Released { op: "exp", .. }
    ));
    let y = (&x * h.detach()).sum_all();
    assert_eq!(grad(&y, &[&x]).unwrap()[0].to_vec(), h.to_vec());
}

#[test]
fn mixed_derivatives_agree_in_either_order() {
    let (x, y) = (
        Var::new([0.4f64, -1.0]).tracked(),
        Var::new([1.3f64]).tracked(),
    );
    let f = (x.sin() * y.exp() * &x).sum_all();
    let g = Grad::new().create_graph().of(&f, &[&x, &y]).unwrap();
    let xy = Grad::new()
        .retain_graph()
        .of(&g[0].sum_all(), &[&y])
        .unwrap();
    let yx = Grad::new().of(&g[1].sum_all(), &[&x]).unwrap();
    assert_near(
        &[xy[0].sum_all().item().unwrap()],
        &[yx[0].sum_all().item().unwrap()],
    );
}

#[test]
fn grad_leaves_leaves_alone() {
    let x = Var::new([1.0f64, 2.0]).tracked();
    x.sum_all().backward().unwrap();
    let y = x.square().sum_all();
    assert_eq!(grad(&y, &[&x]).unwrap()[0].to_vec(), [2.0, 4.0]);
    assert_eq!(x.grad().unwrap().to_vec(), [1.0, 1.0]);
}

#[test]
fn grad_of_intermediate_values_and_of_one_twice() {
    let x = Var::new([1.0f64, 2.0]).tracked();
    let h = x.square();
    let y = (&h * &h).sum_all();
    let g = grad(&y, &[&h, &x, &h]).unwrap();
    assert_eq!(g[0].to_vec(), [2.0, 8.0]);
    assert_eq!(g[1].to_vec(), [4.0, 32.0]);
    assert_eq!(g[2].to_vec(), [2.0, 8.0]);
    // With respect to itself.
    let y = x.exp().sum_all();
    assert_eq!(grad(&y, &[&y]).unwrap()[0].item().unwrap(), 1.0);
}

#[test]
fn unused_inputs_are_an_error_or_zeros() {
    let (x, y) = (
        Var::new([1.0f64]).tracked(),
        Var::new([[1.0f64, 2.0]]).tracked(),
    );
    let z = x.exp().sum_all();
    let e = Grad::new().retain_graph().of(&z, &[&x, &y]).unwrap_err();
    assert!(
        matches!(e.kind(), ErrorKind::Unused { index: 1, .. }),
        "{e}"
    );
    let constant = Var::new([5.0]);
    let e = Grad::new().retain_graph().of(&z, &[&constant]).unwrap_err();
    assert!(
        matches!(e.kind(), ErrorKind::Unused { index: 0, .. }),
        "{e}"
    );
    let g = Grad::new()
        .allow_unused()
        .of(&z, &[&x, &y, &constant])
        .unwrap();
    assert_eq!(g[1].value(), &Tensor::zeros([1, 2]));
    assert_eq!(g[2].value(), &Tensor::zeros([1]));
}

#[test]
fn retained_graphs_are_walked_again_and_released_ones_are_not() {
    let x = Var::new([1.0f64]).tracked();
    let y = x.exp();
    Backward::new().retain_graph().run(&y).unwrap();
    Backward::new().retain_graph().run(&y).unwrap();
    y.backward().unwrap();
    let sum = x.grad().unwrap().to_vec();
    assert_near(&sum, &[3.0 * 1f64.exp()]);
    let e = y.backward().unwrap_err();
    assert!(
        matches!(e.kind(), ErrorKind::Released { op: "exp", .. }),
        "{e}"
    );
    let e = Grad::new().create_graph().of(&y, &[&x]).unwrap_err();
    assert!(
        matches!(e.kind(), ErrorKind::Released { op: "exp", .. }),
        "{e}"
    );
    assert_eq!(
        x.grad().unwrap().to_vec(),
        sum,
        "a walk that fails leaves leaves as they were"
    );
}

#[test]
fn a_walk_frees_the_nodes_it_has_passed() {
    let x = Var::new([1.0f64]).tracked();
    let held = std::sync::Arc::new(());
    let record = || {
        let y = x.exp();
        // What a node holds, a hook does: it lives as long as the node.
        let with_node = held.clone();
        y.register_hook(move |_| {
            let _ = &with_node;
            None
        })
        .unwrap();
        y.sin().sum_all()
    };
    let alive = || std::sync::Arc::strong_count(&held) - 1;
    let loss = record();
    Backward::new().retain_graph().run(&loss).unwrap();
    assert_eq!(alive(), 1);
    loss.backward().unwrap();
    assert_eq!(alive(), 0, "while the loss is held");
    let tape = loss.tape().to_string();
    assert!(tape.starts_with("%0 = sum(released)"), "{tape}");
    // A second loss above the same nodes keeps what it needs to say so.
    let y = x.exp();
    let (one, other) = (y.sin().sum_all(), y.cos().sum_all());
    one.backward().unwrap();
    let e = other.backward().unwrap_err();
    assert!(
        matches!(e.kind(), ErrorKind::Released { op: "exp", .. }),
        "{e}"
    );
}

#[test]
fn a_walk_that_fails_half_way_deposits_nothing() {
    let (x, w) = (Var::new([1.0f64]).tracked(), Var::new([2.0f64]).tracked());
    let h = x.exp();
    h.sum_all().backward().unwrap();
    x.zero_grad();
    // `w` is reached before the released part is.
    let e = (&h * &w).sum_all().backward().unwrap_err();
    assert!(
        matches!(e.kind(), ErrorKind::Released { op: "exp", .. }),
        "{e}"
    );
    assert!(x.grad().is_none() && w.grad().is_none());
}

#[test]
fn the_gradient_of_a_constant_gradient_is_zero() {
    let x = Var::new([1.0f64, 2.0]).tracked();
    let z = Var::new([5.0f64]).tracked();
    let linear = (&x * 3.0).sum_all() + &z * 2.0;
    let linear = linear.sum_all();
    let first = Grad::new().create_graph().of(&linear, &[&x, &z]).unwrap();
    assert_eq!(first[0].to_vec(), [3.0, 3.0]);
    let second = Grad::new()
        .create_graph()
        .of(&first[0].sum_all(), &[&x, &z])
        .unwrap();
    assert_eq!(
        (second[0].to_vec(), second[1].to_vec()),
        (vec![0.0; 2], vec![0.0])
    );
    let third = grad(&second[0].sum_all(), &[&x]).unwrap();
    assert_eq!(third[0].to_vec(), [0.0; 2]);
    // Beside one that is not constant.
    let mixed = (x.square().sum_all() + &z).sum_all();
    let first = Grad::new().create_graph().of(&mixed, &[&x, &z]).unwrap();
    let second = grad(&(first[0].sum_all() + &first[1]).sum_all(), &[&x, &z]).unwrap();
    assert_eq!(
        (second[0].to_vec(), second[1].to_vec()),
        (vec![2.0; 2], vec![0.0])
    );
    // A penalty on the gradient of a linear function trains nothing, but is no error.
    let y = (&x * 3.0).sum_all();
    let g = Grad::new().create_graph().of(&y, &[&x]).unwrap();
    (y + g[0].square().sum_all()).backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), [3.0, 3.0]);
}

#[test]
fn an_output_that_is_not_tracked() {
    let x = Var::new([1.0f64, 2.0]).tracked();
    let first = grad(&x.square().sum_all(), &[&x]).unwrap();
    // Without create_graph: said what is missing.
    let e = grad(&first[0].sum_all(), &[&x]).unwrap_err();
    assert!(e.to_string().contains("Grad::new().create_graph()"), "{e}");
    let zeros = Grad::new().allow_unused().of(&first[0].sum_all(), &[&x]);
    assert_eq!(zeros.unwrap()[0].to_vec(), [0.0; 2]);
}
