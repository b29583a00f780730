//! The machine and the tools that figures belong to.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// Facts by name, in the order of the page.
pub fn facts() -> Vec<(&'static str, String)> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = field(&cpuinfo, "model name").unwrap_or("unknown");
    vec![
        ("processor", format!("{model}, {cores} cores")),
        ("caches", caches()),
        ("instruction sets", instruction_sets(&cpuinfo)),
        ("memory", memory()),
        ("system", said("uname", &["-sr"])),
        ("rustc", said("rustc", &["--version"])),
        (
            "commit",
            said("git", &["describe", "--always", "--dirty", "--abbrev=12"]),
        ),
        ("date", today()),
        ("load before the start", load()),
    ]
}

fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let line = text.lines().find(|l| l.starts_with(key))?;
    Some(line.split_once(':')?.1.trim())
}

fn caches() -> String {
    let mut found = Vec::new();
    for i in 0..8 {
        let read = |file: &str| {
            let path = format!("/sys/devices/system/cpu/cpu0/cache/index{i}/{file}");
            fs::read_to_string(path).map(|s| s.trim().to_string())
        };
        if let (Ok(level), Ok(kind), Ok(size)) = (read("level"), read("type"), read("size")) {
            let kind = match kind.as_str() {
                "Data" => "d",
                "Instruction" => "i",
                _ => "",
            };
            found.push(format!("L{level}{kind} {size}"));
        }
    }
    if found.is_empty() {
        "unknown".to_string()
    } else {
        found.join(", ")
    }
}

fn instruction_sets(cpuinfo: &str) -> String {
    let flags: BTreeSet<&str> = field(cpuinfo, "flags")
        .or_else(|| field(cpuinfo, "Features"))
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    const NAMED: [&str; 8] = [
        "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "amx_bf16", "asimd",
    ];
    let has: Vec<&str> = NAMED.into_iter().filter(|f| flags.contains(f)).collect();
    format!(
        "{}; Wengert uses {}",
        has.join(" "),
        wengert::tensor::active_isa().name()
    )
}

fn memory() -> String {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = field(&info, "MemTotal")
        .and_then(|v| v.split_whitespace().next())
        .and_then(|v| v.parse::<f64>().ok());
    kib.map_or("unknown".to_string(), |k| {
        format!("{:.1} GiB", k / f64::from(1 << 20))
    })
}

fn said(program: &str, args: &[&str]) -> String {
    let out = Command::new(program)
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    match out {
        Ok(o) if o.status.success() => String::from_utf8_lossy(&o.stdout).trim().to_string(),
        _ => "unknown".to_string(),
    }
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let one = text.split_whitespace().next().unwrap_or("unknown");
    one.to_string()
}

/// The date, in universal time.
fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    date(since.map_or(0, |d| d.as_secs() / 86_400))
}

/// The Gregorian date of a day since 1970-01-01, by Hinnant's algorithm (years begin in March there).
fn date(days: u64) -> String {
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn days_become_dates() {
        assert_eq!(super::date(0), "1970-01-01");
        assert_eq!(super::date(19_782), "2024-02-29");
        assert_eq!(super::date(20_089), "2025-01-01");
    }
}
