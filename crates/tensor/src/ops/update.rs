//! A parameter's update by an optimizer: the parameter and what is kept beside it, changed in one pass over memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::element::Float;
use crate::kernels::isa::{Isa, IsaKind, Kernel, active_isa, dispatch};
use crate::kernels::par;
use crate::tensor::Tensor;

/// The update rule of an optimizer for one element: the parameter, its gradient and `N` numbers that are kept beside it.
///
/// It is inlined into a loop that is compiled for each instruction set: write it without a branch on the data, and mark
/// `apply` `#[inline(always)]`.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::tensor::Update;
/// /// Adagrad (Duchi et al., 2011).
/// #[derive(Clone, Copy)]
/// struct Adagrad { lr: f64 }
/// impl Update<1> for Adagrad {
///     #[inline(always)]
///     fn apply<T: Float>(self, p: T, g: T, [sum]: [T; 1]) -> (T, [T; 1]) {
///         let sum = sum + g * g;
///         (p - T::from_f64(self.lr) * g / (sum.sqrt() + T::from_f64(1e-10)), [sum])
///     }
/// }
/// let (mut p, mut sum) = (Tensor::new([1.0f64, 2.0]), Tensor::zeros([2]));
/// p.update(&Tensor::new([4.0, -3.0]), [&mut sum], Adagrad { lr: 0.5 });
/// assert_eq!(sum.to_vec(), [16.0, 9.0]);
/// assert!(p.to_vec().iter().zip([0.5, 2.5]).all(|(a, b)| (a - b).abs() < 1e-6));
/// ```
pub trait Update<const N: usize>: Copy + Send + Sync {
    /// The new parameter and the new numbers.
    fn apply<T: Float>(self, p: T, grad: T, state: [T; N]) -> (T, [T; N]);
}

/// Tenths of a nanosecond an element: three streams read and written.
const COST: u32 = 12;

/// A run of elements of everything that an update touches.
struct Step<'a, T, U, const N: usize> {
    p: &'a mut [T],
    grad: &'a [T],
    state: [&'a mut [T]; N],
    update: U,
}

impl<T: Float, U: Update<N>, const N: usize> Kernel for Step<'_, T, U, N> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Step {
            p,
            grad,
            mut state,
            update,
        } = self;
        let len = p.len();
        let grad = &grad[..len];
        for s in &mut state {
            *s = &mut std::mem::take(s)[..len];
        }
        for i in 0..len {
            let mut kept = [T::ZERO; N];
            for (k, s) in kept.iter_mut().zip(&state) {
                *k = s[i];
            }
            let (new, kept) = update.apply(p[i], grad[i], kept);
            p[i] = new;
            for (k, s) in kept.into_iter().zip(&mut state) {
                s[i] = k;
            }
        }
    }
}

fn step<T: Float, U: Update<N>, const N: usize>(isa: IsaKind, step: Step<'_, T, U, N>) {
    dispatch(isa, step);
}

/// Pieces of chunk size of slices of equal length, for [`par::for_each`] to hand out.
fn pieces<T: Send>(s: &mut [T], chunk: usize) -> Vec<Mutex<&mut [T]>> {
    s.chunks_mut(chunk).map(Mutex::new).collect()
}

/// Each piece is taken once, so the lock is free and never poisoned.
fn taken<'a, 'b, T>(m: &'a Mutex<&'b mut [T]>) -> MutexGuard<'a, &'b mut [T]> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// # Updates of parameters
impl<T: Float> Tensor<T> {
    /// Applies an optimizer's update to every element of this parameter, given its gradient and what is kept beside it, in
    /// place where memory is held alone. Shapes must agree; elements beyond the shortest are left alone.
    #[track_caller]
    pub fn update<const N: usize>(
        &mut self,
        grad: &Tensor<T>,
        state: [&mut Tensor<T>; N],
        update: impl Update<N>,
    ) {
        let isa = active_isa();
        let copy;
        let grad = match grad.as_slice() {
            Some(grad) => grad,
            None => {
                copy = grad.copied();
                copy.as_slice().unwrap_or(&[])
            }
        };
        let p = self.as_mut_slice();
        let state = state.map(|s| s.as_mut_slice());
        let len = state.iter().map(|s| s.len()).min().unwrap_or(p.len());
        let len = len.min(p.len()).min(grad.len());
        let (p, grad, state) = (&mut p[..len], &grad[..len], state.map(|s| &mut s[..len]));
        let chunk = par::chunk_for(len, COST);
        if len <= chunk {
            return step(
                isa,
                Step {
                    p,
                    grad,
                    state,
                    update,
                },
            );
        }
        let (p, state) = (pieces(p, chunk), state.map(|s| pieces(s, chunk)));
        let grad: Vec<&[T]> = grad.chunks(chunk).collect();
        par::for_each(p.len(), |i| {
            let mut state = state.each_ref().map(|s| taken(&s[i]));
            step(
                isa,
                Step {
                    p: &mut taken(&p[i]),
                    grad: grad[i],
                    state: state.each_mut().map(|s| &mut ***s),
                    update,
                },
            )
        });
    }
}
