//! What a fresh block costs beside one from the cache, from 4 KiB to 64 MiB: microseconds to get a block, fill it
//! and give it back, by the system's allocator (`Vec`), by the cache turned off (huge pages from 2 MiB on) and by
//! the cache.
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use wengert_tensor::{Tensor, memory};

fn median(mut f: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..31)
        .map(|_| {
            let start = Instant::now();
            f();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[15]
}

fn main() {
    println!("| bytes | system | fresh, huge pages | cached |\n|---|---|---|---|");
    for shift in [12, 16, 20, 22, 24, 26] {
        let elements = (1usize << shift) / 4;
        let tensor = || drop(black_box(Tensor::<f32>::full([elements], 1.0)));
        let system = median(|| drop(black_box(vec![1f32; elements])));
        memory::set_cache_limit(0);
        let fresh = median(tensor);
        memory::set_cache_limit(1 << 30);
        let cached = median(tensor);
        println!(
            "| {} KiB | {system:.1} | {fresh:.1} | {cached:.1} |",
            4 * elements / 1024
        );
    }
}
