//! Tests of whole blocks. Other tests of this crate allocate at the same time, so each looks at its own thread's
//! figures, or runs in a thread of its own.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::thread::spawn;

use super::thread::{flush, own};
use super::*;
use crate::dtype::DType;
use crate::layout::Layout;
use crate::shape::Shape;

const SIZES: [usize; 16] = [
    0,
    1,
    63,
    64,
    65,
    512,
    513,
    4096,
    4097,
    65_535,
    65_536,
    65_537,
    1 << 20,
    (1 << 21) - 1,
    1 << 21,
    5_000_001,
];

fn block(bytes: usize) -> RawBlock {
    RawBlock::try_new(bytes).unwrap()
}

fn fill(block: &RawBlock, byte: u8) {
    // SAFETY: the capacity is writable, and the tests that call this hold the only handle.
    unsafe { block.as_ptr().write_bytes(byte, block.capacity()) };
}

fn holds(block: &RawBlock, byte: u8) -> bool {
    // SAFETY: the tests that call this have filled the block.
    let bytes = unsafe { std::slice::from_raw_parts(block.as_ptr(), block.capacity()) };
    bytes.iter().all(|&b| b == byte)
}

/// Runs in a new thread, whose figures begin at zero.
fn alone<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    spawn(f).join().unwrap()
}

#[test]
fn blocks_are_aligned_and_long_enough_and_do_not_overlap() {
    let mut blocks = Vec::new();
    for round in 0..3u8 {
        for (i, &bytes) in SIZES.iter().enumerate() {
            let b = block(bytes);
            assert_eq!(b.as_ptr() as usize % 64, 0);
            assert!(b.capacity() >= bytes);
            assert!(
                b.capacity() <= bytes + (bytes / 8).max(64),
                "{bytes}: {}",
                b.capacity()
            );
            let mark = round * 16 + i as u8;
            fill(&b, mark);
            blocks.push((b, mark));
        }
        // Every other one goes, so that the next round reuses among live neighbours.
        let mut keep = false;
        blocks.retain(|_| {
            keep = !keep;
            keep
        });
    }
    assert!(blocks.iter().all(|(b, mark)| holds(b, *mark)));
}

#[test]
fn a_dropped_small_block_is_the_next_of_its_class() {
    alone(|| {
        let first = block(1000);
        let at = first.as_ptr();
        drop(first);
        let before = own();
        let second = block(1024);
        assert_eq!(second.as_ptr(), at);
        let after = own();
        assert_eq!(
            (after.taken - before.taken, after.fresh - before.fresh),
            (1, 0)
        );
        assert_ne!(block(1025).as_ptr(), at, "another class");
    });
}

#[test]
fn a_dropped_large_block_is_found_again() {
    // A class that no other test uses. Should one empty the cache just then, it is tried again.
    let bytes = 77_700_000;
    let found = (0..20).any(|_| {
        alone(move || {
            let first = block(bytes);
            let at = first.as_ptr();
            drop(first);
            let fresh = own().fresh;
            block(bytes + 1).as_ptr() == at && own().fresh == fresh
        })
    });
    assert!(found);
}

/// A tensor's body of so many bytes, in two rows (an odd one is left over).
fn body(bytes: usize) -> TensorImpl {
    let rows = || Layout::contiguous(Shape::from_slice(&[2, bytes / 2]), bytes / 2 * 2);
    TensorImpl::try_new(DType::U8, bytes, rows).unwrap()
}

#[test]
fn a_count_of_handles_decides_who_may_write() {
    let a = body(10);
    let b = a.clone();
    assert!(!a.is_unique() && !b.is_unique());
    assert_eq!(a.as_ptr(), b.as_ptr());
    drop(a);
    assert!(b.is_unique());
}

#[test]
fn a_view_holds_the_elements_and_is_counted_with_their_other_handles() {
    let given = alone(|| {
        let all = body(1000);
        // SAFETY: as many bytes as there are, in a body that has one handle.
        unsafe { all.as_ptr().write_bytes(5, 1000) };
        let row = all.view(all.layout().select(0, 1));
        assert_eq!(
            (&row.layout().shape[..], row.layout().offset),
            (&[500][..], 500)
        );
        assert_eq!((row.as_ptr(), row.dtype()), (all.as_ptr(), DType::U8));
        assert!(!all.is_unique() && !row.is_unique());
        let deep = row.view(row.layout().slice(0, 10, 1, 2));
        drop(all);
        assert!(!row.is_unique() && !deep.is_unique());
        drop(row);
        assert!(deep.is_unique());
        let twice = deep.clone();
        assert!(!deep.is_unique());
        // SAFETY: within the elements, which were written.
        assert_eq!(unsafe { *twice.as_ptr().add(twice.layout().offset) }, 5);
        drop(twice);
        assert_eq!(own().given(), 1, "the row's block, not the elements'");
        drop(deep);
        own().given()
    });
    assert_eq!(given, 3);
}

