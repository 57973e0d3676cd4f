//! `delegation_hours`: when delegation is allowed, in the owner's zone.
//!
//! Zones and daylight saving are resolved by the caller; here a window is minutes of a local day. An end before its
//! start lies on the next day, and the window belongs to the day on which it starts. An end equal to its start
//! makes an empty window: the whole day is 0 to 24.

use rusqlite::params;

use crate::cells::{Cells, Table, at_opt, cells};
use crate::{Error, Read, Result, Rows, Write};

const HOURS: Table = Table {
    name: "delegation_hours",
    key: &["user_id", "id"],
};

/// Minutes of a day.
pub const DAY_MINUTES: u16 = 24 * 60;

/// One window.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Hours {
    /// The owner's name for it, unique per user.
    pub id: String,
    /// Whose hours.
    pub user_id: String,
    /// 0 = Sunday to 6 = Saturday. `None`: every day.
    pub day: Option<u8>,
    /// First minute of the local day, 0 to 1439.
    pub start: u16,
    /// The minute after the last, 0 to 1440; before `start`: on the next day.
    pub end: u16,
    /// In force.
    pub active: bool,
    /// For a person.
    pub description: Option<String>,
    /// When it was written, in ms. `None`: not said, or not readable; nothing depends on it.
    pub created_at: Option<i64>,
}

/// The windows of a user that are in force, by id; those switched off are not looked at.
pub fn in_force(tx: &Read, user_id: &str) -> Result<Rows<Hours>> {
    let sql =
        "SELECT * FROM delegation_hours WHERE user_id = ?1 AND is_active IS NOT 0 ORDER BY id";
    tx.rows(HOURS, sql, [user_id], hours_of)
}

/// All windows of a user, by id.
pub fn list(tx: &Read, user_id: &str) -> Result<Rows<Hours>> {
    let sql = "SELECT * FROM delegation_hours WHERE user_id = ?1 ORDER BY id";
    tx.rows(HOURS, sql, [user_id], hours_of)
}

/// Everyone's windows that are in force.
pub fn all(tx: &Read) -> Result<Rows<Hours>> {
    tx.rows(
        HOURS,
        "SELECT * FROM delegation_hours WHERE is_active IS NOT 0 ORDER BY user_id, id",
        [],
        hours_of,
    )
}

/// Adds a window.
///
/// # Errors
/// [`Error::Exists`] when the user has one with this id.
pub fn add(tx: &Write, hours: &Hours) -> Result<()> {
    tx.insert(
        HOURS.name,
        cells! {
            "id": hours.id.clone(),
            "user_id": hours.user_id.clone(),
            "day_of_week": hours.day,
            "start_hour": hours.start / 60,
            "start_minute": hours.start % 60,
            "end_hour": hours.end / 60,
            "end_minute": hours.end % 60,
            "is_active": hours.active,
            "description": hours.description.clone(),
            "created_at": at_opt(hours.created_at),
        },
    )?;
    Ok(())
}

/// Removes a window.
///
/// # Errors
/// [`Error::Missing`].
pub fn remove(tx: &Write, user_id: &str, id: &str) -> Result<()> {
    match tx.run(
        "DELETE FROM delegation_hours WHERE user_id = ?1 AND id = ?2",
        params![user_id, id],
    )? {
        0 => Err(Error::Missing {
            what: "window of hours",
            key: id.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn hours_of(row: &Cells) -> Result<Hours> {
    let start_minute = row.int("start_minute", 0..=59)?;
    Ok(Hours {
        id: row.text("id")?,
        user_id: row.text("user_id")?,
        day: row.int_opt("day_of_week", 0..=6)?.map(|day| day as u8),
        start: (row.int("start_hour", 0..=23)? * 60 + start_minute) as u16,
        end: end_of(row)?,
        active: row.flag("is_active")?,
        description: row.text_opt("description")?,
        created_at: row.time_opt("created_at").unwrap_or(None),
    })
}

/// 24:00 for hour 24, for 23 without a minute and for 23:59.
fn end_of(row: &Cells) -> Result<u16> {
    let hour = row.int("end_hour", 0..=24)?;
    let minute = row.int_opt("end_minute", 0..=59)?;
    match (hour, minute) {
        (24, Some(1..)) => Err(row.malformed("end_minute", "0 after `end_hour` 24")),
        (24, _) | (23, None | Some(59)) => Ok(DAY_MINUTES),
        // The ranges make the conversion exact.
        (hour, minute) => Ok((hour * 60 + minute.unwrap_or(0)) as u16),
    }
}
