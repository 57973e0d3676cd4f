//! `user_tiers`: each member's tier and what it rests on. Which tier follows from what is the quota policy's.

use rusqlite::params;

use crate::cells::{Cells, Table, at, at_opt, cells, count};
use crate::tasks::DONE;
use crate::{Read, Result, Rows, Write};

const TIERS: Table = Table {
    name: "user_tiers",
    key: &["user_id"],
};

/// A member's tier. Instants are in ms.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Tier {
    /// The member.
    pub user_id: String,
    /// `free`, `supporter`, `contributor`, or what a policy names.
    pub tier: String,
    /// Tasks done.
    pub tasks: u64,
    /// Ballots cast.
    pub votes: u64,
    /// Sum of donations, in the community's unit.
    pub donations: f64,
    /// The last donation that an admin recorded. `None`: never.
    pub donated_at: Option<i64>,
    /// A tier that an admin gave by hand.
    pub granted: Option<String>,
}

impl Tier {
    /// The tier of someone of whom nothing is known.
    pub fn new(user_id: impl Into<String>) -> Self {
        Self {
            user_id: user_id.into(),
            tier: "free".to_owned(),
            tasks: 0,
            votes: 0,
            donations: 0.0,
            donated_at: None,
            granted: None,
        }
    }
}

/// What the tables hold of a member's work: the facts that `tasks` and `votes` of a [`Tier`] are projected from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Tasks done that it submitted, under any of its names.
    pub tasks: u64,
    /// Polls that it voted in.
    pub votes: u64,
}

/// A member's tier; [`Tier::new`] where there is no row.
///
/// # Errors
/// [`crate::Error::Malformed`].
pub fn get(tx: &Read, user_id: &str) -> Result<Tier> {
    let tier = tx.one(
        TIERS,
        "SELECT * FROM user_tiers WHERE user_id = ?1",
        [user_id],
        tier_of,
    )?;
    Ok(tier.unwrap_or_else(|| Tier::new(user_id)))
}

/// Everyone's tier, as far as there are rows.
pub fn list(tx: &Read) -> Result<Rows<Tier>> {
    tx.rows(
        TIERS,
        "SELECT * FROM user_tiers ORDER BY user_id",
        [],
        tier_of,
    )
}

/// Writes all of a tier.
pub fn put(tx: &Write, tier: &Tier, now: i64) -> Result<()> {
    tx.upsert(
        TIERS,
        cells! {
            "user_id": tier.user_id.clone(),
            "tier": tier.tier.clone(),
            "tasks": count(tier.tasks),
            "votes": count(tier.votes),
            "donations": tier.donations,
            "donated_at": at_opt(tier.donated_at),
            "granted": tier.granted.clone(),
            "updated_at": at(now),
        },
    )
}

/// Adds a donation to what a member gave.
pub fn donate(tx: &Write, user_id: &str, amount: f64, at: i64) -> Result<Tier> {
    let mut tier = get(tx, user_id)?;
    tier.donations += amount;
    tier.donated_at = tier.donated_at.max(Some(at));
    put(tx, &tier, at)?;
    Ok(tier)
}

/// What the tables hold of the work of the member behind `user_id`.
pub fn work(tx: &Read, user_id: &str) -> Result<Work> {
    let names = "SELECT ?1 UNION SELECT other.user_id FROM members AS this
        JOIN members AS other ON other.did = this.did WHERE this.user_id = ?1";
    let tasks = format!("SELECT count(*) FROM tasks WHERE status = ?2 AND user_id IN ({names})");
    let votes = "SELECT count(*) FROM votes
        WHERE member IN (SELECT ?1 UNION SELECT did FROM members WHERE user_id = ?1)";
    Ok(Work {
        tasks: tx.number(&tasks, params![user_id, DONE])?.unsigned_abs(),
        votes: tx.number(votes, params![user_id])?.unsigned_abs(),
    })
}

fn tier_of(row: &Cells) -> Result<Tier> {
    let tier = row.text("tier")?;
    if tier.trim().is_empty() {
        return Err(row.malformed("tier", "the name of a tier"));
    }
    Ok(Tier {
        user_id: row.text("user_id")?,
        tier,
        tasks: row.count("tasks")?,
        votes: row.count("votes")?,
        donations: row.real_opt("donations", 0.0..=f64::MAX)?.unwrap_or(0.0),
        donated_at: row.time_opt("donated_at")?,
        granted: row.text_opt("granted")?,
    })
}

/// Forgets donations and granted tiers, as when the home goes over to another network.
pub fn clear_facts(tx: &Write) -> Result<()> {
    tx.run(
        "UPDATE user_tiers SET donations = 0, donated_at = NULL, granted = NULL",
        [],
    )?;
    Ok(())
}
