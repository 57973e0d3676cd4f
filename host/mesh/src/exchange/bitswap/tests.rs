//! What the engine does with peers' messages and fetches' asks, by its effects.

use super::message::{Block, Entry, Presence};
use super::*;
use crate::exchange::limits::{BITSWAP_MESSAGE_BYTES, BLOCK_BYTES_MAX};
use weft_model::content::{block_cid, raw_cid};

fn cid(n: u32) -> Cid {
    raw_cid(&n.to_le_bytes())
}

fn bytes(n: u32) -> Bytes {
    Bytes::copy_from_slice(&n.to_le_bytes())
}

fn entry(cid: &Cid, want_type: WantType, send_dont_have: bool) -> Entry {
    Entry {
        cid: cid.to_bytes().into(),
        want_type: want_type.into(),
        send_dont_have,
        ..Entry::default()
    }
}

fn wantlist(entries: Vec<Entry>) -> Message {
    let wantlist = Some(Wantlist {
        entries,
        full: false,
    });
    Message {
        wantlist,
        ..Message::default()
    }
}

fn blocks(blocks: &[(&Cid, Bytes)]) -> Message {
    let payload = blocks
        .iter()
        .map(|(cid, bytes)| Block::new(cid, bytes.clone()))
        .collect();
    Message {
        payload,
        ..Message::default()
    }
}

fn looks(effects: &[Effect]) -> Vec<Cid> {
    let look = |effect: &Effect| match effect {
        Effect::Look(_, want) => Some(want.cid),
        _ => None,
    };
    effects.iter().filter_map(look).collect()
}

fn sends(effects: Vec<Effect>) -> Vec<Message> {
    let send = |effect| match effect {
        Effect::Send(_, message) => Some(message),
        _ => None,
    };
    effects.into_iter().filter_map(send).collect()
}

fn replies(effects: &[Effect]) -> Vec<(u64, Reply)> {
    let reply = |effect: &Effect| match effect {
        Effect::Reply(fetch, reply) => Some((*fetch, reply.clone())),
        _ => None,
    };
    effects.iter().filter_map(reply).collect()
}

fn refused(effects: &[Effect]) -> Vec<Refused> {
    let refuse = |effect: &Effect| match effect {
        Effect::Refuse(_, why) => Some(*why),
        _ => None,
    };
    effects.iter().filter_map(refuse).collect()
}

/// A peer that fetch 7 has joined, and whose stream is open.
fn joined(engine: &mut Engine) -> PeerId {
    let peer = PeerId::random();
    let opening = sends(engine.step(Input::Join(peer, 7)));
    assert_eq!(
        opening,
        [Message::default()],
        "an empty message opens the stream"
    );
    assert_eq!(
        replies(&engine.step(Input::Sent(peer))),
        [(7, Reply::Ready)]
    );
    peer
}

#[test]
fn each_kind_of_want_has_its_answer() {
    let (here, gone) = (cid(1), cid(2));
    let cases = [
        (
            entry(&here, WantType::Block, true),
            Found::Block(bytes(1)),
            Some(blocks(&[(&here, bytes(1))])),
        ),
        (
            entry(&here, WantType::Have, true),
            Found::There,
            Some(presence(&here, PresenceType::Have)),
        ),
        (
            entry(&gone, WantType::Block, true),
            Found::Nothing(true),
            Some(presence(&gone, PresenceType::DontHave)),
        ),
        (
            entry(&gone, WantType::Have, true),
            Found::Nothing(true),
            Some(presence(&gone, PresenceType::DontHave)),
        ),
        (
            entry(&gone, WantType::Block, false),
            Found::Nothing(false),
            None,
        ),
    ];
    for (entry, found, expected) in cases {
        let (mut engine, peer) = (Engine::default(), PeerId::random());
        let want_type = entry.want_type;
        let effects = engine.step(Input::Received(peer, wantlist(vec![entry.clone()])));
        let [Effect::Look(_, want)] = effects[..] else {
            panic!("{effects:?}")
        };
        assert_eq!(
            (want.block, want.say_no),
            (want_type == 0, entry.send_dont_have)
        );
        let sent = sends(engine.step(Input::Found(peer, want.cid, found)));
        assert_eq!(sent, Vec::from_iter(expected.clone()));
        if expected.is_some() {
            engine.step(Input::Sent(peer));
        }
        assert!(
            engine.peers.is_empty(),
            "nothing is kept of a peer that was answered"
        );
    }
}

