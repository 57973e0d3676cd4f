//! What a new release wants more than the one in use: each entry is a reason to ask the owner or the community first.

use crate::record::{Release, failure_word};
use std::fmt;
use weft_model::Did;
use weft_model::slot::Failure;

/// One thing that a new release wants more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Somebody else publishes it.
    Publisher {
        /// Whose is in use.
        old: Did,
        /// Whose is wanted.
        new: Did,
    },
    /// It serves another world.
    World {
        /// The world in use.
        old: String,
        /// The world wanted.
        new: String,
    },
    /// It calls something that the old one did not.
    Import(String),
    /// It reads something that the old one did not.
    Feature(String),
    /// It may use more.
    Limit {
        /// Which figure, as the record names it.
        name: &'static str,
        /// What is granted.
        old: u64,
        /// What is wanted.
        new: u64,
    },
    /// It lets more through when it can't answer.
    Failure {
        /// The mode in use.
        old: &'static str,
        /// The mode wanted.
        new: &'static str,
    },
    /// It is given a file that the old one was not.
    Model(String),
    /// Its revision jumps by more than [`REVISION_JUMP`].
    Revision {
        /// The revision in use.
        old: u64,
        /// The revision wanted.
        new: u64,
    },
}

/// Largest step of a revision that needs no consent: a stolen key could otherwise use up all numbers at once.
pub const REVISION_JUMP: u64 = 1_000;

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publisher { old, new } => write!(f, "is published by {new} instead of {old}"),
            Self::World { old, new } => write!(f, "serves `{new}` instead of `{old}`"),
            Self::Import(name) => write!(f, "imports `{name}`"),
            Self::Feature(id) => write!(f, "reads `{id}`"),
            Self::Limit { name, old, new } => write!(f, "wants {name} {new} instead of {old}"),
            Self::Failure { old, new } => write!(f, "fails as `{new}` instead of `{old}`"),
            Self::Model(name) => write!(f, "is given the model `{name}`"),
            Self::Revision { old, new } => write!(f, "jumps from revision {old} to {new}"),
        }
    }
}

/// What `new` wants more than `old`, in the record's order. Empty: it can be installed without asking.
pub fn growth(old: &Release, new: &Release) -> Vec<Growth> {
    let mut out = Vec::new();
    // Revisions of two publishers are two series.
    if new.publisher == old.publisher && new.revision.saturating_sub(old.revision) > REVISION_JUMP {
        out.push(Growth::Revision {
            old: old.revision,
            new: new.revision,
        });
    }
    if new.publisher != old.publisher {
        out.push(Growth::Publisher {
            old: old.publisher,
            new: new.publisher,
        });
    }
    if new.world != old.world {
        out.push(Growth::World {
            old: old.world.clone(),
            new: new.world.clone(),
        });
    }
    let added = |new: &[String], old: &[String]| -> Vec<String> {
        new.iter().filter(|n| !old.contains(n)).cloned().collect()
    };
    out.extend(
        added(&new.imports, &old.imports)
            .into_iter()
            .map(Growth::Import),
    );
    out.extend(
        added(&new.features, &old.features)
            .into_iter()
            .map(Growth::Feature),
    );
    for ((name, new), (_, old)) in new.limits.figures().into_iter().zip(old.limits.figures()) {
        if new > old {
            out.push(Growth::Limit { name, old, new });
        }
    }
    if let (Some(old), Some(new)) = (old.failure, new.failure)
        && openness(new) > openness(old)
    {
        out.push(Growth::Failure {
            old: failure_word(old),
            new: failure_word(new),
        });
    }
    let new_models = new.models.iter().filter(|m| {
        !old.models
            .iter()
            .any(|o| o.name == m.name && o.cid == m.cid)
    });
    out.extend(new_models.map(|m| Growth::Model(m.name.clone())));
    out
}

/// How much a failure mode lets through: 0 nothing, 1 what the last good version allows, 2 more than that.
fn openness(mode: Failure) -> u8 {
    match mode {
        Failure::Closed | Failure::NoOverride | Failure::AbortTally | Failure::HoldEscrow => 0,
        Failure::LastGood | Failure::LastGoodElseClosed | Failure::KeepLast | Failure::Unknown => 1,
        Failure::LastGoodElseFirstFit | Failure::KeepSeeding => 2,
    }
}
