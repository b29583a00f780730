//! Products of matrices against sums in f64, over every layout, instruction set and thread count.

use wengert_tensor::{Float, IsaKind, Tensor, with_isa, with_threads};

/// A small generator: the same numbers each run.
struct Rng(u64);
impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n
    }
    fn tensor<T: Float>(&mut self, shape: &[usize]) -> Tensor<T> {
        let n = shape.iter().product();
        let v = (0..n)
            .map(|_| T::from_f64((self.next() >> 40) as f64 / (1u64 << 23) as f64 - 1.0))
            .collect();
        Tensor::from_vec(v, shape).unwrap()
    }

    /// A matrix behind one of `LAYOUTS` layouts: row-major, transposed, of every second or third
    /// element, backwards, of repeated rows or columns.
    fn view<T: Float>(&mut self, r: usize, c: usize, layout: usize) -> Tensor<T> {
        let v = match layout {
            0 => self.tensor(&[r, c]),
            1 => self.tensor(&[c, r]).t().unwrap(),
            2 => self.tensor(&[r, c, 2]).select(2, 1).unwrap(),
            3 => self.tensor(&[r, 3, c]).select(1, 2).unwrap(),
            4 => self.tensor(&[r, c]).flip(0).unwrap(),
            5 => self.tensor(&[c, r]).t().unwrap().flip([0, 1]).unwrap(),
            6 => self.tensor(&[1, c]).expand([r, c]).unwrap(),
            7 => self.tensor(&[r, 1]).expand([r, c]).unwrap(),
            _ => self.tensor(&[c, r, 2]).select(2, 0).unwrap().t().unwrap(),
        };
        assert_eq!(v.shape(), &[r, c][..]);
        v
    }
}
const LAYOUTS: usize = 9;

/// The product of matrices in f64, and for each element the sum of its terms' sizes.
fn naive<T: Float>(a: &Tensor<T>, b: &Tensor<T>) -> Vec<(f64, f64)> {
    let (m, k, n) = (a.shape()[0], a.shape()[1], b.shape()[1]);
    let (a, b) = (a.to_vec(), b.to_vec());
    let mut c = vec![(0.0, 0.0); m * n];
    for i in 0..m {
        for p in 0..k {
            for j in 0..n {
                let x = a[i * k + p].to_f64() * b[p * n + j].to_f64();
                let (sum, size) = &mut c[i * n + j];
                *sum += x;
                *size += x.abs();
            }
        }
    }
    c
}

/// Whether every element is within the rounding of a sum of `k` terms.
#[track_caller]
fn assert_product<T: Float>(c: &Tensor<T>, a: &Tensor<T>, b: &Tensor<T>) {
    assert_eq!(c.shape(), &[a.shape()[0], b.shape()[1]][..]);
    let eps = T::EPSILON.to_f64() * (a.shape()[1] as f64 + 2.0);
    for (i, (x, (want, size))) in c.to_vec().into_iter().zip(naive(a, b)).enumerate() {
        let x = x.to_f64();
        // Written so that NaN fails.
        let close = (x - want).abs() <= eps * (size + f64::MIN_POSITIVE);
        assert!(
            close,
            "element {i} is {x}, not {want}: {:?} {:?} x {:?} {:?}",
            a.shape(),
            a.strides(),
            b.shape(),
            b.strides()
        );
    }
}

fn each_isa(f: impl Fn(IsaKind)) {
    for isa in IsaKind::available() {
        with_isa(isa, || f(isa));
    }
}

fn random_products<T: Float>(seed: u64) {
    each_isa(|isa| {
        let mut rng = Rng(seed + isa as u64);
        for _ in 0..400 {
            let (m, k, n) = (rng.below(41), rng.below(41), rng.below(41));
            let (la, lb) = (rng.below(LAYOUTS), rng.below(LAYOUTS));
            let (a, b) = (rng.view::<T>(m, k, la), rng.view::<T>(k, n, lb));
            assert_product(&a.matmul(&b).unwrap(), &a, &b);
        }
    });
}

#[test]
fn small_products_agree_with_sums_in_f64() {
    random_products::<f32>(1);
    random_products::<f64>(2);
}

