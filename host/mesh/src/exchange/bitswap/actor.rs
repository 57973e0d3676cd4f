//! Bitswap's actor: owns the engine, the streams and the fetches' channels, and carries out what the engine says.
//!
//! Inbound streams, looks, hashes and writes are tasks of its own; each hands its result back as the engine's input.
//! When the actor is dropped, they end, and fetches over Bitswap are told that their peer is gone.

use super::ledger::Want;
use super::message::Message;
use super::stream::{self, Outbound};
use super::{Effect, Engine, Found, Input, Reply, digest};
use crate::exchange::Shared;
use crate::exchange::limits::{
    BITSWAP_INBOX, BITSWAP_JOBS_MAX, BITSWAP_REPLIES_QUEUED, BITSWAP_STREAMS_MAX,
    BITSWAP_STREAMS_PER_PEER, IDLE_MS, TICK_MS,
};
use crate::exchange::serve::{Seats, refuse};
use futures::StreamExt;
use libp2p::{PeerId, Stream};
use libp2p_stream::{Control, IncomingStreams};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use weft_model::{Cid, content};

/// How fetches reach the actor.
#[derive(Clone)]
pub(in crate::exchange) struct Swap {
    commands: mpsc::Sender<Command>,
}

enum Command {
    Join(
        PeerId,
        mpsc::Sender<Reply>,
        tokio::sync::oneshot::Sender<u64>,
    ),
    Ask(PeerId, u64, Vec<Cid>),
}

/// One fetch's asking of one peer; dropped, it asks for nothing more.
pub(in crate::exchange) struct Joined {
    peer: PeerId,
    id: u64,
    commands: mpsc::Sender<Command>,
    replies: mpsc::Receiver<Reply>,
}

impl Swap {
    /// Prepares to ask this peer. None: the exchange has ended.
    pub async fn join(&self, peer: PeerId) -> Option<Joined> {
        let (sender, replies) = mpsc::channel(BITSWAP_REPLIES_QUEUED);
        let (give_id, id) = tokio::sync::oneshot::channel();
        self.commands
            .send(Command::Join(peer, sender, give_id))
            .await
            .ok()?;
        Some(Joined {
            peer,
            id: id.await.ok()?,
            commands: self.commands.clone(),
            replies,
        })
    }
}

impl Joined {
    /// Asks for these. If the exchange has ended, [`Joined::next`] says so.
    pub async fn ask(&self, cids: Vec<Cid>) {
        self.commands
            .send(Command::Ask(self.peer, self.id, cids))
            .await
            .ok();
    }

    /// The next reply. None: the exchange has ended.
    pub async fn next(&mut self) -> Option<Reply> {
        self.replies.recv().await
    }
}

/// The handle, and the future that is the actor.
pub(in crate::exchange) fn start(
    shared: Arc<Shared>,
    control: Control,
    incoming: Vec<IncomingStreams>,
) -> (Swap, impl Future<Output = ()> + Send + 'static) {
    let (commands, inbox) = mpsc::channel(BITSWAP_INBOX);
    let actor = Actor::new(shared, control);
    (Swap { commands }, actor.run(inbox, incoming))
}

struct Actor {
    shared: Arc<Shared>,
    control: Control,
    engine: Engine,
    fetches: HashMap<u64, (PeerId, mpsc::Sender<Reply>)>,
    next_fetch: u64,
    outbound: HashMap<PeerId, mpsc::Sender<Message>>,
    seats: Seats,
    /// Tasks of streams; they end by themselves.
    streams: JoinSet<()>,
    /// Looks and hashes.
    jobs: JoinSet<Input>,
    events: mpsc::Sender<Input>,
    heard: Option<mpsc::Receiver<Input>>,
}

