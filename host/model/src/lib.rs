//! Shared nouns: ids, CIDs, tasks, verdicts, limits.
