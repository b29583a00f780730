//! Optimizers and clipping against PyTorch's, step by step (`testdata/pytorch_goldens.py`).

use serde_json::Value;
use wengert_autograd::Param;
use wengert_nn::{Adam, AdamW, AnyParam, Group, Optimizer, RmsProp, Sgd, clip_grad_norm_p};
use wengert_tensor::Tensor;

fn goldens() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../testdata/pytorch_goldens.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn tensor(v: &Value) -> Tensor<f64> {
    let shape: Vec<usize> = v["shape"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d.as_u64().unwrap() as usize)
        .collect();
    let data: Vec<f64> = v["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect();
    Tensor::from_vec(data, shape).unwrap()
}

fn list(v: &Value) -> Vec<Tensor<f64>> {
    v.as_array().unwrap().iter().map(tensor).collect()
}

fn furthest(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    a.to_vec()
        .iter()
        .zip(b.to_vec())
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

/// The optimizer of a run, or `None` where it has an option that is left out here (amsgrad, maximize).
fn optimizer(run: &Value, params: &[Param<f64>]) -> Option<Box<dyn Optimizer>> {
    let attrs = &run["attrs"];
    let number = |name: &str| attrs[name].as_f64().unwrap_or(0.0);
    let flag = |name: &str| attrs[name].as_bool().unwrap_or(false);
    if flag("maximize") || flag("amsgrad") {
        return None;
    }
    let all: Vec<AnyParam> = params.iter().map(Into::into).collect();
    let groups = match run["groups"].as_array() {
        None => vec![Group::new(all, number("lr")).weight_decay(number("weight_decay"))],
        Some(groups) => groups
            .iter()
            .zip(all)
            .map(|(g, p)| {
                Group::new(vec![p], g["lr"].as_f64().unwrap_or(number("lr")))
                    .weight_decay(g["weight_decay"].as_f64().unwrap_or(number("weight_decay")))
            })
            .collect(),
    };
    Some(match run["optimizer"].as_str().unwrap() {
        "SGD" => {
            let sgd = Sgd::with_groups(groups)
                .momentum(number("momentum"))
                .dampening(number("dampening"));
            Box::new(if flag("nesterov") {
                sgd.nesterov()
            } else {
                sgd
            })
        }
        "RMSprop" => {
            let rmsprop = RmsProp::with_groups(groups)
                .alpha(number("alpha"))
                .eps(number("eps"))
                .momentum(number("momentum"));
            Box::new(if flag("centered") {
                rmsprop.centered()
            } else {
                rmsprop
            })
        }
        which => {
            let beta = |i: usize| attrs["betas"][i].as_f64().unwrap();
            let (b1, b2, eps) = (beta(0), beta(1), number("eps"));
            match which {
                "AdamW" => Box::new(AdamW::with_groups(groups).betas(b1, b2).eps(eps)),
                _ => Box::new(Adam::with_groups(groups).betas(b1, b2).eps(eps)),
            }
        }
    })
}

#[test]
fn optimizers_take_pytorchs_steps() {
    let all = goldens();
    let (start, gradients) = (
        list(&all["optimizers"]["start"]),
        &all["optimizers"]["gradients"],
    );
    let mut compared = 0;
    for run in all["optimizers"]["runs"].as_array().unwrap() {
        let params: Vec<Param<f64>> = start.iter().map(|t| Param::new(t.copied())).collect();
        let Some(mut opt) = optimizer(run, &params) else {
            continue;
        };
        for (step, want) in run["parameters"].as_array().unwrap().iter().enumerate() {
            for (p, g) in params.iter().zip(list(&gradients[step])) {
                p.set_grad(Some(g)).unwrap();
            }
            opt.step();
            for (p, want) in params.iter().zip(list(want)) {
                let off = furthest(&p.value(), &want);
                assert!(
                    off < 1e-12,
                    "{} {} step {step}: off by {off:e}",
                    run["optimizer"],
                    run["attrs"]
                );
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 18 * 20 * 2, "runs x steps x parameters");
}

#[test]
fn clipping_is_pytorchs() {
    let all = goldens();
    for case in all["clip_grad_norm"].as_array().unwrap() {
        let params: Vec<Param<f64>> = list(&case["before"])
            .into_iter()
            .map(|g| {
                let p = Param::new(g.zeros_like());
                p.set_grad(Some(g)).unwrap();
                p
            })
            .collect();
        let any: Vec<AnyParam> = params.iter().map(Into::into).collect();
        let p = match &case["norm_type"] {
            Value::String(_) => f64::INFINITY,
            v => v.as_f64().unwrap(),
        };
        let norm = clip_grad_norm_p(any, case["max_norm"].as_f64().unwrap(), p).unwrap();
        assert!((norm - case["total_norm"].as_f64().unwrap()).abs() < 1e-12);
        for (p, want) in params.iter().zip(list(&case["after"])) {
            assert!(furthest(&p.grad().unwrap(), &want) < 1e-12);
        }
    }
}
