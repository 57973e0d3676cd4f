//! The listener's loop and its watch: how many come from one host, and who only asks for what is not here.

use super::PublicStatus;
use super::swarm::{Behaviour, BehaviourEvent};
use crate::exchange::{Blocks, Exchange};
use crate::limits::{
    PUBLIC_CONNECTIONS_PER_HOST, PUBLIC_EXCESS_QUEUED, PUBLIC_MISSES_PER_PERIOD,
    PUBLIC_MISSES_PERIOD, PUBLIC_PEERS_WATCHED,
};
use futures::StreamExt;
use libp2p::core::ConnectedPoint;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{ConnectionId, ListenError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, ping};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use weft_model::Cid;

/// Bits of an IPv6 address that name a host's network: whoever has one address there has all of them.
const IPV6_NETWORK_BITS: u32 = 64;

/// Why something was refused at this door; the words are the counters' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Refused {
    Connections,
    Host,
    Misses,
    Ping,
}

impl Refused {
    fn name(self) -> &'static str {
        match self {
            Self::Connections => "refused: too many connections",
            Self::Host => "refused: too many connections of one host",
            Self::Misses => "closed: asked for too much that is not here",
            Self::Ping => "closed: ping failed",
        }
    }
}

/// The loop's own state.
pub(super) struct Door {
    watch: Arc<Watch>,
    /// Connections by host.
    hosts: HashMap<IpAddr, usize>,
    connections: HashMap<ConnectionId, IpAddr>,
    refused: BTreeMap<Refused, u64>,
}

/// Stands before the blocks and counts what was not here for whom.
struct Watch {
    blocks: Arc<dyn Blocks>,
    misses: Mutex<HashMap<PeerId, Misses>>,
    excess: mpsc::Sender<PeerId>,
}

/// How often a peer asked for what is not here, since then.
struct Misses {
    since: Instant,
    count: u32,
}

impl Door {
    /// A door before these blocks, and the peers that it wants closed.
    pub fn new(blocks: Arc<dyn Blocks>) -> (Self, mpsc::Receiver<PeerId>) {
        let (excess, told) = mpsc::channel(PUBLIC_EXCESS_QUEUED);
        let watch = Watch {
            blocks,
            misses: Mutex::default(),
            excess,
        };
        let door = Self {
            watch: Arc::new(watch),
            hosts: HashMap::new(),
            connections: HashMap::new(),
            refused: BTreeMap::new(),
        };
        (door, told)
    }

    /// The blocks as they are seen through this door.
    pub fn blocks(&self) -> Arc<dyn Blocks> {
        Arc::clone(&self.watch) as _
    }

    /// Runs the swarm until nobody can ask how it stands any more.
    pub async fn keep(
        mut self,
        mut swarm: Swarm<Behaviour>,
        exchange: Exchange,
        mut asked: mpsc::Receiver<oneshot::Sender<PublicStatus>>,
        mut excess: mpsc::Receiver<PeerId>,
    ) {
        loop {
            tokio::select! {
                reply = asked.recv() => match reply {
                    // Who asked may be gone by now.
                    Some(reply) => drop(reply.send(self.status(&swarm, &exchange))),
                    None => return,
                },
                Some(peer) = excess.recv() => {
                    if swarm.disconnect_peer_id(peer).is_ok() {
                        self.count(Refused::Misses);
                    }
                }
                event = swarm.select_next_some() => self.event(&mut swarm, event),
            }
        }
    }

    fn event(&mut self, swarm: &mut Swarm<Behaviour>, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished {
                connection_id,
                endpoint: ConnectedPoint::Listener { send_back_addr, .. },
                ..
            } if !self.let_in(connection_id, &send_back_addr) => {
                swarm.close_connection(connection_id);
                self.count(Refused::Host);
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                num_established,
                ..
            } => {
                self.let_out(&connection_id);
                if num_established == 0 {
                    self.watch.forget(&peer_id);
                }
            }
            SwarmEvent::IncomingConnectionError {
                error: ListenError::Denied { .. },
                ..
            } => self.count(Refused::Connections),
            SwarmEvent::Behaviour(BehaviourEvent::Ping(ping::Event {
                connection,
                result: Err(e),
                ..
            })) if !matches!(e, ping::Failure::Unsupported) => {
                swarm.close_connection(connection);
                self.count(Refused::Ping);
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening for outsiders");
            }
            SwarmEvent::ListenerClosed {
                reason: Err(e),
                addresses,
                ..
            } => tracing::warn!(?addresses, "no longer listening for outsiders: {e}"),
            _ => {}
        }
    }

    fn let_in(&mut self, connection: ConnectionId, address: &Multiaddr) -> bool {
        let Some(host) = host(address) else {
            return true;
        };
        let open = self.hosts.entry(host).or_default();
        if *open >= PUBLIC_CONNECTIONS_PER_HOST {
            return false;
        }
        *open += 1;
        self.connections.insert(connection, host);
        true
    }

    fn let_out(&mut self, connection: &ConnectionId) {
        let Some(host) = self.connections.remove(connection) else {
            return;
        };
        if let Some(open) = self.hosts.get_mut(&host) {
            *open -= 1;
            if *open == 0 {
                self.hosts.remove(&host);
            }
        }
    }

    fn count(&mut self, why: Refused) {
        *self.refused.entry(why).or_default() += 1;
    }

    fn status(&self, swarm: &Swarm<Behaviour>, exchange: &Exchange) -> PublicStatus {
        let own = self.refused.iter();
        let own = own.map(|(why, count)| (why.name().to_owned(), *count));
        let mut counts = exchange.counters().all();
        counts.extend(own);
        PublicStatus {
            peer_id: swarm.local_peer_id().to_string(),
            listening: swarm.listeners().map(ToString::to_string).collect(),
            connected: self.connections.len() as u64,
            counts,
        }
    }
}

