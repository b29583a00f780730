//! Every form of the operators: by reference and by value, with tensors and numbers on either side;
//! values and gradients against the `try_` methods.

use wengert_autograd::{Result, Var};
use wengert_tensor::{Float, Tensor};

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

#[test]
fn numbers_of_any_type_are_operands() {
    let x = Var::new([1.5f32, -2.0]).tracked();
    let d = Var::new([1.5f64, -2.0]);
    let n = 3usize;
    assert_eq!((&x * 2).to_vec(), [3.0, -4.0]);
    assert_eq!((2 * &x).to_vec(), [3.0, -4.0]);
    assert_eq!((2 - x.clone()).to_vec(), [0.5, 4.0]);
    assert_eq!((&x * 0.5_f64 + 1i64 - 1u8).to_vec(), [0.75, -1.0]);
    assert_eq!((&x / n * 3.0).to_vec(), [1.5, -2.0]);
    assert_eq!((&d * 0.5_f32 / 2i32).to_vec(), [0.375, -0.5]);
    // A number is rounded to the variable's type before anything else.
    assert_eq!((&x * 0.1_f64).to_vec(), (&x * 0.1_f32).to_vec());
    assert_eq!((&x / 0.1_f64).to_vec(), [1.5 / 0.1_f32, -2.0 / 0.1_f32]);
    let y = (&x * 2 - 1) / 4usize;
    y.sum_all().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), [0.5, 0.5]);
}

#[test]
fn literals_need_no_type() {
    let (x, d) = (Var::new([2.0f32]), Var::new([2.0f64]));
    // A method of the result, which needs its type to be known.
    assert_eq!((1.0 / (2.0 * &x + 1.0)).recip().to_vec(), [5.0]);
    assert_eq!((1.0 / (2.0 * &d + 1.0)).recip().to_vec(), [5.0]);
    assert_eq!((1 - (2 * &x + 1)).neg().to_vec(), [4.0]);
    let scale = |v: &Var, by| v * by;
    assert_eq!(scale(&x, 0.5f32).to_vec(), [1.0]);
    // The element type as a parameter.
    fn generic<T: Float>(x: &Var<T>, by: T) -> Var<T> {
        (x * by * 2.0 + 1) / 2 + x.value()
    }
    assert_eq!(generic(&x, 3.0).to_vec(), [8.5]);
    assert_eq!(generic(&d, 3.0).to_vec(), [8.5]);
}

#[test]
fn assignments_go_onto_the_tape() {
    let (a, b) = leaves();
    let mut y = a.clone();
    y += &b;
    y *= &a;
    y -= b.value();
    y /= 2;
    y *= Var::new([1.0, 2.0, 4.0]);
    y += 0.5_f32;
    let want = ((&a + &b) * &a - b.value()) / 2.0 * Tensor::new([1.0, 2.0, 4.0]) + 0.5;
    assert_eq!(y.to_vec(), want.to_vec());
    y.sum_all().backward().unwrap();
    // (2a + b)/2 and a/2, times 1, 2, 4.
    assert_eq!(a.grad().unwrap().to_vec(), [1.625, 0.0, -4.0]);
    assert_eq!(b.grad().unwrap().to_vec(), [0.75, -2.0, 1.0]);
    // The leaf is as it was.
    assert!(a.is_leaf() && !y.is_leaf());
    assert_eq!(a.to_vec(), [1.5, -2.0, 0.5]);

    // Without a tape: in the memory that is there.
    let mut z = Var::new([1.0f64, 2.0]);
    let at = z.value().as_slice().unwrap().as_ptr();
    z += 1;
    z *= &Var::new([2.0, 3.0]);
    assert_eq!(z.to_vec(), [4.0, 9.0]);
    assert_eq!(z.value().as_slice().unwrap().as_ptr(), at);
}

#[test]
fn an_assignment_that_would_grow_panics_and_changes_nothing() {
    for tracked in [false, true] {
        let row = Var::new([1.0f32, 2.0]);
        let mut x = if tracked { row.tracked() } else { row };
        let grow = std::panic::AssertUnwindSafe(|| x += Var::zeros([3, 2]));
        let panic = std::panic::catch_unwind(grow).unwrap_err();
        let panic = panic.downcast_ref::<String>().unwrap();
        assert!(panic.contains("rhs broadcasts to lhs.shape"), "{panic}");
        assert!(panic.contains("tests/operators.rs"), "{panic}");
        assert_eq!(x.to_vec(), [1.0, 2.0]);
    }
}

#[test]
fn iterators_sum_to_a_variable() {
    let (a, b) = leaves();
    let both: Var<f64> = [&a, &b, &a].into_iter().sum();
    both.backward_seeded(&Tensor::ones([3])).unwrap();
    assert_eq!(a.grad().unwrap().to_vec(), [2.0; 3]);
    assert_eq!(b.grad().unwrap().to_vec(), [1.0; 3]);
    let total = (0..4).map(|i| Var::scalar(i as f32)).sum::<Var>();
    assert_eq!(total.item().unwrap(), 6.0);
    let nothing = std::iter::empty::<Var>().sum::<Var>();
    assert_eq!((nothing.rank(), nothing.item().unwrap()), (0, 0.0));
}
