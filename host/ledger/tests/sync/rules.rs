//! The rules of one service: when it pulls, what it keeps, what it tells, what it forgets.

use super::talk::{
    D1, NOW, announce, answer, blamed, bytes, cid_of, kept, own_digest, peer, pulls, service,
};
use crate::common::{Net, cid, committed, did, key, opened};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use weft_ledger::MemberRole::{Admin, Member};
use weft_ledger::limits::{
    INLINE_BYTES, PAGE_BYTES, PAGE_EVENTS, PULL_HEADS, PULL_TIMEOUT_MS, ROUND_MS, WAIT_MS,
    WAITING_PER_PEER,
};
use weft_ledger::sync::{Announce, Effect, Input, Misbehaviour, Pull, Pulled, digest};
use weft_ledger::{Body, Chain, Equivocation, Outcome, SignedEvent, State, Sync, Void};
use weft_model::Cid;

#[test]
fn a_connected_peer_is_asked_and_all_its_pages_are_taken() {
    let mut theirs = Net::with(&[Member]);
    let mine = Net::new();
    for n in 0..2_300_u32 {
        theirs.ok(D1, committed(n as u8));
    }
    let log: BTreeMap<Cid, SignedEvent> =
        theirs.log.iter().map(|e| (cid_of(e), e.clone())).collect();
    let mut sync = Sync::new(mine.state.clone());
    let mut them = Sync::new(theirs.state.clone());
    them.step(NOW, Input::Connected { peer: did(D1) });
    let mut effects = sync.step(NOW, Input::Connected { peer: peer(102) });
    let mut pages = Vec::new();
    while let [(to, pull)] = &pulls(&effects)[..] {
        assert_eq!((*to, sync.in_flight()), (peer(102), 1));
        let pull = Pull::decode(&pull.encode()).unwrap();
        let from = did(D1);
        let answer = them.step(NOW, Input::Asked { from, pull });
        let [Effect::Answer { to, events, more }] = &answer[..] else {
            panic!("{answer:?}");
        };
        assert_eq!(*to, from);
        let events: Vec<SignedEvent> = events.iter().map(|cid| log[cid].clone()).collect();
        pages.push(events.len());
        effects = self::answer(&mut sync, NOW, 102, &events, *more);
        assert_eq!(kept(&effects).len(), events.len());
        assert!(kept(&effects).iter().all(|k| k.outcome == Outcome::Counted));
    }
    assert_eq!(pages, [PAGE_EVENTS, PAGE_EVENTS, 302]);
    assert_eq!(sync.state().state_digest(), theirs.state.state_digest());
    assert_eq!(sync.in_flight(), 0);
}

