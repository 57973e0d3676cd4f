//! Releases and where each is in its installation, high-water marks, quarantine, faults, and the native cache's
//! digests. The order of the states is the install state machine's.

use rusqlite::params;

use crate::cells::{Cells, Table, at, cells, count, json_list};
use crate::{Read, Result, Write};

mod cache;
mod quarantine;

pub use cache::{NativeCode, forget_native, native, put_native};
pub use quarantine::{
    Fault, Quarantine, add_fault, faults_since, forget_faults, lift, prune_faults, quarantine,
    quarantined, quarantines,
};

const RELEASES: Table = Table {
    name: "releases",
    key: &["cid"],
};
const HIGH_WATER: Table = Table {
    name: "high_water",
    key: &["publisher", "name"],
};

/// A release that is here. Instants are in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its CID: that of `record`.
    pub cid: String,
    /// Its name.
    pub name: String,
    /// The publisher's DID.
    pub publisher: String,
    /// Semver.
    pub version: String,
    /// Rises per (publisher, name), at most 2^53-1.
    pub revision: u64,
    /// `policy`, `workload` or `skill`.
    pub kind: String,
    /// `weft:scorer/scorer@0.1.0` …
    pub world: String,
    /// The slot it serves. `None`: not a policy.
    pub slot: Option<String>,
    /// The release record, canonical DAG-CBOR.
    pub record: Vec<u8>,
    /// Its signatures.
    pub envelope: Vec<u8>,
    /// CID of the component.
    pub component_cid: String,
    /// What it imports.
    pub imports: Vec<String>,
    /// What it reads.
    pub features: Vec<String>,
    /// For a person.
    pub description: Option<String>,
    /// Where it is in its installation.
    pub state: String,
    /// Why, or what consent it waits for.
    pub note: Option<String>,
    /// When it came here.
    pub added_at: i64,
    /// When its state last changed.
    pub updated_at: i64,
}

/// The highest revision accepted of (publisher, name), and which release that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HighWater {
    /// The revision.
    pub revision: u64,
    /// The release: other bytes with the same revision are equivocation.
    pub release_cid: String,
}

/// Keeps a release. Returns whether it is new; one that is there stays as it is.
pub fn add(tx: &Write, release: &Release) -> Result<bool> {
    tx.insert_new(
        RELEASES.name,
        cells! {
            "cid": release.cid.clone(),
            "name": release.name.clone(),
            "publisher": release.publisher.clone(),
            "version": release.version.clone(),
            "revision": count(release.revision),
            "kind": release.kind.clone(),
            "world": release.world.clone(),
            "slot": release.slot.clone(),
            "record": release.record.clone(),
            "envelope": release.envelope.clone(),
            "component_cid": release.component_cid.clone(),
            "imports": json_list(&release.imports),
            "features": json_list(&release.features),
            "description": release.description.clone(),
            "state": release.state.clone(),
            "note": release.note.clone(),
            "added_at": at(release.added_at),
            "updated_at": at(release.updated_at),
        },
    )
}

/// Notes where a release is in its installation, and why.
///
/// # Errors
/// [`crate::Error::Missing`].
pub fn set_state(tx: &Write, cid: &str, state: &str, note: Option<&str>, now: i64) -> Result<()> {
    let note = note.map(str::to_owned);
    tx.update(
        RELEASES,
        cid,
        cells! { "state": state.to_owned(), "note": note, "updated_at": at(now) },
    )
}

/// Replaces a release's signatures, when more are known.
///
/// # Errors
/// [`crate::Error::Missing`].
pub fn set_envelope(tx: &Write, cid: &str, envelope: &[u8]) -> Result<()> {
    tx.update(RELEASES, cid, cells! { "envelope": envelope.to_vec() })
}

/// A release by its CID.
pub fn get(tx: &Read, cid: &str) -> Result<Option<Release>> {
    tx.one(
        RELEASES,
        "SELECT * FROM releases WHERE cid = ?1",
        [cid],
        release_of,
    )
}

/// The releases with this name, of any publisher, the highest revision first.
pub fn named(tx: &Read, name: &str) -> Result<Vec<Release>> {
    let sql = "SELECT * FROM releases WHERE name = ?1 ORDER BY revision DESC, rowid DESC";
    tx.list(RELEASES, sql, [name], release_of)
}

/// All releases by kind, slot, name and revision; only of `kind` if it is given.
pub fn list(tx: &Read, kind: Option<&str>) -> Result<Vec<Release>> {
    let sql = "SELECT * FROM releases WHERE ?1 IS NULL OR kind = ?1
        ORDER BY kind, slot, name, revision DESC, rowid DESC";
    tx.list(RELEASES, sql, [kind], release_of)
}

/// Releases in this state: what a start has to take up again.
pub fn in_state(tx: &Read, state: &str) -> Result<Vec<Release>> {
    tx.list(
        RELEASES,
        "SELECT * FROM releases WHERE state = ?1 ORDER BY rowid",
        [state],
        release_of,
    )
}

/// Forgets a release. Returns whether it was there. Its high-water mark stays.
pub fn remove(tx: &Write, cid: &str) -> Result<bool> {
    Ok(tx.run("DELETE FROM releases WHERE cid = ?1", [cid])? > 0)
}

/// The high-water mark of (publisher, name). `None`: nothing was accepted yet.
pub fn high_water(tx: &Read, publisher: &str, name: &str) -> Result<Option<HighWater>> {
    let sql = "SELECT * FROM high_water WHERE publisher = ?1 AND name = ?2";
    tx.one(HIGH_WATER, sql, [publisher, name], |row| {
        Ok(HighWater {
            revision: row.count("revision")?,
            release_cid: row.text("release_cid")?,
        })
    })
}

/// Raises the high-water mark. Returns false, and changes nothing, unless the revision is above it.
pub fn raise_high_water(
    tx: &Write,
    publisher: &str,
    name: &str,
    mark: &HighWater,
    now: i64,
) -> Result<bool> {
    let sql = "INSERT INTO high_water (publisher, name, revision, release_cid, at) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (publisher, name) DO UPDATE SET revision = excluded.revision,
            release_cid = excluded.release_cid, at = excluded.at
        WHERE excluded.revision > revision";
    let params = params![
        publisher,
        name,
        count(mark.revision),
        mark.release_cid,
        at(now)
    ];
    Ok(tx.run(sql, params)? > 0)
}

fn release_of(row: &Cells) -> Result<Release> {
    Ok(Release {
        cid: row.text("cid")?,
        name: row.text("name")?,
        publisher: row.text("publisher")?,
        version: row.text("version")?,
        revision: row.count("revision")?,
        kind: row.text("kind")?,
        world: row.text("world")?,
        slot: row.text_opt("slot")?,
        record: row.blob("record")?,
        envelope: row.blob("envelope")?,
        component_cid: row.text("component_cid")?,
        imports: row.json("imports", "a list of names")?,
        features: row.json("features", "a list of names")?,
        description: row.text_opt("description")?,
        state: row.text("state")?,
        note: row.text_opt("note")?,
        added_at: row.time("added_at")?,
        updated_at: row.time("updated_at")?,
    })
}
