//! Prefers offers by price, then reputation, room to spare and timeliness. The rule in words: README.md.
//!
//! A candidate's score depends on its own row alone, so a price is judged against the task's fee and not against the
//! other offers. Each part is 0 to 1. It neither locks nor pays anything.

use std::ops::RangeInclusive;
use weft_sdk::scorer::{Exclusion, Outcome, Scorer, Task};
use weft_sdk::{Instant, PolicyError};

weft_sdk::config! {
    /// How much each thing counts, and what keeps a candidate out.
    pub struct Config {
        /// Weight of the price.
        pub price: f64 = 0.4, 0.0..=1.0;
        /// Weight of the reputation.
        pub reputation: f64 = 0.3, 0.0..=1.0;
        /// Weight of the room to spare.
        pub resources: f64 = 0.2, 0.0..=1.0;
        /// Weight of being done in time.
        pub timeliness: f64 = 0.1, 0.0..=1.0;
        /// What a price counts, 0 to 1, when the task offers no fee that it could be held against.
        pub neutral_price: f64 = 0.5, 0.0..=1.0;
        /// What timeliness counts, 0 to 1, when the task does not say how long it takes.
        pub neutral_timeliness: f64 = 0.5, 0.0..=1.0;
        /// Reputation assumed where it is unknown, 0 to 1.
        pub unknown_reputation: f64 = 0.5, 0.0..=1.0;
        /// Least reputation, 0 to 1. 0: anyone.
        pub min_reputation: f64 = 0.0, 0.0..=1.0;
        /// Multiple of what the task needs from which on more room counts no more.
        pub ample: f64 = 2.0, 1.0..=100.0;
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
        /// Reputation, 0 to 1.
        pub reputation: "peer.reputation",
        /// Milliseconds until it would be done.
        pub eta: "offer.eta_ms",
    }
}

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
        (
            reputation(config, peer) < config.min_reputation,
            Exclusion::NotTrusted,
        ),
    ];
    filters
        .into_iter()
        .find_map(|(out, why)| out.then_some(why))
}

/// Reputation, 0 to 1.
fn reputation(config: &Config, peer: &Candidate) -> f64 {
    known(peer.reputation, 0.0..=1.0).unwrap_or(config.unknown_reputation)
}

/// 1 for nothing, 0 for the whole fee. Without a fee all prices count the same; an unknown price counts nothing.
fn price(config: &Config, task: &Task, peer: &Candidate) -> f64 {
    if task.fee == 0 {
        return config.neutral_price;
    }
    let fee = task.fee as f64;
    known(peer.cost, 0.0..=fee).map_or(0.0, |cost| 1.0 - cost / fee)
}

/// Free against an ample multiple of what is needed, 0 to 1. A need of zero is met; what is unknown counts nothing.
fn room(config: &Config, free: Option<f64>, needed: f64) -> f64 {
    if needed <= 0.0 {
        return 1.0;
    }
    free.map_or(0.0, |free| (free / (needed * config.ample)).clamp(0.0, 1.0))
}

/// 1 when it would be done as soon as the work takes, less the longer it takes besides. Unknown counts nothing.
fn timeliness(config: &Config, task: &Task, peer: &Candidate) -> f64 {
    if task.duration == 0 {
        return config.neutral_timeliness;
    }
    let duration = task.duration as f64;
    known(peer.eta, 0.0..=f64::MAX).map_or(0.0, |eta| duration / eta.max(duration))
}

/// The plugin.
pub struct Market;

impl Scorer for Market {
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
        let cpu = room(config, peer.cpu_free, task.cores);
        let memory = room(config, peer.memory_free, task.memory_mb as f64);
        Ok(Outcome::Score(
            config.price * price(config, task, peer)
                + config.reputation * reputation(config, peer)
                + config.resources * cpu.min(memory)
                + config.timeliness * timeliness(config, task, peer),
        ))
    }
}

weft_sdk::export_scorer!(Market);

#[cfg(test)]
mod tests;
