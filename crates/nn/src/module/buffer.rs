//! Buffers: tensors that are part of a module's state but not trained.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use wengert_tensor::{AnyTensor, DType, Element, Error, Result, Tensor};

use super::{Entry, Module, Visitor};

/// A tensor that is part of a module's state but not trained, of any element type.
///
/// A clone is a buffer of its own, as that of a [`Param`](wengert_autograd::Param) is; [`Buffer::share`] gives another handle
/// to the same.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::nn::Buffer;
/// #[derive(Module)]
/// struct Masked { mask: Buffer<bool> }
/// let m = Masked { mask: Buffer::new(Tensor::new([true, false])) };
/// let state = m.state_dict()?;
/// m.mask.set(Tensor::new([false, false]));
/// m.load_state_dict(&state)?;
/// assert_eq!(m.mask.value().to_vec(), [true, false]);
/// # Ok::<(), wengert::Error>(())
/// ```
pub struct Buffer<T: Element = f32> {
    any: AnyBuffer,
    marker: PhantomData<T>,
}

impl<T: Element> Buffer<T> {
    /// A buffer of this value.
    pub fn new(value: Tensor<T>) -> Buffer<T> {
        let any = AnyBuffer(Arc::new(Mutex::new(value.into())));
        let marker = PhantomData;
        Buffer { any, marker }
    }

    /// The present value.
    pub fn value(&self) -> Tensor<T> {
        match self.any.value().into_tensor() {
            Some(value) => value,
            None => unreachable!("a buffer keeps the type of its first value"),
        }
    }

    /// Replaces the value.
    pub fn set(&self, value: Tensor<T>) {
        self.any.replace(value.into());
    }

    /// Another handle to the same buffer.
    pub fn share(&self) -> Buffer<T> {
        Buffer {
            any: self.any.clone(),
            marker: PhantomData,
        }
    }
}

/// A buffer of its own, with the value of this one.
impl<T: Element> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Buffer::new(self.value())
    }
}

impl<T: Element> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({:?})", self.value())
    }
}

/// A handle to a buffer of any type.
#[derive(Clone)]
pub struct AnyBuffer(Arc<Mutex<AnyTensor>>);

impl AnyBuffer {
    /// The present value.
    pub fn value(&self) -> AnyTensor {
        let value = self.0.lock();
        value.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.value().dtype()
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// If the type differs.
    #[track_caller]
    pub fn set(&self, value: &AnyTensor) -> Result<()> {
        if value.dtype() != self.dtype() {
            let rule = "a buffer keeps its element type";
            return Err(Error::invalid("Buffer::set", "value", value.dtype(), rule));
        }
        self.replace(value.clone());
        Ok(())
    }

    /// The same for handles to one buffer, different between buffers.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    fn replace(&self, value: AnyTensor) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

impl fmt::Debug for AnyBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value();
        write!(f, "AnyBuffer({} {})", value.dtype(), value.shape())
    }
}

impl<T: Element> Module for Buffer<T> {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.entry(Entry::Buffer(self.any.clone()));
    }
}
