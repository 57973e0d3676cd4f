//! The one place where a node looks at the clock; the demo and tests put their own in.

use std::sync::atomic::{AtomicI64, Ordering};
use weft_model::Instant;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// UTC milliseconds.
    fn now(&self) -> Instant;

    /// Moves it forward, in milliseconds, where it can be moved; returns whether it can.
    fn forward(&self, _ms: i64) -> bool {
        false
    }
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        jiff::Timestamp::now().as_millisecond()
    }
}

/// A clock that stands still until it is set.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Instant) -> Self {
        Self(AtomicI64::new(now))
    }

    /// Moves it.
    pub fn set(&self, now: Instant) {
        self.0.store(now, Ordering::SeqCst);
    }

    /// Moves it forward, in milliseconds.
    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.0.load(Ordering::SeqCst)
    }
}

/// A clock that begins at a given instant, goes on as time does, and can be moved forward: for processes that play or
/// test another day.
#[derive(Debug)]
pub struct SteeredClock {
    begin: Instant,
    started: std::time::Instant,
    moved: AtomicI64,
}

impl SteeredClock {
    /// A clock that shows `begin` now.
    pub fn at(begin: Instant) -> Self {
        Self {
            begin,
            started: std::time::Instant::now(),
            moved: AtomicI64::new(0),
        }
    }
}

impl Clock for SteeredClock {
    fn now(&self) -> Instant {
        let passed = self.started.elapsed().as_millis();
        let passed = Instant::try_from(passed).unwrap_or(Instant::MAX);
        self.begin + passed + self.moved.load(Ordering::SeqCst)
    }

    fn forward(&self, ms: i64) -> bool {
        self.moved.fetch_add(ms.max(0), Ordering::SeqCst);
        true
    }
}

/// The instant that [`rfc3339`] wrote. None: it is none.
pub fn instant_of(text: &str) -> Option<Instant> {
    let read: Result<jiff::Timestamp, _> = text.parse();
    read.ok().map(jiff::Timestamp::as_millisecond)
}

/// RFC 3339 in UTC.
pub fn rfc3339(at: Instant) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |t| t.to_string())
}
