//! States: strict loading, resuming, files that PyTorch wrote and reads.

use std::path::PathBuf;

use wengert_autograd::{Param, Var};
use wengert_nn::{
    Adam, AdamW, Buffer, Group, Layer, Linear, Module, Optimizer, Sequential, Sgd, StateDict, Tanh,
    Visitor, load_state, save_state,
};
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
    let before = net.state_dict();
    let mut state = mlp(1).state_dict();
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
    assert_eq!(net.state_dict(), before);
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
        let again = a.clone();
        let count = Buffer::new(Tensor::scalar(n));
        Tied { a, again, count }
    };
    let (one, two) = (tied(1.0, 7), tied(2.0, 8));
    assert_eq!(one.parameters().len(), 1);
    let state = one.state_dict();
    let names: Vec<&String> = state.keys().collect();
    assert_eq!(names, ["a", "again", "count"]);
    two.load_state_dict(&state).unwrap();
    assert_eq!(two.again.value().to_vec(), [1.0]);
    assert_eq!(two.count.value().to_vec(), [7]);
}

#[test]
fn a_state_is_a_copy_that_training_does_not_change() {
    let w = Param::new(Tensor::<f32>::new([1.0]));
    let before = w.state_dict();
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
    assert_eq!(whole.state_dict(), second.state_dict(), "{name}");
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
    let before = opt.state_dict();
    let mut of_other = Adam::new(other.parameters(), 0.5);
    other
        .forward(&Var::ones([1, 2]))
        .unwrap()
        .sum_all()
        .backward()
        .unwrap();
    of_other.step();
    let wrong = of_other.state_dict();
    let report = opt.load_state_dict(&wrong).unwrap_err().to_string();
    assert!(report.contains("unexpected  bias.step"), "{report}");
    assert_eq!(opt.state_dict(), before);
    // Half of what is kept for a parameter is no state of it.
    let mut half = before.clone();
    half.remove("0.weight.exp_avg");
    let report = opt.load_state_dict(&half).unwrap_err().to_string();
    assert!(report.contains("missing     0.weight.exp_avg"), "{report}");
    assert_eq!(opt.state_dict(), before);
    let mut negative = before.clone();
    negative.insert("0.bias.step".into(), Tensor::scalar(-1i64).into());
    let error = opt.load_state_dict(&negative).unwrap_err().to_string();
    assert!(error.contains("0.bias.step = -1"), "{error}");
    assert_eq!(opt.state_dict(), before);
}

#[test]
fn groups_keep_their_own_settings_and_names_may_collide() {
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
    let state = opt.state_dict();
    // Both networks call a parameter 0.weight: their places tell them apart.
    assert_eq!(state["0.exp_avg"].shape(), &[5, 3][..]);
    assert_eq!(state["4.exp_avg"].shape(), &[5, 3][..]);
    let value = |n: &str| state[n].downcast::<f64>().unwrap().item().unwrap();
    assert_eq!(value("param_groups.1.lr"), 0.2);
    assert_eq!(value("param_groups.1.weight_decay"), 0.3);
    let mut fresh = Adam::with_groups(groups());
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
    save_state(state.clone(), &path).unwrap();
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
