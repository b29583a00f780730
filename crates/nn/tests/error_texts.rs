//! The text of an error of every fallible call: `tests/error_texts.txt` holds them for review, and a new
//! call without a case here fails. `WENGERT_BLESS=1` writes the file anew.

#![cfg(feature = "plot")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wengert_autograd::{Param, Var};
use wengert_nn::data::{
    Centers, Classes, Collate, Csv, Fill, Mnist, SplitSizes, Standardizer, Subset, Tensors, blobs,
    class_weights, collate, from_fn, idx, moons, random_split, spirals, stratified_split,
};
use wengert_nn::init::{Fan, Gain};
use wengert_nn::*;
use wengert_tensor::{AnyTensor, Rng, Tensor};

type Case = (&'static str, Result<()>);

fn done<X>(r: Result<X>) -> Result<()> {
    r.map(|_| ())
}

/// A call with arguments that do not fit, under the name of its file and its own.
macro_rules! cases {
    ($($name:literal => $call:expr;)*) => { vec![$(($name, done($call))),*] };
}

/// More elements than any memory has.
const ABSURD: [usize; 2] = [1 << 32, 1 << 32];

/// A folder, and a path in it that nothing can be written to: a file stands where a folder would.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "a,b\n1,x\n2,3\n").unwrap();
    let blocked = dir.path().join("file").join("below");
    (dir, blocked)
}

fn net() -> Linear {
    Linear::new(2, 3, &mut Rng::seed(0))
}

fn of_layers() -> Vec<Case> {
    let rng = &mut Rng::seed(0);
    let (wide, one) = (Var::<f32>::zeros([4, 5]), Var::<f32>::zeros([4]));
    let dense = Dense::new(2, 3, rng);
    let dropout = Dropout::new(0.5, rng).unwrap();
    let endless = Var::from(&Tensor::<f32>::scalar(1.0).expand([1 << 60]).unwrap());
    let stack = Sequential::new().push(net()).push(Relu);
    cases! {
        "dense::from_weights" => Dense::from_weights(&Tensor::<f32>::zeros([2, 3]), &Tensor::zeros([2]));
        "dense::forward" => dense.forward(&wide);
        "linear::try_typed" => Linear::<f32>::try_typed(1 << 32, 1 << 32, rng);
        "linear::forward" => net().forward(&wide);
        "dropout::new" => Dropout::new(1.5, rng);
        "dropout::forward" => dropout.forward(&endless);
        "sequential::forward" => stack.forward(&wide);
        "activation::Softmax" => Softmax::new(2).forward(&wide);
        "activation::LogSoftmax" => LogSoftmax::new(-3).forward(&wide);
        "activation::Flatten" => Flatten::new(1, -1).forward(&one);
        "model::call" => Model::call(&net(), &Tensor::<f32>::zeros([4, 5]));
        "init::constant" => init::constant::<f32>(ABSURD, 0.0);
        "init::uniform" => init::uniform::<f32>([2], 1.0, 0.0, rng);
        "init::normal" => init::normal::<f32>([2], 0.0, -1.0, rng);
        "init::xavier_uniform" => init::xavier_uniform::<f32>([2], 1.0, rng);
        "init::xavier_normal" => init::xavier_normal::<f32>([2], 1.0, rng);
        "init::kaiming_uniform" => init::kaiming_uniform::<f32>([2], Fan::In, Gain::Relu, rng);
        "init::kaiming_normal" => init::kaiming_normal::<f32>([2], Fan::In, Gain::Relu, rng);
        "init::orthogonal" => init::orthogonal::<f32>([2], 1.0, rng);
    }
}

