//! Taking and adding by index against loops over places, of every axis, sizes that go to several threads among them.

use wengert_tensor::{Error, ErrorKind, Rng, Tensor, with_threads};

/// The places of a shape, in order.
fn places(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &d in shape {
        all = all
            .into_iter()
            .flat_map(|p| {
                (0..d).map(move |i| {
                    let mut p = p.clone();
                    p.push(i);
                    p
                })
            })
            .collect();
    }
    all
}

fn flat(shape: &[usize], place: &[usize]) -> usize {
    shape.iter().zip(place).fold(0, |flat, (d, i)| flat * d + i)
}

/// An index of this shape along an axis of `size`, negative ones among them.
fn index(shape: &[usize], size: usize, rng: &mut Rng) -> Tensor<i64> {
    Tensor::randint(-(size as i64), size as i64, shape, rng).unwrap()
}

/// What is at the places of `asked`, the axis's taken by `pick`, and all of `xs` with `values` added there.
fn loops(
    (sizes, xs): (&[usize], &[f32]),
    (asked, values): (&[usize], &[f32]),
    axis: usize,
    pick: impl Fn(usize, usize) -> i64,
) -> (Vec<f32>, Vec<f32>) {
    let (mut taken, mut sums) = (Vec::new(), xs.to_vec());
    for (k, mut place) in places(asked).into_iter().enumerate() {
        place[axis] = pick(k, place[axis]).rem_euclid(sizes[axis] as i64) as usize;
        taken.push(xs[flat(sizes, &place)]);
        sums[flat(sizes, &place)] += values[k];
    }
    (taken, sums)
}

/// Shapes of a tensor and of an index, one small, one beyond a chunk of work.
const SHAPES: [(&[usize], &[usize]); 8] = [
    (&[5], &[9]),
    (&[4, 3], &[4, 3]),
    (&[4, 3], &[2, 7]),
    (&[4, 3], &[4, 1]),
    (&[3, 4, 5], &[3, 4, 5]),
    (&[3, 4, 5], &[2, 2, 3]),
    (&[300, 401], &[300, 401]),
    (&[70, 3, 501], &[68, 3, 500]),
];

#[test]
fn gather_and_scatter_add_are_their_loops() {
    let mut rng = Rng::seed(7);
    for (sizes, asked) in SHAPES {
        for axis in 0..sizes.len() {
            let mut asked = asked.to_vec();
            for a in (0..sizes.len()).filter(|a| *a != axis) {
                asked[a] = asked[a].min(sizes[a]);
            }
            let x = Tensor::<f32>::randn(sizes, &mut rng);
            let picks = index(&asked, sizes[axis], &mut rng);
            let src = Tensor::<f32>::randn(&asked[..], &mut rng);
            let (places, of) = (picks.to_vec(), (x.to_vec(), src.to_vec()));
            let (taken, sums) = loops((sizes, &of.0), (&asked, &of.1), axis, |k, _| places[k]);
            for threads in [1, 3] {
                let (y, z) = with_threads(threads, || {
                    let axis = axis as isize;
                    (
                        x.gather(axis, &picks).unwrap(),
                        x.scatter_add(axis, &picks, &src).unwrap(),
                    )
                });
                assert_eq!(y.shape(), &asked[..]);
                assert!(
                    y.to_vec() == taken,
                    "gather {sizes:?} by {asked:?} along {axis}"
                );
                assert_eq!(z.shape(), sizes);
                assert!(
                    z.to_vec() == sums,
                    "scatter_add {sizes:?} by {asked:?} along {axis}"
                );
            }
        }
    }
}

#[test]
fn index_select_and_index_add_are_their_loops() {
    let mut rng = Rng::seed(8);
    for (sizes, _) in SHAPES {
        for axis in 0..sizes.len() {
            let n = sizes[axis] + 2;
            let mut asked = sizes.to_vec();
            asked[axis] = n;
            let x = Tensor::<f32>::randn(sizes, &mut rng);
            let picks = index(&[n], sizes[axis], &mut rng);
            let src = Tensor::<f32>::randn(&asked[..], &mut rng);
            let (places, of) = (picks.to_vec(), (x.to_vec(), src.to_vec()));
            let (taken, sums) = loops((sizes, &of.0), (&asked, &of.1), axis, |_, i| places[i]);
            for threads in [1, 3] {
                let (y, z) = with_threads(threads, || {
                    let axis = axis as isize;
                    (
                        x.index_select(axis, &picks).unwrap(),
                        x.index_add(axis, &picks, &src).unwrap(),
                    )
                });
                assert!(y.to_vec() == taken, "index_select {sizes:?} along {axis}");
                assert!(z.to_vec() == sums, "index_add {sizes:?} along {axis}");
            }
        }
    }
}