impl Actor {
    fn new(shared: Arc<Shared>, control: Control) -> Self {
        let (events, heard) = mpsc::channel(BITSWAP_INBOX);
        Self {
            shared,
            control,
            engine: Engine::default(),
            fetches: HashMap::new(),
            next_fetch: 0,
            outbound: HashMap::new(),
            seats: Seats::new(BITSWAP_STREAMS_PER_PEER, BITSWAP_STREAMS_MAX),
            streams: JoinSet::new(),
            jobs: JoinSet::new(),
            events,
            heard: Some(heard),
        }
    }

    async fn run(mut self, mut commands: mpsc::Receiver<Command>, incoming: Vec<IncomingStreams>) {
        let (accepted, mut streams) = mpsc::channel(BITSWAP_STREAMS_MAX);
        for incoming in incoming {
            self.streams.spawn(accept(incoming, accepted.clone()));
        }
        let Some(mut heard) = self.heard.take() else {
            return;
        };
        let mut tick = interval(Duration::from_millis(TICK_MS));
        loop {
            tokio::select! {
                Some((peer, stream)) = streams.recv() => self.receive_from(peer, stream),
                Some(command) = commands.recv() => self.command(command),
                Some(input) = heard.recv(), if self.jobs.len() < BITSWAP_JOBS_MAX => self.step(input),
                Some(done) = self.jobs.join_next() => {
                    if let Ok(input) = done {
                        self.step(input);
                    }
                }
                Some(_) = self.streams.join_next() => {}
                _ = tick.tick() => self.forget_the_gone(),
            }
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Join(peer, replies, give_id) => {
                let id = self.next_fetch;
                self.next_fetch += 1;
                self.fetches.insert(id, (peer, replies));
                give_id.send(id).ok();
                self.step(Input::Join(peer, id));
            }
            Command::Ask(peer, id, cids) => self.step(Input::Ask(peer, id, cids)),
        }
    }

    fn step(&mut self, input: Input) {
        for effect in self.engine.step(input) {
            match effect {
                Effect::Look(peer, want) => self.look(peer, want),
                Effect::Hash(peer, blocks) => {
                    let shared = self.shared.clone();
                    self.jobs
                        .spawn(async move { Input::Hashed(peer, hash(&shared, blocks).await) });
                }
                Effect::Send(peer, message) => self.send(peer, message),
                Effect::Reply(fetch, reply) => self.reply(fetch, reply),
                Effect::Refuse(peer, why) => refuse(&self.shared.counters, &peer, why),
                Effect::Wrong(bytes) => self.shared.counters.received(bytes, false),
            }
        }
    }

    fn look(&mut self, peer: PeerId, want: Want) {
        let shared = self.shared.clone();
        self.jobs.spawn(async move {
            let found = match want.block {
                true => shared
                    .read_block(&peer, want.cid)
                    .await
                    .map(|bytes| Found::Block(bytes.into())),
                false => shared
                    .read_size(&peer, want.cid)
                    .await
                    .map(|_| Found::There),
            };
            Input::Found(peer, want.cid, found.unwrap_or(Found::Nothing(want.say_no)))
        });
    }

    fn send(&mut self, peer: PeerId, message: Message) {
        let unsent = match self.outbound.get(&peer) {
            // The engine sends one message at a time, so there is room unless the task has ended.
            Some(to) => to
                .try_send(message)
                .err()
                .map(mpsc::error::TrySendError::into_inner),
            None => Some(message),
        };
        if let Some(message) = unsent {
            let (to, messages) = mpsc::channel(1);
            to.try_send(message).ok();
            self.outbound.insert(peer, to);
            let outbound = Outbound::new(self.control.clone(), peer);
            self.streams.spawn(write_all(
                outbound,
                messages,
                self.shared.clone(),
                self.events.clone(),
            ));
        }
    }

    fn reply(&mut self, fetch: u64, reply: Reply) {
        let Some((peer, to)) = self.fetches.get(&fetch) else {
            return;
        };
        let peer = *peer;
        if let Reply::Block(_, bytes) = &reply {
            self.shared.counters.received(bytes.len(), true);
        }
        let ends = matches!(reply, Reply::Gone(_));
        let told = to.try_send(reply);
        if ends || told.is_err() {
            self.fetches.remove(&fetch);
        }
        if told.is_err() && !ends {
            self.step(Input::Leave(peer, fetch));
        }
    }

