//! The engine's own limits, each with its unit. What a release may set is in `weft_model::limits`.

use weft_model::limits::COMPONENT_BYTES;

/// Time between two epochs: how exact a deadline is, in milliseconds.
pub const EPOCH_MS: u64 = 10;
/// How long the epoch thread goes on after the last call before it sleeps, in milliseconds.
pub const EPOCH_LINGER_MS: u64 = 1_000;
/// Stack of a wasm call, in bytes.
pub const STACK_BYTES: usize = 256 * 1024;
/// Wall time for compiling one component, in milliseconds.
pub const COMPILE_MS: u64 = 60_000;
/// Bytes in a mebibyte.
pub const MIB: u64 = 1024 * 1024;
/// Processor time of a compile worker, all its threads together, in seconds: it ends also when nobody watches it.
pub const COMPILE_CPU_S: u64 = 240;
/// Threads of a compile worker.
pub const COMPILE_THREADS: usize = 4;
/// Address space of a compile worker for a policy, the program itself included, in bytes.
pub const POLICY_COMPILE_BYTES: u64 = 1024 * MIB;
/// Address space of a compile worker for a workload, the program itself included, in bytes.
pub const WORKLOAD_COMPILE_BYTES: u64 = 3 * 1024 * MIB;
/// A component that holds its model, in bytes: the largest memory that a workload has, and its code.
pub const SNAPSHOT_BYTES: u64 = 4 * 1024 * MIB + COMPONENT_BYTES;
/// Address space of a compile worker for such a component, which it holds about three times, in bytes.
pub const SNAPSHOT_COMPILE_BYTES: u64 = WORKLOAD_COMPILE_BYTES + 3 * SNAPSHOT_BYTES;
/// Native code that is taken from a compile worker, in bytes.
pub const COMPILE_OUTPUT_BYTES: u64 = 1024 * MIB;
/// Fuel for loading a model, which is done once.
pub const LOAD_FUEL: u64 = 20_000_000_000_000;
/// Wall time for loading a model, in milliseconds.
pub const LOAD_MS: u64 = 10 * 60 * 1000;
/// Texts in one call for embeddings.
pub const EMBED_TEXTS: usize = 32;
/// Texts in one call by a job that has another workload embed them, as `weft:embeddings` says.
pub const EMBED_TEXTS_ASKED: usize = 64;
/// Bytes of the texts in one call, and of one text.
pub const EMBED_BYTES: usize = MIB as usize;
/// Bytes of a conversation.
pub const CHAT_BYTES: usize = MIB as usize;
/// Tokens of an answer that can be asked for.
pub const CHAT_TOKENS: u32 = 1 << 20;
/// The file of an image that is read, in bytes.
pub const OCR_IMAGE_BYTES: usize = 32 * MIB as usize;
/// Body of one function of a policy, in bytes of wasm: what a compiler still takes within the time.
pub const POLICY_FUNCTION_BYTES: u64 = 256 * 1024;
/// Code of a policy, in bytes of wasm.
pub const POLICY_CODE_BYTES: u64 = 8 * 1024 * 1024;
/// Body of one function of a workload, in bytes of wasm.
pub const WORKLOAD_FUNCTION_BYTES: u64 = 8 * 1024 * 1024;
/// Code of a workload, in bytes of wasm.
pub const WORKLOAD_CODE_BYTES: u64 = 64 * 1024 * 1024;
/// Core modules, components and instances inside one component.
pub const NESTED: u64 = 256;
/// Longest message of a guest that is kept, in bytes.
pub const MESSAGE_BYTES: usize = 512;
/// Bytes that a job gets from one read.
pub const READ_BYTES: u32 = 1024 * 1024;
/// Bytes that a job may copy in one call, in and out.
pub const JOB_COPY_BYTES: usize = 16 * 1024 * 1024;
/// Failures that are kept for the breaker until somebody takes them; older ones give way.
pub const FAULTS_KEPT: usize = 256;
