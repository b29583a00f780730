//! Gradients cross from one float type into another, at any order.

use wengert_autograd::*;

#[test]
fn a_gradient_arrives_in_the_type_of_its_variable() {
    let x = Var::new([1.5f32, -2.0]).tracked();
    let y = x.cast::<f64>();
    (&y * &y).sum_all().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), [3.0f32, -4.0]);

    let x = Var::new([1.5f64, -2.0]).tracked();
    let y = x.cast::<f32>().cast::<f64>();
    // Once through both casts and once past them.
    (&y * &y + &x).sum_all().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), [4.0, -3.0]);
}

#[test]
fn gradients_of_gradients_cross_too() {
    for composed in [false, true] {
        let run = || {
            let x = Var::new([2.0f32]).tracked();
            let y = x.cast::<f64>().powf(3.0).cast::<f32>();
            // Within `no_grad` as well: the walk records what it is told to.
            let dy = no_grad(|| Grad::new().create_graph().of(&y, &[&x])).unwrap();
            let d2y = grad(&dy[0], &[&x]).unwrap();
            (dy[0].to_vec(), d2y[0].to_vec())
        };
        let got = if composed { composed_rules(run) } else { run() };
        assert_eq!(got, (vec![12.0], vec![12.0]), "composed {composed}");
    }
}
