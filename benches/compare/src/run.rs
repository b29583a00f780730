//! How a program is started with so many threads: the same for ours and for every peer.
//!
//! One thread means one core too: pinned, so that no library's helper thread gives it a second.

use std::path::Path;
use std::process::{Command, Stdio};

/// The variables by which the libraries take their number of threads.
const THREADS: [&str; 7] = [
    "WENGERT_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MATMUL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
];

/// A call of the program with so many threads.
pub fn threaded(program: &Path, threads: usize) -> Command {
    let mut command = if threads == 1 && can_pin() {
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", &last_core().to_string()]).arg(program);
        pinned
    } else {
        Command::new(program)
    };
    for name in THREADS {
        command.env(name, threads.to_string());
    }
    // Settings for another machine's processor make NumPy slow on this one.
    command
        .env_remove("OPENBLAS_CORETYPE")
        .env_remove("OPENBLAS_L2_SIZE");
    command
}

/// Whether processes can be pinned to a core here.
pub fn can_pin() -> bool {
    let mut probe = Command::new("taskset");
    probe.args(["-c", &last_core().to_string(), "true"]);
    probe.stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|s| s.success())
}

/// The last core: the first one serves most interrupts.
fn last_core() -> usize {
    threads_there().saturating_sub(1)
}

fn threads_there() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
