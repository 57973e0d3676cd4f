//! Invites that this device made, and who came by them. What an invite lets in is in its row; its secret is not.

use rusqlite::params;

use crate::cells::{Cells, Table, at, cells, count};
use crate::{Read, Result, Write};

const INVITES: Table = Table {
    name: "invites",
    key: &["key"],
};
const USES: Table = Table {
    name: "invite_uses",
    key: &["key", "device"],
};

/// An invite. Instants are in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Public half of its one-time key.
    pub key: String,
    /// `admin`, `member` or `guest`.
    pub role: String,
    /// A device of this member joins. `None`: somebody new.
    pub member: Option<String>,
    /// When it was made.
    pub created_at: i64,
    /// It lets nobody in from then on.
    pub expires_at: i64,
    /// How many it lets in.
    pub uses: u64,
    /// When it was taken back. `None`: it stands.
    pub revoked_at: Option<i64>,
}

/// Somebody who came by an invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The invite.
    pub key: String,
    /// The device that came.
    pub device: String,
    /// The member whose it is.
    pub member: String,
    /// When, in ms.
    pub at: i64,
}

/// Keeps a new invite.
pub fn add(tx: &Write, invite: &Invite) -> Result<()> {
    tx.insert(
        INVITES.name,
        cells! {
            "key": invite.key.clone(),
            "role": invite.role.clone(),
            "member": invite.member.clone(),
            "created_at": at(invite.created_at),
            "expires_at": at(invite.expires_at),
            "uses": count(invite.uses),
        },
    )?;
    Ok(())
}

/// An invite by its key.
pub fn get(tx: &Read, key: &str) -> Result<Option<Invite>> {
    tx.one(
        INVITES,
        "SELECT * FROM invites WHERE key = ?1",
        [key],
        invite_of,
    )
}

/// All invites, newest first.
pub fn list(tx: &Read) -> Result<Vec<Invite>> {
    let sql = "SELECT * FROM invites ORDER BY created_at DESC, rowid DESC";
    tx.list(INVITES, sql, [], invite_of)
}

/// Takes an invite back. Returns whether it stood.
pub fn revoke(tx: &Write, key: &str, now: i64) -> Result<bool> {
    let sql = "UPDATE invites SET revoked_at = ?2 WHERE key = ?1 AND revoked_at IS NULL";
    Ok(tx.run(sql, params![key, at(now)])? > 0)
}

/// Notes that a device came by an invite.
pub fn note_use(tx: &Write, used: &Use) -> Result<()> {
    tx.insert(
        USES.name,
        cells! {
            "key": used.key.clone(),
            "device": used.device.clone(),
            "member": used.member.clone(),
            "at": at(used.at),
        },
    )?;
    Ok(())
}

/// Who came by an invite, first to last.
pub fn uses(tx: &Read, key: &str) -> Result<Vec<Use>> {
    let sql = "SELECT * FROM invite_uses WHERE key = ?1 ORDER BY at, rowid";
    tx.list(USES, sql, [key], |row| {
        Ok(Use {
            key: row.text("key")?,
            device: row.text("device")?,
            member: row.text("member")?,
            at: row.time("at")?,
        })
    })
}

fn invite_of(row: &Cells) -> Result<Invite> {
    Ok(Invite {
        key: row.text("key")?,
        role: row.text("role")?,
        member: row.text_opt("member")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        uses: row.count("uses")?,
        revoked_at: row.time_opt("revoked_at")?,
    })
}
