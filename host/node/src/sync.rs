//! The log in memory, and how it stays the same as the other devices'.
//!
//! The rows of `events` are the truth; [`weft_ledger::sync::Sync`] is rebuilt from them, follows what this device appends, and
//! decides what is pulled and told. Here its effects are carried: kept in one transaction with the projections, asked of
//! peers, gossiped.
//!
//! Locks, in this order: the turn to append (`Node::log`), the log in memory (`Node::community`), the database's
//! writer. Who holds the writer and appends has the turn already, so the log in memory is free for them.

use crate::error::{Code, NodeError, Result};
use crate::log::NETWORK;
use crate::node::Node;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use weft_ledger::sync::{Announce, Effect, Input, Kept, Misbehaviour, Pull, Pulled, Sync};
use weft_ledger::{Genesis, SignedEvent, State};
use weft_mesh::{Heard, Protocol, Topic};
use weft_model::{Cid, Did};
use weft_store::{Read, blocks, events, meta};

/// Events read at a time.
const PAGE: u32 = 1_000;

/// The log in memory.
pub(crate) struct Community {
    sync: Sync,
    /// Running number of the last row that it holds.
    last: i64,
}

impl Node {
    /// The log of this home, folded from its rows.
    pub(crate) fn fold(&self, tx: &Read) -> Result<State> {
        Ok(self.load(tx)?.0)
    }

    fn load(&self, tx: &Read) -> Result<(State, i64)> {
        let network = meta::get(tx, NETWORK)?.unwrap_or_default();
        let genesis = blocks::get(tx, &network)?
            .ok_or_else(|| NodeError::internal("the home has no genesis record"))?;
        let internal = |e: &dyn std::fmt::Display| NodeError::internal(e.to_string());
        let genesis = Genesis::decode(&genesis).map_err(|e| internal(&e))?;
        let mut state = State::new(genesis).map_err(|e| internal(&e))?;
        let mut last = 0;
        loop {
            let page = events::since(tx, last, PAGE)?;
            let more = page.len() == PAGE as usize;
            let mut verified = Vec::with_capacity(page.len());
            for (id, event) in page {
                let signed = SignedEvent::decode(&event.bytes).map_err(|e| internal(&e))?;
                // Signatures were made or checked when the event was kept.
                verified.push(signed.trust().map_err(|e| internal(&e))?);
                last = id;
            }
            state.insert_all(verified).map_err(|e| internal(&e))?;
            if !more {
                return Ok((state, last));
            }
        }
    }

    /// The log in memory, up to the last row.
    fn community(&self) -> Result<(MutexGuard<'_, Option<Community>>, Vec<Effect>)> {
        let mut guard = self
            .community
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if guard.is_none() {
            let (state, last) = self.store.read(|tx| self.load(tx))?;
            let sync = Sync::new(state);
            *guard = Some(Community { sync, last });
        }
        let now = self.now();
        let mut effects = Vec::new();
        let community = guard.as_mut().expect("it was just put there");
        let rows = self
            .store
            .read(|tx| events::since(tx, community.last, PAGE))?;
        for (id, row) in rows {
            let signed =
                SignedEvent::decode(&row.bytes).map_err(|e| NodeError::internal(e.to_string()))?;
            let appended = community.sync.append(now, &signed);
            let (_, more) = appended.map_err(|e| NodeError::internal(e.to_string()))?;
            effects.extend(more);
            community.last = id;
        }
        Ok((guard, effects))
    }

    /// Looks at the log as of now. Not to be called with a transaction open, unless one has the turn to append.
    pub(crate) fn with_state<T>(&self, look: impl FnOnce(&State) -> T) -> Result<T> {
        let (guard, effects) = self.community()?;
        let community = guard.as_ref().expect("it was just loaded");
        let found = look(community.sync.state());
        drop(guard);
        self.announce(effects);
        Ok(found)
    }

    /// Forgets the log in memory, as after the home went over to another network.
    pub(crate) fn forget_community(&self) {
        *self
            .community
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Events of other devices that this device's next event has seen. A network of one device has none.
    pub(crate) fn unseen(&self, author: &Did) -> Result<Vec<Cid>> {
        let others = self
            .store
            .read(|tx| events::has_others(tx, &author.to_string()))?;
        if !others {
            if self.store.read(|tx| self.is_guest_home(tx))? {
                return Err(NodeError::new(
                    Code::Unavailable,
                    "the log of the network is not here yet, and nothing is signed before it",
                )
                .try_this("connect to a member: weft start"));
            }
            return Ok(Vec::new());
        }
        self.with_state(|state| state.unseen_heads(author))
    }

    /// Takes in what happened to the log, and carries out what follows. What is left is for who called: an answer, or
    /// what a peer did wrong.
    pub(crate) fn log_step(self: &Arc<Self>, input: Input) -> Result<Vec<Effect>> {
        let turn = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut guard, mut effects) = self.community()?;
        let community = guard.as_mut().expect("it was just loaded");
        effects.extend(community.sync.step(self.now(), input));
        let mut kept_any = false;
        for effect in &effects {
            if let Effect::Keep(kept) = effect {
                if let Err(e) = self.keep_events(community, kept) {
                    // What is in memory is ahead of the disk: it is read again from there.
                    *guard = None;
                    return Err(e);
                }
                kept_any = true;
            }
        }
        drop(guard);
        drop(turn);
        if kept_any {
            self.follow_name()?;
            self.open_door()?;
            self.changed();
        }
        self.carry(effects)
    }

