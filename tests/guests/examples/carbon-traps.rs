//! Runs into `unreachable` when it is given a job.

use weft_sdk::carbon::{Carbon, Footprint, Job};
use weft_sdk::config::NoConfig;
use weft_sdk::{Instant, PolicyError};

/// The guest.
pub struct Guest;

impl Carbon for Guest {
    type Config = NoConfig;

    fn judge(_: Instant, _: &NoConfig, _: &Job) -> Result<Footprint, PolicyError> {
        #[cfg(target_family = "wasm")]
        core::arch::wasm32::unreachable();
        #[cfg(not(target_family = "wasm"))]
        Ok(Footprint {
            emitted_mg: 0,
            avoided_mg: 0,
            quality: weft_sdk::carbon::Quality::Unknown,
        })
    }
}

weft_sdk::export_carbon!(Guest);
