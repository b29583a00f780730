//! Every op on every layout gives what it gives on a contiguous copy: transposed, sliced, running
//! backwards, expanded, without axes, without elements.

use wengert_tensor::*;

fn values(shape: &[usize]) -> Tensor<f64> {
    let n: usize = shape.iter().product();
    // Both signs, ties, no two neighbours alike; small, so that integers come out of casts.
    let list = (0..n).map(|i| ((i * 37 + 11) % 19) as f64 / 4.0 - 2.0);
    Tensor::from_vec(list.collect(), shape).unwrap()
}

fn layouts() -> Vec<(&'static str, Tensor<f64>)> {
    let t = values;
    let big = t(&[4, 6, 5]);
    vec![
        ("scalar", Tensor::scalar(0.75)),
        (
            "scalar of a view",
            big.get(&[1, 2, 3])
                .map(|_| {
                    big.select(0, 1)
                        .unwrap()
                        .select(0, 2)
                        .unwrap()
                        .select(0, -1)
                        .unwrap()
                })
                .unwrap(),
        ),
        ("one", t(&[1])),
        ("vector", t(&[9])),
        ("backwards", t(&[9]).flip(0).unwrap()),
        (
            "every second",
            t(&[9]).slice(0, Slice::all().step(2)).unwrap(),
        ),
        (
            "every third from the end",
            t(&[90]).slice(0, Slice::all().step(-3)).unwrap(),
        ),
        ("matrix", t(&[3, 4])),
        ("long rows", t(&[3, 100])),
        ("transposed", t(&[4, 3]).t().unwrap()),
        ("long transposed", t(&[90, 70]).t().unwrap()),
        (
            "window",
            big.narrow(1, 2, 3).unwrap().narrow(2, 1, 2).unwrap(),
        ),
        ("permuted", big.permute([2, 0, 1]).unwrap()),
        (
            "both backwards",
            big.flip([0, 2]).unwrap().transpose(0, 1).unwrap(),
        ),
        ("expanded", t(&[3, 1]).expand([2, 3, 4]).unwrap()),
        (
            "expanded scalar",
            Tensor::scalar(-1.5).expand([3, 2]).unwrap(),
        ),
        ("unfolded", t(&[7]).unfold(0, 3, 2).unwrap()),
        ("diagonal", big.diagonal(1, 1, 2).unwrap()),
        ("empty", t(&[0])),
        ("empty between", t(&[2, 0, 3])),
        (
            "empty view",
            big.narrow(1, 3, 0).unwrap().transpose(0, 2).unwrap(),
        ),
        (
            "seven axes",
            t(&[2, 1, 2, 2, 1, 3, 2]).transpose(0, 5).unwrap(),
        ),
    ]
}

/// What an op gives, to be compared: shapes and values.
type Answer = std::result::Result<Vec<(Vec<usize>, Vec<f64>)>, String>;

trait Show {
    fn show(&self) -> Vec<(Vec<usize>, Vec<f64>)>;
}
macro_rules! show {
    ($($t:ident |$v:ident| $bits:expr;)*) => {$(
        impl Show for Tensor<$t> {
            fn show(&self) -> Vec<(Vec<usize>, Vec<f64>)> {
                vec![(self.shape().to_vec(), self.iter().map(|$v| $bits).collect())]
            }
        }
    )*};
}
show! {
    f64 |v| v; f32 |v| f64::from(v); i64 |v| v as f64; i32 |v| f64::from(v); u8 |v| f64::from(v); bool |v| f64::from(u8::from(v));
}
impl<A: Show, B: Show> Show for (A, B) {
    fn show(&self) -> Vec<(Vec<usize>, Vec<f64>)> {
        [self.0.show(), self.1.show()].concat()
    }
}
impl<A: Show> Show for Vec<A> {
    fn show(&self) -> Vec<(Vec<usize>, Vec<f64>)> {
        self.iter().flat_map(Show::show).collect()
    }
}

