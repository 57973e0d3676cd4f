//! The share of right work, with the past counted as some receipts.

use weft_sdk::reputation::{Reputation, Score, Subject};
use weft_sdk::{Instant, PolicyError};

weft_sdk::config! {
    /// How much the past counts.
    pub struct Config {
        /// As how many receipts the score so far counts.
        pub prior_weight: f64 = 4.0, 0.1..=1000.0;
    }
}

/// The plugin.
pub struct Policy;

impl Reputation for Policy {
    type Config = Config;

    fn judge(_: Instant, config: &Config, subject: &Subject) -> Result<Score, PolicyError> {
        let prior = subject.prior.map_or(0.5, |score| score.value);
        if !(0.0..=1.0).contains(&prior) {
            return Err(PolicyError::BadInput(format!(
                "the prior is {prior}, allowed is 0 to 1"
            )));
        }
        let all = subject.receipts.len() as f64;
        let right = subject.receipts.iter().filter(|r| r.correct).count() as f64;
        let weight = config.prior_weight;
        Ok(Score {
            value: (weight * prior + right) / (weight + all),
            uncertainty: weight / (weight + all),
        })
    }
}

weft_sdk::export_reputation!(Policy);
