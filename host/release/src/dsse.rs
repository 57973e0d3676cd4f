//! DSSE's pre-authentication encoding, and Ed25519 over it: the one way in which anything here is signed.
//!
//! The payload's type is part of what is signed, so a signature of one type says nothing under another. Verification
//! is Ed25519's strict one: no small-order keys, no malleable signatures.

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use weft_model::Did;

/// DSSE v1: `DSSEv1 SP LEN(type) SP type SP LEN(body) SP body`, lengths in decimal.
pub fn pre_authentication_encoding(kind: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {kind} {} ", kind.len(), body.len()).into_bytes();
    out.extend_from_slice(body);
    out
}

/// Signs a payload of this type.
pub(crate) fn sign(kind: &str, body: &[u8], key: &SigningKey) -> [u8; 64] {
    key.sign(&pre_authentication_encoding(kind, body))
        .to_bytes()
}

/// Whether a signature is this key's over a payload of this type.
pub(crate) fn holds(kind: &str, body: &[u8], key: &Did, sig: &[u8; 64]) -> bool {
    let message = pre_authentication_encoding(kind, body);
    VerifyingKey::from_bytes(key.public())
        .and_then(|k| k.verify_strict(&message, &ed25519_dalek::Signature::from_bytes(sig)))
        .is_ok()
}

/// The public name of a signing key.
pub(crate) fn did(key: &SigningKey) -> Did {
    Did::from_public(key.verifying_key().to_bytes())
}
