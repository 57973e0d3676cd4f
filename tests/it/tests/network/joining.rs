//! Three homes become one network by one string each.

use super::lab::{ALICE, BOB, CAROL, founder, joined, meet, members, rows, text};
use weft_kit::{Device, Home, wait};

/// Columns of a terminal as it comes.
const COLUMNS: usize = 80;

#[test]
fn three_homes_become_one_network_by_one_string_each() {
    let alice = founder();
    let mut bob = joined(&alice, BOB, &[]);
    bob.start();
    // Her daemon runs already, and she joins under the name that her home has.
    let home = Home::new();
    home.weft(["init", "--user", CAROL]).ok();
    let mut carol = Device::of(home);
    carol.start();
    let answer = carol.json(["join", &alice.invite(&[])]);
    assert_eq!(answer["user"], CAROL, "{answer}");
    assert_eq!(answer["role"], "member", "{answer}");
    assert_eq!(answer["name"], "our-street", "{answer}");
    assert_eq!(answer["by"], *alice.network("device"), "{answer}");
    assert_eq!(answer["events"], 5, "the log is here: {answer}");

    // Bob and Carol were never told of each other.
    let all = [&alice, &bob, &carol];
    meet(&all);
    let expected = members(&alice);
    let names: Vec<&str> = expected.iter().map(|m| m.0.as_str()).collect();
    assert_eq!(names, [ALICE, BOB, CAROL]);
    for device in all {
        assert_eq!(members(device), expected);
        assert_eq!(device.network("network"), alice.network("network"));
        assert_eq!(device.network("name"), "our-street");
    }
    assert_eq!(bob.network("role"), "member");
    assert_eq!(alice.network("role"), "admin");

    for device in all {
        let own = device.network("device");
        let peers = wait("both peers are online", || {
            let peers = device.json(["peers"]);
            let online = rows(&peers).iter().filter(|p| p["online"] == true).count();
            (online == 2).then_some(peers)
        });
        for peer in rows(&peers) {
            let id = text(peer, "peer");
            assert!(id.starts_with("did:key:z6Mk") && id != own, "{peer}");
            assert_eq!(peer["path"], "lan", "{peer}");
            assert!(peer["last_seen"].is_string(), "{peer}");
            let user = text(peer, "user");
            assert!(names.contains(&user.as_str()), "{peer}");
        }
        let table = device.weft(["peers"]).ok().stdout;
        let widest = table.lines().map(|l| l.chars().count()).max();
        assert!(widest <= Some(COLUMNS), "{table}");
        assert_eq!(table.lines().count(), 4, "a line each: {table}");
        assert!(table.lines().any(|l| l.contains("lan")), "{table}");
    }
}

#[test]
fn who_starts_later_finds_everybody_and_a_copy_of_the_old_database_is_kept() {
    let mut alice = founder();
    let mut bob = joined(&alice, BOB, &[]);
    let copies = |device: &Device| {
        let names = std::fs::read_dir(device.home().path()).expect("the home");
        let names = names.map(|e| e.expect("an entry").file_name().display().to_string());
        names
            .filter(|n| n.starts_with("weft.db.before-join-"))
            .count()
    };
    assert_eq!(copies(&bob), 1);
    assert_eq!(copies(&alice), 0);
    bob.start();
    meet(&[&alice, &bob]);
    // Where a device listens stands in its adverts.
    let heard = |device: &Device| {
        wait("the other one's advert is kept", || {
            let peers = device.json(["peers"]);
            (rows(&peers).iter().any(|p| p["online"] == true)).then_some(())
        });
    };
    heard(&alice);
    // His invite is used up, and he needs none: either side finds the other again, wherever it listens now.
    alice.stop();
    wait("Bob is alone", || (bob.connected() == 0).then_some(()));
    alice.start();
    meet(&[&alice, &bob]);
    heard(&bob);
    bob.stop();
    bob.start();
    meet(&[&alice, &bob]);
}
