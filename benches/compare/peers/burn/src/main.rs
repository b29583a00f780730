//! burn on the workloads, with its fastest CPU backend (flex).
#![recursion_limit = "512"]
#[path = "../../../src/timing.rs"]
mod timing;

use burn::module::Module;
use burn::nn::loss::{BinaryCrossEntropyLossConfig, CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::{LayerNormConfig, Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::activation::{relu, sigmoid, softmax, tanh};
use burn::tensor::{DType, Device, Distribution, Int, Tensor, TensorData};

const PEER: &str = "burn-flex";

fn main() {
    timing::with_stack(run);
}

fn randn<const D: usize>(shape: [usize; D], d: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0., 1.), d)
}

fn classes(n: usize, count: usize, d: &Device) -> Tensor<1, Int> {
    let v: Vec<i64> = (0..n).map(|i| ((i * 7919 + 13) % count) as i64).collect();
    Tensor::from_data(TensorData::new(v, [n]), d)
}

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    fn new(sizes: &[usize], d: &Device) -> Self {
        let layer = |i: usize| LinearConfig::new(sizes[i], sizes[i + 1]).init(d);
        Self {
            layers: (0..sizes.len() - 1).map(layer).collect(),
        }
    }
}

/// Times training steps of `model` on the loss that `forward` gives.
fn train<M: Module>(
    wl: &str,
    d: &Device,
    model: M,
    mut opt: ModuleOptimizer,
    lr: f64,
    forward: impl Fn(&M) -> Tensor<1>,
) {
    let mut model = Some(model);
    timing::time(PEER, wl, || {
        let m = model.take().unwrap();
        let loss = forward(&m);
        let grads = GradientsParams::from_grads(loss.backward(), &m);
        model = Some(opt.step(lr, m, grads));
        std::hint::black_box(loss.inner().into_scalar::<f32>());
        d.sync().unwrap();
    });
}

/// Times the gradient of the loss that `forward` gives at `leaf`.
fn differentiate<const D: usize>(
    wl: &str,
    d: &Device,
    leaf: Tensor<D>,
    forward: impl Fn(Tensor<D>) -> Tensor<1>,
) {
    timing::time(PEER, wl, || {
        let loss = forward(leaf.clone());
        let grads = loss.backward();
        assert!(leaf.grad(&grads).is_some());
        d.sync().unwrap();
        std::hint::black_box(loss.inner().into_scalar::<f32>());
    });
}

fn op<const D: usize>(wl: &str, d: &Device, f: impl Fn() -> Tensor<D>) {
    timing::time(PEER, wl, || {
        let y = f();
        d.sync().unwrap();
        std::hint::black_box(y);
    });
}

