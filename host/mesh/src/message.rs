//! What goes between the swarm and its node, and the words of the wire.
//!
//! Payloads are bytes here: the log's and the tasks' messages are read by those rooms.

use crate::peer::Path;
use serde::Serialize;
use std::collections::BTreeMap;
use weft_model::Did;

/// What members ask each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Events that the asker lacks.
    Log,
    /// Tasks: offers, results, cancellations.
    Task,
    /// What is here: releases by name, holders of content.
    Find,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Log, Self::Task, Self::Find];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "/weft/log/1",
            Self::Task => "/weft/task/1",
            Self::Find => "/weft/find/1",
        }
    }
}

/// What members tell all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// New events, and what the log comes to.
    Log,
    /// Energy, capacity, what a device is willing to do.
    Adverts,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Log, Self::Adverts];

    /// Its word; on the wire the network stands before it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Adverts => "adverts",
        }
    }
}

/// What the node makes of a gossip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is good and goes on to others.
    Accept,
    /// It is of no use now; it goes no further, and nobody is blamed.
    Ignore,
    /// Whoever sent it broke a rule.
    Reject,
}

/// Why something that came in was dropped. The words are the counters' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dropped {
    /// A peer that is no member's device was closed at the door.
    Stranger,
    /// Gossip over the sender's rate.
    GossipRate,
    /// Gossip that came while too much waited.
    GossipFlood,
    /// Gossip that the node refused.
    GossipRejected,
    /// Requests over the sender's rate.
    RequestRate,
    /// Requests over what one peer, or all, may have open.
    RequestFlood,
    /// A request that the node did not understand.
    RequestGarbage,
    /// A request that broke off, was too large or came too slowly.
    RequestBroken,
    /// A connection closed because its ping failed.
    PingFailed,
    /// A connection closed because its peer sent far too much.
    Excess,
    /// A connection closed because its peer broke the rules of a protocol again and again.
    Misdeed,
    /// A connection over a limit.
    ConnectionLimit,
    /// A connection that ended before it was known whose it is: silence, garbage, or another protocol.
    Handshake,
}

/// The swarm's counters; all rise only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// What was dropped, by reason.
    pub dropped: BTreeMap<Dropped, u64>,
    /// Gossip that was taken.
    pub gossip_in: u64,
    /// Gossip that was sent.
    pub gossip_out: u64,
    /// Requests answered.
    pub requests_in: u64,
    /// Requests asked.
    pub requests_out: u64,
    /// Connections made, in and out.
    pub connections: u64,
    /// Direct connections that hole punching made.
    pub hole_punched: u64,
    /// Reservations that relays gave this device.
    pub reservations: u64,
    /// Ports that a router opened for this device.
    pub ports_mapped: u64,
}

/// A peer as the swarm sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PeerStatus {
    /// The device.
    pub device: String,
    /// Its libp2p peer id.
    pub peer_id: String,
    /// Whether a connection is open.
    pub connected: bool,
    /// `lan`, `direct`, `relayed` or `unreachable`.
    pub path: &'static str,
    /// Round trip in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Where it was reached, or may be.
    pub addresses: Vec<String>,
    /// What it says it runs.
    pub agent: Option<String>,
}

/// The swarm as it stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Status {
    /// This device's libp2p peer id.
    pub peer_id: String,
    /// Where it listens.
    pub listening: Vec<String>,
    /// Where the lobby for newcomers listens.
    pub lobby: Vec<String>,
    /// Addresses at which others reach it, as far as they told.
    pub external: Vec<String>,
    /// What others are told of these: addresses that can be dialled from elsewhere, the best first, at most
    /// [`crate::limits::ADDRESSES`].
    pub told: Vec<String>,
    /// All members' devices but this one.
    pub peers: Vec<PeerStatus>,
    /// Counters since the start.
    pub counts: Counts,
}

/// What changed about a peer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// The first connection to it is open.
    Connected(Path),
    /// It is reached by another way now.
    Path(Path),
    /// The last connection to it is closed.
    Gone,
    /// A ping came back, after milliseconds.
    Rtt(f64),
}

/// What a node does for its swarm. Called from threads on which it may block.
pub trait Host: Send + Sync + 'static {
    /// Milliseconds of the node's clock.
    fn now(&self) -> i64;
    /// Answers a member's request. None: it is not understood; the stream is closed and the asker counted.
    fn answer(&self, from: &Did, protocol: Protocol, request: &[u8]) -> Option<Vec<u8>>;
    /// Takes a gossip whose signature is its author's. `via`: who passed it on.
    fn heard(&self, author: &Did, via: &Did, topic: Topic, bytes: &[u8]) -> Heard;
    /// Learns of a change about a member's device.
    fn changed(&self, peer: &Did, change: Change);
    /// Answers a newcomer in the lobby. None: not understood.
    fn lobby(&self, newcomer: &Did, request: &[u8]) -> Option<Vec<u8>>;
    /// Learns that a connection to the lobby was closed before anything was asked, and why.
    fn lobby_closed(&self, why: &'static str);
}
