//! The cache that all threads share: chains of free blocks by size class, the least recently given evicted first.
//!
//! A chain is one large block, or a handful of small ones that a thread hands over in one go, so that the lock is taken
//! once for many. Invariant: `bytes` is the sum over all chains, and never above the limit between two calls.

use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::class::CLASSES;
use super::system::{self, HEADER, Header, NO_CLASS};
use crate::env;

/// 1 GiB: the activations of one step of the largest network that one trains on a few cores; a process that is done
/// training does not notice it kept.
pub(super) const DEFAULT_LIMIT: usize = 1 << 30;

static SHARED: Mutex<Shared> = Mutex::new(Shared::new());

/// Whether threads may keep small blocks: the limit is not 0. Relaxed everywhere, it guards no data.
pub(super) static THREADS_KEEP: AtomicBool = AtomicBool::new(true);

pub(super) fn lock() -> MutexGuard<'static, Shared> {
    // Nothing in here panics midway, so a poisoned state would still be a good one.
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if shared.limit.is_none() {
        let asked = env::setting("WENGERT_CACHE_BYTES", "a whole number of bytes", |n| {
            env::number(n, 0)
        });
        let limit = asked.unwrap_or(DEFAULT_LIMIT);
        shared.limit = Some(limit);
        THREADS_KEEP.store(limit > 0, Ordering::Relaxed);
    }
    shared
}

/// Free blocks of one class, linked from the first; owned by whoever has this.
pub(super) struct Chain {
    pub(super) head: NonNull<Header>,
    pub(super) len: u32,
}

/// Chains of one class, from the newest to the oldest; both null if there are none.
#[derive(Clone, Copy)]
struct List {
    newest: *mut Header,
    oldest: *mut Header,
}

pub(super) struct Shared {
    lists: [List; CLASSES],
    bytes: usize,
    limit: Option<usize>,
    tick: u64,
    large_live: usize,
    large_peak: usize,
}

// SAFETY: the pointers are to blocks that this cache owns alone; no thread has a claim on them.
unsafe impl Send for Shared {}

