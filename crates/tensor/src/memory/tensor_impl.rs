//! What a tensor is a handle to: the layout of a view, and the elements unless they are another's, in one block.
//!
//! A tensor is moved some ten times for each op. With its layout in the handle that was 104 bytes each time, and reading
//! sixteen of them at once waits where two stores wrote them; a handle of one word moves in a register.
//!
//! Invariant: a block whose root is itself holds the elements it has a layout of. Another holds none, and counts as one
//! handle of its root. A layout changes only while its block has one handle.

use std::fmt;
use std::mem::{ManuallyDrop, offset_of};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::system::{HEADER, Header};
use super::{AllocError, release, retain, thread};
use crate::dtype::DType;
use crate::layout::Layout;

/// What lies in a header behind what the cache keeps while there are handles.
#[repr(C)]
struct View {
    root: NonNull<Header>,
    layout: Layout,
}

const AT: usize = offset_of!(Header, link);
/// Where the type of the elements lies.
const TYPE: usize = offset_of!(Header, len);
const _: () = assert!(AT.is_multiple_of(align_of::<View>()) && AT + size_of::<View>() <= HEADER);

/// A counted handle to a layout and the block of elements that it is a view of.
///
/// Elements are 64-byte aligned, uninitialised when new. Who reads or writes them through [`as_ptr`](TensorImpl::as_ptr) answers
/// for initialisation and aliasing.
pub(crate) struct TensorImpl {
    block: NonNull<Header>,
}

// SAFETY: a handle gives shared access to the atomic count and to a layout that changes under the only handle alone, and a
// raw pointer whose every use is the caller's `unsafe`; the last drop may happen on any thread, since caches take blocks of any.
unsafe impl Send for TensorImpl {}
// SAFETY: as above.
unsafe impl Sync for TensorImpl {}

impl TensorImpl {
    /// A layout and elements of its own, of this type and of at least `bytes` bytes, with one handle. The layout is made in its
    /// place: it must lie within the bytes.
    ///
    /// When the system refuses, the caches are emptied and it is asked once more (up to 1 TiB). Never aborts.
    #[inline(always)]
    pub(crate) fn try_new(
        dtype: DType,
        bytes: usize,
        layout: impl FnOnce() -> Layout,
    ) -> Result<TensorImpl, AllocError> {
        let block = thread::take(bytes).ok_or(AllocError { bytes })?;
        // SAFETY: `take` hands over a block that nobody else has.
        Ok(unsafe { TensorImpl::born(block, dtype, block, layout) })
    }

    /// Another layout of the same elements, within which it must lie.
    ///
    /// # Panics
    /// If the system refuses a block of no elements.
    #[inline]
    pub(crate) fn view(&self, layout: Layout) -> TensorImpl {
        let Some(block) = thread::take(0) else {
            panic!("{}", AllocError { bytes: HEADER });
        };
        let root = self.root();
        // SAFETY: the root lives while this handle does. The block is this function's alone.
        unsafe {
            retain(&(*root.as_ptr()).refs);
            TensorImpl::born(block, self.dtype(), root, || layout)
        }
    }

    /// The same elements in another layout, in the same block where this is its only handle.
    #[inline]
    pub(crate) fn relaid(self, layout: Layout) -> TensorImpl {
        if self.refs().load(Ordering::Acquire) != 1 {
            return self.view(layout);
        }
        // SAFETY: this handle is the only one, and it is not borrowed, so neither is the layout.
        unsafe { (*self.place()).layout = layout };
        self
    }

    /// # Safety
    /// The caller has `block` alone. `root` is it, or a block whose handle the caller gives up.
    #[inline(always)]
    unsafe fn born(
        block: NonNull<Header>,
        dtype: DType,
        root: NonNull<Header>,
        layout: impl FnOnce() -> Layout,
    ) -> TensorImpl {
        let inner = TensorImpl { block };
        // SAFETY: as this function's: nobody else sees what is written, and it fits the header.
        unsafe {
            inner.refs().store(1, Ordering::Relaxed);
            inner.type_place().write(dtype);
            (&raw mut (*inner.place()).root).write(root);
            (&raw mut (*inner.place()).layout).write(layout());
        }
        inner
    }

