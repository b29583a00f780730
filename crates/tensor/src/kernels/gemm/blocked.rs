//! Products too large for the operands to stay in the L1 cache while they are read again and again.
//!
//! The output is cut into tasks, each a band of rows by a group of columns. For each block of the
//! inner dimension a task goes down its panels of rows, and for each of them along its panels of
//! columns: the left panel stays in the L1 cache, the group of the right operand, packed, in the L2
//! cache. The first panel of rows packs the right operand as it reads it. The left one is read where
//! it lies if its rows are contiguous, or few columns deep; else it is packed before, once for all
//! tasks.
//!
//! A small batch times a transposed matrix (a linear layer's forward pass) is computed as the transpose
//! of its transpose: the matrix is then the left operand and is read where it lies.
//!
//! Invariant: the inner dimension is cut by its size alone. The cut of the output does depend on the
//! number of threads, which no element of it shows.

use super::tile::{Start, Tile, tile};
use super::{Dims, Gemm, GemmKernels, Mat, Panel, Panels, Shared, Turn};
use crate::kernels::cache::l2_bytes;
use crate::kernels::isa::IsaKind;
use crate::kernels::par;
use crate::memory::{AllocError, RawBlock};
use std::mem::MaybeUninit;

/// Most bytes of the inner dimension in a block; see `kernels/README.md` for this and those below.
const KC_BYTES: usize = 4096;
/// Sixteenths of the L2 cache that the right operand's group takes, which stays there.
const GROUP_PARTS: usize = 9;
/// Depth to which a left operand whose columns are contiguous is read where it lies.
const SHALLOW: usize = 128;
/// Elements of the left operand packed at a time.
const PACK_LEN: usize = 1 << 22;
/// Multiplications of a task that is worth handing to another thread, about 10 us.
const TASK: usize = 1 << 20;
/// Multiplications of a task where there are more tasks than threads.
const LARGE: usize = 6 << 20;

/// Most steps of the inner dimension in a block of elements of `size` bytes.
pub(super) const fn deepest(size: usize) -> usize {
    KC_BYTES / size
}

/// Bytes that no two threads write: a cache line, or two that are fetched together.
const LINE: usize = 128;
/// Elements of the largest tile, of any instruction set.
const MOST: usize = 12 * 32;
/// Rows of the inner dimension packed at a time, of eight panels of the left operand.
const ROWS: usize = 32;

/// How a product is cut.
struct Cut {
    /// Panels of rows.
    left: Panels,
    /// Lanes of a vector; a panel of columns is two vectors wide.
    lanes: usize,
    /// Blocks of the inner dimension.
    depths: Panels,
    /// Groups of panels of columns, bands of panels of rows.
    groups: Panels,
    bands: Panels,
}

impl Cut {
    fn new(d: Dims, size: usize, (lanes, most): (usize, usize), threads: usize) -> Cut {
        let width = 2 * lanes;
        let left = Panels::new(d.m, most);
        let right = d.n.div_ceil(width);
        let depths = Panels::new(d.k, deepest(size));
        let group = l2_bytes() / 16 * GROUP_PARTS;
        let least = right.div_ceil((group / (depths.len(0) * width * size)).max(1));
        // A task for each thread, or some, if they are large.
        let tasks = match threads {
            1 => 1,
            _ => (d.work() / LARGE).clamp(threads.min(d.work() / TASK).max(1), 2 * threads),
        };
        // Each group reads the left operand anew, each band the right one: the longer side is cut.
        let (tall, wide) = ((left.count / 4).max(1), (right / 2).max(1));
        // As many pieces, or some more that threads can share evenly.
        let even = |pieces: usize, most: usize| {
            let even = pieces.next_multiple_of(tasks.min(threads));
            if even <= most { even } else { pieces }
        };
        let (groups, bands) = if d.m > d.n {
            let bands = even(tasks.div_ceil(least).min(tall), tall);
            (least.max(tasks.div_ceil(bands).min(wide)), bands)
        } else {
            let groups = even(least.max(tasks.min(wide)), right);
            (groups, tasks.div_ceil(groups).min(tall))
        };
        // Who has done its own takes what others have left, and that is not to be half of all they had: cores are not
        // equally fast. The rows are cut, since a band finds its group packed.
        let bands = if threads > 1 && d.work() / (groups * bands) >= 2 * LARGE {
            (2 * bands).min(tall)
        } else {
            bands
        };
        Cut {
            left,
            lanes,
            depths,
            groups: Panels::cut(right, groups),
            bands: Panels::cut(left.count, bands),
        }
    }

    fn width(&self) -> usize {
        2 * self.lanes
    }
}

/// Where a thread packs the right operand.
struct Place<T> {
    /// The group of columns whose panels are there, where the inner dimension is one block.
    group: *mut usize,
    panels: *mut T,
}

