//! Times one workload of ours in this process and prints one line of JSON: `workloads W3 [threads] [--seconds 1.5]`.
//!
//! With a number of threads it starts itself anew with as many, for one thread pinned to one core: so the
//! threads are those that a user's program has, and the peak memory is the workload's alone.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wengert::tensor::memory;
use wengert_compare::{ops, process, run, steps};

fn main() -> ExitCode {
    match start() {
        Ok(code) => code,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<ExitCode, Box<dyn Error>> {
    let (mut names, mut seconds) = (Vec::new(), 1.5);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => seconds = args.next().ok_or("--seconds needs a number")?.parse()?,
            _ => names.push(arg),
        }
    }
    let usage = "usage: workloads NAME [THREADS] [--seconds S]";
    let name = names.first().ok_or(usage)?;
    let Some(threads) = names.get(1) else {
        println!("{}", time(name, seconds)?);
        return Ok(ExitCode::SUCCESS);
    };
    let mut child = run::threaded(&std::env::current_exe()?, threads.parse()?);
    child.args([name, "--seconds", &seconds.to_string()]);
    Ok(exit_code(child)?)
}

fn exit_code(mut child: Command) -> std::io::Result<ExitCode> {
    Ok(match child.status()?.code() {
        Some(code) => ExitCode::from(code as u8),
        None => ExitCode::FAILURE,
    })
}

fn time(name: &str, seconds: f64) -> Result<Value, Box<dyn Error>> {
    let base = process::peak_mib();
    let mut rep = match steps::make(name)? {
        Some(rep) => rep,
        None => ops::make(name)?.ok_or_else(|| format!("there is no workload {name}"))?,
    };
    let begin = Instant::now();
    let first = rep()?;
    let first_ms = begin.elapsed().as_secs_f64() * 1e3;

    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs_f64(0.25 * seconds) {
        black_box(rep()?);
    }

    let mut micros: Vec<f64> = Vec::with_capacity(1 << 16);
    let memory_before = memory::stats();
    let before = process::faults_and_seconds();
    let (begin, mut last) = (Instant::now(), first);
    while micros.len() < 5 || begin.elapsed() < Duration::from_secs_f64(seconds) {
        let start = Instant::now();
        last = rep()?;
        micros.push(start.elapsed().as_nanos() as f64 / 1e3);
        if micros.len() == 1 << 16 {
            break;
        }
    }
    let wall = begin.elapsed().as_secs_f64();
    let after = process::faults_and_seconds();
    let memory_after = memory::stats();

    let reps = micros.len();
    micros.sort_unstable_by(f64::total_cmp);
    let median = micros[reps / 2];
    let per_rep = |count: f64| (count / reps as f64 * 1e4).round() / 1e4;
    let spent = before
        .zip(after)
        .map(|(b, a)| (per_rep(a.0 - b.0), (a.1 - b.1) / wall));
    let mut line = json!({
        "peer": "wengert",
        "workload": name,
        "threads": run::threads_here(),
        "median_us": median,
        "min_us": micros[0],
        "reps": reps,
        "peak_rss_mb": process::peak_mib(),
        "file_rss_mb": process::files_mib(),
        "base_rss_mb": base,
        "minflt_per_rep": spent.map(|s| s.0),
        "cpu_over_wall": spent.map(|s| (s.1 * 100.0).round() / 100.0),
        "fresh_per_rep": per_rep((memory_after.fresh_allocations - memory_before.fresh_allocations) as f64),
        "copies_per_rep": per_rep((memory_after.copies_on_write - memory_before.copies_on_write) as f64),
        "first_ms": first_ms,
        "first": first,
        "last": last,
    });
    if let Some(flops) = ops::flops(name) {
        line["gflops"] = json!((flops / median / 10.0).round() / 100.0);
    }
    Ok(line)
}
