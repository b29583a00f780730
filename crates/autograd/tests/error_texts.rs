//! The text of an error of every fallible call: `tests/error_texts.txt` holds them for review, and a new
//! call without a case here fails. `WENGERT_BLESS=1` writes the file anew.

use std::fmt::Write as _;
use std::path::Path;

use wengert_autograd::check::gradcheck::{GradCheck, gradcheck, gradgradcheck};
use wengert_autograd::*;
use wengert_tensor::{Rng, Scan, ScatterReduce, Slice, Tensor};

type Case = (&'static str, Result<()>);

fn done<X>(r: Result<X>) -> Result<()> {
    r.map(|_| ())
}

/// A call with arguments that do not fit, under the name of the call.
macro_rules! cases {
    ($($name:literal => $call:expr;)*) => { vec![$(($name, done($call))),*] };
}

fn of_vars() -> Vec<Case> {
    let (a, b) = (Var::<f32>::zeros([2, 3]), Var::<f32>::zeros([4]));
    let none = Var::<f32>::zeros([0, 3]);
    let mask = Tensor::new([true, false]);
    let far = Tensor::new([5i64]);
    let options = ClassLoss::new();
    cases! {
        "try_add" => a.try_add(&b);
        "try_sub" => a.try_sub(&b);
        "try_mul" => a.try_mul(&b);
        "try_div" => a.try_div(&b);
        "pow" => a.pow(&b);
        "atan2" => a.atan2(&b);
        "hypot" => a.hypot(&b);
        "logaddexp" => a.logaddexp(&b);
        "maximum" => a.maximum(&b);
        "minimum" => a.minimum(&b);
        "where_" => Var::where_(&mask, &a, &b);
        "masked_fill" => a.masked_fill(&mask, 0.0);
        "masked_select" => a.masked_select(&mask);
        "eq" => a.eq(&b);
        "ne" => a.ne(&b);
        "lt" => a.lt(&b);
        "le" => a.le(&b);
        "gt" => a.gt(&b);
        "ge" => a.ge(&b);
        "argmax" => none.argmax(0);
        "argmin" => a.argmin(2);
        "clamp" => a.clamp(1.0, 0.0);
        "sum" => a.sum(2);
        "sum_keepdim" => a.sum_keepdim(-3);
        "mean" => a.mean([0, 0]);
        "mean_keepdim" => a.mean_keepdim(2);
        "max" => none.max(0);
        "max_keepdim" => a.max_keepdim(2);
        "max_all" => none.max_all();
        "min" => a.min(2);
        "min_keepdim" => none.min_keepdim(0);
        "min_all" => none.min_all();
        "var" => a.var(2, 1);
        "var_keepdim" => a.var_keepdim(2, 1);
        "std" => a.std(2, 1);
        "std_keepdim" => a.std_keepdim(2, 1);
        "norm" => a.norm(2);
        "norm_keepdim" => a.norm_keepdim(2);
        "norm_p" => a.norm_p(0.0, 0);
        "logsumexp" => a.logsumexp(2);
        "logsumexp_keepdim" => a.logsumexp_keepdim(2);
        "prod" => a.prod(2);
        "prod_keepdim" => a.prod_keepdim(2);
        "sum_to" => a.sum_to([4]);
        "cumsum" => a.cumsum(2);
        "cumprod" => a.cumprod(2);
        "linear_scan" => a.linear_scan(&b, 0);
        "softmax" => a.softmax(2);
        "log_softmax" => a.log_softmax(-3);
        "layer_norm" => a.layer_norm(2, None, None, 1e-5);
        "reshape" => a.reshape([4]);
        "unsqueeze" => a.unsqueeze(4);
        "squeeze" => a.squeeze(2);
        "flatten" => a.flatten(1, 0);
        "permute" => a.permute([0, 0]);
        "transpose" => a.transpose(0, 2);
        "t" => b.reshape([1, 2, 2]).unwrap().t();
        "movedim" => a.movedim(0, 2);
        "expand" => a.expand([4]);
        "narrow" => a.narrow(1, 2, 2);
        "select" => a.select(0, 2);
        "slice" => a.slice(0, Slice::all().step(0));
        "flip" => a.flip(2);
        "diagonal" => a.diagonal(0, 1, 1);
        "unfold" => a.unfold(1, 4, 1);
        "cat" => Var::cat(&[&a, &b], 0);
        "stack" => Var::stack(&[&a, &b], 0);
        "split" => a.split(0, 0);
        "split_sizes" => a.split_sizes(&[1, 3], 1);
        "chunk" => a.chunk(0, 0);
        "chunk_array" => a.chunk_array::<2>(1);
        "split_array" => a.split_array([1, 1], 1);
        "unbind_array" => a.unbind_array::<2>(1);
        "unbind" => a.unbind(2);
        "repeat" => a.repeat([2]);
        "roll" => a.roll(1, 2);
        "index_select" => a.index_select(0, &far);
        "index_add" => a.index_add(0, &far, &b);
        "gather" => a.gather(0, &Tensor::new([[9i64]]));
        "scatter" => a.scatter(0, &Tensor::new([[9i64]]), &a);
        "scatter_reduce" => a.scatter_reduce(0, &Tensor::new([[9i64]]), &a, ScatterReduce::Max, true);
        "pad" => a.pad(&[(1, 1)], 0.0);
        "remainder" => a.remainder(&b);
        "dropout" => a.dropout(1.5, &mut Rng::seed(0));
        "clamp_min" => a.clamp_min(f64::NAN);
        "clamp_max" => a.clamp_max(f64::NAN);
        "max_or" => a.max_or(2, 0.0);
        "min_or" => a.min_or(2, 0.0);
        "norm_p_keepdim" => a.norm_p_keepdim(0.0, 0);
        "cumsum_with" => a.cumsum_with(2, Scan::new().reverse());
        "cumprod_with" => a.cumprod_with(2, Scan::new().exclusive());
        "scatter_add" => a.scatter_add(0, &Tensor::new([[9i64]]), &a);
        "tril" => b.tril(0);
        "triu" => b.triu(0);
        "sort" => a.sort(2, false);
        "topk" => a.topk(4, 1, true);
        "matmul" => a.matmul(&b);
        "linear" => a.linear(&Var::zeros([5, 4]), None);
        "linear_owned" => a.linear_owned(Var::zeros([5, 4]), None);
        "dot" => a.dot(&b);
        "outer" => a.outer(&b);
        "mse_loss" => b.mse_loss(&Var::zeros([4, 1]));
        "mse_loss_with" => a.mse_loss_with(&b, Reduction::Sum);
        "l1_loss" => a.l1_loss(&b);
        "l1_loss_with" => a.l1_loss_with(&b, Reduction::Sum);
        "huber_loss" => a.huber_loss(&b, 1.0);
        "huber_loss_with" => a.huber_loss_with(&a, 0.0, Reduction::Sum);
        "bce_loss" => a.bce_loss(&b);
        "bce_loss_with" => a.bce_loss_with(&b, Reduction::Sum);
        "bce_loss_clipped" => a.bce_loss_clipped(&b, 1e-7);
        "bce_with_logits" => a.bce_with_logits(&b);
        "bce_with_logits_with" => a.bce_with_logits_with(&b, Reduction::Sum);
        "nll_loss" => a.nll_loss(&Tensor::new([0i64, 3]));
        "nll_loss_with" => a.nll_loss_with(&Tensor::new([[0i64], [1]]), &options);
        "cross_entropy" => a.cross_entropy(&Tensor::new([0i64, 3]));
        "cross_entropy (two axes)" => Var::<f64>::zeros([2, 3, 3]).cross_entropy(&Tensor::zeros([2, 3]));
        "cross_entropy_with (axis)" => a.cross_entropy_with(&Tensor::new([0i64, 1]), &ClassLoss::new().class_axis(2));
        "cross_entropy_with (none ignored)" => a.cross_entropy_with(&Tensor::new([0i64, -100]), &ClassLoss::new().ignore_index(None));
        "cross_entropy_with" => a.cross_entropy_with(&Tensor::new([0i64, 1]), &ClassLoss::new().label_smoothing(2.0));
        "cross_entropy_probs" => a.cross_entropy_probs(&b, &options);
        "var::item" => a.item();
        "var::dims" => a.dims::<3>();
    }
}

/// Asks for what it has not saved.
struct Forgetful(bool);
impl Function<f64> for Forgetful {
    fn name(&self) -> &'static str {
        "forgetful"
    }
    fn forward(&self, x: &[&Tensor<f64>]) -> Result<Tensor<f64>> {
        Ok(x[0].exp())
    }
    fn backward(&self, cx: &FunctionCx<'_, f64>, _: &Var<f64>) -> Result<Vec<Option<Var<f64>>>> {
        Ok(vec![Some(if self.0 { cx.input(0)? } else { cx.output()? })])
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
}

fn of_the_tape() -> Vec<Case> {
    let x = Var::new([[1.0f64, 2.0]]).tracked();
    let y = x.exp();
    let plain = Var::new([1.0f64]);
    let released = Var::new([1.0f64]).tracked().exp();
    released.backward().unwrap();
    let w = Param::new(Tensor::<f64>::zeros([2, 3]));
    w.set_grad(Some(Tensor::zeros([2, 3]))).unwrap();
    let overlap = Tensor::<f64>::ones([1, 2]).expand([3, 2]).unwrap();
    let wrong = |v: &[Var<f64>]| Ok(v[0].exp().detach() + v[0].affine(2.0, 0.0));
    let at = Tensor::new([0.5f64]);
    cases! {
        "backward::run" => Backward::new().run(&y);
        "backward::run_seeded" => Backward::new().run_seeded(&y, &Tensor::ones([2]));
        "backward::backward" => plain.backward();
        "backward::backward (released)" => released.backward();
        "backward::backward_seeded" => y.backward_seeded(&Tensor::ones([2, 1]));
        "grad::of" => Grad::new().of(&y, &[&x]);
        "grad::of_seeded" => Grad::new().of_seeded(&[(&y, &Var::ones([2]))], &[&x]);
        "grad::grad" => grad(&x.sum_all(), &[&plain]);
        "grad::grad (not depended on)" => grad(&x.sum_all(), &[&Var::new([1.0]).tracked()]);
        "param::set_value" => w.set_value(Tensor::zeros([3, 2]));
        "param::apply" => w.apply(|v| v.sum_keepdim(0));
        "param::set_grad" => w.set_grad(Some(Tensor::zeros([3, 2])));
        "param::update" => w.update(|v, _| *v = Tensor::zeros([6]));
        "param::apply" => w.apply(|_| Ok(Tensor::zeros([6])));
        "function::input" => Forgetful(true).apply(&[&x]).unwrap().sum_all().backward();
        "function::output" => Forgetful(false).apply(&[&x]).unwrap().sum_all().backward();
        "hook::register_hook" => plain.register_hook(|_| None);
        "gradcheck::gradcheck" => gradcheck(wrong, std::slice::from_ref(&at));
        "gradcheck::gradcheck (overlap)" => gradcheck(|v| Ok(v[0].exp()), &[overlap]);
        "gradcheck::gradgradcheck" => gradgradcheck(|v| Forgetful(true).apply(&[&v[0]]), std::slice::from_ref(&at));
        "gradcheck::run" => GradCheck::new().run(|v| Ok(v[0].exp()), &[at.cast::<f32>()]);
        "gradcheck::run_second" => GradCheck::new().eps(0.0).run_second(|v| Ok(v[0].exp()), &[at]);
    }
}

fn cases() -> Vec<Case> {
    let mut all = of_vars();
    all.extend(of_the_tape());
    all
}

/// The message, its line that says where checked and left out.
fn text(e: &Error) -> String {
    let text = e.to_string();
    let lines = text.lines().filter_map(|l| match l.split_once("at ") {
        Some((before, at)) if at.trim_start().contains(".rs:") => {
            assert!(
                at.contains("error_texts.rs:"),
                "another line than the caller's: {text}"
            );
            (!before.trim().is_empty()).then(|| format!("{before}at HERE"))
        }
        _ => Some(l.to_string()),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn texts_are_as_committed() {
    let mut all = String::new();
    for (name, result) in cases() {
        let e = match result {
            Err(e) => e,
            Ok(()) => panic!("{name} gave no error"),
        };
        let text = text(&e);
        // A rule that was broken, or what to do.
        let helps = ["\n  rule", "\n  hint"];
        assert!(
            helps.iter().any(|h| text.contains(h)),
            "{name} says neither rule nor hint:\n{text}"
        );
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

/// The names of public calls that return `Result`, those that macros write among them.
fn fallible(file: &Path) -> Vec<String> {
    let source = std::fs::read_to_string(file).unwrap();
    let mut names = Vec::new();
    for (i, _) in source.match_indices("pub fn ") {
        let rest = &source[i + 7..];
        let signature = &rest[..rest.find(" {\n").unwrap_or(rest.len())];
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || "_$".contains(*c))
            .collect();
        let in_doc = source[..i].rsplit('\n').next().unwrap().contains("//");
        if signature.contains("-> Result<") && !name.starts_with('$') && !in_doc {
            names.push(name);
        }
    }
    // What the macros make: how many of the names that open a block, or a line of it, are fallible.
    for (name, fallible, each_line) in [
        ("reduction!", 2, false),
        ("loss_methods!", 1, false),
        ("window!", 1, false),
        ("comparisons!", 1, true),
    ] {
        for (i, _) in source.match_indices(&format!("\n{name} {{\n")) {
            let block = &source[i + 1..];
            let block = &block[..block.find("\n}").unwrap()];
            let lines = block
                .lines()
                .skip(1)
                .filter(|l| !l.trim_start().starts_with("///") && !l.contains("@ "));
            for line in lines.take(if each_line { usize::MAX } else { 1 }) {
                names.extend(line.split_whitespace().take(fallible).map(String::from));
                if block.contains("-> Result<") {
                    names.extend(line.split_whitespace().nth(2).map(String::from));
                }
            }
        }
    }
    names
}

#[test]
fn every_fallible_call_has_a_case() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let tested: Vec<&str> = cases().iter().map(|c| c.0).collect();
    let (mut calls, mut missing) = (0, Vec::new());
    let rooms = ["", "ops", "tape", "check", "transform"];
    for folder in rooms.map(|room| src.join(room)) {
        for file in std::fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_none_or(|e| e != "rs") {
                continue;
            }
            let of_ops = folder.ends_with("ops");
            for name in fallible(&file) {
                calls += 1;
                let stem = file.file_stem().unwrap().to_str().unwrap();
                let name = if of_ops {
                    name
                } else {
                    format!("{stem}::{name}")
                };
                if !tested.contains(&&*name) {
                    missing.push(format!("{name} ({})", file.display()));
                }
            }
        }
    }
    eprintln!("{calls} fallible calls, {} error texts", tested.len());
    assert!(calls > 100, "the source was not read");
    assert!(
        missing.is_empty(),
        "no error text is tested of: {missing:#?}"
    );
}
