//! Elementwise kernels on every way that operands can be walked: sizes on both sides of the driver's
//! choices (runs in step, tiles, rows, gathering), checked element by element.

use wengert_tensor::{Element, Num, Rng, Tensor, with_threads};

/// The elements in row-major order, read through views of one element, so that no kernel walks them.
fn listed<T: Element>(t: &Tensor<T>) -> Vec<T> {
    if t.rank() == 0 {
        return vec![t.item().unwrap()];
    }
    (0..t.shape()[0] as isize)
        .flat_map(|i| listed(&t.select(0, i).unwrap()))
        .collect()
}

/// `0, 1, 2, …` of a shape.
fn counted<T: Num>(shape: &[usize]) -> Tensor<T> {
    let n: usize = shape.iter().product();
    Tensor::<i64>::arange(0, n as i64, 1)
        .unwrap()
        .reshape(shape)
        .unwrap()
        .cast::<T>()
}

/// Views of one shape `[a, b, c]` whose memory is laid out in every order, some sliced, flipped, expanded.
fn views<T: Num>([a, b, c]: [usize; 3]) -> Vec<Tensor<T>> {
    let mut all = Vec::new();
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        // Memory in `order`, then turned back.
        let sizes = [a, b, c];
        let laid: Vec<usize> = order.iter().map(|&i| sizes[i]).collect();
        let mut back = [0isize; 3];
        for (place, &axis) in order.iter().enumerate() {
            back[axis] = place as isize;
        }
        let t = counted::<T>(&laid);
        all.push(t.permute(back).unwrap());
        all.push(t.permute(back).unwrap().flip(1).unwrap());
        let doubled: Vec<usize> = laid.iter().map(|d| 2 * d).collect();
        let wide = counted::<T>(&doubled).permute(back).unwrap();
        all.push(
            wide.narrow(0, 1, a)
                .and_then(|t| t.narrow(1, b as isize, b))
                .and_then(|t| t.narrow(2, 0, c))
                .unwrap(),
        );
    }
    for shape in [[1, b, c], [a, 1, c], [a, b, 1], [1, 1, c], [a, 1, 1]] {
        all.push(counted::<T>(&shape).expand([a, b, c]).unwrap());
    }
    all
}

const SIZES: [[usize; 3]; 6] = [
    [2, 3, 5],
    [3, 40, 70],
    [17, 2, 130],
    [5, 33, 16],
    [9, 64, 32],
    [40, 7, 9],
];

fn walked<T: Num + SumAsI64>() {
    for sizes in SIZES {
        let views = views::<T>(sizes);
        let lists: Vec<Vec<T>> = views.iter().map(listed).collect();
        for (v, l) in views.iter().zip(&lists) {
            assert_eq!(&v.copied().to_vec(), l, "copy {sizes:?} {:?}", v.strides());
        }
        for (v, l) in views.iter().zip(&lists) {
            // Every third partner: all kinds of pairs, a ninth of the time.
            for (w, m) in views.iter().zip(&lists).step_by(3) {
                let what = || format!("{sizes:?} {:?} {:?}", v.strides(), w.strides());
                let sum: Vec<i64> = (v + w).cast::<i64>().to_vec();
                let want: Vec<i64> = l.iter().zip(m).map(|(a, b)| a.to_i64_sum(*b)).collect();
                assert_eq!(sum, want, "sum {}", what());
                let mask = v.lt(w).unwrap();
                let least = mask.where_(v, w).unwrap().to_vec();
                let want: Vec<T> = l
                    .iter()
                    .zip(m)
                    .map(|(a, b)| if a < b { *a } else { *b })
                    .collect();
                assert_eq!(least, want, "where {}", what());
            }
        }
    }
}

/// The sum of two elements as the type holds it, as `i64`.
trait SumAsI64 {
    fn to_i64_sum(self, o: Self) -> i64;
}
macro_rules! sums {
    ($($t:ident |$a:ident, $b:ident| $sum:expr;)*) => {$(
        impl SumAsI64 for $t {
            fn to_i64_sum(self, o: Self) -> i64 {
                let ($a, $b) = (self, o);
                ($sum) as i64
            }
        }
    )*};
}
sums! {
    f32 |a, b| a + b;
    f64 |a, b| a + b;
    i64 |a, b| a + b;
    u8 |a, b| a.wrapping_add(b);
}

