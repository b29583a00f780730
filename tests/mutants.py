#!/usr/bin/env python3
"""Mutation run over every rule: does the suite fail when a gradient is wrong?

    python3 tests/mutants.py            # all mutants; prints the score and every survivor
    python3 tests/mutants.py --list     # only what would be changed
    python3 tests/mutants.py --only scan.rs
    python3 tests/mutants.py --again LOG    # only the survivors that an earlier run printed

Each mutant is one small change in the rules and calls of `crates/autograd/src/ops`, or in what they rely
on: the backward pass, its nodes and its rules (`tape/backward.rs`, `node.rs`, `rule.rs`). `*` for `/`, `+` for `-`,
another number, a function left out, a condition turned round, a comparison shifted by its edge; a
gradient put at another input or left out, a need turned round, a sum of gradients that keeps one of them.
(cargo-mutants does not look into macros, where many of these rules are, and would compile the crate once a
mutant.) Here all mutants are compiled at once, into a copy of the workspace under `target/mutants`, each
behind a switch that the environment variable MUTANT turns on; then the test programs run once for each,
the quickest killers first: `ops` over the ops of the mutant's file, then the small programs, then `ops`
whole, and random programs with a fixed seed for what is left. A mutant that no test fails for is a
survivor. It must be killed by a new sample or test, or be among EXPLAINED, with the reason.

How a switch is put in without parsing Rust: the formatter leaves binary operators between spaces, so
`a * b` becomes `a % Times(7) * b`, whose operators have the same precedence: `a % Times(7)` holds
`a` until it is multiplied, and divides if mutant 7 is on. What does not compile (a number in a pattern, say)
is taken out again, by the place of the compiler's error.
"""
import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "target" / "mutants"
SRC = Path("crates/autograd/src")
# Not rules: the list, and what its entries are made of.
SKIPPED = {"mod.rs", "info.rs", "naive.rs"}
CORE = ["tape/backward.rs", "tape/node.rs", "tape/rule.rs"]
# Files without ops of their own, and the ops that use what is in them.
USERS = {
    "block.rs": ["square", "sigmoid", "tanh", "exp"],
    "backward.rs": ["add", "mul", "pow", "cat", "softsign", "hypot", "layer_norm"],
    "node.rs": ["add", "mul", "div", "expand", "cat", "mse_loss", "linear"],
    "rule.rs": ["mul", "div", "pow", "cat", "cumprod", "sqrt", "linear"],
    "operators.rs": ["sigmoid", "silu", "gelu", "square"],
}
# What runs for a mutant, in this order, until one fails: program, arguments, whether over the file's own
# ops only.
STAGES = [
    ("ops", [], True),
    ("goldens", [], False),
    ("operators", [], False),
    ("errors", [], False),
    ("numbers", [], False),
    # (The other reads the source.)
    ("error_texts", ["--skip", "every_fallible_call_has_a_case"], False),
    ("engine", [], False),
    ("ops", [], False),
    ("programs", ["--skip", "programs_use_every_op"], False),
]
# Of random programs a few, always the same.
PROPTEST = {"PROPTEST_CASES": "24", "PROPTEST_RNG_SEED": "1"}

