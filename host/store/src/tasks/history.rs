//! `execution_history`: each status a task took, and `feedback` on it.

use crate::cells::{Cells, Table, at, cells};
use crate::limits::LIST_ROWS_MAX;
use crate::{Read, Result, Rows, Write};

const HISTORY: Table = Table {
    name: "execution_history",
    key: &["id"],
};
const FEEDBACK: Table = Table {
    name: "feedback",
    key: &["id"],
};

/// One entry of a task's history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct HistoryEntry {
    /// The task.
    pub task_id: String,
    /// The status it took.
    pub status: String,
    /// Why, in the known words.
    pub reasoning: Option<String>,
    /// When, in ms.
    pub timestamp: i64,
}

/// What someone thought of a task's result.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Feedback {
    /// The task.
    pub task_id: String,
    /// Who says so.
    pub user_id: Option<String>,
    /// 1 (bad) to 5 (good). `None`: words only.
    pub rating: Option<u8>,
    /// Free words.
    pub comment: Option<String>,
    /// When, in ms.
    pub created_at: i64,
}

/// Appends to a task's history.
pub fn add_history(tx: &Write, entry: &HistoryEntry) -> Result<()> {
    tx.insert(
        HISTORY.name,
        cells! {
            "task_id": entry.task_id.clone(),
            "status": entry.status.clone(),
            "reasoning": entry.reasoning.clone(),
            "timestamp": at(entry.timestamp),
        },
    )?;
    Ok(())
}

/// A task's history, first to last.
pub fn history(tx: &Read, task_id: &str) -> Result<Rows<HistoryEntry>> {
    let sql = "SELECT * FROM execution_history WHERE task_id = ?1 ORDER BY rowid";
    tx.rows(HISTORY, sql, [task_id], entry_of)
}

/// What tasks became after entry number `after`, at most `limit`, in order, each with its number: for those who follow.
pub fn history_since(tx: &Read, after: i64, limit: u32) -> Result<Rows<(i64, HistoryEntry)>> {
    let sql =
        "SELECT rowid AS number, * FROM execution_history WHERE rowid > ?1 ORDER BY rowid LIMIT ?2";
    let range = rusqlite::params![after, limit.min(LIST_ROWS_MAX)];
    tx.rows(HISTORY, sql, range, |row: &Cells| {
        Ok((row.int("number", i64::MIN..=i64::MAX)?, entry_of(row)?))
    })
}

/// The number of the newest entry; 0 when there is none.
pub fn history_newest(tx: &Read) -> Result<i64> {
    tx.number("SELECT coalesce(max(rowid), 0) FROM execution_history", [])
}

fn entry_of(row: &Cells) -> Result<HistoryEntry> {
    Ok(HistoryEntry {
        task_id: row.text("task_id")?,
        status: row.text("status")?,
        reasoning: row.text_opt("reasoning")?,
        timestamp: row.time("timestamp")?,
    })
}

/// Keeps feedback.
pub fn add_feedback(tx: &Write, feedback: &Feedback) -> Result<()> {
    tx.insert(
        FEEDBACK.name,
        cells! {
            "task_id": feedback.task_id.clone(),
            "user_id": feedback.user_id.clone(),
            "rating": feedback.rating,
            "comment": feedback.comment.clone(),
            "created_at": at(feedback.created_at),
        },
    )?;
    Ok(())
}

/// The feedback on a task, first to last.
pub fn feedback(tx: &Read, task_id: &str) -> Result<Rows<Feedback>> {
    let sql = "SELECT * FROM feedback WHERE task_id = ?1 ORDER BY rowid";
    tx.rows(FEEDBACK, sql, [task_id], |row: &Cells| {
        Ok(Feedback {
            task_id: row.text("task_id")?,
            user_id: row.text_opt("user_id")?,
            rating: row.int_opt("rating", 1..=5)?.map(|rating| rating as u8),
            comment: row.text_opt("comment")?,
            created_at: row.time("created_at")?,
        })
    })
}
