//! The allocator of a policy component: a pointer that moves up.
//!
//! A policy is called once on a fresh instance, whose memory is gone afterwards. So nothing is worth freeing but what
//! was allocated last, and there is no list to keep: less code to load, no start-up, and no `memory.grow` while what is
//! left of the first page suffices (the standard library's allocator never uses that rest).
//!
//! The export macros of the slots install it, in `wasm` builds alone. A policy that frees and allocates a lot, as in
//! one long loop over growing texts, can run into its memory limit with it; such a crate opts out with
//! `weft-sdk = { …, default-features = false }` and gets the standard library's. Workloads, which live long, always have
//! the standard library's.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::UnsafeCell;

/// Bytes of a page of linear memory.
const PAGE_BYTES: usize = 64 * 1024;

unsafe extern "C" {
    /// Where data and stack end; its address counts, it has no value. The linker defines it.
    static __heap_base: u8;
}

/// The allocator; the export macros make it a component's global one.
pub struct Bump {
    /// The first free byte; 0 before the first allocation.
    next: UnsafeCell<usize>,
}

// SAFETY: a policy component has one thread; wasm's shared memories are off in every engine of the host.
unsafe impl Sync for Bump {}

impl Bump {
    /// An allocator that has given nothing yet.
    pub const fn new() -> Self {
        Self {
            next: UnsafeCell::new(0),
        }
    }

    fn next(&self) -> usize {
        // SAFETY: one thread, and no reference to the cell's inside outlives a statement.
        match unsafe { *self.next.get() } {
            0 => (&raw const __heap_base).addr(),
            next => next,
        }
    }

    /// Makes `end` the first free byte, growing memory where it lies beyond. False: there is no more memory.
    fn take(&self, end: usize) -> bool {
        let have = memory_size::<0>() * PAGE_BYTES;
        if end > have && memory_grow::<0>((end - have).div_ceil(PAGE_BYTES)) == usize::MAX {
            return false;
        }
        // SAFETY: as in `next`.
        unsafe { *self.next.get() = end };
        true
    }
}

impl Default for Bump {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: blocks lie between the heap's base and the end of memory, aligned, and never overlap: `next` only falls when
// the topmost block is freed or shrunk.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mask = layout.align() - 1;
        let found = self.next().checked_add(mask).map(|at| at & !mask);
        match found.and_then(|start| Some((start, start.checked_add(layout.size())?))) {
            Some((start, end)) if self.take(end) => core::ptr::with_exposed_provenance_mut(start),
            _ => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if block.addr() + layout.size() == self.next() {
            self.take(block.addr());
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if block.addr() + layout.size() == self.next() {
            return match block.addr().checked_add(size) {
                Some(end) if self.take(end) => block,
                _ => core::ptr::null_mut(),
            };
        }
        if size <= layout.size() {
            return block;
        }
        // SAFETY: the alignment is the old block's, and `size` is not zero, as `realloc` demands.
        let larger = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !larger.is_null() {
            // SAFETY: both blocks hold that many bytes and are apart, since the old one is still in use.
            unsafe { core::ptr::copy_nonoverlapping(block, larger, layout.size()) };
        }
        larger
    }
}

/// Makes the allocator a component's global one.
#[cfg(feature = "policy-allocator")]
#[doc(hidden)]
#[macro_export]
macro_rules! __policy_allocator {
    () => {
        #[global_allocator]
        static ALLOCATOR: $crate::allocator::Bump = $crate::allocator::Bump::new();
    };
}

/// Leaves the standard library's allocator in place.
#[cfg(not(feature = "policy-allocator"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __policy_allocator {
    () => {};
}
