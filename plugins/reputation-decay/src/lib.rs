//! A score from finished work that fades with time. The rule in words: README.md.
//!
//! A score is what the evidence says, drawn towards the unknown as far as evidence is missing:
//! `value = uncertainty x unknown + (1 - uncertainty) x record`, `uncertainty = 1 - evidence / settled`. So evidence
//! and record are read back from a prior score, and nothing else is kept. It knows one call's counterparties only.

use std::collections::BTreeMap;
use weft_sdk::reputation::{Receipt, Reputation, Role, Score, Subject};
use weft_sdk::{DAY_MS, Instant, PolicyError, libm};

weft_sdk::config! {
    /// What work counts, and how fast it is forgotten.
    pub struct Config {
        /// What an execution counts (alpha).
        pub execution: f64 = 0.6, 0.0..=1.0;
        /// What a verification counts (beta).
        pub verification: f64 = 0.3, 0.0..=1.0;
        /// What a wrong piece of work takes off besides counting for nothing (gamma).
        pub penalty: f64 = 0.1, 0.0..=1.0;
        /// How fast evidence fades, per day (lambda): after d days e^(-lambda d) of it is left.
        pub decay_per_day: f64 = 0.05, 0.0..=10.0;
        /// The score, 0 to 1, of a peer of whom nothing is known, towards which scores fade.
        pub unknown: f64 = 0.5, 0.0..=1.0;
        /// Pieces of the heavier kind of work, each for another counterparty, that leave no uncertainty.
        pub settled_after: f64 = 20.0, 1.0..=100000.0;
        /// What each further piece for the same counterparty counts of the one before it.
        pub same_counterparty: f64 = 0.5, 0.0..=1.0;
        /// What unpaid work counts of work that was paid very well.
        pub unpaid: f64 = 0.5, 0.0..=1.0;
        /// Credits at which paid work counts halfway between unpaid and very well paid.
        pub usual_value: f64 = 10.0, 1.0..=1000000000.0;
    }
}

/// A figure between 0 and 1.
fn share(value: f64, what: &str) -> Result<f64, PolicyError> {
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    let text = format!("`{what}` is {value}; it lies between 0 and 1");
    Err(PolicyError::BadInput(text))
}

/// What work of a value counts, `unpaid` to 1.
fn worth(config: &Config, value: u64) -> f64 {
    let value = value as f64;
    config.unpaid + (1.0 - config.unpaid) * value / (value + config.usual_value)
}

/// Weight of all receipts, and what they speak for the subject (less what they speak against it).
///
/// Right and wrong work of each role is counted apart for each counterparty, the most valuable first, each further
/// piece less: one counterparty weighs at most 1 / (1 - same_counterparty) pieces, and can't bury wrong work.
fn weigh(config: &Config, receipts: &[Receipt]) -> (f64, f64) {
    let mut groups: BTreeMap<(u32, bool, bool), Vec<u64>> = BTreeMap::new();
    for receipt in receipts {
        let execution = receipt.role == Role::Execution;
        let group = (receipt.counterparty, execution, receipt.correct);
        groups.entry(group).or_default().push(receipt.value);
    }
    let mut weight = 0.0;
    let mut credit = 0.0;
    for ((_, execution, correct), mut values) in groups {
        values.sort_unstable_by(|a, b| b.cmp(a));
        let mut pieces = 0.0;
        let mut factor = 1.0;
        for value in values {
            pieces += factor * worth(config, value);
            factor *= config.same_counterparty;
        }
        let role = if execution {
            config.execution
        } else {
            config.verification
        };
        weight += role * pieces;
        credit += pieces * if correct { role } else { -config.penalty };
    }
    (weight, credit)
}

/// The plugin.
pub struct Decay;

impl Reputation for Decay {
    type Config = Config;

    fn judge(_: Instant, config: &Config, subject: &Subject) -> Result<Score, PolicyError> {
        let settled = config.settled_after * config.execution.max(config.verification);
        if settled <= 0.0 {
            let text = "`execution` and `verification` are both 0; one of them has to count";
            return Err(PolicyError::BadConfig(text.to_owned()));
        }
        let (mut evidence, mut record) = (0.0, config.unknown);
        if let Some(prior) = &subject.prior {
            let value = share(prior.value, "prior.value")?;
            let sure = 1.0 - share(prior.uncertainty, "prior.uncertainty")?;
            if sure > 0.0 {
                record = ((value - (1.0 - sure) * config.unknown) / sure).clamp(0.0, 1.0);
                let days = subject.elapsed as f64 / DAY_MS as f64;
                evidence = settled * sure * libm::exp(-config.decay_per_day * days);
            }
        }
        let (weight, credit) = weigh(config, &subject.receipts);
        if evidence + weight > 0.0 {
            record = ((evidence * record + credit) / (evidence + weight)).clamp(0.0, 1.0);
        }
        let sure = ((evidence + weight) / settled).min(1.0);
        Ok(Score {
            value: (config.unknown + sure * (record - config.unknown)).clamp(0.0, 1.0),
            uncertainty: 1.0 - sure,
        })
    }
}

weft_sdk::export_reputation!(Decay);

#[cfg(test)]
mod tests;
