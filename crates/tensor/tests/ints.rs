//! Integers: bits, shifts, powers, products, and remainders of every type, against plain Rust.

use wengert_tensor::{Int, Tensor};

/// All pairs of some numbers, as two tensors of a layout that is not contiguous.
fn pairs<T: Int>(values: &[T]) -> (Tensor<T>, Tensor<T>, Vec<(T, T)>) {
    let column = Tensor::from_slice(values, [values.len(), 1]).unwrap();
    let row = Tensor::from_slice(values, values.len()).unwrap();
    let all = values.iter().flat_map(|a| values.iter().map(|b| (*a, *b)));
    (column, row, all.collect())
}

macro_rules! of_type {
    ($t:ident $values:expr) => {{
        let (a, b, all) = pairs::<$t>(&$values);
        let of = |f: &dyn Fn($t, $t) -> $t| all.iter().map(|(a, b)| f(*a, *b)).collect::<Vec<_>>();
        assert_eq!((&a & &b).to_vec(), of(&|a, b| a & b));
        assert_eq!((&a | &b).to_vec(), of(&|a, b| a | b));
        assert_eq!((&a ^ &b).to_vec(), of(&|a, b| a ^ b));
        let width = $t::BITS as i64;
        let within = |b: $t| (0..width).contains(&(b as i64));
        assert_eq!(
            (&a << &b).to_vec(),
            of(&|a, b| if within(b) { a << b } else { 0 })
        );
        #[allow(unused_comparisons)]
        let out = |a: $t| if a < 0 { !0 } else { 0 };
        assert_eq!(
            (&a >> &b).to_vec(),
            of(&|a, b| if within(b) { a >> b } else { out(a) })
        );
        assert_eq!((!&b).to_vec(), $values.map(|v: $t| !v));
        let small = b.clamp(0, 40).unwrap();
        let want = of(&|a, b| a.wrapping_pow(b.clamp(0, 40) as u32));
        assert_eq!(a.pow(&small).unwrap().to_vec(), want);
        // No division by zero.
        let c = b.masked_fill(&b.eq_scalar(0), 1).unwrap();
        let floored = of(&|a, b| {
            let b = if b == 0 { 1 } else { b };
            (a as i128).rem_euclid((b as i128).abs()) as i128 as $t
        });
        let want: Vec<$t> = floored
            .iter()
            .zip(&all)
            .map(|(r, (_, b))| {
                if (*b as i128) < 0 && *r != 0 {
                    r.wrapping_add(*b)
                } else {
                    *r
                }
            })
            .collect();
        assert_eq!(a.remainder(&c).unwrap().to_vec(), want);
    }};
}

#[test]
fn bits_shifts_and_powers_are_rusts() {
    of_type!(i64 [i64::MIN, -65, -7, -1, 0, 1, 2, 5, 31, 63, 64, i64::MAX]);
    of_type!(i32 [i32::MIN, -33, -7, -1, 0, 1, 2, 5, 31, 32, 63, i32::MAX]);
    of_type!(u8 [0, 1, 2, 3, 5, 7, 8, 9, 31, 128, 200, 255]);
    let n = Tensor::new([6i64, 3]);
    assert_eq!(((n & 2) | 8).to_vec(), [10, 10]);
    assert_eq!((Tensor::new([1u8, 255]) << 1).to_vec(), [2, 254]);
}

