//! How tensors print.

use std::fmt;

use crate::dtype::Element;
use crate::tensor::Tensor;

impl<T: Element> fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Tensor<{}> shape {} strides {} {:?}",
            T::DTYPE,
            self.shape(),
            self.strides(),
            self.to_vec()
        )
    }
}
