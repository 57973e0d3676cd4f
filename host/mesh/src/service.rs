//! Who is let in, who is dialled when, which relays are asked for a place, who sends too much: the swarm's decisions,
//! without the swarm.
//!
//! `step(now, input)` answers with effects; the clock is an argument. It owns what is known of each member's device:
//! addresses, connections, paths, rates. It reads no socket and knows no payload.

mod member;
mod rates;
mod relays;
#[cfg(test)]
mod tests;

pub use rates::Admission;

use crate::addresses::{is_circuit, tellable};
use crate::limits::{CLOCK_JUMP_MS, EXCESS_BEFORE_CLOSE, REQUESTS, REQUESTS_PER_PEER, TIMEOUT_MS};
use crate::message::{Change, Counts, Dropped, PeerStatus};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use member::Member;
use rates::Bucket;
use relays::Relays;
use std::collections::{BTreeMap, BTreeSet};
use weft_model::Did;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time went by.
    Tick,
    /// The devices that may come in now, with addresses where they may be.
    Members(BTreeMap<PeerId, (Did, Vec<Multiaddr>)>),
    /// These devices relay for members.
    Volunteers(BTreeSet<Did>),
    /// An address of a peer was heard of.
    Address(PeerId, Multiaddr),
    /// A connection is open.
    Connected {
        /// To whom.
        peer: PeerId,
        /// Which one.
        id: ConnectionId,
        /// Where the peer is; one through a relay says so.
        address: Multiaddr,
        /// Whether this side dialled.
        dialled: bool,
    },
    /// A connection is closed.
    Closed(PeerId, ConnectionId),
    /// A dial that an effect asked for failed.
    DialFailed(PeerId),
    /// A ping came back after milliseconds, or did not.
    Ping(PeerId, ConnectionId, Option<f64>),
    /// What a peer says it runs.
    Agent(PeerId, String),
    /// A peer without membership was closed at the door.
    Stranger,
    /// A member's device broke the rules of a protocol.
    Misdeed(PeerId),
    /// Where this device listens now, all of it.
    Listening(BTreeSet<Multiaddr>),
    /// Others reach this device at this address: it was tried, or a router opened a port.
    Confirmed(Multiaddr),
    /// Others no longer reach it there.
    Expired(Multiaddr),
    /// A member tried to reach this device at this address, in vain.
    Unreached(Multiaddr),
    /// A relay gave this device a place, or renewed it.
    Reserved(PeerId),
    /// A relay gave none, or the place is lost.
    Unreserved(PeerId),
}

/// What the swarm is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Let this peer in.
    Allow(PeerId),
    /// Keep this peer out, and close what is open.
    Forbid(PeerId),
    /// Dial a peer, even where another dial is under way. [`Input::DialFailed`] follows, or a connection.
    Dial(PeerId, Vec<Multiaddr>),
    /// Close one connection.
    Close(ConnectionId),
    /// Close all connections to a peer.
    CloseAll(PeerId),
    /// Tell the node.
    Tell(Did, Change),
    /// Ask a relay at this address for a place. [`Input::Reserved`] follows, or [`Input::Unreserved`].
    Reserve(PeerId, Multiaddr),
    /// Tell others that this device is reached at this address.
    Claim(Multiaddr),
    /// Tell it no more.
    Disclaim(Multiaddr),
}

/// What the owner of this device set.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    /// The device's own id.
    pub peer: PeerId,
    /// Whether it relays for members.
    pub relay: bool,
    /// Whether the owner named addresses at which others reach it.
    pub external: bool,
}

/// The swarm's decisions.
#[derive(Debug)]
pub struct Service {
    own: Own,
    members: BTreeMap<PeerId, Member>,
    relays: Relays,
    /// Where this device listens, but for what goes through relays.
    listening: BTreeSet<Multiaddr>,
    /// Addresses that were claimed without a test, as a relay must name one.
    claimed: BTreeSet<Multiaddr>,
    /// When time last went by.
    ticked: Option<i64>,
    /// Counters; the swarm adds what it alone sees.
    pub counts: Counts,
    open_requests: usize,
}

impl Service {
    /// One that knows nobody yet.
    pub fn new(own: Own) -> Self {
        Self {
            own,
            members: BTreeMap::new(),
            relays: Relays::new(own.relay || own.external),
            listening: BTreeSet::new(),
            claimed: BTreeSet::new(),
            ticked: None,
            counts: Counts::default(),
            open_requests: 0,
        }
    }

