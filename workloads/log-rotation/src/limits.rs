//! Every bound of a run, with its unit.

/// Archives kept of a log by default.
pub const KEEP: u32 = 7;
/// Fewest and most archives that the params may ask for.
pub const KEEP_RANGE: (u32, u32) = (1, 1000);

/// Logs smaller than this many bytes are left alone by default: only an empty one.
pub const MIN_BYTES: u64 = 1;

/// Most days that the params may ask for as the age of archives.
pub const MAX_AGE_DAYS: u32 = 36_500;

/// Bytes of a pattern.
pub const PATTERN_BYTES: usize = 255;

/// Entries of the directory that are looked at; a fuller directory is refused.
pub const ENTRIES: usize = 100_000;

/// Bytes copied at a time.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// How often what was appended during the copy is fetched before the log is emptied.
pub const CATCH_UPS: u32 = 8;

/// Milliseconds in a day.
pub const DAY_MS: u128 = 24 * 60 * 60 * 1000;
