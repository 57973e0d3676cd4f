//! Domain-separated Ed25519 signatures over canonical records.
//!
//! What is signed is DSSE's pre-authentication encoding of a media type and the record's bytes, so that a signature
//! over one kind of record is none over another. Verification is the strict one: no small-order keys, no malleable
//! signatures.

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde_bytes::ByteArray;
use weft_model::Did;

/// An Ed25519 signature; a byte string in records.
pub type Signature = ByteArray<64>;

/// Media type of an event, as signed by its device.
pub const EVENT_TYPE: &str = "application/vnd.weft.event+dag-cbor";
/// Media type of a ballot, as signed by its voter.
pub const BALLOT_TYPE: &str = "application/vnd.weft.ballot+dag-cbor";
/// Media type of a device certificate, as signed by its member.
pub const CERTIFICATE_TYPE: &str = "application/vnd.weft.device-certificate+dag-cbor";
/// Media type of a member's next key, as signed by that key and the one before it.
pub const REKEY_TYPE: &str = "application/vnd.weft.rekey+dag-cbor";

/// The name of a key's public half.
pub fn did(key: &SigningKey) -> Did {
    Did::from_public(key.verifying_key().to_bytes())
}

/// Signs bytes of this type.
pub fn sign(key: &SigningKey, kind: &str, bytes: &[u8]) -> Signature {
    ByteArray::new(key.sign(&message(kind, bytes)).to_bytes())
}

/// Whether `by` signed these bytes as this type.
pub fn holds(by: &Did, kind: &str, bytes: &[u8], signature: &Signature) -> bool {
    VerifyingKey::from_bytes(by.public()).is_ok_and(|key| {
        key.verify_strict(
            &message(kind, bytes),
            &ed25519_dalek::Signature::from_bytes(signature),
        )
        .is_ok()
    })
}

/// DSSE v1: `DSSEv1 SP LEN(type) SP type SP LEN(body) SP body`, lengths in decimal.
fn message(kind: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {kind} {} ", kind.len(), body.len()).into_bytes();
    out.extend_from_slice(body);
    out
}
