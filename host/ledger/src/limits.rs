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

// Of log synchronisation.

/// Most bytes of events that one page of an answer carries; the largest event fits.
pub const PAGE_BYTES: usize = EVENT_BYTES;
/// Most events that one page of an answer carries.
pub const PAGE_EVENTS: usize = 1_000;
/// Most CIDs that one pull names. Whoever has more heads names the ones they learned of first; then pages repeat
/// some of what they have, and none is left out.
pub const PULL_HEADS: usize = 2_048;
/// Largest event that is told by gossip, in bytes; a larger one is announced without itself, and pulled.
pub const INLINE_BYTES: usize = 32 * 1024;
/// Largest encoded announcement, in bytes.
pub const ANNOUNCE_BYTES: usize = INLINE_BYTES + 256;
/// Largest encoded pull, in bytes: a CID has 41.
pub const PULL_BYTES: usize = PULL_HEADS * 48 + 256;
/// Largest encoded page, in bytes: an event has up to 5 beside its own.
pub const PULLED_BYTES: usize = PAGE_BYTES + PAGE_EVENTS * 8 + 256;
/// Peers that a log is synchronised with at once; one that connects above is not until it connects again.
pub const SYNC_PEERS: usize = 1_024;
/// How often one connected peer, in turn, is asked what is new, in milliseconds.
pub const ROUND_MS: i64 = 30_000;
/// When the next peer is asked after a pull that failed, in milliseconds.
pub const RETRY_MS: i64 = 1_000;
/// Least time between two pulls from one peer that announcements or empty-handed pages cause, in milliseconds.
pub const PULL_PAUSE_MS: i64 = 1_000;
/// After how long a pull without an answer is forgotten, in milliseconds.
pub const PULL_TIMEOUT_MS: i64 = 10_000;
/// How long an announced event waits for its ancestors, in milliseconds; a later pull brings it anyway.
pub const WAIT_MS: i64 = 60_000;
/// Bytes of announced events that wait for their ancestors.
pub const WAITING_BYTES: usize = 16 * 1024 * 1024;
/// Events of one peer that wait for their ancestors.
pub const WAITING_PER_PEER: usize = 256;
/// How far ahead of this node's clock an event's instant may be before it is flagged, in milliseconds.
pub const SKEW_MS: i64 = 600_000;
/// Misdeeds after which a peer is to be dropped.
pub const STRIKES: u32 = 3;
/// After how long without another one a peer's misdeeds are forgotten, in milliseconds.
pub const FORGIVEN_MS: i64 = 600_000;
/// How often a peer that sends too much is named, in milliseconds.
pub const FLOOD_MS: i64 = 1_000;
/// Announcements that one peer may send in a second.
pub const ANNOUNCES_PER_SECOND: u32 = 500;
/// Announcements that one peer may send at once.
pub const ANNOUNCES_AT_ONCE: u32 = 5_000;
/// Pulls that one peer may send in a second: more than a fast reader of full pages needs.
pub const ASKS_PER_SECOND: u32 = 50;
/// Pulls that one peer may send at once.
pub const ASKS_AT_ONCE: u32 = 200;
