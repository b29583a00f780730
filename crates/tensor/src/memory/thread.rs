//! Each thread's own free lists for small blocks, and its counters.
//!
//! Nothing here takes a lock or a read-modify-write while a list has what is asked: a pair of allocation and drop of a
//! small block costs a few nanoseconds. Invariant: lists and counters are written by their thread alone; another
//! thread only loads the counters, which are atomic for that and nothing else.

use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::cache_line::prefetch;
use super::class::{self, SMALL, SMALL_CLASSES};
use super::shared::{self, Chain, THREADS_KEEP};
use super::system::{self, HEADER, Header, NO_CLASS};

/// A magazine is what a thread trades with the shared cache in one go: 64 KiB of blocks, at least two. A thread keeps
/// up to two of each class, so that a loop that hovers about the edge of one does not trade at each turn.
const MAGAZINE: usize = 64 << 10;

/// How many blocks of `class` make a magazine.
const fn magazine(class: usize) -> u32 {
    let n = MAGAZINE / (class::size(class) + HEADER);
    if n < 2 { 2 } else { n as u32 }
}

/// The largest size that is asked of the system by the run.
const RUNS_TO: usize = 1 << 10;

/// What [`set_cache_limit`](super::set_cache_limit) says of what a thread may keep.
const _: () = {
    let (mut class, mut sum) = (0, 0);
    while class < SMALL_CLASSES {
        let most = 2 * magazine(class) as usize * (class::size(class) + HEADER);
        assert!(most <= 4 * (SMALL + HEADER));
        sum += most;
        class += 1;
    }
    assert!(sum <= 9 << 20);
};

/// The free list of one class. Lists are null-terminated, here and in chains.
///
/// A pair of allocation and drop changes the list and how much room it has, and counts the blocks taken: who holds how many
/// follows from what came and what is there, without a count of its own.
struct Slot {
    /// A magazine's blocks less `room`, linked.
    head: Cell<*mut Header>,
    /// How many blocks more make the list a magazine.
    room: AtomicU32,
    /// How many blocks the next run has: each has twice as many as the one before, to a magazine, so that what is not used
    /// is no more than what is.
    run: Cell<u16>,
    /// Null, or a full magazine. Other threads ask no more than which.
    spare: AtomicPtr<Header>,
    /// Blocks that came from the system or the shared cache, less those that went there: those that lie here, and those
    /// that this thread took, less those that it gave.
    came: AtomicUsize,
}

impl Slot {
    /// The number of blocks that lie here.
    fn count(&self, class: usize) -> usize {
        let full = magazine(class);
        let spare = !self.spare.load(Relaxed).is_null();
        (full - self.room.load(Relaxed) + u32::from(spare) * full) as usize
    }
}

/// One thread's share.
struct ThreadCache {
    slots: [Slot; SMALL_CLASSES],
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    taken: AtomicUsize,
    /// Blocks that came past the slots, and what they amount to, less those that went past them.
    past: AtomicUsize,
    past_bytes: AtomicUsize,
    fresh: AtomicUsize,
    copies: AtomicUsize,
}

/// Adds to a counter that only this thread writes.
#[inline]
fn bump(counter: &AtomicUsize, by: usize) {
    counter.store(counter.load(Relaxed).wrapping_add(by), Relaxed);
}

/// Counters read out; `cached_bytes` is what the slots hold. What is live is right as a sum over all threads: a block may be
/// taken by one and given by another, so one thread's figure alone may be negative (wrapped).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) taken: usize,
    pub(super) live_blocks: usize,
    pub(super) live_bytes: usize,
    pub(super) fresh: usize,
    pub(super) copies: usize,
    pub(super) cached_bytes: usize,
}

impl Counts {
    fn add(&mut self, c: &Counters) {
        self.taken = self.taken.wrapping_add(c.taken.load(Relaxed));
        self.hold(c.past.load(Relaxed), c.past_bytes.load(Relaxed));
        self.fresh = self.fresh.wrapping_add(c.fresh.load(Relaxed));
        self.copies = self.copies.wrapping_add(c.copies.load(Relaxed));
    }

    fn hold(&mut self, blocks: usize, bytes: usize) {
        self.live_blocks = self.live_blocks.wrapping_add(blocks);
        self.live_bytes = self.live_bytes.wrapping_add(bytes);
    }

    fn join(&mut self, other: &Counts) {
        self.taken = self.taken.wrapping_add(other.taken);
        self.hold(other.live_blocks, other.live_bytes);
        self.fresh = self.fresh.wrapping_add(other.fresh);
        self.copies = self.copies.wrapping_add(other.copies);
        self.cached_bytes += other.cached_bytes;
    }

