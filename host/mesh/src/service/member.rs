//! What is known of one member's device: addresses, connections, when to dial it, what it may send.

use crate::addresses::{is_circuit, is_quic};
use crate::limits::{
    ADDRESSES, CIRCUIT_AFTER_MS, DIRECT_SETTLED_MS, GOSSIP_BURST, GOSSIP_PER_SECOND, REDIAL_MS,
    REQUEST_BURST, REQUESTS_PER_SECOND, SILENT_MS, UPGRADE_MS,
};
use crate::message::{Change, PeerStatus};
use crate::peer::Path;
use crate::service::Effect;
use crate::service::rates::Bucket;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use std::collections::BTreeMap;
use weft_model::Did;

/// An open connection.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub path: Path,
    pub address: Multiaddr,
    /// Whether this side dialled, so that the address can be dialled again.
    pub dialled: bool,
    since: i64,
    /// When it was last known to work.
    heard: i64,
}

/// A member's device.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub device: Did,
    pub addresses: Vec<Multiaddr>,
    pub connections: BTreeMap<ConnectionId, Connection>,
    /// The path that the node was told.
    pub told: Option<Path>,
    pub rtt_ms: Option<f64>,
    pub agent: Option<String>,
    pub gossip: Bucket,
    pub requests: Bucket,
    pub excess: u32,
    pub open_requests: usize,
    /// It is kept out until then.
    pub out_until: i64,
    redial_at: i64,
    pause_ms: i64,
    /// Dials under way.
    dials: u32,
    /// When relays are tried beside the dial that is under way.
    circuits_at: Option<i64>,
    /// When a straight way is tried again, while only a relayed one is open.
    upgrade_at: i64,
    upgrade_pause_ms: i64,
}

impl Member {
    pub fn new(device: Did) -> Self {
        Self {
            device,
            addresses: Vec::new(),
            connections: BTreeMap::new(),
            told: None,
            rtt_ms: None,
            agent: None,
            gossip: Bucket::new(GOSSIP_BURST, GOSSIP_PER_SECOND),
            requests: Bucket::new(REQUEST_BURST, REQUESTS_PER_SECOND),
            excess: 0,
            open_requests: 0,
            out_until: 0,
            redial_at: 0,
            pause_ms: *REDIAL_MS.start(),
            dials: 0,
            circuits_at: None,
            upgrade_at: 0,
            upgrade_pause_ms: *UPGRADE_MS.start(),
        }
    }

    /// The best path that is open.
    pub fn best(&self) -> Option<Path> {
        self.connections.values().map(|c| c.path).min()
    }

    /// Takes in an address; one that is new is tried at once.
    pub fn learn(&mut self, now: i64, address: Multiaddr) {
        if self.addresses.contains(&address) {
            return;
        }
        if self.addresses.len() >= ADDRESSES {
            self.addresses.remove(0);
        }
        self.addresses.push(address);
        if self.connections.is_empty() {
            self.redial_at = self.redial_at.min(now);
        } else {
            self.upgrade_at = self.upgrade_at.min(now);
        }
    }

    /// Forgets how often dialling failed, as when this device has another address itself.
    pub fn dial_soon(&mut self, now: i64) {
        self.redial_at = now;
        self.pause_ms = *REDIAL_MS.start();
        self.upgrade_at = now;
        self.upgrade_pause_ms = *UPGRADE_MS.start();
    }

    /// What is to be dialled now: first the straight ways, a little later the relayed ones beside them; and now and then
    /// the straight ones again while only a relayed one is open.
    pub fn dial(&mut self, now: i64) -> Option<Vec<Multiaddr>> {
        if self.out_until > now || self.addresses.is_empty() {
            return None;
        }
        let (circuits, straight): (Vec<_>, Vec<_>) =
            self.addresses.iter().cloned().partition(is_circuit);
        match self.best() {
            Some(Path::Relayed) => {
                if self.dials > 0 || self.upgrade_at > now || straight.is_empty() {
                    return None;
                }
                self.upgrade_at = now + self.upgrade_pause_ms;
                self.upgrade_pause_ms = (self.upgrade_pause_ms * 2).min(*UPGRADE_MS.end());
                self.dials += 1;
                Some(straight)
            }
            Some(_) => None,
            None if self.dials == 0 => {
                if self.redial_at > now {
                    return None;
                }
                self.dials += 1;
                if straight.is_empty() {
                    return Some(circuits);
                }
                self.circuits_at = (!circuits.is_empty()).then_some(now + CIRCUIT_AFTER_MS);
                Some(straight)
            }
            None => {
                self.circuits_at.take_if(|at| *at <= now)?;
                self.dials += 1;
                Some(circuits)
            }
        }
    }