    /// Takes in what happened and says what is to be done.
    pub fn step(&mut self, now: i64, input: Input) -> Vec<Effect> {
        let mut out = Vec::new();
        match input {
            Input::Tick => self.tick(now, &mut out),
            Input::Members(members) => {
                self.set_members(now, members, &mut out);
                self.dial_due(now, &mut out);
            }
            Input::Volunteers(volunteers) => self.relays.set_volunteers(volunteers),
            Input::Address(peer, address) => {
                if self.is_elsewhere(&address)
                    && let Some(member) = self.members.get_mut(&peer)
                {
                    member.learn(now, address);
                    self.dial_due(now, &mut out);
                }
            }
            Input::Connected {
                peer,
                id,
                address,
                dialled,
            } => self.connected(now, peer, id, address, dialled, &mut out),
            Input::Closed(peer, id) => self.closed(now, peer, id, &mut out),
            Input::DialFailed(peer) => {
                if let Some(member) = self.members.get_mut(&peer)
                    && let Some(addresses) = member.dial_failed(now)
                {
                    out.push(Effect::Dial(peer, addresses));
                }
            }
            Input::Ping(peer, id, rtt) => self.pinged(now, peer, id, rtt, &mut out),
            Input::Agent(peer, agent) => {
                if let Some(member) = self.members.get_mut(&peer) {
                    member.agent = Some(weft_model::text::printable(&agent, 80));
                }
            }
            Input::Stranger => self.count(Dropped::Stranger),
            Input::Misdeed(peer) => {
                self.count(Dropped::Misdeed);
                if let Some(member) = self.members.get_mut(&peer) {
                    member.out_until = now + TIMEOUT_MS;
                    out.push(Effect::CloseAll(peer));
                }
            }
            Input::Listening(addresses) => self.listening(now, addresses, &mut out),
            Input::Confirmed(address) => self.relays.confirmed(address),
            Input::Expired(address) => self.relays.expired(now, &address),
            Input::Unreached(address) => self.relays.failed(&address),
            Input::Reserved(relay) => self.relays.reserved(relay),
            Input::Unreserved(relay) => self.relays.lost(now, relay),
        }
        out
    }

    /// Whether a gossip that this peer passed on is taken.
    pub fn gossip(&mut self, now: i64, peer: &PeerId) -> Admission {
        self.admit(now, peer, Dropped::GossipRate, |m| &mut m.gossip)
    }

    /// Whether a request of this peer is worked on; if so [`Self::answered`] follows.
    pub fn request(&mut self, now: i64, peer: &PeerId) -> Admission {
        let admission = self.admit(now, peer, Dropped::RequestRate, |m| &mut m.requests);
        if admission != Admission::Take {
            return admission;
        }
        let full = self.open_requests >= REQUESTS
            || self
                .members
                .get(peer)
                .is_none_or(|m| m.open_requests >= REQUESTS_PER_PEER);
        if full {
            self.count(Dropped::RequestFlood);
            return Admission::Drop;
        }
        self.open_requests += 1;
        if let Some(member) = self.members.get_mut(peer) {
            member.open_requests += 1;
        }
        Admission::Take
    }

    /// A request of this peer was answered, or its answer has nobody to go to.
    pub fn answered(&mut self, peer: &PeerId) {
        self.open_requests = self.open_requests.saturating_sub(1);
        if let Some(member) = self.members.get_mut(peer) {
            member.open_requests = member.open_requests.saturating_sub(1);
        }
    }

    /// Notes that something was dropped.
    pub fn count(&mut self, why: Dropped) {
        *self.counts.dropped.entry(why).or_default() += 1;
    }

    /// The device of a peer that may come in.
    pub fn device(&self, peer: &PeerId) -> Option<Did> {
        self.members.get(peer).map(|m| m.device)
    }

    /// Whether a connection to a peer is open that is not known to be dead.
    pub fn is_connected(&self, peer: &PeerId) -> bool {
        self.members
            .get(peer)
            .is_some_and(|m| !m.connections.is_empty())
    }

    /// All members' devices.
    pub fn peers(&self) -> Vec<PeerStatus> {
        let members = self.members.iter();
        members.map(|(id, member)| member.status(id)).collect()
    }

    fn tick(&mut self, now: i64, out: &mut Vec<Effect>) {
        let before = self.ticked.replace(now);
        let jumped = before.is_none_or(|at| !(at..=at + CLOCK_JUMP_MS).contains(&now));
        let mut silent = Vec::new();
        for (peer, member) in &mut self.members {
            if jumped {
                let open: Vec<ConnectionId> = member.connections.keys().copied().collect();
                open.into_iter().for_each(|id| member.heard(now, id));
            }
            silent.extend(member.silent(now).into_iter().map(|id| (*peer, id)));
        }
        for (peer, id) in silent {
            self.give_up(now, peer, id, out);
        }
        self.dial_due(now, out);
        self.relays.double(&mut self.members, out);
        self.relays.plan(now, &self.members, out);
        for member in self.members.values() {
            out.extend(member.superseded(now).into_iter().map(Effect::Close));
        }
    }

