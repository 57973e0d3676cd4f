//! Leases: what follows when a peer fails at a task, and when one that says nothing is given up.

use weft_model::Instant;

/// Pauses before the next peer is asked, in milliseconds; as many peers are asked again.
pub const BACKOFF_MS: [Instant; 3] = [250, 750, 2_000];
/// How long a worker may be away before its lease is lost, in milliseconds.
pub const LOST_MS: Instant = 30_000;

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

/// Whether a lease is given up: its time is over, or its worker was not heard of for [`LOST_MS`].
pub fn is_lost(now: Instant, given: Instant, heard: Instant, timeout_ms: u64) -> bool {
    let timeout = Instant::try_from(timeout_ms).unwrap_or(Instant::MAX);
    now.saturating_sub(given) > timeout || now.saturating_sub(heard) > LOST_MS
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
    fn silence_and_time_lose_a_lease() {
        assert!(!is_lost(30_000, 0, 0, 60_000));
        assert!(is_lost(30_001, 0, 0, 60_000));
        assert!(!is_lost(60_000, 0, 59_000, 60_000));
        assert!(is_lost(60_001, 0, 60_000, 60_000));
    }
}
