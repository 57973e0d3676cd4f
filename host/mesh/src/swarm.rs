//! How the swarm is put together: transports, and the behaviours in the order in which they see a connection.

use crate::error::MeshError;
use crate::frames::Frames;
use crate::limits::{
    CONNECTIONS, CONNECTIONS_PENDING, CONNECTIONS_PER_PEER, GOSSIP_BYTES, IDLE, MESSAGE_BYTES,
    PING_EVERY, PING_PATIENCE, RELAY_BYTES, RELAY_CIRCUITS, RELAY_CIRCUITS_PER_PEER, RELAY_LIFE,
    RELAY_RESERVATIONS, REQUEST_PATIENCE, REQUESTS_PER_PEER, STREAMS,
};
use crate::message::{Protocol, Topic};
use crate::names::resolver;
use crate::observed::Observed;
use libp2p::identity::Keypair;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{
    StreamProtocol, Swarm, SwarmBuilder, allow_block_list, autonat, connection_limits, dcutr,
    gossipsub, identify, kad, mdns, noise, ping, relay, request_response, tcp, upnp, yamux,
};

/// What identify says of this program.
pub(crate) const AGENT: &str = concat!("weft/", env!("CARGO_PKG_VERSION"));

/// How a swarm is to be.
#[derive(Clone, Debug)]
pub struct Config {
    /// The device's secret key.
    pub secret: [u8; 32],
    /// The network: its topics and its Kademlia are apart from others'.
    pub network: String,
    /// Addresses to listen on; those of TCP get a lobby beside them.
    pub listen: Vec<String>,
    /// Addresses under which others reach this device, where it knows.
    pub external: Vec<String>,
    /// Find members in the same local network.
    pub mdns: bool,
    /// Ask the router to open a port.
    pub upnp: bool,
    /// Relay for members that can't be reached.
    pub relay: bool,
}

/// The behaviours. A connection passes them in this order: a stranger is closed by the first.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub members: allow_block_list::Behaviour<allow_block_list::AllowedPeers>,
    pub limits: connection_limits::Behaviour,
    pub identify: Observed,
    pub ping: ping::Behaviour,
    pub log: request_response::Behaviour<Frames>,
    pub task: request_response::Behaviour<Frames>,
    pub find: request_response::Behaviour<Frames>,
    pub streams: libp2p_stream::Behaviour,
    pub gossip: gossipsub::Behaviour,
    pub kad: kad::Behaviour<kad::store::MemoryStore>,
    pub relay_client: relay::client::Behaviour,
    pub relay: Toggle<relay::Behaviour>,
    pub dcutr: dcutr::Behaviour,
    pub autonat_client: autonat::v2::client::Behaviour,
    pub autonat_server: autonat::v2::server::Behaviour,
    pub mdns: Toggle<mdns::tokio::Behaviour>,
    pub upnp: Toggle<upnp::tokio::Behaviour>,
}

impl Behaviour {
    /// The behaviour that speaks a protocol.
    pub fn requests(&mut self, protocol: Protocol) -> &mut request_response::Behaviour<Frames> {
        match protocol {
            Protocol::Log => &mut self.log,
            Protocol::Task => &mut self.task,
            Protocol::Find => &mut self.find,
        }
    }
}

fn requests(protocol: Protocol) -> request_response::Behaviour<Frames> {
    let frames = Frames {
        request_max: MESSAGE_BYTES,
        answer_max: MESSAGE_BYTES,
    };
    let config = request_response::Config::default()
        .with_request_timeout(REQUEST_PATIENCE)
        .with_max_concurrent_streams(REQUESTS_PER_PEER * 2);
    let spoken = [(
        StreamProtocol::new(protocol.name()),
        request_response::ProtocolSupport::Full,
    )];
    request_response::Behaviour::with_codec(frames, spoken, config)
}

/// The topic of a network.
pub(crate) fn topic(network: &str, topic: Topic) -> gossipsub::IdentTopic {
    gossipsub::IdentTopic::new(format!("/weft/{network}/{}", topic.word()))
}

