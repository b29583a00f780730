//! Reduce: folds one axis of a contiguous `[outer, n, inner]` block.
//!
//! Invariant: the order in which elements are merged depends on `n` and `inner` alone, never on the
//! number of threads or the instruction set. A row is cut into blocks of [`BLOCK`] elements; a
//! block is merged in lanes, whose count is the same for every instruction set; blocks are merged
//! pairwise, as a binary counter carries. A piece handed to another thread is an aligned power of
//! two of blocks, hence a node of the same tree.

mod columns;

use std::hint::black_box;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::RangeInclusive;

use super::isa::{Isa, IsaKind, Kernel, active_isa, dispatch};
use super::par;
use crate::memory;
use columns::{Columns, columns_of, fold_columns};

/// Elements merged in lanes before merging turns pairwise: 32 additions a lane, so that the error of
/// a sum grows with 32 + log₂(n), while the merge of the lanes is a few per cent of the work.
const BLOCK: usize = 1024;
/// Lanes of a long run: 4 AVX2 registers of `f32`, enough to hide the latency of an addition.
const LANES: usize = 32;
/// A contiguous block whose middle axis is reduced.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Product of the axes before.
    pub outer: usize,
    /// Product of the reduced axes.
    pub n: usize,
    /// Product of the axes after.
    pub inner: usize,
}

/// A pointer that tasks share; they write disjoint parts.
pub(super) struct Shared<T>(pub(super) *mut T);
impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Shared<T> {}
// SAFETY: tasks read shared elements and write disjoint ones.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Shared<T> {}
impl<T> Shared<T> {
    /// The pointer (a method, so that closures capture the whole of `self`).
    #[inline(always)]
    pub(super) fn get(self) -> *mut T {
        self.0
    }
}

/// What the order of merging within a block changes.
pub(super) enum Order {
    /// The last bits, so it is fixed: lanes, then their halves.
    Fixed,
    /// Nothing, but a merge takes long, as it keeps NaN: see [`extreme`].
    Slow,
    /// Nothing: the compiler's own. (Of lanes of integers it makes a loop that gathers, four times as slow.)
    Free,
}

/// A reduction: elements mapped, then merged by an associative operation.
pub(super) trait Fold: 'static {
    /// The elements.
    type In: Copy + Send + Sync + 'static;
    /// What they are merged in.
    type Acc: Copy + Send + Sync + 'static;
    /// Tenths of a nanosecond an element.
    const COST: u32 = 2;
    /// What the order of merging changes.
    const ORDER: Order = Order::Fixed;
    /// Whether `map` is long, and is better given a loop of its own.
    const HEAVY: bool = false;
    /// Whether `map` takes a second operand, one element for each of the result.
    const SHIFTED: bool = false;
    fn map<I: Isa>(x: Self::In, shift: Self::In, p: f64) -> Self::Acc;
    fn merge(a: Self::Acc, b: Self::Acc) -> Self::Acc;
    /// Where the order is [`Slow`](Order::Slow): a merge that may lose NaN.
    #[inline(always)]
    fn merge_numbers(a: Self::Acc, b: Self::Acc) -> Self::Acc {
        Self::merge(a, b)
    }
    /// And the sum of two, which loses none.
    #[inline(always)]
    fn add(a: Self::Acc, b: Self::Acc) -> Self::Acc {
        Self::merge(a, b)
    }
    /// Whether this is NaN.
    #[inline(always)]
    fn is_nan(_: Self::Acc) -> bool {
        false
    }
    /// The fold of nothing.
    fn empty() -> Self::Acc;
}

