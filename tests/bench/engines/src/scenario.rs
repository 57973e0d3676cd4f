//! What is judged: the rules, the tiers, the cases, and the answer's shape.

use serde::{Deserialize, Serialize};

/// Everything that an engine is given.
#[derive(Debug, Deserialize)]
pub struct Scenario {
    /// The owner's rules.
    pub rules: Vec<Rule>,
    /// The tiers, lowest first.
    pub tiers: Vec<Tier>,
    /// Tasks, each with the quota of its submitter.
    pub cases: Vec<Case>,
    /// Rounds over all cases that are timed.
    pub rounds: usize,
}

/// A rule, taken apart.
#[derive(Debug, Deserialize)]
pub struct Rule {
    /// The owner's id for it.
    pub id: String,
    /// What it says.
    pub says: Says,
}

/// What a rule says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Says {
    /// The most watts.
    Watts(i64),
    /// Parts of names and tags that must not occur, lower case.
    Never(Vec<String>),
    /// The only names allowed.
    Only(Vec<String>),
    /// Words that must not occur, and beginnings of words.
    Words(Vec<String>, Vec<String>),
}

/// A tier of the quota.
#[derive(Debug, Deserialize)]
pub struct Tier {
    /// Its name.
    pub name: String,
    /// Tasks per day.
    pub tasks_per_day: i64,
    /// Longest task, in minutes.
    pub max_minutes: i64,
    /// Most memory, in MB.
    pub max_memory_mb: i64,
}

/// A task and what its submitter has used.
#[derive(Debug, Deserialize, Serialize)]
pub struct Case {
    /// The task's name.
    pub name: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether `watts` is known.
    pub watts_known: bool,
    /// Power, in watts.
    pub watts: i64,
    /// How long it runs, in milliseconds.
    pub duration_ms: i64,
    /// Memory, in MB.
    pub memory_mb: i64,
    /// The submitter's tier.
    pub tier: String,
    /// Tasks admitted today.
    pub used: i64,
}

/// The judgment of one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Ids of the rules that it breaks, sorted.
    pub violations: Vec<String>,
    /// `admit`, `wait` or `deny`.
    pub verdict: String,
}
