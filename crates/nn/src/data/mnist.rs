//! MNIST and the sets that share its files' names (Fashion-MNIST, KMNIST).
//!
//! Invariant: there are as many labels as images, and every image is of 28 × 28 pixels.

use std::path::{Path, PathBuf};

use wengert_tensor::{AnyTensor, DType, Error, Result, Tensor};

use crate::data::idx;

const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// Images and their labels: `f32 [N, 784]` from 0 to 1, and `i64 [N]` from 0 to 9.
type Labelled = (Tensor<f32>, Tensor<i64>);

/// MNIST's images of handwritten digits (LeCun, Cortes and Burges, 1998), read from its four files:
/// `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
/// `t10k-labels-idx1-ubyte`, each as it is or gzipped with `.gz` behind its name.
///
/// Images are `f32 [N, 784]`, row after row, each pixel divided by 255; `x.reshape([INFER, 28, 28])`
/// makes pictures of them without a copy. Labels are `i64 [N]`.
///
/// ```no_run
/// use wengert::prelude::*;
/// use wengert::nn::data::Mnist;
/// let mnist = Mnist::load("data/mnist")?;
/// let loader = DataLoader::new(TensorDataset::new(mnist.train)?, 128)?.shuffle(0);
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Mnist {
    /// The 60,000 images to train on.
    pub train: Labelled,
    /// The 10,000 images to test on.
    pub test: Labelled,
}

impl Mnist {
    /// Both sets, from a directory with the four files.
    ///
    /// # Errors
    /// If a file is missing (the error names the four) or is not what its name says.
    #[track_caller]
    pub fn load(dir: impl AsRef<Path>) -> Result<Mnist> {
        let dir = dir.as_ref();
        Ok(Mnist {
            train: Self::train(dir)?,
            test: Self::test(dir)?,
        })
    }

    /// The images to train on; the directory needs the two `train` files alone.
    ///
    /// # Errors
    /// As [`Mnist::load`].
    #[track_caller]
    pub fn train(dir: impl AsRef<Path>) -> Result<Labelled> {
        pair(dir.as_ref(), FILES[0], FILES[1])
    }

    /// The images to test on; the directory needs the two `t10k` files alone.
    ///
    /// # Errors
    /// As [`Mnist::load`].
    #[track_caller]
    pub fn test(dir: impl AsRef<Path>) -> Result<Labelled> {
        pair(dir.as_ref(), FILES[2], FILES[3])
    }
}

/// The file of this name, or of it with `.gz`.
#[track_caller]
fn find(dir: &Path, name: &str) -> Result<PathBuf> {
    let plain = dir.join(name);
    let packed = dir.join(format!("{name}.gz"));
    let found = [plain, packed].into_iter().find(|p| p.is_file());
    found.ok_or_else(|| {
        Error::data(format!(
            "MNIST: {name} and {name}.gz are not in {}\n  rule  the directory holds {}, {} (to train on), \
             {}, {} (to test on), each as it is or with .gz\n  hint  download the four files and put them \
             into {0}, or pass the directory that has them",
            dir.display(),
            FILES[0],
            FILES[1],
            FILES[2],
            FILES[3]
        ))
    })
}

#[track_caller]
fn pair(dir: &Path, images: &str, labels: &str) -> Result<Labelled> {
    let (images, labels) = (find(dir, images)?, find(dir, labels)?);
    let x = bytes(&images, idx::read(&images)?)?;
    let y = bytes(&labels, idx::read(&labels)?)?;
    let n = match (&x.shape()[..], &y.shape()[..]) {
        (&[n, 28, 28], &[m]) if n == m => n,
        (found, of) => {
            return Err(Error::data(format!(
                "{}: u8 {found:?} with labels u8 {of:?} in {}\n  rule  images are [N, 28, 28], labels [N]",
                images.display(),
                labels.display()
            )));
        }
    };
    if let Some(label) = y.iter().find(|l| *l > 9) {
        let path = labels.display();
        return Err(Error::data(format!(
            "{path}: label {label}\n  rule  labels are 0 to 9"
        )));
    }
    let x = x.reshape([n, 784])?.cast::<f32>();
    Ok((x / 255.0, y.cast()))
}

#[track_caller]
fn bytes(path: &Path, t: AnyTensor) -> Result<Tensor<u8>> {
    let found = t.dtype();
    t.downcast::<u8>().map_err(|_| {
        let path = path.display();
        let wanted = DType::U8;
        Error::data(format!("{path}: elements are {found}\n  rule  {wanted}"))
    })
}
