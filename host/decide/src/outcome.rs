//! What a decision says.

use serde::{Deserialize, Serialize};
use weft_model::slots::economy::Reservation;
use weft_model::slots::placement::Exclusion;
use weft_model::task::{Importance, Urgency};
use weft_model::{Cid, Instant, Slot};

/// What happens to the task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Verdict {
    /// This device runs it now.
    RunHere,
    /// A peer runs it.
    Delegate {
        /// Its id.
        peer: String,
    },
    /// It waits for a moment.
    Defer {
        /// When to ask again. None: when something changes.
        until: Option<Instant>,
    },
    /// A rule forbids it.
    Block,
    /// It waits for its submitter's quota.
    Queue {
        /// When to ask again.
        until: Instant,
    },
    /// It can't run at all.
    Fail,
}

/// A decision, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What happens.
    pub verdict: Verdict,
    /// Why, in known words where DESIGN 6 has them. Empty only for an unconditional yes.
    pub reason: String,
    /// What a person should know all the same, such as soft violations.
    pub warnings: Vec<String>,
    /// The importance that counts.
    pub importance: Importance,
    /// The urgency that counts.
    pub urgency: Urgency,
    /// The SLA class that counts.
    pub sla: String,
    /// When the next window opens, if that is why it waits.
    pub next_window: Option<Instant>,
    /// All violations, hard and soft.
    pub violations: Vec<Violation>,
    /// The word that made it an emergency.
    pub override_word: Option<String>,
    /// Whether a poll on the name is to be opened, and when it closes.
    pub open_poll: Option<Instant>,
    /// What the quota reserved.
    pub reservation: Option<Reservation>,
    /// The tier that the quota slot gave the submitter.
    pub tier: Option<String>,
    /// Candidates, best first, then those that are out.
    #[serde(with = "crate::packed::ranking")]
    pub ranking: Vec<Ranked>,
    /// One per stage that ran.
    pub steps: Vec<StepRecord>,
}

impl Decision {
    /// The decision before anything was asked: it fails without a reason.
    pub(crate) fn unmade() -> Self {
        Self {
            verdict: Verdict::Fail,
            reason: String::new(),
            warnings: Vec::new(),
            importance: Importance::Normal,
            urgency: Urgency::Normal,
            sla: String::new(),
            next_window: None,
            violations: Vec::new(),
            override_word: None,
            open_poll: None,
            reservation: None,
            tier: None,
            ranking: Vec::new(),
            steps: Vec::new(),
        }
    }
}

/// A candidate in the ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Its row in the snapshot's candidates.
    pub row: u32,
    /// Its score. None: out.
    pub score: Option<f64>,
    /// Why it is out, or does not qualify now.
    pub out: Option<Out>,
}

/// Why a candidate is not picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Out {
    /// The scorer excluded it.
    Scorer(Exclusion),
    /// No row of `peer_permissions` allows it.
    NoPermit,
    /// The node's list of allowed tasks does not have the task.
    NotInAllowedTasks,
    /// It would run longer than the device allows.
    TooLong,
    /// It refused, lost or failed this very task before.
    FailedBefore,
    /// Its energy is not clean enough yet.
    NotCleanEnough,
    /// Its energy is of another source.
    OtherSource,
    /// It is not in its clean hours.
    OffPeak,
    /// The class does not allow delegation.
    MustStayHome,
    /// No workload is bound to the task here.
    NoWorkload,
    /// The device's owner does not agree.
    OwnerRules,
}

impl Out {
    /// For a person.
    pub fn words(self) -> &'static str {
        match self {
            Self::Scorer(Exclusion::Offline) => "is offline",
            Self::Scorer(Exclusion::Unreachable) => "can't be reached",
            Self::Scorer(Exclusion::TooLittleCpu) => "has too few free cores",
            Self::Scorer(Exclusion::TooLittleMemory) => "has too little free memory",
            Self::Scorer(Exclusion::TooLittleDisk) => "has too little free disk",
            Self::Scorer(Exclusion::BatteryLow) => "has a low battery",
            Self::Scorer(Exclusion::TooHot) => "is too hot",
            Self::Scorer(Exclusion::TooDear) => "asks too much",
            Self::Scorer(Exclusion::TooSlow) => "is too slow",
            Self::Scorer(Exclusion::NotTrusted) => "is not trusted",
            Self::Scorer(Exclusion::NotFree) => "is not free",
            Self::Scorer(Exclusion::Other) => "was excluded",
            Self::NoPermit => "has no permit for it",
            Self::NotInAllowedTasks => "does not allow the task",
            Self::TooLong => "does not run tasks that long",
            Self::FailedBefore => "failed at this task before",
            Self::NotCleanEnough => "is not clean enough",
            Self::OtherSource => "has another energy source",
            Self::OffPeak => "is outside its clean hours",
            Self::MustStayHome => "may not: the class forbids delegation",
            Self::NoWorkload => "has no workload for it",
            Self::OwnerRules => "is kept by its owner's rules",
        }
    }
}

/// A violation of an owner's rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// The rule's id.
    pub rule: String,
    /// Its type.
    pub kind: String,
    /// What was seen.
    pub observed: String,
    /// What is allowed.
    pub limit: String,
    /// Hard ones block.
    pub hard: bool,
}

/// What one stage said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The stage's slot; none for permission.
    pub slot: Option<Slot>,
    /// The plugin that answered.
    pub plugin: Option<String>,
    /// Its release.
    pub release: Option<Cid>,
    /// What it said, in a few words.
    pub verdict: String,
}