fn of_states(dir: &Path, blocked: &Path) -> Vec<Case> {
    let rng = &mut Rng::seed(0);
    let (net, dropout) = (net(), Dropout::new(0.5, rng).unwrap());
    let mut other = Linear::new(2, 4, rng).state_dict().unwrap();
    other.insert("extra".into(), Tensor::<f32>::zeros([1]).into());
    other.remove("bias");
    let mut sgd = Sgd::new(net.parameters(), 0.1);
    let mut adam = Adam::new(net.parameters(), 0.1);
    let mut negative = adam.state_dict().unwrap();
    negative.insert("weight.step".into(), Tensor::scalar(-1i64).into());
    let none = StateDict::new();
    let nowhere = dir.join("nowhere.safetensors");
    cases! {
        "module::load_state_dict" => net.load_state_dict(&other);
        "module::load_streams" => dropout.load_streams(&none);
        "module::save" => net.save(blocked);
        "module::load" => net.load(&nowhere);
        "state::save_state" => save_state(&net.state_dict().unwrap(), blocked);
        "state::load_state" => load_state(dir.join("file"));
        "optimizer::save" => adam.save(blocked);
        "optimizer::load" => adam.load(&nowhere);
        "optimizer::set_lr" => adam.set_lr(-1.0);
        "group::set" => adam.groups_mut()[0].set("beta", 0.5);
        "algorithm::try_with_groups" => Sgd::try_with_groups(vec![Group::new(&net, f64::NAN)]);
        "algorithm::load_state_dict" => sgd.load_state_dict(&other);
        "algorithm::load_state_dict (count)" => adam.load_state_dict(&negative);
        "algorithm::load_state_dict (AdamW)" => AdamW::new(net.parameters(), 0.1).load_state_dict(&none);
    }
}

/// Buffers, parameters and optimizers that are given something else.
fn of_updates(dir: &Path) -> Vec<Case> {
    struct Twice(Param, Param, Dropout, Dropout);
    impl Module for Twice {
        fn visit(&self, v: &mut Visitor<'_>) {
            v.field("w", &self.0);
            v.field("w", &self.1);
            v.field("drop", &self.2);
            v.field("drop", &self.3);
        }
    }
    let rng = &mut Rng::seed(0);
    let net = net();
    let param = || Param::<f32>::new(Tensor::zeros([2]));
    let mut dropout = || Dropout::new(0.5, rng).unwrap();
    let twice = Twice(param(), param(), dropout(), dropout());
    let any = AnyParam::from(&net.weight);
    let (_, buffer) = ("", Buffer::<bool>::new(Tensor::new([true])));
    let buffer = (&buffer,).named_buffers().remove(0).1;
    let whole: AnyTensor = Tensor::new([1i64]).into();
    let one: AnyTensor = Tensor::<f32>::zeros([1]).into();
    let mut two = Adam::with_groups(vec![
        Group::new(&net, 0.1),
        Group::new(&Linear::new(2, 3, rng), 0.1),
    ]);
    two.step();
    let ragged = from_fn(3, |i| Ok(Tensor::<f32>::zeros([i + 1])));
    let ragged = DataLoader::new(ragged, 2).unwrap();
    let ready = vec![Tensor::<f32>::zeros([1])];
    let count = StateDict::from([
        ("best".to_string(), whole.clone()),
        ("waited".into(), whole.clone()),
    ]);
    let loader =
        || DataLoader::new(TensorDataset::new(Tensor::<f32>::zeros([4])).unwrap(), 2).unwrap();
    cases! {
        "module::state_dict" => twice.state_dict();
        "module::streams" => twice.streams();
        "load::file" => Load::new().file(&net, dir.join("nowhere"));
        "load::state" => Load::new().strict(false).state(&net, &StateDict::from([("bias".into(), one.clone())]));
        "load::state (renamed)" => Load::new().rename(|_| "bias".into()).state(&net, &net.state_dict().unwrap());
        "param::set_value" => any.set_value(&one);
        "param::set_value (type)" => any.set_value(&whole);
        "param::apply" => any.apply(|_| Ok(one.clone()));
        "param::set_grad" => any.set_grad(Some(&one));
        "buffer::set" => buffer.set(&whole);
        "algorithm::check" => RmsProp::try_with_groups(vec![Group::new([&net.weight, &net.weight], 0.1)]);
        "algorithm::state_dict" => two.state_dict();
        "sgd::check" => Sgd::try_with_groups(vec![Group::new(&net, 0.1).with("nesterov", 1.0)]);
        "clip::clip_grad_norm" => clip_grad_norm(&net, f64::NAN);
        "clip::clip_grad_norm_p" => clip_grad_norm_p(&net, 1.0, 0.0);
        "batches::epoch_from" => Batches::epoch_from(&ragged, 0, 0).next().unwrap();
        "batches::check_state_dict" => ready.check_state_dict(&Batches::state_dict(&loader()));
        "early_stopping::load_state_dict" => EarlyStopping::lowest("loss").load_state_dict(&count);
        "callback::load_state_dict" => Checkpoint::lowest("loss", dir).load_state_dict(&count);
        "checkpoint::load_state_dict" => Checkpoint::each(dir).load_state_dict(&StateDict::from([("best".to_string(), whole.clone())]));
    }
}

