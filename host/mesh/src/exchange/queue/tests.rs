//! The queue's decisions, by data: each case is a list of inputs at instants, and the effects that they must have.

use super::super::limits::{REASK_MS, SILENT_MS, WINDOW_MAX, WINDOW_MIN};
use super::*;
use weft_model::content::raw_cid;

const MIB: u64 = 1024 * 1024;

fn cid(n: u32) -> Cid {
    raw_cid(&n.to_le_bytes())
}

fn cids(range: std::ops::Range<u32>) -> Vec<Cid> {
    range.map(cid).collect()
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A queue with so many seeders that are ready at 0.
fn with(seeders: usize) -> (Queue, Vec<PeerId>) {
    let mut queue = Queue::default();
    let peers: Vec<PeerId> = (0..seeders).map(|_| PeerId::random()).collect();
    for peer in &peers {
        assert_eq!(
            queue.step(ms(0), Input::Seeder(*peer)),
            [Effect::Connect(*peer)]
        );
        assert_eq!(queue.step(ms(0), Input::Ready(*peer)), []);
    }
    (queue, peers)
}

/// What each seeder was asked, in the order of the seeders.
fn asks(effects: &[Effect], peers: &[PeerId]) -> Vec<Vec<Cid>> {
    let asked_of = |peer: &PeerId| {
        let mut asked = Vec::new();
        for effect in effects {
            if let Effect::Ask(to, cids) = effect
                && to == peer
            {
                asked.extend(cids);
            }
        }
        asked
    };
    peers.iter().map(asked_of).collect()
}

fn block(peer: PeerId, n: u32) -> Input {
    Input::Answer(peer, cid(n), Answer::Block(MIB))
}

#[test]
fn work_is_shared_and_nothing_is_asked_twice() {
    let (mut queue, peers) = with(3);
    let effects = queue.step(ms(0), Input::Want(cids(0..100)));
    let asked = asks(&effects, &peers);
    assert!(asked.iter().all(|a| a.len() == WINDOW_MIN), "{asked:?}");
    let mut all: Vec<Cid> = asked.concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 3 * WINDOW_MIN);
    assert!(
        cids(0..12).iter().all(|c| all.contains(c)),
        "the first wanted come first"
    );
}

#[test]
fn a_block_is_given_once_and_the_fetch_finishes() {
    let (mut queue, peers) = with(1);
    queue.step(ms(0), Input::Want(vec![cid(0), cid(0)]));
    queue.step(ms(0), Input::Want(vec![cid(0), cid(1)]));
    assert_eq!(
        queue.step(ms(5), block(peers[0], 0)),
        [Effect::Give(cid(0))]
    );
    assert_eq!(queue.step(ms(6), block(peers[0], 0)), []);
    assert_eq!(queue.step(ms(6), Input::NoMoreWants), []);
    assert_eq!(
        queue.step(ms(9), block(peers[0], 1)),
        [Effect::Give(cid(1)), Effect::Finished]
    );
    let report = queue.report();
    assert_eq!(
        (
            report.wanted,
            report.blocks,
            report.bytes,
            report.spare_bytes
        ),
        (2, 2, 2 * MIB, MIB)
    );
    assert_eq!(
        queue.step(ms(9), Input::Want(vec![cid(2)])),
        [],
        "nothing follows the end"
    );
}

#[test]
fn nothing_wanted_finishes_at_once() {
    assert_eq!(
        Queue::default().step(ms(0), Input::NoMoreWants),
        [Effect::Finished]
    );
}

#[test]
fn the_window_follows_the_pace() {
    for (gap, expected) in [(1, WINDOW_MAX), (50, 10), (400, WINDOW_MIN)] {
        let (mut queue, peers) = with(1);
        queue.step(ms(0), Input::Want(cids(0..400)));
        for n in 0..100 {
            queue.step(ms(u64::from(n + 1) * gap), block(peers[0], n));
            queue.step(ms(u64::from(n + 1) * gap), Input::Taken(MIB));
        }
        assert_eq!(
            queue.report().seeders[0].window,
            expected,
            "a block each {gap} ms"
        );
    }
}

