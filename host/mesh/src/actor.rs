//! The swarm's loop: one task owns the swarm. Commands come over a bounded channel, what the swarm sees goes to the
//! service, what the service says is done. Payloads go to the node on threads of their own.

mod events;

use crate::addresses::tellable;
use crate::error::MeshError;
use crate::limits::{GOSSIP_WAITING, TICK};
use crate::lobby::Addresses;
use crate::message::{Change, Dropped, Heard, Host, Protocol, Status, Topic};
use crate::peer::{did, peer_id};
use crate::service::{Admission, Effect, Input, Own, Service};
use crate::swarm::{Behaviour, Config, topic};
use futures::StreamExt;
use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol as Part;
use libp2p::request_response::{self, OutboundRequestId, ResponseChannel};
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId, Swarm, gossipsub, kad};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError};
use tokio::sync::{mpsc, oneshot};
use weft_model::Did;

/// Whom a request went to, and who waits for the answer.
type Asked = (Did, Reply<Vec<u8>>);
type Reply<T> = oneshot::Sender<Result<T, MeshError>>;

/// What the swarm is asked to do.
pub(crate) enum Command {
    /// Exactly these devices may come in; addresses where they may be.
    Members(BTreeMap<Did, Vec<String>>),
    /// These devices relay for members.
    Volunteers(BTreeSet<Did>),
    /// Tell all members.
    Publish(Topic, Vec<u8>),
    /// Ask one member.
    Request(Did, Protocol, Vec<u8>, Reply<Vec<u8>>),
    /// Dial an address with `/p2p/…`.
    Dial(Multiaddr),
    /// Close a member's connections and keep it out for a while.
    Expel(Did),
    /// Say that a content is here.
    Provide(Vec<u8>),
    /// Who said that a content is there.
    Providers(Vec<u8>, oneshot::Sender<Vec<Did>>),
    /// How it stands.
    Status(oneshot::Sender<Status>),
    /// Stop.
    Stop,
}

/// An answer that a thread of the node has made.
struct Answered {
    peer: PeerId,
    protocol: Protocol,
    answer: Option<Vec<u8>>,
    channel: ResponseChannel<Vec<u8>>,
}

/// A gossip for the node.
struct Gossip {
    author: Did,
    via: Did,
    topic: Topic,
    bytes: Vec<u8>,
    id: gossipsub::MessageId,
    peer: PeerId,
}

/// What the node said of a gossip.
struct Judged(gossipsub::MessageId, PeerId, Heard);

pub(crate) struct Actor {
    swarm: Swarm<Behaviour>,
    service: Service,
    host: Arc<dyn Host>,
    network: String,
    lobby: Addresses,
    /// Dials that the service asked for; libp2p's protocols have their own.
    dials: HashMap<ConnectionId, PeerId>,
    /// What listens at relays, and at which.
    places: HashMap<ListenerId, PeerId>,
    asked: HashMap<(Protocol, OutboundRequestId), Asked>,
    searches: HashMap<kad::QueryId, (oneshot::Sender<Vec<Did>>, Vec<Did>)>,
    answers: mpsc::Sender<Answered>,
    gossip: mpsc::Sender<Gossip>,
    told: mpsc::UnboundedSender<(Did, Change)>,
}

impl Actor {
    pub fn new(
        swarm: Swarm<Behaviour>,
        host: Arc<dyn Host>,
        config: &Config,
        lobby: Addresses,
    ) -> (Self, Channels) {
        let (answers, answered) = mpsc::channel(crate::limits::REQUESTS);
        let (gossip, heard) = mpsc::channel(GOSSIP_WAITING);
        let (told, changes) = mpsc::unbounded_channel();
        let (judge, judged) = mpsc::channel(GOSSIP_WAITING);
        spawn_listener(Arc::clone(&host), heard, judge);
        spawn_teller(Arc::clone(&host), changes);
        let own = Own {
            peer: *swarm.local_peer_id(),
            relay: config.relay,
            external: !config.external.is_empty(),
        };
        let actor = Self {
            swarm,
            service: Service::new(own),
            host,
            network: config.network.clone(),
            dials: HashMap::new(),
            places: HashMap::new(),
            lobby,
            asked: HashMap::new(),
            searches: HashMap::new(),
            answers,
            gossip,
            told,
        };
        (actor, Channels { answered, judged })
    }

