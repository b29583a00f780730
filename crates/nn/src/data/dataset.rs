//! Sets of rows, and the set that lies in tensors.
//!
//! Invariant: the tensors of a [`TensorDataset`] have the same first axis and are contiguous, so that a
//! batch copies its rows alone, and none where they follow one another.

use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use wengert_tensor::{DType, Element, Error, ErrorKind, Result, Shape, Site, Tensor, on_behalf_of};

/// A set of rows that can be taken in batches.
///
/// [`TensorDataset`] is one for rows that lie in tensors. For others, implement the trait (with
/// [`collate`](crate::data::collate) to make a batch of single items) or use
/// [`from_fn`](crate::data::from_fn).
///
/// ```
/// use wengert::prelude::*;
///
/// /// The number i and whether it is even.
/// struct Numbers(usize);
///
/// impl Dataset for Numbers {
///     type Batch = (Tensor<f32>, Tensor<i64>);
///     fn len(&self) -> usize {
///         self.0
///     }
///     fn batch(&self, indices: &[usize]) -> Result<Self::Batch> {
///         data::collate(indices.iter().map(|&i| (i as f32, (i % 2 == 0) as i64)))
///     }
/// }
///
/// let loader = DataLoader::new(Numbers(5), 2)?;
/// let (x, even) = loader.iter().next().unwrap()?;
/// assert_eq!((x.to_vec(), even.to_vec()), (vec![0.0, 1.0], vec![1, 0]));
/// # Ok::<(), wengert::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of rows",
    note = "`TensorDataset::new((x, y))?` makes one of tensors"
)]
pub trait Dataset {
    /// What a batch is: most often a tuple of tensors whose first axis is the batch's size.
    type Batch;

    /// The number of rows.
    fn len(&self) -> usize;

    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows of these indices, in their order, as one batch.
    ///
    /// # Errors
    /// If an index is not below `len()`, or a row cannot be had.
    fn batch(&self, indices: &[usize]) -> Result<Self::Batch>;
}

macro_rules! pointers {
    ($(($($g:tt)*) $t:ty;)*) => {$(
        impl<$($g)* D: Dataset + ?Sized> Dataset for $t {
            type Batch = D::Batch;
            #[inline(never)]
            fn len(&self) -> usize {
                (**self).len()
            }
            #[track_caller]
            #[inline(never)]
            fn batch(&self, indices: &[usize]) -> Result<D::Batch> {
                on_behalf_of(Location::caller(), || (**self).batch(indices))
            }
        }
    )*};
}
pointers! {
    ('a,) &'a D;
    () Box<D>;
    () Rc<D>;
    () Arc<D>;
}

/// Tensors whose first axis counts the same rows: a tensor, or a tuple or vector of such.
///
/// Implement it for a struct of tensors to have its fields' names in the batches.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::nn::data::Tensors;
///
/// #[derive(Clone)]
/// struct Sentences { words: Tensor<i64>, mask: Tensor<bool> }
///
/// impl Tensors for Sentences {
///     fn each(&self, f: &mut dyn FnMut(DType, &Shape)) {
///         self.words.each(f);
///         self.mask.each(f);
///     }
///     fn rows(&self, index: &Tensor<i64>) -> Result<Self> {
///         Ok(Sentences { words: self.words.rows(index)?, mask: self.mask.rows(index)? })
///     }
///     fn range(&self, start: usize, len: usize) -> Result<Self> {
///         Ok(Sentences { words: self.words.range(start, len)?, mask: self.mask.range(start, len)? })
///     }
///     fn packed(self) -> Self {
///         Sentences { words: self.words.packed(), mask: self.mask.packed() }
///     }
/// }
/// let set = Sentences { words: Tensor::new([[1i64, 2], [3, 0]]), mask: Tensor::new([[true, true], [true, false]]) };
/// assert_eq!(TensorDataset::new(set)?.split_at(1)?.1.tensors().words.to_vec(), [3, 0]);
/// # Ok::<(), wengert::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not made of tensors",
    note = "give a tensor, or a tuple or vector of them: `TensorDataset::new((x, y))?`"
)]
pub trait Tensors: Sized {
    /// Calls `f` with the type and shape of each tensor, in order.
    fn each(&self, f: &mut dyn FnMut(DType, &Shape));

