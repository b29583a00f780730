//! Synthetic sets: small problems in the plane that a network should solve.
//!
//! Invariant: the same arguments and generator give the same bits on every machine: the arithmetic is
//! that of `f64` on the baseline instruction set, rounded once to the type asked for.

use wengert_tensor::{Error, Float, IsaKind, Result, Rng, Tensor, with_isa};

/// The exclusive or: its four rows `[4, 2]` and what they give `[4, 1]`.
///
/// ```
/// let (x, y) = wengert::nn::data::xor::<f32>();
/// assert_eq!(x.to_vec(), [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
/// assert_eq!(y.to_vec(), [0.0, 1.0, 1.0, 0.0]);
/// ```
#[inline(never)]
pub fn xor<T: Float>() -> (Tensor<T>, Tensor<T>) {
    let (o, i) = (T::ZERO, T::ONE);
    (
        Tensor::new([[o, o], [o, i], [i, o], [i, i]]),
        Tensor::new([[o], [i], [i], [o]]),
    )
}

/// Two half circles that reach into each other, as scikit-learn's `make_moons`: points `[n, 2]` in random
/// order and their classes `[n]`.
///
/// Class 0 is (cos t, sin t) for ⌊n/2⌋ values of t from 0 to π, class 1 is (1 − cos t, ½ − sin t) for the
/// others; normal noise of standard deviation `noise` is added to each coordinate.
///
/// # Errors
/// If `noise` is not finite and at least 0.
///
/// ```
/// use wengert::prelude::*;
/// let (x, y) = data::moons::<f32>(200, 0.1, &mut Rng::seed(0))?;
/// assert_eq!((x.shape().to_vec(), y.sum_all().item()?), (vec![200, 2], 100));
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
#[inline(never)]
pub fn moons<T: Float>(n: usize, noise: f64, rng: &mut Rng) -> Result<(Tensor<T>, Tensor<i64>)> {
    let noise = spread("moons", "noise", noise)?;
    let half = n / 2;
    let at = |half: usize, i| std::f64::consts::PI * step(i, half);
    let angles: Vec<f64> = (0..n)
        .map(|i| {
            if i < half {
                at(half, i)
            } else {
                at(n - half, i - half)
            }
        })
        .collect();
    let mut points = circle(&angles)?;
    for [x, y] in &mut points[half..] {
        (*x, *y) = (1.0 - *x, 1.0 - *y - 0.5);
    }
    let classes = (0..n).map(|i| (i >= half) as i64).collect();
    let mut set = shuffled(points, classes, rng);
    for v in set.0.iter_mut().flatten() {
        *v += noise * rng.normal_f64();
    }
    tensors(&set)
}