fn run() {
    let wl = timing::workload();
    let wl = wl.as_str();
    let raw = Device::flex();
    let d = raw.clone().autodiff();
    match wl {
        "W1" => {
            let x = Tensor::<2>::from_data([[0f32, 0.], [0., 1.], [1., 0.], [1., 1.]], &d);
            let y = Tensor::<2>::from_data([[0f32], [1.], [1.], [0.]], &d);
            let loss = MseLoss::new();
            train(
                wl,
                &raw,
                Mlp::new(&[2, 4, 1], &d),
                SgdConfig::new().init(),
                0.5,
                |m: &Mlp| {
                    let h = sigmoid(m.layers[0].forward(x.clone()));
                    let p = sigmoid(m.layers[1].forward(h));
                    loss.forward(p, y.clone(), Reduction::Mean)
                },
            );
        }
        "W2" => {
            let x = Tensor::<2>::random([32, 2], Distribution::Default, &d);
            let rows = x.clone().inner().into_data().to_vec::<f32>().unwrap();
            let y: Vec<i64> = rows
                .chunks(2)
                .map(|r| ((r[0] > 0.5) ^ (r[1] > 0.5)) as i64)
                .collect();
            let y = Tensor::<2, Int>::from_data(TensorData::new(y, [32, 1]), &d);
            let loss = BinaryCrossEntropyLossConfig::new().init(&d);
            train(
                wl,
                &raw,
                Mlp::new(&[2, 4, 1], &d),
                AdamConfig::new().init(),
                1e-2,
                |m: &Mlp| {
                    let h = relu(m.layers[0].forward(x.clone()));
                    let p = sigmoid(m.layers[1].forward(h));
                    loss.forward(p, y.clone())
                },
            );
        }
        "W3" | "W3b" => {
            let (sizes, batch) = if wl == "W3" {
                ([784, 256, 128, 10], 64)
            } else {
                ([784, 1024, 1024, 10], 512)
            };
            let (x, y) = (randn([batch, 784], &d), classes(batch, 10, &d));
            let loss = CrossEntropyLossConfig::new().init(&d);
            train(
                wl,
                &raw,
                Mlp::new(&sizes, &d),
                AdamConfig::new().init(),
                1e-3,
                |m: &Mlp| {
                    let h = relu(m.layers[0].forward(x.clone()));
                    let h = relu(m.layers[1].forward(h));
                    loss.forward(m.layers[2].forward(h), y.clone())
                },
            );
        }
        "W8" | "W9" => {
            let n = if wl == "W8" { 1000 } else { 100_000 };
            let x = Tensor::<1>::ones([16], &d).require_grad();
            differentiate(wl, &raw, x, |x| {
                let mut y = x;
                for _ in 0..n {
                    y = y.mul_scalar(1.0001f32).add_scalar(0.001f32);
                }
                y.sum()
            });
        }
        "W10" => {
            let x = randn([4_194_304], &d).require_grad();
            differentiate(wl, &raw, x, |x| {
                let product = tanh(x.clone()) * sigmoid(x.clone());
                (product + (x.clone() * x).neg().exp()).sum()
            });
        }
        "W11" => {
            let x = randn([4096, 1024], &d).require_grad();
            let norm = LayerNormConfig::new(1024).init(&d);
            let w = randn([4096, 1024], &d);
            differentiate(wl, &raw, x, |x| {
                (softmax(norm.forward(x), 1) * w.clone()).sum()
            });
        }
        _ => ops(wl, &raw),
    }
}

fn ops(wl: &str, d: &Device) {
    let square = || randn([1024, 1024], d);
    match wl {
        "O2" => {
            let (a, b) = (square(), square());
            op(wl, d, || a.clone() + b.clone());
        }
        "O3a" => {
            let (a, b) = (square(), randn([1, 1024], d));
            op(wl, d, || a.clone() + b.clone());
        }
        "O3b" => {
            let (a, b) = (square(), square());
            op(wl, d, || a.clone() + b.clone().transpose());
        }
        "O4a" | "O4b" => {
            let a = randn([4096, 1024], d);
            op(wl, d, || a.clone().sum_dim(usize::from(wl == "O4b")));
        }
        "O5e" | "O5t" | "O5s" => {
            let a = randn([1_048_576], d);
            op(wl, d, || match wl {
                "O5e" => a.clone().exp(),
                "O5t" => tanh(a.clone()),
                _ => sigmoid(a.clone()),
            });
        }
        "O6" => {
            let a = randn([4096, 1024], d);
            op(wl, d, || softmax(a.clone(), 1));
        }
        "O8" => {
            let a = randn([8, 128, 8, 64], d);
            // A reshape that cannot be a view is burn's way to a contiguous copy.
            op(wl, d, || {
                a.clone().permute([0, 2, 1, 3]).reshape([8 * 8 * 128, 64])
            });
        }
        "O9" => {
            let (a, b) = (randn([64, 128, 64], d), randn([64, 64, 128], d));
            op(wl, d, || a.clone().matmul(b.clone()));
        }
        _ => {
            let Some((kind, [m, k, n])) = timing::product(wl) else {
                return timing::unsupported(PEER, wl);
            };
            let mut a = if kind == "tn" {
                randn([k, m], d).transpose()
            } else {
                randn([m, k], d)
            };
            let mut b = if kind == "nt" {
                randn([n, k], d).transpose()
            } else {
                randn([k, n], d)
            };
            if kind == "d" {
                (a, b) = (a.cast(DType::F64), b.cast(DType::F64));
            }
            op(wl, d, || a.clone().matmul(b.clone()));
        }
    }
}
