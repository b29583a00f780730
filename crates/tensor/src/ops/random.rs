//! Random tensors.
//!
//! Invariant: element `i` is made from words at a fixed distance from the generator's position, so
//! that chunks fill in parallel and the bits are the same for any number of threads; the arithmetic
//! runs on the baseline instruction set, so that they are the same on every machine.

use std::mem::MaybeUninit;

use crate::element::{Element, Float};
use crate::error::{Error, ErrorKind, Result};
use crate::kernels::par;
use crate::random::{Rng, box_muller, unit_f64};
use crate::shape::{IntoShape, Shape};
use crate::tensor::{Tensor, refuse};

/// Elements of one task; even, so that a pair of normals is never cut.
const CHUNK: usize = 1 << 14;

/// Pairs of normals that are made side by side.
const PAIRS: usize = 32;

/// A pointer that tasks write disjoint parts through.
struct Target<T>(*mut T);
// SAFETY: `fill` hands each task a part of its own.
unsafe impl<T> Sync for Target<T> {}

impl<T> Target<T> {
    /// # Safety
    /// `at + len` is within the block, and no other task has a part of it.
    #[allow(clippy::mut_from_ref)] // disjoint parts, see above
    unsafe fn part(&self, at: usize, len: usize) -> &mut [MaybeUninit<T>] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(at).cast(), len) }
    }
}

/// What fills a chunk.
type Fill<'a, T> = dyn Fn(&mut Rng, &mut [MaybeUninit<T>]) + Sync + 'a;

/// A tensor whose chunks `f` fills, drawing `words` 32-bit words an element (of a whole pair).
#[track_caller]
fn fill<T: Element>(
    op: &'static str,
    shape: Shape,
    rng: &mut Rng,
    words: u128,
    f: &Fill<'_, T>,
) -> Result<Tensor<T>> {
    let out = Tensor::<T>::try_uninit(op, shape)?;
    let len = out.len();
    let start = rng.reserve((len.next_multiple_of(2)) as u128 * words);
    let target = Target(out.as_ptr() as *mut T);
    par::for_each(len.div_ceil(CHUNK), |c| {
        let at = c * CHUNK;
        // SAFETY: `out` is new and contiguous; chunks do not overlap. `f` writes all of its part.
        let part = unsafe { target.part(at, (len - at).min(CHUNK)) };
        f(&mut start.ahead(at as u128 * words), part);
    });
    Ok(out)
}

/// 32-bit words that a uniform of this type takes.
fn words_of<T: Float>() -> u128 {
    (T::DTYPE.size() / 4) as u128
}

/// A uniform of [0, 1) with as many random bits as the type's significand.
#[inline(always)]
fn unit<T: Float>(rng: &mut Rng) -> f64 {
    if T::DTYPE.size() == 4 {
        (rng.word32() >> 8) as f64 * (1.0 / (1u32 << 24) as f64)
    } else {
        unit_f64(rng.word64())
    }
}

/// # Random numbers
impl<T: Float> Tensor<T> {
    /// Uniform on [0, 1), with 24 (`f32`) or 53 (`f64`) random bits.
    ///
    /// # Panics
    /// If the size is absurd or refused ([`Tensor::try_rand`] returns the error).
    ///
    /// ```
    /// use wengert::{Rng, Tensor};
    /// let x = Tensor::<f32>::rand([100], &mut Rng::seed(0));
    /// assert!(x.iter().all(|v| (0.0..1.0).contains(&v)));
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn rand(shape: impl IntoShape, rng: &mut Rng) -> Tensor<T> {
        match Self::try_rand(shape, rng) {
            Ok(t) => t,
            Err(e) => refuse(e),
        }
    }

    /// As [`Tensor::rand`].
    ///
    /// # Errors
    /// If the size overflows or the memory is refused.
    #[track_caller]
    #[inline(never)]
    pub fn try_rand(shape: impl IntoShape, rng: &mut Rng) -> Result<Tensor<T>> {
        fill(
            "rand",
            shape.into_shape(),
            rng,
            words_of::<T>(),
            &|rng: &mut Rng, part: &mut [MaybeUninit<T>]| {
                for x in part {
                    x.write(T::from_f64(unit::<T>(rng)));
                }
            },
        )
    }

