//! Metrics against values by hand, histories as text and picture, and Keras's `Dense`.

use wengert_autograd::Var;
use wengert_nn::{
    ConfusionMatrix, Dense, History, Layer, Linear, Logs, Module, accuracy, binary_accuracy,
    binary_accuracy_at, evaluate,
};
use wengert_tensor::{Rng, Tensor};

#[test]
fn accuracy_counts_rows() {
    let scores = Var::new([
        [0.1f64, 0.7, 0.2],
        [0.5, 0.5, 0.0], // a tie: the first
        [0.0, 0.1, 0.9],
        [0.3, 0.4, 0.3],
    ]);
    assert_eq!(
        accuracy(&scores, &Tensor::new([1i64, 0, 2, 0])).unwrap(),
        0.75
    );
    assert_eq!(
        accuracy(&scores, &Tensor::new([0i64, 1, 0, 2])).unwrap(),
        0.0
    );
    // One row alone, and a position axis behind the classes.
    let one = Tensor::new([0.2f32, 0.8]);
    assert_eq!(accuracy(&one, &Tensor::scalar(1i64)).unwrap(), 1.0);
    let many = Tensor::new([[[1.0f32, 0.0, 1.0], [0.0, 1.0, 0.0]]]); // [1, 2 classes, 3]
    let labels = Tensor::new([[0i64, 1, 1]]);
    assert_eq!(accuracy(&many, &labels).unwrap(), 2.0 / 3.0);
    let nothing = Tensor::<f32>::zeros([0, 3]);
    assert!(accuracy(&nothing, &Tensor::zeros([0])).unwrap().is_nan());

    let error = accuracy(&scores, &Tensor::zeros([4, 1])).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("f64 [4, 3]") && error.contains("labels.squeeze(-1)"),
        "{error}"
    );
    for label in [3i64, -1] {
        let error = accuracy(&scores, &Tensor::new([0, 0, label, 0])).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains(&format!("label = {label}, of 3 classes")),
            "{error}"
        );
    }
}

#[test]
fn metrics_have_names_of_their_own() {
    let model = Linear::from_weights(Tensor::new([[1.0f32], [0.0]]), None);
    let data = [(Tensor::new([[1.0f32]]), Tensor::new([0i64]))];
    for (a, b, fits) in [("loss", "a", false), ("a", "a", false), ("a", "b", true)] {
        let run = evaluate(&model, |y, labels| y.cross_entropy(labels), &data);
        let run = run.metric(a, accuracy).metric(b, accuracy).run();
        match run {
            Ok(scores) => assert!(fits && scores.len() == 3),
            Err(e) => assert!(!fits && e.to_string().contains("a name of its own"), "{e}"),
        }
    }
}

#[test]
fn binary_accuracy_is_above_the_threshold() {
    let p = Var::new([[0.2f32], [0.5], [0.51], [0.4]]);
    let t = Tensor::new([[0.0f32], [0.0], [1.0], [1.0]]);
    assert_eq!(binary_accuracy(&p, &t).unwrap(), 0.75);
    let logits = Tensor::new([-1.0f64, 0.0, 2.0]);
    let t = Tensor::new([0.0f64, 1.0, 1.0]);
    assert_eq!(binary_accuracy_at(&logits, &t, 0.0).unwrap(), 2.0 / 3.0);
    let e = binary_accuracy(&logits, &Tensor::zeros([3, 1])).unwrap_err();
    assert!(e.to_string().contains("labels.squeeze(-1)"), "{e}");
}