    /// Runs until it is told to stop, or nobody can tell it any more.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>, mut channels: Channels) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    None | Some(Command::Stop) => return,
                    Some(command) => self.command(command),
                },
                event = self.swarm.select_next_some() => self.event(event),
                Some(answered) = channels.answered.recv() => self.answered(answered),
                Some(judged) = channels.judged.recv() => self.judged(judged),
                _ = tick.tick() => self.step(Input::Tick),
            }
        }
    }

    fn step(&mut self, input: Input) {
        let effects = self.service.step(self.host.now(), input);
        for effect in effects {
            self.effect(effect);
        }
    }

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Allow(peer) => {
                self.swarm.behaviour_mut().members.allow_peer(peer);
            }
            Effect::Forbid(peer) => {
                // Closes what is open, too.
                self.swarm.behaviour_mut().members.disallow_peer(peer);
                self.swarm.behaviour_mut().kad.remove_peer(&peer);
            }
            Effect::Dial(peer, addresses) => {
                let options = DialOpts::peer_id(peer)
                    .addresses(addresses)
                    .condition(PeerCondition::Always)
                    .build();
                let id = options.connection_id();
                match self.swarm.dial(options) {
                    Ok(()) => _ = self.dials.insert(id, peer),
                    Err(_) => self.step(Input::DialFailed(peer)),
                }
            }
            Effect::Close(connection) => {
                self.swarm.close_connection(connection);
            }
            Effect::CloseAll(peer) => {
                // There may be none left.
                let _ = self.swarm.disconnect_peer_id(peer);
            }
            Effect::Tell(device, change) => {
                let _ = self.told.send((device, change));
            }
            Effect::Reserve(relay, address) => {
                let at = address.with(Part::P2p(relay)).with(Part::P2pCircuit);
                match self.swarm.listen_on(at) {
                    Ok(listener) => _ = self.places.insert(listener, relay),
                    Err(e) => {
                        tracing::debug!(%relay, "no place is asked for: {e}");
                        self.step(Input::Unreserved(relay));
                    }
                }
            }
            Effect::Claim(address) => self.swarm.add_external_address(address),
            Effect::Disclaim(address) => self.swarm.remove_external_address(&address),
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Members(devices) => {
                let own = *self.swarm.local_peer_id();
                let members = devices
                    .into_iter()
                    .filter_map(|(device, addresses)| {
                        let peer = peer_id(&device).filter(|peer| *peer != own)?;
                        let addresses = addresses.iter().filter_map(|a| a.parse().ok());
                        Some((peer, (device, addresses.collect())))
                    })
                    .collect();
                self.step(Input::Members(members));
            }
            Command::Volunteers(devices) => self.step(Input::Volunteers(devices)),
            Command::Publish(t, bytes) => self.publish(t, bytes),
            Command::Request(device, protocol, bytes, reply) => {
                self.request(device, protocol, bytes, reply);
            }
            Command::Dial(address) => {
                if let Some((peer, address)) = split(address) {
                    self.step(Input::Address(peer, address));
                }
            }
            Command::Expel(device) => {
                if let Some(peer) = peer_id(&device) {
                    self.step(Input::Misdeed(peer));
                }
            }
            Command::Provide(key) => {
                // The table's own limit says how many; what is over it is found by gossip.
                let key = kad::RecordKey::new(&key);
                if let Err(e) = self.swarm.behaviour_mut().kad.start_providing(key) {
                    tracing::debug!("a content is not announced: {e}");
                }
            }
            Command::Providers(key, reply) => {
                let key = kad::RecordKey::new(&key);
                let id = self.swarm.behaviour_mut().kad.get_providers(key);
                self.searches.insert(id, (reply, Vec::new()));
            }
            Command::Status(reply) => {
                let _ = reply.send(self.status());
            }
            Command::Stop => {}
        }
    }

    fn publish(&mut self, t: Topic, bytes: Vec<u8>) {
        let topic = topic(&self.network, t);
        match self.swarm.behaviour_mut().gossip.publish(topic, bytes) {
            Ok(_) => self.service.counts.gossip_out += 1,
            // Nobody listens yet; whoever connects asks by itself.
            Err(gossipsub::PublishError::NoPeersSubscribedToTopic) => {}
            Err(e) => tracing::debug!("a gossip was not sent: {e}"),
        }
    }

    fn request(&mut self, device: Did, protocol: Protocol, bytes: Vec<u8>, reply: Reply<Vec<u8>>) {
        let peer = peer_id(&device).filter(|peer| self.service.device(peer).is_some());
        let Some(peer) = peer.filter(|peer| self.service.is_connected(peer)) else {
            let _ = reply.send(Err(MeshError::Unreachable {
                peer: device.to_string(),
                why: "no connection is open".into(),
            }));
            return;
        };
        let requests = self.swarm.behaviour_mut().requests(protocol);
        let id = requests.send_request(&peer, bytes);
        self.service.counts.requests_out += 1;
        self.asked.insert((protocol, id), (device, reply));
    }

    fn answered(&mut self, answered: Answered) {
        let Answered {
            peer,
            protocol,
            answer,
            channel,
        } = answered;
        self.service.answered(&peer);
        match answer {
            Some(answer) => {
                self.service.counts.requests_in += 1;
                // The asker may be gone by now.
                let requests = self.swarm.behaviour_mut().requests(protocol);
                let _ = requests.send_response(channel, answer);
            }
            // Dropping the channel closes the stream.
            None => self.service.count(Dropped::RequestGarbage),
        }
    }

    fn judged(&mut self, judged: Judged) {
        let Judged(id, peer, heard) = judged;
        let acceptance = match heard {
            Heard::Accept => {
                self.service.counts.gossip_in += 1;
                gossipsub::MessageAcceptance::Accept
            }
            Heard::Ignore => gossipsub::MessageAcceptance::Ignore,
            Heard::Reject => {
                self.service.count(Dropped::GossipRejected);
                gossipsub::MessageAcceptance::Reject
            }
        };
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        gossip.report_message_validation_result(&id, &peer, acceptance);
    }

    fn status(&self) -> Status {
        let strings = |addresses: Vec<Multiaddr>| -> Vec<String> {
            addresses.iter().map(ToString::to_string).collect()
        };
        let listening: Vec<Multiaddr> = self.swarm.listeners().cloned().collect();
        let external: Vec<Multiaddr> = self.swarm.external_addresses().cloned().collect();
        let told = tellable(external.iter().chain(&listening));
        Status {
            peer_id: self.swarm.local_peer_id().to_string(),
            listening: strings(listening),
            lobby: self
                .lobby
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            external: strings(external),
            told: strings(told),
            peers: self.service.peers(),
            counts: self.service.counts.clone(),
        }
    }

    fn requested(&mut self, protocol: Protocol, event: request_response::Event<Vec<u8>, Vec<u8>>) {
        use request_response::{Event, Message};
        match event {
            Event::Message { peer, message, .. } => match message {
                Message::Request {
                    request, channel, ..
                } => self.asked_by(peer, protocol, request, channel),
                Message::Response {
                    request_id,
                    response,
                } => {
                    if let Some((_, reply)) = self.asked.remove(&(protocol, request_id)) {
                        let _ = reply.send(Ok(response));
                    }
                }
            },
            Event::OutboundFailure {
                request_id, error, ..
            } => {
                if let Some((device, reply)) = self.asked.remove(&(protocol, request_id)) {
                    let peer = device.to_string();
                    let _ = reply.send(Err(match error {
                        request_response::OutboundFailure::Timeout => MeshError::Timeout { peer },
                        request_response::OutboundFailure::DialFailure => MeshError::Unreachable {
                            peer,
                            why: error.to_string(),
                        },
                        error => MeshError::NoAnswer {
                            peer,
                            why: error.to_string(),
                        },
                    }));
                }
            }
            // An answer that was withheld is counted where it was.
            Event::InboundFailure {
                error: request_response::InboundFailure::ResponseOmission,
                ..
            } => {}
            Event::InboundFailure { .. } => self.service.count(Dropped::RequestBroken),
            Event::ResponseSent { .. } => {}
        }
    }

    fn asked_by(
        &mut self,
        peer: PeerId,
        protocol: Protocol,
        request: Vec<u8>,
        channel: ResponseChannel<Vec<u8>>,
    ) {
        let admission = self.service.request(self.host.now(), &peer);
        if admission == Admission::Close {
            self.effect(Effect::CloseAll(peer));
        }
        let Some(device) = self
            .service
            .device(&peer)
            .filter(|_| admission == Admission::Take)
        else {
            return;
        };
        let (host, answers) = (Arc::clone(&self.host), self.answers.clone());
        tokio::task::spawn_blocking(move || {
            let answer = host.answer(&device, protocol, &request);
            // The loop may have stopped meanwhile.
            let _ = answers.blocking_send(Answered {
                peer,
                protocol,
                answer,
                channel,
            });
        });
    }

    fn gossiped(&mut self, peer: PeerId, id: gossipsub::MessageId, message: gossipsub::Message) {
        let admission = self.service.gossip(self.host.now(), &peer);
        if admission == Admission::Close {
            self.effect(Effect::CloseAll(peer));
        }
        let topic = Topic::ALL
            .into_iter()
            .find(|t| topic(&self.network, *t).hash() == message.topic);
        let author = message.source.as_ref().and_then(did);
        let via = self.service.device(&peer);
        let taken = admission == Admission::Take;
        let (Some(topic), Some(author), Some(via)) = (topic, author.filter(|_| taken), via) else {
            self.judged(Judged(id, peer, Heard::Ignore));
            return;
        };
        let gossip = Gossip {
            author,
            via,
            topic,
            bytes: message.data,
            id,
            peer,
        };
        if let Err(mpsc::error::TrySendError::Full(gossip)) = self.gossip.try_send(gossip) {
            self.service.count(Dropped::GossipFlood);
            self.judged(Judged(gossip.id, gossip.peer, Heard::Ignore));
        }
    }

    fn found(&mut self, id: kad::QueryId, result: kad::QueryResult, last: bool) {
        let Some((_, found)) = self.searches.get_mut(&id) else {
            return;
        };
        if let kad::QueryResult::GetProviders(Ok(kad::GetProvidersOk::FoundProviders {
            providers,
            ..
        })) = result
        {
            found.extend(providers.iter().filter_map(did));
        }
        if last && let Some((reply, found)) = self.searches.remove(&id) {
            let _ = reply.send(found);
        }
    }
}

