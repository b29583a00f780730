//! Features of mean 0 and deviation 1.
//!
//! Invariant: no deviation is 0 or infinite, so that what is standardized is finite where the data is.

use wengert_autograd::Var;
use wengert_tensor::{Error, ErrorKind, Float, Result, Shape, Site, Tensor};

use crate::module::{Buffer, Layer, Module, Visitor};

/// Takes each feature to mean 0 and deviation 1, `z = (x − mean)/std`, as learned on one tensor: on the data of the training,
/// never on what tests it.
///
/// `std² = mean (x − mean)²` over the rows, computed in `f64`, as scikit-learn's `StandardScaler`. A feature that is constant
/// has deviation 1: it becomes 0.
///
/// It is a layer: put before the others, it is saved with the model (as the buffers `mean` and `std`, which are not trained),
/// and what is predicted takes plain data.
///
/// # Shapes
/// Learned on `x [n, ..]`; mean, std `[..]`; applied to `[m, ..]` for any m, or to one row `[..]`.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::nn::data::Standardizer;
/// let x = Tensor::new([[1.0f32, 7.0], [3.0, 7.0]]);
/// let scale = Standardizer::fit(&x)?;
/// assert_eq!(scale.apply(&x)?.to_vec(), [-1.0, 0.0, 1.0, 0.0]);
/// assert_eq!(scale.apply(&Tensor::new([[5.0, 8.0]]))?.to_vec(), [3.0, 1.0]);
/// assert_eq!(scale.inverse(&scale.apply(&x)?)?, x);
///
/// let model = Sequential::new().push(scale).push(Linear::new(2, 1, &mut Rng::seed(0)));
/// assert!(model.state_dict()?.contains_key("0.mean"));
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Standardizer<T: Float = f32> {
    mean: Buffer<T>,
    std: Buffer<T>,
}

impl<T: Float> Standardizer<T> {
    /// Learns mean and deviation of each feature.
    ///
    /// # Errors
    /// If there are no rows, a value is not finite, or a deviation is beyond the type's largest number.
    #[track_caller]
    #[inline(never)]
    pub fn fit(x: &Tensor<T>) -> Result<Standardizer<T>> {
        const OP: &str = "Standardizer::fit";
        let n = x.shape().first().copied().unwrap_or(0);
        if n == 0 {
            let rule = "the first axis counts the rows, at least one";
            return Err(Error::invalid(OP, "x", x.shape(), rule));
        }
        let shape = Shape::from_slice(&x.shape()[1..]);
        let features = x.len() / n;
        let rows = n as f64;
        let mut mean = vec![0.0; features];
        let mut ends = vec![(f64::INFINITY, f64::NEG_INFINITY); features];
        for (k, value) in x.iter().enumerate() {
            let (v, i) = (value.to_f64(), k % features);
            if !v.is_finite() {
                let value = format!("{v}, in row {}, feature {i}", k / features);
                return Err(Error::invalid(OP, "x", value, "every value is finite"));
            }
            mean[i] += v / rows;
            ends[i] = (ends[i].0.min(v), ends[i].1.max(v));
        }
        // Of shares of the span, whose squares do not overflow. Rounding takes the mean of equal values off them.
        let span = |i: usize| ends[i].1 - ends[i].0;
        let mut square = vec![0.0; features];
        for (k, value) in x.iter().enumerate() {
            let i = k % features;
            if span(i) > 0.0 {
                square[i] += ((value.to_f64() - mean[i]) / span(i)).powi(2) / rows;
            }
        }
        let mut std = Vec::with_capacity(features);
        for i in 0..features {
            let found = T::from_f64(span(i) * square[i].sqrt());
            if !found.to_f64().is_finite() {
                let value = format!("infinite, of feature {i}");
                return Err(Error::invalid(OP, "std", value, "a deviation is finite"));
            }
            // Of a constant, or of what is constant but for less than the type's smallest number.
            std.push(if found == T::ZERO { T::ONE } else { found });
        }
        for (m, (low, high)) in mean.iter_mut().zip(&ends) {
            *m = m.clamp(*low, *high);
        }
        let mean = mean.into_iter().map(T::from_f64).collect();
        Ok(Standardizer {
            mean: Buffer::new(Tensor::from_vec(mean, &shape)?),
            std: Buffer::new(Tensor::from_vec(std, &shape)?),
        })
    }

