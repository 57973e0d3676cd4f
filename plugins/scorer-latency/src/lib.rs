//! Prefers peers that answer fast, are on mains, cool, idle and cheap for what they do. The rule in words: README.md.
//!
//! A candidate's score depends on its own row alone; ties are the host's. With the default weights scores lie between
//! -0.3 and 0.7. It reads no energy figures but mains and charge.

use std::ops::RangeInclusive;
use weft_sdk::scorer::{Exclusion, Outcome, Scorer, Task};
use weft_sdk::{Instant, PolicyError};

weft_sdk::config! {
    /// How much each thing counts, and what keeps a candidate out.
    pub struct Config {
        /// Weight of the round trip, taken off.
        pub rtt: f64 = 0.30, 0.0..=1.0;
        /// Weight of being on mains.
        pub plugged_in: f64 = 0.20, 0.0..=1.0;
        /// Weight of the thermal headroom.
        pub thermal: f64 = 0.20, 0.0..=1.0;
        /// Weight of being idle.
        pub idle: f64 = 0.15, 0.0..=1.0;
        /// Weight of the work done per credit.
        pub credit_efficiency: f64 = 0.15, 0.0..=1.0;
        /// Round trip in ms from which on it counts in full; an unknown one counts in full too.
        pub rtt_ceiling_ms: f64 = 500.0, 1.0..=60000.0;
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
        /// This device, which needs no path.
        pub is_self: "peer.is_self",
        /// Round trip in ms.
        pub rtt: "path.rtt_ms",
        /// How idle it is, 0 to 1.
        pub idle: "capacity.idle",
        /// Work per credit against the best offer, 0 to 1.
        pub efficiency: "offer.credit_efficiency",
    }
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

/// A share within 0 to 1. What is unknown, or is no share, is worth nothing.
fn share(value: Option<f64>) -> f64 {
    const SHARE: RangeInclusive<f64> = 0.0..=1.0;
    value.filter(|value| SHARE.contains(value)).unwrap_or(0.0)
}

/// The round trip as a share of the ceiling, 0 to 1. To itself a device has none.
fn slowness(config: &Config, peer: &Candidate) -> f64 {
    match peer.rtt {
        _ if peer.is_self == Some(1.0) => 0.0,
        Some(rtt) if rtt >= 0.0 => (rtt / config.rtt_ceiling_ms).min(1.0),
        _ => 1.0,
    }
}

/// The plugin.
pub struct Latency;

impl Scorer for Latency {
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
        Ok(Outcome::Score(
            config.plugged_in * share(peer.plugged_in)
                + config.thermal * share(peer.thermal)
                + config.idle * share(peer.idle)
                + config.credit_efficiency * share(peer.efficiency)
                - config.rtt * slowness(config, peer),
        ))
    }
}

weft_sdk::export_scorer!(Latency);

#[cfg(test)]
mod tests;
