//! The owner's own tables: the truth about this node, edited by hand as well as by commands.
//!
//! [`load`] reads all that a decision needs of one user and says for each part whether it can be read; a part that
//! can't be is for the caller to fail closed on. Only rows in force (`is_active` not 0) count there: switching a
//! broken row off is a way to mend it. Rule kinds and zone names are not judged here.

use crate::limits::LIST_ROWS_MAX;
use crate::{Error, Malformed, Read, Result, Write, carbon, peers, polls};

pub mod cooldown;
pub mod energy;
pub mod hours;
pub mod permissions;
pub mod preferences;
pub mod rules;

pub use cooldown::Cooldown;
pub use energy::Energy;
pub use hours::Hours;
pub use permissions::{Permission, Permit};
pub use preferences::Preferences;
pub use rules::{Level, Rule};

/// What one user wants, part by part.
#[derive(Debug, Clone, PartialEq)]
pub struct Owner {
    /// Preferences; the defaults where there is no row.
    pub preferences: Result<Preferences, Malformed>,
    /// Hours in force. Empty: any time.
    pub hours: Result<Vec<Hours>, Malformed>,
    /// Ethical rules in force.
    pub rules: Result<Vec<Rule>, Malformed>,
    /// When the device last ran a task for this owner. `None`: never.
    pub cooldown: Result<Option<Cooldown>, Malformed>,
}

/// All that a decision needs of `user_id`.
///
/// # Errors
/// Only what concerns the whole database; rows that can't be read are inside.
pub fn load(tx: &Read, user_id: &str) -> Result<Owner> {
    Ok(Owner {
        preferences: apart(preferences::get(tx, user_id))?,
        hours: hours::in_force(tx, user_id)?.strict(),
        rules: rules::in_force(tx, user_id)?.strict(),
        cooldown: apart(cooldown::get(tx, user_id))?,
    })
}

/// Every row that a person edits, of any user, that can't be read.
pub fn malformed(tx: &Read) -> Result<Vec<Malformed>> {
    let mut found = preferences::all(tx)?.malformed;
    found.extend(hours::all(tx)?.malformed);
    found.extend(rules::all(tx)?.malformed);
    found.extend(cooldown::all(tx)?.malformed);
    found.extend(permissions::list(tx)?.malformed);
    found.extend(peers::list(tx)?.malformed);
    found.extend(polls::list(tx, None, LIST_ROWS_MAX)?.malformed);
    found.extend(carbon::last(tx, LIST_ROWS_MAX)?.malformed);
    if let Err(energy) = apart(energy::get(tx))? {
        found.push(energy);
    }
    Ok(found)
}

/// Keeps an unreadable row apart from what concerns the whole database.
fn apart<T>(result: Result<T>) -> Result<Result<T, Malformed>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Error::Malformed(malformed)) => Ok(Err(*malformed)),
        Err(error) => Err(error),
    }
}

/// Gives all that belongs to one user to another name, which must have nothing of its own yet.
pub fn rename(tx: &Write, from: &str, to: &str) -> Result<()> {
    for table in [
        "user_preferences",
        "task_cooldown",
        "delegation_hours",
        "ethical_rules",
        "peer_permissions",
        "user_tiers",
        "tasks",
        "task_delegations",
    ] {
        let sql = format!("UPDATE OR REPLACE {table} SET user_id = ?2 WHERE user_id = ?1");
        tx.run(&sql, [from, to])?;
    }
    Ok(())
}
