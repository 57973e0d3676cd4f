//! `task_cooldown`: when the device last ran a task, and until when it rests. The row of a device is its owner's.

use crate::cells::{Cells, Table, at_opt, cells, not_before};
use crate::{Read, Result, Rows, Write};

const COOLDOWN: Table = Table {
    name: "task_cooldown",
    key: &["user_id"],
};

/// The device's rest.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Cooldown {
    /// The device's owner.
    pub user_id: String,
    /// The task that ran last.
    pub last_task_id: Option<String>,
    /// When it ended, in ms.
    pub last_executed_at: Option<i64>,
    /// The device rests until then, in ms. `None`: it doesn't.
    pub idle_until: Option<i64>,
    /// For a person.
    pub reason: Option<String>,
}

/// The rest of the device of `user_id`. `None`: it never ran a task.
///
/// # Errors
/// [`crate::Error::Malformed`].
pub fn get(tx: &Read, user_id: &str) -> Result<Option<Cooldown>> {
    tx.one(
        COOLDOWN,
        "SELECT * FROM task_cooldown WHERE user_id = ?1",
        [user_id],
        cooldown_of,
    )
}

/// Every row.
pub fn all(tx: &Read) -> Result<Rows<Cooldown>> {
    tx.rows(
        COOLDOWN,
        "SELECT * FROM task_cooldown ORDER BY user_id",
        [],
        cooldown_of,
    )
}

/// Sets the rest of its user's device.
pub fn set(tx: &Write, cooldown: &Cooldown) -> Result<()> {
    tx.upsert(
        COOLDOWN,
        cells! {
            "user_id": cooldown.user_id.clone(),
            "last_task_id": cooldown.last_task_id.clone(),
            "last_executed_at": at_opt(cooldown.last_executed_at),
            "idle_until": not_before(cooldown.idle_until),
            "reason": cooldown.reason.clone(),
        },
    )
}

/// Ends the rest at once. Returns whether there was a row.
pub fn clear(tx: &Write, user_id: &str) -> Result<bool> {
    Ok(tx.run("DELETE FROM task_cooldown WHERE user_id = ?1", [user_id])? > 0)
}

fn cooldown_of(row: &Cells) -> Result<Cooldown> {
    Ok(Cooldown {
        user_id: row.text("user_id")?,
        last_task_id: row.text_opt("last_task_id")?,
        last_executed_at: row.time_opt("last_executed_at")?,
        idle_until: row.time_opt("idle_until")?,
        reason: row.text_opt("reason")?,
    })
}