#[test]
fn what_is_under_way_or_held_is_bounded() {
    let (mut queue, peers) = with(10);
    let first = asks(&queue.step(ms(0), Input::Want(cids(0..100))), &peers).concat();
    assert_eq!(first.len() as u64, IN_FLIGHT_BYTES_MAX / MIB);
    let holder = |cid: &Cid, asked: &[Vec<Cid>]| asked.iter().position(|a| a.contains(cid));
    let (mut queue, peers) = with(10);
    let asked = asks(&queue.step(ms(0), Input::Want(cids(0..100))), &peers);
    for n in 0..3 {
        let from = peers[holder(&cid(n), &asked).unwrap()];
        assert_eq!(
            queue.step(ms(10), block(from, n)),
            [Effect::Give(cid(n))],
            "held, so nothing more is asked"
        );
    }
    assert_eq!(
        asks(&queue.step(ms(11), Input::Taken(2 * MIB)), &peers)
            .concat()
            .len(),
        2
    );
}

#[test]
fn not_here_moves_the_block_and_the_last_one_ends_the_fetch() {
    let (mut queue, peers) = with(2);
    let not_here = |peer| Input::Answer(peer, cid(0), Answer::NotHere);
    let first = asks(&queue.step(ms(0), Input::Want(vec![cid(0)])), &peers);
    let (a, b) = if first[0].is_empty() {
        (peers[1], peers[0])
    } else {
        (peers[0], peers[1])
    };
    assert_eq!(
        queue.step(ms(1), not_here(a)),
        [Effect::Ask(b, vec![cid(0)])]
    );
    assert_eq!(queue.step(ms(2), not_here(b)), [Effect::NotFound(cid(0))]);
}

#[test]
fn a_seeder_that_is_still_connecting_is_waited_for() {
    let (mut queue, peers) = with(1);
    let late = PeerId::random();
    queue.step(ms(0), Input::Seeder(late));
    queue.step(ms(0), Input::Want(vec![cid(0)]));
    assert_eq!(
        queue.step(ms(1), Input::Answer(peers[0], cid(0), Answer::NotHere)),
        []
    );
    assert_eq!(
        queue.step(ms(2), Input::Ready(late)),
        [Effect::Ask(late, vec![cid(0)])]
    );
    let lost = queue.step(ms(3), Input::Lost(late, Dropped::Closed));
    assert_eq!(
        lost,
        [
            Effect::Drop(late, Dropped::Closed),
            Effect::NotFound(cid(0))
        ]
    );
}

#[test]
fn without_any_seeder_the_fetch_ends_when_a_block_is_wanted() {
    let (mut queue, peers) = with(1);
    let lost = queue.step(ms(0), Input::Lost(peers[0], Dropped::Unreachable));
    assert_eq!(lost, [Effect::Drop(peers[0], Dropped::Unreachable)]);
    assert_eq!(
        queue.step(ms(1), Input::Want(vec![cid(3)])),
        [Effect::NoSeeders(cid(3))]
    );
}

#[test]
fn wrong_bytes_drop_for_good_and_the_work_returns() {
    let (mut queue, peers) = with(2);
    let asked = asks(&queue.step(ms(0), Input::Want(cids(0..8))), &peers);
    let (liar, honest) = (peers[0], peers[1]);
    let wrong = queue.step(ms(1), Input::Answer(liar, asked[0][0], Answer::Wrong));
    assert_eq!(wrong[0], Effect::Drop(liar, Dropped::WrongBlock));
    assert_eq!(queue.waiting(), WINDOW_MIN);
    assert_eq!(
        queue.step(ms(2), Input::Seeder(liar)),
        [],
        "it does not return"
    );
    let next = queue.step(
        ms(3),
        Input::Answer(honest, asked[1][0], Answer::Block(MIB)),
    );
    assert!(asked[0].contains(&asks(&next, &peers)[1][0]));
}

#[test]
fn wrong_bytes_of_one_that_was_lost_already_still_count() {
    let (mut queue, peers) = with(2);
    let asked = asks(&queue.step(ms(0), Input::Want(cids(0..8))), &peers);
    queue.step(ms(1), Input::Lost(peers[0], Dropped::Closed));
    queue.step(ms(2), Input::Answer(peers[0], asked[0][0], Answer::Wrong));
    assert_eq!(queue.step(ms(3), Input::Seeder(peers[0])), []);
    assert_eq!(
        queue.report().seeders[0].dropped(),
        Some(Dropped::WrongBlock)
    );
}

