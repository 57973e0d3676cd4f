//! Votes on the importance of a task name: polls (`importance_votes`) and ballots (`votes`).
//!
//! One ballot per member counts: the one with the highest counter, then with the lowest event CID. What ballots weigh
//! and when a poll has decided is the voting policy's.

use rusqlite::params;

use crate::cells::{Cells, Table, at, at_opt, cells};
use crate::{Error, Read, Result, Rows, Write, time};

const POLLS: Table = Table {
    name: "importance_votes",
    key: &["id"],
};
const VOTES: Table = Table {
    name: "votes",
    key: &["poll_id", "member"],
};

/// A poll that takes ballots.
pub const OPEN: &str = "open";
/// A poll that was tallied.
pub const CLOSED: &str = "closed";
/// A poll whose tally failed; it decided nothing.
pub const ABORTED: &str = "aborted";

/// A poll. Instants are in ms.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Poll {
    /// Its id.
    pub id: String,
    /// Whose importance.
    pub task_name: String,
    /// Who opened it.
    pub opener: Option<String>,
    /// When.
    pub opened_at: i64,
    /// Ballots count until then; rounded down.
    pub closes_at: Option<i64>,
    /// [`OPEN`], [`CLOSED`] or [`ABORTED`].
    pub status: String,
    /// CID of the voting release.
    pub method: Option<String>,
    /// The importance that won. `None`: undecided.
    pub consensus: Option<String>,
    /// Its share of the weight, 0 to 1.
    pub confidence: Option<f64>,
    /// When it was closed.
    pub closed_at: Option<i64>,
    /// The event that closed it.
    pub event_cid: Option<String>,
}

/// A ballot.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Vote {
    /// The poll.
    pub poll_id: String,
    /// The member's DID; an unbound name where there is none.
    pub member: String,
    /// The name it voted under.
    pub user_id: Option<String>,
    /// An importance.
    pub choice: String,
    /// The member's n-th ballot in this poll.
    pub counter: u64,
    /// What it weighed. `None`: not tallied.
    pub weight: Option<f64>,
    /// When, in ms.
    pub cast_at: i64,
    /// The signed ballot.
    pub event_cid: Option<String>,
}

/// How a poll ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Closing {
    /// [`CLOSED`] or [`ABORTED`].
    pub status: String,
    /// CID of the voting release that judged.
    pub method: Option<String>,
    /// The importance that won.
    pub consensus: Option<String>,
    /// Its share of the weight, 0 to 1.
    pub confidence: Option<f64>,
    /// What each ballot weighed, by member.
    pub weights: Vec<(String, f64)>,
    /// The event that says so.
    pub event_cid: Option<String>,
}

/// Opens a poll.
///
/// # Errors
/// [`Error::Exists`].
pub fn open(tx: &Write, poll: &Poll) -> Result<()> {
    tx.insert(
        POLLS.name,
        cells! {
            "id": poll.id.clone(),
            "task_name": poll.task_name.clone(),
            "opener": poll.opener.clone(),
            "opened_at": at(poll.opened_at),
            "closes_at": at_opt(poll.closes_at),
            "status": poll.status.clone(),
            "method": poll.method.clone(),
            "consensus": poll.consensus.clone(),
            "confidence": poll.confidence,
            "closed_at": at_opt(poll.closed_at),
            "event_cid": poll.event_cid.clone(),
        },
    )?;
    Ok(())
}

/// Puts a ballot in. Returns whether it counts: false when one of this member with a higher counter, or an equal
/// one and a lower CID, is there. Whether the poll still takes ballots is the caller's to check.
pub fn cast(tx: &Write, vote: &Vote) -> Result<bool> {
    let sql = "INSERT INTO votes (poll_id, member, user_id, choice, counter, cast_at, event_cid)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (poll_id, member) DO UPDATE SET user_id = excluded.user_id, choice = excluded.choice,
            counter = excluded.counter, weight = NULL, cast_at = excluded.cast_at, event_cid = excluded.event_cid
        WHERE excluded.counter > counter
            OR (excluded.counter = counter AND excluded.event_cid < event_cid)";
    let params = params![
        vote.poll_id,
        vote.member,
        vote.user_id,
        vote.choice,
        crate::cells::count(vote.counter),
        at(vote.cast_at),
        vote.event_cid,
    ];
    Ok(tx.run(sql, params)? > 0)
}

/// Ends an open poll.
///
/// # Errors
/// [`Error::Missing`] when there is no such poll, or it is not open.
pub fn close(tx: &Write, id: &str, closing: &Closing, now: i64) -> Result<()> {
    let sql =
        "UPDATE importance_votes SET status = ?2, method = ?3, consensus = ?4, confidence = ?5,
        closed_at = ?6, event_cid = ?7 WHERE id = ?1 AND status = 'open'";
    let params = params![
        id,
        closing.status,
        closing.method,
        closing.consensus,
        closing.confidence,
        at(now),
        closing.event_cid,
    ];
    if tx.run(sql, params)? == 0 {
        return Err(Error::Missing {
            what: "open poll",
            key: id.to_owned(),
        });
    }
    for (member, weight) in &closing.weights {
        let sql = "UPDATE votes SET weight = ?3 WHERE poll_id = ?1 AND member = ?2";
        tx.run(sql, params![id, member, weight])?;
    }
    Ok(())
}

/// Puts what came out of an ended poll back to what is known elsewhere.
pub fn correct(
    tx: &Write,
    id: &str,
    consensus: Option<&str>,
    confidence: Option<f64>,
) -> Result<()> {
    let sql = "UPDATE importance_votes SET consensus = ?2, confidence = ?3 WHERE id = ?1";
    tx.run(sql, params![id, consensus, confidence])?;
    Ok(())
}

