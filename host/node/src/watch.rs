//! What happened, for those who follow: entries of the feed and what tasks became, each by its running number, so that
//! nothing is left out and nothing comes twice.

use crate::clock::rfc3339;
use crate::error::Result;
use crate::node::Node;
use crate::report::{FeedEntry, FeedReport};
use weft_model::Instant;
use weft_model::text::printable;
use weft_store::{feed, tasks};

/// Entries of each kind in one answer.
const PAGE: u32 = 500;
/// Longest message, in bytes.
const MESSAGE_BYTES: usize = 1_024;

impl Node {
    /// What happened after a place. None: the last `last` entries of each kind, to begin with.
    ///
    /// # Errors
    /// When the database can't be read. A row that can't be read is passed over, and the log says so.
    pub fn happened(&self, after: Option<(i64, i64)>, last: u32) -> Result<FeedReport> {
        self.store.read(|tx| {
            let newest = (feed::newest(tx)?, tasks::history_newest(tx)?);
            let last = i64::from(last.min(PAGE));
            let before = (newest.0 - last, newest.1 - last);
            // A place beyond the end is one of another database, as after `weft restore`.
            let (events, changes) = after.map_or(before, |(events, changes)| {
                (events.min(newest.0), changes.min(newest.1))
            });
            let happened = feed::since(tx, events, PAGE)?;
            let became = tasks::history_since(tx, changes, PAGE)?;
            for row in happened.malformed.iter().chain(&became.malformed) {
                tracing::warn!("an entry is passed over: {row}");
            }
            let full = |read: usize| read >= PAGE as usize;
            let events_full = full(happened.rows.len() + happened.malformed.len());
            let changes_full = full(became.rows.len() + became.malformed.len());
            // A page whose end is all malformed can't say its last number; then one reads on behind the page.
            let place = (
                place_after(
                    events,
                    newest.0,
                    events_full,
                    happened.rows.last().map(|e| e.id),
                ),
                place_after(
                    changes,
                    newest.1,
                    changes_full,
                    became.rows.last().map(|e| e.0),
                ),
            );
            let mut entries: Vec<(Instant, FeedEntry)> = Vec::new();
            entries.extend(happened.rows.into_iter().map(|e| {
                let entry = FeedEntry {
                    at: rfc3339(e.timestamp),
                    kind: printable(&e.kind, MESSAGE_BYTES),
                    severity: e.severity.as_str().to_owned(),
                    subject: e.subject.map(|s| printable(&s, MESSAGE_BYTES)),
                    message: printable(&e.message, MESSAGE_BYTES),
                };
                (e.timestamp, entry)
            }));
            entries.extend(became.rows.into_iter().map(|(_, change)| {
                let entry = FeedEntry {
                    at: rfc3339(change.timestamp),
                    kind: format!("task.{}", printable(&change.status, MESSAGE_BYTES)),
                    severity: "info".to_owned(),
                    subject: Some(printable(&change.task_id, MESSAGE_BYTES)),
                    message: printable(
                        change.reasoning.as_deref().unwrap_or_default(),
                        MESSAGE_BYTES,
                    ),
                };
                (change.timestamp, entry)
            }));
            // Stable: what has one second stays in the order of its numbers.
            entries.sort_by_key(|(at, _)| *at);
            Ok(FeedReport {
                place,
                more: events_full || changes_full,
                entries: entries.into_iter().map(|(_, entry)| entry).collect(),
            })
        })
    }
}

/// Where the next answer goes on. What was read ends at `last`; a page that is not full was read to the end.
fn place_after(from: i64, newest: i64, full: bool, last: Option<i64>) -> i64 {
    match (full, last) {
        (false, _) => newest,
        (true, Some(last)) => last,
        (true, None) => from + i64::from(PAGE),
    }
}
