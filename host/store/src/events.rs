//! The log: each device's chain of signed events. Facts are here; tables about them are projections.
//!
//! This device's own chain only grows at its end ([`append`]). Other devices' events are kept as they come, ancestors
//! first ([`keep`]): a device may tell two stories, and both are kept as the proof. Signatures, CIDs and what an event
//! means are others' business.

use rusqlite::params;
use rusqlite::types::Value;

use crate::cells::{Cells, Table, at, cells, count};
use crate::limits::LIST_ROWS_MAX;
use crate::{Error, Read, Result, Write};

const EVENTS: Table = Table {
    name: "events",
    key: &["cid"],
};

/// The number of the first event of a chain.
pub const FIRST_SEQ: u64 = 1;

/// A signed event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// CID of `bytes`.
    pub cid: String,
    /// DID of the device that signed it.
    pub author: String,
    /// Its place in the author's chain, from 1.
    pub seq: u64,
    /// CID of the event before; `None` for the first.
    pub prev: Option<String>,
    /// When the author says it was, in ms (kept in whole seconds; the exact instant is in `bytes`).
    pub at: i64,
    /// What it is about.
    pub kind: String,
    /// The signed event.
    pub bytes: Vec<u8>,
}

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The author.
    pub author: String,
    /// The last event's number.
    pub seq: u64,
    /// The last event's CID.
    pub cid: String,
}

/// Appends an event to its author's chain. Returns whether it is new.
///
/// # Errors
/// [`Error::Gap`] when events before it are missing or its number is 0, [`Error::Fork`] when the chain has another event in its place
/// or another predecessor.
pub fn append(tx: &Write, event: &Event) -> Result<bool> {
    if let Some(other) = at_seq(tx, &event.author, event.seq)? {
        if other == event.cid {
            return Ok(false);
        }
        return Err(fork(event, other));
    }
    let head = head(tx, &event.author)?;
    let next = (head.as_ref()).map_or(FIRST_SEQ, |head| head.seq + 1);
    if event.seq != next {
        return Err(Error::Gap {
            cid: event.cid.clone(),
            author: event.author.clone(),
            seq: event.seq,
            next,
        });
    }
    let prev = head.map(|head| head.cid);
    if event.prev != prev {
        return Err(fork(
            event,
            prev.unwrap_or_else(|| "the start of the chain".to_owned()),
        ));
    }
    with_row(event, |row| tx.insert(EVENTS.name, row))?;
    Ok(true)
}

/// The event as a row.
fn with_row<T>(event: &Event, insert: impl FnOnce(&[(&str, Value)]) -> T) -> T {
    insert(cells! {
        "cid": event.cid.clone(),
        "author": event.author.clone(),
        "seq": count(event.seq),
        "prev": event.prev.clone(),
        "at": at(event.at),
        "kind": event.kind.clone(),
        "bytes": event.bytes.clone(),
    })
}

/// Keeps an event of any chain whose ancestors are here. Returns whether it is new.
///
/// # Errors
/// When the database can't be written.
pub fn keep(tx: &Write, event: &Event) -> Result<bool> {
    with_row(event, |row| tx.insert_new(EVENTS.name, row))
}

/// Events from the running number `after` on, in the order in which they came, at most `limit`; with their numbers.
pub fn since(tx: &Read, after: i64, limit: u32) -> Result<Vec<(i64, Event)>> {
    let sql = "SELECT * FROM events WHERE id > ?1 ORDER BY id LIMIT ?2";
    tx.list(
        EVENTS,
        sql,
        params![after, limit.min(LIST_ROWS_MAX)],
        |row| Ok((row.int("id", 0..=i64::MAX)?, event_of(row)?)),
    )
}

/// The newest events, newest first, at most `limit`; with their numbers.
pub fn newest(tx: &Read, limit: u32) -> Result<Vec<(i64, Event)>> {
    let sql = "SELECT * FROM events ORDER BY id DESC LIMIT ?1";
    tx.list(EVENTS, sql, params![limit.min(LIST_ROWS_MAX)], |row| {
        Ok((row.int("id", 0..=i64::MAX)?, event_of(row)?))
    })
}

/// Whether anybody but this device wrote.
pub fn has_others(tx: &Read, device: &str) -> Result<bool> {
    Ok(tx.number(
        "SELECT EXISTS (SELECT 1 FROM events WHERE author <> ?1)",
        [device],
    )? > 0)
}

/// Removes all events, as when the home goes over to another network.
pub fn clear(tx: &Write) -> Result<()> {
    tx.run("DELETE FROM events", [])?;
    Ok(())
}

/// The end of one author's chain. `None`: no event yet.
pub fn head(tx: &Read, author: &str) -> Result<Option<Head>> {
    let sql = "SELECT * FROM events WHERE author = ?1 ORDER BY seq DESC LIMIT 1";
    tx.one(EVENTS, sql, [author], head_of)
}

/// The ends of all chains, by author.
pub fn heads(tx: &Read) -> Result<Vec<Head>> {
    let sql = "SELECT cid, author, max(seq) AS seq FROM events GROUP BY author ORDER BY author";
    tx.list(EVENTS, sql, [], head_of)
}

/// An event by its CID.
pub fn get(tx: &Read, cid: &str) -> Result<Option<Event>> {
    tx.one(
        EVENTS,
        "SELECT * FROM events WHERE cid = ?1",
        [cid],
        event_of,
    )
}

/// The running number of an event here, by its CID.
pub fn number(tx: &Read, cid: &str) -> Result<Option<i64>> {
    let sql = "SELECT * FROM events WHERE cid = ?1";
    tx.one(EVENTS, sql, [cid], |row| row.int("id", 0..=i64::MAX))
}

/// An author's events from number `from` on, at most `limit`, in order.
pub fn chain(tx: &Read, author: &str, from: u64, limit: u32) -> Result<Vec<Event>> {
    let sql = "SELECT * FROM events WHERE author = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    tx.list(
        EVENTS,
        sql,
        params![author, from, limit.min(LIST_ROWS_MAX)],
        event_of,
    )
}

/// How many events there are, of all authors.
pub fn len(tx: &Read) -> Result<u64> {
    Ok(tx.number("SELECT count(*) FROM events", [])?.unsigned_abs())
}

fn at_seq(tx: &Read, author: &str, seq: u64) -> Result<Option<String>> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let sql = "SELECT cid FROM events WHERE author = ?1 AND seq = ?2";
    tx.one(EVENTS, sql, params![author, seq], |row| row.text("cid"))
}

fn fork(event: &Event, other: String) -> Error {
    Error::Fork {
        cid: event.cid.clone(),
        author: event.author.clone(),
        other,
    }
}

fn head_of(row: &Cells) -> Result<Head> {
    Ok(Head {
        author: row.text("author")?,
        seq: row.count("seq")?,
        cid: row.text("cid")?,
    })
}

fn event_of(row: &Cells) -> Result<Event> {
    Ok(Event {
        cid: row.text("cid")?,
        author: row.text("author")?,
        seq: row.count("seq")?,
        prev: row.text_opt("prev")?,
        at: row.time("at")?,
        kind: row.text("kind")?,
        bytes: row.blob("bytes")?,
    })
}
