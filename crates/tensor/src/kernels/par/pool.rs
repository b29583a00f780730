//! The threads that share a kernel's chunks with the thread that called it.
//!
//! The caller takes chunks like everybody else, so it never waits for a thread to wake: at worst it does all of the
//! work itself. A thread that has run out of work looks out for more a little while before it sleeps, because the
//! next kernel of a training step is some microseconds away and waking costs as much.
//!
//! Invariant: a job's closure is called only by threads inside the gate, and the caller's frame, which holds the
//! closure, does not end before the gate is closed and nobody is inside.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How long a thread without work looks out before it sleeps: a few times what waking one costs (5 to 10 us on Linux).
const LOOKOUT: Duration = Duration::from_micros(40);

/// What is called with a thread's number and a chunk's. By reference: the code that hands chunks out is there once, not
/// once for each kernel, which is a hundred times. (A trait of its own: `dyn Fn` brings `call_mut` and `call_once` for each.)
pub(super) trait Chunk: Sync {
    fn call(&self, thread: usize, chunk: usize);
}
impl<F: Fn(usize, usize) + Sync> Chunk for F {
    #[inline]
    fn call(&self, thread: usize, chunk: usize) {
        self(thread, chunk);
    }
}

/// A closure and how often it is to be called.
#[derive(Clone, Copy)]
struct Job {
    closure: *const (dyn Chunk + 'static),
    count: usize,
    /// Whether shares are done from their ends: in every other job, for what the job before was at last is still in
    /// the thread's cache.
    back: bool,
}

struct Shared {
    /// Bit 0: open. The bits above count the threads inside.
    gate: AtomicUsize,
    /// Written while the gate is closed and nobody is inside, read inside.
    job: UnsafeCell<Job>,
    /// Each thread's next chunk of those that are its own.
    next: Vec<Next>,
    /// One more with each job: what threads without work look at.
    round: AtomicU32,
    stop: AtomicBool,
    /// What a chunk panicked with on another thread than the caller's.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    sleepers: Vec<Sleeper>,
}

// SAFETY: `job` is written by the thread that holds the pool, and read, only as the gate allows.
unsafe impl Sync for Shared {}
// SAFETY: the pointers in a job are used only while its caller waits; see the invariant.
unsafe impl Send for Shared {}

/// The next chunk of a thread, in a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Next(AtomicUsize);

/// The first chunk of a share, and the end of the one before.
fn share_start(of: usize, shares: usize, count: usize) -> usize {
    of * count / shares
}

#[derive(Default)]
struct Sleeper {
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Shared {
    /// Goes in, if the gate is open.
    fn enter(&self) -> bool {
        let mut gate = self.gate.load(Ordering::Relaxed);
        while gate & 1 == 1 {
            // Acquire: the job was written before the gate was opened.
            match self.gate.compare_exchange_weak(
                gate,
                gate + 2,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => gate = now,
            }
        }
        false
    }

    /// How many shares a job has.
    fn shares(&self, count: usize) -> usize {
        count.min(self.next.len())
    }

    /// Takes chunks until there are none: thread `k`'s own share, then what others have left of theirs.
    fn take_chunks(&self, k: usize, job: Job) {
        let shares = self.shares(job.count);
        if k >= shares {
            return;
        }
        for of in (k..shares).chain(0..k) {
            let (start, end) = (
                share_start(of, shares, job.count),
                share_start(of + 1, shares, job.count),
            );
            loop {
                let i = self.next[of].0.fetch_add(1, Ordering::Relaxed);
                if i >= end {
                    break;
                }
                let i = if job.back { start + end - 1 - i } else { i };
                // SAFETY: this thread is inside, or the caller: the closure lives.
                unsafe { (*job.closure).call(k, i) };
            }
        }
    }

    /// Nobody takes another chunk.
    fn skip(&self, job: Job) {
        for next in &self.next {
            next.0.store(job.count, Ordering::Relaxed);
        }
    }

    /// Wakes thread `k`, if it sleeps and there are chunks for it.
    fn wake(&self, k: usize, count: usize) {
        if k + 1 < count
            && let Some(s) = self.sleepers.get(k)
            // Sequentially consistent, as is what a thread does before it sleeps: either it sees the round, or this
            // sees that it sleeps.
            && s.asleep.load(Ordering::SeqCst)
            && let Some(thread) = s.thread.get()
        {
            thread.unpark();
        }
    }

    /// The life of thread `k`.
    fn live(&self, k: usize) {
        let mut seen = 0;
        loop {
            seen = self.await_round(k, seen);
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            if !self.enter() {
                continue;
            }
            // SAFETY: inside; the caller wrote it before it opened the gate, and not since.
            let job = unsafe { *self.job.get() };
            // Those who wake wake two others: the caller is soon at its own chunks, however many threads there are.
            self.wake(2 * k + 2, job.count);
            self.wake(2 * k + 3, job.count);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.take_chunks(k + 1, job))) {
                self.skip(job);
                *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
            }
            // Release: what the chunks wrote is there for the caller.
            self.gate.fetch_sub(2, Ordering::Release);
        }
    }