    /// The rows that a 1-d index names.
    ///
    /// # Errors
    /// If an index is out of range.
    #[track_caller]
    fn rows(&self, index: &Tensor<i64>) -> Result<Self>;

    /// Rows `start..start + len`, without copying them.
    ///
    /// # Errors
    /// If the range is out of range.
    #[track_caller]
    fn range(&self, start: usize, len: usize) -> Result<Self>;

    /// The same with every tensor contiguous, so that rows are taken without another copy.
    fn packed(self) -> Self;
}

impl<T: Element> Tensors for Tensor<T> {
    fn each(&self, f: &mut dyn FnMut(DType, &Shape)) {
        f(T::DTYPE, self.shape());
    }
    #[track_caller]
    #[inline(never)]
    fn rows(&self, index: &Tensor<i64>) -> Result<Self> {
        self.index_select(0, index)
    }
    #[track_caller]
    #[inline(never)]
    fn range(&self, start: usize, len: usize) -> Result<Self> {
        // What no isize holds is out of range, as isize::MAX is.
        let start = isize::try_from(start).unwrap_or(isize::MAX);
        self.narrow(0, start, len)
    }
    fn packed(self) -> Self {
        self.contiguous()
    }
}

macro_rules! tuples {
    ($($($name:ident)*;)*) => {$(
        #[allow(non_snake_case)]
        impl<$($name: Tensors),*> Tensors for ($($name,)*) {
            fn each(&self, f: &mut dyn FnMut(DType, &Shape)) {
                let ($($name,)*) = self;
                $($name.each(f);)*
            }
            #[track_caller]
            #[inline(never)]
            fn rows(&self, index: &Tensor<i64>) -> Result<Self> {
                let ($($name,)*) = self;
                Ok(($($name.rows(index)?,)*))
            }
            #[track_caller]
            #[inline(never)]
            fn range(&self, start: usize, len: usize) -> Result<Self> {
                let ($($name,)*) = self;
                Ok(($($name.range(start, len)?,)*))
            }
            fn packed(self) -> Self {
                let ($($name,)*) = self;
                ($($name.packed(),)*)
            }
        }
    )*};
}
tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
}

impl<A: Tensors> Tensors for Vec<A> {
    fn each(&self, f: &mut dyn FnMut(DType, &Shape)) {
        self.iter().for_each(|t| t.each(f));
    }
    #[track_caller]
    #[inline(never)]
    fn rows(&self, index: &Tensor<i64>) -> Result<Self> {
        let mut out = Vec::with_capacity(self.len());
        for tensors in self {
            out.push(tensors.rows(index)?);
        }
        Ok(out)
    }
    #[track_caller]
    #[inline(never)]
    fn range(&self, start: usize, len: usize) -> Result<Self> {
        let mut out = Vec::with_capacity(self.len());
        for tensors in self {
            out.push(tensors.range(start, len)?);
        }
        Ok(out)
    }
    fn packed(self) -> Self {
        self.into_iter().map(Tensors::packed).collect()
    }
}

/// Rows that lie in tensors of one first axis: features and targets, of any element types.
///
/// ```
/// use wengert::prelude::*;
/// let x = Tensor::new([[0.0f32, 0.1], [1.0, 1.1], [2.0, 2.1]]);
/// let y = Tensor::new([0i64, 1, 0]);
/// let set = TensorDataset::new((x, y))?;
/// let (x, y) = set.batch(&[2, 0])?;
/// assert_eq!((x.to_vec(), y.to_vec()), (vec![2.0, 2.1, 0.0, 0.1], vec![0, 0]));
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TensorDataset<B> {
    tensors: B,
    len: usize,
}

