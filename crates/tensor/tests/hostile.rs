//! Absurd arguments to every call: never a panic, never an allocation to match.
//!
//! Sizes are either small or beyond what any machine can map, so that every success is small.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use wengert_tensor::Rng; // proptest has a trait of this name
use wengert_tensor::*;

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => 0..4usize,
        1 => prop::sample::select(vec![
            1 << 47, 1 << 61, 1 << 62, (1 << 62) + 1, 1 << 63, isize::MAX as usize, usize::MAX - 1, usize::MAX,
        ]),
    ]
}

fn shape() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        3 => prop::collection::vec(size(), 0..6),
        1 => prop::collection::vec(Just(1usize), 0..40),
    ]
}

fn signed() -> impl Strategy<Value = isize> {
    prop_oneof![
        4 => -4..5isize,
        1 => prop::sample::select(vec![isize::MIN, isize::MIN + 1, isize::MAX, isize::MAX - 1, -1 << 62, 1 << 62]),
    ]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        2 => -3.0..3.0f64,
        1 => prop::sample::select(vec![
            f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 0.0, -0.0, 1e300, -1e300,
        ]),
    ]
}

/// Small tensors, empty ones, and those that only look large.
fn tensor() -> impl Strategy<Value = Tensor<f32>> {
    let small = prop::collection::vec(0..4usize, 0..4);
    (small, 0..8usize, 0..3usize, any::<bool>()).prop_map(|(shape, what, k, backwards)| {
        let n: usize = shape.iter().product();
        let list = (0..n).map(|i| (i % 7) as f32 - 2.0);
        let t = Tensor::from_vec(list.collect(), &shape).unwrap();
        let large = [1usize << 47, 1 << 60, isize::MAX as usize][k];
        let t = match what {
            0 => t.transpose(0, -1).unwrap_or(t),
            1 => t.expand([&[3], &shape[..]].concat()).unwrap(),
            2 => Tensor::zeros([0]).reshape([0, 3]).unwrap(),
            3 => Tensor::zeros([large, 0]),
            4 => Tensor::zeros([1, 0, large, 1]),
            5 => Tensor::zeros([1, 1, 1, 1, 0, large]),
            _ => t,
        };
        if backwards && t.rank() > 0 {
            t.flip(0).unwrap()
        } else {
            t
        }
    })
}

/// A broadcast scalar of more elements than memory can hold.
fn vast() -> impl Strategy<Value = Tensor<f32>> {
    (0..4usize).prop_map(|k| {
        let shapes: [&[usize]; 4] = [
            &[1 << 47],
            &[1 << 31, 1 << 31],
            &[3, isize::MAX as usize / 3],
            &[1 << 60, 2],
        ];
        Tensor::scalar(1.0).expand(shapes[k]).unwrap()
    })
}

/// Runs a call, whose panic is the failure to be found, and looks at what it allocated.
macro_rules! calls {
    ($($body:expr;)*) => {$(
        let done = catch_unwind(AssertUnwindSafe(|| { let _ = $body; }));
        prop_assert!(done.is_ok(), "panicked: {}", stringify!($body));
    )*};
}

/// Bytes that the small tensors of these tests cannot need.
const MUCH: usize = 1 << 22;

