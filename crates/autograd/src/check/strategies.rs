//! Strategies of `proptest` for property tests of differentiable functions: shapes, layouts, values.
//!
//! Invariant: values are kept so far apart from each other, and from the points a [`Domain`] names, that
//! the steps of a gradient check cross no tie and no kink; and everything shrinks towards few axes, few
//! elements and contiguous memory, so what proptest reports is a case that can be read.
//!
//! ```
//! use proptest::prelude::*;
//! use wengert::prelude::*;
//! use wengert::strategies::{Domain, shapes, strided};
//!
//! proptest!(|(x in strided(shapes(0..=3, 0..=3), Domain::real()))| {
//!     gradcheck(|v| Ok(v[0].relu()), &[x]).map_err(|e| TestCaseError::fail(e.to_string()))?;
//! });
//! ```

use std::ops::RangeInclusive;

use proptest::prelude::*;
use wengert_tensor::{Rng, Slice, Tensor};

/// Shapes of a number of axes and a size for each. A `size` that starts at 0 gives empty tensors too;
/// shrinks to the fewest axes and the smallest sizes.
///
/// ```
/// use proptest::prelude::*;
/// use wengert::strategies::shapes;
/// proptest!(|(shape in shapes(1..=4, 0..=3))| {
///     prop_assert!((1..=4).contains(&shape.len()));
///     prop_assert!(shape.iter().all(|&d| d <= 3));
/// });
/// ```
pub fn shapes(
    rank: RangeInclusive<usize>,
    size: RangeInclusive<usize>,
) -> impl Strategy<Value = Vec<usize>> + Clone {
    proptest::collection::vec(size, rank)
}

/// `N` shapes that broadcast together: each is a common shape with some axes of size 1 and some leading
/// axes left out.
///
/// ```
/// use proptest::prelude::*;
/// use wengert::Tensor;
/// use wengert::strategies::broadcastable;
/// proptest!(|([a, b, c] in broadcastable::<3>(0..=3, 0..=3))| {
///     let sum = Tensor::<f64>::zeros(a).try_add(&Tensor::zeros(b))?.try_add(&Tensor::zeros(c))?;
///     prop_assert!(sum.rank() <= 3);
/// });
/// ```
pub fn broadcastable<const N: usize>(
    rank: RangeInclusive<usize>,
    size: RangeInclusive<usize>,
) -> impl Strategy<Value = [Vec<usize>; N]> + Clone {
    shapes(rank, size).prop_flat_map(|common| {
        let axes = common.len();
        let one = (0..=axes, proptest::collection::vec(any::<bool>(), axes)).prop_map(
            move |(leave_out, ones)| {
                let kept = common.iter().zip(ones).skip(leave_out);
                kept.map(|(&d, one)| if one { 1 } else { d }).collect()
            },
        );
        proptest::collection::vec(one, N).prop_map(to_array)
    })
}

fn to_array<const N: usize>(shapes: Vec<Vec<usize>>) -> [Vec<usize>; N] {
    let mut shapes = shapes.into_iter();
    std::array::from_fn(|_| shapes.next().unwrap_or_default())
}

/// Where the values of a tensor lie: an interval, less a neighbourhood of the points to avoid.
///
/// `n` values lie at least `1/2n` of the domain's length apart; where the domain has both signs, their
/// magnitudes do.
///
/// ```
/// use wengert::strategies::Domain;
/// let v = Domain::within(-2.0, 2.0).away_from(&[0.0, 1.0]).values(50, 7);
/// assert!(v.iter().all(|x| x.abs() <= 2.0 && x.abs() > 0.04 && (x - 1.0).abs() > 0.04));
/// let mut sorted = v.clone();
/// sorted.sort_by(f64::total_cmp);
/// assert!(sorted.windows(2).all(|w| w[1] - w[0] > 3.8 / 100.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Domain {
    low: f64,
    high: f64,
    /// Both signs of `low..high`.
    mirrored: bool,
    avoid: Vec<f64>,
}

impl Domain {
    /// How far values stay from a point to avoid, as a share of the interval's length.
    const MARGIN: f64 = 0.0125;

    /// Both signs, magnitudes in (0.25, 2): away from zero, no two magnitudes equal.
    ///
    /// ```
    /// use wengert::strategies::Domain;
    /// let v = Domain::real().values(100, 0);
    /// assert!(v.iter().all(|x| (0.25..2.0).contains(&x.abs())));
    /// assert!(v.iter().any(|x| *x < 0.0) && v.iter().any(|x| *x > 0.0));
    /// ```
    pub fn real() -> Domain {
        Domain {
            mirrored: true,
            ..Domain::within(0.25, 2.0)
        }
    }

