//! The conventions of docs/numerics.md that concern values: casts, NaN, empty tensors, signed zeros,
//! how numbers print.

use wengert_tensor::*;

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

#[test]
fn casts_are_rusts_as() {
    let x = [
        NAN,
        INF,
        -INF,
        1e300,
        -1e300,
        300.7,
        -300.7,
        0.9,
        -0.9,
        -0.0,
        2f64.powi(53) + 2.0,
        255.0,
        256.0,
        0.1,
    ];
    let t = Tensor::new(x);
    assert_eq!(t.cast::<i64>().to_vec(), x.map(|v| v as i64));
    assert_eq!(t.cast::<i32>().to_vec(), x.map(|v| v as i32));
    assert_eq!(t.cast::<u8>().to_vec(), x.map(|v| v as u8));
    assert_eq!(t.cast::<bool>().to_vec(), x.map(|v| v != 0.0));
    let bits = |v: f32| v.to_bits();
    assert_eq!(
        t.cast::<f32>().iter().map(bits).collect::<Vec<_>>(),
        x.map(|v| bits(v as f32))
    );
    // At the ends of what an integer holds, and in `f32` too, at every place of a vector.
    let ends = [
        f64::from(u32::MAX) * 2e9,
        2f64.powi(63),
        -(2f64.powi(63)),
        2f64.powi(62),
        -0.7,
    ];
    let wide: Vec<f64> = x.iter().chain(&ends).cycle().take(600).copied().collect();
    let t = Tensor::from_slice(&wide, [600]).unwrap();
    assert_eq!(
        t.cast::<i64>().to_vec(),
        wide.iter().map(|&v| v as i64).collect::<Vec<_>>()
    );
    let narrow = t.cast::<f32>();
    assert_eq!(
        narrow.cast::<i64>().to_vec(),
        narrow.iter().map(|v| v as i64).collect::<Vec<_>>()
    );
    let n = [i64::MIN, i64::MAX, -1, 0, 1, 256, (1 << 53) + 1];
    let t = Tensor::new(n);
    assert_eq!(t.cast::<f64>().to_vec(), n.map(|v| v as f64));
    assert_eq!(t.cast::<f32>().to_vec(), n.map(|v| v as f32));
    assert_eq!(t.cast::<i32>().to_vec(), n.map(|v| v as i32));
    assert_eq!(t.cast::<u8>().to_vec(), n.map(|v| v as u8));
    assert_eq!(t.cast::<bool>().to_vec(), n.map(|v| v != 0));
    let m = Tensor::new([true, false]);
    assert_eq!(m.cast::<f32>().to_vec(), [1.0, 0.0]);
    assert_eq!(m.cast::<u8>().to_vec(), [1, 0]);
    let t = Tensor::new([1.0f32]);
    assert!(t.cast::<f32>().shares_memory_with(&t));
}

#[test]
fn nan_stays_at_every_position_and_length() {
    for n in 1..70usize {
        for at in [0, n / 2, n - 1] {
            let mut x = vec![0.25f32; n];
            x[at] = f32::NAN;
            let t = Tensor::from_vec(x, n).unwrap();
            let other = Tensor::<f32>::zeros(n);
            let only_there = |y: Tensor<f32>| {
                let nans: Vec<usize> = (0..n)
                    .filter(|i| y.get(&[*i as isize]).unwrap().is_nan())
                    .collect();
                assert_eq!(nans, [at], "of {n}");
            };
            only_there(t.relu());
            only_there(t.sign());
            only_there(t.abs());
            only_there(t.clamp(-1.0, 1.0).unwrap());
            only_there(t.clamp(f64::NEG_INFINITY, INF).unwrap());
            only_there(t.leaky_relu(0.1));
            only_there(t.elu(1.0));
            for y in [
                t.maximum(&other),
                other.maximum(&t),
                t.minimum(&other),
                other.minimum(&t),
            ] {
                only_there(y.unwrap());
            }
            assert!(t.max_all().unwrap().item().unwrap().is_nan());
            assert!(t.min_all().unwrap().item().unwrap().is_nan());
            assert_eq!(t.argmax_all().unwrap().item().unwrap(), at as i64);
            assert_eq!(t.argmin_all().unwrap().item().unwrap(), at as i64);
            // Beyond every number when sorted.
            assert_eq!(t.argsort(0, false).unwrap().get(&[-1]).unwrap(), at as i64);
            assert_eq!(t.topk(1, 0, true).unwrap().1.item().unwrap(), at as i64);
            // Equal to nothing, itself included.
            assert_eq!(
                t.eq(&t).unwrap().logical_not().nonzero().to_vec(),
                [at as i64]
            );
            assert_eq!(t.ne(&t).unwrap().count_nonzero(), 1);
            assert!(!t.lt_scalar(9.0).all_all() && t != t.clone());
            assert!(t.softmax(0).unwrap().is_nan().all_all());
        }
    }
}

