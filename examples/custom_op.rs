//! A differentiable op of one's own: `swish_β(x) = x·σ(βx)` with a trainable β, proved by gradcheck and
//! used in a model.
#![allow(clippy::print_stdout)]

use wengert::prelude::*;

struct Swish;

impl<T: Float> Function<T> for Swish {
    /// On plain tensors.
    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<Tensor<T>> {
        let (x, beta) = (inputs[0], inputs[1]);
        Ok(x * (x * beta).sigmoid())
    }

    /// In `Var` ops, so that it can be differentiated again. β is a scalar that was broadcast: its
    /// gradient is summed for us.
    fn backward(&self, cx: &FunctionCx<'_, T>, dy: &Var<T>) -> Result<Vec<Option<Var<T>>>> {
        let (x, beta) = (cx.input(0)?, cx.input(1)?);
        let s = (&x * &beta).sigmoid();
        let ds = &s * s.affine(-1.0, 1.0);
        let dx = dy * (&s + &x * &beta * &ds);
        let dbeta = dy * (x.square() * ds);
        Ok(vec![Some(dx), Some(dbeta)])
    }
}

fn main() -> Result<()> {
    let x = Tensor::new([[-2.0, -0.5, 0.0], [0.3, 1.0, 4.0]]);
    let inputs = [x, Tensor::scalar(1.3)];
    let call = |v: &[Var<f64>]| Swish.apply(&[&v[0], &v[1]]);
    println!("{}", gradcheck(call, &inputs)?);
    println!("{}", gradgradcheck(call, &inputs)?);

    // Fit relu with one β: it grows, because swish_∞ is relu.
    let x = Var::new([[-2.0], [-1.0], [-0.5], [0.5], [1.0], [2.0f32]]);
    let y = x.relu();
    let beta = Param::new(Tensor::scalar(1.0));
    let mut opt = Adam::new([&beta], 0.05);
    for _ in 0..300 {
        let loss = Swish.apply(&[&x, &beta.var()])?.mse_loss(&y)?;
        opt.zero_grad();
        loss.backward()?;
        opt.step();
    }
    let beta = beta.value().item()?;
    println!("β = {beta:.2}");
    assert!(beta > 4.0, "swish approaches relu");
    Ok(())
}
