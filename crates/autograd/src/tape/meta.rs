//! What every node of the tape knows, and is read without a call.

use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wengert_tensor::memory::OnceBox;
use wengert_tensor::{DType, Error, ErrorKind, Result, Shape, Site};

use crate::tape::any::AnyVar;

/// A function that sees, and may replace, a gradient on its way through a value.
pub(crate) type Hook = Arc<dyn Fn(AnyVar) -> Result<AnyVar> + Send + Sync>;

/// What every node knows. (Six words: with them the node of an op of one input, which saves one value, fits 128 bytes.)
pub(crate) struct Meta {
    /// Above those of the inputs; 0 for leaves.
    pub(crate) seq: u64,
    form: Form,
    pub(crate) at: &'static Location<'static>,
    rare: OnceBox<Rare>,
}

/// What few nodes have.
#[derive(Default)]
struct Rare {
    /// That of the value, where its form does not tell.
    shape: Shape,
    hooks: Mutex<Vec<(u64, Hook)>>,
}

impl Meta {
    /// That of a node with a value of this shape and type.
    #[inline]
    pub(crate) fn new(
        seq: u64,
        shape: &Shape,
        dtype: DType,
        at: &'static Location<'static>,
    ) -> Meta {
        let form = Form::new(shape, dtype);
        let rare = OnceBox::new();
        if form.rank == LONG {
            long(&rare, shape);
        }
        Meta {
            seq,
            form,
            at,
            rare,
        }
    }

    #[inline]
    pub(crate) fn dtype(&self) -> DType {
        self.form.dtype
    }

    /// The value's shape.
    pub(crate) fn shape(&self) -> Shape {
        match (self.form.shape(), self.rare.get()) {
            (None, Some(rare)) => rare.shape.clone(),
            (shape, _) => shape.unwrap_or_default(),
        }
    }

    /// Whether the value has this shape and type.
    #[inline(always)]
    pub(crate) fn is_of(&self, shape: &Shape, dtype: DType) -> bool {
        self.form == Form::new(shape, dtype) && (self.form.rank != LONG || self.shape() == *shape)
    }

    pub(crate) fn add_hook(&self, id: u64, hook: Hook) {
        lock(&self.rare.get_or_init(Rare::default).hooks).push((id, hook));
    }

    pub(crate) fn remove_hook(&self, id: u64) {
        if let Some(rare) = self.rare.get() {
            lock(&rare.hooks).retain(|(i, _)| *i != id);
        }
    }

    /// Whether the node is a leaf: the number says it, without a call.
    #[inline]
    pub(crate) fn is_leaf(&self) -> bool {
        self.seq == 0
    }

    /// Whether there may be a hook.
    #[inline]
    pub(crate) fn is_hooked(&self) -> bool {
        self.rare.get().is_some()
    }

    /// The gradient after every hook, in the order they were added. No lock is held while one runs. `op` is the node's.
    pub(crate) fn run_hooks(
        &self,
        mut grad: AnyVar,
        op: impl Fn() -> &'static str,
    ) -> Result<AnyVar> {
        let Some(rare) = self.rare.get() else {
            return Ok(grad);
        };
        let hooks: Vec<Hook> = lock(&rare.hooks).iter().map(|(_, h)| h.clone()).collect();
        for hook in hooks {
            grad = hook(grad)?;
            if !self.is_of(grad.shape(), grad.dtype()) {
                let (shape, dtype) = (grad.shape(), grad.dtype());
                return Err(self.misshapen(op(), "a hook".to_string(), shape, dtype, self));
            }
        }
        Ok(grad)
    }

    /// The error of a gradient that has not the form of what it is of, `to`. This node's op, or a hook of it, gave it.
    #[cold]
    pub(crate) fn misshapen(
        &self,
        op: &'static str,
        what: String,
        got: &Shape,
        got_dtype: DType,
        to: &Meta,
    ) -> Error {
        Site::at(op, self.at).error(ErrorKind::GradientShape {
            what,
            got_dtype,
            got: got.clone(),
            want_dtype: to.dtype(),
            want: to.shape(),
        })
    }
}

fn lock<T: ?Sized>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    // No user code runs under a lock here, so a poisoned one is still whole.
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cold]
fn long(rare: &OnceBox<Rare>, shape: &Shape) {
    rare.get_or_init(|| Rare {
        shape: shape.clone(),
        ..Rare::default()
    });
}

/// The rank of a form that does not tell its shape: there are more than four axes, or one is longer than 32 bits tell.
const LONG: u32 = u32::MAX;

/// A shape and a type, in three words: a tape has them for each op, and only compares them.
///
/// Two sizes lie in a word, and 0 behind the last axis: a word is written at once, and may be moved with its neighbour.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Form {
    sizes: [u64; 2],
    rank: u32,
    dtype: DType,
}

const _: () = assert!(size_of::<Form>() == 24);

impl Form {
    #[inline]
    fn new(shape: &Shape, dtype: DType) -> Form {
        let [a, b, c, d] = match **shape {
            [] => [0; 4],
            [a] => [a, 0, 0, 0],
            [a, b] => [a, b, 0, 0],
            [a, b, c] => [a, b, c, 0],
            [a, b, c, d] => [a, b, c, d],
            _ => return Form::long(dtype),
        }
        .map(|size| size as u64);
        if (a | b | c | d) >> 32 != 0 {
            return Form::long(dtype);
        }
        Form {
            sizes: [a | b << 32, c | d << 32],
            rank: shape.len() as u32,
            dtype,
        }
    }

    fn long(dtype: DType) -> Form {
        Form {
            sizes: [0; 2],
            rank: LONG,
            dtype,
        }
    }

    /// The shape, if the form tells it.
    fn shape(&self) -> Option<Shape> {
        let [ab, cd] = self.sizes;
        let sizes = [ab, ab >> 32, cd, cd >> 32].map(|size| size as u32 as usize);
        let sizes = sizes.get(..self.rank as usize)?;
        Some(sizes.iter().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_of_the_shape_that_it_was_made_with_and_no_other() {
        let long = usize::MAX;
        let shapes: Vec<Shape> = [
            &[][..],
            &[0],
            &[1],
            &[3, 2],
            &[2, 3],
            &[3, 2, 0],
            &[3, 2, 1, 1],
            &[3, 2, 1, 1, 1],
            &[long],
            &[0, long],
            &[long - 1],
            &[u32::MAX as usize - 1],
        ]
        .iter()
        .map(|sizes| sizes.iter().copied().collect())
        .collect();
        let at = Location::caller();
        for (i, a) in shapes.iter().enumerate() {
            let meta = Meta::new(0, a, DType::F32, at);
            assert_eq!((meta.shape(), meta.dtype()), (a.clone(), DType::F32));
            for (j, b) in shapes.iter().enumerate() {
                assert_eq!(meta.is_of(b, DType::F32), i == j, "{a} {b}");
                assert!(!meta.is_of(b, DType::F64));
            }
        }
    }
}
