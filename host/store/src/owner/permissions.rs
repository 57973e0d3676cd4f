//! `peer_permissions`: whose tasks may run where. No row means no.
//!
//! `*` stands for any peer, anyone, or any task. A row fits when it names the peer, the user and the task, or has `*`
//! there; one that permits no task ([`NONE`]) fits every task, and one for another task is not looked at. Where
//! several rows fit, the most exact about peer and user decides: one that names both before one that names the peer,
//! before one that names the user, before `*` for both. Of those that are equally exact (a peer's id and its alias,
//! the task's name and `*`) a no wins, then the one that names the task.
//!
//! By hand, people write `1` for any task and `0` for none; no task can be named so.

use rusqlite::params;

use crate::cells::{Cells, Table, at, cells};
use crate::{Error, Read, Result, Rows, Write};

const PERMISSIONS: Table = Table {
    name: "peer_permissions",
    key: &["peer_id", "user_id", "can_execute_task"],
};

/// Any peer, anyone, or any task.
pub const ANY: &str = "*";

/// In [`Permit::task`]: no task, a no.
pub const NONE: &str = "0";

/// How people who think of a flag write [`ANY`] task.
const ANY_BY_HAND: &str = "1";

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Permit {
    /// A peer's id or alias, or [`ANY`].
    pub peer_id: String,
    /// Whose tasks, or [`ANY`].
    pub user_id: String,
    /// The name of the task that may run there, [`ANY`], or [`NONE`]; not empty.
    pub task: String,
}

impl Permit {
    /// Whether it permits something; false: it is a no.
    pub fn allows(&self) -> bool {
        self.task != NONE
    }

    /// How much it weighs among rows that are equally exact about peer and user.
    fn weight(&self) -> u8 {
        match self.task.as_str() {
            NONE => 2,
            ANY => 0,
            _ => 1,
        }
    }
}

/// What the rows say about one peer, one user and one task.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Permission {
    /// Whether the task may run there.
    pub allowed: bool,
    /// The row that decided. `None`: there is none, which means no.
    pub by: Option<Permit>,
}

/// Whether `user_id`'s task of this name may run on the peer with this id and alias.
///
/// # Errors
/// [`Error::Malformed`] when any row about this peer and user, or `*`, can't be read: treat it as no.
pub fn check(
    tx: &Read,
    peer_id: &str,
    alias: Option<&str>,
    user_id: &str,
    task: &str,
) -> Result<Permission> {
    let mut by: Option<Permit> = None;
    // Six lookups by key are ten times faster than one query with IN and ORDER BY.
    for (any_peer, user) in [(false, user_id), (false, ANY), (true, user_id), (true, ANY)] {
        let peers = if any_peer {
            [Some(ANY), None]
        } else {
            [Some(peer_id), alias]
        };
        let mut exact: Option<Permit> = None;
        for peer in peers.into_iter().flatten() {
            for found in fitting(tx, peer, user, task)? {
                if (exact.as_ref()).is_none_or(|exact| found.weight() > exact.weight()) {
                    exact = Some(found);
                }
            }
        }
        by = by.or(exact);
    }
    let allowed = by.as_ref().is_some_and(Permit::allows);
    Ok(Permission { allowed, by })
}

/// The rows of this very peer and user that are about the task, and those that can't be read.
fn fitting(tx: &Read, peer_id: &str, user_id: &str, task: &str) -> Result<Vec<Permit>> {
    let sql = "SELECT * FROM peer_permissions WHERE peer_id = ?1 AND user_id = ?2
        AND (can_execute_task IN (?3, '*', '0', '1')
            OR typeof(can_execute_task) <> 'text' OR trim(can_execute_task) = '')";
    tx.list(PERMISSIONS, sql, [peer_id, user_id, task], permit_of)
}

/// All rows, by peer, user and task.
pub fn list(tx: &Read) -> Result<Rows<Permit>> {
    tx.rows(
        PERMISSIONS,
        "SELECT * FROM peer_permissions ORDER BY peer_id, user_id, can_execute_task",
        [],
        permit_of,
    )
}

/// Sets one row. Others of the same peer and user stay: a no among them still wins until it is removed.
pub fn set(tx: &Write, permit: &Permit, now: i64) -> Result<()> {
    tx.upsert(
        PERMISSIONS,
        cells! {
            "peer_id": permit.peer_id.clone(),
            "user_id": permit.user_id.clone(),
            "can_execute_task": word(&permit.task).to_owned(),
            "created_at": at(now),
        },
    )
}

/// Removes the row about this task, [`ANY`] or [`NONE`], however that is written.
///
/// # Errors
/// [`Error::Missing`].
pub fn remove(tx: &Write, peer_id: &str, user_id: &str, task: &str) -> Result<()> {
    let task = word(task);
    let by_hand = if task == ANY { ANY_BY_HAND } else { task };
    let sql = "DELETE FROM peer_permissions
        WHERE peer_id = ?1 AND user_id = ?2 AND can_execute_task IN (?3, ?4)";
    match tx.run(sql, params![peer_id, user_id, task, by_hand])? {
        0 => Err(Error::Missing {
            what: "permission",
            key: format!("{peer_id}/{user_id}/{task}"),
        }),
        _ => Ok(()),
    }
}

/// One word for what can be written in two ways.
fn word(task: &str) -> &str {
    if task == ANY_BY_HAND { ANY } else { task }
}

fn permit_of(row: &Cells) -> Result<Permit> {
    // The column's affinity makes text of numbers, so that 1 is '1'.
    let task = row.text_opt("can_execute_task")?.unwrap_or_default();
    if task.trim().is_empty() {
        return Err(row.malformed(
            "can_execute_task",
            "the name of a task, * or 1 for any task, or 0 for none",
        ));
    }
    Ok(Permit {
        peer_id: row.text("peer_id")?,
        user_id: row.text("user_id")?,
        task: word(&task).to_owned(),
    })
}
