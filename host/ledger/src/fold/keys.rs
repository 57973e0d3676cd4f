//! Which key speaks for a member.
//!
//! A member is named by their first key for good. Their key is replaced by its own signature, or, where it is lost or
//! stolen, by the word of more than half of the admins, which goes before a signature. What an older key signed counts
//! as far as the replacement had seen it.

use super::past::Horizon;
use super::{NodeId, State};
use crate::ballot;
use crate::body::{Body, MemberRole};
use std::collections::{BTreeMap, BTreeSet};
use weft_model::Did;

impl State {
    /// The key that speaks for a member now.
    pub fn key_of(&self, member: &Did) -> Did {
        self.key_at(Horizon::All, member)
    }

    /// The member for whom a key speaks now, or spoke first.
    pub fn member_of_key(&self, key: &Did) -> Option<Did> {
        let mut members = self.everybody();
        members
            .find(|did| **did == *key || self.key_of(did) == *key)
            .copied()
    }

    /// A key that asks to speak for a member, as their device says; with the events that say so.
    pub fn rekeys_asked(&self, member: &Did) -> Vec<&Body> {
        let key = self.key_of(member);
        let facts = self.facts.keys.get(member).into_iter().flatten();
        facts
            .map(|id| &self.node(*id).body)
            .filter(
                |body| matches!(body, Body::MemberRekeyed { old, given: None, .. } if *old == key),
            )
            .collect()
    }

    pub(super) fn key_at(&self, from: Horizon<'_>, member: &Did) -> Did {
        self.keys_at(from, member).0
    }

    /// The key, and those before it with the event that replaced each.
    fn keys_at(&self, from: Horizon<'_>, member: &Did) -> (Did, BTreeMap<Did, NodeId>) {
        let mut key = *member;
        let mut before = BTreeMap::new();
        while let Some((next, by)) = self.next_key(from, member, &key) {
            if next == *member || before.contains_key(&next) {
                break;
            }
            before.insert(key, by);
            key = next;
        }
        (key, before)
    }

    fn next_key(&self, from: Horizon<'_>, member: &Did, key: &Did) -> Option<(Did, NodeId)> {
        let facts = self.facts.keys.get(member)?;
        let said: Vec<(NodeId, Did, bool)> = facts
            .iter()
            .filter(|id| from.sees(&self.node(**id).past))
            .filter_map(|id| match &self.node(*id).body {
                Body::MemberRekeyed {
                    old, new, given, ..
                } if old == key => Some((*id, *new, given.is_some())),
                _ => None,
            })
            .collect();
        let first = |new: Did, some: &dyn Fn(bool) -> bool| {
            let of_key = said
                .iter()
                .filter(|(_, n, given)| *n == new && some(*given));
            of_key.map(|(id, ..)| *id).min_by_key(|id| self.rank(*id))
        };
        let admins = |did: &Did| self.role_at(from, did) == Some(MemberRole::Admin);
        let all = self.everybody().filter(|did| admins(did)).count();
        let keys: BTreeSet<Did> = said.iter().map(|(_, new, _)| *new).collect();
        let by_admins = keys.into_iter().find(|new| {
            let voices: BTreeSet<Did> = said
                .iter()
                .filter(|(_, n, given)| n == new && !given)
                .filter_map(|(id, ..)| self.node(*id).member)
                .filter(admins)
                .collect();
            2 * voices.len() > all
        });
        if let Some(new) = by_admins {
            return Some((new, first(new, &|given| !given)?));
        }
        let given = said.iter().filter(|(_, _, given)| *given);
        given
            .min_by_key(|(id, ..)| self.rank(*id))
            .map(|(id, new, _)| (*new, *id))
    }

    /// Whether what an event carries of a member is signed by the key that spoke for them where it was written.
    pub(super) fn is_signed(&self, id: NodeId, member: &Did) -> bool {
        let node = self.node(id);
        let key = self.key_at(Horizon::Before(&node.past), member);
        if key == *member {
            return node.inner_signed;
        }
        match &node.body {
            Body::Ballot(ballot) => ballot.is_signed_by(&key),
            Body::DeviceCertified {
                device, signature, ..
            } => ballot::is_certified_by(&self.network, device, member, &key, signature),
            _ => node.inner_signed,
        }
    }

    /// Whether what an event carries of a member still counts from here: the key that signed it speaks for them, or was
    /// replaced by somebody who had seen the event.
    pub(super) fn still_speaks(&self, from: Horizon<'_>, id: NodeId, member: &Did) -> bool {
        if !self.facts.keys.contains_key(member) {
            return true;
        }
        let node = self.node(id);
        let signer = self.key_at(Horizon::Before(&node.past), member);
        let (_, before) = self.keys_at(from, member);
        before
            .get(&signer)
            .is_none_or(|by| self.node(*by).past.sees(&node.past))
    }

    /// Whether a key is, or was, a member's.
    pub(super) fn key_is_taken(&self, from: Horizon<'_>, key: &Did) -> bool {
        let named = |did: &Did| *did == *key && self.role_at(from, did).is_some();
        self.everybody().any(named)
            || self.facts.keys.values().flatten().any(|id| {
                let node = self.node(*id);
                from.sees(&node.past)
                    && matches!(&node.body, Body::MemberRekeyed { new, given: Some(_), .. } if new == key)
            })
    }
}