/// Spirals around the origin, one arm a class: points `[n, 2]` in random order and their classes `[n]`.
///
/// The points of class j of k are (r sin t, r cos t), where r goes from 0 to 1 in equal steps and
/// t = 4r + 2πj/k + `noise`·z with z standard normal: the noise is one of the angle, in radians (0.2 is
/// usual, with three classes). The classes have n/k points each, the first n mod k one more.
///
/// # Errors
/// If `classes` is 0, or `noise` is not finite and at least 0.
///
/// ```
/// use wengert::prelude::*;
/// let (x, y) = data::spirals::<f32>(300, 3, 0.2, &mut Rng::seed(0))?;
/// assert_eq!((x.shape().to_vec(), y.shape().to_vec()), (vec![300, 2], vec![300]));
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
#[inline(never)]
pub fn spirals<T: Float>(
    n: usize,
    classes: usize,
    noise: f64,
    rng: &mut Rng,
) -> Result<(Tensor<T>, Tensor<i64>)> {
    if classes == 0 {
        return Err(Error::invalid("spirals", "classes", 0, "classes >= 1"));
    }
    let noise = spread("spirals", "noise", noise)?;
    let (mut radii, mut angles, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for (class, size) in sizes(n, classes) {
        let turn = std::f64::consts::TAU * class as f64 / classes as f64;
        for i in 0..size {
            let r = step(i, size);
            radii.push(r);
            angles.push(4.0 * r + turn + noise * rng.normal_f64());
            labels.push(class as i64);
        }
    }
    let mut points = circle(&angles)?;
    for (p, r) in points.iter_mut().zip(radii) {
        *p = [r * p[1], r * p[0]];
    }
    tensors(&shuffled(points, labels, rng))
}

/// Where the clouds of [`blobs`] lie: a number of them, for centres drawn at random from the square
/// [−10, 10)², or a tensor of centres `[k, d]`.
pub trait Centers {
    /// The centres, one a row.
    ///
    /// # Errors
    /// If there are none, or they are no rows of coordinates.
    #[track_caller]
    fn rows(&self, rng: &mut Rng) -> Result<Tensor<f64>>;
}

impl Centers for usize {
    #[track_caller]
    fn rows(&self, rng: &mut Rng) -> Result<Tensor<f64>> {
        Tensor::uniform(-10.0, 10.0, [*self, 2], rng)
    }
}

impl<T: Float> Centers for Tensor<T> {
    #[track_caller]
    fn rows(&self, _: &mut Rng) -> Result<Tensor<f64>> {
        Ok(self.cast())
    }
}

impl<C: Centers> Centers for &C {
    #[track_caller]
    fn rows(&self, rng: &mut Rng) -> Result<Tensor<f64>> {
        (**self).rows(rng)
    }
}

/// Round clouds of points, as scikit-learn's `make_blobs`: points `[n, d]` in random order and the clouds
/// `[n]` that they belong to.
///
/// A point of cloud j is centre j plus normal noise of standard deviation `std` in each coordinate. The
/// clouds have n/k points each, the first n mod k one more.
///
/// # Errors
/// If there are no centres, they are not `[k, d]`, or `std` is not finite and at least 0.
///
/// ```
/// use wengert::prelude::*;
/// let (x, y) = data::blobs::<f32>(300, 3, 1.0, &mut Rng::seed(0))?;
/// assert_eq!((x.shape().to_vec(), y.shape().to_vec()), (vec![300, 2], vec![300]));
/// let centers = Tensor::new([[0.0, 0.0, 5.0], [1.0, 0.0, 0.0]]);
/// let (x, y) = data::blobs::<f64>(2, centers, 0.0, &mut Rng::seed(0))?;
/// let first = y.iter().position(|class| class == 0).unwrap();
/// assert_eq!(x.select(0, first as isize)?.to_vec(), [0.0, 0.0, 5.0]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
pub fn blobs<T: Float>(
    n: usize,
    centers: impl Centers,
    std: f64,
    rng: &mut Rng,
) -> Result<(Tensor<T>, Tensor<i64>)> {
    let std = spread("blobs", "std", std)?;
    let centers = centers.rows(rng)?;
    let &[k, d] = &centers.shape()[..] else {
        let shape = centers.shape();
        return Err(Error::invalid(
            "blobs",
            "centers",
            shape,
            "centers are [k, d]",
        ));
    };
    if k == 0 {
        return Err(Error::invalid("blobs", "centers", 0, "at least one centre"));
    }
    let centers = centers.to_vec();
    let (mut points, mut labels) = (Vec::new(), Vec::new());
    for (class, size) in sizes(n, k) {
        let center = &centers[class * d..(class + 1) * d];
        for _ in 0..size {
            points.push(center.iter().map(|c| c + std * rng.normal_f64()).collect());
            labels.push(class as i64);
        }
    }
    let (points, labels): (Vec<Vec<f64>>, _) = shuffled(points, labels, rng);
    let values = points.iter().flatten().map(|v| T::from_f64(*v)).collect();
    Ok((
        Tensor::from_vec(values, [n, d])?,
        Tensor::from_vec(labels, [n])?,
    ))
}

/// Value `i` of `n` in equal steps from 0 to 1.
fn step(i: usize, n: usize) -> f64 {
    match n {
        0 | 1 => 0.0,
        n => i as f64 / (n - 1) as f64,
    }
}

/// Each class and its size: as equal as can be, the first ones larger.
fn sizes(n: usize, classes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..classes).map(move |c| (c, n / classes + (c < n % classes) as usize))
}

#[track_caller]
fn spread(call: &'static str, name: &'static str, value: f64) -> Result<f64> {
    match value >= 0.0 && value.is_finite() {
        true => Ok(value),
        false => Err(Error::invalid(call, name, value, "finite and at least 0")),
    }
}

/// The cosine and sine of each angle.
#[track_caller]
fn circle(angles: &[f64]) -> Result<Vec<[f64; 2]>> {
    let t = Tensor::from_slice(angles, [angles.len()])?;
    let (cos, sin) = with_isa(IsaKind::Scalar, || (t.cos(), t.sin()));
    Ok(cos.iter().zip(sin.iter()).map(|(c, s)| [c, s]).collect())
}

fn shuffled<P>(points: Vec<P>, labels: Vec<i64>, rng: &mut Rng) -> (Vec<P>, Vec<i64>) {
    let mut rows: Vec<(P, i64)> = points.into_iter().zip(labels).collect();
    rng.shuffle(&mut rows);
    rows.into_iter().unzip()
}

#[track_caller]
#[inline(never)]
fn tensors<T: Float>(set: &(Vec<[f64; 2]>, Vec<i64>)) -> Result<(Tensor<T>, Tensor<i64>)> {
    let (points, labels) = set;
    let values = points.iter().flatten().map(|v| T::from_f64(*v)).collect();
    Ok((
        Tensor::from_vec(values, [points.len(), 2])?,
        Tensor::from_slice(labels, [labels.len()])?,
    ))
}
