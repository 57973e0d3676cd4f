//! The composition root: opens a home, reads the clock, and carries effects between the rooms.
//!
//! A [`Node`] owns one home under its lock: the store, the engines, the keys, the slots' table. It has no rules of its
//! own: the pipeline decides what is asked when, plugins judge, the ledger says what an event is, the scheduler says
//! what is due. The modules hold one concern each, as methods on [`Node`].
//!
//! What it doesn't do: it knows no HTTP, no terminal and no swarm.

mod backup;
mod bindings;
mod carbon;
pub mod clock;
mod community;
mod compiling;
mod daemon;
mod deciding;
mod descriptor;
mod error;
mod facts;
mod gather;
mod genesis;
mod home;
mod jobs;
mod keys;
mod log;
mod machine;
mod neighbours;
mod node;
mod owner;
mod policies;
mod polls;
pub mod receipt;
mod releases;
pub mod report;
mod settings;
mod status;
mod tasks;
mod trials;
mod verify;

pub use backup::RestoreOptions;
pub use clock::{Clock, ManualClock, SystemClock};
pub use deciding::{CanaryFailed, Decided, TraceLine};
pub use error::{Code, NodeError, Result};
pub use home::Home;
pub use node::{BundleComponent, DEFAULT_OWNER, InitOptions, Node, OpenOptions};
pub use weft_engine::compile::{VERB as COMPILE_WORKER, serve as compile_worker};
pub use weft_store::peers::Peer;
