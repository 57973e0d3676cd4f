//! Every bound of a run, with its unit.

/// Bytes of a file that is read; a larger one is left out.
pub const FILE_BYTES: u64 = 4 * 1024 * 1024;
/// Files and folders that are looked at, as many as a host shows; a fuller directory is refused.
pub const ENTRIES: usize = 65_536;
/// Folders inside folders.
pub const DEPTH: usize = 32;
/// Passages of an index.
pub const PASSAGES: usize = 50_000;
/// Bytes of a passage: some 200 English tokens, which most models read whole.
pub const PASSAGE_BYTES: usize = 800;
/// Passages that are embedded in one run by default. One of 200 tokens takes all-MiniLM-L6-v2 5 x 10^9 fuel, of which a
/// job has 2 x 10^12.
pub const AT_MOST: u32 = 256;
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