    /// Blocks that were given back.
    #[cfg(test)]
    pub(super) fn given(&self) -> usize {
        self.taken.wrapping_sub(self.live_blocks)
    }
}

/// The caches of the threads that live, and the sums of those that have ended.
struct Registry {
    threads: Vec<*const ThreadCache>,
    ended: Counts,
}

// SAFETY: a pointer in it is valid until its thread takes it out under the lock, and through it only atomics are read.
unsafe impl Send for Registry {}

const NOTHING: Counts = Counts {
    taken: 0,
    live_blocks: 0,
    live_bytes: 0,
    fresh: 0,
    copies: 0,
    cached_bytes: 0,
};
static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    threads: Vec::new(),
    ended: NOTHING,
});

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// This thread's cache: null before its first use and after its end. It has no destructor, so reading it is
    /// one load, at any time in a thread's life.
    static CURRENT: Cell<*const ThreadCache> = const { Cell::new(ptr::null()) };
    /// Ends the cache with the thread.
    static END: End = const { End };
}

struct End;

impl Drop for End {
    fn drop(&mut self) {
        let cache = CURRENT.replace(ptr::null());
        if cache.is_null() {
            return;
        }
        // SAFETY: `CURRENT` was set to a live cache of this thread, and no longer leads anybody else here.
        flush_cache(unsafe { &*cache });
        let mut registry = registry();
        registry.threads.retain(|&other| !ptr::eq(other, cache));
        // SAFETY: as above.
        let counts = read(unsafe { &*cache });
        registry.ended.join(&counts);
        drop(registry);
        // SAFETY: from `start` with this layout; unregistered, so nothing points to it. It has no destructor to run.
        unsafe { dealloc(cache.cast_mut().cast(), Layout::new::<ThreadCache>()) };
    }
}

/// This thread's cache; `None` before its first use as well.
#[inline(always)]
fn here<'a>() -> Option<&'a ThreadCache> {
    // SAFETY: it is null, or lives until `End`, which runs when none of this module's functions is running on the thread;
    // they do not let the reference out.
    unsafe { CURRENT.get().as_ref() }
}

/// This thread's cache; `None` in the destructors of its thread-locals, or if there was no memory for it.
fn current<'a>() -> Option<&'a ThreadCache> {
    here().or_else(start)
}

#[cold]
#[inline(never)]
fn start<'a>() -> Option<&'a ThreadCache> {
    // Also makes sure that the destructor will run. It fails once that has begun: no new cache then.
    END.try_with(|_| ()).ok()?;
    let mut registry = registry();
    registry.threads.try_reserve(1).ok()?;
    // SAFETY: the size is not zero.
    let cache = NonNull::new(unsafe { alloc(Layout::new::<ThreadCache>()) })?.cast::<ThreadCache>();
    let slot = |class| Slot {
        head: Cell::new(ptr::null_mut()),
        room: AtomicU32::new(magazine(class)),
        run: Cell::new(1),
        spare: AtomicPtr::new(ptr::null_mut()),
        came: AtomicUsize::new(0),
    };
    // SAFETY: fresh, large enough and aligned.
    unsafe {
        cache.write(ThreadCache {
            slots: std::array::from_fn(slot),
            counters: Counters::default(),
        })
    };
    registry.threads.push(cache.as_ptr());
    CURRENT.set(cache.as_ptr());
    // SAFETY: as in `current`.
    Some(unsafe { &*cache.as_ptr() })
}

/// A block of at least `bytes` for the caller alone, its count unset; `None` if the system refuses.
///
/// What is rare is told apart and called last: with it in line registers would be saved for each call.
#[inline]
pub(super) fn take(bytes: usize) -> Option<NonNull<Header>> {
    if bytes <= SMALL
        && let Some(cache) = here()
    {
        let slot = &cache.slots[class::of(bytes)];
        if let Some(block) = NonNull::new(slot.head.get()) {
            // SAFETY: a block in the list is this thread's alone, and its link leads to the rest.
            let next = unsafe { (*block.as_ptr()).link };
            // Read at the next call. Not at the list's end: asking for address 0 is a walk through the page tables
            // that finds nothing, each time, and takes 25 ns.
            let ahead = if next.is_null() { block.as_ptr() } else { next };
            prefetch(ahead.cast());
            slot.head.set(next);
            slot.room.store(slot.room.load(Relaxed) + 1, Relaxed);
            bump(&cache.counters.taken, 1);
            return Some(block);
        }
    }
    take_rare(bytes)
}

