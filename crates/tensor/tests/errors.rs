//! The text of every error: `errors.txt` holds them whole, so that a change of one is a change to
//! read. A call that returns `Result` and has no case here fails the last test.
//!
//! `WENGERT_BLESS=1 cargo test -p wengert-tensor --test errors` writes the file anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use wengert_tensor::*;

/// Cases in order: the call's name, what is wrong, the message.
struct Cases(Vec<(&'static str, &'static str, String)>);

impl Cases {
    fn add<X>(&mut self, call: &'static str, wrong: &'static str, result: Result<X>) {
        let Err(e) = result else {
            panic!("{call}, {wrong}: no error")
        };
        let text = e.to_string();
        let site = e.site();
        if let Some(at) = site.at {
            let (file, line) = (at.file(), at.line());
            assert!(
                file.ends_with("errors.rs"),
                "{call}, {wrong}: at {file}:{line}, not the caller's"
            );
            assert!(
                text.contains(&at.to_string()),
                "{call}, {wrong}: the text says no line"
            );
            assert!(
                text.starts_with(&format!("{}: ", site.op)),
                "{call}, {wrong}: {text}"
            );
        }
        // Where the call stands in this file is no part of what the case is about.
        let is_place = |l: &&str| l.trim_start().starts_with("at ");
        let kept: Vec<&str> = text.lines().filter(|l| !is_place(l)).collect();
        self.0.push((call, wrong, kept.join("\n")));
    }
}

fn f(shape: &[usize]) -> Tensor<f32> {
    Tensor::zeros(shape)
}
fn i(shape: &[usize]) -> Tensor<i64> {
    Tensor::zeros(shape)
}
fn m(shape: &[usize]) -> Tensor<bool> {
    Tensor::full(shape, true)
}
/// More elements than an address space has bytes, and more bytes.
const ABSURD: [usize; 2] = [1 << 32, 1 << 32];

