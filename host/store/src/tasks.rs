//! Tasks, their history, leases and feedback.
//!
//! A task is accepted when [`insert`]'s transaction has ended. Its life cycle is the scheduler's; here only the words
//! that queries need are known ([`QUEUED`], [`DEFERRED`], [`DONE`]).

use rusqlite::params;
use rusqlite::types::Value;

use crate::cells::{Cells, Table, at, at_opt, cells, json_list, not_before};
use crate::limits::LIST_ROWS_MAX;
use crate::{Read, Result, Rows, Write, time};

mod delegations;
mod history;

pub use delegations::{Delegation, delegation_counts, delegations, put_delegation, under_way};
pub use history::{
    Feedback, HistoryEntry, add_feedback, add_history, feedback, history, history_newest,
    history_since,
};

const TASKS: Table = Table {
    name: "tasks",
    key: &["id"],
};

/// The status of a task that waits its turn; with a retry instant it is looked at again from then on.
pub const QUEUED: &str = "queued";
/// The status of a task that waits for a better moment.
pub const DEFERRED: &str = "deferred";
/// The status of a task that ended well: what counts for a tier.
pub const DONE: &str = "done";

/// A task. Instants are in ms and come back in whole seconds.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// Who submitted it.
    pub user_id: String,
    /// What is asked for.
    pub name: String,
    /// Words that the submitter attached.
    pub tags: Vec<String>,
    /// JSON: params, input, limits, as submitted.
    pub spec: String,
    /// `queued`, `deferred`, `running`, `delegated`, `done`, `failed`, `blocked`, `cancelled`.
    pub status: String,
    /// Why it is in this status.
    pub reason: Option<String>,
    /// Soft violations and fallbacks.
    pub warning: Option<String>,
    /// `critical`, `high`, `normal`, `low`, `non-critical`. `None`: not decided.
    pub importance: Option<String>,
    /// What the submitter proposed.
    pub urgency: Option<String>,
    /// Patience class.
    pub sla: Option<String>,
    /// The vote on its importance.
    pub poll_id: Option<String>,
    /// Decisions taken so far.
    pub attempt: u32,
    /// Expected run time in ms; 0: not said.
    pub duration_ms: u64,
    /// Memory it asks for in MB; 0: not said.
    pub memory_mb: u64,
    /// When its owner's next window opens; rounded up.
    pub next_window_start: Option<i64>,
    /// Decided again from then on; rounded up. `None`: on another event.
    pub retry_at: Option<i64>,
    /// CID of the last decision record.
    pub decision_cid: Option<String>,
    /// JSON list of violations.
    pub violations: String,
    /// The peer that runs it. `None`: none, or this node.
    pub peer: Option<String>,
    /// File that holds the output.
    pub output_path: Option<String>,
    /// CID of the output.
    pub output_cid: Option<String>,
    /// One line that the workload returned.
    pub summary: Option<String>,
    /// CID of the receipt.
    pub receipt_cid: Option<String>,
    /// When it was accepted.
    pub submitted_at: i64,
    /// When the quota admitted it. `None`: not counted.
    pub admitted_at: Option<i64>,
    /// When the last attempt began to run.
    pub started_at: Option<i64>,
    /// When it last changed.
    pub updated_at: i64,
    /// When it reached its end. `None`: it hasn't.
    pub finished_at: Option<i64>,
}

impl Task {
    /// A task just submitted, in status [`QUEUED`]; everything else is unset.
    pub fn new(
        id: impl Into<String>,
        user_id: impl Into<String>,
        name: impl Into<String>,
        now: i64,
    ) -> Self {
        Self {
            id: id.into(),
            user_id: user_id.into(),
            name: name.into(),
            tags: Vec::new(),
            spec: "{}".to_owned(),
            status: QUEUED.to_owned(),
            reason: None,
            warning: None,
            importance: None,
            urgency: None,
            sla: None,
            poll_id: None,
            attempt: 0,
            duration_ms: 0,
            memory_mb: 0,
            next_window_start: None,
            retry_at: None,
            decision_cid: None,
            violations: "[]".to_owned(),
            peer: None,
            output_path: None,
            output_cid: None,
            summary: None,
            receipt_cid: None,
            submitted_at: now,
            admitted_at: None,
            started_at: None,
            updated_at: now,
            finished_at: None,
        }
    }
}

