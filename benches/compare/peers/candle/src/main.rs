//! candle on the workloads.
#[path = "../../../src/timing.rs"]
mod timing;

use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::{self as nn, Module, Optimizer, VarBuilder, VarMap};

const PEER: &str = "candle";
const CPU: Device = Device::Cpu;

fn main() {
    timing::with_stack(|| run().unwrap());
}

fn randn(shape: &[usize]) -> Tensor {
    Tensor::randn(0f32, 1f32, shape, &CPU).unwrap()
}

fn classes(n: usize, count: usize) -> Tensor {
    let v: Vec<u32> = (0..n).map(|i| ((i * 7919 + 13) % count) as u32).collect();
    Tensor::from_vec(v, n, &CPU).unwrap()
}

fn adam(vars: &VarMap, lr: f64) -> Result<nn::AdamW> {
    let settings = nn::ParamsAdamW {
        lr,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        weight_decay: 0.0,
    };
    nn::AdamW::new(vars.all_vars(), settings)
}

fn time(wl: &str, mut f: impl FnMut() -> Result<()>) {
    timing::time(PEER, wl, || f().unwrap());
}

fn op(wl: &str, mut f: impl FnMut() -> Result<Tensor>) {
    timing::time(PEER, wl, || {
        std::hint::black_box(f().unwrap());
    });
}

