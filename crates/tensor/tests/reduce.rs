//! Reductions against naive loops in `f64`, over every layout; bits against threads and instruction
//! sets; NaN at every position; error texts.
use wengert_tensor::*;

/// Deterministic values between −1 and 1.
fn noise(n: usize, seed: u64) -> Vec<f64> {
    let mut s = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        (s >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    std::iter::repeat_with(next).take(n).collect()
}

/// The layouts: contiguous, transposed, permuted, a window, expanded, with axes of size 1 and 0, 0-d.
fn layouts() -> Vec<Tensor<f64>> {
    let t = |s: &[usize]| Tensor::from_vec(noise(s.iter().product(), s.len() as u64), s).unwrap();
    let big = t(&[5, 6, 7, 4]);
    vec![
        Tensor::scalar(3.0),
        t(&[1]),
        t(&[17]),
        t(&[300]),
        t(&[2, 3]),
        t(&[40, 33]),
        t(&[40, 33]).t().unwrap(),
        t(&[70, 3, 11]),
        t(&[70, 3, 11]).permute([2, 0, 1]).unwrap(),
        t(&[70, 3, 11]).permute([1, 0, 2]).unwrap(),
        t(&[1, 40, 1, 9]),
        big.clone(),
        big.narrow(1, 2, 3).unwrap(),
        big.narrow(3, 1, 2).unwrap().transpose(0, 2).unwrap(),
        t(&[4, 1, 5]).expand([3, 4, 6, 5]).unwrap(),
        big.flip([1, 3]).unwrap(),
        t(&[300]).flip(0).unwrap(),
        t(&[70, 3, 11]).flip([0]).unwrap().transpose(0, 1).unwrap(),
        t(&[0]),
        t(&[3, 0, 2]),
        t(&[2, 3, 4, 2, 3, 2, 2]),
    ]
}

fn subsets(rank: usize) -> Vec<Vec<isize>> {
    (0..1usize << rank)
        .map(|m| {
            let axes = (0..rank).filter(|a| m >> a & 1 == 1);
            // Every other one counted from the end, and the order turned around.
            axes.rev()
                .map(|a| {
                    if a % 2 == 0 {
                        a as isize
                    } else {
                        a as isize - rank as isize
                    }
                })
                .collect()
        })
        .collect()
}

/// The elements that each result is made of, in row-major order, and the result's shape.
fn groups(x: &Tensor<f64>, axes: &[isize], keep: bool) -> (Vec<Vec<f64>>, Vec<usize>) {
    let rank = x.rank();
    let red: Vec<bool> = (0..rank)
        .map(|a| axes.contains(&(a as isize)) || axes.contains(&(a as isize - rank as isize)))
        .collect();
    let shape: Vec<usize> = (0..rank)
        .filter(|&a| keep || !red[a])
        .map(|a| if red[a] { 1 } else { x.shape()[a] })
        .collect();
    let count = (0..rank)
        .filter(|&a| !red[a])
        .map(|a| x.shape()[a])
        .product();
    let mut out = vec![Vec::new(); count];
    for (i, v) in x.to_vec().into_iter().enumerate() {
        let (mut rest, mut at, mut step) = (i, 0, 1);
        for a in (0..rank).rev() {
            let d = x.shape()[a];
            if !red[a] {
                at += rest % d * step;
                step *= d;
            }
            rest /= d;
        }
        out[at].push(v);
    }
    (out, shape)
}

fn check(got: &Tensor<f64>, want: &[f64], shape: &[usize], what: &str) {
    assert_eq!(got.shape().as_slice(), shape, "{what}");
    let got = got.to_vec();
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let ok = g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= 1e-12 * (1.0 + w.abs());
        assert!(ok, "{what}: element {i} is {g}, not {w}");
    }
}

type Naive = fn(&[f64]) -> f64;
type Call = fn(&Tensor<f64>, &[isize], bool) -> Result<Tensor<f64>>;

macro_rules! calls {
    ($($name:literal $f:ident $keep:ident ($($arg:expr)?) $naive:expr;)*) => {
        vec![$(
            ($name, (|x, a, k| if k { x.$keep(a $(, $arg)?) } else { x.$f(a $(, $arg)?) }) as Call, $naive as Naive),
        )*]
    };
}

