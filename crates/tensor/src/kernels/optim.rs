//! The verb *optimizer step*: parameter and state updated in one pass over memory.

use super::isa::{Isa, IsaKind, Kernel, active_isa, dispatch};
use super::par;
use crate::dtype::Float;
use crate::tensor::Tensor;

/// One step of SGD as PyTorch's `torch.optim.SGD` takes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub lr: f64,
    /// How much of the momentum buffer stays.
    pub momentum: f64,
    /// How much of the gradient is kept out of the buffer.
    pub dampening: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Looks ahead along the momentum (Nesterov).
    pub nesterov: bool,
    /// Whether this is the buffer's first step, which takes the gradient as it is.
    pub first: bool,
}

/// One step of Adam: `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `p ← p − rate·m/(√v·scale + ε)`.
///
/// With `rate = lr/(1−β₁ᵗ)` and `scale = 1/√(1−β₂ᵗ)` it is PyTorch's, with `rate =
/// lr·√(1−β₂ᵗ)/(1−β₁ᵗ)` and `scale = 1` Keras's ("epsilon hat" of Kingma & Ba, 2015).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// The step's size, bias correction included.
    pub rate: f64,
    /// What √v is multiplied with.
    pub scale: f64,
    /// β₁.
    pub beta1: f64,
    /// β₂.
    pub beta2: f64,
    /// ε.
    pub eps: f64,
    /// L2 penalty, added to the gradient (Adam).
    pub l2: f64,
    /// What the parameter is multiplied with first (AdamW: `1 − lr·λ`).
    pub decay: f64,
}

/// Tenths of a nanosecond an element: three streams read and written.
const COST: u32 = 12;

struct Sgd<'a, T> {
    p: &'a mut [T],
    g: &'a [T],
    buf: Option<&'a mut [T]>,
    s: SgdStep,
}

impl<T: Float> Kernel for Sgd<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let c = T::from_f64;
        let (lr, wd) = (c(self.s.lr), c(self.s.weight_decay));
        match self.buf {
            None => {
                for (p, &g) in self.p.iter_mut().zip(self.g) {
                    *p = *p - lr * (g + wd * *p);
                }
            }
            Some(buf) => {
                let (mom, fresh) = if self.s.first {
                    (T::ZERO, T::ONE)
                } else {
                    (c(self.s.momentum), c(1.0 - self.s.dampening))
                };
                let ahead = c(self.s.momentum);
                for ((p, &g), b) in self.p.iter_mut().zip(self.g).zip(buf) {
                    let g = g + wd * *p;
                    *b = mom * *b + fresh * g;
                    let d = if self.s.nesterov { g + ahead * *b } else { *b };
                    *p = *p - lr * d;
                }
            }
        }
    }
}

struct Adam<'a, T> {
    p: &'a mut [T],
    g: &'a [T],
    m: &'a mut [T],
    v: &'a mut [T],
    s: AdamStep,
}

impl<T: Float> Kernel for Adam<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let c = T::from_f64;
        let s = self.s;
        let (b1, b2) = (c(s.beta1), c(s.beta2));
        let (n1, n2) = (c(1.0 - s.beta1), c(1.0 - s.beta2));
        let (rate, scale, eps, l2, decay) = (c(s.rate), c(s.scale), c(s.eps), c(s.l2), c(s.decay));
        let len = self.p.len();
        let (g, m, v) = (&self.g[..len], &mut self.m[..len], &mut self.v[..len]);
        for i in 0..len {
            let grad = g[i] + l2 * self.p[i];
            m[i] = b1 * m[i] + n1 * grad;
            v[i] = b2 * v[i] + n2 * grad * grad;
            self.p[i] = self.p[i] * decay - rate * m[i] / (v[i].sqrt_() * scale + eps);
        }
    }
}

fn sgd<T: Float>(isa: IsaKind, p: &mut [T], g: &[T], buf: Option<&mut [T]>, s: SgdStep) {
    dispatch(isa, Sgd { p, g, buf, s });
}

fn adam<T: Float>(isa: IsaKind, p: &mut [T], g: &[T], m: &mut [T], v: &mut [T], s: AdamStep) {
    dispatch(isa, Adam { p, g, m, v, s });
}