/// Puts a swarm together. Needs a tokio runtime.
pub(crate) fn build(key: &Keypair, config: &Config) -> Result<Swarm<Behaviour>, MeshError> {
    let start = |e: &dyn std::fmt::Display| MeshError::Start(e.to_string());
    let (servers, options) = resolver();
    let swarm = SwarmBuilder::with_existing_identity(key.clone())
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            muxer,
        )
        .map_err(|e| start(&e))?
        .with_quic()
        .with_dns_config(servers, options)
        .with_relay_client(noise::Config::new, muxer)
        .map_err(|e| start(&e))?
        .with_behaviour(|key, relay_client| {
            behaviour(key, relay_client, config)
                .map_err(Box::<dyn std::error::Error + Send + Sync>::from)
        })
        .map_err(|e| start(&e))?
        .with_swarm_config(|c| c.with_idle_connection_timeout(IDLE))
        .build();
    Ok(swarm)
}

fn muxer() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(STREAMS);
    config
}

fn behaviour(
    key: &Keypair,
    relay_client: relay::client::Behaviour,
    config: &Config,
) -> Result<Behaviour, String> {
    let peer = key.public().to_peer_id();
    let limits = connection_limits::ConnectionLimits::default()
        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER))
        .with_max_established(Some(CONNECTIONS))
        .with_max_pending_incoming(Some(CONNECTIONS_PENDING))
        .with_max_pending_outgoing(Some(CONNECTIONS_PENDING));
    let identify = identify::Config::new("/weft/1".into(), key.public())
        .with_agent_version(AGENT.into())
        .with_push_listen_addr_updates(true);
    let ping = ping::Config::new()
        .with_interval(PING_EVERY)
        .with_timeout(PING_PATIENCE);
    let store = kad::store::MemoryStore::new(peer);
    let kademlia = StreamProtocol::try_from_owned(format!("/weft/{}/kad/1", config.network))
        .map_err(|e| e.to_string())?;
    let mut kad = kad::Behaviour::with_config(peer, store, kad::Config::new(kademlia));
    // Only members get here, so everybody serves the table.
    kad.set_mode(Some(kad::Mode::Server));
    let relay = config.relay.then(|| {
        relay::Behaviour::new(
            peer,
            relay::Config {
                max_reservations: RELAY_RESERVATIONS,
                max_circuits: RELAY_CIRCUITS,
                max_circuits_per_peer: RELAY_CIRCUITS_PER_PEER,
                max_circuit_bytes: RELAY_BYTES,
                max_circuit_duration: RELAY_LIFE,
                ..relay::Config::default()
            },
        )
    });
    let mdns = if config.mdns {
        mdns::tokio::Behaviour::new(mdns::Config::default(), peer)
            .inspect_err(|e| tracing::warn!("members in the local network are not looked for: {e}"))
            .ok()
    } else {
        None
    };
    Ok(Behaviour {
        members: allow_block_list::Behaviour::default(),
        limits: connection_limits::Behaviour::new(limits),
        identify: Observed(identify::Behaviour::new(identify)),
        ping: ping::Behaviour::new(ping),
        log: requests(Protocol::Log),
        task: requests(Protocol::Task),
        find: requests(Protocol::Find),
        streams: libp2p_stream::Behaviour::new(),
        gossip: gossip(key, config)?,
        kad,
        relay_client,
        relay: relay.into(),
        dcutr: dcutr::Behaviour::new(peer),
        autonat_client: autonat::v2::client::Behaviour::default(),
        autonat_server: autonat::v2::server::Behaviour::default(),
        mdns: mdns.into(),
        upnp: config.upnp.then(upnp::tokio::Behaviour::default).into(),
    })
}

/// Gossip is signed by its author, and goes on only after the node has taken it. Small meshes: every message reaches a
/// node by four ways, which loses nothing that a pull would not find anyway.
fn gossip(key: &Keypair, config: &Config) -> Result<gossipsub::Behaviour, String> {
    let options = gossipsub::ConfigBuilder::default()
        .validation_mode(gossipsub::ValidationMode::Strict)
        .validate_messages()
        .max_transmit_size(GOSSIP_BYTES)
        .mesh_n_low(3)
        .mesh_n(4)
        .mesh_n_high(8)
        .mesh_outbound_min(1)
        .build()
        .map_err(|e| e.to_string())?;
    let signed = gossipsub::MessageAuthenticity::Signed(key.clone());
    let mut gossip = gossipsub::Behaviour::new(signed, options)?;
    for t in Topic::ALL {
        gossip
            .subscribe(&topic(&config.network, t))
            .map_err(|e| e.to_string())?;
    }
    Ok(gossip)
}