    /// From the standard normal distribution, by the Box–Muller transform.
    ///
    /// # Panics
    /// If the size is absurd or refused ([`Tensor::try_randn`] returns the error).
    ///
    /// ```
    /// use wengert::{Rng, Tensor};
    /// let x = Tensor::<f64>::randn([10_000], &mut Rng::seed(0));
    /// assert!(x.mean_all().item()?.abs() < 0.03);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn randn(shape: impl IntoShape, rng: &mut Rng) -> Tensor<T> {
        match Self::try_randn(shape, rng) {
            Ok(t) => t,
            Err(e) => refuse(e),
        }
    }

    /// As [`Tensor::randn`].
    ///
    /// # Errors
    /// If the size overflows or the memory is refused.
    #[track_caller]
    #[inline(never)]
    pub fn try_randn(shape: impl IntoShape, rng: &mut Rng) -> Result<Tensor<T>> {
        Self::gaussian("randn", 0.0, 1.0, shape.into_shape(), rng)
    }

    #[track_caller]
    fn gaussian(
        op: &'static str,
        mean: f64,
        std: f64,
        shape: Shape,
        rng: &mut Rng,
    ) -> Result<Tensor<T>> {
        fill(
            op,
            shape,
            rng,
            words_of::<T>(),
            &|rng: &mut Rng, part: &mut [MaybeUninit<T>]| {
                for block in part.chunks_mut(2 * PAIRS) {
                    let mut pairs = [[0.0; PAIRS]; 2];
                    for i in 0..block.len().div_ceil(2) {
                        pairs[0][i] = unit::<T>(rng);
                        pairs[1][i] = unit::<T>(rng);
                    }
                    // A loop of its own, which runs in vectors.
                    for i in 0..PAIRS {
                        (pairs[0][i], pairs[1][i]) = box_muller(pairs[0][i], pairs[1][i]);
                    }
                    for (i, x) in block.iter_mut().enumerate() {
                        x.write(T::from_f64(mean + std * pairs[i % 2][i / 2]));
                    }
                }
            },
        )
    }

    /// From the normal distribution of this mean and standard deviation.
    ///
    /// # Errors
    /// If `mean` is not finite, or `std` is not finite and at least 0.
    #[track_caller]
    #[inline(never)]
    pub fn normal(mean: f64, std: f64, shape: impl IntoShape, rng: &mut Rng) -> Result<Tensor<T>> {
        if !mean.is_finite() {
            return Err(Error::invalid("normal", "mean", mean, "mean is finite"));
        }
        if !(std >= 0.0 && std.is_finite()) {
            return Err(Error::invalid("normal", "std", std, "0 <= std < inf"));
        }
        Self::gaussian("normal", mean, std, shape.into_shape(), rng)
    }

    /// Uniform on [`low`, `high`); all `low` where the two are equal.
    ///
    /// # Errors
    /// If a bound is not finite, `low > high`, or their difference overflows.
    ///
    /// ```
    /// use wengert::{Rng, Tensor};
    /// let x = Tensor::<f32>::uniform(-1.0, 1.0, [8], &mut Rng::seed(0))?;
    /// assert!(x.iter().all(|v| (-1.0..1.0).contains(&v)));
    /// assert!(Tensor::<f32>::uniform(f64::NAN, 1.0, [8], &mut Rng::seed(0)).is_err());
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn uniform(low: f64, high: f64, shape: impl IntoShape, rng: &mut Rng) -> Result<Tensor<T>> {
        if !(low <= high && (high - low).is_finite()) {
            let value = format!("[{low}, {high})");
            let rule = "low <= high, both finite, and so is their difference";
            return Err(Error::invalid("uniform", "bounds", value, rule));
        }
        fill(
            "uniform",
            shape.into_shape(),
            rng,
            words_of::<T>(),
            &|rng: &mut Rng, part: &mut [MaybeUninit<T>]| {
                let (first, last) = (T::from_f64(low), T::from_f64(high));
                for x in part {
                    let v = T::from_f64(low + (high - low) * unit::<T>(rng));
                    // Rounding can reach the open end; a hair below would do, the closed end is simpler.
                    x.write(if v < last { v } else { first });
                }
            },
        )
    }
}