#[rustfmt::skip] // a case is a line
fn cases() -> Cases {
    let mut c = Cases(Vec::new());
    let rng = &mut Rng::seed(0);
    let t = f(&[2, 3]);
    let s = f(&[]);

    // Creation.
    c.add("try_new", "ragged", Tensor::<f32>::try_new(vec![vec![1.0, 2.0], vec![3.0]]));
    c.add("from_vec", "length", Tensor::from_vec(vec![1.0f32, 2.0, 3.0], [2, 2]));
    c.add("from_vec", "absurd", Tensor::from_vec(vec![1.0f32], ABSURD));
    c.add("from_slice", "length", Tensor::from_slice(&[1i64, 2], [3]));
    c.add("from_slice", "absurd", Tensor::from_slice(&[1i64, 2], ABSURD));
    c.add("try_full", "absurd", Tensor::try_full(ABSURD, true));
    c.add("try_full", "refused", Tensor::try_full([1 << 52], 0u8));
    c.add("try_zeros", "absurd", Tensor::<f32>::try_zeros(ABSURD));
    c.add("try_ones", "absurd", Tensor::<i32>::try_ones(ABSURD));
    c.add("try_eye", "absurd", Tensor::<f64>::try_eye(1 << 40));
    c.add("eye_matrix", "absurd", Tensor::<f64>::eye_matrix(ABSURD, 1));
    c.add("try_rand", "absurd", Tensor::<f32>::try_rand(ABSURD, rng));
    c.add("try_randn", "absurd", Tensor::<f32>::try_randn(ABSURD, rng));
    c.add("arange", "step", Tensor::arange(0i64, 5, 0));
    c.add("arange", "away", Tensor::arange(0i64, 5, -1));
    c.add("arange", "nan", Tensor::arange(0.0f32, f32::NAN, 1.0));
    c.add("arange", "absurd", Tensor::arange(i64::MIN, i64::MAX, 1));
    c.add("linspace", "nan", Tensor::linspace(0.0f64, f64::NAN, 3));
    c.add("linspace", "absurd", Tensor::linspace(0.0f64, 1.0, usize::MAX));
    c.add("normal", "mean", Tensor::<f32>::normal(f64::NAN, 1.0, [2], rng));
    c.add("normal", "std", Tensor::<f32>::normal(0.0, -1.0, [2], rng));
    c.add("normal", "absurd", Tensor::<f32>::normal(0.0, 1.0, ABSURD, rng));
    c.add("uniform", "order", Tensor::<f32>::uniform(1.0, 0.0, [2], rng));
    c.add("uniform", "nan", Tensor::<f32>::uniform(f64::NAN, 0.0, [2], rng));
    c.add("uniform", "absurd", Tensor::<f32>::uniform(0.0, 1.0, ABSURD, rng));
    c.add("randint", "order", Tensor::randint(3, 3, [2], rng));
    c.add("randint", "absurd", Tensor::randint(0, 3, ABSURD, rng));
    c.add("permutation", "absurd", Tensor::permutation(usize::MAX, rng));
    c.add("bernoulli", "p", Tensor::bernoulli(1.5, [2], rng));
    c.add("bernoulli", "nan", Tensor::bernoulli(f64::NAN, [2], rng));
    c.add("bernoulli", "absurd", Tensor::bernoulli(0.5, ABSURD, rng));
    c.add("sample_bernoulli", "p", Tensor::new([0.5f32, f32::NAN]).sample_bernoulli(rng));
    c.add("multinomial", "scalar", s.multinomial(1, true, rng));
    c.add("multinomial", "negative", Tensor::new([0.5f32, -0.5]).multinomial(1, true, rng));
    c.add("multinomial", "zeros", f(&[2]).multinomial(1, true, rng));
    c.add("multinomial", "too many", Tensor::new([1.0f32, 0.0, 2.0]).multinomial(3, false, rng));
    c.add("pad", "sides", t.pad(&[(1, 1)], 0.0));
    c.add("pad", "absurd", t.pad(&[(usize::MAX, 1), (0, 0)], 0.0));

    // Views.
    c.add("reshape", "count", t.reshape([4, 2]));
    c.add("reshape", "inferred", t.reshape([4, INFER]));
    c.add("reshape", "inferred twice", t.reshape([INFER, INFER]));
    c.add("reshape", "inferred beside 0", f(&[0, 3]).reshape([0, INFER]));
    c.add("reshape", "absurd", t.reshape(ABSURD));
    c.add("flatten", "axis", t.flatten(0, 2));
    c.add("flatten", "order", t.flatten(1, 0));
    c.add("transpose", "axis", t.transpose(0, 2));
    c.add("transpose", "scalar", s.transpose(0, 0));
    c.add("t", "rank", f(&[2, 3, 4]).t());
    c.add("permute", "axis", t.permute([0, -3]));
    c.add("permute", "repeated", t.permute([0, 0]));
    c.add("permute", "missing", t.permute([0]));
    c.add("expand", "shape", t.expand([2, 4]));
    c.add("expand", "absurd", s.expand(ABSURD));
    c.add("narrow", "axis", t.narrow(2, 0, 1));
    c.add("narrow", "range", t.narrow(1, 2, 2));
    c.add("select", "axis", t.select(-3, 0));
    c.add("select", "index", t.select(1, 3));
    c.add("unsqueeze", "axis", t.unsqueeze(3));
    c.add("unsqueeze", "twice", t.unsqueeze([0, -4]));
    c.add("dims", "rank", t.dims::<3>());
    c.add("squeeze", "axis", t.squeeze(2));
    c.add("slice", "axis", t.slice(2, ..));
    c.add("slice", "step", t.slice(1, Slice::all().step(0)));
    c.add("flip", "axis", t.flip(2));
    c.add("flip", "repeated", t.flip([0, -2]));
    c.add("diagonal", "axis", t.diagonal(0, 0, 2));
    c.add("diagonal", "same", t.diagonal(0, 1, -1));
    c.add("unfold", "axis", t.unfold(2, 1, 1));
    c.add("unfold", "size", t.unfold(1, 4, 1));
    c.add("unfold", "step", t.unfold(1, 2, 0));
    c.add("unfold", "absurd", s.expand([1 << 40]).and_then(|t| t.unfold(0, 1 << 39, 1)));
    c.add("unbind", "axis", t.unbind(2));
    c.add("unbind", "refused", s.expand([1 << 60]).and_then(|t| t.unbind(0)));
    c.add("movedim", "axis", t.movedim(0, 2));
    c.add("get", "rank", t.get(&[1]));
    c.add("get", "index", t.get(&[1, -4]));
    c.add("item", "many", t.item());

    // Joining and splitting.
    c.add("cat", "none", Tensor::<f32>::cat(&[] as &[&Tensor<f32>], 0));
    c.add("cat", "scalar", Tensor::cat(&[&s], 0));
    c.add("cat", "axis", Tensor::cat(&[&t], 2));
    c.add("cat", "shape", Tensor::cat(&[&t, &f(&[3, 2])], 0));
    c.add("cat", "rank", Tensor::cat(&[&t, &f(&[3])], 0));
    c.add("stack", "none", Tensor::<f32>::stack(&[] as &[&Tensor<f32>], 0));
    c.add("stack", "axis", Tensor::stack(&[&t], 3));
    c.add("stack", "shape", Tensor::stack(&[&t, &f(&[3, 2])], 0));
    c.add("split", "axis", t.split(1, 2));
    c.add("split", "size", t.split(0, 1));
    c.add("split_sizes", "axis", t.split_sizes(&[1], 2));
    c.add("split_sizes", "sum", t.split_sizes(&[1, usize::MAX], 1));
    c.add("chunk", "axis", t.chunk(1, 2));
    c.add("chunk", "n", t.chunk(0, 1));
    c.add("chunk_array", "axis", t.chunk_array::<1>(2));
    c.add("chunk_array", "n", t.chunk_array::<2>(1));
    c.add("chunk_array", "none", t.chunk_array::<0>(1));
    c.add("split_array", "axis", t.split_array([1, 2], 2));
    c.add("split_array", "sum", t.split_array([1, 1], 1));
    c.add("unbind_array", "axis", t.unbind_array::<2>(2));
    c.add("unbind_array", "n", t.unbind_array::<2>(1));
    c.add("repeat", "rank", t.repeat([2]));
    c.add("repeat", "absurd", t.repeat([1 << 40, 1 << 40]));
    c.add("roll", "axis", t.roll(1, 2));
    c.add("copy_from", "shape", t.clone().copy_from(&f(&[2])));
    c.add("embed", "shape", Tensor::embed([4], &f(&[3]), |z| z.narrow(0, 0, 2)));
    c.add("embed", "view", Tensor::embed([4], &f(&[2]), |_| Ok(f(&[2]))));
    c.add("embed", "absurd", Tensor::embed(ABSURD, &f(&[2]), |z| Ok(z.clone())));

    // By index and by mask.
    c.add("index_select", "axis", t.index_select(2, &i(&[1])));
    c.add("index_select", "index of two axes", t.index_select(0, &Tensor::new([[0, 1], [2, 0]])));
    c.add("index_select", "index", t.index_select(0, &Tensor::new([0, 2])));
    c.add("gather", "axis", t.gather(2, &i(&[2, 3])));
    c.add("gather", "shape", t.gather(1, &i(&[3, 1])));
    c.add("gather", "index", t.gather(1, &Tensor::new([[0, -4]])));
    c.add("scatter", "axis", t.scatter(2, &i(&[2, 3]), &t));
    c.add("scatter", "index", t.scatter(1, &Tensor::new([[3i64]]), &t));
    c.add("scatter_reduce", "axis", t.scatter_reduce(2, &i(&[2, 3]), &t, ScatterReduce::Mean, false));
    c.add("scatter_reduce", "src", t.scatter_reduce(1, &i(&[2, 1]), &f(&[1, 1]), ScatterReduce::Max, false));
    c.add("merged_counts", "axis", t.merged_counts(2, &i(&[2, 3]), true));
    c.add("scatter_add", "axis", t.scatter_add(2, &i(&[2, 3]), &t));
    c.add("scatter_add", "shape", t.scatter_add(1, &i(&[3, 1]), &t));
    c.add("scatter_add", "src", t.scatter_add(1, &i(&[2, 1]), &f(&[1, 1])));
    c.add("scatter_add", "index", t.scatter_add(1, &Tensor::new([[i64::MIN]]), &t));
    c.add("index_add", "axis", t.index_add(2, &i(&[1]), &t));
    c.add("index_add", "index of two axes", t.index_add(0, &i(&[1, 1]), &t));
    c.add("index_add", "shape", t.index_add(0, &i(&[1]), &t));
    c.add("index_add", "index", t.index_add(0, &Tensor::new([0, 2]), &t));
    c.add("masked_select", "shape", t.masked_select(&m(&[2])));
    c.add("masked_fill", "shape", t.masked_fill(&m(&[2]), 0.0));
    c.add("where_", "mask", m(&[2]).where_(&t, &t));
    c.add("where_", "values", m(&[3]).where_(&t, &f(&[4])));
    c.add("one_hot", "index", Tensor::new([0i64, -1]).one_hot::<f32>(3));
    c.add("one_hot", "too few classes", Tensor::new([0i64, 3, 7]).one_hot::<f32>(3));
    c.add("one_hot_axis", "axis", Tensor::new([0i64]).one_hot_axis::<f32>(3, 2));
    c.add("one_hot_axis", "index", Tensor::new([0i64, 3]).one_hot_axis::<f32>(3, 0));
    c.add("one_hot", "absurd", Tensor::new([0i64, 1]).one_hot::<f32>(usize::MAX));
    c.add("tril", "rank", f(&[3]).tril(0));
    c.add("triu", "rank", s.triu(0));

    // Arithmetic.
    let u = f(&[2]);
    c.add("try_add", "shape", t.try_add(&u));
    c.add("try_add", "shape without a hint", t.try_add(&f(&[4])));
    c.add("try_sub", "shape", u.try_sub(&t));
    c.add("try_mul", "shape", t.try_mul(&u));
    c.add("try_div", "shape", t.try_div(&u));
    c.add("try_div", "zero", i(&[2]).try_div(&i(&[2, 2])));
    c.add("try_rem", "shape", t.try_rem(&u));
    c.add("try_rem", "zero", i(&[2]).try_rem(&i(&[2, 2])));
    c.add("maximum", "shape", t.maximum(&u));
    c.add("remainder", "shape", t.remainder(&u));
    c.add("remainder", "zero", Tensor::new([1i64]).remainder(0));
    c.add("bitwise_and", "shape", i(&[2, 3]).bitwise_and(i(&[2])));
    c.add("bitwise_or", "shape", i(&[2, 3]).bitwise_or(i(&[2])));
    c.add("bitwise_xor", "shape", i(&[2, 3]).bitwise_xor(i(&[2])));
    c.add("bitwise_left_shift", "shape", i(&[2, 3]).bitwise_left_shift(i(&[2])));
    c.add("bitwise_right_shift", "shape", i(&[2, 3]).bitwise_right_shift(i(&[2])));
    c.add("pow", "of integers, shape", i(&[2, 3]).pow(i(&[2])));
    c.add("pow", "of integers, exponent", i(&[2]).pow(Tensor::new([1i64, -2])));
    c.add("minimum", "shape", t.minimum(&u));
    c.add("pow", "shape", t.pow(&u));
    c.add("atan2", "shape", t.atan2(&u));
    c.add("tanh_grad", "shape", t.tanh_grad(&u));
    c.add("sigmoid_grad", "shape", t.sigmoid_grad(&u));
    c.add("relu_grad", "shape", t.relu_grad(&u));
    c.add("square_grad", "shape", t.square_grad(&u));
    c.add("softplus_grad", "shape", t.softplus_grad(&u));
    c.add("log_sigmoid_grad", "shape", t.log_sigmoid_grad(&u));
    c.add("silu_grad", "shape", t.silu_grad(&u));
    c.add("gelu_grad", "shape", t.gelu_grad(&u));
    c.add("gelu_tanh_grad", "shape", t.gelu_tanh_grad(&u));
    c.add("mish_grad", "shape", t.mish_grad(&u));
    c.add("leaky_relu_grad", "shape", t.leaky_relu_grad(0.1, &u));
    c.add("hypot", "shape", t.hypot(&u));
    c.add("logaddexp", "shape", t.logaddexp(&u));
    c.add("exp_mul", "shape", t.exp_mul(&u));
    c.add("huber_error", "shape", t.huber_error(&u, 1.0));
    c.add("huber_error_grad", "shape", t.huber_error_grad(&u, 1.0, 1.0));
    c.add("squared_error", "shape", t.squared_error(&u));
    c.add("squared_error_grad", "shape", t.squared_error_grad(&u, 1.0));
    c.add("bce_error", "shape", t.bce_error(&u));
    c.add("bce_error_grad", "shape", t.bce_error_grad(&u, 1.0));
    c.add(
        "bce_with_logits_error",
        "shape",
        t.bce_with_logits_error(&u),
    );
    c.add(
        "bce_with_logits_error_grad",
        "shape",
        t.bce_with_logits_error_grad(&u, 1.0),
    );
    c.add("huber_error", "delta", t.huber_error(&t, 0.0));
    c.add(
        "huber_error_grad",
        "delta",
        t.huber_error_grad(&t, f64::NAN, 1.0),
    );
    c.add(
        "layer_norm",
        "epsilon",
        t.layer_norm(3, None, None, f64::NAN),
    );
    c.add("eq", "shape", t.eq(&u));
    c.add("ne", "shape", t.ne(&u));
    c.add("lt", "shape", t.lt(&u));
    c.add("le", "shape", t.le(&u));
    c.add("gt", "shape", t.gt(&u));
    c.add("ge", "shape", t.ge(&u));
    c.add("logical_and", "shape", m(&[2, 3]).logical_and(&m(&[2])));
    c.add("logical_or", "shape", m(&[2, 3]).logical_or(&m(&[2])));
    c.add("logical_xor", "shape", m(&[2, 3]).logical_xor(&m(&[2])));
    c.add("clamp", "nan", t.clamp(f64::NAN, 1.0));
    c.add("clamp", "order", t.clamp(1.0, 0.0));
    c.add("clamp", "of integers, order", i(&[2]).clamp(1, 0));
    c.add("clamp", "tensors", t.clamp(&u, 1.0));
    c.add("clamp_min", "nan", t.clamp_min(f32::NAN));
    c.add("clamp_max", "nan", t.clamp_max(f32::NAN));
    c.add("closeness", "shape", t.closeness(&u, Tolerance::default()));
    c.add("closeness", "rtol", t.closeness(&t, Tolerance::new(f64::NAN, 0.0)));
    c.add("allclose", "shape", f(&[3]).allclose(&t, Tolerance::default()));
    c.add("allclose", "atol", t.allclose(&t, Tolerance::new(0.0, -1.0)));

    // Reductions.
    macro_rules! reductions {
        ($($name:ident $keepdim:ident ($($arg:expr)?);)*) => {$(
            c.add(stringify!($name), "axis", t.$name(2 $(, $arg)?));
            c.add(stringify!($keepdim), "repeated", t.$keepdim([1, -1] $(, $arg)?));
        )*};
    }
    reductions! {
        sum sum_keepdim(); prod prod_keepdim(); max max_keepdim(); min min_keepdim();
        mean mean_keepdim(); var var_keepdim(1); std std_keepdim(1); norm norm_keepdim();
        logsumexp logsumexp_keepdim();
    }
    let none = f(&[2, 0]);
    c.add("max", "none", none.max(1));
    c.add("max_or", "axis", none.max_or(2, 0.0));
    c.add("min_or", "axis", none.min_or([0, 0], 0.0));
    c.add("max_keepdim", "none", none.max_keepdim([0, 1]));
    c.add("min", "none", none.min(1));
    c.add("min_keepdim", "none", none.min_keepdim(1));
    c.add("max_all", "none", none.max_all());
    c.add("min_all", "none", none.min_all());
    c.add("argmax", "axis", t.argmax(2));
    c.add("argmax", "none", none.argmax(1));
    c.add("argmax_keepdim", "axis", t.argmax_keepdim(-3));
    c.add("argmax_all", "none", none.argmax_all());
    c.add("argmin", "axis", t.argmin(2));
    c.add("argmin_keepdim", "axis", t.argmin_keepdim(-3));
    c.add("argmin_all", "none", none.argmin_all());
    c.add("any", "axis", m(&[2]).any(1));
    c.add("any_keepdim", "axis", m(&[2]).any_keepdim(1));
    c.add("all", "axis", m(&[2]).all(1));
    c.add("all_keepdim", "axis", m(&[2]).all_keepdim(1));
    c.add("norm_p", "axis", t.norm_p(1.0, 2));
    c.add("norm_p", "p", t.norm_p(0.0, 1));
    c.add("norm_p_keepdim", "axis", t.norm_p_keepdim(1.0, 2));
    c.add("norm_p_keepdim", "p", t.norm_p_keepdim(f64::NAN, 1));
    c.add("sum_to", "shape", t.sum_to([2]));

    // Along an axis.
    c.add("cumsum", "axis", t.cumsum(2));
    c.add("cumsum_with", "axis", t.cumsum_with(2, Scan::new()));
    c.add("cumprod_with", "axis", t.cumprod_with(2, Scan::new().reverse()));
    c.add("cumprod", "axis", s.cumprod(0));
    c.add("linear_scan", "axis", t.linear_scan(&t, 2));
    c.add("linear_scan", "shape", t.linear_scan(&u, 0));
    c.add("softmax", "axis", t.softmax(2));
    c.add("log_softmax", "axis", s.log_softmax(-1));
    c.add("softmax_grad", "axis", t.softmax_grad(&t, 2));
    c.add("softmax_grad", "shape", t.softmax_grad(&u, 1));
    c.add("log_softmax_grad", "axis", t.log_softmax_grad(&t, 2));
    c.add("log_softmax_grad", "shape", t.log_softmax_grad(&u, 1));
    c.add("sort", "axis", t.sort(2, false));
    c.add("argsort", "axis", t.argsort(2, false));
    c.add("topk", "axis", t.topk(1, 2, true));
    c.add("topk", "k", t.topk(4, 1, true));

    // Products.
    c.add("matmul", "of integers, scalar", i(&[2]).matmul(&i(&[])));
    c.add("matmul", "of integers, sizes", i(&[2, 3]).matmul(&i(&[2, 3])));
    c.add("matmul", "of integers, batch", i(&[2, 3, 4]).matmul(&i(&[5, 4, 3])));
    c.add("matmul", "scalar", t.matmul(&s));
    c.add("matmul", "rhs turned", t.matmul(&f(&[4, 3])));
    c.add("matmul", "lhs turned", f(&[3, 2]).matmul(&f(&[3, 4])));
    c.add("matmul", "swapped", f(&[2, 3]).matmul(&f(&[5, 2])));
    c.add("matmul", "row", f(&[2]).matmul(&f(&[3, 4])));
    c.add("matmul", "column", t.matmul(&f(&[2])));
    c.add("matmul", "sizes", f(&[64, 1568]).matmul(&f(&[6272, 10])));
    c.add("matmul", "batch", f(&[2, 3, 4]).matmul(&f(&[5, 4, 3])));
    c.add("dot", "rank", t.dot(&u));
    c.add("dot", "scalar", s.dot(&u));
    c.add("dot", "size", u.dot(&f(&[3])));
    c.add("outer", "rank", t.outer(&u));
    c.add("linear", "weight", t.linear(&u, None));
    c.add("linear", "scalar", s.linear(&t, None));
    c.add("linear", "turned", f(&[2, 2]).linear(&t, None));
    c.add("linear", "features", f(&[2, 5]).linear(&t, None));
    c.add("linear", "bias", t.linear(&t, Some(&f(&[3]))));
    c.add("linear", "bias rank", t.linear(&t, Some(&t)));

    c.add("linear_weight_grad", "scalar", s.linear_weight_grad(&t));
    c.add("linear_weight_grad", "rows", t.linear_weight_grad(&f(&[4, 5])));

    // Normalisation.
    c.add("layer_norm", "shape", t.layer_norm(7, None, None, 1e-5));
    c.add("layer_norm", "weight", t.layer_norm(3, Some(&u), None, 1e-5));
    c.add("layer_norm", "bias", t.layer_norm(3, None, Some(&u), 1e-5));
    let grad = t.layer_norm_grad(&f(&[2, 4]), 3, None, &u, &u);
    c.add("layer_norm_grad", "dy", grad);

    // Files. (Their paths and the bytes that they refuse are in `io.rs`.)
    let nowhere = "/no/such/folder/t.npy";
    c.add("load_npy", "path", AnyTensor::load_npy(nowhere));
    c.add("load_npy", "path, typed", Tensor::<f32>::load_npy(nowhere));
    c.add("save_npy", "path", t.save_npy(nowhere));
    c.add("from_npy", "magic", AnyTensor::from_npy(b"PK"));
    c.add("load_npz", "path", AnyTensor::load_npz(nowhere));
    c.add("from_npz", "magic", AnyTensor::from_npz(b"PK", 1));
    c.add("downcast", "type", AnyTensor::from(t.clone()).downcast::<i64>());
    c.add("load", "path", Safetensors::load(nowhere));
    c.add("from_bytes", "short", Safetensors::from_bytes(b"\x01"));
    let mut file = Safetensors::default();
    file.tensors.insert("__metadata__".into(), t.clone().into());
    c.add("to_bytes", "name", file.to_bytes());
    c.add("save", "name", file.save(nowhere));
    c.add("write_atomic", "path", write_atomic(nowhere, |_| Ok(())));
    c
}

