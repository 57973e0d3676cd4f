//! `ethical_rules`: what a device's owner will never run. The ethics policies know the kinds; here a rule only has
//! to be one.

use rusqlite::params;

use crate::cells::{Cells, Table, at, at_opt, cells};
use crate::{Error, Malformed, Read, Result, Rows, Write};

const RULES: Table = Table {
    name: "ethical_rules",
    key: &["user_id", "id"],
};

/// The words of `enforcement_level`.
const LEVELS: &[(&str, Level)] = &[("strict", Level::Strict), ("warn", Level::Warn)];

/// How a rule is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A violation is reported, the task runs.
    Warn,
    /// A violation blocks.
    Strict,
}

impl Level {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Strict => "strict",
        }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rule {
    /// The owner's name for it, unique per user.
    pub id: String,
    /// Whose rule.
    pub user_id: String,
    /// `max_power_watts`, `task_type_blacklist` …; never empty.
    pub kind: String,
    /// What the kind needs; may be empty.
    pub value: String,
    /// Block or warn.
    pub level: Level,
    /// In force.
    pub active: bool,
    /// Why, for a person.
    pub reasoning: Option<String>,
    /// When it was written, in ms. `None`: not said, or not readable; nothing depends on it.
    pub created_at: Option<i64>,
    /// When it was last changed, likewise.
    pub updated_at: Option<i64>,
}

impl Rule {
    /// What to report when no ethics policy knows this rule's kind; `allowed` are the kinds that one knows.
    pub fn unknown_kind(&self, allowed: impl Into<String>) -> Malformed {
        Malformed {
            table: RULES.name.to_owned(),
            row: format!("{}/{}", self.user_id, self.id),
            column: "rule_type".to_owned(),
            value: self.kind.clone(),
            allowed: allowed.into(),
        }
    }
}

/// The rules of a user that are in force, by id; those switched off are not looked at.
pub fn in_force(tx: &Read, user_id: &str) -> Result<Rows<Rule>> {
    let sql = "SELECT * FROM ethical_rules WHERE user_id = ?1 AND is_active IS NOT 0 ORDER BY id";
    tx.rows(RULES, sql, [user_id], rule_of)
}

/// All rules of a user, by id.
pub fn list(tx: &Read, user_id: &str) -> Result<Rows<Rule>> {
    tx.rows(
        RULES,
        "SELECT * FROM ethical_rules WHERE user_id = ?1 ORDER BY id",
        [user_id],
        rule_of,
    )
}

/// Everyone's rules that are in force.
pub fn all(tx: &Read) -> Result<Rows<Rule>> {
    tx.rows(
        RULES,
        "SELECT * FROM ethical_rules WHERE is_active IS NOT 0 ORDER BY user_id, id",
        [],
        rule_of,
    )
}

/// Adds a rule.
///
/// # Errors
/// [`Error::Exists`] when the user has one with this id.
pub fn add(tx: &Write, rule: &Rule) -> Result<()> {
    tx.insert(
        RULES.name,
        cells! {
            "id": rule.id.clone(),
            "user_id": rule.user_id.clone(),
            "rule_type": rule.kind.clone(),
            "rule_value": rule.value.clone(),
            "enforcement_level": rule.level.as_str().to_owned(),
            "is_active": rule.active,
            "reasoning": rule.reasoning.clone(),
            "created_at": at_opt(rule.created_at),
            "updated_at": at_opt(rule.updated_at),
        },
    )?;
    Ok(())
}

/// Switches a rule on or off.
///
/// # Errors
/// [`Error::Missing`].
pub fn set_active(tx: &Write, user_id: &str, id: &str, active: bool, now: i64) -> Result<()> {
    let sql =
        "UPDATE ethical_rules SET is_active = ?3, updated_at = ?4 WHERE user_id = ?1 AND id = ?2";
    found(tx.run(sql, params![user_id, id, active, at(now)])?, id)
}

/// Removes a rule.
///
/// # Errors
/// [`Error::Missing`].
pub fn remove(tx: &Write, user_id: &str, id: &str) -> Result<()> {
    found(
        tx.run(
            "DELETE FROM ethical_rules WHERE user_id = ?1 AND id = ?2",
            params![user_id, id],
        )?,
        id,
    )
}

fn found(changed: usize, id: &str) -> Result<()> {
    match changed {
        0 => Err(Error::Missing {
            what: "rule",
            key: id.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn rule_of(row: &Cells) -> Result<Rule> {
    let kind = row.text("rule_type")?;
    if kind.trim().is_empty() {
        return Err(row.malformed("rule_type", "the name of a rule type"));
    }
    Ok(Rule {
        id: row.text("id")?,
        user_id: row.text("user_id")?,
        kind,
        value: row.text_opt("rule_value")?.unwrap_or_default(),
        level: row.word("enforcement_level", LEVELS)?,
        active: row.flag("is_active")?,
        reasoning: row.text_opt("reasoning")?,
        created_at: row.time_opt("created_at").unwrap_or(None),
        updated_at: row.time_opt("updated_at").unwrap_or(None),
    })
}