/// Takes back a block that nobody has a handle to any more.
///
/// # Safety
/// `block` is from [`take`], the caller has it alone and gives it up.
#[inline]
pub(super) unsafe fn give(block: NonNull<Header>) {
    let header = block.as_ptr();
    // SAFETY: the caller has the block alone; its class was set at its birth.
    let class = unsafe { (*header).class as usize };
    if class < SMALL_CLASSES
        && let Some(cache) = here()
    {
        let slot = &cache.slots[class];
        let room = slot.room.load(Relaxed);
        if room > 0 && THREADS_KEEP.load(Relaxed) {
            // SAFETY: the block is now this thread's, to link as it likes.
            unsafe { (*header).link = slot.head.get() };
            slot.head.set(header);
            slot.room.store(room - 1, Relaxed);
            return;
        }
    }
    // SAFETY: as this function's.
    unsafe { give_rare(block) }
}

/// [`take`] where the list is empty, of a large block, or without a cache.
#[cold]
#[inline(never)]
fn take_rare(bytes: usize) -> Option<NonNull<Header>> {
    if bytes <= SMALL
        && let Some(cache) = current()
    {
        // A thread's first call has just made the cache: its lists are empty.
        let block = refill(cache, class::of(bytes))?;
        bump(&cache.counters.taken, 1);
        return Some(block);
    }
    take_large(bytes)
}

/// [`give`] where the list is full or nothing is to be kept, of a large block, or without a cache.
///
/// # Safety
/// As [`give`].
#[cold]
#[inline(never)]
unsafe fn give_rare(block: NonNull<Header>) {
    // SAFETY: the caller has the block alone; its class was set at its birth.
    let class = unsafe { (*block.as_ptr()).class as usize };
    if class < SMALL_CLASSES
        && let Some(cache) = current()
    {
        // SAFETY: as this function's.
        return unsafe { give_full(cache, class, block) };
    }
    // SAFETY: as this function's.
    unsafe { give_large(block) }
}

/// The list of `class` is empty: goes on with the spare, a chain of the shared cache, or fresh blocks.
fn refill(cache: &ThreadCache, class: usize) -> Option<NonNull<Header>> {
    let (slot, full) = (&cache.slots[class], magazine(class));
    let spare = slot.spare.load(Relaxed);
    slot.spare.store(ptr::null_mut(), Relaxed);
    let Chain { head, len } = match NonNull::new(spare) {
        Some(head) => Chain { head, len: full },
        None => {
            let chain = bring(cache, class)?;
            bump(&slot.came, chain.len as usize);
            chain
        }
    };
    // SAFETY: the chain is ours now, `len` blocks linked from `head`.
    slot.head.set(unsafe { (*head.as_ptr()).link });
    slot.room.store(full - (len - 1), Relaxed);
    Some(head)
}

/// Blocks of `class` from the shared cache, or from the system.
fn bring(cache: &ThreadCache, class: usize) -> Option<Chain> {
    let cached = shared::lock().pop(class);
    if cached.is_some() {
        return cached;
    }
    let (slot, size) = (&cache.slots[class], class::size(class));
    let by_run = size <= RUNS_TO && THREADS_KEEP.load(Relaxed);
    let run = if by_run { slot.run.get() } else { 1 };
    let head = fresh(size, class as u16, run)?;
    bump(&cache.counters.fresh, 1);
    if by_run {
        slot.run.set((2 * run).min(magazine(class) as u16));
    }
    Some(Chain {
        head,
        len: u32::from(run),
    })
}

/// The list is full, or nothing is to be kept; or the cache has just been made.
///
/// # Safety
/// As [`give`].
unsafe fn give_full(cache: &ThreadCache, class: usize, block: NonNull<Header>) {
    let (slot, full) = (&cache.slots[class], magazine(class));
    if THREADS_KEEP.load(Relaxed) {
        let spare = slot.spare.load(Relaxed);
        slot.spare.store(slot.head.get(), Relaxed);
        // SAFETY: the block is this thread's.
        unsafe { (*block.as_ptr()).link = ptr::null_mut() };
        slot.head.set(block.as_ptr());
        slot.room.store(full - 1, Relaxed);
        if let Some(head) = NonNull::new(spare) {
            // SAFETY: a spare is a full magazine of this thread's, now out of its slot.
            unsafe { part(slot, Chain { head, len: full }) };
        }
    } else {
        flush_cache(cache);
        bump(&slot.came, 1usize.wrapping_neg());
        // SAFETY: the caller gave the block up.
        unsafe { system::free(block) }
    }
}

/// Hands blocks over to the shared cache.
///
/// # Safety
/// The chain was this thread's alone, and is out of the slot.
unsafe fn part(slot: &Slot, chain: Chain) {
    bump(&slot.came, (chain.len as usize).wrapping_neg());
    // SAFETY: this function's.
    let evicted = unsafe { shared::lock().push(chain) };
    drop(evicted);
}

