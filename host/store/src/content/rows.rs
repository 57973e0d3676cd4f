//! The rows of content: what is there, its leaves and nodes, who holds it.

use super::{Layout, Leaf, Stat, public};
use crate::cells::{Cells, Table, at, cells, count};
use crate::limits::{LEAF_BYTES_MAX, LEAF_COPIES_TRIED, LEAVES_PER_PAGE};
use crate::{Error, Read, Result, Write};
use rusqlite::params;
use std::collections::{BTreeMap, HashSet};
use weft_model::Cid;

const CONTENT: Table = Table {
    name: "content",
    key: &["cid"],
};
const LEAVES: Table = Table {
    name: "content_leaves",
    key: &["root", "offset"],
};
const NODES: Table = Table {
    name: "content_nodes",
    key: &["root", "cid"],
};
const PINS: Table = Table {
    name: "content_pins",
    key: &["cid", "holder"],
};

/// Holds a content for somebody: `owner`, or a release's CID. Doing it again changes nothing.
///
/// # Errors
/// [`Error::Missing`] when the content is not here.
pub fn pin(tx: &Write, cid: &str, holder: &str, now: i64) -> Result<()> {
    if known(tx, cid)?.is_none() {
        return Err(Error::Missing {
            what: "content",
            key: cid.to_owned(),
        });
    }
    tx.insert_new(
        PINS.name,
        cells! { "cid": cid.to_owned(), "holder": holder.to_owned(), "at": at(now) },
    )?;
    Ok(())
}

/// Lets a content go. Returns whether that holder held it.
pub fn unpin(tx: &Write, cid: &str, holder: &str) -> Result<bool> {
    let sql = "DELETE FROM content_pins WHERE cid = ?1 AND holder = ?2";
    Ok(tx.run(sql, [cid, holder])? > 0)
}

/// Lets everything go that somebody held. Returns how much.
pub fn unpin_all(tx: &Write, holder: &str) -> Result<usize> {
    tx.run("DELETE FROM content_pins WHERE holder = ?1", [holder])
}

/// What somebody holds, by CID.
pub fn held_by(tx: &Read, holder: &str) -> Result<Vec<String>> {
    let sql = "SELECT * FROM content_pins WHERE holder = ?1 ORDER BY cid";
    tx.list(PINS, sql, [holder], |row| row.text("cid"))
}

/// Adds the rows of a file that has its name, or renews those of one that had a problem.
pub(super) fn add(tx: &Write, layout: &Layout<'_>, now: i64) -> Result<()> {
    let root = layout.cid.to_string();
    remove_parts(tx, &root)?;
    tx.upsert(
        CONTENT,
        cells! {
            "cid": root.clone(),
            "size": count(layout.size),
            "added_at": at(now),
            "verified_at": at(now),
            "problem": None::<String>,
        },
    )?;
    for leaf in layout.leaves {
        tx.insert(
            LEAVES.name,
            cells! {
                "cid": leaf.cid.to_string(),
                "root": root.clone(),
                "offset": count(leaf.offset),
                "length": count(leaf.len),
            },
        )?;
    }
    for (cid, bytes) in layout.nodes {
        tx.insert(
            NODES.name,
            cells! { "cid": cid.to_string(), "root": root.clone(), "bytes": bytes.clone() },
        )?;
    }
    Ok(())
}

/// Size and known problem of a content.
pub(super) fn known(tx: &Read, cid: &str) -> Result<Option<(u64, Option<String>)>> {
    let sql = "SELECT cid, size, problem FROM content WHERE cid = ?1";
    tx.one(CONTENT, sql, [cid], |row| {
        Ok((row.count("size")?, row.text_opt("problem")?))
    })
}

/// Bytes of all contents together.
pub(super) fn bytes(tx: &Read) -> Result<u64> {
    let sum = tx.number("SELECT coalesce(sum(size), 0) FROM content", [])?;
    Ok(sum.unsigned_abs())
}

pub(super) fn cids(tx: &Read) -> Result<HashSet<String>> {
    let cids = tx.list(CONTENT, "SELECT cid FROM content", [], |row| {
        row.text("cid")
    })?;
    Ok(cids.into_iter().collect())
}

const STAT: &str = "SELECT c.cid AS cid, size, \
    (SELECT count(*) FROM content_leaves WHERE root = c.cid) AS leaves, \
    (SELECT count(*) FROM content_nodes WHERE root = c.cid) AS nodes, \
    added_at, verified_at, problem FROM content AS c";

pub(super) fn stat(tx: &Read, cid: &str) -> Result<Option<Stat>> {
    let sql = format!("{STAT} WHERE c.cid = ?1");
    let Some(mut stat) = tx.one(CONTENT, &sql, [cid], read_stat)? else {
        return Ok(None);
    };
    let sql = "SELECT cid, holder FROM content_pins WHERE cid = ?1 ORDER BY holder";
    stat.pins = tx.list(PINS, sql, [cid], |row| row.text("holder"))?;
    stat.public = public::public_for(tx, cid)?;
    Ok(Some(stat))
}

