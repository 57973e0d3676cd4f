//! Limits of a release and its envelope, with their units.

/// Largest release record, in bytes.
pub const RELEASE_BYTES: usize = 256 * 1024;
/// Largest envelope, in bytes: a release and its signatures.
pub const ENVELOPE_BYTES: usize = RELEASE_BYTES + 64 * 1024;
/// Longest release name, in characters.
pub const NAME_CHARS: usize = 64;
/// Longest world or import name, in bytes.
pub const WORLD_BYTES: usize = 128;
/// Longest description, in bytes.
pub const DESCRIPTION_BYTES: usize = 4 * 1024;
/// Longest source, license or domain, in bytes.
pub const TEXT_BYTES: usize = 512;
/// Largest JSON Schema of a config, in bytes.
pub const SCHEMA_BYTES: usize = 64 * 1024;
/// Largest canonical config, in bytes.
pub const CONFIG_BYTES: usize = 64 * 1024;
/// Deepest nesting of a config, and longest chain of references in its schema, in steps.
pub const CONFIG_DEPTH: usize = 32;
/// Most imports of a release.
pub const IMPORTS: usize = 64;
/// Most features that a release reads.
pub const FEATURES: usize = 64;
/// Most models of a release.
pub const MODELS: usize = 16;
/// Most signatures on an envelope.
pub const SIGNATURES: usize = 64;
/// Largest integer in a record: 2^53 - 1, the largest that every JSON reader still tells from its neighbours.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;
/// Largest model, in bytes: 1 TiB.
pub const MODEL_BYTES: u64 = 1 << 40;
/// Largest signed statement about a name or a key, in bytes.
pub const STATEMENT_BYTES: usize = 8 * 1024;
/// Largest `trust.toml`, in bytes.
pub const TRUST_BYTES: usize = 256 * 1024;
/// Most rules of a `trust.toml`.
pub const TRUST_RULES: usize = 256;
/// Most rotations in a row that are followed from a listed key to the one in its place.
pub const ROTATIONS: usize = 16;
/// Largest LoRA adapter, in bytes: 4 GiB.
pub const SKILL_BYTES: u64 = 4 << 30;
/// Bytes of one leaf of a file: 1 MiB; the last leaf may be shorter.
pub const LEAF_BYTES: usize = 1 << 20;
/// Most links of one inner node of a file.
pub const NODE_LINKS: usize = 1024;
/// Largest inner node of a file, in bytes; 1,024 links with their sizes take about 57 kB.
pub const NODE_BYTES: usize = 256 * 1024;
/// Most levels of inner nodes above a file's leaves.
pub const NODE_DEPTH: usize = 4;
/// Largest file, in bytes: 1 TiB.
pub const FILE_BYTES: u64 = 1 << 40;
/// Most leaves of one file, each as often as it occurs: those of 1 TiB.
pub const FILE_LEAVES: usize = 1 << 20;
/// Most inner nodes of one file, each as often as it occurs: twice what 1 TiB needs.
pub const FILE_NODES: usize = 2 * (FILE_LEAVES / NODE_LINKS + 1);
/// Largest block that may stand in a CAR file, in bytes: 2 MiB, as large as Bitswap carries.
pub const CAR_BLOCK_BYTES: usize = 2 << 20;
/// Largest header of a CAR file, in bytes.
pub const CAR_HEADER_BYTES: usize = 64 * 1024;
/// Most roots of a CAR file.
pub const CAR_ROOTS: usize = 1024;
/// Most blocks of a CAR file: 256 GiB of whole leaves. Who reads one holds some 150 bytes for each.
pub const CAR_BLOCKS: u64 = 256 * 1024;
