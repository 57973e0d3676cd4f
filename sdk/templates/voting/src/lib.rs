//! A vote weighs 1, and 2 once its voter has done enough.

use weft_sdk::voting::{Outcome, Statistic, Tally, Voting, decide_by_share};
use weft_sdk::{Instant, PolicyError};

weft_sdk::config! {
    /// When a vote weighs more, and when it is over.
    pub struct Config {
        /// Tasks from which on a vote weighs 2.
        pub tasks: f64 = 100.0, 0.0..=1000000.0;
        /// Share of the weight that decides.
        pub decisive: f64 = 0.6, 0.5..=1.0;
    }
}

weft_sdk::features! {
    /// What is read of a voter.
    pub struct Voter {
        /// Tasks completed.
        pub tasks: "voter.tasks",
    }
}

/// The plugin.
pub struct Policy;

impl Voting for Policy {
    type Config = Config;
    type Voter = Voter;

    fn weigh(
        _: Instant,
        config: &Config,
        voter: &Voter,
        _: &[Statistic],
    ) -> Result<f64, PolicyError> {
        let active = voter.tasks.is_some_and(|tasks| tasks >= config.tasks);
        Ok(if active { 2.0 } else { 1.0 })
    }

    fn conclude(_: Instant, config: &Config, tally: &Tally) -> Result<Outcome, PolicyError> {
        decide_by_share(tally, config.decisive)
    }
}

weft_sdk::export_voting!(Policy);