#[test]
fn products_of_integers_are_in_64_bits() {
    let make = |shape: &[usize], seed: i64| {
        let n: usize = shape.iter().product();
        let values = (0..n as i64).map(|i| ((i * 37 + seed) % 201 - 100) as i32);
        Tensor::from_vec(values.collect(), shape).unwrap()
    };
    for (a, b) in [
        (vec![2, 3], vec![3, 4]),
        (vec![3], vec![3, 4]),
        (vec![2, 3], vec![3]),
        (vec![3], vec![3]),
        (vec![5, 1, 2, 3], vec![4, 3, 2]),
        (vec![0, 3], vec![3, 2]),
        (vec![2, 0], vec![0, 3]),
        (vec![70, 65], vec![65, 90]),
    ] {
        let (a, b) = (make(&a, 1), make(&b, 2));
        let exact = a.cast::<f64>().matmul(&b.cast()).unwrap();
        let got = a.matmul(&b).unwrap();
        assert_eq!(got.cast::<f64>(), exact);
    }
    let turned = make(&[4, 3], 5).t().unwrap();
    let want = turned
        .cast::<f64>()
        .matmul(&make(&[4, 2], 1).cast())
        .unwrap();
    assert_eq!(
        turned.matmul(&make(&[4, 2], 1)).unwrap().cast::<f64>(),
        want
    );
    // Beyond the type of the operands, and wrapping beyond 64 bits.
    let big = Tensor::new([[255u8, 255]]);
    assert_eq!(
        big.matmul(&Tensor::new([255, 255])).unwrap().to_vec(),
        [130_050]
    );
    let huge = Tensor::new([i64::MAX]);
    let two = Tensor::new([2i64]);
    assert_eq!(huge.matmul(&two).unwrap().item().unwrap(), -2);
}

#[test]
fn remainders_of_floats_are_pythons() {
    let inf = f64::INFINITY;
    // a, b, a % b by Python 3.
    let cases = [
        (7.5, 2.0, 1.5),
        (-7.5, 2.0, 0.5),
        (7.5, -2.0, -0.5),
        (-7.5, -2.0, -1.5),
        (4.0, -2.0, -0.0),
        (-4.0, 2.0, 0.0),
        (0.0, -3.0, -0.0),
        (-0.0, 3.0, 0.0),
        (5.0, inf, 5.0),
        (-5.0, inf, inf),
        (5.0, -inf, -inf),
        (-5.0, -inf, -5.0),
        (1e-20, -1.0, -1.0),
    ];
    for (a, b, want) in cases {
        let got = Tensor::scalar(a).remainder(b).unwrap().item().unwrap();
        assert_eq!(f64::to_bits(got), f64::to_bits(want), "{a} % {b} = {got}");
        if a.abs() > 1e-10 {
            let got = Tensor::scalar(a as f32).remainder(b).unwrap();
            assert_eq!(
                got.item().unwrap().to_bits(),
                (want as f32).to_bits(),
                "{a} % {b}"
            );
        }
    }
    for (a, b) in [(1.0, 0.0), (inf, 2.0), (f64::NAN, 1.0), (1.0, f64::NAN)] {
        assert!(
            Tensor::scalar(a)
                .remainder(b)
                .unwrap()
                .item()
                .unwrap()
                .is_nan()
        );
    }
}

#[test]
fn bounds_of_every_type() {
    let n = Tensor::new([i64::MIN, -5, 0, 5, i64::MAX]);
    assert_eq!(n.clamp(-4, 4).unwrap().to_vec(), [-4, -4, 0, 4, 4]);
    // Exact where f64 is not.
    let high = (1 << 53) + 1;
    assert_eq!(
        n.clamp_max(high).unwrap().to_vec(),
        [i64::MIN, -5, 0, 5, high]
    );
    assert_eq!(n.clamp_min(0).unwrap().to_vec(), [0, 0, 0, 5, i64::MAX]);
    let x = Tensor::new([f32::NAN, -1.0, 0.5, 2.0]);
    let bounded = |t: Tensor| t.to_vec()[1..].to_vec();
    assert_eq!(bounded(x.clamp(0, 1).unwrap()), [0.0, 0.5, 1.0]);
    assert_eq!(bounded(x.clamp_min(0.0).unwrap()), [0.0, 0.5, 2.0]);
    assert_eq!(bounded(x.clamp_max(1_f64).unwrap()), [-1.0, 0.5, 1.0]);
    assert!(x.clamp_min(0.0).unwrap().to_vec()[0].is_nan());
    let low = Tensor::new([[0.0f32], [1.0]]);
    let y = Tensor::new([0.5f32, 3.0]).clamp(&low, 2).unwrap();
    assert_eq!(y.to_vec(), [0.5, 2.0, 1.0, 2.0]);
    assert_eq!(x.maximum(1).unwrap().to_vec()[1..], [1.0, 1.0, 2.0]);
}
