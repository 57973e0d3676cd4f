//! One CID for the whole state.

use super::State;
use super::past::Horizon;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use weft_model::{Cid, Did, cbor, content};

impl State {
    /// The CID of the whole state as canonical DAG-CBOR: equal for all who hold the same events.
    pub fn state_digest(&self) -> Cid {
        #[derive(Serialize)]
        struct Digest<'a> {
            network: Cid,
            name: &'a str,
            heads: BTreeSet<(Did, u64, Cid)>,
            void: BTreeSet<Cid>,
            frozen: &'a BTreeMap<Did, u64>,
            members: Vec<(Did, String, &'a str)>,
            keys: BTreeMap<&'a Did, Did>,
            devices: BTreeMap<Did, Option<Did>>,
            revoked: Vec<&'a Did>,
            polls: Vec<(Cid, Vec<Cid>, Option<Cid>)>,
            donations: Vec<Cid>,
            tiers: BTreeMap<&'a Did, Option<&'a str>>,
            overrides: Vec<Cid>,
            commitments: u64,
            constitutions: Vec<Cid>,
        }
        let digest = Digest {
            network: self.network,
            name: self.name(),
            heads: self
                .heads
                .iter()
                .map(|id| self.node(*id))
                .map(|n| (n.author, n.seq, n.cid))
                .collect(),
            void: self
                .nodes
                .iter()
                .filter(|n| n.void.is_some())
                .map(|n| n.cid)
                .collect(),
            frozen: &self.forks,
            members: self
                .members()
                .into_iter()
                .map(|m| (m.did, m.user, m.role.word()))
                .collect(),
            keys: self
                .facts
                .keys
                .keys()
                .map(|member| (member, self.key_of(member)))
                .collect(),
            devices: self
                .all_devices()
                .map(|d| (d, self.member_of_device(&d)))
                .collect(),
            revoked: self.revoked_devices().collect(),
            polls: self
                .polls()
                .map(|p| {
                    let ballots = self.counted_at(Horizon::All, &p.id).map(|(_, c)| c);
                    (p.id, ballots.collect(), p.closing.map(|c| c.event))
                })
                .collect(),
            donations: self
                .in_order(&self.facts.donations)
                .map(|n| n.cid)
                .collect(),
            tiers: self
                .facts
                .tiers
                .keys()
                .map(|did| (did, self.tier(did).map(|(tier, _)| tier)))
                .collect(),
            overrides: self
                .in_order(&self.facts.overrides)
                .map(|n| n.cid)
                .collect(),
            commitments: self.facts.commitments,
            constitutions: self.constitutions(),
        };
        let bytes = cbor::encode(&digest).expect("a digest holds no float");
        content::record_cid(&bytes)
    }
}