/// A product, cut.
struct Product<T> {
    isa: IsaKind,
    d: Dims,
    cut: Cut,
    threads: usize,
    a: Mat<T>,
    b: Mat<T>,
    row: Shared<T>,
    c: Shared<T>,
    /// The left operand's panels from block `from` of the inner dimension on, if they are packed.
    packed: Option<Shared<T>>,
    from: usize,
    /// The product is `Bᵀ·Aᵀ`, whose tiles are turned as they are written.
    turned: bool,
}

/// The product, block by block.
///
/// # Safety
/// As for [`gemm`](super::gemm); no dimension is 0.
pub(super) unsafe fn gemm<T: GemmKernels>(
    isa: IsaKind,
    g: &Gemm<T>,
    threads: usize,
) -> Result<(), AllocError> {
    let Gemm { d, a, b, row, c } = *g;
    // A right operand whose columns are contiguous must be turned, unless it is the left one of the product turned:
    // then it is the other operand, and the output.
    let turned = b.row == 1
        && b.col != 1
        && d.k <= deepest(size_of::<T>())
        && d.m.saturating_mul(2 * (d.k + d.n)) <= d.n.saturating_mul(d.k);
    let (d, a, b) = if turned {
        (
            Dims {
                m: d.n,
                n: d.m,
                k: d.k,
            },
            b.t(),
            a.t(),
        )
    } else {
        (d, a, b)
    };
    let mut product = Product {
        isa,
        d,
        cut: Cut::new(d, size_of::<T>(), T::lanes(isa), threads),
        threads,
        a,
        b,
        row: Shared(row as *mut T),
        c: Shared(c),
        packed: None,
        from: 0,
        turned,
    };
    let depths = product.cut.depths;
    // SAFETY: the caller's promise.
    unsafe {
        if a.col == 1 || (a.row == 1 && d.k <= SHALLOW) {
            return product.tasks(depths.count);
        }
        // As many blocks at a time as fit.
        let per = (PACK_LEN / (d.m * depths.len(0))).clamp(1, depths.count);
        let block = RawBlock::try_new(per * d.m * depths.len(0) * size_of::<T>())?;
        product.packed = Some(Shared(block.as_ptr() as *mut T));
        while product.from < depths.count {
            let to = (product.from + per).min(depths.count);
            product.pack_left(to);
            product.tasks(to)?;
            product.from = to;
        }
        Ok(())
    }
}

impl<T: GemmKernels> Product<T> {
    /// The panel of the left operand in block `q` of the inner dimension, in the buffer.
    fn packed_panel(&self, to: Shared<T>, q: usize, i: usize) -> *mut T {
        let (depths, left) = (self.cut.depths, self.cut.left);
        let before = depths.start(q) - depths.start(self.from);
        to.at(before * self.d.m + left.start(i) * depths.len(q))
    }

    /// Packs the left operand's blocks up to `to`.
    ///
    /// # Safety
    /// As for [`gemm`].
    unsafe fn pack_left(&self, to: usize) {
        let Some(buffer) = self.packed else { return };
        let Cut { left, depths, .. } = self.cut;
        // Eight panels a task, some rows at a time: their columns lie side by side.
        let tasks = Panels::new(left.count, 8);
        let blocks = to - self.from;
        let pack = |t: usize| {
            let (q, t) = (self.from + t % blocks, t / blocks);
            for p in (0..depths.len(q)).step_by(ROWS) {
                for i in tasks.start(t)..tasks.start(t) + tasks.len(t) {
                    let rows = left.len(i);
                    let a = self.a.at(left.start(i), depths.start(q) + p);
                    // A panel of the left is one of the transposed right, without padding.
                    let panel = Panel {
                        from: a.t(),
                        columns: rows,
                        width: rows,
                        k: ROWS.min(depths.len(q) - p),
                        to: self.packed_panel(buffer, q, i).wrapping_add(p * rows),
                    };
                    // SAFETY: panels are disjoint and within the buffer and the operand.
                    unsafe { T::pack_panel(self.isa, panel) };
                }
            }
        };
        par::for_each(tasks.count * blocks, pack);
    }

    /// All tasks, over the blocks of the inner dimension up to `to`.
    ///
    /// # Safety
    /// As for [`gemm`].
    unsafe fn tasks(&self, to: usize) -> Result<(), AllocError> {
        let Cut {
            depths,
            groups,
            bands,
            ..
        } = self.cut;
        let count = groups.count * bands.count;
        let panels = if self.in_place() {
            0
        } else {
            depths.len(0) * groups.len(0) * self.cut.width()
        };
        // A place for each thread: what it packed last time is in its own cache.
        let step = (LINE + panels * size_of::<T>()).next_multiple_of(LINE);
        let places = count.min(self.threads);
        let block = RawBlock::try_new(places * step)?;
        let first = Shared(block.as_ptr());
        let place = |k: usize| Place::<T> {
            group: first.at(k * step) as *mut usize,
            panels: first.at(k * step + LINE) as *mut T,
        };
        for k in 0..places {
            // SAFETY: within the block, at a multiple of a cache line.
            unsafe { place(k).group.write(usize::MAX) };
        }
        let task = |k: usize, t: usize| {
            // SAFETY: the caller's promise; tasks write disjoint parts of the output, threads of the block.
            unsafe { self.task(t / bands.count, t % bands.count, to, place(k)) }
        };
        match self.threads {
            1 => (0..count).for_each(|t| task(0, t)),
            _ => par::for_each_on(count, task),
        }
        Ok(())
    }

