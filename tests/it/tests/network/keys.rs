//! Another key speaks for a member: because they say so, or because theirs is lost and the admins say so.

use super::lab::{BOB, agree, meet, members, rows, text, two};
use serde_json::Value;
use weft_kit::{Device, wait};

/// A member's row as a device has it.
fn row(device: &Device, user: &str) -> Value {
    let list = device.json(["members", "list"]);
    let row = rows(&list).iter().find(|m| m["user"] == user);
    row.expect("a member").clone()
}

/// Opens a vote at Alice's and waits until the others know of it.
fn open(alice: &Device, name: &str, others: &[&Device]) {
    alice.weft(["vote", "open", name, "--minutes", "30"]).ok();
    for device in others {
        wait("the vote is known", || {
            (device.weft(["vote", "show", name]).code == 0).then_some(())
        });
    }
}

fn cast(alice: &Device, name: &str) -> u64 {
    alice.json(["vote", "show", name])["cast"]
        .as_u64()
        .expect("a number")
}

#[test]
fn a_member_replaces_their_key_and_stays_who_they_are() {
    let [alice, mut bob] = two();
    let people = members(&alice);
    open(&alice, "before", &[&bob]);
    bob.weft(["vote", "cast", "before", "high"]).ok();
    let old = text(&bob.json(["key", "show", "owner"]), "did");
    let new = text(&bob.json(["key", "rotate", "owner"]), "did");
    assert_ne!(old, new);
    agree(&[&alice, &bob]);
    assert_eq!(members(&alice), people);
    assert_eq!(row(&alice, BOB)["key"], new);
    assert_eq!(row(&alice, BOB)["did"], old);
    assert_eq!(cast(&alice, "before"), 1, "what the old key said counts");

    // After a start it is the new key that votes, changes its mind, and lets devices in.
    bob.stop();
    bob.start();
    meet(&[&alice, &bob]);
    bob.weft(["vote", "cast", "before", "low"]).ok();
    open(&alice, "after", &[&bob]);
    bob.weft(["vote", "cast", "after", "high"]).ok();
    agree(&[&alice, &bob]);
    assert_eq!((cast(&alice, "before"), cast(&alice, "after")), (1, 1));
    let invite = bob.json(["devices", "add"]);
    let mut laptop = Device::new();
    let joined = laptop.json(["join", invite["invite"].as_str().expect("a string")]);
    assert_eq!(joined["user"], BOB);
    laptop.start();
    meet(&[&alice, &bob, &laptop]);

    // A copy of the home comes in by the new key, and by no other.
    bob.weft(["backup", "bob.tgz"]).ok();
    let archive = bob.home().join("bob.tgz").display().to_string();
    let mut restored = Device::of(weft_kit::Home::absent());
    restored.weft(["restore", &archive]).ok();
    let back = restored.json(["join", &alice.invite(&[])]);
    assert_eq!(back["user"], BOB, "{back}");
    restored.start();
    meet(&[&alice, &bob, &laptop, &restored]);
    assert_eq!(members(&alice), people);
    for device in [&alice, &bob, &laptop, &restored] {
        assert_eq!(device.json(["log", "stats"])["void"], 0);
        assert_eq!(device.json(["log", "verify"])["ok"], true);
    }
}

#[test]
fn a_lost_key_is_replaced_by_the_one_that_the_admins_vouch_for() {
    let [alice, bob] = two();
    let invite = bob.json(["devices", "add"]);
    let mut laptop = Device::new();
    laptop
        .weft(["join", invite["invite"].as_str().expect("a string")])
        .ok();
    laptop.start();
    meet(&[&alice, &bob, &laptop]);
    open(&alice, "ocr", &[&bob, &laptop]);
    let refused = laptop.refused(["vote", "cast", "ocr", "high"]);
    assert_eq!(refused.code, "refused");
    let nothing = alice.refused(["members", "rekey", BOB]);
    assert_eq!((nothing.exit, nothing.code.as_str()), (3, "not-found"));
    let his_own = bob.refused(["members", "rekey"]);
    assert_eq!((his_own.exit, his_own.code.as_str()), (4, "conflict"));

    laptop.weft(["members", "rekey"]).ok();
    agree(&[&alice, &bob, &laptop]);
    let key = text(&laptop.json(["key", "show", "owner"]), "did");
    assert_eq!(row(&alice, BOB)["asked"], serde_json::json!([key]));
    let no_admin = laptop.refused(["members", "rekey", BOB]);
    assert_eq!(no_admin.code, "refused");
    alice.weft(["members", "rekey", BOB]).ok();
    agree(&[&alice, &bob, &laptop]);
    assert_eq!(row(&bob, BOB)["key"], key);
    laptop.weft(["vote", "cast", "ocr", "high"]).ok();
    let lost = bob.refused(["vote", "cast", "ocr", "low"]);
    assert_eq!(
        lost.message,
        format!("the key of `{BOB}` is not in this home")
    );
    agree(&[&alice, &bob, &laptop]);
    assert_eq!(cast(&alice, "ocr"), 1);
}
