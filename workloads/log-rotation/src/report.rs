//! The output: what was done with each file and why.

use serde::Serialize;

/// What was done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A log's content is in its first archive now, and the log is empty.
    Rotated,
    /// Left as it was.
    Skipped,
    /// An archive, or what a broken run left, is gone.
    Removed,
    /// Something went wrong; nothing of its content is lost.
    Failed,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name in the directory; characters that are not UTF-8 are replaced.
    pub file: String,
    /// What was done.
    pub action: Action,
    /// Its bytes before.
    pub bytes_before: u64,
    /// Bytes on disk after: of a rotated log its archive's, of a removed file 0.
    pub bytes_after: u64,
    /// Why, for a person.
    pub why: String,
}

/// The whole output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The files, in the order in which they were dealt with: logs by name, each before its archives.
    pub files: Vec<Entry>,
}

impl Report {
    /// Adds a file.
    pub fn add(
        &mut self,
        file: &str,
        action: Action,
        before: u64,
        after: u64,
        why: impl Into<String>,
    ) {
        self.files.push(Entry {
            file: file.to_owned(),
            action,
            bytes_before: before,
            bytes_after: after,
            why: why.into(),
        });
    }

    /// How many files had that action.
    pub fn count(&self, action: Action) -> usize {
        self.files.iter().filter(|e| e.action == action).count()
    }

    /// One line for a person.
    pub fn summary(&self) -> String {
        let of = |action| self.files.iter().filter(move |e| e.action == action);
        let before: u64 = of(Action::Rotated).map(|e| e.bytes_before).sum();
        let after: u64 = of(Action::Rotated).map(|e| e.bytes_after).sum();
        let mut text = format!(
            "{} rotated ({before} bytes into {after}), {} skipped, {} removed, {} failed",
            self.count(Action::Rotated),
            self.count(Action::Skipped),
            self.count(Action::Removed),
            self.count(Action::Failed)
        );
        if let Some(first) = of(Action::Failed).next() {
            text.push_str(&format!("; `{}`: {}", first.file, first.why));
        }
        text
    }
}