/// The message without its line.
fn answer<A: Show>(r: Result<A>) -> Answer {
    r.map(|a| a.show()).map_err(|e| {
        let text = e.to_string();
        text.lines()
            .filter(|l| !l.trim_start().starts_with("at "))
            .collect()
    })
}

/// The same but for rounding: in which order a sum is taken depends on the layout.
fn same(a: &Answer, b: &Answer) -> bool {
    let (a, b) = match (a, b) {
        (Ok(a), Ok(b)) => (a, b),
        _ => return a == b,
    };
    let near = |a: f64, b: f64| {
        a.to_bits() == b.to_bits()
            || (a.is_nan() && b.is_nan())
            || (a - b).abs() <= 1e-13 * b.abs() + 1e-14
    };
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            a.0 == b.0 && a.1.len() == b.1.len() && a.1.iter().zip(&b.1).all(|(a, b)| near(*a, *b))
        })
}

type Op = Box<dyn Fn(&Tensor<f64>) -> Answer>;

/// Ops of one tensor; what else they need is made from it, with the same layout where it can have one.
fn ops() -> Vec<(&'static str, Op)> {
    let mut out: Vec<(&'static str, Op)> = Vec::new();
    macro_rules! op {
        ($($name:literal |$x:ident| $body:expr;)*) => {$(
            out.push(($name, Box::new(|x: &Tensor<f64>| {
                let op = |$x: &Tensor<f64>| -> Result<_> { $body };
                answer(op(x))
            })));
        )*};
    }
    macro_rules! total {
        ($($name:ident)*) => {$(out.push((stringify!($name), Box::new(|x: &Tensor<f64>| answer(Ok(x.$name())))));)*};
    }
    total! {
        neg abs sign square relu sqrt rsqrt recip floor ceil round trunc exp exp2 exp_m1 ln ln_1p log2 log10
        sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid softplus log_sigmoid erf gelu
        gelu_tanh silu is_nan is_inf is_finite squeeze_all copied contiguous zeros_like ones_like
        sum_all prod_all mean_all norm_all logsumexp_all
    }
    macro_rules! along {
        ($($name:ident($($arg:expr),*);)*) => {$(
            for axis in [0isize, -1] {
                out.push((stringify!($name), Box::new(move |x: &Tensor<f64>| answer(x.$name(axis $(, $arg)*)))));
            }
        )*};
    }
    along! {
        sum(); prod(); max(); min(); mean(); var(1); std(0); norm(); logsumexp(); argmax(); argmin();
        sum_keepdim(); prod_keepdim(); max_keepdim(); min_keepdim(); mean_keepdim(); var_keepdim(0);
        std_keepdim(1); norm_keepdim(); logsumexp_keepdim(); argmax_keepdim(); argmin_keepdim();
        cumsum(); cumprod(); softmax(); log_softmax(); sort(true); argsort(false); unsqueeze(); squeeze();
        unbind(); flip(); slice(1..); narrow(0, 1); select(-1); unfold(2, 1);
    }
    op! {
        "leaky_relu" |x| Ok(x.leaky_relu(0.1));
        "elu" |x| Ok(x.elu(0.5));
        "affine" |x| Ok(x.affine(2.0, -1.0));
        "into_affine" |x| Ok(x.clone().into_affine(2.0, -1.0));
        "clamp" |x| x.clamp(-1.0, 1.0);
        "powf" |x| Ok(x.powf(3.0));
        "cast f32" |x| Ok(x.cast::<f32>());
        "cast i64" |x| Ok(x.cast::<i64>());
        "cast i32" |x| Ok(x.cast::<i32>());
        "cast u8" |x| Ok(x.cast::<u8>());
        "cast bool" |x| Ok(x.cast::<bool>());
        "integers" |x| Ok(&x.cast::<i64>() * &x.cast::<i64>() - 3);
        "add" |x| x.try_add(&x.affine(1.0, 2.0));
        "sub a scalar" |x| Ok(x - 1.5);
        "a scalar div" |x| Ok(1.5 / x);
        "by value" |x| Ok(x.clone() * x + x.clone());
        "rem" |x| Ok(x % 0.75);
        "broadcast" |x| x.try_mul(&Tensor::new([2.0]));
        "broadcast up" |x| x.unsqueeze(0)?.try_add(&Tensor::new([1.0, 2.0]).reshape(vec![2].into_iter().chain(std::iter::repeat_n(1, x.rank())).collect::<Vec<_>>())?);
        "broadcast with itself" |x| x.unsqueeze(0)?.try_sub(&x.unsqueeze(1.min(x.rank() as isize))?);
        "maximum" |x| x.maximum(&x.neg());
        "minimum" |x| x.minimum(&Tensor::scalar(0.0));
        "pow" |x| x.abs().pow(x);
        "atan2" |x| x.atan2(&x.flip(0)?);
        "hypot" |x| x.hypot(&x.flip(0)?);
        "logaddexp" |x| x.logaddexp(&x.flip(0)?);
        "exp_mul" |x| x.exp_mul(&Tensor::scalar(0.5));
        "slopes" |x| Ok((x.silu_grad(x)?, (x.gelu_grad(x)?, x.mish_grad(x)?)));
        "bce with logits" |x| x.bce_with_logits_error(&Tensor::scalar(0.25));
        "huber" |x| x.huber_error(&Tensor::scalar(0.25), 1.0);
        "grads" |x| Ok((x.tanh_grad(x)?, (x.sigmoid_grad(x)?, x.relu_grad(x)?)));
        "eq" |x| x.eq(&x.abs());
        "lt" |x| Ok(x.lt_scalar(0.0));
        "masks" |x| Ok(!(x.lt_scalar(0.0) & x.gt_scalar(-1.0)) | &x.eq_scalar(0.25));
        "xor" |x| Ok(x.lt_scalar(0.0) ^ x.gt_scalar(-1.0));
        "nonzero" |x| Ok(x.gt_scalar(0.0).nonzero());
        "count_nonzero" |x| Ok(Tensor::scalar(x.gt_scalar(0.0).count_nonzero() as i64));
        "any" |x| x.gt_scalar(0.0).any(0);
        "all" |x| x.gt_scalar(0.0).all_keepdim(-1);
        "where_" |x| x.gt_scalar(0.0).where_(x, &x.neg());
        "masked_fill" |x| x.masked_fill(&x.gt_scalar(0.0), 9.0);
        "masked_select" |x| x.masked_select(&x.gt_scalar(0.0));
        "max_all" |x| x.max_all();
        "min_all" |x| x.min_all();
        "argmax_all" |x| x.argmax_all();
        "argmin_all" |x| x.argmin_all();
        "var_all" |x| Ok((x.var_all(1), x.std_all(0)));
        "sum over the outer" |x| x.sum([0, -1]);
        "sum over none" |x| x.sum([]);
        "norm_p" |x| Ok((x.norm_p(3.0, 0)?, x.norm_p(1.0, -1)?));
        "sum_to" |x| x.sum_to(vec![1; x.rank()]);
        "linear_scan" |x| x.linear_scan(&x.neg(), 0);
        "topk" |x| x.topk(1, -1, true);
        "transpose" |x| x.transpose(0, -1);
        "permute" |x| x.permute((0..x.rank() as isize).rev().collect::<Vec<_>>());
        "movedim" |x| x.movedim(0, -1);
        "expand" |x| x.unsqueeze(0)?.expand([&[3], x.shape().as_slice()].concat());
        "reshape" |x| x.reshape(x.len());
        "flatten" |x| x.flatten(0, -1);
        "steps" |x| x.slice(0, Slice::all().step(-2));
        "diagonal" |x| x.diagonal(-1, 0, 1);
        "cat" |x| Tensor::cat(&[x, &x.neg(), x], -1);
        "stack" |x| Tensor::stack(&[x, &x.neg()], 0);
        "split" |x| x.split(2, 0);
        "split_sizes" |x| x.split_sizes(&[x.shape().first().copied().unwrap_or(0)], 0);
        "chunk" |x| x.chunk(2, -1);
        "repeat" |x| x.repeat([&[2][..], &vec![2; x.rank()]].concat());
        "roll" |x| x.roll(-2, 0);
        "tril" |x| x.tril(0);
        "triu" |x| x.triu(1);
        "index_select" |x| x.index_select(0, &Tensor::new([0, -1, 0]));
        "index_add" |x| x.index_add(0, &Tensor::arange(0, x.shape().first().copied().unwrap_or(0) as i64, 1)?, x);
        "gather" |x| x.gather(0, &Tensor::scalar(0i64).expand(x.shape())?);
        "scatter_add" |x| x.scatter_add(0, &Tensor::scalar(0i64).expand(x.shape())?, x);
        "one_hot" |x| x.abs().cast::<i64>().one_hot::<f32>(3);
        "copy_from" |x| { let mut y = x.neg(); y.copy_from(x)?; Ok(y) };
        "embed" |x| Tensor::embed(x.shape(), &x.flip(0)?, |z| z.flip(0));
        "matmul" |x| x.matmul(&x.transpose(-1, -2)?);
        "matmul by a vector" |x| x.matmul(&values(&[x.shape().last().copied().unwrap_or(1)]));
        "dot" |x| x.dot(x);
        "outer" |x| x.outer(x);
        "linear" |x| x.linear(&values(&[3, x.shape().last().copied().unwrap_or(1)]), None);
        "softmax_grad" |x| Ok((x.softmax_grad(x, 0)?, x.log_softmax_grad(x, -1)?));
        "closeness" |x| Ok(Tensor::scalar(x.closeness(&x.abs(), Tolerance::default())?.mismatches as i64));
        "equality" |x| Ok(Tensor::scalar(*x == x.copied()));
        "files" |x| AnyTensor::from_npy(&AnyTensor::from(x).to_npy())?.downcast::<f64>();
    }
    out
}

#[test]
fn every_op_on_every_layout_as_on_a_copy() {
    let mut worked = std::collections::BTreeMap::new();
    for (layout, t) in layouts() {
        let copy = t.copied();
        assert!(copy.is_contiguous());
        for (name, op) in ops() {
            let got = op(&t);
            let want = op(&copy);
            assert!(
                same(&got, &want),
                "{name} on {layout}, shape {}: {got:?} instead of {want:?}",
                t.shape()
            );
            *worked.entry(name).or_insert(0) += usize::from(got.is_ok());
        }
    }
    // An op that fails everywhere has been shown nothing.
    for (name, times) in worked {
        assert!(times >= 3, "{name} worked on {times} layouts");
    }
}

#[test]
fn text_does_not_depend_on_the_layout() {
    for (layout, t) in layouts() {
        assert_eq!(t.to_string(), t.copied().to_string(), "{layout}");
        let head = format!("Tensor f64 {} strides {}", t.shape(), t.strides());
        assert!(format!("{t:?}").starts_with(&head), "{layout}: {t:?}");
    }
}

#[test]
fn assignment_works_in_place_and_keeps_the_value_on_failure() {
    let mut a = Tensor::new([[1.0f32, 2.0], [3.0, 4.0]]);
    let at = a.as_slice().unwrap().as_ptr();
    a += &Tensor::new([10.0, 20.0]);
    a -= Tensor::new([[1.0], [2.0]]);
    a *= 2.0;
    a /= Tensor::scalar(4.0);
    assert_eq!(a.to_vec(), [5.0, 10.5, 5.5, 11.0]);
    assert_eq!(a.as_slice().unwrap().as_ptr(), at, "a copy was made");
    for bad in [Tensor::zeros([3]), Tensor::zeros([2, 2, 2])] {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| a += &bad));
        let text = *caught.unwrap_err().downcast::<String>().unwrap();
        assert!(
            text.starts_with("add_assign: the result does not fit into lhs"),
            "{text}"
        );
        assert_eq!(
            a.to_vec(),
            [5.0, 10.5, 5.5, 11.0],
            "the failed assignment lost the tensor"
        );
    }
    let mut n = Tensor::new([7i64, -7]);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| n /= 0));
    assert!(caught.is_err());
    assert_eq!(n.to_vec(), [7, -7]);
    n %= 4;
    assert_eq!(n.to_vec(), [3, -3]);
}

