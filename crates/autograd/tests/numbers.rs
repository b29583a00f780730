//! Single numbers: losses and statistics where a plain formula loses its digits, meets infinities, or takes arguments that
//! mean nothing. What holds for every op is in `scales.rs` and `ops.rs`.

use wengert_autograd::{ClassLoss, Grad, Reduction, Var};
use wengert_tensor::{ErrorKind, Float, Result, Rng, Tensor};

const INF: f64 = f64::INFINITY;

/// `|a/b − 1|`, and 0 for equal ones.
fn off(a: f64, b: f64) -> f64 {
    if a == b { 0.0 } else { (a / b - 1.0).abs() }
}

/// The gradients of `Σ seed·y`.
fn grads<T: Float>(y: &Var<T>, seed: &[f64], at: &[&Var<T>]) -> Vec<Vec<f64>> {
    let seed: Vec<T> = seed.iter().map(|v| T::from_f64(*v)).collect();
    let seed = Var::constant(Tensor::from_vec(seed, y.shape()).unwrap());
    let grads = Grad::new().retain_graph();
    let grads = grads.of_seeded(&[(y, &seed)], at).unwrap();
    grads
        .iter()
        .map(|g| g.value().cast::<f64>().to_vec())
        .collect()
}

#[test]
fn binary_cross_entropy_of_confident_logits_keeps_its_digits() {
    fn check<T: Float>(most: f64) {
        for x in [0.0, 0.3, 5.0, 10.0, 15.0, 20.0, 35.0, 80.0] {
            for t in [0.0, 0.001, 0.25, 0.5, 0.75, 0.999, 1.0f64] {
                for x in [x, -x] {
                    // Both as numbers of the type.
                    let (tx, tt) = (T::from_f64(x), T::from_f64(t));
                    let (x, t) = (tx.to_f64(), tt.to_f64());
                    let rest = (-x.abs()).exp();
                    let line = if x > 0.0 { (1.0 - t) * x } else { -t * x };
                    let loss = line + rest.ln_1p();
                    let small = rest / (1.0 + rest);
                    let slope = if x > 0.0 {
                        (1.0 - t) - small
                    } else {
                        small - t
                    };
                    let v = Var::new([tx]).tracked();
                    for reduction in [Reduction::Mean, Reduction::None] {
                        let y = v.bce_with_logits_with(&Var::new([tt]), reduction).unwrap();
                        let got = y.value().cast::<f64>().to_vec()[0];
                        assert!(off(got, loss) < most, "x {x}, t {t}: {got:e}, not {loss:e}");
                        let seed = if y.rank() == 0 {
                            Var::scalar(T::ONE)
                        } else {
                            Var::new([T::ONE])
                        };
                        let dx = Grad::new().of_seeded(&[(&y, &seed)], &[&v]).unwrap();
                        let dx = dx[0].value().cast::<f64>().to_vec()[0];
                        // Where sigmoid(x) is near t, what is left has their rounding.
                        let room =
                            most * (slope.abs() + if t == 0.0 || t == 1.0 { 0.0 } else { 1.0 });
                        assert!(
                            (dx - slope).abs() <= room,
                            "x {x}, t {t}: dx {dx:e}, not {slope:e}"
                        );
                    }
                }
            }
        }
    }
    check::<f32>(1e-6);
    check::<f64>(1e-14);
    // PyTorch's numbers.
    for (x, want) in [
        (10.0f32, 4.539_89e-5_f32),
        (15.0, 3.059_022_6e-7),
        (20.0, 2.061_153_7e-9),
    ] {
        let loss = Var::new([x])
            .bce_with_logits(&Var::new([1.0]))
            .unwrap()
            .item()
            .unwrap();
        assert!((loss - want).abs() <= 1e-6 * want, "{x}: {loss:e}");
        // The classes are treated alike.
        let other = Var::new([-x]).bce_with_logits(&Var::new([0.0])).unwrap();
        assert_eq!(other.item().unwrap(), loss);
    }
    let y = Var::new([100.0f32])
        .bce_with_logits(&Var::new([0.999]))
        .unwrap();
    assert!(off(y.item().unwrap().into(), 0.099_998_713) < 1e-6);
}

