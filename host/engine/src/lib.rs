//! Check, compile, link, limit and call components. The only crate that names wasmtime.
//!
//! Policies and workloads have an engine each. A policy ([`policy`]) is import-free, gets a fresh instance for every
//! call, canonical NaNs, and answers within fuel, time, memory, stack and output limits. A job ([`workload`]) is
//! given its input as a stream, a virtual WASI, and the directories that its owner granted. [`slots`] holds which
//! policy serves which slot, swaps it atomically, and puts one that traps out of service.
//!
//! Nothing here judges: what a verdict means is decided in other rooms. Nothing here touches the database; the
//! native cache's digests are passed in and out.

pub mod bindings;
pub mod cache;
pub mod compile;
mod error;
pub mod inspect;
pub mod limits;
pub mod policy;
pub mod slots;
mod ticker;
pub mod wasi;
pub mod workload;

pub use compile::Compiler;
pub use error::{CallError, CheckError, Limit};
pub use inspect::{Inspected, inspect};
pub use policy::{Called, Policy, PolicyEngine};
pub use slots::{Active, Answer, Fault, OnTrial, Slots, Table, TrialMode};
pub use wasi::{Dir, GRANTED, READ};
pub use workload::{Finished, Job, JobFailure, JobLimits, Workload, WorkloadEngine};
