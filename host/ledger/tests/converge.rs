//! The same events give the same state, whatever the order in which they arrive.
//!
//! Histories are made at random: devices of admins, members and guests write with partial knowledge of each other,
//! admit, remove, vote, close and tell two stories. Each history is then given to fresh states in shuffled orders.

mod common;

use common::{FOUNDER, Net, added, cid, committed, did, genesis, key, opened};
use proptest::prelude::*;
use weft_ledger::{Body, Chain, Inbox, MemberRole, State, Verified};
use weft_model::{Cid, Instant};

/// A small generator, so that one seed makes one history: splitmix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// One device's view of the network while a history is made.
struct Device {
    n: u8,
    state: State,
    inbox: Inbox,
    chain: Chain,
}

/// Devices write `steps` events in all; each learns a random part of what the others wrote.
fn history(seed: u64, steps: usize) -> Vec<Verified> {
    let mut rng = Rng(seed);
    let roles = [MemberRole::Admin, MemberRole::Admin, MemberRole::Member];
    let start = Net::with(&roles);
    let mut log: Vec<Verified> = start.log.iter().map(|e| e.trust().unwrap()).collect();
    let mut devices: Vec<Device> = (FOUNDER..=4)
        .map(|n| Device {
            n,
            state: start.state.clone(),
            inbox: Inbox::default(),
            chain: start
                .chains
                .get(&(n + 100))
                .cloned()
                .unwrap_or_else(|| Chain::new(start.state.network(), did(n + 100), None)),
        })
        .collect();
    let mut now: Instant = start.now;
    for step in 0..steps {
        let d = rng.below(devices.len());
        // Learns a part of the log, in any order.
        let mut news: Vec<Verified> = log.iter().filter(|_| rng.below(3) > 0).cloned().collect();
        rng.shuffle(&mut news);
        let device = &mut devices[d];
        for event in news {
            device.inbox.offer(&mut device.state, event).unwrap();
        }
        now += rng.below(120_000) as Instant;
        let body = body(&mut rng, device, step as u8, now);
        let seen = device.state.unseen_heads(&did(device.n + 100));
        let before = device.chain.clone();
        let Ok(event) = device.chain.append(body, seen, now, &key(device.n + 100)) else {
            continue;
        };
        // Now and then a device forgets that it wrote.
        if rng.below(12) == 0 {
            device.chain = before;
        } else {
            device.state.apply(&event).unwrap();
        }
        log.push(event.trust().unwrap());
    }
    log
}

fn body(rng: &mut Rng, device: &Device, step: u8, now: Instant) -> Body {
    let state = &device.state;
    let polls: Vec<Cid> = state.polls().map(|p| p.id).collect();
    let poll = |rng: &mut Rng| polls.get(rng.below(polls.len().max(1))).copied();
    let someone = FOUNDER + rng.below(5) as u8;
    let role = [MemberRole::Guest, MemberRole::Member, MemberRole::Admin][rng.below(3)];
    match (rng.below(11), poll(rng)) {
        (0, _) => opened("task", now + 200_000),
        (1 | 2, Some(poll)) => Body::Ballot(weft_ledger::SignedBallot::cast(
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
            by: did(device.n),
        },
        (8, _) => Body::TierGranted {
            member: did(someone),
            tier: format!("tier{step}"),
            by: did(device.n),
        },
        (9, _) => Body::ConstitutionActivated {
            base: state.constitution(),
            constitution: cid(&format!("constitution of {step} by {}", device.n)),
            votes: vec![],
        },
        _ => committed(step),
    }
}

/// Applies the events in this order, holding back those that come early.
fn fold(events: &[Verified]) -> State {
    let mut state = State::new(genesis()).unwrap();
    let mut inbox = Inbox::default();
    for event in events {
        inbox.offer(&mut state, event.clone()).unwrap();
    }
    assert!(inbox.is_empty(), "all ancestors came");
    assert_eq!(state.len(), events.len());
    state
}

#[test]
fn any_order_gives_one_digest() {
    let mut histories_with = [0_usize; 4];
    for history_seed in 0..250_u64 {
        let log = history(history_seed, 24);
        let expected = fold(&log);
        let digest = expected.state_digest();
        for shuffle_seed in 0..10_u64 {
            let mut shuffled = log.clone();
            Rng(history_seed << 8 | shuffle_seed).shuffle(&mut shuffled);
            let state = fold(&shuffled);
            assert_eq!(
                state.state_digest(),
                digest,
                "history seed {history_seed}, shuffle seed {shuffle_seed}"
            );
        }
        let void =
            |why: weft_ledger::Void| log.iter().any(|e| expected.void(&e.cid()) == Some(&why));
        histories_with[0] += usize::from(!expected.frozen().is_empty());
        histories_with[1] += usize::from(void(weft_ledger::Void::Removed));
        histories_with[2] += usize::from(expected.polls().any(|p| p.closing.is_some()));
        histories_with[3] += usize::from(expected.constitutions().len() > 2);
    }
    // The histories are worth something only if they hold what is hard.
    assert!(
        histories_with.iter().all(|n| *n >= 10),
        "{histories_with:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_history_and_any_order(history_seed in any::<u64>(), shuffle_seed in any::<u64>(), steps in 1_usize..40) {
        let log = history(history_seed, steps);
        let mut shuffled = log.clone();
        Rng(shuffle_seed).shuffle(&mut shuffled);
        prop_assert_eq!(fold(&shuffled).state_digest(), fold(&log).state_digest());
    }
}
