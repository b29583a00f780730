//! The peers: how each is built or found, which version it is, and what a call of it gives.
//!
//! Invariant: whatever goes wrong with a peer becomes a reason in words, and every reason reaches the tables.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{goals, run};

/// One program that runs the workloads.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The name by which `--peers` chooses it.
    pub name: &'static str,
    /// The names that it prints, of itself and its variants.
    pub prints: &'static [&'static str],
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Ours,
    Rust,
    Python,
}

const fn peer(name: &'static str, prints: &'static [&'static str], kind: Kind) -> Peer {
    Peer { name, prints, kind }
}

/// Ours first, then the peers.
pub const PEERS: [Peer; 8] = [
    peer("wengert", &["wengert"], Kind::Ours),
    peer("torch", &["torch", "torch-fused"], Kind::Python),
    peer("jax", &["jax-jit", "jax-scan"], Kind::Python),
    peer("numpy", &["numpy"], Kind::Python),
    peer("candle", &["candle"], Kind::Rust),
    peer("burn", &["burn-flex"], Kind::Rust),
    peer("dfdx", &["dfdx"], Kind::Rust),
    peer(
        "gemm",
        &[
            "gemm",
            "matrixmultiply",
            "private-gemm-x86",
            "faer",
            "nano-gemm",
        ],
        Kind::Rust,
    ),
];

/// Whose memory compares with ours: libraries in Rust that train.
pub const RUST_PEERS: [&str; 3] = ["candle", "burn-flex", "dfdx"];

impl Peer {
    /// Whether it has anything to say on a workload, so that no process is started for nothing.
    pub fn runs(&self, workload: &str) -> bool {
        self.name != "gemm" || workload.starts_with("O1")
    }
}

/// A peer that can be called.
#[derive(Clone, Debug)]
pub struct Ready {
    program: PathBuf,
    /// The program of the training steps and chains, where these have their own.
    steps: Option<PathBuf>,
    script: Option<PathBuf>,
}

/// Where things are: the sources of the peers, and the folder for what is built.
#[derive(Debug)]
pub struct Places {
    sources: PathBuf,
    built: PathBuf,
    python: Option<PathBuf>,
}

impl Places {
    /// `python`: an interpreter that has the packages already, instead of an environment made here.
    pub fn new(python: Option<PathBuf>) -> Places {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        Places {
            sources: here.join("compare/peers"),
            built: target
                .unwrap_or_else(|| here.join("../target"))
                .join("compare"),
            python,
        }
    }

    /// The file to which every line measured is added.
    pub fn results(&self) -> PathBuf {
        self.built.join("results.jsonl")
    }

    /// The root of the project.
    pub fn root(&self) -> PathBuf {
        self.sources.join("../../..")
    }

    /// Builds or finds a peer.
    ///
    /// # Errors
    /// The reason why it is missing.
    pub fn prepare(&self, peer: &Peer) -> Result<Ready, String> {
        fs::create_dir_all(&self.built).map_err(|e| e.to_string())?;
        match peer.kind {
            Kind::Ours => ours(),
            Kind::Rust => self.build(peer.name),
            Kind::Python => {
                let python = self.interpreter()?;
                let import = Command::new(&python)
                    .args(["-c", &format!("import {}", peer.name)])
                    .output()
                    .map_err(|e| format!("{}: {e}", python.display()))?;
                if !import.status.success() {
                    return Err(last_line(&import.stderr));
                }
                let script = format!("python/peer_{}.py", peer.name);
                Ok(Ready {
                    program: python,
                    steps: None,
                    script: Some(self.sources.join(script)),
                })
            }
        }
    }

    fn build(&self, name: &str) -> Result<Ready, String> {
        let target = self.built.join("build").join(name);
        // As their authors advise; ours is built as users build it.
        let build = Command::new("cargo")
            .args(["build", "--release", "--locked"])
            .current_dir(self.sources.join(name))
            .env("CARGO_TARGET_DIR", &target)
            .env("RUSTFLAGS", "-C target-cpu=native")
            .output()
            .map_err(|e| format!("cargo: {e}"))?;
        if !build.status.success() {
            return Err(format!("does not build: {}", last_line(&build.stderr)));
        }
        Ok(Ready {
            program: target.join("release").join(format!("peer-{name}")),
            steps: None,
            script: None,
        })
    }

    /// The Python with the packages of `requirements.txt`: the one named, or one made here.
    fn interpreter(&self) -> Result<PathBuf, String> {
        if let Some(python) = &self.python {
            return Ok(python.clone());
        }
        let venv = self.built.join("venv");
        let python = venv.join("bin/python");
        let done = venv.join("installed");
        if done.exists() {
            return Ok(python);
        }
        let run = |command: &mut Command| -> Result<(), String> {
            let out = command.output().map_err(|e| e.to_string())?;
            match out.status.success() {
                true => Ok(()),
                false => Err(last_line(&out.stderr)),
            }
        };
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "-r"])
            .arg(self.sources.join("python/requirements.txt")))?;
        fs::write(done, "").map_err(|e| e.to_string())?;
        Ok(python)
    }

    /// The versions of what a peer measures, from its lock file or its interpreter.
    pub fn versions(&self, peer: &Peer, ready: &Ready) -> BTreeMap<String, String> {
        match peer.kind {
            Kind::Ours => BTreeMap::new(),
            Kind::Rust => {
                let lock = self.sources.join(peer.name).join("Cargo.lock");
                let lock = fs::read_to_string(lock).unwrap_or_default();
                let wanted = |n: &str| match peer.name {
                    "candle" => n == "candle-core" || n == "candle-nn",
                    _ => n == peer.name || peer.prints.contains(&n),
                };
                locked(&lock).filter(|(n, _)| wanted(n)).collect()
            }
            Kind::Python => {
                let code = format!("import {0}; print({0}.__version__)", peer.name);
                let out = Command::new(&ready.program).args(["-c", &code]).output();
                let version = out.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_string());
                BTreeMap::from([(peer.name.to_string(), version.unwrap_or_default())])
            }
        }
    }
}

