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

/// A closure and how often it is to be called.
#[derive(Clone, Copy)]
struct Job {
    /// Calls the closure behind the pointer.
    call: unsafe fn(*const (), usize),
    closure: *const (),
    count: usize,
}

struct Shared {
    /// Bit 0: open. The bits above count the threads inside.
    gate: AtomicUsize,
    /// Written while the gate is closed and nobody is inside, read inside.
    job: UnsafeCell<Job>,
    /// The next chunk.
    next: AtomicUsize,
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

    /// Takes chunks until there are none.
    fn take_chunks(&self, job: Job) {
        loop {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            if i >= job.count {
                return;
            }
            // SAFETY: this thread is inside, or the caller: the closure lives.
            unsafe { (job.call)(job.closure, i) };
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
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.take_chunks(job))) {
                self.next.store(job.count, Ordering::Relaxed);
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
    threads: Vec<JoinHandle<()>>,
    /// Whether a caller's job runs; another caller does its work alone meanwhile.
    busy: AtomicBool,
}

impl Pool {
    /// A pool for this many threads with the caller's; fewer where the system refuses.
    pub(super) fn new(threads: usize) -> Pool {
        unsafe fn nothing(_: *const (), _: usize) {}
        let others = threads.saturating_sub(1);
        let shared = Arc::new(Shared {
            gate: AtomicUsize::new(0),
            job: UnsafeCell::new(Job {
                call: nothing,
                closure: std::ptr::null(),
                count: 0,
            }),
            next: AtomicUsize::new(0),
            round: AtomicU32::new(0),
            stop: AtomicBool::new(false),
            panic: Mutex::new(None),
            sleepers: (0..others).map(|_| Sleeper::default()).collect(),
        });
        let spawn = |k: usize| {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name(format!("wengert-{}", k + 1))
                .spawn(move || {
                    let me = &shared.sleepers[k];
                    me.thread.get_or_init(std::thread::current);
                    shared.live(k);
                })
                .ok()
        };
        let threads = (0..others).map_while(spawn).collect();
        Pool {
            shared,
            threads,
            busy: AtomicBool::new(false),
        }
    }

    /// How many threads there are, the caller's among them.
    pub(super) fn threads(&self) -> usize {
        self.threads.len() + 1
    }

    /// Calls `f(0) … f(count - 1)`, each once, on the threads that come.
    pub(super) fn run<F: Fn(usize) + Sync>(&self, count: usize, f: &F) {
        unsafe fn call<F: Fn(usize)>(closure: *const (), i: usize) {
            // SAFETY: `closure` is the `&F` below, which lives until nobody is inside the gate.
            unsafe { (*closure.cast::<F>())(i) }
        }
        // A kernel within a kernel's chunk, or of another thread of the user's: alone.
        if self.threads.is_empty() || self.busy.swap(true, Ordering::Acquire) {
            return (0..count).for_each(f);
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
        let shared = &*self.shared;
        let job = Job {
            call: call::<F>,
            closure: f as *const F as *const (),
            count,
        };
        // SAFETY: the gate is closed and nobody is inside, since `busy` was not set.
        unsafe { *shared.job.get() = job };
        shared.next.store(0, Ordering::Relaxed);
        // Release: a thread that goes in sees the job.
        shared.gate.store(1, Ordering::Release);
        let end = End(self);
        shared.round.fetch_add(1, Ordering::SeqCst);
        shared.wake(0, count);
        shared.wake(1, count);
        shared.take_chunks(job);
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
        for thread in self.threads.drain(..) {
            // Its chunks' panics were caught.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_once_in_each_of_many_jobs() {
        for threads in [1, 2, 3, 8] {
            let pool = Pool::new(threads);
            for count in [0, 1, 2, 7, 100, 1000].repeat(50) {
                let calls: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                pool.run(count, &|i| {
                    calls[i].fetch_add(1, Ordering::Relaxed);
                });
                assert!(calls.iter().all(|c| c.load(Ordering::Relaxed) == 1));
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
                        pool.run(5, &|_| {
                            pool.run(4, &|_| {
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
                pool.run(40, &|i| {
                    if i == bad {
                        panic!("chunk {i}");
                    }
                })
            };
            let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
            let text = panic.downcast_ref::<String>().unwrap();
            assert_eq!(*text, format!("chunk {bad}"));
            let done = AtomicUsize::new(0);
            pool.run(10, &|_| {
                done.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(done.into_inner(), 10);
        }
    }
}