fn assert_little_was_allocated() {
    let peak = memory::stats().peak_large_bytes;
    assert!(peak < MUCH, "{peak} bytes were allocated");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn creation(s in shape(), n in size(), a in number(), b in number(), step in number(), i in any::<i64>(), k in signed()) {
        let rng = &mut Rng::seed(1);
        let ends = [i64::MIN, i64::MAX, -1, 0, 1, i];
        calls! {
            Tensor::<f32>::try_zeros(&s);
            Tensor::<i64>::try_ones(&s);
            Tensor::try_full(&s, true);
            Tensor::<f64>::try_eye(n);
            Tensor::from_vec(vec![1u8; 3], &s);
            Tensor::from_slice(&[1i32; 0], &s);
            Tensor::<f32>::try_rand(&s, rng);
            Tensor::<f64>::try_randn(&s, rng);
            Tensor::<f32>::normal(a, b, &s, rng);
            Tensor::<f64>::uniform(a, b, &s, rng);
            Tensor::bernoulli(a, &s, rng);
            Tensor::permutation(n, rng);
            Tensor::linspace(a, b, n);
            Tensor::linspace(a as f32, b as f32, n);
        }
        for low in ends {
            for high in ends {
                calls! { Tensor::randint(low, high, &s, rng); }
                // A range that fits memory would be made.
                for step in [i64::MIN, i64::MAX, 0, k as i64] {
                    let count = (high as i128 - low as i128) / (step as i128).abs().max(1);
                    if count.abs() < 1000 || count.abs() > 1 << 50 {
                        calls! { Tensor::arange(low, high, step); }
                    }
                }
            }
        }
        let count = ((b - a) / step).abs();
        if !(1e5..1e14).contains(&count) {
            calls! { Tensor::arange(a, b, step); }
        }
        assert_little_was_allocated();
    }

    #[test]
    fn views(t in prop_oneof![tensor(), vast()], s in shape(), n in size(), m in size(), a in signed(), b in signed(), c in signed()) {
        calls! {
            t.expand(&s);
            t.flatten(a, b);
            t.transpose(a, b);
            t.t();
            t.permute([a, b]);
            t.narrow(a, b, n);
            t.select(a, b);
            t.unsqueeze(a);
            t.squeeze([a, b]);
            t.squeeze_all();
            t.slice(a, Slice::new(Some(b), Some(c), a));
            t.slice(a, Slice::new(None, None, b));
            t.slice(a, b..=c);
            t.slice(a, (std::ops::Bound::Excluded(b), std::ops::Bound::Unbounded));
            t.flip([a, b]);
            t.diagonal(a, b, c);
            t.unfold(a, n, m);
            t.movedim(a, b);
            t.get(&[a, b]);
            t.item();
            t.may_overlap();
            t.is_contiguous();
            t.outer_iter().next();
            t.iter().next();
            t.split(n.max(1 << 58), a);
            t.chunk(n.min(4), a);
            t.split_sizes(&[n, m], a);
            format!("{t} {t:?}");
        }
        // Chains: what came out of one goes into the next.
        for view in [t.flip([a]), t.slice(a, Slice::all().step(b)), t.unfold(a, n, m), t.diagonal(a, b, c)].into_iter().flatten() {
            calls! {
                view.diagonal(c, 0, -1);
                view.unfold(0, m, n);
                view.slice(-1, Slice::all().step(c));
                view.unsqueeze(0).and_then(|v| v.expand(&s));
                format!("{view}");
            }
        }
        if t.len() < MUCH {
            calls! {
                t.reshape(&s);
                t.reshape([n, INFER]);
                t.unbind(a);
                t.split(n, a);
                t.chunk(n, a);
            }
        }
        assert_little_was_allocated();
    }

    #[test]
    fn joins_and_indices(t in tensor(), u in tensor(), s in shape(), n in size(), a in signed(), b in signed(), i in prop::collection::vec(signed(), 0..4)) {
        let index = Tensor::from_vec(i.iter().map(|i| *i as i64).collect(), i.len()).unwrap();
        let wide = index.unsqueeze(0).unwrap();
        let mask = t.gt_scalar(0.0);
        let counts: Vec<usize> = s.iter().map(|d| if t.is_empty() { *d } else { *d.min(&3).max(&(d & (1 << 62))) }).collect();
        calls! {
            Tensor::cat(&[&t, &u], a);
            Tensor::stack(&[&t, &u], a);
            t.roll(b, a);
            t.index_select(a, &index);
            t.gather(a, &index);
            t.gather(a, &wide);
            t.scatter_add(a, &wide, &u);
            t.index_add(a, &index, &u);
            t.masked_select(&mask);
            t.masked_fill(&u.gt_scalar(0.0), 1.0);
            mask.where_(&t, &u);
            mask.nonzero();
            t.tril(a);
            t.triu(b);
            index.one_hot::<f32>(n);
            t.clone().copy_from(&u);
            Tensor::embed(&s, &t, |z| Ok(z.clone()));
            Tensor::embed(t.shape(), &u, |z| z.narrow(a, b, n));
        }
        if counts.iter().filter(|c| **c < 4).count() < 7 {
            calls! { t.repeat(&counts); }
        }
        assert_little_was_allocated();
    }

    #[test]
    fn arithmetic_and_reductions(t in tensor(), u in tensor(), n in size(), a in signed(), b in signed(), p in number(), q in number()) {
        calls! {
            t.try_add(&u); t.try_sub(&u); t.try_mul(&u); t.try_div(&u); t.try_rem(&u);
            t.maximum(&u); t.minimum(&u); t.pow(&u); t.atan2(&u); t.hypot(&u); t.logaddexp(&u); t.exp_mul(&u); t.eq(&u); t.lt(&u);
            t.clamp(p, q); t.powf(p); t.affine(p, q); t.leaky_relu(p); t.elu(q); t.leaky_relu_grad(p, &u);
            t.huber_error(&u, p); t.huber_error_grad(&u, p, q); t.bce_with_logits_error(&u); t.bce_with_logits_error_grad(&u, p);
            t.cast::<i64>(); t.cast::<u8>(); t.cast::<bool>();
            t.allclose(&u, Tolerance::new(p, q));
            t.closeness(&t, Tolerance::new(p, q));
            t.sum([a, b]); t.sum_keepdim([a, b]); t.prod(a); t.max([a, b]); t.min(a); t.mean([a, b]);
            t.var([a, b], n); t.std(a, n); t.var_all(n); t.norm(a); t.norm_p(p, [a, b]); t.logsumexp([a, b]);
            t.argmax(a); t.argmin_keepdim(b); t.max_all(); t.argmin_all(); t.sum_all(); t.norm_all();
            t.gt_scalar(0.0).any([a, b]); t.gt_scalar(0.0).all(a);
            t.sum_to(u.shape());
            t.cumsum(a); t.cumprod(a); t.linear_scan(&u, a); t.softmax(a); t.log_softmax(b);
            t.softmax_grad(&u, a); t.sort(a, true); t.argsort(b, false); t.topk(n, a, true);
        }
        // Products of what is empty along one axis may be as large as the other axes.
        if t.shape().iter().chain(u.shape().iter()).all(|d| *d < MUCH) {
            calls! { t.matmul(&u); t.dot(&u); t.outer(&u); t.linear(&u, None); t.linear(&u, Some(&t)); }
        } else {
            calls! { t.dot(&u); t.linear(&u, Some(&t)); }
        }
        assert_little_was_allocated();
    }

    #[test]
    fn integers_wrap(a in any::<i64>(), b in any::<i64>(), c in any::<i32>()) {
        let ends = [i64::MIN, -1, 0, 1, i64::MAX, a, b];
        let x = Tensor::new(ends);
        for v in ends {
            let list = |f: &dyn Fn(i64) -> i64| ends.iter().map(|&e| f(e)).collect::<Vec<_>>();
            prop_assert_eq!((&x + v).to_vec(), list(&|e| e.wrapping_add(v)));
            prop_assert_eq!((&x - v).to_vec(), list(&|e| e.wrapping_sub(v)));
            prop_assert_eq!((v * &x).to_vec(), list(&|e| e.wrapping_mul(v)));
            if v != 0 {
                prop_assert_eq!((&x / v).to_vec(), list(&|e| e.wrapping_div(v)));
                prop_assert_eq!((&x % v).to_vec(), list(&|e| e.wrapping_rem(v)));
            }
        }
        prop_assert_eq!(x.neg().to_vec(), ends.map(i64::wrapping_neg));
        prop_assert_eq!(x.abs().to_vec(), ends.map(i64::wrapping_abs));
        let sum = ends.iter().fold(0i64, |s, v| s.wrapping_add(*v));
        prop_assert_eq!(x.sum_all().item().unwrap(), sum);
        let small = Tensor::new([i32::MAX, i32::MIN, c]);
        prop_assert_eq!((&small + 1).to_vec(), [i32::MIN, i32::MIN + 1, c.wrapping_add(1)]);
        prop_assert_eq!(small.sum_all().item().unwrap(), i64::from(c) - 1);
        prop_assert_eq!((Tensor::new([250u8]) + 10).to_vec(), [4]);
        prop_assert_eq!(Tensor::new([a as f64]).cast::<i32>().to_vec(), [a as f64 as i32]);
    }
}

