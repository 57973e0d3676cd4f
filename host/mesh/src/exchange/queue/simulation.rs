//! Random seeders against the queue: fast, slow, silent, lying, dying, partial ones. Whatever happens, nothing is asked
//! of somebody who lacks it, bounds hold, and a block that an honest seeder has is given.

use super::super::limits::WINDOW_MAX;
use super::*;
use libp2p::identity::Keypair;
use std::collections::{BTreeMap, HashSet, VecDeque};
use weft_model::content::raw_cid;

/// A small generator of numbers; a seed gives the same run everywhere (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Honest,
    Silent,
    Liar,
    Dies,
}

struct Peer {
    id: PeerId,
    kind: Kind,
    /// Milliseconds per block.
    gap: u64,
    has: HashSet<Cid>,
    /// What it will say, and when, in milliseconds.
    owes: Vec<(u64, Cid)>,
    heard: u64,
    refused: HashSet<Cid>,
    dropped: Option<Dropped>,
    busy_until: u64,
}

#[test]
fn whatever_seeders_do_a_block_that_an_honest_one_has_is_given() {
    let clock = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let base =
        std::env::var("WEFT_SEED").map_or(clock.as_nanos() as u64, |seed| seed.parse().unwrap());
    println!("WEFT_SEED={base}");
    for run in 0..200 {
        simulate(base.wrapping_add(run));
    }
}

fn simulate(seed: u64) {
    let mut random = Random(seed);
    let total = 1 + random.below(300);
    let cids: Vec<Cid> = (0..total)
        .map(|n| raw_cid(&[seed.to_le_bytes(), n.to_le_bytes()].concat()))
        .collect();
    let mut peers = seeders(&mut random, &cids);
    let mut queue = Queue::default();
    let mut now = 0;
    let mut given = HashSet::new();
    let mut inputs: Inputs = peers.values().map(|p| Input::Seeder(p.id)).collect();
    let split = random.below(total) as usize;
    inputs.push_back(Input::Want(cids[..split].to_vec()));
    let mut rest = Some(cids[split..].to_vec());
    let end = loop {
        while let Some(input) = inputs.pop_front() {
            for effect in queue.step(Duration::from_millis(now), input) {
                match effect {
                    Effect::Connect(peer) => inputs.push_back(Input::Ready(peer)),
                    Effect::Ask(to, cids) => {
                        ask(&mut random, peers.get_mut(&to).unwrap(), cids, now, seed)
                    }
                    Effect::Give(cid) => {
                        assert!(given.insert(cid), "seed {seed}: given twice");
                        inputs.push_back(Input::Taken(BYTES));
                    }
                    Effect::Drop(peer, why) => {
                        let peer = peers.get_mut(&peer).unwrap();
                        peer.dropped = Some(why);
                        peer.owes.clear();
                    }
                    end => inputs.push_back(ended(end)),
                }
            }
            if queue.ended {
                break;
            }
        }
        if queue.ended {
            break queue.report();
        }
        check(&queue, seed);
        now += 1 + random.below(60);
        assert!(now < 3_600_000, "seed {seed}: no end");
        if random.one_in(10) && rest.is_some() {
            inputs.extend(rest.take().map(Input::Want));
            inputs.push_back(Input::NoMoreWants);
        }
        peers
            .values_mut()
            .for_each(|peer| answer(&mut random, peer, now, &mut inputs));
        inputs.push_back(Input::Tick);
    };
    let honest = |cid: &Cid| {
        peers.values().any(|p| {
            p.kind == Kind::Honest && p.dropped != Some(Dropped::Slow) && p.has.contains(cid)
        })
    };
    if rest.is_none() && cids.iter().all(honest) {
        assert_eq!(end.blocks, cids.len(), "seed {seed}: {end:?}");
    }
    for peer in peers.values() {
        let fair = match peer.dropped {
            None => true,
            Some(Dropped::WrongBlock) => peer.kind == Kind::Liar,
            Some(Dropped::Silent) => peer.kind == Kind::Silent || peer.gap > 5_000,
            Some(Dropped::Closed) => peer.kind == Kind::Dies,
            Some(why) => why == Dropped::Slow,
        };
        assert!(
            fair,
            "seed {seed}: {:?} was dropped as {:?}",
            peer.kind, peer.dropped
        );
    }
}

