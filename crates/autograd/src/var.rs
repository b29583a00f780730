//! A tensor that the tape may track.

use std::fmt;
use std::panic::Location;

use wengert_tensor::{Float, IntoShape, Nested, Result, Shape, Tensor};

use crate::tape::leaf::Leaf;
use crate::tape::node::{self, Edge};

/// A tensor that the tape may track: a value, and where it came from if gradients should go there.
///
/// Ops on it have the names they have on [`Tensor`]. It is cheap to clone (the value's memory is
/// shared) and `Send + Sync`.
///
/// ```
/// use wengert::Var;
/// let x = Var::new([1.0f64, 2.0, 3.0]).tracked();
/// let y = (&x * &x).sum_all();
/// y.backward()?;
/// assert_eq!(x.grad().unwrap().to_vec(), [2.0, 4.0, 6.0]);
/// # Ok::<(), wengert::Error>(())
/// ```
pub struct Var<T: Float = f32> {
    pub(crate) value: Tensor<T>,
    pub(crate) node: Option<Edge>,
}

impl<T: Float> Clone for Var<T> {
    #[inline]
    fn clone(&self) -> Self {
        Var {
            value: self.value.clone(),
            node: self.node.clone(),
        }
    }
}

// A panic that passes leaves nothing half done: gradients reach leaves at the end of a pass, and locks
// are held over no user's code.
impl<T: Float> std::panic::UnwindSafe for Var<T> {}
impl<T: Float> std::panic::RefUnwindSafe for Var<T> {}

/// # Making, tracking and reading
impl<T: Float> Var<T> {
    /// An untracked variable of these values: a scalar, an array, nested arrays or vectors.
    ///
    /// # Panics
    /// If nested vectors or slices are ragged ([`Tensor::try_new`] returns the error).
    #[track_caller]
    pub fn new(values: impl Nested<T>) -> Var<T> {
        Var::constant(Tensor::new(values))
    }

    /// An untracked variable.
    #[inline]
    pub fn constant(value: Tensor<T>) -> Var<T> {
        Var { value, node: None }
    }

    /// An untracked scalar.
    #[track_caller]
    pub fn scalar(value: T) -> Var<T> {
        Var::constant(Tensor::scalar(value))
    }

    /// An untracked variable of zeros.
    ///
    /// # Panics
    /// If the size is absurd or refused (see [`Tensor::try_zeros`]).
    #[track_caller]
    pub fn zeros(shape: impl IntoShape) -> Var<T> {
        Var::constant(Tensor::zeros(shape))
    }

    /// An untracked variable of ones.
    ///
    /// # Panics
    /// If the size is absurd or refused (see [`Tensor::try_ones`]).
    #[track_caller]
    pub fn ones(shape: impl IntoShape) -> Var<T> {
        Var::constant(Tensor::ones(shape))
    }

    /// A new leaf of this value, which gradients accumulate in (PyTorch's `requires_grad_()` on a
    /// fresh tensor). What this variable came from is forgotten.
    #[track_caller]
    #[inline(never)]
    pub fn tracked(self) -> Var<T> {
        let node = Leaf::<T>::node(self.value.shape().clone(), None, Location::caller());
        Var {
            value: self.value,
            node: Some(node),
        }
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> &Tensor<T> {
        &self.value
    }

    /// The value, without the tape.
    pub fn into_value(self) -> Tensor<T> {
        self.value
    }

    /// The same value, untracked: gradients stop here.
    pub fn detach(&self) -> Var<T> {
        Var::constant(self.value.clone())
    }

    /// Whether gradients go through this variable.
    #[inline]
    pub fn is_tracked(&self) -> bool {
        self.node.is_some()
    }

    /// Whether this is a leaf, which keeps its gradient.
    pub fn is_leaf(&self) -> bool {
        self.node.as_ref().is_some_and(|n| node::meta(n).is_leaf())
    }

    /// The gradient that backward calls have accumulated; `None` before the first, and on a variable
    /// that is not a leaf.
    #[inline(never)]
    pub fn grad(&self) -> Option<Tensor<T>> {
        self.leaf().and_then(Leaf::grad)
    }

    /// Forgets the accumulated gradient.
    #[inline(never)]
    pub fn zero_grad(&self) {
        if let Some(leaf) = self.leaf() {
            leaf.set_grad(None);
        }
    }

    fn leaf(&self) -> Option<&Leaf<T>> {
        self.node.as_ref().and_then(Leaf::of)
    }

    /// The size of each axis.
    #[inline]
    pub fn shape(&self) -> &Shape {
        self.value.shape()
    }

    /// The sizes of the axes as an array, of as many as are asked for.
    ///
    /// # Errors
    /// If there are more or fewer axes.
    ///
    /// ```
    /// use wengert::Var;
    /// let [batch, width] = Var::<f32>::zeros([8, 32]).dims()?;
    /// assert_eq!((batch, width), (8, 32));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn dims<const N: usize>(&self) -> Result<[usize; N]> {
        self.value.dims()
    }

    /// The number of axes.
    #[inline]
    pub fn rank(&self) -> usize {
        self.value.rank()
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.value.len()
    }

    /// Whether there are no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.value.is_empty()
    }

    /// The only element.
    ///
    /// # Errors
    /// If there is not exactly one.
    #[track_caller]
    #[inline(never)]
    pub fn item(&self) -> Result<T> {
        self.value.item()
    }

    /// The elements in row-major order.
    #[inline(never)]
    pub fn to_vec(&self) -> Vec<T> {
        self.value.to_vec()
    }
}

impl<T: Float> From<Tensor<T>> for Var<T> {
    fn from(value: Tensor<T>) -> Var<T> {
        Var::constant(value)
    }
}

impl<T: Float> From<&Tensor<T>> for Var<T> {
    fn from(value: &Tensor<T>) -> Var<T> {
        Var::constant(value.clone())
    }
}

/// Its value, so that what reads numbers alone takes variables and tensors.
impl<T: Float> AsRef<Tensor<T>> for Var<T> {
    fn as_ref(&self) -> &Tensor<T> {
        &self.value
    }
}

impl<T: Float> fmt::Debug for Var<T> {
    #[inline(never)]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            None => write!(f, "Var({:?})", self.value),
            Some(n) => write!(
                f,
                "Var({:?}, {} at {})",
                self.value,
                n.info(false).op,
                node::meta(n).at
            ),
        }
    }
}

impl<T: Float> fmt::Display for Var<T> {
    #[inline(never)]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.value, f)
    }
}

impl<T: Float> Var<T> {
    /// Identity of the leaf or op a variable came from, for maps and tests.
    pub(crate) fn edge(&self) -> Option<Edge> {
        self.node.clone()
    }
}
