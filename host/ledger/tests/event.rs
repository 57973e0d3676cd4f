//! Events and chains: encodings, signatures, links, and the proof of two stories.

mod common;

use common::{Net, added, cid, committed, did, key, opened};
use ipld_core::ipld::Ipld;
use proptest::prelude::*;
use serde_bytes::ByteArray;
use weft_ledger::body::KINDS;
use weft_ledger::{
    Body, Chain, ChainError, Equivocation, Event, EventError, LastEvent, MemberRole, SignedBallot,
    SignedEvent,
};
use weft_model::{cbor, content};

/// One body of each kind.
fn bodies() -> Vec<Body> {
    vec![
        added(2, MemberRole::Guest),
        Body::MemberRemoved {
            did: did(2),
            last: vec![LastEvent {
                device: did(102),
                event: cid("last"),
            }],
        },
        Net::new().certificate(2, 102),
        Body::MemberRekeyed {
            member: did(2),
            old: did(2),
            new: did(20),
            accepted: [5; 64].into(),
            given: Some([6; 64].into()),
        },
        opened("backup", 400_000),
        Body::PollClosed {
            poll: cid("poll"),
            ballots: vec![cid("a"), cid("b")],
            totals: vec![1.0, 0.5],
            consensus: Some(0),
            confidence: 2.0 / 3.0,
            method: cid("voting"),
        },
        Body::Donation {
            member: did(2),
            amount: 5,
            by: did(1),
        },
        Body::TierGranted {
            member: did(2),
            tier: "supporter".into(),
            by: did(1),
        },
        committed(9),
        Body::ConstitutionActivated {
            base: cid("a"),
            constitution: cid("b"),
            votes: vec![],
        },
        Body::OverrideUsed {
            task: "hospital backup".into(),
            word: "hospital".into(),
            submitter: "alice@example.com".into(),
        },
        Body::NetworkNamed {
            name: "the street".into(),
        },
        Body::DeviceRevoked {
            device: did(102),
            last: Some(cid("last")),
        },
        Body::KeyRevoked {
            key: did(3),
            reason: "the laptop was stolen".into(),
        },
        Body::KeyRotated {
            old: did(3),
            new: did(4),
        },
        Body::ReleasePublished {
            publisher: did(3),
            name: "scorer-green".into(),
            revision: 7,
            release: cid("release"),
        },
        Body::Ballot(SignedBallot::cast(cid("poll"), 1, 2, 3, &key(2))),
        Body::Unknown {
            kind: "from-the-future".into(),
            value: Ipld::Map([("cid".to_owned(), Ipld::Link(cid("x")))].into()),
        },
    ]
}

fn event(body: Body) -> Event {
    Event {
        network: cid("network"),
        author: did(101),
        seq: 2,
        prev: Some(cid("prev")),
        seen: vec![],
        at: 100_000,
        body,
    }
}

#[test]
fn every_kind_comes_back_as_it_was_with_its_signature() {
    let mut kinds: Vec<String> = Vec::new();
    for body in bodies() {
        kinds.push(body.kind().to_owned());
        let signed = event(body).sign(&key(101)).unwrap();
        let (bytes, cid) = signed.encode().unwrap();
        let back = SignedEvent::decode(&bytes).unwrap();
        assert_eq!(back, signed);
        assert_eq!(back.verify().unwrap().cid(), cid);
        assert_eq!(cid, content::record_cid(&bytes));
    }
    kinds.pop();
    assert_eq!(kinds, KINDS, "a body of each kind is tested");
}

#[test]
fn a_body_is_a_map_from_its_kind() {
    let bytes = cbor::encode(&committed(1)).unwrap();
    let mut expected = b"\xa1\x72decision-committed\xa1\x6acommitment\x58\x20".to_vec();
    expected.extend([1; 32]);
    assert_eq!(bytes, expected);
}

#[test]
fn a_known_kind_with_other_fields_is_refused() {
    let body = Ipld::Map(
        [(
            "decision-committed".to_owned(),
            Ipld::Map(
                [
                    ("commitment".to_owned(), Ipld::Bytes(vec![1; 32])),
                    ("more".to_owned(), Ipld::Null),
                ]
                .into(),
            ),
        )]
        .into(),
    );
    assert!(cbor::decode::<Body>(&cbor::encode(&body).unwrap()).is_err());
    for bad in [
        Ipld::Null,
        Ipld::Map([].into()),
        Ipld::Map([("a".to_owned(), Ipld::Null), ("b".to_owned(), Ipld::Null)].into()),
        Ipld::Map([("decision-committed".to_owned(), Ipld::Bytes(vec![1; 32]))].into()),
    ] {
        assert!(cbor::decode::<Body>(&cbor::encode(&bad).unwrap()).is_err());
    }
}

