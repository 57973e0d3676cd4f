//! A passphrase on its way from a person to a key: it travels inside a request, is shown to nobody, and is overwritten
//! when it is dropped.

use crate::error::{NodeError, Result};
use age::secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Fewest bytes of a passphrase that a key is encrypted with.
pub const PASSPHRASE_MIN_BYTES: usize = 8;
/// Most bytes of a passphrase.
pub const PASSPHRASE_MAX_BYTES: usize = 1_024;

/// A passphrase. `Debug` shows that there is one, and nothing of it.
#[derive(Clone)]
pub struct Passphrase(SecretString);

impl Passphrase {
    /// Takes a text.
    ///
    /// # Errors
    /// When it is empty or too long.
    pub fn new(text: String) -> Result<Self> {
        let secret = SecretString::from(text);
        match secret.expose_secret().len() {
            1..=PASSPHRASE_MAX_BYTES => Ok(Self(secret)),
            _ => Err(NodeError::invalid(format!(
                "a passphrase has 1 to {PASSPHRASE_MAX_BYTES} bytes"
            ))),
        }
    }

    /// The secret itself, for what encrypts and decrypts.
    pub(crate) fn secret(&self) -> SecretString {
        self.0.clone()
    }

    /// Checks that it is long enough to protect a key.
    ///
    /// # Errors
    /// When it is not.
    pub(crate) fn check_strength(&self) -> Result<()> {
        if self.0.expose_secret().len() < PASSPHRASE_MIN_BYTES {
            return Err(NodeError::invalid(format!(
                "the passphrase is short: a key is encrypted with {PASSPHRASE_MIN_BYTES} bytes or more"
            ))
            .try_this("take a few words that nobody else would choose"));
        }
        Ok(())
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl PartialEq for Passphrase {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Serialize for Passphrase {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.0.expose_secret())
    }
}

impl<'de> Deserialize<'de> for Passphrase {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_shown() {
        let passphrase = Passphrase::new("correct horse".into()).unwrap();
        assert!(!format!("{passphrase:?} {:#?}", Some(&passphrase)).contains("horse"));
        assert!(Passphrase::new(String::new()).is_err());
        let long = "secret".repeat(PASSPHRASE_MAX_BYTES);
        let error = Passphrase::new(long).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("secret"));
    }
}
