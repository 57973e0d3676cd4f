//! Trials: which tasks a canary decides, what of its answers counts as a refusal, and when it goes back.
//!
//! A release on trial stands beside what serves its slot. As a shadow it decides nothing; as a canary it decides the
//! tasks that [`is_canary`] gives it, the same ones at every attempt. Each decision that it took part in is one
//! [`Outcome`]; [`Recent::step`] holds the last of them against [`Limits`] and says when the trial is over.
//!
//! | slot | a refusal is |
//! |---|---|
//! | `override` | none: "no emergency" is the normal answer |
//! | `sla` | a latest start that is over already |
//! | `consent` | not now, for anyone who was asked about |
//! | `ethics` | a hard violation |
//! | `quota` | no admission: wait, or no |
//! | `scorer` | every candidate excluded |
//!
//! In every slot a policy that says why it can't judge has refused, too. A refusal that the serving version shares
//! does not count against the one on trial: the caller asks both.
//!
//! No clock, no storage: what happened before is passed in.

mod words;

pub use words::{combined, decided_words, refuses, words};

use sha2::{Digest, Sha256};
use weft_model::Slot;

/// Separates this hash from every other one over a task's id.
const DOMAIN: &[u8] = b"weft canary";

/// Whether the canary of a slot decides about a task: `percent` of all ids, 1 to 99, by a hash of slot and id.
pub fn is_canary(slot: Slot, task: &str, percent: u8) -> bool {
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    hash.update(slot.name());
    hash.update([0]);
    hash.update(task);
    let digest: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    u64::from_be_bytes([a, b, c, d, e, f, g, h]) % 100 < u64::from(percent)
}

/// Why a release can't be on trial in a slot in this way, if it can't.
pub fn forbidden(slot: Slot, canary: bool) -> Option<&'static str> {
    let in_decisions = matches!(
        slot,
        Slot::Override | Slot::Sla | Slot::Consent | Slot::Ethics | Slot::Quota | Slot::Scorer
    );
    if !in_decisions {
        Some("no decision about a task asks this slot, so a trial would see nothing")
    } else if canary && slot.is_chain() {
        Some("every plugin of this slot is heard and the strictest wins; try it as a shadow")
    } else if canary && !slot.is_local() {
        Some("all members must get one answer from this slot; try it as a shadow")
    } else {
        None
    }
}

/// How one decision went for the release on trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It answered.
    Fine,
    /// It answered no where the serving version did not.
    Refused,
    /// It trapped, went over a limit, or broke its contract.
    Failed,
}

/// What ends a trial before a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Failures among the last decisions that end it, from 1.
    pub failures: u32,
    /// Refusals among the last decisions that are still accepted; one more ends a canary.
    pub refusals: u32,
    /// How many of its last decisions are looked at, 1 to [`DECISIONS_MAX`].
    pub decisions: u32,
}

/// Most decisions that the rule can look back on.
pub const DECISIONS_MAX: u32 = 10_000;

impl Default for Limits {
    /// 3 failures, or more than 10 refusals, in the last 100 decisions.
    fn default() -> Self {
        Self {
            failures: 3,
            refusals: 10,
            decisions: 100,
        }
    }
}

/// Why a trial ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// Too many failures: it must not run at all.
    Failures(u32),
    /// Too many refusals: it works, but not as wanted.
    Refusals(u32),
}

/// The last decisions of a trial, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recent(Vec<Outcome>);

impl Recent {
    /// Reads what [`Self::text`] gave; a letter that it does not write is left out.
    pub fn parse(text: &str) -> Self {
        Self(
            text.chars()
                .filter_map(|letter| match letter {
                    '.' => Some(Outcome::Fine),
                    'r' => Some(Outcome::Refused),
                    'f' => Some(Outcome::Failed),
                    _ => None,
                })
                .collect(),
        )
    }

    /// One letter per decision: `.` fine, `r` refused, `f` failed.
    pub fn text(&self) -> String {
        self.0
            .iter()
            .map(|outcome| match outcome {
                Outcome::Fine => '.',
                Outcome::Refused => 'r',
                Outcome::Failed => 'f',
            })
            .collect()
    }

    /// Adds a decision, forgets those that are too old, and says whether the trial is over. Refusals end a canary
    /// alone: a shadow refuses nobody anything.
    pub fn step(&mut self, outcome: Outcome, limits: Limits, canary: bool) -> Option<Return> {
        self.0.push(outcome);
        let most = limits.decisions.clamp(1, DECISIONS_MAX) as usize;
        self.0.drain(..self.0.len().saturating_sub(most));
        let count = |wanted| self.0.iter().filter(|o| **o == wanted).count() as u32;
        let (failed, refused) = (count(Outcome::Failed), count(Outcome::Refused));
        if failed >= limits.failures.max(1) {
            Some(Return::Failures(failed))
        } else if canary && refused > limits.refusals {
            Some(Return::Refusals(refused))
        } else {
            None
        }
    }
}
