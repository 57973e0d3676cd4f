//! A share for the worker, the rest in equal parts for those who agreed.

use weft_sdk::reward::{Payout, Reveal, Reward, Settlement};
use weft_sdk::{Instant, PolicyError};

weft_sdk::config! {
    /// How an escrow is split.
    pub struct Config {
        /// Per cent for the worker.
        pub worker: u8 = 80, 0..=100;
    }
}

/// The plugin.
pub struct Policy;

impl Reward for Policy {
    type Config = Config;

    fn judge(_: Instant, config: &Config, settlement: &Settlement) -> Result<Payout, PolicyError> {
        let count = settlement.verifiers.len();
        let mut payout = Payout {
            worker: 0,
            verifiers: vec![0; count],
            pool: 0,
            refund: 0,
            slash_worker: 0,
            slash_verifiers: vec![0; count],
        };
        if !settlement.accepted {
            payout.refund = settlement.amount;
            return Ok(payout);
        }
        let agreed = |v: &&weft_sdk::reward::Verifier| v.reveal == Reveal::Agrees;
        let agreeing = settlement.verifiers.iter().filter(agreed).count() as u64;
        // In 128 bits, so that no amount can overflow.
        let theirs = (u128::from(settlement.amount) * u128::from(100 - config.worker) / 100) as u64;
        let each = theirs.checked_div(agreeing).unwrap_or(0);
        for (part, verifier) in payout.verifiers.iter_mut().zip(&settlement.verifiers) {
            if verifier.reveal == Reveal::Agrees {
                *part = each;
            }
        }
        payout.worker = settlement.amount - each * agreeing;
        Ok(payout)
    }
}

weft_sdk::export_reward!(Policy);