fn sum(v: &[f64]) -> f64 {
    v.iter().sum::<f64>() + 0.0
}
fn var(v: &[f64], correction: f64) -> f64 {
    let n = v.len() as f64;
    let mean = sum(v) / n;
    v.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - correction).max(0.0)
}
fn lse(v: &[f64]) -> f64 {
    v.iter().map(|x| x.exp()).sum::<f64>().ln()
}

#[test]
fn against_naive_over_every_layout_and_axes() {
    let calls = calls! {
        "sum" sum sum_keepdim () sum;
        "prod" prod prod_keepdim () |v| v.iter().product();
        "max" max max_keepdim () |v| v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        "min" min min_keepdim () |v| v.iter().copied().fold(f64::INFINITY, f64::min);
        "mean" mean mean_keepdim () |v| sum(v) / v.len() as f64;
        "var0" var var_keepdim (0) |v| var(v, 0.0);
        "var1" var var_keepdim (1) |v| var(v, 1.0);
        "std" std std_keepdim (1) |v| var(v, 1.0).sqrt();
        "norm" norm norm_keepdim () |v| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        "logsumexp" logsumexp logsumexp_keepdim () lse;
    };
    for x in layouts() {
        for axes in subsets(x.rank()) {
            for keep in [false, true] {
                let (groups, shape) = groups(&x, &axes, keep);
                for (name, call, naive) in &calls {
                    let what = format!("{name} of {:?} over {axes:?}", x.shape());
                    let got = call(&x, &axes, keep);
                    if matches!(*name, "max" | "min") && x.is_empty() {
                        let n: usize = axes
                            .iter()
                            .map(|a| x.shape()[a.rem_euclid(x.rank() as isize) as usize])
                            .product();
                        assert_eq!(got.is_err(), n == 0, "{what}");
                        continue;
                    }
                    let want: Vec<f64> = groups.iter().map(|g| naive(g)).collect();
                    check(&got.unwrap(), &want, &shape, &what);
                }
            }
        }
        let (all, none) = (x.to_vec(), &[][..]);
        check(&x.sum_all(), &[sum(&all)], none, "sum_all");
        check(&x.prod_all(), &[all.iter().product()], none, "prod_all");
        check(
            &x.mean_all(),
            &[sum(&all) / all.len() as f64],
            none,
            "mean_all",
        );
        check(&x.var_all(1), &[var(&all, 1.0)], none, "var_all");
        check(&x.std_all(0), &[var(&all, 0.0).sqrt()], none, "std_all");
        check(&x.logsumexp_all(), &[lse(&all)], none, "logsumexp_all");
        assert_eq!(x.max_all().is_err(), x.is_empty());
        assert_eq!(x.argmin_all().is_err(), x.is_empty());
    }
}

#[test]
fn p_norms() {
    for x in layouts() {
        for axes in subsets(x.rank()) {
            let (groups, shape) = groups(&x, &axes, false);
            let norms: [(f64, Naive); 5] = [
                (1.0, |v| v.iter().map(|x| x.abs()).sum()),
                (2.0, |v| v.iter().map(|x| x * x).sum::<f64>().sqrt()),
                (3.0, |v| {
                    v.iter().map(|x| x.abs().powi(3)).sum::<f64>().cbrt()
                }),
                (f64::INFINITY, |v| v.iter().fold(0.0, |a, x| a.max(x.abs()))),
                (f64::NEG_INFINITY, |v| {
                    v.iter().fold(f64::INFINITY, |a, x| a.min(x.abs()))
                }),
            ];
            for (p, naive) in norms {
                let want: Vec<f64> = groups.iter().map(|g| naive(g)).collect();
                let what = format!("norm_p({p}) of {:?} over {axes:?}", x.shape());
                check(&x.norm_p(p, &axes[..]).unwrap(), &want, &shape, &what);
            }
        }
    }
    for p in [0.0, f64::NAN] {
        let e = Tensor::<f32>::ones([3])
            .norm_p(p, 0)
            .unwrap_err()
            .to_string();
        assert!(
            e.starts_with(&format!("norm_p: p = {p}\n  self  f32 [3]")),
            "{e}"
        );
    }
}

#[test]
fn norms_at_the_ends_of_the_range() {
    let t = Tensor::new([
        [3e30f32, 4e30],
        [3e-30, 4e-30],
        [0.0, 0.0],
        [f32::INFINITY, 1.0],
        [3.0, 4.0],
    ]);
    let got = t.norm(1).unwrap().to_vec();
    for (g, w) in got.iter().zip([5e30f32, 5e-30, 0.0, f32::INFINITY, 5.0]) {
        assert!(*g == w || (g / w - 1.0).abs() < 1e-6, "{g} {w}");
    }
    assert!(
        Tensor::new([1.0f32, f32::NAN])
            .norm_all()
            .item()
            .unwrap()
            .is_nan()
    );
}

