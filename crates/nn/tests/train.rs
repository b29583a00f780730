//! Training: `fit` against the loop by hand, callbacks, evaluation.

use std::cell::Cell;
use std::sync::Mutex;

use wengert_autograd::{Var, is_recording};
use wengert_nn::{
    Adam, Batches, Callback, Checkpoint, DataLoader, Dropout, EarlyStopping, Error, ErrorKind,
    Group, History, Layer, Linear, Model, Module, Optimizer, Relu, Result, Schedule, Sequential,
    Sgd, TensorDataset, TrainContext, Training, Visitor, accuracy, clip_grad_norm, evaluate,
    evaluating, fit, load_state, predict,
};
use wengert_tensor::{Float, Rng, Tensor};

type Batch<T = f32> = (Tensor<T>, Tensor<i64>);

/// Two batches of 8 and one of 5, whose classes a line parts.
fn batches<T: Float>() -> Vec<Batch<T>> {
    let mut rng = Rng::seed(3);
    [8, 8, 5]
        .map(|n| {
            let x = Tensor::<T>::randn([n, 2], &mut rng);
            let side = |row: Tensor<T>| {
                let v = row.to_vec();
                i64::from(v[0].to_f64() > 0.3 * v[1].to_f64())
            };
            let labels: Vec<i64> = x.outer_iter().map(side).collect();
            (x, Tensor::new(labels))
        })
        .to_vec()
}

fn net(seed: u64) -> Sequential {
    let mut rng = Rng::seed(seed);
    Sequential::new()
        .push(Linear::new(2, 8, &mut rng))
        .push(Relu)
        .push(Dropout::new(0.25, &mut rng).unwrap())
        .push(Linear::new(8, 2, &mut rng))
}

fn cross_entropy(y: &Var, labels: &Tensor<i64>) -> Result<Var> {
    y.cross_entropy(labels)
}

/// A linear model whose one weight falls by `lr` each step: the loss is the weight itself.
struct Slide(Linear);
impl Module for Slide {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.field("slide", &self.0);
    }
}
impl Model<Tensor<i64>> for Slide {
    fn call(&self, x: &Tensor<i64>) -> Result<Var> {
        self.0.forward(&Var::ones([x.len(), 1]))
    }
}

fn slide(weight: f32) -> Slide {
    Slide(Linear::from_weights(Tensor::new([[weight]]), None))
}

/// One batch with no target, for models that need none.
fn nothing() -> [(Tensor<i64>, ()); 1] {
    [(Tensor::new([0i64]), ())]
}

fn value(y: &Var, _: &()) -> Result<Var> {
    Ok(y.mean_all())
}

#[test]
fn fit_is_the_loop_by_hand_bit_for_bit() {
    let data = batches::<f32>();
    let (by_hand, fitted) = (net(0), net(0));

    let mut opt = Adam::new(by_hand.parameters(), 0.03);
    let (mut losses, mut means) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let mut sum = 0.0;
        for (x, labels) in &data {
            let loss = by_hand.forward(&x.into()).unwrap();
            let loss = loss.cross_entropy(labels).unwrap();
            opt.zero_grad();
            loss.backward().unwrap();
            clip_grad_norm(&by_hand, 0.5).unwrap();
            opt.step();
            losses.push(f64::from(loss.item().unwrap()));
            sum += f64::from(loss.item().unwrap()) * labels.len() as f64;
        }
        means.push(sum / 21.0);
    }

    let mut opt = Adam::new(fitted.parameters(), 0.03);
    let mut seen = Vec::new();
    let history = fit(&fitted, &mut opt, |y, t| y.cross_entropy(t), &data)
        .epochs(5)
        .clip_grad_norm(0.5)
        .metric("accuracy", accuracy)
        .validate(&data)
        .on_batch_end(|at| {
            seen.push(at.loss);
            Ok(())
        })
        .silent()
        .run()
        .unwrap();
    assert_eq!(seen, losses);
    assert_eq!(history.get("loss").unwrap(), means);
    assert_eq!(fitted.state_dict().unwrap(), by_hand.state_dict().unwrap());
    assert_eq!(fitted.streams().unwrap(), by_hand.streams().unwrap());
    let names: Vec<&str> = history.names().collect();
    assert_eq!(names, ["loss", "accuracy", "val_loss", "val_accuracy"]);
}

