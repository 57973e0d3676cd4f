//! Leaving, and what remains.

use super::lab::{ALICE, BOB, agree, founder, joined, members, role, standing, three};
use std::path::PathBuf;
use weft_kit::{Device, wait};

/// Copies of the database beside it.
fn copies(device: &Device, why: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(device.home().path()).expect("the home");
    let begins = format!("weft.db.before-{why}-");
    entries
        .map(|e| e.expect("an entry").path())
        .filter(|p| {
            p.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with(&begins))
        })
        .collect()
}

#[test]
fn who_leaves_is_gone_everywhere_and_keeps_what_is_theirs() {
    let [alice, bob, carol] = three();
    let network = bob.network("network");
    let (device, key) = (bob.network("device"), members(&bob)[1].clone());
    bob.weft(["user", "set", "--idle-minutes", "7", "--timezone", "UTC"])
        .ok();
    let submit = [
        "task",
        "submit",
        "--name",
        "digest",
        "--workload",
        "log-digest",
        "--wait",
    ];
    let task = bob.json(submit);

    let left = bob.json(["network", "leave"]);
    assert_eq!(left["name"], format!("home of {BOB}"), "{left}");
    assert_eq!(
        (left["members"].as_u64(), left["role"].as_str()),
        (Some(1), Some("admin"))
    );
    assert_ne!(left["network"], *network);
    assert_eq!(left["device"], *device, "the device has its key still");
    assert_eq!(members(&bob), [(BOB.to_owned(), key.1, "admin".to_owned())]);
    assert_eq!(bob.json(["peers"]), serde_json::json!([]));
    let shown = bob.json(["task", "show", task["task"].as_str().expect("an id")]);
    assert_eq!(shown["status"], task["status"], "{shown}");
    let user = bob.json(["user", "show"]);
    assert!(user.to_string().contains("UTC"), "{user}");

    for other in [&alice, &carol] {
        wait("the others hear that he left", || {
            role(other, BOB).is_none().then_some(())
        });
    }
    agree(&[&alice, &carol]);

    // What the network was for him lies beside it.
    let copies = copies(&bob, "leave");
    assert_eq!(copies.len(), 1);
    let copy = rusqlite::Connection::open(&copies[0]).expect("a database");
    let then: String = copy
        .query_row("SELECT value FROM meta WHERE key = 'network'", [], |r| {
            r.get(0)
        })
        .expect("a network");
    assert_eq!(then, network);
    let newest = "SELECT kind FROM events ORDER BY id DESC LIMIT 1";
    let newest: String = copy.query_row(newest, [], |r| r.get(0)).expect("a log");
    assert_eq!(newest, "member-removed", "his farewell");

    let again = bob.refused(["network", "leave"]);
    assert_eq!((again.exit, again.code.as_str()), (4, "conflict"));
    assert_eq!(again.message, "this home is in no network but its own");
    assert_eq!(again.remedy, "weft network show");
}

#[test]
fn who_is_alone_in_a_network_keeps_it_as_their_own() {
    let mut alice = founder();
    let before = standing(&alice);
    alice.weft(["network", "leave"]).ok();
    assert_eq!(standing(&alice), before);
    assert_eq!(copies(&alice, "leave").len(), 0);
    alice.stop();
    assert_eq!(alice.refused(["network", "leave"]).code, "conflict");
}

#[test]
fn who_joined_but_never_got_the_log_can_leave() {
    let mut alice = founder();
    let mut bob = joined(&alice, BOB, &[]);
    bob.start();
    agree(&[&alice, &bob]);
    bob.stop();
    // As if the inviter had been cut off right after the answer.
    alice.kill();
    let database = rusqlite::Connection::open(bob.home().join("weft.db")).expect("the database");
    database.execute("DELETE FROM events", []).expect("no log");
    drop(database);
    let refusal = bob.refused(["vote", "open", "ocr", "--minutes", "30"]);
    assert_eq!(
        (refusal.exit, refusal.code.as_str()),
        (1, "unavailable"),
        "{refusal:?}"
    );
    assert_eq!(refusal.remedy, "connect to a member: weft start");
    assert_eq!(role(&bob, ALICE).as_deref(), Some("admin"));

    bob.weft(["network", "leave"]).ok();
    assert_ne!(bob.network("network"), alice.network("network"));
    assert_eq!(bob.network("role"), "admin");
    assert_eq!(members(&bob).len(), 1);
    bob.weft(["vote", "open", "ocr", "--minutes", "30"]).ok();
}
