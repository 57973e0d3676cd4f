//! The slots: every place where the host asks a plugin to judge.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A judgment that a plugin makes (DESIGN 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// Is this task an emergency?
    Override,
    /// What a vote weighs, and when a tally has decided.
    Voting,
    /// How long a task may wait, and for what.
    Sla,
    /// Does the owner agree to this moment?
    Consent,
    /// What an owner will never run.
    Ethics,
    /// How much a member may use.
    Quota,
    /// Which candidate should run it.
    Scorer,
    /// Who gets what of an escrow.
    Reward,
    /// How far a peer's past speaks for it.
    Reputation,
    /// What a task emitted and avoided.
    Carbon,
    /// How wanted a skill is.
    Demand,
}

/// What the host does when a slot's plugin can't answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// No override, and an alarm.
    NoOverride,
    /// Abort the tally, never guess.
    AbortTally,
    /// The last good version answers.
    LastGood,
    /// The last good version, else the answer is no.
    LastGoodElseClosed,
    /// The last good version, else the first candidate that fits.
    LastGoodElseFirstFit,
    /// The answer is no.
    Closed,
    /// The escrow stays where it is.
    HoldEscrow,
    /// The last scores stay.
    KeepLast,
    /// Recorded as unknown.
    Unknown,
    /// Keep seeding.
    KeepSeeding,
}

impl Slot {
    /// All slots, in the order of a decision and then of what follows it.
    pub const ALL: [Self; 11] = [
        Self::Override,
        Self::Voting,
        Self::Sla,
        Self::Consent,
        Self::Ethics,
        Self::Quota,
        Self::Scorer,
        Self::Reward,
        Self::Reputation,
        Self::Carbon,
        Self::Demand,
    ];

    /// The slot's name, as in commands and constitutions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Override => "override",
            Self::Voting => "voting",
            Self::Sla => "sla",
            Self::Consent => "consent",
            Self::Ethics => "ethics",
            Self::Quota => "quota",
            Self::Scorer => "scorer",
            Self::Reward => "reward",
            Self::Reputation => "reputation",
            Self::Carbon => "carbon",
            Self::Demand => "demand",
        }
    }

    /// The name of its WIT package and world; `override` is a reserved word in guest languages.
    pub fn package(self) -> &'static str {
        match self {
            Self::Override => "emergency",
            other => other.name(),
        }
    }

    /// The newest world of the slot, such as `weft:scorer/scorer@0.1.0`.
    pub fn world(self) -> String {
        let package = self.package();
        format!("weft:{package}/{package}@0.1.0")
    }

    /// The interface that a component of the slot exports, such as `weft:scorer/policy@0.1.0`.
    pub fn interface(self) -> String {
        format!("weft:{}/policy@0.1.0", self.package())
    }

    /// Whether one node's owner may pin or replace it; the others must agree over the community.
    pub fn is_local(self) -> bool {
        matches!(
            self,
            Self::Sla | Self::Consent | Self::Ethics | Self::Scorer | Self::Carbon | Self::Demand
        )
    }

    /// Whether it holds an ordered list of plugins, of which the strictest wins.
    pub fn is_chain(self) -> bool {
        matches!(self, Self::Consent | Self::Ethics)
    }

    /// What happens when its plugin can't answer.
    pub fn failure(self) -> Failure {
        match self {
            Self::Override => Failure::NoOverride,
            Self::Voting => Failure::AbortTally,
            Self::Sla => Failure::LastGood,
            Self::Consent | Self::Ethics => Failure::Closed,
            Self::Quota => Failure::LastGoodElseClosed,
            Self::Scorer => Failure::LastGoodElseFirstFit,
            Self::Reward => Failure::HoldEscrow,
            Self::Reputation => Failure::KeepLast,
            Self::Carbon => Failure::Unknown,
            Self::Demand => Failure::KeepSeeding,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no slot.
#[derive(Debug, thiserror::Error)]
#[error("`{found}` is no slot; the slots are {}", Slot::ALL.map(Slot::name).join(", "))]
pub struct UnknownSlot {
    found: String,
}

impl FromStr for Slot {
    type Err = UnknownSlot;

    fn from_str(name: &str) -> Result<Self, UnknownSlot> {
        Self::ALL
            .into_iter()
            .find(|s| s.name() == name)
            .ok_or_else(|| UnknownSlot {
                found: name.chars().take(40).collect(),
            })
    }
}
