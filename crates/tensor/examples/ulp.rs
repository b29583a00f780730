//! How far the elementary functions are from the truth, on every instruction set of this machine, as a
//! Markdown table in units of the last place (0.5 is a perfect rounding).
//!
//! `cargo run -p wengert-tensor --example ulp [STEP [GOLDENS]]`
//!
//! `f32`: every STEP-th bit pattern (397 by default: 10.8 million arguments, of every exponent and both
//! signs; 1 takes all), against the standard library's `f64` functions, or where it has none against
//! our own, which the other half of the table measures. `f64`: the arguments of a file that
//! `src/kernels/math/golden.py` wrote with 200-bit arithmetic.
#![allow(clippy::print_stdout)]

use wengert_tensor::{IsaKind, Result, Tensor, with_isa};

type Call<T> = fn(&Tensor<T>) -> Tensor<T>;
struct Function {
    name: &'static str,
    single: Call<f32>,
    double: Call<f64>,
    /// The standard library's, where it has one.
    std: Option<fn(f64) -> f64>,
}

macro_rules! functions {
    (std $($f:ident)*; own $($g:ident)*) => {
        const FUNCTIONS: &[Function] = &[
            $(Function { name: stringify!($f), single: |x| x.$f(), double: |x| x.$f(), std: Some(f64::$f) },)*
            $(Function { name: stringify!($g), single: |x| x.$g(), double: |x| x.$g(), std: None },)*
        ];
    };
}
functions! {
    std exp exp2 exp_m1 ln ln_1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sqrt;
    own rsqrt sigmoid softplus log_sigmoid erf silu mish gelu gelu_tanh
}

/// The place value of the last bit of numbers as large as `r`, in a format of `bits` of mantissa whose
/// least exponent is `least`.
fn place(r: f64, bits: i32, least: i32) -> f64 {
    let exponent = (r.abs().to_bits() >> 52) as i32 - 1023;
    let place = exponent.max(least) - bits;
    f64::from_bits(if place < -1022 {
        1 << (place + 1074)
    } else {
        ((place + 1023) as u64) << 52
    })
}

/// |y − r| in last places of `f32`; infinite where one is NaN, or infinite, and the other is not.
fn error32(y: f32, r: f64) -> f64 {
    if r.is_nan() || y.is_nan() {
        return if r.is_nan() && y.is_nan() {
            0.0
        } else {
            f64::INFINITY
        };
    }
    if y.is_infinite() || (r as f32).is_infinite() {
        // The largest number and what would follow it are neighbours.
        let top = 2f64.powi(128);
        return (f64::from(y).clamp(-top, top) - r.clamp(-top, top)).abs() / 2f64.powi(104);
    }
    (f64::from(y) - r).abs() / place(r, 23, -126)
}

/// The same in last places of `f64`, the truth being `hi + lo`.
fn error64(y: f64, hi: f64, lo: f64) -> f64 {
    if y.to_bits() == hi.to_bits() {
        return (lo / place(hi, 52, -1022)).abs();
    }
    if y.is_nan() || y.is_infinite() || hi.is_infinite() {
        let near = |v: f64| v.clamp(f64::MIN, f64::MAX);
        return if near(y) == near(hi) {
            1.0
        } else {
            f64::INFINITY
        };
    }
    ((y - hi) - lo).abs() / place(hi, 52, -1022)
}

/// The worst error of each instruction set, and where it is.
type Worst = Vec<(f64, f64)>;

fn take(worst: &mut (f64, f64), error: f64, x: f64) {
    if error > worst.0 {
        *worst = (error, x);
    }
}

/// Every `step`-th number but infinities and NaN, in chunks that fit a cache.
fn single(function: &Function, sets: &[IsaKind], step: usize) -> Result<(Worst, usize)> {
    let (mut worst, mut count) = (vec![(0.0, 0.0); sets.len()], 0);
    let numbers = (0..=u32::MAX).step_by(step).map(f32::from_bits);
    let mut numbers = numbers.filter(|x| x.is_finite());
    loop {
        let x: Vec<f32> = numbers.by_ref().take(1 << 16).collect();
        if x.is_empty() {
            return Ok((worst, count));
        }
        count += x.len();
        let t = Tensor::from_slice(&x, x.len())?;
        let truth = match function.std {
            Some(f) => x.iter().map(|x| f(f64::from(*x))).collect(),
            None => (function.double)(&t.cast()).to_vec(),
        };
        for (worst, isa) in worst.iter_mut().zip(sets) {
            let y = with_isa(*isa, || (function.single)(&t)).to_vec();
            for ((y, r), x) in y.iter().zip(&truth).zip(&x) {
                take(worst, error32(*y, *r), f64::from(*x));
            }
        }
    }
}

/// Argument and result in two parts, of the lines of a file of goldens that are about a function.
fn goldens(text: &str, name: &str) -> Vec<[f64; 3]> {
    let bits = |word: &str| u64::from_str_radix(word, 16).map(f64::from_bits).ok();
    let lines = text.lines().map(|l| l.split(' ').collect::<Vec<_>>());
    lines
        .filter(|l| l.len() == 4 && l[0] == name)
        .filter_map(|l| Some([bits(l[1])?, bits(l[2])?, bits(l[3])?]))
        .collect()
}

fn double(function: &Function, sets: &[IsaKind], text: &str) -> Result<(Worst, usize)> {
    let lines = goldens(text, function.name);
    let x: Vec<f64> = lines.iter().map(|l| l[0]).collect();
    let t = Tensor::from_slice(&x, x.len())?;
    let mut worst = vec![(0.0, 0.0); sets.len()];
    for (worst, isa) in worst.iter_mut().zip(sets) {
        let y = with_isa(*isa, || (function.double)(&t)).to_vec();
        for ([x, hi, lo], y) in lines.iter().zip(y) {
            take(worst, error64(y, *hi, *lo), *x);
        }
    }
    Ok((worst, lines.len()))
}

fn cells(worst: &Worst) -> String {
    let worst_of = |a: (f64, f64), b: &(f64, f64)| if b.0 > a.0 { *b } else { a };
    let at = worst.iter().fold((0.0, 0.0), worst_of).1;
    let errors: String = worst.iter().map(|w| format!("{:.2} | ", w.0)).collect();
    format!("{errors}{at:.8e}")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let step: usize = arguments.next().map_or(Ok(397), |s| s.parse())?;
    let text = match arguments.next() {
        Some(path) => std::fs::read_to_string(path)?,
        None => include_str!("../src/kernels/math/golden.txt").to_string(),
    };
    let sets = IsaKind::available();
    let names: Vec<&str> = sets.iter().map(|s| s.name()).collect();
    println!(
        "| | f32 {} | worst at | arguments | f64 {} | worst at | arguments |",
        names.join(" | "),
        names.join(" | ")
    );
    println!("|---|{}", "---|".repeat(2 * sets.len() + 4));
    for function in FUNCTIONS {
        let (narrow, many) = single(function, &sets, step)?;
        let wide = match double(function, &sets, &text)? {
            // No golden is about what is the processor's own instruction.
            (_, 0) => "| ".repeat(sets.len() + 1),
            (wide, few) => format!("{} | {few}", cells(&wide)),
        };
        println!(
            "| `{}` | {} | {many} | {wide} |",
            function.name,
            cells(&narrow)
        );
    }
    Ok(())
}
