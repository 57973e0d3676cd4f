//! What happened, one line each.

use super::style::{BAD, DIM, HEAD, WARN, paint};
use weft_api::report::FeedEntry;

/// A line for a person; its texts are safe to show.
pub fn line(entry: &FeedEntry) -> String {
    let kind = match entry.severity.as_str() {
        "alarm" => paint(BAD, &entry.kind),
        "warning" => paint(WARN, &entry.kind),
        _ => paint(HEAD, &entry.kind),
    };
    let subject = entry.subject.as_deref().unwrap_or("-");
    let line = format!(
        "{}  {kind}  {subject}  {}",
        paint(DIM, &entry.at),
        entry.message
    );
    format!("{}\n", line.trim_end())
}
