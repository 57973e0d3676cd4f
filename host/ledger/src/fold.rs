//! The fold: signed events in, what the community agreed on out.
//!
//! **Order.** An event can be applied once its ancestors (`prev` and `seen`, transitively) were; [`Inbox`] holds back
//! those that come early. Among orders that respect this, none matters: an event is judged by its ancestors alone,
//! facts of one subject are compared by who had seen whom, and what remains is decided by depth and CID. The order in
//! which things are told apart is (depth over `seen` and `prev`, CID), never the order of arrival.
//!
//! **Void.** An event that its author had no right to is kept, named [`Void`] and without effect; it never stops the
//! fold. Two things void an event that was fine by its ancestors: its device told two stories at or before it
//! (frozen, nobody else is affected), or its member was removed and the removal does not list it. Of members who
//! remove each other the senior's removal is taken first. What rested on a voided event is judged again without it.
//!
//! **Cost.** Applying is a few look-ups. A removal, and an equivocation that voids something, judge all events again.
//!
//! It keeps no signatures and no bytes: the caller stores them, and gets them back by CID.

mod digest;
mod inbox;
mod judge;
mod past;
mod standing;
mod view;
mod void;

pub use inbox::{Inbox, InboxError};
pub use view::{Closing, CountedBallot, Donation, Member, OverrideUse, Poll};
pub use void::Void;

use crate::ballot::is_certified;
use crate::body::Body;
use crate::event::{EventError, SignedEvent, Verified};
use crate::genesis::Genesis;
use past::Past;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use weft_model::{Cid, Did, Instant};

/// An event's place in [`State::nodes`]: the order of arrival, so nothing that is shown may depend on it.
type NodeId = u32;

/// What a community agreed on, and the events that say so.
#[derive(Clone, Debug)]
pub struct State {
    network: Cid,
    genesis: Genesis,
    nodes: Vec<Node>,
    by_cid: BTreeMap<Cid, NodeId>,
    /// Who stands where; two at one place are an equivocation.
    places: BTreeMap<(Did, u64), Vec<NodeId>>,
    /// Events that their device has said nothing after.
    heads: BTreeSet<NodeId>,
    /// Branches given out so far.
    branches: u32,
    /// The lowest place at which each equivocating device told two stories.
    forks: BTreeMap<Did, u64>,
    /// Removals in force, in the order of their taking.
    cuts: Vec<NodeId>,
    facts: Facts,
}

/// One event.
#[derive(Clone, Debug)]
struct Node {
    cid: Cid,
    author: Did,
    seq: u64,
    at: Instant,
    /// Longest way back to an event without ancestors, from 1.
    depth: u64,
    past: Past,
    body: Body,
    /// Whether the ballot's or certificate's own signature holds; true for other kinds.
    inner_signed: bool,
    /// Whether its device has said something after it.
    has_next: bool,
    /// The member whose device wrote it, as far as its ancestors say.
    member: Option<Did>,
    void: Option<Void>,
}

/// Events that count, by their subject.
#[derive(Clone, Debug, Default)]
struct Facts {
    members: BTreeMap<Did, Vec<NodeId>>,
    names: BTreeMap<String, BTreeSet<Did>>,
    devices: BTreeMap<Did, Vec<NodeId>>,
    polls: BTreeMap<Cid, PollFacts>,
    polls_by_name: BTreeMap<String, Vec<Cid>>,
    activations: BTreeMap<Cid, Vec<NodeId>>,
    donations: Vec<NodeId>,
    tiers: BTreeMap<Did, Vec<NodeId>>,
    overrides: Vec<NodeId>,
    commitments: u64,
}

/// What counts in one poll.
#[derive(Clone, Debug)]
struct PollFacts {
    opened: NodeId,
    /// All ballots that a voter cast, with their CIDs.
    ballots: BTreeMap<Did, Vec<(NodeId, Cid)>>,
    closings: Vec<NodeId>,
}

/// What became of an event that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It counts.
    Counted,
    /// It is kept without effect.
    Void(Void),
    /// It was there already.
    Known,
    /// Its device told another story about the same place before; the caller, who has both, can prove it with
    /// [`crate::Equivocation`]. The device is frozen.
    Equivocation {
        /// The other event.
        other: Cid,
    },
}

/// An event that is not part of this log; the state is as before.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// Malformed, or not signed.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Another network's.
    #[error("the event is of the network `{found}`, not of this one")]
    WrongNetwork {
        /// The network that it names.
        found: Cid,
    },
    /// Ancestors that are not here yet; fetch them first.
    #[error("{} ancestors of the event are missing", .0.len())]
    Missing(
        /// Their CIDs.
        Vec<Cid>,
    ),
    /// It does not follow the event that it names as the one before it.
    #[error("event {seq} of `{author}` does not follow the event before it")]
    BrokenLink {
        /// Its device.
        author: Did,
        /// Its place.
        seq: u64,
    },
    /// It says an instant before that of the event before it.
    #[error("event {seq} of `{author}` says an instant before that of the event before it")]
    TimeRunsBack {
        /// Its device.
        author: Did,
        /// Its place.
        seq: u64,
    },
}

