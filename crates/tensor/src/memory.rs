//! Reference-counted memory blocks.
use std::alloc::{Layout as MemLayout, alloc, dealloc};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

#[repr(C, align(64))]
struct Header {
    refs: AtomicUsize,
    capacity: usize,
}

/// A refused allocation.
#[derive(Debug)]
pub(crate) struct AllocError {
    pub(crate) bytes: usize,
}

pub(crate) struct RawBlock {
    ptr: NonNull<Header>,
}
// SAFETY: the count is atomic, the size immutable, the bytes are guarded by the owner.
unsafe impl Send for RawBlock {}
// SAFETY: as above.
unsafe impl Sync for RawBlock {}

impl RawBlock {
    pub(crate) fn try_new(bytes: usize) -> Result<RawBlock, AllocError> {
        let total = bytes.checked_add(64).ok_or(AllocError { bytes })?;
        let layout = MemLayout::from_size_align(total, 64).map_err(|_| AllocError { bytes })?;
        // SAFETY: the size is at least 64.
        let p = unsafe { alloc(layout) } as *mut Header;
        let ptr = NonNull::new(p).ok_or(AllocError { bytes })?;
        // SAFETY: freshly allocated and large enough.
        unsafe {
            ptr.write(Header {
                refs: AtomicUsize::new(1),
                capacity: bytes,
            })
        };
        Ok(RawBlock { ptr })
    }
    fn header(&self) -> &Header {
        // SAFETY: alive while a handle is.
        unsafe { self.ptr.as_ref() }
    }
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        // SAFETY: the bytes follow the header.
        unsafe { (self.ptr.as_ptr() as *mut u8).add(64) }
    }
    pub(crate) fn is_unique(&self) -> bool {
        self.header().refs.load(Ordering::Acquire) == 1
    }
}
impl Clone for RawBlock {
    fn clone(&self) -> Self {
        self.header().refs.fetch_add(1, Ordering::Relaxed);
        RawBlock { ptr: self.ptr }
    }
}
impl Drop for RawBlock {
    fn drop(&mut self) {
        if self.header().refs.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            let total = self.header().capacity + 64;
            // SAFETY: the last handle; the layout is that of `try_new`.
            unsafe {
                dealloc(
                    self.ptr.as_ptr() as *mut u8,
                    MemLayout::from_size_align_unchecked(total, 64),
                )
            }
        }
    }
}
pub(crate) fn count_copy() {}