# Survivors that change nothing that could be tested: (file, the line or a part of it, the change, why).
EXPLAINED = [
    ("activation.rs", ".clamp(f64::NEG_INFINITY, 0.0)?", "another number than 0.0",
     "between 0 and any bound above it the other branch is taken: only overflow has to be kept out"),
    ("binary.rs", "dy.shape() == a.value.shape() => {", "!= for ==",
     "the branch of two variables gives one variable the same sum: slower, the same"),
    ("binary.rs", "a.value.square_grad(dy)?", "a gradient put elsewhere than at 0", "both inputs are one variable"),
    ("classify.rs", "unwrap_or(&0)", "another index than 0", "an input without axes is refused either way"),
    ("classify.rs", "if s > 0.0 {", ">= for >", "smoothing by 0 adds 0"),
    ("backward.rs", "pushed: 0,", "another index than 0", "only the order of these numbers matters"),
    ("backward.rs", "self.pushed += 1;", "a step without 1",
     "only nodes of several threads have one number; whichever goes first, the sums are right"),
    ("backward.rs", "self.pushed += 1;", "another index than 1", "only the order of these numbers matters"),
    ("backward.rs", "last == FEW", "not last == FEW", "the map from the first leaf on: slower, the same"),
    ("backward.rs", "last == FEW", "!= for ==", "the map from the first leaf on: slower, the same"),
    ("backward.rs", "create_graph: false,", "not false",
     "the gradients of backward, which are plain values, are recorded on the way and forgotten: slower, the same"),
    ("backward.rs", "ReadyQueue::new(false)", "not false",
     "sums of the gradients of backward, which are plain values, are recorded as nothing: slower, the same"),
    ("backward.rs", "if !options.retain => node.back_alone", "not !how.retain",
     "no walk alone holds a node of a graph that is kept; the others are walked the same under a lock"),
    ("index.rs", "if size < src.shape()[a] {", "<= for <", "narrowing to the whole axis changes nothing"),
    ("linalg.rs", "dy.sum_to(outputs)", "without .sum_to(outputs)", "the sink sums down what is left to sum"),
    ("linalg.rs", "to.put(2, dy.sum_to(", "without .sum_to(dy.shape()[dy.rank() - 1])",
     "the sink sums down what is left to sum"),
    ("loss.rs", "le_scalar(T::from_f64(self.delta))", "the edge or the contrary of le",
     "at |d| = delta both branches are delta; there is no second derivative there"),
    ("loss.rs", ".clamp(1e-12, f64::INFINITY)?", "another number than f64::INFINITY", "p(1 - p) is at most 1/4"),
    ("operators.rs", "Affine(1.0 / s, 0.0)", "another number than 0.0",
     "the gradient has no use for the constant term; only the printed tape shows it"),
    ("power.rs", "&Var::scalar(T::ONE), &cx.var(&self.a)", "another number than T::ONE",
     "whatever stands in for 0 is multiplied by 0; any that is not 0 keeps NaN out"),
    ("scan.rs", "a.shifted(axis, false, T::ZERO)", "another number than T::ZERO",
     "nothing is carried into the last element: its coefficient meets 0"),
    ("statistics.rs", "&y.masked_fill(&kink, T::ONE)", "another number than T::ONE",
     "whatever stands in for 0 is masked behind; any that is not 0 keeps NaN out"),
    ("statistics.rs", ".masked_fill(&kink, T::ZERO)", "another number than T::ZERO",
     "any finite slope: it meets x, or its distance from the mean, which is 0 there"),
    ("node.rs", "Tensor::zeros([0])", "another index than 0", "what stands in an emptied slot is never read"),
    ("statistics.rs", "if p == 2.0 {", "another number than 2.0", "a short cut: the rule for any p gives the same"),
    ("statistics.rs", "if self.p == 1.0 {", "another number than 1.0",
     "a short cut: the rule for any p gives the same"),
    ("statistics.rs", "y.masked_fill(&flat, T::ONE)", "another number than T::ONE",
     "where y is 0 so is every x, whose sign is the factor; any that is not 0 keeps NaN out"),
    ("statistics.rs", ".masked_fill(&zero, T::ONE)?", "another number than T::ONE",
     "where x is 0 its sign is the factor; any that is not 0 keeps infinity out"),
    ("node.rs", ".unwrap_or(0);", "another index than 0", "only the order of nodes' numbers matters"),
    ("node.rs", "let seq = c.get().max(below) + 1;", "another index than 1", "only the order of nodes' numbers matters"),
    ("node.rs", "} else if mode::is_composed() {", "not mode::is_composed()",
     "fused and composed rules change places: that they agree is what `ops` proves"),
    ("power.rs", "unwrap_or(1)", "another index than 1", "shapes that do not broadcast have axes that do not meet"),
]

