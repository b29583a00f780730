//! Instances of generic code for each float type, compiled here: a crate downstream links to an instance that is there, if the
//! function is never inlined, and compiles its own of everything else. (A one-line edit of a program then takes the compiler a
//! third of the time.)

use std::hint::black_box;

use wengert_autograd::Var;
use wengert_tensor::{Element, Float, Result, Rng, Tensor};

use crate::data::{DataLoader, TensorDataset, moons, xor};
use crate::layers::*;
use crate::module::{AnyParam, Layer, Module};
use crate::optim::*;
use crate::train::{accuracy, binary_accuracy, evaluate, fit, predict};

/// What is never called: its code is what counts.
#[doc(hidden)]
pub static INSTANCES: &[fn()] = &[
    layers::<f32>,
    layers::<f64>,
    training::<f32>,
    training::<f64>,
    optimizer::<SgdRule>,
    optimizer::<AdamRule>,
    optimizer::<AdamRule<true>>,
    optimizer::<RmsPropRule>,
];

fn layers<T: Float>() {
    fn layer<T: Float>(layer: impl Layer<T> + Clone + Send + Sync + 'static) {
        let model = Sequential::typed().push(layer);
        let _ = black_box(predict(&model, &Tensor::zeros([1, 1]), 1));
        let as_layer: Box<dyn Layer<T> + Send + Sync> = Box::new(model);
        let as_module: &dyn Module = &as_layer;
        black_box(as_module.parameters());
    }
    let rng = &mut Rng::seed(0);
    layer(Linear::<T>::typed(1, 1, rng));
    layer(Linear::<T>::typed_keras(1, 1, rng));
    let dense = Dense::<T>::from_weights(&Tensor::zeros([1, 1]), &Tensor::zeros([1]));
    if let (Ok(dense), Ok(dropout)) = (dense, Dropout::new(0.5, rng)) {
        black_box((dense.kernel(), dense.bias()));
        layer(dense);
        let _: Result<Var<T>> = black_box(dropout.forward(&Var::zeros([1])));
    }
    let x = &Var::<T>::zeros([1]);
    let forward: [&dyn Layer<T>; 12] = [
        &Identity,
        &Sigmoid,
        &Tanh,
        &Relu,
        &Silu,
        &Softplus,
        &LeakyRelu::default(),
        &Elu::default(),
        &Gelu::default(),
        &Softmax::default(),
        &LogSoftmax::default(),
        &Flatten::default(),
    ];
    for layer in forward {
        let _ = black_box(layer.forward(x));
    }
}

fn training<T: Float>() {
    let regression = on::<T, T>(|y, t| y.mse_loss(&t.into()), |y, t| binary_accuracy(y, t));
    let classes = on::<T, i64>(|y, t| y.cross_entropy(t), |y, t| accuracy(y, t));
    black_box((regression.ok(), classes.ok()));
    black_box((xor::<T>(), moons::<T>(1, 0.0, &mut Rng::seed(0)).ok()));

    /// A training on inputs of `T` and targets of `Y`.
    fn on<T: Float, Y: Element>(
        loss: fn(&Var<T>, &Tensor<Y>) -> Result<Var<T>>,
        metric: fn(&Var<T>, &Tensor<Y>) -> Result<f64>,
    ) -> Result<()> {
        let model = Sequential::<T>::typed();
        let (x, y) = (
            Tensor::zeros([1, 1]),
            Tensor::from_vec(Vec::<Y>::new(), [0])?,
        );
        let (train, test) = TensorDataset::new((x, y))?.split_at(0)?;
        let train = DataLoader::new(train, 1)?.shuffle(0);
        let test = DataLoader::new(test, 1)?;
        let mut opt = Sgd::new(model.parameters(), 0.0);
        fit(&model, &mut opt, loss, &train)
            .epochs(1)
            .metric("metric", metric)
            .validate(&test)
            .run()?;
        evaluate(&model, loss, &test)
            .metric("metric", metric)
            .run()?;
        Ok(())
    }
}

fn optimizer<A: Algorithm + 'static>() {
    let with: fn(Optim<A>, &str, f64) -> Optim<A> = Optim::with;
    let decay: fn(Optim<A>, f64) -> Optim<A> = Optim::weight_decay;
    let new: fn(Vec<AnyParam>, f64) -> Optim<A> = Optim::new;
    black_box((with, decay));
    let mut opt = new(Vec::new(), 0.0);
    opt.step();
    let state = opt.state_dict().unwrap_or_default();
    black_box(opt.load_state_dict(&state)).ok();
    let mut erased: Box<dyn Optimizer> = Box::new(opt);
    erased.step();
}