/// Steps compiled in this crate, for the two float types.
#[doc(hidden)]
#[allow(missing_docs)]
pub trait OptimKernels: Sized {
    fn sgd(isa: IsaKind, p: &mut [Self], g: &[Self], buf: Option<&mut [Self]>, s: SgdStep);
    fn adam(isa: IsaKind, p: &mut [Self], g: &[Self], m: &mut [Self], v: &mut [Self], s: AdamStep);
}
macro_rules! optim_kernels {
    ($($t:ident)*) => {$(
        impl OptimKernels for $t {
            fn sgd(isa: IsaKind, p: &mut [$t], g: &[$t], buf: Option<&mut [$t]>, s: SgdStep) {
                sgd(isa, p, g, buf, s);
            }
            fn adam(isa: IsaKind, p: &mut [$t], g: &[$t], m: &mut [$t], v: &mut [$t], s: AdamStep) {
                adam(isa, p, g, m, v, s);
            }
        }
    )*};
}
optim_kernels!(f32 f64);

/// Pieces of chunk size of slices of equal length, for [`par::for_each`] to hand out.
fn pieces<T: Send>(s: &mut [T], chunk: usize) -> Vec<std::sync::Mutex<&mut [T]>> {
    s.chunks_mut(chunk).map(std::sync::Mutex::new).collect()
}

fn taken<'a, 'b, T>(
    m: &'a std::sync::Mutex<&'b mut [T]>,
) -> std::sync::MutexGuard<'a, &'b mut [T]> {
    // Each piece is taken once, so the lock is free and never poisoned.
    m.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The elements of a gradient, of a copy where they do not lie in order, and how many make a chunk.
fn read<'a, T: Float>(grad: &'a Tensor<T>, copy: &'a mut Option<Tensor<T>>) -> (&'a [T], usize) {
    let g = match grad.as_slice() {
        Some(g) => g,
        None => copy.insert(grad.copied()).as_slice().unwrap_or(&[]),
    };
    (g, par::chunk_for(g.len(), COST))
}

impl<T: Float> Tensor<T> {
    /// One step of SGD on this parameter, in place where its memory is held alone. `buf` is the
    /// momentum buffer. Shapes must agree; elements beyond the shortest are left alone.
    #[track_caller]
    pub fn sgd_step(&mut self, grad: &Tensor<T>, buf: Option<&mut Tensor<T>>, step: SgdStep) {
        let isa = active_isa();
        let mut copy = None;
        let (g, chunk) = read(grad, &mut copy);
        let p = self.as_mut_slice();
        let buf = buf.map(|b| b.as_mut_slice());
        if p.len() <= chunk {
            return T::sgd(isa, p, g, buf, step);
        }
        let (p, b) = (pieces(p, chunk), buf.map(|b| pieces(b, chunk)));
        let g: Vec<&[T]> = g.chunks(chunk).collect();
        par::for_each(p.len().min(g.len()), |i| match &b {
            Some(b) => T::sgd(isa, &mut taken(&p[i]), g[i], Some(&mut taken(&b[i])), step),
            None => T::sgd(isa, &mut taken(&p[i]), g[i], None, step),
        });
    }

    /// One step of Adam on this parameter, in place where its memory is held alone; `m` and `v` are
    /// the moments. Shapes must agree.
    #[track_caller]
    pub fn adam_step(
        &mut self,
        grad: &Tensor<T>,
        m: &mut Tensor<T>,
        v: &mut Tensor<T>,
        step: AdamStep,
    ) {
        let isa = active_isa();
        let mut copy = None;
        let (g, chunk) = read(grad, &mut copy);
        let (p, m, v) = (self.as_mut_slice(), m.as_mut_slice(), v.as_mut_slice());
        let len = p.len().min(g.len()).min(m.len()).min(v.len());
        let (p, g, m, v) = (&mut p[..len], &g[..len], &mut m[..len], &mut v[..len]);
        if len <= chunk {
            return T::adam(isa, p, g, m, v, step);
        }
        let (p, m, v) = (pieces(p, chunk), pieces(m, chunk), pieces(v, chunk));
        let g: Vec<&[T]> = g.chunks(chunk).collect();
        par::for_each(p.len(), |i| {
            T::adam(
                isa,
                &mut taken(&p[i]),
                g[i],
                &mut taken(&m[i]),
                &mut taken(&v[i]),
                step,
            )
        });
    }
}
