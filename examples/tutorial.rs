//! The 2-4-1 sigmoid network that learns XOR, as in the NumPy tutorial: full batch, plain gradient
//! descent on L = 1/2N Σ(ŷ−y)². It agrees with the NumPy program digit for digit, and it shows that
//! the backward pass which the tutorial published is wrong.
#![allow(clippy::print_stdout)]

mod common;

use common::{furthest, picture, recorded, tensor};
use serde_json::Value;
use wengert::nn::{plot, progress};
use wengert::prelude::*;

/// The tutorial's sigmoid with its published derivative, `σ(y)(1 − σ(y))` of an output `y` that is a
/// sigmoid already.
#[derive(Clone, Copy)]
struct Published;

impl Function<f64> for Published {
    fn name(&self) -> &'static str {
        "published_sigmoid"
    }
    fn forward(&self, x: &[&Tensor<f64>]) -> wengert::autograd::Result<Tensor<f64>> {
        Ok(x[0].sigmoid())
    }
    fn backward(
        &self,
        cx: &FunctionCx<'_, f64>,
        dy: &Var<f64>,
    ) -> wengert::autograd::Result<Vec<Option<Var<f64>>>> {
        let s = cx.output()?.sigmoid();
        Ok(vec![Some(dy * (&s * (1.0 - &s)))])
    }
}

#[derive(Module)]
struct Net {
    hidden: Linear<f64>,
    output: Linear<f64>,
    published: bool,
}

impl Net {
    /// From the NumPy program's starting weights, which are `[in, out]`.
    fn new(start: &Value, published: bool) -> Result<Net> {
        let layer = |w: &str, b: &str| -> Result<Linear<f64>> {
            let bias = tensor(&start[b]).reshape([INFER])?;
            Ok(Linear::from_weights(
                tensor(&start[w]).t()?.copied(),
                Some(bias),
            ))
        };
        Ok(Net {
            hidden: layer("W1", "b1")?,
            output: layer("W2", "b2")?,
            published,
        })
    }

    fn forward(&self, x: &Var<f64>) -> Result<Var<f64>> {
        let h = self.squash(&self.hidden.forward(x)?)?;
        self.squash(&self.output.forward(&h)?)
    }

    fn squash(&self, x: &Var<f64>) -> Result<Var<f64>> {
        if self.published {
            Ok(Published.apply(&[x])?)
        } else {
            Ok(x.sigmoid())
        }
    }

    /// 1000 epochs; the loss before each.
    fn train(&self, x: &Var<f64>, y: &Var<f64>, lr: f64) -> Result<Vec<f64>> {
        let mut opt = Sgd::new(self.parameters(), lr);
        let bar = progress(1000, "epoch");
        let mut losses = Vec::new();
        for _ in 0..1000 {
            let loss = self.forward(x)?.mse_loss(y)? * 0.5;
            opt.zero_grad();
            loss.backward()?;
            opt.step();
            losses.push(loss.item()?);
            bar.set_message(format!("loss {:.4}", loss.item()?));
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(losses)
    }
}

fn main() -> Result<()> {
    let numpy = recorded("numpy_tutorial.json");
    let (x, y) = (
        Var::from(tensor(&numpy["x"])),
        Var::from(tensor(&numpy["y"])),
    );

    let net = Net::new(&numpy["starting_weights"], false)?;
    println!(
        "One step's tape:\n{}",
        (net.forward(&x)?.mse_loss(&y)? * 0.5).tape()
    );

    // Learning rate 0.5 on L (`mean`), and the tutorial's own step (`sum`), which leaves out the 1/N of
    // its loss: 0.5·N on L.
    let mut curves = Vec::new();
    for (convention, lr) in [("mean", 0.5), ("sum", 2.0)] {
        for (which, published) in [("right", false), ("published", true)] {
            let net = Net::new(&numpy["starting_weights"], published)?;
            let losses = net.train(&x, &y, lr)?;
            let run = &numpy[convention][which];
            let mut off = furthest(&losses, &tensor(&run["losses"]).to_vec());
            for (name, layer) in [("1", &net.hidden), ("2", &net.output)] {
                let (w, b) = (
                    &run["final_weights"][format!("W{name}")],
                    &run["final_weights"][format!("b{name}")],
                );
                off = off.max(furthest(
                    &layer.weight.value().t()?.to_vec(),
                    &tensor(w).to_vec(),
                ));
                let bias = layer
                    .bias
                    .as_ref()
                    .map(|b| b.value().to_vec())
                    .unwrap_or_default();
                off = off.max(furthest(&bias, &tensor(b).to_vec()));
            }
            let last = (net.forward(&x)?.mse_loss(&y)? * 0.5).item()?;
            println!("{convention:4} {which:9}  loss {last:.4}  furthest from NumPy {off:.1e}");
            assert!(off < 1e-12, "losses and weights agree with NumPy");
            if convention == "sum" {
                curves.push(losses);
            }
            if convention == "sum" && !published {
                draw_surface(&net)?;
            }
        }
    }

    println!("\nThe published backward pass, put to the test:");
    let verdict = gradcheck(
        |v| Published.apply(&[&v[0]]),
        &[Tensor::new([-1.0, 0.0, 2.0])],
    );
    println!("{}", verdict.expect_err("a wrong gradient is found out"));

    let path = picture("tutorial_loss.svg");
    let named = [
        ("right gradient", &curves[0][..]),
        ("published gradient", &curves[1][..]),
    ];
    plot::curves(
        &path,
        "XOR by a 2-4-1 sigmoid network",
        ("epoch", "loss"),
        &named,
    )?;
    println!("\nloss curves       {}", path.display());
    Ok(())
}

fn draw_surface(net: &Net) -> Result<()> {
    let path = picture("tutorial_surface.svg");
    let points = [
        ([0.0, 0.0], 0),
        ([0.0, 1.0], 1),
        ([1.0, 0.0], 1),
        ([1.0, 1.0], 0),
    ];
    plot::decision_surface(
        &path,
        "What it learned",
        [-0.5..1.5, -0.5..1.5],
        &points,
        |grid| {
            let x = Var::from(Tensor::new(grid.to_vec()));
            Ok(net.forward(&x)?.to_vec())
        },
    )?;
    println!("decision surface  {}", path.display());
    Ok(())
}
