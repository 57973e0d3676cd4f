//! Which way a member is reached, and how this device is reached itself: relays, upgrades, addresses.

use super::*;
use crate::limits::{
    CIRCUIT_AFTER_MS, DIRECT_SETTLED_MS, PRIVATE_AFTER_MS, RESERVE_AGAIN_MS, UPGRADE_MS,
};
use crate::message::Change;
use crate::peer::Path;

/// A device with members 1 to 3 connected straight, who all relay.
fn with_relays(own: Own) -> Room {
    let mut room = Room::new(own);
    for n in 1..=3 {
        room.member(NOW, n, &[]);
        let at = format!("/ip4/45.0.0.{n}/tcp/9001/p2p/{}", peer(n));
        room.connect(NOW, n, usize::from(n), &at);
        let rtt = Some(f64::from(10 - n));
        room.step(NOW, Input::Ping(peer(n), connection(n.into()), rtt));
    }
    room.volunteers(NOW, &[1, 2, 3]);
    room
}

fn own(relay: bool, external: bool) -> Own {
    Own {
        peer: peer(0),
        relay,
        external,
    }
}

fn reserve(n: u8) -> Effect {
    Effect::Reserve(peer(n), address(&format!("/ip4/45.0.0.{n}/tcp/9001")))
}

#[test]
fn relays_are_tried_a_little_after_the_straight_ways() {
    let mut room = Room::plain();
    let through = circuit(9);
    let first = room.member(NOW, 1, &[LAN, &through, DIRECT]);
    assert_eq!(first, [dial(1, &[LAN, DIRECT])]);
    assert_eq!(room.step(NOW + CIRCUIT_AFTER_MS - 1, Input::Tick), []);
    let late = NOW + CIRCUIT_AFTER_MS;
    assert_eq!(room.step(late, Input::Tick), [dial(1, &[&through])]);
    assert_eq!(room.step(late, Input::Tick), [], "both are under way");
    // Both fail: only then does the pause begin.
    assert_eq!(room.step(late, Input::DialFailed(peer(1))), []);
    assert_eq!(room.step(late + 60_000, Input::Tick), []);
    assert_eq!(room.step(late + 60_000, Input::DialFailed(peer(1))), []);
    let again = room.step(late + 62_000, Input::Tick);
    assert_eq!(again, [dial(1, &[LAN, DIRECT])]);
}

#[test]
fn relays_are_tried_at_once_when_the_straight_ways_fail() {
    let mut room = Room::plain();
    let through = circuit(9);
    room.member(NOW, 1, &[DIRECT, &through]);
    let failed = Input::DialFailed(peer(1));
    assert_eq!(room.step(NOW, failed), [dial(1, &[&through])]);
    // One who has nothing else is dialled through its relay from the start; a way through this device itself is none.
    let only = room.member(NOW, 2, &[&through, &circuit(0)]);
    assert_eq!(only, [dial(2, &[&through])]);
}

#[test]
fn a_direct_connection_replaces_a_relayed_one() {
    let mut room = Room::plain();
    room.member(NOW, 1, &[]);
    let told = |change| Effect::Tell(device(1), change);
    assert_eq!(
        room.connect(NOW, 1, 1, &circuit(9)),
        [told(Change::Connected(Path::Relayed))]
    );
    assert_eq!(room.service.peers()[0].path, "relayed");
    assert_eq!(
        room.connect(NOW, 1, 2, DIRECT),
        [told(Change::Path(Path::Direct))]
    );
    assert_eq!(room.connect(NOW, 1, 3, OTHER), [], "as good as the other");
    let settled = NOW + DIRECT_SETTLED_MS;
    assert_eq!(room.step(settled - 1, Input::Tick), []);
    let close = Effect::Close(connection(1));
    assert_eq!(room.step(settled, Input::Tick), [close]);
    room.step(settled, Input::Closed(peer(1), connection(1)));
    assert_eq!(
        room.step(settled, Input::Closed(peer(1), connection(2))),
        []
    );
    assert_eq!(
        room.step(settled, Input::Closed(peer(1), connection(3))),
        [told(Change::Gone)]
    );
    // The other way round: the straight one breaks, the relayed one stays.
    room.connect(settled, 1, 4, LAN);
    room.connect(settled, 1, 5, &circuit(9));
    assert_eq!(
        room.step(settled, Input::Closed(peer(1), connection(4))),
        [told(Change::Path(Path::Relayed))]
    );
    let later = settled + DIRECT_SETTLED_MS;
    assert_eq!(room.step(later, Input::Tick), [], "it is all there is");
}