/// What the loop hears from the node's threads.
pub(crate) struct Channels {
    answered: mpsc::Receiver<Answered>,
    judged: mpsc::Receiver<Judged>,
}

/// Gossip is judged one after the other, in the order in which it came.
fn spawn_listener(
    host: Arc<dyn Host>,
    mut heard: mpsc::Receiver<Gossip>,
    judge: mpsc::Sender<Judged>,
) {
    tokio::task::spawn_blocking(move || {
        while let Some(gossip) = heard.blocking_recv() {
            let Gossip {
                author,
                via,
                topic,
                bytes,
                id,
                peer,
            } = gossip;
            let said = host.heard(&author, &via, topic, &bytes);
            if judge.blocking_send(Judged(id, peer, said)).is_err() {
                return;
            }
        }
    });
}

/// Changes are told one after the other.
fn spawn_teller(host: Arc<dyn Host>, mut changes: mpsc::UnboundedReceiver<(Did, Change)>) {
    tokio::task::spawn_blocking(move || {
        while let Some((device, change)) = changes.blocking_recv() {
            host.changed(&device, change);
        }
    });
}

/// An address and the peer that it ends with.
pub(crate) fn split(mut address: Multiaddr) -> Option<(PeerId, Multiaddr)> {
    match address.pop()? {
        Part::P2p(peer) => Some((peer, address)),
        _ => None,
    }
}
