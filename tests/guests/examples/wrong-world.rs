//! A consent policy, whose descriptor will say that it is a scorer.

use weft_sdk::config::NoConfig;
use weft_sdk::consent::{Consent, Request, Verdict};
use weft_sdk::{Instant, PolicyError};

/// The guest.
pub struct Guest;

impl Consent for Guest {
    type Config = NoConfig;

    fn judge(_: Instant, _: &NoConfig, _: &Request) -> Result<Verdict, PolicyError> {
        Ok(Verdict::Allow)
    }
}

weft_sdk::export_consent!(Guest);
