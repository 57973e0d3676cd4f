//! The lobby: where a newcomer, whom the mesh itself closes, trades an invite for membership.
//!
//! A swarm of its own on a port of its own with one protocol: one small request, one answer. It knows nothing of
//! invites; the node answers.

use crate::error::MeshError;
use crate::frames::Frames;
use crate::limits::{
    LOBBY_ANSWER_BYTES, LOBBY_CONNECTIONS, LOBBY_CONNECTIONS_PENDING, LOBBY_PATIENCE,
    LOBBY_REQUEST_BYTES,
};
use crate::message::Host;
use crate::names::resolver;
use crate::peer;
use futures::StreamExt;
use libp2p::identity::Keypair;
use libp2p::request_response::{Event, Message, ResponseChannel};
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{ListenError, NetworkBehaviour, SwarmEvent};
use libp2p::{
    Multiaddr, StreamProtocol, Swarm, SwarmBuilder, connection_limits, noise, request_response,
    tcp, yamux,
};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use weft_model::Did;

/// Where a lobby listens; grows as interfaces are found.
pub(crate) type Addresses = Arc<Mutex<Vec<String>>>;

/// The lobby's protocol.
const PROTOCOL: StreamProtocol = StreamProtocol::new("/weft/lobby/1");

#[derive(NetworkBehaviour)]
struct Behaviour {
    limits: connection_limits::Behaviour,
    requests: request_response::Behaviour<Frames>,
}

fn build(
    key: &Keypair,
    support: request_response::ProtocolSupport,
) -> Result<Swarm<Behaviour>, MeshError> {
    let start = |e: &dyn std::fmt::Display| MeshError::Start(e.to_string());
    let limits = connection_limits::ConnectionLimits::default()
        .with_max_established(Some(LOBBY_CONNECTIONS))
        .with_max_pending_incoming(Some(LOBBY_CONNECTIONS_PENDING))
        .with_max_established_per_peer(Some(1));
    let frames = Frames {
        request_max: LOBBY_REQUEST_BYTES,
        answer_max: LOBBY_ANSWER_BYTES,
    };
    let config = request_response::Config::default()
        .with_request_timeout(LOBBY_PATIENCE)
        .with_max_concurrent_streams(1);
    let (servers, options) = resolver();
    let swarm = SwarmBuilder::with_existing_identity(key.clone())
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        )
        .map_err(|e| start(&e))?
        .with_dns_config(servers, options)
        .with_behaviour(|_| Behaviour {
            limits: connection_limits::Behaviour::new(limits),
            requests: request_response::Behaviour::with_codec(
                frames,
                [(PROTOCOL, support)],
                config,
            ),
        })
        .map_err(|e| start(&e))?
        .with_swarm_config(|c| c.with_idle_connection_timeout(LOBBY_PATIENCE))
        .build();
    Ok(swarm)
}

/// Opens a lobby. Returns its addresses and its loop, which runs until it is dropped.
///
/// # Errors
/// When an address can't be listened on.
pub(crate) async fn open(
    key: &Keypair,
    listen: &[String],
    host: Arc<dyn Host>,
) -> Result<(Addresses, impl Future<Output = ()> + use<>), MeshError> {
    let mut swarm = build(key, request_response::ProtocolSupport::Inbound)?;
    let mut waiting = listen.len();
    for text in listen {
        let address = peer::address(text)?;
        peer::free(&address).await?;
        let listened = swarm.listen_on(address);
        listened.map_err(|e| MeshError::Listen {
            address: text.clone(),
            why: e.to_string(),
        })?;
    }
    let addresses = Addresses::default();
    while waiting > 0 {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { address, .. } => {
                note(&addresses, &address);
                waiting -= 1;
            }
            SwarmEvent::ListenerClosed { reason, .. } => {
                return Err(MeshError::Listen {
                    address: listen.join(", "),
                    why: reason.err().map_or("closed".into(), |e| e.to_string()),
                });
            }
            _ => {}
        }
    }
    Ok((Arc::clone(&addresses), serve(swarm, addresses, host)))
}

fn note(addresses: &Addresses, address: &Multiaddr) {
    let mut known = addresses.lock().unwrap_or_else(PoisonError::into_inner);
    known.push(address.to_string());
}

async fn serve(mut swarm: Swarm<Behaviour>, addresses: Addresses, host: Arc<dyn Host>) {
    let (answers, mut answered) =
        mpsc::channel::<(ResponseChannel<Vec<u8>>, Vec<u8>)>(LOBBY_CONNECTIONS as usize);
    loop {
        tokio::select! {
            Some((channel, answer)) = answered.recv() => {
                // The newcomer may be gone by now.
                let _ = swarm.behaviour_mut().requests.send_response(channel, answer);
            }
            event = swarm.select_next_some() => {
                match &event {
                    // One listener on all interfaces tells of each as it finds it.
                    SwarmEvent::NewListenAddr { address, .. } => note(&addresses, address),
                    SwarmEvent::IncomingConnectionError { error, .. } => host.lobby_closed(match error {
                        ListenError::Denied { .. } => "lobby-connection-limit",
                        _ => "lobby-handshake",
                    }),
                    _ => {}
                }
                let SwarmEvent::Behaviour(BehaviourEvent::Requests(Event::Message { peer, message, .. })) = event
                else { continue };
                let Message::Request { request, channel, .. } = message else { continue };
                let Some(newcomer) = peer::did(&peer) else { continue };
                let (host, answers) = (Arc::clone(&host), answers.clone());
                tokio::task::spawn_blocking(move || {
                    if let Some(answer) = host.lobby(&newcomer, &request) {
                        let _ = answers.blocking_send((channel, answer));
                    }
                });
            }
        }
    }
}

/// Asks the lobby of a device; its key is checked by the handshake.
///
/// # Errors
/// [`MeshError::Unreachable`], [`MeshError::Timeout`], [`MeshError::NoAnswer`].
pub(crate) async fn ask(
    key: &Keypair,
    device: &Did,
    addresses: &[String],
    request: Vec<u8>,
) -> Result<Vec<u8>, MeshError> {
    let name = device.to_string();
    let unreachable = |why: String| MeshError::Unreachable {
        peer: name.clone(),
        why,
    };
    let peer = peer::peer_id(device).ok_or_else(|| unreachable("its key is none".into()))?;
    let addresses: Vec<Multiaddr> = addresses.iter().filter_map(|a| a.parse().ok()).collect();
    let mut swarm = build(key, request_response::ProtocolSupport::Outbound)?;
    let options = DialOpts::peer_id(peer).addresses(addresses).build();
    swarm
        .dial(options)
        .map_err(|e| unreachable(e.to_string()))?;
    let mut request = Some(request);
    let talk = async {
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::ConnectionEstablished { .. } => {
                    if let Some(request) = request.take() {
                        swarm.behaviour_mut().requests.send_request(&peer, request);
                    }
                }
                SwarmEvent::OutgoingConnectionError { error, .. } => {
                    return Err(unreachable(error.to_string()));
                }
                SwarmEvent::Behaviour(BehaviourEvent::Requests(event)) => match event {
                    Event::Message {
                        message: Message::Response { response, .. },
                        ..
                    } => return Ok(response),
                    Event::OutboundFailure { error, .. } => {
                        return Err(MeshError::NoAnswer {
                            peer: name.clone(),
                            why: error.to_string(),
                        });
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    };
    let answer = tokio::time::timeout(LOBBY_PATIENCE * 2, talk).await;
    answer.unwrap_or_else(|_| {
        Err(MeshError::Timeout {
            peer: device.to_string(),
        })
    })
}
