//! What peers may not do, what it is called, and that it harms nobody else.

use super::talk::{NOW, announce, answer, blamed, bytes, kept, own_digest, peer, pulls, service};
use crate::common::random::Rng;
use crate::common::{Net, cid, committed, did, key};
use serde_bytes::ByteBuf;
use weft_ledger::MemberRole::Member;
use weft_ledger::limits::{
    ANNOUNCES_AT_ONCE, ASKS_AT_ONCE, PAGE_BYTES, PAGE_EVENTS, PULL_HEADS, ROUND_MS,
    WAITING_PER_PEER,
};
use weft_ledger::sync::{Announce, Effect, Input, Misbehaviour, Pull, Pulled};
use weft_ledger::{Chain, SignedEvent, Sync};

/// What a peer may send in a page or by gossip, and what it is called.
fn garbage(net: &mut Net) -> Vec<(Vec<u8>, Misbehaviour)> {
    let good = net.write(102, committed(7));
    let mut forged = good.clone();
    forged.event.at += 1;
    let mut other = Chain::new(cid("other network"), did(102), None);
    let other = other.append(committed(1), vec![], NOW, &key(102)).unwrap();
    let mut padded = good.encode().unwrap().0;
    padded.push(0);
    vec![
        (b"garbage".to_vec(), Misbehaviour::Undecodable),
        (padded, Misbehaviour::Undecodable),
        (bytes(&forged).into_vec(), Misbehaviour::BadSignature),
        (bytes(&other).into_vec(), Misbehaviour::WrongNetwork),
    ]
}

#[test]
fn garbage_is_named_and_the_third_time_the_peer_is_to_be_dropped() {
    let mut net = Net::with(&[Member, Member]);
    for (garbage, why) in garbage(&mut net) {
        let mut sync = service(&net, &[102, 103]);
        let from = peer(102);
        let by_gossip = Input::Announced {
            from,
            announce: Announce {
                digest: cid("theirs"),
                event: Some(ByteBuf::from(garbage.clone())),
            },
        };
        for strike in 1..=3 {
            let effects = sync.step(NOW, by_gossip.clone());
            let expected = Effect::Misbehaved {
                peer: from,
                why: why.clone(),
                drop: strike == 3,
            };
            assert_eq!(effects, [expected]);
        }
        assert_eq!(sync.step(NOW, by_gossip), [], "it is not listened to");
        assert_eq!(sync.counts().ignored, 1);
        // Nor is it asked; the other one is, and is listened to.
        for round in 1..4 {
            let effects = sync.step(NOW + round * ROUND_MS, Input::Tick);
            let [(to, _)] = &pulls(&effects)[..] else {
                panic!("{effects:?}");
            };
            assert_eq!(*to, peer(103));
            answer(&mut sync, NOW + round * ROUND_MS, 103, &[], false);
        }
        let mut theirs = Net::with(&[Member, Member]);
        theirs.ok(103, committed(1));
        theirs.ok(103, committed(2));
        let [.., good, next] = &theirs.log[..] else {
            panic!("two events");
        };
        let effects = announce(&mut sync, NOW + 100_000, 103, good, cid("theirs"));
        assert_eq!(kept(&effects).len(), 1);
        // In a page, what comes before it is kept, and nothing after it.
        let mut sync = Sync::new(Net::with(&[Member, Member]).state);
        sync.step(NOW, Input::Connected { peer: from });
        let pulled = Pulled {
            events: vec![bytes(good), ByteBuf::from(garbage), bytes(next)],
            more: true,
        };
        let effects = sync.step(NOW, Input::Answered { from, pulled });
        assert_eq!(kept(&effects).len(), 1);
        assert_eq!(blamed(&effects), [(from, why, false)]);
        assert_eq!(pulls(&effects), []);
    }
}