/// Pairwise merging of a sequence, as a binary counter carries.
struct Tree<A> {
    stack: [MaybeUninit<A>; 64],
    depth: usize,
    count: usize,
}
impl<A: Copy> Tree<A> {
    #[inline(always)]
    fn new() -> Self {
        Tree {
            stack: [const { MaybeUninit::uninit() }; 64],
            depth: 0,
            count: 0,
        }
    }
    #[inline(always)]
    fn push(&mut self, mut acc: A, merge: impl Fn(A, A) -> A) {
        let mut carry = self.count;
        while carry & 1 == 1 {
            self.depth -= 1;
            // SAFETY: entries below `depth` are written.
            acc = merge(unsafe { self.stack[self.depth].assume_init() }, acc);
            carry >>= 1;
        }
        self.stack[self.depth].write(acc);
        self.depth += 1;
        self.count += 1;
    }
    /// At least one element was pushed.
    #[inline(always)]
    fn finish(mut self, merge: impl Fn(A, A) -> A) -> A {
        self.depth -= 1;
        // SAFETY: entries below the former `depth` are written.
        let mut acc = unsafe { self.stack[self.depth].assume_init() };
        while self.depth > 0 {
            self.depth -= 1;
            // SAFETY: as above.
            acc = merge(unsafe { self.stack[self.depth].assume_init() }, acc);
        }
        acc
    }
}

/// Lanes that begin at a cache line. Where the caller's frame happens to lie decides else whether vectors cross lines,
/// and these are read just after they are written: `softmax` of [1000, 128] takes 39 or 57 us by it, on a Zen 5.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Lines<A, const L: usize>([A; L]);

/// Merges `get(0) … get(n - 1)`, `n >= L`, in `L` lanes.
#[inline(always)]
fn lanes<A: Copy, const L: usize, const APART: bool>(
    n: usize,
    get: impl Fn(usize) -> A,
    merge: impl Fn(A, A) -> A,
) -> A {
    let mut acc = [get(0); L];
    for (l, a) in acc.iter_mut().enumerate().skip(1) {
        *a = get(l);
    }
    let mut i = L;
    while i + L <= n {
        for (l, a) in acc.iter_mut().enumerate() {
            *a = merge(*a, get(i + l));
        }
        i += L;
    }
    // A copy, because indexing by a variable would keep the accumulators of the loop above out of registers. In memory,
    // because the compiler would shape that loop after the halving below, in vectors of two elements.
    let mut lines = if APART {
        black_box(Lines(acc))
    } else {
        Lines(acc)
    };
    let tail = &mut lines.0;
    for (l, a) in tail.iter_mut().enumerate().take(n - i) {
        *a = merge(*a, get(i + l));
    }
    let mut width = L / 2;
    while width > 0 {
        for l in 0..width {
            tail[l] = merge(tail[l], tail[l + width]);
        }
        width /= 2;
    }
    tail[0]
}

/// The merged `get(0) … get(n - 1)`, `n >= L`, by [`Fold::merge_numbers`], which takes one instruction where a merge that
/// keeps NaN takes four in a chain. Beside it goes a sum, which is NaN if an element is: then (or of infinities of either
/// sign) there is none.
#[inline(always)]
fn extreme<F: Fold, const L: usize>(n: usize, get: impl Fn(usize) -> F::Acc) -> Option<F::Acc> {
    let mut best = [get(0); L];
    for (l, a) in best.iter_mut().enumerate().skip(1) {
        *a = get(l);
    }
    let mut sum = best;
    let mut i = L;
    while i + L <= n {
        for l in 0..L {
            let x = get(i + l);
            best[l] = F::merge_numbers(best[l], x);
            sum[l] = F::add(sum[l], x);
        }
        i += L;
    }
    // In memory: see `lanes`.
    let mut lines = black_box([Lines(best), Lines(sum)]);
    let [Lines(best), Lines(sum)] = &mut lines;
    for l in 0..n - i {
        let x = get(i + l);
        best[l] = F::merge_numbers(best[l], x);
        sum[l] = F::add(sum[l], x);
    }
    let mut width = L / 2;
    while width > 0 {
        for l in 0..width {
            best[l] = F::merge_numbers(best[l], best[l + width]);
            sum[l] = F::add(sum[l], sum[l + width]);
        }
        width /= 2;
    }
    (!F::is_nan(sum[0])).then_some(best[0])
}

