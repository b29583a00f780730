//! The user's line, and the layer: through `Sequential`, `dyn Layer`, `fit` and `predict` the tape and every error show the
//! line outside the library that made the call, and which layer it was.

use std::sync::Arc;

use wengert_autograd::Var;
use wengert_nn::*;
use wengert_tensor::{Result, Rng, Tensor};

/// This file, as it stands in a line of the tape or of an error.
const HERE: &str = "tests/lines.rs:";

type Boxed = Box<dyn Layer + Send + Sync>;

/// Every layer of the library, by name.
fn layers() -> Vec<(&'static str, Boxed)> {
    let mut rng = Rng::seed(0);
    let rng = &mut rng;
    let dense = Dense::new(4, 4, rng);
    vec![
        ("Dense", Box::new(dense) as Boxed),
        ("Dropout", Box::new(Dropout::new(0.5, rng).unwrap())),
        ("Elu", Box::new(Elu::default())),
        ("Flatten", Box::new(Flatten::default())),
        ("Gelu", Box::new(Gelu::default())),
        ("Identity", Box::new(Identity)),
        ("LeakyRelu", Box::new(LeakyRelu::default())),
        ("Linear", Box::new(Linear::new(4, 4, rng))),
        ("LogSoftmax", Box::new(LogSoftmax::default())),
        ("Relu", Box::new(Relu)),
        (
            "Sequential",
            Box::new(Sequential::new().push(Linear::new(4, 4, rng)).push(Tanh)),
        ),
        ("Sigmoid", Box::new(Sigmoid)),
        ("Silu", Box::new(Silu)),
        ("Softmax", Box::new(Softmax::default())),
        ("Softplus", Box::new(Softplus)),
        ("Tanh", Box::new(Tanh)),
    ]
}