#[test]
fn closeness_names_the_worst_element() {
    let a = Tensor::new([[1.0f64, 2.0], [3.0, 4.0]]);
    let b = Tensor::new([[1.0, 2.2], [3.0, 5.0]]);
    let tolerance = Tolerance::new(0.0, 0.1);
    let found = a.closeness(&b, tolerance).unwrap();
    assert_eq!((found.elements, found.mismatches), (4, 2));
    assert_eq!(found.worst.as_ref().unwrap().index, [1, 1]);
    assert_eq!(
        found.to_string(),
        "2 of 4 elements differ; the worst at [1, 1]: 4, expected 5 (they differ by 1, allowed is 0.1)"
    );
    let turned = a
        .t()
        .unwrap()
        .closeness(&b.t().unwrap(), tolerance)
        .unwrap();
    assert_eq!(turned.mismatches, 2);
    assert_eq!(
        a.closeness(&a, tolerance).unwrap().to_string(),
        "all of 4 elements are close"
    );

    let inf = f64::INFINITY;
    let x = Tensor::new([inf, -inf, f64::NAN, 1.0]);
    assert_eq!(x.closeness(&x, Tolerance::default()).unwrap().mismatches, 1);
    assert!(
        x.allclose(&x, Tolerance::default().equal_nan(true))
            .unwrap()
    );
    let y = Tensor::new([-inf, 1.0, 1.0, f64::NAN]);
    let all = Tolerance::new(inf, inf).equal_nan(true);
    assert_eq!(x.closeness(&y, all).unwrap().mismatches, 4);
    // Integers beyond 2^53 differ by less than f64 can tell.
    let big = Tensor::new([(1i64 << 60) + 1, 3]);
    let near = Tensor::new([1i64 << 60, 3]);
    assert_eq!(
        big.closeness(&near, Tolerance::new(0.0, 0.0))
            .unwrap()
            .mismatches,
        1
    );
    assert_eq!(
        big.closeness(&near, Tolerance::new(0.0, 1.0))
            .unwrap()
            .mismatches,
        0
    );
    let n = Tensor::new([1i64, 5])
        .closeness(&Tensor::new([1, 7]), Tolerance::default())
        .unwrap();
    assert_eq!(n.worst.unwrap().index, [1]);
    assert!(
        Tensor::<f32>::zeros([0])
            .allclose(&Tensor::zeros([0]), Tolerance::default())
            .unwrap()
    );
}

