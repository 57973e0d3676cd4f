//! What the events come to, for whoever reads the state: members, polls, donations, tiers, constitutions.

use super::past::Horizon;
use super::{Node, NodeId, State, Void};
use crate::body::{Body, MemberRole};
use crate::chain::Head;
use weft_model::{Cid, Did, Instant};

/// A member as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Their key.
    pub did: Did,
    /// Their user name.
    pub user: String,
    /// What they may do.
    pub role: MemberRole,
    /// When they were admitted.
    pub since: Instant,
}

/// A poll as of now.
#[derive(Clone, Debug, PartialEq)]
pub struct Poll {
    /// The event that opened it.
    pub id: Cid,
    /// What it is about.
    pub task_name: String,
    /// What can be chosen.
    pub options: Vec<String>,
    /// The member who opened it.
    pub opener: Did,
    /// When it began.
    pub opened_at: Instant,
    /// When it ends.
    pub closes_at: Instant,
    /// The closing that counts, if it is closed.
    pub closing: Option<Closing>,
}

/// A ballot that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedBallot {
    /// The ballot's CID, as closings list it.
    pub cid: Cid,
    /// Who voted.
    pub voter: Did,
    /// For which option.
    pub choice: u32,
    /// Its counter.
    pub counter: u64,
    /// When, as the voter says.
    pub at: Instant,
}

/// How a poll was closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Closing {
    /// The event.
    pub event: Cid,
    /// When.
    pub at: Instant,
    /// By which member.
    pub by: Did,
    /// The ballots counted.
    pub ballots: Vec<Cid>,
    /// Weight per option.
    pub totals: Vec<f64>,
    /// The option that won.
    pub consensus: Option<u32>,
    /// The leading option's share.
    pub confidence: f64,
    /// The voting release.
    pub method: Cid,
}

/// A donation that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Donation {
    /// The event.
    pub event: Cid,
    /// Who gave.
    pub member: Did,
    /// How much, in credits.
    pub amount: u64,
    /// The admin who recorded it.
    pub by: Did,
    /// When it was recorded.
    pub at: Instant,
}

/// A use of the emergency override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideUse {
    /// The event.
    pub event: Cid,
    /// The task's name.
    pub task: String,
    /// The word that made it one.
    pub word: String,
    /// Who submitted it.
    pub submitter: String,
    /// The member whose device let it pass.
    pub by: Did,
    /// When.
    pub at: Instant,
}

impl State {
    /// The network: the CID of its genesis record.
    pub fn network(&self) -> Cid {
        self.network
    }

    /// How many events were applied, void ones included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether nothing happened since the genesis.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether an event was applied.
    pub fn contains(&self, event: &Cid) -> bool {
        self.by_cid.contains_key(event)
    }

    /// Why an event has no effect; none when it counts or is not known.
    pub fn void(&self, event: &Cid) -> Option<&Void> {
        let id = self.by_cid.get(event)?;
        self.node(*id).void.as_ref()
    }

    /// How many events have no effect.
    pub fn void_count(&self) -> usize {
        self.nodes.iter().filter(|n| n.void.is_some()).count()
    }

    /// All members, the most senior first.
    pub fn members(&self) -> Vec<Member> {
        let mut all: Vec<_> = self
            .everybody()
            .filter_map(|did| Some((self.seniority(did), self.member(did)?)))
            .collect();
        all.sort_by_key(|(seniority, _)| *seniority);
        all.into_iter().map(|(_, member)| member).collect()
    }

    /// A member, if that key is one's now.
    pub fn member(&self, did: &Did) -> Option<Member> {
        Some(Member {
            did: *did,
            user: self.user_at(Horizon::All, did)?.to_owned(),
            role: self.role_at(Horizon::All, did)?,
            since: match self.first_grant(did) {
                Some(id) => self.node(id).at,
                None => self.genesis.created,
            },
        })
    }

    /// The member with this user name; of two admitted at once the more senior.
    pub fn member_named(&self, user: &str) -> Option<Member> {
        let founder = (self.genesis.user == user).then_some(&self.genesis.founder);
        self.facts
            .names
            .get(user)
            .into_iter()
            .flatten()
            .chain(founder)
            .filter_map(|did| self.member(did))
            .filter(|member| member.user == user)
            .min_by_key(|member| self.seniority(&member.did))
    }

    /// What people call the network: the last name that an admin gave it, else its first one.
    pub fn name(&self) -> &str {
        let last = self.facts.namings.iter().max_by_key(|id| self.rank(**id));
        match last.map(|id| &self.node(*id).body) {
            Some(Body::NetworkNamed { name }) => name,
            _ => &self.genesis.name,
        }
    }

    /// The newest event of a device before it told two stories, if it did; none when it is silent.
    pub fn head(&self, device: &Did) -> Option<Head> {
        let end = self.forks.get(device).copied().unwrap_or(u64::MAX);
        let (_, ids) = self
            .places
            .range((*device, 0)..(*device, end))
            .next_back()?;
        let node = self.node(ids[0]);
        Some(Head {
            seq: node.seq,
            cid: node.cid,
            at: node.at,
        })
    }

