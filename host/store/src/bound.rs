//! Names and the releases that they stand for, and how that came to be: which release runs a task's name
//! ([`WORKLOADS`]), which one a skill is ([`SKILLS`]). A task's name without one is bound to nothing: such a task fails.

use rusqlite::params;

use crate::cells::{Cells, Table, at, cells};
use crate::limits::LIST_ROWS_MAX;
use crate::slots::Change;
use crate::{Error, Read, Result, Rows, Write};

/// One kind of names: its table, and that of its history.
#[derive(Clone, Copy)]
pub struct Bound {
    table: Table,
    history: Table,
}

/// Which release runs a task's name.
pub const WORKLOADS: Bound = Bound {
    table: Table {
        name: "workloads",
        key: &["name"],
    },
    history: Table {
        name: "workload_history",
        key: &["id"],
    },
};

/// Which release a skill is.
pub const SKILLS: Bound = Bound {
    table: Table {
        name: "skills",
        key: &["name"],
    },
    history: Table {
        name: "skill_history",
        key: &["id"],
    },
};

/// A name and its release.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Binding {
    /// The name.
    pub name: String,
    /// The release.
    pub release_cid: String,
    /// Who chose it: `genesis`, `owner` or `update`.
    pub origin: String,
    /// Since when, in ms.
    pub activated_at: i64,
}

/// One entry of a name's history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BindingChange {
    /// Running number.
    pub id: i64,
    /// The name.
    pub name: String,
    /// The release from then on. `None`: unbound.
    pub release_cid: Option<String>,
    /// When, in ms.
    pub at: i64,
    /// `use`, `remove`, `rollback`, `genesis` …
    pub action: String,
    /// Who did it.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The change that a rollback went back to.
    pub restores: Option<i64>,
}

impl Bound {
    /// What a name stands for.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn get(&self, tx: &Read, name: &str) -> Result<Option<Binding>> {
        let sql = format!("SELECT * FROM {} WHERE name = ?1", self.table.name);
        tx.one(self.table, &sql, [name], binding_of)
    }

    /// All bound names.
    pub fn list(&self, tx: &Read) -> Result<Rows<Binding>> {
        let sql = format!("SELECT * FROM {} ORDER BY name", self.table.name);
        tx.rows(self.table, &sql, [], binding_of)
    }

    /// Binds a name (`Some`) or unbinds it (`None`), and notes it in the history. Returns the change's number.
    pub fn set(
        &self,
        tx: &Write,
        name: &str,
        release_cid: Option<&str>,
        origin: &str,
        change: &Change,
    ) -> Result<i64> {
        self.write(tx, name, release_cid, origin, change, None)
    }

    /// Goes back to what the name had before its last change. Returns what it has now; `None`: unbound.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is nothing before.
    pub fn rollback(&self, tx: &Write, name: &str, change: &Change) -> Result<Option<String>> {
        let missing = || Error::Missing {
            what: "earlier version of name",
            key: name.to_owned(),
        };
        let last = self
            .history(tx, name, 1)?
            .into_iter()
            .next()
            .ok_or_else(missing)?;
        let now = self.get(tx, name)?.map(|binding| binding.release_cid);
        // A name bound by hand goes back to what the history last says.
        let target = match now == last.release_cid {
            false => Some(last),
            true => self.before(tx, name, last.restores.unwrap_or(last.id), now.as_deref())?,
        };
        let target = target.ok_or_else(missing)?;
        let origin = target.restores.unwrap_or(target.id);
        self.write(
            tx,
            name,
            target.release_cid.as_deref(),
            "owner",
            change,
            Some(origin),
        )?;
        Ok(target.release_cid)
    }

    /// The last `limit` changes of a name, newest first.
    pub fn history(&self, tx: &Read, name: &str, limit: u32) -> Result<Vec<BindingChange>> {
        let sql = format!(
            "SELECT * FROM {} WHERE name = ?1 ORDER BY id DESC LIMIT ?2",
            self.history.name
        );
        tx.list(
            self.history,
            &sql,
            params![name, limit.min(LIST_ROWS_MAX)],
            change_of,
        )
    }

    /// The last change before `id` that was another than `now`: one version may have been bound twice.
    fn before(
        &self,
        tx: &Read,
        name: &str,
        id: i64,
        now: Option<&str>,
    ) -> Result<Option<BindingChange>> {
        let sql = format!(
            "SELECT * FROM {} WHERE name = ?1 AND id < ?2 AND release_cid IS NOT ?3 ORDER BY id DESC LIMIT 1",
            self.history.name
        );
        tx.one(self.history, &sql, params![name, id, now], change_of)
    }

    fn write(
        &self,
        tx: &Write,
        name: &str,
        release_cid: Option<&str>,
        origin: &str,
        change: &Change,
        restores: Option<i64>,
    ) -> Result<i64> {
        match release_cid {
            Some(release_cid) => tx.upsert(
                self.table,
                cells! {
                    "name": name.to_owned(),
                    "release_cid": release_cid.to_owned(),
                    "origin": origin.to_owned(),
                    "activated_at": at(change.at),
                },
            )?,
            None => {
                let sql = format!("DELETE FROM {} WHERE name = ?1", self.table.name);
                tx.run(&sql, [name])?;
            }
        }
        tx.insert(
            self.history.name,
            cells! {
                "name": name.to_owned(),
                "release_cid": release_cid.map(str::to_owned),
                "at": at(change.at),
                "action": change.action.clone(),
                "actor": change.actor.clone(),
                "reason": change.reason.clone(),
                "restores": restores,
            },
        )
    }
}

fn binding_of(row: &Cells) -> Result<Binding> {
    Ok(Binding {
        name: row.text("name")?,
        release_cid: row.text("release_cid")?,
        origin: row.text("origin")?,
        activated_at: row.time("activated_at")?,
    })
}

fn change_of(row: &Cells) -> Result<BindingChange> {
    Ok(BindingChange {
        id: row.int("id", 0..=i64::MAX)?,
        name: row.text("name")?,
        release_cid: row.text_opt("release_cid")?,
        at: row.time("at")?,
        action: row.text("action")?,
        actor: row.text_opt("actor")?,
        reason: row.text_opt("reason")?,
        restores: row.int_opt("restores", 0..=i64::MAX)?,
    })
}
