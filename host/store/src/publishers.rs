//! What is known of publishers: `heads`, the newest that each has signed; `equivocations`, proofs that one used a
//! number twice; `first_seen`, when this home first saw a release.
//!
//! It does not check signatures; who writes an envelope has just made it or verified it.

use crate::cells::{Cells, Table, at, cells, count};
use crate::{Read, Result, Write, releases};

const HEADS: Table = Table {
    name: "heads",
    key: &["publisher", "name"],
};
const EQUIVOCATIONS: Table = Table {
    name: "equivocations",
    key: &["publisher", "name", "revision", "second_cid"],
};
const FIRST_SEEN: Table = Table {
    name: "first_seen",
    key: &["release_cid"],
};

/// The newest release of a name, as its publisher has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The publisher's DID.
    pub publisher: String,
    /// The release's name.
    pub name: String,
    /// Its revision.
    pub revision: u64,
    /// The release.
    pub release_cid: String,
    /// When it was published, as the publisher says, in ms.
    pub published_at: i64,
    /// When this home first saw this head, in ms.
    pub seen_at: i64,
    /// When a source last gave it, in ms.
    pub checked_at: i64,
    /// That source.
    pub source: String,
    /// The signed head.
    pub envelope: Vec<u8>,
}

/// A proof that a publisher used one number for two releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equivocation {
    /// The publisher's DID.
    pub publisher: String,
    /// The release's name.
    pub name: String,
    /// The revision used twice.
    pub revision: u64,
    /// The release seen first.
    pub first_cid: String,
    /// The other one.
    pub second_cid: String,
    /// The first one's envelope.
    pub first: Vec<u8>,
    /// The other one's.
    pub second: Vec<u8>,
    /// When it was found, in ms.
    pub seen_at: i64,
}

/// Takes in a head. One of a lower revision than what is known changes nothing; the same revision renews when and
/// where it was last given and, when its publisher signed it anew, what it says of itself. Returns whether it is newer
/// than what was known.
pub fn put_head(tx: &Write, head: &Head) -> Result<bool> {
    let known = self::head(tx, &head.publisher, &head.name)?;
    let mut kept = head.clone();
    let mut newer = true;
    if let Some(known) = known {
        if known.revision > head.revision {
            return Ok(false);
        }
        newer = known.revision < head.revision;
        if !newer && known.release_cid != head.release_cid {
            return Ok(false);
        }
        if !newer {
            kept.seen_at = known.seen_at;
            kept.checked_at = known.checked_at.max(head.checked_at);
            if known.published_at >= head.published_at {
                kept.published_at = known.published_at;
                kept.envelope = known.envelope;
            }
        }
    }
    tx.upsert(
        HEADS,
        cells! {
            "publisher": kept.publisher,
            "name": kept.name,
            "revision": count(kept.revision),
            "release_cid": kept.release_cid,
            "published_at": at(kept.published_at),
            "seen_at": at(kept.seen_at),
            "checked_at": at(kept.checked_at),
            "source": kept.source,
            "envelope": kept.envelope,
        },
    )?;
    Ok(newer)
}

/// The newest of a (publisher, name). `None`: the publisher never said, or not here.
pub fn head(tx: &Read, publisher: &str, name: &str) -> Result<Option<Head>> {
    let sql = "SELECT * FROM heads WHERE publisher = ?1 AND name = ?2";
    tx.one(HEADS, sql, [publisher, name], head_of)
}

/// All heads, by name and publisher.
pub fn heads(tx: &Read) -> Result<Vec<Head>> {
    let sql = "SELECT * FROM heads ORDER BY name, publisher";
    tx.list(HEADS, sql, [], head_of)
}

/// Keeps a proof. Returns whether it is new.
pub fn add_equivocation(tx: &Write, proof: &Equivocation) -> Result<bool> {
    tx.insert_new(
        "equivocations",
        cells! {
            "publisher": proof.publisher.clone(),
            "name": proof.name.clone(),
            "revision": count(proof.revision),
            "first_cid": proof.first_cid.clone(),
            "second_cid": proof.second_cid.clone(),
            "first": proof.first.clone(),
            "second": proof.second.clone(),
            "seen_at": at(proof.seen_at),
        },
    )
}

/// The proofs against a publisher; `None`: against all. The latest first.
pub fn equivocations(tx: &Read, publisher: Option<&str>) -> Result<Vec<Equivocation>> {
    let sql = "SELECT * FROM equivocations WHERE ?1 IS NULL OR publisher = ?1 ORDER BY seen_at DESC, rowid DESC";
    tx.list(EQUIVOCATIONS, sql, [publisher], |row| {
        Ok(Equivocation {
            publisher: row.text("publisher")?,
            name: row.text("name")?,
            revision: row.count("revision")?,
            first_cid: row.text("first_cid")?,
            second_cid: row.text("second_cid")?,
            first: row.blob("first")?,
            second: row.blob("second")?,
            seen_at: row.time("seen_at")?,
        })
    })
}

/// Notes that this home sees a release, unless it did before. Returns when it first did.
pub fn see(tx: &Write, release_cid: &str, now: i64) -> Result<i64> {
    tx.insert_new(
        "first_seen",
        cells! { "release_cid": release_cid.to_owned(), "at": at(now) },
    )?;
    Ok(first_seen(tx, release_cid)?.unwrap_or(now))
}

/// Forgets that a release was seen first at that moment, when nothing of it was kept.
pub fn unsee(tx: &Write, release_cid: &str, seen_at: i64) -> Result<()> {
    if first_seen(tx, release_cid)? == Some(seen_at) && releases::get(tx, release_cid)?.is_none() {
        tx.run(
            "DELETE FROM first_seen WHERE release_cid = ?1",
            [release_cid],
        )?;
    }
    Ok(())
}

/// When this home first saw a release, in ms. `None`: never.
pub fn first_seen(tx: &Read, release_cid: &str) -> Result<Option<i64>> {
    let sql = "SELECT * FROM first_seen WHERE release_cid = ?1";
    tx.one(FIRST_SEEN, sql, [release_cid], |row| row.time("at"))
}

fn head_of(row: &Cells) -> Result<Head> {
    Ok(Head {
        publisher: row.text("publisher")?,
        name: row.text("name")?,
        revision: row.count("revision")?,
        release_cid: row.text("release_cid")?,
        published_at: row.time("published_at")?,
        seen_at: row.time("seen_at")?,
        checked_at: row.time("checked_at")?,
        source: row.text("source")?,
        envelope: row.blob("envelope")?,
    })
}
