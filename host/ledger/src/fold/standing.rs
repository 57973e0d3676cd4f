//! Who somebody is and what counts, by the facts in sight.
//!
//! The same functions serve a judgment, which looks from an event at its ancestors, and the reader of the state, who
//! looks at everything.

use super::past::Horizon;
use super::{NodeId, State};
use crate::body::{Body, MemberRole};
use std::cmp::Reverse;
use weft_model::{Cid, Did};

/// Why somebody is a member.
enum Standing {
    /// They founded the network, and nothing was said about them since.
    Founder,
    /// This admission.
    Granted(NodeId),
}

impl State {
    /// What a member may do, by the facts in sight: of those that no other one in sight had seen, a removal beats a
    /// grant, and the lower role a higher one.
    pub(super) fn role_at(&self, from: Horizon<'_>, did: &Did) -> Option<MemberRole> {
        match self.standing(from, did)? {
            Standing::Founder => Some(MemberRole::Admin),
            Standing::Granted(id) => match &self.node(id).body {
                Body::MemberAdded { role, .. } => Some(*role),
                _ => None,
            },
        }
    }

    pub(super) fn user_at(&self, from: Horizon<'_>, did: &Did) -> Option<&str> {
        match self.standing(from, did)? {
            Standing::Founder => Some(&self.genesis.user),
            Standing::Granted(id) => match &self.node(id).body {
                Body::MemberAdded { user, .. } => Some(user),
                _ => None,
            },
        }
    }

    fn standing(&self, from: Horizon<'_>, did: &Did) -> Option<Standing> {
        let facts = self.facts.members.get(did).map_or(&[][..], Vec::as_slice);
        let in_sight: Vec<NodeId> = facts
            .iter()
            .copied()
            .filter(|id| from.sees(&self.node(*id).past))
            .collect();
        if in_sight.is_empty() {
            return (*did == self.genesis.founder).then_some(Standing::Founder);
        }
        let mut grants = Vec::new();
        for id in &in_sight {
            let own = &self.node(*id).past;
            if in_sight
                .iter()
                .any(|other| self.node(*other).past.sees(own))
            {
                continue;
            }
            match &self.node(*id).body {
                Body::MemberAdded { role, .. } => grants.push((*role, self.rank(*id), *id)),
                _ => return None,
            }
        }
        grants
            .into_iter()
            .min()
            .map(|(_, _, id)| Standing::Granted(id))
    }

    /// The member to whom a device belongs: by the first certificate in sight.
    pub(super) fn device_member(&self, from: Horizon<'_>, device: &Did) -> Option<Did> {
        if *device == self.genesis.device {
            return Some(self.genesis.founder);
        }
        let first = self
            .facts
            .devices
            .get(device)?
            .iter()
            .filter(|id| from.sees(&self.node(**id).past))
            .filter_map(|id| match &self.node(*id).body {
                Body::DeviceCertified { member, .. } => Some((*id, *member)),
                _ => None,
            })
            .filter(|(id, member)| self.still_speaks(from, *id, member))
            .min_by_key(|(id, _)| self.rank(*id))?;
        Some(first.1)
    }

    /// Whether a revocation of a device is in sight.
    pub(super) fn is_revoked(&self, from: Horizon<'_>, device: &Did) -> bool {
        let mut revoked = self.facts.revoked.get(device).into_iter().flatten();
        revoked.any(|id| from.sees(&self.node(*id).past))
    }

    /// Orders devices: the first one, then by their certificates.
    pub(super) fn device_seniority(&self, device: &Did) -> (u64, Option<Cid>) {
        let first = self.facts.devices.get(device).into_iter().flatten();
        first
            .map(|id| self.rank(*id))
            .min()
            .filter(|_| *device != self.genesis.device)
            .map_or((0, None), |(depth, cid)| (depth, Some(cid)))
    }

    /// Orders members: the founder, then by their first admission since their last removal.
    pub(super) fn seniority(&self, did: &Did) -> (u64, Option<Cid>) {
        match self.first_grant(did) {
            Some(id) => {
                let (depth, cid) = self.rank(id);
                (depth, Some(cid))
            }
            None => (0, None),
        }
    }

    pub(super) fn first_grant(&self, did: &Did) -> Option<NodeId> {
        let facts = self.facts.members.get(did)?;
        let removed: Vec<NodeId> = facts
            .iter()
            .copied()
            .filter(|id| matches!(self.node(*id).body, Body::MemberRemoved { .. }))
            .collect();
        if *did == self.genesis.founder && removed.is_empty() {
            return None;
        }
        facts
            .iter()
            .copied()
            .filter(|id| matches!(self.node(*id).body, Body::MemberAdded { .. }))
            .min_by_key(|id| {
                let past = &self.node(*id).past;
                let ended = removed.iter().any(|r| self.node(*r).past.sees(past));
                (ended, self.rank(*id))
            })
    }

    /// Everybody who was ever admitted, and the founder.
    pub(super) fn everybody(&self) -> impl Iterator<Item = &Did> {
        let founder = &self.genesis.founder;
        let others = self.facts.members.keys().filter(move |did| *did != founder);
        std::iter::once(founder).chain(others)
    }

    pub(super) fn electorate_at(&self, from: Horizon<'_>) -> usize {
        self.everybody()
            .filter(|did| self.role_at(from, did).is_some_and(MemberRole::votes))
            .count()
    }

    /// Of each voting member the ballot in sight that counts, in the order of the voters' keys: highest counter, then
    /// lowest CID.
    pub(super) fn counted_at<'a>(
        &'a self,
        from: Horizon<'a>,
        poll: &Cid,
    ) -> impl Iterator<Item = (NodeId, Cid)> + 'a {
        self.facts
            .polls
            .get(poll)
            .into_iter()
            .flat_map(|p| &p.ballots)
            .filter(move |(voter, _)| self.role_at(from, voter).is_some_and(MemberRole::votes))
            .filter_map(move |(voter, cast)| {
                cast.iter()
                    .filter(|(id, _)| from.sees(&self.node(*id).past))
                    .filter(|(id, _)| self.still_speaks(from, *id, voter))
                    .max_by_key(|(id, cid)| match &self.node(*id).body {
                        Body::Ballot(b) => (b.counter, Reverse(*cid)),
                        _ => (0, Reverse(*cid)),
                    })
                    .copied()
            })
    }

    /// The constitutions in force one after the other: from each base on, the activation with the lowest CID.
    pub(super) fn constitutions_at(&self, from: Horizon<'_>) -> Vec<Cid> {
        let mut line = vec![self.genesis.constitution];
        loop {
            let next = self
                .facts
                .activations
                .get(&line[line.len() - 1])
                .into_iter()
                .flatten()
                .map(|id| self.node(*id))
                .filter(|n| from.sees(&n.past))
                .min_by_key(|n| n.cid)
                .and_then(|n| match &n.body {
                    Body::ConstitutionActivated { constitution, .. } => Some(*constitution),
                    _ => None,
                });
            match next {
                Some(next) if !line.contains(&next) => line.push(next),
                _ => return line,
            }
        }
    }
}
