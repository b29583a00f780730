//! What a mask chooses.

use crate::element::Element;
use crate::error::{ErrorKind, Result};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Elements of a mask looked at together.
const CHOICES: usize = 256;

/// Where a mask of up to [`CHOICES`] is true. Without a branch, which half of the time would be guessed wrong.
#[inline(always)]
fn chosen<'a>(mask: &[bool], places: &'a mut [u8; CHOICES]) -> &'a [u8] {
    let mut n = 0;
    for (i, &m) in mask.iter().enumerate() {
        // In range: at most 255 came before.
        places[n % CHOICES] = i as u8;
        n += usize::from(m);
    }
    &places[..n]
}

/// # Indexing: elements under a mask
impl<T: Element> Tensor<T> {
    /// The elements where the mask, broadcast to this shape, is true, in row-major order.
    ///
    /// # Errors
    /// If the mask does not broadcast to this shape.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([[1i64, 2], [3, 4]]);
    /// assert_eq!(t.masked_select(&Tensor::new([true, false]))?.to_vec(), [1, 3]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn masked_select(&self, mask: &Tensor<bool>) -> Result<Tensor<T>> {
        let Ok(wide) = mask.expand(self.shape()) else {
            return Err(self
                .site("masked_select")
                .operand("mask", mask.dtype(), mask.shape())
                .error(ErrorKind::ShapeMismatch {
                    what: "the mask does not fit",
                    rule: "aligned at the last axis, mask's sizes equal self's or are 1",
                }));
        };
        let (x, mask) = (
            self.try_contiguous("masked_select")?,
            wide.try_contiguous("masked_select")?,
        );
        let (x, mask) = (x.as_slice().unwrap_or(&[]), mask.as_slice().unwrap_or(&[]));
        let n = wide.count_nonzero();
        let mut out = Tensor::try_full(n, T::default()).map_err(|e| e.rename("masked_select"))?;
        let mut rest = out.as_mut_slice();
        for (x, mask) in x.chunks(CHOICES).zip(mask.chunks(CHOICES)) {
            let mut places = [0; CHOICES];
            let chosen = chosen(mask, &mut places);
            let (now, later) = rest.split_at_mut(chosen.len());
            now.iter_mut()
                .zip(chosen)
                .for_each(|(y, &i)| *y = x[i as usize]);
            rest = later;
        }
        Ok(out)
    }
}

/// # Indexing: where a mask is true
impl Tensor<bool> {
    /// The indices of the true elements, `[n, rank]`, in row-major order.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([[false, true], [true, false]]).nonzero();
    /// assert_eq!(t, Tensor::new([[0i64, 1], [1, 0]]));
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn nonzero(&self) -> Tensor<i64> {
        let (n, rank) = (self.count_nonzero(), self.rank());
        let mut out = Tensor::uninit("nonzero", Shape::from_slice(&[n, rank]));
        out.fill(0);
        let (mask, rows) = (self.contiguous(), out.as_mut_slice());
        if rows.is_empty() {
            return out;
        }
        // Rows of the last axis; `at` is the place of one among the axes before.
        let width = self.shape()[rank - 1];
        let mut at = vec![0i64; rank];
        let mut rows = rows.chunks_exact_mut(rank);
        for row in mask.as_slice().unwrap_or(&[]).chunks_exact(width) {
            for (c, mask) in row.chunks(CHOICES).enumerate() {
                let mut places = [0; CHOICES];
                for (&i, out) in chosen(mask, &mut places).iter().zip(&mut rows) {
                    out.copy_from_slice(&at);
                    out[rank - 1] = (c * CHOICES) as i64 + i64::from(i);
                }
            }
            for (i, &d) in at.iter_mut().zip(self.shape().iter()).rev().skip(1) {
                *i += 1;
                if *i < d as i64 {
                    break;
                }
                *i = 0;
            }
        }
        out
    }
}
