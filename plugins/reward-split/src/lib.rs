//! Splits an escrow between worker, verifiers and the community's pool. The rule in words: README.md.
//!
//! Worker + verifiers + pool + refund is the amount, always: every share is rounded down in integers, and what is
//! left over goes to the worker, or back where the work was rejected. It moves no credits itself, and it does not
//! judge whether the work was right; the quorum did.

use weft_sdk::reward::{Payout, Reveal, Reward, Settlement, Verifier};
use weft_sdk::{Instant, PolicyError, libm};

weft_sdk::config! {
    /// The three shares, which add up to 100 per cent, and what is taken from stakes. 90/10 is worker_percent 90,
    /// verifiers_percent 0, pool_percent 10.
    pub struct Config {
        /// The worker's share, scaled by quality and timeliness; the rest of it is refunded.
        pub worker_percent: u64 = 70, 0..=100;
        /// The share of the verifiers who agreed with the outcome, weighted by reputation. Refunded without any.
        pub verifiers_percent: u64 = 20, 0..=100;
        /// The community pool's share.
        pub pool_percent: u64 = 10, 0..=100;
        /// Whether verifiers are paid, and the pool is not, when the result is rejected. No: all is refunded.
        pub pay_verifiers_when_rejected: bool = true;
        /// Taken from the worker's stake when the result is rejected, per cent.
        pub slash_worker_percent: u64 = 10, 0..=100;
        /// Taken from the stake of a verifier whose answer was not the outcome, per cent.
        pub slash_wrong_percent: u64 = 5, 0..=100;
        /// Taken from the stake of a verifier who did not answer, per cent.
        pub slash_missing_percent: u64 = 1, 0..=100;
    }
}

/// Shares of 0 to 1 are counted in billionths, so that everything after is exact.
const BILLION: u64 = 1_000_000_000;

/// A share of 0 to 1 in billionths.
fn billionths(share: f64, what: &str) -> Result<u64, PolicyError> {
    if (0.0..=1.0).contains(&share) {
        return Ok(libm::round(share * BILLION as f64) as u64);
    }
    let text = format!("`{what}` is {share}; it lies between 0 and 1");
    Err(PolicyError::BadInput(text))
}

/// amount x part / whole, rounded down; part is at most whole, so it fits.
fn portion(amount: u64, part: u128, whole: u128) -> u64 {
    (u128::from(amount) * part / whole) as u64
}

fn percent(amount: u64, percent: u64) -> u64 {
    portion(amount, u128::from(percent), 100)
}

/// Whether a verifier said what the outcome was.
fn agreed(accepted: bool, verifier: &Verifier) -> bool {
    match verifier.reveal {
        Reveal::Agrees => accepted,
        Reveal::Disagrees => !accepted,
        Reveal::Missing => false,
    }
}

/// What each verifier gets of the verifiers' share; none when nobody agreed with the outcome. Reputations that are
/// all zero count the same.
fn split(share: u64, settlement: &Settlement) -> Result<Option<Vec<u64>>, PolicyError> {
    let mut weights = Vec::with_capacity(settlement.verifiers.len());
    for verifier in &settlement.verifiers {
        let reputation = billionths(verifier.reputation, "reputation")?;
        weights.push(agreed(settlement.accepted, verifier).then_some(reputation));
    }
    let known = weights.iter().flatten().any(|weight| *weight > 0);
    let weight = |weight: &Option<u64>| match weight {
        Some(reputation) if known => u128::from(*reputation),
        Some(_) => 1,
        None => 0,
    };
    let total: u128 = weights.iter().map(weight).sum();
    let shares = weights.iter().map(|w| portion(share, weight(w), total));
    Ok((total > 0).then(|| shares.collect()))
}

/// The plugin.
pub struct Split;

impl Reward for Split {
    type Config = Config;

    fn judge(_: Instant, config: &Config, settlement: &Settlement) -> Result<Payout, PolicyError> {
        if config.worker_percent + config.verifiers_percent + config.pool_percent != 100 {
            let text =
                "`worker_percent`, `verifiers_percent` and `pool_percent` must add up to 100";
            return Err(PolicyError::BadConfig(text.to_owned()));
        }
        let amount = settlement.amount;
        let accepted = settlement.accepted;
        let quality = billionths(settlement.quality, "quality")?;
        let timeliness = billionths(settlement.timeliness, "timeliness")?;
        let earned = u128::from(quality) * u128::from(timeliness);
        let all = u128::from(BILLION) * u128::from(BILLION);

        let paid = accepted || config.pay_verifiers_when_rejected;
        let for_verifiers = if paid {
            percent(amount, config.verifiers_percent)
        } else {
            0
        };
        let verifiers = split(for_verifiers, settlement)?;
        // Nobody agreed, or nobody was assigned: what was not verified is not paid for.
        let unclaimed = if verifiers.is_none() {
            for_verifiers
        } else {
            0
        };
        let verifiers = verifiers.unwrap_or_else(|| vec![0; settlement.verifiers.len()]);
        let given: u64 = verifiers.iter().sum();
        let (worker, pool, refund) = if accepted {
            let pool = percent(amount, config.pool_percent);
            let share = amount - pool - given - unclaimed;
            let unearned = portion(share, all - earned, all);
            (share - unearned, pool, unearned + unclaimed)
        } else {
            (0, 0, amount - given)
        };
        let slash = |verifier: &Verifier| match verifier.reveal {
            Reveal::Missing => percent(verifier.stake, config.slash_missing_percent),
            _ if agreed(accepted, verifier) => 0,
            _ => percent(verifier.stake, config.slash_wrong_percent),
        };
        Ok(Payout {
            worker,
            verifiers,
            pool,
            refund,
            slash_worker: if accepted {
                0
            } else {
                percent(settlement.worker_stake, config.slash_worker_percent)
            },
            slash_verifiers: settlement.verifiers.iter().map(slash).collect(),
        })
    }
}

weft_sdk::export_reward!(Split);

#[cfg(test)]
mod tests;