macro_rules! each {
    ($($name:ident $t:ident)*) => {$(
        #[test]
        fn $name() {
            with_threads(2, walked::<$t>);
        }
    )*};
}

each! { floats f32 doubles f64 integers i64 bytes u8 }

#[test]
fn in_place_through_any_layout() {
    for sizes in SIZES {
        for v in views::<f32>(sizes) {
            let want: Vec<f32> = listed(&v).iter().map(|x| x + x).collect();
            let mut t = v.clone();
            t += &v;
            assert_eq!(t.to_vec(), want);
            assert_eq!((v.clone() + v).to_vec(), want);
        }
    }
}

#[test]
fn long_runs_in_rows_with_the_next_asked_for() {
    // Above the length from which sources are asked for ahead, with a remainder of a row.
    let n = (1 << 18) + 77;
    let x = (&counted::<f32>(&[n]) % 1000.0).affine(0.01, -5.0);
    let y = x.flip(0).unwrap().contiguous();
    let one = Tensor::full([1], 3.0f32).expand([n]).unwrap();
    let piece = |t: &Tensor<f32>, lo: usize| t.narrow(0, lo as isize, 1000.min(n - lo)).unwrap();
    let short = |f: &dyn Fn(&Tensor<f32>, &Tensor<f32>) -> Tensor<f32>| {
        (0..n)
            .step_by(1000)
            .flat_map(|lo| f(&piece(&x, lo), &piece(&y, lo)).to_vec())
            .collect::<Vec<_>>()
    };
    for threads in [1, 3] {
        with_threads(threads, || {
            assert_eq!(x.exp().to_vec(), short(&|x, _| x.exp()));
            assert_eq!((&x * &y).to_vec(), short(&|x, y| x * y));
            assert_eq!((&x * &one).to_vec(), short(&|x, _| x * 3.0));
            assert_eq!((&one - &x).to_vec(), short(&|x, _| 3.0 - x));
            // Held alone, hence overwritten.
            assert_eq!((&y - (&x * 2.0)).to_vec(), short(&|x, y| y - &(x * 2.0)));
            assert_eq!(((&x * 2.0) * &one).to_vec(), short(&|x, _| x * 6.0));
            assert_eq!((&x * 2.0).tanh().to_vec(), short(&|x, _| (x * 2.0).tanh()));
            let less = x.lt(&y).unwrap();
            let wide = less.where_(&Tensor::ones([n]), &x.cast::<f64>()).unwrap();
            assert_eq!(wide.to_vec(), {
                let (x, y) = (x.to_vec(), y.to_vec());
                let pick = |(x, y): (&f32, &f32)| if x < y { 1.0 } else { f64::from(*x) };
                x.iter().zip(&y).map(pick).collect::<Vec<_>>()
            });
        });
    }
}

/// Long matrices, whose rows are read by turns from either half of a task's: each has what it has alone.
#[test]
fn rows_read_by_turns_have_each_its_own_result() {
    for [rows, n] in [[700, 512], [1031, 300], [259, 1100], [4100, 255]] {
        let x = Tensor::<f32>::randn([rows, n], &mut Rng::seed(rows as u64));
        for threads in [1, 2] {
            let (sums, largest, spread) = with_threads(threads, || {
                (
                    x.sum(1).unwrap(),
                    x.max(1).unwrap(),
                    x.logsumexp(1).unwrap(),
                )
            });
            for r in 0..rows as isize {
                let row = x.select(0, r).unwrap();
                let is = |all: &Tensor<f32>, alone: Tensor<f32>| {
                    let (a, b) = (all.get(&[r]).unwrap(), alone.item().unwrap());
                    assert_eq!(a.to_bits(), b.to_bits(), "row {r} of {rows} by {n}");
                };
                is(&sums, row.sum(0).unwrap());
                is(&largest, row.max(0).unwrap());
                is(&spread, row.logsumexp(0).unwrap());
            }
        }
    }
}