fn large_products<T: Float>() {
    // Across the edges of tiles, panels, tasks and parts of the inner dimension.
    let sizes = [
        (65, 129, 67),
        (33, 800, 70),
        (200, 31, 130),
        (12, 1600, 33),
        (30, 1100, 330),
        (1, 300, 500),
        (500, 300, 1),
        (2, 400, 300),
        (129, 2, 515),
        // Small batches, which are turned where the right operand is transposed.
        (5, 500, 1003),
        (21, 260, 700),
    ];
    each_isa(|isa| {
        let mut rng = Rng(77 + isa as u64);
        for (m, k, n) in sizes {
            for (la, lb) in [
                (0, 0),
                (0, 1),
                (1, 0),
                (1, 1),
                (2, 3),
                (4, 5),
                (6, 7),
                (8, 8),
            ] {
                let (a, b) = (rng.view::<T>(m, k, la), rng.view::<T>(k, n, lb));
                assert_product(&a.matmul(&b).unwrap(), &a, &b);
            }
        }
    });
}

#[test]
fn large_products_agree_with_sums_in_f64() {
    large_products::<f32>();
    large_products::<f64>();
}

#[test]
fn a_long_inner_dimension_is_taken_in_parts() {
    let mut rng = Rng(5);
    let (a, b) = (
        rng.view::<f32>(3, 700_000, 1),
        rng.view::<f32>(700_000, 9, 0),
    );
    assert_product(&a.matmul(&b).unwrap(), &a, &b);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let mut rng = Rng(11);
    let cases = [
        (300, 700, 260, 0, 0),
        (300, 700, 260, 0, 1),
        (300, 700, 260, 1, 0),
        (64, 784, 256, 0, 1),
        (5, 500, 1003, 0, 1),
        (45, 260, 700, 1, 1),
        // Several blocks of the inner dimension, and several groups of columns for one thread.
        (70, 1100, 330, 0, 0),
        (70, 1100, 330, 1, 1),
        // Tall: cut by rows, of which a thread does several bands; with one and two blocks of the inner dimension.
        (1500, 130, 70, 0, 1),
        (1500, 130, 70, 1, 0),
        (700, 1100, 90, 0, 0),
        (1, 900, 1200, 0, 0),
        (1, 900, 1200, 0, 1),
        (1200, 900, 1, 0, 0),
        (1200, 900, 1, 1, 0),
    ];
    for (m, k, n, la, lb) in cases {
        let (a, b) = (rng.view::<f32>(m, k, la), rng.view::<f32>(k, n, lb));
        let bias = rng.tensor::<f32>(&[n]);
        let w = b.t().unwrap();
        each_isa(|isa| {
            let run = |threads: usize| {
                with_threads(threads, || {
                    with_isa(isa, || {
                        let product = a.matmul(&b).unwrap();
                        // However the operands lie; and where the inner dimension is one block, with the bias in the same pass or
                        // after it.
                        let laid = a.matmul(&b.contiguous()).unwrap();
                        let sum = a.linear(&w, Some(&bias)).unwrap();
                        if m > 1 && n > 1 {
                            assert!(product.to_vec() == laid.to_vec(), "{m} {k} {n} {la} {lb}");
                            assert!(k > 1024 || sum.to_vec() == (&product + &bias).to_vec());
                        }
                        let bits = [product.to_vec(), sum.to_vec()].concat();
                        bits.into_iter().map(f32::to_bits).collect::<Vec<_>>()
                    })
                })
            };
            let one = run(1);
            assert!(one == run(2), "2 threads, {isa:?}, {m} {k} {n} {la} {lb}");
            assert!(one == run(4), "4 threads, {isa:?}, {m} {k} {n} {la} {lb}");
        });
    }
    // Batches of small products, and of products that are cut by themselves, each on one thread.
    for (count, m, k, n) in [(40, 20, 30, 25), (9, 70, 600, 330)] {
        let (a, b) = (
            rng.tensor::<f64>(&[count, m, k]),
            rng.tensor::<f64>(&[count, k, n]),
        );
        let run = |t: usize| with_threads(t, || a.matmul(&b).unwrap().to_vec());
        let one = run(1);
        assert!(one == run(2) && one == run(4), "{count} of {m} {k} {n}");
        let last = a.select(0, -1).unwrap().matmul(&b.select(0, -1).unwrap());
        assert!(last.unwrap().to_vec() == one[(count - 1) * m * n..]);
    }
}