    /// The straight addresses of the transport by which this device has no connection, though it has one by another.
    pub fn dial_other_transport(&mut self) -> Option<Vec<Multiaddr>> {
        let mut open = self
            .connections
            .values()
            .filter(|c| c.path != Path::Relayed);
        let by = is_quic(&open.next()?.address);
        if self.dials > 0 || open.any(|c| is_quic(&c.address) != by) {
            return None;
        }
        let straight = self.addresses.iter().filter(|a| !is_circuit(a));
        let other: Vec<Multiaddr> = straight.filter(|a| is_quic(a) != by).cloned().collect();
        if other.is_empty() {
            return None;
        }
        self.dials += 1;
        Some(other)
    }

    /// A dial failed; what is to be dialled instead, if anything.
    pub fn dial_failed(&mut self, now: i64) -> Option<Vec<Multiaddr>> {
        self.dials = self.dials.saturating_sub(1);
        if self.dials > 0 || !self.connections.is_empty() {
            return None;
        }
        if self.circuits_at.take().is_some() && self.out_until <= now {
            self.dials = 1;
            return Some(
                self.addresses
                    .iter()
                    .filter(|a| is_circuit(a))
                    .cloned()
                    .collect(),
            );
        }
        self.redial_at = now + self.pause_ms;
        self.pause_ms = (self.pause_ms * 2).min(*REDIAL_MS.end());
        None
    }

    /// A connection is open.
    pub fn connected(&mut self, now: i64, id: ConnectionId, address: Multiaddr, dialled: bool) {
        if dialled {
            self.dials = self.dials.saturating_sub(1);
        }
        if self.connections.is_empty() {
            self.upgrade_pause_ms = *UPGRADE_MS.start();
            // Hole punching goes first.
            self.upgrade_at = now + self.upgrade_pause_ms;
        }
        self.pause_ms = *REDIAL_MS.start();
        self.circuits_at = None;
        let connection = Connection {
            path: Path::of(&address),
            address,
            dialled,
            since: now,
            heard: now,
        };
        self.connections.insert(id, connection);
    }

    /// A connection is closed, or as good as that.
    pub fn closed(&mut self, now: i64, id: ConnectionId) {
        self.connections.remove(&id);
        if self.connections.is_empty() {
            self.rtt_ms = None;
            self.redial_at = self.out_until.max(now + *REDIAL_MS.start());
        }
    }

    /// A ping came back, or time did something odd.
    pub fn heard(&mut self, now: i64, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.heard = now;
        }
    }

    /// Connections on which no ping came back for too long.
    pub fn silent(&self, now: i64) -> Vec<ConnectionId> {
        let all = self.connections.iter();
        all.filter(|(_, c)| now - c.heard >= SILENT_MS)
            .map(|(id, _)| *id)
            .collect()
    }

    /// Relayed connections that a straight one has replaced for long enough.
    pub fn superseded(&self, now: i64) -> Vec<ConnectionId> {
        let straight = |c: &Connection| c.path != Path::Relayed;
        let settled = |c: &Connection| straight(c) && now - c.since >= DIRECT_SETTLED_MS;
        if !self.connections.values().any(settled) {
            return Vec::new();
        }
        let relayed = self.connections.iter().filter(|(_, c)| !straight(c));
        relayed.map(|(id, _)| *id).collect()
    }

    /// Tells the node what changed about the path.
    pub fn tell(&mut self, out: &mut Vec<Effect>) {
        let best = self.best();
        let change = match (self.told, best) {
            (None, Some(best)) => Change::Connected(best),
            (Some(told), Some(best)) if told != best => Change::Path(best),
            (Some(_), None) => Change::Gone,
            _ => return,
        };
        self.told = best;
        out.push(Effect::Tell(self.device, change));
    }

    /// It as the node's owner sees it.
    pub fn status(&self, id: &PeerId) -> PeerStatus {
        let addresses: Vec<&Multiaddr> = if self.connections.is_empty() {
            self.addresses.iter().collect()
        } else {
            self.connections.values().map(|c| &c.address).collect()
        };
        PeerStatus {
            device: self.device.to_string(),
            peer_id: id.to_string(),
            connected: !self.connections.is_empty(),
            path: self.best().map_or("unreachable", Path::word),
            rtt_ms: self.rtt_ms,
            addresses: addresses.iter().map(ToString::to_string).collect(),
            agent: self.agent.clone(),
        }
    }
}