#[test]
fn one_wrong_index_among_many_is_found_and_named() {
    for (wrong, axis) in [
        (300, 0),
        (-301, 0),
        (401, 1),
        (-402, 1),
        (i64::MIN, 0),
        (i64::MAX, 1),
    ] {
        let x = Tensor::<f32>::zeros([300, 401]);
        let mut picks = vec![0; 300 * 401];
        picks[77_777] = wrong;
        let picks = Tensor::from_vec(picks, [300, 401]).unwrap();
        let named = |e: Error| match e.kind() {
            ErrorKind::IndexOutOfRange { index, .. } => *index,
            _ => panic!("{e}"),
        };
        assert_eq!(named(x.gather(axis, &picks).unwrap_err()), wrong);
        assert_eq!(named(x.scatter_add(axis, &picks, &x).unwrap_err()), wrong);
        let one = Tensor::new([0, wrong]);
        let src = Tensor::zeros(if axis == 0 { [2, 401] } else { [300, 2] });
        assert_eq!(named(x.index_select(axis, &one).unwrap_err()), wrong);
        assert_eq!(named(x.index_add(axis, &one, &src).unwrap_err()), wrong);
    }
    // Along an axis of nothing every index is wrong, and no index is right.
    let none = Tensor::<f32>::zeros([2, 0]);
    let one = Tensor::<i64>::zeros([2, 1]);
    assert!(none.gather(1, &one).is_err());
    assert!(none.scatter_add(1, &one, &Tensor::zeros([2, 1])).is_err());
    assert!(none.index_select(1, &Tensor::new([0])).is_err());
    assert_eq!(none.gather(1, &Tensor::zeros([2, 0])).unwrap(), none);
}

#[test]
fn what_a_mask_chooses_is_in_order() {
    let mut rng = Rng::seed(9);
    for sizes in [
        &[0][..],
        &[1],
        &[7],
        &[300],
        &[2, 3, 5],
        &[40, 1000],
        &[3, 0],
    ] {
        let x = Tensor::<f32>::randn(sizes, &mut rng);
        for least in [-9.0, 0.0, 1.5, 9.0] {
            let mask = x.gt_scalar(least);
            let chosen: Vec<f32> = x.iter().filter(|v| *v > least).collect();
            assert_eq!(
                x.masked_select(&mask).unwrap().to_vec(),
                chosen,
                "{sizes:?}"
            );
            let all = places(sizes).into_iter().zip(x.iter());
            let want: Vec<i64> = all
                .filter(|(_, v)| *v > least)
                .flat_map(|(p, _)| p.into_iter().map(|i| i as i64))
                .collect();
            let at = mask.nonzero();
            assert_eq!(at.shape(), &[chosen.len(), sizes.len()][..]);
            assert_eq!(at.to_vec(), want, "{sizes:?}");
        }
    }
    // A mask that broadcasts, and one that lies otherwise.
    let x = Tensor::<f32>::randn([30, 40], &mut rng);
    let row = x.select(0, 3).unwrap().gt_scalar(0.0);
    let wide = row.expand([30, 40]).unwrap().contiguous();
    assert_eq!(
        x.masked_select(&row).unwrap(),
        x.masked_select(&wide).unwrap()
    );
    let turned = x.t().unwrap();
    let mask = turned.gt_scalar(0.0);
    let chosen: Vec<f32> = turned.iter().filter(|v| *v > 0.0).collect();
    assert_eq!(turned.masked_select(&mask).unwrap().to_vec(), chosen);
}

#[test]
fn triangles_are_their_loops() {
    for sizes in [&[1, 1][..], &[3, 4], &[5, 2], &[2, 3, 3], &[0, 3], &[3, 0]] {
        let x = Tensor::<f32>::ones(sizes);
        for diagonal in [isize::MIN, -4, -1, 0, 1, 2, 5, isize::MAX] {
            let (lower, upper) = (x.tril(diagonal).unwrap(), x.triu(diagonal).unwrap());
            let all = places(sizes).into_iter();
            for ((p, l), u) in all.zip(lower.iter()).zip(upper.iter()) {
                let [row, col] = [p[p.len() - 2], p[p.len() - 1]].map(|i| i as i128);
                let from = col - row - diagonal as i128;
                let want = (f32::from(from <= 0), f32::from(from >= 0));
                assert_eq!((l, u), want, "{sizes:?} at {p:?} by {diagonal}");
            }
        }
    }
}
