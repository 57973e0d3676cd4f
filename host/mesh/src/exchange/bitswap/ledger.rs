//! What the engine knows of one peer: its wants and our answers, our wants and its answers.

use super::message::{self, Message, Presence, PresenceType};
use super::{Digest, Effect, Found, Refused, Reply, digest};
use crate::exchange::limits::{BITSWAP_ANSWERED_KEPT, BITSWAP_MESSAGE_BYTES, READ_AHEAD};
use crate::exchange::queue::Dropped;
use libp2p::PeerId;
use prost::bytes::Bytes;
use std::collections::{HashMap, HashSet, VecDeque};
use weft_model::Cid;

/// What a block or a presence takes in a message beside its data: tags, lengths, a CID.
const FRAME_BYTES: usize = 96;

/// One want of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Want {
    pub cid: Cid,
    /// The block, else whether it is there.
    pub block: bool,
    /// Whether to say so when it is not there.
    pub say_no: bool,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// What the peer wants and is not looked for yet.
    pub wants: VecDeque<Want>,
    /// Whether it is being answered.
    pub has_turn: bool,
    /// Whether it waits for its turn.
    pub queued: bool,
    /// Wants that were looked for in this turn.
    pub looks: usize,
    looking: usize,
    answers: VecDeque<Answer>,
    answer_bytes: usize,
    /// Whether a message is being written.
    sending: bool,
    /// What we ask of the peer, and which fetches do.
    asked: HashMap<Digest, Vec<(Cid, u64)>>,
    /// What was answered or given up lately: a late copy is no offence.
    answered: VecDeque<Digest>,
    answered_set: HashSet<Digest>,
    /// Not told to the peer yet.
    to_ask: Vec<Cid>,
    to_cancel: Vec<Cid>,
    /// The fetches, and whether they were told that the peer is ready.
    fetches: HashMap<u64, bool>,
}

#[derive(Debug)]
enum Answer {
    Block(message::Block),
    Presence(Presence),
}

impl Answer {
    fn bytes(&self) -> usize {
        FRAME_BYTES
            + match self {
                Self::Block(block) => block.data.len(),
                Self::Presence(_) => 0,
            }
    }
}

impl Ledger {
    /// Looks for wants and sends what there is.
    pub fn work(&mut self, peer: PeerId, must_yield: bool, effects: &mut Vec<Effect>) {
        while self.has_turn
            && !must_yield
            && self.looking < READ_AHEAD
            && self.answer_bytes < BITSWAP_MESSAGE_BYTES
        {
            let Some(want) = self.wants.pop_front() else {
                break;
            };
            self.looking += 1;
            self.looks += 1;
            effects.push(Effect::Look(peer, want));
        }
        if self.sending {
            return;
        }
        let message = self.next_message();
        let must_open = self.fetches.values().any(|told| !told);
        if must_open || !message.is_empty() {
            self.sending = true;
            effects.push(Effect::Send(peer, message));
        }
    }

    pub fn found(&mut self, cid: &Cid, found: Found) {
        self.looking = self.looking.saturating_sub(1);
        let answer = match found {
            Found::Block(bytes) => Answer::Block(message::Block::new(cid, bytes)),
            Found::There => Answer::Presence(Presence::new(cid, PresenceType::Have)),
            Found::Nothing(true) => Answer::Presence(Presence::new(cid, PresenceType::DontHave)),
            Found::Nothing(false) => return,
        };
        self.answer_bytes += answer.bytes();
        self.answers.push_back(answer);
    }

    pub fn sent(&mut self, effects: &mut Vec<Effect>) {
        self.sending = false;
        for (fetch, told) in self.fetches.iter_mut().filter(|(_, told)| !**told) {
            *told = true;
            effects.push(Effect::Reply(*fetch, Reply::Ready));
        }
    }

    /// Forgets all that concerns the peer, which will answer nothing more; what is being looked for comes back still.
    pub fn lose(&mut self, why: Dropped, effects: &mut Vec<Effect>) {
        self.sending = false;
        self.wants.clear();
        self.answers.clear();
        self.answer_bytes = 0;
        self.drop_fetches(why, effects);
    }

    pub fn join(&mut self, fetch: u64) {
        self.fetches.insert(fetch, false);
    }

    pub fn ask(&mut self, fetch: u64, cids: Vec<Cid>) {
        if !self.fetches.contains_key(&fetch) {
            return;
        }
        for cid in cids {
            let Some(digest) = digest(&cid) else {
                continue;
            };
            let askers = self.asked.entry(digest).or_default();
            if askers.iter().all(|(asked, _)| *asked != cid) {
                self.to_ask.push(cid);
            }
            askers.push((cid, fetch));
        }
    }

