//! Figures for a time series, and what happened, for those who follow.

use serde::{Deserialize, Serialize};

/// One figure, or one per value of a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its name, with its unit where it has one: `weft_content_bytes`.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Whether it only rises, from 0 at the start of the process or of the home.
    pub rises: bool,
    /// The label that tells the values apart; none: there is one value, whose label is empty.
    pub label: Option<&'static str>,
    /// The values.
    pub values: Vec<(String, f64)>,
}

/// Something that happened: an entry of the feed, or what a task became.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedEntry {
    /// When, RFC 3339.
    pub at: String,
    /// `task.queued`, `policy.swapped` …
    pub kind: String,
    /// `debug`, `info`, `warning` or `alarm`.
    pub severity: String,
    /// Whom it concerns: a task, device, release, user.
    pub subject: Option<String>,
    /// One sentence for a person.
    pub message: String,
}

/// What happened since a place in the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedReport {
    /// Where to go on: number of the last entry of the feed, and of the last change of a task.
    pub place: (i64, i64),
    /// Whether there is more already.
    pub more: bool,
    /// What happened, by time.
    pub entries: Vec<FeedEntry>,
}
