//! Which releases serve each slot, in what mode, and how that came to be.
//!
//! [`set`] replaces all bindings of a slot and appends to its history in one go; [`rollback`] goes one step back in
//! it, and again one step when called again. `slots` may be edited by hand, too: the next decision obeys, and a
//! rollback then goes back to what the history last says.

use rusqlite::params;

use crate::cells::{Cells, Table, at, at_opt, cells};
use crate::limits::LIST_ROWS_MAX;
use crate::{Error, Read, Result, Write};

const SLOTS: Table = Table {
    name: "slots",
    key: &["slot", "position"],
};
const HISTORY: Table = Table {
    name: "slot_history",
    key: &["id"],
};

/// How a release serves its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It decides.
    Enforce,
    /// It decides this share of the calls, in per cent, 1 to 99.
    Canary(u8),
    /// It runs beside and decides nothing.
    Shadow,
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Enforce => f.write_str("enforce"),
            Self::Canary(percent) => write!(f, "canary {percent}%"),
            Self::Shadow => f.write_str("shadow"),
        }
    }
}

impl Mode {
    /// `enforce`, `shadow`, or `canary N%` with N from 1 to 99.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "enforce" => Some(Self::Enforce),
            "shadow" => Some(Self::Shadow),
            _ => {
                let percent = word
                    .strip_prefix("canary ")?
                    .strip_suffix('%')?
                    .trim()
                    .parse()
                    .ok()?;
                (1..=99).contains(&percent).then_some(Self::Canary(percent))
            }
        }
    }
}

/// One release in a slot.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Binding {
    /// The release.
    pub release_cid: String,
    /// Its config, canonical CBOR. Empty: every default.
    pub config: Vec<u8>,
    /// How it serves.
    pub mode: Mode,
    /// Who chose it: `genesis`, `constitution` or `owner` (a pin).
    pub origin: String,
    /// Since when, in ms.
    pub activated_at: i64,
}

/// Who changes something, and why. Used for slots and workloads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// `use`, `add`, `remove`, `quarantine`, `genesis` …
    pub action: String,
    /// Who does it.
    pub actor: Option<String>,
    /// Why, for a person.
    pub reason: Option<String>,
    /// When, in ms.
    pub at: i64,
}

/// One entry of a slot's history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SlotChange {
    /// Running number.
    pub id: i64,
    /// The slot.
    pub slot: String,
    /// When, in ms.
    pub at: i64,
    /// `use`, `add`, `remove`, `rollback`, `quarantine`, `genesis` …
    pub action: String,
    /// Who did it.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The slot's bindings from then on.
    pub bindings: Vec<Binding>,
    /// The change that a rollback went back to.
    pub restores: Option<i64>,
}

/// The bindings of a slot, in order. Empty: nobody serves it.
///
/// # Errors
/// [`Error::Malformed`]: apply the slot's failure rule.
pub fn get(tx: &Read, slot: &str) -> Result<Vec<Binding>> {
    tx.list(
        SLOTS,
        "SELECT * FROM slots WHERE slot = ?1 ORDER BY position",
        [slot],
        binding_of,
    )
}

/// All bindings of all slots, with their slot, in order.
///
/// # Errors
/// [`Error::Malformed`].
pub fn all(tx: &Read) -> Result<Vec<(String, Binding)>> {
    let sql = "SELECT * FROM slots ORDER BY slot, position";
    tx.list(SLOTS, sql, [], |row| {
        Ok((row.text("slot")?, binding_of(row)?))
    })
}

/// Replaces the bindings of a slot, and notes it in the history. Returns the change's number.
pub fn set(tx: &Write, slot: &str, bindings: &[Binding], change: &Change) -> Result<i64> {
    write(tx, slot, bindings, change, None)
}

