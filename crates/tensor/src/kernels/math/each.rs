//! Formulas in stages, for several elements side by side.
//!
//! A formula is a chain of some twenty operations that wait for each other, and a processor's scheduler has room for
//! those of a few vectors: it fills with what waits before it comes to a vector that could go on. So the formulas that
//! networks live by take `K` elements and go stage by stage, each stage for all of them: `exp` takes a quarter less time
//! (`kernels/README.md` has the figures). Invariant: the bits do not depend on `K`, nor on an element's place.

use std::mem::MaybeUninit;

use super::{Isa, Math};

/// Elements that go side by side: so many vectors, for they lie a vector apart.
const SIDE: usize = 8;
/// Bytes of the widest vector.
const VECTOR: usize = 64;

/// A stage: `f` of each.
///
/// (Not `array::map`, which need not be inlined, and then `f` would be compiled for the baseline.)
#[inline(always)]
pub(super) fn each<A: Copy, B: Copy + Default, const K: usize>(
    a: [A; K],
    f: impl Fn(A) -> B,
) -> [B; K] {
    let mut out = [B::default(); K];
    for k in 0..K {
        out[k] = f(a[k]);
    }
    out
}

/// A stage that reads what two before it made.
#[inline(always)]
pub(super) fn each2<A: Copy, B: Copy, C: Copy + Default, const K: usize>(
    a: [A; K],
    b: [B; K],
    f: impl Fn(A, B) -> C,
) -> [C; K] {
    let mut out = [C::default(); K];
    for k in 0..K {
        out[k] = f(a[k], b[k]);
    }
    out
}

/// A formula in stages.
pub(super) trait Formula<T: Math> {
    fn of<I: Isa, const K: usize>(&self, x: [T; K]) -> [T; K];
}

/// The formula of every element. `dst` and `src` have the same length (the shorter one counts).
#[inline(always)]
pub(super) fn map<I: Isa, T: Math, F: Formula<T>>(
    formula: F,
    src: &[T],
    dst: &mut [MaybeUninit<T>],
) {
    let n = src.len().min(dst.len());
    let apart = VECTOR / size_of::<T>();
    let block = SIDE * apart;
    let whole = n - n % block;
    for at in (0..whole).step_by(block) {
        let (src, dst) = (&src[at..at + block], &mut dst[at..at + block]);
        for i in 0..apart {
            let mut x = [src[i]; SIDE];
            for k in 1..SIDE {
                // SAFETY: below `block`, the length of both. (Checked, the loop over `i` is no vector.)
                x[k] = unsafe { *src.get_unchecked(k * apart + i) };
            }
            let y = formula.of::<I, SIDE>(x);
            for k in 0..SIDE {
                // SAFETY: as above.
                unsafe { dst.get_unchecked_mut(k * apart + i) }.write(y[k]);
            }
        }
    }
    for (x, y) in src[whole..n].iter().zip(&mut dst[whole..n]) {
        let [of] = formula.of::<I, 1>([*x]);
        y.write(of);
    }
}

/// Declares the slice forms of formulas in stages, and those of one element.
macro_rules! map_each {
    ($($map:ident $one:ident $F:ident $each:ident;)*) => {$(
        #[doc = concat!("`", stringify!($one), "` of every element, stage by stage for several.")]
        ///
        /// `dst` and `src` have the same length (the shorter one counts).
        #[inline(always)]
        fn $map<I: Isa>(src: &[Self], dst: &mut [MaybeUninit<Self>]) {
            struct $F;
            impl<T: Math> each::Formula<T> for $F {
                #[inline(always)]
                fn of<I: Isa, const K: usize>(&self, x: [T; K]) -> [T; K] {
                    T::$each::<I, K>(x)
                }
            }
            each::map::<I, Self, $F>($F, src, dst);
        }

        #[inline(always)]
        fn $one<I: Isa>(self) -> Self {
            let [y] = Self::$each::<I, 1>([self]);
            y
        }
    )*};
}
pub(super) use map_each;

/// `exp(x − from)` of every element.
#[inline(always)]
pub(crate) fn map_exp_from<I: Isa, T: Math>(from: T, src: &[T], dst: &mut [MaybeUninit<T>]) {
    struct From<T>(T);
    impl<T: Math> Formula<T> for From<T> {
        #[inline(always)]
        fn of<I: Isa, const K: usize>(&self, x: [T; K]) -> [T; K] {
            T::exp_each::<I, K>(each(x, |x| x - self.0))
        }
    }
    map::<I, T, From<T>>(From(from), src, dst);
}

#[cfg(test)]
mod tests {
    use super::super::super::isa::{IsaKind, Kernel, dispatch};
    use super::*;

    /// Each function by slices, and of one element after another, on an instruction set.
    struct Both<'a, T>(&'a [T]);
    impl<T: Math> Kernel for Both<'_, T> {
        type Out = [(&'static str, Vec<T>, Vec<T>); 7];
        #[inline(always)]
        fn run<I: Isa>(self) -> Self::Out {
            let x = self.0;
            let from = x.last().copied().unwrap_or_default();
            macro_rules! both {
                ($name:literal $map:expr, $one:expr) => {{
                    let mut y = vec![MaybeUninit::new(from); x.len()];
                    let map = $map;
                    map(x, &mut y);
                    // SAFETY: written, at the latest by `new`.
                    let y = y.into_iter().map(|y| unsafe { y.assume_init() });
                    ($name, y.collect(), x.iter().map($one).collect())
                }};
            }
            [
                both!("exp" T::map_exp::<I>, |x| x.exp::<I>()),
                both!("tanh" T::map_tanh::<I>, |x| x.tanh::<I>()),
                both!("sigmoid" T::map_sigmoid::<I>, |x| x.sigmoid::<I>()),
                both!("silu" T::map_silu::<I>, |x| x.silu::<I>()),
                both!("gelu" T::map_gelu::<I>, |x| x.gelu::<I>()),
                both!("gelu_tanh" T::map_gelu_tanh::<I>, |x| x.gelu_tanh::<I>()),
                both!("exp from" |x, y: &mut _| map_exp_from::<I, T>(from, x, y), |x| (*x - from).exp::<I>()),
            ]
        }
    }

    /// Slices of every length about one and two blocks, what is special at every place.
    fn agrees<T: Math + Into<f64> + From<i8>>(specials: &[T]) {
        let block = SIDE * VECTOR / size_of::<T>();
        for isa in IsaKind::available() {
            for n in (0..20)
                .chain(block - 2..block + 20)
                .chain([2 * block - 1, 2 * block])
            {
                let x: Vec<T> = (0..n)
                    .map(|i| match i % 5 {
                        0 => specials[i / 5 % specials.len()],
                        _ => T::from((i * 37 % 91) as i8 - 45),
                    })
                    .collect();
                for (name, by_slice, one_by_one) in dispatch(isa, Both(&x)) {
                    for (i, (a, b)) in by_slice.into_iter().zip(one_by_one).enumerate() {
                        let (a, b): (f64, f64) = (a.into(), b.into());
                        assert!(
                            a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
                            "{name} of {n} on {isa:?}, element {i}: {a:e}, alone {b:e}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn slices_give_what_elements_alone_give() {
        agrees(&[
            f32::NAN,
            f32::INFINITY,
            -f32::INFINITY,
            -0.0,
            1e-40,
            -87.5,
            0.3,
            200.0,
        ]);
        agrees(&[
            f64::NAN,
            f64::INFINITY,
            -f64::INFINITY,
            -0.0,
            1e-310,
            -720.5,
            0.3,
            900.0,
        ]);
    }
}
