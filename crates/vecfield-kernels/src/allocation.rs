//! Counting allocations and bytes, so that a test can hold "nothing allocates in the step loop".

use core::cell::Cell;
use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, with a count of the allocations of each thread and of the bytes that it holds.
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
/// assert_eq!(CountingAllocator::peak(|| drop(vec![0_u8; 100])), 100);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator;

thread_local! {
    // `const` and without a destructor: reading it allocates nothing.
    static COUNT: Cell<u64> = const { Cell::new(0) };
    // Bytes that this thread took and did not give back, less what it gave back for others; and the most so far.
    static HELD: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

fn hold(bytes: i64) {
    HELD.set(HELD.get() + bytes);
    PEAK.set(PEAK.get().max(HELD.get()));
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

    /// The most bytes that `work` holds at a time on this thread, beside what was there before.
    ///
    /// # Panics
    ///
    /// As [`count`](CountingAllocator::count).
    pub fn peak(work: impl FnOnce()) -> u64 {
        let before = HELD.get();
        let mut work = Some(work);
        let run = || {
            PEAK.set(before);
            work.take().into_iter().for_each(|work| work());
        };
        Self::count(run);
        u64::try_from(PEAK.get() - before).unwrap_or(0)
    }
}

// SAFETY: every call is passed on to `System` as it came; counting touches no memory of the allocation.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        hold(layout.size() as i64);
        // SAFETY: the caller keeps `GlobalAlloc::alloc`'s contract, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        hold(layout.size() as i64);
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        hold(size as i64 - layout.size() as i64);
        // SAFETY: `block` came from `System` through this allocator, with `layout`.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        hold(-(layout.size() as i64));
        // SAFETY: as for `realloc`.
        unsafe { System.dealloc(block, layout) }
    }
}
