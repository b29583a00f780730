//! Numeric proof of gradients: the analytic Jacobian of a function against central differences.
//!
//! Names and defaults are PyTorch's (`torch.autograd.gradcheck`): `eps` 1e-6, `atol` 1e-5, `rtol`
//! 1e-3, `nondet_tol` 0.

use std::sync::Arc;

use wengert_tensor::{DType, ErrorKind, Float, Result, Rng, Shape, Site, Tensor};

pub use super::report::{Place, Report, Worst};
use crate::transform::grad::Grad;
use crate::var::Var;

/// Checks the gradient of `f` at `inputs` in `f64` with the default tolerances.
///
/// `|analytic − numeric| ≤ atol + rtol·|numeric|` for every element of the Jacobian.
///
/// # Errors
/// [`ErrorKind::Other`] with a [`Report`] of the worst element, [`ErrorKind::CheckRefused`] where the check cannot be made
/// (overlapping inputs, no tracked output), or what `f` returns.
///
/// ```
/// use wengert::prelude::*;
/// let a = Tensor::new([[0.5f64, -1.0], [2.0, 0.25]]);
/// let b = Tensor::new([[1.5f64], [-0.5]]);
/// let report = gradcheck(|v| Ok(v[0].matmul(&v[1])?.tanh().sum_all()), &[a, b])?;
/// assert_eq!(report.compared, 6);
/// # Ok::<(), wengert::Error>(())
/// ```
pub fn gradcheck(
    f: impl Fn(&[Var<f64>]) -> Result<Var<f64>>,
    inputs: &[Tensor<f64>],
) -> Result<Report> {
    GradCheck::new().run(f, inputs)
}

/// Checks the gradient of the gradient of `f`, with random tracked seeds, in `f64` with the default
/// tolerances.
///
/// # Errors
/// As [`gradcheck`].
///
/// ```
/// use wengert::prelude::*;
/// gradgradcheck(|v| Ok(v[0].exp()), &[Tensor::new([0.5f64, -1.0])])?;
/// # Ok::<(), wengert::Error>(())
/// ```
pub fn gradgradcheck(
    f: impl Fn(&[Var<f64>]) -> Result<Var<f64>>,
    inputs: &[Tensor<f64>],
) -> Result<Report> {
    GradCheck::new().run_second(f, inputs)
}

/// A gradient check with its options.
#[derive(Clone, Debug)]
pub struct GradCheck {
    eps: f64,
    atol: f64,
    rtol: f64,
    nondet_tol: f64,
    fast: bool,
    seed: u64,
    allow_f32: bool,
    allow_overlap: bool,
}

impl Default for GradCheck {
    fn default() -> Self {
        GradCheck {
            eps: 1e-6,
            atol: 1e-5,
            rtol: 1e-3,
            nondet_tol: 0.0,
            fast: false,
            seed: 0,
            allow_f32: false,
            allow_overlap: false,
        }
    }
}

