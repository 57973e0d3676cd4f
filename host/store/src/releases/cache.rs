//! `native_cache`: digests of natively compiled components. The code itself lies in files; one whose digest differs
//! is compiled anew.

use rusqlite::params;

use crate::cells::{Cells, Table, at, cells};
use crate::{Read, Result, Write};

const NATIVE_CACHE: Table = Table {
    name: "native_cache",
    key: &["component_cid", "engine_profile"],
};

/// What is known of one compiled component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeCode {
    /// sha256 of the code, hex.
    pub digest: String,
    /// When it was compiled, in ms.
    pub created_at: i64,
}

/// The compiled form of a component for an engine profile.
pub fn native(tx: &Read, component_cid: &str, engine_profile: &str) -> Result<Option<NativeCode>> {
    let sql = "SELECT * FROM native_cache WHERE component_cid = ?1 AND engine_profile = ?2";
    tx.one(
        NATIVE_CACHE,
        sql,
        [component_cid, engine_profile],
        |row: &Cells| {
            Ok(NativeCode {
                digest: row.text("digest")?,
                created_at: row.time("created_at")?,
            })
        },
    )
}

/// Notes a compiled component, or another digest of it.
pub fn put_native(
    tx: &Write,
    component_cid: &str,
    engine_profile: &str,
    digest: &str,
    now: i64,
) -> Result<()> {
    tx.upsert(
        NATIVE_CACHE,
        cells! {
            "component_cid": component_cid.to_owned(),
            "engine_profile": engine_profile.to_owned(),
            "digest": digest.to_owned(),
            "created_at": at(now),
        },
    )
}

/// Forgets the compiled forms of a component for all profiles. Returns how many there were.
pub fn forget_native(tx: &Write, component_cid: &str) -> Result<usize> {
    tx.run(
        "DELETE FROM native_cache WHERE component_cid = ?1",
        params![component_cid],
    )
}