#[test]
fn arg_reductions_take_the_first_and_nan() {
    for x in layouts() {
        // Few values, so that there are ties.
        let x = (&x * 3.0).round();
        for axis in 0..x.rank() as isize {
            if x.shape()[axis as usize] == 0 {
                assert!(x.argmax(axis).is_err());
                continue;
            }
            let (groups, shape) = groups(&x, &[axis], false);
            let best = |v: &Vec<f64>, s: f64| {
                let m = v.iter().map(|x| x * s).fold(f64::NEG_INFINITY, f64::max);
                v.iter().position(|x| x * s == m).unwrap() as i64
            };
            let max = x.argmax(axis).unwrap();
            assert_eq!(max.shape().as_slice(), shape);
            assert_eq!(
                max.to_vec(),
                groups.iter().map(|g| best(g, 1.0)).collect::<Vec<_>>()
            );
            let min = x.argmin_keepdim(axis - x.rank() as isize).unwrap();
            assert_eq!(
                min.to_vec(),
                groups.iter().map(|g| best(g, -1.0)).collect::<Vec<_>>()
            );
            assert_eq!(min.rank(), x.rank());
        }
        if !x.is_empty() {
            let v = x.to_vec();
            let at = x.argmax_all().unwrap().item().unwrap() as usize;
            assert!(v.iter().all(|w| *w <= v[at]) && v[..at].iter().all(|w| *w < v[at]));
        }
    }
}

#[test]
fn nan_at_every_position_and_length() {
    for n in 1..=300usize {
        let base = Tensor::from_vec(noise(n, 7).iter().map(|v| *v as f32).collect(), n).unwrap();
        for at in 0..n {
            let mut row = base.clone();
            row.as_mut_slice()[at] = f32::NAN;
            let nan = |t: Tensor<f32>| assert!(t.item().unwrap().is_nan(), "{n} {at}");
            nan(row.max(0).unwrap());
            nan(row.min(0).unwrap());
            nan(row.sum(0).unwrap());
            assert_eq!(row.argmax(0).unwrap().item().unwrap(), at as i64);
            assert_eq!(row.argmin(0).unwrap().item().unwrap(), at as i64);
            if n % 37 == 1 || n < 20 {
                nan(row.mean_all());
                nan(row.var_all(0));
                nan(row.norm_all());
                nan(row.logsumexp_all());
                nan(row.norm_p(f64::NEG_INFINITY, 0).unwrap());
                assert!(row.softmax(0).unwrap().is_nan().all_all());
                assert!(row.log_softmax(0).unwrap().is_nan().all_all());
                // As columns.
                let two = row.unsqueeze(1).unwrap().expand([n, 2]).unwrap().copied();
                assert!(two.max(0).unwrap().is_nan().all_all());
                assert!(two.min(0).unwrap().is_nan().all_all());
                assert!(two.softmax(0).unwrap().is_nan().all_all());
                assert_eq!(two.argmax(0).unwrap().to_vec(), [at as i64; 2]);
                assert_eq!(two.argmin(0).unwrap().to_vec(), [at as i64; 2]);
            }
        }
    }
}

fn bits(t: &Tensor<f32>) -> Vec<u32> {
    t.to_vec().iter().map(|v| v.to_bits()).collect()
}

