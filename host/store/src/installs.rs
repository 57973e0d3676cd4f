//! `installs`: releases on their way into this home, and those that were refused; `pins`: targets that no update
//! changes by itself. The states are the install state machine's.

use rusqlite::params;

use crate::cells::{Cells, Table, at, at_opt, cells, json_list};
use crate::limits::LIST_ROWS_MAX;
use crate::{Read, Result, Write};

const INSTALLS: Table = Table {
    name: "installs",
    key: &["id"],
};
const PINS: Table = Table {
    name: "pins",
    key: &["target"],
};

/// One install. Instants are in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// Running number; 0 in one not yet added.
    pub id: i64,
    /// What is installed.
    pub release_cid: String,
    /// The slot, task or skill that it is to serve. `None`: none yet.
    pub target: Option<String>,
    /// Who wants it.
    pub cause: String,
    /// Where it is.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// Where its bytes came from.
    pub source: Option<String>,
    /// The record with its signatures.
    pub envelope: Vec<u8>,
    /// What it wants more than what serves.
    pub growth: Vec<String>,
    /// Whether a person agreed to that.
    pub consented: bool,
    /// It does not serve earlier.
    pub not_before: Option<i64>,
    /// When it began.
    pub created_at: i64,
    /// When its state last changed.
    pub updated_at: i64,
}

/// A target that stays at a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// A slot, a task's name or a skill.
    pub target: String,
    /// What it stays at.
    pub release_cid: String,
    /// Who pinned it.
    pub by: String,
    /// When, in ms.
    pub at: i64,
}

/// Adds an install. Returns its number.
pub fn add(tx: &Write, install: &Install) -> Result<i64> {
    tx.insert(
        INSTALLS.name,
        cells! {
            "release_cid": install.release_cid.clone(),
            "target": install.target.clone(),
            "cause": install.cause.clone(),
            "state": install.state.clone(),
            "reason": install.reason.clone(),
            "source": install.source.clone(),
            "envelope": install.envelope.clone(),
            "growth": json_list(&install.growth),
            "consented": i64::from(install.consented),
            "not_before": at_opt(install.not_before),
            "created_at": at(install.created_at),
            "updated_at": at(install.updated_at),
        },
    )
}

/// Notes where an install is.
///
/// # Errors
/// [`crate::Error::Missing`].
pub fn set(tx: &Write, install: &Install) -> Result<()> {
    tx.update(
        INSTALLS,
        &install.id.to_string(),
        cells! {
            "target": install.target.clone(),
            "cause": install.cause.clone(),
            "state": install.state.clone(),
            "reason": install.reason.clone(),
            "envelope": install.envelope.clone(),
            "growth": json_list(&install.growth),
            "consented": i64::from(install.consented),
            "not_before": at_opt(install.not_before),
            "updated_at": at(install.updated_at),
        },
    )
}

/// An install by its number.
pub fn get(tx: &Read, id: i64) -> Result<Option<Install>> {
    tx.one(
        INSTALLS,
        "SELECT * FROM installs WHERE id = ?1",
        [id],
        install_of,
    )
}

/// The installs that are in one of these states, oldest first.
pub fn in_states(tx: &Read, states: &[&str]) -> Result<Vec<Install>> {
    let sql = "SELECT * FROM installs WHERE state IN (SELECT value FROM json_each(?1)) ORDER BY id";
    let states = serde_json::to_string(states).unwrap_or_else(|_| "[]".to_owned());
    tx.list(INSTALLS, sql, [states], install_of)
}

/// The installs of a release, newest first.
pub fn of_release(tx: &Read, release_cid: &str) -> Result<Vec<Install>> {
    let sql = "SELECT * FROM installs WHERE release_cid = ?1 ORDER BY id DESC LIMIT ?2";
    tx.list(
        INSTALLS,
        sql,
        params![release_cid, LIST_ROWS_MAX],
        install_of,
    )
}

/// Forgets ended installs but for the `keep` newest ones. Returns how many were forgotten.
pub fn prune(tx: &Write, keep: u32) -> Result<usize> {
    tx.run(
        "DELETE FROM installs WHERE state IN ('done', 'refused') AND id NOT IN
            (SELECT id FROM installs WHERE state IN ('done', 'refused') ORDER BY id DESC LIMIT ?1)",
        [keep],
    )
}

/// Pins a target, or moves its pin.
pub fn pin(tx: &Write, pin: &Pin) -> Result<()> {
    tx.upsert(
        PINS,
        cells! {
            "target": pin.target.clone(),
            "release_cid": pin.release_cid.clone(),
            "by": pin.by.clone(),
            "at": at(pin.at),
        },
    )
}

/// Takes a pin away. Returns whether there was one.
pub fn unpin(tx: &Write, target: &str) -> Result<bool> {
    Ok(tx.run("DELETE FROM pins WHERE target = ?1", [target])? > 0)
}

/// All pins.
pub fn pins(tx: &Read) -> Result<Vec<Pin>> {
    tx.list(PINS, "SELECT * FROM pins ORDER BY target", [], |row| {
        Ok(Pin {
            target: row.text("target")?,
            release_cid: row.text("release_cid")?,
            by: row.text("by")?,
            at: row.time("at")?,
        })
    })
}

fn install_of(row: &Cells) -> Result<Install> {
    Ok(Install {
        id: row.int("id", 0..=i64::MAX)?,
        release_cid: row.text("release_cid")?,
        target: row.text_opt("target")?,
        cause: row.text("cause")?,
        state: row.text("state")?,
        reason: row.text_opt("reason")?,
        source: row.text_opt("source")?,
        envelope: row.blob("envelope")?,
        growth: row.json("growth", "a list of texts")?,
        consented: row.int("consented", 0..=1)? == 1,
        not_before: row.time_opt("not_before")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}
