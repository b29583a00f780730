//! The walk back: depth, threads, nesting, hooks, modes, orders, seeds, custom ops, memory.

mod accumulate;
mod casts;
mod custom;
mod depth;
mod modes;
mod nested;
mod orders;
mod threads;