#[test]
fn the_same_bits_for_any_threads_and_sums_for_any_isa() {
    let wide = |s: &[usize]| {
        let v = noise(s.iter().product(), 3).into_iter().map(|v| v as f32);
        Tensor::from_vec(v.collect(), s).unwrap()
    };
    let tensors = [
        wide(&[700_001]),
        wide(&[3, 300_000]),
        wide(&[5000, 130]),
        wide(&[20_000, 7]),
        wide(&[9, 100, 1100]),
        wide(&[300, 5, 301]),
    ];
    for x in &tensors {
        let all = |x: &Tensor<f32>| {
            let mut out = vec![bits(&x.sum_all()), bits(&x.var_all(1)), bits(&x.prod_all())];
            for a in 0..x.rank() as isize {
                out.push(bits(&x.sum(a).unwrap()));
                out.push(bits(&x.mean(a).unwrap()));
                out.push(bits(&x.var(a, 0).unwrap()));
                out.push(bits(&x.max(a).unwrap()));
                out.push(bits(&x.cumsum(a).unwrap()));
            }
            let ends = if x.rank() > 1 { vec![0, -1] } else { vec![0] };
            out.push(bits(&x.sum(ends).unwrap()));
            out
        };
        let soft = |x: &Tensor<f32>| {
            (0..x.rank() as isize)
                .flat_map(|a| [bits(&x.softmax(a).unwrap()), bits(&x.logsumexp(a).unwrap())])
                .collect::<Vec<_>>()
        };
        let (one, soft_one) = with_threads(1, || (all(x), soft(x)));
        for threads in [2, 4] {
            assert!(with_threads(threads, || (all(x), soft(x))) == (one.clone(), soft_one.clone()));
        }
        for isa in IsaKind::available() {
            assert!(with_isa(isa, || all(x)) == one, "{isa:?}");
        }
    }
}

#[test]
fn long_sums_are_pairwise() {
    // 0.1 added ten million times one after another in f32 gives 1087937.
    let n = 10_000_000;
    let x = Tensor::<f32>::full([n], 0.1);
    let want = 0.1f32 as f64 * n as f64;
    let relative = |t: Tensor<f32>| (t.to_vec()[0] as f64 / want - 1.0).abs();
    assert!(relative(x.sum_all()) < 3e-7);
    let x = x.reshape([n / 4, 4]).unwrap();
    assert!(relative(&x.sum(0).unwrap() * 4.0) < 3e-7);
}

/// The tree that `kernels/reduce/columns.rs` promises: 32 rows one after another, then pairwise as a binary counter
/// carries, however the rows are handed out.
#[test]
fn columns_are_summed_along_the_tree_to_the_bit() {
    fn tree(leaves: &[f32]) -> f32 {
        match leaves.len() {
            1 => leaves[0],
            n => {
                let (a, b) = leaves.split_at(n.next_power_of_two() / 2);
                tree(a) + tree(b)
            }
        }
    }
    let inner = 1030;
    // A piece is 128 rows of a strip of 1024 columns: from one piece to nine, whole and not.
    for rows in [96, 128, 129, 256, 300, 384, 512, 640, 700, 896, 1024, 1152] {
        let x: Vec<f32> = noise(rows * inner, rows as u64)
            .iter()
            .map(|&x| x as f32)
            .collect();
        let want: Vec<f32> = (0..inner)
            .map(|j| {
                let column: Vec<f32> = (0..rows).map(|i| x[i * inner + j]).collect();
                let leaves: Vec<f32> = column
                    .chunks(32)
                    .map(|c| c[1..].iter().fold(c[0], |a, b| a + b))
                    .collect();
                tree(&leaves)
            })
            .collect();
        let x = Tensor::from_vec(x, [rows, inner]).unwrap();
        for threads in [1, 3] {
            let got = with_threads(threads, || x.sum(0).unwrap());
            assert_eq!(got.to_vec(), want, "{rows} rows, {threads} threads");
        }
    }
}

#[test]
fn integers_are_summed_in_i64_and_wrap() {
    assert_eq!(
        Tensor::new([i32::MAX, 1]).sum_all().item().unwrap(),
        1i64 << 31
    );
    assert_eq!(
        Tensor::new([255u8; 40]).sum(0).unwrap().item().unwrap(),
        10_200
    );
    assert_eq!(
        Tensor::new([i64::MAX, 1]).sum_all().item().unwrap(),
        i64::MIN
    );
    assert_eq!(
        Tensor::new([100u8, 100]).cumsum(0).unwrap().to_vec(),
        [100i64, 200]
    );
    assert_eq!(
        Tensor::new([[1u8, 9], [3, 4]]).max(0).unwrap().to_vec(),
        [3u8, 9]
    );
}

