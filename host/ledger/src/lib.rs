//! What a community agreed on: signed events in hash-linked chains, one per device, and the deterministic fold that
//! turns them into members, devices, polls, donations, tiers and the constitution in force.
//!
//! A function of its arguments throughout: no storage, no network, no clock, no randomness; keys and instants are
//! passed in, and the caller keeps the bytes. Facts only: what a plugin computed (weights, tiers, scores) never
//! decides whether an event is valid.
//!
//! Invariants: an event is known by the CID of its signed record, and an event that was decoded here has one
//! encoding. The same events give the same [`State::state_digest`], whatever the order in which they arrive.
//!
//! The rooms inside, bottom up: [`sign`], [`genesis`], [`ballot`], [`rekey`], [`body`], [`event`], [`chain`], [`fold`],
//! [`sync`]; beside them [`constitution`] (the record that activations name) and [`tally`] (sums of weights).

pub mod ballot;
pub mod body;
pub mod chain;
pub mod constitution;
pub mod event;
pub mod fold;
pub mod genesis;
pub mod limits;
pub mod rekey;
pub mod sign;
pub mod sync;
pub mod tally;

pub use ballot::SignedBallot;
pub use body::{Body, LastEvent, MemberRole};
pub use chain::{Chain, ChainError, Equivocation, Head};
pub use constitution::{Assignment, Constitution, MeshPolicy, Mode};
pub use event::{Event, EventError, SignedEvent, Verified};
pub use fold::{Inbox, InboxError, Member, Outcome, Poll, Rejected, State, Void};
pub use genesis::Genesis;
pub use rekey::Rekey;
pub use sync::Sync;
pub use tally::{Tally, TallyError};