#[test]
fn an_announced_event_is_kept_and_costs_no_pull() {
    let mut net = Net::with(&[Member]);
    let mut sync = service(&net, &[102, 103]);
    net.ok(102, committed(1));
    let event = net.log.last().unwrap().clone();
    let theirs = digest(&net.state.heads());
    let effects = announce(&mut sync, NOW, 102, &event, theirs);
    let [Effect::Keep(events)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(events[0].bytes, event.encode().unwrap().0);
    assert_eq!(events[0].event.cid(), cid_of(&event));
    // It comes again, from somebody else.
    assert_eq!(announce(&mut sync, NOW, 103, &event, theirs), []);
    assert_eq!(sync.counts().known, 1);
    assert_eq!(sync.step(NOW, Input::Tick), []);
}

#[test]
fn an_announcement_of_something_else_leads_to_a_pull_once_a_second() {
    let mut net = Net::with(&[Member]);
    let mut sync = service(&net, &[102]);
    net.ok(102, committed(1));
    let other = |n: u8| Announce {
        digest: cid(&n.to_string()),
        event: None,
    };
    let from = peer(102);
    let mut at = |now, input| sync.step(now, input);
    let announced = |announce| Input::Announced { from, announce };
    // It was asked when it connected, less than a second ago.
    assert_eq!(at(NOW + 10, announced(other(1))), []);
    assert_eq!(at(NOW + 999, Input::Tick), []);
    assert_eq!(pulls(&at(NOW + 1_000, Input::Tick)).len(), 1);
    assert_eq!(at(NOW + 1_500, announced(other(2))), [], "one is in flight");
    let pulled = Pulled {
        events: vec![],
        more: false,
    };
    at(NOW + 1_600, Input::Answered { from, pulled });
    assert_eq!(pulls(&at(NOW + 2_000, Input::Tick)).len(), 1);
    at(NOW + 2_100, Input::Failed { from });
    assert_eq!(pulls(&at(NOW + 9_000, announced(other(3)))).len(), 1);
}

#[test]
fn own_events_are_announced_the_large_ones_without_themselves() {
    let mut net = Net::with(&[Member]);
    let mut sync = service(&net, &[102]);
    let small = net.write(D1, committed(1));
    let (outcome, effects) = sync.append(NOW, &small).unwrap();
    assert_eq!(outcome, Outcome::Counted);
    let expected = Announce {
        digest: own_digest(&sync),
        event: Some(bytes(&small)),
    };
    assert_eq!(Announce::decode(&expected.encode()), Ok(expected.clone()));
    assert_eq!(effects, [Effect::Announce(expected)]);
    let votes = (0..1_000).map(|n| cid(&n.to_string())).collect();
    let large = net.write(
        D1,
        Body::ConstitutionActivated {
            base: cid("constitution 1"),
            constitution: cid("2"),
            votes,
        },
    );
    assert!(bytes(&large).len() > INLINE_BYTES);
    let (_, effects) = sync.append(NOW, &large).unwrap();
    let digest = own_digest(&sync);
    assert_eq!(
        effects,
        [Effect::Announce(Announce {
            digest,
            event: None
        })]
    );
    let stranger = Net::new().write_seeing(D1, committed(2), vec![cid("x")]);
    sync.append(NOW, &stranger).unwrap_err();
    assert_eq!(own_digest(&sync), digest);
}

#[test]
fn an_early_event_waits_and_its_sender_is_asked() {
    let mut net = Net::with(&[Member]);
    let mut sync = service(&net, &[102]);
    let known = net.log.len();
    for n in 0..4 {
        net.ok(102, committed(n));
    }
    let now = NOW + 2_000;
    let theirs = digest(&net.state.heads());
    let effects = announce(&mut sync, now, 102, &net.log[known + 3], theirs);
    assert_eq!(pulls(&effects).len(), 1);
    assert_eq!((kept(&effects).len(), sync.waiting()), (0, 1));
    let effects = answer(&mut sync, now, 102, &net.log[known..known + 3], false);
    let cids: Vec<Cid> = kept(&effects).iter().map(|k| k.event.cid()).collect();
    let expected: Vec<Cid> = net.log[known..].iter().map(cid_of).collect();
    assert_eq!(cids, expected, "what waited is kept after its ancestors");
    assert_eq!(kept(&effects)[3].bytes, *bytes(&net.log[known + 3]));
    assert_eq!((effects.len(), sync.waiting()), (1, 0));
    assert_eq!(own_digest(&sync), theirs);
}

#[test]
fn what_waits_is_bounded_per_peer_and_let_go_in_time() {
    let net = Net::with(&[Member, Member]);
    let mut sync = service(&net, &[102, 103]);
    let orphan = |device: u8, n: u16| {
        let mut chain = Chain::new(net.state.network(), did(device), None);
        let seen = vec![cid(&n.to_string())];
        chain.append(committed(1), seen, NOW, &key(device)).unwrap()
    };
    for n in 0..WAITING_PER_PEER as u16 + 50 {
        let effects = announce(&mut sync, NOW, 102, &orphan(102, n), cid("theirs"));
        assert_eq!(blamed(&effects), []);
    }
    assert_eq!(sync.waiting(), WAITING_PER_PEER);
    assert_eq!(sync.counts().let_go, 50);
    // Somebody else's early event still waits.
    announce(&mut sync, NOW, 103, &orphan(103, 9_999), cid("theirs"));
    assert_eq!(sync.waiting(), WAITING_PER_PEER + 1);
    // Who is asked has no ancestors of what it announced: then it has nothing to wait for.
    sync.step(NOW + 1_000, Input::Tick);
    answer(&mut sync, NOW + 1_000, 102, &[], false);
    assert_eq!(sync.waiting(), 1);
    sync.step(NOW + WAIT_MS, Input::Tick);
    assert_eq!(sync.waiting(), 0);
}

#[test]
fn a_pull_without_an_answer_is_forgotten_and_the_next_peer_asked() {
    let net = Net::with(&[Member, Member]);
    let mut sync = Sync::new(net.state.clone());
    sync.step(NOW, Input::Connected { peer: peer(102) });
    sync.step(NOW, Input::Connected { peer: peer(103) });
    answer(&mut sync, NOW, 103, &[], false);
    assert_eq!(sync.in_flight(), 1);
    assert_eq!(sync.step(NOW + PULL_TIMEOUT_MS - 1, Input::Tick), []);
    assert_eq!(sync.step(NOW + PULL_TIMEOUT_MS, Input::Tick), []);
    assert_eq!(sync.in_flight(), 0);
    let effects = sync.step(NOW + PULL_TIMEOUT_MS + 1_000, Input::Tick);
    assert_eq!(pulls(&effects).len(), 1);
    // The late answer is no misdeed, but nobody answers twice.
    let late = answer(&mut sync, NOW + PULL_TIMEOUT_MS + 1_001, 102, &[], false);
    assert_eq!(blamed(&late), []);
    let mut twice = Vec::new();
    for _ in 0..2 {
        twice = answer(&mut sync, NOW + PULL_TIMEOUT_MS + 1_002, 102, &[], false);
    }
    assert_eq!(blamed(&twice), [(peer(102), Misbehaviour::NotAsked, false)]);
}

#[test]
fn every_half_minute_another_peer_is_asked() {
    let net = Net::with(&[Member]);
    let mut sync = service(&net, &[102, 103, 104]);
    let mut asked = Vec::new();
    let mut now = NOW;
    for _ in 0..6 {
        assert_eq!(sync.step(now + ROUND_MS - 1, Input::Tick), []);
        now += ROUND_MS;
        for (to, _) in pulls(&sync.step(now, Input::Tick)) {
            asked.push(to);
            let pulled = Pulled {
                events: vec![],
                more: false,
            };
            sync.step(now, Input::Answered { from: to, pulled });
        }
    }
    assert_eq!(asked.len(), 6);
    assert_eq!(asked[..3], asked[3..]);
    let mut distinct = asked[..3].to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 3);
    // A clock that is set back an hour does not stop the rounds.
    assert_eq!(pulls(&sync.step(now - 3_600_000, Input::Tick)).len(), 1);
    for n in [102, 103, 104] {
        let peer = peer(n);
        sync.step(now, Input::Disconnected { peer });
    }
    assert_eq!(sync.step(now + ROUND_MS, Input::Tick), []);
    assert_eq!(sync.in_flight(), 0);
}

