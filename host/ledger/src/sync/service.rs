//! The service: one step per input.

use super::peer::{Peer, passed};
use super::waiting::Waiting;
use super::wire::{Announce, Pull, Pulled, digest};
use super::{Counts, Effect, Input, Kept, Misbehaviour};
use crate::event::SignedEvent;
use crate::fold::{Inbox, Outcome, Rejected, State};
use crate::limits::{
    FLOOD_MS, INLINE_BYTES, PAGE_EVENTS, PULL_HEADS, PULL_PAUSE_MS, RETRY_MS, ROUND_MS, SYNC_PEERS,
};
use serde_bytes::ByteBuf;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use weft_model::{Cid, Did, Instant};

/// Keeps one log the same as its peers'.
#[derive(Clone, Debug)]
pub struct Sync {
    pub(super) state: State,
    pub(super) inbox: Inbox,
    pub(super) waiting: Waiting,
    peers: BTreeMap<Did, Peer>,
    /// When a peer was last asked in its turn, and which.
    round: Option<(Instant, Did)>,
    /// The heads' digest at this number of events.
    digest: Option<(usize, Cid)>,
    /// Devices of which it was told that they told two stories.
    pub(super) proved: BTreeSet<Did>,
    pub(super) counts: Counts,
}

/// The effects of one step: what must be kept comes first.
#[derive(Default)]
pub(super) struct Outbox {
    pub kept: Vec<Kept>,
    pub noticed: Vec<Effect>,
    rest: Vec<Effect>,
}

impl Outbox {
    fn into_effects(self) -> Vec<Effect> {
        let keep = (!self.kept.is_empty()).then_some(Effect::Keep(self.kept));
        keep.into_iter()
            .chain(self.noticed)
            .chain(self.rest)
            .collect()
    }
}

impl Sync {
    /// Begins with what was kept; nobody is connected.
    pub fn new(state: State) -> Self {
        Self {
            proved: state.frozen().keys().copied().collect(),
            state,
            inbox: Inbox::default(),
            waiting: Waiting::default(),
            peers: BTreeMap::new(),
            round: None,
            digest: None,
            counts: Counts::default(),
        }
    }

    /// The log as of now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How many announced events wait for their ancestors; at most [`crate::limits::INBOX`].
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many pulls are in flight; at most one per connected peer.
    pub fn in_flight(&self) -> usize {
        self.peers.values().filter(|p| p.is_pulling()).count()
    }

    /// What was let go since the start.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes an event that this node wrote and the caller stored, and says what became of it. The effects tell the
    /// others; there is none to keep it.
    ///
    /// # Errors
    /// When it is no event of this log, or names events that are not applied.
    pub fn append(
        &mut self,
        now: Instant,
        own: &SignedEvent,
    ) -> Result<(Outcome, Vec<Effect>), Rejected> {
        let event = own.trust()?;
        let (bytes, _) = own.encode()?;
        let outcome = self.state.insert(event.clone())?;
        let mut out = Outbox::default();
        if outcome != Outcome::Known {
            self.notice(now, &event, &outcome, &mut out);
            let event = (bytes.len() <= INLINE_BYTES).then(|| ByteBuf::from(bytes));
            let digest = self.digest();
            out.rest.push(Effect::Announce(Announce { digest, event }));
        }
        Ok((outcome, out.into_effects()))
    }

    /// Takes what happened, and says what is to be done.
    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Effect> {
        let mut out = Outbox::default();
        // A page may hold many events that change who belongs; they are judged together.
        self.state.hold();
        match input {
            Input::Tick => self.tick(now, &mut out),
            Input::Connected { peer } => self.connected(now, peer, &mut out),
            Input::Disconnected { peer } => {
                self.peers.remove(&peer);
            }
            Input::Announced { from, announce } => self.announced(now, from, announce, &mut out),
            Input::Asked { from, pull } => self.asked(now, from, &pull, &mut out),
            Input::Answered { from, pulled } => self.answered(now, from, pulled, &mut out),
            Input::Failed { from } => {
                if let Some(peer) = self.peers.get_mut(&from)
                    && peer.answered()
                {
                    peer.after = None;
                    self.retry(now);
                }
            }
            Input::Garbled { from, why } => {
                if self.listens_to(&from) {
                    self.offend(now, from, why, &mut out);
                }
            }
        }
        self.state.release();
        for kept in &mut out.kept {
            kept.outcome = self.outcome(&kept.event.cid(), &kept.outcome);
        }
        out.into_effects()
    }

    fn tick(&mut self, now: Instant, out: &mut Outbox) {
        self.counts.let_go += self.waiting.forget_old(now, &mut self.inbox);
        let mut failed = false;
        for peer in self.peers.values_mut() {
            failed |= peer.forget(now);
        }
        if failed {
            self.retry(now);
        }
        let own = self.digest();
        let mut due = Vec::new();
        for (did, peer) in &mut self.peers {
            let comes = |at: Instant| at <= now || at > now.saturating_add(PULL_PAUSE_MS);
            if !peer.is_pulling() && peer.due.is_some_and(comes) {
                peer.due = None;
                if peer.after.is_some() || peer.announced.is_some_and(|digest| digest != own) {
                    due.push(*did);
                }
            }
        }
        for peer in due {
            self.pull(now, peer, out);
        }
        if let Some((last, turn)) = self.round
            && passed(last, now, ROUND_MS)
            && let Some(next) = self.next_in_turn(turn)
        {
            self.round = Some((now, next));
            self.pull(now, next, out);
        }
    }

    fn next_in_turn(&self, last: Did) -> Option<Did> {
        self.peers
            .range((Bound::Excluded(last), Bound::Unbounded))
            .chain(self.peers.range(..=last))
            .find(|(_, peer)| !peer.is_pulling() && !peer.is_out())
            .map(|(did, _)| *did)
    }