    /// One panel of rows reads rows of the right operand once: there is nothing to keep.
    fn in_place(&self) -> bool {
        self.b.col == 1 && self.cut.left.count == 1
    }

    /// The columns of a panel, and the vectors that hold them.
    fn columns(&self, j: usize) -> (usize, usize) {
        let columns = (self.d.n - j * self.cut.width()).min(self.cut.width());
        (columns, columns.div_ceil(self.cut.lanes))
    }

    /// A group of columns of a band; the right operand is packed at `place`.
    ///
    /// # Safety
    /// As for [`gemm`]; no other thread is at this part of the output, or at `place`.
    unsafe fn task(&self, group: usize, band: usize, to: usize, place: Place<T>) {
        let Cut {
            left,
            depths,
            groups,
            bands,
            ..
        } = self.cut;
        let (lanes, width) = (self.cut.lanes, self.cut.width());
        let (i_lo, i_hi) = (bands.start(band), bands.start(band) + bands.len(band));
        let (j_lo, j_hi) = (groups.start(group), groups.start(group) + groups.len(group));
        let in_place = self.in_place();
        // The task before on this thread may have packed the group. A place holds one block of the inner dimension.
        let whole = !in_place && to - self.from == 1;
        // SAFETY: the caller's promise.
        let there = whole && unsafe { place.group.replace(group) } == group;
        for q in self.from..to {
            let (p, depth) = (depths.start(q), depths.len(q));
            let kept_panel = |j: usize| place.panels.wrapping_add((j - j_lo) * width * depth);
            if self.b.col != 1 && !there {
                for j in j_lo..j_hi {
                    let (columns, vectors) = self.columns(j);
                    let panel = Panel {
                        from: self.b.at(p, j * width),
                        columns,
                        width: vectors * lanes,
                        k: depth,
                        to: kept_panel(j),
                    };
                    // SAFETY: within the operand and the block.
                    unsafe { T::pack_panel(self.isa, panel) };
                }
            }
            for i in i_lo..i_hi {
                let (i0, rows) = (left.start(i), left.len(i));
                let (a, a_steps) = match self.packed {
                    Some(to) => (self.packed_panel(to, q, i) as *const T, (1, rows as isize)),
                    None => (self.a.at(i0, p).ptr, (self.a.row, self.a.col)),
                };
                for j in j_lo..j_hi {
                    let (columns, vectors) = self.columns(j);
                    let raw = self.b.col == 1 && i == i_lo && !there;
                    let (b, b_step) = if raw {
                        (self.b.at(p, j * width).ptr, self.b.row)
                    } else {
                        (kept_panel(j) as *const T, (vectors * lanes) as isize)
                    };
                    let mut t = Tile {
                        k: depth,
                        a,
                        a_steps,
                        b,
                        b_step,
                        c: self.c.at(i0 * self.d.n + j * width),
                        c_step: self.d.n,
                        columns,
                        start: if q > 0 {
                            Start::Sum
                        } else if self.row.0.is_null() {
                            Start::Zero
                        } else {
                            Start::Row(self.row.at(j * width))
                        },
                        keep: kept_panel(j),
                    };
                    let mut square = [const { MaybeUninit::<T>::uninit() }; MOST];
                    if self.turned {
                        debug_assert!(rows * width <= MOST);
                        (t.c, t.c_step) = (square.as_mut_ptr() as *mut T, width);
                        t.start = Start::Zero;
                    }
                    // SAFETY: within the operands, the block and the output.
                    unsafe {
                        if raw && !in_place {
                            tile::<T, true>(self.isa, rows, vectors, t);
                        } else {
                            tile::<T, false>(self.isa, rows, vectors, t);
                        }
                        if self.turned {
                            let turn = Turn {
                                rows,
                                columns,
                                from: t.c,
                                step: width,
                                to: self.c.at(j * width * self.d.m + i0),
                                to_step: self.d.m,
                                row: if self.row.0.is_null() {
                                    self.row.0
                                } else {
                                    self.row.at(i0)
                                },
                            };
                            T::turn_tile(self.isa, turn);
                        }
                    }
                }
            }
        }
    }
}
