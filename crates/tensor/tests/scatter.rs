//! Elements put into places: against loops, on turned and cut layouts; padding; running sums with options.

use wengert_tensor::ScatterReduce::{Max, Mean, Min, Prod, Sum};
use wengert_tensor::{
    AnyTensor, DType, Rng, Scan, ScatterReduce, Tensor, match_dtype, with_threads,
};

/// The reference, element by element.
fn naive(
    x: &Tensor<f64>,
    axis: usize,
    index: &Tensor<i64>,
    src: &Tensor<f64>,
    reduce: Option<ScatterReduce>,
    include_self: bool,
) -> Vec<f64> {
    let (x_shape, shape) = (x.shape().to_vec(), index.shape().to_vec());
    let mut come: Vec<Vec<f64>> = vec![Vec::new(); x.len()];
    for flat in 0..index.len() {
        let mut at = vec![0; shape.len()];
        let mut rest = flat;
        for a in (0..shape.len()).rev() {
            at[a] = rest % shape[a];
            rest /= shape[a];
        }
        let here: Vec<isize> = at.iter().map(|&i| i as isize).collect();
        let to = index.get(&here).unwrap();
        at[axis] = to.rem_euclid(x_shape[axis] as i64) as usize;
        let place = at.iter().zip(&x_shape).fold(0, |f, (i, d)| f * d + i);
        come[place].push(src.get(&here).unwrap());
    }
    let merge = |own: f64, come: &[f64]| {
        let Some(reduce) = reduce else {
            return come[come.len() - 1];
        };
        let own = include_self.then_some(own);
        let all: Vec<f64> = own.into_iter().chain(come.iter().copied()).collect();
        match reduce {
            Sum => all.iter().sum(),
            Prod => all.iter().product(),
            Mean => all.iter().sum::<f64>() / all.len() as f64,
            Max => all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Min => all.iter().copied().fold(f64::INFINITY, f64::min),
        }
    };
    let each = x.to_vec().into_iter().zip(come);
    each.map(|(own, come)| {
        if come.is_empty() {
            own
        } else {
            merge(own, &come)
        }
    })
    .collect()
}

#[test]
fn scattering_is_the_loop() {
    let rng = &mut Rng::seed(3);
    for (shape, index, axis) in [
        (vec![5], vec![8], 0),
        (vec![4, 3], vec![4, 3], 1),
        (vec![4, 3], vec![6, 2], 0),
        (vec![3, 4, 2], vec![3, 5, 2], 1),
        (vec![3, 4, 2], vec![2, 2, 7], 2),
        (vec![60, 7], vec![500, 7], 0),
    ] {
        let n = shape[axis] as i64;
        let x = Tensor::<f64>::randn(&shape, rng);
        let index = Tensor::randint(-n, n, &index, rng).unwrap();
        let src = Tensor::<f64>::randn(index.shape(), rng);
        let near = |got: Tensor<f64>, want: Vec<f64>| {
            assert_eq!(got.shape(), x.shape());
            let far = got
                .to_vec()
                .into_iter()
                .zip(want)
                .find(|(a, b)| (a - b).abs() > 1e-9);
            assert_eq!(far, None);
        };
        let a = axis as isize;
        near(
            x.scatter(a, &index, &src).unwrap(),
            naive(&x, axis, &index, &src, None, false),
        );
        for reduce in [Sum, Prod, Mean, Max, Min] {
            for own in [true, false] {
                let run = || x.scatter_reduce(a, &index, &src, reduce, own).unwrap();
                near(run(), naive(&x, axis, &index, &src, Some(reduce), own));
                assert_eq!(with_threads(1, run), with_threads(7, run));
            }
        }
    }
}

