//! What two nodes say to each other about the log: DAG-CBOR maps, bounded before and after they are decoded.

use super::Misbehaviour;
use crate::limits::{
    ANNOUNCE_BYTES, INLINE_BYTES, PAGE_BYTES, PAGE_EVENTS, PULL_BYTES, PULL_HEADS, PULLED_BYTES,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use weft_model::{Cid, cbor, content};

/// Gossip: somebody has something new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announce {
    /// [`digest`] of the announcer's heads.
    pub digest: Cid,
    /// The new event, where it has at most [`INLINE_BYTES`].
    pub event: Option<ByteBuf>,
}

/// A request for all events that the asker lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    /// Events that the asker has with all their ancestors: [`crate::State::landmarks`]. At most [`PULL_HEADS`].
    pub heads: Vec<Cid>,
    /// The last event of the page before, when this asks for the next one.
    pub after: Option<Cid>,
}

/// One page of the answer to a [`Pull`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pulled {
    /// Signed events, ancestors first: at most [`PAGE_EVENTS`] and [`PAGE_BYTES`].
    pub events: Vec<ByteBuf>,
    /// Whether there are more; then the page is not empty.
    pub more: bool,
}

/// What an announcement calls a set of heads: the CID of their sorted list.
pub fn digest(heads: &[Cid]) -> Cid {
    content::record_cid(&crate::ballot::bytes(&heads))
}

impl Announce {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        crate::ballot::bytes(self)
    }

    /// Reads what a peer sent.
    ///
    /// # Errors
    /// What the peer did wrong; tell [`super::Sync`] by [`super::Input::Garbled`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Misbehaviour> {
        let announce: Self = decode(bytes, ANNOUNCE_BYTES)?;
        announce.check()?;
        Ok(announce)
    }

    pub(super) fn check(&self) -> Result<(), Misbehaviour> {
        let size = self.event.as_ref().map_or(0, |event| event.len());
        at_most(size, INLINE_BYTES)
    }
}

impl Pull {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        crate::ballot::bytes(self)
    }

    /// Reads what a peer sent.
    ///
    /// # Errors
    /// As [`Announce::decode`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Misbehaviour> {
        let pull: Self = decode(bytes, PULL_BYTES)?;
        pull.check()?;
        Ok(pull)
    }

    pub(super) fn check(&self) -> Result<(), Misbehaviour> {
        at_most(self.heads.len(), PULL_HEADS)
    }
}

impl Pulled {
    /// The page that a [`super::Effect::Answer`] asks for, from the stored events in its order. Takes no more of them
    /// than fit, and says then that there are more.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn fill<E>(
        events: impl IntoIterator<Item = Result<Vec<u8>, E>>,
        more: bool,
    ) -> Result<Self, E> {
        let mut page = Self {
            events: Vec::new(),
            more,
        };
        let mut room = PAGE_BYTES;
        for event in events {
            let event = event?;
            if event.len() > room || page.events.len() == PAGE_EVENTS {
                page.more = true;
                break;
            }
            room -= event.len();
            page.events.push(ByteBuf::from(event));
        }
        Ok(page)
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        crate::ballot::bytes(self)
    }

    /// Reads what a peer sent.
    ///
    /// # Errors
    /// As [`Announce::decode`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Misbehaviour> {
        let page: Self = decode(bytes, PULLED_BYTES)?;
        page.check()?;
        Ok(page)
    }

    pub(super) fn check(&self) -> Result<(), Misbehaviour> {
        at_most(self.events.len(), PAGE_EVENTS)?;
        at_most(self.events.iter().map(|e| e.len()).sum(), PAGE_BYTES)?;
        if self.more && self.events.is_empty() {
            return Err(Misbehaviour::EmptyPage);
        }
        Ok(())
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<T, Misbehaviour> {
    at_most(bytes.len(), max)?;
    cbor::decode(bytes).map_err(|_| Misbehaviour::Undecodable)
}

fn at_most(found: usize, max: usize) -> Result<(), Misbehaviour> {
    if found <= max {
        Ok(())
    } else {
        Err(Misbehaviour::Oversize { found, max })
    }
}
