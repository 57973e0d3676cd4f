//! Limits of the swarm, with their units.

use std::time::Duration;

/// Port that a node listens on where nothing else is said.
pub const PORT: u16 = 9001;

/// Commands that wait for the swarm; who comes then waits.
pub const COMMANDS: usize = 256;
/// Gossip that waits for the node; what comes then is dropped and pulled later.
pub const GOSSIP_WAITING: usize = 1_024;
/// Requests of all peers that the node works on at a time.
pub const REQUESTS: usize = 64;
/// Requests of one peer that are worked on at a time.
pub const REQUESTS_PER_PEER: usize = 8;
/// Largest request and answer, in bytes: a page of the log, or a task with a small input.
pub const MESSAGE_BYTES: usize = 2 * 1024 * 1024;
/// How long a request may take where the caller does not say.
pub const REQUEST_PATIENCE: Duration = Duration::from_secs(30);

/// Largest gossip, in bytes.
pub const GOSSIP_BYTES: usize = 64 * 1024;
/// Gossip that one peer may send in a burst.
pub const GOSSIP_BURST: u32 = 400;
/// Gossip that one peer may send per second beyond the burst.
pub const GOSSIP_PER_SECOND: u32 = 40;
/// Requests that one peer may send in a burst.
pub const REQUEST_BURST: u32 = 400;
/// Requests that one peer may send per second beyond the burst.
pub const REQUESTS_PER_SECOND: u32 = 100;
/// Messages over its rate after which a peer's connection is closed.
pub const EXCESS_BEFORE_CLOSE: u32 = 2_000;
/// How long a peer that was closed for that stays out, in milliseconds.
pub const TIMEOUT_MS: i64 = 60_000;

/// Connections to one peer: both sides dial at once, relayed ones stand beside direct ones for a while, and AutoNAT dials
/// back.
pub const CONNECTIONS_PER_PEER: u32 = 8;
/// Connections of members in all.
pub const CONNECTIONS: u32 = 512;
/// Connections that are being made: so many that somebody who opens them and says nothing does not keep others out before
/// their time is over.
pub const CONNECTIONS_PENDING: u32 = 512;
/// Streams of one connection: Bitswap opens one for each message.
pub const STREAMS: usize = 4_096;
/// Addresses kept of one peer, and told of this device.
pub const ADDRESSES: usize = 16;
/// Addresses told of one kind: over the internet, in the local network, through relays.
pub const ADDRESSES_PER_PATH: usize = 5;

/// Time between two pings of a connection.
pub const PING_EVERY: Duration = Duration::from_secs(4);
/// A ping that takes longer has failed.
pub const PING_PATIENCE: Duration = Duration::from_secs(6);
/// A connection on which no ping came back for so long is closed, in milliseconds: the sum of both and a second. libp2p
/// itself would keep the first failure to itself.
pub const SILENT_MS: i64 = 11_000;
/// Time between two looks, in milliseconds, after which the clock was set, or the machine slept, and says nothing about
/// connections.
pub const CLOCK_JUMP_MS: i64 = 5_000;
/// First and longest pause before a member that can't be reached is dialled again, in milliseconds.
pub const REDIAL_MS: std::ops::RangeInclusive<i64> = 1_000..=60_000;
/// How long the straight ways to a member have to themselves before relays are tried beside them, in milliseconds.
pub const CIRCUIT_AFTER_MS: i64 = 1_500;
/// First and longest pause before a member that is reached through a relay is dialled straight again, in milliseconds.
pub const UPGRADE_MS: std::ops::RangeInclusive<i64> = 30_000..=600_000;
/// How long a straight connection lasts before relayed ones beside it are closed, in milliseconds.
pub const DIRECT_SETTLED_MS: i64 = 10_000;
/// How long a device waits for an address at which others reach it before it asks relays for a place, in milliseconds.
pub const PRIVATE_AFTER_MS: i64 = 15_000;
/// Relays at which a device that can't be reached has a place.
pub const RELAYS_HELD: usize = 2;
/// First and longest pause before a relay that gave no place, or was lost, is asked again, in milliseconds.
pub const RESERVE_AGAIN_MS: std::ops::RangeInclusive<i64> = 5_000..=300_000;
/// How often the service looks around.
pub const TICK: Duration = Duration::from_millis(500);
/// How long an unused connection stays.
pub const IDLE: Duration = Duration::from_secs(24 * 3_600);

