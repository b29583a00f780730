//! What a program may do: every op with how to choose its attributes, how far its arguments are from
//! where differences cannot tell the derivative, and the call. A function of one element that is defined
//! on the whole line needs no line here: its samples say all.
//!
//! Invariant: `plan` says `None` where the call would be an error, so an error of a planned call is a
//! failure.

use std::sync::LazyLock;

use wengert_autograd::ops::OPS;
use wengert_autograd::ops::info::{OpInfo, Sample};
use wengert_autograd::{ClassLoss, Reduction, Result, Var};
use wengert_tensor::{Float, Rng, ScatterReduce, Slice, Tensor};

pub type Call<T> = Box<dyn Fn(&[Var<T>], &[isize]) -> Result<Var<T>> + Send + Sync>;

pub struct Op {
    pub name: &'static str,
    pub arity: usize,
    /// Attributes for arguments of these shapes.
    pub plan: fn(&[&[usize]], &mut Digits) -> Option<Vec<isize>>,
    /// The distance to the nearest tie, kink or end of the domain.
    pub clear: Box<dyn Fn(&[&Tensor<f64>]) -> f64 + Send + Sync>,
    pub call: Call<f64>,
    pub call_f32: Call<f32>,
}

/// A number read digit by digit, each in the base that a choice has: shrinks towards first choices.
pub struct Digits(pub u64);
impl Digits {
    pub fn below(&mut self, n: usize) -> usize {
        let digit = self.0 % n.max(1) as u64;
        self.0 /= n.max(1) as u64;
        digit as usize
    }
    fn signed(&mut self, n: usize) -> isize {
        self.below(n) as isize
    }
}

// Distances.

fn smooth(_: &[&Tensor<f64>]) -> f64 {
    f64::INFINITY
}
fn least(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(f64::INFINITY, f64::min)
}
fn from_zero(x: &[&Tensor<f64>]) -> f64 {
    least(x[0].to_vec().iter().map(|v| v.abs()))
}
fn from_halves(x: &[&Tensor<f64>]) -> f64 {
    least(
        x[0].to_vec()
            .iter()
            .map(|v| (2.0 * v - (2.0 * v).round()).abs() / 2.0),
    )
}
fn above(x: &Tensor<f64>, low: f64) -> f64 {
    least(x.to_vec().iter().map(|v| v - low))
}
fn positive(x: &[&Tensor<f64>]) -> f64 {
    above(x[0], 0.2)
}
/// The least distance of two elements.
fn apart(x: &[&Tensor<f64>]) -> f64 {
    let mut v = x[0].to_vec();
    v.sort_by(f64::total_cmp);
    least(v.windows(2).map(|w| w[1] - w[0]))
}
/// The least distance of elements that meet in a broadcast from `offset` on either side.
fn meeting(x: &[&Tensor<f64>], offset: f64) -> f64 {
    let d = x[0].try_sub(x[1]).map(|d| d.to_vec()).unwrap_or_default();
    least(d.iter().map(|v| (v.abs() - offset).abs()))
}
/// The least sum of squares of elements that meet, above 0.1.
fn off_origin(x: &[&Tensor<f64>]) -> f64 {
    let sum = x[0].square().try_add(&x[1].square());
    sum.map(|s| above(&s, 0.1)).unwrap_or(0.0)
}
/// The least spread along any one axis: sums of squares over more axes are larger.
fn norms(x: &[&Tensor<f64>]) -> f64 {
    from_zero(x) - 0.1
}
fn spreads(x: &[&Tensor<f64>]) -> f64 {
    // No two elements are close, so no variance is small, however they are grouped.
    (apart(x) - 0.05) * 10.0
}

// Plans.