    /// (0.25, 2): for roots, logarithms and powers.
    ///
    /// ```
    /// use wengert::strategies::Domain;
    /// assert!(Domain::positive().values(9, 1).iter().all(|x| *x > 0.25));
    /// ```
    pub fn positive() -> Domain {
        Domain::within(0.25, 2.0)
    }

    /// (0.05, 0.95): probabilities.
    ///
    /// ```
    /// use wengert::strategies::Domain;
    /// assert!(Domain::unit().values(9, 1).iter().all(|x| *x > 0.05 && *x < 0.95));
    /// ```
    pub fn unit() -> Domain {
        Domain::within(0.05, 0.95)
    }

    /// An interval; its ends may be given in either order.
    ///
    /// ```
    /// use wengert::strategies::Domain;
    /// assert!(Domain::within(-3.0, -1.0).values(5, 2).iter().all(|x| (-3.0..-1.0).contains(x)));
    /// ```
    pub fn within(low: f64, high: f64) -> Domain {
        Domain {
            low: low.min(high),
            high: low.max(high),
            mirrored: false,
            avoid: Vec::new(),
        }
    }

    /// Points that a kink lies at, such as the bounds of a clamp: values stay 1/80 of the interval's
    /// length away. Where the domain has both signs, the points do.
    ///
    /// ```
    /// use wengert::strategies::Domain;
    /// let v = Domain::real().away_from(&[1.0]).values(200, 3);
    /// assert!(v.iter().all(|x| (x.abs() - 1.0).abs() > 0.02));
    /// ```
    pub fn away_from(mut self, points: &[f64]) -> Domain {
        self.avoid.extend_from_slice(points);
        self
    }

    /// `n` values in an order that the seed fixes; seed 0 is evenly spaced and ascending in magnitude.
    pub fn values(&self, n: usize, seed: u64) -> Vec<f64> {
        let pieces = self.pieces();
        let length: f64 = pieces.iter().map(|(a, b)| b - a).sum();
        let mut rng = Rng::seed(seed);
        let mut order: Vec<usize> = (0..n).collect();
        if seed != 0 {
            rng.shuffle(&mut order);
        }
        let place = |mut along: f64| {
            for (a, b) in &pieces {
                if along <= b - a {
                    return a + along;
                }
                along -= b - a;
            }
            pieces.last().map_or(self.low, |p| p.1)
        };
        order
            .into_iter()
            .map(|k| {
                // Within the middle half of its cell, so that neighbours are half a cell apart.
                let jitter = if seed == 0 { 0.5 } else { rng.uniform_f64() };
                let v = place((k as f64 + 0.25 + 0.5 * jitter) / n as f64 * length);
                let negative = self.mirrored
                    && if seed == 0 {
                        k % 2 == 1
                    } else {
                        rng.below(2) == 1
                    };
                if negative { -v } else { v }
            })
            .collect()
    }

    /// What is left of the interval around the points to avoid, in order.
    fn pieces(&self) -> Vec<(f64, f64)> {
        let margin = Self::MARGIN * (self.high - self.low);
        let mut points: Vec<f64> = self
            .avoid
            .iter()
            .map(|p| if self.mirrored { p.abs() } else { *p })
            .collect();
        points.sort_by(f64::total_cmp);
        let (mut pieces, mut from) = (Vec::new(), self.low);
        for p in points {
            if p + margin <= from || p - margin >= self.high {
                continue;
            }
            if p - margin > from {
                pieces.push((from, p - margin));
            }
            from = p + margin;
        }
        if from < self.high {
            pieces.push((from, self.high));
        }
        pieces
    }
}

/// A contiguous tensor of a shape from a strategy, with values of a domain.
///
/// ```
/// use proptest::prelude::*;
/// use wengert::strategies::{Domain, shapes, tensors};
/// proptest!(|(x in tensors(shapes(0..=2, 1..=4), Domain::positive()))| {
///     prop_assert!(x.is_contiguous() && x.to_vec().iter().all(|v| v.ln().is_finite()));
/// });
/// ```
pub fn tensors(
    shape: impl Strategy<Value = Vec<usize>>,
    domain: Domain,
) -> impl Strategy<Value = Tensor<f64>> {
    (shape, seeds()).prop_map(move |(shape, seed)| {
        let n = shape.iter().product();
        filled(&shape, domain.values(n, seed))
    })
}