pub(super) fn list(tx: &Read) -> Result<Vec<Stat>> {
    let mut list = tx.list(CONTENT, &format!("{STAT} ORDER BY c.cid"), [], read_stat)?;
    let mut pins: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let sql = "SELECT cid, holder FROM content_pins ORDER BY cid, holder";
    for (cid, holder) in tx.list(PINS, sql, [], |row| {
        Ok((row.text("cid")?, row.text("holder")?))
    })? {
        pins.entry(cid).or_default().push(holder);
    }
    let mut sakes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (cid, sake) in public::all(tx)? {
        sakes.entry(cid).or_default().push(sake);
    }
    for stat in &mut list {
        stat.pins = pins.remove(&stat.cid).unwrap_or_default();
        stat.public = sakes.remove(&stat.cid).unwrap_or_default();
    }
    Ok(list)
}

fn read_stat(row: &Cells) -> Result<Stat> {
    Ok(Stat {
        cid: row.text("cid")?,
        size: row.count("size")?,
        leaves: row.count("leaves")?,
        nodes: row.count("nodes")?,
        added_at: row.time("added_at")?,
        verified_at: row.time("verified_at")?,
        problem: row.text_opt("problem")?,
        pins: Vec::new(),
        public: Vec::new(),
    })
}

/// One page of a content's leaves from an offset on.
pub(super) fn leaves(tx: &Read, root: &str, from: u64) -> Result<Vec<Leaf>> {
    let sql = "SELECT root, cid, offset, length FROM content_leaves WHERE root = ?1 AND offset >= ?2 \
        ORDER BY offset LIMIT ?3";
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    tx.list(LEAVES, sql, params![root, from, LEAVES_PER_PAGE], |row| {
        Ok(Leaf {
            cid: cid_of(row, "cid")?,
            offset: row.count("offset")?,
            len: row.int("length", 0..=LEAF_BYTES_MAX as i64)?.unsigned_abs(),
        })
    })
}

/// Where a leaf lies: roots with the offset and length in each.
pub(super) fn places(tx: &Read, leaf: &str) -> Result<Vec<(String, u64, u64)>> {
    let sql = "SELECT root, offset, length FROM content_leaves WHERE cid = ?1 LIMIT ?2";
    tx.list(LEAVES, sql, params![leaf, LEAF_COPIES_TRIED], |row| {
        let length = row.int("length", 0..=LEAF_BYTES_MAX as i64)?;
        Ok((
            row.text("root")?,
            row.count("offset")?,
            length.unsigned_abs(),
        ))
    })
}

/// An inner node's bytes, of whichever content.
pub(super) fn node(tx: &Read, cid: &str) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT root, cid, bytes FROM content_nodes WHERE cid = ?1 LIMIT 1";
    tx.one(NODES, sql, [cid], |row| row.blob("bytes"))
}

/// A content's inner nodes, in the order in which they were given.
pub(super) fn nodes(tx: &Read, root: &str) -> Result<Vec<(Cid, Vec<u8>)>> {
    let sql = "SELECT root, cid, bytes FROM content_nodes WHERE root = ?1 ORDER BY rowid";
    tx.list(NODES, sql, [root], |row| {
        Ok((cid_of(row, "cid")?, row.blob("bytes")?))
    })
}

/// Notes what a rehash found.
pub(super) fn verified(tx: &Write, cid: &str, problem: Option<&str>, now: i64) -> Result<()> {
    let problem = problem.map(str::to_owned);
    tx.update(
        CONTENT,
        cid,
        cells! { "verified_at": at(now), "problem": problem },
    )
}

/// Removes the rows of what nobody holds and is not public. Returns the CIDs.
pub(super) fn remove_unheld(tx: &Write) -> Result<Vec<String>> {
    let sql = "SELECT cid FROM content WHERE cid NOT IN (SELECT cid FROM content_pins) \
        AND cid NOT IN (SELECT cid FROM public_content) ORDER BY cid";
    let unheld = tx.list(CONTENT, sql, [], |row| row.text("cid"))?;
    for cid in &unheld {
        remove(tx, cid)?;
    }
    Ok(unheld)
}

/// Removes the rows of a content if nobody holds it and it is not public. Returns whether it was there and is gone.
pub(super) fn remove_one_unheld(tx: &Write, cid: &str) -> Result<bool> {
    let held = tx.number("SELECT count(*) FROM content_pins WHERE cid = ?1", [cid])? > 0;
    Ok(!held && public::public_for(tx, cid)?.is_empty() && remove(tx, cid)?)
}

/// Removes the rows of a content. Returns whether it was there.
pub(super) fn remove(tx: &Write, cid: &str) -> Result<bool> {
    remove_parts(tx, cid)?;
    tx.run("DELETE FROM content_pins WHERE cid = ?1", [cid])?;
    public::forget(tx, cid)?;
    Ok(tx.run("DELETE FROM content WHERE cid = ?1", [cid])? > 0)
}

fn remove_parts(tx: &Write, root: &str) -> Result<()> {
    tx.run("DELETE FROM content_leaves WHERE root = ?1", [root])?;
    tx.run("DELETE FROM content_nodes WHERE root = ?1", [root])?;
    Ok(())
}

fn cid_of(row: &Cells, column: &str) -> Result<Cid> {
    row.text(column)?
        .parse()
        .map_err(|_| row.malformed(column, "a CID"))
}
