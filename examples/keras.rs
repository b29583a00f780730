//! The Keras tutorial's network, Dense(4, relu) → Dense(1, sigmoid) with Adam and binary cross-entropy.
//! From the weights and in the batch order that `testdata/keras_tutorial.py` recorded, its first 100
//! losses and the weights after them are Keras's.
#![allow(clippy::print_stdout)]

mod common;

use common::{Recorded, output};
use wengert::nn::plot;
use wengert::prelude::*;

/// Keras's `binary_crossentropy`: it clips the probabilities.
fn binary_crossentropy(p: &Var, target: &Tensor) -> Result<Var> {
    p.bce_loss_clipped(&target.into(), 1e-7)
}

fn main() -> Result<()> {
    // `Dense::new(2, 4, &mut rng)` draws from Keras's distribution; here the weights are Keras's own.
    let keras = Recorded::keras();
    let [hidden, out] = keras.layers()?;
    let model = Sequential::new().push(hidden.relu()).push(out.sigmoid());
    let mut opt = Adam::keras(model.parameters(), 0.01);

    println!("As Keras did it, 100 batches:");
    let (batches, mut losses) = (keras.batches()?, Vec::new());
    fit(&model, &mut opt, binary_crossentropy, &batches)
        .epochs(15)
        .metric("accuracy", binary_accuracy)
        .on_batch_end(|at| {
            losses.push(at.loss);
            Ok(())
        })
        .run()?;
    keras.compare("clipped", &losses, &model, 2e-6)?;

    println!("\nAnd on, in an order of its own:");
    let (x, y) = (keras.tensor("x"), keras.tensor("y"));
    let loader = DataLoader::new(TensorDataset::new((x.clone(), y.clone()))?, 32)?.shuffle(0);
    let history = fit(&model, &mut opt, binary_crossentropy, &loader)
        .epochs(25)
        .metric("accuracy", binary_accuracy)
        .run()?;
    assert!(history.last("accuracy") > Some(0.86), "it goes on to learn");

    let file = output("keras_loss.svg");
    let named = [
        ("Keras", keras.tensor("clipped/losses").to_vec()),
        ("Wengert", losses),
    ];
    plot::curves(file, "The first 100 batches", ("batch", "loss"), &named)?;
    let file = output("keras_history.svg");
    history.plot(file, "The epochs after them", &["loss", "accuracy"])?;
    let file = output("keras_surface.svg");
    plot::decision_surface(file, "What it learned", &x, &y, |grid| {
        predict(&model, grid, 1024)
    })
}