/// Seeds of values; shrinks to 0, which is the tidy one.
fn seeds() -> impl Strategy<Value = u64> {
    any::<u64>()
}

/// A tensor of values that were made for the shape.
fn filled(shape: &[usize], values: Vec<f64>) -> Tensor<f64> {
    Tensor::from_vec(values, shape).unwrap_or_else(|_| Tensor::zeros(shape))
}

/// How a tensor lies in memory.
///
/// ```
/// use wengert::Tensor;
/// use wengert::strategies::Layout;
/// let x = Tensor::new([[1.0, 2.0], [3.0, 4.0]]);
/// for layout in Layout::ALL {
///     let y = layout.of(&x);
///     assert_eq!(y.to_vec(), x.to_vec());
///     assert_eq!(y.is_contiguous(), layout == Layout::Contiguous, "{layout:?}");
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Row-major, with nothing between.
    Contiguous,
    /// The axes in the opposite order in memory.
    Transposed,
    /// Every second element of the last axis of something larger, with an offset.
    Sliced,
    /// Every axis runs backwards.
    Reversed,
}

impl Layout {
    /// All of them, the simplest first.
    pub const ALL: [Layout; 4] = [
        Layout::Contiguous,
        Layout::Transposed,
        Layout::Sliced,
        Layout::Reversed,
    ];

    /// The same values in this layout.
    pub fn of(self, x: &Tensor<f64>) -> Tensor<f64> {
        // None of the calls can fail: axes are the tensor's own.
        self.try_of(x).unwrap_or_else(|_| x.clone())
    }

    fn try_of(self, x: &Tensor<f64>) -> wengert_tensor::Result<Tensor<f64>> {
        let axes: Vec<isize> = (0..x.rank() as isize).collect();
        match self {
            Layout::Contiguous => Ok(x.contiguous()),
            Layout::Transposed => {
                let order: Vec<isize> = axes.into_iter().rev().collect();
                x.permute(&order[..])?.copied().permute(&order[..])
            }
            Layout::Sliced => {
                let Some(&last) = axes.last() else {
                    // A scalar is an element of something longer.
                    let rest = x.affine(0.0, 9.0);
                    return Tensor::stack(&[&rest, x, &rest], 0)?.select(0, 1);
                };
                let between = x.unsqueeze(-1)?;
                let rest = Tensor::full(between.shape(), 9.0);
                let pairs = Tensor::cat(&[&rest, &between], -1)?;
                let flat = pairs.flatten(last, last + 1)?;
                flat.slice(last, Slice::new(Some(1), None, 2))
            }
            Layout::Reversed => x.flip(&axes[..])?.copied().flip(&axes[..]),
        }
    }
}

/// As [`tensors`], in any [`Layout`]: contiguous, transposed, sliced or with negative strides.
///
/// ```
/// use proptest::prelude::*;
/// use wengert::strategies::{Domain, shapes, strided};
/// proptest!(|(x in strided(shapes(1..=3, 0..=4), Domain::unit()))| {
///     prop_assert_eq!(x.copied().to_vec(), x.to_vec());
///     prop_assert!(!x.may_overlap());
/// });
/// ```
pub fn strided(
    shape: impl Strategy<Value = Vec<usize>>,
    domain: Domain,
) -> impl Strategy<Value = Tensor<f64>> {
    (
        tensors(shape, domain),
        proptest::sample::select(&Layout::ALL[..]),
    )
        .prop_map(|(x, layout)| layout.of(&x))
}

/// A tensor expanded along some axes: elements share memory, so values repeat and overlap. For forward
/// passes and first gradients; [`gradcheck`](crate::check::gradcheck::gradcheck) refuses it unless
/// `allow_overlap` is given.
///
/// ```
/// use proptest::prelude::*;
/// use wengert::strategies::{Domain, expanded, shapes};
/// proptest!(|(x in expanded(shapes(1..=3, 1..=4), Domain::real()))| {
///     let mut axes = x.strides().iter().zip(x.shape().iter());
///     prop_assert_eq!(x.may_overlap(), axes.any(|(&stride, &size)| stride == 0 && size > 1));
///     prop_assert_eq!(x.max_all()?, x.copied().max_all()?);
/// });
/// ```
pub fn expanded(
    shape: impl Strategy<Value = Vec<usize>>,
    domain: Domain,
) -> impl Strategy<Value = Tensor<f64>> {
    let parts = shape.prop_flat_map(|shape| {
        let repeat = proptest::collection::vec(any::<bool>(), shape.len());
        (Just(shape), repeat, seeds())
    });
    parts.prop_map(move |(shape, repeat, seed)| {
        let own: Vec<usize> = shape
            .iter()
            .zip(repeat)
            .map(|(&d, r)| if r { 1 } else { d })
            .collect();
        let x = filled(&own, domain.values(own.iter().product(), seed));
        x.expand(&shape).unwrap_or(x)
    })
}

