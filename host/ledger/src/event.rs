//! Events: what a device says at one place of its chain, and its signature.

use crate::body::Body;
use crate::limits::{EVENT_BYTES, MAX_INTEGER, SEEN};
use crate::sign::{self, EVENT_TYPE, Signature};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use weft_model::cbor::{self, CborError};
use weft_model::{Cid, Did, Instant, content};

/// What a device says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The network: the CID of its genesis record.
    pub network: Cid,
    /// The device.
    pub author: Did,
    /// Its place in the device's chain, from 1, without gaps.
    pub seq: u64,
    /// The device's event before this one; none for the first.
    pub prev: Option<Cid>,
    /// Events of other devices that this one has seen since, sorted; their ancestors count as seen.
    pub seen: Vec<Cid>,
    /// When the device says it happened.
    pub at: Instant,
    /// What it says.
    pub body: Body,
}

/// An event and its device's signature. Its CID is over this record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedEvent {
    /// What is said.
    pub event: Event,
    /// By whom: the author's signature.
    pub signature: Signature,
}

/// An event whose signature and shape were checked, with its CID.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    pub(crate) cid: Cid,
    pub(crate) event: Event,
}

/// Bytes or a record that are no event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Not DAG-CBOR of this shape.
    #[error("event: {0}")]
    Cbor(#[from] CborError),
    /// Too many bytes.
    #[error("an event of {found} bytes is over the limit of {EVENT_BYTES} bytes")]
    TooLarge {
        /// Bytes found.
        found: usize,
    },
    /// Another encoding of what it says.
    #[error("the event is not in canonical DAG-CBOR")]
    NotCanonical,
    /// Not signed by its author.
    #[error("the signature of `{author}` on event {seq} does not hold")]
    BadSignature {
        /// The author named.
        author: Did,
        /// The place named.
        seq: u64,
    },
    /// Signed by another key than its author's.
    #[error("the key is `{key}`, but the event's author is `{author}`")]
    WrongKey {
        /// The key given.
        key: Did,
        /// The author named.
        author: Did,
    },
    /// A field breaks its bound.
    #[error("event field `{field}`: found {why}")]
    Field {
        /// The field.
        field: &'static str,
        /// What was found and what is allowed.
        why: String,
    },
}

impl Event {
    /// Signs it.
    ///
    /// # Errors
    /// When a field breaks its bound, the record is too large, or the key is not the author's.
    pub fn sign(self, key: &SigningKey) -> Result<SignedEvent, EventError> {
        let did = sign::did(key);
        if did != self.author {
            return Err(EventError::WrongKey {
                key: did,
                author: self.author,
            });
        }
        self.validate()?;
        let signature = sign::sign(key, EVENT_TYPE, &cbor::encode(&self)?);
        let signed = SignedEvent {
            event: self,
            signature,
        };
        signed.encode()?;
        Ok(signed)
    }

    /// Checks every bound that needs nothing but the event itself.
    ///
    /// # Errors
    /// The field that breaks one.
    pub fn validate(&self) -> Result<(), EventError> {
        let bad = |field, why: String| Err(EventError::Field { field, why });
        if !(1..=MAX_INTEGER).contains(&self.seq) {
            return bad(
                "seq",
                format!("{}, allowed is 1 to {MAX_INTEGER}", self.seq),
            );
        }
        if self.prev.is_some() != (self.seq > 1) {
            return bad(
                "prev",
                "a first event with one, or a later one without".to_owned(),
            );
        }
        if self.seen.len() > SEEN {
            return bad(
                "seen",
                format!("{} events, allowed are {SEEN}", self.seen.len()),
            );
        }
        if !self.seen.windows(2).all(|w| w[0] < w[1]) {
            return bad("seen", "a list out of order or with repeats".to_owned());
        }
        if let Err(why) = self.body.validate() {
            return bad("body", why);
        }
        if let Body::PollOpened { closes_at, .. } = &self.body
            && let Err(why) = crate::body::check_poll_life(self.at, *closes_at)
        {
            return bad("body", why);
        }
        Ok(())
    }
}

impl SignedEvent {
    /// Its canonical bytes and their CID.
    ///
    /// # Errors
    /// When a value has no DAG-CBOR form, or the record is too large.
    pub fn encode(&self) -> Result<(Vec<u8>, Cid), EventError> {
        let bytes = cbor::encode(self)?;
        if bytes.len() > EVENT_BYTES {
            return Err(EventError::TooLarge { found: bytes.len() });
        }
        let cid = content::record_cid(&bytes);
        Ok((bytes, cid))
    }

    /// Reads canonical bytes. The signature is not checked yet.
    ///
    /// # Errors
    /// When they are too many, of another shape, or not canonical.
    pub fn decode(bytes: &[u8]) -> Result<Self, EventError> {
        if bytes.len() > EVENT_BYTES {
            return Err(EventError::TooLarge { found: bytes.len() });
        }
        let signed: Self = cbor::decode(bytes)?;
        if cbor::encode(&signed)? != bytes {
            return Err(EventError::NotCanonical);
        }
        Ok(signed)
    }

    /// Checks the bounds and the author's signature. A ballot's or a certificate's own signature is checked too; one
    /// that does not hold makes the event void, not malformed, so that a device can't stop its own chain by it.
    ///
    /// # Errors
    /// When a bound is broken or the author did not sign it.
    pub fn verify(&self) -> Result<Verified, EventError> {
        let verified = self.trust()?;
        let bytes = cbor::encode(&self.event)?;
        if sign::holds(&self.event.author, EVENT_TYPE, &bytes, &self.signature) {
            Ok(verified)
        } else {
            Err(EventError::BadSignature {
                author: self.event.author,
                seq: self.event.seq,
            })
        }
    }

    /// Takes the signature as checked: for events that come from this node's own storage, which held only verified
    /// ones. Never for what a peer sent.
    ///
    /// # Errors
    /// When a bound is broken.
    pub fn trust(&self) -> Result<Verified, EventError> {
        self.event.validate()?;
        let (_, cid) = self.encode()?;
        Ok(Verified {
            cid,
            event: self.event.clone(),
        })
    }
}

impl Verified {
    /// The CID of the signed record.
    pub fn cid(&self) -> Cid {
        self.cid
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }
}
