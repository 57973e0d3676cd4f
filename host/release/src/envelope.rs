//! DSSE envelopes: signatures over a release, beside it and not in it.
//!
//! What is signed is DSSE's pre-authentication encoding, with the role as a parameter of the payload type: an
//! author's signature is no validator's, and none of them is anything outside of this type. One key signs an envelope
//! once, so a count of signatures is a count of keys. Verification is Ed25519's strict one (no small-order keys, no
//! malleable signatures), and one bad signature spoils the envelope: nobody had to add it.

pub use crate::dsse::pre_authentication_encoding;

use crate::dsse;
use crate::limits::{ENVELOPE_BYTES, SIGNATURES};
use crate::record::{Release, ReleaseError};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use std::fmt;
use weft_model::cbor::{self, CborError};
use weft_model::{Cid, Did, content};

/// Media type of a release.
pub const RELEASE_TYPE: &str = "application/vnd.weft.release+dag-cbor";

/// As what somebody signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Made it; the release's publisher.
    Author,
    /// Vouches for it.
    Validator,
    /// Owns the home that takes it.
    Owner,
    /// Vouches that it closes a hole and should not wait. It trusts nothing by itself.
    Security,
}

impl Role {
    /// All of them, in the order in which signatures are sorted.
    pub const ALL: [Self; 4] = [Self::Author, Self::Validator, Self::Owner, Self::Security];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Validator => "validator",
            Self::Owner => "owner",
            Self::Security => "security",
        }
    }

    /// The role of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.word() == word)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// As what.
    pub role: Role,
    /// By whom.
    pub key: Did,
    /// Ed25519 over the pre-authentication encoding.
    pub sig: ByteArray<64>,
}

/// A release's bytes and the signatures over them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// [`RELEASE_TYPE`].
    pub payload_type: String,
    /// The canonical bytes.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
    /// Sorted by role and key.
    pub signatures: Vec<Signature>,
}

/// An envelope that proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// Not DAG-CBOR of this shape.
    #[error("envelope: {0}")]
    Cbor(#[from] CborError),
    /// Too many bytes.
    #[error("an envelope of {found} bytes is over the limit of {ENVELOPE_BYTES} bytes")]
    TooLarge {
        /// Bytes found.
        found: usize,
    },
    /// Another encoding of what it says.
    #[error("the envelope is not in canonical DAG-CBOR with sorted signatures; write it again")]
    NotCanonical,
    /// Another type.
    #[error("the envelope's payload type is `{found}`, expected is `{RELEASE_TYPE}`")]
    WrongType {
        /// The type found.
        found: String,
    },
    /// Nobody signed.
    #[error("nobody signed this release; ask its publisher for a signed one")]
    NoSignature,
    /// Too many signatures.
    #[error("{found} signatures are over the limit of {SIGNATURES}")]
    TooMany {
        /// How many were found.
        found: usize,
    },
    /// A key that signs twice would count twice.
    #[error("`{key}` signed twice; a key signs an envelope once, in one role")]
    SignedTwice {
        /// The key.
        key: Did,
    },
    /// A signature that does not hold.
    #[error(
        "the {role}'s signature by `{key}` does not hold; the release or the signature was changed"
    )]
    BadSignature {
        /// The role claimed.
        role: Role,
        /// The key claimed.
        key: Did,
    },
    /// The payload is no release.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// Signed, but not by the one whom the release names.
    #[error("the release names `{publisher}` as its publisher, who did not sign it as author")]
    NotByPublisher {
        /// The publisher named.
        publisher: Did,
    },
}

/// What a verified envelope holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The release.
    pub release: Release,
    /// Its CID.
    pub cid: Cid,
    /// Who signed, as what; each key once, sorted by role and key; the publisher is among the authors.
    pub signers: Vec<(Role, Did)>,
}

impl Envelope {
    /// An envelope for these bytes, not signed yet.
    pub fn new(payload: Vec<u8>) -> Self {
        Self {
            payload_type: RELEASE_TYPE.to_owned(),
            payload,
            signatures: Vec::new(),
        }
    }

    /// A release with its first signature.
    ///
    /// # Errors
    /// When the release is not valid.
    pub fn seal(release: &Release, role: Role, key: &SigningKey) -> Result<Self, EnvelopeError> {
        let mut envelope = Self::new(release.encode()?.0);
        envelope.sign(role, key)?;
        Ok(envelope)
    }

