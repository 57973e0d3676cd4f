//! The same events give the same state, whatever the order in which they arrive.
//!
//! Histories are made at random: devices of admins, members and guests write with partial knowledge of each other,
//! admit, remove, vote, close and tell two stories. Each history is then given to fresh states in shuffled orders.

mod common;

use common::random::{Rng, body, quarrel};
use common::{FOUNDER, Net, added, committed, did, genesis, key};
use proptest::prelude::*;
use weft_ledger::{Body, Chain, Inbox, MemberRole, State, Verified};
use weft_model::Instant;

/// One device's view of the network while a history is made.
struct Device {
    n: u8,
    state: State,
    inbox: Inbox,
    chain: Chain,
}

/// What a device says next: [`body`] or [`quarrel`].
type Say = fn(&mut Rng, &State, u8, u8, Instant) -> Body;

/// Devices write `steps` events in all; each learns a random part of what the others wrote.
fn history(seed: u64, steps: usize, say: Say) -> Vec<Verified> {
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
        let body = say(&mut rng, &device.state, device.n, step as u8, now);
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

/// Applies the events as they were written, and judges them together.
fn at_once(events: &[Verified]) -> State {
    let mut state = State::new(genesis()).unwrap();
    state.insert_all(events.iter().cloned()).unwrap();
    state
}

#[test]
fn any_order_gives_one_digest() {
    let mut histories_with = [0_usize; 4];
    for history_seed in 0..250_u64 {
        let log = history(history_seed, 24, body);
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

#[test]
fn any_order_of_a_quarrel_gives_one_digest() {
    for history_seed in 0..250_u64 {
        let log = history(history_seed, 20, quarrel);
        let digest = at_once(&log).state_digest();
        for shuffle_seed in 0..5_u64 {
            let mut shuffled = log.clone();
            Rng(history_seed << 8 | shuffle_seed).shuffle(&mut shuffled);
            assert_eq!(
                fold(&shuffled).state_digest(),
                digest,
                "history seed {history_seed}, shuffle seed {shuffle_seed}"
            );
        }
    }
}

/// Member 3 removes member 2, who has admitted member 4, unheard and before 3 was admitted; 4 removes 3. Four is the
/// senior of three, though three's removal voids four's admission as long as it is in force.
#[test]
fn a_removal_by_a_senior_whose_admission_is_void_is_taken_first_in_any_order() {
    let mut net = Net::with(&[MemberRole::Admin]);
    let founders = FOUNDER + 100;
    let admission = net.write(102, added(4, MemberRole::Admin));
    for n in 0..5 {
        net.ok(founders, committed(n));
    }
    net.ok(founders, added(3, MemberRole::Admin));
    let head = net.ok(founders, net.certificate(3, 103));
    let by_three = net.write(103, net.state.removal(&did(2)));
    let seen = vec![head, admission.encode().unwrap().1];
    let word = net.write_seeing(104, net.certificate(4, 104), seen);
    let by_four = net.write_seeing(104, net.state.removal(&did(3)), vec![]);
    for place in 0..4 {
        let mut state = net.state.clone();
        let mut order = vec![&admission, &word, &by_four];
        order.insert(place, &by_three);
        for event in order {
            state.apply(event).unwrap();
        }
        assert!(state.member(&did(2)).is_some(), "by three at {place}");
        assert!(state.member(&did(3)).is_none(), "by three at {place}");
        assert!(state.member(&did(4)).is_some(), "by three at {place}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_history_and_any_order(history_seed in any::<u64>(), shuffle_seed in any::<u64>(), steps in 1_usize..40) {
        let log = history(history_seed, steps, body);
        let mut shuffled = log.clone();
        Rng(shuffle_seed).shuffle(&mut shuffled);
        prop_assert_eq!(fold(&shuffled).state_digest(), fold(&log).state_digest());
    }
}
