//! What is said about the events that somebody holds, and how fast what they lack is found.

mod common;

use common::random::Rng;
use common::{FOUNDER, Net, cid, committed, did, genesis, key};
use std::collections::BTreeSet;
use std::time::Instant as Clock;
use weft_ledger::MemberRole::{Admin, Member};
use weft_ledger::limits::{PAGE_EVENTS, PULL_HEADS};
use weft_ledger::{Body, Chain, Event, SignedEvent, State};
use weft_model::Cid;

const D1: u8 = FOUNDER + 100;

fn cids(log: &[SignedEvent]) -> Vec<Cid> {
    log.iter().map(|e| e.encode().unwrap().1).collect()
}

fn state_of(log: &[SignedEvent]) -> State {
    let mut state = State::new(genesis()).unwrap();
    let events = log.iter().map(|e| e.trust().unwrap());
    state.insert_all(events).unwrap();
    state
}

#[test]
fn the_heads_are_the_ends_of_all_stories() {
    let mut net = Net::with(&[Member, Member]);
    let founders = cids(&net.log).pop().unwrap();
    assert_eq!(net.state.heads(), [founders]);
    let before = net
        .chains
        .entry(102)
        .or_insert_with(|| Chain::new(net.state.network(), did(102), None));
    let before = before.clone();
    let one = net.ok(102, committed(1));
    net.chains.insert(102, before);
    let (two, _) = net.say(102, committed(2));
    let mut expected = vec![founders, one, two];
    expected.sort_unstable();
    assert_eq!(net.state.heads(), expected);
    let (three, _) = net.say(102, committed(3));
    assert!(net.state.heads().contains(&three) && !net.state.heads().contains(&two));
}

#[test]
fn what_is_unknown_comes_ancestors_first_and_in_pages() {
    let mut net = Net::with(&[Member, Member]);
    for n in 0..10 {
        net.ok([D1, 102, 103][usize::from(n) % 3], committed(n));
    }
    let all = cids(&net.log);
    let unknown = |known: &[Cid], after, limit| net.state.unknown_to(known, after, limit);
    assert_eq!(unknown(&[], None, 100), all);
    assert_eq!(unknown(&[cid("unknown")], None, 100), all);
    assert_eq!(unknown(&[], None, 3), all[..3]);
    assert_eq!(unknown(&[], Some(&all[2]), 3), all[3..6]);
    assert_eq!(unknown(&net.state.heads(), None, 100), []);
    // Each event had seen all before it.
    assert_eq!(unknown(&all[5..6], None, 100), all[6..]);
    assert_eq!(unknown(&all[5..6], Some(&all[8]), 100), all[9..]);
    assert_eq!(unknown(&all[5..6], Some(&all[1]), 2), all[6..8]);
    assert_eq!(unknown(&all[5..6], Some(&cid("unknown")), 2), all[6..8]);
}

/// Two nodes that hold any parts of a log with forks: landmarks say exactly enough.
#[test]
fn landmarks_leave_out_nothing_and_repeat_little() {
    for seed in 0..300_u64 {
        let mut rng = Rng(seed);
        let mut net = Net::with(&[Admin, Member]);
        for n in 0..40 {
            let device = [D1, 102, 103][rng.below(3)];
            let before = net.chains.get(&device).cloned();
            let seen = if rng.below(3) == 0 {
                net.state.unseen_heads(&did(device))
            } else {
                vec![]
            };
            let event = net.write_seeing(device, committed(n), seen);
            net.apply(event);
            if rng.below(10) == 0
                && let Some(before) = before
            {
                net.chains.insert(device, before);
            }
        }
        // Any part that is closed under ancestors.
        let mut part = || {
            let mut held: Vec<SignedEvent> = Vec::new();
            let mut known = BTreeSet::new();
            for (event, cid) in net.log.iter().zip(cids(&net.log)) {
                let parents = event.event.prev.iter().chain(&event.event.seen);
                if parents.into_iter().all(|p| known.contains(p)) && rng.below(12) > 0 {
                    known.insert(cid);
                    held.push(event.clone());
                }
            }
            (state_of(&held), known)
        };
        let ((one, held), (other, theirs)) = (part(), part());
        for (limit, all) in [(PULL_HEADS, true), (2, false)] {
            let marks = one.landmarks(limit);
            assert!(marks.len() <= limit);
            let sent = other.unknown_to(&marks, None, usize::MAX);
            let lacking: Vec<Cid> = theirs.difference(&held).copied().collect();
            assert!(lacking.iter().all(|cid| sent.contains(cid)), "seed {seed}");
            let repeated = sent.len() - lacking.len();
            let behind = held.difference(&theirs).count();
            assert!(
                !all || repeated <= 2 * behind,
                "seed {seed}: {repeated} repeated, {behind} behind"
            );
        }
    }
}