#[test]
fn a_loader_feeds_each_epoch_its_own_order() {
    let rows = || {
        (
            Tensor::<f32>::arange(0.0, 7.0, 1.0).unwrap(),
            Tensor::zeros([7]),
        )
    };
    let loader = || {
        let data = TensorDataset::new(rows()).unwrap();
        DataLoader::new(data, 3).unwrap().shuffle(5)
    };
    let by_hand = loader();
    let mut orders = Vec::new();
    for _ in 0..3 {
        let batches = by_hand.iter().map(|b| b.unwrap().0.to_vec());
        orders.push(batches.collect::<Vec<_>>());
    }
    assert_ne!(orders[0], orders[1]);

    // As the loop by hand sees them, validated on the same loader or not, and over again.
    let model = slide(0.0);
    let mut opt = Sgd::new(model.parameters(), 0.0);
    let (fed, seen) = (loader(), Mutex::new(Vec::new()));
    struct Seen<'a>(&'a Slide, &'a Mutex<Vec<Vec<f32>>>);
    impl Module for Seen<'_> {
        fn visit(&self, v: &mut Visitor<'_>) {
            self.0.visit(v);
        }
    }
    impl Layer for Seen<'_> {
        fn forward(&self, x: &Var) -> Result<Var> {
            self.1.lock().unwrap().push(x.to_vec());
            self.0.call(&Tensor::new([0i64]))
        }
    }
    let spy = Seen(&model, &seen);
    let mean = |y: &Var, _: &Tensor<i64>| Ok::<Var, Error>(y.mean_all());
    for (from, epochs) in [(0, 3), (0, 1), (1, 2)] {
        seen.lock().unwrap().clear();
        let run = fit(&spy, &mut opt, mean, &fed).initial_epoch(from);
        run.epochs(epochs).validate(&fed).silent().run().unwrap();
        let mut want = Vec::new();
        for order in &orders[from..epochs] {
            want.extend(order.clone());
            want.extend([vec![0., 1., 2.], vec![3., 4., 5.], vec![6.]]);
        }
        assert_eq!(*seen.lock().unwrap(), want);
        assert_eq!(fed.epoch(), epochs as u64);
    }

    // A loader that stands within an epoch goes on from there.
    let half = loader();
    half.iter().next().unwrap().unwrap();
    fed.load_state_dict(&half.state_dict()).unwrap();
    seen.lock().unwrap().clear();
    fit(&spy, &mut opt, mean, &fed).silent().run().unwrap();
    assert_eq!(*seen.lock().unwrap(), orders[0][1..]);
}

#[test]
fn a_training_that_goes_on_is_one_that_was_never_interrupted() {
    let data = batches::<f32>();
    let (whole, parts) = (net(1), net(1));
    let mut opt = Adam::new(whole.parameters(), 0.03);
    let all = fit(&whole, &mut opt, cross_entropy, &data).epochs(6);
    let all = all.silent().run().unwrap();
    let mut opt = Adam::new(parts.parameters(), 0.03);
    for (done, epochs) in [(0, 4), (4, 6)] {
        let part = fit(&parts, &mut opt, cross_entropy, &data);
        let part = part.initial_epoch(done).epochs(epochs).silent();
        let history = part.run().unwrap();
        let numbers: Vec<usize> = (done + 1..=epochs).collect();
        assert_eq!(history.epochs(), numbers);
        assert_eq!(
            history.get("loss").unwrap(),
            &all.get("loss").unwrap()[done..epochs]
        );
    }
    assert_eq!(whole.state_dict().unwrap(), parts.state_dict().unwrap());
}

