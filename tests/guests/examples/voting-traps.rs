//! Runs into `unreachable` when it weighs a voter.

use weft_sdk::config::NoConfig;
use weft_sdk::features::NoFeatures;
use weft_sdk::voting::{Outcome, Statistic, Tally, Voting, decide_by_share};
use weft_sdk::{Instant, PolicyError};

/// The guest.
pub struct Guest;

impl Voting for Guest {
    type Config = NoConfig;
    type Voter = NoFeatures;

    fn weigh(
        _: Instant,
        _: &NoConfig,
        _: &NoFeatures,
        _: &[Statistic],
    ) -> Result<f64, PolicyError> {
        #[cfg(target_family = "wasm")]
        core::arch::wasm32::unreachable();
        #[cfg(not(target_family = "wasm"))]
        Ok(1.0)
    }

    fn conclude(_: Instant, _: &NoConfig, tally: &Tally) -> Result<Outcome, PolicyError> {
        decide_by_share(tally, 0.5)
    }
}

weft_sdk::export_voting!(Guest);