fn plain(_: &[&[usize]], _: &mut Digits) -> Option<Vec<isize>> {
    Some(vec![])
}
fn broadcasts(a: &[usize], b: &[usize]) -> bool {
    let pairs = a.iter().rev().zip(b.iter().rev());
    pairs.into_iter().all(|(x, y)| x == y || *x == 1 || *y == 1)
}
fn meets(s: &[&[usize]], _: &mut Digits) -> Option<Vec<isize>> {
    broadcasts(s[0], s[1]).then(Vec::new)
}
fn seeded_meets(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    broadcasts(s[0], s[1]).then(|| vec![d.signed(5)])
}
fn same(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    (s[0] == s[1]).then(|| vec![d.signed(3)])
}
fn axis_of(rank: usize, d: &mut Digits) -> Option<isize> {
    // From the end as well.
    (rank > 0).then(|| d.signed(2 * rank) - if rank == 0 { 0 } else { rank as isize })
}
fn size(s: &[usize], axis: isize) -> usize {
    s[axis.rem_euclid(s.len() as isize) as usize]
}
fn axis(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    Some(vec![axis_of(s[0].len(), d)?])
}
/// Whether axes are kept, then some axes.
fn axes(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let mut p = vec![d.signed(2)];
    p.extend((0..s[0].len() as isize).filter(|_| d.below(2) == 1));
    Some(p)
}
fn full_axes(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    axes(s, d).filter(|_| !s[0].contains(&0))
}
/// As [`axes`], of at least two elements.
fn wide_axes(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    full_axes(s, d).filter(|p| p[1..].iter().map(|&a| s[0][a as usize]).product::<usize>() > 1)
}
fn last_axis(s: &[&[usize]], _: &mut Digits) -> Option<Vec<isize>> {
    let n = *s[0].last()?;
    (n > 1 && s[1] == [n]).then(|| vec![n as isize])
}
fn reshaped(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let n: usize = s[0].iter().product();
    let mut to: Vec<usize> = s[0].to_vec();
    match d.below(4) {
        0 => to = vec![n],
        1 => to.reverse(),
        2 => to = vec![n, 1],
        _ => match to.iter().position(|&k| k > 1 && k % 2 == 0) {
            Some(a) => {
                to[a] /= 2;
                to.insert(a, 2);
            }
            None => to.insert(0, 1),
        },
    }
    Some(to.into_iter().map(|k| k as isize).collect())
}
fn permuted(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let mut left: Vec<isize> = (0..s[0].len() as isize).collect();
    Some(
        (0..left.len())
            .map(|_| left.remove(d.below(left.len())))
            .collect(),
    )
}
fn larger(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let mut to: Vec<isize> = (0..d.below(3)).map(|_| 1 + d.signed(2)).collect();
    to.extend(
        s[0].iter()
            .map(|&k| if k == 1 { 1 + d.signed(3) } else { k as isize }),
    );
    Some(to)
}
/// A shape that broadcasts to this one.
fn smaller(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let skip = d.below(s[0].len() + 1);
    Some(
        s[0][skip..]
            .iter()
            .map(|&k| if d.below(2) == 1 { 1 } else { k as isize })
            .collect(),
    )
}
fn range(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let a = axis_of(s[0].len(), d)?;
    let n = size(s[0], a);
    let start = d.below(n + 1);
    Some(vec![a, start as isize, d.signed(n - start + 1)])
}
fn one_index(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let a = axis_of(s[0].len(), d)?;
    let n = size(s[0], a);
    (n > 0).then(|| vec![a, d.signed(2 * n) - n as isize])
}
fn stepped(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let a = axis_of(s[0].len(), d)?;
    Some(vec![a, d.signed(3), [-1, 1, -2, 2][d.below(4)]])
}
fn some_axes(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    Some(
        (0..s[0].len() as isize)
            .filter(|_| d.below(2) == 1)
            .collect(),
    )
}
fn two_axes(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let n = s[0].len();
    let a = d.below(n);
    (n > 1).then(|| {
        vec![
            d.signed(2),
            a as isize,
            ((a + 1 + d.below(n - 1)) % n) as isize,
        ]
    })
}
fn folded(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let a = axis_of(s[0].len(), d)?;
    let n = size(s[0], a);
    (n > 0).then(|| vec![a, 1 + d.signed(n), 1 + d.signed(2)])
}
/// An axis along which the two can be joined.
fn joined(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let a = axis_of(s[0].len(), d)?;
    let at = a.rem_euclid(s[0].len() as isize) as usize;
    let fits = s[0].len() == s[1].len() && (0..s[0].len()).all(|i| i == at || s[0][i] == s[1][i]);
    fits.then(|| vec![a])
}
fn stacked(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    (s[0] == s[1]).then(|| vec![d.signed(s[0].len() + 1)])
}
fn part(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let a = axis_of(s[0].len(), d)?;
    let n = size(s[0], a);
    (n > 0).then(|| {
        let width = 1 + d.below(n);
        vec![a, width as isize, d.signed(n.div_ceil(width))]
    })
}
fn counts(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    Some(s[0].iter().map(|_| 1 + d.signed(2)).collect())
}
fn shifted(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let a = axis_of(s[0].len(), d)?;
    Some(vec![d.signed(5) - 2, a])
}
/// An axis, and some of its indices (with repeats).
fn indices(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let a = axis_of(s[0].len(), d)?;
    let n = size(s[0], a);
    let mut p = vec![a];
    p.extend((0..1 + d.below(3)).map(|_| d.signed(n)));
    (n > 0).then_some(p)
}
fn same_and_axis(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    if s[0] != s[1] {
        return None;
    }
    Some(vec![axis_of(s[0].len(), d)?, d.signed(7)])
}
fn axis_seeded(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let mut p = axis(s, d)?;
    p.push(d.signed(7));
    Some(p)
}
fn seeded(_: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    Some(vec![d.signed(7)])
}
fn offset(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    (s[0].len() > 1).then(|| vec![d.signed(3) - 1])
}
fn some_of(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let a = axis_of(s[0].len(), d)?;
    Some(vec![a, d.signed(size(s[0], a) + 1), d.signed(2)])
}
fn multiplies(a: &[usize], b: &[usize]) -> bool {
    let inner = if b.len() > 1 { b[b.len() - 2] } else { b[0] };
    let batch = |s: &[usize]| s[..s.len().saturating_sub(2)].to_vec();
    a[a.len() - 1] == inner && broadcasts(&batch(a), &batch(b))
}
fn product(s: &[&[usize]], _: &mut Digits) -> Option<Vec<isize>> {
    (!s[0].is_empty() && !s[1].is_empty() && multiplies(s[0], s[1])).then(Vec::new)
}
fn product_t(s: &[&[usize]], _: &mut Digits) -> Option<Vec<isize>> {
    if s[0].is_empty() || s[1].len() < 2 {
        return None;
    }
    let mut b = s[1].to_vec();
    let n = b.len();
    b.swap(n - 1, n - 2);
    multiplies(s[0], &b).then(Vec::new)
}
fn layer(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    let fits = !s[0].is_empty() && s[1].len() == 2 && s[0].last() == s[1].last() && s[1][1] > 0;
    fits.then(|| vec![d.signed(2)])
}
fn vectors(s: &[&[usize]], _: &mut Digits) -> Option<Vec<isize>> {
    (s[0].len() == 1 && s[1].len() == 1).then(Vec::new)
}
fn same_vectors(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    vectors(s, d).filter(|_| s[0] == s[1])
}
fn scores(s: &[&[usize]], d: &mut Digits) -> Option<Vec<isize>> {
    (s[0].len() == 2 && s[0][1] > 0).then(|| vec![d.signed(7), d.signed(3)])
}