fn presence(cid: &Cid, presence: PresenceType) -> Message {
    let presences = vec![Presence::new(cid, presence)];
    Message {
        presences,
        ..Message::default()
    }
}

#[test]
fn a_cancelled_want_is_not_looked_for_and_a_full_list_replaces_the_last() {
    let (mut engine, peer) = (Engine::default(), PeerId::random());
    let wants = |range: std::ops::Range<u32>| {
        range
            .map(|n| entry(&cid(n), WantType::Block, true))
            .collect::<Vec<_>>()
    };
    let first = looks(&engine.step(Input::Received(peer, wantlist(wants(0..5)))));
    assert_eq!(first, [cid(0), cid(1)], "two are looked for at a time");
    engine.step(Input::Received(peer, Message::cancels(&[cid(2)])));
    let next = looks(&engine.step(Input::Found(peer, cid(0), Found::Nothing(false))));
    assert_eq!(next, [cid(3)]);
    let mut full = wantlist(wants(8..9));
    full.wantlist.get_or_insert_default().full = true;
    engine.step(Input::Received(peer, full));
    let next = looks(&engine.step(Input::Found(peer, cid(1), Found::Nothing(false))));
    assert_eq!(next, [cid(8)], "4 was dropped by the full list");
}

#[test]
fn answers_are_split_at_two_mebibytes_and_a_larger_block_goes_alone() {
    let (mut engine, peer) = (Engine::default(), PeerId::random());
    let sizes = [
        BLOCK_BYTES_MAX,
        1 << 20,
        1 << 20,
        900 << 10,
        10,
        BLOCK_BYTES_MAX,
    ];
    let all: Vec<(Cid, Bytes)> = sizes
        .iter()
        .enumerate()
        .map(|(i, size)| (cid(i as u32), Bytes::from(vec![i as u8; *size])))
        .collect();
    let wants = all
        .iter()
        .map(|(cid, _)| entry(cid, WantType::Block, true))
        .collect();
    let mut effects = engine.step(Input::Received(peer, wantlist(wants)));
    let (mut sent, mut sending) = (Vec::new(), false);
    loop {
        let found: Vec<Cid> = looks(&effects);
        for message in sends(effects) {
            assert!(!sending, "one message at a time");
            sending = true;
            let bytes: usize = message.payload.iter().map(|block| block.data.len()).sum();
            assert!(bytes <= BITSWAP_MESSAGE_BYTES || message.payload.len() == 1);
            sent.extend(message.payload.into_iter().map(|block| block.data));
        }
        effects = Vec::new();
        for cid in found {
            let block = all.iter().find(|(c, _)| *c == cid).unwrap().1.clone();
            effects.extend(engine.step(Input::Found(peer, cid, Found::Block(block))));
        }
        if effects.is_empty() {
            if !std::mem::take(&mut sending) {
                break;
            }
            effects = engine.step(Input::Sent(peer));
        }
    }
    assert_eq!(
        sent,
        all.into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>()
    );
}

#[test]
fn hostile_wantlists_are_bounded_and_counted() {
    let (mut engine, peer) = (Engine::default(), PeerId::random());
    let many = (0..5_000)
        .map(|n| entry(&cid(n), WantType::Block, true))
        .collect();
    let effects = engine.step(Input::Received(peer, wantlist(many)));
    assert_eq!(refused(&effects), [Refused::Wants]);
    assert!(engine.peers[&peer].wants.len() <= BITSWAP_WANTS_QUEUED);
    let no_cid = Entry {
        cid: Bytes::from_static(&[1, 2, 3]),
        ..Entry::default()
    };
    let effects = engine.step(Input::Received(peer, wantlist(vec![no_cid])));
    assert_eq!(refused(&effects), [Refused::Garbled]);
    let effects = engine.step(Input::Received(peer, blocks(&[(&cid(1), bytes(1))])));
    assert_eq!(refused(&effects), [Refused::Unasked], "not even hashed");
    for _ in 0..2 * BITSWAP_PEERS_MAX {
        engine.step(Input::Received(PeerId::random(), Message::wants(&[cid(1)])));
    }
    assert_eq!(engine.peers.len(), BITSWAP_PEERS_MAX);
}

