//! What the system says of this process: its peak memory, page faults and processor time.

use std::fs;

/// Peak resident memory, in MiB.
pub fn peak_mib() -> Option<f64> {
    status_mib("VmHWM:")
}

/// Resident pages of files, the program's and its libraries', in MiB: they belong to the system's cache.
pub fn files_mib() -> Option<f64> {
    status_mib("RssFile:")
}

fn status_mib(what: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with(what))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

/// Page faults served without a disk, and seconds of processor time, since the start.
pub fn faults_and_seconds() -> Option<(f64, f64)> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in parentheses, may hold spaces; after it come the state and numbers.
    let (_, rest) = stat.rsplit_once(')')?;
    let field = |i: usize| -> Option<f64> { rest.split_whitespace().nth(i)?.parse().ok() };
    // In ticks of 10 ms: what Linux shows to user space on every platform of ours.
    Some((field(7)?, (field(11)? + field(12)?) / 100.0))
}
