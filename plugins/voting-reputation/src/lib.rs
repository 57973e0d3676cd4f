//! A vote weighs as much as its voter's reputation, 0 to 100 points. The rule in words: README.md.
//!
//! An open poll is concluded only when everyone has cast: the weights still out are not known to a tally.

use weft_sdk::voting::{Outcome, Statistic, Tally, Voting, decide_by_share};
use weft_sdk::{Instant, PolicyError};

#[cfg(test)]
mod tests;

weft_sdk::config! {
    /// When a tally has decided, and what an unknown voter weighs.
    pub struct Config {
        /// Share of the weight cast that an option needs, 0 to 1.
        pub decisive_share: f64 = 0.6, 0.0..=1.0;
        /// Points of a voter whose reputation is not known yet.
        pub unknown_points: f64 = 50.0, 0.0..=100.0;
    }
}

weft_sdk::features! {
    /// What is read of a voter.
    pub struct Voter {
        /// Reputation as points, 0 to 100.
        pub reputation: "voter.reputation",
    }
}

/// The plugin.
pub struct Reputation;

impl Voting for Reputation {
    type Config = Config;
    type Voter = Voter;

    fn weigh(
        _: Instant,
        config: &Config,
        voter: &Voter,
        _: &[Statistic],
    ) -> Result<f64, PolicyError> {
        let points = voter.reputation.unwrap_or(config.unknown_points);
        if !(0.0..=100.0).contains(&points) {
            return Err(PolicyError::BadInput(format!(
                "`voter.reputation` is {points}, allowed is 0 to 100"
            )));
        }
        Ok(points)
    }

    fn conclude(_: Instant, config: &Config, tally: &Tally) -> Result<Outcome, PolicyError> {
        if tally.cast > tally.eligible {
            return Err(PolicyError::BadInput(format!(
                "`cast` is {}, but only {} may vote",
                tally.cast, tally.eligible
            )));
        }
        let outcome = decide_by_share(tally, config.decisive_share)?;
        // What the voters still out weigh is not known here, so an open poll waits for them.
        let over = tally.closed || tally.cast == tally.eligible;
        Ok(Outcome {
            consensus: outcome.consensus.filter(|_| over),
            ..outcome
        })
    }
}

weft_sdk::export_voting!(Reputation);
