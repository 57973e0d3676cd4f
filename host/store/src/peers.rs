//! Peers: what each device last said about itself, and what its owner here calls it.

use rusqlite::params;

use crate::cells::{Cells, Table, at, at_opt, cells, json_list};
use crate::owner::energy::ENERGY_TYPES;
use crate::{Error, Read, Result, Rows, Write};

const PEERS: Table = Table {
    name: "peers",
    key: &["peer_id"],
};

/// A peer. Figures are `None` where they are unknown.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Peer {
    /// The device's id on the mesh.
    pub peer_id: String,
    /// This owner's name for it; permissions may name it so.
    pub alias: Option<String>,
    /// What it calls itself.
    pub name: Option<String>,
    /// Whose device it is.
    pub user_id: Option<String>,
    /// The device's key.
    pub did: Option<String>,
    /// Multiaddresses.
    pub addresses: Vec<String>,
    /// Free words.
    pub location: Option<String>,
    /// `solar`, `wind`, `hydro`, `nuclear`, `biomass`, `gas`, `oil`, `coal`, `battery` or `unknown`.
    pub energy_type: String,
    /// Clean share in per cent, 0 to 100.
    pub percent_clean: Option<f64>,
    /// Grams of CO2 equivalent per kWh.
    pub grid_g_per_kwh: Option<f64>,
    /// Free cores.
    pub cpu_free: Option<f64>,
    /// Free memory in MB.
    pub memory_free_mb: Option<f64>,
    /// Free disk in MB.
    pub disk_free_mb: Option<f64>,
    /// 0 to 100.
    pub battery_percent: Option<f64>,
    /// On mains.
    pub plugged_in: Option<bool>,
    /// How far it is from throttling: 1 cold, 0 throttling.
    pub thermal_headroom: Option<f64>,
    /// How idle it is: 1 nobody uses it, 0 in use.
    pub idle: Option<f64>,
    /// Round trip in ms.
    pub rtt_ms: Option<f64>,
    /// `lan`, `direct`, `relayed`, `unreachable`.
    pub path_class: Option<String>,
    /// Tasks that it accepted and that do not run yet.
    pub queue_depth: Option<u32>,
    /// Credits it asks for.
    pub cost: Option<f64>,
    /// 0 to 1.
    pub reputation: Option<f64>,
    /// Its IANA zone, not judged here.
    pub timezone: Option<String>,
    /// Reachable when last seen.
    pub online: bool,
    /// `configured` by its owner here, or known by its own `advert`.
    pub origin: String,
    /// Last sign of life, in ms.
    pub last_seen: Option<i64>,
    /// When the row last changed, in ms.
    pub updated_at: Option<i64>,
}

impl Peer {
    /// A configured peer of which only the id is known.
    pub fn new(peer_id: impl Into<String>) -> Self {
        Self {
            peer_id: peer_id.into(),
            alias: None,
            name: None,
            user_id: None,
            did: None,
            addresses: Vec::new(),
            location: None,
            energy_type: "unknown".to_owned(),
            percent_clean: None,
            grid_g_per_kwh: None,
            cpu_free: None,
            memory_free_mb: None,
            disk_free_mb: None,
            battery_percent: None,
            plugged_in: None,
            thermal_headroom: None,
            idle: None,
            rtt_ms: None,
            path_class: None,
            queue_depth: None,
            cost: None,
            reputation: None,
            timezone: None,
            online: true,
            origin: "configured".to_owned(),
            last_seen: None,
            updated_at: None,
        }
    }
}

