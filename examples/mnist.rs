//! Handwritten digits: a multilayer perceptron trained on MNIST's files, evaluated on images that it has
//! not seen, saved and loaded again.
//!
//! ```text
//! cargo run --release -p examples --bin mnist -- --data DIR     # or WENGERT_DATA=DIR
//! ```
//!
//! DIR, or DIR/mnist, holds the `t10k` files, from whose 10,000 images it keeps 1,000; where the `train`
//! files are there too, it trains on those 60,000 and keeps all 10,000.
#![allow(clippy::print_stdout)]

mod common;

use common::{digits, output};
use wengert::prelude::*;

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

fn main() -> Result<()> {
    let (train, test) = digits()?;
    let (images, labels) = &test;
    let model = Mlp::new(&mut Rng::seed(0))?;
    let (parameters, n) = (model.num_parameters(), train.1.len());
    println!("{parameters} parameters, {n} images to train on");

    let mut opt = Adam::new(model.parameters(), 1e-3);
    let decay = Schedule::epochs(|epoch, _| 1e-3 * 0.9f64.powi(epoch as i32));
    let loader = DataLoader::new(TensorDataset::new(train)?, 64)?.shuffle(0);
    let held_out = DataLoader::new(TensorDataset::new(test.clone())?, 500)?;
    let loss = |y: &Var, labels: &Tensor<i64>| y.cross_entropy(labels);
    let history = fit(&model, &mut opt, loss, &loader)
        .epochs(20)
        .metric("accuracy", accuracy)
        .validate(&held_out)
        .callback(decay)
        .run()?;

    let matrix = ConfusionMatrix::of(&predict(&model, images, 500)?, labels)?;
    println!("\n{matrix}");
    assert!(matrix.accuracy() >= 0.95, "it reads new digits");
    let curves = ["loss", "val_loss", "accuracy", "val_accuracy"];
    history.plot(output("mnist.svg"), "MNIST", &curves)?;
    matrix.plot(output("mnist_confusion.svg"), "Digits held out")?;

    // Saved, and loaded into a model that started elsewhere.
    let weights = output("mnist.safetensors");
    model.save(&weights)?;
    let fresh = Mlp::new(&mut Rng::seed(1))?;
    fresh.load(&weights)?;
    let again = accuracy(&predict(&fresh, images, 500)?, labels)?;
    assert_eq!(again, matrix.accuracy(), "the file holds it all");
    println!("loaded again: accuracy {again}");
    Ok(())
}
