//! Ballots: signed by the member who votes, carried by any device.
//!
//! A ballot names its poll by the CID of the event that opened it, so it is bound to the network, the options and the
//! end of that poll and can't be moved to another.

use crate::sign::{self, BALLOT_TYPE, Signature};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use weft_model::{Cid, Did, Instant, cbor, content};

/// One member's choice in one poll, signed by the key that speaks for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedBallot {
    /// The event that opened the poll.
    pub poll: Cid,
    /// The member.
    pub voter: Did,
    /// The option chosen, as an index.
    pub choice: u32,
    /// Rises when the voter votes again; the highest counts, then the lowest CID.
    pub counter: u64,
    /// When the voter says it voted.
    pub at: Instant,
    /// The voter's signature.
    pub signature: Signature,
}

/// What a voter signs.
#[derive(Serialize)]
struct Content<'a> {
    poll: &'a Cid,
    voter: &'a Did,
    choice: u32,
    counter: u64,
    at: Instant,
}

impl SignedBallot {
    /// Votes with a member's first key.
    pub fn cast(poll: Cid, choice: u32, counter: u64, at: Instant, key: &SigningKey) -> Self {
        Self::cast_for(sign::did(key), poll, choice, counter, at, key)
    }

    /// Votes with the key that speaks for a member.
    pub fn cast_for(
        voter: Did,
        poll: Cid,
        choice: u32,
        counter: u64,
        at: Instant,
        key: &SigningKey,
    ) -> Self {
        let mut ballot = Self {
            poll,
            voter,
            choice,
            counter,
            at,
            signature: Signature::default(),
        };
        ballot.signature = sign::sign(key, BALLOT_TYPE, &ballot.content());
        ballot
    }

    /// Whether the voter's first key signed it.
    pub fn is_signed(&self) -> bool {
        self.is_signed_by(&self.voter)
    }

    /// Whether this key signed it.
    pub fn is_signed_by(&self, key: &Did) -> bool {
        sign::holds(key, BALLOT_TYPE, &self.content(), &self.signature)
    }

    /// The CID of the signed record.
    pub fn cid(&self) -> Cid {
        content::record_cid(&bytes(self))
    }

    fn content(&self) -> Vec<u8> {
        bytes(&Content {
            poll: &self.poll,
            voter: &self.voter,
            choice: self.choice,
            counter: self.counter,
            at: self.at,
        })
    }
}

/// DAG-CBOR of a record that holds no float and no foreign value, so that encoding can't fail.
pub(crate) fn bytes<T: Serialize>(record: &T) -> Vec<u8> {
    cbor::encode(record).expect("a record of integers, texts, bytes and links has a DAG-CBOR form")
}

/// A member's word that a device is theirs, by their first key.
pub fn certify(network: Cid, device: Did, member: &SigningKey) -> Signature {
    certify_for(sign::did(member), network, device, member)
}

/// The same by the key that speaks for the member.
pub fn certify_for(member: Did, network: Cid, device: Did, key: &SigningKey) -> Signature {
    let content = certificate(&network, &device, &member);
    sign::sign(key, sign::CERTIFICATE_TYPE, &content)
}

/// Whether the member's first key said that the device is theirs in this network.
pub fn is_certified(network: &Cid, device: &Did, member: &Did, signature: &Signature) -> bool {
    is_certified_by(network, device, member, member, signature)
}

/// Whether this key said so for the member.
pub fn is_certified_by(
    network: &Cid,
    device: &Did,
    member: &Did,
    key: &Did,
    signature: &Signature,
) -> bool {
    let content = certificate(network, device, member);
    sign::holds(key, sign::CERTIFICATE_TYPE, &content, signature)
}

fn certificate(network: &Cid, device: &Did, member: &Did) -> Vec<u8> {
    #[derive(Serialize)]
    struct Content<'a> {
        network: &'a Cid,
        device: &'a Did,
        member: &'a Did,
    }
    bytes(&Content {
        network,
        device,
        member,
    })
}
