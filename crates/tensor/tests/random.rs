//! Random tensors: what is drawn is a function of the generator's stream alone, told here word by word;
//! any number of threads and any instruction set draw the same.

use rand::TryRng;
use wengert_tensor::*;

/// Longer than a chunk of the parallel fill, and odd.
const LONG: usize = (1 << 15) + 4321;

fn word(rng: &mut Rng) -> u32 {
    let Ok(w) = rng.try_next_u32();
    w
}
fn words(rng: &mut Rng) -> u64 {
    let Ok(w) = rng.try_next_u64();
    w
}
fn unit(w: u64) -> f64 {
    (w >> 11) as f64 / 2f64.powi(53)
}

#[test]
fn elements_are_words_of_the_stream() {
    for seed in [0, 7, u64::MAX] {
        let mut plain = Rng::seed(seed);
        let single = Tensor::<f32>::rand(LONG, &mut Rng::seed(seed));
        for v in single.iter() {
            assert_eq!(
                f64::from(v),
                f64::from(word(&mut plain) >> 8) / 2f64.powi(24)
            );
        }
        let mut plain = Rng::seed(seed);
        for v in Tensor::<f64>::rand(LONG, &mut Rng::seed(seed)).iter() {
            assert_eq!(v, unit(words(&mut plain)));
        }
        let mut plain = Rng::seed(seed);
        for v in Tensor::bernoulli(0.3, LONG, &mut Rng::seed(seed))
            .unwrap()
            .iter()
        {
            assert_eq!(v, unit(words(&mut plain)) < 0.3);
        }
        let mut plain = Rng::seed(seed);
        for v in Tensor::randint(-5, 6, LONG, &mut Rng::seed(seed))
            .unwrap()
            .iter()
        {
            assert_eq!(v, ((u128::from(words(&mut plain)) * 11) >> 64) as i64 - 5);
        }
        // Box and Muller's pairs, by the standard library's functions.
        let mut plain = Rng::seed(seed);
        let normals = Tensor::<f64>::randn(LONG, &mut Rng::seed(seed)).to_vec();
        for pair in normals.chunks(2) {
            let (u, v) = (unit(words(&mut plain)), unit(words(&mut plain)));
            let (r, angle) = ((-2.0 * (1.0 - u).ln()).sqrt(), std::f64::consts::TAU * v);
            for (x, z) in pair.iter().zip([r * angle.cos(), r * angle.sin()]) {
                assert!((x - z).abs() <= 1e-14, "{x} instead of {z}");
            }
        }
    }
}

#[test]
fn a_generator_goes_on_behind_what_was_drawn() {
    for n in [0, 1, 2, 7, LONG] {
        let (mut a, mut b) = (Rng::seed(3), Rng::seed(3));
        let first = Tensor::<f32>::rand(n, &mut a);
        let more = Tensor::<f32>::rand(10, &mut a);
        // Pairs are whole: an odd count leaves a word unused.
        let all = Tensor::<f32>::rand(n.next_multiple_of(2) + 10, &mut b);
        assert_eq!(all.narrow(0, 0, n).unwrap(), first);
        assert_eq!(
            all.narrow(0, n.next_multiple_of(2) as isize, 10).unwrap(),
            more
        );
        assert_eq!(a, b);
        let resumed = &mut Rng::from_state(&RngState::from_bytes(&a.state().to_bytes()));
        assert_eq!(Tensor::<f64>::randn(5, resumed), Tensor::randn(5, &mut a));
    }
}

#[test]
fn threads_and_instruction_sets_draw_the_same() {
    let draw = || {
        let rng = &mut Rng::seed(11);
        (
            Tensor::<f32>::rand(LONG, rng),
            Tensor::<f32>::randn(LONG, rng),
            Tensor::<f64>::normal(1.0, 2.0, LONG, rng).unwrap(),
            Tensor::<f32>::uniform(-3.0, 5.0, LONG, rng).unwrap(),
            Tensor::randint(i64::MIN, i64::MAX, LONG, rng).unwrap(),
            Tensor::bernoulli(0.5, LONG, rng).unwrap(),
            Tensor::permutation(LONG, rng).unwrap(),
        )
    };
    let once = draw();
    for threads in [1, 2, 3, 8] {
        assert!(
            with_threads(threads, draw) == once,
            "{threads} threads draw otherwise"
        );
    }
    for isa in IsaKind::available() {
        assert!(with_isa(isa, draw) == once, "{isa:?} draws otherwise");
    }
}

#[test]
fn moments_and_bounds() {
    let n = 200_000;
    let rng = &mut Rng::seed(5);
    let near = |t: &Tensor<f64>, mean: f64, std: f64| {
        // Five standard errors of the mean; of the deviation as much, for these distributions.
        let room = 5.0 * std / (n as f64).sqrt();
        let (m, s) = (t.mean_all().item().unwrap(), t.std_all(1).item().unwrap());
        assert!(
            (m - mean).abs() < room && (s - std).abs() < room,
            "mean {m}, deviation {s}"
        );
    };
    near(&Tensor::randn(n, rng), 0.0, 1.0);
    near(&Tensor::normal(-2.0, 0.5, n, rng).unwrap(), -2.0, 0.5);
    near(&Tensor::rand(n, rng), 0.5, (1.0f64 / 12.0).sqrt());
    near(
        &Tensor::randint(0, 10, n, rng).unwrap().cast(),
        4.5,
        8.25f64.sqrt(),
    );
    near(&Tensor::bernoulli(0.2, n, rng).unwrap().cast(), 0.2, 0.4);
    assert!(Tensor::bernoulli(1.0, n, rng).unwrap().all_all());
    assert!(!Tensor::bernoulli(0.0, n, rng).unwrap().any_all());
    let same = Tensor::<f32>::uniform(2.0, 2.0, 5, rng).unwrap();
    assert_eq!(same.to_vec(), [2.0; 5]);
    // The open end is never reached, though rounding to f32 would.
    let close = Tensor::<f32>::uniform(1.0, 1.0 + 1e-7, n, rng).unwrap();
    assert!(close.lt_scalar(1.0 + 1e-7).all_all());
    let seen = Tensor::randint(-1, 2, 200, rng).unwrap();
    assert_eq!(
        (
            seen.min_all().unwrap().item().unwrap(),
            seen.max_all().unwrap().item().unwrap()
        ),
        (-1, 1)
    );
}
