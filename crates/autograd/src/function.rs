//! Users' own differentiable ops.

use std::cell::RefCell;

use wengert_tensor::{Error, ErrorKind, Float, Result, Site, Tensor};

use crate::tape::rule::{Cx, Grads, Rule, Saved, apply_many};
use crate::var::Var;

/// A differentiable op of a user's own (PyTorch's `torch.autograd.Function`).
///
/// `forward` computes on plain tensors; `backward` is written in [`Var`] ops, so that it can be
/// differentiated again. Attributes (a slope, an index tensor) are fields of the type. Prove it with
/// [`gradcheck`](crate::check::gradcheck::gradcheck) and
/// [`gradgradcheck`](crate::check::gradcheck::gradgradcheck).
///
/// ```
/// use wengert::prelude::*;
///
/// /// `y = x²`, written by hand.
/// struct Squared;
/// impl<T: Float> Function<T> for Squared {
///     fn forward(&self, x: &[&Tensor<T>]) -> Result<Tensor<T>> {
///         Ok(x[0] * x[0])
///     }
///     fn backward(&self, cx: &FunctionCx<'_, T>, dy: &Var<T>) -> Result<Vec<Option<Var<T>>>> {
///         Ok(vec![Some(dy * cx.input(0)?.affine(2.0, 0.0))])
///     }
/// }
///
/// let x = Tensor::new([0.5f64, -2.0]);
/// let y = Squared.apply(&[&Var::from(&x).tracked()])?;
/// assert!(y.tape().to_string().contains("%1 = Squared(%0)"));
/// gradcheck(|v| Squared.apply(&[&v[0]]), &[x.clone()])?;
/// gradgradcheck(|v| Squared.apply(&[&v[0]]), &[x])?;
/// # Ok::<(), wengert::Error>(())
/// ```
pub trait Function<T: Float = f32>: Send + Sync + Sized + 'static {
    /// The name on the tape and in messages: the type's, unless written.
    fn name(&self) -> &'static str {
        type_name::<Self>()
    }

    /// The output for these inputs.
    ///
    /// # Errors
    /// Whatever does not fit.
    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<Tensor<T>>;

    /// One gradient for each input, in order, given that of the output: `None` for an input that needs
    /// none ([`FunctionCx::needs`]), [`FunctionCx::zero`] where it is zero. Each has its input's shape (or broadcasts from
    /// it: it is summed).
    ///
    /// # Errors
    /// Whatever does not fit. `None` for an input that needs a gradient is an error of the backward pass.
    fn backward(&self, cx: &FunctionCx<'_, T>, dy: &Var<T>) -> Result<Vec<Option<Var<T>>>>;

    /// What `backward` wants to see again. All of it unless said otherwise.
    fn saves(&self) -> Saves {
        Saves::All
    }

    /// Calls the op, and records it if an input is tracked.
    ///
    /// # Errors
    /// What `forward` returns.
    #[track_caller]
    fn apply(self, inputs: &[&Var<T>]) -> Result<Var<T>> {
        let values: Vec<&Tensor<T>> = inputs.iter().map(|v| v.value()).collect();
        let y = self.forward(&values)?;
        Ok(apply_many(inputs, y, |y| {
            let saves = self.saves();
            let inputs = if saves.inputs() {
                inputs
                    .iter()
                    .enumerate()
                    .map(|(i, v)| Saved::input(i, v))
                    .collect()
            } else {
                Vec::new()
            };
            Recorded {
                function: self,
                saves,
                inputs,
                output: saves.output().then(|| Saved::output(y)),
            }
        }))
    }
}

/// The name of a type without its path and its parameters.
#[doc(hidden)]
pub fn type_name<T: ?Sized>() -> &'static str {
    let path = std::any::type_name::<T>();
    let path = path.split('<').next().unwrap_or(path);
    path.rsplit("::").next().unwrap_or(path)
}

/// What the tape keeps for a [`Function`]'s backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saves {
    /// Inputs and output.
    All,
    /// The inputs.
    Inputs,
    /// The output.
    Output,
    /// Nothing.
    Nothing,
}

impl Saves {
    fn inputs(self) -> bool {
        matches!(self, Saves::All | Saves::Inputs)
    }
    fn output(self) -> bool {
        matches!(self, Saves::All | Saves::Output)
    }
}

struct Recorded<T: Float, F: Function<T>> {
    function: F,
    saves: Saves,
    inputs: Vec<Saved<T>>,
    output: Option<Saved<T>>,
}

