//! Whether an event counts: by its ancestors, and by the forks, removals and revocations in force.

use super::past::{Horizon, Past};
use super::{NodeId, State, Void};
use crate::ballot::SignedBallot;
use crate::body::{Body, LastEvent, MemberRole};
use crate::limits::CLOSE_GRACE_MS;
use std::collections::BTreeSet;
use weft_model::{Cid, Did};

impl State {
    /// The member who wrote an event, and why it does not count if so.
    pub(super) fn judge(&self, id: NodeId) -> (Option<Did>, Option<Void>) {
        let node = self.node(id);
        if self.forks.get(&node.author).is_some_and(|f| *f <= node.seq) {
            return (None, Some(Void::Frozen));
        }
        let before = Horizon::Before(&node.past);
        let member = self
            .device_member(before, &node.author)
            .or(match &node.body {
                Body::DeviceCertified { device, member, .. }
                    if *device == node.author && self.is_signed(id, member) =>
                {
                    Some(*member)
                }
                _ => None,
            });
        let Some(member) = member else {
            return (None, Some(Void::NoDevice));
        };
        let void = match self.role_at(before, &member) {
            None => Some(Void::NotAMember),
            Some(_) if self.is_revoked(before, &node.author) => Some(Void::Revoked),
            Some(role) => self
                .cut(id, &member)
                .or_else(|| self.judge_body(id, member, role).err()),
        };
        (Some(member), void)
    }

    /// Why a removal or revocation in force voids an event of this member, if one does.
    fn cut(&self, id: NodeId, member: &Did) -> Option<Void> {
        [member, &self.node(id).author]
            .into_iter()
            .filter_map(|whom| self.cuts_on.get(whom))
            .flatten()
            .find_map(|cut| self.cuts_off(*cut, id, member))
    }

    /// Why a removal or revocation voids an event of this member, if it does: the event had not seen it, and it does
    /// not list the event or a later one of its device.
    pub(super) fn cuts_off(&self, cut: NodeId, id: NodeId, member: &Did) -> Option<Void> {
        let (by, node) = (self.node(cut), self.node(id));
        if cut == id || node.past.sees(&by.past) {
            return None;
        }
        let (why, last) = match &by.body {
            Body::MemberRemoved { did, last } if did == member => {
                let last = last.iter().find(|l| l.device == node.author);
                (Void::Removed, last.map(|l| l.event))
            }
            Body::DeviceRevoked { device, last } if *device == node.author => {
                // The member's word, which the device only carried; the revocation itself rests on it.
                let own =
                    matches!(&node.body, Body::DeviceCertified { device: d, .. } if d == device);
                (Void::Revoked, if own { Some(node.cid) } else { *last })
            }
            _ => return None,
        };
        let kept = last.map_or(0, |event| self.node(self.by_cid[&event]).seq);
        (node.seq > kept).then_some(why)
    }

    fn judge_body(&self, id: NodeId, author: Did, role: MemberRole) -> Result<(), Void> {
        let node = self.node(id);
        let past = &node.past;
        let before = Horizon::Before(past);
        let admin = role == MemberRole::Admin;
        let check = |ok: bool, void: Void| if ok { Ok(()) } else { Err(void) };
        match &node.body {
            Body::Unknown { .. } => Err(Void::UnknownKind),
            Body::PollOpened { .. }
            | Body::DecisionCommitted { .. }
            | Body::OverrideUsed { .. }
            | Body::KeyRevoked { .. }
            | Body::KeyRotated { .. }
            | Body::ReleasePublished { .. } => Ok(()),
            Body::MemberAdded { user, did, role } => {
                check(admin, Void::NotAllowed("an admin"))?;
                check(!self.name_is_taken(before, user, did), Void::NameTaken)?;
                check(!self.is_next_key(before, did), Void::KeyTaken)?;
                check(
                    *role == MemberRole::Admin || !self.is_last_admin(before, did),
                    Void::LastAdmin,
                )
            }
            Body::MemberRemoved { did, last } => {
                check(
                    admin || *did == author,
                    Void::NotAllowed("an admin, or the member itself,"),
                )?;
                check(self.role_at(before, did).is_some(), Void::UnknownMember)?;
                check(!self.is_last_admin(before, did), Void::LastAdmin)?;
                check(last.iter().all(|l| self.is_seen(past, l)), Void::BadLast)
            }
            Body::DeviceRevoked { device, last } => {
                let owner = self.device_member(before, device);
                check(owner.is_some(), Void::UnknownDevice)?;
                check(
                    admin || owner == Some(author),
                    Void::NotAllowed("an admin, or the device's own member,"),
                )?;
                let seen = |event| {
                    let device = *device;
                    self.is_seen(past, &LastEvent { device, event })
                };
                check(last.is_none_or(seen), Void::BadLast)
            }
            Body::NetworkNamed { .. } => check(admin, Void::NotAllowed("an admin")),
            Body::DeviceCertified { device, member, .. } => {
                check(self.is_signed(id, member), Void::BadSignature)?;
                check(self.role_at(before, member).is_some(), Void::UnknownMember)?;
                check(
                    self.device_member(before, device).is_none(),
                    Void::DeviceTaken,
                )
            }
            Body::MemberRekeyed {
                member,
                old,
                new,
                given,
                ..
            } => {
                check(node.inner_signed, Void::BadSignature)?;
                check(
                    given.is_some() || admin || *member == author,
                    Void::NotAllowed("an admin, or the member itself,"),
                )?;
                check(self.role_at(before, member).is_some(), Void::UnknownMember)?;
                check(self.key_at(before, member) == *old, Void::OldKey)?;
                check(
                    given.is_some() || !self.has_word(before, member, old, &author),
                    Void::SaidBefore,
                )?;
                check(!self.key_is_taken(before, new), Void::KeyTaken)
            }
            Body::Ballot(ballot) => self.judge_ballot(id, ballot),
            Body::PollClosed {
                poll,
                ballots,
                totals,
                ..
            } => self.judge_closing(id, author, role, poll, ballots, totals.len()),
            Body::Donation { member, by, .. } => {
                check(admin, Void::NotAllowed("an admin"))?;
                check(*by == author && *member != author, Void::OwnDonation)?;
                check(self.role_at(before, member).is_some(), Void::UnknownMember)
            }
            Body::TierGranted { member, by, .. } => {
                check(admin, Void::NotAllowed("an admin"))?;
                check(*by == author, Void::NotByAuthor)?;
                check(self.role_at(before, member).is_some(), Void::UnknownMember)
            }
            Body::ConstitutionActivated {
                base, constitution, ..
            } => {
                check(admin, Void::NotAllowed("an admin"))?;
                let line = self.constitutions_at(before);
                check(line.last().is_some_and(|c| c == base), Void::StaleBase)?;
                check(!line.contains(constitution), Void::OldConstitution)
            }
        }
    }

