//! Answers with an error whose text has `bytes` bytes, 1 GiB unless told.

use weft_sdk::scorer::{Outcome, Scorer, Task};
use weft_sdk::{Instant, PolicyError};

weft_sdk::config! {
    /// How much it says.
    pub struct Config {
        /// Length of its text in bytes.
        pub bytes: u32 = 1073741824, 0..=2147483647;
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
        _: u64,
    ) -> Result<Outcome, PolicyError> {
        Err(PolicyError::BadConfig("x".repeat(config.bytes as usize)))
    }
}

weft_sdk::export_scorer!(Guest);
