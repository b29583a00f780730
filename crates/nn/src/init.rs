//! Starting values of weights, with PyTorch's names (`torch.nn.init`).
//!
//! Of a shape `[out, in, ..]`, `fan_in` is in·(the rest) and `fan_out` is out·(the rest), the rest being
//! the product of the sizes that follow.

use wengert_tensor::{Error, Float, IntoShape, Result, Rng, Shape, Tensor};

/// Every element `value`.
///
/// # Errors
/// If the size overflows or the memory is refused.
#[track_caller]
pub fn constant<T: Float>(shape: impl IntoShape, value: f64) -> Result<Tensor<T>> {
    Tensor::try_full(shape, T::from_f64(value))
}

/// U(low, high).
///
/// # Errors
/// If a bound is not finite, low > high, the size overflows or the memory is refused.
#[track_caller]
pub fn uniform<T: Float>(
    shape: impl IntoShape,
    low: f64,
    high: f64,
    rng: &mut Rng,
) -> Result<Tensor<T>> {
    Tensor::uniform(low, high, shape, rng)
}

/// N(mean, std²).
///
/// # Errors
/// If `mean` is not finite, `std` is negative or not finite, the size overflows or the memory is refused.
#[track_caller]
pub fn normal<T: Float>(
    shape: impl IntoShape,
    mean: f64,
    std: f64,
    rng: &mut Rng,
) -> Result<Tensor<T>> {
    Tensor::normal(mean, std, shape, rng)
}

/// Xavier's (Glorot & Bengio, 2010) U(±gain·√(6/(fan_in + fan_out))); Keras's `glorot_uniform` with gain 1.
///
/// # Errors
/// If the rank is below 2, or as [`uniform()`].
///
/// ```
/// use wengert::nn::init;
/// use wengert::{Rng, Tensor};
/// let w: Tensor = init::xavier_uniform([4, 2], 1.0, &mut Rng::seed(0))?;
/// assert!(w.to_vec().iter().all(|v| v.abs() <= 1.0));
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
pub fn xavier_uniform<T: Float>(
    shape: impl IntoShape,
    gain: f64,
    rng: &mut Rng,
) -> Result<Tensor<T>> {
    let shape = shape.into_shape();
    let std = xavier_std("xavier_uniform", &shape, gain)?;
    let bound = 3f64.sqrt() * std;
    uniform(shape, -bound, bound, rng)
}

/// Xavier's N(0, gain²·2/(fan_in + fan_out)).
///
/// # Errors
/// If the rank is below 2, or as [`normal()`].
#[track_caller]
pub fn xavier_normal<T: Float>(
    shape: impl IntoShape,
    gain: f64,
    rng: &mut Rng,
) -> Result<Tensor<T>> {
    let shape = shape.into_shape();
    let std = xavier_std("xavier_normal", &shape, gain)?;
    normal(shape, 0.0, std, rng)
}

/// Kaiming's (He et al., 2015) U(±gain·√(3/fan)).
///
/// # Errors
/// If the rank is below 2, or as [`uniform()`].
#[track_caller]
pub fn kaiming_uniform<T: Float>(
    shape: impl IntoShape,
    fan: Fan,
    gain: Gain,
    rng: &mut Rng,
) -> Result<Tensor<T>> {
    let shape = shape.into_shape();
    let std = kaiming_std("kaiming_uniform", &shape, fan, gain)?;
    let bound = 3f64.sqrt() * std;
    uniform(shape, -bound, bound, rng)
}

/// Kaiming's N(0, gain²/fan).
///
/// # Errors
/// If the rank is below 2, or as [`normal()`].
#[track_caller]
pub fn kaiming_normal<T: Float>(
    shape: impl IntoShape,
    fan: Fan,
    gain: Gain,
    rng: &mut Rng,
) -> Result<Tensor<T>> {
    let shape = shape.into_shape();
    let std = kaiming_std("kaiming_normal", &shape, fan, gain)?;
    normal(shape, 0.0, std, rng)
}

