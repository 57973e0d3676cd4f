//! `grants`: which binary of a task's name an owner meant when they granted it a directory.

use crate::cells::{Table, at, cells};
use crate::{Read, Result, Write};

const GRANTS: Table = Table {
    name: "grants",
    key: &["name", "directory", "component_cid"],
};

/// A directory, and a binary that may have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The task's name.
    pub name: String,
    /// The directory.
    pub directory: String,
    /// The binary.
    pub component_cid: String,
    /// Who granted it.
    pub by: String,
    /// When, in ms.
    pub at: i64,
}

/// Grants a directory to a binary; one that has it keeps it.
pub fn add(tx: &Write, grant: &Grant) -> Result<bool> {
    tx.insert_new(
        GRANTS.name,
        cells! {
            "name": grant.name.clone(),
            "directory": grant.directory.clone(),
            "component_cid": grant.component_cid.clone(),
            "by": grant.by.clone(),
            "at": at(grant.at),
        },
    )
}

/// All grants.
pub fn list(tx: &Read) -> Result<Vec<Grant>> {
    let sql = "SELECT * FROM grants ORDER BY name, directory, at";
    tx.list(GRANTS, sql, [], |row| {
        Ok(Grant {
            name: row.text("name")?,
            directory: row.text("directory")?,
            component_cid: row.text("component_cid")?,
            by: row.text("by")?,
            at: row.time("at")?,
        })
    })
}