impl<B: Tensors> TensorDataset<B> {
    /// A set of the rows of these tensors. Contiguous tensors are shared, others copied once.
    ///
    /// # Errors
    /// If the first axes differ, one of the tensors is a scalar, or there is none.
    #[track_caller]
    #[inline(never)]
    pub fn new(tensors: B) -> Result<TensorDataset<B>> {
        let mut all: Vec<(DType, Shape)> = Vec::new();
        tensors.each(&mut |dtype, shape| all.push((dtype, shape.clone())));
        let firsts: Vec<Option<usize>> = all.iter().map(|(_, s)| s.first().copied()).collect();
        let len = match firsts.first() {
            None => {
                let rule = "at least one tensor";
                return Err(Error::invalid("TensorDataset::new", "tensors", "[]", rule));
            }
            Some(Some(len)) if firsts.iter().all(|f| *f == Some(*len)) => *len,
            Some(_) => return Err(misfit(&all)),
        };
        let tensors = tensors.packed();
        Ok(TensorDataset { tensors, len })
    }

    /// The tensors.
    pub fn tensors(&self) -> &B {
        &self.tensors
    }

    /// The tensors, by value.
    pub fn into_tensors(self) -> B {
        self.tensors
    }

    /// Rows `start..start + len`, on the same memory.
    ///
    /// # Errors
    /// If the range is out of range.
    #[track_caller]
    pub fn narrow(&self, start: usize, len: usize) -> Result<TensorDataset<B>> {
        let tensors = self.tensors.range(start, len)?;
        Ok(TensorDataset { tensors, len })
    }

    /// The rows before `index` and those from there on, on the same memory. Rows that are sorted (by
    /// class, say) are better split by [`random_split`](crate::data::random_split).
    ///
    /// # Errors
    /// If there are fewer than `index` rows.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let set = TensorDataset::new(Tensor::new([1i64, 2, 3]))?;
    /// let (train, test) = set.split_at(2)?;
    /// assert_eq!((train.tensors().to_vec(), test.tensors().to_vec()), (vec![1, 2], vec![3]));
    /// assert!(set.split_at(4).is_err());
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn split_at(&self, index: usize) -> Result<(TensorDataset<B>, TensorDataset<B>)> {
        if index > self.len {
            let value = format!("{index} of {} rows", self.len);
            let rule = "0 <= index <= len";
            return Err(Error::invalid("split_at", "index", value, rule));
        }
        Ok((
            self.narrow(0, index)?,
            self.narrow(index, self.len - index)?,
        ))
    }
}

impl<B: Tensors> Dataset for TensorDataset<B> {
    type Batch = B;

    #[inline(never)]
    fn len(&self) -> usize {
        self.len
    }

    /// Rows that follow one another are a view and copy nothing.
    #[track_caller]
    #[inline(never)]
    fn batch(&self, indices: &[usize]) -> Result<B> {
        if let Some(&i) = indices.iter().find(|i| **i >= self.len) {
            return Err(out_of_range(i, self.len));
        }
        match indices {
            [] => self.tensors.range(0, 0),
            [first, ..] if indices.windows(2).all(|w| w[1] == w[0] + 1) => {
                self.tensors.range(*first, indices.len())
            }
            // Within `len`, so within i64.
            _ => {
                let index: Vec<i64> = indices.iter().map(|i| *i as i64).collect();
                self.tensors
                    .rows(&Tensor::from_vec(index, [indices.len()])?)
            }
        }
    }
}

/// An index of a row that is not there.
#[track_caller]
pub(super) fn out_of_range(index: usize, len: usize) -> Error {
    let value = format!("{index} of {len} rows");
    Error::invalid("batch", "index", value, "0 <= index < len")
}

/// Tensors whose first axes differ or are lacking.
#[track_caller]
fn misfit(all: &[(DType, Shape)]) -> Error {
    const ROLES: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];
    let mut site = Site::new("TensorDataset::new");
    let scalar = all.iter().any(|(_, s)| s.is_empty());
    for (i, (dtype, shape)) in all.iter().enumerate() {
        let role = ROLES.get(i).copied().unwrap_or("later");
        site = match shape.is_empty() {
            true => site.operand(role, *dtype, shape),
            false => site.operand_axis(role, *dtype, shape, 0),
        };
    }

    if scalar {
        site.hint("unsqueeze(0) makes one row of a scalar")
            .error(ErrorKind::Rank {
                expected: "tensors whose first axis counts the rows",
                rank: 0,
                rule: "every tensor has rank() >= 1",
            })
    } else {
        site.error(ErrorKind::ShapeMismatch {
            what: "the tensors have different numbers of rows",
            rule: "every tensor has the same size on axis 0",
        })
    }
}
