//! Gradients add up, and nothing that a user or the tape holds changes meanwhile.

use wengert_autograd::*;
use wengert_tensor::Tensor;

#[test]
fn a_variable_used_twice_gets_both() {
    let x = Var::new([3.0f64]).tracked();
    (&x * &x + &x).sum_all().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), [7.0]);
    x.sum_all().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), [8.0]);
    x.zero_grad();
    x.sum_all().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), [1.0]);
}

#[test]
fn two_variables_of_one_tensor_are_two() {
    let t = Tensor::new([3.0f64]);
    let (x, y) = (Var::from(t.clone()).tracked(), Var::from(t).tracked());
    (&x * &y).sum_all().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), [3.0]);
    assert_eq!(y.grad().unwrap().to_vec(), [3.0]);
}

#[test]
fn accumulation_never_changes_a_tensor_that_is_held() {
    let x = Var::new([1.0f32, 2.0]).tracked();
    let seed = Tensor::new([1.0f32, 1.0]);
    // The seed itself is the gradient that arrives: it must not become the accumulator.
    let y = x.reshape([2]).unwrap();
    y.backward_seeded(&seed).unwrap();
    let held = x.grad().unwrap();
    x.reshape([2]).unwrap().backward_seeded(&seed).unwrap();
    x.affine(5.0, 0.0).sum_all().backward().unwrap();
    assert_eq!(seed.to_vec(), [1.0, 1.0]);
    assert_eq!(held.to_vec(), [1.0, 1.0]);
    assert_eq!(x.grad().unwrap().to_vec(), [7.0, 7.0]);
}

#[test]
fn gradients_that_share_memory_on_the_way_stay_apart() {
    // `add` hands the same gradient to both inputs; each goes on to another sum.
    let (a, b) = (Var::new([1.0f64]).tracked(), Var::new([2.0f64]).tracked());
    let (ha, hb) = (a.affine(1.0, 0.0), b.affine(1.0, 0.0));
    let y = (&ha + &hb) + (&ha * 10.0) + (&hb * 100.0);
    y.sum_all().backward().unwrap();
    assert_eq!(a.grad().unwrap().to_vec(), [11.0]);
    assert_eq!(b.grad().unwrap().to_vec(), [101.0]);
}

#[test]
fn what_is_written_after_recording_does_not_reach_the_tape() {
    let x = Var::new([1.0f64, 2.0]).tracked();
    let y = x.square();
    let z = y.exp();
    let (mut input, mut output) = (y.value().clone(), z.value().clone());
    input.as_mut_slice().fill(1e9);
    output += &Tensor::new([5.0, 5.0]);
    z.sum_all().backward().unwrap();
    let want = [2.0 * 1f64.exp(), 4.0 * 4f64.exp()];
    for (g, w) in x.grad().unwrap().to_vec().into_iter().zip(want) {
        assert!((g - w).abs() < 1e-14 * w, "{g} {w}");
    }
    assert_eq!(y.to_vec(), [1.0, 4.0]);
}

#[test]
fn an_op_by_value_does_not_write_into_what_the_tape_saved() {
    let x = Var::new([0.5f64, -0.5]).tracked();
    let e = x.exp();
    let saved = e.clone();
    // By value, where memory would be reused were it not saved.
    let y = e + 1.0;
    let y = no_grad(|| y.clone() * 3.0) + y;
    y.sum_all().backward().unwrap();
    assert_eq!(x.grad().unwrap(), *saved.value());
}

#[test]
fn a_parameter_written_between_forward_and_backward_gives_the_old_gradient() {
    let w = Param::new(Tensor::new([2.0f64]));
    let y = w.var().square();
    w.set_value(Tensor::new([100.0])).unwrap();
    y.backward().unwrap();
    assert_eq!(w.grad().unwrap().to_vec(), [4.0]);
    let y = w.var().square();
    w.update(|v, _| v.as_mut_slice().fill(7.0)).unwrap();
    w.zero_grad();
    y.backward().unwrap();
    assert_eq!(w.grad().unwrap().to_vec(), [200.0]);
}

#[test]
fn cat_with_untracked_inputs_in_every_position() {
    for mask in 0..8u32 {
        let vars: Vec<Var<f64>> = (0..3)
            .map(|i| {
                let v = Var::new(vec![i as f64; i + 1]);
                if mask >> i & 1 == 1 { v.tracked() } else { v }
            })
            .collect();
        let y = Var::cat(&vars, 0).unwrap();
        assert_eq!(y.is_tracked(), mask != 0);
        if mask == 0 {
            continue;
        }
        let seed = Tensor::new([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        y.backward_seeded(&seed).unwrap();
        let parts = [&[1.0][..], &[2.0, 3.0], &[4.0, 5.0, 6.0]];
        for (i, v) in vars.iter().enumerate() {
            let want = (mask >> i & 1 == 1).then(|| parts[i].to_vec());
            assert_eq!(
                v.grad().map(|g| g.to_vec()),
                want,
                "mask {mask:03b}, input {i}"
            );
        }
    }
}

#[test]
fn seeds_have_the_shape_of_the_output() {
    let x = Var::new([[1.0f32, 2.0]]).tracked();
    let y = x.square();
    assert!(matches!(
        y.backward().unwrap_err().kind(),
        ErrorKind::NotScalar { .. }
    ));
    assert!(matches!(
        grad(&y, &[&x]).unwrap_err().kind(),
        ErrorKind::NotScalar { .. }
    ));
    for wrong in [&[2][..], &[1, 1], &[2, 1], &[], &[1, 2, 1], &[0]] {
        let e = y.backward_seeded(&Tensor::ones(wrong)).unwrap_err();
        assert!(
            matches!(e.kind(), ErrorKind::GradientShape { .. }) && e.site().op == "backward",
            "{e}"
        );
        let seed = Var::ones(wrong);
        let e = Grad::new().of_seeded(&[(&y, &seed)], &[&x]).unwrap_err();
        assert!(
            matches!(e.kind(), ErrorKind::GradientShape { .. }) && e.site().op == "grad",
            "{e}"
        );
    }
    assert!(x.grad().is_none());
    // A seed of one element fits a scalar, an empty one an empty output.
    y.backward_seeded(&Tensor::new([[10.0, 100.0]])).unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), [20.0, 400.0]);
    let none = Var::<f32>::zeros([0]).tracked();
    none.exp().backward_seeded(&Tensor::zeros([0])).unwrap();
    assert_eq!(none.grad().unwrap().len(), 0);
}

#[test]
fn several_outputs_with_seeds_that_are_tracked() {
    let (x, s) = (Var::new([2.0f64]).tracked(), Var::new([3.0f64]).tracked());
    let (y, z) = (x.square(), x.exp());
    let one = Var::new([1.0]);
    let g = Grad::new()
        .create_graph()
        .of_seeded(&[(&y, &s), (&z, &one)], &[&x])
        .unwrap();
    assert_eq!(g[0].to_vec(), [12.0 + 2f64.exp()]);
    // d/ds of s·2x.
    assert_eq!(grad(&g[0], &[&s]).unwrap()[0].to_vec(), [4.0]);
}
