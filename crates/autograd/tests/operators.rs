//! Every form of the operators: by reference and by value, with tensors and numbers on either side;
//! values and gradients against the `try_` methods.

use wengert_autograd::{Result, Var};
use wengert_tensor::Tensor;

fn leaves() -> (Var<f64>, Var<f64>) {
    let a = Var::new([1.5, -2.0, 0.5]).tracked();
    (a, Var::new([0.25, 4.0, -3.0]).tracked())
}

/// Value and gradients (0 where there is none) of a call on two leaves.
fn of(call: impl Fn(&Var<f64>, &Var<f64>) -> Var<f64>) -> [Vec<f64>; 3] {
    let (a, b) = leaves();
    let y = call(&a, &b);
    y.backward_seeded(&Tensor::new([1.0, 2.0, 3.0])).unwrap();
    let grad = |v: &Var<f64>| v.grad().map_or(vec![0.0; 3], |g| g.to_vec());
    [y.to_vec(), grad(&a), grad(&b)]
}

/// The same numbers but for another rounding of `g / 1.7` and `g * (1 / 1.7)`.
fn assert_near(got: [Vec<f64>; 3], want: &[Vec<f64>; 3]) {
    for (g, w) in got.iter().flatten().zip(want.iter().flatten()) {
        assert!(
            (g - w).abs() <= 1e-15 * w.abs(),
            "{got:?} instead of {want:?}"
        );
    }
}

macro_rules! forms {
    ($test:ident $op:tt $try_method:ident) => {
        #[test]
        fn $test() {
            let try_ = |a: &Var<f64>, b: &Var<f64>| -> Result<Var<f64>> { a.$try_method(b) };
            let both = of(|a, b| try_(a, b).unwrap());
            assert_eq!(of(|a, b| a $op b), both);
            assert_eq!(of(|a, b| a.clone() $op b), both);
            assert_eq!(of(|a, b| a $op b.clone()), both);
            assert_eq!(of(|a, b| a.clone() $op b.clone()), both);

            let first = of(|a, b| try_(a, &b.detach()).unwrap());
            assert_eq!(of(|a, b| a $op b.value()), first);
            assert_eq!(of(|a, b| a.clone() $op b.value()), first);
            assert_eq!(of(|a, b| a $op b.value().clone()), first);
            assert_eq!(of(|a, b| a.clone() $op b.value().clone()), first);
            let second = of(|a, b| try_(&a.detach(), b).unwrap());
            assert_eq!(of(|a, b| a.value() $op b), second);
            assert_eq!(of(|a, b| a.value() $op b.clone()), second);
            assert_eq!(of(|a, b| a.value().clone() $op b), second);
            assert_eq!(of(|a, b| a.value().clone() $op b.clone()), second);

            let first = of(|a, _| try_(a, &Var::scalar(1.7)).unwrap());
            assert_near(of(|a, _| a $op 1.7), &first);
            assert_near(of(|a, _| a.clone() $op 1.7), &first);
            let second = of(|_, b| try_(&Var::scalar(1.7), b).unwrap());
            assert_near(of(|_, b| 1.7 $op b), &second);
            assert_near(of(|_, b| 1.7 $op b.clone()), &second);

            // Untracked, where owned operands give their memory: the same values.
            let (a, b) = leaves();
            let (a, b) = (a.detach(), b.detach());
            let fresh = |v: &Var<f64>| Var::constant(v.value().copied());
            assert_eq!((fresh(&a) $op fresh(&b)).to_vec(), both[0]);
            assert_eq!((&a $op fresh(&b)).to_vec(), both[0]);
            assert_eq!((fresh(&a) $op &b).to_vec(), both[0]);
            assert_eq!(a.to_vec(), [1.5, -2.0, 0.5]);
        }
    };
}
forms!(addition + try_add);
forms!(subtraction - try_sub);
forms!(multiplication * try_mul);
forms!(division / try_div);

#[test]
fn negation() {
    let want = [vec![-1.5, 2.0, -0.5], vec![-1.0, -2.0, -3.0], vec![0.0; 3]];
    assert_eq!(of(|a, _| -a), want);
    assert_eq!(of(|a, _| -a.clone()), want);
    assert_eq!(of(|a, _| a.neg()), want);
}

#[test]
fn operators_panic_with_the_text_of_the_error() {
    let (a, b) = (Var::<f32>::zeros([2, 3]), Var::<f32>::zeros([2]));
    let text = a.try_add(&b).unwrap_err().to_string();
    let sum = std::panic::AssertUnwindSafe(|| &a + &b);
    let panic = std::panic::catch_unwind(sum).unwrap_err();
    let panic = panic.downcast_ref::<String>().unwrap();
    let without_line = |s: &str| {
        let lines = s.lines().filter(|l| !l.trim_start().starts_with("at "));
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(without_line(panic), without_line(&text));
    assert!(panic.contains("tests/operators.rs"), "{panic}");
}
