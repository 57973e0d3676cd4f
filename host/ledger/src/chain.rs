//! One device's chain: appending to it, checking one, and the proof that a device told two stories.

use crate::body::Body;
use crate::event::{Event, EventError, SignedEvent};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use weft_model::{Cid, Did, Instant};

/// The newest event of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its place.
    pub seq: u64,
    /// Its CID.
    pub cid: Cid,
    /// Its instant.
    pub at: Instant,
}

/// The chain that this device writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    network: Cid,
    author: Did,
    head: Option<Head>,
}

/// A chain that does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// An event is malformed or not signed.
    #[error(transparent)]
    Event(#[from] EventError),
    /// An event of another network.
    #[error("event {seq} is of the network `{found}`, not of the chain's")]
    WrongNetwork {
        /// Its place.
        seq: u64,
        /// The network found.
        found: Cid,
    },
    /// An event of another device.
    #[error("event {seq} is by `{found}`, the chain is `{expected}`'s")]
    WrongAuthor {
        /// Its place.
        seq: u64,
        /// The device found.
        found: Did,
        /// The device expected.
        expected: Did,
    },
    /// A place is left out, or comes twice.
    #[error("event {found} stands where event {expected} belongs")]
    Gap {
        /// The place found.
        found: u64,
        /// The place expected.
        expected: u64,
    },
    /// An event does not name the one before it.
    #[error("event {seq} does not follow the event before it; the chain was cut or changed")]
    BrokenLink {
        /// Its place.
        seq: u64,
    },
    /// Time runs backwards.
    #[error("event {seq} says {found}, which is before the {expected} of the event before it")]
    TimeRunsBack {
        /// Its place.
        seq: u64,
        /// The instant found.
        found: Instant,
        /// The earliest allowed.
        expected: Instant,
    },
}

impl Chain {
    /// The chain of a device in a network, from its last known head. A restored device must never resume from a head
    /// that is older than what it had published: it takes a new key instead.
    pub fn new(network: Cid, author: Did, head: Option<Head>) -> Self {
        Self {
            network,
            author,
            head,
        }
    }

    /// The newest event.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// The device.
    pub fn author(&self) -> &Did {
        &self.author
    }

    /// The network.
    pub fn network(&self) -> &Cid {
        &self.network
    }

    /// Signs the next event and moves the head to it. `seen` names events of other devices that this one knows by
    /// now. Where the clock stepped back, the event says the instant of the one before it.
    ///
    /// # Errors
    /// When the body or `seen` break a bound, or the key is not the chain's. The head stays.
    pub fn append(
        &mut self,
        body: Body,
        mut seen: Vec<Cid>,
        at: Instant,
        key: &SigningKey,
    ) -> Result<SignedEvent, EventError> {
        seen.sort_unstable();
        seen.dedup();
        let at = self.head.map_or(at, |head| at.max(head.at));
        let event = Event {
            network: self.network,
            author: self.author,
            seq: self.head.map_or(0, |head| head.seq) + 1,
            prev: self.head.map(|head| head.cid),
            seen,
            at,
            body,
        };
        let seq = event.seq;
        let signed = event.sign(key)?;
        let (_, cid) = signed.encode()?;
        self.head = Some(Head { seq, cid, at });
        Ok(signed)
    }

    /// Takes the next event of this chain from elsewhere, after checking it and its links.
    ///
    /// # Errors
    /// What does not hold; the head stays.
    pub fn follow(&mut self, signed: &SignedEvent) -> Result<(), ChainError> {
        let verified = signed.verify()?;
        let event = verified.event();
        let seq = event.seq;
        if event.network != self.network {
            return Err(ChainError::WrongNetwork {
                seq,
                found: event.network,
            });
        }
        if event.author != self.author {
            return Err(ChainError::WrongAuthor {
                seq,
                found: event.author,
                expected: self.author,
            });
        }
        let expected = self.head.map_or(0, |head| head.seq) + 1;
        if seq != expected {
            return Err(ChainError::Gap {
                found: seq,
                expected,
            });
        }
        if event.prev != self.head.map(|head| head.cid) {
            return Err(ChainError::BrokenLink { seq });
        }
        if let Some(head) = self.head
            && event.at < head.at
        {
            return Err(ChainError::TimeRunsBack {
                seq,
                found: event.at,
                expected: head.at,
            });
        }
        self.head = Some(Head {
            seq,
            cid: verified.cid(),
            at: event.at,
        });
        Ok(())
    }

    /// Checks a whole chain from its first event: signatures, links, places without gaps, one network and author.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify(network: Cid, author: Did, events: &[SignedEvent]) -> Result<Self, ChainError> {
        let mut chain = Self::new(network, author, None);
        for event in events {
            chain.follow(event)?;
        }
        Ok(chain)
    }
}

/// Two events of one device for one place: anybody can check that the device told two stories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equivocation {
    /// One.
    pub first: SignedEvent,
    /// The other.
    pub second: SignedEvent,
}

/// Two events that prove nothing.
#[derive(Debug, thiserror::Error)]
pub enum EquivocationError {
    /// One of them is malformed or not signed.
    #[error(transparent)]
    Event(#[from] EventError),
    /// They are the same, or not of one place.
    #[error("the two events are not two stories of one device about one place of its chain")]
    NoContradiction,
}

impl Equivocation {
    /// The device that is proved to have told two stories, and the place.
    ///
    /// # Errors
    /// When the two events prove nothing.
    pub fn verify(&self) -> Result<(Did, u64), EquivocationError> {
        let (a, b) = (self.first.verify()?, self.second.verify()?);
        let (x, y) = (a.event(), b.event());
        let same_place = (x.network, x.author, x.seq) == (y.network, y.author, y.seq);
        if same_place && a.cid() != b.cid() {
            Ok((x.author, x.seq))
        } else {
            Err(EquivocationError::NoContradiction)
        }
    }
}
