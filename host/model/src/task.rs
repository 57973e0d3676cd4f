//! Tasks: what a submitter asks for, and the words that a decision uses.

use crate::Instant;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Makes an enum of words that people type: serde, `Display`, `FromStr` and `ALL` from one list.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident : $what:literal { $( $(#[$vmeta:meta])* $variant:ident = $word:literal ),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $( $(#[$vmeta])* #[serde(rename = $word)] $variant, )*
        }
        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),*];
            /// The word for it.
            pub fn word(self) -> &'static str {
                match self { $( Self::$variant => $word, )* }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }
        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|w| w.word() == text).ok_or_else(|| UnknownWord {
                    found: text.chars().take(40).collect(),
                    what: $what,
                    known: Self::ALL.iter().map(|w| w.word()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    };
}

/// A word that is none of the known ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no {what}; known are {known}")]
pub struct UnknownWord {
    found: String,
    what: &'static str,
    known: String,
}

words! {
    /// How much a task matters to the community. The order is that of a poll's options.
    Importance: "importance" {
        /// Only by an override or a consensus.
        Critical = "critical",
        /// Soon.
        High = "high",
        /// The usual.
        Normal = "normal",
        /// When it suits.
        Low = "low",
        /// Whenever.
        NonCritical = "non-critical",
    }
}

words! {
    /// How a submitter sees its hurry; it proposes an importance.
    Urgency: "urgency" {
        /// No hurry.
        Low = "low",
        /// The usual.
        Normal = "normal",
        /// Soon.
        High = "high",
        /// Now; passes the submitter's own hours.
        Critical = "critical",
    }
}

words! {
    /// Where a task stands.
    Status: "status" {
        /// It runs here.
        Running = "running",
        /// It ran, and its output is there.
        Done = "done",
        /// A peer was picked to run it.
        Delegated = "delegated",
        /// It waits for a moment: hours, rest, clean energy.
        Deferred = "deferred",
        /// A rule forbids it.
        Blocked = "blocked",
        /// It waits for its submitter's quota.
        Queued = "queued",
        /// It can't run, or ran and failed.
        Failed = "failed",
        /// Its submitter took it back.
        Cancelled = "cancelled",
    }
}

impl Status {
    /// Whether nothing more will happen to the task by itself.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Blocked | Self::Failed | Self::Cancelled | Self::Delegated
        )
    }
}

/// What a submitter asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSpec {
    /// Its name, 1 to 256 bytes; names an importance poll, permissions and a workload.
    pub name: String,
    /// Who submits, such as `alice@example.com`.
    pub user: String,
    /// Free words.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Importance proposed.
    #[serde(default)]
    pub importance: Option<Importance>,
    /// Urgency proposed.
    #[serde(default)]
    pub urgency: Option<Urgency>,
    /// SLA class asked for; may be more patient than the importance gives, never less.
    #[serde(default)]
    pub sla: Option<String>,
    /// Latest finish.
    #[serde(default)]
    pub deadline: Option<Instant>,
    /// Power it draws, in watts.
    #[serde(default)]
    pub watts: Option<f64>,
    /// How long it runs, in milliseconds.
    #[serde(default = "default_duration_ms")]
    pub duration_ms: u64,
    /// Memory that it needs, in MB.
    #[serde(default)]
    pub memory_mb: u64,
    /// Cores that it needs.
    #[serde(default)]
    pub cores: f64,
    /// Credits offered.
    #[serde(default)]
    pub fee: u64,
    /// Workload to run, by name or release CID. None: the one bound to the task's name.
    #[serde(default)]
    pub workload: Option<String>,
    /// File to read on this machine. None: empty input.
    #[serde(default)]
    pub input: Option<String>,
    /// Params for the workload, a JSON object as text.
    #[serde(default)]
    pub params: Option<String>,
    /// Whether input, params and output are encrypted wherever it runs but here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// Assumed when a submitter does not say, in milliseconds.
pub const DEFAULT_DURATION_MS: u64 = 60_000;

fn default_duration_ms() -> u64 {
    DEFAULT_DURATION_MS
}

/// A field of a task that breaks a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct BadSpec {
    /// The field.
    pub field: &'static str,
    /// What is wrong and what is allowed.
    pub why: String,
}

impl TaskSpec {
    /// A task with nothing but a name and who submits it.
    pub fn new(name: &str, user: &str) -> Self {
        Self {
            name: name.to_owned(),
            user: user.to_owned(),
            tags: Vec::new(),
            importance: None,
            urgency: None,
            sla: None,
            deadline: None,
            watts: None,
            duration_ms: DEFAULT_DURATION_MS,
            memory_mb: 0,
            cores: 0.0,
            fee: 0,
            workload: None,
            input: None,
            params: None,
            private: false,
        }
    }

    /// Checks every field against its limit.
    ///
    /// # Errors
    /// The first field that breaks one.
    pub fn validate(&self) -> Result<(), BadSpec> {
        use crate::limits::{NAME_BYTES, TAGS};
        let bad = |field, why: String| Err(BadSpec { field, why });
        for (field, text) in [("name", &self.name), ("user", &self.user)] {
            if text.trim().is_empty() || text.len() > NAME_BYTES {
                return bad(
                    field,
                    format!("has {} bytes, allowed are 1 to {NAME_BYTES}", text.len()),
                );
            }
            if text.chars().any(char::is_control) {
                return bad(field, "holds a control character".into());
            }
        }
        if self.tags.len() > TAGS || self.tags.iter().any(|t| t.len() > NAME_BYTES) {
            return bad(
                "tags",
                format!("allowed are {TAGS} tags of at most {NAME_BYTES} bytes"),
            );
        }
        if self
            .watts
            .is_some_and(|w| !w.is_finite() || !(0.0..=1e6).contains(&w))
        {
            return bad("watts", "must be a number from 0 to 1000000".into());
        }
        if !self.cores.is_finite() || !(0.0..=4096.0).contains(&self.cores) {
            return bad("cores", "must be a number from 0 to 4096".into());
        }
        if self.duration_ms == 0 || self.duration_ms > MAX_DURATION_MS {
            return bad(
                "duration-ms",
                format!("must be from 1 to {MAX_DURATION_MS}"),
            );
        }
        if self.memory_mb > MAX_MEMORY_MB {
            return bad("memory-mb", format!("must be at most {MAX_MEMORY_MB}"));
        }
        Ok(())
    }
}

/// Longest task: 30 days, in milliseconds.
pub const MAX_DURATION_MS: u64 = 30 * 24 * 3_600_000;
/// Largest need for memory, in MB: 16 TB.
pub const MAX_MEMORY_MB: u64 = 16_000_000;