    fn judge_ballot(&self, id: NodeId, ballot: &SignedBallot) -> Result<(), Void> {
        let node = self.node(id);
        let before = Horizon::Before(&node.past);
        if !self.is_signed(id, &ballot.voter) {
            return Err(Void::BadSignature);
        }
        let (options, closes_at) = self.seen_poll(before, &ballot.poll)?;
        if ballot.choice as usize >= options {
            return Err(Void::NoSuchOption);
        }
        if node.at > closes_at || ballot.at > closes_at {
            return Err(Void::TooLate);
        }
        if self.is_closed_at(before, &ballot.poll) {
            return Err(Void::Closed);
        }
        match self.role_at(before, &ballot.voter) {
            Some(role) if role.votes() => Ok(()),
            Some(_) => Err(Void::NotAllowed("a voting member")),
            None => Err(Void::UnknownMember),
        }
    }

    fn judge_closing(
        &self,
        id: NodeId,
        author: Did,
        role: MemberRole,
        poll: &Cid,
        listed: &[Cid],
        totals: usize,
    ) -> Result<(), Void> {
        let node = self.node(id);
        let before = Horizon::Before(&node.past);
        let (options, closes_at) = self.seen_poll(before, poll)?;
        if self.is_closed_at(before, poll) {
            return Err(Void::Closed);
        }
        if totals != options {
            return Err(Void::WrongTotals);
        }
        let counted: BTreeSet<Cid> = self.counted_at(before, poll).map(|(_, c)| c).collect();
        if counted != listed.iter().copied().collect() {
            return Err(Void::WrongBallots);
        }
        let opener = self
            .facts
            .polls
            .get(poll)
            .and_then(|p| self.node(p.opened).member);
        if opener == Some(author) {
            let everybody = || self.electorate_at(before) == counted.len();
            if node.at >= closes_at || everybody() {
                return Ok(());
            }
        } else if !role.votes() {
            return Err(Void::NotAllowed("the poll's opener or a voting member"));
        } else if node.at >= closes_at.saturating_add(CLOSE_GRACE_MS) {
            return Ok(());
        }
        Err(Void::TooEarly)
    }

    /// A poll's options and end, if it is in sight.
    fn seen_poll(&self, from: Horizon<'_>, poll: &Cid) -> Result<(usize, i64), Void> {
        let opened = self
            .facts
            .polls
            .get(poll)
            .map(|p| self.node(p.opened))
            .filter(|n| from.sees(&n.past))
            .ok_or(Void::UnknownPoll)?;
        match &opened.body {
            Body::PollOpened {
                options, closes_at, ..
            } => Ok((options.len(), *closes_at)),
            _ => Err(Void::UnknownPoll),
        }
    }

    fn is_closed_at(&self, from: Horizon<'_>, poll: &Cid) -> bool {
        self.facts
            .polls
            .get(poll)
            .is_some_and(|p| p.closings.iter().any(|id| from.sees(&self.node(*id).past)))
    }

    fn name_is_taken(&self, from: Horizon<'_>, user: &str, by_other_than: &Did) -> bool {
        let founder = (self.genesis.user == user).then_some(&self.genesis.founder);
        self.facts
            .names
            .get(user)
            .into_iter()
            .flatten()
            .chain(founder)
            .any(|did| {
                did != by_other_than
                    && self.role_at(from, did).is_some()
                    && self.user_at(from, did) == Some(user)
            })
    }

    fn is_last_admin(&self, from: Horizon<'_>, did: &Did) -> bool {
        let is_admin = |did: &Did| self.role_at(from, did) == Some(MemberRole::Admin);
        is_admin(did)
            && !self
                .everybody()
                .any(|other| other != did && is_admin(other))
    }

    fn is_seen(&self, past: &Past, last: &LastEvent) -> bool {
        self.by_cid.get(&last.event).is_some_and(|id| {
            let node = self.node(*id);
            node.author == last.device && past.sees(&node.past)
        })
    }
}