    /// The CID of the release inside.
    pub fn release_cid(&self) -> Cid {
        content::record_cid(&self.payload)
    }

    /// Adds a signature.
    ///
    /// # Errors
    /// When the key signed already, or the envelope is full.
    pub fn sign(&mut self, role: Role, key: &SigningKey) -> Result<(), EnvelopeError> {
        let did = dsse::did(key);
        if self.signatures.iter().any(|s| s.key == did) {
            return Err(EnvelopeError::SignedTwice { key: did });
        }
        if self.signatures.len() >= SIGNATURES {
            return Err(EnvelopeError::TooMany {
                found: self.signatures.len() + 1,
            });
        }
        let sig = dsse::sign(&signed_type(role), &self.payload, key);
        self.signatures.push(Signature {
            role,
            key: did,
            sig: ByteArray::new(sig),
        });
        self.signatures.sort_by_key(|s| (s.role, s.key));
        Ok(())
    }

    /// Takes over the signatures of another envelope around the same bytes whose keys have not signed here, as many as
    /// there is room for. Returns whether there were any. Both are to be verified before.
    pub fn join(&mut self, other: &Self) -> bool {
        if other.payload != self.payload {
            return false;
        }
        let before = self.signatures.len();
        for more in &other.signatures {
            let known = self.signatures.iter().any(|s| s.key == more.key);
            if !known && self.signatures.len() < SIGNATURES {
                self.signatures.push(more.clone());
            }
        }
        self.signatures.sort_by_key(|s| (s.role, s.key));
        self.signatures.len() > before
    }

    /// Who signed, as what: each key once, sorted by role and key, never an empty list.
    ///
    /// # Errors
    /// When nobody signed, a key signed twice, or any signature does not hold.
    pub fn verify(&self) -> Result<Vec<(Role, Did)>, EnvelopeError> {
        if self.payload_type != RELEASE_TYPE {
            return Err(EnvelopeError::WrongType {
                found: crate::text::shown(&self.payload_type, 80),
            });
        }
        if self.signatures.is_empty() {
            return Err(EnvelopeError::NoSignature);
        }
        if self.signatures.len() > SIGNATURES {
            return Err(EnvelopeError::TooMany {
                found: self.signatures.len(),
            });
        }
        let mut signers: Vec<(Role, Did)> = Vec::with_capacity(self.signatures.len());
        for Signature { role, key, sig } in &self.signatures {
            let (role, key) = (*role, *key);
            if signers.iter().any(|(_, known)| *known == key) {
                return Err(EnvelopeError::SignedTwice { key });
            }
            if !dsse::holds(&signed_type(role), &self.payload, &key, sig) {
                return Err(EnvelopeError::BadSignature { role, key });
            }
            signers.push((role, key));
        }
        signers.sort_unstable();
        Ok(signers)
    }

    /// Verifies the signatures, reads the release, and checks that its publisher signed as author.
    ///
    /// # Errors
    /// When any of that fails.
    pub fn open(&self) -> Result<Opened, EnvelopeError> {
        let signers = self.verify()?;
        let release = Release::decode(&self.payload)?;
        let publisher = release.publisher;
        if !signers.contains(&(Role::Author, publisher)) {
            return Err(EnvelopeError::NotByPublisher { publisher });
        }
        Ok(Opened {
            release,
            cid: self.release_cid(),
            signers,
        })
    }

    /// Its canonical bytes.
    ///
    /// # Errors
    /// When it is too large.
    pub fn encode(&self) -> Result<Vec<u8>, EnvelopeError> {
        let bytes = cbor::encode(self)?;
        if bytes.len() > ENVELOPE_BYTES {
            return Err(EnvelopeError::TooLarge { found: bytes.len() });
        }
        Ok(bytes)
    }

    /// Reads canonical bytes. Nothing is verified yet.
    ///
    /// # Errors
    /// When they are too many, of another shape, or not canonical.
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > ENVELOPE_BYTES {
            return Err(EnvelopeError::TooLarge { found: bytes.len() });
        }
        let envelope: Self = cbor::decode(bytes)?;
        let sorted = envelope.signatures.is_sorted_by_key(|s| (s.role, s.key));
        if !sorted || cbor::encode(&envelope)? != bytes {
            return Err(EnvelopeError::NotCanonical);
        }
        Ok(envelope)
    }
}

/// The payload type that a role signs.
fn signed_type(role: Role) -> String {
    format!("{RELEASE_TYPE};role={role}")
}
