//! What is remembered of a connected peer: its pull in flight, its misdeeds, and how much it may still send.

use crate::limits::{
    ANNOUNCES_AT_ONCE, ANNOUNCES_PER_SECOND, ASKS_AT_ONCE, ASKS_PER_SECOND, FORGIVEN_MS,
    PULL_PAUSE_MS, PULL_TIMEOUT_MS, STRIKES,
};
use weft_model::{Cid, Instant};

/// A connected peer.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// When the pull in flight was sent.
    pulling: Option<Instant>,
    /// Pulls that were forgotten and may still be answered.
    owed: u32,
    /// When it was last asked.
    asked_at: Option<Instant>,
    /// When it is to be asked again.
    pub due: Option<Instant>,
    /// The digest that it announced last.
    pub announced: Option<Cid>,
    /// The last event of the page before, while there are more pages.
    pub after: Option<Cid>,
    /// Its misdeeds, and when the last one was.
    strikes: u32,
    struck_at: Instant,
    /// When it last was over its rate.
    pub flooded: Option<Instant>,
    /// What it may still announce.
    pub announces: Rate,
    /// What it may still ask for.
    pub asks: Rate,
}

impl Peer {
    pub fn new(now: Instant) -> Self {
        Self {
            pulling: None,
            owed: 0,
            asked_at: None,
            due: None,
            announced: None,
            after: None,
            strikes: 0,
            struck_at: now,
            flooded: None,
            announces: Rate::new(now, ANNOUNCES_PER_SECOND, ANNOUNCES_AT_ONCE),
            asks: Rate::new(now, ASKS_PER_SECOND, ASKS_AT_ONCE),
        }
    }

    /// Notes a misdeed.
    pub fn strike(&mut self, now: Instant) {
        if passed(self.struck_at, now, FORGIVEN_MS) {
            self.strikes = 0;
        }
        self.strikes += 1;
        self.struck_at = now;
    }

    /// Whether it is to be dropped, and nothing of it is listened to.
    pub fn is_out(&self) -> bool {
        self.strikes >= STRIKES
    }

    /// Forgets what was asked of it.
    pub fn close(&mut self) {
        self.pulling = None;
        self.owed = 0;
        self.due = None;
        self.after = None;
    }

    pub fn is_pulling(&self) -> bool {
        self.pulling.is_some()
    }

    /// A pull was sent.
    pub fn asked(&mut self, now: Instant) {
        self.pulling = Some(now);
        self.asked_at = Some(now);
        self.due = None;
    }

    /// Takes an answer, or the word that there will be none; false when none was expected. An answer that comes
    /// after its pull was forgotten counts for the next one, whose own answer is owed then.
    pub fn answered(&mut self) -> bool {
        if self.pulling.take().is_some() {
            return true;
        }
        let expected = self.owed > 0;
        self.owed = self.owed.saturating_sub(1);
        expected
    }

    /// Forgets a pull that is too old; true when there was one.
    pub fn forget(&mut self, now: Instant) -> bool {
        let old = self
            .pulling
            .is_some_and(|sent| passed(sent, now, PULL_TIMEOUT_MS));
        if old {
            self.pulling = None;
            self.after = None;
            self.owed += 1;
        }
        old
    }

    /// The earliest moment at which it may be asked again on its own account.
    pub fn earliest(&self, now: Instant) -> Instant {
        match self.asked_at {
            Some(at) if !passed(at, now, PULL_PAUSE_MS) => at.saturating_add(PULL_PAUSE_MS),
            _ => now,
        }
    }
}

/// So many per second, and so many at once.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    left: u32,
    at: Instant,
    per_second: u32,
    at_once: u32,
}

impl Rate {
    fn new(now: Instant, per_second: u32, at_once: u32) -> Self {
        Self {
            left: at_once,
            at: now,
            per_second,
            at_once,
        }
    }

    /// Takes one; false when there is none left.
    pub fn take(&mut self, now: Instant) -> bool {
        let ms = now.saturating_sub(self.at).max(0);
        let back = ms.saturating_mul(i64::from(self.per_second)) / 1_000;
        if back > 0 || now < self.at {
            let back = u32::try_from(back).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(back).min(self.at_once);
            self.at = now;
        }
        let some = self.left > 0;
        self.left = self.left.saturating_sub(1);
        some
    }
}

/// Whether `ms` have passed since `then`; a clock that was set back counts as so.
pub(super) fn passed(then: Instant, now: Instant, ms: i64) -> bool {
    now < then || now.saturating_sub(then) >= ms
}