#[test]
fn what_is_no_answer_is_not_counted() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let text = |r: wengert_nn::Result<f64>| r.unwrap_err().to_string();
    let labels = Tensor::new([0.0f32, 0.0, 1.0]);
    let score = |s: f32| binary_accuracy(&Tensor::new([0.1, s, 0.9]), &labels);
    assert!(text(score(nan)).starts_with("binary_accuracy: score = NaN, in row 1\n"));
    assert_eq!(score(-inf).unwrap(), 1.0);
    assert_eq!(score(inf).unwrap(), 2.0 / 3.0);
    for label in [0.5, 2.0, -1.0, nan] {
        let labels = Tensor::new([[0.0f32, 0.0], [1.0, label]]);
        let error = text(binary_accuracy(&Tensor::zeros([2, 2]), &labels));
        assert!(
            error.contains(&format!("label = {label}, in row 1")),
            "{error}"
        );
    }
    let threshold = binary_accuracy_at(&labels, &labels, f64::NAN);
    assert!(text(threshold).contains("threshold = NaN"));
    let none = Tensor::<f32>::zeros([0]);
    assert!(binary_accuracy(&none, &none).unwrap().is_nan());

    let scores = Tensor::new([[0.1f32, 0.2], [nan, 0.0]]);
    let labels = Tensor::new([0i64, 0]);
    assert!(text(accuracy(&scores, &labels)).starts_with("accuracy: score = NaN, in row 1\n"));
    let mut matrix = ConfusionMatrix::new(2);
    let error = matrix.add(&scores, &labels).unwrap_err().to_string();
    assert!(error.contains("score = NaN"), "{error}");
    assert_eq!(matrix.total(), 0);
    assert!(ConfusionMatrix::of(&scores, &labels).is_err());
    let far = Tensor::new([[inf, 0.0], [-inf, -inf]]);
    assert_eq!(accuracy(&far, &labels).unwrap(), 1.0);
    // Rows without classes, and no rows.
    assert!(accuracy(&Tensor::<f32>::zeros([2, 0]), &labels).is_err());
    assert!(
        accuracy(&Tensor::<f32>::zeros([0, 2]), &Tensor::zeros([0]))
            .unwrap()
            .is_nan()
    );
    let nothing = ConfusionMatrix::of(&Tensor::<f32>::zeros([0, 2]), &Tensor::zeros([0])).unwrap();
    assert!(nothing.accuracy().is_nan() && nothing.f1(0).is_nan());
}

#[test]
fn a_confusion_matrix_adds_up() {
    let mut m = ConfusionMatrix::new(3);
    assert!(m.accuracy().is_nan() && m.precision(0).is_nan() && m.recall(9).is_nan());
    let answers = |c: &[i64]| Tensor::new(c.to_vec()).one_hot::<f32>(3).unwrap();
    let mut add = |a: &[i64], t: &[i64]| m.add(&answers(a), &Tensor::new(t.to_vec()));
    add(&[0, 0, 1], &[0, 1, 1]).unwrap();
    add(&[0, 1, 0, 0], &[0, 0, 0, 1]).unwrap();
    // What is refused is not counted, not even in part.
    assert!(add(&[0, 0], &[0, 3]).is_err());
    let wide = Tensor::new([0i64, 3]).one_hot::<f32>(4).unwrap();
    let error = m.add(&wide, &Tensor::new([0i64, 0])).unwrap_err();
    assert!(error.to_string().contains("class = 3, of 3"), "{error}");

    assert_eq!(m.counts(), [[3, 1, 0], [2, 1, 0], [0, 0, 0]]);
    assert_eq!((m.total(), m.accuracy()), (7, 4.0 / 7.0));
    assert_eq!((m.precision(0), m.recall(0)), (3.0 / 5.0, 3.0 / 4.0));
    assert_eq!((m.precision(1), m.recall(1)), (1.0 / 2.0, 1.0 / 3.0));
    assert_eq!((m.f1(0), m.f1(1)), (2.0 / 3.0, 2.0 / 5.0));
    assert!(m.precision(2).is_nan() && m.recall(2).is_nan() && m.f1(2).is_nan());
    assert_eq!(
        m.to_string(),
        [
            "true \\ predicted    0    1    2  recall",
            "               0    3    1    0    0.75",
            "               1    2    1    0    0.33",
            "               2    0    0    0      --",
            "       precision 0.60 0.50   --  accuracy 0.5714\n",
        ]
        .join("\n")
    );
}

