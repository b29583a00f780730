#!/usr/bin/env python3
"""Mutation run over every rule: does the suite fail when a gradient is wrong?

    python3 tests/mutants.py            # all mutants; prints the score and every survivor
    python3 tests/mutants.py --list     # only what would be changed
    python3 tests/mutants.py --only scan.rs

Each mutant is one small change in the rules and calls of `crates/autograd/src/ops`: `*` for `/`, `+`
for `-`, another number, a function left out, a condition turned round. (cargo-mutants does not look
into macros, where most of these rules are, and would compile the crate once a mutant.) Here all
mutants are compiled at once, into a copy of the workspace under `target/mutants`, each behind a switch
that the environment variable MUTANT turns on; then the test programs run once for each. A mutant that
no test fails for is a survivor.

How a switch is put in without parsing Rust: the formatter leaves binary operators between spaces, so
`a * b` becomes `a % Times(7) * b`, whose operators have the same precedence: `a % Times(7)` holds
`a` until it is multiplied, and divides if mutant 7 is on.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "target" / "mutants"
OPS = Path("crates/autograd/src/ops")
# Not rules: the list, and the macro that makes blocks.
SKIPPED = {"mod.rs", "block.rs"}
# The quickest first. (Of errors those that no switch takes the caller's line from.)
TESTS = {"goldens": [], "operators": ["addition", "subtraction", "multiplication", "division", "negation"], "errors": ["losses", "classes"], "ops": []}

SWITCHES = """//! Switches of the mutation run.
#![allow(dead_code, missing_docs)]
use std::ops::*;
use std::sync::LazyLock;

use wengert_tensor::{Float, Tensor};

use crate::error::Result;
use crate::var::Var;

static ON: LazyLock<u32> = LazyLock::new(|| {
    std::env::var("MUTANT").ok().and_then(|v| v.parse().ok()).unwrap_or(u32::MAX)
});

pub fn on(id: u32) -> bool {
    *ON == id
}

pub struct Times(pub u32);
pub struct Plus(pub u32);
pub struct Held<L>(L, u32);