#[test]
fn a_page_of_what_is_known_is_followed_by_a_pause() {
    let net = Net::with(&[Member]);
    let mut sync = service(&net, &[]);
    sync.step(NOW, Input::Connected { peer: peer(102) });
    let effects = answer(&mut sync, NOW, 102, &net.log[..2], true);
    assert_eq!(effects, []);
    assert_eq!(sync.step(NOW + 999, Input::Tick), []);
    let effects = sync.step(NOW + 1_000, Input::Tick);
    let after = Some(cid_of(&net.log[1]));
    assert_eq!(pulls(&effects)[0].1.after, after);
}

#[test]
fn an_instant_far_ahead_is_kept_and_flagged() {
    let mut net = Net::with(&[Member]);
    let mut sync = service(&net, &[102]);
    net.now = NOW + 600_000 - 1;
    net.ok(102, committed(1));
    net.ok(102, committed(2));
    let [.., in_time, ahead] = &net.log[..] else {
        panic!("two events");
    };
    let effects = announce(&mut sync, NOW, 102, in_time, cid("x"));
    assert!(!effects.iter().any(|e| matches!(e, Effect::Skewed { .. })));
    let effects = announce(&mut sync, NOW, 102, ahead, cid("x"));
    assert_eq!(kept(&effects).len(), 1);
    let skewed = Effect::Skewed {
        author: did(102),
        event: cid_of(ahead),
        ms: 600_001,
    };
    assert!(effects.contains(&skewed), "{effects:?}");
}