#[test]
fn batches_broadcast() {
    let mut rng = Rng(21);
    let lead: [&[usize]; 7] = [&[], &[1], &[3], &[2, 3], &[2, 1], &[1, 3], &[4, 1, 3]];
    for (m, k, n) in [(2, 3, 4), (5, 1, 5), (40, 33, 37), (150, 150, 150)] {
        for la in lead {
            for lb in lead {
                if m == 150 && la.len() + lb.len() > 2 {
                    continue;
                }
                let a = rng.tensor::<f64>(&[la, &[m, k]].concat());
                let b = rng.tensor::<f64>(&[lb, &[n, k]].concat());
                let b = b.transpose(-2, -1).unwrap();
                let c = a.matmul(&b);
                let Some(batch) = broadcast(la, lb) else {
                    assert!(c.is_err());
                    continue;
                };
                let c = c.unwrap();
                assert_eq!(c.shape(), &[&batch[..], &[m, n]].concat()[..]);
                let flat = |t: &Tensor<f64>, r: usize, s: usize| {
                    let shape = [&batch[..], &[r, s]].concat();
                    let all: usize = batch.iter().product();
                    t.expand(shape)
                        .unwrap()
                        .contiguous()
                        .reshape([all, r, s])
                        .unwrap()
                };
                let (a, b, c) = (flat(&a, m, k), flat(&b, k, n), flat(&c, m, n));
                for i in 0..c.shape()[0] as isize {
                    let at = |t: &Tensor<f64>| t.select(0, i).unwrap();
                    assert_product(&at(&c), &at(&a), &at(&b));
                }
            }
        }
    }
}

fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |s: &[usize], i: usize| {
        if i + s.len() < rank {
            1
        } else {
            s[i + s.len() - rank]
        }
    };
    (0..rank)
        .map(|i| match (at(a, i), at(b, i)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

#[test]
fn vectors_are_rows_and_columns() {
    let mut rng = Rng(31);
    let (v, m) = (rng.tensor::<f32>(&[6]), rng.tensor::<f32>(&[5, 6]));
    let batch = rng.tensor::<f32>(&[2, 5, 6]);
    let y = m.matmul(&v).unwrap();
    assert_eq!(y.shape(), &[5][..]);
    assert_product(&y.reshape([5, 1]).unwrap(), &m, &v.reshape([6, 1]).unwrap());
    assert_eq!(v.matmul(&m.t().unwrap()).unwrap().to_vec(), y.to_vec());
    assert_eq!(v.matmul(&v).unwrap().rank(), 0);
    assert_eq!(v.matmul(&v).unwrap().to_vec(), v.dot(&v).unwrap().to_vec());
    assert_eq!(batch.matmul(&v).unwrap().shape(), &[2, 5][..]);
    let w = batch.transpose(-2, -1).unwrap();
    assert_eq!(v.matmul(&w).unwrap().shape(), &[2, 5][..]);
    assert_eq!(
        v.matmul(&w).unwrap().to_vec(),
        batch.matmul(&v).unwrap().to_vec()
    );
    assert_eq!(v.outer(&v).unwrap().shape(), &[6, 6][..]);
    let column = v.reshape([6, 1]).unwrap();
    assert_product(&v.outer(&v).unwrap(), &column, &column.t().unwrap());
}

#[test]
fn empty_operands_give_zeros_or_nothing() {
    let t = |s: &[usize]| Tensor::<f32>::ones(s);
    assert_eq!(t(&[2, 0]).matmul(&t(&[0, 3])).unwrap().to_vec(), [0.0; 6]);
    assert_eq!(
        t(&[300, 0]).matmul(&t(&[0, 300])).unwrap().to_vec(),
        [0.0; 90000]
    );
    assert_eq!(t(&[0]).matmul(&t(&[0])).unwrap().to_vec(), [0.0]);
    assert_eq!(t(&[0, 4]).matmul(&t(&[4, 3])).unwrap().shape(), &[0, 3][..]);
    assert_eq!(t(&[2, 4]).matmul(&t(&[4, 0])).unwrap().shape(), &[2, 0][..]);
    assert_eq!(
        t(&[0, 2, 4]).matmul(&t(&[4, 3])).unwrap().shape(),
        &[0, 2, 3][..]
    );
    assert_eq!(
        t(&[5, 2, 0]).matmul(&t(&[5, 0, 3])).unwrap().to_vec(),
        [0.0; 30]
    );
    let y = t(&[2, 0]).linear(&t(&[3, 0]), Some(&t(&[3]))).unwrap();
    assert_eq!(y.to_vec(), [1.0; 6]);
}

#[test]
fn nan_and_infinity_reach_their_row_and_column_only() {
    each_isa(|_| {
        for n in [2, 5, 17, 40, 70] {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut a = Tensor::<f32>::ones([n, n]);
                let (r, c) = (n / 2, n - 1);
                a.as_mut_slice()[r * n + c] = bad;
                let one = Tensor::<f32>::ones([n, n]);
                // The memory that results are given has held NaN before.
                drop(Tensor::<f32>::full([n, n], f32::NAN));
                let (left, right) = (a.matmul(&one).unwrap(), one.matmul(&a).unwrap());
                let (left, right) = (left.to_vec(), right.to_vec());
                for i in 0..n {
                    for j in 0..n {
                        let want = |hit: bool| if hit { bad } else { n as f32 };
                        let same = |x: f32, y: f32| x == y || (x.is_nan() && y.is_nan());
                        assert!(same(left[i * n + j], want(i == r)), "{n} {i} {j}");
                        assert!(same(right[i * n + j], want(j == c)), "{n} {i} {j}");
                    }
                }
                // 0 × inf is NaN: nothing skips zeros.
                let zero = Tensor::<f32>::zeros([n, n]);
                let y = a.matmul(&zero).unwrap().to_vec();
                assert!(y[r * n].is_nan());
            }
        }
    });
}

#[test]
fn linear_is_the_product_with_the_transposed_weight_plus_the_bias() {
    each_isa(|isa| {
        let mut rng = Rng(41 + isa as u64);
        let sizes = [
            (1, 1, 1),
            (4, 2, 4),
            (1, 700, 300),
            (9, 700, 1),
            (64, 784, 33),
            (70, 500, 60),
        ];
        for (m, k, n) in sizes {
            for layout in 0..LAYOUTS {
                let x = rng.view::<f32>(m, k, layout);
                let w = rng.view::<f32>(n, k, (layout * 5 + 1) % LAYOUTS);
                let b = rng.view::<f32>(1, n, layout).select(0, 0).unwrap();
                // The bias as one more feature that is always 1.
                let with = |t: &Tensor<f32>, last: Vec<f32>| {
                    let (r, v) = (t.shape()[0], t.to_vec());
                    let rows = (0..r).flat_map(|i| {
                        v[i * k..(i + 1) * k]
                            .iter()
                            .copied()
                            .chain([last[i]])
                            .collect::<Vec<_>>()
                    });
                    Tensor::from_vec(rows.collect(), [r, k + 1]).unwrap()
                };
                let (x1, w1) = (with(&x, vec![1.0; m]), with(&w, b.to_vec()));
                let y = x.linear(&w, Some(&b)).unwrap();
                assert_product(&y, &x1, &w1.t().unwrap());
                assert_product(&x.linear(&w, None).unwrap(), &x, &w.t().unwrap());
            }
        }
    });
}

#[test]
fn linear_keeps_leading_axes() {
    let mut rng = Rng(51);
    let (w, b) = (rng.tensor::<f64>(&[3, 4]), rng.tensor::<f64>(&[3]));
    let x = rng.tensor::<f64>(&[2, 5, 4]);
    let flat = x
        .reshape([10, 4])
        .unwrap()
        .linear(&w, Some(&b))
        .unwrap()
        .to_vec();
    let y = x.linear(&w, Some(&b)).unwrap();
    assert_eq!((y.shape().to_vec(), y.to_vec()), (vec![2, 5, 3], flat));
    let turned = x.transpose(0, 1).unwrap();
    let z = turned.linear(&w, Some(&b)).unwrap();
    assert_eq!(z.transpose(0, 1).unwrap().to_vec(), y.to_vec());
    let one = x.select(0, 1).unwrap().select(0, 2).unwrap();
    let row = y.select(0, 1).unwrap().select(0, 2).unwrap();
    assert_eq!(one.linear(&w, Some(&b)).unwrap().to_vec(), row.to_vec());
    assert_eq!(
        Tensor::<f64>::ones([0, 4])
            .linear(&w, None)
            .unwrap()
            .shape(),
        &[0, 3][..]
    );
}

/// The text of an error without its `at` line, which names this file.
#[track_caller]
fn text(e: wengert_tensor::Result<Tensor<f32>>) -> String {
    let text = e.unwrap_err().to_string();
    let (at, rest): (Vec<&str>, Vec<&str>) = text
        .lines()
        .partition(|l| l.trim_start().starts_with("at "));
    assert!(
        at.len() == 1 && at[0].contains("tests/matmul.rs:"),
        "{text}"
    );
    rest.join("\n")
}

#[test]
fn errors_name_shapes_axes_rule_and_hint() {
    let t = |s: &[usize]| Tensor::<f32>::ones(s);
    let m = |a: &[usize], b: &[usize]| text(t(a).matmul(&t(b)));
    assert_eq!(
        m(&[64, 1568], &[6272, 10]),
        "matmul: inner dimensions differ\n  \
         lhs   f32 [64, 1568]    axis 1 = 1568\n  \
         rhs   f32 [6272, 10]    axis 0 = 6272\n  \
         rule  lhs.shape[-1] == rhs.shape[-2]\n  \
         hint  lhs needs 6272 columns, or rhs 1568 rows"
    );
    let hint = |s: String| s.rsplit("hint  ").next().unwrap_or_default().to_string();
    assert_eq!(hint(m(&[2, 3], &[4, 3])), "rhs.t() is [3, 4], which fits");
    assert_eq!(hint(m(&[3, 2], &[3, 4])), "lhs.t() is [2, 3], which fits");
    assert_eq!(hint(m(&[4, 3], &[2, 4])), "rhs.matmul(&lhs) fits");
    assert_eq!(
        hint(m(&[5, 2, 3], &[5, 4, 3])),
        "rhs.transpose(-2, -1) is [5, 3, 4], which fits"
    );
    assert_eq!(hint(m(&[3], &[2, 4])), "lhs is a row: it needs 2 elements");
    assert_eq!(
        hint(m(&[2, 3], &[4])),
        "rhs is a column: it needs 3 elements"
    );
    assert_eq!(hint(m(&[2], &[3])), "lhs needs 3 columns, or rhs 2 rows");
    assert!(m(&[2, 3], &[4]).contains("rule  lhs.shape[-1] == rhs.shape[0]"));
    assert_eq!(
        m(&[], &[2, 2]),
        "matmul: needs operands of one axis or more\n  \
         lhs   f32 []\n  \
         rhs   f32 [2, 2]\n  \
         rule  lhs.rank() >= 1 and rhs.rank() >= 1\n  \
         hint  a scalar multiplies every element: use `*`"
    );
    assert_eq!(
        m(&[7, 2, 4, 3], &[7, 5, 3, 4]),
        "matmul: shapes do not broadcast\n  \
         lhs   f32 [7, 2, 4, 3]    axis 1 = 2\n  \
         rhs   f32 [7, 5, 3, 4]    axis 1 = 5\n  \
         rule  aligned at the last axis, sizes are equal or one of them is 1\n  \
         hint  the axes before the last two are batch axes: they broadcast, the last two multiply"
    );
    let huge = t(&[1, 1]).expand([1 << 40, 1]).unwrap();
    assert!(text(huge.matmul(&huge.t().unwrap())).contains("is too large"));
}

#[test]
fn errors_of_dot_outer_and_linear() {
    let t = |s: &[usize]| Tensor::<f32>::ones(s);
    assert_eq!(
        text(t(&[2]).dot(&t(&[3]))),
        "dot: sizes differ\n  \
         lhs   f32 [2]    axis 0 = 2\n  \
         rhs   f32 [3]    axis 0 = 3\n  \
         rule  lhs.shape[0] == rhs.shape[0]\n  \
         hint  outer() is the product of vectors of different sizes"
    );
    assert_eq!(
        text(t(&[2]).dot(&t(&[2, 1]))),
        "dot: needs two vectors\n  \
         lhs   f32 [2]\n  \
         rhs   f32 [2, 1]\n  \
         rule  lhs.rank() == 1 and rhs.rank() == 1\n  \
         hint  matmul() multiplies matrices; flatten(0, -1) makes a vector"
    );
    assert!(text(t(&[]).outer(&t(&[2]))).contains("hint  a scalar multiplies every element"));
    let linear = |x: &[usize], w: &[usize], b: &[usize]| text(t(x).linear(&t(w), Some(&t(b))));
    assert_eq!(
        linear(&[64, 1568], &[10, 6272], &[10]),
        "linear: inner dimensions differ\n  \
         x     f32 [64, 1568]    axis 1 = 1568\n  \
         w     f32 [10, 6272]    axis 1 = 6272\n  \
         rule  x.shape[-1] == w.shape[1]\n  \
         hint  x has 1568 features: w must be [10, 1568]"
    );
    let turned = linear(&[64, 8], &[8, 3], &[3]);
    assert!(
        turned.ends_with("hint  w.t() is [3, 8], which fits: a weight is [out, in]"),
        "{turned}"
    );
    assert_eq!(
        linear(&[2, 3], &[4, 3], &[5]),
        "linear: the bias does not fit the weight\n  \
         w     f32 [4, 3]    axis 0 = 4\n  \
         b     f32 [5]    axis 0 = 5\n  \
         rule  b.shape[0] == w.shape[0]\n  \
         hint  b must be [4], one value for each row of w"
    );
    assert!(linear(&[2, 3], &[4, 3], &[1, 4]).starts_with("linear: needs a bias of one axis\n"));
    assert!(linear(&[2, 3], &[3], &[3]).starts_with("linear: needs a weight of two axes\n"));
    assert!(linear(&[], &[4, 1], &[4]).starts_with("linear: needs an input of one axis or more\n"));
}

/// The error of a sum grows with the length of what is added one after another: no kernel adds more than a block so.
#[test]
fn long_inner_dimensions_are_summed_in_blocks() {
    let k = 100_000;
    let noise = |rows: usize, columns: usize, seed: u64| -> Tensor<f32> {
        Tensor::rand([rows, columns], &mut wengert_tensor::Rng::seed(seed))
    };
    let gaps = |t: &Tensor<f32>| Tensor::stack(&[t, t], 2).unwrap().select(2, 0).unwrap();
    let lays = |t: &Tensor<f32>| [t.clone(), t.t().unwrap().copied().t().unwrap(), gaps(t)];
    for (m, n) in [(1, 1), (1, 2), (2, 1), (1, 5), (2, 3), (10, 1), (4, 4)] {
        let (a, b) = (noise(m, k, 1), noise(k, n, 2));
        let exact = a.cast::<f64>().matmul(&b.cast::<f64>()).unwrap();
        for (i, (a, b)) in lays(&a)
            .iter()
            .flat_map(|a| lays(&b).map(|b| (a.clone(), b)))
            .enumerate()
        {
            each_isa(|isa| {
                let c = with_isa(isa, || a.matmul(&b)).unwrap();
                for (c, e) in c.iter().zip(exact.iter()) {
                    let off = (f64::from(c) / e - 1.0).abs();
                    assert!(off < 2e-6, "{isa:?} {m} x {n}, layouts {i}: {off:e}");
                }
            });
        }
    }
    // One after another, ones end at 2²⁴.
    let many = 17_800_000;
    let ones = Tensor::<f32>::ones([many]);
    let columns = ones
        .unsqueeze(1)
        .unwrap()
        .expand([many, 2])
        .unwrap()
        .copied();
    for y in [
        ones.dot(&ones).unwrap(),
        ones.matmul(&columns).unwrap(),
        columns.t().unwrap().matmul(&ones).unwrap(),
    ] {
        assert!(y.iter().all(|v| v == 17_800_000.0), "{y}");
    }
}