#[test]
fn pages_that_break_the_protocol_are_named() {
    let mut net = Net::with(&[Member]);
    let known = net.log.len();
    let start = net.state.clone();
    for n in 0..3 {
        net.ok(102, committed(n));
    }
    let mut broken = net.log[known + 1].event.clone();
    broken.seq += 1;
    let broken = broken.sign(&key(102)).unwrap();
    let page = |events: &[&SignedEvent], more| Pulled {
        events: events.iter().map(|e| bytes(e)).collect(),
        more,
    };
    let heavy = Pulled {
        events: vec![ByteBuf::from(vec![0; PAGE_BYTES / 2 + 1]); 2],
        more: false,
    };
    let many = Pulled {
        events: vec![ByteBuf::new(); PAGE_EVENTS + 1],
        more: false,
    };
    let cases = [
        (page(&[], true), Misbehaviour::EmptyPage),
        (
            page(&[&net.log[known + 1]], false),
            Misbehaviour::Incomplete,
        ),
        (
            page(&[&net.log[known], &broken], false),
            Misbehaviour::BrokenChain,
        ),
        (
            heavy,
            Misbehaviour::Oversize {
                found: PAGE_BYTES + 2,
                max: PAGE_BYTES,
            },
        ),
        (
            many,
            Misbehaviour::Oversize {
                found: PAGE_EVENTS + 1,
                max: PAGE_EVENTS,
            },
        ),
    ];
    for (pulled, why) in cases {
        let mut sync = Sync::new(start.clone());
        let from = peer(102);
        sync.step(NOW, Input::Connected { peer: from });
        let effects = sync.step(NOW, Input::Answered { from, pulled });
        assert_eq!(blamed(&effects), [(from, why, false)]);
        assert_eq!((pulls(&effects), sync.in_flight()), (vec![], 0));
    }
    // By gossip a broken link is nobody's fault but its author's.
    let mut sync = service(&net, &[103]);
    let effects = announce(&mut sync, NOW + 5_000, 103, &broken, cid("theirs"));
    assert_eq!((blamed(&effects), sync.counts().refused), (vec![], 1));
}

#[test]
fn misdeeds_are_forgiven_in_time() {
    let net = Net::with(&[Member]);
    let mut sync = service(&net, &[102]);
    let garbled = Input::Garbled {
        from: peer(102),
        why: Pulled::decode(b"?").unwrap_err(),
    };
    for n in 0..5 {
        let effects = sync.step(NOW + n * 600_000, garbled.clone());
        assert_eq!(
            blamed(&effects),
            [(peer(102), Misbehaviour::Undecodable, false)]
        );
    }
}

#[test]
fn a_flood_is_named_once_a_second_and_served_no_further() {
    let net = Net::with(&[Member]);
    let mut sync = service(&net, &[102, 103]);
    let ask = |from| Input::Asked {
        from,
        pull: Pull {
            heads: vec![],
            after: None,
        },
    };
    let mut answers = 0;
    let mut names = Vec::new();
    for _ in 0..ASKS_AT_ONCE + 100 {
        let effects = sync.step(NOW, ask(peer(102)));
        answers += effects.len() - blamed(&effects).len();
        names.extend(blamed(&effects));
    }
    assert_eq!(answers as u32, ASKS_AT_ONCE);
    assert_eq!(names, [(peer(102), Misbehaviour::Flood, false)]);
    assert_eq!(sync.step(NOW, ask(peer(103))).len(), 1);
    // A tenth of a second later it may ask a few times more.
    assert!(matches!(
        sync.step(NOW + 100, ask(peer(102)))[..],
        [Effect::Answer { .. }]
    ));
    let gossip = Input::Announced {
        from: peer(103),
        announce: Announce {
            digest: own_digest(&sync),
            event: None,
        },
    };
    let mut blames = 0;
    for _ in 0..ANNOUNCES_AT_ONCE + 100 {
        blames += blamed(&sync.step(NOW, gossip.clone())).len();
    }
    assert_eq!(blames, 1);
}

#[test]
fn strangers_are_not_listened_to() {
    let mut net = Net::with(&[Member]);
    let mut sync = service(&net, &[]);
    net.ok(102, committed(1));
    let event = net.log.last().unwrap().clone();
    assert_eq!(announce(&mut sync, NOW, 102, &event, cid("x")), []);
    assert_eq!(answer(&mut sync, NOW, 102, &[event], false), []);
    let pull = Pull {
        heads: vec![cid("x"); PULL_HEADS + 1],
        after: None,
    };
    let from = peer(102);
    let asked = Input::Asked { from, pull };
    assert_eq!(sync.step(NOW, asked.clone()), []);
    assert_eq!(sync.counts().ignored, 3);
    sync.step(NOW, Input::Connected { peer: from });
    let effects = sync.step(NOW, asked);
    let found = PULL_HEADS + 1;
    let max = PULL_HEADS;
    assert_eq!(
        blamed(&effects),
        [(from, Misbehaviour::Oversize { found, max }, false)]
    );
}