#[test]
fn two_stories_are_proved_once() {
    let mut net = Net::with(&[Member]);
    let mut sync = service(&net, &[102, 103]);
    let before = Chain::new(net.state.network(), did(102), None);
    let mut stories = Vec::new();
    for n in 0..3 {
        net.chains.insert(102, before.clone());
        stories.push(net.write(102, committed(n)));
    }
    let mut proofs = Vec::new();
    for story in &stories {
        let effects = announce(&mut sync, NOW, 103, story, cid("x"));
        assert_eq!(
            kept(&effects).len(),
            1,
            "each is kept, so that all have the same"
        );
        proofs.extend(effects.into_iter().filter_map(|e| match e {
            Effect::Proof {
                device,
                first,
                second,
            } => Some((device, first, second)),
            _ => None,
        }));
    }
    let cids: Vec<Cid> = stories.iter().map(cid_of).collect();
    assert_eq!(proofs, [(did(102), cids[0], cids[1])]);
    let proof = Equivocation {
        first: stories[0].clone(),
        second: stories[1].clone(),
    };
    assert_eq!(proof.verify().unwrap(), (did(102), 1));
    // Begun again, it knows that it told.
    let mut again = Sync::new(sync.state().clone());
    again.step(NOW, Input::Connected { peer: peer(103) });
    net.chains.insert(102, before);
    let fourth = net.write(102, opened("task", NOW + 60_000));
    let effects = announce(&mut again, NOW, 103, &fourth, cid("x"));
    assert!(!effects.iter().any(|e| matches!(e, Effect::Proof { .. })));
    assert_eq!(kept(&effects).len(), 1);
}

#[test]
fn a_page_with_a_removal_says_what_became_of_its_events_in_the_end() {
    let mut net = Net::with(&[Admin, Member]);
    let known = net.log.len();
    let mut sync = service(&net, &[]);
    let removal = net.write(D1, net.state.removal(&did(2)));
    let (late, _) = net.say(102, committed(9));
    net.apply(removal);
    sync.step(NOW, Input::Connected { peer: peer(102) });
    let effects = answer(&mut sync, NOW, 102, &net.log[known..], false);
    let kept = kept(&effects);
    assert_eq!(kept[0].event.cid(), late);
    assert_eq!(kept[0].outcome, Outcome::Void(Void::Removed));
    assert_eq!(kept[1].outcome, Outcome::Counted);
    assert_eq!(sync.state().state_digest(), net.state.state_digest());
}

#[test]
fn a_page_holds_as_much_as_fits() {
    let event = |n: usize| Ok::<_, ()>(vec![0; n]);
    let page = Pulled::fill([event(PAGE_BYTES), event(1)], false).unwrap();
    assert_eq!((page.events.len(), page.more), (1, true));
    let page = Pulled::fill([event(PAGE_BYTES - 1), event(1)], false).unwrap();
    assert_eq!((page.events.len(), page.more), (2, false));
    assert_eq!(Pulled::decode(&page.encode()), Ok(page));
    let page = Pulled::fill((0..PAGE_EVENTS + 1).map(|_| event(1)), false).unwrap();
    assert_eq!((page.events.len(), page.more), (PAGE_EVENTS, true));
    assert_eq!(Pulled::decode(&page.encode()), Ok(page));
    assert_eq!(Pulled::fill([event(1), Err(())], false), Err(()));
    let full = Pull {
        heads: vec![cid("x"); PULL_HEADS],
        after: Some(cid("y")),
    };
    assert_eq!(Pull::decode(&full.encode()), Ok(full));
    let large = Announce {
        digest: cid("x"),
        event: Some(ByteBuf::from(vec![0; INLINE_BYTES])),
    };
    assert_eq!(Announce::decode(&large.encode()), Ok(large));
    let state = State::new(crate::common::genesis()).unwrap();
    assert_eq!(digest(&state.heads()), digest(&[]));
}
