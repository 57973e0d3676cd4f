//! What is public: served to anybody. The rows of `public_content` are the truth; a block is public while any content
//! that holds it, or the block itself as a record in `blocks`, has such a row.
//!
//! What is public stays: no collection removes it before it is private again. Lookups cost one seek for each content
//! that shares the block, however often it occurs in one.

use super::rows::known;
use crate::cells::{Table, at, cells};
use crate::limits::{LEAF_BYTES_MAX, LEAF_COPIES_TRIED};
use crate::{Error, Read, Result, Write, blocks};
use rusqlite::params;

const PUBLIC: Table = Table {
    name: "public_content",
    key: &["cid", "sake"],
};
const LEAVES: Table = Table {
    name: "content_leaves",
    key: &["root", "offset"],
};
const NODES: Table = Table {
    name: "content_nodes",
    key: &["root", "cid"],
};
const RECORDS: Table = Table {
    name: "blocks",
    key: &["cid"],
};

/// Makes a content, or a record in `blocks`, public for somebody's sake: `owner`, or a release's CID. Returns whether it
/// was not so before.
///
/// # Errors
/// [`Error::Missing`] when neither is here.
pub fn publish(tx: &Write, cid: &str, sake: &str, now: i64) -> Result<bool> {
    if known(tx, cid)?.is_none() && !blocks::has(tx, cid)? {
        return Err(Error::Missing {
            what: "content",
            key: cid.to_owned(),
        });
    }
    tx.insert_new(
        PUBLIC.name,
        cells! { "cid": cid.to_owned(), "sake": sake.to_owned(), "at": at(now) },
    )
}

/// Takes back that something is public for somebody's sake. Returns whether it was.
pub fn unpublish(tx: &Write, cid: &str, sake: &str) -> Result<bool> {
    let sql = "DELETE FROM public_content WHERE cid = ?1 AND sake = ?2";
    Ok(tx.run(sql, [cid, sake])? > 0)
}

/// For whose sake something is public; nobody's: it is not.
pub fn public_for(tx: &Read, cid: &str) -> Result<Vec<String>> {
    let sql = "SELECT cid, sake FROM public_content WHERE cid = ?1 ORDER BY sake";
    tx.list(PUBLIC, sql, [cid], |row| row.text("sake"))
}

/// What is public for somebody's sake, by CID.
pub fn public_of(tx: &Read, sake: &str) -> Result<Vec<String>> {
    let sql = "SELECT cid, sake FROM public_content WHERE sake = ?1 ORDER BY cid";
    tx.list(PUBLIC, sql, [sake], |row| row.text("cid"))
}

/// All of it: CID and sake.
pub(super) fn all(tx: &Read) -> Result<Vec<(String, String)>> {
    let sql = "SELECT cid, sake FROM public_content ORDER BY cid, sake";
    tx.list(PUBLIC, sql, [], |row| {
        Ok((row.text("cid")?, row.text("sake")?))
    })
}

/// Forgets it for everybody's sake, as when the content itself is removed.
pub(super) fn forget(tx: &Write, cid: &str) -> Result<()> {
    tx.run("DELETE FROM public_content WHERE cid = ?1", [cid])?;
    Ok(())
}

/// Goes from content to content, each once, and keeps the public ones.
const PLACES: &str = "WITH RECURSIVE roots(root) AS ( \
        SELECT min(root) FROM content_leaves WHERE cid = ?1 \
        UNION ALL \
        SELECT (SELECT min(root) FROM content_leaves WHERE cid = ?1 AND root > roots.root) \
            FROM roots WHERE roots.root IS NOT NULL) \
    SELECT root, \
        (SELECT offset FROM content_leaves AS l WHERE l.cid = ?1 AND l.root = roots.root LIMIT 1) AS offset, \
        (SELECT length FROM content_leaves AS l WHERE l.cid = ?1 AND l.root = roots.root LIMIT 1) AS length \
    FROM roots WHERE root IS NOT NULL \
        AND EXISTS (SELECT 1 FROM public_content AS p WHERE p.cid = roots.root) LIMIT ?2";

/// Where a leaf lies in public contents: roots with one offset and length in each.
pub(super) fn places(tx: &Read, leaf: &str) -> Result<Vec<(String, u64, u64)>> {
    tx.list(LEAVES, PLACES, params![leaf, LEAF_COPIES_TRIED], |row| {
        let length = row.int("length", 0..=LEAF_BYTES_MAX as i64)?;
        Ok((
            row.text("root")?,
            row.count("offset")?,
            length.unsigned_abs(),
        ))
    })
}

/// An inner node's bytes, of a public content.
pub(super) fn node(tx: &Read, cid: &str) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT n.root AS root, n.cid AS cid, n.bytes AS bytes FROM content_nodes AS n \
        JOIN public_content AS p ON p.cid = n.root WHERE n.cid = ?1 LIMIT 1";
    tx.one(NODES, sql, [cid], |row| row.blob("bytes"))
}

/// The bytes of a public record.
pub(super) fn record(tx: &Read, cid: &str) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT cid, bytes FROM blocks WHERE cid = ?1 \
        AND EXISTS (SELECT 1 FROM public_content AS p WHERE p.cid = ?1)";
    tx.one(RECORDS, sql, [cid], |row| row.blob("bytes"))
}