/// # Random numbers: integers and permutations
impl Tensor<i64> {
    /// Integers from `low` to `high - 1`.
    ///
    /// Each is as likely as the other but for at most `(high - low) / 2^64`.
    ///
    /// # Errors
    /// If `low >= high`.
    ///
    /// ```
    /// use wengert::{Rng, Tensor};
    /// let dice = Tensor::randint(1, 7, [50], &mut Rng::seed(0))?;
    /// assert!(dice.iter().all(|v| (1..=6).contains(&v)));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn randint(low: i64, high: i64, shape: impl IntoShape, rng: &mut Rng) -> Result<Self> {
        if low >= high {
            let value = format!("[{low}, {high})");
            return Err(Error::invalid("randint", "bounds", value, "low < high"));
        }
        let range = high.wrapping_sub(low) as u64;
        fill(
            "randint",
            shape.into_shape(),
            rng,
            2,
            &|rng: &mut Rng, part: &mut [MaybeUninit<i64>]| {
                for x in part {
                    let offset = ((rng.word64() as u128 * range as u128) >> 64) as u64;
                    x.write(low.wrapping_add(offset as i64));
                }
            },
        )
    }

    /// The numbers 0 to `n - 1` in random order, each order as likely as the other.
    ///
    /// # Errors
    /// If the memory is refused.
    ///
    /// ```
    /// use wengert::{Rng, Tensor};
    /// let (sorted, _) = Tensor::permutation(5, &mut Rng::seed(0))?.sort(0, false)?;
    /// assert_eq!(sorted.to_vec(), [0, 1, 2, 3, 4]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn permutation(n: usize, rng: &mut Rng) -> Result<Self> {
        // `n` that is no i64 is refused for its size.
        let mut out = Tensor::try_zeros([n]).map_err(|e| e.rename("permutation"))?;
        for (i, x) in out.as_mut_slice().iter_mut().enumerate() {
            *x = i as i64;
        }
        rng.shuffle(out.as_mut_slice());
        Ok(out)
    }
}

/// # Random numbers: masks
impl Tensor<bool> {
    /// True with probability `p`, to 53 bits.
    ///
    /// # Errors
    /// If `p` is outside [0, 1].
    ///
    /// ```
    /// use wengert::{Rng, Tensor};
    /// let mask = Tensor::bernoulli(0.25, [1000], &mut Rng::seed(0))?;
    /// assert!((200..300).contains(&mask.count_nonzero()));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn bernoulli(p: f64, shape: impl IntoShape, rng: &mut Rng) -> Result<Self> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::invalid("bernoulli", "p", p, "0 <= p <= 1"));
        }
        fill(
            "bernoulli",
            shape.into_shape(),
            rng,
            2,
            &|rng: &mut Rng, part: &mut [MaybeUninit<bool>]| {
                for x in part {
                    x.write(unit_f64(rng.word64()) < p);
                }
            },
        )
    }
}

/// # Random numbers: of given probabilities
impl<T: Float> Tensor<T> {
    /// True with the probability that each element is (PyTorch's `bernoulli`).
    ///
    /// # Errors
    /// If an element is outside [0, 1].
    ///
    /// ```
    /// use wengert::{Rng, Tensor};
    /// let p = Tensor::new([0.0f32, 1.0]);
    /// assert_eq!(p.sample_bernoulli(&mut Rng::seed(0))?.to_vec(), [false, true]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[doc(alias = "bernoulli")]
    #[track_caller]
    #[inline(never)]
    pub fn sample_bernoulli(&self, rng: &mut Rng) -> Result<Tensor<bool>> {
        let op = "sample_bernoulli";
        let probability = |p: &T| (T::ZERO..=T::ONE).contains(p);
        if let Some(wrong) = self.iter().find(|p| !probability(p)) {
            return Err(self.site(op).error(ErrorKind::InvalidArgument {
                name: "p",
                value: wrong.to_string(),
                rule: "0 <= p <= 1",
            }));
        }
        let draws = Tensor::<f64>::try_rand(self.shape(), rng).map_err(|e| e.rename(op))?;
        draws.lt(&self.cast()).map_err(|e| e.rename(op))
    }

