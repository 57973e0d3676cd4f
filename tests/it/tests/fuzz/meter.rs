//! Counts what each thread has allocated, to say how much a call held at its peak.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counted.
struct Meter;

#[global_allocator]
static METER: Meter = Meter;

thread_local! {
    /// Bytes that this thread holds, and the most that it held since [`peak_of`] began. A thread that frees what
    /// another one took falls below zero; no decoder here starts a thread.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn count(bytes: isize) {
    // Fails only while the thread ends, when nothing is measured any more.
    let _ = HELD.try_with(|held| {
        let (now, peak) = held.get();
        let now = now.saturating_add(bytes);
        held.set((now, peak.max(now)));
    });
}

fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

#[allow(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; every call is passed on as it came"
)]
// SAFETY: it is the system's allocator, and counting allocates nothing.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-signed(layout.size()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // The old bytes may be there until the new ones are: a copy holds both.
        count(signed(size));
        count(-signed(layout.size()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Runs something, and says how many bytes it held at its peak beyond what was held before.
pub fn peak_of<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.with(|held| {
        let (now, _) = held.get();
        held.set((now, now));
        now
    });
    let made = run();
    let (_, peak) = HELD.with(Cell::get);
    (made, usize::try_from(peak - before).unwrap_or(0))
}

#[test]
fn the_peak_is_what_was_held_at_once() {
    const BYTES: usize = 1 << 20;
    let (_, one) = peak_of(|| {
        drop(std::hint::black_box(vec![1_u8; BYTES]));
        drop(std::hint::black_box(vec![1_u8; BYTES]));
    });
    assert!((BYTES..2 * BYTES).contains(&one), "{one}");
    let (_, both) = peak_of(|| {
        let first = std::hint::black_box(vec![1_u8; BYTES]);
        drop(std::hint::black_box(vec![1_u8; BYTES]));
        drop(first);
    });
    assert!((2 * BYTES..3 * BYTES).contains(&both), "{both}");
}
