//! A differentiable op of one's own, proved by a property test on every shape, layout and value; and the
//! report of a gradient that is wrong.
#![allow(clippy::print_stdout)]

use proptest::prelude::*;
use wengert::prelude::*;
use wengert::strategies::{Domain, shapes, strided};

/// `y = x/(1 + x²)`; gradient `(1 − x²)/(1 + x²)²·dy`. `SIGN` is −1, or +1 for a slip of the pen.
struct Bump<const SIGN: i8>;

impl<T: Float, const SIGN: i8> Function<T> for Bump<SIGN> {
    fn forward(&self, x: &[&Tensor<T>]) -> Result<Tensor<T>> {
        Ok(x[0] / x[0].square().affine(1.0, 1.0))
    }
    fn backward(&self, cx: &FunctionCx<'_, T>, dy: &Var<T>) -> Result<Vec<Option<Var<T>>>> {
        let square = cx.input(0)?.square();
        let below = square.affine(1.0, 1.0).square();
        Ok(vec![Some(dy * square.affine(f64::from(SIGN), 1.0) / below)])
    }
}

fn main() -> Result<()> {
    let right = |v: &[Var<f64>]| Bump::<-1>.apply(&[&v[0]]);
    let wrong = |v: &[Var<f64>]| Bump::<1>.apply(&[&v[0]]);

    // On any shape up to three axes, empty ones too; contiguous, transposed, sliced, reversed.
    let cases = std::cell::Cell::new(0);
    // (A test in a `tests/` folder keeps its failures in a file: the default.)
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let expected = config.cases;
    proptest!(config, |(x in strided(shapes(0..=3, 0..=3), Domain::real()))| {
            gradcheck(right, std::slice::from_ref(&x))?;
        gradgradcheck(right, &[x])?;
        cases.set(cases.get() + 1);
    });
    println!("Bump and its gradients hold in {} cases", cases.get());
    assert_eq!(cases.get(), expected);

    let x = Tensor::new([[0.5, -1.0], [2.0, 0.25]]);
    let report = gradcheck(right, std::slice::from_ref(&x))?;
    println!("{report}\n");
    assert_eq!((report.compared, report.failed), (16, 0));

    let error = gradcheck(wrong, &[x]).unwrap_err().to_string();
    println!("{error}");
    assert!(error.starts_with("gradcheck: the gradient of Bump is wrong in 4 of 16 places"));
    Ok(())
}