fn of_data(dir: &Path) -> Vec<Case> {
    let rng = &mut Rng::seed(0);
    let rows = || TensorDataset::new(Tensor::<f32>::zeros([4, 2])).unwrap();
    let uneven = || from_fn(3, |i| Ok(Tensor::<f32>::zeros([i + 1])));
    let loader = DataLoader::new(rows(), 2).unwrap();
    let other = DataLoader::new(rows(), 3).unwrap();
    let ragged = DataLoader::new(uneven(), 2).unwrap();
    let boxed: Box<dyn Dataset<Batch = Tensor<f32>>> = Box::new(rows());
    let table = Csv::new().read(dir.join("file")).unwrap();
    let holes = Csv::new().parse("a,b\n?,x\n2,\n").unwrap();
    let scale = Standardizer::fit(&Tensor::new([[1.0f32, 2.0], [3.0, 5.0]])).unwrap();
    let nowhere = dir.join("nowhere");
    let x = Tensor::<f32>::zeros([4, 2]);
    let far = Tensor::new([4i64]);
    let misfit = (Tensor::<f32>::zeros([4, 2]), Tensor::<i64>::zeros([3]));
    let ten = Arc::new(rows());
    cases! {
        "dataset::new" => TensorDataset::new(misfit);
        "dataset::new (scalar)" => TensorDataset::new((Tensor::<f32>::scalar(0.0), far.clone()));
        "dataset::new (none)" => TensorDataset::new(Vec::<Tensor<f32>>::new());
        "dataset::narrow" => rows().narrow(3, 2);
        "dataset::split_at" => rows().split_at(5);
        "dataset::batch" => rows().batch(&[0, 4]);
        "dataset::rows" => Tensors::rows(&x, &far);
        "dataset::range" => x.range(3, 2);
        "collate::collate" => collate([Tensor::<f32>::zeros([1]), Tensor::zeros([2])]);
        "collate::collate (none)" => <Tensor<f32> as Collate>::collate(Vec::new());
        "collate::batch" => uneven().batch(&[3]);
        "split::new" => Subset::new(ten.clone(), vec![0, 4]);
        "split::batch" => Subset::new(ten, vec![0, 1]).unwrap().batch(&[2]);
        "split::random_split" => random_split(rows(), [1, 2], rng);
        "split::stratified_split" => stratified_split(rows(), &far, [0.5, 0.5], rng);
        "split::sizes" => [0.5, 0.6].sizes(4);
        "loader::new" => DataLoader::new(rows(), 0);
        "loader::load_state_dict" => loader.load_state_dict(&other.state_dict());
        "dataset::batch (trait object)" => boxed.batch(&[4]);
        "loader::next (collect)" => ragged.iter().collect::<Result<Vec<_>>>();
        "loader::next" => ragged.iter().next().unwrap();
        "batches::epoch" => Batches::epoch(&ragged, 0).next().unwrap();
        "batches::pass" => ragged.pass().next().unwrap();
        "synthetic::moons" => moons::<f32>(4, -1.0, rng);
        "synthetic::spirals" => spirals::<f32>(4, 0, 0.1, rng);
        "synthetic::blobs" => blobs::<f32>(4, &Tensor::<f32>::zeros([2]), 1.0, rng);
        "synthetic::rows" => Centers::rows(&(1usize << 60), rng);
        "idx::read" => idx::read(&nowhere);
        "idx::read_within" => idx::read_within(dir.join("file"), 100);
        "idx::parse" => idx::parse(&[0, 0, 8, 1, 0, 0, 0, 9, 1], 100);
        "mnist::load" => Mnist::load(dir);
        "mnist::train" => Mnist::train(&nowhere);
        "mnist::test" => Mnist::test(dir);
        "csv::read" => Csv::new().read(&nowhere);
        "csv::parse" => Csv::new().parse("a,b\n1,2\n3\n");
        "table::columns" => table.columns::<f32>(["a", "c"]);
        "table::columns_except" => table.columns_except::<f32>(["a"]);
        "table::column" => table.column::<f32>(2);
        "table::labels" => table.labels("b");
        "table::classes" => table.classes("c");
        "table::classes (missing)" => holes.classes("b");
        "table::column (missing)" => holes.column::<f32>("a");
        "table::labels_in" => table.labels_in("b", &Classes::learn(["xx", "yy"]));
        "table::drop_missing" => holes.drop_missing(["a", "b"]);
        "fill::mean" => Fill::mean(&table, ["b"]);
        "fill::apply" => Fill::new([("a", f64::NAN)]).apply(&table);
        "classes::new" => Classes::new(["a", "b", "a"]);
        "classes::labels" => Classes::learn(["cat", "dog"]).labels(["dog", "god"]);
        "classes::from_str" => "a\na\n".parse::<Classes>();
        "classes::class_weights" => class_weights::<f32>(&Tensor::new([0i64, 2]), 2);
        "standardize::fit" => Standardizer::fit(&Tensor::new([[1.0f32, f32::NAN]]));
        "standardize::new" => Standardizer::new(Tensor::new([1.0f32]), Tensor::new([0.0]));
        "standardize::apply" => scale.apply(&Tensor::zeros([4, 1]));
        "standardize::inverse" => scale.inverse(&Tensor::zeros([3]));
        "standardize::forward" => scale.forward(&Var::zeros([4, 1]));
    }
}