#[test]
fn f64_trains_as_well() {
    let mut rng = Rng::seed(0);
    let model = Linear::<f64>::typed(2, 2, &mut rng);
    let mut opt = Sgd::new(model.parameters(), 0.5);
    let data = batches::<f64>();
    let history = fit(&model, &mut opt, |y, t| y.cross_entropy(t), &data)
        .epochs(40)
        .metric("accuracy", accuracy)
        .silent()
        .run()
        .unwrap();
    assert!(history.last("accuracy").unwrap() > 0.9);
}

#[test]
fn lines_are_keras_like() {
    let (model, data) = (slide(2.0), nothing());
    let mut opt = Sgd::new(model.parameters(), 0.5);
    let mut out = Vec::new();
    fit(&model, &mut opt, value, &data)
        .epochs(10)
        .metric("twice", |y, ()| y.item().map(|v| 2.0 * f64::from(v)))
        .validate(&data)
        .callback(Schedule::epochs(|_, lr| lr))
        .on_epoch_end(|at| {
            if at.epoch == 1 {
                at.stop();
            }
            Ok(())
        })
        .log_to(&mut out)
        .run()
        .unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "Epoch  1/10  loss: 2.0000 - twice: 4.0000 - val_loss: 1.5000 - val_twice: 3.0000 - learning_rate: 0.5000\n\
         Epoch  2/10  loss: 1.5000 - twice: 3.0000 - val_loss: 1.0000 - val_twice: 2.0000 - learning_rate: 0.5000\n"
    );
}

#[test]
fn a_nan_or_infinite_loss_ends_the_training_before_the_step() {
    for (bad, text) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let model = slide(2.0);
        let mut opt = Sgd::new(model.parameters(), 0.25);
        let data = [(Tensor::new([0i64]), 1.0), (Tensor::new([0i64]), 2.0)];
        let calls = Cell::new(0);
        let ended = Cell::new(false);
        struct End<'a>(&'a Cell<bool>);
        impl Callback for End<'_> {
            fn on_train_end(&mut self, _: &mut TrainContext<'_>) -> Result<()> {
                self.0.set(true);
                Ok(())
            }
        }
        // The second batch of the third epoch.
        let loss = |y: &Var, _: &f64| {
            calls.set(calls.get() + 1);
            let factor = if calls.get() == 6 { bad } else { 1.0 };
            Ok::<Var, Error>(y.affine(factor, 0.0).mean_all())
        };
        let run = fit(&model, &mut opt, loss, &data).epochs(8).silent();
        let error = run.callback(End(&ended)).run().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "fit: the loss is {text} in epoch 3/8, batch 2/2\n  \
                 rule  a loss is finite; the step was not taken\n  \
                 hint  a learning rate below 0.25, `clip_grad_norm`, or a loss that is exact far out \
                 (`cross_entropy` and `bce_with_logits` take logits); NaN in the data?"
            )
        );
        assert!(matches!(
            error.kind(),
            ErrorKind::NonFiniteLoss {
                epoch: (3, 8),
                batch: (2, 2),
                ..
            }
        ));
        assert_eq!(model.0.weight.value().to_vec(), [2.0 - 5.0 * 0.25]);
        assert!(ended.get());
    }
}

/// The validation loss falls to 0 after four steps of ½ from 2, and rises then (|w|).
fn down_and_up(watch: &mut EarlyStopping) -> (f32, History) {
    let model = slide(2.0);
    let mut opt = Sgd::new(model.parameters(), 0.5);
    let history = fit(&model, &mut opt, value, &nothing())
        .epochs(12)
        .metric("away", |y, ()| y.item().map(|v| f64::from(v.abs())))
        .validate(&nothing())
        .callback(watch)
        .silent()
        .run()
        .unwrap();
    (model.0.weight.value().item().unwrap(), history)
}