/// Adds a peer, or writes all of it.
pub fn put(tx: &Write, peer: &Peer, now: i64) -> Result<()> {
    tx.upsert(
        PEERS,
        cells! {
            "peer_id": peer.peer_id.clone(),
            "alias": peer.alias.clone(),
            "name": peer.name.clone(),
            "user_id": peer.user_id.clone(),
            "did": peer.did.clone(),
            "addresses": json_list(&peer.addresses),
            "location": peer.location.clone(),
            "energy_type": peer.energy_type.clone(),
            "percent_clean": peer.percent_clean,
            "grid_g_per_kwh": peer.grid_g_per_kwh,
            "cpu_free": peer.cpu_free,
            "memory_free_mb": peer.memory_free_mb,
            "disk_free_mb": peer.disk_free_mb,
            "battery_percent": peer.battery_percent,
            "plugged_in": peer.plugged_in,
            "thermal_headroom": peer.thermal_headroom,
            "idle": peer.idle,
            "rtt_ms": peer.rtt_ms,
            "path_class": peer.path_class.clone(),
            "queue_depth": peer.queue_depth.map(i64::from),
            "cost": peer.cost,
            "reputation": peer.reputation,
            "timezone": peer.timezone.clone(),
            "online": peer.online,
            "origin": peer.origin.clone(),
            "last_seen": at_opt(peer.last_seen),
            "updated_at": at(now),
        },
    )
}

/// All peers, by id. One that can't be read is no candidate.
pub fn list(tx: &Read) -> Result<Rows<Peer>> {
    tx.rows(PEERS, "SELECT * FROM peers ORDER BY peer_id", [], peer_of)
}

/// A peer by its id or alias; the id first.
pub fn get(tx: &Read, name: &str) -> Result<Option<Peer>> {
    let sql =
        "SELECT * FROM peers WHERE peer_id = ?1 OR alias = ?1 ORDER BY peer_id = ?1 DESC LIMIT 1";
    tx.one(PEERS, sql, [name], peer_of)
}

/// Notes a sign of life, or that there is none.
///
/// # Errors
/// [`Error::Missing`].
pub fn seen(tx: &Write, peer_id: &str, online: bool, now: i64) -> Result<()> {
    let sql = "UPDATE peers SET online = ?2, last_seen = CASE WHEN ?2 THEN ?3 ELSE last_seen END, updated_at = ?3
        WHERE peer_id = ?1";
    match tx.run(sql, params![peer_id, online, at(now)])? {
        0 => Err(Error::Missing {
            what: "peer",
            key: peer_id.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Removes a peer by its id.
///
/// # Errors
/// [`Error::Missing`].
pub fn remove(tx: &Write, peer_id: &str) -> Result<()> {
    match tx.run("DELETE FROM peers WHERE peer_id = ?1", [peer_id])? {
        0 => Err(Error::Missing {
            what: "peer",
            key: peer_id.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn peer_of(row: &Cells) -> Result<Peer> {
    let amount = |column| row.real_opt(column, 0.0..=f64::MAX);
    let percent = |column| row.real_opt(column, 0.0..=100.0);
    Ok(Peer {
        peer_id: row.text("peer_id")?,
        alias: row.text_opt("alias")?,
        name: row.text_opt("name")?,
        user_id: row.text_opt("user_id")?,
        did: row.text_opt("did")?,
        addresses: row.json("addresses", "a list of multiaddresses")?,
        location: row.text_opt("location")?,
        energy_type: row.word("energy_type", ENERGY_TYPES)?.to_owned(),
        percent_clean: percent("percent_clean")?,
        grid_g_per_kwh: amount("grid_g_per_kwh")?,
        cpu_free: amount("cpu_free")?,
        memory_free_mb: amount("memory_free_mb")?,
        disk_free_mb: amount("disk_free_mb")?,
        battery_percent: percent("battery_percent")?,
        plugged_in: row.flag_opt("plugged_in")?,
        thermal_headroom: row.real_opt("thermal_headroom", 0.0..=1.0)?,
        idle: row.real_opt("idle", 0.0..=1.0)?,
        rtt_ms: amount("rtt_ms")?,
        path_class: row.text_opt("path_class")?,
        queue_depth: row
            .int_opt("queue_depth", 0..=i64::from(u32::MAX))?
            .and_then(|n| u32::try_from(n).ok()),
        cost: amount("cost")?,
        reputation: row.real_opt("reputation", 0.0..=1.0)?,
        timezone: row.text_opt("timezone")?,
        online: row.flag("online")?,
        origin: row.text("origin")?,
        last_seen: row.time_opt("last_seen")?,
        updated_at: row.time_opt("updated_at")?,
    })
}
