//! Counting allocations, so that a test can hold "nothing allocates in the step loop".

use core::cell::Cell;
use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, with a count of the allocations of each thread.
///
/// ```
/// use vecfield_kernels::CountingAllocator;
///
/// #[global_allocator]
/// static ALLOCATOR: CountingAllocator = CountingAllocator;
///
/// let mut y = Vec::with_capacity(8);
/// assert_eq!(CountingAllocator::count(|| y.push(1.0)), 0);
/// assert_eq!(CountingAllocator::count(|| drop(y.clone())), 1);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator;

thread_local! {
    // `const` and without a destructor: reading it allocates nothing.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

impl CountingAllocator {
    /// How often `work` allocates or reallocates on this thread.
    ///
    /// # Panics
    ///
    /// If the test binary has not made this its `#[global_allocator]`: every count would be zero.
    pub fn count(work: impl FnOnce()) -> u64 {
        let before = COUNT.get();
        std::hint::black_box(Box::new(before));
        let installed = COUNT.get();
        assert!(
            installed > before,
            "put `#[global_allocator] static A: CountingAllocator = CountingAllocator;` in the test"
        );
        work();
        COUNT.get() - installed
    }
}

// SAFETY: every call is passed on to `System` as it came; counting touches no memory of the allocation.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps `GlobalAlloc::alloc`'s contract, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: `block` came from `System` through this allocator, with `layout`.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as for `realloc`.
        unsafe { System.dealloc(block, layout) }
    }
}