    /// Waits for another round than `seen`.
    fn await_round(&self, k: usize, seen: u32) -> u32 {
        let mut until: Option<Instant> = None;
        let mut turns = 0u32;
        loop {
            let round = self.round.load(Ordering::Acquire);
            if round != seen {
                return round;
            }
            turns += 1;
            if !turns.is_multiple_of(32) {
                std::hint::spin_loop();
                continue;
            }
            let now = Instant::now();
            if now < *until.get_or_insert_with(|| now + LOOKOUT) {
                continue;
            }
            let asleep = &self.sleepers[k].asleep;
            asleep.store(true, Ordering::SeqCst);
            while self.round.load(Ordering::SeqCst) == seen {
                std::thread::park();
            }
            asleep.store(false, Ordering::SeqCst);
        }
    }
}

/// Some threads beside the caller.
pub(super) struct Pool {
    shared: Arc<Shared>,
    /// Made for the first job: a program of small tensors has none, and no memory for their stacks.
    threads: OnceLock<Vec<JoinHandle<()>>>,
    /// Whether a caller's job runs; another caller does its work alone meanwhile.
    busy: AtomicBool,
}

impl Pool {
    /// A pool for this many threads with the caller's; fewer where the system refuses.
    pub(super) fn new(threads: usize) -> Pool {
        let others = threads.saturating_sub(1);
        let shared = Arc::new(Shared {
            gate: AtomicUsize::new(0),
            job: UnsafeCell::new(Job {
                closure: &|_: usize, _: usize| (),
                count: 0,
                back: false,
            }),
            next: (0..=others).map(|_| Next::default()).collect(),
            round: AtomicU32::new(0),
            stop: AtomicBool::new(false),
            panic: Mutex::new(None),
            sleepers: (0..others).map(|_| Sleeper::default()).collect(),
        });
        Pool {
            shared,
            threads: OnceLock::new(),
            busy: AtomicBool::new(false),
        }
    }

    fn spawn(&self) -> Vec<JoinHandle<()>> {
        let spawn = |k: usize| {
            let shared = Arc::clone(&self.shared);
            std::thread::Builder::new()
                .name(format!("wengert-{}", k + 1))
                .spawn(move || {
                    let me = &shared.sleepers[k];
                    me.thread.get_or_init(std::thread::current);
                    shared.live(k);
                })
                .ok()
        };
        (0..self.shared.sleepers.len()).map_while(spawn).collect()
    }

    /// How many threads there are, the caller's among them; before the first job, how many are asked for.
    pub(super) fn threads(&self) -> usize {
        let made = self.threads.get().map(Vec::len);
        made.unwrap_or(self.shared.sleepers.len()) + 1
    }

