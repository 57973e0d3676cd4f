//! A member who is removed is closed by all who hear of it, connected or not.

use super::lab::{BOB, CAROL, agree, founder, joined, members, role, three};
use std::time::{Duration, Instant};
use weft_kit::{wait, wait_at_most};

/// How soon a removal reaches connected devices.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn a_removed_member_is_closed_everywhere_within_five_seconds() {
    let [alice, bob, carol] = three();
    let device = carol.network("device");
    let invite = alice.invite(&[]);
    alice.weft(["members", "remove", CAROL]).ok();
    let begun = Instant::now();
    let left = |begun: Instant| SOON.saturating_sub(begun.elapsed());
    wait_at_most(left(begun), "Carol is connected to nobody", || {
        (carol.connected() == 0).then_some(())
    });
    for other in [&alice, &bob] {
        wait_at_most(
            left(begun),
            "the others are connected to each other alone",
            || {
                let status = other.json(["mesh", "status"]);
                let peers = status["peers"].as_array().expect("a list");
                let closed = peers.iter().all(|p| p["device"] != *device);
                (closed && status["connected"] == 1).then_some(())
            },
        );
    }
    println!("closed everywhere after {:?}", begun.elapsed());

    agree(&[&alice, &bob]);
    for other in [&alice, &bob] {
        assert_eq!(role(other, CAROL), None);
        let devices = other.json(["devices", "list"]);
        let row = devices.as_array().expect("a list");
        let row = row
            .iter()
            .find(|d| d["device"] == *device)
            .expect("its row");
        assert_eq!(
            (row["state"].as_str(), row["connected"].as_bool()),
            (Some("revoked"), Some(false))
        );
        let peers = other.json(["peers"]);
        let there = peers
            .as_array()
            .expect("a list")
            .iter()
            .any(|p| p["peer"] == *device);
        assert!(!there, "nothing is placed on it: {peers}");
    }
    wait("Carol's peers are known to be out of reach", || {
        let peers = carol.json(["peers"]);
        let up = peers
            .as_array()
            .expect("a list")
            .iter()
            .any(|p| p["online"] == true);
        (!up).then_some(())
    });
    wait("Carol, who tries again, is closed at the door", || {
        (alice.dropped("stranger") > 0 && bob.dropped("stranger") > 0).then_some(())
    });
    assert_eq!(carol.connected(), 0);

    // She has a home still: one of her own.
    carol.weft(["network", "leave"]).ok();
    assert_ne!(carol.network("network"), alice.network("network"));
    assert_eq!(members(&carol).len(), 1);
    assert_eq!(carol.network("role"), "admin");
    assert_eq!(carol.json(["peers"]), serde_json::json!([]));
    // And comes back only where she is invited again.
    let back = carol.json(["join", &invite, "--as", CAROL]);
    assert_eq!(back["role"], "member", "{back}");
}

#[test]
fn a_member_who_was_away_is_a_stranger_on_return() {
    let alice = founder();
    let mut bob = joined(&alice, BOB, &[]);
    bob.start();
    wait("Bob is connected", || (bob.connected() == 1).then_some(()));
    let before = agree(&[&alice, &bob]);
    bob.stop();
    alice.weft(["members", "remove", BOB]).ok();
    let strangers = alice.dropped("stranger");
    bob.start();
    wait("Bob is closed at the door", || {
        (alice.dropped("stranger") > strangers).then_some(())
    });
    assert_eq!(bob.connected(), 0);
    // Nobody tells him; what he holds is as old as his last visit.
    assert_eq!(bob.network("digest"), before);
    assert_ne!(alice.network("digest"), before);

    // What he says now reaches nobody.
    let open = ["vote", "open", "ocr", "--minutes", "30"];
    bob.weft(open).ok();
    let strangers = alice.dropped("stranger");
    wait("Bob tries again", || {
        (alice.dropped("stranger") > strangers).then_some(())
    });
    assert_eq!(alice.json(["vote", "show"]), serde_json::json!([]));
    assert_eq!(members(&alice).len(), 1);

    bob.weft(["network", "leave"]).ok();
    assert_eq!(members(&bob).len(), 1);
    assert_eq!(bob.network("role"), "admin");
}