#[test]
fn ranges_are_exact() {
    let big = 1i64 << 60;
    let t = Tensor::arange(big, big + 3, 1).unwrap();
    assert_eq!(t.to_vec(), [big, big + 1, big + 2]);
    assert_eq!(Tensor::arange(5i64, -1, -2).unwrap().to_vec(), [5, 3, 1]);
    assert_eq!(
        Tensor::arange(250u8, 255, 2).unwrap().to_vec(),
        [250, 252, 254]
    );
    assert_eq!(
        Tensor::arange(i32::MAX - 1, i32::MAX, 1).unwrap().to_vec(),
        [i32::MAX - 1]
    );
    assert_eq!(Tensor::arange(1.0f32, 1.0, -3.0).unwrap().len(), 0);
    assert_eq!(Tensor::arange(0.0f64, 1.0, 0.3).unwrap().len(), 4);
    let t = Tensor::linspace(f64::MIN, f64::MAX, 3).unwrap();
    assert_eq!(t.to_vec(), [f64::MIN, 0.0, f64::MAX]);
    assert_eq!(
        Tensor::linspace(f64::MIN, f64::MAX, 2).unwrap().to_vec(),
        [f64::MIN, f64::MAX]
    );
    assert_eq!(Tensor::linspace(3.0f32, 4.0, 1).unwrap().to_vec(), [3.0]);
    assert_eq!(Tensor::linspace(3.0f32, 4.0, 0).unwrap().len(), 0);
}