#[test]
fn early_stopping_waits_stops_and_restores() {
    let mut watch = EarlyStopping::lowest("val_away").patience(3).restore_best();
    let (weight, history) = down_and_up(&mut watch);
    // After the epochs: 1.5, 1, 0.5, 0, then 0.5, 1, 1.5: three without improvement.
    assert_eq!(
        history.get("val_away").unwrap(),
        [1.5, 1.0, 0.5, 0.0, 0.5, 1.0, 1.5]
    );
    assert_eq!((watch.best(), watch.best_epoch()), (Some(0.0), Some(3)));
    assert_eq!(watch.stopped_epoch(), Some(6));
    assert_eq!(weight, 0.0);

    let mut watch = EarlyStopping::lowest("val_away").patience(3);
    assert_eq!(down_and_up(&mut watch).0, -1.5);

    // What is not stopped is restored as well.
    let mut watch = EarlyStopping::lowest("val_away")
        .patience(99)
        .restore_best();
    let (weight, history) = down_and_up(&mut watch);
    assert_eq!((weight, history.len()), (0.0, 12));
    assert_eq!(watch.stopped_epoch(), None);

    // Steps of ½ are no improvement by more than ½.
    let mut watch = EarlyStopping::lowest("val_away").min_delta(0.5);
    assert_eq!(down_and_up(&mut watch).1.len(), 2);

    let mut watch = EarlyStopping::highest("val_away").patience(4);
    let (_, history) = down_and_up(&mut watch);
    assert_eq!((history.len(), watch.best()), (5, Some(1.5)));
}

#[test]
fn a_watched_name_must_be_logged() {
    let model = slide(1.0);
    let mut opt = Sgd::new(model.parameters(), 0.1);
    let data = nothing();
    let run = fit(&model, &mut opt, value, &data).silent();
    let error = run.callback(EarlyStopping::lowest("val_loss")).run();
    let error = error.unwrap_err().to_string();
    assert!(error.contains("name = val_loss, of loss"), "{error}");
}

#[test]
fn a_checkpoint_holds_the_best_state() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let model = slide(2.0);
    let mut opt = Adam::new(model.parameters(), 0.5);
    let mut best = Checkpoint::lowest("away", path("best"));
    let mut written = Vec::new();
    fit(&model, &mut opt, value, &nothing())
        .epochs(8)
        .metric("away", |y, ()| y.item().map(|v| f64::from(v.abs())))
        .callback(&mut best)
        .callback(Checkpoint::each(path("last")).optimizer(path("opt")))
        .on_epoch_end(|at| {
            let state = load_state(path("best"))?["slide.weight"].downcast::<f32>()?;
            written.push((at.logs.get("away").unwrap_or(f64::NAN), state.item()?));
            Ok(())
        })
        .silent()
        .run()
        .unwrap();
    let lowest = written.iter().map(|w| w.0).fold(f64::INFINITY, f64::min);
    assert_eq!(best.best(), Some(lowest));
    let at = written.iter().position(|w| w.0 == lowest).unwrap();
    assert!((1..7).contains(&at), "the best is on the way: {written:?}");
    // From there on the file stays.
    assert!(written[at..].iter().all(|w| w.1 == written[at].1));
    assert_ne!(written[at - 1].1, written[at].1);
    let fresh = slide(0.0);
    fresh.load(path("last")).unwrap();
    assert_eq!(fresh.state_dict().unwrap(), model.state_dict().unwrap());
    let mut resumed = Adam::new(fresh.parameters(), 9.0);
    resumed.load(path("opt")).unwrap();
    assert_eq!(resumed.state_dict().unwrap(), opt.state_dict().unwrap());
}