/// Merges a short run; how depends on `n` alone.
#[inline(always)]
fn run<A: Copy>(n: usize, get: impl Fn(usize) -> A, merge: impl Fn(A, A) -> A) -> A {
    if n >= 4 * LANES {
        lanes::<A, LANES, true>(n, get, merge)
    } else if n >= 32 {
        lanes::<A, 8, true>(n, get, merge)
    } else if n >= 16 {
        lanes::<A, 8, false>(n, get, merge)
    } else {
        let mut acc = get(0);
        for i in 1..n {
            acc = merge(acc, get(i));
        }
        acc
    }
}

/// A block: `1..=BLOCK` elements.
///
/// # Safety
/// `x` is readable for `n` elements.
#[inline(always)]
unsafe fn block<I: Isa, F: Fold>(x: *const F::In, n: usize, shift: F::In, p: f64) -> F::Acc {
    if F::HEAVY {
        let mut mapped = [const { MaybeUninit::<F::Acc>::uninit() }; BLOCK];
        let out = mapped.as_mut_ptr() as *mut F::Acc;
        // SAFETY: `n <= BLOCK`; the elements read below are those written here.
        unsafe {
            for i in 0..n {
                *out.add(i) = F::map::<I>(*x.add(i), shift, p);
            }
            run(n, |i| *out.add(i), |a, b| F::merge(a, b))
        }
    } else {
        // SAFETY: the caller's promise.
        let get = |i| unsafe { F::map::<I>(*x.add(i), shift, p) };
        let merge = |a, b| F::merge(a, b);
        match F::ORDER {
            Order::Free => (1..n).fold(get(0), |acc, i| merge(acc, get(i))),
            Order::Slow => {
                // Numbers of lanes that others do not come near: see `kernels/README.md`.
                let quick = match n {
                    _ if n >= 32 * LANES => extreme::<F, { 4 * LANES }>(n, get),
                    _ if n >= LANES => extreme::<F, { LANES / 2 }>(n, get),
                    _ => None,
                };
                quick.unwrap_or_else(|| run(n, get, merge))
            }
            _ => run(n, get, merge),
        }
    }
}

/// Blocks of a row of at least one element, merged pairwise; `$block` merges the `$m` elements from `$at` on.
///
/// A macro with the block in one place: a closure of that size that is called in two is a function of its own,
/// compiled for the baseline.
macro_rules! blocks {
    ($n:expr, |$at:ident, $m:ident| $block:expr, $merge:expr) => {{
        let n = $n;
        let mut tree = Tree::new();
        let mut $at = 0;
        loop {
            let $m = BLOCK.min(n - $at);
            let acc = $block;
            if $m == n {
                break acc;
            }
            tree.push(acc, $merge);
            $at += $m;
            if $at == n {
                break tree.finish($merge);
            }
        }
    }};
}

/// A row of at least one element.
///
/// # Safety
/// `x` is readable for `n` elements.
#[inline(always)]
pub(super) unsafe fn row<I: Isa, F: Fold>(
    x: *const F::In,
    n: usize,
    shift: F::In,
    p: f64,
) -> F::Acc {
    // SAFETY: blocks are within the row.
    unsafe { blocks!(n, |at, m| block::<I, F>(x.add(at), m, shift, p), F::merge) }
}

/// The merged `get(0) … get(n − 1)`, `n >= 1`, in the tree of a row.
#[inline(always)]
pub(super) fn row_of<A: Copy>(
    n: usize,
    get: impl Fn(usize) -> A,
    merge: impl Fn(A, A) -> A + Copy,
) -> A {
    blocks!(n, |at, m| run(m, |i| get(at + i), merge), merge)
}