impl Watch {
    fn missed(&self, peer: &PeerId) {
        let mut all = self.misses.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= PUBLIC_PEERS_WATCHED && !all.contains_key(peer) {
            // More than can be connected: what is left of those that went while they were being answered.
            all.clear();
        }
        let now = Instant::now();
        let misses = all.entry(*peer).or_insert(Misses {
            since: now,
            count: 0,
        });
        if now.duration_since(misses.since) >= PUBLIC_MISSES_PERIOD {
            *misses = Misses {
                since: now,
                count: 0,
            };
        }
        misses.count += 1;
        if misses.count == PUBLIC_MISSES_PER_PERIOD {
            // Where too many wait to be closed, this one is in the next period.
            let _ = self.excess.try_send(*peer);
        }
    }

    fn forget(&self, peer: &PeerId) {
        let mut all = self.misses.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(peer);
    }
}

impl Blocks for Watch {
    fn block(&self, peer: &PeerId, cid: &Cid) -> Option<Vec<u8>> {
        let found = self.blocks.block(peer, cid);
        if found.is_none() {
            self.missed(peer);
        }
        found
    }

    fn size(&self, peer: &PeerId, cid: &Cid) -> Option<u64> {
        let found = self.blocks.size(peer, cid);
        if found.is_none() {
            self.missed(peer);
        }
        found
    }
}

/// The host that an address is of.
fn host(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(match ip.to_ipv4_mapped() {
            Some(ip) => IpAddr::V4(ip),
            None => {
                let network = u128::MAX << (u128::BITS - IPV6_NETWORK_BITS);
                IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & network))
            }
        }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl Blocks for Nothing {
        fn block(&self, _: &PeerId, _: &Cid) -> Option<Vec<u8>> {
            None
        }

        fn size(&self, _: &PeerId, _: &Cid) -> Option<u64> {
            None
        }
    }

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_host_has_few_connections_and_another_one_its_own() {
        let (mut door, _told) = Door::new(Arc::new(Nothing));
        let near = address("/ip6/2001:db8::1/tcp/4001");
        let beside = address("/ip6/2001:db8::2/tcp/9");
        for id in 0..PUBLIC_CONNECTIONS_PER_HOST {
            assert!(door.let_in(ConnectionId::new_unchecked(id), &near));
        }
        let next = ConnectionId::new_unchecked(PUBLIC_CONNECTIONS_PER_HOST);
        assert!(!door.let_in(next, &beside), "the same network");
        for other in ["/ip6/2001:db8:0:1::1/tcp/9", "/ip4/192.0.2.1/udp/9/quic-v1"] {
            assert!(door.let_in(next, &address(other)), "{other}");
            door.let_out(&next);
        }
        door.let_out(&ConnectionId::new_unchecked(0));
        assert!(door.let_in(next, &beside));
        assert_eq!(
            host(&address("/ip6/::ffff:192.0.2.1/tcp/9")),
            host(&address("/ip4/192.0.2.1/tcp/9"))
        );
    }

    #[test]
    fn who_asks_only_for_what_is_not_here_is_told_of_once_in_a_period() {
        let (door, mut told) = Door::new(Arc::new(Nothing));
        let (blocks, peer) = (door.blocks(), PeerId::random());
        let cid = weft_model::content::raw_cid(b"not here");
        for _ in 1..PUBLIC_MISSES_PER_PERIOD {
            assert_eq!(blocks.size(&peer, &cid), None);
        }
        assert!(told.try_recv().is_err());
        for _ in 0..PUBLIC_MISSES_PER_PERIOD {
            assert_eq!(blocks.block(&peer, &cid), None);
        }
        assert_eq!(told.try_recv().ok(), Some(peer));
        assert!(told.try_recv().is_err());
    }
}
