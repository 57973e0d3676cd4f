//! A member's key gives its place to another. Whoever a member is stays named by their first key; what they sign (ballots,
//! certificates of devices, the next key) is signed by the key that speaks for them.

use crate::ballot::bytes;
use crate::sign::{self, REKEY_TYPE, Signature};
use ed25519_dalek::SigningKey;
use serde::Serialize;
use weft_model::{Cid, Did};

/// From which key to which, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rekey {
    /// The network.
    pub network: Cid,
    /// The member, by their first key.
    pub member: Did,
    /// The key until now.
    pub old: Did,
    /// The key from now on.
    pub new: Did,
}

impl Rekey {
    /// Signs it, with the old key or with the new one.
    pub fn sign(&self, key: &SigningKey) -> Signature {
        sign::sign(key, REKEY_TYPE, &bytes(self))
    }

    /// Whether the new key's holder agrees.
    pub fn is_accepted(&self, signature: &Signature) -> bool {
        sign::holds(&self.new, REKEY_TYPE, &bytes(self), signature)
    }

    /// Whether the old key's holder says so.
    pub fn is_given(&self, signature: &Signature) -> bool {
        sign::holds(&self.old, REKEY_TYPE, &bytes(self), signature)
    }
}