#[test]
fn integers_and_masks_scatter() {
    let index = Tensor::new([0i64, 2, 0]);
    let mask = Tensor::full([3], false);
    let put = mask.scatter(0, &index, &Tensor::full([3], true)).unwrap();
    assert_eq!(put.to_vec(), [true, false, true]);
    let n = Tensor::new([-10i64, 1, 5]);
    let src = Tensor::new([3i64, 4, -2]);
    let merge = |how, own| {
        n.scatter_reduce(0, &index, &src, how, own)
            .unwrap()
            .to_vec()
    };
    // Means of integers are rounded down: −9/3, 9/2; 1/2, 4.
    assert_eq!(merge(Mean, true), [-3, 1, 4]);
    assert_eq!(merge(Mean, false), [0, 1, 4]);
    assert_eq!(merge(Max, false), [3, 1, 4]);
    assert_eq!(merge(Min, true), [-10, 1, 4]);
    assert_eq!(merge(Prod, true), [60, 1, 20]);
    let none = Tensor::<i64>::zeros([0]);
    let kept = n.scatter_reduce(0, &none, &none, Mean, false).unwrap();
    assert_eq!(kept.to_vec(), [-10, 1, 5]);
}

#[test]
fn padding_any_layout() {
    let t = Tensor::arange(0i64, 6, 1).unwrap().reshape([2, 3]).unwrap();
    let turned = t.t().unwrap().pad(&[(0, 1), (1, 0)], -1).unwrap();
    assert_eq!(turned.to_vec(), [-1, 0, 3, -1, 1, 4, -1, 2, 5, -1, -1, -1]);
    let row = Tensor::new([1i64, 2]).expand([2, 2]).unwrap();
    assert_eq!(
        row.pad(&[(0, 0), (0, 1)], 0).unwrap().to_vec(),
        [1, 2, 0, 1, 2, 0]
    );
    let none = Tensor::<f32>::zeros([0, 2])
        .pad(&[(1, 1), (0, 0)], 2.0)
        .unwrap();
    assert_eq!(none.to_vec(), [2.0; 4]);
    assert_eq!(
        Tensor::scalar(true).pad(&[], false).unwrap().to_vec(),
        [true]
    );
}

#[test]
fn running_sums_from_either_end() {
    let t = Tensor::new([[1i64, 2, 3], [4, 5, 6]]);
    let of = |o: Scan| t.cumsum_with(1, o).unwrap().to_vec();
    assert_eq!(of(Scan::new()), [1, 3, 6, 4, 9, 15]);
    assert_eq!(of(Scan::new().exclusive()), [0, 1, 3, 0, 4, 9]);
    assert_eq!(of(Scan::new().reverse()), [6, 5, 3, 15, 11, 6]);
    assert_eq!(of(Scan::new().reverse().exclusive()), [5, 3, 0, 11, 6, 0]);
    let down = t.cumprod_with(0, Scan::new().exclusive()).unwrap();
    assert_eq!(down.to_vec(), [1, 1, 1, 1, 2, 3]);
    let none = Tensor::<f32>::zeros([2, 0]);
    let options = Scan::new().exclusive().reverse();
    assert_eq!(none.cumsum_with(1, options).unwrap().shape(), &[2, 0]);
}

#[test]
fn what_is_empty_has_the_value_asked_for() {
    let none = Tensor::<f32>::zeros([2, 0]);
    assert_eq!(none.max_or(1, 7.0).unwrap().to_vec(), [7.0; 2]);
    assert_eq!(none.min_or([0, 1], 7.0).unwrap().item().unwrap(), 7.0);
    assert_eq!(none.max_or(0, 7.0).unwrap().shape(), &[0]);
    let some = Tensor::new([[1i64, 9], [4, 2]]);
    assert_eq!(some.max_or(1, 0).unwrap(), some.max(1).unwrap());
    assert_eq!(some.min_or(0, 0).unwrap(), some.min(0).unwrap());
}

