//! An owner's settings and rules.

use serde::{Deserialize, Serialize};

/// An owner's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserReport {
    /// Who.
    pub user: String,
    /// Rest between tasks, in minutes.
    pub idle_minutes: i64,
    /// IANA zone; none: the system's.
    pub timezone: Option<String>,
    /// Critical tasks pass the hours.
    pub critical_any_hour: bool,
    /// Critical tasks pass the rest.
    pub critical_any_idle: bool,
}

/// One window of an owner's hours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoursReport {
    /// Its id, unique per user.
    pub id: String,
    /// Whose.
    pub user: String,
    /// 0 is Sunday; none: every day.
    pub day: Option<u8>,
    /// First minute, `HH:MM`.
    pub from: String,
    /// End, `HH:MM`, exclusive.
    pub until: String,
    /// Whether it counts.
    pub active: bool,
    /// For a person.
    pub description: Option<String>,
}

/// One ethical rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleReport {
    /// Its id, unique per user.
    pub id: String,
    /// Whose.
    pub user: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its value.
    pub value: String,
    /// `strict` or `warn`.
    pub level: String,
    /// Whether it counts.
    pub active: bool,
    /// Why the owner set it.
    pub reasoning: Option<String>,
}

/// Whether an owner's rules can ever allow a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RulesCheckReport {
    /// Whose.
    pub user: String,
    /// Whether some task can be allowed at some time.
    pub possible: bool,
    /// What forbids it, or what was found on the way.
    pub findings: Vec<String>,
    /// The first moment that is allowed, from now on.
    pub next_window_at: Option<String>,
}

/// A permission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PermitReport {
    /// Peer id, alias or `*`.
    pub peer: String,
    /// User or `*`.
    pub user: String,
    /// Task name or `*`.
    pub task: String,
}
