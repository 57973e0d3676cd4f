//! Takes its time: computes `spins` rounds per candidate, then scores 1.

use weft_sdk::scorer::{Outcome, Scorer, Task};
use weft_sdk::{Instant, PolicyError};

weft_sdk::config! {
    /// How slow it is.
    pub struct Config {
        /// Rounds per candidate, a few nanoseconds each.
        pub spins: u64 = 1000000, 0..=1000000000000;
    }
}

/// The guest.
pub struct Guest;

impl Scorer for Guest {
    type Config = Config;
    type Candidate = weft_sdk::features::NoFeatures;

    fn score(
        _: Instant,
        config: &Config,
        _: &Task,
        _: &Self::Candidate,
        tie_seed: u64,
    ) -> Result<Outcome, PolicyError> {
        // A xorshift that nothing can skip: each round needs the one before.
        let mut state = tie_seed | 1;
        for _ in 0..config.spins {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }
        Ok(Outcome::Score(if state == 0 { 0.0 } else { 1.0 }))
    }
}

weft_sdk::export_scorer!(Guest);
