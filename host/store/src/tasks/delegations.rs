//! `task_delegations`: who ran what for whom, one row per lease.

use crate::cells::{Cells, Table, at, at_opt, cells};
use crate::{Read, Result, Rows, Write};

const DELEGATIONS: Table = Table {
    name: "task_delegations",
    key: &["id"],
};

/// One lease.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Delegation {
    /// The lease's id.
    pub id: String,
    /// The task.
    pub task_id: String,
    /// Its name.
    pub task_name: Option<String>,
    /// Who submitted it.
    pub user_id: Option<String>,
    /// Peer id of the submitter's device.
    pub from_device: Option<String>,
    /// Peer id of the worker.
    pub to_device: Option<String>,
    /// Which try, from 1.
    pub attempt: u32,
    /// What the scorer gave it.
    pub score: Option<f64>,
    /// `leased`, `running`, `done`, `failed`, `refused`, `lost`.
    pub status: String,
    /// Why it ended so.
    pub reason: Option<String>,
    /// When the lease was given, in ms.
    pub delegated_at: i64,
    /// When it ended, in ms. `None`: it hasn't.
    pub finished_at: Option<i64>,
    /// The worker's receipt.
    pub receipt_cid: Option<String>,
}

/// Adds a lease, or writes all of it.
pub fn put_delegation(tx: &Write, lease: &Delegation) -> Result<()> {
    tx.upsert(
        DELEGATIONS,
        cells! {
            "id": lease.id.clone(),
            "task_id": lease.task_id.clone(),
            "task_name": lease.task_name.clone(),
            "user_id": lease.user_id.clone(),
            "from_device": lease.from_device.clone(),
            "to_device": lease.to_device.clone(),
            "attempt": lease.attempt,
            "score": lease.score,
            "status": lease.status.clone(),
            "reason": lease.reason.clone(),
            "delegated_at": at(lease.delegated_at),
            "finished_at": at_opt(lease.finished_at),
            "receipt_cid": lease.receipt_cid.clone(),
        },
    )
}

/// How many leases were given, by what became of them.
pub fn delegation_counts(tx: &Read) -> Result<Rows<(String, u64)>> {
    let sql = "SELECT id, status, count(*) AS number FROM task_delegations GROUP BY status ORDER BY status";
    tx.rows(DELEGATIONS, sql, [], |row: &Cells| {
        Ok((row.text("status")?, row.count("number")?))
    })
}

/// The leases of a task, first to last.
pub fn delegations(tx: &Read, task_id: &str) -> Result<Rows<Delegation>> {
    let sql = "SELECT * FROM task_delegations WHERE task_id = ?1 ORDER BY attempt, rowid";
    tx.rows(DELEGATIONS, sql, [task_id], lease_of)
}

/// Leases that are with devices of the mesh, of tasks that wait for them, oldest first, at most `limit`.
pub fn under_way(tx: &Read, limit: u32) -> Result<Rows<Delegation>> {
    let sql = "SELECT d.* FROM task_delegations d
        JOIN tasks t ON t.id = d.task_id AND t.status = 'delegated'
        LEFT JOIN peers p ON p.peer_id = d.to_device
        WHERE d.status IN ('leased', 'running') AND d.to_device LIKE 'did:key:%'
          AND (p.peer_id IS NULL OR p.origin = 'advert')
        ORDER BY d.delegated_at, d.rowid LIMIT ?1";
    tx.rows(DELEGATIONS, sql, [limit], lease_of)
}

fn lease_of(row: &Cells) -> Result<Delegation> {
    Ok(Delegation {
        id: row.text("id")?,
        task_id: row.text("task_id")?,
        task_name: row.text_opt("task_name")?,
        user_id: row.text_opt("user_id")?,
        from_device: row.text_opt("from_device")?,
        to_device: row.text_opt("to_device")?,
        attempt: row.int("attempt", 0..=i64::from(u32::MAX))? as u32,
        score: row.real_opt("score", f64::MIN..=f64::MAX)?,
        status: row.text("status")?,
        reason: row.text_opt("reason")?,
        delegated_at: row.time("delegated_at")?,
        finished_at: row.time_opt("finished_at")?,
        receipt_cid: row.text_opt("receipt_cid")?,
    })
}
