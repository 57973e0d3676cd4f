//! Log synchronisation: gossip is a hint, and what is missing is pulled from connected peers until all have the same.
//!
//! [`Sync`] owns the [`crate::State`] and what waits for its ancestors; it does no I/O, reads no clock, and keeps no events'
//! bytes but those that wait. The caller carries out its effects in their order: an [`Effect::Keep`] in one
//! transaction, before anything after it. If that fails, what is in memory is ahead of the disk: stop, and begin again
//! from what was kept ([`Sync::new`]). Call [`Input::Tick`] about once a second.
//!
//! Invariants: one pull in flight per peer; only events whose signature holds are applied or wait; what waits, what a
//! peer may send and how many peers are remembered is bounded ([`crate::limits`]). One peer's garbage costs nobody
//! else anything.
//!
//! It does not decide who may connect, does not ban who comes again, and does not forward gossip: the caller passes an
//! announcement on only where `step` had nothing to say against it.

mod peer;
mod service;
mod taking;
mod waiting;
mod wire;

pub use service::Sync;
pub use wire::{Announce, Pull, Pulled, digest};

use crate::event::Verified;
use crate::fold::Outcome;
use weft_model::{Cid, Did};

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time passed.
    Tick,
    /// A peer is reachable.
    Connected {
        /// Its device.
        peer: Did,
    },
    /// A peer is gone.
    Disconnected {
        /// Its device.
        peer: Did,
    },
    /// Gossip came.
    Announced {
        /// The peer that passed it on.
        from: Did,
        /// What it says.
        announce: Announce,
    },
    /// A peer asks for events.
    Asked {
        /// Who.
        from: Did,
        /// What it has.
        pull: Pull,
    },
    /// A peer answers a pull.
    Answered {
        /// Who.
        from: Did,
        /// The page.
        pulled: Pulled,
    },
    /// A pull could not be carried out.
    Failed {
        /// From whom.
        from: Did,
    },
    /// A peer sent something that is no message.
    Garbled {
        /// Who.
        from: Did,
        /// What [`Announce::decode`], [`Pull::decode`] or [`Pulled::decode`] found.
        why: Misbehaviour,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask a peer.
    Pull {
        /// Whom.
        to: Did,
        /// What.
        pull: Pull,
    },
    /// Answer a peer's pull with [`Pulled::fill`] of these events.
    Answer {
        /// Whom.
        to: Did,
        /// The events, ancestors first.
        events: Vec<Cid>,
        /// Whether there are more.
        more: bool,
    },
    /// Tell everybody.
    Announce(Announce),
    /// Store these, in this order, in one transaction.
    Keep(Vec<Kept>),
    /// A device told two stories for the first time; both events are kept by now, and
    /// [`crate::Equivocation`] of the two proves it to anybody.
    Proof {
        /// The device.
        device: Did,
        /// The event that was here first.
        first: Cid,
        /// The other one.
        second: Cid,
    },
    /// A peer broke the protocol.
    Misbehaved {
        /// Who.
        peer: Did,
        /// How.
        why: Misbehaviour,
        /// Whether to drop it: it did so again and again. It is not listened to until it connects anew.
        drop: bool,
    },
    /// An event was kept whose instant is far ahead of this node's clock.
    Skewed {
        /// The device that wrote it.
        author: Did,
        /// The event.
        event: Cid,
        /// How far, in milliseconds.
        ms: i64,
    },
}

/// An event that was applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The event.
    pub event: Verified,
    /// As it was sent, and is to be passed on.
    pub bytes: Vec<u8>,
    /// What became of it; later events may change that, see [`crate::State::void`].
    pub outcome: Outcome,
}

/// How a peer broke the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misbehaviour {
    /// Not a message or an event.
    #[error("it sent what is no message or no event")]
    Undecodable,
    /// Too large.
    #[error("it sent {found} where {max} are allowed")]
    Oversize {
        /// What was found.
        found: usize,
        /// What is allowed.
        max: usize,
    },
    /// Another network's event.
    #[error("it sent an event of another network")]
    WrongNetwork,
    /// An event that its author did not sign.
    #[error("it sent an event that is not signed by its author")]
    BadSignature,
    /// An event that does not follow the one before it.
    #[error("it sent an event that does not follow the one before it")]
    BrokenChain,
    /// An event in a page before its ancestors.
    #[error("it sent a page that lacks the ancestors of an event in it")]
    Incomplete,
    /// A page without a pull.
    #[error("it answered what was not asked")]
    NotAsked,
    /// A page without events that says there are more.
    #[error("it sent an empty page and says that there are more")]
    EmptyPage,
    /// Too many messages.
    #[error("it sends more messages than allowed")]
    Flood,
}

/// What was let go without harm, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Announced events that were here already.
    pub known: u64,
    /// Announced events that waited too long for their ancestors, or had no room to.
    pub let_go: u64,
    /// Announced events that turned out not to follow the one before them, which whoever passed them on may not have
    /// known.
    pub refused: u64,
    /// Messages of peers that are not connected, or to be dropped.
    pub ignored: u64,
}