#[test]
fn long_rows_of_any_order_are_their_loops() {
    for n in [255usize, 256, 257, 1024, 1500, 5000] {
        let x: Vec<i64> = noise(n, 3).iter().map(|v| (v * 1e18) as i64).collect();
        let t = Tensor::from_vec(x.clone(), n).unwrap();
        let total = x.iter().fold(0i64, |a, b| a.wrapping_add(*b));
        assert_eq!(t.sum_all().item().unwrap(), total);
        let small = t.cast::<f32>();
        let sorted = small.sort(0, false).unwrap().0;
        let ends = [0, -1].map(|i| sorted.get(&[i]).unwrap());
        let of_floats = [small.min_all(), small.max_all()];
        assert_eq!(of_floats.map(|t| t.unwrap().item().unwrap()), ends);
        let ends = [x.iter().min(), x.iter().max()].map(|v| *v.unwrap());
        let of_integers = [t.min_all(), t.max_all()];
        assert_eq!(of_integers.map(|t| t.unwrap().item().unwrap()), ends);
    }
}

#[test]
fn masks() {
    for x in layouts() {
        let m = x.gt_scalar(0.8);
        for axes in subsets(x.rank()) {
            let (groups, shape) = groups(&x, &axes, true);
            let any: Vec<bool> = groups.iter().map(|g| g.iter().any(|v| *v > 0.8)).collect();
            let all: Vec<bool> = groups.iter().map(|g| g.iter().all(|v| *v > 0.8)).collect();
            let got = m.any_keepdim(&axes[..]).unwrap();
            assert_eq!(
                (got.to_vec(), got.shape().as_slice()),
                (any.clone(), &shape[..])
            );
            assert_eq!(m.any(&axes[..]).unwrap().to_vec(), any);
            assert_eq!(m.all(&axes[..]).unwrap().to_vec(), all);
        }
        let v = m.to_vec();
        assert_eq!(m.count_nonzero(), v.iter().filter(|b| **b).count());
        assert_eq!(m.any_all(), v.iter().any(|b| *b));
        assert_eq!(m.all_all(), v.iter().all(|b| *b));
    }
}

#[test]
fn sum_to_is_the_adjoint_of_expand() {
    for (big, small) in [
        (vec![4, 3], vec![3]),
        (vec![4, 3], vec![4, 1]),
        (vec![2, 4, 3], vec![1, 1]),
        (vec![2, 4, 3], vec![4, 1]),
        (vec![2, 4, 3], vec![2, 1, 3]),
        (vec![2, 4, 3], vec![]),
        (vec![2, 0], vec![1]),
        (vec![1, 5], vec![5]),
    ] {
        let n: usize = big.iter().product();
        let dy = Tensor::from_vec(noise(n, 5), &big[..]).unwrap();
        let m: usize = small.iter().product();
        let x = Tensor::from_vec(noise(m, 6), &small[..]).unwrap();
        // <expand x, dy> = <x, sum_to dy>
        let lhs = (&x.expand(&big[..]).unwrap() * &dy)
            .sum_all()
            .item()
            .unwrap();
        let to = dy.sum_to(&small[..]).unwrap();
        assert_eq!(to.shape().as_slice(), small);
        let rhs = (&x * &to).sum_all().item().unwrap();
        assert!((lhs - rhs).abs() < 1e-12);
    }
    let x = Tensor::<f32>::ones([2, 3]);
    assert!(x.sum_to([2, 3]).unwrap().shares_memory_with(&x));
    let e = x.sum_to([2]).unwrap_err().to_string();
    assert!(e.starts_with("sum_to: the shape asked for does not broadcast to self's\n  self  f32 [2, 3]\n  to    f32 [2]\n"), "{e}");
    assert!(x.sum_to([1, 2, 3]).is_err());
}

#[test]
fn scans() {
    for x in layouts() {
        for axis in 0..x.rank() {
            let a = axis as isize;
            let (sum, prod) = (x.cumsum(a).unwrap(), x.cumprod(a).unwrap());
            for i in 0..x.shape()[axis] {
                let head = x.narrow(a, 0, i + 1).unwrap();
                let (gs, shape) = groups(&head, &[a], false);
                let at = |t: &Tensor<f64>| t.select(a, i as isize).unwrap();
                let sums: Vec<f64> = gs.iter().map(|g| g.iter().sum()).collect();
                check(&at(&sum), &sums, &shape, "cumsum");
                let prods: Vec<f64> = gs.iter().map(|g| g.iter().product()).collect();
                check(&at(&prod), &prods, &shape, "cumprod");
            }
        }
    }
}

#[test]
fn variance_without_enough_elements() {
    let v = |n: usize, c| {
        Tensor::from_vec(noise(n, 1), n)
            .unwrap()
            .var_all(c)
            .item()
            .unwrap()
    };
    assert!(v(1, 1).is_nan() && v(0, 0).is_nan());
    assert_eq!(v(2, 2), f64::INFINITY);
    assert_eq!(v(2, 5), f64::INFINITY);
}

