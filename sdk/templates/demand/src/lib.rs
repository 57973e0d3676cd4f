//! Demand fades with time and grows with use.

use weft_sdk::demand::{Advice, Demand, Item, Verdict};
use weft_sdk::{DAY_MS, Instant, PolicyError};

weft_sdk::config! {
    /// How demand moves.
    pub struct Config {
        /// Days in which demand halves.
        pub half_life_days: f64 = 7.0, 0.01..=3650.0;
        /// What one use adds.
        pub per_use: f64 = 0.1, 0.0..=1.0;
        /// Copies that a fully wanted item should have.
        pub replicas: u32 = 3, 1..=1000;
    }
}

/// Urgency from which on an item is replicated, and demand below which it is dropped.
const REPLICATE_FROM: f64 = 0.7;
const DROP_BELOW: f64 = 0.1;

/// The plugin.
pub struct Policy;

impl Demand for Policy {
    type Config = Config;

    fn judge(_: Instant, config: &Config, item: &Item) -> Result<Verdict, PolicyError> {
        let half_lives = item.elapsed as f64 / (config.half_life_days * DAY_MS as f64);
        let faded = item.prior * weft_sdk::libm::exp2(-half_lives);
        let demand = (faded + config.per_use * f64::from(item.uses)).clamp(0.0, 1.0);
        let urgency = match item.seeders {
            0 => demand,
            seeders => demand / f64::from(seeders),
        };
        let advice = if demand < DROP_BELOW {
            Advice::Drop
        } else if urgency >= REPLICATE_FROM && item.size_bytes <= item.free_bytes {
            Advice::Replicate
        } else {
            Advice::Keep
        };
        Ok(Verdict {
            demand,
            urgency,
            replicas: weft_sdk::libm::ceil(demand * f64::from(config.replicas)) as u32,
            advice,
        })
    }
}

weft_sdk::export_demand!(Policy);
