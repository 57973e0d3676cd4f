//! `user_preferences`: rest between tasks, zone, and what critical tasks may pass.

use rusqlite::types::Value;

use crate::cells::{Cells, Table, at};
use crate::limits::{IDLE_MINUTES_DEFAULT, IDLE_MINUTES_MAX};
use crate::{Malformed, Read, Result, Rows, Write};

const PREFERENCES: Table = Table {
    name: "user_preferences",
    key: &["user_id"],
};

/// One user's preferences. The default is that of a user without a row.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Preferences {
    /// Rest between two tasks in minutes; 0: none.
    pub min_idle_minutes: u32,
    /// IANA zone of the hours, not judged here. `None`: the system's.
    pub timezone: Option<String>,
    /// Critical tasks pass the hours.
    pub critical_any_hour: bool,
    /// Critical tasks pass the rest between tasks.
    pub critical_any_idle: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            min_idle_minutes: IDLE_MINUTES_DEFAULT as u32,
            timezone: None,
            critical_any_hour: true,
            critical_any_idle: false,
        }
    }
}

impl Preferences {
    /// What to report when this user's zone does not exist.
    pub fn unknown_zone(&self, user_id: &str) -> Malformed {
        Malformed {
            table: PREFERENCES.name.to_owned(),
            row: user_id.to_owned(),
            column: "timezone".to_owned(),
            value: self.timezone.clone().unwrap_or_else(|| "NULL".to_owned()),
            allowed: "an IANA zone such as Europe/Berlin, or NULL for the system's".to_owned(),
        }
    }
}

/// What to change; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Rest between two tasks in minutes, at most [`IDLE_MINUTES_MAX`].
    pub min_idle_minutes: Option<u32>,
    /// Zone; `Some(None)` goes back to the system's.
    pub timezone: Option<Option<String>>,
    /// Critical tasks pass the hours.
    pub critical_any_hour: Option<bool>,
    /// Critical tasks pass the rest between tasks.
    pub critical_any_idle: Option<bool>,
}

/// The preferences of a user, the defaults where there is no row.
///
/// # Errors
/// [`crate::Error::Malformed`].
pub fn get(tx: &Read, user_id: &str) -> Result<Preferences> {
    let sql = "SELECT * FROM user_preferences WHERE user_id = ?1";
    Ok(tx
        .one(PREFERENCES, sql, [user_id], preferences_of)?
        .unwrap_or_default())
}

/// Everyone's preferences, as far as there are rows.
pub fn all(tx: &Read) -> Result<Rows<(String, Preferences)>> {
    let sql = "SELECT * FROM user_preferences ORDER BY user_id";
    tx.rows(PREFERENCES, sql, [], |row| {
        Ok((row.text("user_id")?, preferences_of(row)?))
    })
}

/// Sets what `change` names; columns that it leaves out keep their value, or their default in a new row.
pub fn set(tx: &Write, user_id: &str, change: &Change, now: i64) -> Result<()> {
    let mut cells: Vec<(&str, Value)> = vec![
        ("user_id", user_id.to_owned().into()),
        ("updated_at", at(now)),
    ];
    if let Some(minutes) = change.min_idle_minutes {
        cells.push(("min_idle_between_tasks_minutes", minutes.into()));
    }
    if let Some(timezone) = &change.timezone {
        cells.push(("timezone", timezone.clone().into()));
    }
    if let Some(flag) = change.critical_any_hour {
        cells.push(("critical_any_hour", flag.into()));
    }
    if let Some(flag) = change.critical_any_idle {
        cells.push(("critical_any_idle", flag.into()));
    }
    tx.upsert(PREFERENCES, &cells)
}

fn preferences_of(row: &Cells) -> Result<Preferences> {
    let minutes = row.int("min_idle_between_tasks_minutes", 0..=IDLE_MINUTES_MAX)?;
    Ok(Preferences {
        // The range makes the conversion exact.
        min_idle_minutes: minutes as u32,
        timezone: row
            .text_opt("timezone")?
            .filter(|zone| !zone.trim().is_empty()),
        critical_any_hour: row.flag("critical_any_hour")?,
        critical_any_idle: row.flag("critical_any_idle")?,
    })
}