    fn forget_the_gone(&mut self) {
        let gone = self.fetches.iter().filter(|(_, (_, to))| to.is_closed());
        for (id, peer) in gone.map(|(id, (peer, _))| (*id, *peer)).collect::<Vec<_>>() {
            self.fetches.remove(&id);
            self.step(Input::Leave(peer, id));
        }
        self.outbound.retain(|_, to| !to.is_closed());
    }

    fn receive_from(&mut self, peer: PeerId, mut stream: Stream) {
        let (shared, events) = (self.shared.clone(), self.events.clone());
        match self.seats.take(peer) {
            Err(why) => refuse(&shared.counters, &peer, why),
            Ok(seat) => {
                self.streams.spawn(async move {
                    let _seat = seat;
                    // Streams of Bitswap are kept for later by some; they must not keep a connection.
                    stream.ignore_for_keep_alive();
                    loop {
                        match stream::read(&mut stream, shared.message_bytes).await {
                            Ok(Some(message)) => {
                                if events.send(Input::Received(peer, message)).await.is_err() {
                                    break;
                                }
                            }
                            Ok(None) | Err(None) => break,
                            Err(Some(why)) => {
                                refuse(&shared.counters, &peer, why);
                                break;
                            }
                        }
                    }
                });
            }
        }
    }
}

/// Hands streams on at once: libp2p drops one that comes while the last one was not taken.
async fn accept(mut incoming: IncomingStreams, accepted: mpsc::Sender<(PeerId, Stream)>) {
    while let Some(stream) = incoming.next().await {
        if accepted.send(stream).await.is_err() {
            break;
        }
    }
}

/// Writes one peer's messages until there were none for a while or one can't be written.
async fn write_all(
    mut outbound: Outbound,
    mut messages: mpsc::Receiver<Message>,
    shared: Arc<Shared>,
    events: mpsc::Sender<Input>,
) {
    let peer = outbound.peer;
    loop {
        let next = match timeout(Duration::from_millis(IDLE_MS), messages.recv()).await {
            Ok(next) => next,
            Err(_) => {
                // What came at this very moment is still written.
                messages.close();
                messages.recv().await
            }
        };
        let Some(message) = next else {
            break;
        };
        let blocks: Vec<usize> = message
            .payload
            .iter()
            .map(|block| block.data.len())
            .collect();
        let missing = message.presences.iter().filter(|p| p.presence != 0).count();
        shared.up.draw_all(blocks.iter().sum()).await;
        let sent = outbound.send(message).await;
        let (input, ends) = match sent {
            Ok(()) => {
                blocks
                    .into_iter()
                    .for_each(|bytes| shared.counters.gave(bytes));
                (0..missing).for_each(|_| shared.counters.gave_nothing());
                (Input::Sent(peer), false)
            }
            Err(why) => (Input::Unsendable(peer, why), true),
        };
        if ends {
            // Before the engine hears of it, so that what it sends next begins anew.
            messages.close();
        }
        if events.send(input).await.is_err() || ends {
            break;
        }
    }
}

/// Hashes a message's blocks on a thread for blocking work, in its turn.
async fn hash(
    shared: &Shared,
    blocks: Vec<prost::bytes::Bytes>,
) -> Vec<(super::Digest, prost::bytes::Bytes)> {
    let Ok(turn) = shared.hashers.clone().acquire_owned().await else {
        return Vec::new();
    };
    let hashing = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let hashed = blocks
            .into_iter()
            .map(|bytes| (digest(&content::raw_cid(&bytes)), bytes));
        hashed
            .filter_map(|(digest, bytes)| Some((digest?, bytes)))
            .collect()
    });
    hashing.await.unwrap_or_default()
}
