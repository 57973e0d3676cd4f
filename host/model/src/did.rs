//! Ed25519 keys as people and records name them: `did:key:z6Mk…`.

use std::fmt;
use std::str::FromStr;

/// Multicodec prefix of an Ed25519 public key (varint of 0xed).
const ED25519_PREFIX: [u8; 2] = [0xed, 0x01];
/// How every Ed25519 `did:key` begins.
const DID_KEY: &str = "did:key:";

/// A device, a member or a publisher: an Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Did([u8; 32]);

/// A text that is no Ed25519 `did:key`.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no Ed25519 did:key; one begins with `did:key:z6Mk`")]
pub struct DidError(String);

impl Did {
    /// The key with these public bytes.
    pub fn from_public(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The public key's bytes.
    pub fn public(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&ED25519_PREFIX[..], &self.0].concat();
        write!(
            f,
            "{DID_KEY}{}",
            multibase::encode(multibase::Base::Base58Btc, bytes)
        )
    }
}

impl fmt::Debug for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Did {
    type Err = DidError;

    fn from_str(text: &str) -> Result<Self, DidError> {
        let bad = || DidError(text.chars().take(80).collect());
        // The longest did:key of this type has 56 characters.
        if text.len() > 64 {
            return Err(bad());
        }
        let encoded = text.strip_prefix(DID_KEY).ok_or_else(bad)?;
        let (base, bytes) = multibase::decode(encoded).map_err(|_| bad())?;
        let key = bytes.strip_prefix(&ED25519_PREFIX[..]).ok_or_else(bad)?;
        if base != multibase::Base::Base58Btc {
            return Err(bad());
        }
        Ok(Self(key.try_into().map_err(|_| bad())?))
    }
}

impl serde::Serialize for Did {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Did {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_did_key_specification_example_round_trips() {
        let text = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
        let did: Did = text.parse().unwrap();
        assert_eq!(did.to_string(), text);
    }

    #[test]
    fn other_keys_and_garbage_are_refused() {
        for text in [
            "",
            "did:key:",
            "did:web:example.com",
            "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
            "did:key:z6Mkhaaaa",
            &"did:key:z".repeat(1000),
        ] {
            assert!(text.parse::<Did>().is_err(), "{text}");
        }
    }
}
