//! Cables that are pulled, packets that vanish, and neighbours without an address.

use super::{BOB, agree, meet, speak};
use std::time::Duration;
use weft_kit::{wait, wait_at_most};
use weft_net::{Lab, Nat, Node, ready};

/// Within this time a silent cut is noticed: the connection is silent for 11 seconds and closed, and by then the last advert is
/// stale, too, after 20. On a machine that does nothing else it takes less than 15; a process that gets no time notices later.
const NOTICED: Duration = Duration::from_secs(30);

#[test]
fn a_silent_cut_is_noticed_and_heals_by_itself() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new();
    let spaces = [1, 2].map(|n| lab.public(n));
    let alice = Node::founder(&spaces[0], &[]);
    let mut bob = Node::joined(&spaces[1], &[], &alice, BOB);
    bob.start();
    meet(&[&alice, &bob]);
    agree(&[&alice, &bob]);
    let (here, there) = (alice.did(), bob.did());
    spaces[1].cut();
    for (node, other) in [(&alice, &there), (&bob, &here)] {
        wait_at_most(NOTICED, "the cut is noticed", || {
            let peers = node.json(["peers"]);
            let mut peers = peers.as_array().expect("a list").iter();
            let row = peers.find(|p| p["peer"] == **other)?;
            let gone = row["online"] == false && row["path"] == "unreachable";
            (gone && node.count("connected") == 0).then_some(())
        });
    }
    speak(&alice, "ocr");
    speak(&bob, "chat");
    assert_ne!(alice.digest(), bob.digest());
    spaces[1].heal();
    meet(&[&alice, &bob]);
    agree(&[&alice, &bob]);
    assert_eq!(alice.path(&bob), "direct");
}

#[test]
fn a_node_that_starts_offline_catches_up_when_the_cable_is_plugged_in() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new();
    let spaces = [1, 2].map(|n| lab.public(n));
    let alice = Node::founder(&spaces[0], &[]);
    let mut bob = Node::joined(&spaces[1], &[], &alice, BOB);
    spaces[1].ip("link set wan down");
    (0..20).for_each(|n| speak(&alice, &format!("task-{n}")));
    bob.start();
    assert_eq!(bob.count("connected"), 0);
    assert_ne!(alice.digest(), bob.digest());
    spaces[1].ip("link set wan up");
    meet(&[&alice, &bob]);
    agree(&[&alice, &bob]);
}

#[test]
fn neighbours_without_an_address_find_each_other() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new();
    let router = lab.router(2, Nat::Preserving);
    let spaces = [2, 3].map(|host| lab.behind(&router, 2, host));
    let settings = [("MESH_MDNS", "true")];
    let mut alice = Node::founder(&spaces[0], &settings);
    let mut bob = Node::joined(&spaces[1], &settings, &alice, BOB);
    alice.kill();
    // All that they know of each other is where they were.
    for (space, host) in spaces.iter().zip([22, 33]) {
        space.ip("addr flush dev eth");
        space.ip(&format!("addr add 192.168.2.{host}/24 dev eth"));
        space.ip("route add default via 192.168.2.1");
    }
    alice.start();
    bob.start();
    meet(&[&alice, &bob]);
    wait("they are in one network", || {
        (alice.path(&bob) == "lan").then_some(())
    });
    agree(&[&alice, &bob]);
}