/// Names and versions in a `Cargo.lock`.
fn locked(lock: &str) -> impl Iterator<Item = (String, String)> + '_ {
    lock.split("[[package]]").filter_map(|block| {
        let field = |key: &str| {
            let line = block.lines().find(|l| l.starts_with(key))?;
            Some(line.split('"').nth(1)?.to_string())
        };
        Some((field("name = ")?, field("version = ")?))
    })
}

/// `ops` and `steps` beside this program, built with it.
fn ours() -> Result<Ready, String> {
    let built = Command::new("cargo")
        .args(["build", "--release", "--quiet", "--package"])
        .args([env!("CARGO_PKG_NAME"), "--bin", "ops", "--bin", "steps"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .map_err(|e| format!("cargo: {e}"))?;
    if !built.status.success() {
        return Err(last_line(&built.stderr));
    }
    let here = std::env::current_exe().map_err(|e| e.to_string())?;
    Ok(Ready {
        program: here.with_file_name("ops"),
        steps: Some(here.with_file_name("steps")),
        script: None,
    })
}

/// What a program last complained of.
fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().rev().find(|l| !l.trim().is_empty());
    line.unwrap_or("no message")
        .trim()
        .chars()
        .take(160)
        .collect()
}

impl Ready {
    /// Runs one workload once, in a process of its own.
    ///
    /// # Errors
    /// Why there is no figure: it crashed, hung or cannot be started.
    pub fn measure(
        &self,
        workload: &str,
        threads: usize,
        seconds: f64,
    ) -> Result<Vec<Value>, String> {
        let steps = self.steps.as_ref().filter(|_| goals::is_step(workload));
        let mut command = run::threaded(steps.unwrap_or(&self.program), threads);
        command.args(&self.script).arg(workload);
        command.env("COMPARE_SECONDS", seconds.to_string());
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| e.to_string())?;
        // Both pipes are read to their ends, so that a talkative program cannot fill one and hang.
        let mut err = child.stderr.take().ok_or("no stderr")?;
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            err.read_to_end(&mut text).map(|_| text)
        });
        let mut out = child.stdout.take().ok_or("no stdout")?;
        let lines = std::thread::spawn(move || {
            let mut text = String::new();
            out.read_to_string(&mut text).map(|_| text)
        });
        let limit = Duration::from_secs_f64(60.0 + 10.0 * seconds);
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
                break status;
            }
            if begin.elapsed() > limit {
                child.kill().map_err(|e| e.to_string())?;
                child.wait().map_err(|e| e.to_string())?;
                return Err(format!("no figure within {:.0} s", limit.as_secs_f64()));
            }
            sleep(Duration::from_millis(5));
        };
        let text = lines.join().map_err(|_| "reader")?;
        let text = text.map_err(|e| e.to_string())?;
        let parsed: Vec<Value> = text
            .lines()
            .filter_map(|l| serde_json::from_str(l).ok())
            .collect();
        if !status.success() {
            let errors = errors.join().map_err(|_| "reader")?.unwrap_or_default();
            return Err(format!("{status}: {}", last_line(&errors)));
        }
        if parsed.is_empty() {
            return Err("printed no figure".to_string());
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_lock_file() {
        let lock = "[[package]]\nname = \"dfdx\"\nversion = \"0.13.0\"\n\n[[package]]\nname = \"x\"\nversion = \"1\"\n";
        let found: Vec<_> = locked(lock).collect();
        assert_eq!(found[0], ("dfdx".to_string(), "0.13.0".to_string()));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_program_that_fails_is_a_reason() {
        let gone = Ready {
            program: PathBuf::from("/nowhere/peer"),
            steps: None,
            script: None,
        };
        assert!(gone.measure("W1", 2, 0.1).is_err());
        let fails = Ready {
            program: PathBuf::from("false"),
            steps: None,
            script: None,
        };
        let reason = fails.measure("W1", 2, 0.1).unwrap_err();
        assert!(reason.contains("exit status: 1"), "{reason}");
        let silent = Ready {
            program: PathBuf::from("true"),
            steps: None,
            script: None,
        };
        assert_eq!(
            silent.measure("W1", 2, 0.1).unwrap_err(),
            "printed no figure"
        );
    }
}
