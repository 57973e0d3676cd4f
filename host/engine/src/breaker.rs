//! Counts failures of each release: too many within the window put it out of service.

use crate::limits::{BREAKER_FAILURES, BREAKER_WINDOW_MS};
use std::collections::{HashMap, VecDeque};
use weft_model::{Cid, Instant};

/// Failures by release, newest last. `now` is passed in, so that a replay counts alike.
#[derive(Debug, Default)]
pub struct Breaker {
    failures: HashMap<Cid, VecDeque<Instant>>,
}

impl Breaker {
    /// Notes a failure; true when it is one too many.
    pub fn trips(&mut self, release: Cid, now: Instant) -> bool {
        let times = self.failures.entry(release).or_default();
        times.push_back(now);
        while times
            .front()
            .is_some_and(|t| now - t >= BREAKER_WINDOW_MS || *t > now)
        {
            times.pop_front();
        }
        times.len() >= BREAKER_FAILURES
    }

    /// Forgets a release's failures, as when a person lifts its quarantine.
    pub fn forget(&mut self, release: &Cid) {
        self.failures.remove(release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_within_a_minute_trip_and_older_ones_are_forgotten() {
        let cid = weft_model::content::raw_cid(b"x");
        for (times, want) in [
            (vec![0, 1, 2], true),
            (vec![0, 30_000, 59_999], true),
            (vec![0, 30_000, 60_000], false),
            (vec![0, 1], false),
            (vec![100_000, 1, 2], false),
        ] {
            let mut breaker = Breaker::default();
            let got = times.iter().map(|t| breaker.trips(cid, *t)).last();
            assert_eq!(got, Some(want), "{times:?}");
        }
    }
}