#[test]
fn another_layout_takes_a_block_only_where_somebody_sees_the_first() {
    alone(|| {
        let flat = || Layout::contiguous(Shape::from_slice(&[10]), 10);
        let first = body(10).relaid(flat());
        assert_eq!((own().taken, &first.layout().shape[..]), (1, &[10][..]));
        let deep = || Layout::contiguous(Shape::from_slice(&[1, 1, 5, 1, 2, 1]), 10);
        let second = first.clone().relaid(deep());
        assert_eq!((own().taken, &first.layout().shape[..]), (2, &[10][..]));
        assert_eq!(second.layout(), &deep());
        drop(first);
        // A view alone, whose layout has a list on the heap.
        let third = second.relaid(flat());
        assert_eq!((own().taken, &third.layout().shape[..]), (2, &[10][..]));
        assert!(third.is_unique());
    });
}

#[test]
fn the_last_of_many_handles_on_many_threads_gives_the_block_back_once() {
    for bytes in [100, 100_000] {
        let given = alone(move || {
            let shared = body(bytes);
            // SAFETY: as many bytes as there are, in a body that has one handle.
            unsafe { shared.as_ptr().write_bytes(7, bytes) };
            let gone = Arc::new(AtomicBool::new(false));
            let others: Vec<_> = (0..4)
                .map(|_| {
                    let (mine, gone) = (shared.clone(), gone.clone());
                    spawn(move || {
                        for _ in 0..1000 {
                            let again = mine.clone();
                            assert!(!again.is_unique());
                        }
                        // SAFETY: written above, and by nobody while they are shared.
                        let bytes = unsafe { std::slice::from_raw_parts(mine.as_ptr(), bytes) };
                        assert!(bytes.iter().all(|&b| b == 7));
                        gone.store(true, Ordering::Relaxed);
                        drop(mine);
                        own().given()
                    })
                })
                .collect();
            drop(shared);
            own().given() + others.into_iter().map(|t| t.join().unwrap()).sum::<usize>()
        });
        assert_eq!(given, 1);
    }
}

#[test]
fn a_block_dropped_elsewhere_serves_the_thread_that_dropped_it() {
    alone(|| {
        let made = block(3000);
        let at = made.as_ptr() as usize;
        let (maker, taker) = (
            own(),
            spawn(move || {
                drop(made);
                let again = block(3000);
                assert_eq!((again.as_ptr() as usize, own().fresh), (at, 0));
                drop(again);
                own()
            }),
        );
        let taker = taker.join().unwrap();
        assert_eq!(maker.taken + taker.taken, maker.given() + taker.given());
        assert_eq!(maker.live_bytes.wrapping_add(taker.live_bytes), 0);
    });
}

#[test]
fn what_one_thread_makes_and_another_drops_comes_round() {
    alone(|| {
        let (send, receive) = mpsc::sync_channel::<RawBlock>(16);
        let dropper = spawn(move || {
            receive.into_iter().for_each(drop);
            own()
        });
        for _ in 0..20_000 {
            send.send(block(2000)).unwrap();
        }
        drop(send);
        let (made, dropped) = (own(), dropper.join().unwrap());
        assert_eq!((made.taken, dropped.given()), (20_000, 20_000));
        assert!(
            dropped.cached_bytes <= 128 << 10,
            "a thread keeps two magazines: {dropped:?}"
        );
        // Not exact: another test that runs meanwhile may take from or trim the shared cache.
        assert!(made.fresh < 20_000, "{made:?}");
    });
}

#[test]
fn figures_are_exact_after_a_churn() {
    alone(|| {
        let mut held: Vec<RawBlock> = Vec::new();
        let mut state = 1u64;
        for i in 0..20_000usize {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let r = (state >> 33) as usize;
            if r.is_multiple_of(3) && !held.is_empty() {
                held.swap_remove(r % held.len());
            } else {
                held.push(block(if i % 50 == 0 { r % 300_000 } else { r % 9000 }));
            }
            if held.len() > 300 {
                held.drain(..200);
            }
        }
        let figures = own();
        assert_eq!(figures.taken - figures.given(), held.len());
        assert_eq!(
            figures.live_bytes,
            held.iter().map(|b| b.capacity() + HEADER).sum::<usize>()
        );
        assert!(figures.fresh < figures.taken);
        held.clear();
        let figures = own();
        assert_eq!((figures.taken, figures.live_bytes), (figures.given(), 0));
        assert!(figures.cached_bytes > 0);
        flush();
        assert_eq!(own().cached_bytes, 0);
    });
}

