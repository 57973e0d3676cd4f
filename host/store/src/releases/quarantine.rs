//! `faults`: what releases did wrong, for the breaker; `quarantine`: which must not run until a person lifts it.

use rusqlite::params;

use crate::cells::{Cells, Table, at, cells};
use crate::{Error, Read, Result, Write};

const QUARANTINE: Table = Table {
    name: "quarantine",
    key: &["release_cid"],
};

/// A release that must not run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Quarantine {
    /// The release.
    pub release_cid: String,
    /// What it did.
    pub reason: String,
    /// Since when, in ms.
    pub at: i64,
    /// When a person lifted it, in ms. `None`: it stands.
    pub lifted_at: Option<i64>,
    /// Who did.
    pub lifted_by: Option<String>,
}

/// One fault of a release.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The release.
    pub release_cid: String,
    /// In which slot. `None`: as a workload.
    pub slot: Option<String>,
    /// When, in ms, exactly.
    pub at: i64,
    /// `trap`, `deadline`, `memory`, `output` …
    pub kind: String,
    /// What it said.
    pub message: Option<String>,
}

/// Notes a fault.
pub fn add_fault(tx: &Write, fault: &Fault) -> Result<()> {
    tx.insert(
        "faults",
        cells! {
            "release_cid": fault.release_cid.clone(),
            "slot": fault.slot.clone(),
            "at": at(fault.at),
            "at_ms": fault.at,
            "kind": fault.kind.clone(),
            "message": fault.message.clone(),
        },
    )?;
    Ok(())
}

/// How many faults a release had at or after `since`.
pub fn faults_since(tx: &Read, release_cid: &str, since: i64) -> Result<u64> {
    let sql = "SELECT count(*) FROM faults WHERE release_cid = ?1 AND at_ms >= ?2";
    Ok(tx.number(sql, params![release_cid, since])?.unsigned_abs())
}

/// Forgets what a release did wrong, as when it may serve again. Returns how many faults there were.
pub fn forget_faults(tx: &Write, release_cid: &str) -> Result<usize> {
    tx.run("DELETE FROM faults WHERE release_cid = ?1", [release_cid])
}

/// Forgets faults before `before`. Returns how many there were.
pub fn prune_faults(tx: &Write, before: i64) -> Result<usize> {
    tx.run("DELETE FROM faults WHERE at_ms < ?1", [before])
}

/// Puts a release in quarantine, also one whose quarantine was lifted.
pub fn quarantine(tx: &Write, release_cid: &str, reason: &str, now: i64) -> Result<()> {
    tx.upsert(
        QUARANTINE,
        cells! {
            "release_cid": release_cid.to_owned(),
            "reason": reason.to_owned(),
            "at": at(now),
            "lifted_at": None::<String>,
            "lifted_by": None::<String>,
        },
    )
}

/// Lifts a quarantine.
///
/// # Errors
/// [`Error::Missing`] when the release is not in quarantine.
pub fn lift(tx: &Write, release_cid: &str, by: &str, now: i64) -> Result<()> {
    let sql = "UPDATE quarantine SET lifted_at = ?2, lifted_by = ?3 WHERE release_cid = ?1 AND lifted_at IS NULL";
    match tx.run(sql, params![release_cid, at(now), by])? {
        0 => Err(Error::Missing {
            what: "quarantine of release",
            key: release_cid.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The quarantine that stands for a release. `None`: it may run.
pub fn quarantined(tx: &Read, release_cid: &str) -> Result<Option<Quarantine>> {
    let sql = "SELECT * FROM quarantine WHERE release_cid = ?1 AND lifted_at IS NULL";
    tx.one(QUARANTINE, sql, [release_cid], quarantine_of)
}

/// All quarantines, lifted ones too, newest first.
pub fn quarantines(tx: &Read) -> Result<Vec<Quarantine>> {
    tx.list(
        QUARANTINE,
        "SELECT * FROM quarantine ORDER BY at DESC, rowid DESC",
        [],
        quarantine_of,
    )
}

fn quarantine_of(row: &Cells) -> Result<Quarantine> {
    Ok(Quarantine {
        release_cid: row.text("release_cid")?,
        reason: row.text("reason")?,
        at: row.time("at")?,
        lifted_at: row.time_opt("lifted_at")?,
        lifted_by: row.text_opt("lifted_by")?,
    })
}