/// Blocks above [`SMALL`], and any on a thread that is ending.
fn take_large(bytes: usize) -> Option<NonNull<Header>> {
    let (capacity, class) = if bytes <= class::LARGEST {
        let class = class::of(bytes);
        (class::size(class), class as u16)
    } else {
        (bytes.checked_next_multiple_of(HEADER)?, NO_CLASS)
    };
    let size = capacity.checked_add(HEADER)?;
    let small = capacity <= SMALL;
    // A small one may come as a chain, whose rest an ending thread could not keep: it asks the system.
    let cached = if small {
        None
    } else {
        shared::lock().take_large(class, size)
    };
    let is_fresh = cached.is_none();
    let block = match cached {
        Some(block) => block,
        None => {
            let block = fresh(capacity, class, 1)?;
            if !small {
                shared::lock().count_large_taken(size);
            }
            block
        }
    };
    count(|c, add| {
        add(&c.taken, 1);
        add(&c.fresh, usize::from(is_fresh));
        add(&c.past, 1);
        add(&c.past_bytes, size);
    });
    Some(block)
}

/// The other end of [`take_large`].
///
/// # Safety
/// As [`give`].
unsafe fn give_large(block: NonNull<Header>) {
    // SAFETY: the caller has the block alone; its capacity was set at its birth.
    let size = unsafe { (*block.as_ptr()).capacity + HEADER };
    if size - HEADER <= SMALL {
        // SAFETY: the caller gave the block up.
        unsafe { system::free(block) };
    } else {
        let evicted = {
            let mut shared = shared::lock();
            // SAFETY: the caller gave the block up.
            unsafe { shared.give_large(block, size) }
        };
        drop(evicted);
    }
    count(|c, add| {
        add(&c.past, 1usize.wrapping_neg());
        add(&c.past_bytes, size.wrapping_neg());
    });
}

/// A block from the system, or a run of them; if it refuses, once more with all caches emptied. Not for what has no class, though: a
/// request of more than a tebibyte is a mistake, which should not cost everybody their cache.
fn fresh(capacity: usize, class: u16, blocks: u16) -> Option<NonNull<Header>> {
    let block = system::allocate_run(capacity, class, blocks);
    if block.is_some() || class == NO_CLASS {
        return block;
    }
    super::trim();
    system::allocate_run(capacity, class, blocks)
}

pub(super) fn count_copy() {
    count(|c, add| add(&c.copies, 1));
}

/// Changes this thread's counters, or, if it has none, those of the ended threads.
fn count(change: impl Fn(&Counters, fn(&AtomicUsize, usize))) {
    match current() {
        Some(cache) => change(&cache.counters, bump),
        None => {
            let counters = Counters::default();
            change(&counters, bump);
            registry().ended.add(&counters);
        }
    }
}

/// Gives what this thread keeps to the shared cache.
pub(super) fn flush() {
    // A thread without a cache has nothing; it need not get one for this.
    let cache = CURRENT.get();
    if !cache.is_null() {
        // SAFETY: as in `current`.
        flush_cache(unsafe { &*cache });
    }
}

fn flush_cache(cache: &ThreadCache) {
    for (class, slot) in cache.slots.iter().enumerate() {
        let full = magazine(class);
        let len = full - slot.room.load(Relaxed);
        let (head, spare) = (slot.head.replace(ptr::null_mut()), slot.spare.load(Relaxed));
        slot.room.store(full, Relaxed);
        slot.spare.store(ptr::null_mut(), Relaxed);
        for (head, len) in [(head, len), (spare, full)] {
            if let Some(head) = NonNull::new(head) {
                // SAFETY: both were this thread's alone, and are out of the slot.
                unsafe { part(slot, Chain { head, len }) };
            }
        }
    }
}

fn read(cache: &ThreadCache) -> Counts {
    let mut counts = Counts::default();
    counts.add(&cache.counters);
    for (class, slot) in cache.slots.iter().enumerate() {
        let (here, size) = (slot.count(class), class::size(class) + HEADER);
        let held = slot.came.load(Relaxed).wrapping_sub(here);
        counts.hold(held, held.wrapping_mul(size));
        counts.cached_bytes += here * size;
    }
    counts
}

/// The sum over all threads, living and ended.
pub(super) fn sum() -> Counts {
    let registry = registry();
    let mut sum = registry.ended;
    for &cache in &registry.threads {
        // SAFETY: a registered cache lives until it is taken out, which needs the lock held here. Shared access by this
        // thread goes to atomics alone: `read` touches no `Cell`.
        sum.join(&read(unsafe { &*cache }));
    }
    sum
}

/// The calling thread's own figures, which parallel tests do not disturb.
#[cfg(test)]
pub(super) fn own() -> Counts {
    current().map(read).unwrap_or_default()
}