/// Far from zero the mean is no number of the type, and its rounding is as large as the deviations.
#[test]
fn variance_far_from_zero() {
    let values = |n: usize, offset: f32, step: f32| -> Vec<f32> {
        (0..n)
            .map(|i| offset + ((i * 7) % 5) as f32 * step)
            .collect()
    };
    let exact = |v: &[f32], correction: f64| {
        let n = v.len() as f64;
        let mean = v.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
        let squares = v.iter().map(|x| (f64::from(*x) - mean).powi(2));
        squares.sum::<f64>() / (n - correction)
    };
    for (offset, step) in [
        (1e6, 0.25),
        (-1e6, 0.0625),
        (1.6e7, 1.0),
        (1e30, 2e23),
        (0.0, 1.0),
    ] {
        for n in [2, 3, 5, 31, 32, 100, 1000, 4096, 100_000] {
            let v = values(n, offset, step);
            let want = exact(&v, 0.0);
            let unit = exact(&v, 1.0);
            // As one row, as rows, as columns, and with gaps.
            let row = Tensor::from_vec(v.clone(), [n]).unwrap();
            let rows = Tensor::stack(&[&row, &row, &row], 0).unwrap();
            let columns = rows.t().unwrap().copied();
            let apart = Tensor::stack(&[&row, &row.neg()], 1)
                .unwrap()
                .select(1, 0)
                .unwrap();
            let all = [
                row.var_all(0),
                rows.var(1, 0).unwrap(),
                columns.var(0, 0).unwrap(),
                rows.t().unwrap().var(0, 0).unwrap(),
                columns.var_all(0),
                apart.var(0, 0).unwrap(),
            ];
            for (i, y) in all.iter().enumerate() {
                for y in y.iter() {
                    let off = (f64::from(y) / want - 1.0).abs();
                    let fits = want < 3e38 && off < 2e-6 || want > 3.5e38 && y == f32::INFINITY;
                    assert!(fits, "{offset} {step} {n} way {i}: {y} instead of {want}");
                }
            }
            let std = f64::from(rows.std(1, 1).unwrap().iter().next().unwrap());
            assert!(
                (std / unit.sqrt() - 1.0).abs() < 2e-6,
                "{offset} {n}: {std}"
            );
        }
    }
}

#[test]
fn statistics_whose_intermediate_values_over_and_underflow() {
    let t = |v: [f32; 4]| Tensor::new(v);
    let near = |y: Tensor<f32>, want: f64| {
        let y = f64::from(y.item().unwrap());
        assert!((y / want - 1.0).abs() < 1e-6, "{y} instead of {want}");
    };
    near(t([3e38, 3e38, 2e38, 2e38]).mean_all(), 2.5e38);
    near(t([3e38, 3e38, -3e38, -1e38]).mean_all(), 5e37);
    assert_eq!(
        t([f32::INFINITY, 1.0, 2.0, 3.0]).mean_all().item().unwrap(),
        f32::INFINITY
    );
    assert!(
        t([f32::INFINITY, f32::NEG_INFINITY, 2.0, 3.0])
            .mean_all()
            .item()
            .unwrap()
            .is_nan()
    );
    near(t([1e30, 2e30, 1e30, 2e30]).std_all(0), 0.5e30);
    near(t([1e-30, 2e-30, 1e-30, 2e-30]).std_all(0), 0.5e-30);
    near(t([1e-18, 2e-18, 1e-18, 2e-18]).var_all(0), 0.25e-36);
    near(t([3e38, -3e38, 3e38, -3e38]).std_all(0), 3e38);
    assert_eq!(
        t([1e30, 2e30, 1e30, 2e30]).var_all(0).item().unwrap(),
        f32::INFINITY
    );
    assert_eq!(t([7e30; 4]).std_all(0).item().unwrap(), 0.0);
    // A group that needs it beside others.
    let rows = Tensor::<f32>::new([[1.0, 3.0], [1e30, 3e30], [2.0, 2.0]]);
    let std = rows.std(1, 0).unwrap().to_vec();
    assert!(
        std[0] == 1.0 && (std[1] / 1e30 - 1.0).abs() < 1e-6 && std[2] == 0.0,
        "{std:?}"
    );
    near(
        t([1e20; 4]).norm_p(3.0, 0).unwrap(),
        1e20 * 4f64.powf(1.0 / 3.0),
    );
    near(
        t([1e-20; 4]).norm_p(3.0, 0).unwrap(),
        1e-20 * 4f64.powf(1.0 / 3.0),
    );
    near(
        t([1e20, 1e21, 1e22, 1e20]).norm_p(-3.0, 0).unwrap(),
        1e20 * 2.001f64.powf(-1.0 / 3.0),
    );
    assert_eq!(t([0.0; 4]).norm_p(3.0, 0).unwrap().item().unwrap(), 0.0);
    // Layer normalisation: (x − mean)/std, whatever the scale.
    let want = [-1.0, 1.0, -1.0, 1.0];
    for (low, high) in [
        (1e30, 2e30),
        (1e-30, 2e-30),
        (1e6, 1e6 + 0.5),
        (-3e37, 3e37),
    ] {
        let all = t([low, high, low, high])
            .layer_norm(4, None, None, 0.0)
            .unwrap();
        for (y, want) in all.y.iter().zip(want) {
            assert!((y - want).abs() < 1e-6, "{low}: {y}");
        }
    }
}

