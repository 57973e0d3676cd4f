//! What a node remembers, in one SQLite file that people may query and edit with `sqlite3` while the node runs.
//!
//! [`Store::open`] brings the file up to date and hands out [`Reader`]s and the one [`Writer`]. A reader works on
//! one consistent moment ([`Read`]); the writer's changes become durable together or not at all ([`Write`]). The
//! modules hold one concern each, as plain functions over those two.
//!
//! Invariants:
//! - Nothing is cached across transactions: what a person changes by hand is seen by the next one.
//! - A row that can't be read is a [`Malformed`] that names table, row and column. It is never skipped silently and
//!   never replaced by a default; what follows from it (an owner's rules fail closed) is the caller's.
//! - Instants are signed 64-bit UTC milliseconds in the API and `YYYY-MM-DD HH:MM:SS` UTC text in the tables, so
//!   they come back in whole seconds ([`time`]).
//! - When a write returns, it is on the disk.
//!
//! Large content lies as files beside the database ([`content`]); their rows say what is there.
//!
//! What it doesn't do: it judges nothing, reads no clock, makes no CIDs (it compares content with the CIDs that it was
//! given), checks no signatures, knows no rule types and no zones, and does not keep a second node off the home (the
//! node's lock file does).

pub mod blocks;
pub mod bound;
pub mod carbon;
pub mod content;
pub mod decisions;
pub mod devices;
pub mod events;
pub mod feed;
pub mod grants;
pub mod installs;
pub mod invites;
pub mod keys;
pub mod leases;
pub mod limits;
pub mod members;
pub mod meta;
pub mod models;
pub mod owner;
pub mod peers;
pub mod polls;
pub mod publishers;
pub mod releases;
pub mod slots;
pub mod tasks;
pub mod tiers;
pub mod time;
pub mod trials;

mod cells;
mod error;
mod migrate;
mod store;
mod tx;

pub use error::{Error, Malformed, Result};
pub use migrate::SCHEMA_VERSION;
pub use store::{Reader, Store, Writer};
pub use tx::{Read, Rows, Write};