    /// Calls `f(k, 0) … f(k, count - 1)`, each once, on the threads that come; `k` says which of them it is.
    pub(super) fn run(&self, count: usize, f: &dyn Chunk) {
        let shared = &*self.shared;
        if self.threads.get_or_init(|| self.spawn()).is_empty() {
            let back = shared.round.fetch_add(1, Ordering::Relaxed) % 2 == 1;
            return (0..count).for_each(|i| f.call(0, if back { count - 1 - i } else { i }));
        }
        // A kernel within a kernel's chunk, or of another thread of the user's: alone.
        if self.busy.swap(true, Ordering::Acquire) {
            return (0..count).for_each(|i| f.call(0, i));
        }
        /// Ends the job, also when a chunk panics on this thread.
        struct End<'a>(&'a Pool);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                let gate = &self.0.shared.gate;
                gate.fetch_and(!1, Ordering::Relaxed);
                let mut turns = 0u32;
                while gate.load(Ordering::Acquire) != 0 {
                    turns += 1;
                    if turns < 1000 {
                        std::hint::spin_loop();
                    } else {
                        std::thread::yield_now();
                    }
                }
                self.0.busy.store(false, Ordering::Release);
            }
        }
        // SAFETY: the lifetime alone changes; nobody is inside the gate when this returns, so nobody calls it later.
        let closure = unsafe { std::mem::transmute::<&dyn Chunk, &(dyn Chunk + 'static)>(f) };
        let job = Job {
            closure,
            count,
            back: shared.round.load(Ordering::Relaxed) % 2 == 1,
        };
        // SAFETY: the gate is closed and nobody is inside, since `busy` was not set.
        unsafe { *shared.job.get() = job };
        let shares = shared.shares(count);
        for (of, next) in shared.next.iter().take(shares).enumerate() {
            next.0
                .store(share_start(of, shares, count), Ordering::Relaxed);
        }
        // Release: a thread that goes in sees the job.
        shared.gate.store(1, Ordering::Release);
        let end = End(self);
        shared.round.fetch_add(1, Ordering::SeqCst);
        shared.wake(0, count);
        shared.wake(1, count);
        shared.take_chunks(0, job);
        drop(end);
        let panic = shared
            .panic
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.round.fetch_add(1, Ordering::SeqCst);
        for s in &self.shared.sleepers {
            if let Some(thread) = s.thread.get() {
                thread.unpark();
            }
        }
        for thread in self.threads.take().into_iter().flatten() {
            // Its chunks' panics were caught.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn threads_are_made_for_the_first_job() {
        let pool = Pool::new(3);
        assert_eq!((pool.threads(), pool.threads.get().is_some()), (3, false));
        pool.run(2, &|_: usize, _: usize| ());
        assert_eq!((pool.threads(), pool.threads.get().is_some()), (3, true));
    }

    #[test]
    fn every_chunk_once_in_each_of_many_jobs() {
        for threads in [1, 2, 3, 8] {
            let pool = Pool::new(threads);
            for count in [0, 1, 2, 7, 100, 1000].repeat(50) {
                let calls: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                pool.run(count, &|_: usize, i: usize| {
                    calls[i].fetch_add(1, Ordering::Relaxed);
                });
                assert!(calls.iter().all(|c| c.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn a_thread_has_its_number_alone_and_begins_with_its_own_share() {
        for threads in [2, 3, 5] {
            let pool = Pool::new(threads);
            for _ in 0..50 {
                // Nobody leaves its chunk before all have begun one, so that none takes another's.
                let all = Barrier::new(threads);
                pool.run(threads, &|k: usize, i: usize| {
                    assert_eq!(k, i);
                    all.wait();
                });
            }
            for count in [2, 3, 64].repeat(50) {
                let inside: Vec<_> = (0..threads).map(|_| AtomicBool::new(false)).collect();
                pool.run(count, &|k: usize, _: usize| {
                    assert!(k < count);
                    assert!(!inside[k].swap(true, Ordering::SeqCst), "two are {k}");
                    inside[k].store(false, Ordering::SeqCst);
                });
            }
        }
    }

    #[test]
    fn within_a_chunk_and_from_many_threads() {
        let pool = Pool::new(3);
        let total = AtomicUsize::new(0);
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..200 {
                        pool.run(5, &|_, _| {
                            pool.run(4, &|_, _| {
                                total.fetch_add(1, Ordering::Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 4 * 200 * 5 * 4);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_goes_on() {
        let pool = Pool::new(4);
        for bad in 0..40 {
            let run = || {
                pool.run(40, &|_: usize, i: usize| {
                    if i == bad {
                        panic!("chunk {i}");
                    }
                })
            };
            let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
            let text = panic.downcast_ref::<String>().unwrap();
            assert_eq!(*text, format!("chunk {bad}"));
            let done = AtomicUsize::new(0);
            pool.run(10, &|_, _| {
                done.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(done.into_inner(), 10);
        }
    }
}
