//! Batches of single items.
//!
//! Invariant: item `i` of a batch is row `i` of each of its tensors.

use wengert_tensor::{Element, Result, Tensor};

use crate::data::Dataset;
use crate::data::dataset::out_of_range;

/// An item that can be made a batch of with others: a number, a tensor, or a tuple of such.
pub trait Collate: Sized {
    /// What a batch is: a tensor with one axis more, or a tuple of those.
    type Batch;

    /// One batch of all items, in their order.
    ///
    /// # Errors
    /// If shapes differ, or there is nothing to take the shape from.
    fn collate(items: Vec<Self>) -> Result<Self::Batch>;
}

/// One batch of items: numbers become a tensor `[n]`, tensors of one shape are stacked on a new first
/// axis, tuples become tuples of batches.
///
/// # Errors
/// If tensors differ in shape, or there is no tensor to take the shape from.
///
/// ```
/// use wengert::Tensor;
/// use wengert::nn::data::collate;
/// let items = [(Tensor::new([1.0f32, 2.0]), 0i64), (Tensor::new([3.0, 4.0]), 1)];
/// let (x, y) = collate(items)?;
/// assert_eq!((x.shape().to_vec(), y.to_vec()), (vec![2, 2], vec![0, 1]));
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
pub fn collate<I: Collate>(items: impl IntoIterator<Item = I>) -> Result<I::Batch> {
    I::collate(items.into_iter().collect())
}

impl<T: Element> Collate for Tensor<T> {
    type Batch = Tensor<T>;
    #[track_caller]
    fn collate(items: Vec<Self>) -> Result<Tensor<T>> {
        Tensor::stack(&items, 0)
    }
}

macro_rules! numbers {
    ($($t:ty)*) => {$(
        impl Collate for $t {
            type Batch = Tensor<$t>;
            #[track_caller]
            fn collate(items: Vec<Self>) -> Result<Tensor<$t>> {
                let n = items.len();
                Tensor::from_vec(items, [n])
            }
        }
    )*};
}
numbers!(f32 f64 i64 i32 u8 bool);

macro_rules! tuples {
    ($($($name:ident $i:tt)*;)*) => {$(
        impl<$($name: Collate),*> Collate for ($($name,)*) {
            type Batch = ($($name::Batch,)*);
            #[track_caller]
            fn collate(items: Vec<Self>) -> Result<Self::Batch> {
                let mut columns = ($(Vec::<$name>::with_capacity(items.len()),)*);
                for item in items {
                    $(columns.$i.push(item.$i);)*
                }
                Ok(($($name::collate(columns.$i)?,)*))
            }
        }
    )*};
}
tuples! {
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
}

/// A set whose items a closure makes, from [`from_fn`].
#[derive(Clone, Copy, Debug)]
pub struct FromFn<F> {
    len: usize,
    get: F,
}

/// A set of `len` items that `get` makes of their index: files read when they are due, or rows that are
/// changed at random each time.
///
/// ```
/// use wengert::prelude::*;
/// let squares = data::from_fn(5, |i| Ok((Tensor::new([i as f32]), (i * i) as f32)));
/// let loader = DataLoader::new(squares, 3)?;
/// let (x, y) = loader.iter().next().unwrap()?;
/// assert_eq!((x.shape().to_vec(), y.to_vec()), (vec![3, 1], vec![0.0, 1.0, 4.0]));
/// # Ok::<(), wengert::Error>(())
/// ```
#[track_caller]
pub fn from_fn<I: Collate, F: Fn(usize) -> Result<I>>(len: usize, get: F) -> FromFn<F> {
    FromFn { len, get }
}

impl<I: Collate, F: Fn(usize) -> Result<I>> Dataset for FromFn<F> {
    type Batch = I::Batch;
    fn len(&self) -> usize {
        self.len
    }
    #[track_caller]
    fn batch(&self, indices: &[usize]) -> Result<I::Batch> {
        if let Some(&i) = indices.iter().find(|i| **i >= self.len) {
            return Err(out_of_range(i, self.len));
        }
        let items: Result<Vec<I>> = indices.iter().map(|&i| (self.get)(i)).collect();
        I::collate(items?)
    }
}