/// Bytes of rows that a task reads by turns from either half of its own: the processor fetches ahead of each stream of reads
/// for itself, and of two together it is further ahead. See `kernels/README.md`.
const TWO_STREAMS: RangeInclusive<usize> = 1 << 10..=8 << 10;
/// Bytes that do not lie in the L2 cache.
const FAR: usize = 1 << 20;

/// Whole rows, one result each. (Without types, as [`Columns`]: what cuts the work is compiled once for all reductions.)
#[derive(Clone, Copy)]
pub(super) struct Rows {
    src: *const u8,
    /// One element a row, read where `F::SHIFTED`.
    shift: *const u8,
    dst: *mut u8,
    rows: usize,
    n: usize,
    p: f64,
    /// Whether they are read by turns from either half.
    two: bool,
}
struct RowsOf<F: Fold>(Rows, PhantomData<F>);
impl<F: Fold> Kernel for RowsOf<F> {
    type Out = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let t = self.0;
        let (src, shift) = (t.src as *const F::In, t.shift as *const F::In);
        let dst = t.dst as *mut F::Acc;
        // Rows 0, 1, 2, … or 0, h, 1, h + 1, ….
        let (mut next, step) = if t.two {
            (t.rows.div_ceil(2), 1)
        } else {
            (1, 2)
        };
        let mut r = 0;
        for _ in 0..t.rows {
            // SAFETY: `fold`'s promise; `n >= 1`.
            unsafe {
                let x = src.add(r * t.n);
                let shift = if F::SHIFTED { *shift.add(r) } else { *x };
                *dst.add(r) = row::<I, F>(x, t.n, shift, t.p);
            }
            (r, next) = (next, r + step);
        }
    }
}

/// Reduces rows.
///
/// # Safety
/// The pointers are those of [`fold`], to elements of the reduction's types; `n` is not 0.
unsafe fn rows_of<F: Fold>(isa: IsaKind, task: &Rows) {
    dispatch(isa, RowsOf::<F>(*task, PhantomData));
}

/// The folds of rows of at least one element, as [`fold`] has them, on this thread.
///
/// # Safety
/// `src` is readable for `rows·n` elements, and `dst` writable for `rows`.
#[inline(always)]
pub(super) unsafe fn rows<F: Fold>(
    isa: IsaKind,
    src: *const F::In,
    (rows, n): (usize, usize),
    dst: *mut F::Acc,
) {
    let task = Rows {
        src: src as *const u8,
        shift: src as *const u8,
        dst: dst as *mut u8,
        rows,
        n,
        p: 0.0,
        two: false,
    };
    // SAFETY: the caller's promise.
    unsafe { rows_of::<F>(isa, &task) }
}

/// Room for so many bytes, aligned for any element. Where it is refused, without the caches too, this panics, which
/// unwinds out of tasks; `Vec::with_capacity` would abort.
fn scratch(bytes: usize) -> Vec<u64> {
    let mut v = Vec::new();
    let n = bytes.div_ceil(size_of::<u64>());
    if v.try_reserve_exact(n).is_err() {
        memory::trim();
        if v.try_reserve_exact(n).is_err() {
            panic!("reduce: out of memory: {bytes} bytes refused");
        }
    }
    v
}

/// A reduction as what cuts its work sees it: its kernels, and the sizes of what it reads and writes.
struct Verb {
    rows: unsafe fn(IsaKind, &Rows),
    columns: unsafe fn(IsaKind, &Columns),
    cost: u32,
    /// Bytes of an element, and of a result.
    sizes: (usize, usize),
}
impl Verb {
    const fn of<F: Fold>() -> Verb {
        Verb {
            rows: rows_of::<F>,
            columns: columns_of::<F>,
            cost: F::COST,
            sizes: (size_of::<F::In>(), size_of::<F::Acc>()),
        }
    }
}

/// A reduction to be made; the pointers are those of [`fold`].
struct Task {
    verb: &'static Verb,
    g: Geometry,
    src: *const u8,
    shift: *const u8,
    p: f64,
    dst: *mut u8,
}

