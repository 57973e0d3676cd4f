//! Every limit of the store, with its unit.

/// How long a statement waits for another program's lock, in milliseconds.
pub const BUSY_TIMEOUT_MS: u64 = 5_000;

/// Read connections kept open for [`crate::Store::read`].
pub const READERS_KEPT: usize = 8;

/// Pages of the database that a connection keeps in memory, in KiB; the system has the rest in its own cache.
pub const PAGES_KEPT_KIB: i64 = 512;

/// Prepared statements kept per connection.
pub const STATEMENTS_KEPT: usize = 256;

/// The write-ahead log is cut back to this many bytes when it has been copied into the database.
pub const WAL_BYTES_KEPT: i64 = 64 * 1024 * 1024;

/// The largest block that [`crate::blocks::put`] takes, in bytes.
pub const BLOCK_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most rows that one list returns.
pub const LIST_ROWS_MAX: u32 = 10_000;

/// How much of a malformed value is shown, in characters.
pub const VALUE_SHOWN_CHARS: usize = 80;

/// The longest rest between two tasks that an owner can ask for, in minutes (one year).
pub const IDLE_MINUTES_MAX: i64 = 366 * 24 * 60;

/// The rest between two tasks where the owner said nothing, in minutes.
pub const IDLE_MINUTES_DEFAULT: i64 = 5;

/// The largest leaf of content, in bytes; a release's component of older homes is one leaf.
pub const LEAF_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Leaves of content that are looked up at a time.
pub const LEAVES_PER_PAGE: u32 = 1024;

/// The most threads that rehash content.
pub const VERIFY_THREADS_MAX: usize = 4;

/// The most contents that hold a leaf and are tried when one of them is damaged.
pub const LEAF_COPIES_TRIED: u32 = 8;
