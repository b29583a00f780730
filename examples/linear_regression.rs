//! Linear regression by gradient descent: y = wᵀx + b, L = 1/2N Σ(y − ŷ)², w ← w − α ∂L/∂w. It ends
//! where the closed form does.
#![allow(clippy::print_stdout)]

mod common;

use common::output;
use wengert::nn::plot;
use wengert::prelude::*;

fn main() -> Result<()> {
    // 200 points around y = 1.7x − 0.4.
    let mut rng = Rng::seed(1);
    let n = 200;
    let x = Tensor::<f64>::uniform(-2.0, 2.0, [n, 1], &mut rng)?;
    let noise = Tensor::randn([n], &mut rng) * 0.3;
    let y = x.squeeze(1)? * 1.7 - 0.4 + noise;

    let w = Param::new(Tensor::zeros([1]));
    let b = Param::new(Tensor::scalar(0.0));
    let alpha = 0.1;
    let (features, target) = (Var::from(&x), Var::from(&y));
    for step in 0..300 {
        let predicted = features.matmul(&w.var())? + b.var();
        let loss = predicted.mse_loss(&target)? * 0.5;
        loss.backward()?;
        for p in [&w, &b] {
            p.update(|value, grad| *value -= &(grad * alpha))?;
            p.zero_grad();
        }
        if step % 20 == 0 {
            println!("step {step:3}  loss {:.6}", loss.item()?);
        }
    }

    // The closed form for one feature: slope = cov(x, y) / var(x).
    let (xs, ys) = (x.to_vec(), y.to_vec());
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n as f64;
    let (mx, my) = (mean(&xs), mean(&ys));
    let cov: f64 = xs.iter().zip(&ys).map(|(x, y)| (x - mx) * (y - my)).sum();
    let var: f64 = xs.iter().map(|x| (x - mx).powi(2)).sum();
    let (slope, intercept) = (cov / var, my - cov / var * mx);
    let (w, b) = (w.value().item()?, b.value().item()?);
    println!("descended to  y = {w:.9}x {b:+.9}");
    println!("closed form   y = {slope:.9}x {intercept:+.9}");
    assert!(
        (w - slope).abs() < 1e-9 && (b - intercept).abs() < 1e-9,
        "gradient descent ends at the minimum"
    );

    let title = format!("y = {w:.2}x {b:+.2}");
    plot::fit_line(output("linear_regression.svg"), &title, &x, &y, |x| {
        w * x + b
    })
}
