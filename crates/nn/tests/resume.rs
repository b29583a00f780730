//! A training that is cut, at the end of any batch or epoch, and resumed ends with the same bits as one that is not.

use std::path::{Path, PathBuf};

use wengert_autograd::{Param, Var};
use wengert_nn::data::DataLoader;
use wengert_nn::*;
use wengert_tensor::{Error, Result, Rng, Tensor};

/// Dropout, a counter as a buffer, and a second layer with a learning rate of its own.
#[derive(Module)]
struct Net {
    hidden: Linear,
    dropout: Dropout,
    calls: Buffer<i32>,
    output: Linear,
}

impl Net {
    fn new() -> Net {
        let mut rng = Rng::seed(3);
        Net {
            hidden: Linear::new(2, 6, &mut rng),
            dropout: Dropout::new(0.3, &mut rng).unwrap(),
            calls: Buffer::new(Tensor::scalar(0)),
            output: Linear::new(6, 1, &mut rng),
        }
    }
}

impl Layer for Net {
    fn forward(&self, x: &Var) -> Result<Var> {
        self.calls
            .set(Tensor::scalar(self.calls.value().item()? + 1));
        let h = self.hidden.forward(x)?.tanh();
        self.output.forward(&self.dropout.forward(&h)?)
    }
}

/// Where the training is cut.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Never,
    AfterStep(usize),
    AfterEpoch(usize),
}

const OPTIMIZERS: [&str; 4] = ["sgd", "adam", "adamw", "rmsprop"];

fn optimizer(kind: &str, net: &Net) -> Box<dyn Optimizer> {
    let groups = vec![Group::new(&net.hidden, 0.05), Group::new(&net.output, 0.01)];
    match kind {
        "sgd" => Box::new(Sgd::with_groups(groups).momentum(0.9)),
        "adam" => Box::new(Adam::with_groups(groups)),
        "adamw" => Box::new(AdamW::with_groups(groups)),
        _ => Box::new(RmsProp::with_groups(groups).momentum(0.5).centered()),
    }
}

/// What a training ends with, to the bit.
#[derive(Debug, PartialEq)]
struct End {
    model: StateDict,
    streams: StateDict,
    history: History,
    best: Option<f64>,
    stopped: Option<usize>,
    kept: StateDict,
}

fn train(kind: &str, cut: Cut, file: &Path, resume: bool) -> Result<End> {
    let net = Net::new();
    let mut opt = optimizer(kind, &net);
    let x = Tensor::rand([22, 2], &mut Rng::seed(5));
    let y = (&x * &x).sum_keepdim(1)?;
    let loader = DataLoader::new(TensorDataset::new((x.clone(), y.clone()))?, 5)?.shuffle(9);
    let held_out = [(x, y)];
    let best_file = file.with_extension("best");
    let mut best = Checkpoint::lowest("val_loss", &best_file);
    let mut stop = EarlyStopping::lowest("mae")
        .patience(2)
        .min_delta(0.3)
        .restore_best();
    let history = fit(
        &net,
        &mut opt,
        |y, t: &Tensor| y.mse_loss(&t.into()),
        &loader,
    )
    .epochs(6)
    .metric("mae", |y, t: &Tensor| {
        Ok(f64::from(y.l1_loss(&t.into())?.item()?))
    })
    .validate(&held_out)
    .clip_grad_norm(0.8)
    .callback(Schedule::steps(|step, _| {
        0.05 * (step as f64 / 8.0).min(1.0)
    }))
    .callback(&mut best)
    .callback(&mut stop)
    .on_batch_end(|at| match cut {
        Cut::AfterStep(n) if at.step == n => Err(Error::other("cut")),
        _ => Ok(()),
    })
    .on_epoch_end(|at| match cut {
        Cut::AfterEpoch(n) if at.epoch == n => Err(Error::other("cut")),
        _ => Ok(()),
    })
    .silent()
    .checkpoint_every(1, file);
    let history = match resume {
        true => history.resume(file).run()?,
        false => history.run()?,
    };
    Ok(End {
        model: net.state_dict()?,
        streams: net.streams()?,
        history,
        best: best.best(),
        stopped: stop.stopped_epoch(),
        kept: load_state(&best_file)?,
    })
}