#[test]
fn gradients_of_a_normalisation_are_summed_in_blocks() {
    let rows = 200_000;
    let x = Tensor::<f32>::new([[0.0, 1.0]]).expand([rows, 2]).unwrap();
    let all = x.layer_norm(2, None, None, 0.0).unwrap();
    let dy = Tensor::<f32>::full([rows, 2], 0.1);
    let grads = x
        .layer_norm_grad(&dy, 2, None, &all.offset, &all.scale)
        .unwrap();
    for (bias, weight) in grads.bias.iter().zip(grads.weight.iter()) {
        assert!(
            (bias / 2e4 - 1.0).abs() < 2e-6 && (weight.abs() / 2e4 - 1.0).abs() < 2e-6,
            "{bias} {weight}"
        );
    }
}

/// What a view repeats is reduced once, with the result of a copy.
#[test]
fn repeated_elements_are_reduced_as_a_copy_of_them() {
    let t = |s: &[usize]| Tensor::from_vec(noise(s.iter().product(), 7), s).unwrap();
    let views = [
        t(&[1]).expand([5]).unwrap(),
        t(&[4, 1, 5]).expand([3, 4, 6, 5]).unwrap(),
        t(&[1, 3]).expand([2000, 3]).unwrap(),
        t(&[3, 1]).expand([3, 2000]).unwrap(),
        t(&[3, 1]).expand([3, 6]).unwrap().t().unwrap(),
        t(&[1, 1, 2]).expand([2, 3, 2]).unwrap(),
        t(&[2, 1, 3]).flip(2).unwrap().expand([2, 4, 3]).unwrap(),
    ];
    for x in views {
        let copy = x.copied();
        for axes in subsets(x.rank()) {
            let axes = &axes[..];
            let same = |a: Result<Tensor<f64>>, b: Result<Tensor<f64>>| {
                let (a, b) = (a.unwrap(), b.unwrap());
                assert!(a.is_contiguous());
                assert!(
                    a.shape() == b.shape() && a.allclose(&b, Tolerance::new(1e-12, 1e-14)).unwrap(),
                    "{axes:?} of {x:?}: {a} instead of {b}"
                );
            };
            same(x.sum(axes), copy.sum(axes));
            same(x.sum_keepdim(axes), copy.sum_keepdim(axes));
            same(x.prod(axes), copy.prod(axes));
            same(x.max(axes), copy.max(axes));
            same(x.min_keepdim(axes), copy.min_keepdim(axes));
            same(x.mean(axes), copy.mean(axes));
            same(x.var(axes, 0), copy.var(axes, 0));
            same(x.std_keepdim(axes, 0), copy.std_keepdim(axes, 0));
            same(x.norm(axes), copy.norm(axes));
            same(x.norm_p(3.0, axes), copy.norm_p(3.0, axes));
            same(
                x.norm_p(f64::INFINITY, axes),
                copy.norm_p(f64::INFINITY, axes),
            );
            same(x.logsumexp(axes), copy.logsumexp(axes));
            let (m, n) = (x.gt_scalar(0.0), copy.gt_scalar(0.0));
            assert_eq!(m.any(axes).unwrap(), n.any(axes).unwrap());
            assert_eq!(m.all_keepdim(axes).unwrap(), n.all_keepdim(axes).unwrap());
            let (i, j) = (
                x.affine(100.0, 0.0).cast::<u8>(),
                copy.affine(100.0, 0.0).cast::<u8>(),
            );
            assert_eq!(i.sum(axes).unwrap(), j.sum(axes).unwrap());
            assert_eq!(i.prod(axes).unwrap(), j.prod(axes).unwrap());
        }
        for axis in 0..x.rank() as isize {
            assert_eq!(x.argmax(axis).unwrap(), copy.argmax(axis).unwrap());
            assert_eq!(
                x.argmin_keepdim(axis).unwrap(),
                copy.argmin_keepdim(axis).unwrap()
            );
            for (a, b) in [
                (x.softmax(axis), copy.softmax(axis)),
                (x.log_softmax(axis), copy.log_softmax(axis)),
            ] {
                let (a, b) = (a.unwrap(), b.unwrap());
                assert!(a.is_contiguous() && a.allclose(&b, Tolerance::new(1e-12, 1e-14)).unwrap());
            }
        }
        assert_eq!(x.argmax_all().unwrap(), copy.argmax_all().unwrap());
        assert_eq!(x.argmin_all().unwrap(), copy.argmin_all().unwrap());
        let mask = Tensor::new([true]).expand([1000, 1000]).unwrap();
        assert_eq!(mask.count_nonzero(), 1_000_000);
    }
    let vast = Tensor::<u8>::scalar(3).expand([1 << 40, 5]).unwrap();
    assert_eq!(vast.sum_all().item().unwrap(), 15 << 40);
    assert_eq!(vast.argmax_all().unwrap().item().unwrap(), 0);
}

