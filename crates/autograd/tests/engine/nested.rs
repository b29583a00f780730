//! A walk back within a walk back: in hooks and in custom ops, forward and backward. No lock is held
//! while a user's code runs, so none of it can wait for itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use wengert_autograd::*;
use wengert_tensor::Tensor;

/// `y = Σ over one Newton step`: it differentiates within itself, forward and backward.
struct Inner;
impl Function<f64> for Inner {
    fn name(&self) -> &'static str {
        "inner"
    }
    /// The derivative of `x³`, by the tape.
    fn forward(&self, x: &[&Tensor<f64>]) -> Result<Tensor<f64>> {
        enable_grad(|| {
            let x = Var::from(x[0]).tracked();
            x.powf(3.0).sum_all().backward()?;
            Ok(x.grad().unwrap_or_else(|| x.value().zeros_like()))
        })
    }
    /// The derivative of that, `6x`, by the tape again.
    fn backward(&self, cx: &FunctionCx<'_, f64>, dy: &Var<f64>) -> Result<Vec<Option<Var<f64>>>> {
        let x = cx.input(0)?.detach().tracked();
        let y = x.powf(3.0).sum_all();
        let first = Grad::new().create_graph().of(&y, &[&x])?;
        first[0].sum_all().backward()?;
        let second = x.grad().unwrap_or_else(|| x.value().zeros_like());
        Ok(vec![Some(dy * &second)])
    }
}

#[test]
fn backward_within_a_custom_op() {
    let x = Var::new([1.0f64, -2.0]).tracked();
    let y = Inner.apply(&[&x]).unwrap();
    assert_eq!(y.to_vec(), [3.0, 12.0]);
    y.sum_all().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), [6.0, -12.0]);
    gradcheck(|v| Inner.apply(&[&v[0]]), &[Tensor::new([0.5, 1.5])]).unwrap();
}

#[test]
fn hooks_that_run_backward() {
    let (x, other) = (Var::new([2.0f64]).tracked(), Var::new([5.0f64]).tracked());
    let h = x.square();
    let o = other.clone();
    h.register_hook(move |g| {
        // Into a leaf of another graph, and into one made on the spot.
        (&o * g).sum_all().backward().unwrap();
        let t = g.detach().tracked();
        t.square().sum_all().backward().unwrap();
        Some(Var::from(t.grad().unwrap()))
    })
    .unwrap();
    (&h * 3.0).sum_all().backward().unwrap();
    assert_eq!(other.grad().unwrap().to_vec(), [3.0]);
    assert_eq!(x.grad().unwrap().to_vec(), [2.0 * 2.0 * 6.0]);
}

#[test]
fn a_hook_walks_the_graph_it_is_called_from() {
    let x = Var::new([2.0f64]).tracked();
    let y = x.square().exp();
    let graph = Arc::new(Mutex::new(Some(y.clone())));
    let inside = graph.clone();
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = calls.clone();
    x.register_hook(move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
        // Taken before the walk: this hook runs within it, and must not wait for itself.
        let y = inside.lock().unwrap().take();
        if let Some(y) = y {
            Backward::new().retain_graph().run(&y).unwrap();
        }
        None
    })
    .unwrap();
    Backward::new().retain_graph().run(&y).unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    let one = 4.0 * 4f64.exp();
    let sum = x.grad().unwrap().item().unwrap();
    assert!((sum - 2.0 * one).abs() < 1e-12 * sum);
}

#[test]
fn hooks_run_in_order_on_the_whole_gradient_and_come_off() {
    let x = Var::new([1.0f64]).tracked();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let first = x
        .register_hook(move |g| {
            log.lock().unwrap().push(g.item().unwrap());
            Some(g * 10.0)
        })
        .unwrap();
    let log = seen.clone();
    x.register_hook(move |g| {
        log.lock().unwrap().push(g.item().unwrap());
        None
    })
    .unwrap();
    // Two contributions, one call.
    (&x + &x * 2.0).sum_all().backward().unwrap();
    assert_eq!(*seen.lock().unwrap(), [3.0, 30.0]);
    first.remove();
    x.sum_all().backward().unwrap();
    assert_eq!(*seen.lock().unwrap(), [3.0, 30.0, 1.0]);
    assert_eq!(x.grad().unwrap().to_vec(), [31.0]);
}

#[test]
fn a_hook_that_panics_leaves_the_tape_usable() {
    let x = Var::new([1.0f64]).tracked();
    let y = x.exp();
    let hook = y
        .register_hook(|_| std::panic::resume_unwind(Box::new(())))
        .unwrap();
    let out = std::panic::catch_unwind(|| Backward::new().retain_graph().run(&y));
    assert!(out.is_err() && x.grad().is_none());
    hook.remove();
    y.backward().unwrap();
    assert_eq!(x.grad().unwrap(), *y.value());
}
