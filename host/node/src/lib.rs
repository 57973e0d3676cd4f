//! The composition root: opens a home, reads the clock, and carries effects between the rooms.
//!
//! A [`Node`] owns one home under its lock: the store, the engines, the keys, the slots' table. It has no rules of its
//! own: the pipeline decides what is asked when, plugins judge, the ledger says what an event is, the scheduler says
//! what is due. The modules hold one concern each, as methods on [`Node`].
//!
//! What it doesn't do: it knows no HTTP, no terminal and no swarm.

mod advert;
mod backup;
mod bindings;
mod breaker;
mod caps;
mod carbon;
pub mod clock;
mod community;
mod compiling;
mod content;
mod daemon;
mod deciding;
mod descriptor;
mod doctor;
pub mod energy;
mod error;
mod facts;
mod gather;
mod genesis;
mod given;
mod grants;
mod home;
pub mod install;
mod jobs;
pub mod key_report;
mod keyring;
mod keys;
mod log;
mod machine;
mod mesh;
mod metrics;
mod models;
mod name;
mod naming;
mod neighbours;
mod network;
mod node;
mod owner;
mod package;
mod passphrase;
mod peering;
mod policies;
mod polls;
mod private;
mod projection;
mod public;
pub mod receipt;
mod receipts;
mod releases;
pub mod report;
mod settings;
mod status;
mod sync;
mod tasks;
mod tree;
mod trials;
mod trust;
mod vectors;
mod verify;
mod watch;

pub use backup::RestoreOptions;
pub use clock::{Clock, ManualClock, SteeredClock, SystemClock};
pub use content::Imported;
pub use deciding::{CanaryFailed, Decided, TraceLine};
pub use error::{Code, NodeError, Result};
pub use home::Home;
pub use install::Wanted;
pub use keyring::KeyPart;
pub use models::BundleModel;
pub use network::InviteWanted;
pub use node::{Bundle, BundleComponent, DEFAULT_OWNER, InitOptions, Node, OpenOptions};
pub use package::{BuildWanted, SkillWanted};
pub use passphrase::Passphrase;
pub use trust::RuleSpec;
pub use weft_engine::compile::{VERB as COMPILE_WORKER, serve as compile_worker};
pub use weft_release::car::Limits as CarLimits;
pub use weft_release::unixfs::file_cid;
pub use weft_store::peers::Peer;
