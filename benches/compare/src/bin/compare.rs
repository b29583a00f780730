//! Runs Wengert and its peers on the same work, interleaved, and prints the tables.
//!
//! ```text
//! cargo run --release -p benches --bin compare                 # everything; writes docs/performance.md
//! cargo run --release -p benches --bin compare -- W1 W3 --threads 1,2 --rounds 5
//! ```
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use compare::goals::WORKLOADS;
use compare::machine;
use compare::peers::{PEERS, Peer, Places, Ready};
use compare::report::Report;
use compare::run::can_pin;
use serde_json::{Value, json};

const USAGE: &str = "\
compare [WORKLOAD ...] [options]        a trailing * stands for any ending: 'O1*'; all without any

  --threads 1,2     numbers of threads; one thread is pinned to one core
  --rounds 5        rounds; in each every program runs once, in turn
  --seconds 1       how long each program measures in a round
  --peers a,b       the peers to run, of torch jax numpy candle burn dfdx gemm; all without it
  --python PATH     a Python with torch, jax and numpy, instead of an environment made under target/
  --from FILE       takes an earlier run's lines (target/compare/results.jsonl) too; with --rounds 0 alone
  --write FILE      writes the page there; docs/performance.md where every workload and peer ran";

struct Options {
    workloads: Vec<&'static str>,
    threads: Vec<usize>,
    rounds: usize,
    seconds: f64,
    peers: Option<Vec<String>>,
    python: Option<PathBuf>,
    from: Vec<PathBuf>,
    write: Option<PathBuf>,
}

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut o = Options {
        workloads: Vec::new(),
        threads: vec![1, 2],
        rounds: 5,
        seconds: 1.0,
        peers: None,
        python: None,
        from: Vec::new(),
        write: None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        if !arg.starts_with("--") {
            let before = o.workloads.len();
            let fits = |w: &str| match arg.strip_suffix('*') {
                Some(start) => w.starts_with(start),
                None => w == arg,
            };
            o.workloads
                .extend(WORKLOADS.into_iter().filter(|w| fits(w)));
            if o.workloads.len() == before {
                let known = WORKLOADS.join(" ");
                return Err(format!("there is no workload {arg}; there are {known}").into());
            }
            continue;
        }
        let mut value = || args.next().ok_or(format!("{arg} needs a value\n\n{USAGE}"));
        match arg.as_str() {
            "--threads" => {
                let numbers = value()?;
                let numbers: Result<_, _> = numbers.split(',').map(str::parse).collect();
                o.threads = numbers?;
            }
            "--rounds" => o.rounds = value()?.parse()?,
            "--seconds" => o.seconds = value()?.parse()?,
            "--peers" => o.peers = Some(value()?.split(',').map(str::to_string).collect()),
            "--python" => o.python = Some(value()?.into()),
            "--from" => o.from.push(value()?.into()),
            "--write" => o.write = Some(value()?.into()),
            _ => return Err(USAGE.into()),
        }
    }
    if let Some(chosen) = &o.peers
        && let Some(unknown) = chosen.iter().find(|c| !PEERS.iter().any(|p| p.name == **c))
    {
        return Err(format!("there is no peer {unknown}\n\n{USAGE}").into());
    }
    Ok(o)
}

fn start() -> Result<(), Box<dyn Error>> {
    let mut o = options()?;
    let whole = o.workloads.is_empty() && o.peers.is_none() && o.rounds > 0;
    if o.workloads.is_empty() {
        o.workloads = WORKLOADS.to_vec();
    }
    let places = Places::new(o.python.clone());
    let facts = machine::facts();
    let mut report = Report::default();
    for file in &o.from {
        take_lines(&mut report, file)?;
    }

    let mut versions = Vec::new();
    let mut ready: Vec<(&Peer, Ready)> = Vec::new();
    for peer in &PEERS {
        if let Some(chosen) = &o.peers
            && peer.name != "wengert"
            && !chosen.iter().any(|c| c == peer.name)
        {
            report.missing(peer, "not asked for");
            continue;
        }
        eprintln!("{}: building or finding it", peer.name);
        match places.prepare(peer) {
            Ok(program) => {
                versions.extend(places.versions(peer, &program));
                ready.push((peer, program));
            }
            Err(reason) => {
                eprintln!("{} is missing: {reason}", peer.name);
                report.missing(peer, &reason);
            }
        }
    }

    measure(&o, &places, &ready, &mut report)?;

    let shown: Vec<&str> = PEERS.iter().flat_map(|p| p.prints).copied().collect();
    let tables = report.markdown(&o.workloads, &o.threads, &shown);
    println!("{tables}");
    let default = whole.then(|| places.root().join("docs/performance.md"));
    if let Some(path) = o.write.clone().or(default) {
        fs::write(&path, page(&o, &facts, &versions, &tables))?;
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

fn take_lines(report: &mut Report, file: &Path) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    for line in text.lines() {
        report.line(&serde_json::from_str::<Value>(line)?);
    }
    Ok(())
}

/// The rounds, every program in turn, so that a slow minute of the machine falls on all of them.
fn measure(
    o: &Options,
    places: &Places,
    ready: &[(&Peer, Ready)],
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let mut results = OpenOptions::new()
        .create(true)
        .append(true)
        .open(places.results())?;
    for workload in &o.workloads {
        for round in 1..=o.rounds {
            eprintln!("{workload}: round {round} of {}", o.rounds);
            for &threads in &o.threads {
                for (peer, program) in ready.iter().filter(|(p, _)| p.runs(workload)) {
                    let lines = match program.measure(workload, threads, o.seconds) {
                        Ok(lines) => lines,
                        Err(reason) => vec![json!({
                            "peer": peer.prints[0], "workload": workload, "threads": threads, "error": reason,
                        })],
                    };
                    for line in &lines {
                        report.line(line);
                        writeln!(results, "{line}")?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn page(
    o: &Options,
    facts: &[(&'static str, String)],
    versions: &[(String, String)],
    tables: &str,
) -> String {
    let mut out =
        "# Performance\n\nMade by `compare`; do not edit. How to make it anew:\n\n```text\n"
            .to_string();
    out.push_str("cargo run --release -p benches --bin compare");
    let mut args = std::env::args().skip(1).peekable();
    if args.peek().is_some() {
        out.push_str(" --");
    }
    while let Some(arg) = args.next() {
        // Where an interpreter lies concerns nobody else.
        if arg == "--python" {
            args.next();
            out.push_str(" --python PATH");
        } else {
            let _ = write!(out, " {arg}");
        }
    }
    out.push_str("\n```\n\n| | |\n|---|---|\n");
    for (name, value) in facts {
        let _ = writeln!(out, "| {name} | {value} |");
    }
    for (name, version) in versions {
        let _ = writeln!(out, "| {name} | {version} |");
    }
    let pinned = match can_pin() {
        true => "One thread is pinned to one core",
        false => "One thread is not pinned (there is no `taskset`)",
    };
    let how = match o.rounds {
        0 => "Put together from earlier runs; in a round of each".to_string(),
        n => format!("{n} rounds, of {} s a program; in each", o.seconds),
    };
    let _ = writeln!(
        out,
        "\n{how}, every program ran once in a process of its own, one after another, and measured \
         after a warm-up of a quarter of its time. {pinned}, with the libraries told so. Wengert is built as users \
         build it; the Rust peers with `-C target-cpu=native`. Products of matrices by NumPy, PyTorch and the GEMM \
         crates go into an output that is there already; ours makes a new one each time.\n"
    );
    out.push_str(tables);
    out
}
