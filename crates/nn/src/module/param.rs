//! Parameters of either float type, with the names that they were listed under.

use std::fmt;
use std::sync::Arc;

use wengert_autograd::Param;
use wengert_tensor::{AnyTensor, DType, Float, Result, Shape};

use super::{Entry, Module, Visitor};

/// A handle to a parameter of either float type, as a model lists it for an optimizer: with its name in that model.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::nn::AnyParam;
/// let model = Linear::new(2, 1, &mut Rng::seed(0));
/// let weight: AnyParam = model.parameters().remove(0);
/// assert_eq!(weight.name().as_deref(), Some("weight"));
/// weight.set_value(&Tensor::<f32>::ones([1, 2]).into())?;
/// assert_eq!(model.weight.value().to_vec(), [1.0, 1.0]);
/// # Ok::<(), wengert::Error>(())
/// ```
pub struct AnyParam {
    /// The name in the model that listed it.
    path: Option<Arc<str>>,
    pub(crate) param: TypedParam,
}

/// What a parameter is.
pub(crate) enum TypedParam {
    F32(Param<f32>),
    F64(Param<f64>),
}

macro_rules! each_param {
    ($self:expr, $p:ident => $body:expr) => {
        match &$self.param {
            TypedParam::F32($p) => $body,
            TypedParam::F64($p) => $body,
        }
    };
}

impl AnyParam {
    fn new<T: Float>(p: &Param<T>) -> AnyParam {
        let any: &dyn std::any::Any = p;
        let param = match (any.downcast_ref(), any.downcast_ref()) {
            (Some(p), _) => TypedParam::F32(Param::share(p)),
            (_, Some(p)) => TypedParam::F64(Param::share(p)),
            _ => unreachable!("a parameter is of f32 or of f64: `Float` is sealed"),
        };
        AnyParam { path: None, param }
    }

    /// The same parameter under this name.
    pub(crate) fn named(mut self, path: &str) -> AnyParam {
        self.path = Some(path.into());
        self
    }

    /// The same for handles to one parameter, different between parameters.
    pub fn id(&self) -> usize {
        each_param!(self, p => p.id())
    }

    /// The name in the model that listed it; of a parameter that is part of none, the name that it was given
    /// ([`Param::set_name`]).
    pub fn name(&self) -> Option<String> {
        match &self.path {
            Some(path) => Some(path.to_string()),
            None => each_param!(self, p => p.given_name()),
        }
    }

    /// The parameter, if it is of this type.
    pub fn downcast<T: Float>(&self) -> Option<&Param<T>> {
        let any: &dyn std::any::Any = each_param!(self, p => p);
        any.downcast_ref()
    }

    /// The size of each axis.
    pub fn shape(&self) -> &Shape {
        each_param!(self, p => p.shape())
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        match self.param {
            TypedParam::F32(_) => DType::F32,
            TypedParam::F64(_) => DType::F64,
        }
    }

    /// The present value.
    pub fn value(&self) -> AnyTensor {
        each_param!(self, p => p.value().into())
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// If the type or the shape differs.
    #[track_caller]
    pub fn set_value(&self, value: &AnyTensor) -> Result<()> {
        each_param!(self, p => p.set_value(value.downcast()?.copied()))
    }

    /// Replaces the value by what `f` makes of it.
    ///
    /// # Errors
    /// If `f` fails, or the type or the shape differs.
    #[track_caller]
    pub fn apply(&self, f: impl FnOnce(&AnyTensor) -> Result<AnyTensor>) -> Result<()> {
        self.set_value(&f(&self.value())?)
    }

    /// The accumulated gradient.
    pub fn grad(&self) -> Option<AnyTensor> {
        each_param!(self, p => p.grad().map(Into::into))
    }

    /// Replaces or forgets the accumulated gradient.
    ///
    /// # Errors
    /// If the type or the shape differs.
    #[track_caller]
    pub fn set_grad(&self, grad: Option<&AnyTensor>) -> Result<()> {
        each_param!(self, p => match grad {
            Some(grad) => p.set_grad(Some(grad.downcast()?.copied())),
            None => p.set_grad(None),
        })
    }

    /// Forgets the gradient.
    pub fn zero_grad(&self) {
        each_param!(self, p => p.zero_grad());
    }

    /// Whether it gets gradients.
    pub fn is_trainable(&self) -> bool {
        each_param!(self, p => p.is_trainable())
    }

    /// Freezes or thaws it.
    pub fn set_trainable(&self, trainable: bool) {
        each_param!(self, p => p.set_trainable(trainable));
    }

    /// Notes where it was visited, for messages.
    pub(super) fn visited_as(&self, path: &str) {
        each_param!(self, p => p.visited_as(path));
    }
}

/// Another handle to the same parameter.
impl Clone for AnyParam {
    fn clone(&self) -> AnyParam {
        let param = match &self.param {
            TypedParam::F32(p) => TypedParam::F32(p.share()),
            TypedParam::F64(p) => TypedParam::F64(p.share()),
        };
        AnyParam {
            path: self.path.clone(),
            param,
        }
    }
}

impl fmt::Debug for AnyParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name().map(|n| format!("{n}: ")).unwrap_or_default();
        write!(f, "AnyParam({name}{} {})", self.dtype(), self.shape())
    }
}

impl<T: Float> From<&Param<T>> for AnyParam {
    fn from(p: &Param<T>) -> AnyParam {
        AnyParam::new(p)
    }
}
impl From<&AnyParam> for AnyParam {
    fn from(p: &AnyParam) -> AnyParam {
        p.clone()
    }
}

impl<T: Float> Module for Param<T> {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.entry(Entry::Param(self.into()));
    }
}
