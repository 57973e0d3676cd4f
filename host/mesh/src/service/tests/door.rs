//! Who is let in, how often they are dialled, how much they may send, and when they count as gone.

use super::*;
use crate::limits::{
    CLOCK_JUMP_MS, EXCESS_BEFORE_CLOSE, GOSSIP_BURST, GOSSIP_PER_SECOND, REDIAL_MS, REQUESTS,
    REQUESTS_PER_PEER, SILENT_MS, TIMEOUT_MS,
};
use crate::message::{Change, Dropped};
use crate::peer::Path;
use crate::service::Admission;

fn dropped(room: &Room, why: Dropped) -> u64 {
    *room.service.counts.dropped.get(&why).unwrap_or(&0)
}

#[test]
fn members_are_let_in_and_former_ones_closed() {
    let mut room = Room::plain();
    room.members.insert(peer(1), (device(1), vec![]));
    let input = Input::Members(room.members.clone());
    assert_eq!(room.step(NOW, input.clone()), [Effect::Allow(peer(1))]);
    assert_eq!(room.step(NOW, input), [], "nothing is done twice");
    let connected = Effect::Tell(device(1), Change::Connected(Path::Direct));
    assert_eq!(room.connect(NOW, 1, 1, DIRECT), [connected]);
    let gone = Effect::Tell(device(1), Change::Gone);
    assert_eq!(
        room.step(NOW, Input::Members(BTreeMap::new())),
        [gone, Effect::Forbid(peer(1))]
    );
    // Its connection is closed a moment later, and nobody is told twice.
    assert_eq!(room.step(NOW, Input::Closed(peer(1), connection(1))), []);
    assert_eq!(
        room.connect(NOW, 1, 2, DIRECT),
        [Effect::Close(connection(2))]
    );
    assert_eq!(dropped(&room, Dropped::Stranger), 1);
}

#[test]
fn a_member_that_cannot_be_reached_is_dialled_less_and_less_often() {
    let mut room = Room::plain();
    assert_eq!(room.member(NOW, 1, &[DIRECT]), [dial(1, &[DIRECT])]);
    let mut now = NOW;
    let mut pause = *REDIAL_MS.start();
    for _ in 0..10 {
        assert_eq!(room.step(now, Input::Tick), [], "one dial at a time");
        assert_eq!(room.step(now, Input::DialFailed(peer(1))), []);
        assert_eq!(room.step(now + pause - 1, Input::Tick), [], "after {pause}");
        now += pause;
        assert_eq!(room.step(now, Input::Tick), [dial(1, &[DIRECT])]);
        pause = (pause * 2).min(*REDIAL_MS.end());
    }
    assert_eq!(pause, *REDIAL_MS.end());
    // Another address of it, or of this device, is tried at once.
    room.step(now, Input::DialFailed(peer(1)));
    let heard = Input::Address(peer(1), address(OTHER));
    assert_eq!(room.step(now, heard.clone()), [dial(1, &[DIRECT, OTHER])]);
    room.step(now, Input::DialFailed(peer(1)));
    assert_eq!(room.step(now, heard), [], "it is known");
    assert_eq!(room.listens(now, &[LAN]), [dial(1, &[DIRECT, OTHER])]);
    // A connection that was good for something starts the pauses anew.
    room.connect(now, 1, 1, DIRECT);
    assert_eq!(room.step(now, Input::Tick), []);
    room.step(now, Input::Closed(peer(1), connection(1)));
    assert_eq!(room.step(now + REDIAL_MS.start() - 1, Input::Tick), []);
    assert_eq!(
        room.step(now + REDIAL_MS.start(), Input::Tick),
        [dial(1, &[DIRECT, OTHER])]
    );
}

#[test]
fn who_sends_too_much_is_dropped_then_closed_then_kept_out() {
    let mut room = Room::plain();
    room.member(NOW, 1, &[DIRECT]);
    room.connect(NOW, 1, 1, DIRECT);
    let mut said = |now| room.service.gossip(now, &peer(1));
    for _ in 0..GOSSIP_BURST {
        assert_eq!(said(NOW), Admission::Take);
    }
    assert_eq!(said(NOW), Admission::Drop);
    let later = NOW + 1_000;
    for _ in 0..GOSSIP_PER_SECOND {
        assert_eq!(said(later), Admission::Take, "a second later");
    }
    // What was taken meanwhile made up for what was too much.
    for _ in 0..EXCESS_BEFORE_CLOSE - 1 {
        assert_eq!(said(later), Admission::Drop);
    }
    assert_eq!(said(later), Admission::Close);
    assert_eq!(dropped(&room, Dropped::Excess), 1);
    room.step(later, Input::Closed(peer(1), connection(1)));
    let until = later + TIMEOUT_MS;
    assert_eq!(
        room.connect(until - 1, 1, 2, DIRECT),
        [Effect::Close(connection(2))]
    );
    assert_eq!(room.step(until - 1, Input::Tick), [], "nor is it dialled");
    assert_eq!(room.connect(until, 1, 3, DIRECT).len(), 1);
    assert_eq!(room.service.gossip(until, &peer(2)), Admission::Drop);
    assert_eq!(dropped(&room, Dropped::Stranger), 1);
}

