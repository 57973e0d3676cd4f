//! Bitswap 1.2: the engine that answers peers' wants and asks peers for blocks. Pure: `step(input) -> effects`.
//!
//! The engine owns, per peer, what the peer wants and has not been answered, the answers that are not sent yet, and
//! what fetches of this node ask of the peer. At most one message per peer is being sent; what comes meanwhile is
//! gathered into the next one.
//!
//! Invariants:
//! - A want is answered once and forgotten: with the block, with "have", or with "don't have" if the peer asks for that.
//! - At most `TURNS` peers are being answered at a time; after `BITSWAP_LOOKS_PER_TURN` wants the next one has its turn.
//! - Answers of one message take at most [`super::limits::BITSWAP_MESSAGE_BYTES`], a larger block goes alone.
//! - A block counts as asked when its sha2-256 is that of an asked CID. Anything else, from a peer that owes blocks,
//!   is a wrong block, and the peer loses what it owes; from others it is refused unhashed.
//!
//! What it does not do: it opens no stream, reads no block, hashes nothing, and knows no time. The actor does.

mod actor;
mod ledger;
pub mod message;
mod stream;
#[cfg(test)]
mod tests;

pub(super) use actor::{Swap, start};

use super::counters::Refused;
use super::limits::{
    BITSWAP_ENTRIES_MAX, BITSWAP_LOOKS_PER_TURN, BITSWAP_PEERS_MAX, BITSWAP_TURNS,
    BITSWAP_WANTS_QUEUED, CID_BYTES_MAX,
};
use super::queue::Dropped;
use ledger::{Ledger, Want};
use libp2p::PeerId;
use message::{Message, PresenceType, WantType, Wantlist};
use prost::bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use weft_model::{Cid, content};

/// The protocol's names, the newest first; the last one knows neither prefixes nor presences.
pub const PROTOCOLS: [&str; 3] = [
    "/ipfs/bitswap/1.2.0",
    "/ipfs/bitswap/1.1.0",
    "/ipfs/bitswap",
];

/// A sha2-256.
pub(super) type Digest = [u8; content::DIGEST_BYTES as usize];

/// What happened.
#[derive(Debug)]
pub(super) enum Input {
    /// A peer's message.
    Received(PeerId, Message),
    /// The hashes of blocks that a peer sent, as [`Effect::Hash`] asked.
    Hashed(PeerId, Vec<(Digest, Bytes)>),
    /// What was found for a want.
    Found(PeerId, Cid, Found),
    /// The last message to the peer is written.
    Sent(PeerId),
    /// It can't be written.
    Unsendable(PeerId, Dropped),
    /// A fetch, known by this number, will ask this peer.
    Join(PeerId, u64),
    /// It asks for these.
    Ask(PeerId, u64, Vec<Cid>),
    /// It asks for nothing more.
    Leave(PeerId, u64),
}

/// What was found for a want.
#[derive(Debug)]
pub(super) enum Found {
    /// The block, as it was wanted.
    Block(Bytes),
    /// It is there, and nothing more was wanted.
    There,
    /// It is not there for this peer. True: the peer wants to know.
    Nothing(bool),
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Effect {
    /// Look for this want, then say `Found`.
    Look(PeerId, Want),
    /// Hash these, then say `Hashed`.
    Hash(PeerId, Vec<Bytes>),
    /// Write this, then say `Sent` or `Unsendable`. An empty message asks for a stream alone.
    Send(PeerId, Message),
    /// Tell a fetch.
    Reply(u64, Reply),
    /// Count this.
    Refuse(PeerId, Refused),
    /// Count a wrong block of so many bytes.
    Wrong(usize),
}

/// What a fetch is told of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// It can be asked.
    Ready,
    /// A block that was asked for, verified.
    Block(Cid, Bytes),
    /// "Don't have".
    NotHere(Cid),
    /// It will answer nothing more.
    Gone(Dropped),
}

/// The engine of one swarm.
#[derive(Debug, Default)]
pub(super) struct Engine {
    peers: HashMap<PeerId, Ledger>,
    /// Peers that want something and have no turn.
    queue: VecDeque<PeerId>,
    /// Peers that have a turn.
    turns: usize,
}

impl Engine {
    /// Takes in what happened and says what is to be done.
    pub fn step(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        let peer = input.peer();
        if !self.peers.contains_key(&peer) {
            if self.peers.len() == BITSWAP_PEERS_MAX {
                effects.push(Effect::Refuse(peer, Refused::Wants));
                if let Input::Join(_, fetch) = input {
                    effects.push(Effect::Reply(fetch, Reply::Gone(Dropped::Unreachable)));
                }
                return effects;
            }
            self.peers.insert(peer, Ledger::default());
        }
        let Some(ledger) = self.peers.get_mut(&peer) else {
            return effects;
        };
        match input {
            Input::Received(_, message) => receive(ledger, peer, message, &mut effects),
            Input::Hashed(_, blocks) => blocks.into_iter().for_each(|(digest, bytes)| {
                ledger.take(peer, digest, &bytes, &mut effects);
            }),
            Input::Found(_, cid, found) => ledger.found(&cid, found),
            Input::Sent(_) => ledger.sent(&mut effects),
            Input::Unsendable(_, why) => ledger.lose(why, &mut effects),
            Input::Join(_, fetch) => ledger.join(fetch),
            Input::Ask(_, fetch, cids) => ledger.ask(fetch, cids),
            Input::Leave(_, fetch) => ledger.leave(fetch),
        }
        self.hand_on(peer, &mut effects);
        effects
    }

