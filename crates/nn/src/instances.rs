//! Instances of generic code for each float type, compiled here: a crate downstream links to an instance that is there, if the
//! function is never inlined, and compiles its own of everything else. (A one-line edit of a program then takes the compiler a
//! third of the time.)

use std::hint::black_box;

use wengert_autograd::Var;
use wengert_tensor::{Float, Rng, Tensor};

use crate::layers::*;
use crate::module::{AnyParam, Layer, Module};
use crate::optim::*;
use crate::train::predict;

/// What is never called: its code is what counts.
#[doc(hidden)]
pub static INSTANCES: &[fn()] = &[
    layers::<f32>,
    layers::<f64>,
    optimizer::<SgdRule>,
    optimizer::<AdamRule>,
    optimizer::<AdamRule<true>>,
    optimizer::<RmsPropRule>,
];

fn layers<T: Float>() {
    fn layer<T: Float>(layer: impl Layer<T> + Send + Sync + 'static) {
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
        let _: Result<Var<T>, _> = black_box(dropout.forward(&Var::zeros([1])));
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

fn optimizer<A: Algorithm + 'static>() {
    let with: fn(Optim<A>, &str, f64) -> Optim<A> = Optim::with;
    let decay: fn(Optim<A>, f64) -> Optim<A> = Optim::weight_decay;
    let new: fn(Vec<AnyParam>, f64) -> Optim<A> = Optim::new;
    black_box((with, decay));
    let mut opt = new(Vec::new(), 0.0);
    opt.step();
    black_box(opt.load_state_dict(&opt.state_dict())).ok();
    let mut erased: Box<dyn Optimizer> = Box::new(opt);
    erased.step();
}
