//! The fold: signed events in, what the community agreed on out.
//!
//! **Order.** An event can be applied once its ancestors (`prev` and `seen`, transitively) were; [`Inbox`] holds back
//! those that come early. Among orders that respect this, none matters: an event is judged by its ancestors alone,
//! facts of one subject are compared by who had seen whom, and what remains is decided by depth and CID. The order in
//! which things are told apart is (depth over `seen` and `prev`, CID), never the order of arrival.
//!
//! **Void.** An event that its author had no right to is kept, named [`Void`] and without effect; it never stops the
//! fold. Three things void an event that was fine by its ancestors: its device told two stories at or before it
//! (frozen, nobody else is affected), or its member was removed, or its device revoked, by an event that does not list
//! it. Of members who remove each other the senior's removal is taken first, of devices of one member that revoke each
//! other that of the one certified first. What rested on a voided event is judged again without it.
//!
//! **Cost.** Applying is a few look-ups. An equivocation that voids something judges all events again; and so does,
//! once somebody was removed or revoked, every event that says who belongs, since it may change which removals hold.
//! [`State::insert_all`], and a page of [`crate::Sync`], do that once for all their events.
//!
//! It keeps no signatures and no bytes: the caller stores them, and gets them back by CID.

mod devices;
mod digest;
mod heads;
mod inbox;
mod judge;
mod keys;
mod past;
mod settle;
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
use crate::rekey::Rekey;
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
    /// The events of every branch, in the order of their places, which have no gap.
    branches: Vec<Vec<NodeId>>,
    /// The lowest place at which each equivocating device told two stories.
    forks: BTreeMap<Did, u64>,
    /// Removals and revocations, void ones included.
    removals: Vec<NodeId>,
    /// Those in force, in the order of their taking.
    cuts: Vec<NodeId>,
    /// The same by the member or device that they cut off.
    cuts_on: BTreeMap<Did, Vec<NodeId>>,
    /// Whether one of them ever counted.
    contested: bool,
    /// Whether all events are to be judged again.
    stale: bool,
    /// Whether that is put off.
    held: bool,
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
    /// Whether the member's first key signed the ballot or certificate in it; of a next key, whether its own signatures
    /// hold; true for other kinds.
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
    keys: BTreeMap<Did, Vec<NodeId>>,
    revoked: BTreeMap<Did, Vec<NodeId>>,
    namings: Vec<NodeId>,
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
            branches: Vec::new(),
            forks: BTreeMap::new(),
            removals: Vec::new(),
            cuts: Vec::new(),
            cuts_on: BTreeMap::new(),
            contested: false,
            stale: false,
            held: false,
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
            Body::MemberRekeyed {
                member,
                old,
                new,
                accepted,
                given,
            } => {
                let rekey = Rekey {
                    network: self.network,
                    member: *member,
                    old: *old,
                    new: *new,
                };
                rekey.is_accepted(accepted) && given.as_ref().is_none_or(|s| rekey.is_given(s))
            }
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
        self.branches[past.branch as usize].push(id);
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

    /// Applies events in an order in which ancestors come first, such as that in which they were kept. What became of
    /// each is what [`State::void`] says afterwards.
    ///
    /// # Errors
    /// As [`State::apply`], for the first event that is not of this log; those before it were applied.
    pub fn insert_all(
        &mut self,
        events: impl IntoIterator<Item = Verified>,
    ) -> Result<(), Rejected> {
        self.hold();
        let result = events
            .into_iter()
            .try_for_each(|event| self.insert(event).map(drop));
        self.release();
        result
    }

    /// Puts off judging all events again.
    pub(crate) fn hold(&mut self) {
        self.held = true;
    }

    /// Does what was put off.
    pub(crate) fn release(&mut self) {
        self.held = false;
        self.refresh();
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
        let branch = u32::try_from(self.branches.len()).expect("fewer branches than events");
        self.branches.push(Vec::new());
        branch
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
