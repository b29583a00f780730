//! Training steps and long chains.
//!
//! Written as a user writes them, with the public API alone. Invariant: a repetition is the whole of it, the
//! forward pass, the loss, the backward pass and the update, and it ends with nothing left on the tape.

use wengert::prelude::*;

/// One repetition; it gives the loss.
pub type Rep = Box<dyn FnMut() -> Result<f32> + Send>;

/// The names of the training steps.
pub const TRAINING: [&str; 4] = ["W1", "W2", "W3", "W3b"];

/// The workload of this name, ready to run; `None` where it has another.
pub fn make(name: &str) -> Result<Option<Rep>> {
    Ok(Some(match name {
        "W1" => xor(),
        "W2" => keras(),
        "W3" => classifier([784, 256, 128, 10], 64)?,
        "W3b" => classifier([784, 1024, 1024, 10], 512)?,
        "W8" => chain(1000),
        "W9" => chain(100_000),
        _ => return Ok(None),
    }))
}

#[derive(Module)]
struct Net {
    hidden: Linear,
    output: Linear,
}

impl Net {
    fn new(rng: &mut Rng) -> Net {
        Net {
            hidden: Linear::new(2, 4, rng),
            output: Linear::new(4, 1, rng),
        }
    }
}

/// The four rows of XOR; 2-4-1, sigmoid, mean squared error, plain gradient descent.
fn xor() -> Rep {
    let x = Var::new([[0., 0.], [0., 1.], [1., 0.], [1., 1.]]);
    let y = Var::new([[0.], [1.], [1.], [0.]]);
    let net = Net::new(&mut Rng::seed(0));
    let mut opt = Sgd::new(net.parameters(), 0.5);
    Box::new(move || {
        let h = net.hidden.forward(&x)?.sigmoid();
        let loss = net.output.forward(&h)?.sigmoid().mse_loss(&y)?;
        opt.zero_grad();
        loss.backward()?;
        opt.step();
        loss.item()
    })
}

/// 32 rows; 2-4-1, relu and sigmoid, binary cross-entropy, Adam.
fn keras() -> Rep {
    let mut rng = Rng::seed(0);
    let x = Tensor::<f32>::rand([32, 2], &mut rng);
    let classes: Vec<[f32; 1]> = x
        .to_vec()
        .chunks(2)
        .map(|p| [f32::from((p[0] > 0.5) != (p[1] > 0.5))])
        .collect();
    let (x, y) = (Var::constant(x), Var::new(classes));
    let net = Net::new(&mut rng);
    let mut opt = Adam::new(net.parameters(), 1e-2);
    Box::new(move || {
        let h = net.hidden.forward(&x)?.relu();
        let loss = net.output.forward(&h)?.sigmoid().bce_loss(&y)?;
        opt.zero_grad();
        loss.backward()?;
        opt.step();
        loss.item()
    })
}

/// A classifier with two hidden layers of relu; cross-entropy, Adam.
fn classifier(sizes: [usize; 4], batch: usize) -> Result<Rep> {
    let mut rng = Rng::seed(0);
    let x = Var::constant(Tensor::<f32>::randn([batch, sizes[0]], &mut rng));
    let y = Tensor::<i64>::randint(0, sizes[3] as i64, [batch], &mut rng)?;
    let net = Sequential::new()
        .push(Linear::new(sizes[0], sizes[1], &mut rng))
        .push(Relu)
        .push(Linear::new(sizes[1], sizes[2], &mut rng))
        .push(Relu)
        .push(Linear::new(sizes[2], sizes[3], &mut rng));
    let mut opt = Adam::new(net.parameters(), 1e-3);
    Ok(Box::new(move || {
        let loss = net.forward(&x)?.cross_entropy(&y)?;
        opt.zero_grad();
        loss.backward()?;
        opt.step();
        loss.item()
    }))
}

/// `y ← y·1.0001 + 0.001` so many times on 16 elements, then their sum.
fn chain(iterations: usize) -> Rep {
    let x = Var::ones([16]).tracked();
    Box::new(move || {
        let mut y = x.clone();
        for _ in 0..iterations {
            y = y * 1.0001 + 0.001;
        }
        let sum = y.sum_all();
        sum.backward()?;
        x.zero_grad();
        sum.item()
    })
}
