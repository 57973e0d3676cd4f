//! `models`: what workloads compute with, by the names that people gave.

use crate::cells::{Table, at, cells, count};
use crate::{Read, Result, Write};

const MODELS: Table = Table {
    name: "models",
    key: &["name"],
};

/// A model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// What people call it here.
    pub name: String,
    /// The content that lists its files.
    pub cid: String,
    /// Bytes of all its files.
    pub size: u64,
    /// Its licence; empty: unknown.
    pub license: String,
    /// Where it came from.
    pub source: String,
    /// When, in ms.
    pub added_at: i64,
}

/// Adds a model under a name that is free.
pub fn add(tx: &Write, model: &Model) -> Result<bool> {
    tx.insert_new(
        MODELS.name,
        cells! {
            "name": model.name.clone(),
            "cid": model.cid.clone(),
            "size": count(model.size),
            "license": model.license.clone(),
            "source": model.source.clone(),
            "added_at": at(model.added_at),
        },
    )
}

/// All of them, by name.
pub fn list(tx: &Read) -> Result<Vec<Model>> {
    tx.list(MODELS, "SELECT * FROM models ORDER BY name", [], |row| {
        Ok(Model {
            name: row.text("name")?,
            cid: row.text("cid")?,
            size: row.count("size")?,
            license: row.text("license")?,
            source: row.text("source")?,
            added_at: row.time("added_at")?,
        })
    })
}

/// The model of a name or of a CID.
pub fn find(tx: &Read, target: &str) -> Result<Option<Model>> {
    let all = list(tx)?;
    let by_name = all.iter().find(|m| m.name == target);
    Ok(by_name
        .or_else(|| all.iter().find(|m| m.cid == target))
        .cloned())
}

/// Forgets a name. Returns whether it was there.
pub fn remove(tx: &Write, name: &str) -> Result<bool> {
    Ok(tx.run("DELETE FROM models WHERE name = ?1", [name])? > 0)
}
