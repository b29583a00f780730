//! Parameters of either float type.

use wengert_autograd::Param;
use wengert_tensor::{AnyTensor, DType, Float, Shape};

use super::{Entry, Module, Visitor};

/// A parameter of either float type.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AnyParam {
    /// Of `f32`.
    F32(Param<f32>),
    /// Of `f64`.
    F64(Param<f64>),
}

macro_rules! each_param {
    ($self:expr, $p:ident => $body:expr) => {
        match $self {
            AnyParam::F32($p) => $body,
            AnyParam::F64($p) => $body,
        }
    };
}

impl AnyParam {
    /// The same for clones of one parameter, different between parameters.
    pub fn id(&self) -> usize {
        each_param!(self, p => p.id())
    }
    /// The name it was first visited under.
    pub fn name(&self) -> Option<&str> {
        each_param!(self, p => p.name())
    }
    /// Names it; the first name stays.
    pub fn set_name(&self, name: &str) {
        each_param!(self, p => p.set_name(name));
    }
    /// The size of each axis.
    pub fn shape(&self) -> &Shape {
        each_param!(self, p => p.shape())
    }
    /// The element type.
    pub fn dtype(&self) -> DType {
        match self {
            AnyParam::F32(_) => DType::F32,
            AnyParam::F64(_) => DType::F64,
        }
    }
    /// The present value.
    pub fn value(&self) -> AnyTensor {
        each_param!(self, p => p.value().into())
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
}

impl From<Param<f32>> for AnyParam {
    fn from(p: Param<f32>) -> AnyParam {
        AnyParam::F32(p)
    }
}
impl From<Param<f64>> for AnyParam {
    fn from(p: Param<f64>) -> AnyParam {
        AnyParam::F64(p)
    }
}

/// `p` as a parameter of either type (the two are all that `Float` has).
fn any_param<T: Float>(p: &Param<T>) -> Option<AnyParam> {
    let any: &dyn std::any::Any = p;
    match any.downcast_ref::<Param<f32>>() {
        Some(p) => Some(AnyParam::F32(p.clone())),
        None => any
            .downcast_ref::<Param<f64>>()
            .map(|p| AnyParam::F64(p.clone())),
    }
}

impl<T: Float> Module for Param<T> {
    fn visit(&self, v: &mut Visitor<'_>) {
        if let Some(p) = any_param(self) {
            v.entry(Entry::Param(p));
        }
    }
}