#[test]
fn open_requests_are_bounded_for_one_peer_and_for_all() {
    let mut room = Room::plain();
    let peers = u8::try_from(REQUESTS / REQUESTS_PER_PEER).unwrap() + 1;
    (1..=peers).for_each(|n| drop(room.member(NOW, n, &[])));
    let service = &mut room.service;
    for n in 1..peers {
        for _ in 0..REQUESTS_PER_PEER {
            assert_eq!(service.request(NOW, &peer(n)), Admission::Take);
        }
        assert_eq!(service.request(NOW, &peer(n)), Admission::Drop);
    }
    assert_eq!(service.request(NOW, &peer(peers)), Admission::Drop);
    service.answered(&peer(1));
    assert_eq!(service.request(NOW, &peer(peers)), Admission::Take);
    assert_eq!(dropped(&room, Dropped::RequestFlood), u64::from(peers));
    // Who is removed gives back what it had open.
    room.members.remove(&peer(2));
    room.step(NOW, Input::Members(room.members.clone()));
    assert_eq!(room.service.request(NOW, &peer(1)), Admission::Take);
}

#[test]
fn a_failed_ping_closes_and_counts_as_gone_at_once() {
    let mut room = Room::plain();
    room.member(NOW, 1, &[DIRECT]);
    room.connect(NOW, 1, 1, DIRECT);
    let ping = |id, rtt| Input::Ping(peer(1), connection(id), rtt);
    assert_eq!(
        room.step(NOW, ping(1, Some(3.5))),
        [Effect::Tell(device(1), Change::Rtt(3.5))]
    );
    assert_eq!(room.step(NOW, ping(9, None)), [], "no connection of it");
    assert_eq!(
        room.step(NOW, ping(1, None)),
        [
            Effect::Close(connection(1)),
            Effect::Tell(device(1), Change::Gone)
        ]
    );
    assert!(!room.service.is_connected(&peer(1)));
    assert_eq!(room.service.peers()[0].path, "unreachable");
    assert_eq!(room.service.peers()[0].rtt_ms, None);
    assert_eq!(dropped(&room, Dropped::PingFailed), 1);
    let again = NOW + REDIAL_MS.start();
    assert_eq!(room.step(again, Input::Tick), [dial(1, &[DIRECT])]);
    assert_eq!(room.step(again, Input::Closed(peer(1), connection(1))), []);
}

#[test]
fn a_silent_connection_is_given_up_unless_the_clock_was_set() {
    let mut room = Room::plain();
    room.member(NOW, 1, &[]);
    room.connect(NOW, 1, 1, DIRECT);
    let ping = Input::Ping(peer(1), connection(1), Some(1.0));
    room.step(NOW, Input::Tick);
    room.step(NOW + CLOCK_JUMP_MS, Input::Tick);
    assert_eq!(room.step(NOW + CLOCK_JUMP_MS, ping).len(), 1);
    // The machine slept; then its clock was set back.
    assert_eq!(room.step(NOW + 3_600_000, Input::Tick), []);
    assert_eq!(room.step(NOW, Input::Tick), []);
    let mut now = NOW;
    let mut wait = |ms: i64| {
        now += ms;
        room.step(now, Input::Tick)
    };
    assert_eq!(wait(CLOCK_JUMP_MS), []);
    assert_eq!(wait(CLOCK_JUMP_MS), []);
    assert_eq!(wait(SILENT_MS - 2 * CLOCK_JUMP_MS - 1), []);
    let gone = Effect::Tell(device(1), Change::Gone);
    assert_eq!(wait(1), [Effect::Close(connection(1)), gone]);
    assert_eq!(dropped(&room, Dropped::PingFailed), 1);
}

#[test]
fn a_misdeed_closes_and_keeps_out() {
    let mut room = Room::plain();
    room.member(NOW, 1, &[DIRECT]);
    room.connect(NOW, 1, 1, DIRECT);
    assert_eq!(
        room.step(NOW, Input::Misdeed(peer(1))),
        [Effect::CloseAll(peer(1))]
    );
    room.step(NOW, Input::Closed(peer(1), connection(1)));
    assert_eq!(room.step(NOW + TIMEOUT_MS - 1, Input::Tick), []);
    assert_eq!(
        room.step(NOW + TIMEOUT_MS, Input::Tick),
        [dial(1, &[DIRECT])]
    );
}