type Inputs = VecDeque<Input>;
const BYTES: u64 = 1024 * 1024;

/// Ends carry no further work; a tick stands for them.
fn ended(end: Effect) -> Input {
    assert!(!matches!(end, Effect::TooMany));
    Input::Tick
}

fn seeders(random: &mut Random, cids: &[Cid]) -> BTreeMap<PeerId, Peer> {
    let one = |random: &mut Random| {
        let key: Vec<u8> = (0..4).flat_map(|_| random.next().to_le_bytes()).collect();
        let id = Keypair::ed25519_from_bytes(key)
            .unwrap()
            .public()
            .to_peer_id();
        let kind = [
            Kind::Honest,
            Kind::Honest,
            Kind::Honest,
            Kind::Silent,
            Kind::Liar,
            Kind::Dies,
        ][random.below(6) as usize];
        let holes = random.below(4);
        let has = cids
            .iter()
            .filter(|_| holes == 0 || !random.one_in(1 + holes))
            .copied()
            .collect();
        Peer {
            id,
            kind,
            gap: [5, 20, 100, 1_000][random.below(4) as usize],
            has,
            owes: Vec::new(),
            heard: 0,
            refused: HashSet::new(),
            dropped: None,
            busy_until: 0,
        }
    };
    let n = 1 + random.below(8);
    (0..n)
        .map(|_| one(random))
        .map(|peer| (peer.id, peer))
        .collect()
}

fn ask(random: &mut Random, peer: &mut Peer, cids: Vec<Cid>, now: u64, seed: u64) {
    assert!(
        peer.dropped.is_none(),
        "seed {seed}: a dropped seeder was asked"
    );
    for cid in cids {
        assert!(
            !peer.refused.contains(&cid),
            "seed {seed}: asked again after `not here`"
        );
        assert!(
            peer.owes.iter().all(|(_, owed)| *owed != cid),
            "seed {seed}: asked twice"
        );
        peer.busy_until = peer.busy_until.max(now) + 1 + random.below(2 * peer.gap);
        peer.owes.push((peer.busy_until, cid));
    }
    assert!(peer.owes.len() <= WINDOW_MAX, "seed {seed}");
}

fn answer(random: &mut Random, peer: &mut Peer, now: u64, inputs: &mut Inputs) {
    if peer.dropped.is_some() || peer.kind == Kind::Silent || peer.owes.is_empty() {
        return;
    }
    if peer.kind == Kind::Dies && random.one_in(50) {
        inputs.push_back(Input::Lost(peer.id, Dropped::Closed));
        return;
    }
    let (due, later): (Vec<_>, Vec<_>) = peer.owes.drain(..).partition(|(at, _)| *at <= now);
    peer.owes = later;
    for (_, cid) in due {
        let answer = match peer.kind {
            _ if !peer.has.contains(&cid) => Answer::NotHere,
            Kind::Liar if random.one_in(4) => Answer::Wrong,
            _ => Answer::Block(BYTES),
        };
        if answer == Answer::NotHere {
            peer.refused.insert(cid);
        } else {
            peer.heard += BYTES;
            inputs.push_back(Input::Heard(peer.id, peer.heard));
        }
        inputs.push_back(Input::Answer(peer.id, cid, answer));
    }
}

fn check(queue: &Queue, seed: u64) {
    assert!(
        queue.expected + queue.held <= IN_FLIGHT_BYTES_MAX,
        "seed {seed}"
    );
    for (place, block) in queue.blocks.iter().enumerate() {
        assert!(block.askers.len() <= ASKERS_MAX, "seed {seed}");
        let waits = queue.waiting.contains(&(place as u32));
        assert_eq!(
            waits,
            !block.done && block.askers.is_empty(),
            "seed {seed}: {block:?}"
        );
    }
    let expected: u64 = queue.blocks.iter().map(|block| block.expected).sum();
    assert_eq!(queue.expected, expected, "seed {seed}");
}
