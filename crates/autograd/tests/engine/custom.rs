//! What users' own ops may get wrong: typed errors with the op's name and where it was recorded.

use wengert_autograd::*;
use wengert_tensor::Tensor;

/// Doubles its input; its backward returns what it is told to.
struct Wrong(
    fn(&FunctionCx<'_, f64>, &Var<f64>) -> Result<Vec<Option<Var<f64>>>>,
    Saves,
);
impl Function<f64> for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }
    fn forward(&self, x: &[&Tensor<f64>]) -> Result<Tensor<f64>> {
        if x[0].is_empty() {
            return Err(
                Error::custom("wrong", format!("the input {} is empty", x[0].shape()))
                    .or_hint("give it an element"),
            );
        }
        Ok(x[0].affine(2.0, 0.0))
    }
    fn backward(&self, cx: &FunctionCx<'_, f64>, dy: &Var<f64>) -> Result<Vec<Option<Var<f64>>>> {
        (self.0)(cx, dy)
    }
    fn saves(&self) -> Saves {
        self.1
    }
}

/// The error, and that no leaf was touched.
fn refused(f: Wrong) -> Error {
    let x = Var::new([[1.0, 2.0, 3.0]]).tracked();
    let y = f.apply(&[&x]).unwrap();
    let e = y.sum_all().backward().unwrap_err();
    assert!(x.grad().is_none());
    e
}

#[test]
fn wrong_counts() {
    let e = refused(Wrong(|_, _| Ok(vec![]), Saves::All));
    assert!(matches!(
        e.kind(),
        ErrorKind::GradientCount {
            got: 0,
            want: 1,
            ..
        }
    ));
    let text = e.to_string();
    assert!(
        text.starts_with("wrong: the rule gave 0 gradients for 1 inputs\n  rule  one `Option` for each input, in order\n  at    "),
        "{text}"
    );
    assert!(
        text.contains("custom.rs:") && text.contains("  rule  one"),
        "{text}"
    );
    let e = refused(Wrong(|_, dy| Ok(vec![Some(dy.clone()), None]), Saves::All));
    assert!(matches!(
        e.kind(),
        ErrorKind::GradientCount {
            got: 2,
            want: 1,
            ..
        }
    ));
}