impl State {
    /// A network as it begins: one founder, one device, one constitution, no event.
    ///
    /// # Errors
    /// When the genesis record is not valid.
    pub fn new(genesis: Genesis) -> Result<Self, crate::genesis::GenesisError> {
        let (_, network) = genesis.encode()?;
        Ok(Self {
            network,
            genesis,
            nodes: Vec::new(),
            by_cid: BTreeMap::new(),
            places: BTreeMap::new(),
            heads: BTreeSet::new(),
            branches: 0,
            forks: BTreeMap::new(),
            cuts: Vec::new(),
            facts: Facts::default(),
        })
    }

    /// Checks an event and applies it. A void event is no error.
    ///
    /// # Errors
    /// When it is no event of this log, or its ancestors are not here yet.
    pub fn apply(&mut self, signed: &SignedEvent) -> Result<Outcome, Rejected> {
        self.insert(signed.verify()?)
    }

    /// Applies an event whose signature was checked.
    ///
    /// # Errors
    /// As [`State::apply`].
    pub fn insert(&mut self, verified: Verified) -> Result<Outcome, Rejected> {
        let Verified { cid, event } = verified;
        if self.by_cid.contains_key(&cid) {
            return Ok(Outcome::Known);
        }
        if event.network != self.network {
            return Err(Rejected::WrongNetwork {
                found: event.network,
            });
        }
        let missing: Vec<Cid> = event
            .prev
            .iter()
            .chain(&event.seen)
            .filter(|parent| !self.by_cid.contains_key(*parent))
            .copied()
            .collect();
        if !missing.is_empty() {
            return Err(Rejected::Missing(missing));
        }
        let (author, seq) = (event.author, event.seq);
        let prev = event.prev.map(|cid| self.by_cid[&cid]);
        if let Some(before) = prev.map(|id| self.node(id)) {
            if before.author != author || before.seq + 1 != seq {
                return Err(Rejected::BrokenLink { author, seq });
            }
            if event.at < before.at {
                return Err(Rejected::TimeRunsBack { author, seq });
            }
        }
        let seen: Vec<NodeId> = event.seen.iter().map(|cid| self.by_cid[cid]).collect();
        let inner_signed = match &event.body {
            Body::Ballot(ballot) => ballot.is_signed(),
            Body::DeviceCertified {
                device,
                member,
                signature,
            } => is_certified(&self.network, device, member, signature),
            _ => true,
        };
        let depth = prev
            .iter()
            .chain(&seen)
            .map(|id| self.node(*id).depth)
            .max()
            .unwrap_or(0)
            + 1;
        let past = self.past_of(prev, &seen, seq);
        if let Some(id) = prev {
            self.nodes[id as usize].has_next = true;
            self.heads.remove(&id);
        }
        let id = NodeId::try_from(self.nodes.len()).expect("fewer than 2^32 events fit in memory");
        self.nodes.push(Node {
            cid,
            author,
            seq,
            at: event.at,
            depth,
            past,
            body: event.body,
            inner_signed,
            has_next: false,
            member: None,
            void: None,
        });
        self.by_cid.insert(cid, id);
        self.heads.insert(id);
        let place = self.places.entry((author, seq)).or_default();
        place.push(id);
        let other = (place.len() > 1).then(|| place[0]);
        Ok(self.settle(id, other))
    }

    /// Judges the newest event, and all of them again where it changes what others rest on.
    fn settle(&mut self, id: NodeId, other: Option<NodeId>) -> Outcome {
        let (author, seq) = (self.node(id).author, self.node(id).seq);
        if let Some(other) = other {
            let fork = self.forks.entry(author).or_insert(seq);
            let first = seq <= *fork;
            *fork = seq.min(*fork);
            self.nodes[id as usize].void = Some(Void::Frozen);
            let spoils = self
                .places
                .range((author, seq)..=(author, u64::MAX))
                .flat_map(|(_, ids)| ids)
                .any(|other| self.node(*other).void.is_none());
            if first && spoils {
                self.rebuild();
            }
            return Outcome::Equivocation {
                other: self.node(other).cid,
            };
        }
        let (member, void) = self.judge(id);
        let again = match (&self.node(id).body, &void) {
            (Body::MemberRemoved { .. }, None | Some(Void::Removed)) => true,
            (Body::MemberAdded { did, .. }, None) => {
                !self.cuts.is_empty() && self.facts.members.contains_key(did)
            }
            _ => false,
        };
        if again {
            self.rebuild();
        } else {
            self.take(id, member, void);
        }
        match &self.node(id).void {
            None => Outcome::Counted,
            Some(void) => Outcome::Void(void.clone()),
        }
    }