/// Well-conditioned square matrices: the diagonal has magnitudes in (1, 2) and each row's other elements
/// add up to at most ½ in magnitude, so `‖A‖∞·‖A⁻¹‖∞ ≤ 5`.
///
/// ```
/// use proptest::prelude::*;
/// use wengert::strategies::matrices;
/// proptest!(|(a in matrices(1..=5))| {
///     prop_assert_eq!(a.shape()[0], a.shape()[1]);
///     let diagonal = a.diagonal(0, 0, 1)?.abs();
///     let others = a.abs().sum(1)? - &diagonal;
///     prop_assert!(diagonal.to_vec().iter().all(|d| (1.0..2.0).contains(d)));
///     prop_assert!(others.to_vec().iter().all(|o| *o <= 0.5));
/// });
/// ```
pub fn matrices(size: RangeInclusive<usize>) -> impl Strategy<Value = Tensor<f64>> {
    (size, seeds()).prop_map(|(n, seed)| {
        let diagonal = Domain {
            mirrored: true,
            ..Domain::within(1.0, 2.0)
        };
        let diagonal = diagonal.values(n, seed);
        // Below 2·0.25/n each, n − 1 of them in a row.
        let mut values = Domain::real().values(n * n, seed.wrapping_add(1));
        for (i, v) in values.iter_mut().enumerate() {
            *v *= 0.25 / n as f64;
            if i % (n + 1) == 0 {
                *v = diagonal[i / (n + 1)];
            }
        }
        filled(&[n, n], values)
    })
}

/// Two matrices that can be multiplied, `[m, k]` and `[k, n]`, in any [`Layout`].
///
/// ```
/// use proptest::prelude::*;
/// use wengert::strategies::matrix_pairs;
/// proptest!(|((a, b) in matrix_pairs(0..=4))| {
///     let y = a.matmul(&b)?;
///     prop_assert_eq!((y.shape()[0], y.shape()[1]), (a.shape()[0], b.shape()[1]));
/// });
/// ```
pub fn matrix_pairs(
    size: RangeInclusive<usize>,
) -> impl Strategy<Value = (Tensor<f64>, Tensor<f64>)> {
    (size.clone(), size.clone(), size).prop_flat_map(|(m, k, n)| {
        let of = |shape: Vec<usize>| strided(Just(shape), Domain::real());
        (of(vec![m, k]), of(vec![k, n]))
    })
}

/// Class indices `0..classes` of a shape; shrinks to zeros. `classes` 0 is taken as 1.
///
/// ```
/// use proptest::prelude::*;
/// use wengert::strategies::class_targets;
/// proptest!(|(t in class_targets(Just(vec![5]), 3))| {
///     prop_assert!(t.to_vec().iter().all(|c| (0..3).contains(c)));
/// });
/// ```
pub fn class_targets(
    shape: impl Strategy<Value = Vec<usize>>,
    classes: usize,
) -> impl Strategy<Value = Tensor<i64>> {
    let last = classes.max(1) as i64 - 1;
    let parts = shape.prop_flat_map(move |shape| {
        let n = shape.iter().product::<usize>();
        (Just(shape), proptest::collection::vec(0..=last, n))
    });
    parts.prop_map(|(shape, targets)| {
        Tensor::from_vec(targets, &shape).unwrap_or_else(|_| Tensor::zeros(&shape))
    })
}

/// Masks of a shape; shrinks to all false.
///
/// ```
/// use proptest::prelude::*;
/// use wengert::strategies::masks;
/// proptest!(|(m in masks(Just(vec![2, 3])))| {
///     prop_assert_eq!(m.len(), 6);
/// });
/// ```
pub fn masks(shape: impl Strategy<Value = Vec<usize>>) -> impl Strategy<Value = Tensor<bool>> {
    let parts = shape.prop_flat_map(|shape| {
        let n = shape.iter().product::<usize>();
        (Just(shape), proptest::collection::vec(any::<bool>(), n))
    });
    parts.prop_map(|(shape, bits)| {
        Tensor::from_vec(bits, &shape).unwrap_or_else(|_| Tensor::full(&shape, false))
    })
}