#[test]
fn a_straight_way_is_tried_now_and_then_while_only_a_relayed_one_is_open() {
    let mut room = Room::plain();
    room.member(NOW, 1, &[]);
    room.connect(NOW, 1, 1, &circuit(9));
    let heard = Input::Address(peer(1), address(DIRECT));
    assert_eq!(room.step(NOW, heard), [dial(1, &[DIRECT])], "it is new");
    room.step(NOW, Input::DialFailed(peer(1)));
    let mut now = NOW + UPGRADE_MS.start();
    assert_eq!(room.step(now - 1, Input::Tick), []);
    assert_eq!(room.step(now, Input::Tick), [dial(1, &[DIRECT])]);
    room.step(now, Input::DialFailed(peer(1)));
    assert_eq!(room.step(now + UPGRADE_MS.start(), Input::Tick), []);
    now += 2 * UPGRADE_MS.start();
    assert_eq!(room.step(now, Input::Tick), [dial(1, &[DIRECT])]);
    room.connect(now, 1, 2, DIRECT);
    assert_eq!(room.step(now + DIRECT_SETTLED_MS - 1, Input::Tick), []);
}

#[test]
fn who_is_not_reached_asks_the_two_fastest_volunteers_and_replaces_a_lost_one() {
    let mut room = with_relays(own(false, false));
    assert_eq!(room.step(NOW, Input::Tick), [], "perhaps it is reached");
    let now = NOW + PRIVATE_AFTER_MS;
    assert_eq!(room.step(now - 1, Input::Tick), []);
    assert_eq!(room.step(now, Input::Tick), [reserve(3), reserve(2)]);
    assert_eq!(room.step(now, Input::Tick), [], "they were asked");
    room.step(now, Input::Reserved(peer(3)));
    room.step(now, Input::Reserved(peer(2)));
    room.step(now + 1, Input::Reserved(peer(2)));
    assert_eq!(room.step(now + 3_600_000, Input::Tick), []);
    room.step(now, Input::Unreserved(peer(3)));
    assert_eq!(room.step(now, Input::Tick), [reserve(1)]);
    // All places are taken again: the lost one is asked only when another one is lost, and its pause is over.
    let pause = *RESERVE_AGAIN_MS.start();
    room.step(now, Input::Unreserved(peer(1)));
    assert_eq!(room.step(now + pause - 1, Input::Tick), []);
    assert_eq!(room.step(now + pause, Input::Tick), [reserve(3)]);
    room.step(now + pause, Input::Unreserved(peer(3)));
    assert_eq!(room.step(now + pause, Input::Tick), [reserve(1)]);
    room.step(now + pause, Input::Reserved(peer(1)));
    room.step(now + pause, Input::Unreserved(peer(2)));
    assert_eq!(
        room.step(now + 2 * pause, Input::Tick),
        [reserve(2)],
        "the fastest one waits longer, as it said no twice"
    );
}

#[test]
fn who_may_be_private_shows_a_relay_both_of_its_addresses() {
    let quic = "/ip4/45.0.0.1/udp/9001/quic-v1";
    for (open, other) in [(DIRECT, quic), (quic, DIRECT)] {
        let mut room = with_relays(own(false, false));
        room.step(NOW, Input::Address(peer(4), address(LAN)));
        room.member(NOW, 4, &[DIRECT, quic]);
        room.connect(NOW, 4, 4, open);
        assert_eq!(room.step(NOW, Input::Tick), [], "it does not relay");
        room.volunteers(NOW, &[1, 2, 3, 4]);
        assert_eq!(room.step(NOW, Input::Tick), [dial(4, &[other])]);
        room.step(NOW, Input::DialFailed(peer(4)));
        assert_eq!(room.step(NOW, Input::Tick), [], "once is enough");
    }
    let mut room = with_relays(own(false, true));
    room.member(NOW, 1, &[DIRECT, quic]);
    assert_eq!(
        room.step(NOW, Input::Tick),
        [],
        "everybody knows its address"
    );
}