impl Shared {
    pub(super) const fn new() -> Shared {
        const EMPTY: List = List {
            newest: ptr::null_mut(),
            oldest: ptr::null_mut(),
        };
        Shared {
            lists: [EMPTY; CLASSES],
            bytes: 0,
            limit: None,
            tick: 0,
            large_live: 0,
            large_peak: 0,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }

    pub(super) fn set_limit(&mut self, limit: usize) -> Evicted {
        self.limit = Some(limit);
        THREADS_KEEP.store(limit > 0, Ordering::Relaxed);
        self.evict_to(limit)
    }

    pub(super) fn large_peak(&self) -> usize {
        self.large_peak
    }

    pub(super) fn reset_peak(&mut self) {
        self.large_peak = self.large_live;
    }

    /// Takes a large block of `bytes` with its header, and counts it; `None` if there is none of the class.
    pub(super) fn take_large(&mut self, class: u16, bytes: usize) -> Option<NonNull<Header>> {
        let chain = self.pop(class as usize)?;
        self.count_large_taken(bytes);
        Some(chain.head)
    }

    /// The other end of [`take_large`](Shared::take_large); what it returns is to be dropped after the lock is released.
    ///
    /// # Safety
    /// The caller owns `block`, which is of `bytes` with its header, and hands it over.
    pub(super) unsafe fn give_large(&mut self, block: NonNull<Header>, bytes: usize) -> Evicted {
        self.large_live -= bytes;
        // SAFETY: the caller's promise; a large block is a chain of one.
        unsafe {
            self.push(Chain {
                head: block,
                len: 1,
            })
        }
    }

    /// Large blocks pass here one by one anyway, so their sum and its peak are kept exactly.
    pub(super) fn count_large_taken(&mut self, bytes: usize) {
        self.large_live += bytes;
        self.large_peak = self.large_peak.max(self.large_live);
    }

    /// Takes the newest chain of `class`: its bytes are the likeliest to be in the processor's cache.
    pub(super) fn pop(&mut self, class: usize) -> Option<Chain> {
        let head = NonNull::new(self.lists.get(class)?.newest)?;
        Some(self.unlink(class, head))
    }

    /// Keeps a chain, and returns what must go for it, to be freed after the lock is released.
    ///
    /// # Safety
    /// The caller owns the `len` blocks linked from `head`, all of one class, and hands them over.
    pub(super) unsafe fn push(&mut self, chain: Chain) -> Evicted {
        let head = chain.head.as_ptr();
        // SAFETY: the caller owns the block, so nobody else reads or writes its header.
        let class = unsafe {
            (*head).len = chain.len;
            (*head).older = ptr::null_mut();
            (*head).newer = ptr::null_mut();
            (*head).class
        };
        // SAFETY: `head` is a chain's first block, its length just set.
        let bytes = unsafe { chain_bytes(chain.head) };
        // A chain larger than the limit must not push out everything else first.
        if class == NO_CLASS || bytes > self.limit() {
            return Evicted { first: head };
        }
        self.tick += 1;
        let list = &mut self.lists[class as usize];
        // SAFETY: as above; `list.newest` is null or the first block of a chain that this cache owns.
        unsafe {
            (*head).tick = self.tick;
            (*head).older = list.newest;
            if list.newest.is_null() {
                list.oldest = head;
            } else {
                (*list.newest).newer = head;
            }
        }
        list.newest = head;
        self.bytes += bytes;
        self.evict_to(self.limit())
    }

    /// Takes the oldest chains out until at most `target` bytes remain.
    pub(super) fn evict_to(&mut self, target: usize) -> Evicted {
        let mut evicted = Evicted {
            first: ptr::null_mut(),
        };
        while self.bytes > target {
            let Some((class, oldest)) = self.oldest() else {
                break;
            };
            let chain = self.unlink(class, oldest).head.as_ptr();
            // SAFETY: the chain was just taken out, so it is ours.
            unsafe { (*chain).older = evicted.first };
            evicted.first = chain;
        }
        evicted
    }

    /// A walk over all classes; what follows it is a call to the system, which costs more.
    fn oldest(&self) -> Option<(usize, NonNull<Header>)> {
        let heads = self.lists.iter().enumerate();
        let heads = heads.filter_map(|(class, list)| Some((class, NonNull::new(list.oldest)?)));
        // SAFETY: a chain in a list belongs to this cache, and its tick is set.
        heads.min_by_key(|(_, head)| unsafe { (*head.as_ptr()).tick })
    }

    /// Takes the chain that begins at `head`, which must be in the list of `class`.
    fn unlink(&mut self, class: usize, head: NonNull<Header>) -> Chain {
        // SAFETY: chains in a list belong to this cache, and so do their neighbours in it.
        let (older, newer, len, bytes) = unsafe {
            (
                (*head.as_ptr()).older,
                (*head.as_ptr()).newer,
                (*head.as_ptr()).len,
                chain_bytes(head),
            )
        };
        let list = &mut self.lists[class];
        if newer.is_null() {
            list.newest = older;
        } else {
            // SAFETY: as above.
            unsafe { (*newer).older = older };
        }
        if older.is_null() {
            list.oldest = newer;
        } else {
            // SAFETY: as above.
            unsafe { (*older).newer = newer };
        }
        self.bytes -= bytes;
        Chain { head, len }
    }
}

/// # Safety
/// `head` is the first block of a chain whose length is set, and the caller owns it.
unsafe fn chain_bytes(head: NonNull<Header>) -> usize {
    // SAFETY: the caller's promise.
    unsafe { (*head.as_ptr()).len as usize * ((*head.as_ptr()).capacity + HEADER) }
}

/// Chains on their way to the system, freed when this is dropped, which must be after the lock is released:
/// unmapping 64 MiB takes milliseconds.
#[must_use = "drop it after the lock is released"]
pub(super) struct Evicted {
    /// Chains linked by `older`, each of blocks linked by `link`.
    first: *mut Header,
}

impl Drop for Evicted {
    fn drop(&mut self) {
        let mut chain = self.first;
        while !chain.is_null() {
            // SAFETY: this owns every chain it links, each of `len` blocks; a header is read before its block is freed.
            unsafe {
                let (next, len) = ((*chain).older, (*chain).len);
                let mut block = chain;
                for _ in 0..len {
                    let after = (*block).link;
                    system::free(NonNull::new_unchecked(block));
                    block = after;
                }
                chain = next;
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        drop(self.evict_to(0));
    }
}

#[cfg(test)]
mod tests {
    use super::super::class;
    use super::*;

    fn chain(bytes: usize) -> Chain {
        let class = class::of(bytes);
        Chain {
            head: system::allocate(class::size(class), class as u16).unwrap(),
            len: 1,
        }
    }

    fn give(shared: &mut Shared, chain: Chain) {
        // SAFETY: the chain is fresh or popped, and handed over.
        drop(unsafe { shared.push(chain) });
    }

    fn with_limit(limit: usize) -> Shared {
        let mut shared = Shared::new();
        shared.limit = Some(limit);
        shared
    }

    #[test]
    fn the_newest_is_taken_and_the_oldest_evicted() {
        let (a, b, c) = (chain(100 << 10), chain(200 << 10), chain(100 << 10));
        let (pa, pb, pc) = (a.head, b.head, c.head);
        let mut shared = with_limit(450 << 10);
        for x in [a, b, c] {
            give(&mut shared, x);
        }
        let class = class::of(100 << 10);
        let before = shared.bytes();
        let newest = shared.pop(class).unwrap();
        assert_eq!(newest.head, pc);
        give(&mut shared, newest);
        assert_eq!(shared.bytes(), before);
        // 400 KiB are there; 64 more push out `a`, the oldest, though `b` would make more room.
        give(&mut shared, chain(64 << 10));
        let c = shared.pop(class).unwrap();
        assert_eq!(c.head, pc);
        assert!(shared.pop(class).is_none(), "{pa:?} is gone");
        let b = shared.pop(class::of(200 << 10)).unwrap();
        assert_eq!(b.head, pb);
        assert_eq!(shared.bytes(), (64 << 10) + HEADER);
        give(&mut shared, b);
        give(&mut shared, c);
    }

    #[test]
    fn the_limit_holds_after_every_push() {
        let mut shared = with_limit(1 << 20);
        for i in 0..200usize {
            give(&mut shared, chain((i * 7919) % (1 << 19)));
            assert!(shared.bytes() <= 1 << 20);
        }
        let before = shared.bytes();
        assert!(before > 1 << 19, "mostly full");
        give(&mut shared, chain(2 << 20));
        assert_eq!(shared.bytes(), before, "what cannot fit displaces nothing");
        drop(shared.evict_to(1 << 18));
        assert!(shared.bytes() <= 1 << 18);
        drop(shared.evict_to(0));
        assert_eq!(shared.bytes(), 0);
        assert!((0..CLASSES).all(|class| shared.pop(class).is_none()));
    }

    #[test]
    fn the_peak_is_of_what_was_live_at_once() {
        let mut shared = with_limit(1 << 20);
        let a = chain(100 << 10);
        // SAFETY: the block is alive.
        let (class, size) = unsafe {
            (
                (*a.head.as_ptr()).class,
                (*a.head.as_ptr()).capacity + HEADER,
            )
        };
        shared.count_large_taken(size);
        shared.count_large_taken(50);
        // SAFETY: the block is ours, and handed over.
        drop(unsafe { shared.give_large(a.head, size) });
        assert_eq!(shared.large_peak(), size + 50);
        shared.reset_peak();
        assert_eq!(shared.large_peak(), 50);
        let again = shared.take_large(class, size).unwrap();
        assert_eq!((again, shared.large_peak()), (a.head, size + 50));
        assert_eq!(shared.take_large(class, size), None);
        // SAFETY: as above.
        drop(unsafe { shared.give_large(again, size) });
    }
}
