//! States: strict loading, resuming, files that PyTorch wrote and reads.

use std::path::PathBuf;

use wengert_autograd::{Param, Var};
use wengert_nn::*;
use wengert_tensor::{AnyTensor, Rng, Safetensors, Tensor};

fn testdata(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata")
        .join(name)
}

fn mlp(seed: u64) -> Sequential {
    let mut rng = Rng::seed(seed);
    Sequential::new()
        .push(Linear::new(3, 5, &mut rng))
        .push(Tanh)
        .push(Linear::new(5, 2, &mut rng))
}

#[test]
fn a_state_that_pytorch_wrote_loads_unchanged() {
    let net = mlp(0);
    net.load(testdata("pytorch_state.safetensors")).unwrap();
    let answers = Safetensors::load(testdata("pytorch_answers.safetensors")).unwrap();
    let get = |name: &str| answers.tensors[name].downcast::<f32>().unwrap();
    let y = net.forward(&Var::from(get("x"))).unwrap();
    for (ours, torch) in y.to_vec().iter().zip(get("y").to_vec()) {
        assert!((ours - torch).abs() < 1e-6, "{ours} {torch}");
    }
}

#[test]
fn every_difference_is_reported_and_nothing_changed() {
    let net = mlp(0);
    let before = net.state_dict().unwrap();
    let mut state = mlp(1).state_dict().unwrap();
    state.remove("0.bias");
    state.insert("3.weight".into(), Tensor::<f32>::zeros([1]).into());
    state.insert("0.weight".into(), Tensor::<f32>::zeros([5, 4]).into());
    state.insert("2.bias".into(), Tensor::<f64>::zeros([2]).into());
    let error = net.load_state_dict(&state).unwrap_err();
    assert_eq!(
        error.to_string(),
        "load_state_dict: the state does not fit; nothing was changed\n  \
         missing     0.bias\n  \
         unexpected  3.weight\n  \
         mismatched  0.weight: f32 [5, 3] here, f32 [5, 4] in the state\n  \
         mismatched  2.bias: f32 [2] here, f64 [2] in the state"
    );
    assert_eq!(net.state_dict().unwrap(), before);
}

#[test]
fn a_shared_parameter_and_a_buffer_are_saved_under_each_name() {
    struct Tied {
        a: Param,
        again: Param,
        count: Buffer<i64>,
    }
    impl Module for Tied {
        fn visit(&self, v: &mut Visitor<'_>) {
            v.field("a", &self.a);
            v.field("again", &self.again);
            v.field("count", &self.count);
        }
    }
    let tied = |x: f32, n: i64| {
        let a = Param::new(Tensor::new([x]));
        let again = a.share();
        let count = Buffer::new(Tensor::scalar(n));
        Tied { a, again, count }
    };
    let (one, two) = (tied(1.0, 7), tied(2.0, 8));
    assert_eq!(one.parameters().len(), 1);
    let state = one.state_dict().unwrap();
    let names: Vec<&String> = state.keys().collect();
    assert_eq!(names, ["a", "again", "count"]);
    two.load_state_dict(&state).unwrap();
    assert_eq!(two.again.value().to_vec(), [1.0]);
    assert_eq!(two.count.value().to_vec(), [7]);
}

#[test]
fn a_state_is_a_copy_that_training_does_not_change() {
    let w = Param::new(Tensor::<f32>::new([1.0]));
    let before = w.state_dict().unwrap();
    w.set_grad(Some(Tensor::new([1.0]))).unwrap();
    Sgd::new(w.parameters(), 0.5).step();
    assert_eq!(before[""].downcast::<f32>().unwrap().to_vec(), [1.0]);
    assert_eq!(w.value().to_vec(), [0.5]);
    // And training does not change what was loaded.
    w.load_state_dict(&before).unwrap();
    Sgd::new(w.parameters(), 0.5).step();
    assert_eq!(before[""].downcast::<f32>().unwrap().to_vec(), [1.0]);
}

fn train<O: Optimizer>(net: &Sequential, opt: &mut O, steps: std::ops::Range<u64>) {
    for step in steps {
        let x = Var::from(Tensor::<f32>::randn([8, 3], &mut Rng::seed(step)));
        let loss = net.forward(&x).unwrap().square().mean_all();
        opt.zero_grad();
        loss.backward().unwrap();
        opt.step();
    }
}