#[test]
fn every_layer_is_here() {
    let lib = include_str!("../src/lib.rs");
    let list = lib.split_once("pub use layers::{").unwrap().1;
    let list = list.split_once("};").unwrap().0;
    let public: Vec<&str> = list
        .split(',')
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .collect();
    let here: Vec<&str> = layers().iter().map(|(n, _)| *n).collect();
    let missing: Vec<_> = public.iter().filter(|n| !here.contains(n)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The lines of the tape that are not of this file.
fn strangers(y: &Var) -> Vec<String> {
    let tape = y.tape();
    let lines = tape.entries.iter().filter(|e| !e.at.contains(HERE));
    lines.map(|e| format!("{} at {}", e.op, e.at)).collect()
}

#[test]
fn every_layer_shows_the_users_line_on_the_tape() {
    for (name, layer) in layers() {
        let x = Var::ones([3, 4]).tracked();
        let layer: Arc<dyn Layer + Send + Sync> = Arc::from(layer);
        let by_pointer = layer.forward(&x).unwrap();
        let stack = Sequential::new()
            .push(Sequential::new().push(layer.clone()))
            .push(Relu);
        let by_stack = stack.forward(&x).unwrap();
        let lent: &dyn Layer = &stack;
        let by_reference = (&lent).forward(&x).unwrap();
        for y in [by_pointer, by_stack, by_reference] {
            assert_eq!(strangers(&y), [""; 0], "{name}");
            assert!(name == "Identity" || y.tape().entries.len() > 1);
        }
        // And when it is differentiated.
        let y = layer.forward(&x).unwrap().sum_all();
        let g = wengert_autograd::Grad::new()
            .create_graph()
            .allow_unused()
            .of(&y, &[&x]);
        assert_eq!(strangers(&g.unwrap()[0]), [""; 0], "{name}");
    }
}

/// A layer of the user's own shows its own line, not that of the `Sequential` around it.
#[derive(Module, Clone)]
struct Block {
    inner: Linear,
}
impl Layer for Block {
    fn forward(&self, x: &Var) -> Result<Var> {
        Ok(self.inner.forward(x)?.tanh()) // the line of both ops
    }
}

#[test]
fn a_layer_of_the_users_own_shows_its_own_line() {
    let rng = &mut Rng::seed(0);
    let own = include_str!("lines.rs")
        .lines()
        .position(|l| l.contains("// the line of both ops"));
    let own = format!("{HERE}{}", own.unwrap() + 1);
    let block = Block {
        inner: Linear::new(4, 4, rng),
    };
    let stack = Sequential::new().push(block).push(Relu);
    let tape = stack.forward(&Var::ones([3, 4])).unwrap().tape();
    let at: Vec<(&str, bool)> = tape
        .entries
        .iter()
        .map(|e| (e.op, e.at.contains(&own)))
        .collect();
    assert!(
        at.contains(&("linear", true)) && at.contains(&("tanh", true)),
        "{at:?}"
    );
    assert!(at.contains(&("relu", false)), "{at:?}");
}

#[test]
fn an_error_says_which_layer_and_the_users_line() {
    let rng = &mut Rng::seed(0);
    let mut net = || {
        Sequential::new()
            .push(Linear::new(2, 4, rng))
            .push(Relu)
            .push(
                Sequential::new()
                    .push(Tanh)
                    .push(Linear::new(3, 1, rng))
                    .push(Softmax::new(5)),
            )
    };
    let x = Tensor::<f32>::ones([5, 2]);
    let data = [(x.clone(), Tensor::<f32>::ones([5, 1]))];
    let loss = |y: &Var, t: &Tensor| y.mse_loss(&t.into());
    let fresh = net();
    let by_hand = fresh.forward(&Var::from(&x)).unwrap_err().to_string();
    let trained = net();
    let mut opt = Sgd::new(&trained, 0.1);
    for text in [
        by_hand,
        trained.forward(&Var::from(&x)).unwrap_err().to_string(),
        predict(&trained, &x, 2).unwrap_err().to_string(),
        evaluate(&trained, loss, &data)
            .run()
            .unwrap_err()
            .to_string(),
        fit(&trained, &mut opt, loss, &data)
            .silent()
            .run()
            .unwrap_err()
            .to_string(),
    ] {
        assert!(text.contains("in    2.1 (Linear 3 -> 1)"), "{text}");
        assert!(text.contains(HERE), "{text}");
    }
    // A layer without parameters, and a layer within one of the user's own.
    let soft = Sequential::new().push(Relu).push(Softmax::new(5));
    let text = soft.forward(&Var::from(&x)).unwrap_err().to_string();
    assert!(
        text.contains("1 (Softmax)") && text.contains(HERE),
        "{text}"
    );
    let block = Block {
        inner: Linear::new(3, 3, rng),
    };
    let stack = Sequential::new().push(Relu).push(block);
    let text = stack.forward(&Var::from(&x)).unwrap_err().to_string();
    assert!(text.contains("in    Linear 3 -> 3, in 1 (Block)"), "{text}");
    let _ = stack.parameters();
    let text = stack.forward(&Var::from(&x)).unwrap_err().to_string();
    assert!(text.contains("in    1.inner (Linear 3 -> 3)"), "{text}");
    // One row, given as a list of numbers.
    let text = predict(&trained, &Tensor::ones([2]), 8)
        .unwrap_err()
        .to_string();
    assert!(text.contains("one row is x.unsqueeze(0)"), "{text}");
    let plain = Linear::new(2, 1, rng);
    let text = predict(&plain, &Tensor::ones([2]), 8)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("[1] for 2 rows") && text.contains("one row is x.unsqueeze(0)"),
        "{text}"
    );
    assert!(text.contains(HERE), "{text}");
    // Everything frozen.
    trained.set_trainable(false);
    let fits = Sequential::new().push(Linear::new(2, 1, rng));
    fits.set_trainable(false);
    let mut opt = Sgd::new(&fits, 0.1);
    let e = fit(&fits, &mut opt, loss, &data)
        .silent()
        .run()
        .unwrap_err();
    assert!(
        e.to_string()
            .contains("every parameter is frozen (0.weight, 0.bias)"),
        "{e}"
    );
    // A loss by its path: what calls it is `core`.
    let line = Var::mse_loss(&Var::<f32>::ones([1]), &Var::ones([2]));
    assert!(line.unwrap_err().to_string().contains(HERE));
    let pairs = [(x.clone(), Var::<f32>::ones([5, 2]))];
    let model = Sequential::new().push(Linear::new(2, 1, rng));
    let mut opt = Sgd::new(&model, 0.1);
    let text = fit(&model, &mut opt, Var::mse_loss, &pairs)
        .silent()
        .run()
        .unwrap_err();
    assert!(text.to_string().contains(HERE), "{text}");
}
