//! Who is let in, who is dialled when, who sends too much: the swarm's decisions, without the swarm.
//!
//! `step(now, input)` answers with effects; the clock is an argument. It owns what is known of each member's device:
//! addresses, connections, paths, rates. It reads no socket and knows no payload.

use crate::limits::{
    ADDRESSES, EXCESS_BEFORE_CLOSE, GOSSIP_BURST, GOSSIP_PER_SECOND, REDIAL_MS, REQUEST_BURST,
    REQUESTS, REQUESTS_PER_PEER, REQUESTS_PER_SECOND, TIMEOUT_MS,
};
use crate::message::{Change, Counts, Dropped, PeerStatus};
use crate::peer::Path;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use std::collections::{BTreeMap, BTreeSet};
use weft_model::Did;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time went by.
    Tick,
    /// The devices that may come in now, with addresses where they may be.
    Members(BTreeMap<PeerId, (Did, Vec<Multiaddr>)>),
    /// An address of a peer was heard of.
    Address(PeerId, Multiaddr),
    /// A connection is open.
    Connected(PeerId, ConnectionId, Multiaddr),
    /// A connection is closed.
    Closed(PeerId, ConnectionId),
    /// Dialling a peer failed.
    DialFailed(PeerId),
    /// A ping came back after milliseconds, or did not.
    Ping(PeerId, ConnectionId, Option<f64>),
    /// What a peer says it runs.
    Agent(PeerId, String),
    /// A peer without membership was closed at the door.
    Stranger,
    /// A member's device broke the rules of a protocol.
    Misdeed(PeerId),
}

/// What the swarm is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Let this peer in.
    Allow(PeerId),
    /// Keep this peer out, and close what is open.
    Forbid(PeerId),
    /// Dial a peer.
    Dial(PeerId, Vec<Multiaddr>),
    /// Close one connection.
    Close(ConnectionId),
    /// Close all connections to a peer.
    CloseAll(PeerId),
    /// Tell the node.
    Tell(Did, Change),
}

/// Whether something that a peer sent is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is.
    Take,
    /// It is dropped.
    Drop,
    /// It is dropped, and the peer closed.
    Close,
}

/// A bucket of tokens: a burst, and a rate.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: i64,
    burst: u32,
    per_second: u32,
}

impl Bucket {
    fn new(burst: u32, per_second: u32) -> Self {
        Self {
            tokens: f64::from(burst),
            at: i64::MIN,
            burst,
            per_second,
        }
    }

    fn take(&mut self, now: i64) -> bool {
        let passed = now.saturating_sub(self.at).max(0) as f64 / 1_000.0;
        self.at = now;
        self.tokens =
            (self.tokens + passed * f64::from(self.per_second)).min(f64::from(self.burst));
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}

/// A member's device.
#[derive(Clone, Debug)]
struct Member {
    device: Did,
    addresses: Vec<Multiaddr>,
    connections: BTreeMap<ConnectionId, (Path, Multiaddr)>,
    /// The path that the node was told.
    told: Option<Path>,
    rtt_ms: Option<f64>,
    agent: Option<String>,
    redial_at: i64,
    pause_ms: i64,
    dialling: bool,
    gossip: Bucket,
    requests: Bucket,
    excess: u32,
    open_requests: usize,
    out_until: i64,
}

impl Member {
    fn new(device: Did) -> Self {
        Self {
            device,
            addresses: Vec::new(),
            connections: BTreeMap::new(),
            told: None,
            rtt_ms: None,
            agent: None,
            redial_at: 0,
            pause_ms: *REDIAL_MS.start(),
            dialling: false,
            gossip: Bucket::new(GOSSIP_BURST, GOSSIP_PER_SECOND),
            requests: Bucket::new(REQUEST_BURST, REQUESTS_PER_SECOND),
            excess: 0,
            open_requests: 0,
            out_until: 0,
        }
    }

    fn best(&self) -> Option<Path> {
        self.connections.values().map(|(path, _)| *path).min()
    }

