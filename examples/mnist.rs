//! Handwritten digits: a multilayer perceptron trained on MNIST's files, judged on images that it has
//! not seen, saved and loaded again.
//!
//! ```text
//! cargo run --release --example mnist -- --data DIR     # or WENGERT_DATA=DIR
//! ```
//!
//! DIR, or DIR/mnist, holds the `t10k` files, from whose 10,000 images it keeps 1,000; where the `train`
//! files are there too, it trains on those 60,000 and keeps all 10,000.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use wengert::nn::plot;
use wengert::prelude::*;

/// Images [n, 784] and their digits [n].
type Images = (Tensor, Tensor<i64>);

#[derive(Module)]
struct Mlp {
    hidden: [Linear; 2],
    output: Linear,
    dropout: Dropout,
}

impl Mlp {
    fn new(rng: &mut Rng) -> Result<Mlp> {
        Ok(Mlp {
            hidden: [Linear::new(784, 256, rng), Linear::new(256, 128, rng)],
            output: Linear::new(128, 10, rng),
            dropout: Dropout::new(0.25, rng)?,
        })
    }
}

impl Layer for Mlp {
    fn forward(&self, x: &Var) -> Result<Var> {
        let mut h = x.clone();
        for layer in &self.hidden {
            h = self.dropout.forward(&layer.forward(&h)?.relu())?;
        }
        self.output.forward(&h)
    }
}

fn run() -> Result<()> {
    let (train, held_out) = images(&folder())?;
    let model = Mlp::new(&mut Rng::seed(0))?;
    println!(
        "{} parameters; {} images to train on, {} held out",
        model.num_parameters(),
        train.1.len(),
        held_out.1.len()
    );

    let mut opt = Adam::new(model.parameters(), 1e-3);
    let loader = DataLoader::new(TensorDataset::new(train)?, 64)?.shuffle(0);
    let test = DataLoader::new(TensorDataset::new(held_out.clone())?, 500)?;
    let history = fit(
        &model,
        &mut opt,
        |y, digits| y.cross_entropy(digits),
        &loader,
    )
    .epochs(20)
    .metric("accuracy", accuracy)
    .validate(&test)
    .callback(Schedule::epochs(|epoch, _| {
        1e-3 * 0.9f64.powi(epoch as i32)
    }))
    .run()?;

    let (x, digits) = &held_out;
    let matrix = ConfusionMatrix::of(&predict(&model, x, 500)?, digits)?;
    println!("\n{matrix}");
    assert!(
        matrix.accuracy() >= 0.95,
        "it reads digits that it has not seen"
    );

    let (curves, confusion) = (
        common::picture("mnist.svg"),
        common::picture("mnist_confusion.svg"),
    );
    history.plot(
        &curves,
        "MNIST",
        &["loss", "val_loss", "accuracy", "val_accuracy"],
    )?;
    plot::confusion(&confusion, "Digits held out", matrix.counts())?;
    println!("curves            {}", curves.display());
    println!("confusion matrix  {}", confusion.display());

    // Saved, and loaded into a model that started elsewhere.
    let weights = common::picture("mnist.safetensors");
    model.save(&weights)?;
    let fresh = Mlp::new(&mut Rng::seed(1))?;
    fresh.load(&weights)?;
    let again = accuracy(&predict(&fresh, x, 500)?, digits)?;
    assert_eq!(
        again,
        matrix.accuracy(),
        "the file holds all that was learned"
    );
    println!(
        "weights           {} (loaded again: accuracy {again})",
        weights.display()
    );
    Ok(())
}

/// What `--data` or WENGERT_DATA names; its folder `mnist`, if that is where the files are.
fn folder() -> PathBuf {
    let mut args = std::env::args_os().skip_while(|a| a != "--data").skip(1);
    let named = args.next().or_else(|| std::env::var_os("WENGERT_DATA"));
    let dir = named.map_or_else(|| PathBuf::from("data"), PathBuf::from);
    let inner = dir.join("mnist");
    if inner.is_dir() { inner } else { dir }
}

/// The images to train on, and those held out.
fn images(dir: &Path) -> Result<(Images, Images)> {
    let test = data::Mnist::test(dir)?;
    let train = ["", ".gz"].map(|end| dir.join(format!("train-images-idx3-ubyte{end}")));
    if train.iter().any(|file| file.is_file()) {
        return Ok((data::Mnist::train(dir)?, test));
    }
    let sizes = [9_000, 1_000];
    let parts = data::random_split(TensorDataset::new(test)?, sizes, &mut Rng::seed(0))?;
    let [train, held_out] = parts.map(|part| part.batch(&Vec::from_iter(0..part.len())));
    Ok((train?, held_out?))
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}\n  note  `--data DIR` or WENGERT_DATA names the directory");
            ExitCode::FAILURE
        }
    }
}
