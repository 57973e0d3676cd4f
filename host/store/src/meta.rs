//! Single values: the network, the constitution in force, the version that last ran here.

use rusqlite::params;

use crate::cells::{Table, cells};
use crate::{Read, Result, Write};

const META: Table = Table {
    name: "meta",
    key: &["key"],
};

/// The value of `key`. `None`: never set.
pub fn get(tx: &Read, key: &str) -> Result<Option<String>> {
    tx.one(META, "SELECT * FROM meta WHERE key = ?1", [key], |row| {
        row.text("value")
    })
}

/// Sets `key`.
pub fn set(tx: &Write, key: &str, value: &str) -> Result<()> {
    tx.upsert(
        META,
        cells! { "key": key.to_owned(), "value": value.to_owned() },
    )
}

/// Removes `key`. Returns whether it was there.
pub fn remove(tx: &Write, key: &str) -> Result<bool> {
    Ok(tx.run("DELETE FROM meta WHERE key = ?1", params![key])? > 0)
}
