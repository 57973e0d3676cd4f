//! Trials of releases: how many decisions each took part in, how they went, and in which it answered otherwise.
//!
//! A slot has at most one open trial. [`count`] changes an open one alone, so that a decision that ends late changes
//! nothing of a trial that is over.

use rusqlite::params;

use crate::cells::{Cells, Table, at, at_opt, cells, count as number};
use crate::limits::LIST_ROWS_MAX;
use crate::{Read, Result, Write};

const TRIALS: Table = Table {
    name: "trials",
    key: &["id"],
};
const DIFFERENCES: Table = Table {
    name: "trial_differences",
    key: &["id"],
};

/// Differences that are kept of one trial, the newest ones.
pub const DIFFERENCES_KEPT: u32 = 1_000;

/// The trial of a release in a slot.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Trial {
    /// Running number.
    pub id: i64,
    /// The slot.
    pub slot: String,
    /// The release on trial.
    pub release_cid: String,
    /// `shadow` or `canary N%`.
    pub mode: String,
    /// Decisions that it took part in.
    pub decisions: u64,
    /// Of those: it answered otherwise than what serves.
    pub differed: u64,
    /// Of those: it trapped, was late or broke its contract.
    pub failed: u64,
    /// Of those: it refused where the serving version did not.
    pub refused: u64,
    /// Its last decisions, oldest first, one letter each.
    pub recent: String,
    /// When it began, in ms.
    pub started_at: i64,
    /// When it ended, in ms. `None`: it goes on.
    pub ended_at: Option<i64>,
    /// Why it ended: `enforced`, `returned`, `quarantined`, `replaced`.
    pub outcome: Option<String>,
}

/// A decision in which the one on trial answered otherwise.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// The decision's record.
    pub decision_cid: String,
    /// The task's name.
    pub task: String,
    /// What the serving version answered.
    pub serving: String,
    /// What the one on trial answered.
    pub trial_answer: String,
    /// When, in ms.
    pub at: i64,
}

/// Begins a trial, and ends the slot's open one as `replaced`. Returns its number.
pub fn begin(tx: &Write, slot: &str, release_cid: &str, mode: &str, now: i64) -> Result<i64> {
    end(tx, slot, "replaced", now)?;
    tx.insert(
        TRIALS.name,
        cells! {
            "slot": slot.to_owned(),
            "release_cid": release_cid.to_owned(),
            "mode": mode.to_owned(),
            "started_at": at(now),
        },
    )
}

/// Ends the slot's open trial. Returns whether there was one.
pub fn end(tx: &Write, slot: &str, outcome: &str, now: i64) -> Result<bool> {
    let sql = "UPDATE trials SET ended_at = ?2, outcome = ?3 WHERE slot = ?1 AND ended_at IS NULL";
    Ok(tx.run(sql, params![slot, at(now), outcome])? > 0)
}

/// The open trials, by slot.
pub fn open(tx: &Read) -> Result<Vec<Trial>> {
    tx.list(
        TRIALS,
        "SELECT * FROM trials WHERE ended_at IS NULL ORDER BY slot, id",
        [],
        trial_of,
    )
}

/// An open trial by its number. `None`: it is over.
pub fn get_open(tx: &Read, id: i64) -> Result<Option<Trial>> {
    let sql = "SELECT * FROM trials WHERE id = ?1 AND ended_at IS NULL";
    tx.one(TRIALS, sql, [id], trial_of)
}

/// The slot's newest trial, open or over.
pub fn last(tx: &Read, slot: &str) -> Result<Option<Trial>> {
    let sql = "SELECT * FROM trials WHERE slot = ?1 ORDER BY id DESC LIMIT 1";
    tx.one(TRIALS, sql, [slot], trial_of)
}

/// How the newest trial of a release in a slot ended. `None`: there was none, or it goes on.
pub fn outcome(tx: &Read, slot: &str, release_cid: &str) -> Result<Option<String>> {
    let sql = "SELECT * FROM trials WHERE slot = ?1 AND release_cid = ?2 ORDER BY id DESC LIMIT 1";
    let last = tx.one(TRIALS, sql, [slot, release_cid], trial_of)?;
    Ok(last.and_then(|trial| trial.outcome))
}

/// Writes the counts and the last decisions of an open trial.
pub fn count(tx: &Write, trial: &Trial) -> Result<()> {
    tx.update(
        TRIALS,
        &trial.id.to_string(),
        cells! {
            "decisions": number(trial.decisions),
            "differed": number(trial.differed),
            "failed": number(trial.failed),
            "refused": number(trial.refused),
            "recent": trial.recent.clone(),
        },
    )
}

/// Keeps a difference; of a trial's the newest [`DIFFERENCES_KEPT`] stay.
pub fn add_difference(tx: &Write, trial: i64, difference: &Difference) -> Result<()> {
    tx.insert(
        DIFFERENCES.name,
        cells! {
            "trial": trial,
            "decision_cid": difference.decision_cid.clone(),
            "task": difference.task.clone(),
            "serving": difference.serving.clone(),
            "trial_answer": difference.trial_answer.clone(),
            "at": at_opt(Some(difference.at)),
        },
    )?;
    let sql =
        "DELETE FROM trial_differences WHERE trial = ?1 AND id <= (SELECT id FROM trial_differences
        WHERE trial = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
    tx.run(sql, params![trial, DIFFERENCES_KEPT])?;
    Ok(())
}

/// The newest differences of a trial, newest first.
pub fn differences(tx: &Read, trial: i64, limit: u32) -> Result<Vec<Difference>> {
    let sql = "SELECT * FROM trial_differences WHERE trial = ?1 ORDER BY id DESC LIMIT ?2";
    tx.list(
        DIFFERENCES,
        sql,
        params![trial, limit.min(LIST_ROWS_MAX)],
        |row| {
            Ok(Difference {
                decision_cid: row.text("decision_cid")?,
                task: row.text("task")?,
                serving: row.text("serving")?,
                trial_answer: row.text("trial_answer")?,
                at: row.time("at")?,
            })
        },
    )
}

fn trial_of(row: &Cells) -> Result<Trial> {
    Ok(Trial {
        id: row.int("id", 0..=i64::MAX)?,
        slot: row.text("slot")?,
        release_cid: row.text("release_cid")?,
        mode: row.text("mode")?,
        decisions: row.count("decisions")?,
        differed: row.count("differed")?,
        failed: row.count("failed")?,
        refused: row.count("refused")?,
        recent: row.text("recent")?,
        started_at: row.time("started_at")?,
        ended_at: row.time_opt("ended_at")?,
        outcome: row.text_opt("outcome")?,
    })
}
