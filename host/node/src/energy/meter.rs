//! The last reading of a source, and what went wrong since.
//!
//! A reading is made by one thread at a time and outside of any transaction; everybody else sees the one before. Whether
//! it is too old is asked when it is used, so a source that stands still becomes unknown without anybody looking.

use super::limits::{PROBLEM_BYTES, STALE_MS};
use super::origin::Origin;
use super::reading::Reading;
use crate::clock::Clock;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use weft_model::Instant;
use weft_model::text::printable;

/// A source and its last reading.
pub(crate) struct Meter {
    origin: Origin,
    refresh_ms: Instant,
    state: Mutex<State>,
    /// Held while it is read.
    turn: Mutex<()>,
    /// What people were last told. None: not known yet.
    pub told: Mutex<Option<Standing>>,
}

/// What is known of a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// The last reading, and when it was made.
    pub last: Option<(Instant, Reading)>,
    /// When it was last tried.
    pub tried: Option<Instant>,
    /// What went wrong when it was last tried.
    pub problem: Option<String>,
}

/// How a source stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It was read when it was last tried.
    Fine,
    /// It fails, and its last reading counts.
    Failing,
    /// It fails, and no reading counts.
    Lost,
}

impl Meter {
    pub fn new(origin: Origin, refresh_seconds: u64) -> Self {
        Self {
            origin,
            refresh_ms: Instant::try_from(refresh_seconds).map_or(STALE_MS, |s| s * 1_000),
            state: Mutex::default(),
            turn: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// The source.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What is known of it.
    pub fn state(&self) -> State {
        self.lock().clone()
    }

    /// The last reading, unless it is too old.
    pub fn current(&self, now: Instant) -> Option<(Instant, Reading)> {
        // A clock that was set back makes a reading of the future, which is as little worth.
        let (at, reading) = self.lock().last?;
        (now.abs_diff(at) < STALE_MS.unsigned_abs()).then_some((at, reading))
    }

    /// How it stands. None: it was not read yet, or not for long.
    pub fn standing(&self, now: Instant) -> Option<Standing> {
        match (self.state().problem, self.current(now)) {
            (None, Some(_)) => Some(Standing::Fine),
            (Some(_), Some(_)) => Some(Standing::Failing),
            (Some(_), None) => Some(Standing::Lost),
            (None, None) => None,
        }
    }

    /// Whether it is time to read it.
    pub fn is_due(&self, now: Instant) -> bool {
        let tried = self.lock().tried;
        tried.is_none_or(|tried| now < tried || now - tried >= self.refresh_ms)
    }

    /// Whether nothing counts although nothing went wrong: it was not read yet, or not for long. Then waiting helps.
    pub fn is_unread(&self, now: Instant) -> bool {
        self.state().problem.is_none() && self.current(now).is_none() && self.is_due(now)
    }

    /// Whether a thread reads it now.
    pub fn is_busy(&self) -> bool {
        matches!(self.turn.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Reads it if it is time; waits for who reads it already.
    pub fn read(&self, clock: &dyn Clock) {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock.now();
        if self.is_due(now) {
            let outcome = self.origin.read();
            let mut state = self.lock();
            state.tried = Some(now);
            match outcome {
                Ok(reading) => {
                    state.last = Some((now, reading));
                    state.problem = None;
                }
                Err(problem) => state.problem = Some(printable(&problem, PROBLEM_BYTES)),
            }
        }
        drop(turn);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