#[test]
fn schedules_set_the_rate_before_the_epoch_or_the_step() {
    let (model, other) = (slide(8.0), slide(0.0));
    let mut rest = Group::new(other.parameters(), 0.3);
    rest.set("weight_decay", 0.0).unwrap();
    let groups = vec![Group::new(model.parameters(), 3.0), rest];
    let mut opt = Sgd::with_groups(groups);
    let history = fit(&model, &mut opt, value, &nothing())
        .epochs(3)
        .callback(Schedule::epochs(|epoch, lr| {
            assert_eq!(lr, [3.0, 1.0, 0.5][epoch]);
            0.5f64.powi(epoch as i32)
        }))
        .silent()
        .run()
        .unwrap();
    assert_eq!(history.get("learning_rate").unwrap(), [1.0, 0.5, 0.25]);
    assert_eq!(history.get("loss").unwrap(), [8.0, 7.0, 6.5]);
    assert!((opt.groups()[1].lr() - 0.025).abs() < 1e-15);

    let model = slide(8.0);
    let mut opt = Sgd::new(model.parameters(), 0.0);
    let data = [nothing(), nothing()].concat();
    let mut losses = Vec::new();
    fit(&model, &mut opt, value, &data)
        .epochs(2)
        .callback(Schedule::steps(|step, _| step as f64))
        .on_batch_end(|at| {
            losses.push(at.loss);
            Ok(())
        })
        .silent()
        .run()
        .unwrap();
    assert_eq!(losses, [8.0, 8.0, 7.0, 5.0]);

    let run = fit(&model, &mut opt, value, &data).silent();
    let error = run.callback(Schedule::steps(|_, _| -1.0)).run();
    assert!(error.unwrap_err().to_string().contains("rate = -1"));
}

#[test]
fn a_callback_can_stop_within_an_epoch() {
    let model = slide(0.0);
    let mut opt = Sgd::new(model.parameters(), 1.0);
    let data = [nothing(), nothing(), nothing()].concat();
    let history = fit(&model, &mut opt, value, &data)
        .epochs(5)
        .validate(&data)
        .on_batch_end(|at| {
            assert_eq!((at.batches, at.epochs), (3, 5));
            if (at.epoch, at.batch) == (1, 1) {
                assert_eq!((at.step, at.history.len()), (5, 1));
                at.stop();
            }
            Ok(())
        })
        .silent()
        .run()
        .unwrap();
    assert_eq!(history.get("loss").unwrap(), [-1.0, -3.5]);
    assert_eq!(history.get("val_loss").unwrap(), [-3.0, -5.0]);
}

/// Notes whether it was called in training mode and recording; fails if told to.
#[derive(Default)]
struct Spy {
    mode: Training,
    frozen: Training,
    calls: Mutex<Vec<(bool, bool)>>,
    fails: bool,
}
impl Module for Spy {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.field("mode", &self.mode);
        v.field("frozen", &self.frozen);
    }
}
impl Layer for Spy {
    fn forward(&self, x: &Var) -> Result<Var> {
        let call = (self.mode.get(), is_recording());
        self.calls.lock().unwrap().push(call);
        assert_eq!(self.mode.get(), self.frozen.get());
        match self.fails {
            true => Err(Error::data("the spy fails")),
            false => Ok(x.clone()),
        }
    }
}

#[test]
fn evaluation_restores_each_mode_and_leaves_no_tape() {
    let data = [(Tensor::new([[1.0f32], [2.0]]), ())];
    for fails in [false, true] {
        let spy = Spy {
            fails,
            ..Spy::default()
        };
        spy.frozen.set(false);
        let scores = evaluate(&spy, value, &data).run();
        let outputs = predict(&spy, &data[0].0, 1);
        assert_eq!((scores.is_err(), outputs.is_err()), (fails, fails));
        assert!(
            spy.calls
                .lock()
                .unwrap()
                .iter()
                .all(|c| *c == (false, false))
        );
        assert_eq!((spy.mode.get(), spy.frozen.get()), (true, false));
        assert!(is_recording());
    }
    // And after a panic.
    let spy = Spy::default();
    let panics = || evaluating(&spy, || panic!("on purpose"));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics));
    assert!(caught.is_err() && spy.mode.get() && is_recording());

    // Outputs of a model with parameters are not tracked.
    let model = net(0);
    let y = evaluating(&model, || model.forward(&Var::ones([1, 2]))).unwrap();
    assert!(!y.is_tracked());
    assert!(model.forward(&Var::ones([1, 2])).unwrap().is_tracked());
}

#[test]
fn fit_trains_in_training_mode_and_restores_the_mode() {
    let model = net(2);
    model.eval();
    let data = batches::<f32>();
    let before = model.streams().unwrap();
    let mut opt = Sgd::new(model.parameters(), 0.1);
    let run = fit(&model, &mut opt, cross_entropy, &data).silent();
    run.validate(&data).run().unwrap();
    assert_ne!(model.streams().unwrap(), before, "dropout dropped");
    let x = Var::ones([4, 2]);
    let same = |a: Var, b: Var| a.to_vec() == b.to_vec();
    assert!(same(model.forward(&x).unwrap(), model.forward(&x).unwrap()));
}

