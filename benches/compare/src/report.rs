//! The tables: medians over the rounds, quotients, goals, page faults and memory.
//!
//! Invariant: every cell says either a figure, or `–` (the peer has no such thing), or why there is none.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::goals::{Goal, describe, goals};
use crate::peers::{Peer, RUST_PEERS};

/// The figures of one program on one workload with so many threads, over the rounds.
#[derive(Debug, Default)]
struct Cell {
    medians: Vec<f64>,
    min: Option<f64>,
    faults: Vec<f64>,
    peaks: Vec<f64>,
    files: Vec<f64>,
    fresh: Vec<f64>,
    unsupported: bool,
    failed: Option<String>,
}

impl Cell {
    fn median(&self) -> Option<f64> {
        middle(&self.medians)
    }

    /// How far the rounds lie apart, relative to their median.
    fn spread(&self) -> Option<f64> {
        let max = self.medians.iter().copied().reduce(f64::max)?;
        let min = self.medians.iter().copied().reduce(f64::min)?;
        Some((max - min) / self.median()?)
    }
}

/// The median: the mean of the two in the middle where there are as many above as below.
fn middle(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

/// Everything measured.
#[derive(Debug, Default)]
pub struct Report {
    cells: BTreeMap<(String, String, usize), Cell>,
    missing: Vec<(Peer, String)>,
}

impl Report {
    /// Takes a line that a program printed.
    pub fn line(&mut self, line: &Value) {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_string();
        let threads = line["threads"].as_u64().unwrap_or(0) as usize;
        let key = (text("workload"), text("peer"), threads);
        let cell = self.cells.entry(key).or_default();
        if line["unsupported"] == true {
            cell.unsupported = true;
        } else if let Some(reason) = line["error"].as_str() {
            cell.failed = Some(reason.to_string());
        } else if let Some(median) = line["median_us"].as_f64() {
            cell.medians.push(median);
            let min = line["min_us"].as_f64().unwrap_or(median);
            cell.min = Some(cell.min.map_or(min, |m| m.min(min)));
            cell.faults.extend(line["minflt_per_rep"].as_f64());
            cell.peaks.extend(line["peak_rss_mb"].as_f64());
            cell.files.extend(line["file_rss_mb"].as_f64());
            cell.fresh.extend(line["fresh_per_rep"].as_f64());
        }
    }

    /// Notes that a peer is not there at all.
    pub fn missing(&mut self, peer: &Peer, reason: &str) {
        self.missing.push((peer.clone(), reason.to_string()));
    }

    fn time(&self, workload: &str, peer: &str, threads: usize) -> Option<f64> {
        let key = (workload.to_string(), peer.to_string(), threads);
        self.cells.get(&key)?.median()
    }

    fn cell(&self, workload: &str, peer: &str, threads: usize) -> Option<&Cell> {
        self.cells
            .get(&(workload.to_string(), peer.to_string(), threads))
    }

    /// The fastest of these peers (of all, where none is named), and its time.
    fn best(&self, workload: &str, peers: &[&str], threads: usize) -> Option<(&str, f64)> {
        let ours = |p: &str| p == "wengert";
        let asked = |p: &str| !ours(p) && (peers.is_empty() || peers.contains(&p));
        self.cells
            .iter()
            .filter(|((w, p, t), _)| w == workload && *t == threads && asked(p))
            .filter_map(|((_, p, _), c)| Some((p.as_str(), c.median()?)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Every table, as Markdown.
    pub fn markdown(&self, workloads: &[&str], threads: &[usize], peers: &[&str]) -> String {
        let mut out = String::new();
        self.write_missing(&mut out);
        self.write_goals(&mut out, workloads, threads);
        for &t in threads {
            self.write_times(&mut out, workloads, t, peers);
        }
        for &t in threads {
            self.write_memory(&mut out, workloads, t);
        }
        if threads.contains(&1) && threads.len() > 1 {
            self.write_scaling(&mut out, workloads, threads);
        }
        out
    }

    fn is_missing(&self, printed: &str) -> bool {
        self.missing
            .iter()
            .any(|(p, _)| p.prints.contains(&printed))
    }

    fn write_missing(&self, out: &mut String) {
        if self.missing.is_empty() {
            out.push_str("No peer is missing.\n");
            return;
        }
        out.push_str("**Missing peers**: the best peer below is the best of those that ran.\n\n");
        for (peer, reason) in &self.missing {
            let _ = writeln!(out, "- {}: {reason}", peer.name);
        }
    }

    fn write_goals(&self, out: &mut String, workloads: &[&str], threads: &[usize]) {
        out.push_str(
            "\n## Goals\n\nOur time divided by the time of the peer; medians of the rounds.\n\n",
        );
        let mut head = "| workload | | against | goal |".to_string();
        let mut rule = "|---|---|---|---|".to_string();
        for t in threads {
            let _ = write!(head, " {} | met |", plural(*t));
            rule.push_str("---|---|");
        }
        let _ = writeln!(out, "{head}\n{rule}");
        let mut met = 0;
        let mut all = 0;
        for w in workloads {
            for goal in goals(w) {
                let bound = goal_text(goal.ratio);
                let against = goal.against;
                let _ = write!(out, "| {w} | {} | {against} | ≤ {bound} |", describe(w));
                for &t in threads {
                    all += 1;
                    let (ratio, verdict) = self.verdict(w, &goal, t);
                    met += usize::from(verdict == "yes");
                    let _ = write!(out, " {ratio} | {verdict} |");
                }
                out.push('\n');
            }
        }
        let _ = writeln!(out, "\n{met} of {all} met.");
    }

    fn verdict(&self, workload: &str, goal: &Goal, threads: usize) -> (String, &'static str) {
        let Some(ours) = self.time(workload, "wengert", threads) else {
            return ("no figure of ours".to_string(), "**unknown**");
        };
        let Some((name, theirs)) = self.best(workload, goal.peers, threads) else {
            return (self.why_none(workload, goal.peers, threads), "**unknown**");
        };
        let ratio = ours / theirs;
        let verdict = if ratio <= goal.ratio { "yes" } else { "**no**" };
        let named = match goal.peers {
            [_] => String::new(),
            _ => format!(" ({name})"),
        };
        (format!("{}{named}", goal_text(ratio)), verdict)
    }

    fn why_none(&self, workload: &str, peers: &[&str], threads: usize) -> String {
        let reasons: Vec<String> = peers
            .iter()
            .map(|p| format!("{p}: {}", self.entry(workload, p, threads)))
            .collect();
        match reasons.is_empty() {
            true => "no peer ran".to_string(),
            false => reasons.join("; "),
        }
    }

    /// A cell of the table of times.
    fn entry(&self, workload: &str, peer: &str, threads: usize) -> String {
        let Some(cell) = self.cell(workload, peer, threads) else {
            return "missing".to_string();
        };
        match (cell.median(), &cell.failed) {
            (Some(t), _) => micros(t),
            (None, Some(reason)) => format!("failed ({reason})"),
            (None, None) => "–".to_string(),
        }
    }

    fn write_times(&self, out: &mut String, workloads: &[&str], threads: usize, peers: &[&str]) {
        let _ = writeln!(out, "\n## Times, {}\n", plural(threads));
        out.push_str(
            "Median of the rounds' medians; the best peer is in bold. ± is the range of our medians over the rounds.\n",
        );
        // The crates for products alone would be empty columns beside everything else.
        let (products, others): (Vec<&str>, Vec<&str>) =
            workloads.iter().partition(|w| w.starts_with("O1"));
        for group in [others, products] {
            if !group.is_empty() {
                out.push('\n');
                self.write_group(out, &group, threads, peers);
            }
        }
    }

    /// Whether a column for this peer says anything about these workloads.
    fn says(&self, workloads: &[&str], peer: &str, threads: usize) -> bool {
        let gone = |w: &str| {
            let of = |p: &&(Peer, String)| p.0.prints.contains(&peer) && p.0.runs(w);
            self.missing.iter().any(|p| of(&p))
        };
        workloads.iter().any(|w| match self.cell(w, peer, threads) {
            Some(cell) => !cell.medians.is_empty() || cell.failed.is_some(),
            None => gone(w),
        })
    }

    fn write_group(&self, out: &mut String, workloads: &[&str], threads: usize, peers: &[&str]) {
        let shown: Vec<&&str> = peers
            .iter()
            .filter(|p| **p != "wengert" && self.says(workloads, p, threads))
            .collect();
        let mut head = "| workload | wengert | ± | ours ÷ best |".to_string();
        for p in &shown {
            let _ = write!(head, " {p} |");
        }
        let _ = writeln!(out, "{head}\n|{}", "---|".repeat(4 + shown.len()));
        for w in workloads {
            let ours = self.time(w, "wengert", threads);
            let best = self.best(w, &[], threads);
            let ratio = ours.zip(best).map(|(o, b)| goal_text(o / b.1));
            let spread = self.cell(w, "wengert", threads).and_then(Cell::spread);
            let _ = write!(
                out,
                "| {w} | {} | {} | {} |",
                self.entry(w, "wengert", threads),
                spread.map_or("–".to_string(), |s| format!("{:.0} %", s * 100.0)),
                ratio.unwrap_or_else(|| "–".to_string()),
            );
            for p in &shown {
                let text = match self.cell(w, p, threads) {
                    // A program that was not started for this workload, as it has nothing to say on it.
                    None if !self.is_missing(p) => "–".to_string(),
                    _ => self.entry(w, p, threads),
                };
                if best.is_some_and(|b| b.0 == **p) {
                    let _ = write!(out, " **{text}** |");
                } else {
                    let _ = write!(out, " {text} |");
                }
            }
            out.push('\n');
        }
    }

    fn write_memory(&self, out: &mut String, workloads: &[&str], threads: usize) {
        let _ = writeln!(out, "\n## Memory, {}\n", plural(threads));
        out.push_str("Page faults and blocks allocated by the system are counted for each repetition, after the warm-up. Peaks are\nthose of the whole process, in MiB, compared with the Rust peer that has the smallest. The part in parentheses is\nmapped from the files of the program and its libraries.\n\n");
        out.push_str("| workload | fresh blocks | faults | best peer's faults | peak | Rust peer's peak | ours ÷ theirs |\n|---|---|---|---|---|---|---|\n");
        for w in workloads {
            let ours = self.cell(w, "wengert", threads);
            let number = |v: Option<f64>| v.map_or("–".to_string(), |v| trim(v, 1));
            let best = self.best(w, &[], threads);
            let faults =
                best.and_then(|(p, _)| Some((p, middle(&self.cell(w, p, threads)?.faults)?)));
            let lean = RUST_PEERS
                .iter()
                .filter_map(|p| Some((*p, middle(&self.cell(w, p, threads)?.peaks)?)))
                .min_by(|a, b| a.1.total_cmp(&b.1));
            let peak = ours.and_then(|c| middle(&c.peaks));
            let with_files = |peer: &str, peak: f64| {
                let files = self
                    .cell(w, peer, threads)
                    .and_then(|c| middle(&c.files))
                    .map(|f| format!(" ({})", trim(f, 1)));
                trim(peak, 1) + &files.unwrap_or_default()
            };
            let named = |v: Option<(&str, f64)>| {
                v.map_or("–".to_string(), |(p, v)| format!("{} ({p})", trim(v, 1)))
            };
            let _ = writeln!(
                out,
                "| {w} | {} | {} | {} | {} | {} | {} |",
                number(ours.and_then(|c| middle(&c.fresh))),
                number(ours.and_then(|c| middle(&c.faults))),
                named(faults),
                peak.map_or("–".to_string(), |v| with_files("wengert", v)),
                lean.map_or("–".to_string(), |(p, v)| format!(
                    "{p} {}",
                    with_files(p, v)
                )),
                peak.zip(lean)
                    .map_or("–".to_string(), |(o, t)| goal_text(o / t.1)),
            );
        }
    }

    fn write_scaling(&self, out: &mut String, workloads: &[&str], threads: &[usize]) {
        out.push_str("\n## Slower with more threads\n\n");
        let mut any = false;
        for &t in threads.iter().filter(|t| **t > 1) {
            for w in workloads {
                let one = self.time(w, "wengert", 1);
                let Some((one, more)) = one.zip(self.time(w, "wengert", t)) else {
                    continue;
                };
                if more > one {
                    any = true;
                    let _ = writeln!(
                        out,
                        "- {w}: {} with one thread, {} with {t} ({:+.0} %)",
                        micros(one),
                        micros(more),
                        (more / one - 1.0) * 100.0
                    );
                }
            }
        }
        if !any {
            out.push_str("None.\n");
        }
    }
}

fn plural(threads: usize) -> String {
    match threads {
        1 => "1 thread".to_string(),
        t => format!("{t} threads"),
    }
}

/// A quotient, or its inverse where that reads better.
fn goal_text(ratio: f64) -> String {
    if ratio < 0.05 {
        format!("1/{:.0}", 1.0 / ratio)
    } else {
        trim(ratio, 2)
    }
}

fn trim(v: f64, digits: usize) -> String {
    let text = format!("{v:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

fn micros(us: f64) -> String {
    match us {
        t if t < 1.0 => format!("{:.0} ns", t * 1e3),
        t if t < 10.0 => format!("{t:.2} µs"),
        t if t < 100.0 => format!("{t:.1} µs"),
        t if t < 1000.0 => format!("{t:.0} µs"),
        t if t < 1e4 => format!("{:.2} ms", t / 1e3),
        t if t < 1e5 => format!("{:.1} ms", t / 1e3),
        t => format!("{:.0} ms", t / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::peers::PEERS;

    fn line(peer: &str, workload: &str, threads: usize, us: f64) -> Value {
        json!({"peer": peer, "workload": workload, "threads": threads, "median_us": us, "min_us": us,
               "peak_rss_mb": us, "minflt_per_rep": 1.0})
    }

    #[test]
    fn the_median_of_an_even_number_is_the_mean_of_the_two_in_the_middle() {
        assert_eq!(middle(&[]), None);
        assert_eq!(middle(&[3.0]), Some(3.0));
        assert_eq!(middle(&[4.0, 1.0]), Some(2.5));
        assert_eq!(middle(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(middle(&[9.0, 1.0, 2.0, 4.0]), Some(3.0));
    }

    #[test]
    fn goals_are_met_or_not_by_the_median_of_the_rounds() {
        let mut report = Report::default();
        for us in [1.0, 5.9, 100.0] {
            report.line(&line("wengert", "W1", 1, us));
        }
        report.line(&line("wengert", "W1", 2, 6.1));
        for t in [1, 2] {
            report.line(&line("dfdx", "W1", t, 10.0));
            report.line(&line("torch", "W1", t, 480.0));
        }
        let text = report.markdown(&["W1"], &[1, 2], &["wengert", "dfdx", "torch"]);
        assert!(
            text.contains("dfdx | ≤ 0.6 | 0.59 | yes | 0.61 | **no** |"),
            "{text}"
        );
        assert!(
            text.contains("PyTorch | ≤ 1/80 | 1/81 | yes | 1/79 | **no** |"),
            "{text}"
        );
        assert!(text.contains("2 of 4 met"), "{text}");
        assert!(text.contains("**10.0 µs**"), "{text}");
        assert!(
            text.contains("- W1: 5.90 µs with one thread, 6.10 µs with 2 (+3 %)"),
            "{text}"
        );
    }

    #[test]
    fn peaks_of_memory_say_what_of_them_are_files_where_that_is_known() {
        let mut report = Report::default();
        let mut ours = line("wengert", "W1", 1, 5.0);
        ours["file_rss_mb"] = json!(4.2);
        report.line(&ours);
        report.line(&line("dfdx", "W1", 1, 4.0));
        report.line(&line("candle", "W1", 1, 8.0));
        let text = report.markdown(&["W1"], &[1], &["wengert", "dfdx", "candle"]);
        assert!(text.contains("| 5 (4.2) | dfdx 4 | 1.25 |"), "{text}");
    }

    #[test]
    fn what_is_missing_or_fails_is_said() {
        let mut report = Report::default();
        report.line(&line("wengert", "W8", 1, 5.0));
        report.line(&json!({"peer": "dfdx", "workload": "W8", "threads": 1, "error": "signal: 6"}));
        report.line(&json!({"peer": "numpy", "workload": "W8", "threads": 1, "unsupported": true}));
        report.line(&line("numpy", "W1", 1, 20.0));
        let burn = PEERS.iter().find(|p| p.name == "burn").unwrap();
        report.missing(burn, "does not build");
        let text = report.markdown(
            &["W1", "W8"],
            &[1],
            &["wengert", "dfdx", "numpy", "burn-flex"],
        );
        assert!(text.contains("- burn: does not build"), "{text}");
        assert!(
            text.contains("dfdx: failed (signal: 6) | **unknown** |"),
            "{text}"
        );
        assert!(
            text.contains("| failed (signal: 6) | – | missing |"),
            "{text}"
        );
        assert!(text.contains("0 of 3 met"), "{text}");
    }
}