/// Reservations that a relay holds for others.
pub const RELAY_RESERVATIONS: usize = 64;
/// Circuits through a relay at a time.
pub const RELAY_CIRCUITS: usize = 64;
/// Circuits of one peer.
pub const RELAY_CIRCUITS_PER_PEER: usize = 8;
/// Bytes through one circuit: generous, as only members use it.
pub const RELAY_BYTES: u64 = 64 * 1024 * 1024 * 1024;
/// Life of one circuit.
pub const RELAY_LIFE: Duration = Duration::from_secs(24 * 3_600);

/// How long somebody else may have the port that is to be listened on.
pub const PORT_PATIENCE: Duration = Duration::from_secs(2);

/// Newcomers in the lobby at a time.
pub const LOBBY_CONNECTIONS: u32 = 64;
/// Connections to the lobby that are being made.
pub const LOBBY_CONNECTIONS_PENDING: u32 = 512;
/// Largest request in the lobby, in bytes.
pub const LOBBY_REQUEST_BYTES: usize = 16 * 1024;
/// Largest answer of the lobby, in bytes: a genesis record and a constitution.
pub const LOBBY_ANSWER_BYTES: usize = 2 * 1024 * 1024;
/// How long a newcomer may take with one request, and stay.
pub const LOBBY_PATIENCE: Duration = Duration::from_secs(10);

/// Connections of outsiders in all.
pub const PUBLIC_CONNECTIONS: u32 = 64;
/// Connections of one outsider.
pub const PUBLIC_CONNECTIONS_PER_PEER: u32 = 2;
/// Connections of outsiders from one IPv4 address, or one IPv6 network of 64 bits.
pub const PUBLIC_CONNECTIONS_PER_HOST: usize = 8;
/// Connections of outsiders that are being made.
pub const PUBLIC_CONNECTIONS_PENDING: u32 = 32;
/// Streams of one outsider's connection whose protocol is not agreed on yet.
pub const PUBLIC_STREAMS_NEGOTIATED: usize = 16;
/// How long a connection of an outsider stays that moves nothing.
pub const PUBLIC_IDLE: Duration = Duration::from_secs(60);
/// How often an outsider may ask for what is not here within [`PUBLIC_MISSES_PERIOD`] before it is closed.
pub const PUBLIC_MISSES_PER_PERIOD: u32 = 2_048;
/// That period.
pub const PUBLIC_MISSES_PERIOD: Duration = Duration::from_secs(60);
/// Outsiders whose misses are counted at a time.
pub const PUBLIC_PEERS_WATCHED: usize = 1_024;
/// Outsiders that wait to be closed for that.
pub const PUBLIC_EXCESS_QUEUED: usize = 64;
/// Questions about how the listener for outsiders stands that wait.
pub const PUBLIC_STATUS_QUEUED: usize = 8;
/// How long an address of the listener for outsiders may take to be there.
pub const PUBLIC_LISTEN_PATIENCE: Duration = Duration::from_secs(5);
/// How long connecting to IPFS nodes may take.
pub const OUTSIDE_DIAL_PATIENCE: Duration = Duration::from_secs(15);

/// Blocks that wait between the network and who takes them.
pub const FETCH_WAITING: usize = 8;
/// Blocks that are named to a fetch at a time.
pub const FETCH_BATCH: usize = 256;

/// How long the swarm may take to stop.
pub const STOP_PATIENCE: Duration = Duration::from_secs(1);
