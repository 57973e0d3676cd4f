//! Devices: whose they are, and where they were reached. A projection of the log, but for the addresses.

use rusqlite::params;

use crate::cells::{Cells, Table, at, at_opt, cells, json_list};
use crate::{Read, Result, Write};

const DEVICES: Table = Table {
    name: "devices",
    key: &["did"],
};

/// A device. Instants are in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its key.
    pub did: String,
    /// The member whose it is.
    pub member: String,
    /// This device.
    pub is_self: bool,
    /// Where it was reached, or says that it listens.
    pub addresses: Vec<String>,
    /// Last sign of life.
    pub seen_at: Option<i64>,
    /// When it lost its place. `None`: it has it.
    pub revoked_at: Option<i64>,
}

/// Notes whose a device is, and whether it has its place; its addresses stay.
pub fn put(tx: &Write, device: &Device) -> Result<()> {
    tx.upsert(
        DEVICES,
        cells! {
            "did": device.did.clone(),
            "member": device.member.clone(),
            "is_self": device.is_self,
            "revoked_at": at_opt(device.revoked_at),
        },
    )
}

/// Notes where a device is. One that is not known stays so.
pub fn seen(tx: &Write, did: &str, addresses: &[String], now: i64) -> Result<()> {
    let sql = "UPDATE devices SET addresses = ?2, seen_at = ?3 WHERE did = ?1";
    tx.run(sql, params![did, json_list(addresses), at(now)])?;
    Ok(())
}

/// All devices, those that lost their place included.
pub fn list(tx: &Read) -> Result<Vec<Device>> {
    let sql = "SELECT * FROM devices ORDER BY is_self DESC, member, did";
    tx.list(DEVICES, sql, [], device_of)
}

/// A device.
pub fn get(tx: &Read, did: &str) -> Result<Option<Device>> {
    tx.one(
        DEVICES,
        "SELECT * FROM devices WHERE did = ?1",
        [did],
        device_of,
    )
}

/// Forgets all devices, as when the home goes over to another network.
pub fn clear(tx: &Write) -> Result<()> {
    tx.run("DELETE FROM devices", [])?;
    Ok(())
}

fn device_of(row: &Cells) -> Result<Device> {
    Ok(Device {
        did: row.text("did")?,
        member: row.text("member")?,
        is_self: row.flag("is_self")?,
        addresses: row.json("addresses", "a list of multiaddresses")?,
        seen_at: row.time_opt("seen_at")?,
        revoked_at: row.time_opt("revoked_at")?,
    })
}
