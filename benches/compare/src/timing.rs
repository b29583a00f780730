//! What ours and the peers' programs share: a workload's name comes in, a line of JSON goes out.
//!
//! The line is written by hand: a program's memory is measured too, and a library for JSON would be a part of it.
#[path = "process.rs"]
pub mod process;

use std::time::{Duration, Instant};

/// The least time of a sample.
const SAMPLE: Duration = Duration::from_micros(10);

/// Runs `main` on a thread with a stack for graphs that are walked and dropped by recursion.
pub fn with_stack(main: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 30).spawn(main);
    if thread.unwrap().join().is_err() {
        std::process::exit(1);
    }
}

/// The workload asked for.
pub fn workload() -> String {
    std::env::args().nth(1).expect("usage: PROGRAM WORKLOAD")
}

/// Says that the peer's API has no such thing.
#[allow(clippy::print_stdout)]
pub fn unsupported(peer: &str, workload: &str) {
    println!("{{\"peer\": \"{peer}\", \"workload\": \"{workload}\", \"unsupported\": true}}");
}

fn threads() -> usize {
    let told = std::env::var("RAYON_NUM_THREADS").ok();
    let here = || std::thread::available_parallelism().map_or(1, usize::from);
    told.and_then(|n| n.parse().ok()).unwrap_or_else(here)
}

/// Times `f`, one repetition each call, and prints the line.
#[allow(clippy::print_stdout)]
pub fn time(peer: &str, workload: &str, f: impl FnMut()) {
    println!("{}}}", measure(peer, workload, threads(), f));
}

/// Times `f`, one repetition each call: the line without its last brace, for who has more to say. Short calls are timed
/// some together.
pub fn measure(peer: &str, workload: &str, threads: usize, mut f: impl FnMut()) -> String {
    let told = std::env::var("COMPARE_SECONDS").ok();
    let seconds: f64 = told.and_then(|s| s.parse().ok()).unwrap_or(1.5);
    let base = process::peak_mib().unwrap_or(0.0);
    f();
    let mut calls = 0u32;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs_f64(0.25 * seconds) {
        f();
        calls += 1;
    }
    // So many calls are a sample that a step of the clock, some 10 ns, is a thousandth of it.
    let each = SAMPLE
        .div_duration_f64(begin.elapsed() / calls.max(1))
        .ceil();
    let each = (each as u32).clamp(1, 1 << 12);
    // Here, before the list of times, which is the longer the faster a program is.
    let (peak, files) = (process::peak_mib(), process::files_mib());
    let mut micros: Vec<f64> = Vec::with_capacity(1 << 16);
    let before = process::faults_and_seconds().unwrap_or((0.0, 0.0));
    let begin = Instant::now();
    while (micros.len() < 5 || begin.elapsed() < Duration::from_secs_f64(seconds))
        && micros.len() < 1 << 16
    {
        let start = Instant::now();
        for _ in 0..each {
            f();
        }
        micros.push(start.elapsed().as_nanos() as f64 / 1e3 / f64::from(each));
    }
    let wall = begin.elapsed().as_secs_f64();
    let after = process::faults_and_seconds().unwrap_or((0.0, 0.0));
    let reps = micros.len() as u64 * u64::from(each);
    micros.sort_unstable_by(f64::total_cmp);
    format!(
        "{{\"peer\": \"{peer}\", \"workload\": \"{workload}\", \"threads\": {threads}, \"median_us\": {:.4}, \
         \"min_us\": {:.4}, \"reps\": {}, \"peak_rss_mb\": {:.2}, \"file_rss_mb\": {:.2}, \
         \"base_rss_mb\": {base:.2}, \
         \"minflt_per_rep\": {:.4}, \"cpu_over_wall\": {:.2}",
        micros[micros.len() / 2],
        micros[0],
        reps,
        peak.unwrap_or(0.0),
        files.unwrap_or(0.0),
        (after.0 - before.0) / reps as f64,
        (after.1 - before.1) / wall,
    )
}

/// `m, k, n` of the product that a workload names, and which operand lies transposed:
/// `O1_512`, `O1d_512` (f64), `O1_64x784x256`, `O1tn_784x64x256`, `O1nt_64x256x784`.
#[allow(dead_code)] // not every peer has products
pub fn product(workload: &str) -> Option<(&str, [usize; 3])> {
    let (kind, size) = workload.strip_prefix("O1")?.split_once('_')?;
    let sizes: Vec<usize> = size.split('x').map_while(|s| s.parse().ok()).collect();
    match sizes[..] {
        [n] => Some((kind, [n, n, n])),
        [m, k, n] => Some((kind, [m, k, n])),
        _ => None,
    }
}
