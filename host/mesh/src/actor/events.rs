//! What the swarm sees, as inputs of the service. It decides nothing.

use super::{Actor, split};
use crate::addresses::{is_circuit, tellable};
use crate::message::{Dropped, Protocol};
use crate::service::Input;
use crate::swarm::BehaviourEvent;
use libp2p::core::ConnectedPoint;
use libp2p::swarm::{ListenError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, autonat, dcutr, gossipsub, identify, kad, mdns, relay, upnp};

impl Actor {
    pub(super) fn event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.behaviour(event),
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => {
                self.dials.remove(&connection_id);
                self.step(Input::Connected {
                    peer: peer_id,
                    id: connection_id,
                    dialled: endpoint.is_dialer(),
                    address: place(endpoint),
                });
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                ..
            } => self.step(Input::Closed(peer_id, connection_id)),
            SwarmEvent::OutgoingConnectionError {
                connection_id,
                error,
                ..
            } => {
                if let Some(peer) = self.dials.remove(&connection_id) {
                    tracing::debug!(%peer, "not reached: {error}");
                    self.step(Input::DialFailed(peer));
                }
            }
            SwarmEvent::IncomingConnectionError { error, .. } => self.turned_away(&error),
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening");
                self.listening();
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                tracing::info!(%address, "no longer listening");
                self.listening();
            }
            SwarmEvent::ListenerClosed {
                listener_id,
                reason,
                addresses,
            } => match self.places.remove(&listener_id) {
                Some(relay) => {
                    tracing::info!(%relay, ?reason, "a relay's place is lost");
                    self.step(Input::Unreserved(relay));
                }
                None => {
                    if let Err(e) = reason {
                        tracing::warn!(?addresses, "no longer listening: {e}");
                    }
                    self.listening();
                }
            },
            SwarmEvent::ExternalAddrConfirmed { address } => {
                tracing::info!(%address, "reached by others");
                self.step(Input::Confirmed(address));
            }
            SwarmEvent::ExternalAddrExpired { address } => self.step(Input::Expired(address)),
            _ => {}
        }
    }

    fn listening(&mut self) {
        let addresses = self.swarm.listeners().cloned().collect();
        self.step(Input::Listening(addresses));
    }

    fn turned_away(&mut self, error: &ListenError) {
        let ListenError::Denied { cause } = error else {
            self.service.count(Dropped::Handshake);
            return;
        };
        let stranger = cause.downcast_ref::<libp2p::allow_block_list::NotAllowed>();
        if stranger.is_some() {
            self.step(Input::Stranger);
        } else {
            self.service.count(Dropped::ConnectionLimit);
        }
    }

    fn behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Ping(ping) => {
                let rtt = match ping.result {
                    Ok(rtt) => Some(rtt.as_secs_f64() * 1_000.0),
                    Err(libp2p::ping::Failure::Unsupported) => return,
                    Err(_) => None,
                };
                self.step(Input::Ping(ping.peer, ping.connection, rtt));
            }
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                self.step(Input::Agent(peer_id, info.agent_version));
                for address in tellable(&info.listen_addrs) {
                    self.learn(peer_id, address);
                }
            }
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => {
                for (peer, address) in found {
                    self.learn(peer, address);
                }
            }
            BehaviourEvent::Log(event) => self.requested(Protocol::Log, event),
            BehaviourEvent::Task(event) => self.requested(Protocol::Task, event),
            BehaviourEvent::Find(event) => self.requested(Protocol::Find, event),
            BehaviourEvent::Gossip(gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            }) => self.gossiped(propagation_source, message_id, message),
            BehaviourEvent::Kad(kad::Event::OutboundQueryProgressed {
                id, result, step, ..
            }) => self.found(id, result, step.last),
            BehaviourEvent::Dcutr(dcutr::Event { result: Ok(_), .. }) => {
                self.service.counts.hole_punched += 1;
            }
            BehaviourEvent::RelayClient(relay::client::Event::ReservationReqAccepted {
                relay_peer_id,
                renewal,
                ..
            }) => {
                if !renewal {
                    self.service.counts.reservations += 1;
                    tracing::info!(relay = %relay_peer_id, "a relay gave a place");
                }
                self.step(Input::Reserved(relay_peer_id));
            }
            BehaviourEvent::AutonatClient(autonat::v2::client::Event {
                tested_addr,
                result: Err(e),
                ..
            }) => {
                tracing::info!(address = %tested_addr, "not reached by others: {e}");
                self.step(Input::Unreached(tested_addr));
            }
            BehaviourEvent::Upnp(upnp::Event::NewExternalAddr { external_addr, .. }) => {
                self.service.counts.ports_mapped += 1;
                tracing::info!(address = %external_addr, "the router opened a port");
            }
            _ => {}
        }
    }

    /// An address under which a member may be reached.
    fn learn(&mut self, peer: PeerId, address: Multiaddr) {
        let (peer, address) = split(address.clone()).unwrap_or((peer, address));
        let kad = &mut self.swarm.behaviour_mut().kad;
        if self.service.device(&peer).is_some() {
            kad.add_address(&peer, address.clone());
            self.step(Input::Address(peer, address));
        }
    }
}

/// Where the other end of a connection is. One that came through a relay says only who it is.
fn place(endpoint: ConnectedPoint) -> Multiaddr {
    match endpoint {
        ConnectedPoint::Dialer { address, .. } => address,
        ConnectedPoint::Listener {
            local_addr,
            send_back_addr,
        } if is_circuit(&local_addr) => local_addr.iter().chain(send_back_addr.iter()).collect(),
        ConnectedPoint::Listener { send_back_addr, .. } => send_back_addr,
    }
}