SWITCHES = """//! Switches of the mutation run.
#![allow(dead_code, missing_docs, private_interfaces)]
use std::ops::*;
use std::sync::LazyLock;

use wengert_tensor::{DType, Float, Shape, Tensor};

use crate::error::Result;
use crate::node::{AnyVar, Sink};
use crate::rule::Grads;
use crate::var::Var;

static ON: LazyLock<u32> = LazyLock::new(|| {
    std::env::var("MUTANT").ok().and_then(|v| v.parse().ok()).unwrap_or(u32::MAX)
});

pub fn on(id: u32) -> bool {
    *ON == id
}

pub struct Times(pub u32);
pub struct Plus(pub u32);
pub struct Cmp(pub u32);
pub struct Minus(pub u32);
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
    () f64; () usize; () isize; () i64; () u64;
}
macro_rules! compare {
    ($(($($g:tt)*) $t:ty;)*) => {$(
        impl<$($g)*> BitOr<Cmp> for $t {
            type Output = Held<$t>;
            fn bitor(self, m: Cmp) -> Held<$t> { Held(self, m.0) }
        }
    )*};
}
compare! {
    () f64; () usize; () isize; () i64; () u64; ('a) &'a usize; ('a, 'b) &'a &'b usize; () DType; ('a) &'a DType;
    () Shape; ('a) &'a Shape; ('a) Option<&'a Shape>; ('a) Option<&'a usize>; () bool; () Option<usize>;
    () crate::ops::reduction::Reduction;
}
impl<R, L: PartialEq<R>> PartialEq<R> for Held<L> {
    fn eq(&self, r: &R) -> bool { (self.0 == *r) != on(self.1) }
}
impl<R, L: PartialOrd<R>> PartialOrd<R> for Held<L> {
    fn partial_cmp(&self, r: &R) -> Option<std::cmp::Ordering> { self.0.partial_cmp(r) }
    // The edge goes to the other side.
    fn lt(&self, r: &R) -> bool { if on(self.1) { self.0 <= *r } else { self.0 < *r } }
    fn le(&self, r: &R) -> bool { if on(self.1) { self.0 < *r } else { self.0 <= *r } }
    fn gt(&self, r: &R) -> bool { if on(self.1) { self.0 >= *r } else { self.0 > *r } }
    fn ge(&self, r: &R) -> bool { if on(self.1) { self.0 > *r } else { self.0 >= *r } }
}
impl<R, L: Mul<R> + Div<R, Output = <L as Mul<R>>::Output>> Mul<R> for Held<L> {
    type Output = <L as Mul<R>>::Output;
    #[track_caller]
    fn mul(self, r: R) -> Self::Output { if on(self.1) { self.0 / r } else { self.0 * r } }
}
impl<R, L: Div<R> + Mul<R, Output = <L as Div<R>>::Output>> Div<R> for Held<L> {
    type Output = <L as Div<R>>::Output;
    #[track_caller]
    fn div(self, r: R) -> Self::Output { if on(self.1) { self.0 * r } else { self.0 / r } }
}
impl<R, L: Add<R> + Sub<R, Output = <L as Add<R>>::Output>> Add<R> for Held<L> {
    type Output = <L as Add<R>>::Output;
    #[track_caller]
    fn add(self, r: R) -> Self::Output { if on(self.1) { self.0 - r } else { self.0 + r } }
}
impl<R, L: Sub<R> + Add<R, Output = <L as Sub<R>>::Output>> Sub<R> for Held<L> {
    type Output = <L as Sub<R>>::Output;
    #[track_caller]
    fn sub(self, r: R) -> Self::Output { if on(self.1) { self.0 + r } else { self.0 - r } }
}
impl<X: Neg<Output = X>> Mul<X> for Minus {
    type Output = X;
    fn mul(self, x: X) -> X { if on(self.0) { x } else { -x } }
}

pub fn float(id: u32, v: f64) -> f64 {
    match on(id) {
        false => v,
        true if v.is_infinite() => v.signum() * 0.6,
        true => v * 1.37 + 0.23,
    }
}
pub fn constant<T: Float>(id: u32, v: T) -> T {
    if on(id) { T::from_f64(if v.to_f64().is_nan() { 0.5 } else { v.to_f64() * 1.37 + 0.23 }) } else { v }
}
pub trait Int { fn next(self) -> Self; }
macro_rules! ints { ($($t:ty)*) => {$(impl Int for $t { fn next(self) -> $t { self + 1 } })*}; }
ints!(usize isize i64 u64 i32);
pub fn int<N: Int>(id: u32, v: N) -> N {
    if on(id) { v.next() } else { v }
}
pub fn other(id: u32, i: usize) -> usize {
    if !on(id) { i } else if i == 0 { 1 } else { 0 }
}
pub fn not(id: u32, v: bool) -> bool {
    v != on(id)
}
pub fn step<X: Default>(id: u32, v: X) -> X {
    if on(id) { X::default() } else { v }
}
pub fn enable_grad<R>(id: u32, f: impl FnOnce() -> R) -> R {
    if on(id) { f() } else { crate::mode::enable_grad(f) }
}
pub fn one<T: Float>(id: u32, dx: Var<T>) -> Result<Grads<T>> {
    if on(id) { Ok(Grads::from_iter([None])) } else { crate::rule::one(dx) }
}
pub fn grads<T: Float, const N: usize>(id: u32, mut all: [Option<Var<T>>; N]) -> Grads<T> {
    if on(id) {
        if N == 1 { all[0] = None } else { all.reverse() }
    }
    Grads::from_iter(all)
}
#[track_caller]
pub fn where_<T: Float>(id: u32, mask: &Tensor<bool>, a: &Var<T>, b: &Var<T>) -> Result<Var<T>> {
    if on(id) { Var::where_(mask, b, a) } else { Var::where_(mask, a, b) }
}

pub trait Put<T: Float> {
    fn put_unless(&mut self, id: u32, i: usize, grad: Tensor<T>) -> Result<()>;
}
impl<T: Float> Put<T> for Sink<'_, T> {
    fn put_unless(&mut self, id: u32, i: usize, grad: Tensor<T>) -> Result<()> {
        if on(id) { Ok(()) } else { self.put(i, grad) }
    }
}
pub trait Push<T: Float> {
    fn push_unless(&mut self, id: u32, grad: Option<Var<T>>);
}
impl<T: Float> Push<T> for Grads<T> {
    fn push_unless(&mut self, id: u32, grad: Option<Var<T>>) {
        self.push(if on(id) { None } else { grad });
    }
}
pub trait Sum: Sized {
    fn plus_one_of(self, first: u32, last: u32, other: Self, record: bool) -> Result<Self>;
}
impl Sum for AnyVar {
    fn plus_one_of(self, first: u32, last: u32, other: AnyVar, record: bool) -> Result<AnyVar> {
        if on(first) { Ok(self) } else if on(last) { Ok(other) } else { self.plus(other, record) }
    }
}
pub trait Quantified: Iterator + Sized {
    fn all_or_any(&mut self, id: u32, f: impl FnMut(Self::Item) -> bool) -> bool {
        if on(id) { self.any(f) } else { self.all(f) }
    }
    fn any_or_all(&mut self, id: u32, f: impl FnMut(Self::Item) -> bool) -> bool {
        if on(id) { self.all(f) } else { self.any(f) }
    }
    fn rev_unless(self, id: u32) -> std::vec::IntoIter<Self::Item> {
        let mut all: Vec<_> = self.collect();
        if !on(id) { all.reverse() }
        all.into_iter()
    }
}
impl<I: Iterator> Quantified for I {}
pub trait Whole: Sized {
    fn max_unless(self, id: u32, o: Self) -> Self;
}
impl Whole for u64 {
    fn max_unless(self, id: u32, o: u64) -> u64 { if on(id) { self } else { self.max(o) } }
}
pub trait Signed: Sized {
    fn rem_unless(self, id: u32, n: Self) -> Self;
}
impl Signed for isize {
    fn rem_unless(self, id: u32, n: isize) -> isize { if on(id) { self } else { self.rem_euclid(n) } }
}

pub trait Mutate: Sized + Clone {
    #[track_caller]
    fn left_out(&self, id: u32, f: impl FnOnce(&Self) -> Self) -> Self {
        if on(id) { self.clone() } else { f(self) }
    }
    #[track_caller]
    fn try_left_out<E>(&self, id: u32, f: impl FnOnce(&Self) -> std::result::Result<Self, E>) -> std::result::Result<Self, E> {
        if on(id) { Ok(self.clone()) } else { f(self) }
    }
}
impl<T: Float> Mutate for Var<T> {}
impl<T: Float> Mutate for Tensor<T> {}

type Mask = std::result::Result<Tensor<bool>, wengert_tensor::Error>;
pub trait Compare<T: Float> {
    fn or_eq_scalar(&self, id: u32, v: T) -> Tensor<bool>;
    fn or_ne_scalar(&self, id: u32, v: T) -> Tensor<bool>;
    fn or_lt_scalar(&self, id: u32, v: T) -> Tensor<bool>;
    fn or_le_scalar(&self, id: u32, v: T) -> Tensor<bool>;
    fn or_gt_scalar(&self, id: u32, v: T) -> Tensor<bool>;
    fn or_ge_scalar(&self, id: u32, v: T) -> Tensor<bool>;
    fn or_eq(&self, id: u32, o: &Tensor<T>) -> Mask;
}
impl<T: Float> Compare<T> for Tensor<T> {
    fn or_eq_scalar(&self, id: u32, v: T) -> Tensor<bool> { if on(id) { self.ne_scalar(v) } else { self.eq_scalar(v) } }
    fn or_ne_scalar(&self, id: u32, v: T) -> Tensor<bool> { if on(id) { self.eq_scalar(v) } else { self.ne_scalar(v) } }
    fn or_lt_scalar(&self, id: u32, v: T) -> Tensor<bool> { if on(id) { self.le_scalar(v) } else { self.lt_scalar(v) } }
    fn or_le_scalar(&self, id: u32, v: T) -> Tensor<bool> { if on(id) { self.lt_scalar(v) } else { self.le_scalar(v) } }
    fn or_gt_scalar(&self, id: u32, v: T) -> Tensor<bool> { if on(id) { self.ge_scalar(v) } else { self.gt_scalar(v) } }
    fn or_ge_scalar(&self, id: u32, v: T) -> Tensor<bool> { if on(id) { self.gt_scalar(v) } else { self.ge_scalar(v) } }
    fn or_eq(&self, id: u32, o: &Tensor<T>) -> Mask { if on(id) { self.ne(o) } else { self.eq(o) } }
}
pub trait Choose {
    fn or_and(&self, id: u32, o: &Tensor<bool>) -> Mask;
    fn or_where<T: Float>(&self, id: u32, a: &Tensor<T>, b: &Tensor<T>) -> std::result::Result<Tensor<T>, wengert_tensor::Error>;
}
impl Choose for Tensor<bool> {
    fn or_and(&self, id: u32, o: &Tensor<bool>) -> Mask { if on(id) { self.logical_or(o) } else { self.logical_and(o) } }
    #[track_caller]
    fn or_where<T: Float>(&self, id: u32, a: &Tensor<T>, b: &Tensor<T>) -> std::result::Result<Tensor<T>, wengert_tensor::Error> {
        if on(id) { self.where_(b, a) } else { self.where_(a, b) }
    }
}

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
            #[track_caller]
            fn swap_add(&self, id: u32, o: &Self) -> std::result::Result<Self, $e> {
                if on(id) { self.try_sub(o) } else { self.try_add(o) }
            }
            #[track_caller]
            fn swap_sub(&self, id: u32, o: &Self) -> std::result::Result<Self, $e> {
                if on(id) { self.try_add(o) } else { self.try_sub(o) }
            }
            #[track_caller]
            fn swap_mul(&self, id: u32, o: &Self) -> std::result::Result<Self, $e> {
                if on(id) { self.try_div(o) } else { self.try_mul(o) }
            }
            #[track_caller]
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
NAMES = "LN_2|LN_10|FRAC_1_SQRT_2|FRAC_2_SQRT_PI|CUBE|ROOT|EXP_M100|f64::INFINITY|f64::NEG_INFINITY"
FLAGS = r"self\.record|self\.retain|self\.create_graph|(?:self\.|visit\.)*options\.(?:create_graph|retain)"
USE = (
    "#[allow(unused_imports)]\nuse crate::switches::{self, Choose as _, Cmp, Compare as _, Minus, Mutate as _, "
    "Plus, Push as _, Put as _, Quantified as _, Signed as _, Sum as _, Swap as _, Times, Whole as _};\n"
)


def hidden(text):
    """Offsets that are not rules: comments, tests' samples and references, texts, attributes."""
    spans = [m.span() for m in re.finditer(r"//[^\n]*|\"(?:[^\"\\]|\\.)*\"|#\[[^\n]*\]|^ *(?:pub\(crate\) )?use [^;]*;", text, re.M)]
    for m in re.finditer(r"^ *(?:pub\((?:crate|super)\) )?(?:static \S+: (?:OpInfo|&\[)|const \w+:|thread_local!|macro_rules! (?:entry|\w*samples|all)|(?:entry|comparisons)!|impl Hasher)", text, re.M):
        spans.append((m.start(), block_end(text, m.start())))
    # Blocks of unary ops: what is behind the rule and the fused rule.
    for m in re.finditer(r"^    (?:reference|samples|ties|formula|in) ", text, re.M):
        end = text.index("\n}", m.start())
        stop = end if m.group().strip() in ("reference", "samples", "ties") else text.index("\n", m.start())
        spans.append((m.start(), stop))
    # Free functions that only samples and references call.
    for m in re.finditer(r"^fn (\w+)[^\n]*", text, re.M):
        body = text[m.start():block_end(text, m.start())]
        if "Var<T>" not in body and "Tensor<T>" not in body and "Edge" not in body or "Array" in body or "Sample" in body or m[1] == "weighted":
            spans.append((m.start(), block_end(text, m.start())))
    # What the printed tape says of an op.
    for m in re.finditer(r"^ *fn (?:detail|name)\([^;{]*\{", text, re.M):
        spans.append((m.start(), block_end(text, m.start())))
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
    """(start, end, replacement with {id}, closes at, what) for each mutant of a file. What opens a
    bracket closes it at an offset behind; the text between is left to other mutants."""
    found = []

    def replace(pattern, new, what):
        for m in re.finditer(pattern, text):
            found.append((m.start(), m.end(), new(m), None, what(m)))

    def wrap(start, end, new, what):
        found.append((start, start, new, end, what))

    inverse = {"*": "/", "/": "*", "+": "-", "-": "+"}
    kind = {"*": "% Times({id})", "/": "% Times({id})", "+": "- Plus({id})", "-": "- Plus({id})"}
    edge = {"==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">"}
    replace(r" ([*/+-]) (?!=|(?:Send|Sync|Any|AsMut|Copy|Sized|Into|'static)\b|'static)", lambda m: f" {kind[m[1]]} {m[1]} ", lambda m: f"{inverse[m[1]]} for {m[1]}")
    replace(r" (==|!=|<=|>=|<|>) ", lambda m: f" | Cmp({{id}}) {m[1]} ", lambda m: f"{edge[m[1]]} for {m[1]}")
    replace(r"(?<=[ (\[])-(?=[a-zA-Z(])", lambda m: "Minus({id}) * ", lambda m: "without a minus")
    number = r"(?<![\w.])-?\d+(?:\.\d+(?:e-?\d+)?|e-?\d+)(?![\w.])"
    replace(number, lambda m: f"switches::float({{id}}, {m[0]})", lambda m: f"another number than {m[0]}")
    replace(rf"(?<![\w:])(?:{NAMES})\b", lambda m: f"switches::float({{id}}, {m[0]})", lambda m: f"another number than {m[0]}")
    replace(r"\bT::(?:ZERO|ONE|NAN)\b", lambda m: f"switches::constant({{id}}, {m[0]})", lambda m: f"another number than {m[0]}")
    replace(r"(?<=[(, :])(?:true|false)(?=[,)\n;])", lambda m: f"switches::not({{id}}, {m[0]})", lambda m: f"not {m[0]}")
    replace(r"\bto\.put\(", lambda m: "to.put_unless({id}, ", lambda m: "a gradient not put")
    replace(r"(?<=to\.put\()\d(?=,)", lambda m: f"switches::other({{id}}, {m[0]})", lambda m: f"a gradient put elsewhere than at {m[0]}")
    replace(r"(?<=sink\.give\()i(?=,)", lambda m: "switches::other({id}, i)", lambda m: "a gradient given elsewhere")
    replace(r"(?<=needs\()\d(?=\))", lambda m: f"switches::other({{id}}, {m[0]})", lambda m: f"the need of another input than {m[0]}")
    replace(r"(?<=need\[)\d(?=\])", lambda m: f"switches::other({{id}}, {m[0]})", lambda m: f"the need of another input than {m[0]}")
    for m in re.finditer(r"\bcx\.needs\(\w\)|\bneed\[\d\]|\bself\.edges\.get\(i\)\.is_some_and\(Option::is_some\)", text):
        wrap(m.start(), m.end(), "switches::not({id}, ", f"not {m[0]}")
    for m in re.finditer(FLAGS, text):
        # A condition of its own is turned round below.
        if text[m.end():m.end() + 2] != " =" and not re.search(r"if !?$", text[:m.start()]):
            wrap(m.start(), m.end(), "switches::not({id}, ", f"not {m[0]}")
    replace(r"(?<=\n)( +)grads\.push\(", lambda m: f"{m[1]}grads.push_unless({{id}}, ", lambda m: "a gradient left out")
    replace(r"\bGrads::from_iter\((?=\[)", lambda m: "switches::grads({id}, ", lambda m: "gradients in reverse, or left out")
    replace(r"(?<![\w.:])one\((?=[a-z])", lambda m: "switches::one({id}, ", lambda m: "a gradient left out")
    replace(r"\.plus\(", lambda m: ".plus_one_of({id}, {next}, ", lambda m: "a sum of gradients that keeps the first")
    replace(r"\bmode::enable_grad\(", lambda m: "switches::enable_grad({id}, ", lambda m: "without mode::enable_grad")
    replace(r"\.(all|any)\(", lambda m: f".{m[1]}_or_{'any' if m[1] == 'all' else 'all'}({{id}}, ", lambda m: f"not {m[1]}")
    replace(r"\.rev\(\)", lambda m: ".rev_unless({id})", lambda m: "without .rev()")
    replace(r"\.max\((?=below)", lambda m: ".max_unless({id}, ", lambda m: "without .max(below)")
    replace(r"\.rem_euclid\(", lambda m: ".rem_unless({id}, ", lambda m: "without .rem_euclid")
    replace(r"\bVar::where_\(", lambda m: "switches::where_({id}, ", lambda m: "the other choice")
    replace(r"\.where_\(", lambda m: ".or_where({id}, ", lambda m: "the other choice")
    replace(r"\.logical_and\(", lambda m: ".or_and({id}, ", lambda m: "or for and")
    replace(r"\.(eq|ne|lt|le|gt|ge)_scalar\(", lambda m: f".or_{m[1]}_scalar({{id}}, ", lambda m: f"the edge or the contrary of {m[1]}")
    replace(r"\.eq\((?=&)", lambda m: ".or_eq({id}, ", lambda m: "the contrary of eq")
    replace(r"\.try_(add|sub|mul|div)\(", lambda m: f".swap_{m[1]}({{id}}, ", lambda m: f"the inverse of try_{m[1]}")
    for m in re.finditer(rf"\.({UNARY})\(\)", text):
        wrap(m.start(), m.end(), ".left_out({id}, |v| v", f"without {m[0]}")
    for m in re.finditer(rf"\.({SAME})\(", text):
        end = closing(text, m.end() - 1) + 1
        wrap(m.start(), end, ".try_left_out({id}, |v| v", f"without {text[m.start():end]}")
    for m in re.finditer(r"\bif (?!let\b)([^{}\n]+?) (?:\{|=>)", text):
        wrap(m.start(1), m.end(1), "switches::not({id}, ", f"not {m[1]}")
    for m in re.finditer(r" [+-]= ([^;\n]+);", text):
        wrap(m.start(1), m.end(1), "switches::step({id}, ", f"a step without {m[1]}")
    index = r"(?<![\w.'\"#])(?:(?<=[(, \[])-)?\d+(?![\w']|\.(?!\.))"
    replace(index, lambda m: f"switches::int({{id}}, {m[0]})", lambda m: f"another index than {m[0]}")
    return [(*p[:4], i, p[4]) for i, p in enumerate(found)]


def sources(only):
    rules = [SRC / "ops" / p.name for p in sorted((ROOT / SRC / "ops").glob("*.rs")) if p.name not in SKIPPED]
    return [p for p in rules + [SRC / name for name in CORE] if not only or p.name in only]


Mutant = collections.namedtuple("Mutant", "file line code what key")


def mutate(paths, dropped):
    """Writes the switched files. Gives the mutants by number, and where the switches of each file stand
    in bytes, to find those that do not compile."""
    mutants, places, number = {}, {}, 0
    for path in paths:
        text = (ROOT / path).read_text()
        lines = text.splitlines()
        spans = hidden(text)
        edits, taken = [], 0
        # Wide ones first where two begin at one place.
        for start, end, new, closes, _, what in sorted(points(text), key=lambda p: (p[0], -(p[3] or p[1]), p[4])):
            number += 1
            key = (path.name, start, what)
            if any(a <= start < b for a, b in spans) or key in dropped:
                continue
            if start < taken and closes is None:
                continue  # two changes of one text
            line = text.count("\n", 0, start) + 1
            mutants[number] = Mutant(path.name, line, lines[line - 1].strip(), what, key)
            if "{next}" in new:
                number += 1
                mutants[number] = Mutant(path.name, line, lines[line - 1].strip(), what.replace("first", "last"), key)
                new = new.replace("{next}", str(number)).replace("{id}", str(number - 1))
            edits.append((start, 1, len(edits), end, new.replace("{id}", str(number)), key))
            if closes is None:
                taken = end
            else:
                edits.append((closes, 0, len(edits), closes, ")", key))
        out, at, size, where = [], 0, 0, []
        for start, _, _, end, new, key in sorted(edits):
            out += [text[at:start], new]
            size += len(text[at:start].encode())
            where.append((size, size + len(new.encode()), key))
            size += len(new.encode())
            at = max(at, end)
        text = "".join(out) + text[at:]
        head = re.search(r"^(?!//!|\n)", text, re.M).start()
        shift = len(USE.encode())
        before = len(text[:head].encode())
        places[path.name] = [(a + shift * (a >= before), b + shift * (a >= before), key) for a, b, key in where]
        (COPY / path).write_text(text[:head] + USE + text[head:])
    return mutants, places


def build(places):
    """The test programs, or the switches at which the compiler finds an error."""
    names = dict.fromkeys(name for name, _, _ in STAGES)
    env = dict(os.environ, CARGO_TARGET_DIR=str(COPY / "target"))
    call = ["cargo", "test", "--offline", "-p", "wengert-autograd", "--no-run", "--message-format=json"]
    call += [a for name in names for a in ("--test", name)]
    run = subprocess.run(call, cwd=COPY, env=env, capture_output=True, text=True)
    messages = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    bad = set()
    for message in messages:
        error = message.get("message") or {}
        if not isinstance(error, dict) or error.get("level") != "error" or not error["spans"]:
            continue
        # What the error points at first, then what it mentions.
        spans = sorted(error["spans"], key=lambda s: not s["is_primary"])
        spans += [s for child in error["children"] for s in child["spans"]]
        found = next(filter(None, (switches_at(s, places) for s in spans)), None)
        if not found:
            sys.exit("does not compile:\n" + error["rendered"])
        bad |= found
    programs = {m["target"]["name"]: m["executable"] for m in messages if m.get("executable")}
    if not bad and (run.returncode or set(programs) != set(names)):
        sys.exit(run.stderr[-4000:])
    return programs, bad


def switches_at(span, places):
    """The switches within a place that the compiler names, or the nearest."""
    while span:
        first, last = span["byte_start"], span["byte_end"]
        at = places.get(Path(span["file_name"]).name, []) if "autograd/src" in span["file_name"] else []
        hits = {key for a, b, key in at if a < last and first < b}
        if hits:
            return hits
        near = sorted((min(abs(a - last), abs(b - first)), key) for a, b, key in at)
        if near and near[0][0] < 100:
            return {near[0][1]}
        span = (span.get("expansion") or {}).get("span")
    return None


def own_ops(file):
    """The ops that a file has, by its list entries."""
    if file in USERS:
        return USERS[file]
    text = (ROOT / SRC / "ops" / file).read_text()
    names = re.findall(r"^    name: \"(\w+)\"|^entry!\(\w+ \"(\w+)\"|^    (\w+) \w+ [A-Z_0-9]+\n    in |^    (\w+) \w+ [A-Z_0-9]+ formula", text, re.M)
    return [next(filter(None, n)) for n in names]


REGRESSIONS = Path("crates/autograd/proptest-regressions")
limits = {}


def run(programs, stage, number, file):
    """Exit code and output of a test program, None after its time."""
    name, arguments, own = stage
    env = dict(os.environ, MUTANT=str(number), WENGERT_NUM_THREADS="1", RUST_BACKTRACE="0", **PROPTEST)
    if own:
        env["MUTANT_OPS"] = ",".join(own_ops(file))
    if name == "programs":
        # What one mutant fails for must not be kept for the next.
        shutil.rmtree(COPY / REGRESSIONS, ignore_errors=True)
        shutil.copytree(ROOT / REGRESSIONS, COPY / REGRESSIONS)
    limit = limits.get((name, own), 600)
    call = [programs[name], "--test-threads=1", *arguments]
    try:
        done = subprocess.run(call, cwd=COPY / "crates/autograd", env=env, capture_output=True, text=True, errors="replace", timeout=limit)
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout


def killer(programs, number, file):
    for stage in STAGES:
        code, _ = run(programs, stage, number, file)
        if code != 0:
            return stage[0] + (" of its file" if stage[2] else "")
    return None


def baseline(programs, files):
    """What must pass with no mutant on, and how long it takes: ten times that is a mutant's limit."""
    for stage in STAGES:
        name, _, own = stage
        took = 0
        for file in files if own else [None]:
            began = time.time()
            code, out = run(programs, stage, 0, file)
            took = max(took, time.time() - began)
            if code != 0:
                sys.exit(f"{name} fails without a mutant{f' over the ops of {file}' if own else ''}:\n{out[-3000:]}")
        limits[name, own] = 20 + 10 * took
        print(f"{name}{' over the ops of a file' if own else ''}: {took:.1f} s", flush=True)


def copy_workspace():
    COPY.mkdir(parents=True, exist_ok=True)
    for name in ("crates", "testdata", "src", "examples", "tests", "benches"):
        if (ROOT / name).exists():
            shutil.rmtree(COPY / name, ignore_errors=True)
            shutil.copytree(ROOT / name, COPY / name, copy_function=shutil.copy2)
    for name in ("Cargo.toml", "Cargo.lock", "README.md"):
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, COPY / name)
    change("src/lib.rs", "mod var;", "pub mod switches;\nmod var;")
    (COPY / SRC / "switches.rs").write_text(SWITCHES)
    # The lines of callers, which a switch may hide, do not count.
    change("tests/errors.rs", 'at.contains("errors.rs:")', 'at.contains(".rs:")')
    change("tests/errors.rs", 'message.contains("tests/errors.rs:")', 'message.contains(".rs:")')
    change("tests/error_texts.rs", 'at.contains("error_texts.rs:")', 'at.contains(".rs:")')
    # The proofs over some ops only.
    change("tests/ops.rs", "    for op in OPS {\n", "    for op in OPS.iter().filter(|op| wanted(op.name)) {\n")
    change("tests/ops.rs", "assert!(count > 0, ", "assert!(count > 0 || std::env::var_os(\"MUTANT_OPS\").is_some(), ")
    with open(COPY / SRC.parent / "tests/ops.rs", "a") as f:
        f.write("fn wanted(op: &str) -> bool {\n    std::env::var(\"MUTANT_OPS\").map_or(true, |s| s.split(',').any(|o| o == op))\n}\n")


