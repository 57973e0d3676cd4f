//! Content identifiers: CIDv1, sha2-256, shown in base32.

use cid::Cid;
use multihash_codetable::{Code, MultihashDigest};

/// Multicodec of raw bytes.
pub const RAW: u64 = 0x55;
/// Multicodec of DAG-CBOR.
pub const DAG_CBOR: u64 = 0x71;

/// Multicodec of DAG-PB: the inner nodes of large files.
pub const DAG_PB: u64 = 0x70;
/// Multicodec of the one hash that is taken: sha2-256.
pub const SHA2_256: u64 = 0x12;
/// Bytes of a sha2-256 digest.
pub const DIGEST_BYTES: u8 = 32;

/// The CID of one block of raw bytes.
pub fn raw_cid(bytes: &[u8]) -> Cid {
    block_cid(RAW, bytes)
}

/// The CID of a DAG-CBOR record.
pub fn record_cid(bytes: &[u8]) -> Cid {
    block_cid(DAG_CBOR, bytes)
}

/// The CID of a block of this codec.
pub fn block_cid(codec: u64, bytes: &[u8]) -> Cid {
    Cid::new_v1(codec, Code::Sha2_256.digest(bytes))
}

/// Whether these bytes are what the CID names.
pub fn matches(cid: &Cid, bytes: &[u8]) -> bool {
    cid.hash() == &Code::Sha2_256.digest(bytes)
}

/// The first and last characters of a CID, enough for a person to tell it from its neighbours on one screen.
pub fn short(cid: &str) -> String {
    if cid.len() <= 16 || !cid.is_ascii() {
        return cid.to_owned();
    }
    format!("{}…{}", &cid[..7], &cid[cid.len() - 6..])
}

/// The CID of one block of raw bytes whose sha2-256 is known.
pub fn raw_cid_of_digest(digest: &[u8; 32]) -> Cid {
    let hash = Code::Sha2_256
        .wrap(digest)
        .expect("a sha2-256 digest has 32 bytes");
    Cid::new_v1(RAW, hash)
}