/// Twenty steps without a break against ten, a save, a load into fresh objects, and ten.
fn resumes<O: Optimizer>(name: &str, make: impl Fn(&Sequential) -> O) {
    let whole = mlp(0);
    train(&whole, &mut make(&whole), 0..20);

    let dir = tempfile::tempdir().unwrap();
    let (weights, moments) = (dir.path().join("net"), dir.path().join("opt"));
    let first = mlp(0);
    let mut opt = make(&first);
    train(&first, &mut opt, 0..10);
    opt.set_lr(0.015).unwrap();
    opt.set_lr(0.01).unwrap();
    first.save(&weights).unwrap();
    opt.save(&moments).unwrap();

    let second = mlp(5);
    let mut opt = make(&second);
    opt.set_lr(99.0).unwrap();
    second.load(&weights).unwrap();
    opt.load(&moments).unwrap();
    assert_eq!(opt.lr(), 0.01);
    train(&second, &mut opt, 10..20);
    assert_eq!(
        whole.state_dict().unwrap(),
        second.state_dict().unwrap(),
        "{name}"
    );
}

#[test]
fn resumed_training_gives_the_bits_of_uninterrupted_training() {
    resumes("sgd", |m| Sgd::new(m.parameters(), 0.01));
    resumes("momentum", |m| {
        let sgd = Sgd::new(m.parameters(), 0.01).momentum(0.9).nesterov();
        sgd.weight_decay(1e-3)
    });
    resumes("adam", |m| Adam::new(m.parameters(), 0.01));
    resumes("adamw", |m| AdamW::new(m.parameters(), 0.01));
    resumes("keras", |m| Adam::keras(m.parameters(), 0.01));
}

#[test]
fn an_optimizers_state_is_loaded_strictly() {
    let (net, other) = (mlp(0), Linear::new(2, 2, &mut Rng::seed(0)));
    let mut opt = Adam::new(net.parameters(), 0.01);
    train(&net, &mut opt, 0..2);
    let before = opt.state_dict().unwrap();
    let mut of_other = Adam::new(other.parameters(), 0.5);
    other
        .forward(&Var::ones([1, 2]))
        .unwrap()
        .sum_all()
        .backward()
        .unwrap();
    of_other.step();
    let wrong = of_other.state_dict().unwrap();
    let report = opt.load_state_dict(&wrong).unwrap_err().to_string();
    assert!(report.contains("unexpected  bias.step"), "{report}");
    assert_eq!(opt.state_dict().unwrap(), before);
    // Half of what is kept for a parameter is no state of it.
    let mut half = before.clone();
    half.remove("0.weight.exp_avg");
    let report = opt.load_state_dict(&half).unwrap_err().to_string();
    assert!(report.contains("missing     0.weight.exp_avg"), "{report}");
    assert_eq!(opt.state_dict().unwrap(), before);
    let mut negative = before.clone();
    negative.insert("0.bias.step".into(), Tensor::scalar(-1i64).into());
    let error = opt.load_state_dict(&negative).unwrap_err().to_string();
    assert!(error.contains("0.bias.step = -1"), "{error}");
    assert_eq!(opt.state_dict().unwrap(), before);
}

#[test]
fn groups_keep_their_own_settings_and_a_model_tells_their_names_apart() {
    let (a, b) = (mlp(0), mlp(1));
    let groups = || {
        vec![
            Group::new(a.parameters(), 0.1),
            Group::new(b.parameters(), 0.2).weight_decay(0.3),
        ]
    };
    let mut opt = Adam::with_groups(groups());
    for net in [&a, &b] {
        train(net, &mut opt, 0..1);
    }
    // Both networks call a parameter 0.weight: a model of both tells them apart.
    assert!(opt.state_dict().is_err());
    opt.name_by(&(&a, &b));
    let state = opt.state_dict().unwrap();
    assert_eq!(state["0.0.weight.exp_avg"].shape(), &[5, 3][..]);
    assert_eq!(state["1.0.weight.exp_avg"].shape(), &[5, 3][..]);
    let value = |n: &str| state[n].downcast::<f64>().unwrap().item().unwrap();
    assert_eq!(value("param_groups.1.lr"), 0.2);
    assert_eq!(value("param_groups.1.weight_decay"), 0.3);
    let mut fresh = Adam::with_groups(groups());
    fresh.name_by(&(&a, &b));
    fresh.set_lr(5.0).unwrap();
    fresh.load_state_dict(&state).unwrap();
    let rates: Vec<f64> = fresh.groups().iter().map(|g| g.lr()).collect();
    assert_eq!(rates, [0.1, 0.2]);
}