def change(file, old, new):
    path = COPY / SRC.parent / file
    text = path.read_text()
    if old not in text:
        sys.exit(f"{file} has no {old!r}")
    path.write_text(text.replace(old, new, 1))


def reason(m):
    return next((e for e in EXPLAINED if e[0] == m.file and e[1] in m.code and e[2] == m.what), None)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--list", action="store_true")
    options.add_argument("--only", nargs="+", metavar="FILE")
    options.add_argument("--again", metavar="LOG")
    options = options.parse_args()
    began = time.time()
    copy_workspace()
    paths, dropped = sources(options.only), set()
    while True:
        mutants, places = mutate(paths, dropped)
        programs, bad = (None, set()) if options.list else build(places)
        if not bad:
            break
        if bad <= dropped:
            sys.exit(f"does not compile: {bad}")
        dropped |= bad
        print(f"{len(bad)} changes do not compile and are left out:", flush=True)
        for file, start, what in sorted(bad):
            line = (ROOT / next(p for p in paths if p.name == file)).read_text().count("\n", 0, start) + 1
            print(f"    {file}:{line} {what}", flush=True)
    if options.list:
        for number, m in mutants.items():
            print(f"{number:5} {m.file}:{m.line} {m.what}")
        return
    if options.again:
        wanted = set(re.findall(r"^survived: \d+ (\S+):\d+ (.*)\n    (.*)$", Path(options.again).read_text(), re.M))
        mutants = {k: m for k, m in mutants.items() if (m.file, m.what, m.code) in wanted}
    print(f"{len(mutants)} mutants compiled, {time.time() - began:.0f} s", flush=True)
    baseline(programs, dict.fromkeys(m.file for m in mutants.values()))
    survivors, explained, killers, used = [], [], collections.Counter(), set()
    by_file = collections.Counter()
    for number, m in mutants.items():
        at = time.time()
        # What an earlier run has found to survive everything, and is explained, is not run again.
        by = None if options.again and reason(m) else killer(programs, number, m.file)
        by_file[m.file] += time.time() - at
        if by:
            killers[by] += 1
            continue
        why = reason(m)
        if why:
            explained.append((m, why[3]))
            used.add(why)
            continue
        survivors.append(m)
        print(f"survived: {number} {m.file}:{m.line} {m.what}\n    {m.code}", flush=True)
    n, killed = len(mutants), sum(killers.values())
    print("\nkilled by: " + ", ".join(f"{k} {v}" for k, v in killers.most_common()))
    print("seconds: " + ", ".join(f"{k} {v:.0f}" for k, v in by_file.most_common()))
    for m, why in explained:
        print(f"explained: {m.file}:{m.line} {m.what}\n    {m.code}\n    {why}")
    stale = [e for e in EXPLAINED if e not in used and (not options.only or e[0] in options.only) and not options.again]
    for file, code, what, _ in stale:
        print(f"explained, but killed or not there: {file} {what}: {code}")
    print(
        f"score: {killed} of {n} mutants killed ({100 * killed / n:.1f} %), {len(explained)} of {n - killed} "
        f"survivors explained, {time.time() - began:.0f} s"
    )
    sys.exit(bool(survivors or stale))


if __name__ == "__main__":
    main()