    #[inline(always)]
    fn place(&self) -> *mut View {
        // SAFETY: within the header, which is in bounds.
        unsafe { self.block.as_ptr().cast::<u8>().add(AT).cast() }
    }

    #[inline(always)]
    fn type_place(&self) -> *mut DType {
        // SAFETY: within the header, which is in bounds.
        unsafe { self.block.as_ptr().cast::<u8>().add(TYPE).cast() }
    }

    /// The type of the elements.
    #[inline(always)]
    pub(crate) fn dtype(&self) -> DType {
        // SAFETY: written at birth, and not since.
        unsafe { *self.type_place() }
    }

    #[inline(always)]
    fn root(&self) -> NonNull<Header> {
        // SAFETY: written at birth, and not since.
        unsafe { (*self.place()).root }
    }

    #[inline(always)]
    fn refs(&self) -> &AtomicUsize {
        // SAFETY: the block lives while a handle does; no reference covers the rest of the header.
        unsafe { &(*self.block.as_ptr()).refs }
    }

    /// The layout, in elements from [`as_ptr`](TensorImpl::as_ptr).
    #[inline(always)]
    pub(crate) fn layout(&self) -> &Layout {
        // SAFETY: written at birth; it changes only through the only handle, in `relaid`, which borrows none.
        unsafe { &(*self.place()).layout }
    }

    /// The first byte of the elements, those before this view's first among them.
    #[inline(always)]
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        // SAFETY: every block is at least a header long, and the root lives while this handle does.
        unsafe { self.root().as_ptr().cast::<u8>().add(HEADER) }
    }

    /// As [`as_ptr`](TensorImpl::as_ptr) of a block that holds the elements itself: all but views.
    #[inline(always)]
    pub(crate) fn own_ptr(&self) -> *mut u8 {
        debug_assert!(self.root() == self.block);
        // SAFETY: as there.
        unsafe { self.block.as_ptr().cast::<u8>().add(HEADER) }
    }

    /// Whether nobody else has the elements, so that a holder of `&mut` may write to them.
    ///
    /// True is certain: a second handle could only come from this one. What former handles wrote is visible.
    #[inline]
    pub(crate) fn is_unique(&self) -> bool {
        let alone = |refs: &AtomicUsize| refs.load(Ordering::Acquire) == 1;
        // SAFETY: the root lives while this handle does.
        alone(self.refs())
            && (self.root() == self.block || alone(unsafe { &(*self.root().as_ptr()).refs }))
    }

    /// The last handle goes. Not inlined: one is dropped in hundreds of places.
    #[inline(never)]
    fn end(block: NonNull<Header>) {
        let inner = ManuallyDrop::new(TensorImpl { block });
        if inner.root() != block || !inner.layout().is_inline() {
            return TensorImpl::end_rare(block);
        }
        // SAFETY: nobody else has the block, and its layout owns no memory.
        unsafe { thread::give(block) }
    }

    /// The end of a view, or of a long layout.
    #[cold]
    #[inline(never)]
    fn end_rare(block: NonNull<Header>) {
        let inner = ManuallyDrop::new(TensorImpl { block });
        let root = inner.root();
        // SAFETY: nobody else has the block, whose layout is dropped once, here; and a view gives up its handle of its root.
        unsafe {
            (&raw mut (*inner.place()).layout).drop_in_place();
            if root != block {
                drop(TensorImpl { block: root });
            }
            thread::give(block);
        }
    }
}

impl Clone for TensorImpl {
    #[inline(always)]
    fn clone(&self) -> Self {
        retain(self.refs());
        TensorImpl { block: self.block }
    }
}

impl Drop for TensorImpl {
    #[inline]
    fn drop(&mut self) {
        if release(self.refs()) {
            TensorImpl::end(self.block);
        }
    }
}

impl fmt::Debug for TensorImpl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorImpl")
            .field("elements", &self.as_ptr())
            .field("layout", self.layout())
            .finish()
    }
}