    pub fn leave(&mut self, fetch: u64) {
        self.fetches.remove(&fetch);
        let mut given_up = Vec::new();
        for (digest, askers) in &mut self.asked {
            let cids: Vec<Cid> = askers
                .iter()
                .filter(|(_, by)| *by == fetch)
                .map(|(cid, _)| *cid)
                .collect();
            askers.retain(|(_, by)| *by != fetch);
            let alone = |cid: &Cid| askers.iter().all(|(other, _)| other != cid);
            self.to_cancel.extend(cids.into_iter().filter(alone));
            if askers.is_empty() {
                given_up.push(*digest);
            }
        }
        for digest in given_up {
            self.asked.remove(&digest);
            self.note_answered(digest);
        }
    }

    /// The peer gave these bytes.
    pub fn take(&mut self, peer: PeerId, digest: Digest, bytes: &Bytes, effects: &mut Vec<Effect>) {
        if let Some(askers) = self.asked.remove(&digest) {
            self.note_answered(digest);
            let replies = askers
                .into_iter()
                .map(|(cid, fetch)| (fetch, Reply::Block(cid, bytes.clone())));
            effects.extend(replies.map(|(fetch, reply)| Effect::Reply(fetch, reply)));
        } else if self.answered_set.contains(&digest) || !self.owes() {
            effects.push(Effect::Refuse(peer, Refused::Unasked));
        } else {
            effects.push(Effect::Wrong(bytes.len()));
            self.drop_fetches(Dropped::WrongBlock, effects);
        }
    }

    pub fn not_there(&mut self, cid: &Cid, effects: &mut Vec<Effect>) {
        let Some(digest) = digest(cid) else {
            return;
        };
        let Some(askers) = self.asked.get_mut(&digest) else {
            return;
        };
        let told = askers.extract_if(.., |(asked, _)| asked == cid);
        effects.extend(told.map(|(cid, fetch)| Effect::Reply(fetch, Reply::NotHere(cid))));
        if askers.is_empty() {
            self.asked.remove(&digest);
        }
    }

    /// Whether we asked for something that has not come.
    pub fn owes(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Whether an answer is being made or written.
    pub fn is_answering(&self) -> bool {
        self.looking > 0 || !self.answers.is_empty() || self.sending
    }

    /// Whether nothing is lost when it is forgotten.
    pub fn is_idle(&self) -> bool {
        let asks_nothing = self.fetches.is_empty()
            && !self.owes()
            && self.to_ask.is_empty()
            && self.to_cancel.is_empty();
        asks_nothing
            && self.wants.is_empty()
            && !self.is_answering()
            && !self.has_turn
            && !self.queued
    }

    fn drop_fetches(&mut self, why: Dropped, effects: &mut Vec<Effect>) {
        let fetches = std::mem::take(&mut self.fetches).into_keys();
        effects.extend(fetches.map(|fetch| Effect::Reply(fetch, Reply::Gone(why))));
        let owed: Vec<Digest> = self.asked.drain().map(|(digest, _)| digest).collect();
        owed.into_iter()
            .for_each(|digest| self.note_answered(digest));
        self.to_ask.clear();
        self.to_cancel.clear();
    }

    fn next_message(&mut self) -> Message {
        let cancels = std::mem::take(&mut self.to_cancel);
        let wants = std::mem::take(&mut self.to_ask);
        let mut message = Message::default();
        if !wants.is_empty() {
            message = Message::wants(&wants);
        }
        if !cancels.is_empty() {
            let cancels = Message::cancels(&cancels)
                .wantlist
                .unwrap_or_default()
                .entries;
            message
                .wantlist
                .get_or_insert_default()
                .entries
                .extend(cancels);
        }
        let mut bytes = 0;
        while let Some(answer) = self.answers.front() {
            if bytes > 0 && bytes + answer.bytes() > BITSWAP_MESSAGE_BYTES {
                break;
            }
            bytes += answer.bytes();
            match self.answers.pop_front() {
                Some(Answer::Block(block)) => message.payload.push(block),
                Some(Answer::Presence(presence)) => message.presences.push(presence),
                None => {}
            }
        }
        self.answer_bytes -= bytes;
        message
    }

    fn note_answered(&mut self, digest: Digest) {
        if !self.answered_set.insert(digest) {
            return;
        }
        self.answered.push_back(digest);
        if self.answered.len() > BITSWAP_ANSWERED_KEPT {
            self.answered
                .pop_front()
                .map(|oldest| self.answered_set.remove(&oldest));
        }
    }
}
