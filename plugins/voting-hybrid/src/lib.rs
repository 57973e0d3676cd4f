//! A vote weighs by tenure, tasks and donations, each against the electorate's largest. The rule in words: README.md.
//!
//! An open poll is concluded only when everyone has cast: the weights still out are not known to a tally.

use weft_sdk::voting::{Outcome, Statistic, Tally, Voting, decide_by_share};
use weft_sdk::{Instant, PolicyError};

#[cfg(test)]
mod tests;

weft_sdk::config! {
    /// When a tally has decided, and how much each thing counts.
    pub struct Config {
        /// Share of the weight cast that an option needs, 0 to 1.
        pub decisive_share: f64 = 0.6, 0.0..=1.0;
        /// Weight of the longest membership.
        pub tenure: f64 = 0.3, 0.0..=1.0;
        /// Weight of the most tasks completed.
        pub tasks: f64 = 0.4, 0.0..=1.0;
        /// Weight of the largest donations.
        pub donations: f64 = 0.3, 0.0..=1.0;
    }
}

weft_sdk::features! {
    /// What is read of a voter.
    pub struct Voter {
        /// Time as a member, in milliseconds.
        pub tenure: "voter.tenure_ms",
        /// Tasks completed.
        pub tasks: "voter.tasks",
        /// Donations recorded, in credits.
        pub donations: "voter.donations",
    }
}

/// A voter's part of the electorate's maximum, 0 to 1; 0 where nothing is known of the voter, or nobody has any.
fn part(name: &str, value: Option<f64>, electorate: &Statistic) -> Result<f64, PolicyError> {
    let (value, most) = (value.unwrap_or(0.0), electorate.max);
    if !(0.0..=most).contains(&value) {
        return Err(PolicyError::BadInput(format!(
            "`{name}` is {value}, the electorate's lie between 0 and {most}"
        )));
    }
    Ok(if most > 0.0 { value / most } else { 0.0 })
}

/// The plugin.
pub struct Hybrid;

impl Voting for Hybrid {
    type Config = Config;
    type Voter = Voter;

    fn weigh(
        _: Instant,
        config: &Config,
        voter: &Voter,
        statistics: &[Statistic],
    ) -> Result<f64, PolicyError> {
        let [tenure, tasks, donations] = statistics else {
            return Err(PolicyError::BadInput(format!(
                "3 features need as many statistics, got {}",
                statistics.len()
            )));
        };
        Ok(
            config.tenure * part("voter.tenure_ms", voter.tenure, tenure)?
                + config.tasks * part("voter.tasks", voter.tasks, tasks)?
                + config.donations * part("voter.donations", voter.donations, donations)?,
        )
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

weft_sdk::export_voting!(Hybrid);
