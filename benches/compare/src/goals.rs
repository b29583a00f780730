//! What is measured and what is asked of it: the workloads, and how fast ours has to be against whom.

/// Every workload, in the order of the tables.
pub const WORKLOADS: [&str; 42] = [
    "W1",
    "W2",
    "W3",
    "W3b",
    "W8",
    "W9",
    "W10",
    "W11",
    "O1_4",
    "O1_8",
    "O1_16",
    "O1_32",
    "O1_64",
    "O1_128",
    "O1_256",
    "O1_512",
    "O1_1024",
    "O1_2048",
    "O1d_16",
    "O1d_32",
    "O1d_512",
    "O1d_1024",
    "O1_64x784x256",
    "O1tn_784x64x256",
    "O1nt_64x256x784",
    "O1_512x1024x1024",
    "O1tn_1024x512x1024",
    "O1nt_512x1024x1024",
    "O1_1024x128x512",
    "O1tn_128x1024x512",
    "O1nt_1024x512x128",
    "O2",
    "O3a",
    "O3b",
    "O4a",
    "O4b",
    "O5e",
    "O5t",
    "O5s",
    "O6",
    "O8",
    "O9",
];

/// Whether it is a training step or a chain, of which our program has no other workload in it.
pub fn is_step(workload: &str) -> bool {
    matches!(workload, "W1" | "W2" | "W3" | "W3b" | "W8" | "W9")
}

/// The work behind a name.
pub fn describe(workload: &str) -> String {
    let text = match workload {
        "W1" => "step: 2-4-1 sigmoid, MSE, SGD, batch 4",
        "W2" => "step: 2-4-1 relu and sigmoid, BCE, Adam, batch 32",
        "W3" => "step: 784-256-128-10 relu, cross-entropy, Adam, batch 64",
        "W3b" => "step: 784-1024-1024-10 relu, cross-entropy, Adam, batch 512",
        "W8" => "1,000 × (y·a + b) on 16 elements, forward and backward",
        "W9" => "100,000 × (y·a + b) on 16 elements, forward, backward and drop",
        "W10" => "Σ tanh(x)·sigmoid(x) + exp(−x²), 4 M elements, forward and backward",
        "W11" => "layer_norm, softmax, weighted sum, [4096, 1024], forward and backward",
        "O2" => "[1024, 1024] + [1024, 1024]",
        "O3a" => "[1024, 1024] + [1024]",
        "O3b" => "A + Bᵀ, [1024, 1024]",
        "O4a" => "sum over axis 0 of [4096, 1024]",
        "O4b" => "sum over axis 1 of [4096, 1024]",
        "O5e" => "exp of 1 M",
        "O5t" => "tanh of 1 M",
        "O5s" => "sigmoid of 1 M",
        "O6" => "softmax over the last axis of [4096, 1024]",
        "O8" => "copy of [8, 128, 8, 64] with axes 1 and 2 exchanged",
        "O9" => "64 × ([128, 64] @ [64, 128])",
        _ => return product(workload),
    };
    text.to_string()
}

fn product(workload: &str) -> String {
    let (head, size) = workload.split_once('_').unwrap_or((workload, ""));
    let size = match size.contains('x') {
        true => size.replace('x', " × "),
        false => size.to_string(),
    };
    match head {
        "O1tn" => format!("Aᵀ B, m × k × n = {size}"),
        "O1nt" => format!("A Bᵀ, m × k × n = {size}"),
        "O1d" => format!("A B in f64, {size}"),
        _ => format!("A B, {size}"),
    }
}

/// Ours must take at most `ratio` times the best of these peers (of every peer, where none is named).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// What is meant, for the table.
    pub against: &'static str,
    /// The names that the peers' programs print.
    pub peers: &'static [&'static str],
    /// The largest quotient of times.
    pub ratio: f64,
}

const fn goal(against: &'static str, peers: &'static [&'static str], ratio: f64) -> Goal {
    Goal {
        against,
        peers,
        ratio,
    }
}

const DFDX_TINY: Goal = goal("dfdx", &["dfdx"], 0.6);
const TORCH_TINY: Goal = goal("PyTorch", &["torch"], 1.0 / 80.0);
const DFDX_CHAIN: Goal = goal("dfdx", &["dfdx"], 0.5);
const GEMM: Goal = goal(
    "the best GEMM",
    &[
        "gemm",
        "matrixmultiply",
        "private-gemm-x86",
        "faer",
        "nano-gemm",
        "numpy",
        "torch",
    ],
    1.05,
);

/// The goals of a workload.
pub fn goals(workload: &str) -> Vec<Goal> {
    match workload {
        "W1" | "W2" => vec![DFDX_TINY, TORCH_TINY],
        "W3" => vec![goal("PyTorch, fused Adam", &["torch-fused"], 0.65)],
        "W3b" => vec![
            goal("PyTorch", &["torch", "torch-fused"], 0.75),
            goal("JAX", &["jax-jit"], 0.9),
        ],
        "W8" | "W9" => vec![DFDX_CHAIN],
        "W10" => vec![
            goal("JAX", &["jax-jit"], 0.7),
            goal("PyTorch", &["torch"], 0.45),
        ],
        "W11" => vec![goal("PyTorch", &["torch"], 0.7)],
        "O3b" => vec![goal("JAX", &["jax-jit"], 1.0)],
        "O5e" | "O5t" | "O5s" => vec![goal("the best peer", &[], 0.8)],
        w if w.starts_with("O1") => vec![GEMM],
        w if WORKLOADS.contains(&w) => vec![goal("the best peer", &[], 0.9)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_has_a_goal_a_program_and_a_name_of_its_own() {
        for (i, w) in WORKLOADS.iter().enumerate() {
            assert!(!goals(w).is_empty(), "{w}");
            assert!(!WORKLOADS[..i].contains(w), "{w} is listed twice");
            let step = crate::steps::make(w).unwrap().is_some();
            let op = crate::ops::make(w).unwrap().is_some();
            assert!(step != op && step == is_step(w), "{w}");
        }
        assert!(goals("W99").is_empty());
    }
}