    fn set_members(
        &mut self,
        now: i64,
        members: BTreeMap<PeerId, (Did, Vec<Multiaddr>)>,
        out: &mut Vec<Effect>,
    ) {
        let gone: Vec<PeerId> = self
            .members
            .keys()
            .filter(|peer| !members.contains_key(*peer))
            .copied()
            .collect();
        for peer in gone {
            if let Some(member) = self.members.remove(&peer) {
                self.open_requests = self.open_requests.saturating_sub(member.open_requests);
                if member.told.is_some() {
                    out.push(Effect::Tell(member.device, Change::Gone));
                }
            }
            self.relays.forget(&peer);
            out.push(Effect::Forbid(peer));
        }
        for (peer, (device, addresses)) in members {
            let useful = addresses.into_iter().filter(|a| self.is_elsewhere(a));
            let useful: Vec<Multiaddr> = useful.collect();
            let member = self.members.entry(peer).or_insert_with(|| {
                out.push(Effect::Allow(peer));
                Member::new(device)
            });
            for address in useful {
                member.learn(now, address);
            }
        }
    }

    /// Whether an address does not lead through this device itself.
    fn is_elsewhere(&self, address: &Multiaddr) -> bool {
        !address
            .iter()
            .any(|part| part == Protocol::P2p(self.own.peer))
    }

    fn dial_due(&mut self, now: i64, out: &mut Vec<Effect>) {
        for (peer, member) in &mut self.members {
            if let Some(addresses) = member.dial(now) {
                out.push(Effect::Dial(*peer, addresses));
            }
        }
    }

    fn connected(
        &mut self,
        now: i64,
        peer: PeerId,
        id: ConnectionId,
        address: Multiaddr,
        dialled: bool,
        out: &mut Vec<Effect>,
    ) {
        self.counts.connections += 1;
        let Some(member) = self.members.get_mut(&peer) else {
            self.count(Dropped::Stranger);
            out.push(Effect::Close(id));
            return;
        };
        if member.out_until > now {
            out.push(Effect::Close(id));
            return;
        }
        member.connected(now, id, address, dialled);
        member.tell(out);
    }

    fn closed(&mut self, now: i64, peer: PeerId, id: ConnectionId, out: &mut Vec<Effect>) {
        if let Some(member) = self.members.get_mut(&peer)
            && member.connections.contains_key(&id)
        {
            member.closed(now, id);
            member.tell(out);
        }
    }

    fn pinged(
        &mut self,
        now: i64,
        peer: PeerId,
        id: ConnectionId,
        rtt: Option<f64>,
        out: &mut Vec<Effect>,
    ) {
        let Some(member) = self.members.get_mut(&peer) else {
            return;
        };
        if !member.connections.contains_key(&id) {
            return;
        }
        match rtt {
            Some(rtt) => {
                member.heard(now, id);
                member.rtt_ms = Some(rtt);
                out.push(Effect::Tell(member.device, Change::Rtt(rtt)));
            }
            None => self.give_up(now, peer, id, out),
        }
    }

    /// Closes a connection that carries nothing any more. Closing may take as long as its unsent bytes: it counts as gone
    /// from now on.
    fn give_up(&mut self, now: i64, peer: PeerId, id: ConnectionId, out: &mut Vec<Effect>) {
        self.count(Dropped::PingFailed);
        out.push(Effect::Close(id));
        self.closed(now, peer, id, out);
    }

    fn listening(&mut self, now: i64, addresses: BTreeSet<Multiaddr>, out: &mut Vec<Effect>) {
        let straight = addresses.into_iter().filter(|a| !is_circuit(a));
        let before = std::mem::replace(&mut self.listening, straight.collect());
        let gone: BTreeSet<Multiaddr> = before.difference(&self.listening).cloned().collect();
        if !gone.is_empty() {
            let stale = self.relays.moved(now, &gone);
            out.extend(stale.into_iter().map(Effect::Disclaim));
        }
        if self.own.relay && !self.own.external {
            // A relay without an address to name gives out places that nobody finds.
            let claimed: BTreeSet<Multiaddr> = tellable(&self.listening).into_iter().collect();
            let dropped = self.claimed.difference(&claimed).cloned();
            out.extend(dropped.map(Effect::Disclaim));
            let new = claimed.difference(&self.claimed).cloned();
            out.extend(new.map(Effect::Claim));
            self.claimed = claimed;
        }
        if self.listening.difference(&before).next().is_some() {
            // This device is somewhere new: what failed from elsewhere may succeed from here.
            for member in self.members.values_mut() {
                member.dial_soon(now);
            }
            self.dial_due(now, out);
        }
    }

    fn admit(
        &mut self,
        now: i64,
        peer: &PeerId,
        why: Dropped,
        bucket: impl Fn(&mut Member) -> &mut Bucket,
    ) -> Admission {
        let Some(member) = self.members.get_mut(peer) else {
            self.count(Dropped::Stranger);
            return Admission::Drop;
        };
        if bucket(member).take(now) {
            member.excess = member.excess.saturating_sub(1);
            return Admission::Take;
        }
        member.excess += 1;
        let far_too_much = member.excess >= EXCESS_BEFORE_CLOSE;
        if far_too_much {
            member.excess = 0;
            member.out_until = now + TIMEOUT_MS;
            self.count(Dropped::Excess);
        }
        self.count(why);
        if far_too_much {
            Admission::Close
        } else {
            Admission::Drop
        }
    }
}