#[test]
fn what_comes_of_nothing() {
    let none = Tensor::<f32>::zeros([2, 0]);
    assert_eq!(none.sum(1).unwrap().to_vec(), [0.0; 2]);
    assert_eq!(none.prod(1).unwrap().to_vec(), [1.0; 2]);
    assert!(none.mean(1).unwrap().is_nan().all_all());
    assert!(none.var(1, 1).unwrap().is_nan().all_all());
    assert!(none.std_all(0).item().unwrap().is_nan());
    assert_eq!(none.norm(1).unwrap().to_vec(), [0.0; 2]);
    assert_eq!(none.logsumexp(1).unwrap().to_vec(), [f32::NEG_INFINITY; 2]);
    let mask = none.gt_scalar(0.0);
    assert_eq!(
        (mask.any_all(), mask.all_all(), mask.count_nonzero()),
        (false, true, 0)
    );
    for r in [none.max(1), none.min(1), none.max_all(), none.min_all()] {
        assert!(matches!(r.unwrap_err().kind(), ErrorKind::EmptyReduction));
    }
    assert!(none.argmax(1).is_err() && none.argmin_all().is_err());
    // Over the other axis there is no result, hence nothing that lacks an identity.
    assert_eq!(none.max(0).unwrap().shape(), &[0][..]);
    assert_eq!(none.cumsum(1).unwrap().shape(), &[2, 0][..]);
    assert_eq!(none.softmax(1).unwrap().shape(), &[2, 0][..]);
    assert_eq!(
        none.matmul(&Tensor::zeros([0, 3])).unwrap(),
        Tensor::zeros([2, 3])
    );
    assert_eq!(
        (none.to_string(), Tensor::<f32>::zeros(0).to_string()),
        ("[] (shape [2, 0])".into(), "[]".into())
    );
}

#[test]
fn short_ways_of_powf_are_pow() {
    let mut values = vec![0.0, 1.0, 2.0, 3.5, 1e-30, 1e30, 1e-310, f64::MAX, INF];
    values.extend(values.clone().iter().map(|v| -v));
    values.push(NAN);
    let x = Tensor::from_vec(values, 19).unwrap();
    for p in [0.0, 1.0, 2.0, 3.0, -1.0, 0.5] {
        let (short, long) = (x.powf(p), x.pow(&Tensor::scalar(p)).unwrap());
        for ((x, y), r) in x.iter().zip(short.iter()).zip(long.iter()) {
            let close =
                (y - r).abs() <= 4e-16 * r.abs() && y.is_sign_negative() == r.is_sign_negative();
            let same = y.to_bits() == r.to_bits() || (y.is_nan() && r.is_nan());
            assert!(same || close, "{x:?} ^ {p}: {y:?}, not {r:?}");
        }
    }
}

#[test]
fn powers_and_roots_at_the_edges() {
    let x = Tensor::new([0.0, -0.0, 2.0, -2.0, INF, -INF, NAN]);
    assert_eq!(x.powf(0.0).to_vec(), [1.0; 7]);
    assert_eq!(Tensor::new([1.0]).pow(&x).unwrap().to_vec(), [1.0; 7]);
    assert_eq!(x.powf(3.0).to_vec()[..6], [0.0, -0.0, 8.0, -8.0, INF, -INF]);
    assert!(Tensor::new([-2.0f64]).powf(0.5).item().unwrap().is_nan());
    assert!(Tensor::new([-1.0f64]).sqrt().item().unwrap().is_nan());
    assert!(Tensor::new([-1.0f64]).ln().item().unwrap().is_nan());
    assert_eq!(Tensor::new([0.0]).ln().item().unwrap(), -INF);
    assert_eq!(
        Tensor::new([2.5, 3.5, -2.5, 0.5]).round().to_vec(),
        [2.0, 4.0, -2.0, 0.0]
    );
    let rem = [7.0 % 3.0, -7.0 % 3.0, 7.0 % -3.0, 5.5 % 2.0];
    let t = Tensor::new([7.0, -7.0, 7.0, 5.5]);
    assert_eq!((&t % &Tensor::new([3.0, 3.0, -3.0, 2.0])).to_vec(), rem);
    assert_eq!((&Tensor::new([7i64, -7]) / 2).to_vec(), [3, -3]);
}