fn of_training(dir: &Path, blocked: &Path) -> Vec<Case> {
    let net = net();
    let mut opt = Sgd::new(net.parameters(), 0.1);
    let data = vec![(Tensor::<f32>::zeros([4, 2]), Tensor::new([0i64, 1, 2, 0]))];
    let none: Vec<(Tensor<f32>, Tensor<i64>)> = Vec::new();
    let loss = |y: &Var, t: &Tensor<i64>| y.cross_entropy(t);
    let nan = |y: &Var, _: &Tensor<i64>| -> Result<Var> { Ok(y.sum_all().affine(f64::NAN, 0.0)) };
    let right = |y: &Var, t: &Tensor<i64>| accuracy(y.value(), t);
    macro_rules! with {
        ($callback:expr) => {
            fit(&net, &mut opt, loss, &data)
                .silent()
                .callback($callback)
                .run()
        };
    }
    let (y, labels) = (Tensor::<f32>::zeros([4, 3]), Tensor::new([0i64, 1, 2, 3]));
    let mut history = History::new();
    history.record(&Logs::new());
    let mut matrix = ConfusionMatrix::new(2);
    let surface = |grid: &Tensor<f32>| Ok(Tensor::zeros([grid.shape()[0]]));
    let (points, classes) = (Tensor::<f32>::zeros([1, 2]), Tensor::<f32>::zeros([1]));
    let file = dir.join("file");
    cases! {
        "fit::run" => fit(&net, &mut opt, loss, &data).silent().metric("loss", right).run();
        "fit::run (no data)" => fit(&net, &mut opt, loss, &none).silent().run();
        "fit::run (NaN)" => fit(&net, &mut opt, nan, &data).silent().run();
        "evaluate::run" => evaluate(&net, loss, &data).metric("a", right).metric("a", right).run();
        "evaluate::run (no data)" => evaluate(&net, loss, &none).run();
        "evaluate::predict" => predict(&net, &Tensor::zeros([4, 2]), 0);
        "evaluate::predict (scalar)" => predict(&net, &Tensor::scalar(0.0), 1);
        "evaluate::predict (shape)" => predict(&net, &Tensor::zeros([4, 5]), 2);
        "fit::run (optimizer)" => fit(&net, &mut Sgd::new(&Linear::new(2, 3, &mut Rng::seed(0)), 0.1), loss, &data).run();
        "fit::run (clip)" => fit(&net, &mut opt, loss, &data).clip_grad_norm(-1.0).run();
        "fit::run (resume)" => fit(&net, &mut opt, loss, &data).resume(dir.join("nowhere")).run();
        "checkpoint::on_epoch_end" => with!(Checkpoint::lowest("val_loss", &file));
        "checkpoint::on_epoch_end (path)" => with!(Checkpoint::each(blocked));
        "early_stopping::on_epoch_end" => with!(EarlyStopping::lowest("val_loss"));
        "schedule::on_epoch_begin" => with!(Schedule::epochs(|_, _| -1.0));
        "schedule::on_batch_begin" => with!(Schedule::steps(|_, _| f64::NAN));
        "metrics::accuracy" => accuracy(&y, &labels);
        "metrics::accuracy (shape)" => accuracy(&y, &Tensor::zeros([4, 1]));
        "metrics::binary_accuracy" => binary_accuracy(&y, &Tensor::zeros([4]));
        "metrics::binary_accuracy_at" => binary_accuracy_at(&y, &Tensor::zeros([4, 3, 1]), 0.5);
        "confusion::of" => ConfusionMatrix::of(&y, &Tensor::zeros([3]));
        "confusion::add" => matrix.add(&y, &Tensor::new([0i64, 1, 2, 0]));
        "history::save" => history.save(blocked);
        "history::plot" => history.plot(dir.join("x.svg"), "", &["loss"]);
        "plot::curves" => plot::curves(blocked, "", ("", ""), &[("", [0.0])]);
        "plot::decision_surface" => plot::decision_surface(blocked, "", &points, &classes, surface);
        "plot::decision_surface (shapes)" => plot::decision_surface(blocked, "", &points, &points, surface);
        "plot::fit_line" => plot::fit_line(blocked, "", &points, &points, |x| x);
        "plot::fit_line (sizes)" => plot::fit_line(blocked, "", &points, &classes, |x| x);
        "confusion::plot" => ConfusionMatrix::new(2).plot(blocked, "");
    }
}