fn run() -> Result<()> {
    let wl = timing::workload();
    let wl = wl.as_str();
    let vars = VarMap::new();
    let vb = VarBuilder::from_varmap(&vars, DType::F32, &CPU);
    match wl {
        "W1" => {
            let l1 = nn::linear(2, 4, vb.pp("a"))?;
            let l2 = nn::linear(4, 1, vb.pp("b"))?;
            let mut opt = nn::SGD::new(vars.all_vars(), 0.5)?;
            let x = Tensor::new(&[[0f32, 0.], [0., 1.], [1., 0.], [1., 1.]], &CPU)?;
            let y = Tensor::new(&[[0f32], [1.], [1.], [0.]], &CPU)?;
            time(wl, || {
                let h = nn::ops::sigmoid(&l1.forward(&x)?)?;
                let p = nn::ops::sigmoid(&l2.forward(&h)?)?;
                let loss = nn::loss::mse(&p, &y)?;
                opt.backward_step(&loss)?;
                loss.to_scalar::<f32>().map(drop)
            });
        }
        "W2" => {
            // The sigmoid is within the loss: candle has no other binary cross-entropy.
            let l1 = nn::linear(2, 4, vb.pp("a"))?;
            let l2 = nn::linear(4, 1, vb.pp("b"))?;
            let mut opt = adam(&vars, 1e-2)?;
            let x = Tensor::rand(0f32, 1f32, (32, 2), &CPU)?;
            let rows = x.to_vec2::<f32>()?;
            let y: Vec<f32> = rows
                .iter()
                .map(|r| ((r[0] > 0.5) ^ (r[1] > 0.5)) as u32 as f32)
                .collect();
            let y = Tensor::from_vec(y, (32, 1), &CPU)?;
            time(wl, || {
                let p = l2.forward(&l1.forward(&x)?.relu()?)?;
                let loss = nn::loss::binary_cross_entropy_with_logit(&p, &y)?;
                opt.backward_step(&loss)?;
                loss.to_scalar::<f32>().map(drop)
            });
        }
        "W3" | "W3b" => {
            let (sizes, batch) = if wl == "W3" {
                ([784, 256, 128, 10], 64)
            } else {
                ([784, 1024, 1024, 10], 512)
            };
            let layers: Vec<nn::Linear> = (0..3)
                .map(|i| nn::linear(sizes[i], sizes[i + 1], vb.pp(format!("l{i}"))))
                .collect::<Result<_>>()?;
            let mut opt = adam(&vars, 1e-3)?;
            let (x, y) = (randn(&[batch, 784]), classes(batch, 10));
            time(wl, || {
                let h = layers[0].forward(&x)?.relu()?;
                let h = layers[1].forward(&h)?.relu()?;
                let loss = nn::loss::cross_entropy(&layers[2].forward(&h)?, &y)?;
                opt.backward_step(&loss)?;
                loss.to_scalar::<f32>().map(drop)
            });
        }
        "W8" | "W9" => {
            let n = if wl == "W8" { 1000 } else { 100_000 };
            let x = Var::ones(16, DType::F32, &CPU)?;
            time(wl, || {
                let mut y = x.as_tensor().clone();
                for _ in 0..n {
                    y = ((y * 1.0001)? + 0.001)?;
                }
                let s = y.sum_all()?;
                drop(y);
                let g = s.backward()?;
                assert!(g.get(&x).is_some());
                s.to_scalar::<f32>().map(drop)
            });
        }
        "W10" => {
            let x = Var::from_tensor(&randn(&[4_194_304]))?;
            time(wl, || {
                let t = x.as_tensor();
                let product = (t.tanh()? * nn::ops::sigmoid(t)?)?;
                let loss = (product + (t * t)?.neg()?.exp()?)?.sum_all()?;
                let g = loss.backward()?;
                assert!(g.get(&x).is_some());
                loss.to_scalar::<f32>().map(drop)
            });
        }
        "W11" => {
            let x = Var::from_tensor(&randn(&[4096, 1024]))?;
            let gamma = Var::ones(1024, DType::F32, &CPU)?;
            let beta = Var::zeros(1024, DType::F32, &CPU)?;
            let w = randn(&[4096, 1024]);
            time(wl, || {
                // The fast layer_norm has no backward.
                let y = nn::ops::layer_norm_slow(&x, &gamma, &beta, 1e-5)?;
                let loss = (nn::ops::softmax(&y, D::Minus1)? * &w)?.sum_all()?;
                let g = loss.backward()?;
                assert!(g.get(&x).is_some());
                loss.to_scalar::<f32>().map(drop)
            });
        }
        "O2" => {
            let (a, b) = (randn(&[1024, 1024]), randn(&[1024, 1024]));
            op(wl, || &a + &b);
        }
        "O3a" => {
            let (a, b) = (randn(&[1024, 1024]), randn(&[1024]));
            op(wl, || a.broadcast_add(&b));
        }
        "O3b" => {
            let (a, b) = (randn(&[1024, 1024]), randn(&[1024, 1024]));
            op(wl, || &a + b.t()?);
        }
        "O4a" | "O4b" => {
            let a = randn(&[4096, 1024]);
            op(wl, || a.sum(usize::from(wl == "O4b")));
        }
        "O5e" | "O5t" | "O5s" => {
            let a = randn(&[1_048_576]);
            op(wl, || match wl {
                "O5e" => a.exp(),
                "O5t" => a.tanh(),
                _ => nn::ops::sigmoid(&a),
            });
        }
        "O6" => {
            let a = randn(&[4096, 1024]);
            op(wl, || nn::ops::softmax_last_dim(&a));
        }
        "O8" => {
            let a = randn(&[8, 128, 8, 64]);
            op(wl, || a.permute((0, 2, 1, 3))?.contiguous());
        }
        "O9" => {
            let (a, b) = (randn(&[64, 128, 64]), randn(&[64, 64, 128]));
            op(wl, || a.matmul(&b));
        }
        _ => {
            let Some((kind, [m, k, n])) = timing::product(wl) else {
                timing::unsupported(PEER, wl);
                return Ok(());
            };
            let mut a = if kind == "tn" {
                randn(&[k, m]).t()?
            } else {
                randn(&[m, k])
            };
            let mut b = if kind == "nt" {
                randn(&[n, k]).t()?
            } else {
                randn(&[k, n])
            };
            if kind == "d" {
                (a, b) = (a.to_dtype(DType::F64)?, b.to_dtype(DType::F64)?);
            }
            op(wl, || a.matmul(&b));
        }
    }
    Ok(())
}