/// Goes back to what the slot had before its last change. Returns what it has now.
///
/// # Errors
/// [`Error::Missing`] when there is nothing before.
pub fn rollback(tx: &Write, slot: &str, change: &Change) -> Result<Vec<Binding>> {
    let missing = || Error::Missing {
        what: "earlier version of slot",
        key: slot.to_owned(),
    };
    let last = last(tx, slot)?.ok_or_else(missing)?;
    // A slot edited by hand goes back to what the history last says.
    let edited = match get(tx, slot) {
        Ok(now) => now != last.bindings,
        Err(Error::Malformed(_)) => true,
        Err(error) => return Err(error),
    };
    let target = if edited {
        Some(last)
    } else {
        before(tx, slot, last.restores.unwrap_or(last.id))?
    };
    let target = target.ok_or_else(missing)?;
    let origin = target.restores.unwrap_or(target.id);
    write(tx, slot, &target.bindings, change, Some(origin))?;
    Ok(target.bindings)
}

/// The last `limit` changes of a slot, newest first.
pub fn history(tx: &Read, slot: &str, limit: u32) -> Result<Vec<SlotChange>> {
    let sql = "SELECT * FROM slot_history WHERE slot = ?1 ORDER BY id DESC LIMIT ?2";
    tx.list(
        HISTORY,
        sql,
        params![slot, limit.min(LIST_ROWS_MAX)],
        change_of,
    )
}

fn last(tx: &Read, slot: &str) -> Result<Option<SlotChange>> {
    let sql = "SELECT * FROM slot_history WHERE slot = ?1 ORDER BY id DESC LIMIT 1";
    tx.one(HISTORY, sql, [slot], change_of)
}

/// The last change before `id`.
fn before(tx: &Read, slot: &str, id: i64) -> Result<Option<SlotChange>> {
    let sql = "SELECT * FROM slot_history WHERE slot = ?1 AND id < ?2 ORDER BY id DESC LIMIT 1";
    tx.one(HISTORY, sql, params![slot, id], change_of)
}

fn write(
    tx: &Write,
    slot: &str,
    bindings: &[Binding],
    change: &Change,
    restores: Option<i64>,
) -> Result<i64> {
    tx.run("DELETE FROM slots WHERE slot = ?1", [slot])?;
    for (position, binding) in bindings.iter().enumerate() {
        tx.insert(
            SLOTS.name,
            cells! {
                "slot": slot.to_owned(),
                "position": count(position),
                "release_cid": binding.release_cid.clone(),
                "config": binding.config.clone(),
                "mode": binding.mode.to_string(),
                "origin": binding.origin.clone(),
                "activated_at": at(binding.activated_at),
            },
        )?;
    }
    // Kept as the table has them, so that both compare.
    let bindings = crate::cells::json_list(&get(tx, slot)?);
    tx.insert(
        HISTORY.name,
        cells! {
            "slot": slot.to_owned(),
            "at": at_opt(Some(change.at)),
            "action": change.action.clone(),
            "actor": change.actor.clone(),
            "reason": change.reason.clone(),
            "bindings": bindings,
            "restores": restores,
        },
    )
}

fn count(position: usize) -> rusqlite::types::Value {
    crate::cells::count(position as u64)
}

fn binding_of(row: &Cells) -> Result<Binding> {
    let mode = row.text("mode")?;
    Ok(Binding {
        release_cid: row.text("release_cid")?,
        config: row.blob("config")?,
        mode: Mode::parse(&mode)
            .ok_or_else(|| row.malformed("mode", "enforce, shadow, or canary N% (1 to 99)"))?,
        origin: row.text("origin")?,
        activated_at: row.time("activated_at")?,
    })
}

fn change_of(row: &Cells) -> Result<SlotChange> {
    Ok(SlotChange {
        id: row.int("id", 0..=i64::MAX)?,
        slot: row.text("slot")?,
        at: row.time("at")?,
        action: row.text("action")?,
        actor: row.text_opt("actor")?,
        reason: row.text_opt("reason")?,
        bindings: row.json("bindings", "a list of bindings")?,
        restores: row.int_opt("restores", 0..=i64::MAX)?,
    })
}