#[test]
fn histories_are_padded_and_escaped() {
    let mut h = History::new();
    let mut logs = Logs::new();
    logs.set("loss", 0.1);
    h.record(&logs);
    logs.set("a \"b\", c", f64::INFINITY);
    h.record(&logs);
    let mut late = Logs::new();
    late.set("loss", 1e-30);
    h.record(&late);
    assert_eq!(
        h.to_csv(),
        "epoch,loss,\"a \"\"b\"\", c\"\n1,0.1,NaN\n2,0.1,inf\n3,1e-30,NaN\n"
    );
    let json: serde_json::Value = serde_json::from_str(&h.to_json()).unwrap();
    assert_eq!(json["epoch"], serde_json::json!([1, 2, 3]));
    assert!(h.to_json().contains("\"loss\": [0.1, 0.1, 1e-30]"));
    assert_eq!(json["a \"b\", c"], serde_json::json!([null, null, null]));

    let dir = tempfile::tempdir().unwrap();
    let read = |p: &std::path::Path| std::fs::read_to_string(p).unwrap();
    let (csv, json) = (dir.path().join("h.csv"), dir.path().join("h.json"));
    h.save(&csv).unwrap();
    h.save(&json).unwrap();
    assert_eq!((read(&csv), read(&json)), (h.to_csv(), h.to_json()));
}

#[test]
fn a_dense_layer_is_a_linear_one_in_kerass_clothes() {
    let mut rng = Rng::seed(0);
    let dense = Dense::new(30, 20, &mut rng);
    let bound = (6.0f32 / 50.0).sqrt();
    let kernel = dense.kernel();
    assert_eq!(kernel.shape(), &[30, 20][..]);
    assert!(kernel.iter().all(|w| w.abs() <= bound));
    assert!(kernel.iter().any(|w| w.abs() > 0.95 * bound));
    assert_eq!(dense.bias().to_vec(), [0.0; 20]);

    // Its state is a Linear's.
    let linear = Linear::new(30, 20, &mut rng);
    linear
        .load_state_dict(&dense.state_dict().unwrap())
        .unwrap();
    let x = Var::from(Tensor::randn([3, 30], &mut rng));
    let z = linear.forward(&x).unwrap();
    let again = |d: Dense| d.forward(&x).unwrap().to_vec();
    let same = || Dense::from_weights(&kernel, &dense.bias()).unwrap();
    assert_eq!(again(same()), z.to_vec());
    assert_eq!(again(same().relu()), z.relu().to_vec());
    assert_eq!(again(same().sigmoid()), z.sigmoid().to_vec());
    assert_eq!(again(same().tanh()), z.tanh().to_vec());
    assert_eq!(again(same().softmax()), z.softmax(-1).unwrap().to_vec());
    let swapped = Dense::from_weights(&linear.weight.value(), &dense.bias());
    let error = swapped.unwrap_err().to_string();
    assert!(error.contains("[20, 30] and [20]"), "{error}");
}

#[cfg(feature = "plot")]
#[test]
fn a_history_is_drawn_by_name() {
    let mut history = History::new();
    for loss in [2.0, 1.0, f64::NAN] {
        let mut logs = Logs::new();
        logs.set("loss", loss);
        history.record(&logs);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/history.svg");
    history.plot(&path, "A training", &["loss"]).unwrap();
    let svg = std::fs::read_to_string(&path).unwrap();
    assert!(svg.contains("A training") && svg.contains("loss") && !svg.contains("NaN"));
    let error = history.plot(&path, "", &["val_loss"]).unwrap_err();
    assert!(error.to_string().contains("val_loss, of loss"), "{error}");
}

#[test]
fn classes_may_lie_along_the_last_axis() {
    // [n, t, classes], as `cross_entropy` takes them.
    let scores = Tensor::new([[[1.0f64, 2.0], [4.0, 3.0], [0.0, 1.0]]]);
    let labels = Tensor::new([[1i64, 0, 0]]);
    assert_eq!(accuracy(&scores, &labels).unwrap(), 2.0 / 3.0);
    let matrix = ConfusionMatrix::of(&scores, &labels).unwrap();
    assert_eq!((matrix.total(), matrix.counts().len()), (3, 2));
    let turned = scores.movedim(-1, 1).unwrap();
    assert_eq!(accuracy(&turned, &labels).unwrap(), 2.0 / 3.0);
    let e = accuracy(&Tensor::<f64>::zeros([2, 3, 3]), &Tensor::zeros([2, 3])).unwrap_err();
    assert!(e.to_string().contains("flatten the rows"), "{e}");
}