    fn learn(&mut self, address: Multiaddr) {
        if self.addresses.contains(&address) {
            return;
        }
        if self.addresses.len() >= ADDRESSES {
            self.addresses.remove(0);
        }
        self.addresses.push(address);
    }
}

/// The swarm's decisions.
#[derive(Debug, Default)]
pub struct Service {
    members: BTreeMap<PeerId, Member>,
    /// Counters; the swarm adds what it alone sees.
    pub counts: Counts,
    open_requests: usize,
}

impl Service {
    /// Takes in what happened and says what is to be done.
    pub fn step(&mut self, now: i64, input: Input) -> Vec<Effect> {
        let mut out = Vec::new();
        match input {
            Input::Tick => self.dial_due(now, &mut out),
            Input::Members(members) => {
                self.set_members(members, &mut out);
                self.dial_due(now, &mut out);
            }
            Input::Address(peer, address) => {
                if let Some(member) = self.members.get_mut(&peer) {
                    let new = !member.addresses.contains(&address);
                    member.learn(address);
                    if new && member.connections.is_empty() && member.out_until <= now {
                        member.redial_at = member.redial_at.min(now);
                        self.dial_due(now, &mut out);
                    }
                }
            }
            Input::Connected(peer, id, address) => self.connected(now, peer, id, address, &mut out),
            Input::Closed(peer, id) => self.closed(now, peer, id, &mut out),
            Input::DialFailed(peer) => {
                if let Some(member) = self.members.get_mut(&peer) {
                    member.dialling = false;
                    member.redial_at = now + member.pause_ms;
                    member.pause_ms = (member.pause_ms * 2).min(*REDIAL_MS.end());
                }
            }
            Input::Ping(peer, id, Some(rtt)) => {
                if let Some(member) = self.members.get_mut(&peer)
                    && member.connections.contains_key(&id)
                {
                    member.rtt_ms = Some(rtt);
                    out.push(Effect::Tell(member.device, Change::Rtt(rtt)));
                }
            }
            Input::Ping(_, id, None) => {
                self.count(Dropped::PingFailed);
                out.push(Effect::Close(id));
            }
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

    /// All members' devices.
    pub fn peers(&self) -> Vec<PeerStatus> {
        let status = |(id, member): (&PeerId, &Member)| {
            let open = member.connections.values().map(|(_, a)| a);
            let addresses = if member.connections.is_empty() {
                member.addresses.iter().collect::<Vec<_>>()
            } else {
                open.collect()
            };
            PeerStatus {
                device: member.device.to_string(),
                peer_id: id.to_string(),
                connected: !member.connections.is_empty(),
                path: member.best().map_or("unreachable", Path::word),
                rtt_ms: member.rtt_ms,
                addresses: addresses.iter().map(ToString::to_string).collect(),
                agent: member.agent.clone(),
            }
        };
        self.members.iter().map(status).collect()
    }

    fn set_members(
        &mut self,
        members: BTreeMap<PeerId, (Did, Vec<Multiaddr>)>,
        out: &mut Vec<Effect>,
    ) {
        let gone: BTreeSet<PeerId> = self
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
            out.push(Effect::Forbid(peer));
        }
        for (peer, (device, addresses)) in members {
            let member = self.members.entry(peer).or_insert_with(|| {
                out.push(Effect::Allow(peer));
                Member::new(device)
            });
            for address in addresses {
                member.learn(address);
            }
        }
    }

    fn dial_due(&mut self, now: i64, out: &mut Vec<Effect>) {
        for (peer, member) in &mut self.members {
            let due = member.connections.is_empty()
                && !member.dialling
                && !member.addresses.is_empty()
                && member.redial_at <= now
                && member.out_until <= now;
            if due {
                member.dialling = true;
                out.push(Effect::Dial(*peer, member.addresses.clone()));
            }
        }
    }

    fn connected(
        &mut self,
        now: i64,
        peer: PeerId,
        id: ConnectionId,
        address: Multiaddr,
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
        member.dialling = false;
        member.pause_ms = *REDIAL_MS.start();
        let first = member.connections.is_empty();
        member.connections.insert(id, (Path::of(&address), address));
        tell(member, first, out);
    }

    fn closed(&mut self, now: i64, peer: PeerId, id: ConnectionId, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get_mut(&peer) else {
            return;
        };
        member.connections.remove(&id);
        if member.connections.is_empty() {
            member.rtt_ms = None;
            member.dialling = false;
            member.redial_at = member.out_until.max(now + *REDIAL_MS.start());
            if member.told.take().is_some() {
                out.push(Effect::Tell(member.device, Change::Gone));
            }
        } else {
            tell(member, false, out);
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

/// Tells the node what changed about a member's path.
fn tell(member: &mut Member, first: bool, out: &mut Vec<Effect>) {
    let Some(best) = member.best() else { return };
    let change = match member.told {
        None => Change::Connected(best),
        Some(_) if first => Change::Connected(best),
        Some(told) if told != best => Change::Path(best),
        Some(_) => return,
    };
    member.told = Some(best);
    out.push(Effect::Tell(member.device, change));
}
