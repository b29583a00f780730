//! A random program: a list of ops on inputs and earlier results.
//!
//! Invariant: a program is well-conditioned where its inputs put it. Each op was admitted after a look
//! at the values it gets: no result is large, no gradient steep, and every kink is further away than a
//! step of numeric differentiation moves a value, a hundred times over.

use std::fmt;

use proptest::prelude::*;
use wengert_autograd::check::strategies::{Domain, strided};
use wengert_autograd::{Grad, Result, Var};
use wengert_tensor::{Float, Tensor};

use crate::table::{Call, Digits, Op, TABLE};

/// The largest magnitude of a result.
const LARGEST: f64 = 10.0;
/// The steepest `Σ ±∂yᵢ/∂x`.
const STEEPEST: f64 = 100.0;
/// A step of 1e-6 through a gradient of 100 moves a value by 1e-4.
const CLEARANCE: f64 = 1e-2;
const MAX_RANK: usize = 5;

pub struct Step {
    pub op: &'static Op,
    args: Vec<usize>,
    attributes: Vec<isize>,
    shape: Vec<usize>,
}

pub struct Program {
    pub inputs: Vec<Tensor<f64>>,
    pub steps: Vec<Step>,
}

/// What a step is made from: which op, which values, which attributes. Each number is taken modulo the
/// choices there are.
type Wish = (usize, usize, usize, u64);

/// The size of an axis; 0 is rare.
fn sizes() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![6 => Just(2usize), 5 => Just(3usize), 4 => Just(1usize), 1 => Just(4usize), 1 => Just(0usize)]
}

fn input(limit: usize) -> impl Strategy<Value = Tensor<f64>> {
    let small = move |shape: &Vec<usize>| shape.iter().product::<usize>() <= limit;
    let shape =
        proptest::collection::vec(sizes(), 0..=MAX_RANK).prop_filter("too many elements", small);
    prop_oneof![
        3 => strided(shape.clone(), Domain::real()),
        1 => strided(shape, Domain::positive()),
    ]
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    proptest::collection::vec(
        (0..TABLE.len(), 0..64usize, 0..64usize, any::<u64>()),
        2..=12,
    )
}

/// Programs of 2 to 12 ops whose Jacobian can be compared element by element.
pub fn programs() -> impl Strategy<Value = Program> {
    (proptest::collection::vec(input(12), 1..=3), wishes())
        .prop_map(|(inputs, wishes)| Program::build(inputs, &wishes, 24, true))
}

/// Programs on inputs that threads share out. Not conditioned: they are compared with themselves.
pub fn large_programs() -> impl Strategy<Value = Program> {
    let rows = proptest::collection::vec((1..=2usize, 1..=3usize, 20_000..=40_000usize), 1..=2);
    let inputs = rows.prop_flat_map(|shapes| {
        let each = shapes
            .into_iter()
            .map(|(a, b, n)| strided(Just(vec![a, b, n]), Domain::real()));
        each.collect::<Vec<_>>()
    });
    (inputs, wishes()).prop_map(|(inputs, wishes)| Program::build(inputs, &wishes, 400_000, false))
}

fn largest(values: &[f64]) -> f64 {
    // NaN stays.
    values
        .iter()
        .fold(0.0, |m, v| if v.abs() <= m { m } else { v.abs() })
}

/// The largest element of the gradient of `Σ ±y` on any input.
fn steepness(y: &Var<f64>, inputs: &[Var<f64>]) -> f64 {
    if !y.is_tracked() {
        return 0.0;
    }
    let signs = (0..y.len()).map(|i| if (i * 5 + i / 2) % 3 == 0 { -1.0 } else { 1.0 });
    let seed = Var::constant(Tensor::from_vec(signs.collect(), y.shape()).unwrap());
    let at: Vec<&Var<f64>> = inputs.iter().collect();
    let grads = Grad::new()
        .retain_graph()
        .allow_unused()
        .of_seeded(&[(y, &seed)], &at)
        .unwrap();
    largest(
        &grads
            .iter()
            .map(|g| largest(&g.to_vec()))
            .collect::<Vec<_>>(),
    )
}