/// A random matrix `[shape[0], the rest]` with orthonormal rows, or columns where they are fewer, times
/// `gain` (Saxe et al., 2014). Each such matrix is as likely as another.
///
/// # Errors
/// If the rank is below 2, the size overflows or the memory is refused.
///
/// ```
/// use wengert::nn::init;
/// use wengert::{Rng, Tensor};
/// let w: Tensor<f64> = init::orthogonal([2, 3], 1.0, &mut Rng::seed(0))?;
/// let product = w.matmul(&w.t()?)?;
/// let off = (product - Tensor::eye(2)).abs().max_all()?.item()?;
/// assert!(off < 1e-12);
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
pub fn orthogonal<T: Float>(shape: impl IntoShape, gain: f64, rng: &mut Rng) -> Result<Tensor<T>> {
    let shape = shape.into_shape();
    let [fan_in, _] = fans("orthogonal", &shape)?;
    let (rows, cols) = (shape[0], fan_in as usize);
    let (few, long) = (rows.min(cols), rows.max(cols));
    let mut q = Tensor::<f64>::try_randn([few, long], rng)?;
    let values = q.as_mut_slice();
    // Gram–Schmidt with a second pass ("twice is enough", Giraud et al., 2005). The vector's own length
    // is what QR has on R's diagonal: positive, so that the distribution is the uniform one.
    for i in 0..few {
        let (before, after) = values.split_at_mut(i * long);
        let row = &mut after[..long];
        for other in (0..2).flat_map(|_| before.chunks_exact(long)) {
            let along: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
            row.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
        }
        let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        row.iter_mut().for_each(|v| *v /= length);
    }
    let q = if rows <= cols { q } else { q.t()?.contiguous() };
    q.affine(gain, 0.0).cast().reshape(shape)
}

/// Which fan keeps its variance: the forward pass's or the backward pass's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fan {
    /// The number of inputs of an output: activations keep their variance.
    #[default]
    In,
    /// The number of outputs of an input: gradients keep their variance.
    Out,
}

/// The factor that makes up for what a nonlinearity does to the variance (`calculate_gain`).
///
/// ```
/// use wengert::nn::init::Gain;
/// assert_eq!(Gain::Relu.value(), 2f64.sqrt());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gain {
    /// 1, of a linear layer without one.
    Linear,
    /// 1.
    Sigmoid,
    /// 5/3.
    Tanh,
    /// √2.
    Relu,
    /// 3/4, which normalises itself.
    Selu,
    /// √(2/(1 + slope²)).
    LeakyRelu(f64),
}

impl Gain {
    /// The factor.
    pub fn value(self) -> f64 {
        match self {
            Gain::Linear | Gain::Sigmoid => 1.0,
            Gain::Tanh => 5.0 / 3.0,
            Gain::Relu => 2f64.sqrt(),
            Gain::Selu => 0.75,
            Gain::LeakyRelu(slope) => (2.0 / (1.0 + slope * slope)).sqrt(),
        }
    }
}

/// `fan_in` and `fan_out`.
#[track_caller]
fn fans(call: &'static str, shape: &Shape) -> Result<[f64; 2]> {
    match shape[..] {
        [out, inputs, ref rest @ ..] => {
            let rest: f64 = rest.iter().map(|d| *d as f64).product();
            Ok([inputs as f64 * rest, out as f64 * rest])
        }
        _ => {
            let rule = "the shape is [out, in, ..]: its rank is at least 2";
            Err(Error::invalid(call, "shape", shape, rule))
        }
    }
}

#[track_caller]
fn xavier_std(call: &'static str, shape: &Shape, gain: f64) -> Result<f64> {
    let [a, b] = fans(call, shape)?;
    Ok(gain * (2.0 / (a + b).max(1.0)).sqrt())
}

#[track_caller]
fn kaiming_std(call: &'static str, shape: &Shape, fan: Fan, gain: Gain) -> Result<f64> {
    let [fan_in, fan_out] = fans(call, shape)?;
    let fan = match fan {
        Fan::In => fan_in,
        Fan::Out => fan_out,
    };
    Ok(gain.value() / fan.max(1.0).sqrt())
}