// What attributes mean.

fn sizes(p: &[isize]) -> Vec<usize> {
    p.iter().map(|&k| k as usize).collect()
}
/// Indices below `n`, without a pattern that an axis would hide.
fn some_indices(shape: &[usize], n: usize, seed: isize) -> Tensor<i64> {
    let len: usize = shape.iter().product();
    let index = (0..len).map(|i| ((i * 7 + i / 3 + seed as usize) % n.max(1)) as i64);
    Tensor::from_vec(index.collect(), shape).unwrap()
}
fn some_mask(shape: &[usize], seed: isize) -> Tensor<bool> {
    some_indices(shape, 3, seed).gt_scalar(0)
}
fn reduction(p: isize) -> Reduction {
    [Reduction::Mean, Reduction::Sum, Reduction::None][p as usize]
}

macro_rules! ops {
    ($($name:literal $arity:literal $plan:ident $clear:expr, |$v:ident, $p:ident| $call:expr;)*) => {
        fn lines() -> Vec<Op> {
            vec![$({
                fn call<T: Float>($v: &[Var<T>], $p: &[isize]) -> Result<Var<T>> {
                    $call
                }
                let clear: fn(&[&Tensor<f64>]) -> f64 = $clear;
                Op {
                    name: $name,
                    arity: $arity,
                    plan: $plan,
                    clear: Box::new(clear),
                    call: Box::new(call::<f64>),
                    call_f32: Box::new(call::<f32>),
                }
            }),*]
        }
    };
}