    /// Of this mean and deviation; to load a state into, zeros and ones will do.
    ///
    /// # Errors
    /// If their shapes differ, a deviation is not finite and above 0, or a mean is not finite.
    #[track_caller]
    #[inline(never)]
    pub fn new(mean: Tensor<T>, std: Tensor<T>) -> Result<Standardizer<T>> {
        const OP: &str = "Standardizer::new";
        if mean.shape() != std.shape() {
            let site = Site::new(OP)
                .operand("mean", T::DTYPE, mean.shape())
                .operand("std", T::DTYPE, std.shape());
            return Err(site.error(ErrorKind::ShapeMismatch {
                what: "shapes differ",
                rule: "mean.shape == std.shape",
            }));
        }
        if let Some(m) = mean.iter().find(|m| !m.to_f64().is_finite()) {
            return Err(Error::invalid(OP, "mean", m, "a mean is finite"));
        }
        let unfit = |s: &T| !(s.to_f64().is_finite() && *s > T::ZERO);
        if let Some(s) = std.iter().find(unfit) {
            return Err(Error::invalid(
                OP,
                "std",
                s,
                "a deviation is finite and above 0",
            ));
        }
        Ok(Standardizer {
            mean: Buffer::new(mean),
            std: Buffer::new(std),
        })
    }

    /// The mean of each feature.
    pub fn mean(&self) -> Tensor<T> {
        self.mean.value()
    }

    /// The deviation of each feature.
    pub fn std(&self) -> Tensor<T> {
        self.std.value()
    }

    /// `(x − mean)/std`.
    ///
    /// # Errors
    /// If `x` has other features.
    #[track_caller]
    #[inline(never)]
    pub fn apply(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.fits("Standardizer::apply", x.shape())?;
        x.try_sub(&self.mean())?.try_div(&self.std())
    }

    /// `z·std + mean`, what [`Standardizer::apply`] made `z` of.
    ///
    /// # Errors
    /// If `z` has other features.
    #[track_caller]
    #[inline(never)]
    pub fn inverse(&self, z: &Tensor<T>) -> Result<Tensor<T>> {
        self.fits("Standardizer::inverse", z.shape())?;
        z.try_mul(&self.std())?.try_add(&self.mean())
    }

    /// A feature alone would broadcast over all.
    #[track_caller]
    fn fits(&self, op: &'static str, x: &Shape) -> Result<()> {
        let mean = self.mean();
        let own = &mean.shape()[..];
        if x[..] == *own || x.len() == own.len() + 1 && x[1..] == *own {
            return Ok(());
        }
        let site = Site::new(op)
            .operand("x", T::DTYPE, x)
            .operand("mean", T::DTYPE, mean.shape());
        Err(site.error(ErrorKind::ShapeMismatch {
            what: "x has other features than it was learned on",
            rule: "x.shape == [n, mean.shape..], or mean.shape",
        }))
    }
}

impl<T: Float> Module for Standardizer<T> {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.field("mean", &self.mean);
        v.field("std", &self.std);
    }
}

impl<T: Float> Layer<T> for Standardizer<T> {
    #[track_caller]
    #[inline(never)]
    fn forward(&self, x: &Var<T>) -> Result<Var<T>> {
        self.fits("Standardizer::forward", x.shape())?;
        let (mean, std) = (Var::from(self.mean()), Var::from(self.std()));
        x.try_sub(&mean)?.try_div(&std)
    }
}
