//! One file per WIT package and version: the generated bindings and the conversion of records.
//!
//! A later version of a package gets a file of its own whose conversions go through the same host types; the rest
//! of the engine sees only [`Bound`].

pub mod carbon;
pub mod chat;
pub mod consent;
pub mod demand;
pub mod embeddings;
pub mod emergency;
pub mod ethics;
pub mod ocr;
pub mod quota;
pub mod reputation;
pub mod reward;
pub mod scorer;
pub mod sla;
pub mod voting;
pub mod workload;

use wasmtime::Store;
use weft_model::slots::PolicyError;
use weft_model::{Instant, SlotCall, SlotReply};

/// What a policy's store holds: its limits and nothing else.
pub struct PolicyState {
    /// Most bytes of linear memory, and of tables.
    pub memory_bytes: usize,
    /// Whether it asked for more.
    pub memory_denied: bool,
}

/// A compiled and linked policy of one slot and version.
#[allow(
    clippy::ptr_arg,
    reason = "the generated bindings take a `list<u8>` behind an alias as `&Vec<u8>`"
)]
pub trait Bound: Send + Sync {
    /// Calls a fresh instance. The outer error is a trap or a limit, the inner one the policy's own answer.
    fn call(
        &self,
        store: &mut Store<PolicyState>,
        now: Instant,
        config: &Vec<u8>,
        call: &SlotCall,
    ) -> wasmtime::Result<Result<SlotReply, PolicyError>>;
}

/// The error for a call that went to a plugin of another slot: a mistake of the host.
fn unexpected(package: &str, call: &SlotCall) -> wasmtime::Error {
    wasmtime::Error::msg(format!(
        "a `{}` call went to a `weft:{package}` plugin",
        call.name()
    ))
}