#[test]
fn gradients_of_statistics_far_from_zero() {
    let n = 1024;
    let values: Vec<f64> = (0..2 * n)
        .map(|i| 1e6 + ((i * 7) % 5) as f64 * 0.25)
        .collect();
    let dy: Vec<f64> = (0..2 * n)
        .map(|i| ((i * 3) % 7) as f64 * 0.25 - 0.5)
        .collect();
    let single: Vec<f32> = values.iter().map(|v| *v as f32).collect();
    let (x, z) = (
        Tensor::from_vec(values, [2, n]).unwrap(),
        Tensor::from_vec(single, [2, n]).unwrap(),
    );
    let (x, z) = (Var::constant(x).tracked(), Var::constant(z).tracked());
    type Call<T> = fn(&Var<T>) -> Result<Var<T>>;
    let calls: [(&str, Call<f64>, Call<f32>); 4] = [
        ("var", |v| v.var(1, 1), |v| v.var(1, 1)),
        ("std", |v| v.std(1, 0), |v| v.std(1, 0)),
        (
            "layer_norm",
            |v| v.layer_norm(1024, None, None, 1e-5),
            |v| v.layer_norm(1024, None, None, 1e-5),
        ),
        ("logsumexp", |v| v.logsumexp(1), |v| v.logsumexp(1)),
    ];
    for (name, double, single) in calls {
        let (a, b) = (double(&x).unwrap(), single(&z).unwrap());
        for (a, b) in a.value().iter().zip(b.value().iter()) {
            assert!(
                (a - f64::from(b)).abs() < 2e-6 * a.abs(),
                "{name}: {b} for {a}"
            );
        }
        let seed = &dy[..a.len()];
        for composed in [false, true] {
            let run = || {
                (
                    grads(&a_of(double, &x), seed, &[&x]),
                    grads(&a_of(single, &z), seed, &[&z]),
                )
            };
            let (a, b) = if composed {
                wengert_autograd::composed_rules(run)
            } else {
                run()
            };
            let size = a[0].iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            for (a, b) in a[0].iter().zip(&b[0]) {
                assert!(
                    (a - b).abs() < 3e-6 * size,
                    "{name}, composed {composed}: {b} for {a}"
                );
            }
        }
    }
    fn a_of<T: Float>(call: fn(&Var<T>) -> Result<Var<T>>, x: &Var<T>) -> Var<T> {
        call(x).unwrap()
    }
}

#[test]
fn impossible_states_have_no_gradient() {
    let low = -INF;
    let (a, b) = (Var::new([low]).tracked(), Var::new([low]).tracked());
    let y = a.logaddexp(&b).unwrap();
    assert_eq!(y.to_vec(), [low]);
    assert_eq!(grads(&y, &[1.0], &[&a, &b]), [[0.0], [0.0]]);
    let y = y.logaddexp(&Var::new([2.0])).unwrap();
    assert_eq!(y.to_vec(), [2.0]);
    assert_eq!(grads(&y, &[1.0], &[&a, &b]), [[0.0], [0.0]]);
    // Of two +∞ the shares are not defined.
    let (a, b) = (Var::new([INF]).tracked(), Var::new([INF]).tracked());
    let y = a.logaddexp(&b).unwrap();
    assert_eq!(y.to_vec(), [INF]);
    assert!(grads(&y, &[1.0], &[&a, &b]).iter().all(|g| g[0].is_nan()));
    // A fully masked row beside another.
    let x = Var::new([[low, low], [0.0, 0.0]]).tracked();
    let y = x.logsumexp(1).unwrap();
    assert_eq!(y.to_vec(), [low, 2f64.ln()]);
    for seed in [[0.0, 1.0], [1.0, 1.0]] {
        assert_eq!(grads(&y, &seed, &[&x])[0], [0.0, 0.0, 0.5, 0.5]);
    }
    // A row that the loss leaves out, with class weights, and over more axes.
    let x = Var::new([[low, low, low], [0.0, 0.0, low]]).tracked();
    let options = ClassLoss::new().weights([0.0, 1.0, 1.0]);
    for (targets, dx) in [([-100i64, 1], [0.5, -0.5, 0.0]), ([0, 0], [0.0; 3])] {
        let options = options.clone().reduction(Reduction::Sum);
        let y = x
            .cross_entropy_with(&Tensor::new(targets), &options)
            .unwrap();
        for composed in [false, true] {
            let run = || grads(&y, &[1.0], &[&x]);
            let g = if composed {
                wengert_autograd::composed_rules(run)
            } else {
                run()
            };
            assert_eq!(g[0][..3], [0.0; 3], "{targets:?}");
            assert_eq!(g[0][3..], dx, "{targets:?}");
        }
    }
}