#[test]
fn wrong_shapes() {
    let e = refused(Wrong(|_, dy| Ok(vec![Some(dy.t()?)]), Saves::All));
    assert!(matches!(e.kind(), ErrorKind::GradientShape { .. }) && e.site().op == "wrong");
    let text = e.to_string();
    assert!(
        text.starts_with(
            "wrong: the gradient of input 0 has f64 [3, 1], the value has f64 [1, 3]\n  rule  "
        ),
        "{text}"
    );
    assert!(text.contains("rule  a gradient has the shape"), "{text}");
    for f in [
        (|_, dy| Ok(vec![Some(dy.sum_all())])) as fn(&FunctionCx<'_, f64>, &Var<f64>) -> _,
        |_, dy| Ok(vec![Some(dy.select(0, 0)?)]),
        |_, dy| Ok(vec![Some(dy.narrow(1, 0, 2)?)]),
    ] {
        assert!(matches!(
            refused(Wrong(f, Saves::All)).kind(),
            ErrorKind::GradientShape { .. }
        ));
    }
}

/// An error's text without the line, which is this file's.
fn told(e: &Error) -> String {
    let text = e.to_string();
    let here = |l: &&str| l.trim_start().starts_with("at ") && l.contains("custom.rs:");
    assert_eq!(text.lines().filter(here).count(), 1, "{text}");
    let kept: Vec<&str> = text.lines().filter(|l| !here(l)).collect();
    kept.join("\n")
}

#[test]
fn values_that_were_not_saved() {
    let e = refused(Wrong(|cx, _| Ok(vec![Some(cx.input(0)?)]), Saves::Output));
    assert_eq!(
        told(&e),
        "wrong: backward asks for input 0, which was not saved\n  hint  `saves()` returns Saves::Output: return Saves::All or Saves::Inputs"
    );
    let e = refused(Wrong(|cx, _| Ok(vec![Some(cx.input(1)?)]), Saves::Inputs));
    assert_eq!(
        told(&e),
        "wrong: backward asks for input 1, of 1\n  hint  0 <= i < 1"
    );
    let e = refused(Wrong(|cx, _| Ok(vec![Some(cx.output()?)]), Saves::Nothing));
    assert_eq!(
        told(&e),
        "wrong: backward asks for the output, which was not saved\n  hint  `saves()` returns Saves::Nothing: return Saves::All or Saves::Output"
    );
}

#[test]
fn an_error_of_its_own_comes_through() {
    let x = Var::<f64>::zeros([0]).tracked();
    let e = Wrong(|_, _| Ok(vec![]), Saves::All)
        .apply(&[&x])
        .unwrap_err();
    assert_eq!(
        told(&e),
        "wrong: the input [0] is empty\n  hint  give it an element"
    );
    let e = refused(Wrong(
        |cx, _| Err(Error::custom("wrong", format!("needs {}", cx.needs(0)))),
        Saves::All,
    ));
    assert_eq!(told(&e), "wrong: needs true");
    // A tensor's error within backward keeps its text.
    let e = refused(Wrong(|_, dy| Ok(vec![Some(dy.reshape([7])?)]), Saves::All));
    assert!(e.to_string().starts_with("reshape: "), "{e}");
}

#[test]
fn a_gradient_cut_off_the_tape_is_not_differentiated_silently() {
    let x = Var::new([1.0, 2.0]).tracked();
    let cut = Wrong(|_, dy| Ok(vec![Some(dy.detach() * 2.0)]), Saves::All);
    let y = cut.apply(&[&x]).unwrap().square().sum_all();
    let e = Grad::new().create_graph().of(&y, &[&x]).unwrap_err();
    assert!(
        e.to_string()
            .starts_with("wrong: the gradient of input 0 does not depend on `dy`"),
        "{e}"
    );
}

#[test]
fn hooks_of_another_shape() {
    let x = Var::new([1.0, 2.0]).tracked();
    x.register_hook(|g| Some(g.sum_all())).unwrap();
    let e = x.square().sum_all().backward().unwrap_err();
    assert!(matches!(e.kind(), ErrorKind::GradientShape { .. }));
    let text = e.to_string();
    assert!(
        text.starts_with("leaf: the gradient of a hook has f64 [], the value has f64 [2]"),
        "{text}"
    );
    assert!(x.grad().is_none());
}

#[test]
fn a_gradient_that_is_missing() {
    let e = refused(Wrong(|_, _| Ok(vec![None]), Saves::All));
    let text = e.to_string();
    assert!(
        text.starts_with("wrong: `backward` gave no gradient for input 0, which needs one"),
        "{text}"
    );
    assert!(text.contains("hint  where it is zero, say so: `cx.zero(0)`"));
}

#[test]
fn a_gradient_that_is_said_to_be_zero() {
    let x = Var::new([[1.0, 2.0, 3.0]]).tracked();
    let zero = || Wrong(|cx, _| Ok(vec![cx.zero(0)]), Saves::All);
    let y = zero().apply(&[&x]).unwrap() + &x;
    y.sum_all().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), [1.0; 3]);
    // Recorded as well.
    let y = (zero().apply(&[&x]).unwrap() + x.square()).sum_all();
    let first = Grad::new().create_graph().of(&y, &[&x]).unwrap();
    let second = grad(&first[0].sum_all(), &[&x]).unwrap();
    assert_eq!(second[0].to_vec(), [2.0; 3]);
}

#[test]
fn an_input_that_needs_no_gradient_may_have_none() {
    struct Scaled;
    impl Function<f64> for Scaled {
        fn forward(&self, x: &[&Tensor<f64>]) -> Result<Tensor<f64>> {
            Ok(x[0] * x[1])
        }
        fn backward(
            &self,
            cx: &FunctionCx<'_, f64>,
            dy: &Var<f64>,
        ) -> Result<Vec<Option<Var<f64>>>> {
            assert!(cx.needs(0) && !cx.needs(1));
            Ok(vec![Some(dy.try_mul(&cx.input(1)?)?), None])
        }
    }
    let (x, c) = (Var::new([1.0, 2.0]).tracked(), Var::new([3.0, 4.0]));
    let y = Scaled.apply(&[&x, &c]).unwrap();
    y.sum_all().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec(), [3.0, 4.0]);
}
