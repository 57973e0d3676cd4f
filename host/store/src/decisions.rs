//! Decision records by task, and their traces. The records themselves are [`crate::blocks`].

use rusqlite::params;

use crate::cells::{Cells, Table, at, cells};
use crate::limits::LIST_ROWS_MAX;
use crate::{Read, Result, Write, blocks};

const DECISIONS: Table = Table {
    name: "decisions",
    key: &["cid"],
};
const TRACES: Table = Table {
    name: "traces",
    key: &["decision_cid"],
};

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Decision {
    /// CID of its record.
    pub cid: String,
    /// The task.
    pub task_id: String,
    /// Which decision about the task, from 1.
    pub attempt: u32,
    /// The decision's now, in ms (whole seconds; the exact instant is in the record).
    pub at: i64,
    /// `run-here`, `delegate`, `defer`, `block`, `queue` …
    pub verdict: String,
}

/// Keeps a decision, its record, and its trace (JSON). The same decision twice changes nothing.
pub fn record(tx: &Write, decision: &Decision, record: &[u8], trace: &str) -> Result<()> {
    blocks::put(tx, &decision.cid, record, decision.at)?;
    tx.insert_new(
        DECISIONS.name,
        cells! {
            "cid": decision.cid.clone(),
            "task_id": decision.task_id.clone(),
            "attempt": i64::from(decision.attempt),
            "at": at(decision.at),
            "verdict": decision.verdict.clone(),
        },
    )?;
    tx.upsert(
        TRACES,
        cells! { "decision_cid": decision.cid.clone(), "json": trace.to_owned() },
    )
}

/// A decision by its CID.
pub fn get(tx: &Read, cid: &str) -> Result<Option<Decision>> {
    tx.one(
        DECISIONS,
        "SELECT * FROM decisions WHERE cid = ?1",
        [cid],
        decision_of,
    )
}

/// The decisions about a task, first to last.
pub fn of_task(tx: &Read, task_id: &str) -> Result<Vec<Decision>> {
    let sql = "SELECT * FROM decisions WHERE task_id = ?1 ORDER BY attempt, rowid";
    tx.list(DECISIONS, sql, [task_id], decision_of)
}

/// The last `limit` decisions, newest first.
pub fn last(tx: &Read, limit: u32) -> Result<Vec<Decision>> {
    let sql = "SELECT * FROM decisions ORDER BY rowid DESC LIMIT ?1";
    tx.list(
        DECISIONS,
        sql,
        params![limit.min(LIST_ROWS_MAX)],
        decision_of,
    )
}

/// How many decisions there are, by what the task became.
pub fn counts(tx: &Read) -> Result<Vec<(String, u64)>> {
    let sql =
        "SELECT cid, verdict, count(*) AS number FROM decisions GROUP BY verdict ORDER BY verdict";
    tx.list(DECISIONS, sql, [], |row| {
        Ok((row.text("verdict")?, row.count("number")?))
    })
}

/// The trace of a decision: JSON.
pub fn trace(tx: &Read, cid: &str) -> Result<Option<String>> {
    let sql = "SELECT * FROM traces WHERE decision_cid = ?1";
    tx.one(TRACES, sql, [cid], |row| row.text("json"))
}

/// Keeps the newest `keep` decisions; older ones go with their record and trace. Returns how many went.
pub fn prune(tx: &Write, keep: u32) -> Result<usize> {
    let old = "SELECT cid FROM decisions
        WHERE rowid <= (SELECT rowid FROM decisions ORDER BY rowid DESC LIMIT 1 OFFSET ?1)";
    tx.run(&format!("DELETE FROM blocks WHERE cid IN ({old})"), [keep])?;
    tx.run(
        &format!("DELETE FROM traces WHERE decision_cid IN ({old})"),
        [keep],
    )?;
    tx.run(
        &format!("DELETE FROM decisions WHERE cid IN ({old})"),
        [keep],
    )
}

fn decision_of(row: &Cells) -> Result<Decision> {
    Ok(Decision {
        cid: row.text("cid")?,
        task_id: row.text("task_id")?,
        attempt: attempt_of(row)?,
        at: row.time("at")?,
        verdict: row.text("verdict")?,
    })
}

fn attempt_of(row: &Cells) -> Result<u32> {
    // The range makes the conversion exact.
    Ok(row.int("attempt", 0..=i64::from(u32::MAX))? as u32)
}