/// Which tasks to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this user's.
    pub user_id: Option<String>,
    /// Only those in this status.
    pub status: Option<String>,
    /// Only those that have not reached their end.
    pub unfinished: bool,
    /// How many, newest first. `None`: [`LIST_ROWS_MAX`].
    pub limit: Option<u32>,
}

/// What a member has used of the quota since an instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tasks admitted.
    pub admitted: u32,
    /// Of those, tasks that have not reached their end.
    pub in_flight: u32,
}

/// Accepts a task.
///
/// # Errors
/// [`crate::Error::Exists`].
pub fn insert(tx: &Write, task: &Task) -> Result<()> {
    tx.insert(TASKS.name, &row_of(task))?;
    Ok(())
}

/// Writes all of a task. Read it in the same transaction, so that nothing is lost that a person changed.
///
/// # Errors
/// [`crate::Error::Missing`].
pub fn update(tx: &Write, task: &Task) -> Result<()> {
    // The first cell is the id.
    tx.update(TASKS, &task.id, &row_of(task)[1..])
}

/// Moves a task to another status if it is in one of `from`. Returns whether it was. For more, [`update`].
pub fn set_status(
    tx: &Write,
    id: &str,
    from: &[&str],
    to: &str,
    reason: Option<&str>,
    now: i64,
) -> Result<bool> {
    let sql = "UPDATE tasks SET status = ?3, reason = ?4, updated_at = ?5
        WHERE id = ?1 AND status IN (SELECT value FROM json_each(?2))";
    Ok(tx.run(sql, params![id, json_list(from), to, reason, at(now)])? > 0)
}

/// A task by its id.
pub fn get(tx: &Read, id: &str) -> Result<Option<Task>> {
    tx.one(TASKS, "SELECT * FROM tasks WHERE id = ?1", [id], task_of)
}

/// The task that a receipt is of.
pub fn of_receipt(tx: &Read, cid: &str) -> Result<Option<Task>> {
    let sql = "SELECT * FROM tasks WHERE receipt_cid = ?1 LIMIT 1";
    tx.one(TASKS, sql, [cid], task_of)
}

/// Ids that begin with `prefix`, at most `limit`: for people who type the first letters.
pub fn ids_like(tx: &Read, prefix: &str, limit: u32) -> Result<Vec<String>> {
    let sql =
        "SELECT id FROM tasks WHERE substr(id, 1, length(?1)) = ?1 ORDER BY rowid DESC LIMIT ?2";
    tx.list(
        TASKS,
        sql,
        params![prefix, limit.min(LIST_ROWS_MAX)],
        |row| row.text("id"),
    )
}

/// Tasks, newest first.
pub fn list(tx: &Read, filter: &Filter) -> Result<Rows<Task>> {
    let sql = "SELECT * FROM tasks
        WHERE (?1 IS NULL OR user_id = ?1) AND (?2 IS NULL OR status = ?2) AND (NOT ?3 OR finished_at IS NULL)
        ORDER BY submitted_at DESC, rowid DESC LIMIT ?4";
    let limit = filter.limit.unwrap_or(LIST_ROWS_MAX).min(LIST_ROWS_MAX);
    tx.rows(
        TASKS,
        sql,
        params![filter.user_id, filter.status, filter.unfinished, limit],
        task_of,
    )
}

/// Queued and deferred tasks whose retry instant has come, the longest due first. One whose instant can't be read
/// is among the malformed.
pub fn due(tx: &Read, now: i64, limit: u32) -> Result<Rows<Task>> {
    let sql = "SELECT * FROM tasks
        WHERE status IN ('queued', 'deferred') AND retry_at IS NOT NULL
            AND coalesce(datetime(retry_at), '') <= ?1
        ORDER BY datetime(retry_at), rowid LIMIT ?2";
    tx.rows(
        TASKS,
        sql,
        params![time::format(now), limit.min(LIST_ROWS_MAX)],
        task_of,
    )
}

/// The next instant at which [`due`] will have something. `None`: nothing waits for a time.
pub fn next_due(tx: &Read) -> Result<Option<i64>> {
    let sql = "SELECT min(datetime(retry_at)) AS retry_at, 'next' AS id FROM tasks
        WHERE status IN ('queued', 'deferred')";
    Ok(tx
        .one(TASKS, sql, [], |row| row.time_opt("retry_at"))?
        .flatten())
}

