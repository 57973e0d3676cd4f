//! The community's tables as the log has them: members, devices, votes, donations. Written in the transaction that keeps
//! the events of others; what this device does itself is written where it is done.

use crate::error::Result;
use crate::node::Node;
use crate::peering::ADVERT;
use std::collections::BTreeSet;
use weft_ledger::sync::Kept;
use weft_ledger::{Body, MemberRole, Outcome, State};
use weft_model::task::Importance;
use weft_model::{Cid, Did};
use weft_store::devices::{self, Device};
use weft_store::members::{self, Member, Role};
use weft_store::polls::{self, Closing, Poll, Vote};
use weft_store::{Write, peers, tiers};

impl Node {
    /// Brings the tables that these events concern to what the log says.
    pub(crate) fn project(&self, tx: &Write, state: &State, kept: &[Kept]) -> Result<()> {
        let mut people = false;
        let mut gifts = false;
        let mut votes: BTreeSet<Cid> = BTreeSet::new();
        for k in kept {
            // Two stories, or a removal, may void what counted before.
            people |= matches!(k.outcome, Outcome::Equivocation { .. });
            match &k.event.event().body {
                Body::MemberAdded { .. } | Body::MemberRemoved { .. } => people = true,
                Body::DeviceCertified { .. }
                | Body::DeviceRevoked { .. }
                | Body::MemberRekeyed { .. } => people = true,
                Body::Donation { .. } | Body::TierGranted { .. } => gifts = true,
                Body::PollOpened { .. } => {
                    votes.insert(k.event.cid());
                }
                Body::Ballot(ballot) => {
                    votes.insert(ballot.poll);
                }
                Body::PollClosed { poll, .. } => {
                    votes.insert(*poll);
                }
                _ => {}
            }
        }
        if people {
            self.project_people(tx, state)?;
            votes.extend(state.polls().map(|poll| poll.id));
        }
        if people || gifts {
            let rows: Vec<_> = state
                .members()
                .iter()
                .map(|m| tiers::get(tx, &m.user))
                .collect::<Result<_, _>>()?;
            self.project_tiers(tx, state, rows)?;
            crate::facts::seal(tx)?;
        }
        for poll in votes {
            self.project_poll(tx, state, &poll)?;
        }
        Ok(())
    }

    /// Members and devices.
    pub(crate) fn project_people(&self, tx: &Write, state: &State) -> Result<()> {
        let now = self.now();
        let own_device = crate::keys::did(&self.device_key);
        let own_member = state.member_of_device(&own_device);
        let members = state.members();
        for row in members::list(tx)?.rows {
            // A name local to this node has no key, and is none of the log's business.
            let Some(did) = row.did.as_deref() else {
                continue;
            };
            let stays = members
                .iter()
                .any(|m| m.did.to_string() == did && m.user == row.user_id);
            if !stays {
                members::remove(tx, &row.user_id, now)?;
                let message = format!("`{}` is no member any more", row.user_id);
                self.feed(tx, "member.removed", Some(&row.user_id), &message)?;
            }
        }
        for member in &members {
            let before = members::get(tx, &member.user)?.filter(|m| m.removed_at.is_none());
            let devices = state.devices_of(&member.did);
            let row = Member {
                user_id: member.user.clone(),
                did: Some(member.did.to_string()),
                role: role(member.role),
                device_did: devices.first().map(ToString::to_string),
                is_self: own_member == Some(member.did),
                joined_at: member.since,
                removed_at: None,
            };
            if before.as_ref() == Some(&row) {
                continue;
            }
            members::put(tx, &row)?;
            if before.is_none() {
                let message = format!("`{}` is {}", row.user_id, row.role.as_str());
                self.feed(tx, "member.added", Some(&row.user_id), &message)?;
            }
        }
        let allowed = state.allowed_devices();
        for (did, member) in &allowed {
            let is_self = *did == own_device;
            devices::put(tx, &device(did, member, is_self, None))?;
        }
        for row in devices::list(tx)? {
            let stays = row
                .did
                .parse()
                .is_ok_and(|did: Did| allowed.contains_key(&did));
            if !stays && row.revoked_at.is_none() {
                let peer = peers::get(tx, &row.did)?;
                if peer.is_some_and(|p| p.peer_id == row.did && p.origin == ADVERT) {
                    peers::remove(tx, &row.did)?;
                }
                devices::put(
                    tx,
                    &Device {
                        revoked_at: Some(now),
                        ..row
                    },
                )?;
            }
        }
        Ok(())
    }

    fn project_poll(&self, tx: &Write, state: &State, id: &Cid) -> Result<()> {
        let Some(poll) = state.poll(id) else {
            return Ok(());
        };
        let key = id.to_string();
        if polls::get(tx, &key)?.is_none() {
            polls::open(
                tx,
                &Poll {
                    id: key.clone(),
                    task_name: poll.task_name.clone(),
                    opener: state.member(&poll.opener).map(|m| m.user),
                    opened_at: poll.opened_at,
                    closes_at: Some(poll.closes_at),
                    status: polls::OPEN.into(),
                    method: None,
                    consensus: None,
                    confidence: None,
                    closed_at: None,
                    event_cid: Some(key.clone()),
                },
            )?;
            let message = format!("a vote on `{}` is open", poll.task_name);
            self.feed(tx, "vote.opened", Some(&key), &message)?;
        }
        let counted = state.counted_ballots(id);
        let open = polls::get(tx, &key)?.is_some_and(|p| p.status == polls::OPEN);
        for row in polls::votes(tx, &key)?.rows {
            // A removal, or another key of the voter, may end what counted before.
            let counts = counted
                .iter()
                .any(|b| Some(b.cid.to_string()) == row.event_cid);
            if open && row.event_cid.is_some() && !counts {
                polls::uncast(tx, &key, &row.member)?;
            }
        }
        for ballot in counted {
            let Some(choice) = word(ballot.choice) else {
                continue;
            };
            polls::cast(
                tx,
                &Vote {
                    poll_id: key.clone(),
                    member: ballot.voter.to_string(),
                    user_id: state.member(&ballot.voter).map(|m| m.user),
                    choice,
                    counter: ballot.counter,
                    weight: None,
                    cast_at: ballot.at,
                    event_cid: Some(ballot.cid.to_string()),
                },
            )?;
        }
        if let Some(closing) = poll.closing.filter(|_| open) {
            let closed = Closing {
                status: polls::CLOSED.into(),
                method: Some(closing.method.to_string()),
                consensus: closing.consensus.and_then(word),
                confidence: Some(closing.confidence),
                weights: Vec::new(),
                event_cid: Some(closing.event.to_string()),
            };
            polls::close(tx, &key, &closed, closing.at)?;
        }
        Ok(())
    }
}

fn device(did: &Did, member: &Did, is_self: bool, revoked_at: Option<i64>) -> Device {
    Device {
        did: did.to_string(),
        member: member.to_string(),
        is_self,
        addresses: Vec::new(),
        seen_at: None,
        revoked_at,
    }
}

fn role(role: MemberRole) -> Role {
    match role {
        MemberRole::Guest => Role::Guest,
        MemberRole::Member => Role::Member,
        MemberRole::Admin => Role::Admin,
    }
}

/// The word for an option of a vote on importance.
fn word(option: u32) -> Option<String> {
    Importance::ALL
        .get(option as usize)
        .map(|i| i.word().to_owned())
}
