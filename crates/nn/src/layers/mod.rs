//! Layers, a file each.

mod activation;
mod dense;
mod dropout;
mod linear;
mod sequential;

pub use activation::{
    Elu, Flatten, Gelu, Identity, LeakyRelu, LogSoftmax, Relu, Sigmoid, Silu, Softmax, Softplus,
    Tanh,
};
pub use dense::Dense;
pub use dropout::Dropout;
pub use linear::Linear;
pub use sequential::Sequential;