/// How many tasks are in this status.
pub fn count(tx: &Read, status: &str) -> Result<u64> {
    Ok(tx
        .number("SELECT count(*) FROM tasks WHERE status = ?1", [status])?
        .unsigned_abs())
}

/// Tasks that were decided to run on `device` and wait for a place there.
pub fn waiting_for_place(tx: &Read, device: &str) -> Result<u64> {
    let sql = "SELECT count(*) FROM tasks WHERE status = 'queued' AND peer = ?1";
    Ok(tx.number(sql, [device])?.unsigned_abs())
}

/// What the member behind `user_id` has used since `since`: all names bound to the same key count together.
pub fn usage(tx: &Read, user_id: &str, since: i64) -> Result<Usage> {
    let sql = "SELECT count(*) AS admitted, count(*) FILTER (WHERE finished_at IS NULL) AS in_flight FROM tasks
        WHERE admitted_at >= ?2 AND user_id IN (
            SELECT ?1 UNION
            SELECT other.user_id FROM members AS this JOIN members AS other ON other.did = this.did
            WHERE this.user_id = ?1)";
    let used = tx.one(TASKS, sql, params![user_id, time::format(since)], |row| {
        let number =
            |column| Ok::<_, crate::Error>(u32::try_from(row.count(column)?).unwrap_or(u32::MAX));
        Ok(Usage {
            admitted: number("admitted")?,
            in_flight: number("in_flight")?,
        })
    })?;
    Ok(used.unwrap_or_default())
}

fn row_of(task: &Task) -> Vec<(&'static str, Value)> {
    cells! {
        "id": task.id.clone(),
        "user_id": task.user_id.clone(),
        "name": task.name.clone(),
        "tags": json_list(&task.tags),
        "spec": task.spec.clone(),
        "status": task.status.clone(),
        "reason": task.reason.clone(),
        "warning": task.warning.clone(),
        "importance": task.importance.clone(),
        "urgency": task.urgency.clone(),
        "sla": task.sla.clone(),
        "poll_id": task.poll_id.clone(),
        "attempt": task.attempt,
        "duration_ms": crate::cells::count(task.duration_ms),
        "memory_mb": crate::cells::count(task.memory_mb),
        "next_window_start": not_before(task.next_window_start),
        "retry_at": not_before(task.retry_at),
        "decision_cid": task.decision_cid.clone(),
        "violations": task.violations.clone(),
        "peer": task.peer.clone(),
        "output_path": task.output_path.clone(),
        "output_cid": task.output_cid.clone(),
        "summary": task.summary.clone(),
        "receipt_cid": task.receipt_cid.clone(),
        "submitted_at": at(task.submitted_at),
        "admitted_at": at_opt(task.admitted_at),
        "started_at": at_opt(task.started_at),
        "updated_at": at(task.updated_at),
        "finished_at": at_opt(task.finished_at),
    }
    .to_vec()
}

fn task_of(row: &Cells) -> Result<Task> {
    Ok(Task {
        id: row.text("id")?,
        user_id: row.text("user_id")?,
        name: row.text("name")?,
        tags: row.json("tags", "a list of words")?,
        spec: row.text("spec")?,
        status: row.text("status")?,
        reason: row.text_opt("reason")?,
        warning: row.text_opt("warning")?,
        importance: row.text_opt("importance")?,
        urgency: row.text_opt("urgency")?,
        sla: row.text_opt("sla")?,
        poll_id: row.text_opt("poll_id")?,
        attempt: row.int("attempt", 0..=i64::from(u32::MAX))? as u32,
        duration_ms: row.count("duration_ms")?,
        memory_mb: row.count("memory_mb")?,
        next_window_start: row.time_opt("next_window_start")?,
        retry_at: row.time_opt("retry_at")?,
        decision_cid: row.text_opt("decision_cid")?,
        violations: row.text("violations")?,
        peer: row.text_opt("peer")?,
        output_path: row.text_opt("output_path")?,
        output_cid: row.text_opt("output_cid")?,
        summary: row.text_opt("summary")?,
        receipt_cid: row.text_opt("receipt_cid")?,
        submitted_at: row.time("submitted_at")?,
        admitted_at: row.time_opt("admitted_at")?,
        started_at: row.time_opt("started_at")?,
        updated_at: row.time("updated_at")?,
        finished_at: row.time_opt("finished_at")?,
    })
}
