//! Canonical DAG-CBOR for every structured record.

use serde::{Serialize, de::DeserializeOwned};

/// Bytes that are no DAG-CBOR of the wanted shape, or a value that has none.
#[derive(Debug, thiserror::Error)]
pub enum CborError {
    /// Encoding failed.
    #[error("can't encode as DAG-CBOR: {0}")]
    Encode(String),
    /// Decoding failed.
    #[error("not a valid DAG-CBOR record: {0}")]
    Decode(String),
    /// More bytes than a record may have.
    #[error("a record of {size} bytes is over the limit of {max} bytes")]
    TooLarge {
        /// What was found.
        size: usize,
        /// What is allowed.
        max: usize,
    },
}

/// Encodes a record.
///
/// # Errors
/// When a value has no DAG-CBOR form, such as a float that is not finite.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CborError> {
    serde_ipld_dagcbor::to_vec(value).map_err(|e| CborError::Encode(e.to_string()))
}

/// Decodes a record of at most [`crate::limits::RECORD_BYTES`].
///
/// # Errors
/// When the bytes are too many, are not DAG-CBOR, or don't have the wanted shape.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CborError> {
    if bytes.len() > crate::limits::RECORD_BYTES {
        return Err(CborError::TooLarge {
            size: bytes.len(),
            max: crate::limits::RECORD_BYTES,
        });
    }
    serde_ipld_dagcbor::from_slice(bytes).map_err(|e| CborError::Decode(e.to_string()))
}
