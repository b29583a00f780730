//! dfdx on the workloads that its static shapes can say.
#[path = "../../../src/timing.rs"]
mod timing;

use dfdx::losses::{
    binary_cross_entropy_with_logits_loss, cross_entropy_with_logits_loss, mse_loss,
};
use dfdx::optim::{Adam, AdamConfig, Sgd, SgdConfig};
use dfdx::prelude::*;

const PEER: &str = "dfdx";

fn main() {
    timing::with_stack(run);
}

macro_rules! train {
    ($wl:expr, $dev:expr, $M:ty, $opt:expr, $x:expr, $y:expr, $loss:expr) => {{
        let mut model = $dev.build_module::<$M, f32>();
        let mut grads = Some(model.alloc_grads());
        let mut opt = $opt(&model);
        let (x, y) = ($x, $y);
        timing::time(PEER, $wl, || {
            let p = model.forward_mut(x.clone().traced(grads.take().unwrap()));
            let loss = $loss(p, y.clone());
            std::hint::black_box(loss.array());
            let mut g = loss.backward();
            opt.update(&mut model, &g).unwrap();
            model.zero_grads(&mut g);
            grads = Some(g);
        })
    }};
}

fn one_hot<const B: usize>(dev: &Cpu) -> Tensor<Rank2<B, 10>, f32, Cpu> {
    let mut v = vec![0f32; B * 10];
    for i in 0..B {
        v[i * 10 + (i * 7919 + 13) % 10] = 1.0;
    }
    dev.tensor((v, (Const::<B>, Const::<10>))).realize()
}

fn adam<M>(lr: f64) -> impl Fn(&M) -> Adam<M, f32, Cpu>
where
    Adam<M, f32, Cpu>: Sized,
{
    move |m| {
        Adam::new(
            m,
            AdamConfig {
                lr,
                ..Default::default()
            },
        )
    }
}

fn run() {
    let wl = timing::workload();
    let wl = wl.as_str();
    let dev: Cpu = Default::default();
    match wl {
        "W1" => {
            let sgd = |m: &_| {
                Sgd::new(
                    m,
                    SgdConfig {
                        lr: 0.5,
                        ..Default::default()
                    },
                )
            };
            let x = dev.tensor([[0f32, 0.], [0., 1.], [1., 0.], [1., 1.]]);
            let y = dev.tensor([[0f32], [1.], [1.], [0.]]);
            train!(
                wl,
                dev,
                ((Linear<2, 4>, Sigmoid), (Linear<4, 1>, Sigmoid)),
                sgd,
                x,
                y,
                mse_loss
            )
        }
        "W2" => {
            // The sigmoid is within the loss: dfdx has no other binary cross-entropy.
            let x: Tensor<Rank2<32, 2>, f32, _> = dev.sample_uniform();
            let a = x.array();
            let mut y = [[0f32; 1]; 32];
            for i in 0..32 {
                y[i][0] = ((a[i][0] > 0.5) ^ (a[i][1] > 0.5)) as u32 as f32;
            }
            let y = dev.tensor(y);
            train!(
                wl,
                dev,
                ((Linear<2, 4>, ReLU), Linear<4, 1>),
                adam(1e-2),
                x,
                y,
                binary_cross_entropy_with_logits_loss
            )
        }
        "W3" => {
            let x: Tensor<Rank2<64, 784>, f32, _> = dev.sample_normal();
            train!(
                wl,
                dev,
                (
                    (Linear<784, 256>, ReLU),
                    (Linear<256, 128>, ReLU),
                    Linear<128, 10>
                ),
                adam(1e-3),
                x,
                one_hot::<64>(&dev),
                cross_entropy_with_logits_loss
            )
        }
        "W3b" => {
            let x: Tensor<Rank2<512, 784>, f32, _> = dev.sample_normal();
            train!(
                wl,
                dev,
                (
                    (Linear<784, 1024>, ReLU),
                    (Linear<1024, 1024>, ReLU),
                    Linear<1024, 10>
                ),
                adam(1e-3),
                x,
                one_hot::<512>(&dev),
                cross_entropy_with_logits_loss
            )
        }
        "W8" | "W9" => {
            let n = if wl == "W8" { 1000 } else { 100_000 };
            let x: Tensor<Rank1<16>, f32, _> = dev.ones();
            timing::time(PEER, wl, || {
                let mut y = x.leaky_trace();
                for _ in 0..n {
                    y = y * 1.0001 + 0.001;
                }
                let s = y.sum();
                std::hint::black_box(s.array());
                let g = s.backward();
                std::hint::black_box(g.get(&x));
            })
        }
        "O1_1024" => {
            let a: Tensor<Rank2<1024, 1024>, f32, _> = dev.sample_normal();
            let b: Tensor<Rank2<1024, 1024>, f32, _> = dev.sample_normal();
            timing::time(PEER, wl, || {
                std::hint::black_box(a.clone().matmul(b.clone()));
            })
        }
        _ => timing::unsupported(PEER, wl),
    }
}