    #[track_caller]
    #[cold]
    fn weights_error(&self, value: String, rule: &'static str) -> Error {
        self.site("multinomial").error(ErrorKind::InvalidArgument {
            name: "weights",
            value,
            rule,
        })
    }

    /// `n` classes drawn from each distribution along the last axis, whose elements are weights that need not add up to 1
    /// (PyTorch's `multinomial`). Without replacement no class is drawn twice.
    ///
    /// # Shapes
    /// `[.., classes]` becomes `[.., n]`.
    ///
    /// # Errors
    /// If there is no axis, a weight is negative, infinite or NaN, all weights of a row are 0, or, without replacement, fewer
    /// than `n` of them are not.
    ///
    /// ```
    /// use wengert::{Rng, Tensor};
    /// let p = Tensor::new([[0.0f32, 1.0, 3.0], [5.0, 0.0, 0.0]]);
    /// let drawn = p.multinomial(4, true, &mut Rng::seed(0))?;
    /// assert_eq!(drawn.shape(), &[2, 4]);
    /// assert!(drawn.select(0, 0)?.iter().all(|c| c == 1 || c == 2));
    /// assert_eq!(drawn.select(0, 1)?.to_vec(), [0; 4]);
    /// assert!(p.multinomial(2, false, &mut Rng::seed(0)).is_err());
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[doc(alias = "categorical")]
    #[track_caller]
    #[inline(never)]
    pub fn multinomial(&self, n: usize, replacement: bool, rng: &mut Rng) -> Result<Tensor<i64>> {
        let op = "multinomial";
        let Some((&classes, lead)) = self.shape().split_last() else {
            return Err(self.site(op).error(ErrorKind::Rank {
                expected: "an axis of weights",
                rank: 0,
                rule: "self.rank() >= 1",
            }));
        };
        let shape: Shape = lead.iter().copied().chain([n]).collect();
        let mut out = Tensor::<i64>::try_zeros(shape).map_err(|e| e.rename(op))?;
        let weights = self.cast::<f64>().try_contiguous(op)?;
        let weights = weights.as_slice().unwrap_or(&[]);
        let rows: usize = lead.iter().product();
        if let Some(w) = weights.iter().find(|w| !(**w >= 0.0 && w.is_finite())) {
            return Err(self.weights_error(w.to_string(), "weights are finite and at least 0"));
        }
        let at_least = if replacement { usize::from(n > 0) } else { n };
        for r in 0..rows {
            let row = &weights[r * classes..][..classes];
            let some = row.iter().filter(|w| **w > 0.0).count();
            if some < at_least {
                let value = format!("{some} that are not 0, for n = {n}");
                return Err(self.weights_error(value, "a row has weights for all that is drawn"));
            }
        }
        let mut out_rows = out.as_mut_slice().chunks_exact_mut(n.max(1));
        let mut sums = Vec::new();
        for (row, drawn) in weights.chunks_exact(classes.max(1)).zip(&mut out_rows) {
            if replacement {
                // Scaled by the largest, so that no sum overflows.
                let most = row.iter().copied().fold(0.0, f64::max);
                let mut total = 0.0;
                sums.clear();
                sums.extend(row.iter().map(|w| {
                    total += w / most;
                    total
                }));
                for c in drawn {
                    let at = unit_f64(rng.word64()) * total;
                    let found = sums.partition_point(|s| *s <= at);
                    // Rounding can reach the end: the last that has a weight.
                    let last = || row.iter().rposition(|w| *w > 0.0).unwrap_or(0);
                    *c = if found < classes { found } else { last() } as i64;
                }
            } else {
                // The first of n exponential clocks, each of its weight's rate (Efraimidis & Spirakis, 2006).
                let clock = |w: f64, u: f64| -libm::log(1.0 - u) / w;
                let mut order: Vec<(f64, usize)> = Vec::with_capacity(classes);
                for (c, &w) in row.iter().enumerate() {
                    let u = unit_f64(rng.word64());
                    if w > 0.0 {
                        order.push((clock(w, u), c));
                    }
                }
                order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                for (to, (_, c)) in drawn.iter_mut().zip(order) {
                    *to = c as i64;
                }
            }
        }
        Ok(out)
    }
}