/// Reduces the middle axis into `dst`, contiguous `[outer, inner]`.
///
/// # Safety
/// `src` is readable for `outer·n·inner` elements, `dst` writable for `outer·inner`, and `shift`, where
/// `F::SHIFTED`, readable for as many; `dst` overlaps neither.
pub(super) unsafe fn fold<F: Fold>(
    g: Geometry,
    src: *const F::In,
    shift: *const F::In,
    p: f64,
    dst: *mut F::Acc,
) {
    if g.outer * g.inner == 0 {
        return;
    }
    if g.n == 0 {
        for i in 0..g.outer * g.inner {
            // SAFETY: `dst` holds that many.
            unsafe { dst.add(i).write(F::empty()) };
        }
        return;
    }
    let task = Task {
        verb: const { &Verb::of::<F>() },
        g,
        src: src as *const u8,
        shift: shift as *const u8,
        p,
        dst: dst as *mut u8,
    };
    // SAFETY: the caller's promise.
    unsafe {
        if g.inner == 1 {
            fold_rows(&task);
        } else if columns::is_tiny::<F>(g) {
            columns::tiny::<F>(g.n, g.inner, src, p, dst);
        } else {
            fold_columns(&task);
        }
    }
}

/// # Safety
/// As for [`fold`], with `inner` 1 and `n` not 0.
unsafe fn fold_rows(task: &Task) {
    let Geometry { outer, n, .. } = task.g;
    let (verb, p) = (task.verb, task.p);
    let isa = active_isa();
    let chunk = par::chunk_len(verb.cost).next_power_of_two();
    if outer * n <= chunk {
        let all = Rows {
            src: task.src,
            shift: task.shift,
            dst: task.dst,
            rows: outer,
            n,
            p,
            two: false,
        };
        // SAFETY: the caller's promise.
        return unsafe { (verb.rows)(isa, &all) };
    }
    let (src, shift, dst) = (
        Shared(task.src as *mut u8),
        Shared(task.shift as *mut u8),
        Shared(task.dst),
    );
    let (from, to) = verb.sizes;
    if n > 2 * chunk {
        // Pieces of a power of two of blocks: nodes of the tree that one thread would build.
        let pieces = n.div_ceil(chunk);
        // Room alone: every element is written before it is read.
        let mut partial = scratch(outer * pieces * to);
        let part = Shared(partial.as_mut_ptr() as *mut u8);
        par::for_each(outer * pieces, move |t| {
            let (o, piece) = (t / pieces, t % pieces);
            let lo = piece * chunk;
            let piece = Rows {
                src: src.get().wrapping_add((o * n + lo) * from),
                shift: shift.get().wrapping_add(o * from),
                dst: part.get().wrapping_add(t * to),
                rows: 1,
                n: chunk.min(n - lo),
                p,
                two: false,
            };
            // SAFETY: a piece of row `o`, and a partial result of its own.
            unsafe { (verb.rows)(isa, &piece) };
        });
        for o in 0..outer {
            let row = part.get().wrapping_add(o * pieces * to);
            let merge = Columns::merge(row, pieces, 1, 1, dst.get().wrapping_add(o * to));
            // SAFETY: the pieces of row `o`, and its result.
            unsafe { (verb.columns)(isa, &merge) };
        }
        return;
    }
    let bytes = n * from;
    let two = TWO_STREAMS.contains(&bytes) && outer * bytes > FAR;
    par::for_pieces(outer, chunk / n, move |rows| {
        let lo = rows.start;
        let task = Rows {
            src: src.get().wrapping_add(lo * n * from),
            shift: shift.get().wrapping_add(lo * from),
            dst: dst.get().wrapping_add(lo * to),
            rows: rows.len(),
            n,
            p,
            two,
        };
        // SAFETY: rows of this task alone.
        unsafe { (verb.rows)(isa, &task) };
    });
}
