//! Every limit that more than one room knows, with its unit.

/// Largest DAG-CBOR record that is decoded.
pub const RECORD_BYTES: usize = 4 * 1024 * 1024;
/// Rows in one call of a policy.
pub const ROWS_PER_CALL: usize = 4_096;
/// Longest task name, user name, tag or peer id, in bytes.
pub const NAME_BYTES: usize = 256;
/// Most tags on a task.
pub const TAGS: usize = 64;
/// Largest component that is accepted, in bytes.
pub const COMPONENT_BYTES: u64 = 64 * 1024 * 1024;

/// Fuel of one policy call.
pub const POLICY_FUEL: u64 = 50_000_000;
/// Linear memory of one policy instance, in bytes.
pub const POLICY_MEMORY_BYTES: u64 = 32 * 1024 * 1024;
/// Wall time of one policy call, in milliseconds.
pub const POLICY_DEADLINE_MS: u64 = 250;
/// Bytes that one policy call may copy to the host.
pub const POLICY_OUTPUT_BYTES: u64 = 1024 * 1024;

/// Fuel of one job.
pub const WORKLOAD_FUEL: u64 = 2_000_000_000_000;
/// Linear memory of one job, in bytes.
pub const WORKLOAD_MEMORY_BYTES: u64 = 1024 * 1024 * 1024;
/// Wall time of one job, in milliseconds: the default task timeout of 30 minutes.
pub const WORKLOAD_DEADLINE_MS: u64 = 30 * 60 * 1000;
/// Wall time of all golden vectors of a workload together, in milliseconds.
pub const WORKLOAD_VECTORS_MS: u64 = 30_000;
/// Bytes that one job may write.
pub const WORKLOAD_OUTPUT_BYTES: u64 = 1024 * 1024 * 1024;
