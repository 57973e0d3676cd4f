//! Two members behind routers of their own, and one on the internet who relays.

use super::{BOB, CAROL, agree, meet};
use weft_kit::wait;
use weft_net::{Lab, Nat, Node, ready};

/// Bytes of the content that is moved.
const CONTENT_BYTES: usize = 32 << 20;

/// Alice on the internet relays; Bob and Carol are behind routers. Each of them has a place at the relay.
pub struct Three {
    pub alice: Node,
    pub bob: Node,
    pub carol: Node,
    _lab: Lab,
}

pub fn three(nat: Nat) -> Three {
    let mut lab = Lab::new();
    let public = lab.public(1);
    let homes = [2, 3].map(|n| {
        let router = lab.router(n, nat);
        lab.behind(&router, n, 2)
    });
    let alice = Node::founder(&public, &[("MESH_RELAY", "true")]);
    let mut bob = Node::joined(&homes[0], &[], &alice, BOB);
    let mut carol = Node::joined(&homes[1], &[], &alice, CAROL);
    bob.start();
    carol.start();
    for node in [&bob, &carol] {
        wait("the relay gives a place", || {
            (node.count("reservations") >= 1).then_some(())
        });
    }
    meet(&[&alice, &bob, &carol]);
    Three {
        alice,
        bob,
        carol,
        _lab: lab,
    }
}

#[test]
fn two_behind_ordinary_routers_meet_through_a_relay_and_punch_through() {
    if !ready() {
        return;
    }
    let Three {
        alice, bob, carol, ..
    } = &three(Nat::Preserving);
    wait("the two reach each other directly", || {
        let paths = [bob.path(carol), carol.path(bob)];
        (paths == ["direct", "direct"]).then_some(())
    });
    let punched = [bob, carol].map(|node| node.count("hole_punched"));
    assert!(punched.iter().sum::<u64>() >= 1, "{punched:?}");
    assert_eq!(alice.path(bob), "direct");
    wait("the relayed connections are closed", || {
        let seen = bob.sees(carol).expect("a member");
        let text = seen["addresses"].to_string();
        (!text.contains("p2p-circuit")).then_some(())
    });
    let rate = carol.fetch(&bob.add(CONTENT_BYTES));
    println!("punched through two routers: {rate:.1} MB/s");
    assert_eq!(carol.path(bob), "direct");
    wait("people see it, too", || {
        let peers = carol.json(["peers"]);
        let mut peers = peers.as_array().expect("a list").iter();
        let row = peers.find(|p| p["peer"] == bob.did())?;
        (row["path"] == "direct").then_some(())
    });
    agree(&[alice, bob, carol]);
}

#[test]
fn two_behind_symmetric_routers_stay_relayed_and_say_so() {
    if !ready() {
        return;
    }
    let Three {
        alice, bob, carol, ..
    } = &three(Nat::Symmetric);
    for (node, other) in [(bob, carol), (carol, bob)] {
        assert_eq!(node.path(other), "relayed");
        let told = node.status("external").to_string();
        assert!(told.contains("/p2p-circuit"), "{told}");
    }
    wait("people see it, too", || {
        let peers = carol.json(["peers"]);
        let mut peers = peers.as_array().expect("a list").iter();
        let row = peers.find(|p| p["peer"] == bob.did())?;
        (row["path"] == "relayed").then_some(())
    });
    let relayed = carol.fetch(&bob.add(CONTENT_BYTES));
    let direct = carol.fetch(&alice.add(CONTENT_BYTES));
    println!("through the relay: {relayed:.1} MB/s, from the relay itself: {direct:.1} MB/s");
    assert_eq!(carol.path(bob), "relayed");
    assert_eq!(bob.count("hole_punched") + carol.count("hole_punched"), 0);
    agree(&[alice, bob, carol]);
}