#[test]
fn matrices_with_a_diagonal_of_ones() {
    for (shape, k) in [
        ([3, 4], 0),
        ([3, 4], 2),
        ([3, 4], -1),
        ([4, 2], -3),
        ([2, 3], 9),
        ([0, 3], 0),
    ] {
        let t = Tensor::<f32>::eye_matrix(shape, k).unwrap();
        let want =
            (0..shape[0]).flat_map(|r| (0..shape[1]).map(move |c| c as isize - r as isize == k));
        let want: Vec<f32> = want.map(|one| f32::from(u8::from(one))).collect();
        assert_eq!(t.to_vec(), want, "{shape:?} {k}");
    }
    assert_eq!(
        Tensor::<i64>::eye_matrix([3, 3], 0).unwrap(),
        Tensor::eye(3)
    );
}

#[test]
fn a_type_known_at_run_time() {
    let all = [
        AnyTensor::from(Tensor::new([1.0f32, 0.0])),
        AnyTensor::from(Tensor::new([1.0f64, 0.0])),
        AnyTensor::from(Tensor::new([1i64, 0])),
        AnyTensor::from(Tensor::new([1i32, 0])),
        AnyTensor::from(Tensor::new([1u8, 0])),
        AnyTensor::from(Tensor::new([true, false])),
    ];
    let types = [
        DType::F32,
        DType::F64,
        DType::I64,
        DType::I32,
        DType::U8,
        DType::Bool,
    ];
    for (any, dtype) in all.iter().zip(types) {
        assert_eq!(match_dtype!(any, t => t.dtype()), dtype);
        assert_eq!(
            match_dtype!(*any, t => t.cast::<f64>().to_vec()),
            [1.0, 0.0]
        );
        assert_eq!(any.cast_to::<i32>().to_vec(), [1, 0]);
        for to in types {
            let there = any.cast(to);
            assert_eq!(there.dtype(), to);
            assert_eq!(there.cast(dtype), *any);
        }
    }
}

#[test]
fn draws_have_their_probabilities() {
    let rng = &mut Rng::seed(1);
    let weights = Tensor::new([[1.0f32, 0.0, 3.0], [2.0, 2.0, 0.0]]);
    let n = 20_000;
    let drawn = weights.multinomial(n, true, rng).unwrap();
    let share = |row: isize, class: i64| {
        let hits = drawn
            .select(0, row)
            .unwrap()
            .eq_scalar(class)
            .count_nonzero();
        hits as f64 / n as f64
    };
    for (row, class, p) in [
        (0, 0, 0.25),
        (0, 1, 0.0),
        (0, 2, 0.75),
        (1, 0, 0.5),
        (1, 2, 0.0),
    ] {
        let near = (share(row, class) - p).abs() < if p == 0.0 { 1e-12 } else { 0.02 };
        assert!(near, "{row} {class}: {}", share(row, class));
    }
    // Without replacement: the first is drawn as with it, and none twice.
    let many = weights.narrow(0, 0, 1).unwrap().expand([n, 3]).unwrap();
    let drawn = many.multinomial(2, false, rng).unwrap();
    let first = drawn.select(1, 0).unwrap();
    let share = first.eq_scalar(2).count_nonzero() as f64 / n as f64;
    assert!((share - 0.75).abs() < 0.02, "{share}");
    assert_eq!(drawn.sum(1).unwrap().to_vec(), vec![2; n]);
    // The same seed, the same draws; sums that would overflow.
    let again = |seed| weights.multinomial(9, true, &mut Rng::seed(seed)).unwrap();
    assert_eq!(again(4), again(4));
    let huge = Tensor::full([2], f64::MAX)
        .multinomial(100, true, rng)
        .unwrap();
    assert!(huge.eq_scalar(0).any_all() && huge.eq_scalar(1).any_all());
    let nothing = Tensor::<f32>::zeros([0, 3])
        .multinomial(2, true, rng)
        .unwrap();
    assert_eq!(nothing.shape(), &[0, 2]);
    let p = Tensor::full([n], 0.3f32).sample_bernoulli(rng).unwrap();
    assert!((p.count_nonzero() as f64 / n as f64 - 0.3).abs() < 0.02);
}