#[test]
fn one_that_was_lost_may_return() {
    let (mut queue, peers) = with(2);
    queue.step(ms(1), Input::Lost(peers[0], Dropped::Closed));
    assert_eq!(
        queue.step(ms(2), Input::Seeder(peers[0])),
        [Effect::Connect(peers[0])]
    );
    queue.step(ms(3), Input::Ready(peers[0]));
    let asked = asks(&queue.step(ms(4), Input::Want(cids(0..8))), &peers);
    assert!(asked.iter().all(|a| !a.is_empty()));
}

#[test]
fn silence_is_counted_from_the_last_byte_and_only_while_something_is_owed() {
    let (mut queue, peers) = with(2);
    assert_eq!(
        queue.step(ms(SILENT_MS * 2), Input::Tick),
        [],
        "nothing is owed"
    );
    let start = SILENT_MS * 2;
    let asked = asks(&queue.step(ms(start), Input::Want(cids(0..8))), &peers);
    queue.step(ms(start + 5_000), Input::Heard(peers[0], 100));
    queue.step(
        ms(start + 5_000),
        Input::Answer(peers[1], asked[1][0], Answer::Block(MIB)),
    );
    assert_eq!(queue.step(ms(start + SILENT_MS + 4_999), Input::Tick), []);
    let effects = queue.step(ms(start + SILENT_MS + 5_000), Input::Tick);
    assert!(effects.contains(&Effect::Drop(peers[0], Dropped::Silent)));
}

#[test]
fn an_idle_seeder_takes_over_what_a_quiet_one_owes() {
    let (mut queue, peers) = with(2);
    let asked = asks(&queue.step(ms(0), Input::Want(cids(0..8))), &peers);
    for (i, done) in asked[1].iter().enumerate() {
        queue.step(
            ms(10 * (i as u64 + 1)),
            Input::Answer(peers[1], *done, Answer::Block(MIB)),
        );
    }
    assert_eq!(queue.step(ms(REASK_MS - 1), Input::Tick), [], "not yet");
    let again = asks(&queue.step(ms(REASK_MS), Input::Tick), &peers);
    assert_eq!(again[1], asked[0][..1], "one at a time, the oldest first");
    let given = queue.step(
        ms(REASK_MS + 20),
        Input::Answer(peers[1], asked[0][0], Answer::Block(MIB)),
    );
    assert_eq!(given[0], Effect::Give(asked[0][0]));
    let late = queue.step(
        ms(REASK_MS + 30),
        Input::Answer(peers[0], asked[0][0], Answer::Block(MIB)),
    );
    assert!(!late.contains(&Effect::Give(asked[0][0])));
    assert_eq!(queue.report().seeders[0].spare_bytes, MIB);
}

#[test]
fn one_far_slower_than_the_median_is_dropped_unless_it_is_needed() {
    for needed in [false, true] {
        let (mut queue, peers) = with(3);
        queue.step(ms(0), Input::Want(cids(0..10_000)));
        let (mut heard, mut effects) = ([0u64; 3], Vec::new());
        if needed {
            for place in queue.seeders[0].asked.clone().into_keys() {
                queue.seeders[1].lacks.insert(place);
                queue.seeders[2].lacks.insert(place);
            }
        }
        for second in 1..=7 {
            for (i, pace) in [2 * 1024, 4 * MIB, 5 * MIB].into_iter().enumerate() {
                heard[i] += pace;
                queue.step(ms(second * 1000), Input::Heard(peers[i], heard[i]));
            }
            effects.extend(queue.step(ms(second * 1000), Input::Tick));
        }
        assert_eq!(
            effects.contains(&Effect::Drop(peers[0], Dropped::Slow)),
            !needed
        );
        assert!(
            queue.report().seeders[1..]
                .iter()
                .all(|s| s.dropped().is_none())
        );
    }
}

#[test]
fn one_that_says_not_here_to_all_does_not_slow_the_queue() {
    let (mut queue, peers) = with(2);
    let mut effects = queue.step(ms(0), Input::Want(cids(0..20_000)));
    let mut refusals = 0;
    while refusals < 20_000 {
        let asked = asks(&effects, &peers)[0].clone();
        effects = Vec::new();
        for cid in asked {
            refusals += 1;
            effects.extend(queue.step(ms(1), Input::Answer(peers[0], cid, Answer::NotHere)));
        }
        if effects.is_empty() {
            break;
        }
    }
    assert_eq!(
        refusals,
        20_000 - WINDOW_MIN,
        "all but what the other one owes"
    );
}
