//! Which key speaks for a member.
//!
//! A member is named by their first key for good. Their key is replaced by its own signature, or, where it is lost, by
//! the word of more than half of the other admins, which goes before a signature. A word decides by its ancestors: by
//! the words for the same key and the admins that it had seen; what is decided stays so. What an older key signed
//! counts as far as the replacement had seen it.
//!
//! This is for keys that are replaced in time. A thief with an older key can still write events that have seen nothing
//! of its replacement, and by their ancestors these are fine: after a theft a member is removed and admitted anew.

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

    /// The keys that devices of a member ask for in the place of theirs, as they say so, in the log's order.
    pub fn rekeys_asked(&self, member: &Did) -> Vec<&Body> {
        let key = self.key_of(member);
        let Some(facts) = self.facts.keys.get(member) else {
            return Vec::new();
        };
        self.in_order(facts)
            .filter(|node| node.member == Some(*member))
            .map(|node| &node.body)
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
        let (given, words): (Vec<_>, Vec<_>) = said.into_iter().partition(|(_, _, given)| *given);
        let first = |said: &mut dyn Iterator<Item = (NodeId, Did)>| {
            let (id, new) = said.min_by_key(|(id, _)| self.rank(*id))?;
            Some((new, id))
        };
        let words: Vec<(NodeId, Did)> = words.into_iter().map(|(id, new, _)| (id, new)).collect();
        let decided = words
            .iter()
            .copied()
            .filter(|word| self.decides(member, *word, &words));
        first(&mut decided.into_iter())
            .or_else(|| first(&mut given.into_iter().map(|(id, new, _)| (id, new))))
    }

    /// Whether with this word more than half of the other admins whom it had seen vouch for the key.
    fn decides(&self, member: &Did, word: (NodeId, Did), words: &[(NodeId, Did)]) -> bool {
        let past = &self.node(word.0).past;
        let voices: BTreeSet<Did> = words
            .iter()
            .filter(|(id, new)| {
                *new == word.1 && (*id == word.0 || past.sees(&self.node(*id).past))
            })
            .filter_map(|(id, _)| self.node(*id).member)
            .filter(|voice| voice != member)
            .collect();
        // Whoever only asks is told apart without counting everybody.
        if voices.is_empty() {
            return false;
        }
        let before = Horizon::Before(past);
        let is_admin = |did: &&Did| self.role_at(before, did) == Some(MemberRole::Admin);
        let others = self.everybody().filter(|did| *did != member);
        2 * voices.len() > others.filter(is_admin).count()
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

    /// Whether a member's device, or an admin, has said already which key is to replace this one.
    pub(super) fn has_word(
        &self,
        from: Horizon<'_>,
        member: &Did,
        key: &Did,
        author: &Did,
    ) -> bool {
        let facts = self.facts.keys.get(member).into_iter().flatten();
        facts.map(|id| self.node(*id)).any(|node| {
            from.sees(&node.past)
                && node.member == Some(*author)
                && matches!(&node.body, Body::MemberRekeyed { old, given: None, .. } if old == key)
        })
    }

    /// Whether a key is, or was, a member's.
    pub(super) fn key_is_taken(&self, from: Horizon<'_>, key: &Did) -> bool {
        let named = |did: &Did| did == key && self.role_at(from, did).is_some();
        self.everybody().any(named) || self.is_next_key(from, key)
    }

    /// Whether a member's key gave its place to this one.
    pub(super) fn is_next_key(&self, from: Horizon<'_>, key: &Did) -> bool {
        self.facts.keys.values().flatten().any(|id| {
            let node = self.node(*id);
            from.sees(&node.past)
                && matches!(&node.body, Body::MemberRekeyed { new, given: Some(_), .. } if new == key)
        })
    }
}