macro_rules! hold {
    ($(($($g:tt)*) $t:ty;)*) => {$(
        impl<$($g)*> Rem<Times> for $t {
            type Output = Held<$t>;
            fn rem(self, m: Times) -> Held<$t> { Held(self, m.0) }
        }
        impl<$($g)*> Sub<Plus> for $t {
            type Output = Held<$t>;
            fn sub(self, m: Plus) -> Held<$t> { Held(self, m.0) }
        }
    )*};
}
hold! {
    ('a, T: Float) &'a Var<T>; (T: Float) Var<T>; ('a, T: Float) &'a Tensor<T>; (T: Float) Tensor<T>;
    () f64; () usize; () isize; () i64;
}
impl<R, L: Mul<R> + Div<R, Output = <L as Mul<R>>::Output>> Mul<R> for Held<L> {
    type Output = <L as Mul<R>>::Output;
    fn mul(self, r: R) -> Self::Output { if on(self.1) { self.0 / r } else { self.0 * r } }
}
impl<R, L: Div<R> + Mul<R, Output = <L as Div<R>>::Output>> Div<R> for Held<L> {
    type Output = <L as Div<R>>::Output;
    fn div(self, r: R) -> Self::Output { if on(self.1) { self.0 * r } else { self.0 / r } }
}
impl<R, L: Add<R> + Sub<R, Output = <L as Add<R>>::Output>> Add<R> for Held<L> {
    type Output = <L as Add<R>>::Output;
    fn add(self, r: R) -> Self::Output { if on(self.1) { self.0 - r } else { self.0 + r } }
}
impl<R, L: Sub<R> + Add<R, Output = <L as Sub<R>>::Output>> Sub<R> for Held<L> {
    type Output = <L as Sub<R>>::Output;
    fn sub(self, r: R) -> Self::Output { if on(self.1) { self.0 + r } else { self.0 - r } }
}

pub fn float(id: u32, v: f64) -> f64 {
    if on(id) { v * 1.37 + 0.23 } else { v }
}
pub trait Int { fn next(self) -> Self; }
macro_rules! ints { ($($t:ty)*) => {$(impl Int for $t { fn next(self) -> $t { self + 1 } })*}; }
ints!(usize isize i64);
pub fn int<N: Int>(id: u32, v: N) -> N {
    if on(id) { v.next() } else { v }
}
pub fn not(id: u32, v: bool) -> bool {
    v != on(id)
}

pub trait Mutate: Sized + Clone {
    fn left_out(&self, id: u32, f: impl FnOnce(&Self) -> Self) -> Self {
        if on(id) { self.clone() } else { f(self) }
    }
    fn try_left_out<E>(&self, id: u32, f: impl FnOnce(&Self) -> std::result::Result<Self, E>) -> std::result::Result<Self, E> {
        if on(id) { Ok(self.clone()) } else { f(self) }
    }
}
impl<T: Float> Mutate for Var<T> {}
impl<T: Float> Mutate for Tensor<T> {}

pub trait Swap: Sized {
    type E;
    fn swap_add(&self, id: u32, o: &Self) -> std::result::Result<Self, Self::E>;
    fn swap_sub(&self, id: u32, o: &Self) -> std::result::Result<Self, Self::E>;
    fn swap_mul(&self, id: u32, o: &Self) -> std::result::Result<Self, Self::E>;
    fn swap_div(&self, id: u32, o: &Self) -> std::result::Result<Self, Self::E>;
}
macro_rules! swap {
    ($t:ident $e:ty) => {
        impl<T: Float> Swap for $t<T> {
            type E = $e;
            fn swap_add(&self, id: u32, o: &Self) -> std::result::Result<Self, $e> {
                if on(id) { self.try_sub(o) } else { self.try_add(o) }
            }
            fn swap_sub(&self, id: u32, o: &Self) -> std::result::Result<Self, $e> {
                if on(id) { self.try_add(o) } else { self.try_sub(o) }
            }
            fn swap_mul(&self, id: u32, o: &Self) -> std::result::Result<Self, $e> {
                if on(id) { self.try_div(o) } else { self.try_mul(o) }
            }
            fn swap_div(&self, id: u32, o: &Self) -> std::result::Result<Self, $e> {
                if on(id) { self.try_mul(o) } else { self.try_div(o) }
            }
        }
    };
}
swap!(Var crate::Error);
swap!(Tensor wengert_tensor::Error);
"""

UNARY = "neg|square|sqrt|rsqrt|recip|abs|exp|ln|sin|cos|sinh|cosh|tanh|sigmoid|erf|sign|softplus"
SAME = "flip|cumsum|cumprod|clamp|masked_fill|tril|triu|roll|sum_to|expand"
USE = "#[allow(unused_imports)]\nuse crate::switches::{self, Mutate as _, Plus, Swap as _, Times};\n"


def hidden(text):
    """Offsets that are not rules: comments, tests' samples and references, texts, attributes."""
    spans = [m.span() for m in re.finditer(r"//[^\n]*|\"(?:[^\"\\]|\\.)*\"|#\[[^\n]*\]|^use [^;]*;", text, re.M)]
    for m in re.finditer(r"^(?:pub\((?:crate|super)\) )?(?:static \w+: OpInfo|const\b|macro_rules!|entry!)", text, re.M):
        spans.append((m.start(), block_end(text, m.start())))
    # Blocks of unary ops: what is behind the rule and the fused rule.
    for m in re.finditer(r"^    (?:reference|samples|ties|formula|in) ", text, re.M):
        end = text.index("\n}", m.start())
        stop = end if m.group().strip() in ("reference", "samples", "ties") else text.index("\n", m.start())
        spans.append((m.start(), stop))
    # Free functions that only samples and references call.
    for m in re.finditer(r"^fn (\w+)[^\n]*", text, re.M):
        body = text[m.start():block_end(text, m.start())]
        if "Var<T>" not in body and "Tensor<T>" not in body or "Array" in body or "Sample" in body or m[1] == "weighted":
            spans.append((m.start(), block_end(text, m.start())))
    # What the printed tape says of an op.
    for m in re.finditer(r"^    fn (?:detail|name)\(", text, re.M):
        spans.append((m.start(), text.index("\n    }", m.start())))
    return spans


def block_end(text, start):
    depth, i = 0, start
    while True:
        c = text[i]
        if c in "{([":
            depth += 1
        elif c in "})]":
            depth -= 1
            if depth == 0 and c in "})" and text[i + 1:i + 2] in ("\n", ";", ""):
                return i + 1
        elif c == ";" and depth == 0:
            return i + 1
        i += 1


def closing(text, at):
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    raise ValueError("unbalanced")


def points(text):
    """(start, end, replacement with {id}, what) for each mutant of a file."""
    found = []
    for m in re.finditer(r" ([*/+-]) (?!=)", text):
        kind = "% Times({id})" if m[1] in "*/" else "- Plus({id})"
        swapped = {"*": "/", "/": "*", "+": "-", "-": "+"}[m[1]]
        found.append((m.start(), m.end(), f" {kind} {m[1]} ", f"{m[1]} for {swapped}"))
    for m in re.finditer(r"(?<![\w.])-?\d+\.\d+(?![\w.])|(?<![\w.])-?\d+\.\d+e-?\d+", text):
        found.append((m.start(), m.end(), f"switches::float({{id}}, {m[0]})", f"another number than {m[0]}"))
    for m in re.finditer(r"(?<=[(, ])-?\d+(?=[),])", text):
        found.append((m.start(), m.end(), f"switches::int({{id}}, {m[0]})", f"another index than {m[0]}"))
    for m in re.finditer(rf"\.({UNARY})\(\)", text):
        found.append((m.start(), m.end(), f".left_out({{id}}, |v| v{m[0]})", f"without {m[0]}"))
    for m in re.finditer(rf"\.({SAME})\(", text):
        end = closing(text, m.end() - 1) + 1
        if text[end:end + 1] == "?":
            call = text[m.start():end]
            found.append((m.start(), end, f".try_left_out({{id}}, |v| v{brace(call)})", f"without {call}"))
    for m in re.finditer(r"\.try_(add|sub|mul|div)\(", text):
        found.append((m.start(), m.end(), f".swap_{m[1]}({{id}}, ", f"the inverse of try_{m[1]}"))
    for m in re.finditer(r"\bif (?!let\b)([^{}\n]+) \{", text):
        found.append((m.start(1), m.end(1), f"switches::not({{id}}, {brace(m[1])})", f"not {m[1]}"))
    return found


def brace(code):
    return code.replace("{", "{{").replace("}", "}}")


def mutate(only, dropped):
    """Writes the switched files; gives the mutants as {id: (file, line, what)}."""
    mutants, number = {}, 0
    for path in sorted((ROOT / OPS).glob("*.rs")):
        if path.name in SKIPPED or only and path.name != only:
            continue
        text = path.read_text()
        spans = hidden(text)
        edits = []
        for start, end, new, what in sorted(points(text)):
            number += 1
            line = text.count("\n", 0, start) + 1
            if any(a <= start < b for a, b in spans) or (path.name, start, what) in dropped:
                continue
            if edits and start < edits[-1][1]:
                continue  # inside a wider one
            edits.append((start, end, new.format(id=number)))
            mutants[number] = (path.name, line, what, start)
        out, at = [], 0
        for start, end, new in edits:
            out += [text[at:start], new]
            at = end
        text = "".join(out) + text[at:]
        head = re.search(r"^(?!//!|\n)", text, re.M).start()
        (COPY / OPS / path.name).write_text(text[:head] + USE + text[head:])
    return mutants


def build():
    """The test programs, or the lines of the ops that do not compile."""
    env = dict(os.environ, CARGO_TARGET_DIR=str(COPY / "target"))
    command = ["cargo", "test", "-p", "wengert-autograd", "--no-run"] + [a for t in TESTS for a in ("--test", t)]
    run = subprocess.run(command + ["--message-format=json"], cwd=COPY, env=env, capture_output=True, text=True)
    programs, bad = {}, set()
    for line in run.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable"):
            programs[message["target"]["name"]] = message["executable"]
        inner = message.get("message") or {}
        if isinstance(inner, dict) and inner.get("level") == "error":
            for span in inner["spans"]:
                while span.get("expansion") and "ops/" not in span["file_name"]:
                    span = span["expansion"]["span"]
                if "/ops/" in span["file_name"]:
                    bad.add((Path(span["file_name"]).name, span["line_start"], span["line_end"], inner["message"]))
    if run.returncode and not bad:
        sys.exit(run.stderr[-4000:])
    return programs, bad


def killed(programs, number):
    env = dict(os.environ, MUTANT=str(number), RAYON_NUM_THREADS="1", RUST_BACKTRACE="0")
    for name in TESTS:
        try:
            run = subprocess.run([programs[name], *TESTS[name]], cwd=COPY / "crates/autograd", env=env, capture_output=True, timeout=300)
        except subprocess.TimeoutExpired:
            return True
        if run.returncode:
            return True
    return False


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--list", action="store_true")
    options.add_argument("--only")
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    options = options.parse_args()
    COPY.mkdir(parents=True, exist_ok=True)
    for name in ("crates", "testdata", "src", "examples", "tests", "benches"):
        if (ROOT / name).exists():
            shutil.rmtree(COPY / name, ignore_errors=True)
            shutil.copytree(ROOT / name, COPY / name)
    for name in ("Cargo.toml", "Cargo.lock", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, COPY / name)
    (COPY / "crates/autograd/src/switches.rs").write_text(SWITCHES)
    lib = COPY / "crates/autograd/src/lib.rs"
    lib.write_text(lib.read_text().replace("mod var;", "pub mod switches;\nmod var;"))

    dropped = set()
    while True:
        mutants = mutate(options.only, dropped)
        if options.list:
            for number, (file, line, what, _) in mutants.items():
                print(f"{number:5} {file}:{line} {what}")
            return
        programs, bad = build()
        if not bad:
            break
        before = len(dropped)
        for file, first, last, _ in bad:
            # The lines added at the head shift what is below them.
            shift = USE.count("\n")
            for f, line, what, start in mutants.values():
                if f == file and first - shift <= line <= last - shift:
                    dropped.add((f, start, what))
        if len(dropped) == before:
            sys.exit("does not compile:\n" + "\n".join(map(str, sorted(bad))))
        print(f"{len(dropped)} changes do not compile and are left out", flush=True)
    if killed(programs, 0):
        sys.exit("the suite fails without a mutant")
    survivors = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for number, dead in zip(mutants, pool.map(lambda n: killed(programs, n), mutants)):
            if not dead:
                file, line, what, _ = mutants[number]
                survivors.append(number)
                print(f"survived: {number} {file}:{line} {what}", flush=True)
    n = len(mutants)
    print(f"score: {n - len(survivors)} of {n} mutants killed ({100 * (n - len(survivors)) / n:.1f} %)")


if __name__ == "__main__":
    main()
