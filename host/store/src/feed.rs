//! `mesh_events`: what happened, for people; and `metrics`. Neither is the signed log ([`crate::events`]).

use rusqlite::params;

use crate::cells::{Cells, Table, at, cells};
use crate::limits::LIST_ROWS_MAX;
use crate::{Read, Result, Rows, Write, time};

const FEED: Table = Table {
    name: "mesh_events",
    key: &["id"],
};
const METRICS: Table = Table {
    name: "metrics",
    key: &["id"],
};

/// The words of `severity`.
const SEVERITIES: &[(&str, Severity)] = &[
    ("debug", Severity::Debug),
    ("info", Severity::Info),
    ("warning", Severity::Warning),
    ("alarm", Severity::Alarm),
];

/// How much a person should care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For those who look for it.
    Debug,
    /// Good to know.
    Info,
    /// A fallback, a downgrade, a skipped check.
    Warning,
    /// A person should act.
    Alarm,
}

impl Severity {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Alarm => "alarm",
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// Running number, never used twice; 0 in an entry not yet added.
    pub id: i64,
    /// When, in ms.
    pub timestamp: i64,
    /// `task.deferred`, `policy.swapped` …
    pub kind: String,
    /// How much a person should care.
    pub severity: Severity,
    /// Whom it concerns: a task id, peer id, release CID, user.
    pub subject: Option<String>,
    /// One sentence for a person.
    pub message: String,
    /// JSON object.
    pub details: String,
}

/// A figure at a moment.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Metric {
    /// What is measured.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: Option<String>,
    /// JSON object.
    pub labels: String,
    /// When, in ms.
    pub timestamp: i64,
}

/// Appends an entry. Returns its number.
pub fn add(tx: &Write, entry: &Entry) -> Result<i64> {
    tx.insert(
        FEED.name,
        cells! {
            "timestamp": at(entry.timestamp),
            "kind": entry.kind.clone(),
            "severity": entry.severity.as_str().to_owned(),
            "subject": entry.subject.clone(),
            "message": entry.message.clone(),
            "details": entry.details.clone(),
        },
    )
}

/// Entries after number `after`, at most `limit`, in order: for those who follow.
pub fn since(tx: &Read, after: i64, limit: u32) -> Result<Rows<Entry>> {
    let sql = "SELECT * FROM mesh_events WHERE id > ?1 ORDER BY id LIMIT ?2";
    tx.rows(
        FEED,
        sql,
        params![after, limit.min(LIST_ROWS_MAX)],
        entry_of,
    )
}

/// The number of the newest entry; 0 when there is none.
pub fn newest(tx: &Read) -> Result<i64> {
    tx.number("SELECT coalesce(max(id), 0) FROM mesh_events", [])
}

/// The last `limit` entries, newest first; only those about `subject` if it is given.
pub fn last(tx: &Read, subject: Option<&str>, limit: u32) -> Result<Rows<Entry>> {
    let limit = limit.min(LIST_ROWS_MAX);
    match subject {
        Some(subject) => {
            let sql = "SELECT * FROM mesh_events WHERE subject = ?1 ORDER BY id DESC LIMIT ?2";
            tx.rows(FEED, sql, params![subject, limit], entry_of)
        }
        None => tx.rows(
            FEED,
            "SELECT * FROM mesh_events ORDER BY id DESC LIMIT ?1",
            [limit],
            entry_of,
        ),
    }
}

/// How many entries of a kind there are from `since_ms` (rounded down to the second) on; only those about `subject`
/// if it is given. One whose time can't be read counts: limits that rest on the number stay closed.
pub fn count(tx: &Read, kind: &str, subject: Option<&str>, since_ms: i64) -> Result<u64> {
    const RECENT: &str = "kind = ?1 AND coalesce(datetime(timestamp) >= ?2, 1)";
    let since = time::format(since_ms);
    let count = match subject {
        Some(subject) => {
            let sql = format!("SELECT count(*) FROM mesh_events WHERE {RECENT} AND subject = ?3");
            tx.number(&sql, params![kind, since, subject])?
        }
        None => {
            let sql = format!("SELECT count(*) FROM mesh_events WHERE {RECENT}");
            tx.number(&sql, params![kind, since])?
        }
    };
    Ok(count.unsigned_abs())
}

/// Keeps the newest `keep` entries. Returns how many were removed.
pub fn prune(tx: &Write, keep: u32) -> Result<usize> {
    let sql = "DELETE FROM mesh_events
        WHERE id <= (SELECT id FROM mesh_events ORDER BY id DESC LIMIT 1 OFFSET ?1)";
    tx.run(sql, [keep])
}

/// Keeps a figure.
pub fn add_metric(tx: &Write, metric: &Metric) -> Result<()> {
    tx.insert(
        METRICS.name,
        cells! {
            "name": metric.name.clone(),
            "value": metric.value,
            "unit": metric.unit.clone(),
            "labels": metric.labels.clone(),
            "timestamp": at(metric.timestamp),
        },
    )?;
    Ok(())
}

/// The last `limit` figures of a name, newest first.
pub fn metrics(tx: &Read, name: &str, limit: u32) -> Result<Rows<Metric>> {
    let sql = "SELECT * FROM metrics WHERE name = ?1 ORDER BY id DESC LIMIT ?2";
    tx.rows(
        METRICS,
        sql,
        params![name, limit.min(LIST_ROWS_MAX)],
        |row| {
            let value = row.real_opt("value", f64::MIN..=f64::MAX)?;
            Ok(Metric {
                name: row.text("name")?,
                value: value.ok_or_else(|| row.malformed("value", "a number"))?,
                unit: row.text_opt("unit")?,
                labels: row.text("labels")?,
                timestamp: row.time("timestamp")?,
            })
        },
    )
}

/// Keeps the newest `keep` figures of all names. Returns how many were removed.
pub fn prune_metrics(tx: &Write, keep: u32) -> Result<usize> {
    tx.run("DELETE FROM metrics WHERE id <= (SELECT id FROM metrics ORDER BY id DESC LIMIT 1 OFFSET ?1)", [keep])
}

fn entry_of(row: &Cells) -> Result<Entry> {
    Ok(Entry {
        id: row.int("id", i64::MIN..=i64::MAX)?,
        timestamp: row.time("timestamp")?,
        kind: row.text("kind")?,
        severity: row.word("severity", SEVERITIES)?,
        subject: row.text_opt("subject")?,
        message: row.text("message")?,
        details: row.text("details")?,
    })
}
