//! Leases: what follows when a peer fails at a task, and when one that says nothing is given up.

use weft_model::Instant;

/// Pauses before the next peer is asked, in milliseconds; as many peers are asked again.
pub const BACKOFF_MS: [Instant; 3] = [250, 750, 2_000];
/// Most that the time between two looks counts as silence, in milliseconds: what a sleeping machine or a clock that was
/// set misses is not the worker's fault.
pub const STEP_MS: Instant = 5_000;

/// What follows a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Decide again from then on, without the peers that failed.
    Ask {
        /// When.
        at: Instant,
    },
    /// Enough peers failed: this device does it itself, off-peak.
    OffPeak {
        /// When.
        at: Instant,
    },
}

/// What follows the `failures`-th failure of a task, from 1.
pub fn after_failure(failures: usize, now: Instant, off_peak: Instant) -> Next {
    match BACKOFF_MS.get(failures.saturating_sub(1)) {
        Some(pause) => Next::Ask { at: now + pause },
        None => Next::OffPeak { at: off_peak },
    }
}

/// How long a worker has been silent, as far as this device was awake to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    looked: Instant,
    ms: Instant,
}

impl Silence {
    /// Nothing has been missed yet.
    pub fn begin(now: Instant) -> Self {
        Self { looked: now, ms: 0 }
    }

    /// One look: `heard` says whether the worker spoke since the last one. Returns the silence, in milliseconds.
    pub fn look(&mut self, now: Instant, heard: bool) -> Instant {
        let passed = now.saturating_sub(self.looked).clamp(0, STEP_MS);
        self.looked = now;
        self.ms = if heard { 0 } else { self.ms + passed };
        self.ms
    }
}

/// Whether a lease's time is over, whatever its worker says.
pub fn is_overdue(now: Instant, given: Instant, timeout_ms: u64) -> bool {
    let timeout = Instant::try_from(timeout_ms).unwrap_or(Instant::MAX);
    now.saturating_sub(given) > timeout
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_tries_then_off_peak() {
        let next: Vec<Next> = (1..=4).map(|n| after_failure(n, 1_000, 99)).collect();
        let expected = [
            Next::Ask { at: 1_250 },
            Next::Ask { at: 1_750 },
            Next::Ask { at: 3_000 },
            Next::OffPeak { at: 99 },
        ];
        assert_eq!(next, expected);
    }

    #[test]
    fn silence_adds_up_and_a_word_ends_it() {
        let mut silence = Silence::begin(0);
        assert_eq!(silence.look(1_000, false), 1_000);
        assert_eq!(silence.look(4_000, false), 4_000);
        assert_eq!(silence.look(5_000, true), 0);
        assert_eq!(silence.look(6_000, false), 1_000);
    }

    #[test]
    fn a_night_asleep_and_a_clock_set_back_are_no_silence() {
        let mut silence = Silence::begin(0);
        assert_eq!(silence.look(8 * 3_600_000, false), STEP_MS);
        assert_eq!(silence.look(1_000, false), STEP_MS, "set back");
        assert_eq!(silence.look(2_000, false), STEP_MS + 1_000, "and goes on");
    }

    #[test]
    fn time_ends_a_lease() {
        assert!(!is_overdue(60_000, 0, 60_000));
        assert!(is_overdue(60_001, 0, 60_000));
        assert!(!is_overdue(-1, 0, 60_000));
    }
}