impl GradCheck {
    /// PyTorch's defaults.
    pub fn new() -> GradCheck {
        GradCheck::default()
    }
    /// The step of the central difference (1e-6).
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }
    /// The absolute tolerance (1e-5).
    pub fn atol(mut self, atol: f64) -> Self {
        self.atol = atol;
        self
    }
    /// The relative tolerance (1e-3).
    pub fn rtol(mut self, rtol: f64) -> Self {
        self.rtol = rtol;
        self
    }
    /// How far two runs of the same backward may differ (0).
    pub fn nondet_tol(mut self, tol: f64) -> Self {
        self.nondet_tol = tol;
        self
    }
    /// Compares one random projection `vᵀ J u` of the Jacobian instead of every element: two calls of
    /// the function and one backward, whatever the sizes.
    pub fn fast(mut self) -> Self {
        self.fast = true;
        self
    }
    /// The seed of the random projections and second-order seeds (0).
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
    /// Allows `f32`, whose rounding (1e-7) is as large as the default step: give `eps` and the
    /// tolerances as well.
    pub fn allow_f32(mut self) -> Self {
        self.allow_f32 = true;
        self
    }
    /// Allows inputs of which two elements share memory. The check copies them, so they are then
    /// checked as separate elements.
    pub fn allow_overlap(mut self) -> Self {
        self.allow_overlap = true;
        self
    }

    /// Checks the gradient of `f` at `inputs`.
    ///
    /// # Errors
    /// As [`gradcheck`].
    pub fn run<T: Float>(
        &self,
        f: impl Fn(&[Var<T>]) -> Result<Var<T>>,
        inputs: &[Tensor<T>],
    ) -> Result<Report> {
        self.check("gradient", None, &|v| Ok(vec![f(v)?]), inputs)
    }

    /// Checks the gradient of the gradient of `f` at `inputs`: the function checked is `(inputs,
    /// seed) ↦ seedᵀ J`, so both its factors are differentiated.
    ///
    /// # Errors
    /// As [`gradcheck`].
    pub fn run_second<T: Float>(
        &self,
        f: impl Fn(&[Var<T>]) -> Result<Var<T>>,
        inputs: &[Tensor<T>],
    ) -> Result<Report> {
        self.refuse(inputs)?;
        let y = f(&leaves(inputs))?;
        let op = y.edge().map(|e| e.info(false).op);
        let shape = y.shape().clone();
        drop(y);
        let mut rng = Rng::seed(self.seed ^ 0x5eed);
        let mut all = inputs.to_vec();
        all.push(random(&shape, &mut rng)?);
        let n = inputs.len();
        let second = |v: &[Var<T>]| -> Result<Vec<Var<T>>> {
            let y = f(&v[..n])?;
            let at: Vec<&Var<T>> = v[..n].iter().collect();
            Grad::new()
                .create_graph()
                .allow_unused()
                .of_seeded(&[(&y, &v[n])], &at)
        };
        self.check("gradient of the gradient", op, &second, &all)
    }

    fn refuse<T: Float>(&self, inputs: &[Tensor<T>]) -> Result<()> {
        if T::DTYPE == DType::F32 && !self.allow_f32 {
            return Err(Site::unplaced("gradcheck")
                .hint(
                    "`cast::<f64>()`, or `GradCheck::allow_f32` with larger `eps`, `atol`, `rtol`",
                )
                .error(ErrorKind::CheckRefused {
                    what: "the inputs are f32".into(),
                    rule: "inputs are f64: the rounding of f32 is as large as the differences",
                }));
        }
        for (i, t) in inputs.iter().enumerate() {
            if t.may_overlap() && !self.allow_overlap {
                return Err(Site::unplaced("gradcheck")
                    .hint("`copied()` separates them; `GradCheck::allow_overlap` checks as it is")
                    .error(ErrorKind::CheckRefused {
                        what: format!(
                            "input {i} has overlapping elements (shape {}, strides {})",
                            t.shape(),
                            t.strides()
                        ),
                        rule: "each element has memory of its own: changing one changes no other",
                    }));
            }
        }
        if !(self.eps > 0.0 && self.eps.is_finite()) {
            return Err(Site::unplaced("gradcheck")
                .hint("1e-6 suits f64, which is what is used unless another is set")
                .error(ErrorKind::CheckRefused {
                    what: format!("eps = {}", self.eps),
                    rule: "0 < eps < inf",
                }));
        }
        Ok(())
    }

    fn check<T: Float>(
        &self,
        what: &'static str,
        op: Option<&'static str>,
        f: &dyn Fn(&[Var<T>]) -> Result<Vec<Var<T>>>,
        inputs: &[Tensor<T>],
    ) -> Result<Report> {
        self.refuse(inputs)?;
        let vars = leaves(inputs);
        let outputs = f(&vars)?;
        let mut report = Report {
            what,
            op: op
                .or_else(|| {
                    outputs
                        .iter()
                        .find_map(|y| y.edge().map(|e| e.info(false).op))
                })
                .unwrap_or("untracked"),
            compared: 0,
            failed: 0,
            worst: None,
            seed: self.seed,
            fast: self.fast,
            eps: self.eps,
            atol: self.atol,
            rtol: self.rtol,
        };
        for (k, y) in outputs.iter().enumerate() {
            if self.fast {
                self.projection(f, inputs, &vars, k, y, &mut report)?;
            } else {
                self.jacobian(f, inputs, &vars, k, y, &mut report)?;
            }
        }
        if report.failed > 0 {
            Err(Site::unplaced("").error(ErrorKind::Other(Arc::new(report))))
        } else {
            Ok(report)
        }
    }

    /// The gradients of `Σ seed·y`, twice, to see that they repeat; zeros where `y` is not tracked.
    fn analytic<T: Float>(
        &self,
        y: &Var<T>,
        seed: &Tensor<T>,
        vars: &[Var<T>],
    ) -> Result<Vec<Tensor<T>>> {
        if !y.is_tracked() {
            return Ok(vars.iter().map(|v| v.value().zeros_like()).collect());
        }
        let at: Vec<&Var<T>> = vars.iter().collect();
        let run = || -> Result<Vec<Tensor<T>>> {
            let seed = Var::constant(seed.clone());
            let grads = Grad::new()
                .retain_graph()
                .allow_unused()
                .of_seeded(&[(y, &seed)], &at)?;
            Ok(grads.into_iter().map(Var::into_value).collect())
        };
        let (first, second) = (run()?, run()?);
        for (i, (a, b)) in first.iter().zip(&second).enumerate() {
            for (x, y) in a.to_vec().into_iter().zip(b.to_vec()) {
                let (x, y) = (x.to_f64(), y.to_f64());
                let same = x == y || (x.is_nan() && y.is_nan());
                if !same && !((x - y).abs() <= self.nondet_tol) {
                    return Err(Site::unplaced("gradcheck").hint("draw random numbers before the check, or allow the difference with `nondet_tol`").error(ErrorKind::CheckRefused {
                        what: format!(
                            "backward is not deterministic: input {i} got {x} and then {y} (nondet_tol {})",
                            self.nondet_tol
                        ),
                        rule: "two walks give the same gradient",
                        }));
                }
            }
        }
        Ok(first)
    }

    fn jacobian<T: Float>(
        &self,
        f: &dyn Fn(&[Var<T>]) -> Result<Vec<Var<T>>>,
        inputs: &[Tensor<T>],
        vars: &[Var<T>],
        output: usize,
        y: &Var<T>,
        report: &mut Report,
    ) -> Result<()> {
        // Row o of the analytic Jacobian, by input.
        let mut rows = Vec::with_capacity(y.len());
        for o in 0..y.len() {
            let mut seed = vec![T::ZERO; y.len()];
            seed[o] = T::ONE;
            let seed = Tensor::from_vec(seed, y.shape())?;
            let grads = self.analytic(y, &seed, vars)?;
            rows.push(grads.iter().map(Tensor::to_vec).collect::<Vec<_>>());
        }
        for (i, input) in inputs.iter().enumerate() {
            for j in 0..input.len() {
                let plus = eval(f, inputs, output, |at, v| {
                    if at == (i, j) { v + self.eps } else { v }
                })?;
                let minus = eval(f, inputs, output, |at, v| {
                    if at == (i, j) { v - self.eps } else { v }
                })?;
                for o in 0..y.len() {
                    let numeric = (plus[o] - minus[o]) / (2.0 * self.eps);
                    let analytic = rows[o][i][j].to_f64();
                    report.compare(analytic, numeric, || Place {
                        input: i,
                        input_index: unravel(j, input.shape()),
                        output,
                        output_index: unravel(o, y.shape()),
                    });
                }
            }
        }
        Ok(())
    }

    fn projection<T: Float>(
        &self,
        f: &dyn Fn(&[Var<T>]) -> Result<Vec<Var<T>>>,
        inputs: &[Tensor<T>],
        vars: &[Var<T>],
        output: usize,
        y: &Var<T>,
        report: &mut Report,
    ) -> Result<()> {
        let mut rng = Rng::seed(self.seed);
        let v = random::<T>(y.shape(), &mut rng)?;
        let grads = self.analytic(y, &v, vars)?;
        let v = v.to_vec();
        for (i, input) in inputs.iter().enumerate() {
            let u = random::<T>(input.shape(), &mut rng)?.to_vec();
            let norm = u
                .iter()
                .map(|x| x.to_f64().powi(2))
                .sum::<f64>()
                .sqrt()
                .max(f64::MIN_POSITIVE);
            let u: Vec<f64> = u.iter().map(|x| x.to_f64() / norm).collect();
            let step = |sign: f64| {
                eval(f, inputs, output, |(k, j), x| {
                    if k == i {
                        x + sign * self.eps * u[j]
                    } else {
                        x
                    }
                })
            };
            let (plus, minus) = (step(1.0)?, step(-1.0)?);
            let numeric: f64 = v
                .iter()
                .zip(plus.iter().zip(&minus))
                .map(|(v, (p, m))| v.to_f64() * (p - m) / (2.0 * self.eps))
                .sum();
            let analytic: f64 = grads[i]
                .to_vec()
                .iter()
                .zip(&u)
                .map(|(g, u)| g.to_f64() * u)
                .sum();
            report.compare(analytic, numeric, || Place {
                input: i,
                input_index: vec![],
                output,
                output_index: vec![],
            });
        }
        Ok(())
    }
}