#[test]
fn a_device_that_tells_more_stories_than_a_pull_can_name_stops_nobody() {
    let mut net = Net::with(&[Member]);
    let before = Chain::new(net.state.network(), did(102), None);
    let mut log = net.log.clone();
    for n in 0..PULL_HEADS + 500 {
        let mut chain = before.clone();
        let body = Body::OverrideUsed {
            task: format!("task {n}"),
            word: "hospital".into(),
            submitter: "bob".into(),
        };
        log.push(chain.append(body, vec![], net.now, &key(102)).unwrap());
    }
    let mine = state_of(&log);
    net.ok(D1, committed(1));
    log.push(net.log.last().unwrap().clone());
    let theirs = state_of(&log);
    let marks = mine.landmarks(PULL_HEADS);
    assert_eq!(marks.len(), PULL_HEADS);
    let mut after = None;
    let mut got = Vec::new();
    for _ in 0..log.len().div_ceil(100) {
        let page = theirs.unknown_to(&marks, after.as_ref(), 100);
        after = page.last().copied();
        got.extend(page);
        if after.is_none() {
            break;
        }
    }
    assert!(got.contains(&cids(&net.log).pop().unwrap()));
    assert_eq!(got.iter().collect::<BTreeSet<_>>().len(), got.len());
}

/// 100,000 events of ten devices, read in pages of 1,000.
#[test]
fn a_long_log_is_paged_through_quickly() {
    const EVENTS: usize = 100_000;
    let network = genesis().encode().unwrap().1;
    let mut state = State::new(genesis()).unwrap();
    let mut tips: Vec<Option<(u64, Cid)>> = vec![None; 10];
    let mut all = Vec::new();
    let events = (0..EVENTS).map(|n| {
        let one = n % 10;
        let (seq, prev) = tips[one].map_or((1, None), |(seq, cid)| (seq + 1, Some(cid)));
        let seen = tips[(n * 7 + n / 10) % 10]
            .filter(|_| n % 3 == 0 && (n * 7 + n / 10) % 10 != one)
            .map(|(_, cid)| cid);
        // Its signature is not looked at here.
        let event = SignedEvent {
            event: Event {
                network,
                author: did(101 + one as u8),
                seq,
                prev,
                seen: seen.into_iter().collect(),
                at: n as i64,
                body: committed(one as u8),
            },
            signature: serde_bytes::ByteArray::new([0; 64]),
        };
        let event = event.trust().unwrap();
        tips[one] = Some((seq, event.cid()));
        all.push(event.cid());
        event
    });
    state.insert_all(events).unwrap();
    let begun = Clock::now();
    let mut known: Vec<Cid> = Vec::new();
    let mut got: Vec<Cid> = Vec::new();
    let mut last: Vec<Option<Cid>> = vec![None; 10];
    let mut pages = 0;
    loop {
        let page = state.unknown_to(&known, None, PAGE_EVENTS);
        if page.is_empty() {
            break;
        }
        pages += 1;
        for cid in page {
            last[got.len() % 10] = Some(cid);
            got.push(cid);
        }
        known = last.iter().flatten().copied().collect();
    }
    let took = begun.elapsed();
    println!("{pages} pages in {took:?}");
    assert_eq!((pages, got == all), (EVENTS / PAGE_EVENTS, true));
    // Some 0.1 s unoptimized; far more where every page looks at all events again and at what each has seen.
    assert!(took.as_secs() < 5, "{pages} pages took {took:?}");
}