    fn keep_events(&self, community: &Community, kept: &[Kept]) -> Result<()> {
        let state = community.sync.state();
        self.store.write(|tx| -> Result<()> {
            for k in kept {
                let event = k.event.event();
                events::keep(
                    tx,
                    &events::Event {
                        cid: k.event.cid().to_string(),
                        author: event.author.to_string(),
                        seq: event.seq,
                        prev: event.prev.map(|p| p.to_string()),
                        at: event.at,
                        kind: event.body.kind().to_owned(),
                        bytes: k.bytes.clone(),
                    },
                )?;
            }
            self.project(tx, state, kept)
        })
    }

    /// Carries out what needs no turn; returns what is for the caller.
    fn carry(self: &Arc<Self>, effects: Vec<Effect>) -> Result<Vec<Effect>> {
        let mut left = Vec::new();
        for effect in effects {
            match effect {
                Effect::Keep(_) => {}
                Effect::Announce(announce) => self.tell(&announce),
                Effect::Pull { to, pull } => self.pull(to, &pull),
                Effect::Proof {
                    device,
                    first,
                    second,
                } => {
                    let message = format!(
                        "the device {device} told two stories: `{first}` and `{second}`; from there on nothing of it counts"
                    );
                    self.store.write(|tx| {
                        self.alarm(tx, "device.frozen", &device.to_string(), &message)
                    })?;
                }
                Effect::Skewed { author, event, ms } => {
                    tracing::warn!(%author, %event, ahead_ms = ms, "an event is ahead of this clock");
                    self.note_skew(&author, ms)?;
                }
                left_over @ (Effect::Answer { .. } | Effect::Misbehaved { .. }) => {
                    if let Effect::Misbehaved { peer, why, drop } = &left_over {
                        self.blame(peer, why, *drop);
                    }
                    left.push(left_over);
                }
            }
        }
        Ok(left)
    }

    fn announce(&self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Announce(announce) = effect {
                self.tell(&announce);
            }
        }
    }

    fn tell(&self, announce: &Announce) {
        if let Some(peering) = self.peering() {
            peering.mesh.publish(Topic::Log, announce.encode());
        }
    }

    /// Asks a peer on a thread of its own: it may take as long as a request may.
    fn pull(self: &Arc<Self>, to: Did, pull: &Pull) {
        let (node, bytes) = (Arc::clone(self), pull.encode());
        let asked = std::thread::Builder::new()
            .name("weft-pull".into())
            .spawn(move || {
                let Some(peering) = node.peering() else {
                    return;
                };
                let input = match peering.mesh.request(&to, Protocol::Log, bytes) {
                    Ok(answer) => match Pulled::decode(&answer) {
                        Ok(pulled) => Input::Answered { from: to, pulled },
                        Err(why) => Input::Garbled { from: to, why },
                    },
                    Err(e) => {
                        tracing::debug!(peer = %to, "the log was not pulled: {e}");
                        Input::Failed { from: to }
                    }
                };
                let told = matches!(input, Input::Answered { .. });
                match node.log_step(input) {
                    Ok(_) if told => peering.compared.store(true, Ordering::Release),
                    Ok(_) => {}
                    Err(e) => tracing::error!("what a peer sent could not be kept: {e}"),
                }
            });
        if let Err(e) = asked {
            tracing::error!("a peer could not be asked: {e}");
        }
    }

    /// Answers a peer's pull.
    pub(crate) fn answer_pull(self: &Arc<Self>, from: Did, request: &[u8]) -> Option<Vec<u8>> {
        let input = match Pull::decode(request) {
            Ok(pull) => Input::Asked { from, pull },
            Err(why) => Input::Garbled { from, why },
        };
        let effects = match self.log_step(input) {
            Ok(effects) => effects,
            Err(e) => {
                tracing::error!("a pull could not be answered: {e}");
                return None;
            }
        };
        effects.into_iter().find_map(|effect| match effect {
            Effect::Answer {
                events: list, more, ..
            } => {
                let page = self.store.read(|tx| {
                    let bytes = list.iter().map(|cid| -> Result<Vec<u8>> {
                        let row = events::get(tx, &cid.to_string())?;
                        row.map(|row| row.bytes).ok_or_else(|| {
                            NodeError::internal(format!("the log lacks the event `{cid}`"))
                        })
                    });
                    Pulled::fill(bytes, more)
                });
                page.map(|page| page.encode())
                    .inspect_err(|e| tracing::error!("a pull could not be answered: {e}"))
                    .ok()
            }
            _ => None,
        })
    }

    /// Takes a gossip about the log.
    pub(crate) fn hear_log(self: &Arc<Self>, via: Did, bytes: &[u8]) -> Heard {
        let input = match Announce::decode(bytes) {
            Ok(announce) => Input::Announced {
                from: via,
                announce,
            },
            Err(why) => Input::Garbled { from: via, why },
        };
        match self.log_step(input) {
            Ok(left) if left.is_empty() => Heard::Accept,
            Ok(_) => Heard::Reject,
            Err(e) => {
                tracing::error!("a gossip could not be taken: {e}");
                Heard::Ignore
            }
        }
    }

    fn blame(&self, peer: &Did, why: &Misbehaviour, drop: bool) {
        tracing::warn!(%peer, drop, "a peer broke the log's rules: {why}");
        let Some(peering) = self.peering() else {
            return;
        };
        peering.note_misdeed(why);
        if drop {
            peering.mesh.expel(peer);
        }
    }
}
