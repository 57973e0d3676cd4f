//! Which release runs a task name, and how that came to be. A name without one is bound to nothing: such a task fails.

use rusqlite::params;

use crate::cells::{Cells, Table, at, cells};
use crate::limits::LIST_ROWS_MAX;
use crate::slots::Change;
use crate::{Error, Read, Result, Rows, Write};

const WORKLOADS: Table = Table {
    name: "workloads",
    key: &["name"],
};
const HISTORY: Table = Table {
    name: "workload_history",
    key: &["id"],
};

/// A task name and the release that runs it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Workload {
    /// The task name.
    pub name: String,
    /// The release.
    pub release_cid: String,
    /// Who chose it: `genesis` or `owner`.
    pub origin: String,
    /// Since when, in ms.
    pub activated_at: i64,
}

/// One entry of a name's history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct WorkloadChange {
    /// Running number.
    pub id: i64,
    /// The task name.
    pub name: String,
    /// The release from then on. `None`: unbound.
    pub release_cid: Option<String>,
    /// When, in ms.
    pub at: i64,
    /// `use`, `remove`, `rollback`, `genesis` …
    pub action: String,
    /// Who did it.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The change that a rollback went back to.
    pub restores: Option<i64>,
}

/// What runs a task name.
///
/// # Errors
/// [`Error::Malformed`].
pub fn get(tx: &Read, name: &str) -> Result<Option<Workload>> {
    tx.one(
        WORKLOADS,
        "SELECT * FROM workloads WHERE name = ?1",
        [name],
        workload_of,
    )
}

/// All bound names.
pub fn list(tx: &Read) -> Result<Rows<Workload>> {
    tx.rows(
        WORKLOADS,
        "SELECT * FROM workloads ORDER BY name",
        [],
        workload_of,
    )
}

/// Binds a name (`Some`) or unbinds it (`None`), and notes it in the history. Returns the change's number.
pub fn set(
    tx: &Write,
    name: &str,
    release_cid: Option<&str>,
    origin: &str,
    change: &Change,
) -> Result<i64> {
    write(tx, name, release_cid, origin, change, None)
}

/// Goes back to what the name had before its last change. Returns what it has now; `None`: unbound.
///
/// # Errors
/// [`Error::Missing`] when there is nothing before.
pub fn rollback(tx: &Write, name: &str, change: &Change) -> Result<Option<String>> {
    let missing = || Error::Missing {
        what: "earlier version of workload",
        key: name.to_owned(),
    };
    let last = history(tx, name, 1)?
        .into_iter()
        .next()
        .ok_or_else(missing)?;
    let now = get(tx, name)?.map(|workload| workload.release_cid);
    // A name bound by hand goes back to what the history last says.
    let target = match now == last.release_cid {
        false => Some(last),
        true => before(tx, name, last.restores.unwrap_or(last.id))?,
    };
    let target = target.ok_or_else(missing)?;
    let origin = target.restores.unwrap_or(target.id);
    write(
        tx,
        name,
        target.release_cid.as_deref(),
        "owner",
        change,
        Some(origin),
    )?;
    Ok(target.release_cid)
}

/// The last `limit` changes of a name, newest first.
pub fn history(tx: &Read, name: &str, limit: u32) -> Result<Vec<WorkloadChange>> {
    let sql = "SELECT * FROM workload_history WHERE name = ?1 ORDER BY id DESC LIMIT ?2";
    tx.list(
        HISTORY,
        sql,
        params![name, limit.min(LIST_ROWS_MAX)],
        change_of,
    )
}

fn before(tx: &Read, name: &str, id: i64) -> Result<Option<WorkloadChange>> {
    let sql = "SELECT * FROM workload_history WHERE name = ?1 AND id < ?2
        ORDER BY id DESC LIMIT 1";
    tx.one(HISTORY, sql, params![name, id], change_of)
}

fn write(
    tx: &Write,
    name: &str,
    release_cid: Option<&str>,
    origin: &str,
    change: &Change,
    restores: Option<i64>,
) -> Result<i64> {
    match release_cid {
        Some(release_cid) => tx.upsert(
            WORKLOADS,
            cells! {
                "name": name.to_owned(),
                "release_cid": release_cid.to_owned(),
                "origin": origin.to_owned(),
                "activated_at": at(change.at),
            },
        )?,
        None => {
            tx.run("DELETE FROM workloads WHERE name = ?1", [name])?;
        }
    }
    tx.insert(
        HISTORY.name,
        cells! {
            "name": name.to_owned(),
            "release_cid": release_cid.map(str::to_owned),
            "at": at(change.at),
            "action": change.action.clone(),
            "actor": change.actor.clone(),
            "reason": change.reason.clone(),
            "restores": restores,
        },
    )
}

fn workload_of(row: &Cells) -> Result<Workload> {
    Ok(Workload {
        name: row.text("name")?,
        release_cid: row.text("release_cid")?,
        origin: row.text("origin")?,
        activated_at: row.time("activated_at")?,
    })
}

fn change_of(row: &Cells) -> Result<WorkloadChange> {
    Ok(WorkloadChange {
        id: row.int("id", 0..=i64::MAX)?,
        name: row.text("name")?,
        release_cid: row.text_opt("release_cid")?,
        at: row.time("at")?,
        action: row.text("action")?,
        actor: row.text_opt("actor")?,
        reason: row.text_opt("reason")?,
        restores: row.int_opt("restores", 0..=i64::MAX)?,
    })
}