fn argument<X>(r: Result<X>, name: &str) {
    match r {
        Ok(_) => panic!("{name} was taken"),
        Err(e) => match e.kind() {
            ErrorKind::InvalidArgument { name: told, .. } => assert_eq!(*told, name, "{e}"),
            _ => panic!("{e}"),
        },
    }
}

#[test]
fn probabilities_are_within_0_and_1() {
    let one = Var::new([1.0]);
    for p in [1.5, -0.5, INF, -INF, 1.0 + f64::EPSILON] {
        argument(Var::new([p]).bce_loss(&one), "input");
        argument(Var::new([p]).bce_loss_clipped(&one, 1e-3), "input");
        argument(Var::new([p]).bce_loss_with(&one, Reduction::None), "input");
    }
    let e = Var::new([3.0]).bce_loss(&one).unwrap_err().to_string();
    assert!(e.contains("bce_with_logits"), "{e}");
    // NaN comes out.
    assert!(
        Var::new([f64::NAN])
            .bce_loss(&one)
            .unwrap()
            .item()
            .unwrap()
            .is_nan()
    );
    assert!(
        Var::new([f64::NAN])
            .bce_loss_clipped(&one, 1e-3)
            .unwrap()
            .item()
            .unwrap()
            .is_nan()
    );
    // Targets are taken as they are.
    let y = Var::new([0.5]).bce_loss(&Var::new([2.0])).unwrap();
    assert!((y.item().unwrap() - 2f64.ln()).abs() < 1e-15);
    assert!(
        Var::<f64>::zeros([0])
            .bce_loss(&Var::zeros([0]))
            .unwrap()
            .item()
            .unwrap()
            .is_nan()
    );
}

#[test]
fn both_ends_of_a_probability_are_clipped_alike() {
    for epsilon in [1e-3, 1e-7, 1e-8, 1e-20, 1e-30] {
        let p = Var::<f32>::new([0.0, 1.0, 0.5]).tracked();
        let wrong = p
            .bce_loss_clipped(&Var::new([1.0, 0.0, 1.0]), epsilon)
            .unwrap();
        let want = (-2.0 * epsilon.ln() + 2f64.ln()) / 3.0;
        assert!(off(wrong.item().unwrap().into(), want) < 1e-6, "{epsilon}");
        let g = grads(&wrong, &[1.0], &[&p]);
        assert!(
            g[0][0] == 0.0 && g[0][1] == 0.0 && off(g[0][2], -2.0 / 3.0) < 1e-6,
            "{g:?}"
        );
        let right = p
            .bce_loss_clipped(&Var::new([0.0, 1.0, 1.0]), epsilon)
            .unwrap();
        let want = (-2.0 * (-epsilon).ln_1p() + 2f64.ln()) / 3.0;
        assert!(off(right.item().unwrap().into(), want) < 1e-6, "{epsilon}");
        // Linear in the target, clipped or not.
        let t = Var::<f32>::new([0.25, 0.25, 0.25]).tracked();
        let y = p.bce_loss_clipped(&t, epsilon).unwrap();
        let far = (epsilon.ln() - (-epsilon).ln_1p()) / 3.0;
        let g = grads(&y, &[1.0], &[&t]);
        assert!(
            off(g[0][0], -far) < 1e-5 && off(g[0][1], far) < 1e-5 && g[0][2].abs() < 1e-6,
            "{g:?}"
        );
    }
    let (p, t) = (Var::new([0.3f32]), Var::new([1.0]));
    for epsilon in [-1.0, 0.0, 0.5, 0.7, f64::NAN, INF, 1e-60] {
        argument(p.bce_loss_clipped(&t, epsilon), "epsilon");
    }
}