#[test]
fn files_are_safetensors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.safetensors");
    let state = StateDict::from([("w".to_string(), AnyTensor::from(Tensor::new([1.5f32])))]);
    save_state(&state, &path).unwrap();
    assert_eq!(load_state(&path).unwrap(), state);
    let file = Safetensors::load(&path).unwrap();
    assert_eq!(file.metadata["format"], "pt");
    let missing = load_state(dir.path().join("none")).unwrap_err().to_string();
    assert!(missing.contains("none"), "{missing}");
}

#[test]
fn a_group_keeps_its_settings_in_another_optimizer() {
    let net = mlp(0);
    let mut opt = Adam::new(net.parameters(), 0.1).betas(0.8, 0.9);
    opt.set_lr(0.3).unwrap();
    let again = AdamW::with_groups(opt.groups().to_vec());
    let group = &again.groups()[0];
    assert_eq!(
        (group.lr(), group.get("beta1"), group.get("beta2")),
        (0.3, Some(0.8), Some(0.9))
    );
    // What the other has not is an error, not forgotten.
    assert!(Sgd::try_with_groups(opt.groups().to_vec()).is_err());
}

#[test]
fn buffers_of_every_type_are_saved_and_loaded() {
    #[derive(Module)]
    struct All {
        f32: Buffer<f32>,
        f64: Buffer<f64>,
        i64: Buffer<i64>,
        i32: Buffer<i32>,
        u8: Buffer<u8>,
        bool: Buffer<bool>,
    }
    let all = |n: u8| All {
        f32: Buffer::new(Tensor::new([f32::from(n)])),
        f64: Buffer::new(Tensor::new([f64::from(n)])),
        i64: Buffer::new(Tensor::new([i64::from(n)])),
        i32: Buffer::new(Tensor::new([i32::from(n)])),
        u8: Buffer::new(Tensor::new([n])),
        bool: Buffer::new(Tensor::new([n > 0])),
    };
    let (saved, other) = (all(1), all(0));
    assert_eq!(saved.named_buffers().len(), 6);
    let path = std::env::temp_dir().join(format!("wengert_buffers_{}", std::process::id()));
    saved.save(&path).unwrap();
    other.load(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(other.state_dict().unwrap(), saved.state_dict().unwrap());
    assert_eq!(other.bool.value().to_vec(), [true]);
    let (_, mask) = other.named_buffers().pop().unwrap();
    assert!(
        mask.set(&Tensor::new([1i64]).into()).is_err(),
        "another type"
    );
}

#[test]
fn two_leaves_under_one_name_are_an_error() {
    struct Two(Param<f64>, Buffer<f64>, Dropout, Dropout);
    impl Module for Two {
        fn visit(&self, v: &mut Visitor<'_>) {
            v.field("w", &self.0);
            v.field("w", &self.1);
            v.field("d", &self.2);
            v.field("d", &self.3);
        }
    }
    let mut rng = Rng::seed(0);
    let mut dropout = || Dropout::new(0.5, &mut rng).unwrap();
    let (w, b) = (
        Param::new(Tensor::new([1.0])),
        Buffer::new(Tensor::new([2.0])),
    );
    let two = Two(w, b, dropout(), dropout());
    for e in [
        two.state_dict().unwrap_err(),
        two.save("never written").unwrap_err(),
        two.load_state_dict(&StateDict::new()).unwrap_err(),
    ] {
        assert!(e.to_string().contains("w, twice"), "{e}");
    }
    let e = two.streams().unwrap_err();
    assert!(e.to_string().contains("d.stream, twice"), "{e}");
    // One parameter under two names, or twice under one, is one parameter.
    let w = Param::new(Tensor::<f64>::new([1.0]));
    assert_eq!((&w, &w).state_dict().unwrap().len(), 2);
}

#[test]
fn an_optimizers_state_has_the_names_of_the_model_that_it_was_made_from() {
    let train = |look: bool| {
        let encoder = Linear::new(2, 2, &mut Rng::seed(0));
        if look {
            let _ = (encoder.num_parameters(), encoder.parameters());
        }
        let model = Sequential::new().push(encoder).push(Relu);
        let mut opt = Adam::new(&model, 0.1);
        let y = model.forward(&Var::ones([1, 2])).unwrap().sum_all();
        y.backward().unwrap();
        opt.step();
        (model, opt)
    };
    let (_, looked) = train(true);
    let (model, mut opt) = train(false);
    opt.load_state_dict(&looked.state_dict().unwrap()).unwrap();
    assert!(opt.state_dict().unwrap().contains_key("0.weight.exp_avg"));
    // A part that is looked at afterwards changes nothing, and what is shown is the longest path.
    let _ = model.named_parameters();
    assert!(opt.state_dict().unwrap().contains_key("0.weight.exp_avg"));
}

#[test]
fn parameters_without_names_and_with_numbers_for_names_keep_their_own_moments() {
    #[derive(Module)]
    struct Pair(Param<f64>, Param<f64>);
    let run = |resume: bool| {
        let sigma = Param::new(Tensor::new([1.0, 1.0]));
        let pair = Pair(
            Param::new(Tensor::new([1.0])),
            Param::new(Tensor::new([3.0])),
        );
        let mut params: Vec<AnyParam> = vec![(&sigma).into()];
        params.extend(pair.parameters());
        let mut opt = Adam::new(params, 0.1);
        for i in 0..3 {
            if resume && i == 1 {
                let state = opt.state_dict().unwrap();
                opt.load_state_dict(&state).unwrap();
            }
            let loss = sigma.var().sum_all() + pair.0.var().sum_all() + pair.1.var().sum_all();
            opt.zero_grad();
            loss.backward().unwrap();
            opt.step();
        }
        let state = opt.state_dict().unwrap();
        let moments = state.keys().filter(|k| k.ends_with(".exp_avg")).count();
        (moments, sigma.value().to_vec())
    };
    assert_eq!(run(true), run(false));
    assert_eq!(run(false).0, 3);
    // A name given to a parameter that is part of no model is its name; one name for two is an error of the state.
    let (a, b) = (
        Param::new(Tensor::new([1.0])),
        Param::new(Tensor::new([1.0])),
    );
    a.set_name("sigma");
    let step = |opt: &mut Adam| {
        for p in [&a, &b] {
            p.set_grad(Some(Tensor::new([1.0]))).unwrap();
        }
        opt.step();
    };
    let mut opt = Adam::new([&a, &b], 0.1);
    step(&mut opt);
    let state = opt.state_dict().unwrap();
    assert!(state.contains_key("sigma.exp_avg") && state.contains_key("unnamed.1.exp_avg"));
    b.set_name("sigma");
    let e = opt.state_dict().unwrap_err().to_string();
    assert!(e.contains("sigma, twice") && e.contains("hint"), "{e}");
}

#[test]
fn a_parameter_that_is_given_twice_is_refused_and_clipped_once() {
    let p = Param::<f64>::new(Tensor::new([1.0]));
    let twice = Sgd::try_with_groups(vec![Group::new([&p], 0.1), Group::new([&p], 0.1)]);
    assert!(
        twice
            .unwrap_err()
            .to_string()
            .contains("in one group, once")
    );
    assert!(Sgd::try_with_groups(vec![Group::new([&p, &p.share()], 0.1)]).is_err());
    p.set_grad(Some(Tensor::new([4.0]))).unwrap();
    assert_eq!(clip_grad_norm([&p, &p], 1.0).unwrap(), 4.0);
    assert!((p.grad().unwrap().item().unwrap() - 1.0f64).abs() < 1e-6);
}

#[test]
fn a_clone_is_a_model_of_its_own() {
    #[derive(Module, Clone)]
    struct Net {
        layers: Vec<Linear>,
        dropout: Dropout,
        count: Buffer<i64>,
        tied: Param,
    }
    let mut rng = Rng::seed(1);
    let layers: Vec<Linear> = (0..2).map(|_| Linear::new(2, 2, &mut rng)).collect();
    let net = Net {
        tied: layers[0].weight.share(),
        layers,
        dropout: Dropout::new(0.5, &mut rng).unwrap(),
        count: Buffer::new(Tensor::scalar(1)),
    };
    net.layers[1].set_trainable(false);
    net.eval();
    let (copy, deep) = (net.clone(), net.deep_clone());
    let before = net.state_dict().unwrap();
    net.layers[0]
        .weight
        .set_value(Tensor::zeros([2, 2]))
        .unwrap();
    net.count.set(Tensor::scalar(2));
    net.train();
    for other in [&copy, &deep] {
        assert_eq!(other.state_dict().unwrap(), before);
        assert!(!other.layers[1].weight.is_trainable() && other.layers[0].weight.is_trainable());
        let x = Var::<f32>::ones([64]);
        assert_eq!(other.dropout.forward(&x).unwrap().to_vec(), x.to_vec());
    }
    // What is shared within a model, its clone made by `deep_clone` shares too.
    assert!(!copy.tied.same(&copy.layers[0].weight));
    assert!(deep.tied.same(&deep.layers[0].weight));
    assert_eq!(deep.parameters().len(), net.parameters().len());
    // An optimizer of one does not train the other, and `fit` says so.
    let mut opt = Sgd::new(&copy, 0.1);
    let data = [(Tensor::<f32>::ones([1, 2]), Tensor::<f32>::ones([1, 2]))];
    let model = net
        .layers
        .into_iter()
        .fold(Sequential::new(), Sequential::push);
    let e = fit(&model, &mut opt, |y, t| y.mse_loss(&t.into()), &data).run();
    assert!(e.unwrap_err().to_string().contains("none of the model's"));
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let p = Param::new(Tensor::<f64>::new([1.0]));
    let group = |name: &str, value: f64| Group::new([&p], 0.1).with(name, value);
    for (name, value) in [
        ("lr", -0.1),
        ("lr", f64::NAN),
        ("lr", f64::INFINITY),
        ("beta1", 1.0),
        ("beta2", 1.0),
        ("beta1", -0.1),
        ("beta2", f64::NAN),
        ("eps", -1e-8),
        ("weight_decay", -1.0),
        ("momentum", 0.9),
    ] {
        assert!(
            Adam::try_with_groups(vec![group(name, value)]).is_err(),
            "{name} {value}"
        );
    }
    // Nesterov's step needs a momentum and no dampening.
    for bad in [
        group("nesterov", 1.0),
        group("nesterov", 1.0)
            .with("momentum", 0.9)
            .with("dampening", 0.1),
        group("nesterov", 0.5).with("momentum", 0.9),
        group("momentum", f64::NAN),
    ] {
        assert!(Sgd::try_with_groups(vec![bad]).is_err());
    }
    let mut sgd = Sgd::new([&p], 0.1).momentum(0.9).nesterov();
    assert!(sgd.groups_mut()[0].set("momentum", 0.0).is_err());
    assert_eq!(sgd.groups()[0].get("momentum"), Some(0.9));
    assert!(sgd.set_lr(f64::NAN).is_err() && sgd.set_lr(-1.0).is_err());
    for limit in [-1.0, f64::NAN] {
        assert!(clip_grad_norm([&p], limit).is_err());
    }
    for norm in [0.0, -2.0, f64::NAN] {
        assert!(clip_grad_norm_p([&p], 1.0, norm).is_err());
    }
}

#[test]
fn a_load_renames_casts_and_takes_parts_and_reports() {
    let rng = &mut Rng::seed(0);
    let model = || {
        Sequential::new()
            .push(Linear::new(2, 3, &mut Rng::seed(1)))
            .push(Linear::new(3, 1, &mut Rng::seed(2)))
    };
    let other = Sequential::<f64>::typed()
        .push(Linear::<f64>::typed(2, 3, rng))
        .push(Linear::<f64>::typed(3, 1, rng));
    let state = other.state_dict().unwrap();
    let net = model();
    // Another type is refused by name, and cast if asked for.
    let e = Load::new().state(&net, &state).unwrap_err().to_string();
    assert!(
        e.contains("mismatched  0.weight: f32 [3, 2] here, f64 [3, 2]"),
        "{e}"
    );
    let report = Load::new().cast().state(&net, &state).unwrap();
    assert_eq!(report.loaded.len(), 4);
    assert!(report.missing.is_empty() && report.unexpected.is_empty());
    let cast = state["0.weight"].cast(net.parameters()[0].dtype());
    assert_eq!(net.state_dict().unwrap()["0.weight"], cast);
    // Names of another library; a head that is missing, and one that is not wanted.
    let mut foreign: StateDict = state
        .into_iter()
        .filter(|(name, _)| name != "1.bias")
        .map(|(name, value)| (format!("module.{name}"), value))
        .collect();
    foreign.insert("module.head".into(), Tensor::<f32>::zeros([7]).into());
    let rename = |name: &str| name.trim_start_matches("module.").to_string();
    let e = Load::new()
        .cast()
        .rename(rename)
        .state(&net, &foreign)
        .unwrap_err()
        .to_string();
    assert!(
        e.contains("missing     1.bias") && e.contains("unexpected  head"),
        "{e}"
    );
    let before = net.state_dict().unwrap();
    let loose = Load::new().cast().rename(rename).strict(false);
    let report = loose.state(&net, &foreign).unwrap();
    assert_eq!(report.missing, ["1.bias"]);
    assert_eq!(report.unexpected, ["head"]);
    assert_eq!(report.loaded, ["0.bias", "0.weight", "1.weight"]);
    // A name that is nearly right is named.
    let mut typo = net.state_dict().unwrap();
    let weight = typo.remove("0.weight").unwrap();
    typo.insert("0.wieght".into(), weight);
    let e = net.load_state_dict(&typo).unwrap_err().to_string();
    assert!(
        e.contains("unexpected  0.wieght    did you mean 0.weight?"),
        "{e}"
    );
    let mut opt = Adam::new(&net, 0.1);
    let e = opt.groups_mut()[0]
        .set("beta_1", 0.5)
        .unwrap_err()
        .to_string();
    assert!(e.contains("did you mean beta1?"), "{e}");
    // What has another shape is an error however it is loaded, and changes nothing.
    foreign.insert(
        "module.1.weight".into(),
        Tensor::<f32>::zeros([2, 3]).into(),
    );
    assert!(loose.state(&net, &foreign).is_err());
    assert_eq!(net.state_dict().unwrap()["0.weight"], before["0.weight"]);
}

#[test]
fn models_and_optimizers_may_be_chosen_at_run_time() {
    let rng = &mut Rng::seed(0);
    let x = Tensor::<f32>::ones([4, 2]);
    let data = [(x.clone(), Tensor::<f32>::ones([4, 1]))];
    let loss = |y: &Var, t: &Tensor| y.mse_loss(&t.into());
    let model: Box<dyn Layer> = match data.len() {
        1 => Box::new(Linear::new(2, 1, rng)),
        _ => Box::new(Sequential::new().push(Linear::new(2, 1, rng))),
    };
    let mut opt: Box<dyn Optimizer> = match data.len() {
        1 => Box::new(Sgd::new(&model, 0.1)),
        _ => Box::new(Adam::new(&model, 0.1)),
    };
    let before = evaluate(&model, loss, &data).run().unwrap();
    fit(&model, &mut opt, loss, &data)
        .epochs(5)
        .silent()
        .run()
        .unwrap();
    let after = evaluate(&model, loss, &data).run().unwrap();
    assert!(after.get("loss") < before.get("loss"));
    assert_eq!(predict(&model, &x, 3).unwrap().shape(), &[4, 1][..]);
    // Lent, and shared.
    let lent: &dyn Layer = model.as_ref();
    let mut by_reference: &mut dyn Optimizer = opt.as_mut();
    fit(&lent, &mut by_reference, loss, &data)
        .silent()
        .run()
        .unwrap();
    let shared = std::sync::Arc::new(Linear::new(2, 1, rng));
    let stack = Sequential::new().push(shared.clone()).push(Relu);
    assert_eq!(
        stack.clone().parameters()[0].id(),
        shared.parameters()[0].id()
    );
}
