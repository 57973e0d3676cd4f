//! Every bound of a run, with its unit. The larger ones can be set by the params, between the ends given here.

/// Bytes kept of one line by default; the rest is read past and the line counted as truncated.
pub const LINE_BYTES: usize = 16 * 1024;
/// Most and fewest bytes that the params may ask to keep of a line.
pub const LINE_BYTES_RANGE: (usize, usize) = (64, 1024 * 1024);

/// Tokens compared of one line by default; the rest of the line is ignored.
pub const LINE_TOKENS: usize = 512;
/// Fewest and most tokens that the params may ask for.
pub const LINE_TOKENS_RANGE: (usize, usize) = (4, 16 * 1024);

/// Templates kept by default; lines that would need one more are counted as overflow.
pub const TEMPLATES: usize = 10_000;
/// Fewest and most templates that the params may ask for.
pub const TEMPLATES_RANGE: (usize, usize) = (1, 1_000_000);

/// Bytes of templates, examples and their index kept by default.
pub const MEMORY_BYTES: usize = 64 * 1024 * 1024;
/// Fewest and most bytes that the params may ask for; the most leaves room in a 32-bit address space.
pub const MEMORY_BYTES_RANGE: (usize, usize) = (1024 * 1024, 1024 * 1024 * 1024);

/// Bytes kept of a template's example line by default.
pub const EXAMPLE_BYTES: usize = 512;
/// Fewest and most bytes that the params may ask for.
pub const EXAMPLE_BYTES_RANGE: (usize, usize) = (0, 64 * 1024);

/// Levels of the tree by default, counted as in the paper: `depth - 3` leading tokens lead to a group.
pub const DEPTH: usize = 4;
/// Fewest and most levels that the params may ask for.
pub const DEPTH_RANGE: (usize, usize) = (3, 16);

/// Share of equal tokens, 0 to 1, from which a line belongs to a template, by default.
pub const SIMILARITY: f64 = 0.4;

/// Children of a tree node by default; one of them is the wildcard.
pub const CHILDREN: usize = 100;
/// Fewest and most children that the params may ask for.
pub const CHILDREN_RANGE: (usize, usize) = (2, 100_000);

/// Share of all lines, 0 to 1, up to which a template is an outlier, by default.
pub const OUTLIER_SHARE: f64 = 0.001;
/// Lines below which no template is called an outlier: nothing is rare in a handful of lines.
pub const OUTLIER_LINES: u64 = 20;

/// Bytes kept of a timestamp; the longest form recognised has 35.
pub const STAMP_BYTES: usize = 40;

/// Leading tokens of a line in which a level is looked for.
pub const LEVEL_TOKENS: usize = 8;

/// Bytes that a template costs beside its text and tokens: its counters, timestamps and index entries.
pub const TEMPLATE_OVERHEAD_BYTES: usize = 512;