    /// The newest events of all devices but one, as that one's next event names them in `seen`. At most
    /// [`crate::limits::SEEN`], those not seen by `device` yet.
    pub fn unseen_heads(&self, device: &Did) -> Vec<Cid> {
        let own = self.head(device).map(|head| self.by_cid[&head.cid]);
        let mut heads: Vec<Cid> = self
            .heads
            .iter()
            .map(|id| self.node(*id))
            .filter(|n| n.author != *device)
            .filter(|n| own.is_none_or(|own| !self.node(own).past.sees(&n.past)))
            .map(|n| n.cid)
            .collect();
        heads.sort_unstable();
        heads.truncate(crate::limits::SEEN);
        heads
    }

    /// A poll.
    pub fn poll(&self, id: &Cid) -> Option<Poll> {
        let facts = self.facts.polls.get(id)?;
        let opened = self.node(facts.opened);
        let Body::PollOpened {
            task_name,
            options,
            closes_at,
        } = &opened.body
        else {
            return None;
        };
        let opener = opened.member?;
        let closing = facts
            .closings
            .iter()
            .filter_map(|id| self.closing(*id))
            .min_by_key(|closing| (closing.by != opener, closing.event));
        Some(Poll {
            id: *id,
            task_name: task_name.clone(),
            options: options.clone(),
            opener,
            opened_at: opened.at,
            closes_at: *closes_at,
            closing,
        })
    }

    /// All polls, by their CIDs.
    pub fn polls(&self) -> impl Iterator<Item = Poll> {
        self.facts.polls.keys().filter_map(|id| self.poll(id))
    }

    /// The polls on a task's name, by their CIDs.
    pub fn polls_on(&self, task_name: &str) -> Vec<Poll> {
        let mut ids = self
            .facts
            .polls_by_name
            .get(task_name)
            .cloned()
            .unwrap_or_default();
        ids.sort_unstable();
        ids.iter().filter_map(|id| self.poll(id)).collect()
    }

    /// The ballots of a poll that count now, one per voting member, in the order of the voters' keys: the order in
    /// which [`crate::tally`] adds them.
    pub fn counted_ballots(&self, poll: &Cid) -> Vec<CountedBallot> {
        self.counted_at(Horizon::All, poll)
            .filter_map(|(id, cid)| match &self.node(id).body {
                Body::Ballot(b) => Some(CountedBallot {
                    cid,
                    voter: b.voter,
                    choice: b.choice,
                    counter: b.counter,
                    at: b.at,
                }),
                _ => None,
            })
            .collect()
    }

    /// The counter of a voter's next ballot in a poll: one above all that are known.
    pub fn next_counter(&self, poll: &Cid, voter: &Did) -> u64 {
        self.facts
            .polls
            .get(poll)
            .and_then(|p| p.ballots.get(voter))
            .into_iter()
            .flatten()
            .filter_map(|(id, _)| match &self.node(*id).body {
                Body::Ballot(b) => Some(b.counter + 1),
                _ => None,
            })
            .max()
            .unwrap_or(1)
    }

    /// How many members may vote now.
    pub fn electorate(&self) -> usize {
        self.electorate_at(Horizon::All)
    }

    /// All donations that count, in the log's order.
    pub fn donations(&self) -> Vec<Donation> {
        self.in_order(&self.facts.donations)
            .filter_map(|n| match &n.body {
                Body::Donation { member, amount, by } => Some(Donation {
                    event: n.cid,
                    member: *member,
                    amount: *amount,
                    by: *by,
                    at: n.at,
                }),
                _ => None,
            })
            .collect()
    }

    /// The tier that an admin gave a member last, and when.
    pub fn tier(&self, member: &Did) -> Option<(&str, Instant)> {
        let grants = self.facts.tiers.get(member)?;
        let last = grants.iter().max_by_key(|id| self.rank(**id))?;
        match &self.node(*last).body {
            Body::TierGranted { tier, .. } => Some((tier, self.node(*last).at)),
            _ => None,
        }
    }

    /// All uses of the emergency override, in the log's order.
    pub fn overrides(&self) -> Vec<OverrideUse> {
        self.in_order(&self.facts.overrides)
            .filter_map(|n| match &n.body {
                Body::OverrideUsed {
                    task,
                    word,
                    submitter,
                } => Some(OverrideUse {
                    event: n.cid,
                    task: task.clone(),
                    word: word.clone(),
                    submitter: submitter.clone(),
                    by: n.member?,
                    at: n.at,
                }),
                _ => None,
            })
            .collect()
    }

    /// How many decisions were committed to.
    pub fn commitments(&self) -> u64 {
        self.facts.commitments
    }

    /// The constitution in force.
    pub fn constitution(&self) -> Cid {
        let line = self.constitutions_at(Horizon::All);
        line.last().copied().unwrap_or(self.genesis.constitution)
    }

    /// All constitutions that were in force, the first one first.
    pub fn constitutions(&self) -> Vec<Cid> {
        self.constitutions_at(Horizon::All)
    }

    fn closing(&self, id: NodeId) -> Option<Closing> {
        let node = self.node(id);
        let Body::PollClosed {
            ballots,
            totals,
            consensus,
            confidence,
            method,
            ..
        } = &node.body
        else {
            return None;
        };
        Some(Closing {
            event: node.cid,
            at: node.at,
            by: node.member?,
            ballots: ballots.clone(),
            totals: totals.clone(),
            consensus: *consensus,
            confidence: *confidence,
            method: *method,
        })
    }

    pub(super) fn in_order(&self, ids: &[NodeId]) -> impl Iterator<Item = &Node> {
        let mut ids = ids.to_vec();
        ids.sort_by_key(|id| self.rank(*id));
        ids.into_iter().map(|id| self.node(id))
    }
}