#[test]
fn peers_take_turns() {
    let mut engine = Engine::default();
    let wants: Vec<Cid> = (0..500).map(cid).collect();
    let peers: Vec<PeerId> = (0..2 * BITSWAP_TURNS).map(|_| PeerId::random()).collect();
    let mut effects: VecDeque<Effect> = VecDeque::new();
    for peer in &peers {
        effects.extend(engine.step(Input::Received(*peer, Message::wants(&wants))));
    }
    let mut served: HashMap<PeerId, usize> = HashMap::new();
    let mut done = 0;
    while let Some(effect) = effects.pop_front() {
        match effect {
            Effect::Look(peer, want) => {
                *served.entry(peer).or_default() += 1;
                done += 1;
                effects.extend(engine.step(Input::Found(peer, want.cid, Found::Nothing(true))));
            }
            Effect::Send(peer, _) => effects.extend(engine.step(Input::Sent(peer))),
            other => panic!("{other:?}"),
        }
        if done == 100 * peers.len() {
            let least = peers
                .iter()
                .map(|peer| served.get(peer).copied().unwrap_or(0))
                .min();
            assert!(least >= Some(BITSWAP_LOOKS_PER_TURN), "{least:?}");
        }
    }
    assert!(served.values().all(|n| *n == wants.len()));
    assert!(engine.peers.is_empty() && engine.turns == 0);
}

#[test]
fn a_fetch_is_told_of_blocks_of_what_is_not_there_and_of_nothing_twice() {
    let mut engine = Engine::default();
    let peer = joined(&mut engine);
    let asked = sends(engine.step(Input::Ask(peer, 7, vec![cid(1), cid(2)])));
    assert_eq!(asked, [Message::wants(&[cid(1), cid(2)])]);
    engine.step(Input::Sent(peer));
    let effects = engine.step(Input::Received(peer, blocks(&[(&cid(1), bytes(1))])));
    assert!(matches!(&effects[..], [Effect::Hash(_, blocks)] if *blocks == [bytes(1)]));
    let hashed = || Input::Hashed(peer, vec![(digest(&cid(1)).unwrap(), bytes(1))]);
    assert_eq!(
        replies(&engine.step(hashed())),
        [(7, Reply::Block(cid(1), bytes(1)))]
    );
    let again = engine.step(hashed());
    assert_eq!(
        (replies(&again), refused(&again)),
        (vec![], vec![Refused::Unasked]),
        "a late copy is no offence"
    );
    let missing = engine.step(Input::Received(
        peer,
        presence(&cid(2), PresenceType::DontHave),
    ));
    assert_eq!(replies(&missing), [(7, Reply::NotHere(cid(2)))]);
}

#[test]
fn a_block_under_another_codec_is_what_was_asked() {
    let mut engine = Engine::default();
    let peer = joined(&mut engine);
    let node = block_cid(content::DAG_PB, b"node");
    engine.step(Input::Ask(peer, 7, vec![node]));
    let given = vec![(digest(&node).unwrap(), Bytes::from_static(b"node"))];
    let effects = engine.step(Input::Hashed(peer, given));
    assert_eq!(
        replies(&effects),
        [(7, Reply::Block(node, Bytes::from_static(b"node")))]
    );
}

#[test]
fn a_wrong_block_ends_the_asking() {
    let mut engine = Engine::default();
    let peer = joined(&mut engine);
    engine.step(Input::Ask(peer, 7, vec![cid(1)]));
    let effects = engine.step(Input::Hashed(
        peer,
        vec![(digest(&cid(9)).unwrap(), bytes(9))],
    ));
    assert!(matches!(effects[0], Effect::Wrong(4)));
    assert_eq!(replies(&effects), [(7, Reply::Gone(Dropped::WrongBlock))]);
}

#[test]
fn who_leaves_cancels_what_nobody_else_asks() {
    let mut engine = Engine::default();
    let peer = joined(&mut engine);
    engine.step(Input::Join(peer, 8));
    engine.step(Input::Sent(peer));
    engine.step(Input::Ask(peer, 7, vec![cid(1), cid(2)]));
    engine.step(Input::Sent(peer));
    assert!(
        sends(engine.step(Input::Ask(peer, 8, vec![cid(2)]))).is_empty(),
        "it is asked already"
    );
    let cancelled = sends(engine.step(Input::Leave(peer, 7)));
    assert_eq!(cancelled, [Message::cancels(&[cid(1)])]);
    let lost = engine.step(Input::Unsendable(peer, Dropped::Closed));
    assert_eq!(replies(&lost), [(8, Reply::Gone(Dropped::Closed))]);
    assert!(engine.peers.is_empty());
}
