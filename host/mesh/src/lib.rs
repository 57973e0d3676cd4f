//! The mesh: the only room that names libp2p.
//!
//! One task owns the swarm (`actor`), a bounded channel leads to it ([`Mesh`]), and what is decided about peers is
//! decided by a pure service with the clock as an argument ([`service`]). Payloads are bytes here: the node reads and
//! judges them ([`Host`]), and serves blocks of content ([`exchange::Blocks`]).
//!
//! Invariants: the first behaviour that sees a connection closes it unless its peer is a member's device; every limit
//! is named in [`limits`]; what is dropped is counted with its reason; a command that nobody can carry out answers
//! with an error and never waits for ever.
//!
//! What it doesn't do: it knows no event, no release, no task and no database, and it decides nothing about content.

mod actor;
mod addresses;
mod error;
pub mod exchange;
mod frames;
mod handle;
pub mod limits;
mod lobby;
mod message;
mod names;
mod observed;
mod peer;
mod public;
pub mod service;
mod swarm;
mod threads;

pub use error::MeshError;
pub use exchange::{Blocks, Exchange, FetchError, Report};
pub use handle::{Mesh, ask_lobby};
pub use libp2p::PeerId;
pub use message::{Change, Counts, Dropped, Heard, Host, PeerStatus, Protocol, Status, Topic};
pub use peer::{Path, check_address, did, lobby_beside, peer_id, try_listen};
pub use public::{Outside, Public, PublicConfig, PublicStatus};
pub use swarm::Config;
