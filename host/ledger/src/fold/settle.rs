//! Taking a judgment down, and judging again what it changes.

use super::{Facts, NodeId, Outcome, PollFacts, State, Void};
use crate::body::Body;
use std::collections::{BTreeMap, BTreeSet};
use weft_model::Did;

impl State {
    /// Judges the newest event, and all of them again where it changes what others rest on.
    pub(super) fn settle(&mut self, id: NodeId, other: Option<NodeId>) -> Outcome {
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
            self.stale |= first && (spoils || self.contested);
            self.refresh();
            return Outcome::Equivocation {
                other: self.node(other).cid,
            };
        }
        let (member, void) = self.judge(id);
        let belonging = match self.node(id).body {
            Body::MemberRemoved { .. } | Body::DeviceRevoked { .. } => {
                self.removals.push(id);
                self.contested |= void.is_none();
                true
            }
            Body::MemberAdded { .. }
            | Body::DeviceCertified { .. }
            | Body::MemberRekeyed { .. } => true,
            _ => false,
        };
        self.stale |= belonging && self.contested && void != Some(Void::Frozen);
        self.take(id, member, void);
        self.refresh();
        match &self.node(id).void {
            None => Outcome::Counted,
            Some(void) => Outcome::Void(void.clone()),
        }
    }

    /// Judges all events again if something asked for it, and it is not put off.
    pub(super) fn refresh(&mut self) {
        if self.stale && !self.held {
            self.stale = false;
            self.rebuild();
        }
    }

    /// Judges all events from the start: forks first, then removals and revocations one after the other, the most
    /// senior author's first; one that a later-taken one voids is dropped for good, so this ends.
    fn rebuild(&mut self) {
        let mut order: Vec<NodeId> = (0..self.nodes.len() as NodeId).collect();
        order.sort_by_key(|id| self.rank(*id));
        let mut dropped = BTreeSet::new();
        self.set_cuts(Vec::new());
        self.judge_all(&order);
        loop {
            let (spoiled, kept): (Vec<NodeId>, Vec<NodeId>) = self
                .cuts
                .iter()
                .partition(|cut| self.node(**cut).void.is_some());
            if !spoiled.is_empty() {
                dropped.extend(spoiled);
                self.set_cuts(kept);
                self.judge_all(&order);
                continue;
            }
            let next = self
                .removals
                .iter()
                .copied()
                .filter(|r| self.node(*r).void.is_none())
                .filter(|r| !self.cuts.contains(r) && !dropped.contains(r))
                .min_by_key(|r| {
                    let cut = self.node(*r);
                    let author = cut.member.expect("a counted event has a member");
                    let device = self.device_seniority(&cut.author);
                    (self.seniority(&author), device, self.rank(*r))
                });
            let Some(next) = next else { break };
            self.contested = true;
            self.set_cuts(kept.into_iter().chain([next]).collect());
            let spoils = (0..self.nodes.len() as NodeId).any(|id| {
                let node = self.node(id);
                node.void.is_none()
                    && node
                        .member
                        .is_some_and(|member| self.cuts_off(next, id, &member).is_some())
            });
            if spoils {
                self.judge_all(&order);
            }
        }
    }

    fn set_cuts(&mut self, cuts: Vec<NodeId>) {
        self.cuts_on.clear();
        for cut in &cuts {
            let whom = match &self.nodes[*cut as usize].body {
                Body::MemberRemoved { did, .. } => *did,
                Body::DeviceRevoked { device, .. } => *device,
                _ => continue,
            };
            self.cuts_on.entry(whom).or_default().push(*cut);
        }
        self.cuts = cuts;
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
            Body::MemberRekeyed { member, .. } => facts.keys.entry(*member).or_default().push(id),
            Body::DeviceRevoked { device, .. } => {
                facts.revoked.entry(*device).or_default().push(id);
            }
            Body::NetworkNamed { .. } => facts.namings.push(id),
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
}
