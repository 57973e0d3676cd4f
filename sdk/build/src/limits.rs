//! Sizes that the build decides.

/// Shadow stack of a policy, in bytes: what it takes the address of, no more. A small one is what makes a fresh instance
/// cheap: with its data it should leave room for the heap in one page of 64 KiB, since every call gets all pages zeroed.
/// An overflow is a trap, as the stack lies below everything else.
pub const POLICY_STACK_BYTES: u32 = 16 * 1024;

/// Shadow stack of a workload, in bytes.
pub const WORKLOAD_STACK_BYTES: u32 = 1024 * 1024;

/// The largest component whose CID is that of one raw block, in bytes; larger files are UnixFS.
pub(crate) const RAW_BLOCK_BYTES: usize = 1024 * 1024;

/// Longest name of a plugin or a workload, in bytes.
pub(crate) const NAME_BYTES: usize = 64;

/// How much of a failed command's output an error repeats, in bytes.
pub(crate) const OUTPUT_TAIL_BYTES: usize = 4 * 1024;
