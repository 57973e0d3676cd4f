//! The roster: which name is which key, and in which role.

use rusqlite::params;

use crate::cells::{Cells, Table, at, at_opt, cells};
use crate::{Error, Read, Result, Rows, Write};

const MEMBERS: Table = Table {
    name: "members",
    key: &["user_id"],
};

/// The words of `role`.
const ROLES: &[(&str, Role)] = &[
    ("admin", Role::Admin),
    ("member", Role::Member),
    ("guest", Role::Guest),
];

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Submits and sees its own; does not vote.
    Guest,
    /// Votes.
    Member,
    /// Votes, and records donations and members.
    Admin,
}

impl Role {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }

    /// The role that a word means.
    pub fn parse(word: &str) -> Option<Self> {
        ROLES
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, role)| *role)
    }
}

/// A member, under one of its names. Instants are in ms.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Member {
    /// The name, such as `alice@example.com`.
    pub user_id: String,
    /// The member's key. `None`: a name local to this node.
    pub did: Option<String>,
    /// What it may do.
    pub role: Role,
    /// A device's key that the member certified.
    pub device_did: Option<String>,
    /// The owner of this node.
    pub is_self: bool,
    /// Since when.
    pub joined_at: i64,
    /// When it left. `None`: it is in.
    pub removed_at: Option<i64>,
}

impl Member {
    /// What the member's ballots and balance are kept under: its key, or its name where it has none.
    pub fn key(&self) -> &str {
        self.did.as_deref().unwrap_or(&self.user_id)
    }
}

/// Adds a member, or writes all of it.
pub fn put(tx: &Write, member: &Member) -> Result<()> {
    tx.upsert(
        MEMBERS,
        cells! {
            "user_id": member.user_id.clone(),
            "did": member.did.clone(),
            "role": member.role.as_str().to_owned(),
            "device_did": member.device_did.clone(),
            "is_self": member.is_self,
            "joined_at": at(member.joined_at),
            "removed_at": at_opt(member.removed_at),
        },
    )
}

/// A member by its name; also one that was removed.
pub fn get(tx: &Read, user_id: &str) -> Result<Option<Member>> {
    tx.one(
        MEMBERS,
        "SELECT * FROM members WHERE user_id = ?1",
        [user_id],
        member_of,
    )
}

/// A member by its key, under the oldest of its names that is in.
pub fn by_did(tx: &Read, did: &str) -> Result<Option<Member>> {
    let sql = "SELECT * FROM members WHERE did = ?1 ORDER BY removed_at IS NOT NULL, rowid LIMIT 1";
    tx.one(MEMBERS, sql, [did], member_of)
}

/// The owner of this node.
pub fn owner(tx: &Read) -> Result<Option<Member>> {
    let sql =
        "SELECT * FROM members WHERE is_self = 1 AND removed_at IS NULL ORDER BY rowid LIMIT 1";
    tx.one(MEMBERS, sql, [], member_of)
}

/// Forgets all members, as when the home goes over to another network. Names local to this node stay.
pub fn clear(tx: &Write) -> Result<()> {
    tx.run("DELETE FROM members WHERE did IS NOT NULL", [])?;
    Ok(())
}

/// All names that are in, by when they joined.
pub fn list(tx: &Read) -> Result<Rows<Member>> {
    let sql = "SELECT * FROM members WHERE removed_at IS NULL ORDER BY joined_at, rowid";
    tx.rows(MEMBERS, sql, [], member_of)
}

/// Those who may vote: admins and members that are in, each key once (under its oldest name).
pub fn electorate(tx: &Read) -> Result<Rows<Member>> {
    let sql = "SELECT * FROM members AS this
        WHERE removed_at IS NULL AND role IS NOT 'guest' AND NOT EXISTS (
            SELECT 1 FROM members AS older
            WHERE older.did = this.did AND older.rowid < this.rowid
                AND older.removed_at IS NULL AND older.role IS NOT 'guest')
        ORDER BY joined_at, rowid";
    tx.rows(MEMBERS, sql, [], member_of)
}

/// Notes that a member left.
///
/// # Errors
/// [`Error::Missing`] when there is no such member, or it had left.
pub fn remove(tx: &Write, user_id: &str, now: i64) -> Result<()> {
    let sql = "UPDATE members SET removed_at = ?2 WHERE user_id = ?1 AND removed_at IS NULL";
    match tx.run(sql, params![user_id, at(now)])? {
        0 => Err(Error::Missing {
            what: "member",
            key: user_id.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn member_of(row: &Cells) -> Result<Member> {
    Ok(Member {
        user_id: row.text("user_id")?,
        did: row.text_opt("did")?,
        role: row.word("role", ROLES)?,
        device_did: row.text_opt("device_did")?,
        is_self: row.flag("is_self")?,
        joined_at: row.time("joined_at")?,
        removed_at: row.time_opt("removed_at")?,
    })
}
