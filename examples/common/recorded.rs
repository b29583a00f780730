//! A recorded run of another program, from `testdata/`: its data, its weights, its losses.
//!
//! Its parts are named by their path: `sum/right/losses`.

use std::path::Path;

use serde_json::Value;
use wengert::prelude::*;

/// A recorded run of a network of two layers.
pub struct Recorded {
    program: &'static str,
    run: Value,
    /// Kernel and bias of the first layer and of the second.
    weights: [&'static str; 4],
}

impl Recorded {
    /// The NumPy program's runs.
    pub fn numpy() -> Recorded {
        let weights = ["W1", "b1", "W2", "b2"];
        Self::open("NumPy", "numpy_tutorial.json", weights)
    }

    /// Keras's runs.
    pub fn keras() -> Recorded {
        let names = ["hidden.kernel", "hidden.bias"];
        let weights = [names[0], names[1], "output.kernel", "output.bias"];
        Self::open("Keras", "keras_tutorial.json", weights)
    }

    fn open(program: &'static str, file: &str, weights: [&'static str; 4]) -> Recorded {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path);
        let text = text.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let run = serde_json::from_str(&text);
        Recorded {
            program,
            run: run.unwrap_or_else(|e| panic!("{}: {e}", path.display())),
            weights,
        }
    }

    fn part(&self, path: &str) -> Value {
        let part = self.run.pointer(&format!("/{path}"));
        part.cloned()
            .unwrap_or_else(|| panic!("the recorded run has no {path}"))
    }

    /// A vector, or a matrix.
    pub fn tensor<T: Float>(&self, path: &str) -> Tensor<T> {
        let part = self.part(path);
        let numbers = match part[0] {
            Value::Array(_) => serde_json::from_value::<Vec<Vec<f64>>>(part).map(Tensor::new),
            _ => serde_json::from_value::<Vec<f64>>(part).map(Tensor::new),
        };
        let numbers = numbers.unwrap_or_else(|e| panic!("{path}: {e}"));
        numbers.cast()
    }

    /// The layers at their starting weights. (Kernels are `[in, out]`.)
    pub fn layers<T: Float>(&self) -> Result<[Dense<T>; 2]> {
        let start = |name| self.tensor(&format!("starting_weights/{name}"));
        let [k1, b1, k2, b2] = self.weights.map(start);
        Ok([
            Dense::from_weights(&k1, &b1.reshape([INFER])?)?,
            Dense::from_weights(&k2, &b2.reshape([INFER])?)?,
        ])
    }

    /// Batches of 32 of the recorded data, in the recorded order, as many as were trained.
    pub fn batches(&self) -> Result<Orders> {
        let points = TensorDataset::new((self.tensor("x"), self.tensor("y")))?;
        let orders = serde_json::from_value(self.part("epoch_orders"));
        Ok(Orders {
            points,
            orders: orders.unwrap_or_else(|e| panic!("epoch_orders: {e}")),
            steps: self.part("meta/steps").as_u64().unwrap_or(0) as usize,
        })
    }

    /// Holds losses and a trained model against those of a run, and says how far off they are: losses
    /// relative to the recorded ones, weights absolutely.
    pub fn compare(
        &self,
        run: &str,
        losses: &[f64],
        model: &impl Module,
        tolerance: f64,
    ) -> Result<()> {
        let theirs = self.tensor::<f64>(&format!("{run}/losses")).to_vec();
        assert_eq!(losses.len(), theirs.len(), "as many losses as recorded");
        let off = losses.iter().zip(&theirs).map(|(a, b)| ((a - b) / b).abs());
        let losses_off = off.fold(0.0, f64::max);

        let mut weights_off = 0.0;
        let params = model.parameters();
        assert_eq!(params.len(), 4, "two layers");
        for (param, name) in params.iter().zip(self.weights) {
            let ours = match param.value().dtype() {
                DType::F32 => param.value().downcast::<f32>()?.cast::<f64>(),
                _ => param.value().downcast::<f64>()?,
            };
            let ours = if ours.rank() == 2 { ours.t()? } else { ours };
            let theirs = self.tensor::<f64>(&format!("{run}/final_weights/{name}"));
            let off = (&ours - theirs.reshape(ours.shape())?).abs();
            weights_off = f64::max(weights_off, off.max_all()?.item()?);
        }
        println!(
            "{run:14}  loss {:.4}  off {}'s: losses {losses_off:.1e}, weights {weights_off:.1e}",
            losses[losses.len() - 1],
            self.program
        );
        assert!(losses_off < tolerance && weights_off < tolerance);
        Ok(())
    }
}

/// The batches of a recorded run, one order an epoch.
pub struct Orders {
    points: TensorDataset<(Tensor, Tensor)>,
    orders: Vec<Vec<usize>>,
    steps: usize,
}

impl Batches for Orders {
    type Batch = (Tensor, Tensor);
    fn count(&self) -> usize {
        self.points.len().div_ceil(32)
    }
    fn epoch(&self, epoch: usize) -> Box<dyn Iterator<Item = Result<Self::Batch>> + '_> {
        let left = self.steps - epoch * self.count();
        let rows = self.orders[epoch].chunks(32).take(left);
        Box::new(rows.map(|rows| self.points.batch(rows)))
    }
}
