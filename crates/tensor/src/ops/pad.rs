//! Tensors set into larger ones.

use crate::element::Element;
use crate::error::{ErrorKind, Result};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// # Joining and splitting: padding
impl<T: Element> Tensor<T> {
    /// This tensor with `value` around it: `sides` has, for each axis in order, how many elements come before and after
    /// (NumPy's `pad`; PyTorch's begins with the last axis).
    ///
    /// # Errors
    /// If there is not one pair for each axis, or the size overflows.
    ///
    /// ```
    /// use wengert::Tensor;
    /// let t = Tensor::new([[1i64, 2]]).pad(&[(1, 0), (0, 2)], 9)?;
    /// assert_eq!(t, Tensor::new([[9i64, 9, 9, 9], [1, 2, 9, 9]]));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[track_caller]
    #[inline(never)]
    pub fn pad(&self, sides: &[(usize, usize)], value: T) -> Result<Tensor<T>> {
        if sides.len() != self.rank() {
            return Err(self
                .site("pad")
                .hint("(0, 0) leaves an axis as it is")
                .error(ErrorKind::InvalidArgument {
                    name: "sides",
                    value: format!("{sides:?}"),
                    rule: "one pair for each axis, from the first on",
                }));
        }
        let sizes = self.shape().iter().zip(sides);
        let shape: Shape = sizes
            .map(|(&d, &(before, after))| d.saturating_add(before).saturating_add(after))
            .collect();
        let mut out = Tensor::try_full(shape, value).map_err(|e| e.rename("pad"))?;
        if self.is_empty() || sides.iter().all(|s| *s == (0, 0)) {
            return Ok(if self.is_empty() { out } else { self.clone() });
        }
        out.write_window(
            |whole| {
                let mut part = whole.clone();
                for (axis, &(before, _)) in sides.iter().enumerate() {
                    part = part.slice(axis, before, 1, self.shape()[axis]);
                }
                part
            },
            self,
        );
        Ok(out)
    }
}