fn cases(dir: &Path, blocked: &Path) -> Vec<Case> {
    let mut all = of_layers();
    all.extend(of_states(dir, blocked));
    all.extend(of_updates(dir));
    all.extend(of_data(dir));
    all.extend(of_training(dir, blocked));
    all
}

/// The message: of its line that says where, whether that is the caller's; the folder by a name.
fn text(e: &Error, dir: &Path) -> String {
    let text = e.to_string().replace(&dir.display().to_string(), "DIR");
    let lines = text.lines().filter_map(|l| match l.split_once("at ") {
        Some((before, at)) if at.trim_start().contains(".rs:") => {
            let own = at.contains("error_texts.rs:");
            let at = if own { "HERE" } else { "A LINE INSIDE" };
            (!own || !before.trim().is_empty()).then(|| format!("{before}at {at}"))
        }
        _ => Some(l.to_string()),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn texts_are_as_committed() {
    let (dir, blocked) = folder();
    let mut all = String::new();
    for (name, result) in cases(dir.path(), &blocked) {
        let Err(e) = result else {
            panic!("{name} gave no error")
        };
        let text = text(&e, dir.path());
        assert!(!text.contains("A LINE INSIDE"), "{name}: {e}");
        writeln!(all, "[{name}]\n{text}\n").unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/error_texts.txt");
    if std::env::var_os("WENGERT_BLESS").is_some() {
        std::fs::write(&path, &all).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    for (a, b) in all.split("\n\n").zip(committed.split("\n\n")) {
        assert_eq!(a, b);
    }
    assert_eq!(all.len(), committed.len());
}

/// Fallible by their types, without an error of their own.
const NO_ERROR: &[(&str, &str)] = &[
    ("source::open", "not public"),
    ("source::of", "not public"),
    ("source::up_to", "not public"),
    ("source::exactly", "not public"),
    ("source::read", "not public"),
    ("callback::on_train_begin", "the user's errors pass through"),
    ("callback::on_epoch_begin", "the user's errors pass through"),
    ("callback::on_batch_begin", "the user's errors pass through"),
    ("callback::on_batch_end", "the user's errors pass through"),
    ("callback::on_epoch_end", "the user's errors pass through"),
    ("callback::on_train_end", "the user's errors pass through"),
    ("checkpoint::on_train_begin", "always Ok"),
    ("early_stopping::on_train_begin", "always Ok"),
    (
        "early_stopping::on_train_end",
        "the state is the model's own",
    ),
    ("schedule::on_epoch_end", "always Ok"),
];

/// Where the bracket that opens at the start of `s` closes.
fn closing(s: &str, open: char, close: char) -> usize {
    let (mut depth, mut before) = (0, ' ');
    for (i, c) in s.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close && before != '-' {
            depth -= 1;
            if depth == 0 {
                return i + 1;
            }
        }
        before = c;
    }
    panic!("unbalanced: {s:.60}");
}

/// The type that a function returns whose name starts `s`, and whether it has a body here.
fn returned(s: &str) -> (&str, bool) {
    let mut rest = s.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    if rest.starts_with('<') {
        rest = &rest[closing(rest, '<', '>')..];
    }
    let rest = &rest[closing(rest, '(', ')')..];
    let end = rest.find(['{', ';']).unwrap_or(rest.len());
    let part = rest[..end].split("where").next().unwrap();
    (part, rest[end..].starts_with('{'))
}

/// The public calls of a file that return a `Result`: `pub fn`, what stands in traits and in their
/// implementations, and the layers of a macro whose call can fail.
fn fallible(source: &str) -> Vec<String> {
    let (mut names, mut of_trait, mut at, mut layer) = (Vec::new(), false, 0, "");
    for line in source.split_inclusive('\n') {
        let here = at;
        at += line.len();
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        if !line.starts_with([' ', '}', '\n']) {
            of_trait =
                line.starts_with("pub trait") || line.starts_with("impl") && line.contains(" for ");
        }
        let code = line.trim_start();
        let head = code.strip_prefix("pub fn ");
        if let Some(name) = head.or(code.strip_prefix("fn ").filter(|_| of_trait)) {
            let start = here + line.len() - name.len();
            let (result, body) = returned(&source[start..]);
            if body && result.contains("Result<") && !name.starts_with('$') {
                let end = name
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap();
                names.push(name[..end].to_string());
            }
        }
        if let Some(name) = code
            .strip_suffix("(\n")
            .filter(|n| n.starts_with(char::is_uppercase))
        {
            layer = name;
        }
        if code.starts_with(") |s, x|") && code.ends_with("?;\n") {
            names.push(layer.to_string());
        }
    }
    names
}

#[test]
fn every_fallible_call_has_a_case() {
    let (dir, blocked) = folder();
    let all = cases(dir.path(), &blocked);
    let tested = |name: &str| {
        let of = |c: &Case| c.0 == name || c.0.starts_with(&format!("{name} ("));
        all.iter().any(of)
    };
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut calls, mut missing, mut free) = (0, Vec::new(), Vec::new());
    for folder in ["", "data", "layers", "module", "optim", "train"] {
        for file in std::fs::read_dir(src.join(folder)).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_none_or(|e| e != "rs") {
                continue;
            }
            let stem = match file.file_stem().unwrap().to_str().unwrap() {
                "mod" => folder,
                stem => stem,
            };
            for name in fallible(&std::fs::read_to_string(&file).unwrap()) {
                calls += 1;
                let name = format!("{stem}::{name}");
                if NO_ERROR.iter().any(|(n, _)| *n == name) {
                    free.push(name);
                } else if !tested(&name) {
                    missing.push(name);
                }
            }
        }
    }
    eprintln!("{calls} fallible calls, {} error texts", all.len());
    assert!(calls > 100, "the source was not read");
    assert!(
        missing.is_empty(),
        "no error text is tested of: {missing:#?}"
    );
    for (name, _) in NO_ERROR {
        assert!(free.iter().any(|n| n == name), "{name} is no fallible call");
        assert!(!tested(name), "{name} has a case");
    }
}
