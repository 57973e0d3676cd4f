//! How a swarm of this kind is put together: few behaviours, and no protocol of members.

use crate::error::MeshError;
use crate::limits::{
    PING_EVERY, PING_PATIENCE, PUBLIC_CONNECTIONS, PUBLIC_CONNECTIONS_PENDING,
    PUBLIC_CONNECTIONS_PER_PEER, PUBLIC_IDLE, PUBLIC_STREAMS_NEGOTIATED,
};
use crate::swarm::AGENT;
use libp2p::identity::Keypair;
use libp2p::swarm::NetworkBehaviour;
use libp2p::{Swarm, SwarmBuilder, connection_limits, identify, noise, ping, tcp, yamux};

/// What identify says of the protocols' version, as IPFS nodes do.
const VERSION: &str = "ipfs/0.1.0";

/// The behaviours.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    limits: connection_limits::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub streams: libp2p_stream::Behaviour,
}

/// Puts a swarm together. `streams`: how many one connection may have. Needs a tokio runtime.
pub(super) fn build(key: &Keypair, streams: usize) -> Result<Swarm<Behaviour>, MeshError> {
    let start = |e: &dyn std::fmt::Display| MeshError::Start(e.to_string());
    let muxer = || {
        let mut config = yamux::Config::default();
        config.set_max_num_streams(streams);
        config
    };
    let swarm = SwarmBuilder::with_existing_identity(key.clone())
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            muxer,
        )
        .map_err(|e| start(&e))?
        .with_quic()
        .with_behaviour(behaviour)
        .map_err(|e| start(&e))?
        .with_swarm_config(|c| {
            c.with_idle_connection_timeout(PUBLIC_IDLE)
                .with_max_negotiating_inbound_streams(PUBLIC_STREAMS_NEGOTIATED)
        })
        .build();
    Ok(swarm)
}

fn behaviour(key: &Keypair) -> Behaviour {
    let limits = connection_limits::ConnectionLimits::default()
        .with_max_established_per_peer(Some(PUBLIC_CONNECTIONS_PER_PEER))
        .with_max_established(Some(PUBLIC_CONNECTIONS))
        .with_max_pending_incoming(Some(PUBLIC_CONNECTIONS_PENDING))
        .with_max_pending_outgoing(Some(PUBLIC_CONNECTIONS_PENDING));
    let identify = identify::Config::new(VERSION.into(), key.public())
        .with_agent_version(AGENT.into())
        // Those of its interfaces are nobody's business.
        .with_hide_listen_addrs(true);
    let ping = ping::Config::new()
        .with_interval(PING_EVERY)
        .with_timeout(PING_PATIENCE);
    Behaviour {
        limits: connection_limits::Behaviour::new(limits),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping),
        streams: libp2p_stream::Behaviour::new(),
    }
}