#[test]
fn predictions_are_those_of_the_whole_in_any_batch_size() {
    let model = net(0);
    let x = Tensor::randn([7, 2], &mut Rng::seed(1));
    let whole = evaluating(&model, || model.forward(&Var::from(&x))).unwrap();
    for size in [1, 2, 3, 7, 100] {
        let y = predict(&model, &x, size).unwrap();
        assert_eq!(y.shape(), whole.shape());
        for (a, b) in y.iter().zip(whole.to_vec()) {
            assert!((a - b).abs() < 1e-6);
        }
    }
    let none = predict(&model, &Tensor::zeros([0, 2]), 4).unwrap();
    assert_eq!(none.shape(), &[0, 2][..]);
    let error = predict(&model, &x, 0).unwrap_err().to_string();
    assert!(error.contains("batch_size >= 1"), "{error}");
    let error = predict(&model, &Tensor::scalar(1.0), 1).unwrap_err();
    assert!(error.to_string().contains("unsqueeze(0)"), "{error}");
}

#[test]
fn averages_are_over_samples() {
    let model = Linear::from_weights(Tensor::new([[1.0f32]]), None);
    let data = [
        (Tensor::new([[1.0f32], [2.0], [3.0]]), Tensor::zeros([3, 1])),
        (Tensor::new([[10.0f32]]), Tensor::zeros([1, 1])),
    ];
    let scores = evaluate(&model, |y, t| y.mse_loss(&t.into()), &data)
        .metric("mean", |y, _| y.mean_all().item().map(f64::from))
        .run()
        .unwrap();
    assert!((scores.get("loss").unwrap() - (1.0 + 4.0 + 9.0 + 100.0) / 4.0).abs() < 1e-5);
    assert_eq!(scores.get("mean"), Some(4.0));
}

#[test]
fn data_without_samples_are_refused() {
    let model = net(0);
    let mut opt = Sgd::new(model.parameters(), 0.1);
    let none: Vec<Batch> = Vec::new();
    let no_rows = vec![(Tensor::<f32>::zeros([0, 2]), Tensor::<i64>::zeros([0]))];
    let some = batches::<f32>();
    for data in [&none, &no_rows] {
        let run = fit(&model, &mut opt, cross_entropy, data).silent().run();
        let error = run.unwrap_err().to_string();
        assert!(error.starts_with("fit: the data has no samples"), "{error}");
        let run = evaluate(&model, cross_entropy, data).run();
        let error = run.unwrap_err().to_string();
        assert!(error.starts_with("evaluate: the data has no samples"));
        let run = fit(&model, &mut opt, cross_entropy, &some).silent();
        let error = run.validate(data).run().unwrap_err().to_string();
        assert!(error.starts_with("fit, validation: the data has"));
    }
    // No epochs is no training, and no error.
    let run = fit(&model, &mut opt, cross_entropy, &none).epochs(0);
    assert!(run.silent().run().unwrap().is_empty());
}

#[test]
fn data_that_cannot_be_read_end_the_training() {
    struct Broken;
    impl Batches for Broken {
        type Batch = Batch;
        fn count(&self) -> usize {
            2
        }
        fn epoch(&self, epoch: usize) -> Box<dyn Iterator<Item = Result<Batch>> + '_> {
            let rest = Err(Error::data(format!("row 7 of epoch {epoch} is torn")));
            Box::new(batches().into_iter().take(1).map(Ok).chain([rest]))
        }
    }
    let model = net(0);
    let mut opt = Sgd::new(model.parameters(), 0.1);
    let run = fit(&model, &mut opt, cross_entropy, &Broken).silent();
    let error = run.run().unwrap_err().to_string();
    assert_eq!(error, "row 7 of epoch 0 is torn");
}
