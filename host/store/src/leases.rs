//! Leases: tasks that this device runs for others, from the acceptance until the submitter has taken the result.

use rusqlite::params;

use crate::cells::{Cells, Table, at, cells};
use crate::{Read, Result, Write};

const LEASES: Table = Table {
    name: "leases",
    key: &["task_id"],
};

/// A task that this device runs for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The task.
    pub task_id: String,
    /// The submitter's device.
    pub submitter: String,
    /// The member whose it is.
    pub member: String,
    /// What was asked for, as it came.
    pub offer: Vec<u8>,
    /// What came of it. `None`: nothing yet.
    pub result: Option<Vec<u8>>,
    /// When the submitter took the result, in ms. `None`: not yet.
    pub delivered_at: Option<i64>,
    /// When it was accepted, in ms.
    pub accepted_at: i64,
}

/// Accepts a task.
///
/// # Errors
/// [`crate::Error::Exists`] when it is here already.
pub fn accept(tx: &Write, lease: &Lease) -> Result<()> {
    tx.insert(
        LEASES.name,
        cells! {
            "task_id": lease.task_id.clone(),
            "submitter": lease.submitter.clone(),
            "member": lease.member.clone(),
            "offer": lease.offer.clone(),
            "accepted_at": at(lease.accepted_at),
        },
    )?;
    Ok(())
}

/// A lease by its task.
pub fn get(tx: &Read, task_id: &str) -> Result<Option<Lease>> {
    tx.one(
        LEASES,
        "SELECT * FROM leases WHERE task_id = ?1",
        [task_id],
        lease_of,
    )
}

/// Leases whose result was not taken yet, oldest first, at most `limit`.
pub fn undelivered(tx: &Read, limit: u32) -> Result<Vec<Lease>> {
    let sql =
        "SELECT * FROM leases WHERE delivered_at IS NULL ORDER BY accepted_at, rowid LIMIT ?1";
    tx.list(LEASES, sql, [limit], lease_of)
}

/// How many leases have no result yet.
pub fn open(tx: &Read) -> Result<u64> {
    Ok(tx
        .number("SELECT count(*) FROM leases WHERE result IS NULL", [])?
        .unsigned_abs())
}

/// Notes what came of a lease.
pub fn finish(tx: &Write, task_id: &str, result: &[u8]) -> Result<()> {
    tx.run(
        "UPDATE leases SET result = ?2 WHERE task_id = ?1",
        params![task_id, result],
    )?;
    Ok(())
}

/// Notes that the submitter took the result.
pub fn delivered(tx: &Write, task_id: &str, now: i64) -> Result<()> {
    tx.run(
        "UPDATE leases SET delivered_at = ?2 WHERE task_id = ?1",
        params![task_id, at(now)],
    )?;
    Ok(())
}

fn lease_of(row: &Cells) -> Result<Lease> {
    Ok(Lease {
        task_id: row.text("task_id")?,
        submitter: row.text("submitter")?,
        member: row.text("member")?,
        offer: row.blob("offer")?,
        result: row.blob_opt("result")?,
        delivered_at: row.time_opt("delivered_at")?,
        accepted_at: row.time("accepted_at")?,
    })
}
