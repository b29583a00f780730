//! The Keras tutorial's network, Dense(4, relu) → Dense(1, sigmoid) with Adam and binary cross-entropy.
//! From the weights and in the batch order that `testdata/keras_tutorial.py` recorded, its first 100
//! losses and the weights after them are Keras's.
#![allow(clippy::print_stdout)]

mod common;

use common::{furthest, picture, recorded, tensor};
use serde_json::Value;
use wengert::nn::plot;
use wengert::prelude::*;

type Points = TensorDataset<(Tensor, Tensor)>;

/// The batches of the recorded run: 32 rows at a time of each epoch's order.
struct Recorded {
    points: Points,
    orders: Vec<Vec<usize>>,
}

impl Feed for Recorded {
    type Batch = (Tensor, Tensor);
    fn count(&self) -> usize {
        self.points.len().div_ceil(32)
    }
    fn epoch(&self, epoch: usize) -> Box<dyn Iterator<Item = Result<Self::Batch>> + '_> {
        let rows = self.orders[epoch].chunks(32);
        Box::new(rows.map(|rows| self.points.batch(rows)))
    }
}

fn bce(p: &Var, t: &Tensor) -> Result<Var> {
    Ok(p.bce_loss_clipped(&t.into(), 1e-7)?)
}

fn main() -> Result<()> {
    let keras = recorded("keras_tutorial.json");
    let numbers = |v: &Value| tensor(v).cast::<f32>();
    let dense = |name: &str| {
        let start = |what: &str| numbers(&keras["starting_weights"][format!("{name}.{what}")]);
        Dense::from_weights(&start("kernel"), &start("bias"))
    };
    let model = Sequential::new()
        .push(dense("hidden")?.relu())
        .push(dense("output")?.sigmoid());
    let mut opt = Adam::keras(model.parameters(), 0.01);

    let points = TensorDataset::new((numbers(&keras["x"]), numbers(&keras["y"])))?;
    let orders = serde_json::from_value(keras["epoch_orders"].clone()).expect("rows by epoch");
    let batches = Recorded {
        points: points.clone(),
        orders,
    };

    println!("As recorded, 100 steps:");
    let mut losses = Vec::new();
    fit(&model, &mut opt, bce, &batches)
        .epochs(batches.orders.len())
        .metric("accuracy", binary_accuracy)
        .on_batch_end(|at| {
            losses.push(at.loss);
            if losses.len() == 100 {
                at.stop();
            }
            Ok(())
        })
        .run()?;
    compare(&keras["clipped"], &losses, &model);

    println!("\nAnd on, in an order of its own:");
    let loader = DataLoader::new(points.clone(), 32)?.shuffle(0);
    let history = fit(&model, &mut opt, bce, &loader)
        .epochs(25)
        .metric("accuracy", binary_accuracy)
        .run()?;
    assert!(history.last("accuracy") > Some(0.86), "it goes on to learn");
    draw(&losses, &tensor(&keras["clipped"]["losses"]).to_vec())?;
    let path = picture("keras_history.svg");
    history.plot(&path, "The epochs after them", &["loss", "accuracy"])?;
    println!("epochs            {}", path.display());
    surface(&model, &points)
}

/// The losses and the weights after them against Keras's.
fn compare(keras: &Value, losses: &[f64], model: &Sequential) {
    let theirs = tensor(&keras["losses"]).to_vec();
    let pairs = losses.iter().zip(&theirs);
    let off = pairs.map(|(a, b)| ((a - b) / b).abs()).fold(0.0, f64::max);
    println!(
        "furthest of {} losses from Keras's   {off:.1e} (relative)",
        losses.len()
    );
    assert!(losses.len() == 100 && off < 2e-6, "the losses are Keras's");

    let state = model.state_dict();
    let mut off = 0.0;
    for (ours, name) in ["0.weight", "0.bias", "1.weight", "1.bias"].iter().zip([
        "hidden.kernel",
        "hidden.bias",
        "output.kernel",
        "output.bias",
    ]) {
        let ours = state[*ours].downcast::<f32>().expect("f32").cast::<f64>();
        // Keras's kernels are [in, out].
        let ours = ours.t().unwrap_or(ours).to_vec();
        off = f64::max(
            off,
            furthest(&ours, &tensor(&keras["final_weights"][name]).to_vec()),
        );
    }
    println!("furthest of the weights after them    {off:.1e}");
    assert!(off < 2e-6, "the weights are Keras's");
}

fn draw(ours: &[f64], theirs: &[f64]) -> Result<()> {
    let path = picture("keras_loss.svg");
    let curves = [("Keras", theirs), ("Wengert", ours)];
    let title = "Dense(4, relu), Dense(1, sigmoid): the first 100 batches";
    plot::curves(&path, title, ("batch", "loss"), &curves)?;
    println!("\nlosses            {}", path.display());
    Ok(())
}

fn surface(model: &Sequential, points: &Points) -> Result<()> {
    let (x, y) = points.tensors();
    let rows = x.outer_iter().zip(y.iter());
    let points: Vec<([f64; 2], usize)> = rows
        .map(|(row, class)| {
            let at = row.to_vec();
            ([f64::from(at[0]), f64::from(at[1])], class as usize)
        })
        .collect();
    let path = picture("keras_surface.svg");
    plot::decision_surface(
        &path,
        "What it learned",
        [-1.5..2.5, -1.1..1.6],
        &points,
        |grid| {
            let x = Tensor::new(grid.to_vec()).cast::<f32>();
            Ok(predict(model, &x, 1024)?.cast::<f64>().to_vec())
        },
    )?;
    println!("decision surface  {}", path.display());
    Ok(())
}
