//! PyTorch's calls in this library's words.

use serde_json::Value;
use wengert_autograd::{ClassLoss, Reduction, Result, Var};
use wengert_tensor::{Axes, IntoAxes, Slice, Tensor};

use super::{Outcome, Recorded, number};

pub struct Case<'a> {
    pub op: &'a str,
    pub attrs: &'a Value,
    pub inputs: &'a [Recorded],
    pub vars: &'a [Option<Var<f64>>],
}

/// A reduction over axes, with the axes kept, or of everything.
macro_rules! reduce {
    ($case:ident, $x:ident, $name:ident $keepdim:ident $all:ident $(, $argument:expr)?) => {
        match $case.axes("dim") {
            Some(axes) if $case.flag("keepdim") => $x.$keepdim(&axes $(, $argument)?)?,
            Some(axes) => $x.$name(&axes $(, $argument)?)?,
            None => Maybe::certain($x.$all($($argument)?))?,
        }
    };
}

/// `sum_all` cannot fail, `max_all` can.
trait Maybe {
    fn certain(self) -> Result<Var<f64>>;
}
impl Maybe for Var<f64> {
    fn certain(self) -> Result<Var<f64>> {
        Ok(self)
    }
}
impl Maybe for Result<Var<f64>> {
    fn certain(self) -> Result<Var<f64>> {
        self
    }
}

