//! Whether ops are recorded: `no_grad`, `enable_grad`, `detach`, frozen parameters.

use wengert_autograd::*;
use wengert_tensor::Tensor;

#[test]
fn no_grad_nests() {
    let x = Var::new([1.0f32]).tracked();
    assert!(is_recording());
    no_grad(|| {
        no_grad(|| assert!(!x.exp().is_tracked()));
        assert!(!is_recording(), "the inner end is not the outer one's");
        enable_grad(|| assert!(x.exp().is_tracked()));
        assert!(!x.exp().is_tracked());
    });
    assert!(x.exp().is_tracked());
}

#[test]
fn modes_are_restored_when_a_panic_passes() {
    let out = std::panic::catch_unwind(|| no_grad(|| std::panic::resume_unwind(Box::new(()))));
    assert!(out.is_err() && is_recording());
    no_grad(|| {
        let out =
            std::panic::catch_unwind(|| enable_grad(|| std::panic::resume_unwind(Box::new(()))));
        assert!(out.is_err() && !is_recording());
    });
}

#[test]
fn modes_are_of_a_thread() {
    no_grad(|| {
        assert!(std::thread::spawn(is_recording).join().unwrap());
        assert!(!is_recording());
    });
}

#[test]
fn the_walk_back_records_only_what_it_is_told_to() {
    let x = Var::new([2.0f64]).tracked();
    let y = x.exp().sum_all();
    // Within `no_grad`, a graph that was recorded before is walked, and recorded again if asked.
    let g = no_grad(|| Grad::new().create_graph().of(&y, &[&x])).unwrap();
    assert!(g[0].is_tracked());
    let g = Grad::new().of(&y, &[&x]).unwrap();
    assert!(!g[0].is_tracked());
}

#[test]
fn sums_of_gradients_are_recorded_within_no_grad() {
    // Recorded whatever the mode: sums over contributions, on the way and at a leaf, and sums over the
    // axes that a variable was broadcast along.
    let x = Var::new([2.0f64]).tracked();
    let b = Var::new([1.0, 2.0, 3.0]);
    let h = x.square();
    let y = (&h * &b * &h + &x * &b).sum_all() * &x;
    let again = || Grad::new().retain_graph();
    let second = |first: Vec<Var<f64>>| again().of(&first[0], &[&x]).unwrap()[0].to_vec();
    let create = || Grad::new().create_graph().of(&y, &[&x]).unwrap();
    // y = 6x⁵ + 6x².
    assert_eq!(create()[0].to_vec(), [504.0]);
    assert_eq!(second(create()), [972.0]);
    assert_eq!(second(no_grad(create)), [972.0]);
    // Both contributions to the one node under way: y = x⁴.
    let y = &h * &h;
    let create = || Grad::new().create_graph().of(&y, &[&x]).unwrap();
    assert_eq!(second(create()), [48.0]);
    assert_eq!(second(no_grad(create)), [48.0]);
}

#[test]
fn detach_stops_gradients_and_shares_the_value() {
    let x = Var::new([3.0f64]).tracked();
    let d = x.square().detach();
    assert!(!d.is_tracked() && !d.is_leaf());
    assert!(d.value().shares_memory_with(d.detach().value()));
    (&x * &d).sum_all().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), [9.0]);
}

#[test]
fn frozen_parameters_get_nothing_and_keep_everything() {
    let (w, b) = (
        Param::new(Tensor::new([2.0f32])),
        Param::new(Tensor::new([5.0f32])),
    );
    (w.var() * b.var()).sum_all().backward().unwrap();
    b.set_trainable(false);
    assert!(b.grad().is_none(), "freezing forgets the gradient");
    assert!(!b.var().is_tracked());
    (w.var() * b.var()).sum_all().backward().unwrap();
    assert_eq!(w.grad().unwrap().to_vec(), [10.0]);
    assert!(b.grad().is_none());
    assert!(!b.update(|v, _| *v = Tensor::zeros([1])).unwrap());
    assert_eq!(b.value().to_vec(), [5.0]);
    b.set_trainable(true);
    (w.var() * b.var()).sum_all().backward().unwrap();
    assert_eq!(b.grad().unwrap().to_vec(), [2.0]);
    w.set_trainable(false);
    b.set_trainable(false);
    assert!(matches!(
        (w.var() * b.var()).backward().unwrap_err().kind(),
        ErrorKind::NotTracked
    ));
}
