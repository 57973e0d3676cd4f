//! Signed statements about names and keys, each in an envelope of its own payload type.
//!
//! A statement names its signers itself, and its envelope holds exactly their signatures, so a statement has exactly
//! one encoding, and one that lacks a signature is none. A statement of one type is never another, and never a
//! release: the type is part of what is signed.
//!
//! What it doesn't do: it knows no clock and no history. Whether a head is stale, or a revocation came too late, is
//! the caller's to say.

use crate::dsse;
use crate::limits::{MAX_INTEGER, STATEMENT_BYTES, TEXT_BYTES};
use crate::record::is_link;
use crate::text::{self, TextError};
use ed25519_dalek::SigningKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use weft_model::cbor::{self, CborError};
use weft_model::{Cid, Did, Instant, content};

/// What somebody states: its type, its signers, and the rules of its fields.
pub trait Statement: Serialize + DeserializeOwned {
    /// The media type of the payload.
    const TYPE: &'static str;
    /// What it is, for a person.
    const WHAT: &'static str;

    /// Who must sign it: all of them, and nobody else.
    fn signers(&self) -> Vec<Did>;

    /// Checks the fields.
    ///
    /// # Errors
    /// The first that breaks its rule.
    fn validate(&self) -> Result<(), StatementError>;
}

/// The newest release of a name, as its publisher says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Whose name it is, and who signs.
    pub publisher: Did,
    /// The release's name.
    pub name: String,
    /// The newest revision: 1 to 2^53 - 1.
    pub revision: u64,
    /// That release.
    pub release: Cid,
    /// When it became the newest.
    pub published: Instant,
    /// From when on this head says nothing any more. None: it stays the newest that is known.
    pub expires: Option<Instant>,
}

impl Statement for Head {
    const TYPE: &'static str = "application/vnd.weft.head+dag-cbor";
    const WHAT: &'static str = "head";

    fn signers(&self) -> Vec<Did> {
        vec![self.publisher]
    }

    fn validate(&self) -> Result<(), StatementError> {
        text::check_name(&self.name)?;
        if !(1..=MAX_INTEGER).contains(&self.revision) {
            return Err(StatementError::Field(format!(
                "revision {}, allowed is 1 to {MAX_INTEGER}",
                self.revision
            )));
        }
        if !is_link(&self.release, &[content::DAG_CBOR]) {
            return Err(StatementError::Field(format!(
                "release `{}`, which is no CID of a record",
                self.release
            )));
        }
        match self.expires {
            Some(end) if end <= self.published => Err(StatementError::Field(
                "expires before it is published".to_owned(),
            )),
            _ => Ok(()),
        }
    }
}

impl Head {
    /// Whether it says nothing any more at `now`.
    pub fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }
}

/// A key that no longer counts, by the key itself. Whoever holds the key can say so, a thief included: that costs the
/// thief the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The key, which signs.
    pub key: Did,
    /// When it was said. Never compared with anything: a thief could choose it.
    pub at: Instant,
    /// Why, for a person; may be empty.
    pub reason: String,
}

impl Statement for Revocation {
    const TYPE: &'static str = "application/vnd.weft.revocation+dag-cbor";
    const WHAT: &'static str = "revocation";

    fn signers(&self) -> Vec<Did> {
        vec![self.key]
    }

    fn validate(&self) -> Result<(), StatementError> {
        Ok(text::check(&self.reason, 0, TEXT_BYTES)?)
    }
}

/// A key takes another one's place. Both sign: the old one gives it away, the new one takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// The key until now.
    pub old: Did,
    /// The key from now on.
    pub new: Did,
    /// When it was said. Never compared with anything.
    pub at: Instant,
}

impl Statement for Rotation {
    const TYPE: &'static str = "application/vnd.weft.rotation+dag-cbor";
    const WHAT: &'static str = "rotation";

    fn signers(&self) -> Vec<Did> {
        vec![self.old, self.new]
    }

    fn validate(&self) -> Result<(), StatementError> {
        if self.old == self.new {
            return Err(StatementError::Field(
                "the same key as old and new".to_owned(),
            ));
        }
        Ok(())
    }
}

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    key: Did,
    sig: ByteArray<64>,
}

/// The bytes of a statement and the signatures over them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    payload_type: String,
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