/// A peer that sends anything at all, at any time, in any order, broken or not.
fn anything(rng: &mut Rng, from: u8, log: &[SignedEvent]) -> Input {
    let from = peer(from);
    let event = |rng: &mut Rng| {
        let mut event = bytes(&log[rng.below(log.len())]);
        match rng.below(40) {
            0 => {
                let at = rng.below(event.len());
                event[at] ^= 1 << rng.below(8);
            }
            1 => event.truncate(rng.below(200)),
            _ => {}
        }
        event
    };
    let some_cid = |rng: &mut Rng| match rng.below(2) {
        0 => cid("x"),
        _ => log[rng.below(log.len())].encode().unwrap().1,
    };
    match rng.below(12) {
        0..6 => Input::Announced {
            from,
            announce: Announce {
                digest: some_cid(rng),
                event: Some(event(rng)),
            },
        },
        6 | 7 => Input::Asked {
            from,
            pull: Pull {
                heads: (0..rng.below(5)).map(|_| some_cid(rng)).collect(),
                after: Some(some_cid(rng)),
            },
        },
        8 | 9 => Input::Answered {
            from,
            pulled: Pulled {
                events: (0..rng.below(8)).map(|_| event(rng)).collect(),
                more: rng.below(2) == 0,
            },
        },
        10 => Input::Failed { from },
        _ => {
            let noise: Vec<u8> = (0..rng.below(64)).map(|_| rng.below(256) as u8).collect();
            let read = [
                Announce::decode(&noise).err(),
                Pull::decode(&noise).err(),
                Pulled::decode(&noise).err(),
            ];
            let [Some(_), Some(why), Some(_)] = read else {
                panic!("{noise:?} is a message");
            };
            Input::Garbled { from, why }
        }
    }
}

#[test]
fn a_peer_that_sends_anything_harms_nobody() {
    let mut dropped = 0;
    let mut taken = 0;
    for seed in 0..300_u64 {
        let mut rng = Rng(seed);
        let mut net = Net::with(&[Member, Member]);
        let known = net.log.len();
        let mut sync = service(&net, &[102]);
        for n in 0..12 {
            net.ok([102, 103][rng.below(2)], committed(n));
        }
        sync.step(NOW, Input::Connected { peer: peer(103) });
        let mut now = NOW;
        for _ in 0..60 {
            now += rng.below(2_000) as i64;
            let input = match rng.below(4) {
                0 => Input::Tick,
                _ => anything(&mut rng, 103, &net.log),
            };
            let effects = sync.step(now, input);
            let blamed = blamed(&effects);
            assert!(blamed.iter().all(|b| b.0 == peer(103)), "seed {seed}");
            dropped += blamed.iter().filter(|b| b.2).count();
            assert!(sync.waiting() <= WAITING_PER_PEER && sync.in_flight() <= 2);
        }
        taken += sync.state().len() - known;
        // The honest peer is still asked in its turn, and what it says is taken.
        let from = peer(102);
        sync.step(now, Input::Failed { from });
        let mut asked = false;
        for n in 1..=3 {
            let effects = sync.step(now + n * ROUND_MS, Input::Tick);
            asked |= pulls(&effects).iter().any(|(to, _)| *to == from);
            if asked {
                now += n * ROUND_MS;
                break;
            }
        }
        assert!(asked, "seed {seed}");
        let effects = answer(&mut sync, now, 102, &net.log, false);
        assert_eq!(blamed(&effects), [], "seed {seed}");
        assert_eq!(
            sync.state().state_digest(),
            net.state.state_digest(),
            "seed {seed}"
        );
    }
    assert!(dropped >= 100 && taken >= 100, "{dropped} {taken}");
}
