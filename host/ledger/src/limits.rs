//! Limits of events and constitutions, with their units.

/// Largest signed event, in bytes. A closing that lists 10,000 ballots has about 420,000.
pub const EVENT_BYTES: usize = 1024 * 1024;
/// Largest constitution, in bytes.
pub const CONSTITUTION_BYTES: usize = 1024 * 1024;
/// Largest genesis record, in bytes.
pub const GENESIS_BYTES: usize = 16 * 1024;
/// Most heads of other devices that one event names.
pub const SEEN: usize = 256;
/// Longest user name, task name, option, tier or word, in bytes.
pub const NAME_BYTES: usize = weft_model::limits::NAME_BYTES;
/// Longest reason of a revocation, in bytes.
pub const REASON_BYTES: usize = 512;
/// Fewest and most options of a poll.
pub const OPTIONS: std::ops::RangeInclusive<usize> = 2..=32;
/// Shortest and longest life of a poll, in milliseconds: one second and 30 days.
pub const POLL_MS: std::ops::RangeInclusive<i64> = 1_000..=30 * 24 * 3_600_000;
/// Most ballots that a closing lists.
pub const BALLOTS: usize = 20_000;
/// Most votes that an activation names.
pub const VOTES: usize = 20_000;
/// Most devices that a removal names.
pub const DEVICES: usize = 1_024;
/// How long after a poll's end only its opener may close it, in milliseconds.
pub const CLOSE_GRACE_MS: i64 = 60_000;
/// Largest integer in a record: 2^53 - 1.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;
/// Events that wait for their ancestors.
pub const INBOX: usize = 4_096;
/// Plugins in a slot that holds a list of them.
pub const CHAIN_PLUGINS: usize = 16;
/// Largest config in a constitution, in bytes.
pub const CONFIG_BYTES: usize = 64 * 1024;
/// Names that a constitution binds to workloads.
pub const WORKLOADS: usize = 1_024;
/// Witnesses that a constitution names.
pub const WITNESSES: usize = 64;
