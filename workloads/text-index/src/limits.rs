//! Every bound of a run, with its unit.

/// Bytes of a file that is read; a larger one is left out.
pub const FILE_BYTES: u64 = 4 * 1024 * 1024;
/// Files and folders that are looked at; a fuller directory is refused.
pub const ENTRIES: usize = 100_000;
/// Folders inside folders.
pub const DEPTH: usize = 32;
/// Passages of an index.
pub const PASSAGES: usize = 50_000;
/// Bytes of a passage: some 200 English tokens, which every model reads.
pub const PASSAGE_BYTES: usize = 800;
/// Texts that are embedded in one call.
pub const BATCH: usize = 32;
/// Values of a vector.
pub const DIMENSIONS: usize = 8192;
/// Bytes of a line of an index.
pub const LINE_BYTES: usize = 128 * 1024;
/// Bytes of a query.
pub const QUERY_BYTES: usize = 10_000;
/// Passages that a search gives by default.
pub const TOP: u32 = 5;
/// Most passages that a search may ask for.
pub const TOP_MOST: u32 = 100;
