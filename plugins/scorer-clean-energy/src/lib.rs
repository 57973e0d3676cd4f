//! Prefers clean energy, then free capacity, then the clean hours of the day. The rule in words: README.md.
//!
//! A candidate's score depends on its own row alone; ties are the host's. Points: energy and capacity are 0 to 100,
//! the hour adds its own.

use std::ops::RangeInclusive;
use weft_sdk::scorer::{Exclusion, Outcome, Scorer, Task};
use weft_sdk::{Instant, PolicyError};

weft_sdk::config! {
    /// How much each thing counts, and what keeps a candidate out.
    pub struct Config {
        /// Weight of the clean share of the energy.
        pub energy: f64 = 0.5, 0.0..=1.0;
        /// Weight of the free capacity.
        pub capacity: f64 = 0.4, 0.0..=1.0;
        /// Most points for the hour at the peer.
        pub hour_points: f64 = 10.0, 0.0..=100.0;
        /// Minutes before or after its clean peak at which an hour is worth nothing.
        pub hour_fade_minutes: f64 = 720.0, 1.0..=1440.0;
        /// Start of the sun's clean peak in local minutes after midnight.
        pub solar_from: f64 = 540.0, 0.0..=1440.0;
        /// End of the sun's clean peak in local minutes after midnight. Before its start: the peak crosses midnight.
        pub solar_until: f64 = 900.0, 0.0..=1440.0;
        /// Start of the wind's clean peak in local minutes after midnight.
        pub wind_from: f64 = 0.0, 0.0..=1440.0;
        /// End of the wind's clean peak in local minutes after midnight. Before its start: the peak crosses midnight.
        pub wind_until: f64 = 360.0, 0.0..=1440.0;
        /// Clean share assumed where it is unknown, per cent.
        pub unknown_clean: f64 = 50.0, 0.0..=100.0;
        /// Least charge of a peer that runs on its battery, per cent.
        pub min_battery: f64 = 20.0, 0.0..=100.0;
        /// Least thermal headroom, 1 cold to 0 throttling.
        pub min_thermal_headroom: f64 = 0.1, 0.0..=1.0;
        /// Least share of the cores needed that has to be idle. Below 1, a busy peer is ranked lower instead of out.
        pub least_cpu_share: f64 = 1.0, 0.0..=1.0;
        /// Tasks that wait at a peer from which on it takes no more.
        pub queue_limit: f64 = 256.0, 1.0..=256.0;
    }
}

weft_sdk::features! {
    /// What is read of a candidate.
    pub struct Candidate {
        /// Seen within the stale limit.
        pub online: "peer.online",
        /// 3 is unreachable.
        pub path: "path.class",
        /// Idle cores.
        pub cpu_free: "capacity.cpu_free",
        /// Free memory in MB.
        pub memory_free: "capacity.memory_free_mb",
        /// Tasks that wait there.
        pub queue: "peer.queue_depth",
        /// Charge in per cent; unknown without a battery.
        pub battery: "energy.battery_percent",
        /// On mains.
        pub plugged_in: "energy.plugged_in",
        /// 1 cold, 0 throttling.
        pub thermal: "capacity.thermal_headroom",
        /// Credits that it asks.
        pub cost: "offer.cost",
        /// Clean share of the energy, per cent.
        pub clean: "energy.percent_clean",
        /// Code of the source.
        pub source: "energy.source",
        /// Minute of the day there.
        pub minute: "peer.local_minute",
    }
}

/// Codes of `energy.source` that have a clean peak.
const SOLAR: f64 = 0.0;
const WIND: f64 = 1.0;
/// Minutes of a day.
const DAY_MINUTES: f64 = 1440.0;

/// A value within its registered range; anything else counts as unknown.
fn known(value: Option<f64>, range: RangeInclusive<f64>) -> Option<f64> {
    value.filter(|value| range.contains(value))
}

/// Code of `path.class` for a peer that nothing reaches.
const UNREACHABLE: f64 = 3.0;

/// The hard filters: the first that applies. What is not known keeps nobody out, and a limit exactly met is met.
fn excluded(config: &Config, task: &Task, peer: &Candidate) -> Option<Exclusion> {
    let below = |value: Option<f64>, least: f64| value.is_some_and(|value| value < least);
    let cores = task.cores * config.least_cpu_share;
    let fee = task.fee as f64;
    let on_battery = peer.plugged_in != Some(1.0);
    let filters = [
        (peer.online == Some(0.0), Exclusion::Offline),
        (peer.path == Some(UNREACHABLE), Exclusion::Unreachable),
        (below(peer.cpu_free, cores), Exclusion::TooLittleCpu),
        (
            below(peer.memory_free, task.memory_mb as f64),
            Exclusion::TooLittleMemory,
        ),
        (
            peer.queue.is_some_and(|queue| queue >= config.queue_limit),
            Exclusion::NotFree,
        ),
        (
            on_battery && below(peer.battery, config.min_battery),
            Exclusion::BatteryLow,
        ),
        (
            below(peer.thermal, config.min_thermal_headroom),
            Exclusion::TooHot,
        ),
        (
            task.fee > 0 && peer.cost.is_some_and(|cost| cost > fee),
            Exclusion::TooDear,
        ),
    ];
    filters
        .into_iter()
        .find_map(|(out, why)| out.then_some(why))
}

/// Points for the hour: all of them inside the peak of the source, a straight line down to none outside.
/// A source without a peak, or an unknown hour, gets none.
fn hour_points(config: &Config, peer: &Candidate) -> f64 {
    let (from, until) = match peer.source {
        Some(SOLAR) => (config.solar_from, config.solar_until),
        Some(WIND) => (config.wind_from, config.wind_until),
        _ => return 0.0,
    };
    let Some(minute) = known(peer.minute, 0.0..=DAY_MINUTES) else {
        return 0.0;
    };
    // Minutes from one time of the day on to the next occurrence of another.
    let onwards = |a: f64, b: f64| if b >= a { b - a } else { b - a + DAY_MINUTES };
    let inside = onwards(from, minute) <= onwards(from, until);
    let distance = if inside {
        0.0
    } else {
        onwards(minute, from).min(onwards(until, minute))
    };
    config.hour_points * (1.0 - distance / config.hour_fade_minutes).max(0.0)
}

/// 100 x free / needed, at most 100. A need of zero is met; what is unknown is worth nothing.
fn headroom(free: Option<f64>, needed: f64) -> f64 {
    if needed <= 0.0 {
        return 100.0;
    }
    free.map_or(0.0, |free| (100.0 * free / needed).clamp(0.0, 100.0))
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
        if !(task.cores.is_finite() && task.cores >= 0.0) {
            let text = format!(
                "`cores` is {}; it must be a number that is not negative",
                task.cores
            );
            return Err(PolicyError::BadInput(text));
        }
        if let Some(why) = excluded(config, task, peer) {
            return Ok(Outcome::Excluded(why));
        }
        let clean = if task.critical {
            100.0
        } else {
            known(peer.clean, 0.0..=100.0).unwrap_or(config.unknown_clean)
        };
        let cpu = headroom(peer.cpu_free, task.cores);
        let memory = headroom(peer.memory_free, task.memory_mb as f64);
        Ok(Outcome::Score(
            config.energy * clean + config.capacity * cpu.min(memory) + hour_points(config, peer),
        ))
    }
}

weft_sdk::export_scorer!(CleanEnergy);

#[cfg(test)]
mod tests;