fn file(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("wengert_resume_{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir.join(name)
}

#[test]
fn a_training_that_is_cut_anywhere_goes_on_as_if_it_had_not_been() {
    for kind in OPTIMIZERS {
        let path = file(&format!("{kind}.safetensors"));
        let whole = train(kind, Cut::Never, &path, false).unwrap();
        let steps = 5 * whole.history.len();
        assert!(
            whole.stopped.is_some(),
            "{kind}: early stopping is part of it"
        );
        let cuts = (2..=steps).map(Cut::AfterStep);
        for cut in cuts.chain((1..whole.history.len()).map(Cut::AfterEpoch)) {
            assert!(train(kind, cut, &path, false).is_err(), "{kind} {cut:?}");
            let resumed = train(kind, Cut::Never, &path, true).unwrap();
            assert_eq!(resumed, whole, "{kind} {cut:?}");
        }
        // And from the file of its end nothing more is done.
        assert_eq!(
            train(kind, Cut::Never, &path, true).unwrap().history,
            whole.history
        );
    }
}

#[test]
fn what_cannot_be_resumed_is_refused() {
    let path = file("refused.safetensors");
    train("adam", Cut::AfterStep(7), &path, false).unwrap_err();
    // Another optimizer.
    let e = train("sgd", Cut::Never, &path, true)
        .unwrap_err()
        .to_string();
    assert!(e.contains("hidden") || e.contains("param_groups"), "{e}");
    // No file.
    let e = train("adam", Cut::Never, &file("none"), true)
        .unwrap_err()
        .to_string();
    assert!(e.contains("none"), "{e}");
    // Other data, other callbacks, other metrics, a model's file.
    let net = Net::new();
    let mut opt = optimizer("adam", &net);
    let data = [(Tensor::ones([5, 2]), Tensor::ones([5, 1]))];
    let loss = |y: &Var, t: &Tensor| y.mse_loss(&t.into());
    let e = fit(&net, &mut opt, loss, &data)
        .silent()
        .resume(&path)
        .run();
    let e = e.unwrap_err().to_string();
    assert!(e.contains("batch_size"), "{e}");
    net.save(&path).unwrap();
    let e = fit(&net, &mut opt, loss, &data)
        .silent()
        .resume(&path)
        .run();
    let e = e.unwrap_err().to_string();
    assert!(e.contains("batches"), "{e}");
    let before = net.state_dict().unwrap();
    fit(&net, &mut opt, loss, &data)
        .silent()
        .checkpoint(&path)
        .run()
        .unwrap();
    assert_ne!(net.state_dict().unwrap(), before);
    let e = fit(&net, &mut opt, loss, &data)
        .silent()
        .callback(EarlyStopping::lowest("loss"))
        .resume(&path)
        .run();
    let e = e.unwrap_err().to_string();
    assert!(e.contains("EarlyStopping(loss)"), "{e}");
}

#[test]
fn a_checkpoint_goes_on_with_the_best_number_of_the_training_before() {
    let model = Linear::<f64>::typed(1, 1, &mut Rng::seed(0));
    let mut opt = Sgd::new(&model, 0.0);
    let data = [(Tensor::<f64>::ones([1, 1]), Var::<f64>::ones([1, 1]))];
    let path = file("best.safetensors");
    let mut run = |best: &mut Checkpoint, epoch: usize, score: f64, weight: f64| {
        model.weight.set_value(Tensor::new([[weight]])).unwrap();
        fit(&model, &mut opt, |y, t: &Var<f64>| y.mse_loss(t), &data)
            .initial_epoch(epoch)
            .epochs(epoch + 1)
            .silent()
            .on_epoch_end(move |at| {
                at.logs.set("score", score);
                Ok(())
            })
            .callback(best)
            .run()
            .unwrap();
        load_state(&path).unwrap()["weight"]
            .downcast::<f64>()
            .unwrap()
            .to_vec()
    };
    let mut best = Checkpoint::lowest("score", &path);
    assert_eq!(run(&mut best, 0, 0.1, 1.0), [1.0]);
    assert_eq!(run(&mut best, 1, 5.0, 99.0), [1.0]);
    // In a new process the number is given.
    let mut told = Checkpoint::lowest("score", &path).best_so_far(0.1);
    assert_eq!(run(&mut told, 2, 0.2, 98.0), [1.0]);
    assert_eq!(run(&mut told, 3, 0.05, 2.0), [2.0]);
    // A training that begins anew knows nothing of one before.
    assert_eq!(run(&mut best, 0, 7.0, 3.0), [3.0]);
}

#[test]
fn schedules_count_on_and_groups_keep_their_ratio_through_zero() {
    let train = |parts: &[(usize, usize)]| {
        let model = Linear::<f64>::typed(1, 1, &mut Rng::seed(0));
        let mut opt = Sgd::with_groups(vec![
            Group::new([&model.weight], 0.1),
            Group::new([model.bias.as_ref().unwrap()], 0.01),
        ]);
        let data = [
            (Tensor::<f64>::ones([1, 1]), Var::<f64>::zeros([1, 1])),
            (Tensor::full([1, 1], 2.0), Var::<f64>::ones([1, 1])),
        ];
        for &(from, to) in parts {
            fit(&model, &mut opt, |y, t: &Var<f64>| y.mse_loss(t), &data)
                .initial_epoch(from)
                .epochs(to)
                .silent()
                .callback(Schedule::steps(|step, _| {
                    0.1 * (step as f64).min(8.0) / 8.0
                }))
                .run()
                .unwrap();
        }
        let rates: Vec<f64> = opt.groups().iter().map(Group::lr).collect();
        (model.weight.value().item().unwrap(), rates)
    };
    let (whole, rates) = train(&[(0, 6)]);
    assert_eq!(rates, [0.1, 0.01]);
    assert_eq!(train(&[(0, 2), (2, 6)]).0, whole);
    // A first group that is frozen by a rate of 0 stays, and the others follow.
    let (w, b) = (
        Param::new(Tensor::<f64>::ones([1])),
        Param::new(Tensor::<f64>::ones([1])),
    );
    let mut opt = Sgd::with_groups(vec![Group::new([&w], 0.0), Group::new([&b], 0.5)]);
    opt.set_lr(0.25).unwrap();
    assert_eq!((opt.groups()[0].lr(), opt.groups()[1].lr()), (0.0, 0.25));
}
