//! `revocations`: keys that no longer count; `rotations`: keys that gave their place to another. Both with the moment
//! at which this home learned of it, which is what counts; a statement's own date is not kept apart.
//!
//! It does not check signatures; who writes a statement has just made it or verified it.

use crate::cells::{Cells, Table, at, cells};
use crate::{Error, Read, Result, Write};

const REVOCATIONS: Table = Table {
    name: "revocations",
    key: &["did"],
};
const ROTATIONS: Table = Table {
    name: "rotations",
    key: &["old_did"],
};

/// A key that no longer counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The key.
    pub did: String,
    /// When this home learned of it, in ms.
    pub seen_at: i64,
    /// Why, for a person.
    pub reason: Option<String>,
    /// Signed by the key itself. `None`: the owner's word alone.
    pub statement: Option<Vec<u8>>,
}

/// A key in another one's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The key that was replaced.
    pub old_did: String,
    /// The key in its place.
    pub new_did: String,
    /// When this home learned of it, in ms.
    pub seen_at: i64,
    /// Signed by both.
    pub statement: Vec<u8>,
}

/// Notes that a key no longer counts. One that was revoked before stays so since then; a statement of its own is
/// added where there was none. Returns whether that changed anything.
pub fn revoke(tx: &Write, row: &Revocation) -> Result<bool> {
    let new = tx.insert_new(
        "revocations",
        cells! {
            "did": row.did.clone(),
            "seen_at": at(row.seen_at),
            "reason": row.reason.clone(),
            "statement": row.statement.clone(),
        },
    )?;
    if new || row.statement.is_none() {
        return Ok(new);
    }
    let sql =
        "UPDATE revocations SET statement = ?2, reason = ?3 WHERE did = ?1 AND statement IS NULL";
    Ok(tx.run(sql, rusqlite::params![row.did, row.statement, row.reason])? > 0)
}

/// A key's revocation. `None`: it counts.
pub fn revocation(tx: &Read, did: &str) -> Result<Option<Revocation>> {
    let sql = "SELECT * FROM revocations WHERE did = ?1";
    tx.one(REVOCATIONS, sql, [did], revocation_of)
}

/// All revocations, the latest first.
pub fn revocations(tx: &Read) -> Result<Vec<Revocation>> {
    let sql = "SELECT * FROM revocations ORDER BY seen_at DESC, did";
    tx.list(REVOCATIONS, sql, [], revocation_of)
}

/// Notes that a key gave its place to another. The same again changes nothing. Returns whether it is new.
///
/// # Errors
/// [`Error::Exists`] when it gave its place to a third one before.
pub fn rotate(tx: &Write, row: &Rotation) -> Result<bool> {
    match rotation(tx, &row.old_did)? {
        Some(known) if known.new_did == row.new_did => Ok(false),
        Some(known) => Err(Error::Exists {
            what: "key's rotation",
            message: format!("`{}` went to `{}`", row.old_did, known.new_did),
        }),
        None => {
            tx.insert(
                "rotations",
                cells! {
                    "old_did": row.old_did.clone(),
                    "new_did": row.new_did.clone(),
                    "seen_at": at(row.seen_at),
                    "statement": row.statement.clone(),
                },
            )?;
            Ok(true)
        }
    }
}

/// The rotation that ended a key. `None`: it kept its place.
pub fn rotation(tx: &Read, old_did: &str) -> Result<Option<Rotation>> {
    let sql = "SELECT * FROM rotations WHERE old_did = ?1";
    tx.one(ROTATIONS, sql, [old_did], rotation_of)
}

/// All rotations, the latest first.
pub fn rotations(tx: &Read) -> Result<Vec<Rotation>> {
    let sql = "SELECT * FROM rotations ORDER BY seen_at DESC, old_did";
    tx.list(ROTATIONS, sql, [], rotation_of)
}

fn revocation_of(row: &Cells) -> Result<Revocation> {
    Ok(Revocation {
        did: row.text("did")?,
        seen_at: row.time("seen_at")?,
        reason: row.text_opt("reason")?,
        statement: row.blob_opt("statement")?,
    })
}

fn rotation_of(row: &Cells) -> Result<Rotation> {
    Ok(Rotation {
        old_did: row.text("old_did")?,
        new_did: row.text("new_did")?,
        seen_at: row.time("seen_at")?,
        statement: row.blob("statement")?,
    })
}
