//! What each slot is asked and answers: the records of `wit/*/0.1.0`, field by field, with serde.
//!
//! Their meaning, units and ranges are documented once, in the WIT. Calls and replies are tagged by the same names
//! that golden vectors and decision records use.

#![allow(
    missing_docs,
    reason = "fields mirror the WIT records, which document them"
)]

pub mod economy;
pub mod ethics;
pub mod placement;
pub mod time;
pub mod votes;

use crate::Slot;
use serde::{Deserialize, Serialize};

/// Why a policy could not judge: `weft:model/types.policy-error`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum PolicyError {
    #[error("config: {0}")]
    BadConfig(String),
    #[error("input: {0}")]
    BadInput(String),
    #[error("unsupported: {0}")]
    Unsupported(String),
}

/// One call of a slot's plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlotCall {
    Override(Vec<time::OverrideRequest>),
    Weigh(votes::Weigh),
    Conclude(Vec<votes::Tally>),
    Sla(Vec<time::SlaRequest>),
    Consent(Vec<time::ConsentRequest>),
    Ethics(ethics::EthicsCall),
    Tiers(Vec<economy::Contribution>),
    Admit(Vec<economy::QuotaRequest>),
    Rank(placement::Rank),
    Reward(Vec<economy::Settlement>),
    Reputation(Vec<economy::Subject>),
    Carbon(Vec<placement::Job>),
    Demand(Vec<economy::Item>),
}

/// What it answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlotReply {
    Override(Vec<time::OverrideVerdict>),
    Weigh(Vec<f64>),
    Conclude(Vec<votes::Outcome>),
    Sla(Vec<time::Plan>),
    Consent(Vec<time::ConsentVerdict>),
    Ethics(Vec<Vec<ethics::Violation>>),
    Tiers(Vec<String>),
    Admit(Vec<economy::QuotaVerdict>),
    Rank(Vec<placement::Score>),
    Reward(Vec<economy::Payout>),
    Reputation(Vec<economy::ReputationScore>),
    Carbon(Vec<placement::Footprint>),
    Demand(Vec<economy::DemandVerdict>),
}

impl SlotCall {
    /// The slot that is asked.
    pub fn slot(&self) -> Slot {
        match self {
            Self::Override(_) => Slot::Override,
            Self::Weigh(_) | Self::Conclude(_) => Slot::Voting,
            Self::Sla(_) => Slot::Sla,
            Self::Consent(_) => Slot::Consent,
            Self::Ethics(_) => Slot::Ethics,
            Self::Tiers(_) | Self::Admit(_) => Slot::Quota,
            Self::Rank(_) => Slot::Scorer,
            Self::Reward(_) => Slot::Reward,
            Self::Reputation(_) => Slot::Reputation,
            Self::Carbon(_) => Slot::Carbon,
            Self::Demand(_) => Slot::Demand,
        }
    }

    /// The call's tag, as records and vectors name it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Weigh(_) => "weigh",
            Self::Conclude(_) => "conclude",
            Self::Tiers(_) => "tiers",
            Self::Admit(_) => "admit",
            Self::Rank(_) => "rank",
            other => other.slot().name(),
        }
    }

    /// How many rows the answer must have.
    pub fn rows(&self) -> usize {
        match self {
            Self::Override(r) => r.len(),
            Self::Weigh(w) => w.voters.rows as usize,
            Self::Conclude(r) => r.len(),
            Self::Sla(r) => r.len(),
            Self::Consent(r) => r.len(),
            Self::Ethics(c) => c.tasks.len(),
            Self::Tiers(r) => r.len(),
            Self::Admit(r) => r.len(),
            Self::Rank(r) => r.candidates.rows as usize,
            Self::Reward(r) => r.len(),
            Self::Reputation(r) => r.len(),
            Self::Carbon(r) => r.len(),
            Self::Demand(r) => r.len(),
        }
    }
}

impl SlotReply {
    /// How many rows were answered.
    pub fn rows(&self) -> usize {
        match self {
            Self::Override(r) => r.len(),
            Self::Weigh(r) => r.len(),
            Self::Conclude(r) => r.len(),
            Self::Sla(r) => r.len(),
            Self::Consent(r) => r.len(),
            Self::Ethics(r) => r.len(),
            Self::Tiers(r) => r.len(),
            Self::Admit(r) => r.len(),
            Self::Rank(r) => r.len(),
            Self::Reward(r) => r.len(),
            Self::Reputation(r) => r.len(),
            Self::Carbon(r) => r.len(),
            Self::Demand(r) => r.len(),
        }
    }
}