/// Every op that a program may use, in the list's order.
pub static TABLE: LazyLock<Vec<Op>> = LazyLock::new(|| {
    let (mut lines, mut all) = (lines(), Vec::new());
    for info in OPS {
        let (own, others): (Vec<Op>, Vec<Op>) =
            lines.into_iter().partition(|o| o.name == info.name);
        lines = others;
        if own.is_empty() {
            all.push(plain_unary(info));
        }
        all.extend(own);
    }
    let unknown: Vec<&str> = lines.iter().map(|o| o.name).collect();
    assert!(unknown.is_empty(), "not in the list: {unknown:?}");
    all
});

/// An op from its samples: the call is that of one on a single input, element by element; the kinks are
/// where samples state the gradient.
fn plain_unary(info: &OpInfo) -> Op {
    let samples = (info.samples)();
    let ties = samples.iter().filter(|s| s.expected.is_some());
    let kinks: Vec<f64> = ties.flat_map(|s| s.inputs[0].to_vec()).collect();
    let single = |s: &Sample| s.elementwise && s.inputs.len() == 1;
    let Some(sample) = samples.into_iter().find(single) else {
        panic!("{} has no plan: give it a line in the table", info.name);
    };
    let line = Var::from(&Tensor::linspace(-8.0, 8.0, 65).unwrap());
    let values = (sample.call)(&[line]).unwrap().to_vec();
    assert!(
        values.iter().all(|v| v.is_finite()),
        "{} is not defined on the whole line: give it a line in the table",
        info.name
    );
    let (call, call_f32) = (sample.call, sample.call_f32);
    Op {
        name: info.name,
        arity: 1,
        plan: plain,
        clear: Box::new(move |x| {
            let x = x[0].to_vec();
            least(
                kinks
                    .iter()
                    .flat_map(|k| x.iter().map(move |v| (v - k).abs())),
            )
        }),
        call: Box::new(move |v, _| call(v)),
        call_f32: Box::new(move |v, _| call_f32(v)),
    }
}

/// Over the axes of the attributes, kept or not.
macro_rules! reduced {
    ($v:ident $p:ident $name:ident $keep:ident $(, $arg:expr)?) => {
        if $p[0] == 1 { $v[0].$keep(&$p[1..] $(, $arg)?) } else { $v[0].$name(&$p[1..] $(, $arg)?) }
    };
}

