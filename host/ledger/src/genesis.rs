//! The record that a network begins with; its CID is the network's name.

use crate::limits::{GENESIS_BYTES, NAME_BYTES};
use serde::{Deserialize, Serialize};
use weft_model::cbor::{self, CborError};
use weft_model::{Cid, Did, Instant, content};

/// The beginning of a network: one founder, who is its first admin, and the constitution in force from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// What people call the network.
    pub name: String,
    /// When it was founded.
    pub created: Instant,
    /// 16 random bytes, so that two networks of one name differ.
    pub nonce: serde_bytes::ByteArray<16>,
    /// The founder's user name, such as `alice@example.com`.
    pub user: String,
    /// The founder.
    pub founder: Did,
    /// The founder's first device.
    pub device: Did,
    /// The first constitution.
    pub constitution: Cid,
}

/// Bytes that are no genesis record.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// Not DAG-CBOR of this shape.
    #[error("genesis record: {0}")]
    Cbor(#[from] CborError),
    /// Too many bytes.
    #[error("a genesis record of {found} bytes is over the limit of {GENESIS_BYTES} bytes")]
    TooLarge {
        /// Bytes found.
        found: usize,
    },
    /// Another encoding of what it says.
    #[error("the genesis record is not in canonical DAG-CBOR; get it from another member")]
    NotCanonical,
    /// A bad name.
    #[error("genesis field `{field}`: {why}")]
    Field {
        /// The field.
        field: &'static str,
        /// What was found and what is allowed.
        why: String,
    },
}

impl Genesis {
    /// Its canonical bytes and their CID: the network.
    ///
    /// # Errors
    /// When a name is empty, too long, or holds a control character.
    pub fn encode(&self) -> Result<(Vec<u8>, Cid), GenesisError> {
        self.validate()?;
        let bytes = cbor::encode(self)?;
        let cid = content::record_cid(&bytes);
        Ok((bytes, cid))
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// When they are too many, of another shape, not canonical, or hold a bad name.
    pub fn decode(bytes: &[u8]) -> Result<Self, GenesisError> {
        if bytes.len() > GENESIS_BYTES {
            return Err(GenesisError::TooLarge { found: bytes.len() });
        }
        let genesis: Self = cbor::decode(bytes)?;
        if cbor::encode(&genesis)? != bytes {
            return Err(GenesisError::NotCanonical);
        }
        genesis.validate()?;
        Ok(genesis)
    }

    fn validate(&self) -> Result<(), GenesisError> {
        for (field, text) in [("name", &self.name), ("user", &self.user)] {
            crate::body::check_text(text, NAME_BYTES)
                .map_err(|why| GenesisError::Field { field, why })?;
        }
        Ok(())
    }
}
