//! Shared nouns of the host: ids, CIDs, instants, tasks, slots with their inputs and outputs, features, limits.
//!
//! No I/O, no async, no clock, no rules. Everything here is plain data that other rooms pass to each other. The slot
//! types mirror `wit/*/0.1.0` field by field, so that a recorded call reads the same in the host, in a golden
//! vector and in a plugin.

pub mod advert;
pub mod cbor;
pub mod columns;
pub mod content;
pub mod did;
pub mod features;
pub mod limits;
pub mod slot;
pub mod slots;
pub mod task;
pub mod text;
pub mod vector;

pub use cid::Cid;
pub use columns::Columns;
pub use did::Did;
pub use slot::Slot;
pub use slots::{SlotCall, SlotReply};

/// An instant: milliseconds since 1970-01-01T00:00:00 UTC, signed.
pub type Instant = i64;