    /// Judges all events from the start: forks first, then removals one after the other, the most senior remover's
    /// first; a removal that a later-taken one voids is dropped for good, so this ends.
    fn rebuild(&mut self) {
        let mut order: Vec<NodeId> = (0..self.nodes.len() as NodeId).collect();
        order.sort_by_key(|id| self.rank(*id));
        let removals: Vec<NodeId> = order
            .iter()
            .copied()
            .filter(|id| matches!(self.node(*id).body, Body::MemberRemoved { .. }))
            .collect();
        let mut dropped = BTreeSet::new();
        self.cuts.clear();
        self.judge_all(&order);
        loop {
            let spoiled: Vec<NodeId> = self
                .cuts
                .iter()
                .copied()
                .filter(|r| self.node(*r).void.is_some())
                .collect();
            if !spoiled.is_empty() {
                dropped.extend(spoiled.iter().copied());
                self.cuts.retain(|r| !spoiled.contains(r));
                self.judge_all(&order);
                continue;
            }
            let next = removals
                .iter()
                .copied()
                .filter(|r| self.node(*r).void.is_none())
                .filter(|r| !self.cuts.contains(r) && !dropped.contains(r))
                .min_by_key(|r| {
                    let remover = self.node(*r).member.expect("a counted event has a member");
                    (self.seniority(&remover), self.rank(*r))
                });
            let Some(removal) = next else { break };
            self.cuts.push(removal);
            let spoils = (0..self.nodes.len() as NodeId).any(|id| {
                let node = self.node(id);
                node.void.is_none()
                    && node
                        .member
                        .is_some_and(|member| self.cuts_off(removal, id, &member))
            });
            if spoils {
                self.judge_all(&order);
            }
        }
    }

    fn judge_all(&mut self, order: &[NodeId]) {
        self.facts = Facts::default();
        for id in order {
            let (member, void) = self.judge(*id);
            self.take(*id, member, void);
        }
    }

    /// Notes the judgment, and files the event under its subject if it counts.
    fn take(&mut self, id: NodeId, member: Option<Did>, void: Option<Void>) {
        let node = &mut self.nodes[id as usize];
        node.member = member;
        node.void = void;
        if node.void.is_some() {
            return;
        }
        let facts = &mut self.facts;
        match &node.body {
            Body::MemberAdded { user, did, .. } => {
                facts.names.entry(user.clone()).or_default().insert(*did);
                facts.members.entry(*did).or_default().push(id);
            }
            Body::MemberRemoved { did, .. } => facts.members.entry(*did).or_default().push(id),
            Body::DeviceCertified { device, .. } => {
                facts.devices.entry(*device).or_default().push(id);
            }
            Body::PollOpened { task_name, .. } => {
                facts
                    .polls_by_name
                    .entry(task_name.clone())
                    .or_default()
                    .push(node.cid);
                facts.polls.insert(
                    node.cid,
                    PollFacts {
                        opened: id,
                        ballots: BTreeMap::new(),
                        closings: Vec::new(),
                    },
                );
            }
            Body::Ballot(ballot) => {
                if let Some(poll) = facts.polls.get_mut(&ballot.poll) {
                    let cast = (id, ballot.cid());
                    poll.ballots.entry(ballot.voter).or_default().push(cast);
                }
            }
            Body::PollClosed { poll, .. } => {
                if let Some(poll) = facts.polls.get_mut(poll) {
                    poll.closings.push(id);
                }
            }
            Body::Donation { .. } => facts.donations.push(id),
            Body::TierGranted { member, .. } => facts.tiers.entry(*member).or_default().push(id),
            Body::DecisionCommitted { .. } => facts.commitments += 1,
            Body::ConstitutionActivated { base, .. } => {
                facts.activations.entry(*base).or_default().push(id);
            }
            Body::OverrideUsed { .. } => facts.overrides.push(id),
            // Facts about keys and releases change nobody's standing; who needs them reads the events themselves.
            Body::KeyRevoked { .. }
            | Body::KeyRotated { .. }
            | Body::ReleasePublished { .. }
            | Body::Unknown { .. } => {}
        }
    }

    /// What an event's ancestors are. It continues its predecessor's branch unless another event already does.
    fn past_of(&mut self, prev: Option<NodeId>, seen: &[NodeId], seq: u64) -> Past {
        let (branch, mut others) = match prev.map(|id| self.node(id)) {
            Some(before) if !before.has_next => (before.past.branch, before.past.others.clone()),
            Some(before) => {
                let mut others = (*before.past.others).clone();
                others.insert(before.past.branch, before.seq);
                (self.new_branch(), Arc::new(others))
            }
            None => (self.new_branch(), Arc::default()),
        };
        for id in seen {
            let past = &self.nodes[*id as usize].past;
            let known = past
                .others
                .iter()
                .map(|(b, s)| (*b, *s))
                .chain([(past.branch, past.seq)]);
            for (b, s) in known {
                let ours = others.get(&b).copied().unwrap_or(0);
                if b != branch && ours < s {
                    Arc::make_mut(&mut others).insert(b, s);
                }
            }
        }
        Past {
            branch,
            seq,
            others,
        }
    }

    fn new_branch(&mut self) -> u32 {
        self.branches += 1;
        self.branches
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// The order in which events are told apart: ancestors first, then by CID.
    fn rank(&self, id: NodeId) -> (u64, Cid) {
        let node = self.node(id);
        (node.depth, node.cid)
    }
}