    /// Lets the next peer's turn come soon.
    fn retry(&mut self, now: Instant) {
        if let Some((last, _)) = &mut self.round {
            *last = now.saturating_sub(ROUND_MS - RETRY_MS);
        }
    }

    fn connected(&mut self, now: Instant, did: Did, out: &mut Outbox) {
        if self.peers.contains_key(&did) || self.peers.len() >= SYNC_PEERS {
            return;
        }
        self.peers.insert(did, Peer::new(now));
        self.round.get_or_insert((now, did));
        self.pull(now, did, out);
    }

    fn announced(&mut self, now: Instant, from: Did, announce: Announce, out: &mut Outbox) {
        if !self.admits(now, from, |peer| peer.announces.take(now), out) {
            return;
        }
        if let Err(why) = announce.check() {
            return self.offend(now, from, why, out);
        }
        if announce.digest == self.digest() {
            self.counts.known += 1;
            return;
        }
        if let Some(bytes) = announce.event
            && let Err(why) = self.hear(now, from, bytes.into_vec(), out)
        {
            return self.offend(now, from, why, out);
        }
        if announce.digest != self.digest() {
            self.want(now, from, announce.digest, out);
        }
    }

    fn asked(&mut self, now: Instant, from: Did, pull: &Pull, out: &mut Outbox) {
        if !self.admits(now, from, |peer| peer.asks.take(now), out) {
            return;
        }
        if let Err(why) = pull.check() {
            return self.offend(now, from, why, out);
        }
        let after = pull.after.as_ref();
        let mut events = self.state.unknown_to(&pull.heads, after, PAGE_EVENTS + 1);
        let more = events.len() > PAGE_EVENTS;
        events.truncate(PAGE_EVENTS);
        out.rest.push(Effect::Answer {
            to: from,
            events,
            more,
        });
    }

    fn answered(&mut self, now: Instant, from: Did, pulled: Pulled, out: &mut Outbox) {
        if !self.listens_to(&from) {
            return;
        }
        let expected = self.peers.get_mut(&from).is_some_and(Peer::answered);
        let taken = match (expected, pulled.check()) {
            (false, _) => Err(Misbehaviour::NotAsked),
            (true, Err(why)) => Err(why),
            (true, Ok(())) => self.take_page(now, pulled.events, out),
        };
        let news = match taken {
            Ok(news) => news,
            Err(why) => {
                if let Some(peer) = self.peers.get_mut(&from) {
                    peer.after = None;
                }
                return self.offend(now, from, why, out);
            }
        };
        let Some(peer) = self.peers.get_mut(&from) else {
            return;
        };
        peer.after = news.last.filter(|_| pulled.more);
        if !pulled.more {
            // It has what it announced, so it had the ancestors, too, or never will.
            self.counts.let_go += self.waiting.forget_of(&from, &mut self.inbox);
        } else if news.fresh {
            self.pull(now, from, out);
        } else {
            peer.due = Some(now.saturating_add(PULL_PAUSE_MS));
        }
    }

    /// Pulls from a peer that has something else, now or as soon as it may be asked again.
    fn want(&mut self, now: Instant, from: Did, announced: Cid, out: &mut Outbox) {
        let Some(peer) = self.peers.get_mut(&from) else {
            return;
        };
        peer.announced = Some(announced);
        let at = peer.earliest(now);
        if peer.is_pulling() || at > now {
            peer.due = Some(at);
        } else {
            self.pull(now, from, out);
        }
    }

    fn pull(&mut self, now: Instant, to: Did, out: &mut Outbox) {
        let Some(peer) = self.peers.get_mut(&to).filter(|p| !p.is_pulling()) else {
            return;
        };
        peer.asked(now);
        let pull = Pull {
            heads: self.state.landmarks(PULL_HEADS),
            after: peer.after,
        };
        out.rest.push(Effect::Pull { to, pull });
    }

    /// The digest of this node's heads.
    fn digest(&mut self) -> Cid {
        let events = self.state.len();
        match self.digest {
            Some((at, digest)) if at == events => digest,
            _ => {
                let digest = digest(&self.state.heads());
                self.digest = Some((events, digest));
                digest
            }
        }
    }

    fn listens_to(&mut self, from: &Did) -> bool {
        let listens = self.peers.get(from).is_some_and(|peer| !peer.is_out());
        self.counts.ignored += u64::from(!listens);
        listens
    }

    /// Whether a message is listened to, by its peer and by its rate.
    fn admits(
        &mut self,
        now: Instant,
        from: Did,
        take: impl Fn(&mut Peer) -> bool,
        out: &mut Outbox,
    ) -> bool {
        if !self.listens_to(&from) {
            return false;
        }
        let Some(peer) = self.peers.get_mut(&from) else {
            return false;
        };
        if take(peer) {
            return true;
        }
        self.counts.ignored += 1;
        if peer.flooded.is_none_or(|at| passed(at, now, FLOOD_MS)) {
            peer.flooded = Some(now);
            self.offend(now, from, Misbehaviour::Flood, out);
        }
        false
    }

    fn offend(&mut self, now: Instant, did: Did, why: Misbehaviour, out: &mut Outbox) {
        let Some(peer) = self.peers.get_mut(&did) else {
            return;
        };
        peer.strike(now);
        let drop = peer.is_out();
        if drop {
            peer.close();
            self.counts.let_go += self.waiting.forget_of(&did, &mut self.inbox);
        }
        out.rest.push(Effect::Misbehaved {
            peer: did,
            why,
            drop,
        });
    }
}