/// A poll by its id.
pub fn get(tx: &Read, id: &str) -> Result<Option<Poll>> {
    tx.one(
        POLLS,
        "SELECT * FROM importance_votes WHERE id = ?1",
        [id],
        poll_of,
    )
}

/// The ballots of a poll, by member.
pub fn votes(tx: &Read, poll_id: &str) -> Result<Rows<Vote>> {
    tx.rows(
        VOTES,
        "SELECT * FROM votes WHERE poll_id = ?1 ORDER BY member",
        [poll_id],
        vote_of,
    )
}

/// Forgets a member's ballot in a poll.
pub fn uncast(tx: &Write, poll_id: &str, member: &str) -> Result<()> {
    let sql = "DELETE FROM votes WHERE poll_id = ?1 AND member = ?2";
    tx.run(sql, params![poll_id, member])?;
    Ok(())
}

/// The counter of a member's ballot in a poll; 0: it has not voted.
pub fn counter(tx: &Read, poll_id: &str, member: &str) -> Result<u64> {
    let sql = "SELECT * FROM votes WHERE poll_id = ?1 AND member = ?2";
    Ok(tx
        .one(VOTES, sql, [poll_id, member], |row| row.count("counter"))?
        .unwrap_or(0))
}

/// The poll about a task name that takes ballots now, the newest if there are several.
pub fn open_for(tx: &Read, task_name: &str, now: i64) -> Result<Option<Poll>> {
    let sql = "SELECT * FROM importance_votes
        WHERE task_name = ?1 AND status = 'open' AND (closes_at IS NULL OR datetime(closes_at) > ?2)
        ORDER BY rowid DESC LIMIT 1";
    tx.one(POLLS, sql, params![task_name, time::format(now)], poll_of)
}

/// The last poll about a task name that reached a consensus at or after `since`.
pub fn consensus_for(tx: &Read, task_name: &str, since: i64) -> Result<Option<Poll>> {
    let sql = "SELECT * FROM importance_votes
        WHERE task_name = ?1 AND status = 'closed' AND consensus IS NOT NULL AND datetime(closed_at) >= ?2
        ORDER BY datetime(closed_at) DESC, rowid DESC LIMIT 1";
    tx.one(POLLS, sql, params![task_name, time::format(since)], poll_of)
}

/// Whether a poll about a task name was closed or aborted at or after `since_ms` (rounded down to the second).
///
/// # Errors
/// [`Error::Malformed`] when there is none, but an ended one of which the time can't be read.
pub fn closed_since(tx: &Read, task_name: &str, since_ms: i64) -> Result<bool> {
    let sql = "SELECT * FROM importance_votes
        WHERE task_name = ?1 AND status IN ('closed', 'aborted') AND coalesce(datetime(closed_at) >= ?2, 1)
        ORDER BY datetime(closed_at) DESC LIMIT 1";
    let params = params![task_name, time::format(since_ms)];
    let last = tx.one(POLLS, sql, params, |row| row.time("closed_at"))?;
    Ok(last.is_some())
}

/// Open polls whose time is over, the oldest first. One whose end can't be read is among the malformed.
pub fn due(tx: &Read, now: i64) -> Result<Rows<Poll>> {
    let sql = "SELECT * FROM importance_votes
        WHERE status = 'open' AND closes_at IS NOT NULL AND coalesce(datetime(closes_at), '') <= ?1
        ORDER BY datetime(closes_at), rowid";
    tx.rows(POLLS, sql, [time::format(now)], poll_of)
}

/// The next instant at which [`due`] will have something.
pub fn next_due(tx: &Read) -> Result<Option<i64>> {
    let sql = "SELECT min(datetime(closes_at)) AS closes_at, 'next' AS id FROM importance_votes
        WHERE status = 'open'";
    Ok(tx
        .one(POLLS, sql, [], |row| row.time_opt("closes_at"))?
        .flatten())
}

/// Polls, newest first; only those in `status` if it is given.
pub fn list(tx: &Read, status: Option<&str>, limit: u32) -> Result<Rows<Poll>> {
    let sql = "SELECT * FROM importance_votes WHERE (?1 IS NULL OR status = ?1) ORDER BY rowid DESC LIMIT ?2";
    tx.rows(
        POLLS,
        sql,
        params![status, limit.min(crate::limits::LIST_ROWS_MAX)],
        poll_of,
    )
}

fn poll_of(row: &Cells) -> Result<Poll> {
    Ok(Poll {
        id: row.text("id")?,
        task_name: row.text("task_name")?,
        opener: row.text_opt("opener")?,
        opened_at: row.time("opened_at")?,
        closes_at: row.time_opt("closes_at")?,
        status: row
            .word(
                "status",
                &[(OPEN, OPEN), (CLOSED, CLOSED), (ABORTED, ABORTED)],
            )?
            .to_owned(),
        method: row.text_opt("method")?,
        consensus: row.text_opt("consensus")?,
        confidence: row.real_opt("confidence", 0.0..=1.0)?,
        closed_at: row.time_opt("closed_at")?,
        event_cid: row.text_opt("event_cid")?,
    })
}

fn vote_of(row: &Cells) -> Result<Vote> {
    Ok(Vote {
        poll_id: row.text("poll_id")?,
        member: row.text("member")?,
        user_id: row.text_opt("user_id")?,
        choice: row.text("choice")?,
        counter: row.count("counter")?,
        weight: row.real_opt("weight", 0.0..=f64::MAX)?,
        cast_at: row.time("cast_at")?,
        event_cid: row.text_opt("event_cid")?,
    })
}

/// Forgets all votes, as when the home goes over to another network.
pub fn clear(tx: &Write) -> Result<()> {
    tx.run("DELETE FROM votes", [])?;
    tx.run("DELETE FROM importance_votes", [])?;
    Ok(())
}