#[test]
fn texts_are_as_committed() {
    let mut all = String::new();
    for (call, wrong, text) in cases().0 {
        let _ = writeln!(all, "## {call}, {wrong}\n{text}\n");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors.txt");
    if std::env::var_os("WENGERT_BLESS").is_some() {
        std::fs::write(&path, &all).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    for (got, want) in all.split("## ").zip(committed.split("## ")) {
        assert_eq!(got, want);
    }
    assert_eq!(all.len(), committed.len(), "cases were added or taken away");
}

#[test]
fn no_two_cases_have_one_name() {
    let mut seen = BTreeSet::new();
    for (call, wrong, _) in cases().0 {
        assert!(seen.insert((call, wrong)), "{call}, {wrong} stands twice");
    }
}

#[test]
fn texts_name_what_they_are_about() {
    for (call, wrong, text) in cases().0 {
        let file = ["npy", "npz", "load", "save", "write", "bytes"]
            .iter()
            .any(|w| call.contains(w));
        if file || wrong == "refused" {
            continue;
        }
        assert!(
            text.contains("\n  rule "),
            "{call}, {wrong}: no rule in\n{text}"
        );
        let makes = ["none", "ragged", "absurd"].contains(&wrong)
            || [
                "arange",
                "linspace",
                "normal",
                "uniform",
                "randint",
                "bernoulli",
                "from_vec",
                "from_slice",
            ]
            .contains(&call);
        let shaped = [" f32 [", " i64 [", " bool ["]
            .iter()
            .any(|s| text.contains(s));
        assert!(makes || shaped, "{call}, {wrong}: no operand in\n{text}");
    }
}

/// The names of the public functions in a source text that return `Result`, those that macros make
/// included.
fn fallible(source: &str) -> BTreeSet<String> {
    let code: String = source
        .lines()
        .take_while(|l| *l != "#[cfg(test)]")
        .filter(|l| !l.trim_start().starts_with("//") && !l.trim_start().starts_with("#["))
        .map(|l| format!("{l}\n"))
        .collect();
    let mut out = BTreeSet::new();
    for (at, _) in code.match_indices("pub fn ") {
        let rest = &code[at + "pub fn ".len()..];
        let Some(signature) = rest.split('{').next().and_then(|s| s.split(";\n").next()) else {
            continue;
        };
        let returns = signature.rsplit("->").next().unwrap_or("");
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || "_$".contains(*c))
            .collect();
        if !signature.contains("->")
            || !returns
                .trim_start()
                .trim_start_matches("crate::")
                .starts_with("Result<")
        {
            continue;
        }
        match name.strip_prefix('$') {
            None => _ = out.insert(name),
            Some(variable) => out.extend(made(&code, at, variable)),
        }
    }
    out
}

/// What the macro that surrounds `at` puts for a variable of its, in each of its uses.
fn made(code: &str, at: usize, variable: &str) -> Vec<String> {
    let start = code[..at]
        .rfind("macro_rules! ")
        .expect("a variable stands in a macro");
    let rest = &code[start + "macro_rules! ".len()..];
    let (name, body) = rest.split_once(" {").expect("a macro has a body");
    let pattern = body[..body.find("=>").expect("a macro has an arm")].trim();
    // A pattern is a head, taken once, and a list of items.
    let variables = |text: &str| -> Vec<String> {
        let parts = text
            .split('$')
            .skip(1)
            .filter(|p| !p.starts_with("doc") && !p.starts_with('('));
        parts
            .filter_map(|p| Some(p.split_once(':')?.0.to_string()))
            .collect()
    };
    let (head, item) = match pattern.find("$($(#").or_else(|| pattern.find("$($")) {
        Some(list) => pattern.split_at(list),
        None => (pattern, ""),
    };
    let place = |names: &[String]| names.iter().position(|n| n == variable);
    let (in_head, in_item) = (place(&variables(head)), place(&variables(item)));
    let mut out = Vec::new();
    for open in [format!("\n{name}! {{"), format!("\n{name}!(")] {
        for (at, _) in code.match_indices(&open) {
            let used = &code[at + open.len()..];
            let used = &used[..used
                .find(if open.ends_with('{') { "\n}" } else { ");" })
                .expect("a use ends")];
            let without_comment = |l: &str| match l.split_once("; // ") {
                Some((line, _)) => format!("{line};\n"),
                None => format!("{l}\n"),
            };
            let used: String = used.lines().map(without_comment).collect();
            let entries = entries(&used);
            let tokens = |entry: &str| tokens(entry);
            if let Some(k) = in_head {
                out.push(tokens(entries[0])[k].clone());
            }
            if let Some(k) = in_item {
                let first = usize::from(!head.replace(['(', '{'], "").trim().is_empty());
                let items = entries[first..]
                    .iter()
                    .map(|e| tokens(e))
                    .filter(|t| !t.is_empty());
                out.extend(items.map(|t| t[k].clone()));
            }
        }
    }
    assert!(!out.is_empty(), "{name}! makes no ${variable}");
    out
}

/// What semicolons part, but for those in texts.
fn entries(used: &str) -> Vec<&str> {
    let mut quoted = false;
    used.split(|c: char| {
        quoted ^= c == '"';
        c == ';' && !quoted
    })
    .collect()
}

/// Words and texts.
fn tokens(entry: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (i, part) in entry.split('"').enumerate() {
        match i % 2 {
            0 => out.extend(part.split_whitespace().map(str::to_string)),
            _ => out.push(part.to_string()),
        }
    }
    out
}

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn every_fallible_call_has_a_case() {
    let have: BTreeSet<&str> = cases().0.iter().map(|c| c.0).collect();
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let mut found = BTreeSet::new();
    for file in files {
        // Not the public API; the error's own constructors are no calls.
        if file.components().any(|c| {
            ["kernels", "memory", "error.rs"]
                .iter()
                .any(|n| c.as_os_str() == *n)
        }) {
            continue;
        }
        found.extend(fallible(&std::fs::read_to_string(&file).unwrap()));
    }
    // The reading of the source itself: plain functions and those of every kind of macro.
    for name in [
        "matmul",
        "sum_keepdim",
        "argmin_all",
        "any",
        "try_rem",
        "maximum",
        "relu_grad",
        "le",
        "logical_xor",
        "std",
    ] {
        assert!(
            found.contains(name),
            "the source was not read: no {name} in {found:?}"
        );
    }
    let missing: Vec<_> = found
        .iter()
        .filter(|n| !have.contains(n.as_str()))
        .collect();
    assert!(missing.is_empty(), "without a case: {missing:?}");
    let gone: Vec<_> = have.iter().filter(|n| !found.contains(**n)).collect();
    assert!(gone.is_empty(), "cases of what is no such call: {gone:?}");
}