ops! {
    "sqrt" 1 plain positive, |v, _p| Ok(v[0].sqrt());
    "rsqrt" 1 plain positive, |v, _p| Ok(v[0].rsqrt());
    "recip" 1 plain |x| from_zero(x) - 0.3, |v, _p| Ok(v[0].recip());
    "ln" 1 plain positive, |v, _p| Ok(v[0].ln());
    "ln_1p" 1 plain |x| above(x[0], -0.8), |v, _p| Ok(v[0].ln_1p());
    "log2" 1 plain positive, |v, _p| Ok(v[0].log2());
    "log10" 1 plain positive, |v, _p| Ok(v[0].log10());
    "sign" 1 plain from_zero, |v, _p| Ok(v[0].sign());
    "floor" 1 plain from_halves, |v, _p| Ok(v[0].floor());
    "ceil" 1 plain from_halves, |v, _p| Ok(v[0].ceil());
    "round" 1 plain from_halves, |v, _p| Ok(v[0].round());
    "trunc" 1 plain from_halves, |v, _p| Ok(v[0].trunc());
    "powf" 1 plain positive, |v, _p| Ok(v[0].powf(1.5));
    "clamp" 1 plain |x| least(x[0].to_vec().iter().map(|v| (v + 0.5).abs().min((v - 1.0).abs()))),
        |v, _p| v[0].clamp(-0.5, 1.0);
    "tan" 1 plain |x| from_zero(&[&x[0].cos()]) - 0.4, |v, _p| Ok(v[0].tan());
    "asin" 1 plain |x| above(&x[0].abs().neg(), -0.9), |v, _p| Ok(v[0].asin());
    "acos" 1 plain |x| above(&x[0].abs().neg(), -0.9), |v, _p| Ok(v[0].acos());
    "acosh" 1 plain |x| above(x[0], 1.2), |v, _p| Ok(v[0].acosh());
    "atanh" 1 plain |x| above(&x[0].abs().neg(), -0.9), |v, _p| Ok(v[0].atanh());
    "add" 2 meets smooth, |v, _p| v[0].try_add(&v[1]);
    "sub" 2 meets smooth, |v, _p| v[0].try_sub(&v[1]);
    "mul" 2 meets smooth, |v, _p| v[0].try_mul(&v[1]);
    "div" 2 meets |x| from_zero(&x[1..]) - 0.3, |v, _p| v[0].try_div(&v[1]);
    "remainder" 2 meets |x| {
        let clear = x[0].try_div(x[1]).map(|q| least(q.to_vec().iter().map(|v| (1.3 * v - (1.3 * v).round()).abs())));
        from_zero(&x[1..]).min(clear.unwrap_or(0.0)) - 0.2
    }, |v, _p| v[0].affine(1.3, 0.0).remainder(&v[1]);
    "pow" 2 meets positive, |v, _p| v[0].pow(&v[1]);
    "atan2" 2 meets off_origin, |v, _p| v[0].atan2(&v[1]);
    "hypot" 2 meets off_origin, |v, _p| v[0].hypot(&v[1]);
    "logaddexp" 2 meets smooth, |v, _p| v[0].logaddexp(&v[1]);
    "maximum" 2 meets |x| meeting(x, 0.0), |v, _p| v[0].maximum(&v[1]);
    "minimum" 2 meets |x| meeting(x, 0.0), |v, _p| v[0].minimum(&v[1]);
    "where_" 2 seeded_meets smooth, |v, p| {
        Var::where_(&some_mask(v[0].shape(), p[0]), &v[0], &v[1])
    };
    "masked_fill" 1 seeded smooth, |v, p| v[0].masked_fill(&some_mask(v[0].shape(), p[0]), T::from_f64(0.3));
    "dropout" 1 seeded smooth, |v, p| v[0].dropout(0.3, &mut Rng::seed(p[0] as u64));
    "sum" 1 axes smooth, |v, p| reduced!(v p sum sum_keepdim);
    "mean" 1 axes smooth, |v, p| reduced!(v p mean mean_keepdim);
    "sum_to" 1 smaller smooth, |v, p| v[0].sum_to(sizes(p));
    "max" 1 full_axes apart, |v, p| reduced!(v p max max_keepdim);
    "min" 1 full_axes apart, |v, p| reduced!(v p min min_keepdim);
    "var" 1 wide_axes smooth, |v, p| reduced!(v p var var_keepdim, 1);
    "std" 1 wide_axes spreads, |v, p| reduced!(v p std std_keepdim, 1);
    "norm" 1 axes norms, |v, p| reduced!(v p norm norm_keepdim);
    "norm_p" 1 axes norms, |v, p| v[0].norm_p(3.0, &p[1..]);
    "logsumexp" 1 axes smooth, |v, p| reduced!(v p logsumexp logsumexp_keepdim);
    "prod" 1 axes smooth, |v, p| reduced!(v p prod prod_keepdim);
    "cumsum" 1 axis smooth, |v, p| v[0].cumsum(p[0]);
    "cumprod" 1 axis smooth, |v, p| v[0].cumprod(p[0]);
    "linear_scan" 2 same_and_axis smooth, |v, p| v[0].linear_scan(&v[1], p[0]);
    "reshape" 1 reshaped smooth, |v, p| v[0].reshape(sizes(p));
    "permute" 1 permuted smooth, |v, p| v[0].permute(p);
    "expand" 1 larger smooth, |v, p| v[0].expand(sizes(p));
    "narrow" 1 range smooth, |v, p| v[0].narrow(p[0], p[1], p[2] as usize);
    "select" 1 one_index smooth, |v, p| v[0].select(p[0], p[1]);
    "slice" 1 stepped smooth, |v, p| {
        let start = if p[2] > 0 { p[1] } else { -1 - p[1] };
        v[0].slice(p[0], Slice::new(Some(start), None, p[2]))
    };
    "flip" 1 some_axes smooth, |v, p| v[0].flip(p);
    "diagonal" 1 two_axes smooth, |v, p| v[0].diagonal(p[0], p[1], p[2]);
    "unfold" 1 folded smooth, |v, p| v[0].unfold(p[0], p[1] as usize, p[2] as usize);
    "cat" 2 joined smooth, |v, p| Var::cat(&[&v[0], &v[1], &v[0]], p[0]);
    "stack" 2 stacked smooth, |v, p| Var::stack(&[&v[0], &v[1]], p[0]);
    "split" 1 part smooth, |v, p| Ok(v[0].split(p[1] as usize, p[0])?.swap_remove(p[2] as usize));
    "repeat" 1 counts smooth, |v, p| v[0].repeat(sizes(p));
    "roll" 1 shifted smooth, |v, p| v[0].roll(p[0], p[1]);
    "index_select" 1 indices smooth, |v, p| {
        let index: Vec<i64> = p[1..].iter().map(|&i| i as i64).collect();
        v[0].index_select(p[0], &Tensor::new(index))
    };
    "index_add" 2 same_and_axis smooth, |v, p| {
        let n = size(v[0].shape(), p[0]);
        v[0].index_add(p[0], &some_indices(&[n], n, p[1]), &v[1])
    };
    "gather" 1 axis_seeded smooth, |v, p| {
        v[0].gather(p[0], &some_indices(v[0].shape(), size(v[0].shape(), p[0]), p[1]))
    };
    "scatter_add" 2 same_and_axis smooth, |v, p| {
        v[0].scatter_add(p[0], &some_indices(v[0].shape(), size(v[0].shape(), p[0]), p[1]), &v[1])
    };
    "scatter" 2 same_and_axis smooth, |v, p| {
        v[0].scatter(p[0], &some_indices(v[0].shape(), size(v[0].shape(), p[0]), p[1]), &v[1])
    };
    "scatter_reduce" 2 same_and_axis smooth, |v, p| {
        let index = some_indices(v[0].shape(), size(v[0].shape(), p[0]), p[1]);
        let reduce = [ScatterReduce::Prod, ScatterReduce::Mean, ScatterReduce::Sum][p[1] as usize % 3];
        v[0].scatter_reduce(p[0], &index, &v[1], reduce, p[1] % 2 == 0)
    };
    "scatter_reduce" 2 same_and_axis |x| apart(&[&Tensor::cat(&[x[0], x[1]], 0).unwrap_or_else(|_| x[0].clone())]), |v, p| {
        let index = some_indices(v[0].shape(), size(v[0].shape(), p[0]), p[1]);
        let reduce = [ScatterReduce::Max, ScatterReduce::Min][p[1] as usize % 2];
        v[0].scatter_reduce(p[0], &index, &v[1], reduce, p[1] % 3 == 0)
    };
    "pad" 1 plain smooth, |v, _p| {
        let sides: Vec<(usize, usize)> = (0..v[0].rank()).map(|a| (a % 2, 1 - a % 2)).collect();
        v[0].pad(&sides, T::from_f64(0.3))
    };
    "masked_select" 1 seeded smooth, |v, p| v[0].masked_select(&some_mask(v[0].shape(), p[0]));
    "tril" 1 offset smooth, |v, p| v[0].tril(p[0]);
    "triu" 1 offset smooth, |v, p| v[0].triu(p[0]);
    "sort" 1 axis apart, |v, p| Ok(v[0].sort(p[0], p[0] < 0)?.0);
    "topk" 1 some_of apart, |v, p| Ok(v[0].topk(p[1] as usize, p[0], p[2] == 1)?.0);
    "matmul" 2 product smooth, |v, _p| v[0].matmul(&v[1]);
    "matmul" 2 product_t smooth, |v, _p| v[0].matmul(&v[1].transpose(-1, -2)?);
    "linear" 2 layer smooth, |v, p| {
        let bias = v[1].select(1, 0)?;
        v[0].linear(&v[1], (p[0] == 1).then_some(&bias))
    };
    "dot" 2 same_vectors smooth, |v, _p| v[0].dot(&v[1]);
    "outer" 2 vectors smooth, |v, _p| v[0].outer(&v[1]);
    "softmax" 1 axis smooth, |v, p| v[0].softmax(p[0]);
    "log_softmax" 1 axis smooth, |v, p| v[0].log_softmax(p[0]);
    "layer_norm" 2 last_axis |x| spreads(&x[..1]), |v, p| {
        v[0].layer_norm(p[0] as usize, Some(&v[1]), Some(&v[1]), 1e-5)
    };
    "mse_loss" 2 same smooth, |v, p| v[0].mse_loss_with(&v[1], reduction(p[0]));
    "l1_loss" 2 same |x| meeting(x, 0.0), |v, p| v[0].l1_loss_with(&v[1], reduction(p[0]));
    "huber_loss" 2 same |x| meeting(x, 0.7), |v, p| v[0].huber_loss_with(&v[1], 0.7, reduction(p[0]));
    "bce_loss" 2 same smooth, |v, p| v[0].sigmoid().bce_loss_with(&v[1].sigmoid(), reduction(p[0]));
    "bce_with_logits" 2 same smooth, |v, p| v[0].bce_with_logits_with(&v[1].sigmoid(), reduction(p[0]));
    "nll_loss" 1 scores smooth, |v, p| {
        let targets = some_indices(&v[0].shape()[..1], v[0].shape()[1], p[0]);
        v[0].nll_loss_with(&targets, &ClassLoss::new().reduction(reduction(p[1])))
    };
    "cross_entropy" 1 scores smooth, |v, p| {
        let targets = some_indices(&v[0].shape()[..1], v[0].shape()[1], p[0]);
        let options = ClassLoss::new().label_smoothing(0.1).reduction(reduction(p[1]));
        v[0].cross_entropy_with(&targets, &options)
    };
}