/// Fresh tracked leaves of these values, in memory of their own and in the layout they came in.
fn leaves<T: Float>(inputs: &[Tensor<T>]) -> Vec<Var<T>> {
    inputs
        .iter()
        .map(|t| Var::constant(t.clone()).tracked())
        .collect()
}

/// Output `output` at inputs changed by `change((input, element), value)`.
fn eval<T: Float>(
    f: &dyn Fn(&[Var<T>]) -> Result<Vec<Var<T>>>,
    inputs: &[Tensor<T>],
    output: usize,
    change: impl Fn((usize, usize), f64) -> f64,
) -> Result<Vec<f64>> {
    let mut vars = Vec::with_capacity(inputs.len());
    for (i, t) in inputs.iter().enumerate() {
        let changed: Vec<T> = t
            .to_vec()
            .into_iter()
            .enumerate()
            .map(|(j, x)| T::from_f64(change((i, j), x.to_f64())))
            .collect();
        // Tracked, because a function may take another path for what is not (second order does).
        vars.push(Var::constant(Tensor::from_vec(changed, t.shape())?).tracked());
    }
    let y = f(&vars)?;
    Ok(y.get(output)
        .map(|y| y.to_vec())
        .unwrap_or_default()
        .into_iter()
        .map(|v| v.to_f64())
        .collect())
}

/// Values in ±[0.5, 1.5): none so small that a projection hides an element.
fn random<T: Float>(shape: &Shape, rng: &mut Rng) -> Result<Tensor<T>> {
    let n = shape.iter().product();
    let values: Vec<T> = (0..n)
        .map(|_| {
            let u = 2.0 * rng.uniform_f64() - 1.0;
            T::from_f64(u + 0.5f64.copysign(u))
        })
        .collect();
    Tensor::from_vec(values, shape)
}

fn unravel(mut flat: usize, shape: &Shape) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (i, &d) in index.iter_mut().zip(shape.iter()).rev() {
        *i = flat % d.max(1);
        flat /= d.max(1);
    }
    index
}