#[test]
fn vast_views_are_refused_where_they_would_be_copied() {
    let vast = Tensor::<f32>::scalar(1.0)
        .expand([1 << 31, 1 << 31])
        .unwrap();
    let index = Tensor::<i64>::scalar(0).expand([1 << 60]).unwrap();
    let pairs = Tensor::new([1.0f32, 2.0]).expand([1 << 60, 2]).unwrap();
    // All strides are 0: one axis of as many elements is still a view.
    assert!(vast.reshape([1 << 62]).is_ok());
    let mut copy = vast.clone();
    let refused: Vec<(&str, Option<Error>)> = vec![
        ("reshape", pairs.reshape([1 << 61]).err()),
        ("try_add", vast.try_add(&vast).err()),
        ("clamp", vast.clamp(0.0, 1.0).err()),
        ("cat", Tensor::cat(&[&vast, &vast], 0).err()),
        ("stack", Tensor::stack(&[&vast], 0).err()),
        ("repeat", vast.repeat([1, 1]).err()),
        ("roll", vast.roll(1, 0).err()),
        ("tril", vast.tril(0).err()),
        ("unbind", index.unbind(0).err()),
        (
            "index_select",
            Tensor::<f32>::zeros(1).index_select(0, &index).err(),
        ),
        ("gather", Tensor::<f32>::zeros(1).gather(0, &index).err()),
        ("softmax", vast.softmax(1).err()),
        ("cumsum", vast.cumsum(1).err()),
        ("sort", vast.sort(1, false).err()),
        ("copy_from", copy.copy_from(&vast).err()),
        ("one_hot", index.one_hot::<f32>(usize::MAX).err()),
    ];
    for (name, e) in refused {
        let refused = matches!(
            e.as_ref().map(Error::kind),
            Some(ErrorKind::OutOfMemory { .. } | ErrorKind::SizeOverflow { .. })
        );
        assert!(refused, "{name}: {e:?}");
    }
}
