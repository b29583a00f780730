//! Buffers: tensors that are part of a module's state but not trained.

use std::sync::{Arc, Mutex, PoisonError};

use wengert_tensor::{Element, Tensor};

use super::{Entry, Module, Visitor};

/// A tensor that is part of a module's state but not trained; clones are the same buffer.
#[derive(Debug)]
pub struct Buffer<T: Element = f32>(Arc<Mutex<Tensor<T>>>);

impl<T: Element> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Buffer(Arc::clone(&self.0))
    }
}

impl<T: Element> Buffer<T> {
    /// A buffer of this value.
    pub fn new(value: Tensor<T>) -> Buffer<T> {
        Buffer(Arc::new(Mutex::new(value)))
    }
    /// The present value.
    pub fn value(&self) -> Tensor<T> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
    /// Replaces the value.
    pub fn set(&self, value: Tensor<T>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

/// A buffer of one of the types that state files hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AnyBuffer {
    /// Of `f32`.
    F32(Buffer<f32>),
    /// Of `f64`.
    F64(Buffer<f64>),
    /// Of `i64`.
    I64(Buffer<i64>),
}

impl<T: Element> Module for Buffer<T> {
    fn visit(&self, v: &mut Visitor<'_>) {
        let any: &dyn std::any::Any = self;
        if let Some(b) = any.downcast_ref::<Buffer<f32>>() {
            v.entry(Entry::Buffer(AnyBuffer::F32(b.clone())));
        } else if let Some(b) = any.downcast_ref::<Buffer<f64>>() {
            v.entry(Entry::Buffer(AnyBuffer::F64(b.clone())));
        } else if let Some(b) = any.downcast_ref::<Buffer<i64>>() {
            v.entry(Entry::Buffer(AnyBuffer::I64(b.clone())));
        }
    }
}