/// NumPy's own texts of these arrays.
#[test]
fn tensors_print_as_numpys() {
    let t = |v: &[f64]| Tensor::from_slice(v, v.len()).unwrap();
    assert_eq!(t(&[1.0, 2.5, -3.0]).to_string(), "[ 1.   2.5 -3. ]");
    assert_eq!(t(&[1e-10, 1.0]).to_string(), "[1.e-10 1.e+00]");
    assert_eq!(t(&[NAN, INF, -1.0]).to_string(), "[nan inf -1.]");
    assert_eq!(t(&[0.1, 1.0 / 3.0]).to_string(), "[0.1        0.33333333]");
    assert_eq!(t(&[1e8, 1.0]).to_string(), "[1.e+08 1.e+00]");
    assert_eq!(Tensor::new([true, false]).to_string(), "[ true false]");
    assert_eq!(
        Tensor::new([[1i64, -20], [300, 4]]).to_string(),
        "[[  1 -20]\n [300   4]]"
    );
    assert_eq!(Tensor::scalar(0.5f32).to_string(), "0.5");
    assert_eq!(Tensor::scalar(0.1f32).to_string(), "0.1");
    let large = Tensor::arange(0i64, 10_000, 1)
        .unwrap()
        .reshape([100, 100])
        .unwrap()
        .to_string();
    assert_eq!(large.lines().count(), 7);
    assert!(
        large.starts_with("[[   0    1    2 ...   97   98   99]\n [ 100  101"),
        "{large}"
    );
    assert!(large.contains("\n ...\n"), "{large}");
    assert_eq!(format!("{:.2}", t(&[1.0 / 3.0])), "[0.33]");
}

#[test]
fn logsumexp_at_infinity() {
    let (inf, ninf) = (f32::INFINITY, f32::NEG_INFINITY);
    let t = Tensor::new([
        [ninf, ninf],
        [inf, 1.0],
        [ninf, 2.0],
        [500.0, 500.0],
        [f32::NAN, inf],
    ]);
    let got = t.logsumexp(1).unwrap().to_vec();
    assert_eq!(got[..3], [ninf, inf, 2.0]);
    assert!((got[3] - 500.6931).abs() < 1e-3 && got[4].is_nan());
}

/// The fast way of a maximum tells NaN by a sum, which infinities of either sign make NaN as well.
#[test]
fn extremes_of_infinities_and_nan_at_every_length() {
    for n in (2..140).chain([255, 256, 1023, 1024, 1025, 1151, 1500, 2600]) {
        let plain: Vec<f32> = (0..n).map(|i| (i * 7919 % n) as f32 - 3.5).collect();
        for at in [0, 1, n / 2, n - 2, n - 1] {
            let other = (at + n / 3).max(at + 1) % n;
            let of = |a: f32, b: f32| {
                let mut x = plain.clone();
                (x[other], x[at]) = (b, a);
                let t = Tensor::from_vec(x, n).unwrap();
                let item = |y: Tensor<f32>| y.item().unwrap();
                let far = item(t.norm_p(f64::INFINITY, 0).unwrap());
                let near = item(t.norm_p(f64::NEG_INFINITY, 0).unwrap());
                [item(t.max(0).unwrap()), item(t.min(0).unwrap()), far, near]
            };
            let inf = f32::INFINITY;
            let [max, min, far, _] = of(inf, -inf);
            assert_eq!([max, min, far], [inf, -inf, inf], "{n} {at}");
            for bad in [of(f32::NAN, inf), of(f32::NAN, -inf), of(f32::NAN, 0.0)] {
                assert!(bad.iter().all(|x| x.is_nan()), "{n} {at} {bad:?}");
            }
            let [max, min, far, near] = of(5e5, -6e5);
            assert_eq!([max, min, far], [5e5, -6e5, 6e5], "{n} {at}");
            let least = (0..n).filter(|i| *i != at && *i != other);
            let least = least.map(|i| plain[i].abs()).fold(5e5, f32::min);
            assert_eq!(near, least, "{n} {at}");
        }
    }
}
