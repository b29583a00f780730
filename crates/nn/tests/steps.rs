//! What ten thousand training steps leave behind: nothing. One test, because the counters are of the
//! whole process.

use wengert_autograd::Var;
use wengert_nn::{Adam, AdamW, Layer, Linear, Module, Optimizer, Sequential, Sgd, Tanh};
use wengert_tensor::{Rng, Tensor, memory};

/// Trains for so many steps; live bytes and blocks after step 10 and at the end, and the copies on
/// write after step 10.
fn train(
    opt: &mut dyn FnMut(&Sequential) -> Box<dyn FnMut(&Sequential, &Var, &Var) -> f32>,
    steps: usize,
) {
    let mut rng = Rng::seed(1);
    let net = Sequential::new()
        .push(Linear::new(3, 8, &mut rng))
        .push(Tanh)
        .push(Linear::new(8, 2, &mut rng));
    let data: Vec<f32> = (0..48).map(|i| (i as f32 * 0.618).fract() - 0.5).collect();
    let x = Var::from(Tensor::from_vec(data, [16, 3]).unwrap());
    let y = Var::from(x.value().narrow(1, 0, 2).unwrap().sin().copied());
    let mut step = opt(&net);
    let mut early = None;
    let mut losses = Vec::new();
    for i in 1..=steps {
        losses.push(step(&net, &x, &y));
        if i == 10 {
            losses.reserve_exact(steps);
            early = Some(memory::stats());
        }
    }
    let (early, late) = (early.unwrap(), memory::stats());
    assert_eq!(
        (late.live_bytes, late.live_blocks),
        (early.live_bytes, early.live_blocks),
        "live memory grew between step 10 and step {steps}"
    );
    assert_eq!(
        late.copies_on_write, early.copies_on_write,
        "a step copied what another tensor held"
    );
    assert!(
        losses[steps - 1] < 0.5 * losses[0],
        "it learned nothing: {losses:?}"
    );
}

/// The standard loop with an optimizer.
fn with<O: Optimizer + 'static>(
    make: impl Fn(&Sequential) -> O,
) -> impl FnMut(&Sequential) -> Box<dyn FnMut(&Sequential, &Var, &Var) -> f32> {
    move |net| {
        let mut opt = make(net);
        Box::new(move |net, x, y| {
            let loss = net.forward(x).unwrap().mse_loss(y).unwrap();
            opt.zero_grad();
            loss.backward().unwrap();
            let loss = loss.item().unwrap();
            opt.step();
            loss
        })
    }
}

#[test]
fn ten_thousand_steps_hold_the_memory_of_ten_and_copy_nothing() {
    train(
        &mut with(|n| Sgd::new(n.parameters(), 0.05).momentum(0.9)),
        10_000,
    );
    train(&mut with(|n| Sgd::new(n.parameters(), 0.05)), 2_000);
    train(&mut with(|n| Adam::new(n.parameters(), 0.01)), 10_000);
    train(&mut with(|n| AdamW::new(n.parameters(), 0.01)), 2_000);

    // The counter counts: a step while someone holds the parameters copies each once.
    let net = Sequential::new().push(Linear::new(3, 2, &mut Rng::seed(0)));
    let mut opt = Sgd::new(net.parameters(), 0.1);
    let x = Var::<f32>::ones([1, 3]);
    net.forward(&x).unwrap().sum_all().backward().unwrap();
    let held = net.state_dict().unwrap();
    let before = memory::stats().copies_on_write;
    opt.step();
    assert_eq!(memory::stats().copies_on_write, before + 2);
    assert_ne!(net.state_dict().unwrap(), held);
}