/// Bytes that state nothing.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// Not DAG-CBOR of this shape.
    #[error("statement: {0}")]
    Cbor(#[from] CborError),
    /// Too many bytes.
    #[error("a statement of {found} bytes is over the limit of {STATEMENT_BYTES} bytes")]
    TooLarge {
        /// Bytes found.
        found: usize,
    },
    /// Another encoding of what it says.
    #[error("the statement is not in canonical DAG-CBOR with sorted signatures; ask for it again")]
    NotCanonical,
    /// Another type.
    #[error("this is no {what}: its payload type is `{found}`; give the file of a {what}")]
    WrongType {
        /// What was wanted.
        what: &'static str,
        /// The type found.
        found: String,
    },
    /// Signatures that are missing or too many.
    #[error(
        "a {what} is signed by exactly the keys that it names; {problem}; ask for it again, complete"
    )]
    Signers {
        /// What it is.
        what: &'static str,
        /// What is missing, or too much.
        problem: String,
    },
    /// A signature that does not hold.
    #[error("the signature of `{key}` does not hold; the statement was changed, ask for it again")]
    BadSignature {
        /// The key claimed.
        key: Did,
    },
    /// A field breaks its rule.
    #[error("the statement has {0}; ask for a correct one")]
    Field(String),
    /// A text breaks its rule.
    #[error("a text of the statement {0}")]
    Text(#[from] TextError),
}

/// Signs a statement with every key that it names, and encodes it.
///
/// # Errors
/// When a field breaks its rule, or the keys are not exactly those that the statement names.
pub fn seal<S: Statement>(statement: &S, keys: &[&SigningKey]) -> Result<Vec<u8>, StatementError> {
    statement.validate()?;
    let payload = cbor::encode(statement)?;
    let mut signatures: Vec<Signature> = keys
        .iter()
        .map(|key| Signature {
            key: dsse::did(key),
            sig: ByteArray::new(dsse::sign(S::TYPE, &payload, key)),
        })
        .collect();
    signatures.sort_by_key(|s| s.key);
    check_signers(statement, &signatures)?;
    let bytes = cbor::encode(&Sealed {
        payload_type: S::TYPE.to_owned(),
        payload,
        signatures,
    })?;
    if bytes.len() > STATEMENT_BYTES {
        return Err(StatementError::TooLarge { found: bytes.len() });
    }
    Ok(bytes)
}

/// Reads a statement and verifies it: what comes back was signed by everybody whom it names.
///
/// # Errors
/// When the bytes are too many, of another shape or type, not canonical, break a field's rule, or a signature is
/// missing, too much, or does not hold.
pub fn open<S: Statement>(bytes: &[u8]) -> Result<S, StatementError> {
    if bytes.len() > STATEMENT_BYTES {
        return Err(StatementError::TooLarge { found: bytes.len() });
    }
    let sealed: Sealed = cbor::decode(bytes)?;
    if sealed.payload_type != S::TYPE {
        return Err(StatementError::WrongType {
            what: S::WHAT,
            found: text::shown(&sealed.payload_type, 80),
        });
    }
    let statement: S = cbor::decode(&sealed.payload)?;
    let canonical = sealed.signatures.is_sorted_by_key(|s| s.key)
        && cbor::encode(&statement)? == sealed.payload
        && cbor::encode(&sealed)? == bytes;
    if !canonical {
        return Err(StatementError::NotCanonical);
    }
    statement.validate()?;
    check_signers(&statement, &sealed.signatures)?;
    for Signature { key, sig } in &sealed.signatures {
        if !dsse::holds(S::TYPE, &sealed.payload, key, sig) {
            return Err(StatementError::BadSignature { key: *key });
        }
    }
    Ok(statement)
}

/// Exactly the named keys sign, each once.
fn check_signers<S: Statement>(
    statement: &S,
    signatures: &[Signature],
) -> Result<(), StatementError> {
    let wanted = statement.signers();
    let problem = match wanted
        .iter()
        .find(|k| !signatures.iter().any(|s| s.key == **k))
    {
        Some(missing) => format!("`{missing}` did not sign"),
        None if signatures.len() != wanted.len() => format!(
            "{} signatures were found, {} are due",
            signatures.len(),
            wanted.len()
        ),
        None => return Ok(()),
    };
    Err(StatementError::Signers {
        what: S::WHAT,
        problem,
    })
}