#[test]
fn bounds_are_checked_before_signing() {
    type Break = (&'static str, fn(&mut Event));
    let breaks: &[Break] = &[
        ("seq", |e| e.seq = 0),
        ("seq", |e| e.seq = 1 << 53),
        ("prev", |e| e.prev = None),
        ("prev", |e| e.seq = 1),
        ("seen", |e| e.seen = vec![cid("a"); 2]),
        ("seen", |e| {
            e.seen = (0..300).map(|i| cid(&i.to_string())).collect()
        }),
        ("body", |e| {
            e.body = Body::MemberAdded {
                user: String::new(),
                did: did(2),
                role: MemberRole::Member,
            };
        }),
        ("body", |e| {
            e.body = Body::OverrideUsed {
                task: "a\u{1b}b".into(),
                word: "w".into(),
                submitter: "s".into(),
            };
        }),
        ("body", |e| e.body = opened("t", e.at)),
        ("body", |e| e.body = opened("t", i64::MAX)),
        ("body", |e| e.body = opened(&"t".repeat(300), e.at + 5_000)),
        ("body", |e| {
            e.body = Body::PollOpened {
                task_name: "t".into(),
                options: vec!["same".into(), "same".into()],
                closes_at: e.at + 5_000,
            };
        }),
        ("body", |e| {
            e.body = Body::PollOpened {
                task_name: "t".into(),
                options: vec!["one".into()],
                closes_at: e.at + 5_000,
            };
        }),
        ("body", |e| {
            e.body = Body::Donation {
                member: did(2),
                amount: 0,
                by: did(1),
            };
        }),
        ("body", |e| {
            e.body = Body::PollClosed {
                poll: cid("p"),
                ballots: vec![],
                totals: vec![-1.0, 0.0],
                consensus: None,
                confidence: 0.0,
                method: cid("m"),
            };
        }),
        ("body", |e| {
            e.body = Body::PollClosed {
                poll: cid("p"),
                ballots: vec![],
                totals: vec![1.0, 0.0],
                consensus: Some(2),
                confidence: 0.0,
                method: cid("m"),
            };
        }),
    ];
    for (field, change) in breaks {
        let mut bad = event(committed(1));
        change(&mut bad);
        match bad.sign(&key(101)) {
            Err(EventError::Field { field: found, .. }) => assert_eq!(found, *field),
            other => panic!("{field}: {other:?}"),
        }
    }
    assert!(matches!(
        event(committed(1)).sign(&key(102)),
        Err(EventError::WrongKey { .. })
    ));
}

#[test]
fn what_was_changed_after_signing_does_not_verify() {
    let good = event(committed(1)).sign(&key(101)).unwrap();
    let mut other = good.clone();
    other.event.at += 1;
    assert!(matches!(
        other.verify(),
        Err(EventError::BadSignature { .. })
    ));
    let mut other = good.clone();
    other.event.network = cid("elsewhere");
    assert!(matches!(
        other.verify(),
        Err(EventError::BadSignature { .. })
    ));
    let mut other = good;
    other.event.author = did(102);
    assert!(matches!(
        other.verify(),
        Err(EventError::BadSignature { .. })
    ));
}

#[test]
fn a_ballots_signature_is_no_events_and_binds_every_field() {
    let good = SignedBallot::cast(cid("poll"), 1, 2, 3, &key(2));
    assert!(good.is_signed());
    let changes: &[fn(&mut SignedBallot)] = &[
        |b| b.poll = cid("other"),
        |b| b.voter = did(3),
        |b| b.choice = 0,
        |b| b.counter = 3,
        |b| b.at = 4,
    ];
    for change in changes {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(!bad.is_signed());
    }
}

#[test]
fn a_chain_is_appended_to_and_verified() {
    let mut chain = Chain::new(cid("network"), did(101), None);
    let events: Vec<SignedEvent> = (0..5)
        .map(|n| {
            chain
                .append(committed(n), vec![], 10 - i64::from(n), &key(101))
                .unwrap()
        })
        .collect();
    let verified = Chain::verify(cid("network"), did(101), &events).unwrap();
    assert_eq!(verified, chain);
    assert_eq!(chain.head().unwrap().seq, 5);
    // The clock ran backwards, the chain did not.
    assert!(events.iter().all(|e| e.event.at == 10));

    let verify = |events: &[SignedEvent]| Chain::verify(cid("network"), did(101), events);
    let without = |i: usize| {
        let mut events = events.clone();
        events.remove(i);
        events
    };
    assert!(matches!(
        verify(&without(0)),
        Err(ChainError::Gap {
            found: 2,
            expected: 1
        })
    ));
    assert!(matches!(
        verify(&without(2)),
        Err(ChainError::Gap {
            found: 4,
            expected: 3
        })
    ));
    assert!(matches!(
        Chain::verify(cid("other"), did(101), &events),
        Err(ChainError::WrongNetwork { .. })
    ));
    assert!(matches!(
        Chain::verify(cid("network"), did(102), &events),
        Err(ChainError::WrongAuthor { .. })
    ));
    let resign = |i: usize, change: fn(&mut Event)| {
        let mut events = events.clone();
        let mut event = events[i].event.clone();
        change(&mut event);
        events[i] = event.sign(&key(101)).unwrap();
        events
    };
    assert!(matches!(
        verify(&resign(1, |e| e.prev = Some(cid("x")))),
        Err(ChainError::BrokenLink { seq: 2 })
    ));
    assert!(matches!(
        verify(&resign(1, |e| e.body = committed(77))),
        Err(ChainError::BrokenLink { seq: 3 })
    ));
    assert!(matches!(
        verify(&resign(4, |e| e.at = 9)),
        Err(ChainError::TimeRunsBack {
            seq: 5,
            found: 9,
            expected: 10
        })
    ));
}

#[test]
fn a_refused_body_leaves_the_head_where_it_was() {
    let mut chain = Chain::new(cid("network"), did(101), None);
    chain.append(committed(1), vec![], 5, &key(101)).unwrap();
    let before = chain.clone();
    assert!(chain.append(opened("", 6), vec![], 6, &key(101)).is_err());
    assert!(chain.append(committed(1), vec![], 6, &key(102)).is_err());
    assert_eq!(chain, before);
}

#[test]
fn two_stories_about_one_place_are_a_proof() {
    let one = event(committed(1)).sign(&key(101)).unwrap();
    let two = event(committed(2)).sign(&key(101)).unwrap();
    let proof = |first: &SignedEvent, second: &SignedEvent| {
        Equivocation {
            first: first.clone(),
            second: second.clone(),
        }
        .verify()
    };
    assert_eq!(proof(&one, &two).unwrap(), (did(101), 2));
    assert!(proof(&one, &one).is_err());
    let mut forged = two.clone();
    forged.event.body = committed(3);
    assert!(proof(&one, &forged).is_err());
    let elsewhere = Event {
        network: cid("elsewhere"),
        ..two.event
    };
    assert!(proof(&one, &elsewhere.sign(&key(101)).unwrap()).is_err());
}

#[test]
fn deep_and_large_bytes_are_refused() {
    assert!(SignedEvent::decode(&[0x81; 500_000]).is_err());
    assert!(matches!(
        SignedEvent::decode(&vec![0; 2_000_000]),
        Err(EventError::TooLarge { .. })
    ));
    // Nested inside a kind that is kept as it is.
    let mut bytes = cbor::encode(&Body::Unknown {
        kind: "future".into(),
        value: Ipld::Null,
    })
    .unwrap();
    bytes.pop();
    bytes.extend([0x81; 100_000]);
    bytes.push(0xf6);
    assert!(cbor::decode::<Body>(&bytes).is_err());
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(SignedEvent::decode(&bytes).is_err());
        prop_assert!(cbor::decode::<Body>(&bytes).is_err() || bytes[0] == 0xa1);
    }

    #[test]
    fn no_changed_byte_verifies(kind in 0_usize..12, at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let signed = event(bodies()[kind].clone()).sign(&key(101)).unwrap();
        let (mut bytes, _) = signed.encode().unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let opened = SignedEvent::decode(&bytes).and_then(|e| e.verify());
        prop_assert!(opened.is_err());
    }

    #[test]
    fn any_commitment_round_trips(commitment in any::<[u8; 32]>(), at in any::<i64>()) {
        let mut event = event(Body::DecisionCommitted { commitment: ByteArray::new(commitment) });
        event.at = at;
        let signed = event.sign(&key(101)).unwrap();
        let (bytes, _) = signed.encode().unwrap();
        prop_assert_eq!(SignedEvent::decode(&bytes).unwrap(), signed);
    }
}
