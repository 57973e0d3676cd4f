//! Small records by CID: decision records, receipts, constitutions. Large content lies in files, not here.
//!
//! It does not check that a CID is that of its bytes; who puts a block has just made it or verified it.

use crate::cells::{Table, at, cells};
use crate::limits::BLOCK_BYTES_MAX;
use crate::{Error, Read, Result, Write};

const BLOCKS: Table = Table {
    name: "blocks",
    key: &["cid"],
};

/// Keeps a block. Returns whether it is new; one that is there stays as it is.
///
/// # Errors
/// [`Error::TooLarge`] beyond [`BLOCK_BYTES_MAX`].
pub fn put(tx: &Write, cid: &str, bytes: &[u8], now: i64) -> Result<bool> {
    if bytes.len() > BLOCK_BYTES_MAX {
        return Err(Error::TooLarge {
            what: "block",
            bytes: bytes.len(),
            max: BLOCK_BYTES_MAX,
        });
    }
    tx.insert_new(
        "blocks",
        cells! { "cid": cid.to_owned(), "bytes": bytes.to_vec(), "added_at": at(now) },
    )
}

/// The bytes of a block.
pub fn get(tx: &Read, cid: &str) -> Result<Option<Vec<u8>>> {
    tx.one(
        BLOCKS,
        "SELECT cid, bytes FROM blocks WHERE cid = ?1",
        [cid],
        |row| row.blob("bytes"),
    )
}

/// Whether the block is here.
pub fn has(tx: &Read, cid: &str) -> Result<bool> {
    Ok(tx.number("SELECT count(*) FROM blocks WHERE cid = ?1", [cid])? > 0)
}

/// Removes a block. Returns whether it was there.
pub fn remove(tx: &Write, cid: &str) -> Result<bool> {
    Ok(tx.run("DELETE FROM blocks WHERE cid = ?1", [cid])? > 0)
}