#[test]
fn errors_name_the_call_and_the_axis() {
    let x = Tensor::<f32>::zeros([2, 0]);
    let text = |e: Error| e.to_string();
    let e = text(x.sum(2).unwrap_err());
    assert!(
        e.starts_with(
            "sum: axis 2 is out of range\n  self  f32 [2, 0]\n  rule  -2 <= axis < 2\n  at    "
        ),
        "{e}"
    );
    assert!(e.contains("reduce.rs"), "{e}");
    let e = text(x.mean_keepdim([0, -2]).unwrap_err());
    assert!(
        e.starts_with("mean_keepdim: axis 0 is named twice\n"),
        "{e}"
    );
    let e = text(x.max(1).unwrap_err());
    assert!(e.starts_with("max: nothing to reduce\n  self  f32 [2, 0]    axis 1 = 0\n  rule  the reduced axes must not be empty"), "{e}");
    assert!(e.contains("reduce.rs"), "{e}");
    assert_eq!(x.max(0).unwrap().shape(), &[0][..]);
    for (op, e) in [
        ("argmin", text(x.argmin(1).unwrap_err())),
        ("argmax_all", text(x.argmax_all().unwrap_err())),
        ("min_all", text(x.min_all().unwrap_err())),
        ("cumsum", text(x.cumsum(isize::MIN).unwrap_err())),
        ("var", text(x.var(7, 0).unwrap_err())),
        ("norm_p", text(x.norm_p(1.0, 7).unwrap_err())),
        ("logsumexp", text(x.logsumexp([0, 0]).unwrap_err())),
        ("softmax", text(x.softmax(9).unwrap_err())),
        ("sort", text(x.sort(9, false).unwrap_err())),
        ("argsort", text(x.argsort(-9, false).unwrap_err())),
        ("topk", text(x.topk(1, 1, false).unwrap_err())),
        ("any", text(x.is_nan().any(3).unwrap_err())),
    ] {
        assert!(
            e.starts_with(&format!("{op}: ")) && e.contains("reduce.rs"),
            "{e}"
        );
    }
    let e = text(Tensor::<f32>::zeros([2, 3]).topk(4, 1, true).unwrap_err());
    assert!(
        e.starts_with(
            "topk: k = 4\n  self  f32 [2, 3]    axis 1 = 3\n  rule  k <= the axis's size\n"
        ),
        "{e}"
    );
    let e = text(
        Tensor::<f32>::zeros([2, 3])
            .softmax_grad(&x, 1)
            .unwrap_err(),
    );
    assert!(
        e.starts_with("softmax_grad: shapes differ\n  self  f32 [2, 3]\n  dy    f32 [2, 0]\n"),
        "{e}"
    );
}
