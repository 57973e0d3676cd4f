//! One voter, one vote. The rule in words: README.md.
//!
//! Since every weight is known to be 1, an open poll is concluded as soon as the voters still out can't turn it.

use weft_sdk::features::NoFeatures;
use weft_sdk::voting::{Outcome, Statistic, Tally, Voting, decide_by_share};
use weft_sdk::{Instant, PolicyError};

#[cfg(test)]
mod tests;

weft_sdk::config! {
    /// When a tally has decided.
    pub struct Config {
        /// Share of the votes cast that an option needs, 0 to 1.
        pub decisive_share: f64 = 0.6, 0.0..=1.0;
        /// Whether an open poll is concluded once the votes still out can't turn it.
        pub conclude_early: bool = true;
    }
}

/// What every vote weighs.
const WEIGHT: f64 = 1.0;

/// The tally if every vote still out went to the strongest of the other options: the worst that can come.
fn worst_case(tally: &Tally, leader: usize) -> Tally {
    let mut worst = tally.clone();
    let others = (0..worst.totals.len()).filter(|i| *i != leader);
    if let Some(rival) = others.max_by(|a, b| tally.totals[*a].total_cmp(&tally.totals[*b])) {
        worst.totals[rival] += f64::from(tally.eligible - tally.cast) * WEIGHT;
    }
    worst
}

/// The plugin.
pub struct Equal;

impl Voting for Equal {
    type Config = Config;
    type Voter = NoFeatures;

    fn weigh(_: Instant, _: &Config, _: &NoFeatures, _: &[Statistic]) -> Result<f64, PolicyError> {
        Ok(WEIGHT)
    }

    fn conclude(_: Instant, config: &Config, tally: &Tally) -> Result<Outcome, PolicyError> {
        let collected: f64 = tally.totals.iter().sum();
        if tally.cast > tally.eligible || collected > f64::from(tally.cast) * WEIGHT {
            return Err(PolicyError::BadInput(format!(
                "{collected} votes are counted, {} cast by {} eligible voters; \
                 give each voter who cast one vote",
                tally.cast, tally.eligible
            )));
        }
        let now = decide_by_share(tally, config.decisive_share)?;
        if tally.closed || tally.cast == tally.eligible {
            return Ok(now);
        }
        let leader = now.consensus.filter(|_| config.conclude_early);
        let held = match leader {
            Some(leader) => {
                let worst = worst_case(tally, leader as usize);
                decide_by_share(&worst, config.decisive_share)?.consensus == Some(leader)
            }
            None => false,
        };
        Ok(Outcome {
            consensus: leader.filter(|_| held),
            ..now
        })
    }
}

weft_sdk::export_voting!(Equal);