impl<T: Float, F: Function<T>> Rule<T> for Recorded<T, F> {
    fn name(&self) -> &'static str {
        self.function.name()
    }

    fn grads(&self, cx: &Cx<'_>, dy: &Var<T>) -> Result<Grads<T>> {
        let op = self.function.name();
        let view = FunctionCx {
            op,
            cx,
            saves: self.saves,
            inputs: &self.inputs,
            output: self.output.as_ref(),
            zeros: RefCell::default(),
        };
        let grads = self.function.backward(&view, dy)?;
        let zeros = view.zeros.into_inner();
        for (i, g) in grads.iter().enumerate() {
            if g.is_none() && cx.needs(i) && !zeros.contains(&i) {
                let reason = format!("`backward` gave no gradient for input {i}, which needs one");
                let hint = format!("where it is zero, say so: `cx.zero({i})` instead of `None`");
                return Err(Site::unplaced(op)
                    .hint(hint)
                    .error(ErrorKind::Custom(reason)));
            }
        }
        if cx.this.is_some() && dy.is_tracked() {
            // A gradient is linear in `dy`: one that does not hang on it was cut off the tape, and the
            // next derivative would be silently wrong.
            for (i, g) in grads.iter().enumerate() {
                if cx.needs(i) && g.as_ref().is_some_and(|g| !g.is_tracked()) {
                    let reason = format!(
                        "the gradient of input {i} does not depend on `dy` on the tape, so it cannot be differentiated again"
                    );
                    let hint = "write `backward` in Var ops: no `.value()`, `.detach()` or `Var::constant` between `dy` and the gradient";
                    return Err(Site::unplaced(op)
                        .hint(hint)
                        .error(ErrorKind::Custom(reason)));
                }
            }
        }
        Ok(grads.into_iter().collect())
    }
}

/// What a [`Function`]'s backward sees of the call.
pub struct FunctionCx<'a, T: Float> {
    op: &'static str,
    cx: &'a Cx<'a>,
    saves: Saves,
    inputs: &'a [Saved<T>],
    output: Option<&'a Saved<T>>,
    /// Inputs whose gradients are zero.
    zeros: RefCell<Vec<usize>>,
}

impl<T: Float> FunctionCx<'_, T> {
    /// Input `i`, tracked where the gradient is to be differentiated again.
    ///
    /// # Errors
    /// If there is no such input, or [`Function::saves`] leaves inputs out.
    #[track_caller]
    pub fn input(&self, i: usize) -> Result<Var<T>> {
        match self.inputs.get(i) {
            Some(s) => Ok(self.cx.var(s)),
            None if !self.saves.inputs() => Err(self.missing(&format!("input {i}"), "Inputs")),
            None => {
                let n = self.inputs.len();
                let e = Error::custom(self.op, format!("backward asks for input {i}, of {n}"));
                Err(e.or_hint(format!("0 <= i < {n}")))
            }
        }
    }

    /// The output.
    ///
    /// # Errors
    /// If [`Function::saves`] leaves it out.
    #[track_caller]
    pub fn output(&self) -> Result<Var<T>> {
        match self.output {
            Some(s) => Ok(self.cx.var(s)),
            None => Err(self.missing("the output", "Output")),
        }
    }

    /// Whether input `i` needs a gradient.
    pub fn needs(&self, i: usize) -> bool {
        self.cx.needs(i)
    }

    /// The `None` for an input whose gradient is zero: one that the output does not depend on, or only in steps.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// /// `x` to whole multiples of `step`, with the gradient of `x` for its own.
    /// struct Quantize;
    /// impl Function for Quantize {
    ///     fn forward(&self, x: &[&Tensor]) -> Result<Tensor> {
    ///         Ok((x[0] / x[1]).round() * x[1])
    ///     }
    ///     fn backward(&self, cx: &FunctionCx<'_, f32>, dy: &Var) -> Result<Vec<Option<Var>>> {
    ///         Ok(vec![Some(dy.clone()), cx.zero(1)])
    ///     }
    /// }
    /// let (x, step) = (Var::new([0.3, 0.8]).tracked(), Var::new(0.5).tracked());
    /// Quantize.apply(&[&x, &step])?.sum_all().backward()?;
    /// assert_eq!(x.grad().unwrap().to_vec(), [1.0, 1.0]);
    /// assert!(step.grad().is_none());
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn zero(&self, i: usize) -> Option<Var<T>> {
        self.zeros.borrow_mut().push(i);
        None
    }

    #[track_caller]
    fn missing(&self, what: &str, enough: &str) -> Error {
        let reason = format!("backward asks for {what}, which was not saved");
        Error::custom(self.op, reason).or_hint(format!(
            "`saves()` returns Saves::{:?}: return Saves::All or Saves::{enough}",
            self.saves
        ))
    }
}
