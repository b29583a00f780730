//! How tensors print, against NumPy: `testdata/numpy_display.txt`.

use std::fmt::Display;
use std::str::FromStr;

use wengert_tensor::{Element, Tensor};

const FILE: &str = include_str!("../../../testdata/numpy_display.txt");

/// The tensor that a block's first line describes, as text.
fn shown<T: Element + FromStr + Display>(shape: &[usize], spec: &str) -> String {
    let n: usize = shape.iter().product();
    let (kind, list) = spec.split_once(' ').unwrap_or((spec, ""));
    let number = |text: &str| -> T { text.parse().ok().unwrap() };
    let values: Vec<T> = match kind {
        "cycle" => list.split(' ').map(number).cycle_to(n),
        "arange" => {
            let (first, step) = list.split_once(' ').unwrap();
            let (first, step): (f64, f64) = (first.parse().unwrap(), step.parse().unwrap());
            let at = |i: usize| number(&(first + i as f64 * step).to_string());
            (0..n).map(at).collect()
        }
        _ => spec.split(' ').map(number).collect(),
    };
    Tensor::from_vec(values, shape).unwrap().to_string()
}

trait CycleTo<T> {
    fn cycle_to(self, n: usize) -> Vec<T>;
}
impl<T: Clone, I: Iterator<Item = T>> CycleTo<T> for I {
    fn cycle_to(self, n: usize) -> Vec<T> {
        let all: Vec<T> = self.collect();
        all.iter().cloned().cycle().take(n).collect()
    }
}

#[test]
fn tensors_print_as_numpy_prints_arrays() {
    let mut count = 0;
    for block in FILE.split("\n\n").filter(|b| b.contains(" = ")) {
        let mut lines = block.lines();
        let (head, spec) = lines.next().unwrap().split_once(" = ").unwrap();
        let (dtype, shape) = head.split_once(' ').unwrap();
        let sizes = shape.trim_matches(['[', ']']).split(", ");
        let shape: Vec<usize> = sizes.filter_map(|s| s.parse().ok()).collect();
        let want: Vec<&str> = lines.map(|l| l.strip_prefix("| ").unwrap()).collect();
        let got = match dtype {
            "f32" => shown::<f32>(&shape, spec),
            "f64" => shown::<f64>(&shape, spec),
            "i64" => shown::<i64>(&shape, spec),
            "i32" => shown::<i32>(&shape, spec),
            "u8" => shown::<u8>(&shape, spec),
            "bool" => shown::<bool>(&shape, spec),
            _ => panic!("{dtype}"),
        };
        assert_eq!(got, want.join("\n"), "{head} = {spec}");
        count += 1;
    }
    assert!(count > 100, "{count} blocks");
}