#[test]
fn arguments_out_of_their_domain_are_errors() {
    let (x, t) = (Var::new([[0.3, 0.4]]), Var::new([[1.0, 0.0]]));
    for delta in [0.0, -1.0, f64::NAN, INF] {
        argument(x.huber_loss(&t, delta), "delta");
    }
    let classes = Tensor::new([0i64]);
    for s in [-0.1, 1.1, f64::NAN, INF] {
        argument(
            x.cross_entropy_with(&classes, &ClassLoss::new().label_smoothing(s)),
            "label_smoothing",
        );
        argument(
            x.cross_entropy_probs(&t, &ClassLoss::new().label_smoothing(s)),
            "label_smoothing",
        );
    }
    for w in [-1.0, f64::NAN, INF] {
        let options = ClassLoss::new().weights([1.0, w]);
        argument(x.cross_entropy_with(&classes, &options), "weights");
        argument(x.nll_loss_with(&classes, &options), "weights");
        argument(x.cross_entropy_probs(&t, &options), "weights");
    }
    for epsilon in [-1e-5, f64::NAN, INF] {
        argument(x.layer_norm(2, None, None, epsilon), "epsilon");
    }
    for p in [0.0, f64::NAN] {
        argument(x.norm_p(p, 0), "p");
    }
    assert!(x.clamp(1.0, 0.0).is_err() && x.clamp(f64::NAN, 1.0).is_err());
    // A slope or a scale that is NaN shows where it is used.
    let y = Var::new([1.0, -1.0f64]);
    assert!(y.leaky_relu(f64::NAN).to_vec()[1].is_nan() && y.elu(f64::NAN).to_vec()[1].is_nan());
    assert!(y.affine(f64::NAN, 0.0).to_vec().iter().all(|v| v.is_nan()));
}

#[test]
fn the_weight_gradient_of_one_output_is_as_exact_as_of_two() {
    let error = |outputs: usize| -> f64 {
        let (n, mut rng) = (200_000, Rng::seed(1));
        let x = Tensor::<f32>::rand([n, 10], &mut rng);
        let dy = Tensor::<f32>::rand([n, outputs], &mut rng);
        let w = Var::<f32>::zeros([outputs, 10]).tracked();
        let y = Var::from(&x).linear(&w, None).unwrap();
        y.backward_seeded(&dy).unwrap();
        let exact = dy
            .cast::<f64>()
            .t()
            .unwrap()
            .matmul(&x.cast::<f64>())
            .unwrap();
        let got = w.grad().unwrap().cast::<f64>();
        got.iter()
            .zip(exact.iter())
            .map(|(a, b)| off(a, b))
            .fold(0.0, f64::max)
    };
    let (one, two) = (error(1), error(2));
    assert!(
        one < 10.0 * two && one < 2e-6,
        "1 output: {one:e}, 2 outputs: {two:e}"
    );
}

/// `where_` chooses gradients, and 0 times the NaN of the branch not taken is NaN: the safe form chooses the argument too.
#[test]
fn a_choice_does_not_stop_a_nan_of_the_other_branch() -> Result<()> {
    let x = Var::new([-1.0, 4.0]).tracked();
    let positive = x.value().gt_scalar(0.0);
    let y = Var::where_(&positive, &x.sqrt(), &x)?;
    assert_eq!(y.to_vec(), [-1.0, 2.0]);
    let dx = &grads(&y, &[1.0, 1.0], &[&x])[0];
    assert!(dx[0].is_nan() && dx[1] == 0.25);
    let safe = Var::where_(&positive, &x, &Var::scalar(1.0))?;
    let y = Var::where_(&positive, &safe.sqrt(), &x)?;
    assert_eq!(y.to_vec(), [-1.0, 2.0]);
    assert_eq!(grads(&y, &[1.0, 1.0], &[&x])[0], [1.0, 0.25]);
    Ok(())
}