#[test]
fn only_volunteers_that_are_connected_straight_are_asked() {
    let mut room = Room::plain();
    let now = NOW + PRIVATE_AFTER_MS;
    room.step(NOW, Input::Tick);
    room.volunteers(NOW, &[1, 2]);
    room.member(NOW, 1, &[]);
    room.member(NOW, 2, &[]);
    room.member(NOW, 3, &[]);
    room.connect(NOW, 1, 1, &circuit(9));
    room.connect(NOW, 3, 3, DIRECT);
    assert_eq!(room.step(now, Input::Tick), []);
    // One who dialled this device is asked at an address that it told.
    room.step(
        now,
        Input::Address(peer(2), address("/ip4/127.0.0.1/tcp/1")),
    );
    room.step(now, Input::Address(peer(2), address(DIRECT)));
    let input = Input::Connected {
        peer: peer(2),
        id: connection(2),
        address: address("/ip4/45.0.0.9/tcp/33333"),
        dialled: false,
    };
    room.step(now, input);
    let asked = Effect::Reserve(peer(2), address(DIRECT));
    assert_eq!(room.step(now, Input::Tick), [asked]);
}

#[test]
fn who_is_reached_asks_nobody() {
    let now = NOW + PRIVATE_AFTER_MS;
    for exempt in [own(true, false), own(false, true)] {
        let mut room = with_relays(exempt);
        room.step(NOW, Input::Unreached(address(DIRECT)));
        room.step(NOW, Input::Tick);
        assert_eq!(room.step(now, Input::Tick), [], "{exempt:?}");
    }
    for (at, asked) in [(DIRECT, 0), (LAN, 2), (circuit(1).as_str(), 2)] {
        let mut room = with_relays(own(false, false));
        room.step(NOW, Input::Tick);
        room.step(NOW, Input::Confirmed(address(at)));
        assert_eq!(room.step(now, Input::Tick).len(), asked, "{at}");
    }
}

#[test]
fn who_is_known_to_be_private_asks_at_once() {
    let mut room = with_relays(own(false, false));
    room.step(NOW, Input::Unreached(address(LAN)));
    assert_eq!(room.step(NOW, Input::Tick), [], "that says nothing");
    room.step(NOW, Input::Unreached(address(DIRECT)));
    assert_eq!(room.step(NOW, Input::Tick).len(), 2);
    let mut room = with_relays(own(false, false));
    room.step(NOW, Input::Confirmed(address(OTHER)));
    room.step(NOW, Input::Unreached(address(DIRECT)));
    assert_eq!(room.step(NOW, Input::Tick), [], "another way is open");
}

#[test]
fn who_moved_waits_to_be_reached_again() {
    let mut room = with_relays(own(false, false));
    assert_eq!(room.listens(NOW, &[LAN]), []);
    room.step(NOW, Input::Confirmed(address(DIRECT)));
    room.step(NOW, Input::Confirmed(address("/ip6/2a01::1/tcp/9001")));
    assert_eq!(room.listens(NOW, &[LAN, DIRECT]), [], "nothing is gone");
    let moved = room.listens(NOW, &["/ip4/10.0.0.1/tcp/9001"]);
    assert_eq!(moved, [Effect::Disclaim(address(DIRECT))]);
    assert_eq!(room.step(NOW + PRIVATE_AFTER_MS, Input::Tick), []);
    let now = NOW + 3_600_000;
    room.step(now, Input::Expired(address("/ip6/2a01::1/tcp/9001")));
    assert_eq!(room.step(now + PRIVATE_AFTER_MS - 1, Input::Tick), []);
    assert_eq!(room.step(now + PRIVATE_AFTER_MS, Input::Tick).len(), 2);
}

#[test]
fn a_relay_claims_where_it_listens() {
    let mut room = Room::new(own(true, false));
    let loopback = "/ip4/127.0.0.1/tcp/9001";
    let claim = |at| Effect::Claim(address(at));
    let disclaim = |at| Effect::Disclaim(address(at));
    assert_eq!(room.listens(NOW, &[loopback]), [claim(loopback)]);
    assert_eq!(
        room.listens(NOW, &[loopback, DIRECT]),
        [disclaim(loopback), claim(DIRECT)]
    );
    assert_eq!(room.listens(NOW, &[loopback, DIRECT]), []);
    let mut named = Room::new(own(true, true));
    assert_eq!(named.listens(NOW, &[DIRECT]), [], "the owner's word counts");
    let mut plain = Room::plain();
    assert_eq!(plain.listens(NOW, &[DIRECT]), []);
}
