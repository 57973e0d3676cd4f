//! Prefers clean energy, then free capacity, then the clean hours of the day. The rule in words: README.md.

use weft_sdk::scorer::{Exclusion, Outcome, Scorer, Task};
use weft_sdk::{Instant, PolicyError};

weft_sdk::config! {
    /// How much each thing counts. Points are added; energy and capacity are 0 to 100 each.
    pub struct Config {
        /// Weight of the clean share of the energy.
        pub energy: f64 = 0.5, 0.0..=1.0;
        /// Weight of the free capacity.
        pub capacity: f64 = 0.4, 0.0..=1.0;
        /// Most points for the hour at the peer.
        pub hour_points: f64 = 10.0, 0.0..=100.0;
        /// Clean share assumed where it is unknown, per cent.
        pub unknown_clean: f64 = 50.0, 0.0..=100.0;
    }
}

weft_sdk::features! {
    /// What is read of a candidate.
    pub struct Candidate {
        /// Seen within the stale limit.
        pub online: "peer.online",
        /// 3 is unreachable.
        pub path: "path.class",
        /// Clean share of the energy, per cent.
        pub clean: "energy.percent_clean",
        /// Code of the source.
        pub source: "energy.source",
        /// Idle cores.
        pub cpu_free: "capacity.cpu_free",
        /// Free memory in MB.
        pub memory_free: "capacity.memory_free_mb",
        /// Minute of the day there.
        pub minute: "peer.local_minute",
    }
}

/// Code of `path.class` for a peer that nothing reaches.
const UNREACHABLE: f64 = 3.0;
/// Minutes of a day, and how far from its peak an hour is worth nothing.
const DAY_MINUTES: f64 = 1440.0;
const FAR_MINUTES: f64 = 720.0;

/// The clean peak of a source in local minutes, where it has one.
fn peak(source: f64) -> Option<(f64, f64)> {
    match source {
        0.0 => Some((9.0 * 60.0, 15.0 * 60.0)),
        1.0 => Some((0.0, 6.0 * 60.0)),
        _ => None,
    }
}

/// Points for the hour: all of them inside the peak, none twelve hours away from it, a straight line between.
/// A source without a peak, or an unknown hour, gets none.
fn hour_points(config: &Config, candidate: &Candidate) -> f64 {
    let (Some((from, until)), Some(minute)) = (candidate.source.and_then(peak), candidate.minute)
    else {
        return 0.0;
    };
    let inside = (from..until).contains(&minute);
    let ahead = (from - minute).rem_euclid(DAY_MINUTES);
    let behind = (minute - until).rem_euclid(DAY_MINUTES);
    let distance = if inside { 0.0 } else { ahead.min(behind) };
    config.hour_points * (1.0 - distance / FAR_MINUTES).max(0.0)
}

/// 100 x free / needed, at most 100; a need of zero is met.
fn headroom(free: Option<f64>, needed: f64) -> f64 {
    match free {
        Some(free) if needed > 0.0 => (100.0 * free / needed).min(100.0),
        Some(_) => 100.0,
        None => 0.0,
    }
}

/// The plugin.
pub struct CleanEnergy;

impl Scorer for CleanEnergy {
    type Config = Config;
    type Candidate = Candidate;

    fn score(
        _: Instant,
        config: &Config,
        task: &Task,
        peer: &Candidate,
        _: u64,
    ) -> Result<Outcome, PolicyError> {
        let memory = task.memory_mb as f64;
        let too_little = |free: Option<f64>, needed: f64| free.is_some_and(|free| free < needed);
        let excluded = if peer.online == Some(0.0) {
            Some(Exclusion::Offline)
        } else if peer.path == Some(UNREACHABLE) {
            Some(Exclusion::Unreachable)
        } else if too_little(peer.cpu_free, task.cores) {
            Some(Exclusion::TooLittleCpu)
        } else if too_little(peer.memory_free, memory) {
            Some(Exclusion::TooLittleMemory)
        } else {
            None
        };
        if let Some(why) = excluded {
            return Ok(Outcome::Excluded(why));
        }
        let clean = if task.critical {
            100.0
        } else {
            peer.clean.unwrap_or(config.unknown_clean)
        };
        let capacity = headroom(peer.cpu_free, task.cores).min(headroom(peer.memory_free, memory));
        Ok(Outcome::Score(
            config.energy * clean + config.capacity * capacity + hour_points(config, peer),
        ))
    }
}

weft_sdk::export_scorer!(CleanEnergy);
