//! The 2-4-1 sigmoid network that learns XOR, as in the NumPy tutorial: full batch, plain gradient
//! descent on L = 1/2N Σ(ŷ − y)². It agrees with the NumPy program digit for digit, and it shows that
//! the backward pass which the tutorial published is wrong.
#![allow(clippy::print_stdout)]

mod common;

use common::{Recorded, output};
use wengert::nn::{plot, progress};
use wengert::prelude::*;

/// The tutorial's sigmoid with its published derivative, `σ(y)(1 − σ(y))` of an output `y` that is a
/// sigmoid already.
#[derive(Clone, Copy, Module)]
struct Published;

impl<T: Float> Function<T> for Published {
    fn forward(&self, x: &[&Tensor<T>]) -> Result<Tensor<T>> {
        Ok(x[0].sigmoid())
    }
    fn backward(&self, cx: &FunctionCx<'_, T>, dy: &Var<T>) -> Result<Vec<Option<Var<T>>>> {
        let s = cx.output()?.sigmoid();
        Ok(vec![Some(dy * (&s * s.affine(-1.0, 1.0)))])
    }
}

impl<T: Float> Layer<T> for Published {
    fn forward(&self, x: &Var<T>) -> Result<Var<T>> {
        self.apply(&[x])
    }
}

type Net = Sequential<f64>;

/// The network at the NumPy program's starting weights; `s` squashes each layer's output.
fn net(start: &Recorded, s: impl Layer<f64> + Copy + Send + Sync + 'static) -> Result<Net> {
    let [hidden, output] = start.layers()?;
    Ok(Net::typed().push(hidden).push(s).push(output).push(s))
}

fn loss(net: &Net, x: &Tensor<f64>, y: &Tensor<f64>) -> Result<Var<f64>> {
    Ok(net.forward(&x.into())?.mse_loss(&y.into())? * 0.5)
}

/// Trains for 1000 epochs, as the NumPy program did in this run; the loss before each.
fn train(numpy: &Recorded, run: &str, net: &Net, rate: f64) -> Result<Vec<f64>> {
    let (x, y) = (numpy.tensor("x"), numpy.tensor("y"));
    let (mut opt, mut losses) = (Sgd::new(net.parameters(), rate), Vec::new());
    let bar = progress(1000, "epoch");
    for _ in bar.wrap_iter(0..1000) {
        let loss = loss(net, &x, &y)?;
        opt.zero_grad();
        loss.backward()?;
        opt.step();
        losses.push(loss.item()?);
        bar.set_message(format!("loss {:.4}", loss.item()?));
    }
    numpy.compare(run, &losses, net, 1e-12)?;
    Ok(losses)
}

fn main() -> Result<()> {
    let numpy = Recorded::numpy();
    // By the mean's gradient; and by the tutorial's own step, which leaves out the 1/N of its loss.
    train(&numpy, "mean/right", &net(&numpy, Sigmoid)?, 0.5)?;
    train(&numpy, "mean/published", &net(&numpy, Published)?, 0.5)?;
    let learned = net(&numpy, Sigmoid)?;
    let right = train(&numpy, "sum/right", &learned, 0.5 * 4.0)?;
    let published = train(&numpy, "sum/published", &net(&numpy, Published)?, 0.5 * 4.0)?;

    let (x, y) = (numpy.tensor("x"), numpy.tensor("y"));
    println!("\nThe tape of a step:\n{}", loss(&learned, &x, &y)?.tape());

    let call = |v: &[Var<f64>]| Published.apply(&[&v[0]]);
    let report = gradcheck(call, &[Tensor::new([-1.0, 0.0, 2.0])]).unwrap_err();
    println!("The published backward pass, put to the test:\n{report}\n");

    let (a, b) = (right[999], published[999]);
    let title = format!("XOR: loss {a:.4}; as published, {b:.4}");
    let curves = [("right gradient", right), ("published gradient", published)];
    let (file, labels) = (output("tutorial_loss.svg"), ("epoch", "loss"));
    plot::curves(file, &title, labels, &curves)?;
    let (file, title) = (output("tutorial_surface.svg"), "What it learned");
    plot::decision_surface(file, title, &x, &y, |grid| predict(&learned, grid, 1024))
}
