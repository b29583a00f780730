//! A product of a handful of elements, read where they lie: to copy an operand and to build a tile's call take longer than
//! its multiplications.
//!
//! Invariant: an element is `fma(a[p], b[p], …)` in the order of `p`, plus the row's: a tile's bits.

use super::{Dims, Gemm, Mat};
use crate::kernels::isa::{Isa, IsaKind, Kernel, dispatch};

/// The loop of an element type.
macro_rules! tiny_kernels {
    () => {
        #[inline]
        unsafe fn tiny(isa: IsaKind, g: &Gemm<Self>) {
            tiny::tiny(isa, g)
        }
    };
}
pub(crate) use tiny_kernels;

#[inline]
pub(crate) fn tiny<'a, T>(isa: IsaKind, g: &'a Gemm<T>)
where
    &'a Gemm<T>: Kernel<Out = ()>,
{
    dispatch(isa, g)
}

/// Elements of the output that are summed side by side.
const SIDE: usize = 4;

macro_rules! kernels {
    ($($t:ident $fma:ident)*) => {$(
        impl Kernel for &Gemm<$t> {
            type Out = ();
            #[inline(always)]
            fn run<I: Isa>(self) {
                let Gemm { d: Dims { m, n, k }, a, b, row, c } = *self;
                let c = Mat { ptr: c as *const $t, row: n as isize, col: 1 };
                // Four columns go side by side; of a narrow output four rows, as columns of the turned product.
                let turned = n < m;
                let (a, b, c) = if turned { (b.t(), a.t(), c.t()) } else { (a, b, c) };
                let (m, n) = (m.min(n), m.max(n));
                for i in 0..m {
                    let mut j = 0;
                    while j < n {
                        // Beyond the last column it is taken again, and not written.
                        let left = (n - j).min(SIDE);
                        let columns: [isize; SIDE] =
                            std::array::from_fn(|v| v.min(left - 1) as isize * b.col);
                        let mut sums = [0.0; SIDE];
                        let (mut x, mut y) = (a.at(i, 0).ptr, b.at(0, j).ptr);
                        // SAFETY: `gemm`'s promise: within the operands and the output.
                        unsafe {
                            for _ in 0..k {
                                for v in 0..SIDE {
                                    sums[v] = I::$fma(*x, *y.offset(columns[v]), sums[v]);
                                }
                                x = x.wrapping_offset(a.col);
                                y = y.wrapping_offset(b.row);
                            }
                            let out = c.at(i, j);
                            for v in 0..left {
                                let mut sum = sums[v];
                                if !row.is_null() {
                                    sum += *row.add(if turned { i } else { j + v });
                                }
                                *(out.ptr as *mut $t).offset(v as isize * c.col) = sum;
                            }
                        }
                        j += SIDE;
                    }
                }
            }
        }
    )*};
}
kernels!(f32 fma_f32 f64 fma_f64);

#[cfg(test)]
mod tests {
    use super::super::{copied, direct};
    use super::*;

    /// Every small product of operands turned and straight, with a row and without one: as by tiles, to the bit.
    #[test]
    fn a_tiny_product_has_the_bits_of_tiles() {
        let values: Vec<f32> = (0..64u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 1e6 - 7.0)
            .collect();
        let straight = |from: usize, step: usize| Mat {
            ptr: values[from..].as_ptr(),
            row: step as isize,
            col: 1,
        };
        for isa in IsaKind::available() {
            for size in 0..6 * 6 * 6 * 8 {
                let (m, n, k) = (size % 6 + 1, size / 6 % 6 + 1, size / 36 % 6);
                let (turn_a, turn_b, with) = (size % 2 == 1, size / 216 % 2 == 1, size > 864);
                let a = if turn_a {
                    straight(0, m).t()
                } else {
                    straight(0, k)
                };
                let b = if turn_b {
                    straight(11, k).t()
                } else {
                    straight(11, n)
                };
                let row = if with {
                    values[50..].as_ptr()
                } else {
                    std::ptr::null()
                };
                let d = Dims { m, n, k };
                let (mut ours, mut tiles) = (vec![f32::NAN; m * n], vec![f32::NAN; m * n]);
                let into = |c| Gemm { d, a, b, row, c };
                // SAFETY: operands of 36 elements at most begin at the 12th of 64 or before; a row has six behind the 51st.
                unsafe {
                    tiny(isa, &into(ours.as_mut_ptr()));
                    if turn_b {
                        copied(isa, &into(tiles.as_mut_ptr())).unwrap();
                    } else {
                        direct(isa, &into(tiles.as_mut_ptr()));
                    }
                }
                let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert_eq!(
                    bits(&ours),
                    bits(&tiles),
                    "{isa:?} {d:?} {turn_a} {turn_b} {with}"
                );
            }
        }
    }
}