impl Case<'_> {
    fn var(&self, i: usize) -> &Var<f64> {
        // The last stands in for a second use of the same variable.
        let i = if self.flag("aliased") { 0 } else { i };
        self.vars[i].as_ref().expect("a variable")
    }
    fn flag(&self, key: &str) -> bool {
        self.attrs[key] == true
    }
    fn int(&self, key: &str) -> isize {
        self.attrs[key].as_i64().unwrap_or_else(|| panic!("{key}")) as isize
    }
    fn num(&self, key: &str) -> f64 {
        number(&self.attrs[key])
    }
    fn ints(&self, key: &str) -> Vec<isize> {
        match &self.attrs[key] {
            Value::Array(list) => list.iter().map(|v| v.as_i64().unwrap() as isize).collect(),
            one => vec![one.as_i64().unwrap() as isize],
        }
    }
    fn axes(&self, key: &str) -> Option<Axes> {
        (!self.attrs[key].is_null()).then(|| self.ints(key).into_axes())
    }
    /// A shape, −1 standing for what is to be inferred.
    fn shape(&self, key: &str) -> Vec<usize> {
        self.ints(key)
            .into_iter()
            .map(|d| {
                if d < 0 {
                    wengert_tensor::INFER
                } else {
                    d as usize
                }
            })
            .collect()
    }
    fn reduction(&self) -> Reduction {
        match self.attrs["reduction"].as_str() {
            Some("sum") => Reduction::Sum,
            Some("none") => Reduction::None,
            _ => Reduction::Mean,
        }
    }
    fn class_loss(&self) -> ClassLoss {
        let mut options = ClassLoss::new().reduction(self.reduction());
        if self.flag("weighted") {
            options = options.weights(self.inputs[self.inputs.len() - 1].f64().to_vec());
        }
        if let Some(index) = self.attrs["ignore_index"].as_i64() {
            options = options.ignore_index(index);
        }
        if !self.attrs["label_smoothing"].is_null() {
            options = options.label_smoothing(self.num("label_smoothing"));
        }
        options
    }
    /// Losses of the elements, weighted and reduced.
    fn reduced(&self, losses: Var<f64>) -> Result<Var<f64>> {
        let losses = if self.flag("weighted") {
            losses.try_mul(&Var::from(self.inputs[self.inputs.len() - 1].f64()))?
        } else {
            losses
        };
        Ok(match self.reduction() {
            Reduction::Mean => losses.mean_all(),
            Reduction::Sum => losses.sum_all(),
            _ => losses,
        })
    }

    pub fn run(&self) -> Result<Outcome> {
        if let Some(outcome) = self.without_gradient()? {
            return Ok(outcome);
        }
        if let "sort" | "topk" | "max_dim" | "min_dim" = self.op {
            return self.picked();
        }
        let unary = self.unary()?;
        let y = match unary {
            Some(y) => y,
            None => match self.joined()? {
                Some(y) => y,
                None => self.viewed()?.map_or_else(|| self.other(), Ok)?,
            },
        };
        Ok(Outcome::Var(y))
    }

    fn without_gradient(&self) -> Result<Option<Outcome>> {
        let floats = || {
            (
                self.inputs[0].f64(),
                self.inputs[self.inputs.len() - 1].f64(),
            )
        };
        Ok(Some(match self.op {
            "eq" => Outcome::Mask(floats().0.eq(floats().1)?),
            "ne" => Outcome::Mask(floats().0.ne(floats().1)?),
            "lt" => Outcome::Mask(floats().0.lt(floats().1)?),
            "le" => Outcome::Mask(floats().0.le(floats().1)?),
            "gt" => Outcome::Mask(floats().0.gt(floats().1)?),
            "ge" => Outcome::Mask(floats().0.ge(floats().1)?),
            "isnan" => Outcome::Mask(floats().0.is_nan()),
            "isinf" => Outcome::Mask(floats().0.is_inf()),
            "isfinite" => Outcome::Mask(floats().0.is_finite()),
            "argmax" | "argmin" => {
                let x = floats().0;
                let max = self.op == "argmax";
                Outcome::Index(match (self.attrs["dim"].as_i64(), self.flag("keepdim")) {
                    (None, _) if max => x.argmax_all()?,
                    (None, _) => x.argmin_all()?,
                    (Some(d), false) if max => x.argmax(d as isize)?,
                    (Some(d), false) => x.argmin(d as isize)?,
                    (Some(d), true) if max => x.argmax_keepdim(d as isize)?,
                    (Some(d), true) => x.argmin_keepdim(d as isize)?,
                })
            }
            "any" | "all" => {
                let (x, any) = (self.inputs[0].bool(), self.op == "any");
                Outcome::Mask(match (self.axes("dim"), self.flag("keepdim")) {
                    (None, _) => Tensor::scalar(if any { x.any_all() } else { x.all_all() }),
                    (Some(a), false) => {
                        if any {
                            x.any(&a)?
                        } else {
                            x.all(&a)?
                        }
                    }
                    (Some(a), true) => {
                        if any {
                            x.any_keepdim(&a)?
                        } else {
                            x.all_keepdim(&a)?
                        }
                    }
                })
            }
            "one_hot" => Outcome::Index(
                self.inputs[0]
                    .i64()
                    .one_hot::<i64>(self.int("num_classes") as usize)?,
            ),
            _ => return Ok(None),
        }))
    }

    fn picked(&self) -> Result<Outcome> {
        let (x, dim) = (self.var(0), self.int("dim"));
        Ok(match self.op {
            "sort" => {
                let (y, index) = x.sort(dim, self.flag("descending"))?;
                Outcome::Picked(y, index)
            }
            "topk" => {
                let (y, index) = x.topk(self.int("k") as usize, dim, self.flag("largest"))?;
                Outcome::Picked(y, index)
            }
            // PyTorch's max over one dim: ours, and the index of the first.
            _ => {
                let keep = self.flag("keepdim");
                let (y, index) = match (self.op == "max_dim", keep) {
                    (true, true) => (x.max_keepdim(dim)?, x.value().argmax_keepdim(dim)?),
                    (true, false) => (x.max(dim)?, x.argmax(dim)?),
                    (false, true) => (x.min_keepdim(dim)?, x.value().argmin_keepdim(dim)?),
                    (false, false) => (x.min(dim)?, x.argmin(dim)?),
                };
                Outcome::Picked(y, index)
            }
        })
    }

    fn unary(&self) -> Result<Option<Var<f64>>> {
        let x = match self.vars[0].as_ref() {
            Some(x) => x,
            None => return Ok(None),
        };
        Ok(Some(match self.op {
            "neg" => x.neg(),
            "exp" => x.exp(),
            "exp2" => x.exp2(),
            "expm1" => x.exp_m1(),
            "sin" => x.sin(),
            "cos" => x.cos(),
            "tan" => x.tan(),
            "asin" => x.asin(),
            "acos" => x.acos(),
            "atan" => x.atan(),
            "sinh" => x.sinh(),
            "cosh" => x.cosh(),
            "tanh" => x.tanh(),
            "asinh" => x.asinh(),
            "acosh" => x.acosh(),
            "atanh" => x.atanh(),
            "sigmoid" => x.sigmoid(),
            "erf" => x.erf(),
            "square" => x.square(),
            "reciprocal" => x.recip(),
            "abs" => x.abs(),
            "relu" => x.relu(),
            "log" => x.ln(),
            "log2" => x.log2(),
            "log10" => x.log10(),
            "log1p" => x.ln_1p(),
            "sqrt" => x.sqrt(),
            "rsqrt" => x.rsqrt(),
            "sign" => x.sign(),
            "floor" => x.floor(),
            "ceil" => x.ceil(),
            "round" => x.round(),
            "trunc" => x.trunc(),
            "pow_scalar" => x.powf(self.num("exponent")),
            "clamp" => {
                let bound = |key: &str, none: f64| {
                    if self.attrs[key].is_null() {
                        none
                    } else {
                        self.num(key)
                    }
                };
                x.clamp(bound("min", f64::NEG_INFINITY), bound("max", f64::INFINITY))?
            }
            "leaky_relu" => x.leaky_relu(self.num("negative_slope")),
            "elu" => x.elu(self.num("alpha")),
            "gelu" => x.gelu(),
            "gelu_tanh" => x.gelu_tanh(),
            "silu" => x.silu(),
            "logsigmoid" => x.log_sigmoid(),
            "softsign" => x.softsign(),
            "softplus" => (x * self.num("beta")).softplus() / self.num("beta"),
            "softmax" => x.softmax(self.int("dim"))?,
            "log_softmax" => x.log_softmax(self.int("dim"))?,
            "sum" => reduce!(self, x, sum sum_keepdim sum_all),
            "mean" => reduce!(self, x, mean mean_keepdim mean_all),
            "amax" => reduce!(self, x, max max_keepdim max_all),
            "amin" => reduce!(self, x, min min_keepdim min_all),
            "prod" => reduce!(self, x, prod prod_keepdim prod_all),
            "logsumexp" => reduce!(self, x, logsumexp logsumexp_keepdim logsumexp_all),
            "var" => reduce!(self, x, var var_keepdim var_all, self.int("correction") as usize),
            "std" => reduce!(self, x, std std_keepdim std_all, self.int("correction") as usize),
            "norm" => {
                let all: Vec<isize> = (0..x.rank() as isize).collect();
                let axes = self.axes("dim").unwrap_or_else(|| all.into_axes());
                let mut y = x.norm_p(self.num("p"), &axes)?;
                if self.flag("keepdim") {
                    let mut axes: Vec<isize> = axes
                        .iter()
                        .map(|a| a.rem_euclid(x.rank() as isize))
                        .collect();
                    axes.sort_unstable();
                    for a in axes {
                        y = y.unsqueeze(a)?;
                    }
                }
                y
            }
            "cumsum" => x.cumsum(self.int("dim"))?,
            "cumprod" => x.cumprod(self.int("dim"))?,
            _ => return Ok(None),
        }))
    }

    fn viewed(&self) -> Result<Option<Var<f64>>> {
        let x = match self.vars[0].as_ref() {
            Some(x) if self.attrs["after"] == "t" => &x.t()?,
            Some(x) => x,
            None => return Ok(None),
        };
        Ok(Some(match self.op {
            "reshape" => x.reshape(self.shape("shape"))?,
            "flatten" => x.flatten(self.int("start_dim"), self.int("end_dim"))?,
            "squeeze" => match self.axes("dim") {
                Some(axes) => x.squeeze(&axes)?,
                None => x.squeeze_all(),
            },
            "unsqueeze" => x.unsqueeze(self.int("dim"))?,
            "transpose" => x.transpose(self.int("dim0"), self.int("dim1"))?,
            "t" => x.t()?,
            "permute" => x.permute(self.ints("dims"))?,
            "movedim" => {
                let (from, to) = (self.ints("source"), self.ints("destination"));
                // Several at once are a permutation: the places named first, the rest in order.
                let rank = x.rank() as isize;
                let mut order = vec![-1; x.rank()];
                for (f, t) in from.iter().zip(&to) {
                    order[t.rem_euclid(rank) as usize] = f.rem_euclid(rank);
                }
                let mut rest = (0..rank).filter(|a| !from.iter().any(|f| f.rem_euclid(rank) == *a));
                for place in &mut order {
                    if *place < 0 {
                        *place = rest.next().unwrap();
                    }
                }
                let permuted = x.permute(order)?;
                if from.len() == 1 {
                    let moved = x.movedim(from[0], to[0])?;
                    assert_eq!(moved.to_vec(), permuted.to_vec());
                    moved
                } else {
                    permuted
                }
            }
            "expand" => x.expand(self.shape("shape"))?,
            "narrow" => x.narrow(
                self.int("dim"),
                self.int("start"),
                self.int("length") as usize,
            )?,
            "select" => x.select(self.int("dim"), self.int("index"))?,
            "slice" => {
                let end = |key: &str| self.attrs[key].as_i64().map(|v| v as isize);
                x.slice(
                    self.int("dim"),
                    Slice::new(end("start"), end("stop"), self.int("step")),
                )?
            }
            "flip" => x.flip(self.ints("dims"))?,
            "diagonal" => x.diagonal(self.int("offset"), self.int("dim1"), self.int("dim2"))?,
            "unfold" => x.unfold(
                self.int("dimension"),
                self.int("size") as usize,
                self.int("step") as usize,
            )?,
            "split" => {
                let dim = self.int("dim");
                let mut parts = match &self.attrs["split_size"] {
                    Value::Array(_) => x.split_sizes(&self.shape("split_size"), dim)?,
                    _ => x.split(self.int("split_size") as usize, dim)?,
                };
                parts.swap_remove(self.int("piece") as usize)
            }
            "chunk" => {
                let mut parts = x.chunk(self.int("chunks") as usize, self.int("dim"))?;
                parts.swap_remove(self.int("piece") as usize)
            }
            "repeat" => x.repeat(self.shape("repeats"))?,
            "roll" if self.attrs["dims"].is_null() => {
                let flat = x.reshape(x.len())?.roll(self.ints("shifts")[0], 0)?;
                flat.reshape(x.shape())?
            }
            "roll" => {
                let mut y = x.clone();
                for (s, d) in self.ints("shifts").into_iter().zip(self.ints("dims")) {
                    y = y.roll(s, d)?;
                }
                y
            }
            "tril" => x.tril(self.int("diagonal"))?,
            "triu" => x.triu(self.int("diagonal"))?,
            "index_select" => x.index_select(self.int("dim"), self.inputs[1].i64())?,
            "gather" => x.gather(self.int("dim"), self.inputs[1].i64())?,
            "scatter_add" => x.scatter_add(self.int("dim"), self.inputs[1].i64(), self.var(2))?,
            "masked_fill" => x.masked_fill(self.inputs[1].bool(), self.num("value"))?,
            _ => return Ok(None),
        }))
    }

    fn joined(&self) -> Result<Option<Var<f64>>> {
        let all = || self.vars.iter().flatten().cloned().collect::<Vec<_>>();
        Ok(Some(match self.op {
            "cat" => Var::cat(&all(), self.int("dim"))?,
            "stack" => Var::stack(&all(), self.int("dim"))?,
            "where" => Var::where_(self.inputs[0].bool(), self.var(1), self.var(2))?,
            "add" => self.var(0).try_add(self.var(1))?,
            "sub" => self.var(0).try_sub(self.var(1))?,
            "mul" => self.var(0).try_mul(self.var(1))?,
            "div" => self.var(0).try_div(self.var(1))?,
            "maximum" => self.var(0).maximum(self.var(1))?,
            "minimum" => self.var(0).minimum(self.var(1))?,
            "pow" => self.var(0).pow(self.var(1))?,
            "atan2" => self.var(0).atan2(self.var(1))?,
            "hypot" => self.var(0).hypot(self.var(1))?,
            "logaddexp" => self.var(0).logaddexp(self.var(1))?,
            // a − b·⌊a/b⌋ and a − b·trunc(a/b), whose gradients are those of their steps.
            "remainder" => self.var(0) - self.var(1) * (self.var(0) / self.var(1)).floor(),
            "fmod" => self.var(0) - self.var(1) * (self.var(0) / self.var(1)).trunc(),
            "matmul" if self.attrs["after"] == "t of both" => {
                self.var(0).t()?.matmul(&self.var(1).t()?)?
            }
            "matmul" => self.var(0).matmul(self.var(1))?,
            "dot" => self.var(0).dot(self.var(1))?,
            "outer" => self.var(0).outer(self.var(1))?,
            "linear" => self
                .var(0)
                .linear(self.var(1), self.vars.get(2).and_then(Option::as_ref))?,
            _ => return Ok(None),
        }))
    }

    fn other(&self) -> Result<Var<f64>> {
        let x = self.var(0);
        let each = Reduction::None;
        match self.op {
            "layer_norm" => {
                let shape = self.shape("normalized_shape");
                let bias = |i: usize| self.vars.get(i).and_then(Option::as_ref);
                x.layer_norm(shape, bias(1), bias(2), self.num("eps"))
            }
            "mse_loss" => x.mse_loss_with(self.var(1), self.reduction()),
            "l1_loss" => x.l1_loss_with(self.var(1), self.reduction()),
            "huber_loss" => x.huber_loss_with(self.var(1), self.num("delta"), self.reduction()),
            // Huber's divided by its delta, in PyTorch's words.
            "smooth_l1_loss" => {
                let beta = self.num("beta");
                Ok(x.huber_loss_with(self.var(1), beta, self.reduction())? / beta)
            }
            "bce_loss" => self.reduced(x.bce_loss_with(self.var(1), each)?),
            "bce_with_logits" if self.flag("pos_weighted") => {
                let (y, p) = (self.var(1), Var::from(self.inputs[2].f64()));
                let weight = (p.affine(1.0, -1.0)) * y + 1.0;
                self.reduced(x * y.affine(-1.0, 1.0) + weight * x.neg().softplus())
            }
            "bce_with_logits" => self.reduced(x.bce_with_logits_with(self.var(1), each)?),
            "nll_loss" => x.nll_loss_with(self.inputs[1].i64(), &self.class_loss()),
            "cross_entropy" => x.cross_entropy_with(self.inputs[1].i64(), &self.class_loss()),
            "cross_entropy_probabilities" => x.cross_entropy_probs(self.var(1), &self.class_loss()),
            other => panic!("no call for {other}"),
        }
    }
}
