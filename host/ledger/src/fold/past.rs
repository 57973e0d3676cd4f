//! Which events an event had seen.
//!
//! A device that equivocates has several branches, so places are counted per branch and not per device: then one
//! number per branch says exactly what is an ancestor.

use std::collections::BTreeMap;
use std::sync::Arc;

/// An event's own place, and the newest ancestor on every other branch.
#[derive(Clone, Debug)]
pub(super) struct Past {
    /// The branch of the event.
    pub branch: u32,
    /// Its place on it.
    pub seq: u64,
    /// The newest place seen per other branch; shared along a branch while nothing new is seen.
    pub others: Arc<BTreeMap<u32, u64>>,
}

impl Past {
    /// Whether `other` is a proper ancestor.
    pub fn sees(&self, other: &Self) -> bool {
        if other.branch == self.branch {
            return other.seq < self.seq;
        }
        self.others
            .get(&other.branch)
            .is_some_and(|seq| *seq >= other.seq)
    }
}

/// From where one looks: everything that is known, or an event's ancestors.
#[derive(Clone, Copy, Debug)]
pub(super) enum Horizon<'a> {
    /// Everything.
    All,
    /// The ancestors of an event.
    Before(&'a Past),
}

impl Horizon<'_> {
    /// Whether an event is in sight.
    pub fn sees(self, past: &Past) -> bool {
        match self {
            Self::All => true,
            Self::Before(own) => own.sees(past),
        }
    }
}