    /// Gives and takes turns, looks ahead and sends, for this peer and for those whose turn comes by it.
    fn hand_on(&mut self, peer: PeerId, effects: &mut Vec<Effect>) {
        let mut next = Some(peer);
        while let Some(peer) = next.take() {
            let Some(ledger) = self.peers.get_mut(&peer) else {
                continue;
            };
            if !ledger.has_turn && !ledger.queued && !ledger.wants.is_empty() {
                ledger.queued = true;
                self.queue.push_back(peer);
            }
            let must_yield = !self.queue.is_empty() && ledger.looks >= BITSWAP_LOOKS_PER_TURN;
            ledger.work(peer, must_yield, effects);
            if ledger.has_turn && !ledger.is_answering() && (must_yield || ledger.wants.is_empty())
            {
                ledger.has_turn = false;
                self.turns -= 1;
                if !ledger.wants.is_empty() {
                    ledger.queued = true;
                    self.queue.push_back(peer);
                }
            }
            if ledger.is_idle() {
                self.peers.remove(&peer);
            }
            if self.turns < BITSWAP_TURNS {
                next = self.queue.pop_front();
                if let Some(ledger) = next.and_then(|peer| self.peers.get_mut(&peer)) {
                    (ledger.queued, ledger.has_turn, ledger.looks) = (false, true, 0);
                    self.turns += 1;
                }
            }
        }
    }
}

impl Input {
    fn peer(&self) -> PeerId {
        match self {
            Self::Received(peer, _)
            | Self::Hashed(peer, _)
            | Self::Found(peer, ..)
            | Self::Sent(peer)
            | Self::Unsendable(peer, _)
            | Self::Join(peer, _)
            | Self::Ask(peer, ..)
            | Self::Leave(peer, _) => *peer,
        }
    }
}

fn receive(ledger: &mut Ledger, peer: PeerId, message: Message, effects: &mut Vec<Effect>) {
    if let Some(list) = message.wantlist {
        receive_wants(ledger, peer, list, effects);
    }
    for presence in message.presences.iter().take(BITSWAP_ENTRIES_MAX) {
        let is_missing = presence.presence == i32::from(PresenceType::DontHave);
        if let Some(cid) = read_cid(&presence.cid).filter(|_| is_missing) {
            ledger.not_there(&cid, effects);
        }
    }
    let named = message
        .payload
        .into_iter()
        .filter(|block| block.codec().is_some())
        .map(|block| block.data);
    let blocks: Vec<Bytes> = message.blocks.into_iter().chain(named).collect();
    match blocks.is_empty() {
        true => {}
        false if ledger.owes() => effects.push(Effect::Hash(peer, blocks)),
        false => effects.push(Effect::Refuse(peer, Refused::Unasked)),
    }
}

fn receive_wants(ledger: &mut Ledger, peer: PeerId, list: Wantlist, effects: &mut Vec<Effect>) {
    if list.full {
        ledger.wants.clear();
    }
    let mut refused = list.entries.len() > BITSWAP_ENTRIES_MAX;
    for entry in list.entries.iter().take(BITSWAP_ENTRIES_MAX) {
        let Some(cid) = read_cid(&entry.cid) else {
            effects.push(Effect::Refuse(peer, Refused::Garbled));
            break;
        };
        ledger.wants.retain(|want| want.cid != cid);
        if entry.cancel {
            continue;
        }
        if ledger.wants.len() == BITSWAP_WANTS_QUEUED {
            refused = true;
            break;
        }
        ledger.wants.push_back(Want {
            cid,
            block: entry.want_type == i32::from(WantType::Block),
            say_no: entry.send_dont_have,
        });
    }
    if refused {
        effects.push(Effect::Refuse(peer, Refused::Wants));
    }
}

fn read_cid(bytes: &[u8]) -> Option<Cid> {
    let mut rest = bytes;
    let cid = Cid::read_bytes(&mut rest).ok()?;
    (rest.is_empty() && bytes.len() <= CID_BYTES_MAX).then_some(cid)
}

/// The digest of a sha2-256 CID.
fn digest(cid: &Cid) -> Option<Digest> {
    let is_sha2 = cid.hash().code() == content::SHA2_256;
    cid.hash().digest().try_into().ok().filter(|_| is_sha2)
}
