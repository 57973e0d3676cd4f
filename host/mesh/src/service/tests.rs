//! The service by data: what happens at which moment, and what is to be done.

mod door;
mod reach;
mod simulation;

use super::{Effect, Input, Own, Service};
use crate::peer::{keypair, peer_id};
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use std::collections::{BTreeMap, BTreeSet};
use weft_model::Did;

/// Some moment.
const NOW: i64 = 1_000_000;

const DIRECT: &str = "/ip4/45.0.0.9/tcp/9001";
const OTHER: &str = "/ip4/45.0.0.8/udp/9001/quic-v1";
const LAN: &str = "/ip4/192.168.1.9/tcp/9001";

/// A service of a device with some members.
struct Room {
    service: Service,
    members: BTreeMap<PeerId, (Did, Vec<Multiaddr>)>,
}

impl Room {
    fn new(own: Own) -> Self {
        Self {
            service: Service::new(own),
            members: BTreeMap::new(),
        }
    }

    /// A device whose owner set nothing.
    fn plain() -> Self {
        Self::new(Own {
            peer: peer(0),
            relay: false,
            external: false,
        })
    }

    fn step(&mut self, now: i64, input: Input) -> Vec<Effect> {
        self.service.step(now, input)
    }

    /// Lets a member in; what is to be done but for that.
    fn member(&mut self, now: i64, n: u8, addresses: &[&str]) -> Vec<Effect> {
        let addresses = addresses.iter().map(|a| address(a)).collect();
        self.members.insert(peer(n), (device(n), addresses));
        let mut effects = self.step(now, Input::Members(self.members.clone()));
        effects.retain(|effect| *effect != Effect::Allow(peer(n)));
        effects
    }

    fn connect(&mut self, now: i64, n: u8, id: usize, at: &str) -> Vec<Effect> {
        let input = Input::Connected {
            peer: peer(n),
            id: connection(id),
            address: address(at),
            dialled: true,
        };
        self.step(now, input)
    }

    fn volunteers(&mut self, now: i64, some: &[u8]) {
        let some = some.iter().map(|n| device(*n)).collect();
        assert_eq!(self.step(now, Input::Volunteers(some)), []);
    }

    fn listens(&mut self, now: i64, at: &[&str]) -> Vec<Effect> {
        let at: BTreeSet<Multiaddr> = at.iter().map(|a| address(a)).collect();
        self.step(now, Input::Listening(at))
    }
}

fn device(n: u8) -> Did {
    crate::peer::did(&peer(n)).unwrap()
}

fn peer(n: u8) -> PeerId {
    let id = keypair([n + 1; 32]).unwrap().public().to_peer_id();
    let device = crate::peer::did(&id).unwrap();
    assert_eq!(peer_id(&device), Some(id));
    id
}

fn connection(n: usize) -> ConnectionId {
    ConnectionId::new_unchecked(n)
}

fn address(text: &str) -> Multiaddr {
    text.parse().unwrap()
}

/// An address through a relay.
fn circuit(relay: u8) -> String {
    format!("/ip4/45.0.0.1/tcp/9001/p2p/{}/p2p-circuit", peer(relay))
}

fn dial(n: u8, at: &[&str]) -> Effect {
    Effect::Dial(peer(n), at.iter().map(|a| address(a)).collect())
}
