//! What the published strategies promise beyond their examples: shrinking, reach, repetition.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{FileFailurePersistence, TestError, TestRunner};
use wengert_autograd::check::gradcheck::gradcheck;
use wengert_autograd::check::strategies::*;
use wengert_tensor::Tensor;

/// What is left of a failure after shrinking.
fn smallest<S: Strategy>(strategy: S, holds: impl Fn(&S::Value) -> bool) -> S::Value
where
    S::Value: Clone,
{
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let run = TestRunner::new(config).run(&strategy, |v| {
        prop_assert!(holds(&v));
        Ok(())
    });
    match run {
        Err(TestError::Fail(_, v)) => v,
        other => panic!("no failure: {other:?}"),
    }
}

#[test]
fn tensors_shrink_to_few_elements_in_contiguous_memory() {
    let x = smallest(strided(shapes(0..=4, 0..=5), Domain::real()), |x| {
        x.len() < 3
    });
    assert!(x.is_contiguous(), "{x:?}");
    assert!(x.len() <= 4 && x.rank() <= 2, "{x:?}");
    let x = smallest(strided(shapes(0..=4, 0..=5), Domain::real()), |_| false);
    assert_eq!((x.rank(), x.to_vec()), (0, vec![1.125]));
}

#[test]
fn shapes_shrink_to_the_least() {
    let s = smallest(shapes(1..=4, 0..=5), |s| s.iter().product::<usize>() > 0);
    assert_eq!(s, [0]);
    let pair = smallest(broadcastable::<2>(0..=4, 1..=4), |[a, b]| a == b);
    assert!(pair[0].len() + pair[1].len() <= 3, "{pair:?}");
    let t = smallest(class_targets(Just(vec![3]), 9), |t| t.to_vec()[1] < 4);
    assert_eq!(t.to_vec(), [0, 4, 0]);
    let m = smallest(masks(Just(vec![2, 2])), |m| !m.to_vec()[3]);
    assert_eq!(m.to_vec(), [false, false, false, true]);
    let a = smallest(matrices(1..=4), |a| a.shape()[0] < 2);
    assert_eq!(&a.shape()[..], [2, 2]);
}

#[test]
fn every_layout_and_empty_tensors_are_reached() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..500 {
        let x = strided(shapes(0..=5, 0..=3), Domain::real());
        let x = x.new_tree(&mut runner).unwrap().current();
        seen.insert(if x.is_empty() {
            "empty"
        } else if x.rank() == 0 {
            "scalar"
        } else if x.is_contiguous() {
            "contiguous"
        } else if x.strides().iter().any(|s| *s < 0) {
            "negative"
        } else if x.strides().iter().all(|s| s % 2 == 0) {
            "sliced"
        } else {
            "transposed"
        });
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
}

#[test]
fn a_shape_that_grows_is_the_same_values_again() {
    let one = Domain::real().away_from(&[1.0, -1.5]).values(7, 42);
    assert_eq!(one, Domain::real().away_from(&[1.0, -1.5]).values(7, 42));
    assert_ne!(one, Domain::real().away_from(&[1.0, -1.5]).values(7, 43));
    assert!(Domain::real().values(0, 1).is_empty());
    // Nothing left of the interval: its end.
    assert_eq!(Domain::within(1.0, 1.0).values(2, 0), [1.0, 1.0]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/proptest-regressions/strategies.txt"
        )))),
        ..ProptestConfig::default()
    })]

    /// The promise that the module makes: no step of a check crosses a tie or a kink.
    #[test]
    fn kinks_and_ties_are_out_of_reach(
        x in strided(shapes(1..=3, 1..=4), Domain::real().away_from(&[1.0])),
        m in matrices(1..=4),
    ) {
        let kinks = |v: &[wengert_autograd::Var<f64>]| {
            let y = v[0].clamp(-1.0, 1.0)?.try_add(&v[0].relu())?.try_mul(&v[0].abs())?;
            y.try_add(&v[0].max_all()?)?.try_add(&v[0].sort(-1, false)?.0)
        };
        gradcheck(kinks, &[x]).map_err(|e| TestCaseError::fail(e.to_string()))?;
        // Solving m·y = 1 by iteration on the diagonal converges: the matrix is as conditioned as said.
        let d = m.diagonal(0, 0, 1)?;
        let mut y = Tensor::<f64>::zeros(d.shape());
        for _ in 0..60 {
            let residual = Tensor::ones(d.shape()) - m.matmul(&y)?;
            y += residual / &d;
        }
        let residual = (Tensor::ones(d.shape()) - m.matmul(&y)?).abs().max_all()?.item()?;
        prop_assert!(residual < 1e-12, "{residual}");
        prop_assert!(y.abs().max_all()?.item()? <= 2.0);
    }
}
