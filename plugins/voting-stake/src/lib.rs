//! A vote weighs as much as its voter gave: donations plus credits earned by work. The rule in words: README.md.
//!
//! An open poll is concluded only when everyone has cast: the weights still out are not known to a tally.

use weft_sdk::voting::{Outcome, Statistic, Tally, Voting, decide_by_share};
use weft_sdk::{Instant, PolicyError};

#[cfg(test)]
mod tests;

weft_sdk::config! {
    /// When a tally has decided, and what a credit weighs.
    pub struct Config {
        /// Share of the weight cast that an option needs, 0 to 1.
        pub decisive_share: f64 = 0.6, 0.0..=1.0;
        /// Weight of a credit donated.
        pub donations: f64 = 1.0, 0.0..=1000.0;
        /// Weight of a credit earned by work.
        pub contribution: f64 = 1.0, 0.0..=1000.0;
    }
}

weft_sdk::features! {
    /// What is read of a voter.
    pub struct Voter {
        /// Donations recorded, in credits.
        pub donations: "voter.donations",
        /// Credits earned by work.
        pub contribution: "voter.contribution",
    }
}

/// The plugin.
pub struct Stake;

impl Voting for Stake {
    type Config = Config;
    type Voter = Voter;

    fn weigh(
        _: Instant,
        config: &Config,
        voter: &Voter,
        _: &[Statistic],
    ) -> Result<f64, PolicyError> {
        // What is not recorded was not given.
        let donations = voter.donations.unwrap_or(0.0);
        let contribution = voter.contribution.unwrap_or(0.0);
        if donations < 0.0 || contribution < 0.0 {
            return Err(PolicyError::BadInput(format!(
                "`voter.donations` is {donations} and `voter.contribution` {contribution}, neither may be negative"
            )));
        }
        Ok(config.donations * donations + config.contribution * contribution)
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

weft_sdk::export_voting!(Stake);
