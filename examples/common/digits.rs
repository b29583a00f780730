//! MNIST's images: those to train on and those held out, from a directory that the user names.

use std::path::PathBuf;

use wengert::prelude::*;

/// Images `[n, 784]` and their digits `[n]`.
type Images = (Tensor, Tensor<i64>);

/// The images to train on, and those held out: the `train` and the `t10k` files or, where the first are
/// not there, 9,000 and 1,000 of the 10,000 in the `t10k` files.
pub fn digits() -> Result<(Images, Images)> {
    let dir = folder()?;
    let test = data::Mnist::test(&dir)?;
    let train = ["", ".gz"].map(|end| dir.join(format!("train-images-idx3-ubyte{end}")));
    if train.iter().any(|file| file.is_file()) {
        return Ok((data::Mnist::train(dir)?, test));
    }
    let sizes = [9_000, 1_000];
    let parts = data::random_split(TensorDataset::new(test)?, sizes, &mut Rng::seed(0))?;
    let [train, held_out] = parts.map(|part| part.batch(&Vec::from_iter(0..part.len())));
    Ok((train?, held_out?))
}

/// What `--data` or WENGERT_DATA names; its folder `mnist`, if that is where the files are.
fn folder() -> Result<PathBuf> {
    let mut args = std::env::args_os().skip_while(|a| a != "--data").skip(1);
    let named = args.next().or_else(|| std::env::var_os("WENGERT_DATA"));
    let dir = named.map(PathBuf::from).ok_or_else(|| {
        let hint = "name the directory of MNIST's files: `-- --data DIR`, or WENGERT_DATA=DIR";
        Error::data(format!("there is nothing to train on\n  hint  {hint}"))
    })?;
    let inner = dir.join("mnist");
    Ok(if inner.is_dir() { inner } else { dir })
}
