//! Variables of either element type.

use wengert_tensor::{AnyTensor, DType, Float, Result, Shape};

use crate::tape::mode;
use crate::tape::node::Edge;
use crate::var::Var;

/// A variable whose element type is known at run time only: what the edges of the tape carry.
#[derive(Clone)]
pub(crate) struct AnyVar {
    value: AnyTensor,
    node: Option<Edge>,
}

impl AnyVar {
    #[inline]
    pub(crate) fn wrap<T: Float>(v: Var<T>) -> AnyVar {
        AnyVar {
            value: v.value.into_any(),
            node: v.node,
        }
    }

    /// The variable, if it is of type `T`.
    #[inline]
    pub(crate) fn unwrap<T: Float>(self) -> Option<Var<T>> {
        let AnyVar { value, node } = self;
        value.into_tensor().map(|value| Var { value, node })
    }

    #[inline]
    pub(crate) fn dtype(&self) -> DType {
        self.value.dtype()
    }

    #[inline]
    pub(crate) fn shape(&self) -> &Shape {
        self.value.shape()
    }

    /// The gradient of a value of another type: that of a cast.
    pub(crate) fn cast(self, to: DType, record: bool) -> AnyVar {
        fn convert<T: Float, U: Float>(v: AnyVar) -> AnyVar {
            match v.unwrap::<T>() {
                Some(v) => AnyVar::wrap(v.cast::<U>()),
                None => unreachable!("a variable is of the type that it says"),
            }
        }
        let run = || match (self.dtype(), to) {
            (DType::F32, DType::F64) => convert::<f32, f64>(self),
            (DType::F64, DType::F32) => convert::<f64, f32>(self),
            _ => self,
        };
        if record {
            mode::enable_grad(run)
        } else {
            run()
        }
    }

    /// The sum of two gradients of one value: recorded where `record`, else into the memory of
    /// either where it is held alone. Types and shapes agree: every contribution was checked.
    pub(crate) fn plus(self, other: AnyVar, record: bool) -> Result<AnyVar> {
        fn add<T: Float>(a: AnyVar, b: AnyVar, record: bool) -> Result<AnyVar> {
            let (Some(a), Some(b)) = (a.unwrap::<T>(), b.unwrap::<T>()) else {
                unreachable!("gradients of one value are of its type");
            };
            let sum = if record {
                mode::enable_grad(|| a.try_add(&b))?
            } else {
                Var::constant(a.value + b.value)
            };
            Ok(AnyVar::wrap(sum))
        }
        match self.dtype() {
            DType::F32 => add::<f32>(self, other, record),
            _ => add::<f64>(self, other, record),
        }
    }
}