#[test]
fn small_blocks_come_by_the_run() {
    alone(|| {
        // A class that no other test uses much, though the shared cache may have some of it.
        let held: Vec<RawBlock> = (0..1000).map(|_| block(900)).collect();
        held.iter().for_each(|b| fill(b, 3));
        let figures = own();
        assert_eq!((figures.taken, figures.given()), (1000, 0));
        // 1, 2, 4, .. 64, then a magazine of 64 KiB at a time.
        assert!(figures.fresh <= 7 + 1000 / 64 + 1, "{figures:?}");
        let spare = figures.cached_bytes / (held[0].capacity() + HEADER);
        assert!(spare <= 128, "{figures:?}");
        let mut places: Vec<usize> = held.iter().map(|b| b.as_ptr() as usize).collect();
        places.sort_unstable();
        assert!(
            places
                .windows(2)
                .all(|w| w[1] - w[0] >= held[0].capacity() + HEADER)
        );
        drop(held);
        flush();
        trim();
    });
}

#[test]
fn a_thread_that_ends_leaves_its_blocks_to_others() {
    // A class that no other test uses. Should one empty the cache between the two threads, it is tried again.
    let found = (0..20).any(|_| {
        let at = alone(|| block(60_000).as_ptr() as usize);
        alone(move || block(60_000).as_ptr() as usize == at && own().fresh == 0)
    });
    assert!(found);
}

#[test]
fn what_cannot_be_had_is_an_error() {
    let too_much = [
        usize::MAX,
        usize::MAX - 64,
        isize::MAX as usize,
        isize::MAX as usize - 63,
    ];
    for bytes in too_much {
        assert_eq!(RawBlock::try_new(bytes).unwrap_err(), AllocError { bytes });
    }
    // More than any processor of today can address, with a class and without.
    #[cfg(target_pointer_width = "64")]
    for bytes in [1 << 58, (1 << 60) + 1] {
        assert_eq!(RawBlock::try_new(bytes).unwrap_err(), AllocError { bytes });
    }
    // 1 TiB and 64 TiB: whether the system promises them is its own affair, but nothing aborts.
    #[cfg(target_pointer_width = "64")]
    for bytes in [1 << 40, 1 << 46] {
        match RawBlock::try_new(bytes) {
            Ok(b) => assert!(b.capacity() >= bytes),
            Err(e) => assert_eq!(e, AllocError { bytes }),
        }
    }
    assert_eq!(
        RawBlock::try_new(usize::MAX).unwrap_err().to_string(),
        format!("cannot allocate {} bytes", usize::MAX)
    );
    assert!(block(100).capacity() >= 100, "and all goes on");
}

#[test]
fn thread_locals_may_drop_and_make_blocks_while_their_thread_ends() {
    struct Late(Vec<TensorImpl>, mpsc::Sender<usize>);
    impl Drop for Late {
        fn drop(&mut self) {
            // Whatever the order of destructors, both work, and copies share as ever.
            for bytes in SIZES {
                let made = body(bytes);
                // SAFETY: as many bytes as there are, in a body that has one handle.
                unsafe { made.as_ptr().write_bytes(1, bytes) };
                self.0.push(made.clone());
                count_copy();
            }
            let (held, ours) = (
                self.0.len(),
                self.0.iter().filter(|b| b.is_unique()).count(),
            );
            self.0.clear();
            self.1.send(held * 1000 + ours).unwrap();
        }
    }
    thread_local! {
        static BEFORE: RefCell<Option<Late>> = const { RefCell::new(None) };
        static AFTER: RefCell<Option<Late>> = const { RefCell::new(None) };
    }
    let (send, receive) = mpsc::channel();
    let join = spawn(move || {
        // One is registered before the cache's own destructor and one after it, so one runs on each side.
        BEFORE.with_borrow_mut(|slot| *slot = Some(Late(Vec::new(), send.clone())));
        let first = SIZES.map(body).into_iter().collect();
        BEFORE.with_borrow_mut(|slot| slot.as_mut().unwrap().0 = first);
        AFTER.with_borrow_mut(|slot| {
            *slot = Some(Late(SIZES.map(body).into_iter().collect(), send))
        });
    });
    join.join().unwrap();
    assert_eq!(receive.into_iter().collect::<Vec<_>>(), [32_032, 32_032]);
}

#[test]
fn totals_cover_at_least_this_thread() {
    alone(|| {
        let b = block(100_000);
        let (mine, all) = (own(), stats());
        assert!(all.live_bytes >= b.capacity() + HEADER && all.live_blocks >= 1);
        assert!(all.peak_large_bytes >= b.capacity() + HEADER);
        assert!(all.fresh_allocations + all.cache_hits >= mine.taken as u64);
        let copies = all.copies_on_write;
        count_copy();
        assert!(stats().copies_on_write > copies);
        assert_eq!(own().copies, 1);
    });
}
