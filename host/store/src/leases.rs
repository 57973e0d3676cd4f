//! Leases: tasks that this device runs for others, from the acceptance until the submitter has taken the result.

use rusqlite::params;
use weft_model::Did;

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

impl Lease {
    /// Whether it is this device's task.
    pub fn is_of(&self, device: &Did) -> bool {
        self.submitter == device.to_string()
    }
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

/// Leases without a result, oldest first, at most `limit`.
pub fn unfinished(tx: &Read, limit: u32) -> Result<Vec<Lease>> {
    let sql = "SELECT * FROM leases WHERE delivered_at IS NULL AND result IS NULL
        ORDER BY accepted_at, rowid LIMIT ?1";
    tx.list(LEASES, sql, [limit], lease_of)
}

/// Tasks of a submitter whose results wait to be taken, oldest first, at most `limit`.
pub fn ready_for(tx: &Read, submitter: &str, limit: u32) -> Result<Vec<String>> {
    let sql =
        "SELECT * FROM leases WHERE delivered_at IS NULL AND result IS NOT NULL AND submitter = ?1
        ORDER BY accepted_at, rowid LIMIT ?2";
    tx.list(LEASES, sql, params![submitter, limit], |row| {
        row.text("task_id")
    })
}

/// Tasks that were accepted before an instant and whose results nobody took, at most `limit`.
pub fn untaken(tx: &Read, before: i64, limit: u32) -> Result<Vec<String>> {
    let sql = "SELECT * FROM leases WHERE delivered_at IS NULL AND accepted_at < ?1
        ORDER BY accepted_at, rowid LIMIT ?2";
    tx.list(LEASES, sql, params![at(before), limit], |row| {
        row.text("task_id")
    })
}

/// How many leases have no result yet.
pub fn open(tx: &Read) -> Result<u64> {
    Ok(tx
        .number("SELECT count(*) FROM leases WHERE result IS NULL", [])?
        .unsigned_abs())
}

/// How many leases there are: without a result, with one that nobody took, and done with.
pub fn counts(tx: &Read) -> Result<[(&'static str, u64); 3]> {
    let count = |sql: &str| Ok::<_, crate::Error>(tx.number(sql, [])?.unsigned_abs());
    Ok([
        ("open", open(tx)?),
        (
            "finished",
            count("SELECT count(*) FROM leases WHERE result IS NOT NULL AND delivered_at IS NULL")?,
        ),
        (
            "delivered",
            count("SELECT count(*) FROM leases WHERE delivered_at IS NOT NULL")?,
        ),
    ])
}

/// Notes what came of a lease.
pub fn finish(tx: &Write, task_id: &str, result: &[u8]) -> Result<()> {
    tx.run(
        "UPDATE leases SET result = ?2 WHERE task_id = ?1",
        params![task_id, result],
    )?;
    Ok(())
}

/// Notes that the lease is over: the submitter took the result, or wants none. What was asked for and what came of it go.
pub fn over(tx: &Write, task_id: &str, now: i64) -> Result<()> {
    tx.run(
        "UPDATE leases SET delivered_at = ?2, offer = x'', result = x'' WHERE task_id = ?1",
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
