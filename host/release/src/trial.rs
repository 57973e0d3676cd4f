//! What a trial of a release found, signed by the device that tried it: a DSSE envelope of its own payload type.
//!
//! The signature says that this device reports these counts, and nothing more; it can't be taken for a signature over
//! a release or over anything else. A report that was decoded here has exactly one encoding, so its CID names it.

use crate::envelope::pre_authentication_encoding;
use crate::limits::ENVELOPE_BYTES;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use weft_model::cbor::{self, CborError};
use weft_model::{Cid, Did, Instant, Slot, content};

/// Media type of a trial's report.
pub const TRIAL_TYPE: &str = "application/vnd.weft.trial-report+dag-cbor";
/// Version of the record's form.
pub const FORMAT: u32 = 1;
/// Most examples in one report.
pub const EXAMPLES: usize = 100;

/// What a trial found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialRecord {
    /// [`FORMAT`].
    pub format: u32,
    /// The slot.
    pub slot: Slot,
    /// The release on trial.
    pub release: Cid,
    /// `shadow` or `canary N%`.
    pub mode: String,
    /// Decisions that it took part in.
    pub decisions: u64,
    /// Of those: both versions said the same.
    pub agreed: u64,
    /// Of those: it answered otherwise than the serving version.
    pub differed: u64,
    /// Of those: it trapped, went over a limit, or broke its contract.
    pub failed: u64,
    /// Of those that agreed or differed: it refused where the serving version did not.
    pub refused: u64,
    /// When it began.
    pub started: Instant,
    /// When it ended. None: it went on when this was written.
    pub ended: Option<Instant>,
    /// Why it ended.
    pub outcome: Option<String>,
    /// The newest differences and failures, newest first.
    pub examples: Vec<TrialExample>,
}

/// A decision in which the two versions differed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialExample {
    /// The decision's record.
    pub decision: Cid,
    /// The task's name.
    pub task: String,
    /// What the serving version said, in words.
    pub serving: String,
    /// What the one on trial said, in words.
    pub trial: String,
    /// When.
    pub at: Instant,
}

/// A report's bytes and the device's signature over them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    payload_type: String,
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    key: Did,
    sig: ByteArray<64>,
}

/// Bytes that are no report that somebody signed.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// Not DAG-CBOR of this shape.
    #[error("the report can't be read: {0}")]
    Cbor(#[from] CborError),
    /// Too many bytes.
    #[error("a report of {found} bytes is over the limit of {ENVELOPE_BYTES} bytes")]
    TooLarge {
        /// Bytes found.
        found: usize,
    },
    /// Another encoding, another type, another number of signatures or examples, counts that don't add up.
    #[error("the report is not well formed: {0}; ask for it again")]
    Malformed(&'static str),
    /// A signature that does not hold.
    #[error("the signature by `{key}` does not hold; the report or the signature was changed")]
    BadSignature {
        /// The key claimed.
        key: Did,
    },
}

impl TrialRecord {
    /// Its signed envelope and that one's CID. The same counts by the same key are the same bytes.
    ///
    /// # Errors
    /// When it is not well formed or too large.
    pub fn seal(&self, key: &SigningKey) -> Result<(Vec<u8>, Cid), TrialError> {
        self.check()?;
        let payload = cbor::encode(self)?;
        let sig = key.sign(&pre_authentication_encoding(TRIAL_TYPE, &payload));
        let bytes = cbor::encode(&Sealed {
            payload_type: TRIAL_TYPE.to_owned(),
            payload,
            signatures: vec![Signature {
                key: Did::from_public(key.verifying_key().to_bytes()),
                sig: ByteArray::new(sig.to_bytes()),
            }],
        })?;
        if bytes.len() > ENVELOPE_BYTES {
            return Err(TrialError::TooLarge { found: bytes.len() });
        }
        let cid = content::record_cid(&bytes);
        Ok((bytes, cid))
    }

    /// Reads a signed envelope: what it reports, and who signed.
    ///
    /// # Errors
    /// When it is too large, not well formed, or its signature does not hold.
    pub fn open(bytes: &[u8]) -> Result<(Self, Did), TrialError> {
        if bytes.len() > ENVELOPE_BYTES {
            return Err(TrialError::TooLarge { found: bytes.len() });
        }
        let sealed: Sealed = cbor::decode(bytes)?;
        if cbor::encode(&sealed)? != bytes {
            return Err(TrialError::Malformed("not canonical"));
        }
        if sealed.payload_type != TRIAL_TYPE {
            return Err(TrialError::Malformed("another payload type"));
        }
        let [Signature { key, sig }] = &sealed.signatures[..] else {
            return Err(TrialError::Malformed("one signature is wanted"));
        };
        let message = pre_authentication_encoding(TRIAL_TYPE, &sealed.payload);
        VerifyingKey::from_bytes(key.public())
            .and_then(|k| k.verify_strict(&message, &ed25519_dalek::Signature::from_bytes(sig)))
            .map_err(|_| TrialError::BadSignature { key: *key })?;
        let record: Self = cbor::decode(&sealed.payload)?;
        if cbor::encode(&record)? != sealed.payload {
            return Err(TrialError::Malformed("not canonical"));
        }
        record.check()?;
        Ok((record, *key))
    }

    fn check(&self) -> Result<(), TrialError> {
        let answered = self.agreed.checked_add(self.differed);
        if self.format != FORMAT {
            return Err(TrialError::Malformed("of another version"));
        }
        if answered.and_then(|n| n.checked_add(self.failed)) != Some(self.decisions)
            || answered.is_none_or(|n| self.refused > n)
        {
            return Err(TrialError::Malformed("its counts don't add up"));
        }
        if self.examples.len() > EXAMPLES {
            return Err(TrialError::Malformed("too many examples"));
        }
        Ok(())
    }
}
