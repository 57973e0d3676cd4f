//! The thread that advances an engine's epoch while calls run, and sleeps when none do.

use crate::limits::{EPOCH_LINGER_MS, EPOCH_MS};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

/// Owns the thread; dropping it ends the thread.
pub struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    unparker: Thread,
}

struct Shared {
    calls: AtomicU64,
    running: AtomicU64,
    asleep: AtomicBool,
    stop: AtomicBool,
}

/// Keeps the epoch moving while it lives.
pub struct Ticking<'a>(&'a Shared);

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Release);
    }
}

impl Ticker {
    /// Starts the thread for one engine.
    pub fn start(engine: &wasmtime::Engine) -> Self {
        let shared = Arc::new(Shared {
            calls: AtomicU64::new(0),
            running: AtomicU64::new(0),
            asleep: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let thread = {
            let (shared, engine) = (Arc::clone(&shared), engine.clone());
            std::thread::Builder::new()
                .name("weft-epoch".into())
                .spawn(move || shared.run(&engine))
                .expect("the system starts a thread")
        };
        let unparker = thread.thread().clone();
        Self {
            shared,
            thread: Some(thread),
            unparker,
        }
    }

    /// Says that a call begins.
    pub fn begin(&self) -> Ticking<'_> {
        self.shared.calls.fetch_add(1, Ordering::Relaxed);
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.unparker.unpark();
        }
        Ticking(&self.shared)
    }
}

impl Shared {
    fn run(&self, engine: &wasmtime::Engine) {
        let mut idle_ms = 0;
        let mut seen = 0;
        while !self.stop.load(Ordering::Acquire) {
            std::thread::park_timeout(Duration::from_millis(EPOCH_MS));
            engine.increment_epoch();
            let calls = self.calls.load(Ordering::Relaxed);
            let busy = calls != seen || self.running.load(Ordering::SeqCst) > 0;
            seen = calls;
            idle_ms = if busy { 0 } else { idle_ms + EPOCH_MS };
            if idle_ms >= EPOCH_LINGER_MS {
                self.asleep.store(true, Ordering::SeqCst);
                while self.running.load(Ordering::SeqCst) == 0
                    && self.calls.load(Ordering::Relaxed) == seen
                    && !self.stop.load(Ordering::Acquire)
                {
                    std::thread::park();
                }
                self.asleep.store(false, Ordering::SeqCst);
                idle_ms = 0;
            }
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.unparker.unpark();
        if let Some(thread) = self.thread.take() {
            // The thread can't panic with anything that matters here.
            let _ = thread.join();
        }
    }
}
