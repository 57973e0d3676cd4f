//! Demand for a skill that rises with use and halves in a week. The rule in words: README.md.
//!
//! It judges one node's copy at a time and does not see what others decide at the same moment; the next call, with
//! the seeders counted anew, corrects it.

use weft_sdk::demand::{Advice, Demand, Item, Verdict};
use weft_sdk::{DAY_MS, Instant, PolicyError, libm};

weft_sdk::config! {
    /// How demand rises and fades, and what follows from it.
    pub struct Config {
        /// What one use of a skill of effectiveness 1 adds.
        pub per_use: f64 = 0.1, 0.0..=1.0;
        /// Days in which demand halves.
        pub half_life_days: f64 = 7.0, 0.01..=3650.0;
        /// Replicate above this urgency.
        pub replicate_above: f64 = 0.7, 0.0..=1.0;
        /// Replicate at once above this urgency.
        pub at_once_above: f64 = 0.8, 0.0..=1.0;
        /// Stop seeding below this urgency.
        pub drop_below: f64 = 0.1, 0.0..=1.0;
        /// Seeders wanted, if demand is worth as many.
        pub replicas: u32 = 3, 1..=64;
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

/// Demand per seeder, at most 1. What is wanted and nobody serves is most urgent.
fn urgency(demand: f64, seeders: u32) -> f64 {
    if demand <= 0.0 {
        0.0
    } else {
        (demand / f64::from(seeders)).min(1.0)
    }
}

/// The plugin.
pub struct HalfLife;

impl Demand for HalfLife {
    type Config = Config;

    fn judge(_: Instant, config: &Config, item: &Item) -> Result<Verdict, PolicyError> {
        if config.drop_below > config.replicate_above
            || config.replicate_above > config.at_once_above
        {
            let text =
                "`drop_below`, `replicate_above` and `at_once_above` must rise in this order";
            return Err(PolicyError::BadConfig(text.to_owned()));
        }
        let prior = share(item.prior, "prior")?;
        let effectiveness = share(item.effectiveness, "effectiveness")?;
        let half_lives = item.elapsed as f64 / DAY_MS as f64 / config.half_life_days;
        let added = f64::from(item.uses) * effectiveness * config.per_use;
        let demand = (prior * libm::exp2(-half_lives) + added).min(1.0);
        let urgency = urgency(demand, item.seeders);

        let worth_it = |replicas: &u32| demand / f64::from(*replicas) >= config.drop_below;
        let replicas = (1..=config.replicas).rev().find(worth_it).unwrap_or(0);
        let fits = item.size_bytes <= item.free_bytes;
        let advice = if urgency < config.drop_below {
            Advice::Drop
        } else if urgency > config.at_once_above && fits {
            Advice::ReplicateNow
        } else if urgency > config.replicate_above && fits {
            Advice::Replicate
        } else {
            Advice::Keep
        };
        Ok(Verdict {
            demand,
            urgency,
            replicas,
            advice,
        })
    }
}

weft_sdk::export_demand!(HalfLife);

#[cfg(test)]
mod tests;