impl Program {
    /// The first op from each wish on, and the first arguments, that can be had.
    fn build(
        inputs: Vec<Tensor<f64>>,
        wishes: &[Wish],
        limit: usize,
        conditioned: bool,
    ) -> Program {
        let leaves: Vec<Var<f64>> = inputs.iter().map(|t| Var::from(t).tracked()).collect();
        let mut values = leaves.clone();
        let mut steps: Vec<Step> = Vec::new();
        for &(op, a, b, digits) in wishes {
            let found = (0..TABLE.len()).find_map(|k| {
                let op = &TABLE[(op + k) % TABLE.len()];
                let n = values.len();
                let seconds = if op.arity == 2 { n } else { 1 };
                (0..n * seconds).find_map(|j| {
                    let args: Vec<usize> =
                        [(a + j / seconds) % n, (b + j % seconds) % n][..op.arity].to_vec();
                    let shapes: Vec<&[usize]> =
                        args.iter().map(|&i| &values[i].shape()[..]).collect();
                    let attributes = (op.plan)(&shapes, &mut Digits(digits))?;
                    let held: Vec<&Tensor<f64>> = args.iter().map(|&i| values[i].value()).collect();
                    if conditioned && !((op.clear)(&held) > CLEARANCE) {
                        return None;
                    }
                    if shapes
                        .iter()
                        .map(|s| s.iter().product::<usize>().max(1))
                        .product::<usize>()
                        > limit * limit.min(24)
                    {
                        return None;
                    }
                    let taken: Vec<Var<f64>> = args.iter().map(|&i| values[i].clone()).collect();
                    let y = match (op.call)(&taken, &attributes) {
                        Ok(y) => y,
                        Err(e) => panic!("{} {attributes:?} was planned: {e}", op.name),
                    };
                    let fits = y.rank() <= MAX_RANK && y.len() <= limit;
                    let tame =
                        || largest(&y.to_vec()) <= LARGEST && steepness(&y, &leaves) <= STEEPEST;
                    if !fits || (conditioned && !tame()) {
                        return None;
                    }
                    let shape = y.shape().to_vec();
                    Some((
                        Step {
                            op,
                            args,
                            attributes,
                            shape,
                        },
                        y,
                    ))
                })
            });
            if let Some((step, y)) = found {
                steps.push(step);
                values.push(y);
            }
        }
        Program { inputs, steps }
    }

    /// Whether a step's result is used twice.
    pub fn shares(&self) -> bool {
        let results = self.inputs.len()..self.inputs.len() + self.steps.len();
        results.into_iter().any(|i| {
            let uses = self.steps.iter().flat_map(|s| &s.args);
            uses.filter(|&&a| a == i).count() > 1
        })
    }

    fn run_with<T: Float>(
        &self,
        inputs: &[Var<T>],
        call: fn(&'static Op) -> &'static Call<T>,
    ) -> Result<Var<T>> {
        let mut values = inputs.to_vec();
        let mut used = vec![false; values.len() + self.steps.len()];
        for step in &self.steps {
            let args: Vec<Var<T>> = step.args.iter().map(|&i| values[i].clone()).collect();
            step.args.iter().for_each(|&i| used[i] = true);
            values.push(call(step.op)(&args, &step.attributes)?);
        }
        // Everything that no step took, side by side.
        let ends = (inputs.len()..values.len()).filter(|&i| !used[i]);
        let flat: Vec<Var<T>> = ends
            .map(|i| values[i].reshape([values[i].len()]))
            .collect::<Result<_>>()?;
        Var::cat(&flat, 0)
    }

    pub fn run(&self, inputs: &[Var<f64>]) -> Result<Var<f64>> {
        self.run_with(inputs, |op| &op.call)
    }

    pub fn run_f32(&self, inputs: &[Var<f32>]) -> Result<Var<f32>> {
        self.run_with(inputs, |op| &op.call_f32)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, x) in self.inputs.iter().enumerate() {
            write!(
                f,
                "\n%{i} = input  {:?} strides {:?}",
                &x.shape()[..],
                &x.strides()[..]
            )?;
            if x.len() <= 24 {
                write!(f, "  {:?}", x.to_vec())?;
            }
        }
        for (i, step) in self.steps.iter().enumerate() {
            let args: Vec<String> = step.args.iter().map(|a| format!("%{a}")).collect();
            let line = format!(
                "%{} = {}({})",
                self.inputs.len() + i,
                step.op.name,
                args.join(", ")
            );
            write!(f, "\n{line:32} {:?}", step.shape)?;
            if !step.attributes.is_empty() {
                write!(f, "  attributes {:?}", step.attributes)?;
            }
        }
        Ok(())
    }
}

/// What proptest prints of a failure.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
