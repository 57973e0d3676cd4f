//! Prefers clean energy and a short way.

use weft_sdk::scorer::{Exclusion, Outcome, Scorer, Task};
use weft_sdk::{Instant, PolicyError};

weft_sdk::config! {
    /// How much each thing counts.
    pub struct Config {
        /// Points that 100 ms of round trip cost.
        pub distance: f64 = 5.0, 0.0..=100.0;
        /// Clean share assumed where it is unknown, per cent.
        pub unknown_clean: f64 = 50.0, 0.0..=100.0;
    }
}

weft_sdk::features! {
    /// What is read of a candidate. Each is `None` where it is unknown.
    pub struct Candidate {
        /// 0: offline.
        pub online: "peer.online",
        /// Clean share of the energy, per cent.
        pub clean: "energy.percent_clean",
        /// Round trip in ms.
        pub rtt: "path.rtt_ms",
        /// Free memory in MB.
        pub memory: "capacity.memory_free_mb",
    }
}

/// The plugin.
pub struct Policy;

impl Scorer for Policy {
    type Config = Config;
    type Candidate = Candidate;

    fn score(
        _: Instant,
        config: &Config,
        task: &Task,
        candidate: &Candidate,
        _: u64,
    ) -> Result<Outcome, PolicyError> {
        if candidate.online == Some(0.0) {
            return Ok(Outcome::Excluded(Exclusion::Offline));
        }
        let needed = task.memory_mb as f64;
        if candidate.memory.is_some_and(|free| free < needed) {
            return Ok(Outcome::Excluded(Exclusion::TooLittleMemory));
        }
        let clean = candidate.clean.unwrap_or(config.unknown_clean);
        let distance = config.distance * candidate.rtt.unwrap_or(0.0) / 100.0;
        Ok(Outcome::Score(clean - distance))
    }
}

weft_sdk::export_scorer!(Policy);
