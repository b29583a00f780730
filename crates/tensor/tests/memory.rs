//! The process-wide figures of the memory cache. One test in a process of its own, so that nobody else allocates.

use wengert_tensor::{Tensor, memory};

#[test]
fn the_figures_of_the_process_are_exact() {
    memory::set_cache_limit(1 << 30); // whatever the environment says
    let start = memory::stats();
    assert_eq!(
        (start.live_blocks, start.live_bytes, start.cached_bytes),
        (0, 0, 0)
    );

    // Held: what is live is what was made, small and large, here and in another thread.
    let small = Tensor::<f32>::zeros([100]);
    let large = Tensor::<f32>::zeros([1 << 20]);
    let other = std::thread::spawn(|| Tensor::<f64>::zeros([1000]))
        .join()
        .unwrap();
    let held = memory::stats();
    assert_eq!(held.live_blocks, 3);
    assert!(held.live_bytes >= 400 + (4 << 20) + 8000);
    assert!(held.live_bytes <= (400 + (4 << 20) + 8000) * 9 / 8 + 3 * 128);
    assert_eq!(
        (held.fresh_allocations, held.cache_hits, held.cached_bytes),
        (3, 0, 0)
    );
    assert!(held.peak_large_bytes >= 4 << 20);

    // Dropped: every byte that was live is cached.
    drop((small, large, other));
    let dropped = memory::stats();
    assert_eq!((dropped.live_blocks, dropped.live_bytes), (0, 0));
    assert_eq!(dropped.cached_bytes, held.live_bytes);
    assert_eq!(dropped.peak_large_bytes, held.peak_large_bytes);

    // The same once more asks the system for nothing.
    for _ in 0..10 {
        let _again = (
            Tensor::<f32>::zeros([100]),
            Tensor::<f32>::zeros([1 << 20]),
            Tensor::<f64>::zeros([1000]),
        );
    }
    let again = memory::stats();
    assert_eq!((again.fresh_allocations, again.cache_hits), (3, 30));

    // A limit below what is cached evicts; what is above the limit is not kept.
    memory::set_cache_limit(1 << 20);
    assert_eq!(memory::cache_limit(), 1 << 20);
    assert!(memory::stats().cached_bytes < 1 << 20);
    drop(Tensor::<f32>::zeros([1 << 20]));
    assert!(memory::stats().cached_bytes < 1 << 20);

    memory::trim();
    assert_eq!(memory::stats().cached_bytes, 0);
    drop(Tensor::<f32>::zeros([100]));
    assert!(memory::stats().cached_bytes > 0);

    // Without a limit nothing is kept, by this thread either.
    memory::set_cache_limit(0);
    assert_eq!(memory::stats().cached_bytes, 0);
    let before = memory::stats();
    for n in [100, 100, 1 << 20, 1 << 20] {
        drop(Tensor::<f32>::zeros([n]));
        assert_eq!(memory::stats().cached_bytes, 0);
    }
    assert_eq!(
        memory::stats().fresh_allocations,
        before.fresh_allocations + 4
    );

    memory::reset_peak();
    assert_eq!(memory::stats().peak_large_bytes, 0);
    assert_eq!(memory::stats().live_bytes, 0);
}
