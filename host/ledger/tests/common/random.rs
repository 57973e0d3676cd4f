//! Random histories.

use super::{FOUNDER, added, cid, committed, did, key, opened};
use weft_ledger::{Body, MemberRole, Rekey, SignedBallot, State};
use weft_model::{Cid, Instant};

/// A small generator, so that one seed makes one history: splitmix64.
pub struct Rng(pub u64);

impl Rng {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `n` - 1.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Any order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// Something that member `n` may say, given what they know; often what they have no right to.
pub fn body(rng: &mut Rng, state: &State, n: u8, step: u8, now: Instant) -> Body {
    let polls: Vec<Cid> = state.polls().map(|p| p.id).collect();
    let poll = |rng: &mut Rng| polls.get(rng.below(polls.len().max(1))).copied();
    let someone = FOUNDER + rng.below(5) as u8;
    let role = [MemberRole::Guest, MemberRole::Member, MemberRole::Admin][rng.below(3)];
    match (rng.below(13), poll(rng)) {
        (0, _) => opened("task", now + 200_000),
        (1 | 2, Some(poll)) => Body::Ballot(SignedBallot::cast(
            poll,
            rng.below(2) as u32,
            rng.below(3) as u64,
            now,
            &key(someone),
        )),
        (3, Some(poll)) => Body::PollClosed {
            poll,
            ballots: state.counted_ballots(&poll).iter().map(|b| b.cid).collect(),
            totals: vec![0.0, 1.0],
            consensus: None,
            confidence: 0.5,
            method: cid("voting"),
        },
        (4 | 5, _) => added(someone, role),
        (6, _) => state.removal(&did(someone)),
        (7, _) => Body::Donation {
            member: did(someone),
            amount: 1,
            by: did(n),
        },
        (8, _) => Body::TierGranted {
            member: did(someone),
            tier: format!("tier{step}"),
            by: did(n),
        },
        (9, _) => Body::ConstitutionActivated {
            base: state.constitution(),
            constitution: cid(&format!("constitution of {step} by {}", n)),
            votes: vec![],
        },
        (10, _) => state.revocation(&did(someone + 100)),
        (11, _) => Body::NetworkNamed {
            name: format!("name{step}"),
        },
        _ => committed(step),
    }
}

/// Another key for a member: by the key until now, often by a key that it never was, or by whoever says so.
fn rekeyed(rng: &mut Rng, state: &State, member: u8, given: bool) -> Body {
    let spoken = [member, member + 20, member + 40][rng.below(3)];
    let new = member + [20, 40, 60][rng.below(3)];
    let rekey = Rekey {
        network: state.network(),
        member: did(member),
        old: did(spoken),
        new: did(new),
    };
    Body::MemberRekeyed {
        member: rekey.member,
        old: rekey.old,
        new: rekey.new,
        accepted: rekey.sign(&key(new)),
        given: given.then(|| rekey.sign(&key(spoken))),
    }
}

/// Something about who belongs: what decides whether everything else counts.
pub fn quarrel(rng: &mut Rng, state: &State, n: u8, step: u8, _now: Instant) -> Body {
    let someone = FOUNDER + rng.below(5) as u8;
    let device = someone + [100, 150][rng.below(2)];
    match rng.below(13) {
        11 => rekeyed(rng, state, someone, true),
        12 => rekeyed(rng, state, someone, false),
        0 | 1 => added(someone, MemberRole::Admin),
        2 => added(someone, MemberRole::Member),
        3 => Body::DeviceCertified {
            device: did(device),
            member: did(someone),
            signature: weft_ledger::ballot::certify_for(
                did(someone),
                state.network(),
                did(device),
                &key(someone + [0, 20, 40][rng.below(3)]),
            ),
        },
        4..7 => state.removal(&did(someone)),
        7 => state.revocation(&did(device)),
        8 => Body::DeviceRevoked {
            device: did(device),
            last: None,
        },
        _ => committed(step.wrapping_add(n)),
    }
}
