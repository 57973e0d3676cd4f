//! `peer_permissions`: whose tasks may run where. No row means no.
//!
//! `*` stands for any peer or anyone. Where several rows fit, the most exact decides: one that names peer and user
//! before one that names the peer, before one that names the user, before `*` for both. Of two that are equally
//! exact (a peer's id and its alias) a no wins.

use rusqlite::params;

use crate::cells::{Cells, Table, at, cells};
use crate::{Error, Read, Result, Rows, Write};

const PERMISSIONS: Table = Table {
    name: "peer_permissions",
    key: &["peer_id", "user_id"],
};

/// Any peer, or anyone.
pub const ANY: &str = "*";

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Permit {
    /// A peer's id or alias, or [`ANY`].
    pub peer_id: String,
    /// Whose tasks, or [`ANY`].
    pub user_id: String,
    /// Whether they may run there.
    pub allowed: bool,
}

/// What the rows say about one peer and one user.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Permission {
    /// Whether the task may run there.
    pub allowed: bool,
    /// The row that decided. `None`: there is none, which means no.
    pub by: Option<Permit>,
}

/// Whether tasks of `user_id` may run on the peer with this id and alias.
///
/// # Errors
/// [`Error::Malformed`] when any row that fits can't be read: treat it as no.
pub fn check(tx: &Read, peer_id: &str, alias: Option<&str>, user_id: &str) -> Result<Permission> {
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
            let found = one(tx, peer, user)?;
            if found
                .as_ref()
                .is_some_and(|found| exact.is_none() || !found.allowed)
            {
                exact = found;
            }
        }
        by = by.or(exact);
    }
    let allowed = by.as_ref().is_some_and(|permit| permit.allowed);
    Ok(Permission { allowed, by })
}

fn one(tx: &Read, peer_id: &str, user_id: &str) -> Result<Option<Permit>> {
    let sql = "SELECT * FROM peer_permissions WHERE peer_id = ?1 AND user_id = ?2";
    tx.one(PERMISSIONS, sql, [peer_id, user_id], permit_of)
}

/// All rows.
pub fn list(tx: &Read) -> Result<Rows<Permit>> {
    tx.rows(
        PERMISSIONS,
        "SELECT * FROM peer_permissions ORDER BY peer_id, user_id",
        [],
        permit_of,
    )
}

/// Sets one row.
pub fn set(tx: &Write, permit: &Permit, now: i64) -> Result<()> {
    tx.upsert(
        PERMISSIONS,
        cells! {
            "peer_id": permit.peer_id.clone(),
            "user_id": permit.user_id.clone(),
            "can_execute_task": permit.allowed,
            "created_at": at(now),
        },
    )
}

/// Removes one row.
///
/// # Errors
/// [`Error::Missing`].
pub fn remove(tx: &Write, peer_id: &str, user_id: &str) -> Result<()> {
    let sql = "DELETE FROM peer_permissions WHERE peer_id = ?1 AND user_id = ?2";
    match tx.run(sql, params![peer_id, user_id])? {
        0 => Err(Error::Missing {
            what: "permission",
            key: format!("{peer_id}/{user_id}"),
        }),
        _ => Ok(()),
    }
}

fn permit_of(row: &Cells) -> Result<Permit> {
    Ok(Permit {
        peer_id: row.text("peer_id")?,
        user_id: row.text("user_id")?,
        allowed: row.flag("can_execute_task")?,
    })
}
