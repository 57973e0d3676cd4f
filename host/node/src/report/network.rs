//! The network, its mesh, its members' devices, invites, the log.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the mesh stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeshReport {
    /// Whether this process is part of it.
    pub running: bool,
    /// The network: the CID of its genesis record.
    pub network: String,
    /// What people call it.
    pub name: String,
    /// How many members it has.
    pub members: u64,
    /// This device's libp2p peer id.
    pub peer_id: String,
    /// Where it listens.
    pub listening: Vec<String>,
    /// Where newcomers bring their invites.
    pub lobby: Vec<String>,
    /// Where others reach it, as far as they told.
    pub external: Vec<String>,
    /// How many members' devices are connected.
    pub connected: u64,
    /// All members' devices but this one.
    pub peers: Vec<MeshPeerReport>,
    /// What was dropped since the start, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Gossip taken.
    pub gossip_in: u64,
    /// Gossip sent.
    pub gossip_out: u64,
    /// Requests answered.
    pub requests_in: u64,
    /// Requests asked.
    pub requests_out: u64,
    /// Direct connections that hole punching made.
    pub hole_punched: u64,
    /// Reservations that relays gave.
    pub reservations: u64,
    /// Ports that a router opened.
    pub ports_mapped: u64,
    /// The listener for outsiders. None: this process has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<OutsiderReport>,
}

/// The listener for outsiders, who get what is public and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsiderReport {
    /// Its libp2p peer id, which is not the device's.
    pub peer_id: String,
    /// Where it listens.
    pub listening: Vec<String>,
    /// Connections that are open.
    pub connected: u64,
    /// What was given and refused since the start, by name.
    pub counts: BTreeMap<String, u64>,
}

/// A member's device, as the mesh sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeshPeerReport {
    /// The device.
    pub device: String,
    /// Its libp2p peer id.
    pub peer_id: String,
    /// Whether a connection is open.
    pub connected: bool,
    /// `lan`, `direct`, `relayed` or `unreachable`.
    pub path: String,
    /// Round trip in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Where it is, or may be, reached.
    pub addresses: Vec<String>,
    /// What it says it runs.
    pub agent: Option<String>,
}

/// A network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkReport {
    /// Its name: the CID of its genesis record.
    pub network: String,
    /// What people call it.
    pub name: String,
    /// Who founded it.
    pub founder: String,
    /// When.
    pub created: String,
    /// This home's member.
    pub user: String,
    /// Their role; none: no member.
    pub role: Option<String>,
    /// This device.
    pub device: String,
    /// How many members.
    pub members: u64,
    /// How many devices.
    pub devices: u64,
    /// Events in the log.
    pub events: u64,
    /// What the log comes to: equal on all devices that have the same events.
    pub digest: String,
    /// The community's constitution.
    pub constitution: String,
    /// Whether this process is connected.
    pub running: bool,
}

/// An invite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InviteReport {
    /// The invite itself; shown once, when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<String>,
    /// Its public half, by which it is taken back.
    pub key: String,
    /// `admin`, `member` or `guest`; for a device that of its member.
    pub role: String,
    /// Whose device joins; none: somebody new.
    pub member: Option<String>,
    /// When it stops letting people in.
    pub expires_at: String,
    /// How many it lets in.
    pub uses: u64,
    /// How many came.
    pub used: u64,
    /// `open`, `used`, `expired` or `revoked`.
    pub state: String,
}

/// What joining came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JoinReport {
    /// The network.
    pub network: String,
    /// What people call it.
    pub name: String,
    /// The name under which this home joined.
    pub user: String,
    /// Its role.
    pub role: String,
    /// This device.
    pub device: String,
    /// Who let it in.
    pub by: String,
    /// Events of the network's log that are here by now.
    pub events: u64,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// Its key.
    pub device: String,
    /// Its libp2p peer id.
    pub peer_id: String,
    /// Whose it is.
    pub member: String,
    /// Whether it is this one.
    pub is_self: bool,
    /// `active`, `revoked` or `frozen`.
    pub state: String,
    /// Whether it is connected now.
    pub connected: bool,
    /// Last sign of life.
    pub seen_at: Option<String>,
}

/// An event of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventReport {
    /// Running number here.
    pub id: i64,
    /// Its CID.
    pub event: String,
    /// The device that wrote it.
    pub author: String,
    /// The member whose device that is.
    pub user: Option<String>,
    /// Its place in the device's chain.
    pub seq: u64,
    /// When, as the author says.
    pub at: String,
    /// What it is about.
    pub kind: String,
    /// Why it has no effect; none when it counts.
    pub void: Option<String>,
    /// What it says; shown for one event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
    /// The signed record, in base64: its sha2-256 is what the CID names, and it holds the signature and the events before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
}

/// The log in figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogReport {
    /// Events.
    pub events: u64,
    /// Of those, without effect.
    pub void: u64,
    /// Devices that wrote.
    pub devices: u64,
    /// Devices that told two stories.
    pub frozen: Vec<String>,
    /// Bytes of all events.
    pub bytes: u64,
    /// Events by kind.
    pub kinds: BTreeMap<String, u64>,
    /// What the log comes to.
    pub digest: String,
}

/// A release that members have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundReport {
    /// Its name.
    pub name: String,
    /// Semver.
    pub version: String,
    /// Rises per (publisher, name).
    pub revision: u64,
    /// `policy`, `workload` or `skill`.
    pub kind: String,
    /// Its CID.
    pub release: String,
    /// Its publisher.
    pub publisher: String,
    /// For a person.
    pub description: String,
    /// How many connected devices have it.
    pub seeders: u64,
    /// Whether it is in this home.
    pub here: bool,
}

/// What checking the log found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogVerifyReport {
    /// Whether every event is what its CID and signature say, and every chain whole.
    pub ok: bool,
    /// Events checked.
    pub events: u64,
    /// What does not hold.
    pub problems: Vec<String>,
    /// What the log comes to.
    pub digest: String,
}
